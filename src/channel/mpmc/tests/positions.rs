//! Positions from shortly before 2^32, and before the end of the 61 bits that words of FREE and READY carry.

use super::*;

/// Where a ring may begin: so many laps before each place where a number turns over.
fn starts(slots: u32) -> impl Iterator<Item = u64> {
    let ends = [1u64 << 32, 1 << 33, 1 << 60, 1 << 61];
    let slots = u64::from(slots);
    let before = move |end: u64| (1..=3).map(move |laps| end - laps * slots);
    ends.into_iter().flat_map(before)
}

#[test]
fn messages_pass_the_end_of_every_number() {
    for slots in [1, 2, 8] {
        for start in starts(slots) {
            with_each::<u64>(slots, |_, ring| {
                ring.ring.begin_at(start);
                let (mut tx, mut rx) = both(ring);
                let (mut sent, mut got) = (0, 0);
                while got < 6 * u64::from(slots) {
                    while tx.try_send(sent).is_ok() {
                        sent += 1;
                    }
                    assert_eq!(sent - got, u64::from(slots), "full");
                    for _ in 0..=got % u64::from(slots) {
                        assert_eq!(rx.try_recv(), Some(got));
                        got += 1;
                    }
                }
                let at = |hint: &crate::memory::sync::AtomicU64| {
                    hint.load(crate::memory::order::RELAXED)
                };
                assert_eq!(at(ring.ring.tail), start + sent);
                assert_eq!(at(ring.ring.head), start + got);
            });
        }
    }
}

#[test]
fn batches_pass_the_end_of_every_number() {
    for start in starts(8) {
        for shift in 0..8 {
            with_each::<u64>(8, |_, ring| {
                ring.ring.begin_at(start);
                let (mut tx, mut rx) = both(ring);
                for _ in 0..shift {
                    tx.try_send(0).unwrap();
                    rx.try_recv().unwrap();
                }
                for n in 0..12 {
                    let batch: Vec<u64> = (n..n + 5).collect();
                    assert_eq!(tx.try_send_slice(&batch), 5);
                    let mut into = [0; 4];
                    assert_eq!(rx.try_recv_slice(&mut into), 4);
                    assert_eq!(into, batch[..4]);
                    assert_eq!(drain(&mut rx), [n + 4]);
                }
            });
        }
    }
}

#[test]
fn numbers_of_messages_pass_it_too() {
    for start in starts(4) {
        with_each::<u64>(4, |_, ring| {
            ring.ring.begin_at(start);
            let (mut tx, mut rx) = both(ring);
            for n in 0..24 {
                tx.try_send(n).unwrap();
                for again in [false, true] {
                    let Some(taken) = rx.try_take() else {
                        assert!(again && ring.delivery() == Delivery::AtMostOnce);
                        break;
                    };
                    assert_eq!(taken.sequence(), start + n);
                    assert_eq!((*taken.value(), taken.is_again()), (n, again));
                    if again {
                        taken.acknowledge();
                    }
                }
            }
            assert_eq!(tx.try_send_slice(&[0; 9]), 4);
        });
    }
}

#[test]
fn who_is_passed_over_finds_its_slots_behind_the_end() {
    for start in starts(8) {
        with_revoke::<u64>(8, |_, ring| {
            ring.ring.begin_at(start);
            let (mut tx, mut rx) = both(ring);
            let first = word(&ring.ring, start);
            assert_eq!(ring.ring.claim(start, first, 2, stranger()), 2);
            tx.try_send(9).unwrap();
            let mut slow = rx.clone();
            let taken = slow.try_take().unwrap();
            for n in 0..40 {
                tx.try_send(n).unwrap();
                assert_eq!(rx.try_recv(), Some(n));
            }
            assert!(!ring.ring.commit(start, 2, stranger()));
            ring.ring.give_back(start, stranger());
            assert_eq!(taken.acknowledge(), 9);
            for _ in 0..2 {
                while tx.try_send(1).is_ok() {}
                drain(&mut rx);
            }
            assert_eq!(tx.try_send_slice(&[3; 9]), 8);
            assert_eq!(drain(&mut rx), [3; 8]);
        });
    }
}

/// The checker of this file: a ring that begins where no lap begins is found out.
#[test]
fn negative_control_a_ring_that_begins_askew_is_noticed() {
    let config = config(4, MODES[0]);
    with::<u64>(Trust::Cooperative, &config, |room, ring| {
        ring.ring.begin_at((1 << 32) - 4);
        room.set(TAIL, 1);
        room.set(TAIL + 4, 1);
        let (mut tx, mut rx) = both(ring);
        let sent = (0..4).filter(|n| tx.try_send(*n).is_ok()).count();
        assert!(sent < 4 || drain(&mut rx) != [0, 1, 2, 3]);
    });
}
