//! Rings of many senders and receivers: batches. One word speaks for a run of slots, so nobody may begin inside one, however late it comes.

mod common;

use common::crowd::{Crowd, Ledger, ORDER, Rx, config, recv, recv_all, send, send_all, take};
use common::{Model, TORN};
use loom::thread;
use ringpad::mpmc::Recovery;

const SLOTS: u32 = 4;

/// Ways to take some of what is there.
type Way = (&'static str, fn(&mut Rx) -> Vec<u32>);

const WAYS: [Way; 4] = [
    ("one", |rx| recv(rx).into_iter().collect()),
    ("two together", |rx| recv_all(rx, 2)),
    ("all together", |rx| recv_all(rx, 4)),
    ("one by name", |rx| take(rx).into_iter().collect()),
];

/// A batch that fills the ring or leaves one slot; a receiver takes of it, while a sender from before sends, and a receiver from before
/// receives.
fn taken(way: Way, recovery: Recovery, batch: u32) -> Model {
    let name = format!("a batch of {batch}, {} taken, {recovery:?}", way.0);
    Model::new(&name, 2, move || {
        let (crowd, [a, b, _]) = Crowd::of_three(config(SLOTS).recovery(recovery));
        let mut ledger = Ledger::default();
        let (mut first, mut tx) = (crowd.tx(a), crowd.tx(a));
        let (mut rx, mut late) = (crowd.rx(b), crowd.rx(a));
        let all: Vec<_> = (16..16 + batch).collect();
        ledger.sent(send_all(&mut first, &all));
        let taker = thread::spawn(move || way.1(&mut rx));
        ledger.sent((32..34).filter(|&n| send(&mut tx, n)));
        ledger.got(&recv(&mut late).into_iter().collect::<Vec<_>>());
        ledger.got(&taker.join().unwrap());
        crowd.closes(a, ledger);
    })
}

#[test]
fn a_batch_is_taken_in_parts() {
    for way in WAYS {
        for recovery in [Recovery::Revoke, Recovery::ProofOnly] {
            taken(way, recovery, 4)
                .without_fences()
                .preemptions(2)
                .holds();
            taken(way, recovery, 3)
                .without_fences()
                .preemptions(1)
                .holds();
        }
    }
}

/// A batch is being sent: a receiver revokes it or gets of it, a sender from before sends, another receiver from before receives.
fn revoked(recovery: Recovery, batch: u32) -> Model {
    let name = format!("a batch of {batch} is sent, {recovery:?}");
    Model::new(&name, 2, move || {
        let (crowd, [a, b, _]) = Crowd::of_three(config(SLOTS).recovery(recovery));
        let mut ledger = Ledger::default();
        let (mut first, mut tx) = (crowd.tx(a), crowd.tx(b));
        let (mut rx, mut late) = (crowd.rx(b), crowd.rx(b));
        let sender = thread::spawn(move || {
            let batch: Vec<_> = (16..16 + batch).collect();
            send_all(&mut first, &batch)
        });
        ledger.sent(send(&mut tx, 32).then_some(32));
        ledger.got(&recv(&mut rx).into_iter().collect::<Vec<_>>());
        ledger.sent(send_all(&mut tx, &[33, 34]));
        ledger.got(&recv(&mut late).into_iter().collect::<Vec<_>>());
        ledger.sent(sender.join().unwrap());
        crowd.closes(b, ledger);
    })
}

#[test]
fn a_batch_is_revoked() {
    for recovery in [Recovery::Revoke, Recovery::ProofOnly] {
        revoked(recovery, 2).without_fences().preemptions(1).holds();
        revoked(recovery, 3).without_fences().preemptions(1).holds();
    }
    // RECLAIM: the words that a revoked sender left behind the first slot are before those of the next batch there.
    let model = revoked(Recovery::Revoke, 3).without_fences().preemptions(1);
    model.dies_without("reclaim", ORDER);
    for edge in ["publish", "observe"] {
        model.dies_without(edge, TORN);
    }
}
