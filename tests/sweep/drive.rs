//! One run after the other: the operation is begun anew, killed a point later than the last time, and what is left is judged.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;
use std::time::{Duration, Instant};

use crate::common::tracer::{BEGIN, END, Stop, Tracee};

use super::acts::Act;
use super::faults::Faults;
use super::ledger::Ledger;
use super::stage::{End, Hands, OTHER, SURVIVORS, VICTIM, World};
use super::trail::{Points, Trail, Trails};
use super::verdict::Case;

/// Passed through before, so that runs of messages go over the end of the ring.
pub const OFFSET: u64 = 5;

/// What becomes of another party that stands somewhere in its own call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Stopped; goes on in the end.
    Stopped,
    /// Killed, which nobody knows before the victim's death is known.
    Unknown,
    /// Killed, and known to be dead.
    Dead,
}

/// Another party, killed or stopped after so many changes of the region by its own call.
pub struct Standing<E> {
    pub act: Act<E>,
    pub changes: u64,
    pub fate: Fate,
}

/// What survivors do meanwhile.
pub type Meanwhile<E> = fn(&mut [Hands<E>], &mut Ledger);

/// What is swept.
pub struct Operation<E> {
    pub name: &'static str,
    /// Messages that are there before, sent together as these many.
    pub fill: &'static [usize],
    pub other: Option<Standing<E>>,
    /// What the survivors do before the victim begins.
    pub before: Meanwhile<E>,
    pub act: Act<E>,
    /// After so many changes the victim is stopped, and the survivors do this. Kills come behind it.
    pub midway: Option<(u64, Meanwhile<E>)>,
}

impl<E> Operation<E> {
    pub const fn new(name: &'static str, fill: &'static [usize], act: Act<E>) -> Self {
        Self {
            name,
            fill,
            other: None,
            before: |_, _| (),
            act,
            midway: None,
        }
    }

    pub const fn behind(mut self, act: Act<E>, changes: u64, fate: Fate) -> Self {
        self.other = Some(Standing { act, changes, fate });
        self
    }

    pub const fn after(mut self, before: Meanwhile<E>) -> Self {
        self.before = before;
        self
    }

    pub const fn midway(mut self, changes: u64, then: Meanwhile<E>) -> Self {
        self.midway = Some((changes, then));
        self
    }
}

/// What a sweep did and found.
#[derive(Clone, Debug, Default)]
pub struct Report {
    pub points: u64,
    pub kills: u64,
    pub steps: u64,
    pub faults: Faults,
    pub took: Duration,
}

impl Report {
    pub fn add(&mut self, other: Report) {
        self.points += other.points;
        self.kills += other.kills;
        self.steps += other.steps;
        self.faults.add(other.faults);
        self.took += other.took;
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            points,
            kills,
            steps,
            faults,
            ..
        } = self;
        write!(
            f,
            "{points:4} points, {kills:4} kills, {steps:6} steps, {faults}"
        )?;
        write!(f, ", {:.2} s", self.took.as_secs_f64())
    }
}

/// Makes an empty ring in a cleared world, and all parties at it.
pub type Begin<E> = Box<dyn Fn(&World) -> Vec<Hands<E>>>;

/// By the operation's name, and what there was before it.
pub type Walked = RefCell<HashMap<(&'static str, (u64, u64)), Trail>>;

/// A ring of some kind: how it is begun, and what it promises.
pub struct Kind<E> {
    pub world: World,
    pub begin: Begin<E>,
    pub revokes: bool,
    pub again: bool,
    /// Ways that were walked, and from which state.
    pub walked: Walked,
}

impl<E: End> Kind<E> {
    /// Begins an act, and stops before its first instruction.
    fn start(&self, act: Act<E>, hands: &mut Hands<E>) -> Tracee {
        let mut tracee = Tracee::fork(|| (act.run)(hands));
        assert_eq!(tracee.run(), Stop::Mark(BEGIN));
        tracee
    }

    /// Fills the ring; the ledger knows of every message that is in it.
    fn fill(&self, operation: &Operation<E>) -> (Vec<Hands<E>>, Ledger) {
        let mut parties = (self.begin)(&self.world);
        let mut ledger = Ledger::default();
        let first = &mut parties[SURVIVORS[0]];
        for _ in 0..OFFSET {
            assert!(ledger.send(first, 1) == 1 && ledger.recv(first, 1) == 1);
        }
        let from = first.next;
        for &together in operation.fill {
            assert_eq!(ledger.send(first, together), together, "a prepared message");
        }
        ledger.set_up(from, OFFSET);
        (parties, ledger)
    }

    /// Everything up to the victim's first instruction, or to where survivors have overtaken it.
    fn set_out(&self, operation: &Operation<E>, trails: &mut Trails) -> Run<E> {
        let (mut parties, mut ledger) = self.fill(operation);
        ledger.victim_goes_on();
        let mut other = operation.other.as_ref().map(|standing| {
            let mut tracee = self.start(standing.act, &mut parties[OTHER]);
            trails
                .other
                .follow(&mut tracee, self.world, standing.changes);
            if standing.fate == Fate::Stopped {
                return Some(tracee);
            }
            tracee.kill(); // Waited for: from here on it is dead.
            None
        });
        (operation.before)(&mut parties, &mut ledger);
        if operation
            .other
            .as_ref()
            .is_some_and(|it| it.fate == Fate::Dead)
        {
            self.world.notes.declare_dead(OTHER);
        }
        ledger.victim_goes_on();
        let mut victim = self.start(operation.act, &mut parties[VICTIM]);
        if let Some((changes, then)) = operation.midway {
            trails.midway.follow(&mut victim, self.world, changes);
            then(&mut parties, &mut ledger);
            ledger.victim_goes_on();
        }
        let other = other.take().flatten();
        Run {
            parties,
            ledger,
            other,
            victim,
        }
    }

    pub fn sweep(&self, operation: &Operation<E>, points: Points) -> Report {
        let (mut report, began) = (Report::default(), Instant::now());
        let mut case = Case::new(self, operation);
        let mut trails = Trails::default();
        let mut survey = self.set_out(operation, &mut trails);
        // From the same state the same call goes the same way: stopped or killed unknown is all one to the victim.
        let state = (operation.name, self.world.state());
        let mut walked = self.walked.borrow_mut();
        let known = walked.remove(&state).filter(|_| operation.midway.is_none());
        let trail = known.unwrap_or_else(|| {
            let trail = Trail::walk(&mut survey.victim, self.world, points, None);
            report.steps = trail.steps;
            trail
        });
        drop(survey);
        report.points = trail.places.len() as u64;
        for point in 0..=report.points + 1 {
            let mut run = self.set_out(operation, &mut trails);
            if point > report.points {
                assert_eq!(run.victim.run(), Stop::Mark(END));
            } else if point > 0 {
                trail.places[point as usize - 1].reach(&mut run.victim, self.world);
            }
            run.victim.kill();
            report.kills += 1 + u64::from(operation.other.is_some() && run.other.is_none());
            let untouched = point == 0 && operation.midway.is_none();
            let faults = case.judge(&mut run.parties, run.ledger, run.other, untouched);
            let place = format_args!("{}, point {point}", operation.name);
            report.faults.add(faults.at(place));
        }
        walked.insert(state, trail);
        report.took = began.elapsed();
        report
    }
}

/// One run, with everybody where it stands.
struct Run<E> {
    parties: Vec<Hands<E>>,
    ledger: Ledger,
    other: Option<Tracee>,
    victim: Tracee,
}
