//! The typed ring: what was committed arrives in order, what was not never does, and a slot is never read
//! and written at once; also while either end dies at any of its writes and is taken over.

mod common;

use common::world::{World, if_free, ring};
use common::{EITHER, Model, RACE, killed_at_each_step, saw};
use loom::thread;
use ringpad::spsc::{Consumer, Producer};

/// What the position pair stands on.
const EDGES: [&str; 4] = ["publish", "observe", "release", "reclaim"];

fn needs_every_edge(model: &Model) {
    model.holds();
    for edge in EDGES {
        model.dies_without(edge, RACE);
    }
}

/// Tries `tries` times to push; others run between.
fn push(tx: &mut Producer<'_, u32>, item: u32, tries: u32) -> bool {
    (0..tries).any(|_| {
        let pushed = tx.push(item).is_ok();
        if !pushed {
            saw("full");
            thread::yield_now();
        }
        pushed
    })
}

/// Takes items that must follow `next`, until none came `polls` times. Returns what is next.
fn drain(rx: &mut Consumer<'_, u32>, mut next: u32, mut polls: u32) -> u32 {
    while polls > 0 {
        if let Some(item) = rx.pop() {
            assert_eq!(item, next, "lost, doubled or out of order");
            next += 1;
        } else {
            polls -= 1;
            thread::yield_now();
        }
    }
    next
}

/// PUBLISH/OBSERVE carry the item, RELEASE/RECLAIM its slot; Full and Empty are met on the way.
fn one_by_one(capacity: u32, from: u32, items: u32) -> Model {
    let name = format!("{items} items one by one, {capacity} slots, from {from:#x}");
    Model::new(&name, 2, move || {
        let (_room, mut tx, mut rx) = ring(capacity, from);
        let producer =
            thread::spawn(move || (0..items).take_while(|&n| push(&mut tx, n, 2)).count());
        let next = drain(&mut rx, 0, 1);
        let sent = producer.join().unwrap() as u32;
        if next == 0 {
            saw("empty");
        }
        assert_eq!(drain(&mut rx, next, 1), sent);
    })
    .sees(&["full", "empty"])
}

#[test]
fn items_arrive_one_by_one() {
    needs_every_edge(&one_by_one(1, 0, 2));
    needs_every_edge(&one_by_one(2, 0, 3).preemptions(3));
}

#[test]
fn positions_wrap() {
    needs_every_edge(&one_by_one(1, u32::MAX, 2));
    needs_every_edge(&one_by_one(2, u32::MAX - 1, 3).preemptions(3));
}

/// The same edges serve a whole batch.
#[test]
fn batches_are_published_and_acknowledged_late() {
    let batches = Model::new("staged by 2, acknowledged late", 2, || {
        let (_room, mut tx, mut rx) = ring(2, 0);
        let producer = thread::spawn(move || {
            tx.stage(0).unwrap();
            tx.stage(1).unwrap();
            tx.publish();
            2 + u32::from(push(&mut tx, 2, 2))
        });
        let mut next = 0;
        for _ in 0..2 {
            match rx.take() {
                Some(item) => {
                    assert_eq!(item, next);
                    next += 1;
                }
                None => thread::yield_now(),
            }
        }
        rx.acknowledge();
        let next = drain(&mut rx, next, 1);
        let sent = producer.join().unwrap();
        assert_eq!(drain(&mut rx, next, 1), sent);
    });
    needs_every_edge(&batches.sees(&["full"]).preemptions(3));
}

/// The same edges serve slices, in two pieces around the ring's end.
#[test]
fn slices_wrap() {
    let slices = Model::new("slices around the end", 2, || {
        let (_room, mut tx, mut rx) = ring(2, u32::MAX);
        let producer = thread::spawn(move || {
            let items = [0, 1, 2];
            let mut sent = tx.push_slice(&items[..2]);
            for _ in 0..2 {
                sent += tx.push_slice(&items[sent..]);
                thread::yield_now();
            }
            saw(if sent == 3 { "all" } else { "full" });
            sent
        });
        let (mut got, mut next) = ([0; 2], 0);
        let mut pop = |rx: &mut Consumer<'_, u32>| {
            let count = rx.pop_slice(&mut got);
            assert_eq!(got[..count], [next, next + 1][..count]);
            next += count as u32;
            count
        };
        pop(&mut rx);
        thread::yield_now();
        pop(&mut rx);
        let sent = producer.join().unwrap();
        while pop(&mut rx) > 0 {}
        assert_eq!(next, sent as u32);
    });
    needs_every_edge(&slices.sees(&["all", "full"]).preemptions(3));
}

/// Pushes items from `*committed` to `to`, and counts those whose push returned.
fn push_to(to: u32, mut tx: Producer<'_, u32>, committed: &mut u32) {
    while *committed < to {
        assert!(push(&mut tx, *committed, 1));
        *committed += 1;
    }
}

/// Killed before its PUBLISH an item never was, after it the item arrives; the successor goes on from there.
/// The oracle's word hands the positions over.
#[test]
fn a_producer_dies_beside_its_successor() {
    killed_at_each_step(|victim| {
        Model::new("producer killed beside its successor", 2, move || {
            let world = World::with_ring(3, 4);
            let (a, b, c) = (world.join(), world.join(), world.join());
            let (ring, again) = (world.ring(), world.ring());
            let (tx, mut committed) = (ring.producer(a).unwrap(), 0);
            let successor = thread::spawn(move || {
                let mut tx = if_free(again.producer(b))?;
                let from = tx.position();
                assert!((from..3).all(|n| push(&mut tx, n, 1)));
                Some(from)
            });
            victim.dies(|| push_to(2, tx, &mut committed));
            world.oracle().bury(a.id());
            let from = successor.join().unwrap();
            assert!(from.is_none_or(|from| from == committed));
            let sent = if from.is_some() { 3 } else { committed };
            assert_eq!(drain(&mut ring.consumer(c).unwrap(), 0, 1), sent);
        })
        .sees(EITHER)
    });
}

