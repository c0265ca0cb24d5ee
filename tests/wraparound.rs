//! Requirement 41: every counter from shortly before its maximum, step by step and under two threads.
//!
//! The counters of the wire: a ring's tail and head, a row's generation and its doorbell epoch; numbers and cursors of stamped slots are
//! in `wraparound/stamps.rs`, positions of rings of many in `wraparound/many.rs`, numbers and takings of calls in
//! `wraparound/calls.rs`.

#[path = "wraparound/calls.rs"]
mod calls;
#[path = "wraparound/many.rs"]
mod many;
mod regions;
#[path = "wraparound/stamps.rs"]
mod stamps;
#[path = "wraparound/threads.rs"]
mod threads;

use std::cell::Cell;
use std::mem::forget;

use regions::{EACH_TRUST, GONE, HEAD, Room, TAIL, Trust};
use ringpad::bytes::{self, Bytes};
use ringpad::spsc::{self, Spsc};
use ringpad::{Identity, NoProof, PeerId, Plan, Segment, Signal, Sleeper};

#[test]
fn a_typed_ring_passes_the_last_position() {
    for trust in EACH_TRUST {
        for power in 0..4 {
            let config = spsc::Config::new(1 << power);
            for before in 0..=3 << power {
                let start = u32::MAX - before;
                let room = Room::of::<Spsc<'_, u64>>(&config);
                let ring: Spsc<'_, u64> = room.channel(trust, &config, start);
                let (mut tx, mut rx) = ring.split().unwrap();
                let (mut sent, mut got) = (0, 0);
                while got < 6 << power {
                    while tx.push(sent).is_ok() {
                        sent += 1;
                    }
                    assert_eq!(sent - got, 1 << power, "full with capacity items");
                    assert_eq!((tx.slots(), rx.slots()), (0, 1 << power));
                    for _ in 0..=got % (1 << power) {
                        assert_eq!(rx.pop(), Some(got));
                        got += 1;
                    }
                    assert_eq!(tx.position(), start.wrapping_add(sent as u32));
                    assert_eq!(room.get(HEAD), start.wrapping_add(got as u32));
                }
                assert!(room.get(TAIL) < start, "it wrapped");
            }
        }
    }
}

#[test]
fn a_taken_item_comes_again_across_the_last_position() {
    for trust in EACH_TRUST {
        for before in 0..8 {
            let config = spsc::Config::new(4);
            let room = Room::of::<Spsc<'_, u32>>(&config);
            let ring: Spsc<'_, u32> = room.channel(trust, &config, u32::MAX - before);
            let (mut tx, mut rx) = (
                ring.bare_producer(&GONE).unwrap(),
                ring.bare_consumer(&GONE).unwrap(),
            );
            assert_eq!(tx.push_slice(&[1, 2, 3, 4]), 4);
            assert_eq!(
                (rx.pop(), rx.take(), rx.take()),
                (Some(1), Some(2), Some(3))
            );
            forget((tx, rx));
            let (mut tx, mut rx) = (
                ring.bare_producer(&GONE).unwrap(),
                ring.bare_consumer(&GONE).unwrap(),
            );
            assert_eq!(rx.position(), (u32::MAX - before).wrapping_add(1));
            assert_eq!(tx.push_slice(&[5, 6]), 1);
            assert_eq!(
                [rx.pop(), rx.pop(), rx.pop(), rx.pop(), rx.pop()],
                [Some(2), Some(3), Some(4), Some(5), None]
            );
        }
    }
}

#[test]
fn a_ring_of_records_passes_the_last_position() {
    for trust in EACH_TRUST {
        let config = bytes::Config::records(64);
        for before in 0..=24u32 {
            let start = 0u32.wrapping_sub(8 * before);
            let room = Room::of::<Bytes<'_>>(&config);
            let ring: Bytes<'_> = room.channel(trust, &config, start);
            let (mut tx, mut rx) = ring.split().unwrap();
            let (mut sent, mut got) = (0u8, 0u8);
            let record = |n: u8| vec![n; usize::from(n) * 7 % 25];
            while got < 40 {
                while tx.send(&record(sent)).is_ok() {
                    sent += 1;
                }
                assert!(sent > got, "a drained ring takes any record");
                for _ in 0..=(sent - got) / 2 {
                    let mut into = [0; 24];
                    let Some(found) = rx.recv(&mut into).unwrap() else {
                        break;
                    };
                    assert_eq!(found, record(got));
                    got += 1;
                }
            }
            assert!(
                room.get(TAIL).wrapping_sub(start) > 8 * before,
                "it wrapped"
            );
        }
    }
}

