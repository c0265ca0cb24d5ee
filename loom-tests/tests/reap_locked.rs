//! Reaping where rows have locks: whoever has a row's lock is its reaper, also by joining in it. The system gives a dead one's lock back; who
//! asks sees the reaper's lock and cannot tell it from a living peer's, so REAPING itself is the proof.

mod common;

use std::rc::Rc;
use std::sync::Arc;

use common::world::{World, named};
use common::{Model, killed_at_each_step, saw};
use loom::sync::atomic::{AtomicBool, Ordering};
use loom::thread;
use ringpad::hooks::probe::{join_and_reap, mailslot_at, reap_locked, sleepers};
use ringpad::mailslot::Start;
use ringpad::mailslot::reliable::{Config, Delivery, Reliable};
use ringpad::{Life, Liveness, Peer, PeerId, Reaped, Silent, Sleeper};

/// A lock a row, as the system has them.
#[derive(Default)]
struct Locks([AtomicBool; 5]);

impl Locks {
    fn lock(&self, row: PeerId) -> bool {
        let lock = &self.0[row.get() as usize];
        let got = lock.compare_exchange(false, true, Ordering::Acquire, Ordering::Relaxed);
        got.is_ok()
    }

    /// By its holder, or by the system at its holder's end.
    fn release(&self, row: PeerId) {
        self.0[row.get() as usize].store(false, Ordering::Release);
    }
}

// SAFETY: a row is locked before it is touched and until after; a free lock's answer is an acquire.
unsafe impl Liveness for Locks {
    fn state(&self, peer: PeerId) -> Life {
        match self.0[peer.get() as usize].load(Ordering::Acquire) {
            true => Life::Alive,
            false => Life::Dead,
        }
    }
}

const ROWS: [PeerId; 3] = [
    PeerId::new(1).unwrap(),
    PeerId::new(2).unwrap(),
    PeerId::new(3).unwrap(),
];
const ROW: PeerId = ROWS[0];

struct Land {
    world: World,
    locks: Arc<Locks>,
}

impl Land {
    fn new() -> Self {
        Self {
            world: World::with_ring(3, 4),
            locks: Arc::default(),
        }
    }

    fn locks(&self) -> &'static Locks {
        // SAFETY: the Arc keeps it where it is for as long as the land lives, longer than any modelled thread.
        unsafe { &*Arc::as_ptr(&self.locks) }
    }

    /// In any thread: joins in a row if its lock can be had, and says what was given back for whoever died there. Never leaves.
    fn joiner(&self, row: PeerId) -> impl Fn() -> Option<(&'static Peer<'static>, Reaped)> + use<> {
        let (segment, locks) = (self.world.segment, self.locks());
        move || {
            if !locks.lock(row) {
                return None;
            }
            let who = named(row.get());
            let joined = join_and_reap(&segment, row, &who, locks, &Silent);
            let (peer, reaped) = joined.unwrap();
            Some((&*Box::leak(Box::new(peer)), reaped))
        }
    }

    /// One in the first row that has pushed 1, was asleep, and died.
    fn dead(&self) {
        let (dead, _) = self.joiner(ROW)().unwrap();
        let rx = self.world.ring().consumer(dead).unwrap();
        let mut tx = self.world.ring().producer(dead).unwrap();
        tx.push(1).unwrap();
        std::mem::forget(tx);
        let mut sleeper = Sleeper::of(dead).unwrap();
        std::mem::forget(sleeper.arm(&[rx.bell()]).unwrap());
        std::mem::forget(rx);
        self.locks.release(ROW);
    }

    fn sits(&self, row: PeerId) -> &'static Peer<'static> {
        self.joiner(row)().unwrap().0
    }

    fn sleepers(&self) -> u32 {
        sleepers(self.world.bytes_of_channel()).unwrap()
    }
}

/// As the os layer does it: every dead row whose lock can be had is kept until the end.
fn pass(me: &Peer<'_>, locks: &Locks) -> Reaped {
    let held = std::cell::RefCell::new(Vec::new());
    let lock = |row| {
        let got = locks.lock(row);
        got.then(|| held.borrow_mut().push(row)).is_some()
    };
    let reaped = reap_locked(me, lock, &Silent).unwrap();
    held.borrow().iter().for_each(|row| locks.release(*row));
    reaped
}

