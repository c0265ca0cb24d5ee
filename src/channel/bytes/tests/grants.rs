//! Grants: room lent to be filled in place, records and pieces lent to be read in place.

use super::{HEAD, PAYLOAD, both, move_to, text};
use crate::bytes::{Bytes, Config, ReadGrant, Refused, WriteGrant};
use crate::memory::testing::{Room, Trust};

fn cooperative(config: Config) -> Room {
    Room::of::<Bytes>(&config)
}

#[test]
fn a_grant_is_exact_and_arrives_from_every_offset() {
    let config = Config::records(128);
    let room = cooperative(config);
    let (mut tx, mut rx) = both(&room, Trust::Cooperative, config);
    for index in (0..128).step_by(8) {
        for len in 0..=56 {
            move_to(&mut tx, &mut rx, index);
            let mut grant = tx.grant(len).unwrap();
            assert_eq!(grant.len(), len);
            grant.copy_from_slice(&text(len, 3));
            assert_eq!(grant.commit(len), Ok(()));
            let record = rx.read().unwrap().unwrap();
            assert_eq!(*record, text(len, 3)[..], "{len} bytes at {index}");
            record.release();
            assert!(rx.read().unwrap().is_none());
        }
    }
}

#[test]
fn a_commit_may_shrink() {
    let config = Config::records(128);
    let room = cooperative(config);
    let (mut tx, mut rx) = both(&room, Trust::Cooperative, config);
    for index in (0..128).step_by(8) {
        for used in 0..=56 {
            move_to(&mut tx, &mut rx, index);
            let mut grant = tx.grant(56).unwrap();
            grant[..used].copy_from_slice(&text(used, 5));
            grant.commit(used).unwrap();
            let record = rx.read().unwrap().unwrap();
            assert_eq!(*record, text(used, 5)[..]);
            record.release();
        }
    }
}

#[test]
fn a_commit_of_more_than_was_granted_publishes_nothing() {
    for config in [Config::records(64), Config::stream(64)] {
        let room = cooperative(config);
        let (mut tx, mut rx) = both(&room, Trust::Cooperative, config);
        let too_long = Err(Refused::TooLong { found: 9, most: 8 });
        assert_eq!(tx.grant(8).unwrap().commit(9), too_long);
        assert_eq!(tx.grant(8).unwrap().leave_staged(9), too_long);
        assert_eq!((tx.position(), rx.next_len()), (0, Ok(None)));
    }
}

#[test]
fn a_dropped_grant_publishes_nothing() {
    // Nor does a forgotten one: there is nothing in its drop to forget.
    assert!(!core::mem::needs_drop::<WriteGrant<'_, '_>>());
    for config in [Config::records(64), Config::stream(64)] {
        let room = cooperative(config);
        let (mut tx, mut rx) = both(&room, Trust::Cooperative, config);
        tx.grant(8).unwrap().copy_from_slice(b"dropped!");
        assert_eq!((rx.next_len(), tx.free_bytes()), (Ok(None), 64));
        tx.send(b"sent").unwrap();
        assert_eq!(rx.recv(&mut [0; 8]), Ok(Some(&b"sent"[..])));
    }
}

#[test]
fn staged_grants_go_out_with_the_next_commit() {
    let config = Config::records(128);
    let room = cooperative(config);
    let (mut tx, mut rx) = both(&room, Trust::Cooperative, config);
    let mut grant = tx.grant(8).unwrap();
    grant.copy_from_slice(b"staged..");
    grant.leave_staged(6).unwrap();
    assert_eq!(rx.next_len(), Ok(None));
    tx.grant(0).unwrap().commit(0).unwrap();
    assert_eq!(rx.recv(&mut [0; 8]), Ok(Some(&b"staged"[..])));
    assert_eq!(rx.recv(&mut [0; 8]), Ok(Some(&[][..])));
}

#[test]
fn as_much_as_there_is_up_to_so_many() {
    let config = Config::records(128);
    let room = cooperative(config);
    let (mut tx, mut rx) = both(&room, Trust::Cooperative, config);
    assert_eq!(
        tx.grant_up_to(1000).unwrap().len(),
        56,
        "never more than a record may have"
    );
    assert_eq!(tx.grant_up_to(5).unwrap().len(), 5);
    assert_eq!(tx.grant_up_to(0).unwrap().len(), 0);
    tx.send(&[1; 56]).unwrap();
    tx.send(&[2; 40]).unwrap();
    assert_eq!(
        tx.grant_up_to(56).unwrap().len(),
        8,
        "16 bytes are left, 8 of them a header"
    );
    tx.send(&[3; 0]).unwrap();
    assert_eq!(
        tx.grant_up_to(1).err(),
        Some(Refused::Full),
        "room for a header alone is no grant"
    );
    assert_eq!(
        tx.grant_up_to(0).unwrap().len(),
        0,
        "but an empty record fits"
    );
    rx.recv(&mut [0; 56]).unwrap();
    assert_eq!(
        tx.grant_up_to(56).unwrap().len(),
        56,
        "the freed start is more than the 8 at the end"
    );
    tx.grant_up_to(56).unwrap().commit(2).unwrap();
    assert_eq!(rx.recv(&mut [0; 56]), Ok(Some(&[2; 40][..])));
    assert_eq!(rx.recv(&mut [0; 56]), Ok(Some(&[][..])));
    assert_eq!(rx.recv(&mut [0; 56]).unwrap().unwrap().len(), 2);
}