#[test]
fn a_stream_passes_the_last_position() {
    for trust in EACH_TRUST {
        let config = bytes::Config::stream(64);
        for before in 0..=130 {
            let start = u32::MAX - before;
            let room = Room::of::<Bytes<'_>>(&config);
            let ring: Bytes<'_> = room.channel(trust, &config, start);
            let (mut tx, mut rx) = ring.split().unwrap();
            let (mut sent, mut got) = (0u8, 0u8);
            while got < 200 {
                let piece: Vec<u8> = (0..17).map(|n| sent.wrapping_add(n)).collect();
                let len = usize::from(sent % 16) + 1;
                if tx.send(&piece[..len]).is_ok() {
                    sent = sent.wrapping_add(len as u8);
                }
                let mut into = [0; 11];
                for &byte in rx.recv(&mut into).unwrap().unwrap_or_default() {
                    assert_eq!(byte, got);
                    got = got.saturating_add(1);
                }
            }
            assert!(room.get(TAIL) < start, "it wrapped");
        }
    }
}

/// Where the first row begins, and its doorbell word.
const ROW: usize = 384;
const ARM: usize = ROW + 4;

fn segment(room: &Room) -> Segment<'_> {
    let plan = Plan::<1>::new().peers(2).unwrap();
    let plan = plan
        .channel::<Spsc<'_, u32>>("ring", &spsc::Config::new(4))
        .unwrap();
    Segment::init(room.region(Trust::Cooperative), &plan).unwrap()
}

#[test]
fn a_row_passes_its_last_generation() {
    let room = Room::new(4096);
    let segment = segment(&room);
    let ring: Spsc<'_, u32> = segment.open("ring").unwrap();
    for before in 0..4 {
        room.set(ROW, (0xff_fffe - 2 * before) << 8);
        for _ in 0..8 {
            let generation = room.get(ROW) >> 8;
            let me = segment.join(&Identity::default(), &NoProof).unwrap();
            assert_eq!(
                room.get(ROW) >> 8,
                generation + 1,
                "odd while somebody lives there"
            );
            forget(ring.producer(&me).unwrap());
            let you = segment.join(&Identity::default(), &NoProof).unwrap();
            assert!(ring.producer(&you).is_err(), "its owner lives");
            drop(me);
            assert_eq!(room.get(ROW) >> 8, (generation + 2) & 0xff_ffff);
            drop(ring.producer(&you).unwrap());
        }
    }
}

#[derive(Default)]
struct Heard(Cell<u32>);

impl Signal for Heard {
    fn signal(&self, _: PeerId) {
        self.0.set(self.0.get() + 1);
    }
}

#[test]
fn a_doorbell_passes_its_last_epoch() {
    for before in 0..4 {
        let room = Room::new(4096);
        let segment = segment(&room);
        let ring: Spsc<'_, u32> = segment.open("ring").unwrap();
        room.set(ARM, ((u32::MAX >> 1) - before) << 1);
        let me = segment.join(&Identity::default(), &NoProof).unwrap();
        let heard = Heard::default();
        let mut tx = ring.producer(&me).unwrap().ringing(&me, &heard).unwrap();
        let mut rx = ring.consumer(&me).unwrap();
        let ends = [rx.bell()];
        let mut sleeper = Sleeper::of(&me).unwrap();
        let mut armed = sleeper.arm(&ends).unwrap();
        for n in 1..10 {
            tx.push(n).unwrap();
            tx.publish();
            assert_eq!((heard.0.get(), rx.pop()), (n, Some(n)), "once an epoch");
            armed.again();
        }
    }
}
