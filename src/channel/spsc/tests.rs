//! A typed ring, one rule a test; each under both trusts where they could differ.

mod refused;
use core::mem::forget;

use super::{Config, Consumer, Producer, Spsc};
use crate::memory::layout::Spacing;
use crate::memory::liveness::{NoProof, PeerId};
use crate::memory::testing::{EACH, EACH_TRUST, Gone, Room, TooAligned, Trust};
use crate::{Channel, Error, Field, Full};

/// Wire offsets of the positions.
const TAIL: usize = 128;
const HEAD: usize = 256;

fn room(slots: u32) -> Room {
    spaced(slots, Spacing::Lines)
}

fn spaced(slots: u32, spacing: Spacing) -> Room {
    let config = Config {
        spacing,
        ..Config::new(slots)
    };
    Room::of::<Spsc<u32>>(&config)
}

fn both(room: &Room, trust: Trust, slots: u32) -> (Producer<'_, u32>, Consumer<'_, u32>) {
    let config = Config {
        spacing: room.spacing(),
        ..Config::new(slots)
    };
    let ring = Spsc::init(room.region(trust), &config).unwrap();
    ring.split().unwrap()
}

/// Runs `test` with a ring of four slots under each trust.
fn with_each(test: impl Fn(Producer<'_, u32>, Consumer<'_, u32>)) {
    for (trust, spacing) in EACH {
        let room = spaced(4, spacing);
        let (tx, rx) = both(&room, trust, 4);
        test(tx, rx);
    }
}

#[test]
fn items_come_out_as_they_went_in_until_full_and_empty() {
    with_each(|mut tx, mut rx| {
        assert_eq!((tx.capacity(), rx.capacity()), (4, 4));
        for lap in 0..3 {
            assert_eq!(rx.pop(), None);
            for n in 0..4 {
                tx.push(lap * 10 + n).unwrap();
            }
            assert_eq!(tx.push(99), Err(Full(99)), "the value comes back");
            assert_eq!(tx.check(), Ok(()), "full is not corrupt");
            for n in 0..4 {
                assert_eq!(rx.pop(), Some(lap * 10 + n));
            }
            assert_eq!((rx.pop(), rx.check()), (None, Ok(())));
        }
        assert_eq!((tx.position(), rx.position()), (12, 12));
    });
}

#[test]
fn peek_leaves_the_item() {
    with_each(|mut tx, mut rx| {
        assert_eq!(rx.peek(), None);
        tx.push(5).unwrap();
        assert_eq!((rx.peek(), rx.peek(), rx.position()), (Some(5), Some(5), 0));
        assert_eq!((rx.pop(), rx.peek(), rx.position()), (Some(5), None, 1));
    });
}

#[test]
fn staged_items_are_invisible_until_published() {
    with_each(|mut tx, mut rx| {
        tx.stage(1).unwrap();
        tx.stage(2).unwrap();
        assert_eq!((rx.pop(), rx.slots(), tx.position()), (None, 0, 2));
        tx.publish();
        assert_eq!((rx.pop(), rx.slots()), (Some(1), 1));
        tx.stage(3).unwrap();
        tx.push(4).unwrap();
        assert_eq!((rx.pop(), rx.pop(), rx.pop()), (Some(2), Some(3), Some(4)));
    });
}

#[test]
fn reporting_full_publishes_what_was_staged() {
    with_each(|mut tx, mut rx| {
        for n in 0..4 {
            tx.stage(n).unwrap();
        }
        assert_eq!(rx.pop(), None);
        assert_eq!(tx.stage(4), Err(Full(4)));
        assert_eq!(
            rx.pop(),
            Some(0),
            "a consumer that is waited for must see something"
        );
    });
}

#[test]
fn taken_items_keep_their_slots_until_acknowledged() {
    with_each(|mut tx, mut rx| {
        assert_eq!(tx.push_slice(&[0, 1, 2, 3]), 4);
        assert_eq!((rx.take(), rx.take(), rx.position()), (Some(0), Some(1), 2));
        assert_eq!(tx.slots(), 0);
        rx.acknowledge();
        assert_eq!(tx.slots(), 2);
        assert_eq!(rx.take(), Some(2));
        assert_eq!(
            rx.pop(),
            Some(3),
            "a pop acknowledges what was taken before it"
        );
        assert_eq!(tx.slots(), 4);
    });
}

#[test]
fn looking_and_taking_acknowledge_nothing() {
    with_each(|mut tx, mut rx| {
        tx.push_slice(&[0, 1, 2, 3]);
        while rx.take().is_some() {}
        assert_eq!((rx.peek(), rx.slots()), (None, 0));
        assert_eq!(tx.slots(), 0, "a batch is done when its consumer says so");
        assert_eq!(rx.pop(), None);
        assert_eq!(
            tx.slots(),
            4,
            "pop acknowledges, also when it finds nothing"
        );
    });
}

#[test]
fn slices_wrap_and_take_what_fits() {
    with_each(|mut tx, mut rx| {
        let mut got = [0; 8];
        assert_eq!(rx.pop_slice(&mut got), 0);
        for first in 0..9 {
            let sent: [u32; 6] = core::array::from_fn(|n| first * 10 + n as u32);
            assert_eq!(tx.push_slice(&sent[..3]), 3);
            assert_eq!(rx.pop_slice(&mut got[..2]), 2);
            assert_eq!(tx.push_slice(&sent[3..]), 3, "one was left and four fit");
            assert_eq!(tx.push_slice(&sent), 0);
            assert_eq!(rx.pop_slice(&mut got[2..]), 4);
            assert_eq!(got[..6], sent);
        }
        assert_eq!((tx.push_slice(&[]), rx.pop_slice(&mut [])), (0, 0));
        assert_eq!(tx.push_slice(&[1, 2, 3, 4, 5, 6]), 4);
    });
}

