//! Joining, leaving, healing: rows by their wire words.

use core::mem::forget;

use super::Identity;
use crate::memory::liveness::{Life, NoProof, Owner, PeerId};
use crate::memory::testing::{EACH_TRUST, Room, Says, Trust};
use crate::segment::testing::{Ring, join, room, segment};
use crate::{Error, Field, Peer, Segment};

/// Wire offsets: where the rows begin, and the words of one.
const ROWS: usize = 384;
const ARM: usize = 4;

const FREE: u32 = 0;
const JOINING: u32 = 1;
const LIVE: u32 = 2;
const REAPING: u32 = 3;

fn peer(number: u32) -> PeerId {
    PeerId::new(number).unwrap()
}

fn row(number: u32) -> usize {
    ROWS + 128 * (number as usize - 1)
}

fn word(state: u32, generation: u32) -> u32 {
    generation << 8 | state
}

/// Joins the row as the os layer does, which holds the row's lock.
fn occupy<'m>(segment: &Segment<'m>, number: u32) -> Result<Peer<'m>, Error> {
    Ok(Peer::join_locked(*segment, peer(number), &Identity::default(), &NoProof)?.0)
}

#[test]
fn rows_are_taken_in_order_until_none_is_left() {
    for trust in EACH_TRUST {
        let room = room(3);
        let segment = segment(&room, trust, 3);
        let mut peers: Vec<_> = (0..3).map(|_| join(&segment)).collect();
        let ids: Vec<_> = peers.iter().map(|peer| peer.id().get()).collect();
        assert_eq!(ids, [1, 2, 3]);
        let full = segment.join(&Identity::default(), &NoProof).unwrap_err();
        assert_eq!(full, Error::PeersFull { peers: 3 });
        assert_eq!(full.to_string(), "all 3 rows of the peer table are taken");
        peers.remove(1);
        assert_eq!(join(&segment).id(), peer(2));
    }
}

#[test]
fn thirty_two_peers_fit_one_bit_each() {
    let room = room(32);
    let segment = segment(&room, Trust::Cooperative, 32);
    let peers: Vec<_> = (0..32).map(|_| join(&segment)).collect();
    let bits = peers.iter().fold(0, |bits, peer| bits | peer.id().bit());
    assert_eq!(bits, u32::MAX);
}

#[test]
fn a_row_s_generation_grows_by_two_a_life() {
    let room = room(2);
    let segment = segment(&room, Trust::Cooperative, 2);
    for life in 0..4 {
        assert_eq!(room.word(row(1)), word(FREE, 2 * life));
        let me = join(&segment);
        assert_eq!(room.word(row(1)), word(LIVE, 2 * life + 1));
        assert_eq!(me.owner(), Owner::of(peer(1), 2 * life + 1));
    }
    room.set(row(1), word(FREE, 0xff_fffe));
    let last = join(&segment);
    assert_eq!(room.word(row(1)), word(LIVE, 0xff_ffff));
    drop(last);
    assert_eq!(room.word(row(1)), word(FREE, 0), "and wraps");
}

#[test]
fn a_row_shows_who_sits_in_it() {
    for trust in EACH_TRUST {
        let room = room(2);
        let segment = segment(&room, trust, 2);
        let identity = Identity {
            pid: 0x1234_5678,
            start: 0x0102_0304_0506_0708,
            space: u64::MAX - 1,
        };
        assert_eq!(segment.occupant(peer(1)), None);
        let me = segment.join(&identity, &NoProof).unwrap();
        assert_eq!(segment.occupant(peer(1)), Some(identity));
        assert_eq!(segment.occupant(peer(2)), None);
        assert_eq!(segment.occupant(peer(32)), None, "beyond the table");
        assert_eq!(segment.occupant(PeerId::BARE), None);
        room.set(row(1), word(JOINING, 1));
        assert_eq!(
            segment.occupant(peer(1)),
            None,
            "not before it has finished joining"
        );
        room.set(row(1), word(LIVE, 1));
        drop(me);
        assert_eq!(segment.occupant(peer(1)), None);
    }
}

#[test]
fn a_read_only_segment_is_opened_but_not_joined() {
    let room = room(2);
    segment(&room, Trust::Cooperative, 2);
    let segment = Segment::attach(room.read_only()).unwrap();
    assert_eq!(segment.entries().count(), 2);
    assert_eq!(
        segment.join(&Identity::default(), &NoProof).unwrap_err(),
        Error::ReadOnly
    );
    assert_eq!(occupy(&segment, 1).unwrap_err(), Error::ReadOnly);
    assert!(segment.open::<Ring>("a").is_ok());
}

