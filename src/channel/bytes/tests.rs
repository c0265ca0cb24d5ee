//! A byte ring, one rule a test: copying calls and what both framings share. Grants are in `grants`.

mod corrupt;
mod grants;

use core::mem::forget;

use super::{Bytes, Config, Consumer, Framing, Producer, Refused};
use crate::memory::liveness::{NoProof, PeerId};
use crate::memory::testing::{EACH, Gone, Room, Trust};
use crate::{Channel, Error, Field};

/// Wire offsets of the positions and of the payload.
const TAIL: usize = 128;
const HEAD: usize = 256;
const PAYLOAD: usize = 512;

const WRAP: u32 = u32::MAX;

fn both(room: &Room, trust: Trust, config: Config) -> (Producer<'_>, Consumer<'_>) {
    Bytes::init(room.region(trust), &config)
        .unwrap()
        .split()
        .unwrap()
}

/// The length word at an index. Lengths are little-endian bytes, whatever the machine's words are.
fn length(room: &Room, index: usize) -> u32 {
    u32::from_le(room.word(PAYLOAD + index))
}

/// Runs `test` with a fresh ring under each trust.
fn with_each(config: Config, test: impl Fn(&Room, Producer<'_>, Consumer<'_>)) {
    for (trust, spacing) in EACH {
        let config = Config { spacing, ..config };
        let room = Room::of::<Bytes>(&config);
        let (tx, rx) = both(&room, trust, config);
        test(&room, tx, rx);
    }
}

/// Moves both ends of an empty ring of records to `index`, a multiple of 8.
fn move_to(tx: &mut Producer<'_>, rx: &mut Consumer<'_>, index: u32) {
    let mask = tx.capacity() - 1;
    for _ in 0..=mask / 8 {
        if tx.position() & mask == index {
            return;
        }
        tx.send(&[]).unwrap();
        assert_eq!(rx.recv(&mut []), Ok(Some(&[][..])));
    }
    assert_eq!(
        tx.position() & mask,
        index,
        "a lap of empty records passes everywhere"
    );
}

/// `len` bytes that tell their place and their record.
fn text(len: usize, seed: usize) -> Vec<u8> {
    (0..len).map(|at| (at * 7 + seed) as u8).collect()
}

#[test]
fn records_arrive_as_they_were_sent_from_every_offset() {
    with_each(Config::records(128), |_, mut tx, mut rx| {
        let mut into = [0; 56];
        for index in (0..128).step_by(8) {
            for len in 0..=56 {
                move_to(&mut tx, &mut rx, index);
                let sent = text(len, index as usize);
                tx.send(&sent).unwrap();
                let skipped = rx.used_bytes() - 8 - (len as u32).next_multiple_of(8);
                let wraps = index + 8 + (len as u32).next_multiple_of(8) > 128;
                assert_eq!(
                    skipped,
                    if wraps { 128 - index } else { 0 },
                    "{len} bytes at {index}"
                );
                assert_eq!(rx.next_len(), Ok(Some(len)));
                assert_eq!(
                    rx.recv(&mut into),
                    Ok(Some(&sent[..])),
                    "{len} bytes at {index}"
                );
                assert_eq!(
                    (rx.recv(&mut into), rx.used_bytes(), tx.free_bytes()),
                    (Ok(None), 0, 128)
                );
            }
        }
    });
}

#[test]
fn the_wrap_marker_fills_the_ring_s_end() {
    with_each(Config::records(128), |room, mut tx, mut rx| {
        move_to(&mut tx, &mut rx, 112);
        tx.send(b"sixteen bytes...").unwrap();
        assert_eq!((length(room, 112), length(room, 0)), (WRAP, 16));
        assert_eq!(room.word(PAYLOAD + 8).to_ne_bytes(), *b"sixt");
        assert_eq!((tx.position() & 127, rx.used_bytes()), (24, 16 + 24));
        // A record that ends exactly at the ring's end needs no marker.
        rx.recv(&mut [0; 16]).unwrap();
        move_to(&mut tx, &mut rx, 104);
        tx.send(b"sixteen bytes...").unwrap();
        assert_eq!((length(room, 104), tx.position() & 127), (16, 0));
        assert_eq!(rx.next_len(), Ok(Some(16)));
    });
}

