//! Pools of frames: what a view shows is what its ticket says, nobody writes what somebody looks at, and what is reserved waits.

mod common;

use common::pool::*;
use common::world::Pipes;
use common::{ASLEEP, Model, RACE, saw};
use loom::thread;
use ringpad::Sleeper;
use ringpad::frames::{Receivers, Refused};

/// PUBLISH/OBSERVE, RELEASE/RECLAIM: a publisher of two, and a viewer of what it publishes at any time.
fn viewer(frames: u32) -> Model {
    Model::new(&format!("{frames} frames, a viewer"), 2, move || {
        let (_room, pool) = bare(frames, 0);
        let (tx, rx) = (pool.bare_user().unwrap(), pool.bare_user().unwrap());
        let t = publish(&tx, 1, Receivers::NONE).unwrap();
        let other = thread::spawn(move || {
            let sent = [2, 3].map(|n| publish(&tx, n, Receivers::NONE));
            (sent, tx)
        });
        assert!(seen(rx.view(t)).is_none_or(|n| n == 1), "{OTHER}");
        // The second in the one frame; in two frames it is in the other.
        let next = ticket(frames - 1, if frames == 1 { 6 } else { 4 });
        assert!(seen(rx.view(next)).is_none_or(|n| n > 1), "{OTHER}");
        let (sent, tx) = other.join().unwrap();
        let last = sent.into_iter().flatten().last();
        if let Some(last) = last {
            assert!(seen(rx.view(last)).is_some(), "{OTHER}");
        }
        assert_eq!(tx.free(), frames, "{LEAKED}");
    })
    .without_fences()
    .preemptions(3)
    .sees(&["viewed", "stale", "loaned"])
}

#[test]
fn a_viewer_beside_a_publisher() {
    viewer(2).holds();
    let model = viewer(1).sees(&["viewed", "stale", "loaned", "no frame"]);
    model.holds();
    for edge in ["publish", "observe", "release", "reclaim"] {
        model.dies_without(edge, RACE);
    }
}

/// RELEASE/RECLAIM: two viewers of one frame; it is written when both are gone, who are ordered by nothing but its word.
#[test]
fn two_viewers_beside_a_loaner() {
    let model = Model::new("two viewers", 3, || {
        let (_room, pool) = bare(1, 0);
        let [a, b, tx] = [(); 3].map(|()| pool.bare_user().unwrap());
        let t = publish(&tx, 1, Receivers::NONE).unwrap();
        let viewers = [a, b].map(|rx| {
            thread::spawn(move || {
                assert!(seen(rx.view(t)).is_none_or(|n| n == 1), "{OTHER}");
                rx
            })
        });
        publish(&tx, 2, Receivers::NONE);
        let _users = viewers.map(|viewer| viewer.join().unwrap());
        assert_eq!(tx.free(), 1, "{LEAKED}");
    });
    let seen = &["viewed", "stale", "loaned", "no frame"];
    let model = model.without_fences().preemptions(2).sees(seen);
    model.holds();
    model.dies_without("release", RACE);
    model.dies_without("reclaim", RACE);
}

/// RELEASE/RECLAIM: what a loan that was given back wrote is before what the next writes. PUBLISH/RECLAIM: so is what was published.
fn loaners(published: bool) -> Model {
    let name = format!("two loaners, published {published}");
    Model::new(&name, 2, move || {
        let (_room, pool) = bare(1, 0);
        let [a, b] = [(); 2].map(|()| pool.bare_user().unwrap());
        let other = thread::spawn(move || {
            let theirs = loan(&a).map(|mut loan| {
                write(&mut loan, 1);
                match published {
                    true => drop(loan.publish(BYTES).unwrap()),
                    false => drop(loan),
                }
            });
            (theirs.is_some(), a)
        });
        let mine = publish(&b, 2, Receivers::NONE);
        let (theirs, _a) = other.join().unwrap();
        assert!(mine.is_some() || theirs, "both refused");
        if let Some(mine) = mine {
            assert!(seen(b.view(mine)).is_none_or(|n| n == 2), "{OTHER}");
        }
        assert_eq!(b.free(), 1, "{LEAKED}");
    })
    .without_fences()
    .preemptions(2)
    .sees(&["loaned", "no frame"])
}

#[test]
fn two_loaners() {
    for published in [false, true] {
        let model = loaners(published);
        model.holds();
        model.dies_without(if published { "publish" } else { "release" }, RACE);
        model.dies_without("reclaim", RACE);
    }
}

/// Two loaners of two frames, who both find one.
#[test]
fn as_many_loans_as_frames() {
    let model = Model::new("two loans", 2, || {
        let (_room, pool) = bare(2, 0);
        let [a, b] = [(); 2].map(|()| pool.bare_user().unwrap());
        let other = thread::spawn(move || (publish(&a, 1, Receivers::NONE), a));
        let mut mine = loan(&b).expect("a frame each");
        write(&mut mine, 2);
        let (theirs, a) = other.join().unwrap();
        let mine = mine.publish(BYTES).unwrap();
        assert_eq!(seen(a.view(mine)), Some(2), "{OTHER}");
        let theirs = theirs.expect("a frame each");
        // It was published, and loaned after, or not.
        assert!(seen(b.view(theirs)).is_none_or(|n| n == 1), "{OTHER}");
        assert_eq!(b.free(), 2, "{LEAKED}");
    });
    model.without_fences().holds();
}