#[test]
fn rows_held_by_locks_are_not_joined_without() {
    let room = room(2);
    segment(&room, Trust::Cooperative, 2);
    room.set(128 + 36, 1);
    let segment = Segment::attach(room.region(Trust::Cooperative)).unwrap();
    let refused = segment.join(&Identity::default(), &NoProof).unwrap_err();
    let (field, want, found) = (Field::RowLocks, 0, 1);
    assert_eq!(refused, Error::Mismatch { field, want, found });
    assert!(occupy(&segment, 1).is_ok(), "whoever holds the lock joins");
}

#[test]
fn whoever_holds_the_lock_heals_the_row_of_the_dead() {
    for trust in EACH_TRUST {
        let room = room(2);
        let segment = segment(&room, trust, 2);
        for (generation, state) in [(1, JOINING), (3, LIVE), (5, REAPING), (7, 0x0203)] {
            room.set(row(1), word(state, generation));
            let me = occupy(&segment, 1).unwrap();
            assert_eq!(
                room.word(row(1)),
                word(LIVE, generation + 2),
                "state {state}"
            );
            drop(me);
        }
        // Whatever stands there, the row becomes somebody's: a state or generation that no peer writes.
        for garbage in [
            word(77, 4),
            word(LIVE, 6),
            word(0xff00, 9),
            u32::MAX,
            word(FREE, 9),
        ] {
            room.set(row(1), garbage);
            let me = occupy(&segment, 1).unwrap();
            let now = room.word(row(1));
            assert_eq!((now & 0xff, now >> 8 & 1), (LIVE, 1), "{garbage:#x}");
            drop(me);
        }
        assert!(
            matches!(occupy(&segment, 3), Err(Error::TooSmall { .. })),
            "beyond the table"
        );
    }
}

#[test]
fn without_a_lock_no_row_is_healed() {
    let room = room(2);
    let segment = segment(&room, Trust::Cooperative, 2);
    forget(join(&segment));
    room.set(row(2), word(JOINING, 1));
    let full = segment.join(&Identity::default(), &NoProof).unwrap_err();
    assert_eq!(full, Error::PeersFull { peers: 2 });
    assert_eq!(room.word(row(1)), word(LIVE, 1));
}

#[test]
fn a_peer_leaves_only_its_own_life_of_the_row() {
    let room = room(2);
    let segment = segment(&room, Trust::Cooperative, 2);
    let lost = join(&segment);
    let heir = occupy(&segment, 1).unwrap();
    drop(lost);
    assert_eq!(room.word(row(1)), word(LIVE, 3));
    drop(heir);
    assert_eq!(room.word(row(1)), word(FREE, 4));
}

#[test]
fn the_doorbell_s_epoch_survives_its_peer() {
    let room = room(2);
    let segment = segment(&room, Trust::Cooperative, 2);
    forget(join(&segment));
    room.set(row(1) + ARM, 9 << 1 | 1);
    let _heir = occupy(&segment, 1).unwrap();
    assert_eq!(
        room.word(row(1) + ARM),
        9 << 1,
        "disarmed, in the same epoch"
    );
}

#[test]
fn an_owner_is_dead_once_its_row_moved_on() {
    let room = room(2);
    let segment = segment(&room, Trust::Cooperative, 2);
    let me = join(&segment);
    let table = segment.table();
    for life in [Life::Alive, Life::Dead, Life::Unknown] {
        assert_eq!(
            table.life_of(me.owner(), &Says(life)),
            life,
            "the row is its own: the oracle decides"
        );
        let earlier = Owner::of(peer(1), u32::MAX);
        assert_eq!(table.life_of(earlier, &Says(life)), Life::Dead);
        let beyond = Owner::of(peer(3), 1);
        assert_eq!(table.life_of(beyond, &Says(life)), Life::Unknown);
        assert_eq!(table.life_of(Owner::FREE, &Says(life)), Life::Unknown);
        assert_eq!(table.life_of(Owner::BARE, &Says(life)), Life::Unknown);
    }
}

#[test]
fn a_fresh_table_is_all_zero() {
    let room = Room::new(room(2).len());
    for at in (row(1)..row(3)).step_by(4) {
        room.set(at, u32::MAX);
    }
    segment(&room, Trust::Cooperative, 2);
    for at in [0, 4, 8, 12, 16, 20, 24, 28] {
        assert_eq!(
            (room.word(row(1) + at), room.word(row(2) + at)),
            (0, 0),
            "word at {at}"
        );
    }
}