#[test]
fn a_record_may_have_half_the_ring_less_its_header() {
    with_each(Config::records(128), |_, mut tx, mut rx| {
        assert_eq!(tx.most(), 56);
        let too_long = Err(Refused::TooLong {
            found: 57,
            most: 56,
        });
        for index in (0..128).step_by(8) {
            move_to(&mut tx, &mut rx, index);
            assert_eq!(tx.send(&[0; 57]), too_long);
            assert_eq!(
                tx.send(&text(56, 1)),
                Ok(()),
                "an empty ring always takes it, at {index} too"
            );
            assert_eq!(rx.recv(&mut [0; 56]), Ok(Some(&text(56, 1)[..])));
        }
    });
    assert_eq!(
        Refused::TooLong {
            found: 57,
            most: 56
        }
        .to_string(),
        "57 bytes; at most 56 fit"
    );
}

#[test]
fn a_full_ring_takes_nothing_and_loses_nothing() {
    with_each(Config::records(64), |_, mut tx, mut rx| {
        for n in 0..4u8 {
            tx.send(&[n; 8]).unwrap();
        }
        assert_eq!(
            (tx.send(&[9; 8]), tx.send(&[]), tx.free_bytes()),
            (Err(Refused::Full), Err(Refused::Full), 0)
        );
        for n in 0..4u8 {
            assert_eq!(rx.recv(&mut [0; 24]), Ok(Some(&[n; 8][..])));
        }
        assert_eq!(rx.recv(&mut [0; 24]), Ok(None));
    });
}

#[test]
fn a_buffer_too_small_keeps_the_record() {
    with_each(Config::records(64), |_, mut tx, mut rx| {
        tx.send(b"nine byte").unwrap();
        let too_long = Err(Refused::TooLong { found: 9, most: 8 });
        assert_eq!(
            (rx.recv(&mut [0; 8]), rx.recv(&mut [0; 8])),
            (too_long, too_long)
        );
        assert_eq!(rx.recv(&mut [0; 9]), Ok(Some(&b"nine byte"[..])));
    });
}

#[test]
fn staged_records_go_out_together() {
    with_each(Config::records(128), |_, mut tx, mut rx| {
        tx.stage(b"one").unwrap();
        tx.stage(b"two").unwrap();
        assert_eq!((rx.recv(&mut [0; 8]), tx.position()), (Ok(None), 32));
        tx.publish();
        assert_eq!(rx.recv(&mut [0; 8]), Ok(Some(&b"one"[..])));
        assert_eq!(rx.recv(&mut [0; 8]), Ok(Some(&b"two"[..])));
        while tx.stage(&[1; 8]).is_ok() {}
        assert_eq!(
            rx.next_len(),
            Ok(Some(8)),
            "reporting full publishes what was staged"
        );
    });
}

#[test]
fn a_stream_has_no_boundaries() {
    with_each(Config::stream(64), |_, mut tx, mut rx| {
        assert_eq!(tx.most(), 64);
        let mut into = [0; 64];
        let (mut sent, mut got) = (Vec::new(), Vec::new());
        for n in 0..100 {
            let piece = text(n % 65, n);
            while tx.send(&piece) == Err(Refused::Full) {
                got.extend_from_slice(rx.recv(&mut into[..1 + n % 13]).unwrap().unwrap());
            }
            sent.extend_from_slice(&piece);
        }
        assert_eq!(
            tx.send(&[0; 65]),
            Err(Refused::TooLong {
                found: 65,
                most: 64
            })
        );
        while let Some(piece) = rx.recv(&mut into).unwrap() {
            got.extend_from_slice(piece);
        }
        assert_eq!(sent, got);
        tx.send(b"ab").unwrap();
        assert_eq!(rx.recv(&mut []), Ok(Some(&[][..])), "no room, no bytes");
        assert_eq!(rx.recv(&mut into), Ok(Some(&b"ab"[..])));
        tx.send(&[]).unwrap();
        assert_eq!(
            rx.recv(&mut into),
            Ok(None),
            "nothing is nothing in a stream"
        );
    });
}

#[test]
fn a_stream_is_sent_whole_or_not_at_all() {
    with_each(Config::stream(64), |_, mut tx, mut rx| {
        tx.send(&[1; 40]).unwrap();
        assert_eq!(tx.send(&[2; 25]), Err(Refused::Full));
        assert_eq!(rx.used_bytes(), 40);
        tx.stage(&[3; 24]).unwrap();
        assert_eq!(rx.used_bytes(), 40);
        tx.publish();
        assert_eq!((rx.used_bytes(), tx.free_bytes()), (64, 0));
    });
}

