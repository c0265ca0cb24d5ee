//! Doorbells: who is rung, when, and how often.

mod epochs;
use core::cell::RefCell;
use core::mem::forget;
use core::sync::atomic::Ordering::Relaxed;

use super::{Ringer, Signal, Sleeper};
use crate::bytes::{self, Bytes};
use crate::channel::seat::Claimant;
use crate::memory::liveness::PeerId;
use crate::memory::sync::RawU32;
use crate::memory::testing::{EACH_TRUST, Room, Trust};
use crate::segment::testing::{PRODUCER, Ring, join, place, room, segment};
use crate::segment::wake::poll_for;
use crate::{Error, Plan, Segment};

/// Wire offsets: a row's doorbell word, and a ring's words of sleepers.
const ROWS: usize = 384;
const ARM: usize = 4;
const DATA_WAITERS: usize = 392;
const SPACE_WAITERS: usize = 396;

/// Remembers whom it was told to wake.
#[derive(Default)]
struct Heard(RefCell<Vec<u32>>);

impl Heard {
    fn take(&self) -> Vec<u32> {
        self.0.take()
    }
}

impl Signal for Heard {
    fn signal(&self, peer: PeerId) {
        self.0.borrow_mut().push(peer.get());
    }
}

fn arm_word(room: &Room, peer: usize) -> u32 {
    room.word(ROWS + 128 * (peer - 1) + ARM)
}

/// A segment of three peers under each trust.
fn with_each(test: impl Fn(&Room, Segment<'_>)) {
    for trust in EACH_TRUST {
        let room = room(3);
        test(&room, segment(&room, trust, 3));
    }
}

#[test]
fn a_sleeper_is_rung_once_an_epoch() {
    with_each(|room, segment| {
        let (one, two) = (join(&segment), join(&segment));
        let (heard, ring): (_, Ring) = (Heard::default(), segment.open("a").unwrap());
        let mut tx = ring.producer(&one).unwrap().ringing(&one, &heard).unwrap();
        let mut rx = ring.consumer(&two).unwrap();
        tx.push(0).unwrap();
        assert_eq!(heard.take(), [0; 0], "nobody sleeps");
        let waiters = place(&segment, "a") + DATA_WAITERS;
        let ends = [rx.bell()];
        let mut sleeper = Sleeper::of(&two).unwrap();
        let mut armed = sleeper.arm(&ends).unwrap();
        assert_eq!((room.word(waiters), arm_word(room, 2)), (0b10, 1 << 1 | 1));
        tx.push(1).unwrap();
        tx.push(2).unwrap();
        assert_eq!(heard.take(), [2], "once for both");
        assert_eq!(arm_word(room, 2), 1 << 1 | 1, "producers clear nothing");
        armed.again();
        assert_eq!(arm_word(room, 2), 2 << 1 | 1);
        tx.push(3).unwrap();
        assert_eq!(heard.take(), [2], "a new epoch is rung anew");
        drop(armed);
        assert_eq!((room.word(waiters), arm_word(room, 2)), (0, 2 << 1));
        assert_eq!(
            (rx.pop(), rx.pop(), rx.pop(), rx.pop()),
            (Some(0), Some(1), Some(2), Some(3))
        );
        tx.push(4).unwrap();
        assert_eq!(heard.take(), [0; 0]);
        let _armed = sleeper.arm(&ends).unwrap();
        assert_eq!(arm_word(room, 2), 3 << 1 | 1, "epochs go on");
        tx.push(5).unwrap();
        assert_eq!(heard.take(), [2]);
    });
}

#[test]
fn staging_rings_nobody_and_publishing_rings_once() {
    with_each(|_, segment| {
        let (one, two) = (join(&segment), join(&segment));
        let (heard, ring): (_, Ring) = (Heard::default(), segment.open("a").unwrap());
        let mut tx = ring.producer(&one).unwrap().ringing(&one, &heard).unwrap();
        let rx = ring.consumer(&two).unwrap();
        let ends = [rx.bell()];
        let mut sleeper = Sleeper::of(&two).unwrap();
        let _armed = sleeper.arm(&ends).unwrap();
        tx.stage(1).unwrap();
        tx.stage(2).unwrap();
        assert_eq!(heard.take(), [0; 0]);
        tx.publish();
        tx.publish();
        assert_eq!(heard.take(), [2]);
    });
}

#[test]
fn a_producer_waits_for_room() {
    with_each(|room, segment| {
        let (one, two) = (join(&segment), join(&segment));
        let (heard, ring): (_, Ring) = (Heard::default(), segment.open("b").unwrap());
        let mut tx = ring.producer(&one).unwrap();
        let mut rx = ring.consumer(&two).unwrap().ringing(&two, &heard).unwrap();
        tx.push_slice(&[1, 2, 3, 4]);
        let ends = [tx.bell()];
        let mut sleeper = Sleeper::of(&one).unwrap();
        let _armed = sleeper.arm(&ends).unwrap();
        assert_eq!(room.word(place(&segment, "b") + SPACE_WAITERS), 0b01);
        assert_eq!(
            (rx.take(), heard.take()),
            (Some(1), vec![]),
            "nothing was given back yet"
        );
        rx.acknowledge();
        assert_eq!(heard.take(), [1]);
    });
}

#[test]
fn an_end_that_goes_rings_the_other_side() {
    with_each(|_, segment| {
        let (one, two) = (join(&segment), join(&segment));
        let (heard, ring): (_, Ring) = (Heard::default(), segment.open("a").unwrap());
        let tx = ring.producer(&one).unwrap().ringing(&one, &heard).unwrap();
        let rx = ring.consumer(&two).unwrap();
        let ends = [rx.bell()];
        let mut sleeper = Sleeper::of(&two).unwrap();
        let _armed = sleeper.arm(&ends).unwrap();
        drop(tx);
        assert_eq!(heard.take(), [2]);
        assert!(
            rx.is_abandoned(),
            "and when it looks, the end is free already"
        );
    });
}

/// Sees what a word of the room holds at the moment of a signal.
struct Sees<'r>(&'r Room, usize, RefCell<Vec<u32>>);

