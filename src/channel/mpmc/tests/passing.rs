//! Parties that stop half-way, and how the others get past them without any proof.

use super::*;
use crate::memory::order::{PUBLISH, RELAXED};

/// The commit of a claimed run that stops before its last exchange: so many of the other words are written.
fn half_commit(ring: &Ring<'_>, t: u64, run: u32, words: u32) {
    for i in 1..=words {
        let at = t + u64::from(i);
        ring.word(at).store(ring.laps.ready(at, run - i).0, PUBLISH);
    }
}

/// Claims as a stranger who then stops.
fn claim(ring: &Ring<'_>, run: u32) -> u64 {
    let t = ring.tail.load(RELAXED);
    assert_eq!(ring.claim(t, word(ring, t), run, stranger()), run);
    t
}

#[test]
fn receivers_go_on_behind_a_stopped_sender_and_it_learns_so() {
    with_revoke::<u32>(8, |_, ring| {
        for patience in [0, 1, 1000] {
            let (mut tx, rx) = both(ring);
            let mut rx = rx.with_patience(patience);
            tx.try_send(1).unwrap();
            let t = ring.ring.tail.load(RELAXED);
            assert!(ring.ring.claim_one(t, stranger()));
            tx.try_send(2).unwrap();
            assert_eq!(
                (rx.try_recv(), rx.try_recv(), rx.try_recv()),
                (Some(1), Some(2), None)
            );
            assert!(!ring.ring.commit_one(t, stranger()), "revoked");
            ring.ring.give_back(t, stranger());
            assert_eq!(rx.try_recv(), None, "nobody gets what was never committed");
            assert_eq!(tx.try_send_slice(&[7; 9]), 8, "its slot is free again");
            assert_eq!(drain(&mut rx), [7; 8]);
        }
    });
}

#[test]
fn with_proof_only_everybody_waits_for_a_stopped_sender() {
    for trust in EACH_TRUST {
        let config = config(4, (Delivery::AtLeastOnce, Recovery::ProofOnly));
        with::<u32>(trust, &config, |_, ring| {
            let (mut tx, rx) = both(ring);
            let mut rx = rx.with_patience(0);
            assert!(ring.ring.claim_one(0, stranger()));
            tx.try_send(2).unwrap();
            for _ in 0..5 {
                assert_eq!((rx.try_recv(), rx.try_recv_slice(&mut [0; 4])), (None, 0));
                assert!(rx.try_take().is_none());
            }
            ring.ring.slots.slot(0).store_value(&1u32);
            assert!(ring.ring.commit_one(0, stranger()));
            assert_eq!(drain(&mut rx), [1, 2], "in order");
        });
    }
}

#[test]
fn patience_is_for_whoever_gets_on() {
    with_revoke::<u32>(4, |_, ring| {
        let (mut tx, rx) = both(ring);
        assert!(ring.ring.claim_one(0, stranger()));
        ring.ring.slots.slot(0).store_value(&1u32);
        tx.try_send(2).unwrap();
        std::thread::scope(|scope| {
            let committed = scope.spawn(|| ring.ring.commit_one(0, stranger()));
            let mut rx = rx.with_patience(u32::MAX);
            assert_eq!(drain(&mut rx), [1, 2]);
            assert!(committed.join().unwrap(), "not revoked");
        });
    });
}

#[test]
fn a_stopped_batch_costs_its_slots_and_nothing_else() {
    for run in 1..=4 {
        for words in 0..run {
            for laps in 0..4 {
                with_revoke::<u32>(8, |_, ring| {
                    let (mut tx, mut rx) = both(ring);
                    tx.try_send(0).unwrap();
                    let t = claim(&ring.ring, run);
                    half_commit(&ring.ring, t, run, words);
                    assert_eq!(drain(&mut rx), [0]);
                    for n in 1..=laps * 8 {
                        tx.try_send(n).unwrap();
                        assert_eq!(drain(&mut rx), [n]);
                    }
                    let free = 8 - run as usize;
                    let mut sent = 0;
                    while tx.try_send(sent).is_ok() {
                        sent += 1;
                    }
                    assert!(sent as usize == free, "{sent} of {free}");
                    assert_eq!(drain(&mut rx), (0..sent).collect::<Vec<_>>());
                    // It goes on.
                    assert!(!ring.ring.commit(t, run, stranger()));
                    ring.ring.give_back(t, stranger());
                    assert_eq!(drain(&mut rx), [0_u32; 0]);
                    while tx.try_send(sent).is_ok() {
                        sent += 1;
                    }
                    assert_eq!(sent as usize, free + 8);
                    assert_eq!(drain(&mut rx).len(), 8);
                });
            }
        }
    }
}