#[test]
fn exact_grants_are_refused_by_what_they_lack() {
    let config = Config::records(64);
    let room = cooperative(config);
    let (mut tx, _rx) = both(&room, Trust::Cooperative, config);
    assert_eq!(
        tx.grant(25).err(),
        Some(Refused::TooLong {
            found: 25,
            most: 24
        })
    );
    assert_eq!(
        tx.grant(usize::MAX).err(),
        Some(Refused::TooLong {
            found: u32::MAX as usize,
            most: 24
        })
    );
    tx.send(&[0; 24]).unwrap();
    tx.send(&[0; 8]).unwrap();
    assert_eq!(tx.grant(9).err(), Some(Refused::Full));
    assert_eq!(tx.grant(8).map(|grant| grant.len()), Ok(8));
    room.set(HEAD, 64);
    assert_eq!(tx.grant(9).err(), Some(Refused::Corrupt));
}

#[test]
fn a_stream_s_grants_end_at_the_ring_s_end() {
    let config = Config::stream(64);
    let room = cooperative(config);
    let (mut tx, mut rx) = both(&room, Trust::Cooperative, config);
    tx.send(&[0; 50]).unwrap();
    rx.recv(&mut [0; 50]).unwrap();
    assert_eq!(
        tx.grant(15).err(),
        Some(Refused::TooLong {
            found: 15,
            most: 14
        })
    );
    let mut grant = tx.grant_up_to(99).unwrap();
    assert_eq!(grant.len(), 14);
    grant.fill(7);
    grant.commit(3).unwrap();
    let mut grant = tx.grant(11).unwrap();
    grant.fill(8);
    grant.commit(11).unwrap();
    tx.grant(2).unwrap().commit(2).unwrap();
    assert_eq!(
        *rx.read().unwrap().unwrap(),
        [7, 7, 7, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8]
    );
    assert_eq!(rx.used_bytes(), 16);
}

#[test]
fn a_stream_s_piece_is_released_in_parts() {
    let config = Config::stream(64);
    let room = cooperative(config);
    let (mut tx, mut rx) = both(&room, Trust::Cooperative, config);
    tx.send(b"abcdef").unwrap();
    rx.read().unwrap().unwrap().release_part(2).unwrap();
    let piece = rx.read().unwrap().unwrap();
    assert_eq!(&*piece, b"cdef");
    assert_eq!(
        piece.release_part(5),
        Err(Refused::TooLong { found: 5, most: 4 })
    );
    assert_eq!(rx.position(), 2, "nothing was released");
    rx.read().unwrap().unwrap().release_part(0).unwrap();
    assert_eq!(
        &*rx.read().unwrap().unwrap(),
        b"cdef",
        "a dropped piece stays"
    );
    rx.read().unwrap().unwrap().release();
    assert!(rx.read().unwrap().is_none());
}

#[test]
fn a_record_is_released_whole() {
    let config = Config::records(64);
    let room = cooperative(config);
    let (mut tx, mut rx) = both(&room, Trust::Cooperative, config);
    tx.send(b"abcdef").unwrap();
    assert_eq!(
        rx.read().unwrap().unwrap().release_part(6),
        Err(Refused::NotAStream)
    );
    assert_eq!(rx.read().unwrap().map(|lent| lent.len()), Some(6));
    assert!(!core::mem::needs_drop::<ReadGrant<'_, '_>>());
    assert_eq!(
        rx.next_len(),
        Ok(Some(6)),
        "a dropped or forgotten one stays"
    );
    rx.read().unwrap().unwrap().release();
    assert_eq!((rx.next_len(), tx.free_bytes()), (Ok(None), 64));
}

#[test]
fn distrusted_bytes_are_not_lent() {
    for config in [Config::records(64), Config::stream(64)] {
        let room = cooperative(config);
        let (mut tx, mut rx) = both(&room, Trust::Distrusted, config);
        assert_eq!(tx.grant(8).err(), Some(Refused::Distrusted));
        assert_eq!(tx.grant_up_to(8).err(), Some(Refused::Distrusted));
        tx.send(b"copied").unwrap();
        assert_eq!(rx.read().err(), Some(Refused::Distrusted));
        assert_eq!(
            rx.recv(&mut [0; 8]),
            Ok(Some(&b"copied"[..])),
            "copying works"
        );
        assert_eq!(
            Refused::Distrusted.to_string(),
            crate::Error::Distrusted.to_string()
        );
    }
}

#[test]
fn a_grant_of_a_stream_is_written_in_place() {
    let config = Config::stream(64);
    let room = cooperative(config);
    let (mut tx, _rx) = both(&room, Trust::Cooperative, config);
    tx.grant(4).unwrap().copy_from_slice(b"here");
    assert_eq!(room.word(PAYLOAD).to_ne_bytes(), *b"here");
}