impl Signal for Sees<'_> {
    fn signal(&self, _: PeerId) {
        self.2.borrow_mut().push(self.0.word(self.1));
    }
}

#[test]
fn a_signal_comes_after_what_it_tells_of() {
    let room = room(3);
    let segment = segment(&room, Trust::Cooperative, 3);
    let (one, two) = (join(&segment), join(&segment));
    let (at, ring): (_, Ring) = (place(&segment, "a"), segment.open("a").unwrap());
    let tail = Sees(&room, at + 128, RefCell::default());
    let claim = Sees(&room, at + PRODUCER, RefCell::default());
    let rx = ring.consumer(&two).unwrap();
    let ends = [rx.bell()];
    let mut sleeper = Sleeper::of(&two).unwrap();
    let mut armed = sleeper.arm(&ends).unwrap();
    let mut tx = ring.producer(&one).unwrap().ringing(&one, &tail).unwrap();
    assert_eq!(tail.2.take(), [0], "whoever rings from now on rings now");
    armed.again();
    tx.push_slice(&[1, 2, 3]);
    assert_eq!(tail.2.take(), [3], "the commit");
    drop(tx);
    armed.again();
    let tx = ring.producer(&one).unwrap().ringing(&one, &claim).unwrap();
    assert_ne!(claim.2.take(), [0], "the end taken");
    armed.again();
    drop(tx);
    assert_eq!(claim.2.take(), [0], "the end given back");
}

#[test]
fn an_end_that_comes_rings_the_other_side() {
    with_each(|_, segment| {
        let (one, two) = (join(&segment), join(&segment));
        let (heard, ring): (_, Ring) = (Heard::default(), segment.open("a").unwrap());
        let rx = ring.consumer(&two).unwrap();
        let ends = [rx.bell()];
        let mut sleeper = Sleeper::of(&two).unwrap();
        let mut armed = sleeper.arm(&ends).unwrap();
        let ringer = || Ringer::new(segment.table(), &heard);
        let tx = ring.produce_as(Claimant::Peer(&one), ringer()).unwrap();
        assert_eq!(heard.take(), [2], "whoever waits for a partner has one");
        armed.again();
        drop(tx);
        assert_eq!(heard.take(), [2]);
    });
}

#[test]
fn a_stranger_rings_nobody() {
    let (here, there) = (room(2), room(2));
    let home = segment(&here, Trust::Cooperative, 2);
    let abroad = segment(&there, Trust::Cooperative, 2);
    let (me, stranger) = (join(&home), join(&abroad));
    let (heard, ring): (_, Ring) = (Heard::default(), home.open("a").unwrap());
    let refused = ring.producer(&me).unwrap().ringing(&stranger, &heard);
    assert_eq!(refused.err(), Some(Error::ForeignPeer));
    let refused = ring.consumer(&me).unwrap().ringing(&stranger, &heard);
    assert_eq!(refused.err(), Some(Error::ForeignPeer));
    let at = place(&home, "a") + PRODUCER;
    assert_eq!(
        (here.word(at), here.word(at + 4)),
        (0, 0),
        "both given back"
    );
}

