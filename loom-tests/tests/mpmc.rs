//! Rings of many senders and receivers, one message at a time: each comes once, whole, in its sender's order, and nothing wedges.

mod common;

use common::Model;
use common::crowd::{Crowd, EVERY, Ledger, config, recv, send};
use loom::thread;
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
    for rules in EVERY {
        for full in [0, 2] {
            two_senders(rules, full).preemptions(1).holds();
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
    for rules in EVERY {
        for full in [0, 2] {
            two_receivers(rules, full).preemptions(1).holds();
        }
    }
}
