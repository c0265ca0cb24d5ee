//! The table of operations.
//!
//! What else a party can do to a ring is an [`Act`] (`acts.rs`) and a line in one of the lists here. A kind of another shape
//! gets a stage of its own beside `rings.rs`, and a judge like that of `table.rs`, which shares the trail.

use super::acts::{
    ACKNOWLEDGE, Act, DROP, RECV_ALL, TAKE, TAKE_AND_ACKNOWLEDGE, receiving, sending,
};
use super::drive::{Fate, Kind, Operation, Report};
use super::ledger::Ledger;
use super::rings::{self, Both, MODES, Mode};
use super::stage::{Hands, OTHER, SURVIVORS};
use super::trail::Points;

const SEND: Act<Both> = sending::<Both, 1>();
const SEND_3: Act<Both> = sending::<Both, 3>();
const SEND_8: Act<Both> = sending::<Both, 8>();
const RECV: Act<Both> = receiving::<Both, 1>();
const RECV_2: Act<Both> = receiving::<Both, 2>();
const RECV_3: Act<Both> = receiving::<Both, 3>();

/// A ring in this mode.
pub fn kind(mode: Mode) -> Kind<Both> {
    Kind {
        world: rings::world(),
        begin: Box::new(move |world| rings::begin(world, mode)),
        revokes: mode.revokes(),
        again: mode.again(),
        walked: Default::default(),
    }
}

/// One call alone, of those that do not care what becomes of messages that were taken.
fn sends() -> Vec<Operation<Both>> {
    vec![
        Operation::new("send, empty", &[], SEND),
        Operation::new("send, half full", &[1, 3], SEND),
        Operation::new("send, nearly full", &[3, 1, 3], SEND),
        Operation::new("send, full", &[8], SEND),
        Operation::new("send 3, empty", &[], SEND_3),
        Operation::new("send 3, nearly full", &[3, 3], SEND_3),
        Operation::new("send 8, empty", &[], SEND_8),
        Operation::new("recv, one by one", &[1, 1, 1], RECV),
        Operation::new("recv, of a run", &[3], RECV),
        Operation::new("recv 2, of a run", &[5], RECV_2),
    ]
}

/// And of those that do.
fn takes() -> Vec<Operation<Both>> {
    vec![
        Operation::new("recv 3, of a run", &[5], RECV_3),
        Operation::new("recv 8, of a run", &[8], RECV_ALL),
        Operation::new("recv 8, of several", &[1, 4, 3], RECV_ALL),
        Operation::new("take", &[1, 1], TAKE),
        Operation::new("take, of a run", &[4], TAKE),
        Operation::new("acknowledge", &[1, 1], ACKNOWLEDGE),
        Operation::new("drop of a taken", &[1, 1], DROP),
    ]
}

/// One of each, where they do not differ.
fn either() -> Vec<Operation<Both>> {
    vec![
        Operation::new("send 3, nearly full", &[3, 3], SEND_3),
        Operation::new("recv 3, of a run", &[5], RECV_3),
        Operation::new("take", &[1, 1], TAKE),
    ]
}

/// Lets the survivors go round.
fn go_round(parties: &mut [Hands<Both>], ledger: &mut Ledger) {
    ledger.laps(parties, true);
}

/// A survivor receives: a slot that is being written in front of it is revoked.
fn receive(parties: &mut [Hands<Both>], ledger: &mut Ledger) {
    ledger.recv(&mut parties[SURVIVORS[1]], 1);
}

