//! Pools of frames: who just joined, and who published and has not sent, is not taken for a dead one.

mod common;

use std::sync::Arc;

use common::pool::*;
use common::world::World;
use common::{Model, saw};
use loom::thread;
use ringpad::Peer;
use ringpad::frames::Ticket;
use ringpad::hooks::probe::pool::release_wrongly;

/// What a publisher leaves that was killed between publishing and sending.
fn unsent(world: &World) -> Ticket {
    let dead = world.join();
    let tx = user(world, dead);
    let t = publish(&tx, 1, FIRST).unwrap();
    std::mem::forget(tx);
    world.oracle().bury(dead.id());
    t
}

/// A dead publisher's frame is dropped by one thread of its receiver while another releases; whoever has the frame next publishes it for the
/// same receiver, and has not sent yet.
fn released(wrong: bool) -> Model {
    Model::new(&format!("release, a drop, wrong {wrong}"), 2, move || {
        let world = world(3, 1, 1);
        let t = unsent(&world);
        let (a, b) = (world.join(), world.join());
        let (rx, tx) = (Arc::new(receiver(&world, a, 0)), user(&world, b));
        let before = rx.unclaimed();
        assert_eq!(before.publishers(), 1);
        let theirs = rx.clone();
        let other = thread::spawn(move || {
            // Removed from the channel already, and in work.
            drop(theirs.take(t));
            (publish(&tx, 2, FIRST), tx)
        });
        if wrong {
            release_wrongly(world.bytes_of_channel(), a, 0).unwrap();
        } else {
            let dropped = rx.release_unclaimed(&before);
            saw(if dropped > 0 { "dropped" } else { "stays" });
        }
        let (next, _tx) = other.join().unwrap();
        if let Some(next) = next {
            assert_eq!(taken(rx.take(next)), Some(2), "{DESTROYED}");
        }
        rx.release_unclaimed(&before);
        assert_eq!(rx.free(), 1, "{LEAKED}");
    })
}

/// OBSERVE: who releases finds the publisher of the publication that it looks at, not the dead one of the last.
#[test]
fn a_release_beside_a_living_publisher() {
    let seen = &["dropped", "stays", "loaned", "no frame"];
    released(false).preemptions(2).sees(seen).holds();
    released(true).preemptions(2).dies(DESTROYED);
    let model = released(false).preemptions(2);
    model.dies_without("observe", DESTROYED);
}

/// FOUND, with PUBLISH of the publisher's name: a publisher that joined just now, in a frame that another thread of the receiver dropped just
/// now, is no dead one.
#[test]
fn a_publisher_that_joined_just_now_is_not_dead() {
    let model = Model::new("a newcomer publishes", 2, || {
        let world = world(3, 1, 1);
        let (a, p) = (world.join(), world.join());
        let (rx, tx) = (Arc::new(receiver(&world, a, 0)), user(&world, p));
        let t = publish(&tx, 1, FIRST).unwrap();
        let (theirs, pool, join) = (rx.clone(), world.open::<Pool>(), world.joiner(9));
        let other = thread::spawn(move || {
            assert_eq!(taken(theirs.take(t)), Some(1));
            let n: &'static Peer<'static> = Box::leak(Box::new(join().unwrap()));
            let tx = pool.user(n).unwrap();
            let t = publish(&tx, 2, FIRST);
            std::mem::forget(tx);
            t
        });
        let before = rx.unclaimed();
        let next = other.join().unwrap();
        rx.release_unclaimed(&before);
        if let Some(next) = next {
            assert_eq!(taken(rx.take(next)), Some(2), "{DESTROYED}");
        }
    })
    .preemptions(2);
    model.holds();
    model.dies_without("found", DESTROYED);
    model.dies_without("publish", DESTROYED);
}

/// FOUND, CLAIM: a user that joined just now keeps its seat, and its loan.
#[test]
fn a_user_that_joined_just_now_keeps_its_loan() {
    let model = Model::new("a newcomer loans", 2, || {
        let world = world(2, 1, 0);
        let a = world.join();
        let tx = user(&world, a);
        let (pool, join) = (world.open::<Pool>(), world.joiner(9));
        let other = thread::spawn(move || {
            let n: &'static Peer<'static> = Box::leak(Box::new(join().unwrap()));
            let tx: &'static Hand = Box::leak(Box::new(pool.user(n).unwrap()));
            loan(tx)
        });
        let mine = loan(&tx);
        let theirs = other.join().unwrap();
        saw(if mine.is_some() { "mine" } else { "theirs" });
        assert!(mine.is_none() || theirs.is_none(), "{BOTH}");
        std::mem::forget(theirs);
    })
    .preemptions(1)
    .sees(&["mine", "theirs", "loaned", "no frame"]);
    model.holds();
    model.dies_without("found", BOTH);
    model.dies_without("claim", BOTH);
}

const BOTH: &str = "one frame, two loans";
