//! What calls cost beside words that are hostile, and writers that take their time beside receivers that poll.

use super::*;
use crate::channel::mpmc::walk::{Behind, Found, Obstacle};
use crate::memory::order::RELAXED;
use std::time::{Duration, Instant};

/// The least of a few calls, whatever else this machine does meanwhile: each makes a ring of its own, and answers how long it took there.
fn least(mut call: impl FnMut(&mut Duration)) -> Duration {
    let times = (0..5).map(|_| {
        let mut took = Duration::MAX;
        call(&mut took);
        took
    });
    times.min().unwrap()
}

/// A ring of so many slots, all but the last held since the lap before.
fn all_held(slots: u32, test: impl FnOnce(&Mpmc<'_, u32>)) {
    revocable::<u32>(slots, |ring| {
        for at in 0..u64::from(slots) - 1 {
            let held = ring.ring.laps.held_read(0, 1, stranger());
            ring.ring.word(at).store(held.0, RELAXED);
        }
        let lap = u64::from(slots);
        let last = ring.ring.laps.free(lap);
        ring.ring.word(lap - 1).store(last.0, RELAXED);
        ring.ring.tail.store(lap, RELAXED);
        test(ring);
    });
}

fn revocable<T: Pod>(slots: u32, test: impl FnOnce(&Mpmc<'_, T>)) {
    let config = config(slots, (Delivery::AtLeastOnce, Recovery::Revoke));
    let room = Room::of::<Mpmc<T>>(&config);
    test(&Mpmc::init(room.region(Trust::Distrusted), &config).unwrap());
}

/// Other processors load a word of 64 bits by an exchange, or are emulated.
const SOON: Duration = Duration::from_millis(if cfg!(target_arch = "x86_64") {
    50
} else {
    1000
});

#[test]
fn to_look_where_a_slot_in_the_way_leads_is_part_of_the_calls_budget() {
    all_held(1 << 12, |ring| {
        let at = u64::from(ring.capacity());
        let word = word(&ring.ring, at);
        let mut budget = ring.ring.budget(0);
        let all = budget.slots;
        let obstacle = Obstacle { position: at, word };
        assert_eq!(ring.ring.behind_held(obstacle, &mut budget), Behind::Room);
        assert_eq!(all - budget.slots, u64::from(ring.capacity()) - 1);
        budget.slots = 10;
        assert_eq!(
            ring.ring.behind_held(obstacle, &mut budget),
            Behind::Nothing
        );
        assert_eq!(budget.slots, 0);
    });
}

/// Many slots to look at, and many looks.
const LONG: [(u32, u32); 2] = [(1 << 12, 0), (1 << 5, 300_000)];

#[test]
fn a_call_beside_held_slots_only_is_soon_over() {
    for (slots, patience) in LONG {
        let took = least(|took| {
            all_held(slots, |ring| {
                let mut tx = ring.bare_sender().unwrap().with_patience(patience);
                let begin = Instant::now();
                _ = tx.try_send(1);
                *took = begin.elapsed();
            });
        });
        assert!(took < SOON, "patience {patience}: {took:?}");
    }
}

#[test]
fn a_call_beside_slots_that_all_are_being_written_is_soon_over() {
    for (slots, patience) in LONG {
        let took = least(|took| {
            revocable::<u32>(slots, |ring| {
                let (laps, last) = (ring.ring.laps, u64::from(slots) - 1);
                for at in 0..last {
                    let writing = laps.writing(0, 1, stranger());
                    ring.ring.word(at).store(writing.0, RELAXED);
                }
                ring.ring.word(last).store(laps.ready(0, 1).0, RELAXED);
                let mut rx = ring.bare_receiver().unwrap().with_patience(patience);
                let begin = Instant::now();
                _ = rx.has_messages();
                *took = begin.elapsed();
            });
        });
        assert!(took < SOON, "patience {patience}: {took:?}");
    }
}

#[test]
fn a_writer_alone_is_never_hurried_however_often_receivers_look() {
    for run in [1, 3, 8] {
        revocable::<u32>(8, |ring| {
            let mut rx = ring.bare_receiver().unwrap().with_patience(1);
            assert_eq!(
                ring.ring.claim(0, word(&ring.ring, 0), run, stranger()),
                run
            );
            for _ in 0..1000 {
                assert_eq!((rx.try_recv(), rx.has_messages()), (None, false));
                assert_eq!(rx.try_recv_slice(&mut [0; 8]), 0);
                assert!(rx.try_take().is_none());
            }
            for at in 0..run {
                ring.ring.slots.slot(at).store_value(&at);
            }
            assert!(ring.ring.commit(0, run, stranger()), "never revoked");
            assert_eq!(drain(&mut rx), (0..run).collect::<Vec<_>>());
        });
    }
}

#[test]
fn writers_behind_each_other_are_not_hurried_until_one_is_through() {
    revocable::<u32>(8, |ring| {
        let (mut tx, rx) = both(ring);
        let mut rx = rx.with_patience(1);
        assert!(ring.ring.claim_one(0, stranger()) && ring.ring.claim_one(1, stranger()));
        (0..1000).for_each(|_| assert_eq!(rx.try_recv(), None));
        tx.try_send(7).unwrap();
        assert_eq!(rx.try_recv(), Some(7));
        for at in [0, 1] {
            assert!(!ring.ring.commit_one(at, stranger()), "revoked");
            ring.ring.give_back(at, stranger());
        }
        assert_eq!(tx.try_send_slice(&[7; 9]), 8, "every slot serves");
    });
}

/// Until a receiver gives a writer up that has a message behind it.
fn patience_of<T: Pod>() -> Duration {
    least(|took| {
        revocable::<T>(2, |ring| {
            assert!(ring.ring.claim_one(0, stranger()) && ring.ring.claim_one(1, stranger()));
            assert!(ring.ring.commit_one(1, stranger()));
            let mut rx = ring.bare_receiver().unwrap().with_patience(1);
            let begin = Instant::now();
            assert!(rx.has_messages());
            *took = begin.elapsed();
            assert!(!ring.ring.commit_one(0, stranger()), "revoked");
            let found = ring.ring.find_ready(0, &mut ring.ring.budget(0));
            assert!(matches!(found, Found::Here(1, _)));
        });
    })
}

#[test]
fn a_long_message_gets_longer_before_it_is_given_up() {
    let (short, long) = (patience_of::<u32>(), patience_of::<[u64; 1 << 17]>());
    // 32,768 looks against one.
    assert!(long > 10 * short, "{short:?} {long:?}");
    assert!(long > Duration::from_micros(20), "{long:?}");
}