/// Somebody stands in the way, stopped or killed.
fn in_the_way(mode: Mode) -> Vec<Operation<Both>> {
    let mut all = Vec::new();
    let fates: &[Fate] = match (mode.revokes(), mode.again()) {
        (true, true) => &[Fate::Stopped, Fate::Unknown, Fate::Dead],
        (true, false) => &[Fate::Stopped, Fate::Dead],
        (false, _) => &[Fate::Dead],
    };
    for &fate in fates {
        // What senders come upon is the same whatever becomes of messages, but for what the dead had taken.
        if mode.again() || mode.revokes() && fate == Fate::Dead {
            all.extend([
                Operation::new("send past one held", &[1], SEND)
                    .behind(TAKE_AND_ACKNOWLEDGE, 2, fate)
                    .after(fill_behind),
                Operation::new("send 3 past a run held", &[3], SEND_3)
                    .behind(RECV_3, 2, fate)
                    .after(fill_behind),
            ]);
        }
        all.push(
            Operation::new("recv 3 past a run written", &[], RECV_3)
                .behind(SEND_3, 9, fate)
                .after(send_run),
        );
        // Each by itself: where nothing is revoked and nothing comes again, the run stands for both.
        if mode.again() || mode.revokes() {
            all.extend([
                Operation::new("recv past one written", &[], RECV)
                    .behind(SEND, 3, fate)
                    .after(send_two),
                Operation::new("take past one written", &[], TAKE_AND_ACKNOWLEDGE)
                    .behind(SEND, 1, fate)
                    .after(send_two),
            ]);
        }
    }
    if mode.revokes() && mode.again() {
        // A writer was revoked, and stands in the way of senders a lap later.
        for &fate in fates {
            all.push(
                Operation::new("send past one revoked", &[], SEND)
                    .behind(SEND, 3, fate)
                    .after(revoke_and_fill),
            );
        }
    }
    if mode.again() {
        all.extend([
            Operation::new("recv, orphans of a run", &[4], RECV_3)
                .behind(RECV_3, 2, Fate::Dead)
                .after(orphan),
            Operation::new("take, orphans of a run", &[4], TAKE_AND_ACKNOWLEDGE)
                .behind(RECV_3, 2, Fate::Dead)
                .after(orphan),
        ]);
    }
    all
}

/// The ring is full but for what is held in front: who sends comes upon that.
fn fill_behind(parties: &mut [Hands<Both>], ledger: &mut Ledger) {
    let [first, _] = SURVIVORS;
    while ledger.send(&mut parties[first], 1) > 0 {
        // Up to the slot in front, without passing over it.
        if parties[first].next % 8 == LAST_BEFORE {
            break;
        }
    }
    // One is free behind it.
    ledger.recv(&mut parties[first], 1);
    ledger.recv(&mut parties[first], 1);
    ledger.recv(&mut parties[first], 1);
}

/// A ring begins at 5: after so many sends the next is the slot at 5 again.
const LAST_BEFORE: u64 = 5;

/// The other's slot is revoked; what was sent behind it is received, and the ring is filled up to it.
fn revoke_and_fill(parties: &mut [Hands<Both>], ledger: &mut Ledger) {
    let one = &mut parties[SURVIVORS[0]];
    for (sends, receives) in [(2, 2), (5, 3)] {
        (0..sends).for_each(|_| assert_eq!(ledger.send(one, 1), 1));
        (0..receives).for_each(|_| assert_eq!(ledger.recv(one, 1), 1));
    }
}

fn send_two(parties: &mut [Hands<Both>], ledger: &mut Ledger) {
    (0..2).for_each(|_| assert_eq!(ledger.send(&mut parties[SURVIVORS[0]], 1), 1));
}

fn send_run(parties: &mut [Hands<Both>], ledger: &mut Ledger) {
    assert_eq!(ledger.send(&mut parties[SURVIVORS[0]], 3), 3);
}

/// The dead one is known, and a sender has come upon what it held: it comes again to whoever looks.
fn orphan(parties: &mut [Hands<Both>], ledger: &mut Ledger) {
    parties[0].notes.declare_dead(OTHER);
    fill_behind(parties, ledger);
}

