//! What survivors find behind a kill, and whether it is what they may find.

use std::collections::BTreeSet;

use crate::common::tracer::{END, Stop, Tracee};

use super::acts::Act;
use super::drive::{Fate, Kind, Operation};
use super::faults::Faults;
use super::ledger::Ledger;
use super::message::name;
use super::stage::{End, Hands, OTHER, SLOTS, VICTIM};

/// What is judged, and what earlier kill points of the same operation left.
pub struct Case<'k, E> {
    kind: &'k Kind<E>,
    operation: &'k Operation<E>,
    /// Prepared messages that survivors did not get.
    gone: BTreeSet<u64>,
    /// Messages of the victim's that arrived: once committed, always committed.
    arrived: BTreeSet<u64>,
    /// How many of them arrived, where it was some.
    pieces: BTreeSet<usize>,
}

impl<'k, E: End> Case<'k, E> {
    pub fn new(kind: &'k Kind<E>, operation: &'k Operation<E>) -> Self {
        Self {
            kind,
            operation,
            gone: BTreeSet::new(),
            arrived: BTreeSet::new(),
            pieces: BTreeSet::new(),
        }
    }

    fn other_is(&self, fate: Fate) -> bool {
        let other = self.operation.other.as_ref();
        other.is_some_and(|other| other.fate == fate)
    }

    /// The victim is dead. `untouched`: it was killed before its first instruction.
    pub fn judge(
        &mut self,
        parties: &mut [Hands<E>],
        mut ledger: Ledger,
        other: Option<Tracee>,
        untouched: bool,
    ) -> Faults {
        let mut faults = Faults::default();
        let (kind, operation) = (self.kind, self.operation);
        let others = operation.other.as_ref().map_or(0, |it| it.act.holds());
        let mut laps = |ledger: &mut Ledger, demanded: bool, when: &str| {
            if !ledger.laps(parties, demanded) && demanded {
                faults.stuck(format!("survivors are stuck {when}"));
            }
        };
        // Nobody knows yet. As long as slots remain the others go on, where that is promised.
        let known = self.other_is(Fate::Dead);
        let held = operation.act.holds() + if known { 0 } else { others };
        laps(
            &mut ledger,
            kind.revokes && held < SLOTS,
            "before the death is known",
        );
        kind.world.notes.declare_dead(VICTIM);
        if self.other_is(Fate::Unknown) {
            kind.world.notes.declare_dead(OTHER);
        }
        let free = other.is_none() || kind.revokes && others < SLOTS;
        laps(&mut ledger, free, "when the death is known");
        if let Some(mut other) = other {
            assert_eq!(other.run(), Stop::Mark(END), "whoever was stopped goes on");
            laps(&mut ledger, true, "when the stopped one went on");
            other.kill();
        }
        let filled = ledger.fill_up(parties);
        if filled != SLOTS {
            faults.stuck(format!("{filled} slots can be filled again"));
        }
        self.settle(&mut faults, &mut ledger, untouched);
        faults
    }

    fn settle(&mut self, faults: &mut Faults, ledger: &mut Ledger, untouched: bool) {
        let notes = self.kind.world.notes;
        for party in [VICTIM, OTHER] {
            ledger.note(&notes.names(party));
        }
        // What may be gone with the dead.
        let fate = usize::from(!self.kind.again);
        let lost_with = |act: &Act<E>, party| match notes.has_returned(party) {
            true => 0,
            false => act.takes[fate],
        };
        let mut allowed = 0;
        let act = &self.operation.act;
        if !untouched || act.holds_one && !self.kind.again {
            allowed += lost_with(&self.operation.act, VICTIM);
        }
        let own = self.arrivals(faults, ledger, VICTIM, self.operation.act.sends, untouched);
        // What goes over the end of the ring is committed in two pieces; each as a whole.
        if !own.is_empty() {
            self.pieces.insert(own.len());
        }
        if !self.arrived.is_subset(&own) || self.pieces.len() > 2 {
            faults.lost(format!(
                "of {:x?} of the victim's {own:x?} arrive",
                self.arrived
            ));
        }
        self.arrived = own;
        if let Some(other) = &self.operation.other {
            allowed += lost_with(&other.act, OTHER);
            self.arrivals(faults, ledger, OTHER, other.act.sends, false);
        }
        let mut missing = ledger.missing();
        // What another had committed when it was stopped, the victim may have taken.
        let others = (0..notes.sent_by(OTHER)).map(|number| name(OTHER, number));
        missing.extend(others.filter(|name| !ledger.has(*name)));
        if missing.len() > allowed {
            faults.lost(format!("{missing:x?} are gone, and {allowed} may be"));
        }
        let gone = ledger.not_for_survivors();
        if !self.gone.is_subset(&gone) {
            faults.lost(format!(
                "{:x?} were taken, a point later {gone:x?}",
                self.gone
            ));
        }
        self.gone = gone;
        ledger.settle(faults);
    }

    /// Which of a party's own messages arrived; those that had to, did, and no others.
    fn arrivals(
        &self,
        faults: &mut Faults,
        ledger: &mut Ledger,
        party: usize,
        sends: usize,
        untouched: bool,
    ) -> BTreeSet<u64> {
        let notes = self.kind.world.notes;
        let own = (0..sends as u64).map(|number| name(party, number));
        let arrived: BTreeSet<u64> = own.filter(|name| ledger.has(*name)).collect();
        let whole: BTreeSet<u64> = (0..notes.sent_by(party)).map(|n| name(party, n)).collect();
        if party == VICTIM && notes.has_returned(party) && !whole.is_subset(&arrived) {
            faults.lost(format!("{whole:x?} were sent, {arrived:x?} arrive"));
        }
        let settled = untouched || notes.has_returned(party);
        if settled && !arrived.is_subset(&whole) {
            faults.uncommitted(format!("{whole:x?} were sent, {arrived:x?} arrive"));
        }
        for name in &arrived {
            ledger.allow(*name);
        }
        arrived
    }
}