/// A reaper and a joiner in the same dead row: everything is given back once, and what the joiner takes is its own.
#[test]
fn a_reaper_and_a_joiner_race() {
    let model = Model::new("reaped and joined", 2, || {
        let land = Rc::new(Land::new());
        land.dead();
        let me = land.sits(ROWS[1]);
        let join = land.joiner(ROW);
        let joiner = thread::spawn(move || Some(join()?.1));
        let mine = pass(me, land.locks());
        let theirs = joiner.join().unwrap();
        let found = theirs.unwrap_or_default();
        assert_eq!(mine.peers + found.peers, 1, "{mine:?} {found:?}");
        assert_eq!(mine.ends + found.ends, 2, "{mine:?} {found:?}");
        saw(match (theirs, mine.peers) {
            (None, _) => "locked out",
            (_, 1) => "reaped, then joined",
            _ => "joined",
        });
        assert_eq!(land.sleepers(), 0, "the dead sleep on");
        assert!(pass(me, land.locks()).is_nothing(), "a second pass");
    });
    let must = &["locked out", "reaped, then joined", "joined"];
    model.preemptions(1).sees(must).holds();
}

/// Either dies at any step: the next pass finds what is left, also of the sleepers.
fn killed(joins: bool) {
    killed_at_each_step(|victim| {
        let name = if joins {
            "joiner killed"
        } else {
            "reaper killed"
        };
        Model::new(name, 2, move || {
            let land = Rc::new(Land::new());
            land.dead();
            let me = land.sits(ROWS[1]);
            let (locks, join) = (land.locks(), land.joiner(ROW));
            let third = land.sits(ROWS[2]);
            // Lives on, whoever dies; beside a joiner only behind its end, for time's sake: the race is above.
            let other = (!joins).then(|| thread::spawn(move || pass(third, locks)));
            victim.dies(|| {
                let done = match joins {
                    true => join().is_some(),
                    false => pass(me, locks).peers > 0,
                };
                saw(if done { "done" } else { "nothing to do" });
            });
            // The system's part: a dead one's locks are free. That of the first row may be the living reaper's.
            let theirs = match other {
                Some(other) => other.join().unwrap(),
                None => pass(third, locks),
            };
            locks.release(ROW);
            if !joins {
                locks.release(me.id());
            }
            let left = pass(third, locks);
            assert!(theirs.peers + left.peers <= 3, "{theirs:?} {left:?}");
            assert_eq!(land.sleepers(), 0, "the dead sleep on");
            assert!(pass(third, locks).is_nothing(), "a second pass");
            for row in ROWS.into_iter().filter(|row| *row != third.id()) {
                assert!(land.world.segment.occupant(row).is_none() || joins && row == me.id());
            }
            let mut rx = land.world.ring().consumer(third).unwrap();
            assert_eq!((rx.pop(), rx.pop()), (Some(1), None));
            assert!(land.world.ring().producer(third).is_ok(), "nobody has it");
        })
        .preemptions(0)
        .sees(&["done"])
    });
}

#[test]
fn a_reaper_dies() {
    killed(false);
}

#[test]
fn a_joiner_that_heals_a_row_dies() {
    killed(true);
}

type Slot = Reliable<'static, [u32; 2]>;

/// A dead subscriber's cursor, beside a publisher that evicts it and another subscriber that takes its place: nobody living is evicted, and
/// nothing is lost to the one that subscribed.
#[test]
fn a_cursor_is_reaped_beside_its_eviction_and_its_next_owner() {
    let model = Model::new("cursor reaped", 2, || {
        let world = World::with::<Slot>(4, &Config::new(2, 1).lag(1));
        mailslot_at(world.bytes_of_channel(), 0).unwrap();
        let (dead, a, b, c) = (world.join(), world.join(), world.join(), world.join());
        let slot: Slot = world.open();
        let mut publisher = slot.publisher(a).unwrap();
        std::mem::forget(slot.subscriber(dead, Start::Oldest).unwrap());
        world.oracle().bury(dead.id());
        publisher.try_publish(&[1; 2]).unwrap();
        let again: Slot = world.open();
        let reaper = thread::spawn(move || c.reap(&Silent).unwrap());
        // Evicts the dead one, unless the pass was faster.
        publisher.try_publish(&[2; 2]).unwrap();
        let mut next = again.subscriber(b, Start::Oldest).unwrap();
        let reaped = reaper.join().unwrap();
        saw(match reaped.ends {
            0 => "taken over",
            _ => "given back",
        });
        let mut at = next.next_sequence();
        for n in 3..=5 {
            // It waits for the living.
            let _ = publisher.try_publish(&[publisher.next_sequence() as u32; 2]);
            match next.poll() {
                Delivery::Mail { sequence, value } => {
                    assert_eq!((sequence, value), (at, [at as u32; 2]), "torn");
                    at += 1;
                }
                Delivery::Empty => {}
                Delivery::Evicted { .. } => panic!("a living subscriber was evicted, {n}"),
            }
        }
        assert!(at >= 3, "nothing came");
        assert!(
            matches!(
                again.subscriber(c, Start::Oldest),
                Err(ringpad::Error::SubscribersFull { .. })
            ),
            "its place"
        );
        assert_eq!(c.reap(&Silent).unwrap().ends, 0, "a second pass");
    });
    let model = model.preemptions(1);
    model.sees(&["taken over", "given back"]).holds();
}
