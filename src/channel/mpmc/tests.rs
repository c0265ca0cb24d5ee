//! A ring of many, one rule a test, on one thread; each under both trusts and every choice of the creator.

mod batches;
mod helped;
mod late;
mod mending;
mod passing;
mod positions;
mod reachable;
mod refused;
mod taken;
mod threads;
mod unhurried;

use super::word::{Tag, Word};
use super::{Config, Delivery, Mpmc, Receiver, Recovery, Ring, Sender};
use crate::memory::Pod;
use crate::memory::liveness::{Owner, PeerId};
use crate::memory::testing::{EACH_TRUST, Room, Trust};
use crate::{Channel, Full};

/// Wire offsets.
const TAIL: usize = 128;
const HEAD: usize = 256;
const ORPHANED: usize = 392;
const SLOTS: usize = 512;

/// Every choice of the creator.
const MODES: [(Delivery, Recovery); 4] = [
    (Delivery::AtLeastOnce, Recovery::Revoke),
    (Delivery::AtLeastOnce, Recovery::ProofOnly),
    (Delivery::AtMostOnce, Recovery::Revoke),
    (Delivery::AtMostOnce, Recovery::ProofOnly),
];

fn config(slots: u32, (delivery, recovery): (Delivery, Recovery)) -> Config {
    Config::new(slots).delivery(delivery).recovery(recovery)
}