#[test]
fn a_successor_gets_an_unreleased_record_again() {
    static DEAD: Gone = Gone(PeerId::BARE);
    for (trust, spacing) in EACH {
        let mut config = Config::records(64);
        config.spacing = spacing;
        let room = Room::of::<Bytes>(&config);
        let ring = Bytes::init(room.region(trust), &config).unwrap();
        let mut tx = ring.bare_producer(&NoProof).unwrap();
        let mut rx = ring.bare_consumer(&NoProof).unwrap();
        let taken = Error::EndpointTaken { by: PeerId::BARE };
        assert_eq!(ring.bare_producer(&NoProof).unwrap_err(), taken);
        tx.send(b"again").unwrap();
        tx.stage(b"never").unwrap();
        assert_eq!(rx.next_len(), Ok(Some(5)));
        forget((tx, rx));
        assert_eq!(ring.bare_consumer(&NoProof).unwrap_err(), taken);
        let mut rx = ring.bare_consumer(&DEAD).unwrap();
        let mut tx = ring.bare_producer(&DEAD).unwrap();
        assert_eq!((rx.position(), tx.position()), (0, 16));
        tx.send(b"later").unwrap();
        assert_eq!(rx.recv(&mut [0; 9]), Ok(Some(&b"again"[..])));
        assert_eq!(rx.recv(&mut [0; 9]), Ok(Some(&b"later"[..])));
        assert_eq!(
            (rx.other(), tx.other()),
            (Some(PeerId::BARE), Some(PeerId::BARE))
        );
    }
}

#[test]
fn an_end_is_abandoned_while_nobody_holds_the_other() {
    for (trust, spacing) in EACH {
        let mut config = Config::stream(64);
        config.spacing = spacing;
        let room = Room::of::<Bytes>(&config);
        let (tx, rx) = both(&room, trust, config);
        assert!(!rx.is_abandoned() && !tx.is_abandoned());
        drop(tx);
        assert!(rx.is_abandoned());
        assert_eq!(rx.other(), None);
    }
}

#[test]
fn configurations_are_checked() {
    let capacity = |config: &Config| match Bytes::layout(config) {
        Err(Error::BadConfig {
            field: Field::Capacity,
            found,
            ..
        }) => Some(found),
        _ => None,
    };
    for bad in [0, 32, 96, (1 << 30) + 8, 1 << 31] {
        assert_eq!(capacity(&Config::records(bad)), Some(bad.into()));
        assert_eq!(capacity(&Config::stream(bad)), Some(bad.into()));
    }
    assert_eq!(
        Bytes::layout(&Config::records(64)).unwrap().size(),
        512 + 128
    );
    let for_records =
        |count, bytes| Config::for_records(count, bytes).map(|config| config.capacity_bytes);
    assert_eq!(
        (for_records(0, 0), for_records(1, 56), for_records(3, 24)),
        (Ok(64), Ok(128), Ok(128))
    );
    for (count, bytes) in [
        (u32::MAX, u32::MAX),
        (u32::MAX, 0),
        (1, u32::MAX),
        (1 << 27, 8),
    ] {
        assert!(
            matches!(for_records(count, bytes), Err(Error::BadConfig { .. })),
            "{count} x {bytes}"
        );
    }
}

#[test]
fn a_ring_for_so_many_records_holds_them_however_they_wrap() {
    for (count, bytes) in [(1, 1), (3, 24), (5, 17), (7, 56), (2, 200)] {
        let config = Config::for_records(count, bytes).unwrap();
        with_each(config, |_, mut tx, mut rx| {
            for index in (0..config.capacity_bytes).step_by(8) {
                move_to(&mut tx, &mut rx, index);
                for n in 0..count {
                    assert_eq!(
                        tx.send(&text(bytes as usize, n as usize)),
                        Ok(()),
                        "{n} of {count} at {index}"
                    );
                }
                for n in 0..count {
                    let sent = text(bytes as usize, n as usize);
                    assert_eq!(rx.recv(&mut [0; 200]), Ok(Some(&sent[..])));
                }
            }
        });
    }
}
