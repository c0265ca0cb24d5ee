//! The typed ring.
mod common;

use common::world::ring;
use common::{Model, RACE};
use loom::thread;

const EDGES: [&str; 4] = ["publish", "observe", "release", "reclaim"];

fn one_by_one(at: u32, items: u32) -> Model {
    Model::new(&format!("one by one from {at}"), 2, move || {
        let (_room, mut tx, mut rx) = ring(2, at);
        let producer = thread::spawn(move || {
            (0..items)
                .take_while(|&n| {
                    (0..4).any(|_| tx.push(n).inspect_err(|_| thread::yield_now()).is_ok())
                })
                .count() as u32
        });
        let mut next = 0;
        for _ in 0..4 {
            match rx.pop() {
                Some(n) => {
                    assert_eq!(n, next);
                    next += 1
                }
                None => thread::yield_now(),
            }
        }
        let sent = producer.join().unwrap();
        while let Some(n) = rx.pop() {
            assert_eq!(n, next);
            next += 1
        }
        assert_eq!(next, sent);
    })
}

#[test]
fn holds() {
    one_by_one(0, 2).preemptions(4).holds();
    one_by_one(0, 3).preemptions(2).holds();
    one_by_one(0, 3).preemptions(3).holds();

    for e in EDGES {
        one_by_one(0, 3).dies_without(e, RACE);
    }
}
