//! Pools of frames: what receivers release for dead publishers beside the living, and what is given back for the dead once.

mod common;

use std::sync::Arc;

use common::pool::*;
use common::world::{World, if_free};
use common::{EITHER, Model, RACE, saw};
use loom::thread;
use ringpad::frames::{Receivers, Ticket};
use ringpad::hooks::probe::pool::{mend_wrongly, release_wrongly};
use ringpad::{Peer, Silent};

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

/// RELEASE/RECLAIM: what the dead read and wrote is before what is written by whoever finds the frame free, and proved nothing itself.
#[test]
fn what_the_dead_did_is_before_what_comes_next() {
    for wrote in [false, true] {
        let model = Model::new(&format!("cleaned, loaned, wrote {wrote}"), 2, move || {
            let world = world(3, 1, 0);
            let (dying, a, b) = (world.join(), world.join(), world.join());
            let (gone, tx) = (user(&world, dying), user(&world, b));
            let t = publish(&tx, 1, Receivers::NONE).unwrap();
            let oracle = world.oracle();
            let other = thread::spawn(move || {
                if wrote {
                    let mut held = loan(&gone);
                    held.iter_mut().for_each(|held| write(held, 2));
                    std::mem::forget(held);
                } else if let Ok(view) = gone.view(t) {
                    number(&view);
                    std::mem::forget(view);
                }
                std::mem::forget(gone);
                oracle.bury(dying.id());
                a.reap(&Silent).unwrap();
            });
            publish(&tx, 3, Receivers::NONE);
            other.join().unwrap();
            assert_eq!(tx.free(), 1, "{LEAKED}");
        })
        .without_fences()
        .preemptions(1);
        model.holds();
        model.dies_without("release", RACE);
        model.dies_without("reclaim", RACE);
    }
}

/// UNCLAIM/CLAIM: a dead receiver's seat, freed by a mender. As when it is handed over, its next holder must not mark what the dead one had
/// dropped.
#[test]
fn a_successor_finds_what_a_mender_freed() {
    let model = Model::new("a dead receiver's number, freed", 2, || {
        let world = world(3, 1, 1);
        let (dead, next, m) = (world.join(), world.join(), world.join());
        let (rx, tx) = (receiver(&world, dead, 0), user(&world, m));
        let t = publish(&tx, 1, FIRST).unwrap();
        let pool = world.open::<Pool>();
        let other = thread::spawn(move || if_free(pool.receiver(next, 0)));
        drop(rx.take(t).unwrap());
        std::mem::forget(rx);
        world.oracle().bury(dead.id());
        m.reap(&Silent).unwrap();
        let sent = publish(&tx, 2, FIRST).expect(LEAKED);
        let theirs = other.join().unwrap();
        let rx = theirs.unwrap_or_else(|| receiver(&world, next, 0));
        assert_eq!(taken(rx.take(sent)), Some(2), "{DESTROYED}");
        assert_eq!(rx.free(), 1, "{LEAKED}");
    });
    let model = model.without_fences().preemptions(1).sees(EITHER);
    model.holds();
    model.dies_without("unclaim", DESTROYED);
    model.dies_without("claim", DESTROYED);
}

/// Two mend one seat: it is counted once.
fn mended(wrong: bool) -> Model {
    Model::new(&format!("two mend, wrong {wrong}"), 2, move || {
        let world = world(3, 1, 0);
        let (dead, a, b) = (world.join(), world.join(), world.join());
        let tx = user(&world, dead);
        std::mem::forget(tx.loan());
        std::mem::forget(tx);
        world.oracle().bury(dead.id());
        let region = world.bytes_of_channel();
        let other = thread::spawn(move || match wrong {
            true => (u32::from(mend_wrongly(region, b, 0).unwrap()), 0),
            false => ends_and_frames(b),
        });
        let mine = ends_and_frames(a);
        let theirs = other.join().unwrap();
        saw(if mine.0 > 0 { "mine" } else { "theirs" });
        assert_eq!(mine.0 + theirs.0, 1, "{COUNT}");
        assert!(wrong || mine.1 + theirs.1 == 1, "{COUNT}");
    })
    .without_fences()
    .preemptions(1)
}

const COUNT: &str = "a seat is not mended once";

fn ends_and_frames(reaper: &Peer<'_>) -> (u32, u32) {
    let reaped = reaper.reap(&Silent).unwrap();
    (reaped.ends, reaped.frames)
}

#[test]
fn two_menders_count_a_seat_once() {
    mended(false).sees(&["mine", "theirs"]).holds();
    mended(true).dies(COUNT);
}
