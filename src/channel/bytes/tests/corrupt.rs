//! A byte ring whose words are not what a producer or consumer writes, or that may not be written at all.

use super::*;

/// Publishes a record and then spoils a word; the consumer must call it corrupt, for good.
fn spoiled(config: Config, at: u32, word: usize, value: u32) {
    with_each(config, |room, mut tx, mut rx| {
        move_to(&mut tx, &mut rx, at);
        tx.send(&[1; 16]).unwrap();
        let before = room.word(word);
        room.set(word, if word < PAYLOAD { value } else { value.to_le() });
        assert_eq!(rx.next_len(), Err(Refused::Corrupt), "{value:#x} at {word}");
        room.set(word, before);
        assert_eq!(rx.recv(&mut [0; 64]), Err(Refused::Corrupt), "and stays so");
        assert_eq!(rx.used_bytes(), 0);
        assert!(matches!(rx.check(), Err(Error::Corrupt { .. })));
        assert_eq!(tx.check(), Ok(()));
    });
}

#[test]
fn a_record_that_lies_is_corrupt() {
    for length in [17, 24, 57, 0x7fff_fff8, 0xffff_fff0, u32::MAX - 1, u32::MAX] {
        spoiled(Config::records(128), 0, PAYLOAD, length);
    }
    // Behind a wrap marker: longer than what is committed, and a second marker.
    for length in [17, 57, u32::MAX - 7, WRAP] {
        spoiled(Config::records(128), 112, PAYLOAD, length);
    }
    // A record that would cross the ring's end, where a marker had to be.
    spoiled(Config::records(128), 112, PAYLOAD + 112, 16);
    // A shorter one at a whole number of words is possible and only loses what follows.
    with_each(Config::records(128), |room, mut tx, mut rx| {
        tx.send(&[1; 16]).unwrap();
        room.set(PAYLOAD, 8u32.to_le());
        assert_eq!(rx.recv(&mut [0; 64]), Ok(Some(&[1; 8][..])));
    });
}

#[test]
fn a_tail_inside_a_record_is_corrupt() {
    for tail in [1, 4, 23, 28] {
        spoiled(Config::records(128), 0, TAIL, tail);
    }
    spoiled(Config::records(128), 0, TAIL, 129);
    spoiled(Config::stream(128), 0, TAIL, 129);
    spoiled(Config::stream(128), 0, TAIL, u32::MAX);
}

#[test]
fn a_stream_that_turns_corrupt_while_it_is_read_says_so() {
    with_each(Config::stream(64), |room, mut tx, mut rx| {
        tx.send(&[1; 4]).unwrap();
        assert_eq!(rx.next_len(), Ok(Some(4)));
        room.set(TAIL, 3);
        assert_eq!(
            rx.recv(&mut [0; 8]),
            Err(Refused::Corrupt),
            "never an empty piece"
        );
        assert_eq!(rx.recv(&mut [0; 8]), Err(Refused::Corrupt));
        let (what, found) = ("tail", 3);
        assert_eq!(rx.check(), Err(Error::Corrupt { what, found }));
    });
}

#[test]
fn an_impossible_head_is_corrupt() {
    for config in [Config::records(64), Config::stream(64)] {
        with_each(config, |room, mut tx, _rx| {
            tx.send(&[1; 24]).unwrap();
            room.set(HEAD, 65);
            let filled = (0..4).map(|n| tx.send(&[n; 24])).find(|sent| sent.is_err());
            assert_eq!(filled, Some(Err(Refused::Corrupt)));
            let (what, found) = ("head", 65);
            assert_eq!(tx.check(), Err(Error::Corrupt { what, found }));
            room.set(HEAD, 0);
            assert_eq!(
                (tx.send(&[1; 24]), tx.free_bytes()),
                (Err(Refused::Corrupt), 0),
                "for good"
            );
        });
    }
}

#[test]
fn an_end_is_not_claimed_inside_a_record() {
    let config = Config::records(64);
    let room = Room::of::<Bytes>(&config);
    Bytes::init(room.region(Trust::Cooperative), &config).unwrap();
    room.set(TAIL, 12);
    room.set(HEAD, 4);
    let ring = Bytes::attach(room.region(Trust::Cooperative)).unwrap();
    let inside = |found| Error::Corrupt {
        what: "position inside a record",
        found,
    };
    assert_eq!(ring.bare_producer(&NoProof).unwrap_err(), inside(12));
    assert_eq!(ring.bare_consumer(&NoProof).unwrap_err(), inside(4));
    room.set(TAIL, 8);
    room.set(HEAD, 8);
    assert!(ring.split().is_ok(), "the refused claims were given back");
}

#[test]
fn a_read_only_ring_is_looked_at_only() {
    let config = Config::stream(64);
    let room = Room::of::<Bytes>(&config);
    assert_eq!(
        Bytes::init(room.read_only(), &config).unwrap_err(),
        Error::ReadOnly
    );
    Bytes::init(room.region(Trust::Cooperative), &config).unwrap();
    let ring = Bytes::attach(room.read_only()).unwrap();
    assert_eq!((ring.capacity(), ring.framing()), (64, Framing::Stream));
    assert_eq!(ring.bare_producer(&NoProof).unwrap_err(), Error::ReadOnly);
    assert_eq!(ring.bare_consumer(&NoProof).unwrap_err(), Error::ReadOnly);
}
