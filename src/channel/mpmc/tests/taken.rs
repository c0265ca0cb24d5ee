//! Messages that are held by name: acknowledged, dropped, passed over, coming again.

use super::*;
use core::mem::forget;

/// Rings that deliver again, with each way past those who stopped.
fn again(test: impl Fn(&Room, &Mpmc<'_, u32>)) {
    with_each::<u32>(4, |room, ring| {
        if ring.delivery() == Delivery::AtLeastOnce {
            test(room, ring);
        }
    });
}

#[test]
fn what_is_acknowledged_is_gone_and_its_slot_free() {
    with_each::<u32>(4, |_, ring| {
        let (mut tx, mut rx) = both(ring);
        for n in 0..20 {
            tx.try_send(n).unwrap();
            let taken = rx.try_take().unwrap();
            assert_eq!((*taken.value(), taken.sequence()), (n, n.into()));
            assert!(!taken.is_again());
            assert_eq!(taken.acknowledge(), n);
            assert!(rx.try_take().is_none());
        }
        assert_eq!(tx.try_send_slice(&[0; 9]), 4);
    });
}

#[test]
fn what_is_dropped_comes_again_with_its_number_before_what_is_new() {
    again(|_, ring| {
        let (mut tx, mut rx) = both(ring);
        for n in 0..5u32 {
            tx.try_send(10 * n).unwrap();
            tx.try_send(10 * n + 1).unwrap();
            let mut numbers = Vec::new();
            for round in 0..3 {
                let taken = rx.try_take().unwrap();
                assert_eq!(*taken.value(), 10 * n);
                assert_eq!(taken.is_again(), round > 0);
                numbers.push(taken.sequence());
            }
            assert_eq!(numbers, [u64::from(2 * n); 3]);
            let mut other = rx.clone();
            let taken = other.try_take().unwrap();
            assert!(taken.is_again() && taken.sequence() == u64::from(2 * n));
            assert_eq!(taken.acknowledge(), 10 * n);
            assert_eq!(drain(&mut rx), [10 * n + 1]);
        }
    });
}

#[test]
fn every_call_gets_what_comes_again_once() {
    for way in 0..3 {
        again(|_, ring| {
            let (mut tx, mut rx) = both(ring);
            assert_eq!(tx.try_send_slice(&[1, 2, 3]), 3);
            drop(rx.try_take());
            match way {
                0 => assert_eq!(rx.try_recv(), Some(1)),
                1 => {
                    let mut into = [0; 4];
                    assert_eq!(rx.try_recv_slice(&mut into), 3);
                    assert_eq!(into, [1, 2, 3, 0]);
                }
                _ => assert_eq!(rx.try_take().unwrap().acknowledge(), 1),
            }
            let rest = drain(&mut rx);
            assert_eq!(rest, if way == 1 { vec![] } else { vec![2, 3] });
            assert_eq!(tx.try_send_slice(&[0; 9]), 4, "all slots are free");
        });
    }
}

#[test]
fn at_most_once_a_drop_is_the_end() {
    for recovery in [Recovery::Revoke, Recovery::ProofOnly] {
        let config = config(2, (Delivery::AtMostOnce, recovery));
        with::<u32>(Trust::Cooperative, &config, |room, ring| {
            let (mut tx, mut rx) = both(ring);
            for n in 0..9 {
                assert_eq!(tx.try_send_slice(&[n, n + 100]), 2);
                assert_eq!(*rx.try_take().unwrap().value(), n);
                assert_eq!(rx.try_recv(), Some(n + 100));
            }
            assert_eq!(room.word(ORPHANED), 0);
            assert_eq!(room.len(), SLOTS + 128, "no sequences");
        });
    }
}

#[test]
fn numbers_grow_and_are_told_apart_lap_by_lap() {
    again(|_, ring| {
        let (mut tx, mut rx) = both(ring);
        let mut last = None;
        for n in 0..40 {
            tx.try_send(n).unwrap();
            if n % 3 == 0 {
                drop(rx.try_take().unwrap());
            }
            let taken = rx.try_take().unwrap();
            assert_eq!(taken.is_again(), n % 3 == 0);
            assert!(last < Some(taken.sequence()));
            last = Some(taken.sequence());
            assert_eq!(taken.acknowledge(), n);
        }
    });
}

#[test]
fn several_are_held_at_once_and_each_is_its_own() {
    again(|_, ring| {
        let (mut tx, rx) = both(ring);
        let mut ends = [0; 4].map(|_| rx.clone());
        assert_eq!(tx.try_send_slice(&[0, 1, 2, 3]), 4);
        let mut held: Vec<_> = ends.iter_mut().map(|rx| rx.try_take().unwrap()).collect();
        assert!(held.iter().map(|taken| *taken.value()).eq(0..4));
        drop(held.remove(2));
        drop(held.remove(0));
        held.into_iter().for_each(|taken| _ = taken.acknowledge());
        let mut came = drain(&mut rx.clone());
        came.sort_unstable();
        assert_eq!(came, [0, 2]);
        assert_eq!(tx.try_send_slice(&[0; 9]), 4);
    });
}

#[test]
fn what_was_passed_over_is_acknowledged_where_it_is() {
    with_revoke::<u32>(4, |_, ring| {
        let (mut tx, mut rx) = both(ring);
        let mut slow = rx.clone();
        tx.try_send(0).unwrap();
        let taken = slow.try_take().unwrap();
        for n in 1..50 {
            tx.try_send(n).unwrap();
            assert_eq!(rx.try_recv(), Some(n));
        }
        assert_eq!(taken.acknowledge(), 0);
        let mut sent = 50;
        while tx.try_send(sent).is_ok() {
            sent += 1;
        }
        assert!(sent >= 53, "{sent}");
        assert_eq!(drain(&mut rx), (50..sent).collect::<Vec<_>>());
        assert_eq!(tx.try_send_slice(&[0; 9]) + tx.try_send_slice(&[0; 9]), 4);
    });
}

#[test]
fn what_was_passed_over_comes_again_with_its_number() {
    let config = config(4, (Delivery::AtLeastOnce, Recovery::Revoke));
    with::<u32>(Trust::Cooperative, &config, |_, ring| {
        let (mut tx, mut rx) = both(ring);
        let mut slow = rx.clone();
        tx.try_send(0).unwrap();
        tx.try_send(1).unwrap();
        assert_eq!(rx.try_recv(), Some(0));
        let taken = slow.try_take().unwrap();
        for n in 2..50 {
            tx.try_send(n).unwrap();
            assert_eq!(rx.try_recv(), Some(n));
        }
        assert_eq!(taken.sequence(), 1);
        drop(taken);
        let taken = rx.try_take().unwrap();
        assert_eq!(
            (*taken.value(), taken.sequence(), taken.is_again()),
            (1, 1, true)
        );
        // Passed over as an orphan too.
        drop(taken);
        for n in 50..99 {
            tx.try_send(n).unwrap();
            let one = [rx.try_recv(), rx.try_recv()];
            assert!(one.contains(&Some(n)), "{one:?}");
            assert_eq!(one.contains(&Some(1)), n == 50);
        }
    });
}

/// A ring whose every slot is held is full, however often it is asked.
#[test]
fn all_slots_held_is_full_and_nothing_else() {
    for slots in [1, 2, 4] {
        with_each::<u32>(slots, |_, ring| {
            let (mut tx, mut rx) = both(ring);
            for n in 0..slots {
                tx.try_send(n).unwrap();
            }
            let mut ends: Vec<_> = (0..slots).map(|_| rx.clone()).collect();
            let held: Vec<_> = ends.iter_mut().map(|rx| rx.try_take().unwrap()).collect();
            for n in 0..200 {
                assert_eq!(tx.try_send(n), Err(Full(n)));
                assert_eq!(rx.try_recv(), None);
            }
            held.into_iter().for_each(|taken| _ = taken.acknowledge());
            tx.try_send(7).unwrap();
            assert_eq!(rx.try_recv(), Some(7), "found at once");
            tx.try_send(8).unwrap();
            assert_eq!(ring.bare_receiver().unwrap().try_recv(), Some(8));
        });
    }
}

#[test]
fn a_forgotten_one_holds_its_slot_for_good_and_only_that() {
    with_revoke::<u32>(4, |_, ring| {
        let (mut tx, mut rx) = both(ring);
        tx.try_send(0).unwrap();
        forget(rx.try_take().unwrap());
        for n in 0..100 {
            assert_eq!(
                tx.try_send_slice(&[n, n, n, n, n]) + tx.try_send_slice(&[n, n, n, n]),
                3
            );
            assert_eq!(drain(&mut rx), [n; 3]);
        }
    });
}

#[test]
fn an_end_that_goes_gives_back_what_it_had_adopted() {
    again(|_, ring| {
        let (mut tx, mut rx) = both(ring);
        assert_eq!(tx.try_send_slice(&[1, 2, 3, 4]), 4);
        // A receiver of three at once, which stopped, then was proven dead.
        let held = word(&ring.ring, 0);
        assert!(ring.ring.hold(0, held, 3, stranger()));
        ring.ring.put_orphan(0);
        let taken = rx.try_take().unwrap();
        assert_eq!(
            (*taken.value(), taken.sequence(), taken.is_again()),
            (1, 0, true)
        );
        taken.acknowledge();
        // The batch is not through: all of it comes again.
        drop(rx);
        let mut rx = ring.bare_receiver().unwrap();
        let mut numbers = Vec::new();
        for want in 1..=3 {
            let taken = rx.try_take().unwrap();
            numbers.push(taken.sequence());
            assert!(taken.is_again());
            assert_eq!(taken.acknowledge(), want);
        }
        assert_eq!(numbers, [0, 1, 2]);
        assert_eq!(drain(&mut rx), [4]);
        assert_eq!(tx.try_send_slice(&[0; 9]), 4);
    });
}

impl Ring<'_> {
    /// What whoever proves a reader dead does.
    pub(super) fn put_orphan(&self, position: u64) {
        let at = self.word(position);
        let orphan = self.laps.as_orphan(word(self, position));
        at.store(orphan.0, crate::memory::order::RELAXED);
        self.tell_of_orphans();
    }
}
