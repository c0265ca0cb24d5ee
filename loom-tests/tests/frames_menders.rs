//! Pools of frames: whoever cleans the seats of the dead, beside the next holders of those seats and beside each other, killed at every step or not.
//!
//! What no model shows, because the checker runs every exchange at its place in its thread, on the newest value: OBSERVE in `clean` and `drop_all`,
//! without which the exchange of a reservation may go before the look at its frame's word; UNCLAIM of a user's seat that was mended. OBSERVE in
//! `unclaimed` decides only how many of the dead are found at once.

mod common;

use common::pool::*;
use common::world::{Pipes, World, if_free, named};
use common::{ASLEEP, EITHER, Model, RACE, killed_at_each_step, saw};
use loom::thread;
use ringpad::frames::Receivers;
use ringpad::hooks::probe::pool::mend_wrongly;
use ringpad::{Error, NoProof, Peer, Silent, Sleeper};

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

/// What a mender does that is killed, by name.
type Mend = (&'static str, fn(&Hand, &Peer<'_>));

const MENDS: [Mend; 2] = [
    ("reaps", |_, me| _ = me.reap(&Silent).unwrap()),
    ("wants a frame", |user, _| drop(loan(user))),
];

/// Whoever cleans a dead one's seat is killed, beside another who wants its frames.
#[test]
fn a_mender_dies() {
    for (how, mend) in MENDS {
        killed_at_each_step(|victim| {
            let model = Model::new(&format!("a mender {how} and dies"), 2, move || {
                let world = world(3, 2, 1);
                let (dead, a, b) = (world.join(), world.join(), world.join());
                let (gone, mender) = (user(&world, dead), user(&world, a));
                let t = publish(&gone, 1, Receivers::NONE).unwrap();
                std::mem::forget((gone.view(t), gone.loan()));
                std::mem::forget(gone);
                world.oracle().bury(dead.id());
                let tx = user(&world, b);
                let other = thread::spawn(move || {
                    drop(loan(&tx));
                    tx
                });
                victim.dies(|| mend(&mender, a));
                std::mem::forget(mender);
                world.oracle().bury(a.id());
                drop(other.join().unwrap());
                closes(&world, b, 2);
            });
            let model = model.without_fences().preemptions(1);
            model.sees(&["loaned", "no frame"])
        });
    }
}

/// A seat that is freed and not cleaned keeps its frames.
#[test]
fn who_does_not_clean_is_caught() {
    let model = Model::new("freed, not cleaned", 1, || {
        let world = world(2, 1, 0);
        let (dead, a) = (world.join(), world.join());
        let gone = user(&world, dead);
        std::mem::forget(gone.loan());
        std::mem::forget(gone);
        world.oracle().bury(dead.id());
        assert!(mend_wrongly(world.bytes_of_channel(), a, 0).unwrap());
        closes(&world, a, 1);
    });
    model.dies(LEAKED);
}

/// A receiver's successor beside a mender is never refused, and finds everything; one of both is killed.
#[test]
fn a_successor_beside_a_mender() {
    for mender_dies in [true, false] {
        killed_at_each_step(|victim| {
            let name = format!("a successor beside a mender, who dies: {mender_dies}");
            let model = Model::new(&name, 2, move || {
                let belt = Belt::new(4, 2);
                let [dead, a, b, c] = [(); 4].map(|()| belt.world.join());
                let ((tx, mut out), (rx, tickets)) = (belt.tx(c), belt.rx(dead));
                assert!(send(&tx, &mut out, 1) && send(&tx, &mut out, 2));
                std::mem::forget(rx.take(ticket(0, 4)).unwrap());
                std::mem::forget((rx, tickets));
                belt.world.oracle().bury(dead.id());
                let mut got = Vec::new();
                let last = if mender_dies {
                    let join = belt.joiner(a);
                    let other = thread::spawn(move || {
                        let (rx, mut tickets) = join();
                        (Belt::settle(&rx, &mut tickets), rx, tickets)
                    });
                    victim.dies(|| _ = b.reap(&Silent).unwrap());
                    belt.world.oracle().bury(b.id());
                    let (more, rx, tickets) = other.join().unwrap();
                    check_order(&[1, 2], &[], &more);
                    (rx, tickets)
                } else {
                    let other = thread::spawn(move || _ = b.reap(&Silent).unwrap());
                    victim.dies(|| {
                        let (rx, mut tickets) = belt.rx(a);
                        while work(&rx, &mut tickets, &mut got) {}
                        rx.release_unclaimed(&rx.unclaimed());
                    });
                    belt.world.oracle().bury(a.id());
                    other.join().unwrap();
                    let (rx, mut tickets) = belt.rx(c);
                    check_order(&[1, 2], &got, &Belt::settle(&rx, &mut tickets));
                    (rx, tickets)
                };
                drop((last, tx));
                belt.closes(c);
            });
            model.without_fences().preemptions(1).sees(&["worked"])
        });
    }
}