/// OBSERVE: who sees a publication sees for whom it is.
#[test]
fn a_receiver_takes_beside_the_publisher() {
    let model = Model::new("taken while it is published", 2, || {
        let (_room, pool) = bare(1, 1);
        let (tx, rx) = (pool.bare_user().unwrap(), pool.bare_receiver(0).unwrap());
        let other = thread::spawn(move || {
            let sent = [1, 2].map(|n| publish(&tx, n, FIRST));
            (sent, tx)
        });
        for n in [1, 2] {
            match rx.take(ticket(0, 2 + 2 * n)).map(drop) {
                Ok(()) => saw("viewed"),
                Err(Refused::Stale) => saw("stale"),
                Err(other) => panic!("seen and not taken: {other}"),
            }
        }
        let (sent, _tx) = other.join().unwrap();
        for (n, sent) in [1, 2].into_iter().zip(sent) {
            let late = sent.and_then(|t| taken(rx.take(t)));
            assert!(late.is_none_or(|late| late == n), "{OTHER}");
        }
        assert_eq!(rx.free(), 1, "{LEAKED}");
    });
    let seen = &["viewed", "stale", "loaned", "no frame", "gone"];
    let model = model.without_fences().preemptions(3).sees(seen);
    model.holds();
    model.dies_without("observe", "seen and not taken");
    model.dies_without("publish", "seen and not taken");
}

/// Lossless: tickets through a ring, taken before they are removed. Every frame comes, once, in order.
fn lossless(frames: u32) -> Model {
    Model::new(&format!("{frames} frames, lossless"), 2, move || {
        let (_room, pool) = bare(frames, 1);
        let (_ring, mut out, mut tickets) = tickets(2);
        let (tx, rx) = (pool.bare_user().unwrap(), pool.bare_receiver(0).unwrap());
        let other = thread::spawn(move || {
            let sent: Vec<_> = (1..=3).filter(|&n| send(&tx, &mut out, n)).collect();
            (sent, tx)
        });
        let mut got = Vec::new();
        for _ in 0..2 {
            work(&rx, &mut tickets, &mut got);
        }
        let (sent, _tx) = other.join().unwrap();
        while work(&rx, &mut tickets, &mut got) {}
        assert_eq!(got, sent, "{DESTROYED}");
        assert_eq!(rx.free(), frames, "{LEAKED}");
    })
    .without_fences()
    .preemptions(2)
    .sees(&["loaned", "no frame", "worked", "no ticket"])
}

/// The edges are those of the models above; the ring has the same ones for its own slots.
#[test]
fn lossless_through_a_ring() {
    lossless(1).holds();
    lossless(2).holds();
}

/// What is reserved for two is free when both are done, and may be viewed by others as long.
#[test]
fn a_frame_for_two_receivers() {
    let model = Model::new("for two receivers", 3, || {
        let (_room, pool) = bare(1, 2);
        let (tx, viewer) = (pool.bare_user().unwrap(), pool.bare_user().unwrap());
        let receivers = [0, 1].map(|n| pool.bare_receiver(n).unwrap());
        let t = publish(&tx, 1, Receivers::first(2)).unwrap();
        assert_eq!(viewer.take(t).unwrap_err(), Refused::NotReserved);
        let receivers = receivers.map(|rx| {
            thread::spawn(move || {
                assert_eq!(taken(rx.take(t)), Some(1), "{DESTROYED}");
                rx
            })
        });
        assert!(seen(viewer.view(t)).is_none_or(|n| n == 1), "{OTHER}");
        let next = publish(&tx, 2, Receivers::one(1));
        let [first, second] = receivers.map(|rx| rx.join().unwrap());
        if let Some(next) = next {
            let refused = first.take(next).unwrap_err();
            assert_eq!(refused, Refused::NotReserved);
            assert_eq!(taken(second.take(next)), Some(2), "{DESTROYED}");
        }
        assert_eq!(tx.free(), 1, "{LEAKED}");
    });
    let seen = &["viewed", "loaned", "no frame"];
    let model = model.without_fences().preemptions(1).sees(seen);
    model.holds();
    model.preemptions(2).dies_without("release", RACE);
}

/// ARM/RING: who armed and looked again misses no frame that is given back.
#[test]
fn a_loaner_sleeps_until_a_frame_is_free() {
    let model = Model::new("a loaner sleeps", 2, || {
        let world = world(2, 1, 0);
        let (a, b, pipes) = (world.join(), world.join(), Pipes::new());
        let rx = user(&world, a);
        let t = publish(&rx, 1, Receivers::NONE).unwrap();
        let rx = rx.ringing(a, pipes.clone()).unwrap();
        let rx: &'static _ = Box::leak(Box::new(rx));
        let view = rx.view(t).unwrap();
        let tx = user(&world, b);
        let viewer = thread::spawn(move || drop(view));
        let mut sleeper = Sleeper::of(b).unwrap();
        let bells = [tx.bell()];
        let mut armed = sleeper.arm(&bells).unwrap();
        while loan(&tx).is_none() {
            pipes.sleep(b.id());
            armed.again();
        }
        viewer.join().unwrap();
    })
    .preemptions(2)
    .sees(&["asleep", "rung", "loaned", "no frame"]);
    model.holds();
    model.dies_without("arm", ASLEEP);
    model.dies_without("ring", ASLEEP);
}
