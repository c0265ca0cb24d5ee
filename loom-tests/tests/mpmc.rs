//! Rings of many senders and receivers, one message at a time: each comes once, whole, in its sender's order, and nothing wedges.

mod common;

use common::crowd::{Crowd, EVERY, Ledger, Message, config, message, number, recv, send};
use common::world::Pipes;
use common::{ASLEEP, Model, TORN, saw};
use loom::thread;
use ringpad::Sleeper;
use ringpad::mpmc::{Delivery, Recovery};

/// Two senders of one message each and a receiver; the ring holds `full` before, which come first.
fn two_senders(rules: (Recovery, Delivery), full: u32) -> Model {
    let name = format!("two senders, {full} before, {rules:?}");
    Model::new(&name, 3, move || {
        let config = config(2).recovery(rules.0).delivery(rules.1);
        let (crowd, [a, b, c]) = Crowd::of_three(config);
        let mut ledger = Ledger::default();
        let mut before = crowd.tx(c);
        ledger.sent((48..48 + full).filter(|&n| send(&mut before, n)));
        let senders = [(a, 16), (b, 32)].map(|(me, n)| {
            let mut tx = crowd.tx(me);
            thread::spawn(move || send(&mut tx, n).then_some(n))
        });
        let mut rx = crowd.rx(c);
        let got: Vec<_> = (0..2).filter_map(|_| recv(&mut rx)).collect();
        for sender in senders {
            ledger.sent(sender.join().unwrap());
        }
        ledger.got(&got);
        crowd.closes(c, ledger);
    })
}

#[test]
fn two_send_and_one_receives() {
    for rules in [EVERY[0], EVERY[3]] {
        for full in [0, 2] {
            two_senders(rules, full)
                .without_fences()
                .preemptions(1)
                .holds();
        }
    }
}

/// One sender and two receivers.
fn two_receivers(rules: (Recovery, Delivery), full: u32) -> Model {
    let name = format!("two receivers, {full} before, {rules:?}");
    Model::new(&name, 3, move || {
        let config = config(2).recovery(rules.0).delivery(rules.1);
        let (crowd, [a, b, c]) = Crowd::of_three(config);
        let mut ledger = Ledger::default();
        let mut tx = crowd.tx(a);
        ledger.sent((16..16 + full).filter(|&n| send(&mut tx, n)));
        let receivers = [b, c].map(|me| {
            let mut rx = crowd.rx(me);
            thread::spawn(move || recv(&mut rx).into_iter().collect::<Vec<_>>())
        });
        ledger.sent((18..19).filter(|&n| send(&mut tx, n)));
        for receiver in receivers {
            ledger.got(&receiver.join().unwrap());
        }
        crowd.closes(c, ledger);
    })
}

#[test]
fn one_sends_and_two_receive() {
    for rules in [EVERY[0], EVERY[3]] {
        for full in [0, 2] {
            two_receivers(rules, full)
                .without_fences()
                .preemptions(1)
                .holds();
        }
    }
}

/// A slow sender is revoked at any moment; its slot goes to another message while it may still write, and then it sends again.
fn revoked(at: u64) -> Model {
    Model::new(&format!("revoked at {at:#x}"), 2, move || {
        let (crowd, [a, b, _]) = Crowd::of_three_at(config(2), at);
        let mut ledger = Ledger::default();
        let (mut slow, mut tx, mut rx) = (crowd.tx(a), crowd.tx(b), crowd.rx(b));
        let others = thread::spawn(move || {
            let (mut sent, mut got) = (Vec::new(), Vec::new());
            // Behind the slow one; then it is revoked, and its slot another's as soon as it has given it back.
            for n in 32..34 {
                sent.extend(send(&mut tx, n).then_some(n));
                got.extend(recv(&mut rx));
                // The slow one may go on here.
                thread::yield_now();
            }
            sent.extend(send(&mut tx, 34).then_some(34));
            (sent, got)
        });
        ledger.sent(send(&mut slow, 16).then_some(16));
        let (sent, got) = others.join().unwrap();
        ledger.sent(sent).got(&got);
        crowd.closes(b, ledger);
    })
}

/// RELEASE/RECLAIM: the revoked sender's words are before those of whoever has the slot next. Of readers the checker cannot show it: it runs
/// no load later than the program says.
#[test]
fn a_sender_is_revoked() {
    revoked(0).without_fences().preemptions(1).holds();
    let model = revoked(0).without_fences().preemptions(2);
    model.dies_without("publish", TORN);
    model.dies_without("observe", TORN);
    // What the revoked sender wrote comes in the place of what its slot's next one did.
    model.dies_without("release", "16 came");
    // Without RECLAIM the model of a revoked batch dies, in mpmc_runs.rs.
}

/// Where 32 bits of a position, and where all that words hold, begin again.
#[test]
fn positions_wrap() {
    for at in [(1 << 32) - 2, (1 << 61) - 2, u64::MAX - 1] {
        revoked(at).without_fences().preemptions(1).holds();
    }
}

/// ARM/RING: a receiver that armed and looked again misses no commit.
#[test]
fn a_receiver_sleeps_until_there_is_a_message() {
    let model = Model::new("a receiver sleeps", 2, || {
        let (crowd, [a, b, _]) = Crowd::of_three(config(2));
        let pipes = Pipes::new();
        let tx = crowd.tx(a).ringing(a, pipes.clone());
        let (mut tx, mut rx) = (tx.unwrap(), crowd.rx(b));
        let mut sleeper = Sleeper::of(b).unwrap();
        let sender = thread::spawn(move || {
            while tx.try_send(message(16)).is_err() {
                thread::yield_now();
            }
        });
        let bells = [rx.bell()];
        let mut armed = sleeper.arm(&bells).unwrap();
        let found: Message = loop {
            if let Some(found) = rx.try_recv() {
                break found;
            }
            pipes.sleep(b.id());
            armed.again();
        };
        assert_eq!(number(found), 16);
        saw("found");
        sender.join().unwrap();
    })
    .preemptions(2)
    .sees(&["asleep", "rung", "found"]);
    model.holds();
    model.dies_without("arm", ASLEEP);
    model.dies_without("ring", ASLEEP);
}