/// Hints are stored by whoever claimed, however late: an old one may come back at any time.
#[test]
fn an_old_hint_leads_nobody_into_a_batch_that_was_passed_over() {
    for words in 0..4 {
        for (tail, head) in [(0, 0), (1, 1), (5, 1), (1, 5), (7, 7), (8, 8), (13, 13)] {
            with_revoke::<u32>(8, |room, ring| {
                let (mut tx, mut rx) = both(ring);
                tx.try_send(0).unwrap();
                assert_eq!(rx.try_recv(), Some(0));
                let t = claim(&ring.ring, 4);
                half_commit(&ring.ring, t, 4, words.min(3));
                for n in 5..11 {
                    tx.try_send(n).unwrap();
                    assert_eq!(rx.try_recv(), Some(n));
                }
                // The batch lies at positions 1 to 4, and was passed over at 9 to 12.
                assert_eq!((room.word(TAIL), room.word(HEAD)), (15, 15));
                room.set(TAIL, tail);
                room.set(HEAD, head);
                let mut late = ring.bare_receiver().unwrap();
                assert_eq!(late.try_recv(), None, "{words} {tail} {head}");
                room.set(HEAD, head);
                let mut sender = ring.bare_sender().unwrap();
                for n in 100..120 {
                    room.set(TAIL, tail);
                    sender.try_send(n).unwrap();
                    assert_eq!(rx.try_recv(), Some(n), "{words} {tail} {head}");
                }
                ring.ring.give_back(t, stranger());
                assert_eq!(drain(&mut ring.bare_receiver().unwrap()), []);
            });
        }
    }
}

#[test]
fn an_old_hint_is_only_a_longer_way() {
    with_each::<u32>(4, |room, ring| {
        let (mut tx, mut rx) = both(ring);
        for n in 0..8u32 {
            tx.try_send(n).unwrap();
            assert_eq!(rx.try_recv(), Some(n));
        }
        for old in 0..8 {
            room.set(TAIL, old);
            room.set(HEAD, old);
            let (mut tx, mut rx) = both(ring);
            assert_eq!(rx.try_recv(), None);
            assert_eq!(tx.try_send_slice(&[1, 2]), 2);
            room.set(HEAD, old);
            assert_eq!(drain(&mut ring.bare_receiver().unwrap()), [1, 2]);
        }
    });
}

#[test]
fn a_stopped_reader_costs_its_slots_and_what_it_took_is_still_its_own() {
    for run in 1..=4 {
        with_revoke::<u32>(8, |_, ring| {
            let (mut tx, mut rx) = both(ring);
            let batch = [0, 1, 2, 3, 4];
            assert_eq!(tx.try_send_slice(&batch), 5);
            assert!(ring.ring.hold(0, word(&ring.ring, 0), run, stranger()));
            assert_eq!(drain(&mut rx), batch[run as usize..]);
            for n in 5..40 {
                tx.try_send(n).unwrap();
                assert_eq!(drain(&mut rx), [n]);
            }
            for at in 0..run {
                assert_eq!(ring.ring.slots.slot(at).load_value::<u32>(), at);
            }
            ring.ring.give_back(0, stranger());
            let mut sent = 0;
            while tx.try_send(sent).is_ok() {
                sent += 1;
            }
            let lost = 8 - sent;
            assert!(
                lost <= run,
                "its slots may be free from the next lap on only"
            );
            assert_eq!(drain(&mut rx).len(), sent as usize);
            while tx.try_send(sent).is_ok() {
                sent += 1;
            }
            assert_eq!(drain(&mut rx).len(), 8);
        });
    }
}

#[test]
fn garbage_in_a_word_is_nobodys_message() {
    with_each::<u32>(4, |_, ring| {
        let (mut tx, mut rx) = both(ring);
        for state in [6u64, 7] {
            tx.try_send(1).unwrap();
            let at = ring.ring.head.load(RELAXED);
            let good = word(&ring.ring, at);
            ring.ring
                .word(at)
                .store(good.0 & !(7 << 32) | state << 32, RELAXED);
            assert_eq!(rx.try_recv(), None);
            assert_eq!(rx.try_recv_slice(&mut [0; 4]), 0);
            assert!(rx.try_take().is_none());
            ring.ring.word(at).store(good.0, RELAXED);
            assert_eq!(rx.try_recv(), Some(1));
        }
    });
}

/// An owner that gives a batch back frees the slots behind the first one first: until it is through, they look like any free slot of a later
/// lap to whoever comes from far behind, and the rest of the batch still says what it said.
#[test]
fn an_old_hint_leads_nobody_into_a_batch_that_is_being_given_back() {
    for (committed, freed, old) in (0..16).flat_map(|n| [(n % 4, n / 4, 2), (n % 4, n / 4, 3)]) {
        with_revoke::<u32>(8, |room, ring| {
            let (mut tx, mut rx) = both(ring);
            for n in 0..9 {
                tx.try_send(n).unwrap();
                assert_eq!(rx.try_recv(), Some(n));
            }
            // At positions 9 to 12, passed over at 17 to 20.
            let t = claim(&ring.ring, 4);
            half_commit(&ring.ring, t, 4, committed);
            for n in 13..19 {
                tx.try_send(n).unwrap();
                assert_eq!(rx.try_recv(), Some(n));
            }
            assert_eq!((room.word(TAIL), room.word(HEAD)), (23, 23));
            for i in 1..=u64::from(freed) {
                let next = 17 + i + 8;
                ring.ring
                    .word(next)
                    .store(ring.ring.laps.free(next).0, RELAXED);
            }
            // Messages were sent one by one at the first lap: each of its positions was a hint.
            room.set(HEAD, old);
            let late = ring.bare_receiver().unwrap().try_recv();
            assert_eq!(late, None, "{committed} {freed} {old}");
            room.set(TAIL, old);
            let mut sender = ring.bare_sender().unwrap();
            for n in 100..103 {
                room.set(TAIL, old);
                sender.try_send(n).unwrap();
                assert_eq!(rx.try_recv(), Some(n), "{committed} {freed} {old}");
            }
        });
    }
}