/// A pool of which a dead user has one of the two frames and the one seat that is left.
fn last_seat() -> (World, [&'static Peer<'static>; 2], Vec<Hand>) {
    let world = world(3, 2, 16);
    let (dead, a, b) = (world.join(), world.join(), world.join());
    let others = (1..16).map(|_| user(&world, b)).collect();
    let gone = user(&world, dead);
    std::mem::forget(gone.loan().unwrap());
    std::mem::forget(gone);
    world.oracle().bury(dead.id());
    (world, [a, b], others)
}

/// The next holder of a dead user's seat beside a mender of it: what the new one loans stays its own.
#[test]
fn a_seat_is_taken_beside_its_mender() {
    let model = Model::new("the last seat, a mender", 2, || {
        let (world, [a, b], others) = last_seat();
        let other = thread::spawn(move || b.reap(&Silent).unwrap().frames);
        let next = if_seat(world.open::<Pool>().user(a));
        let freed = match &next {
            None => other.join().unwrap(),
            Some(next) => {
                let mut mine = [(); 2].map(|()| loan(next).expect(LEAKED));
                mine.iter_mut().for_each(|mine| write(mine, 2));
                let freed = other.join().unwrap();
                for mine in mine {
                    let t = mine.publish(BYTES).unwrap();
                    assert_eq!(seen(next.view(t)), Some(2), "{DESTROYED}");
                }
                freed
            }
        };
        saw(if freed > 0 { "mended" } else { "taken over" });
        assert!(freed == 1 || next.is_some(), "{LEAKED}");
        drop((next, others));
        closes(&world, b, 2);
    });
    let seen = &["seated", "full", "mended", "taken over"];
    model.without_fences().preemptions(2).sees(seen).holds();
}

/// The seat, unless somebody has it.
fn if_seat(user: Result<Hand, Error>) -> Option<Hand> {
    let user = match user {
        Ok(user) => Some(user),
        Err(Error::SeatsFull { seats: 16 }) => None,
        Err(other) => panic!("{other}"),
    };
    saw(if user.is_some() { "seated" } else { "full" });
    user
}

/// Whoever takes a dead user's seat over is killed beside a mender of it.
#[test]
fn the_next_of_a_seat_dies_beside_its_mender() {
    killed_at_each_step(|victim| {
        let model = Model::new("the last seat's next dies", 2, move || {
            let (world, [a, b], others) = last_seat();
            let other = thread::spawn(move || b.reap(&Silent).unwrap().frames);
            victim.dies(|| {
                let next = if_seat(world.open::<Pool>().user(a));
                std::mem::forget(next.iter().map(loan).collect::<Vec<_>>());
            });
            world.oracle().bury(a.id());
            other.join().unwrap();
            drop(others);
            closes(&world, b, 2);
        });
        let model = model.without_fences().preemptions(1);
        model.sees(&["seated", "full", "loaned"])
    });
}

/// ARM/RING: who sleeps until a frame is free hears of one that a reaper frees.
#[test]
fn a_reaper_wakes_who_waits() {
    let model = Model::new("a reaper wakes", 2, || {
        let world = world(3, 1, 0);
        let (dead, a) = (world.join(), world.join());
        // Who cannot prove a death waits for who can.
        let b = world.segment.join(&named(3), &NoProof).unwrap();
        let b: &'static Peer<'static> = Box::leak(Box::new(b));
        let (gone, pipes) = (user(&world, dead), Pipes::new());
        std::mem::forget(gone.loan());
        std::mem::forget(gone);
        world.oracle().bury(dead.id());
        let (tx, bells) = (user(&world, b), pipes.clone());
        let other = thread::spawn(move || _ = a.reap(&bells).unwrap());
        let mut sleeper = Sleeper::of(b).unwrap();
        let bells = [tx.bell()];
        let mut armed = sleeper.arm(&bells).unwrap();
        while loan(&tx).is_none() {
            pipes.sleep(b.id());
            armed.again();
        }
        other.join().unwrap();
    });
    let seen = &["asleep", "rung", "loaned", "no frame"];
    let model = model.preemptions(1).sees(seen);
    model.holds();
    model.dies_without("arm", ASLEEP);
    model.dies_without("ring", ASLEEP);
}