/// The consumer meanwhile gets what was committed, once, and then the successor's.
#[test]
fn a_producer_dies_beside_its_consumer() {
    killed_at_each_step(|victim| {
        let model = Model::new("producer killed beside its consumer", 2, move || {
            let world = World::with_ring(3, 2);
            let (a, b, c) = (world.join(), world.join(), world.join());
            let ring = world.ring();
            let (tx, mut committed) = (ring.producer(a).unwrap(), 0);
            let mut rx = ring.consumer(c).unwrap();
            let consumer = thread::spawn(move || (drain(&mut rx, 0, 1), rx));
            victim.dies(|| push_to(2, tx, &mut committed));
            world.oracle().bury(a.id());
            let mut tx = ring.producer(b).unwrap();
            assert_eq!(tx.position(), committed);
            let sent = (committed..3).take_while(|&n| push(&mut tx, n, 2)).count();
            let (next, mut rx) = consumer.join().unwrap();
            assert_eq!(drain(&mut rx, next, 1), committed + sent as u32);
        });
        model.sees(&["full"]).preemptions(2)
    });
}

/// All three at once, as far as one preemption goes.
#[test]
fn a_producer_dies_between_consumer_and_successor() {
    killed_at_each_step(|victim| {
        let model = Model::new("producer killed beside both", 3, move || {
            let world = World::with_ring(3, 1);
            let (a, b, c) = (world.join(), world.join(), world.join());
            let (ring, again) = (world.ring(), world.ring());
            let (tx, mut committed) = (ring.producer(a).unwrap(), 0);
            let mut rx = ring.consumer(c).unwrap();
            let successor = thread::spawn(move || {
                let mut tx = if_free(again.producer(b))?;
                let from = tx.position();
                let sent = (from..2).take_while(|&n| push(&mut tx, n, 1)).count();
                Some(from + sent as u32)
            });
            let consumer = thread::spawn(move || (drain(&mut rx, 0, 1), rx));
            victim.dies(|| push_to(1, tx, &mut committed));
            world.oracle().bury(a.id());
            let sent = successor.join().unwrap().unwrap_or(committed);
            let (next, mut rx) = consumer.join().unwrap();
            assert_eq!(drain(&mut rx, next, 1), sent);
        });
        model.sees(EITHER).preemptions(2)
    });
}

/// Takes up to 2 items and acknowledges each; counts those whose acknowledgement returned.
fn take_two(mut rx: Consumer<'_, u32>, acknowledged: &mut u32) {
    for _ in 0..2 {
        if let Some(item) = rx.take() {
            assert_eq!(item, *acknowledged);
            rx.acknowledge();
            *acknowledged += 1;
        }
    }
}

/// Killed before its RELEASE an item comes again to the successor, after it never.
#[test]
fn a_consumer_dies_beside_its_successor() {
    killed_at_each_step(|victim| {
        Model::new("consumer killed beside its successor", 2, move || {
            let world = World::with_ring(3, 4);
            let (a, b, c) = (world.join(), world.join(), world.join());
            let (ring, again) = (world.ring(), world.ring());
            let mut tx = ring.producer(c).unwrap();
            assert!((0..3).all(|n| push(&mut tx, n, 1)));
            let (rx, mut acknowledged) = (ring.consumer(a).unwrap(), 0);
            let successor = thread::spawn(move || {
                let mut rx = if_free(again.consumer(b))?;
                let from = rx.position();
                assert_eq!(drain(&mut rx, from, 1), 3);
                Some(from)
            });
            victim.dies(|| take_two(rx, &mut acknowledged));
            world.oracle().bury(a.id());
            let from = successor.join().unwrap();
            assert!(from.is_none_or(|from| from == acknowledged));
            // What they gave back may be overwritten now.
            let free = if from.is_some() { 4 } else { 1 + acknowledged };
            let more = (3..8).take_while(|&n| push(&mut tx, n, 1)).count();
            assert_eq!(more as u32, free);
        })
        .sees(EITHER)
    });
}

/// The producer meanwhile overwrites only what was acknowledged, and nothing is lost.
#[test]
fn a_consumer_dies_beside_its_producer() {
    killed_at_each_step(|victim| {
        let model = Model::new("consumer killed beside its producer", 2, move || {
            let world = World::with_ring(3, 2);
            let (a, b, c) = (world.join(), world.join(), world.join());
            let ring = world.ring();
            let (rx, mut acknowledged) = (ring.consumer(a).unwrap(), 0);
            let mut tx = ring.producer(c).unwrap();
            assert!(push(&mut tx, 0, 1) && push(&mut tx, 1, 1));
            let producer = thread::spawn(move || 2 + u32::from(push(&mut tx, 2, 2)));
            victim.dies(|| take_two(rx, &mut acknowledged));
            world.oracle().bury(a.id());
            let mut rx = ring.consumer(b).unwrap();
            assert_eq!(rx.position(), acknowledged, "what was not comes again");
            let next = drain(&mut rx, acknowledged, 1);
            let sent = producer.join().unwrap();
            assert_eq!(drain(&mut rx, next, 1), sent);
        });
        model.sees(&["full"]).preemptions(3)
    });
}
