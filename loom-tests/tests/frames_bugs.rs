//! Suspected faults.
mod common;
use common::pool::*;
use common::world::World;
use common::{Model, killed_at_each_step};
use loom::thread;
use ringpad::frames::Refused;
use std::sync::Arc;

/// B1
#[test]
fn copies_of_a_ticket_in_two_threads_of_a_receiver() {
    Model::new("copies", 2, || {
        let (_room, pool) = bare(1, 1);
        let tx = pool.bare_user().unwrap();
        let rx = Arc::new(pool.bare_receiver(0).unwrap());
        let t = publish(&tx, 1, FIRST).unwrap();
        let theirs = rx.clone();
        let other = thread::spawn(move || {
            let got = theirs.take(t).map(|view| number(&view));
            (got, publish(&tx, 2, FIRST), tx)
        });
        let mine = rx.take(t).map(|view| number(&view));
        let (theirs, next, _tx) = other.join().unwrap();
        if let Ok(n) = mine {
            assert_eq!(n, 1, "{OTHER}");
        }
        assert!(mine.is_ok() != theirs.is_ok(), "{mine:?} {theirs:?}");
        if let Some(next) = next {
            assert_eq!(seen(rx.take(next)), Some(2), "{DESTROYED}");
        }
    })
    .preemptions(3)
    .holds();
}

/// B2
#[test]
fn recall_beside_a_receiver_that_joins() {
    Model::new("recall, joiner", 2, || {
        let (_room, pool) = bare(1, 1);
        let tx = pool.bare_user().unwrap();
        let t = publish(&tx, 1, FIRST).unwrap();
        let other = thread::spawn(move || {
            let had = tx.recall(t, FIRST).unwrap();
            (had, publish(&tx, 2, FIRST), tx)
        });
        let rx = pool.bare_receiver(0).unwrap();
        let before = rx.unclaimed();
        let (_, next, _tx) = other.join().unwrap();
        rx.release_unclaimed(&before);
        if let Some(next) = next {
            assert_eq!(seen(rx.take(next)), Some(2), "{DESTROYED}");
        }
        assert_eq!(rx.free(), 1, "{LEAKED}");
    })
    .preemptions(3)
    .holds();
}

/// B3
#[test]
fn recall_beside_forget() {
    Model::new("recall, forget", 2, || {
        let (_room, pool) = bare(1, 1);
        let (tx, b) = (pool.bare_user().unwrap(), pool.bare_user().unwrap());
        let t = publish(&tx, 1, FIRST).unwrap();
        let other = thread::spawn(move || {
            let _ = tx.recall(t, FIRST);
            tx
        });
        b.forget(0).unwrap();
        let next = publish(&b, 2, FIRST);
        let _tx = other.join().unwrap();
        let rx = pool.bare_receiver(0).unwrap();
        if let Some(next) = next {
            assert_eq!(seen(rx.take(next)), Some(2), "{DESTROYED}");
        }
    })
    .preemptions(3)
    .holds();
}

fn dead_publisher(world: &World) -> ringpad::frames::Ticket {
    let dead = world.join();
    let tx = user(world, dead);
    let t = publish(&tx, 1, FIRST).unwrap();
    std::mem::forget(tx);
    world.oracle().bury(dead.id());
    t
}

/// B4
#[test]
fn release_beside_a_view_of_another_thread() {
    Model::new("release, view dropped", 2, || {
        let world = world(3, 1, 1);
        let t = dead_publisher(&world);
        let (a, b) = (world.join(), world.join());
        let (rx, tx) = (Arc::new(receiver(&world, a, 0)), user(&world, b));
        let before = rx.unclaimed();
        assert_eq!(before.publishers(), 1);
        let theirs = rx.clone();
        let leaked: &'static Arc<Hand> = Box::leak(Box::new(theirs));
        let view = leaked.take(t).unwrap();
        let other = thread::spawn(move || {
            drop(view);
            (publish(&tx, 2, FIRST), tx)
        });
        rx.release_unclaimed(&before);
        let (next, _tx) = other.join().unwrap();
        if let Some(next) = next {
            assert_eq!(seen(rx.take(next)), Some(2), "{DESTROYED}");
        }
    })
    .preemptions(3)
    .holds();
}

/// B5
#[test]
fn a_recaller_dies() {
    killed_at_each_step(|victim| {
        Model::new("recaller killed", 1, move || {
            let world = world(3, 1, 1);
            let (a, b) = (world.join(), world.join());
            let (rx, tx) = (receiver(&world, a, 0), user(&world, b));
            let t = publish(&tx, 1, FIRST).unwrap();
            victim.dies(|| {
                tx.recall(t, FIRST).unwrap();
            });
            std::mem::forget(tx);
            world.oracle().bury(b.id());
            a.reap(&ringpad::Silent).unwrap();
            let before = rx.unclaimed();
            match rx.take(t) {
                Err(Refused::Stale | Refused::NotReserved | Refused::AlreadyViewed) | Ok(_) => {}
                other => panic!("{other:?}"),
            }
            rx.release_unclaimed(&before);
            assert_eq!(rx.free(), 1, "{LEAKED}");
        })
    });
}