/// Runs `test` with a ring under each trust and choice.
fn with_each<T: Pod>(slots: u32, test: impl Fn(&Room, &Mpmc<'_, T>)) {
    for trust in EACH_TRUST {
        for mode in MODES {
            with(trust, &config(slots, mode), &test);
        }
    }
}

/// Runs `test` with a ring that anybody may pass over, both deliveries.
fn with_revoke<T: Pod>(slots: u32, test: impl Fn(&Room, &Mpmc<'_, T>)) {
    for trust in EACH_TRUST {
        for delivery in [Delivery::AtLeastOnce, Delivery::AtMostOnce] {
            with(trust, &config(slots, (delivery, Recovery::Revoke)), &test);
        }
    }
}

fn with<T: Pod>(trust: Trust, config: &Config, test: impl Fn(&Room, &Mpmc<'_, T>)) {
    let room = Room::of::<Mpmc<T>>(config);
    let ring = Mpmc::<T>::init(room.region(trust), config).unwrap();
    test(&room, &ring);
}

fn both<'m, T: Pod>(ring: &Mpmc<'m, T>) -> (Sender<'m, T>, Receiver<'m, T>) {
    (ring.bare_sender().unwrap(), ring.bare_receiver().unwrap())
}

/// All that is there.
fn drain<T: Pod>(rx: &mut Receiver<'_, T>) -> Vec<T> {
    core::iter::from_fn(|| rx.try_recv()).collect()
}

/// A party that goes no further: nobody proves that it died.
fn stranger() -> Tag {
    Tag::of(Owner::of(PeerId::new(5).unwrap(), 7))
}

/// The word of the slot of a position.
fn word(ring: &Ring<'_>, position: u64) -> Word {
    Word(ring.word(position).load(crate::memory::order::RELAXED))
}

#[test]
fn messages_come_out_as_they_went_in_until_full_and_empty() {
    for slots in [1, 2, 4, 8] {
        with_each::<u32>(slots, |_, ring| {
            let (mut tx, mut rx) = both(ring);
            assert_eq!((tx.capacity(), rx.capacity()), (slots, slots));
            for lap in 0..3 {
                assert_eq!(rx.try_recv(), None);
                for n in 0..slots {
                    tx.try_send(lap * 10 + n).unwrap();
                }
                assert_eq!(tx.try_send(99), Err(Full(99)), "the message comes back");
                assert_eq!(tx.try_send_slice(&[98, 99]), 0);
                for n in 0..slots {
                    assert_eq!(rx.try_recv(), Some(lap * 10 + n));
                }
                assert_eq!(rx.try_recv_slice(&mut [0; 3]), 0);
                assert!(rx.try_take().is_none());
            }
        });
    }
}

#[test]
fn one_slot_freed_is_one_message_more() {
    with_each::<u32>(4, |_, ring| {
        let (mut tx, mut rx) = both(ring);
        for n in 0..4 {
            tx.try_send(n).unwrap();
        }
        for n in 4..40 {
            assert!(tx.try_send(n).is_err());
            assert_eq!(rx.try_recv(), Some(n - 4));
            tx.try_send(n).unwrap();
        }
        assert_eq!(drain(&mut rx), [36, 37, 38, 39]);
    });
}

#[test]
fn a_message_lies_behind_its_word_at_its_position_modulo_the_capacity() {
    with_each::<u32>(4, |room, ring| {
        let (mut tx, mut rx) = both(ring);
        for n in 0..12u32 {
            match n % 2 {
                0 => tx.try_send(n + 100).unwrap(),
                _ => assert_eq!(tx.try_send_slice(&[n + 100]), 1),
            }
            assert_eq!(room.word(SLOTS + 16 * (n % 4) as usize + 8), n + 100);
            assert_eq!((room.word(TAIL), room.word(TAIL + 4)), (n + 1, 0));
            assert_eq!(rx.try_recv(), Some(n + 100));
            assert_eq!((room.word(HEAD), room.word(HEAD + 4)), (n + 1, 0));
        }
    });
}

#[test]
fn messages_of_any_size_come_whole() {
    fn go<T: Pod + PartialEq + core::fmt::Debug>(of: impl Fn(u8) -> T) {
        with_each::<T>(4, |_, ring| {
            let (mut tx, mut rx) = both(ring);
            for n in 0..20 {
                let batch = [of(n), of(n ^ 0x55), of(!n)];
                assert_eq!(tx.try_send_slice(&batch), 3);
                tx.try_send(of(n)).unwrap();
                let mut got = [of(0); 3];
                assert_eq!(rx.try_recv_slice(&mut got), 3);
                assert_eq!((got, rx.try_recv()), (batch, Some(of(n))));
            }
        });
    }
    go::<u8>(|n| n);
    go::<u16>(|n| u16::from_le_bytes([n, !n]));
    go::<[u8; 3]>(|n| [n, !n, n ^ 1]);
    go::<u64>(|n| u64::from(n) << 50 | u64::from(!n));
    go::<[u64; 3]>(|n| [n.into(), u64::MAX - u64::from(n), 7]);
    go::<[u8; 33]>(|n| [n; 33]);
}

#[test]
fn any_number_of_ends_share_one_order() {
    with_each::<u32>(8, |_, ring| {
        let mut tx = [0; 3].map(|_| ring.bare_sender().unwrap());
        let mut rx = [0; 3].map(|_| ring.bare_receiver().unwrap());
        let mut next = 0;
        for round in 0..50 {
            for n in 0..=round % 8 {
                tx[(round + n) as usize % 3]
                    .try_send(round * 10 + n)
                    .unwrap();
            }
            for n in 0..=round % 8 {
                assert_eq!(rx[next % 3].try_recv(), Some(round * 10 + n));
                next += 1;
            }
        }
        assert!(rx.iter_mut().all(|rx| rx.try_recv().is_none()));
    });
}

#[test]
fn a_clone_is_another_end() {
    with_each::<u32>(4, |_, ring| {
        let (mut tx, mut rx) = both(ring);
        let (mut tx_twin, mut rx_twin) = (tx.clone(), rx.clone());
        tx.try_send(1).unwrap();
        tx_twin.try_send(2).unwrap();
        _ = tx;
        tx_twin.try_send(3).unwrap();
        assert_eq!((rx.try_recv(), rx_twin.try_recv()), (Some(1), Some(2)));
        drop(rx_twin);
        assert_eq!((rx.try_recv(), rx.try_recv()), (Some(3), None));
    });
}

#[test]
fn an_end_made_later_goes_on_where_the_others_are() {
    with_each::<u32>(4, |_, ring| {
        for n in 0..30 {
            let (mut tx, mut rx) = both(ring);
            tx.try_send(n).unwrap();
            assert_eq!((rx.try_recv(), rx.try_recv()), (Some(n), None));
        }
    });
}

#[test]
fn the_handle_says_what_its_creator_chose() {
    for trust in EACH_TRUST {
        for mode in MODES {
            let config = config(8, mode).tagged(9);
            with::<u32>(trust, &config, |room, _| {
                let ring = Mpmc::<u32>::attach(room.region(trust)).unwrap();
                assert_eq!((ring.delivery(), ring.recovery()), mode);
                assert_eq!((ring.capacity(), ring.type_tag()), (8, 9));
            });
        }
    }
}

#[test]
fn what_there_is_can_be_asked_before_it_is_taken() {
    with_each::<u32>(2, |_, ring| {
        let (mut tx, mut rx) = both(ring);
        assert!(!rx.has_messages() && tx.has_room());
        tx.try_send(1).unwrap();
        assert!(rx.has_messages() && rx.has_messages() && tx.has_room());
        tx.try_send(2).unwrap();
        assert!(!tx.has_room());
        drop(rx.try_take().unwrap());
        let again = ring.delivery() == Delivery::AtLeastOnce;
        assert!(rx.has_messages());
        let want: &[u32] = if again { &[1, 2] } else { &[2] };
        assert_eq!(drain(&mut rx), want);
        assert!(!rx.has_messages() && tx.has_room());
    });
}
