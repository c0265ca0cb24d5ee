//! The sweep's negative controls: rings that wedge, tear and lose are reported.

use super::acts::{Act, receiving, sending};
use super::drive::{Kind, Operation, Report};
use super::ledger::Ledger;
use super::stage::{Hands, World};
use super::trail::Points;
use super::vyukov::{self, Flaw, Vyukov};

const SEND: Act<Vyukov> = sending::<Vyukov, 1>();
const RECV: Act<Vyukov> = receiving::<Vyukov, 1>();

fn go_round(parties: &mut [Hands<Vyukov>], ledger: &mut Ledger) {
    ledger.laps(parties, true);
}

/// The same operations as are swept over the ring that is to be proven, as far as this one has them.
fn operations() -> Vec<Operation<Vyukov>> {
    vec![
        Operation::new("send, empty", &[], SEND),
        Operation::new("send, half full", &[1, 3], SEND),
        Operation::new("send, full", &[8], SEND),
        Operation::new("send 3, empty", &[], sending::<Vyukov, 3>()),
        Operation::new("recv, one by one", &[1, 1, 1], RECV),
        Operation::new("recv 3", &[5], receiving::<Vyukov, 3>()),
        Operation::new("recv, overtaken", &[8], RECV).midway(2, go_round),
    ]
}

fn swept(flaw: Flaw) -> Report {
    let kind = Kind {
        world: World::new(vyukov::BYTES),
        begin: Box::new(move |world| vyukov::begin(world, flaw)),
        revokes: true,
        again: false,
        walked: Default::default(),
    };
    let mut all = Report::default();
    for operation in operations() {
        let report = kind.sweep(&operation, Points::Changes);
        println!("control Vyukov {flaw:12?} {:18} {report}", operation.name);
        all.add(report);
    }
    crate::tell!("TOTAL control Vyukov {flaw:?}: {all}");
    all
}

#[test]
fn control_vyukovs_queue_wedges_and_does_nothing_worse() {
    let faults = swept(Flaw::None).faults;
    // A claim without a commit stops everybody; not so before the claim and behind the commit.
    assert!(faults.stuck > 20, "{faults}");
    assert_eq!(
        (faults.torn, faults.uncommitted),
        (0, 0),
        "{:?}",
        faults.first()
    );
}

#[test]
fn control_a_commit_before_the_message_is_torn() {
    let faults = swept(Flaw::CommitsFirst).faults;
    assert!(faults.torn > 0, "{faults}");
}

#[test]
fn control_a_slot_freed_before_its_message_is_copied_loses_it() {
    let faults = swept(Flaw::FreesFirst).faults;
    assert!(faults.torn + faults.lost + faults.repeated > 0, "{faults}");
    let honest = swept(Flaw::None).faults;
    assert!(
        honest.torn == 0 && faults.repeated > honest.repeated,
        "{faults}, {honest}"
    );
}