#[test]
fn slots_count_room_and_items_and_publish_nothing() {
    with_each(|mut tx, mut rx| {
        assert_eq!((tx.slots(), rx.slots()), (4, 0));
        tx.stage(1).unwrap();
        tx.stage(2).unwrap();
        assert_eq!((tx.slots(), rx.slots()), (2, 0));
        tx.publish();
        rx.take();
        assert_eq!((rx.slots(), tx.slots()), (1, 2));
        rx.acknowledge();
        assert_eq!((rx.slots(), tx.slots()), (1, 3));
    });
}

#[test]
fn an_item_lies_at_its_position_modulo_the_capacity() {
    for trust in EACH_TRUST {
        for slots in [1, 2, 8] {
            let room = room(slots);
            let (mut tx, mut rx) = both(&room, trust, slots);
            for n in 0..3 * slots {
                match n % 2 {
                    0 => tx.push(n + 100).unwrap(),
                    _ => assert_eq!(tx.push_slice(&[n + 100]), 1),
                }
                assert_eq!(room.word(512 + 4 * (n % slots) as usize), n + 100);
                assert_eq!(rx.pop(), Some(n + 100));
            }
        }
    }
}

#[test]
fn dropping_an_end_gives_it_back_and_settles_nothing() {
    for trust in EACH_TRUST {
        let room = room(4);
        let ring = Spsc::<u32>::init(room.region(trust), &Config::new(4)).unwrap();
        let taken = Error::EndpointTaken { by: PeerId::BARE };
        let mut tx = ring.bare_producer(&NoProof).unwrap();
        let mut rx = ring.bare_consumer(&NoProof).unwrap();
        assert_eq!(ring.bare_producer(&NoProof).unwrap_err(), taken);
        assert_eq!(ring.bare_consumer(&NoProof).unwrap_err(), taken);
        tx.push(1).unwrap();
        tx.push(2).unwrap();
        tx.stage(3).unwrap();
        assert_eq!(rx.take(), Some(1));
        drop((tx, rx));
        let mut tx = ring.bare_producer(&NoProof).unwrap();
        let mut rx = ring.bare_consumer(&NoProof).unwrap();
        assert_eq!(
            (tx.position(), rx.position()),
            (2, 0),
            "neither what was staged nor what was taken is settled by a drop"
        );
        tx.push(4).unwrap();
        let got = [rx.pop(), rx.pop(), rx.pop(), rx.pop()];
        assert_eq!(got, [Some(1), Some(2), Some(4), None]);
    }
}

#[test]
fn a_successor_gets_again_what_a_dead_consumer_did_not_acknowledge() {
    static DEAD: Gone = Gone(PeerId::BARE);
    for trust in EACH_TRUST {
        let room = room(4);
        let ring = Spsc::<u32>::init(room.region(trust), &Config::new(4)).unwrap();
        let mut tx = ring.bare_producer(&NoProof).unwrap();
        let mut rx = ring.bare_consumer(&NoProof).unwrap();
        tx.push_slice(&[10, 11, 12]);
        assert_eq!(
            (rx.pop(), rx.take(), rx.position()),
            (Some(10), Some(11), 2)
        );
        forget(rx);
        assert!(matches!(
            ring.bare_consumer(&NoProof),
            Err(Error::EndpointTaken { .. })
        ));
        let mut rx = ring.bare_consumer(&DEAD).unwrap();
        assert_eq!(
            (rx.position(), rx.pop()),
            (1, Some(11)),
            "at least once, at its old position"
        );
        assert_eq!((rx.pop(), rx.pop()), (Some(12), None));
    }
}

#[test]
fn what_a_dead_producer_staged_never_was() {
    static DEAD: Gone = Gone(PeerId::BARE);
    for trust in EACH_TRUST {
        let room = room(4);
        let ring = Spsc::<u32>::init(room.region(trust), &Config::new(4)).unwrap();
        let mut tx = ring.bare_producer(&NoProof).unwrap();
        let mut rx = ring.bare_consumer(&NoProof).unwrap();
        tx.push(1).unwrap();
        tx.stage(2).unwrap();
        forget(tx);
        let mut tx = ring.bare_producer(&DEAD).unwrap();
        assert_eq!(tx.position(), 1);
        tx.push(3).unwrap();
        assert_eq!((rx.pop(), rx.pop(), rx.pop()), (Some(1), Some(3), None));
    }
}

#[test]
fn an_end_is_abandoned_while_nobody_alive_holds_the_other() {
    static DEAD: Gone = Gone(PeerId::BARE);
    let room = room(4);
    let ring = Spsc::<u32>::init(room.region(Trust::Cooperative), &Config::new(4)).unwrap();
    let tx = ring.bare_producer(&NoProof).unwrap();
    assert!(tx.is_abandoned());
    assert_eq!(tx.other(), None);
    let rx = ring.bare_consumer(&NoProof).unwrap();
    assert!(!tx.is_abandoned() && !rx.is_abandoned());
    assert_eq!(
        (tx.other(), rx.other()),
        (Some(PeerId::BARE), Some(PeerId::BARE))
    );
    drop(tx);
    assert!(rx.is_abandoned());
    let tx = ring.bare_producer(&DEAD).unwrap();
    assert!(!rx.is_abandoned(), "another came");
    forget(rx);
    assert!(
        !tx.is_abandoned(),
        "proof of a bare holder's death is for take-over, not for questions"
    );
    assert_eq!(tx.other(), Some(PeerId::BARE));
}