/// A call is stopped in its midst, overtaken by others, goes on and is killed: for a sender, the retreat.
fn overtaken() -> Vec<Operation<Both>> {
    let mut all = Vec::new();
    for changes in 1..=4 {
        all.push(Operation::new("send, revoked", &[], SEND).midway(changes, receive));
        all.push(Operation::new("send, overtaken", &[1], SEND).midway(changes, go_round));
    }
    for changes in [1, 5, 10] {
        all.push(Operation::new("send 3, revoked", &[], SEND_3).midway(changes, receive));
        all.push(Operation::new("send 3, overtaken", &[1], SEND_3).midway(changes, go_round));
    }
    for changes in [1, 2, 3] {
        all.push(Operation::new("recv 3, overtaken", &[4], RECV_3).midway(changes, go_round));
    }
    all.push(Operation::new("recv, overtaken", &[1, 1], RECV).midway(1, go_round));
    all.push(Operation::new("take, overtaken", &[1, 1], TAKE_AND_ACKNOWLEDGE).midway(2, go_round));
    all.push(Operation::new("drop, overtaken", &[1, 1], DROP).midway(0, go_round));
    all.push(Operation::new("acknowledge, overtaken", &[1, 1], ACKNOWLEDGE).midway(0, go_round));
    all
}

/// One is stopped somewhere in its call, beside it another is killed.
fn beside() -> Vec<Operation<Both>> {
    let mut all = Vec::new();
    for changes in 1..=5 {
        all.push(Operation::new("send beside a sender", &[1], SEND).behind(
            SEND,
            changes,
            Fate::Stopped,
        ));
        all.push(
            Operation::new("recv beside a sender", &[], RECV)
                .behind(SEND, changes, Fate::Stopped)
                .after(send_two),
        );
    }
    for changes in 1..=4 {
        let stopped = |operation: Operation<Both>| operation.behind(RECV_3, changes, Fate::Stopped);
        all.push(stopped(Operation::new(
            "recv beside a receiver",
            &[5],
            RECV,
        )));
        all.push(stopped(Operation::new(
            "recv 3 beside a receiver",
            &[3, 3],
            RECV_3,
        )));
        all.push(stopped(Operation::new(
            "send beside a receiver",
            &[5],
            SEND,
        )));
    }
    all
}

fn report(mode: Mode, operations: &[Operation<Both>]) -> Report {
    let kind = kind(mode);
    let mut all = Report::default();
    for operation in operations {
        let report = kind.sweep(operation, Points::wanted());
        println!("{mode:21} {:26} {report}", operation.name);
        all.add(report);
    }
    all
}

/// One line for all of them, and no fault.
fn all_well(what: &str, reports: impl IntoIterator<Item = Report>) {
    let mut all = Report::default();
    reports.into_iter().for_each(|report| all.add(report));
    crate::tell!("TOTAL {what}: {all}");
    assert_eq!(all.faults.first(), None);
}

#[test]
fn who_is_killed_sending_or_receiving_leaves_nothing_behind() {
    // Nobody stands in the way: how a ring recovers makes no difference, and what becomes of messages only to those who take.
    let sends = [report(MODES[0], &sends())];
    let takes = [MODES[0], MODES[1]].map(|mode| report(mode, &takes()));
    let others = [MODES[2], MODES[3]].map(|mode| report(mode, &either()));
    let all = sends.into_iter().chain(takes).chain(others);
    all_well("calls alone", all);
}

#[test]
fn who_is_killed_where_others_stand_in_the_way_leaves_nothing_behind() {
    all_well(
        "in the way",
        MODES.map(|mode| report(mode, &in_the_way(mode))),
    );
}

#[test]
fn who_is_overtaken_and_killed_in_its_retreat_leaves_nothing_behind() {
    all_well("overtaken", [report(MODES[0], &overtaken())]);
}

#[test]
fn who_is_killed_beside_one_that_is_stopped_leaves_nothing_behind() {
    all_well("beside", [report(MODES[0], &beside())]);
}