#[test]
fn byte_rings_ring_too() {
    let plan = Plan::<1>::new()
        .channel::<Bytes>("log", &bytes::Config::records(64))
        .unwrap();
    let room = Room::new(plan.layout().unwrap().size());
    let segment = Segment::init(room.region(Trust::Cooperative), &plan).unwrap();
    let (one, two) = (join(&segment), join(&segment));
    let (heard, ring): (_, Bytes) = (Heard::default(), segment.open("log").unwrap());
    let mut tx = ring.producer(&one).unwrap().ringing(&one, &heard).unwrap();
    let mut rx = ring.consumer(&two).unwrap().ringing(&two, &heard).unwrap();
    let (for_data, for_room) = ([rx.bell()], [tx.bell()]);
    let (mut of_one, mut of_two) = (Sleeper::of(&one).unwrap(), Sleeper::of(&two).unwrap());
    let _armed = (
        of_one.arm(&for_room).unwrap(),
        of_two.arm(&for_data).unwrap(),
    );
    tx.grant(3).unwrap().leave_staged(3).unwrap();
    assert_eq!(heard.take(), [0; 0]);
    tx.send(b"two").unwrap();
    assert_eq!(heard.take(), [2]);
    drop(rx.read().unwrap().unwrap());
    assert_eq!(heard.take(), [0; 0]);
    rx.read().unwrap().unwrap().release();
    assert_eq!(heard.take(), [1]);
}

#[test]
fn only_armed_sleepers_of_the_table_are_rung() {
    with_each(|room, segment| {
        let (one, two, three) = (join(&segment), join(&segment), join(&segment));
        let (heard, ring): (_, Ring) = (Heard::default(), segment.open("a").unwrap());
        let mut tx = ring.producer(&one).unwrap().ringing(&one, &heard).unwrap();
        let rx = ring.consumer(&two).unwrap();
        let ends = [rx.bell(), rx.bell()];
        let (mut second, mut third) = (Sleeper::of(&two).unwrap(), Sleeper::of(&three).unwrap());
        let armed = (second.arm(&ends).unwrap(), third.arm(&ends).unwrap());
        tx.push(1).unwrap();
        assert_eq!(heard.take(), [2, 3]);
        let waiters = place(&segment, "a") + DATA_WAITERS;
        drop(armed);
        // Bits of peers that are not armed, and of rows that do not exist.
        room.set(waiters, u32::MAX);
        tx.push(2).unwrap();
        assert_eq!(heard.take(), [0; 0]);
    });
}

#[test]
fn a_peer_has_one_right_to_sleep() {
    with_each(|_, segment| {
        let one = join(&segment);
        let sleeper = Sleeper::of(&one).unwrap();
        assert_eq!(Sleeper::of(&one).err(), Some(Error::WaiterTaken));
        let other = join(&segment);
        assert!(Sleeper::of(&other).is_ok(), "each peer its own");
        drop(sleeper);
        let again = Sleeper::of(&one).unwrap();
        assert_eq!(
            format!("{again:?}"),
            "Sleeper { peer: PeerId(1), epoch: 0 }"
        );
    });
}

#[test]
fn nobody_sleeps_at_ends_of_another_segment() {
    let (here, there) = (room(2), room(2));
    let (home, abroad) = (
        segment(&here, Trust::Cooperative, 2),
        segment(&there, Trust::Cooperative, 2),
    );
    let (me, stranger) = (join(&home), join(&abroad));
    let (near, far): (Ring, Ring) = (home.open("a").unwrap(), abroad.open("a").unwrap());
    let (near, far) = (
        near.consumer(&me).unwrap(),
        far.consumer(&stranger).unwrap(),
    );
    let mut sleeper = Sleeper::of(&me).unwrap();
    let ends = [near.bell(), far.bell()];
    assert_eq!(sleeper.arm(&ends).err(), Some(Error::ForeignPeer));
    for (room, segment) in [(&here, &home), (&there, &abroad)] {
        let waiters = place(segment, "a") + DATA_WAITERS;
        assert_eq!(
            (room.word(waiters), arm_word(room, 1)),
            (0, 0),
            "no bit was set"
        );
    }
}

#[test]
fn a_forked_child_disarms_nothing_and_may_not_sleep() {
    let guard = RawU32::new(1);
    let room = room(2);
    segment(&room, Trust::Cooperative, 2);
    let region = room.region(Trust::Cooperative).guarded_by(&guard);
    let segment = Segment::attach(region).unwrap();
    let me = join(&segment);
    let mut sleeper = Sleeper::of(&me).unwrap();
    let none: [super::Bell<'_>; 0] = [];
    let armed = sleeper.arm(&none).unwrap();
    guard.store(0, Relaxed);
    drop(armed);
    assert_eq!(arm_word(&room, 1), 1 << 1 | 1);
    drop(sleeper);
    assert_eq!(Sleeper::of(&me).err(), Some(Error::Forked));
}

#[test]
fn polling_stops_at_the_first_answer_or_the_budget() {
    let asked = RefCell::new(0);
    let ready = |at: u32| {
        *asked.borrow_mut() += 1;
        (*asked.borrow() == at).then_some(at)
    };
    assert_eq!(poll_for::<spin::relax::Spin, _>(9, || ready(4)), Some(4));
    assert_eq!(asked.take(), 4);
    assert_eq!(poll_for::<spin::relax::Spin, _>(9, || ready(99)), None);
    assert_eq!(asked.take(), 9);
    assert_eq!(poll_for::<spin::relax::Spin, _>(0, || ready(1)), None);
}
