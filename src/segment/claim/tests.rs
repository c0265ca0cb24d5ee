//! Who may hold an end, and from whom it may be taken.

use core::mem::forget;
use core::sync::atomic::Ordering::Relaxed;

use crate::memory::liveness::{NoProof, PeerId};
use crate::memory::sync::RawU32;
use crate::memory::testing::{EACH_TRUST, Gone, Room, Trust, evicted};
use crate::segment::peers::Identity;
use crate::segment::testing::{CONSUMER, PRODUCER, Ring, join, place, room, segment};
use crate::spsc::Config;
use crate::{Channel, Error, Segment};

fn peer(number: u32) -> PeerId {
    PeerId::new(number).unwrap()
}

fn taken(number: u32) -> Option<Error> {
    Some(Error::EndpointTaken { by: peer(number) })
}

#[test]
fn an_end_has_one_holder_who_is_named() {
    for trust in EACH_TRUST {
        let room = room(3);
        let segment = segment(&room, trust, 3);
        let (one, two) = (join(&segment), join(&segment));
        let ring: Ring = segment.open("a").unwrap();
        let tx = ring.producer(&one).unwrap();
        assert_eq!(ring.producer(&two).err(), taken(1));
        assert_eq!(ring.producer(&one).err(), taken(1), "nor twice in one name");
        let same: Ring = segment.open("a").unwrap();
        assert_eq!(
            same.producer(&one).err(),
            taken(1),
            "nor through another handle"
        );
        let rx = ring.consumer(&two).unwrap();
        assert_eq!((tx.other(), rx.other()), (Some(peer(2)), Some(peer(1))));
        assert_eq!(ring.consumer(&one).err(), taken(2));
        drop(tx);
        assert!(ring.producer(&two).is_ok(), "one peer may hold both ends");
    }
}

#[test]
fn a_claim_names_peer_and_generation_on_the_wire() {
    let room = room(3);
    let segment = segment(&room, Trust::Cooperative, 3);
    let ring: Ring = segment.open("b").unwrap();
    let at = place(&segment, "b");
    let (_one, two) = (join(&segment), join(&segment));
    let tx = ring.producer(&two).unwrap();
    assert_eq!(
        (room.word(at + PRODUCER), room.word(at + CONSUMER)),
        (1 << 8 | 2, 0)
    );
    drop(tx);
    assert_eq!(room.word(at + PRODUCER), 0);
    let bare = Room::of::<Ring>(&Config::new(4));
    let ring = Ring::init(bare.region(Trust::Cooperative), &Config::new(4)).unwrap();
    let _ends = ring.split().unwrap();
    assert_eq!((bare.word(PRODUCER), bare.word(CONSUMER)), (0xff, 0xff));
}

#[test]
fn peers_of_other_segments_are_foreign() {
    let (here, there) = (room(2), room(2));
    let (home, abroad) = (
        segment(&here, Trust::Cooperative, 2),
        segment(&there, Trust::Cooperative, 2),
    );
    let (me, stranger) = (join(&home), join(&abroad));
    let ring: Ring = home.open("a").unwrap();
    assert_eq!(ring.producer(&stranger).err(), Some(Error::ForeignPeer));
    assert_eq!(ring.consumer(&stranger).err(), Some(Error::ForeignPeer));
    assert_eq!(ring.bare_producer(&NoProof).err(), Some(Error::ForeignPeer));
    assert_eq!(ring.split().err(), Some(Error::ForeignPeer));
    let bare = Room::of::<Ring>(&Config::new(4));
    let ring = Ring::init(bare.region(Trust::Cooperative), &Config::new(4)).unwrap();
    assert_eq!(ring.producer(&me).err(), Some(Error::ForeignPeer));
    assert_eq!(ring.consumer(&me).err(), Some(Error::ForeignPeer));
}

#[test]
fn a_claim_forgotten_by_a_peer_that_left_is_taken_over() {
    let room = room(3);
    let segment = segment(&room, Trust::Cooperative, 3);
    let ring: Ring = segment.open("a").unwrap();
    let (one, two) = (join(&segment), join(&segment));
    forget(ring.producer(&one).unwrap());
    assert_eq!(
        ring.producer(&two).err(),
        taken(1),
        "it may still be at work"
    );
    drop(one);
    drop(ring.producer(&two).unwrap());
    // Also when somebody else sits in that row since.
    let one = join(&segment);
    forget(ring.producer(&one).unwrap());
    drop(one);
    let again = join(&segment);
    assert_eq!(again.id(), peer(1));
    assert!(ring.producer(&two).is_ok());
    assert!(ring.producer(&again).is_ok());
}

#[test]
fn rows_are_believed_in_a_distrusted_region_as_claim_words_are() {
    let room = room(3);
    let segment = segment(&room, Trust::Distrusted, 3);
    let ring: Ring = segment.open("a").unwrap();
    let (one, two) = (join(&segment), join(&segment));
    forget(ring.producer(&one).unwrap());
    assert_eq!(ring.producer(&two).err(), taken(1));
    drop(one);
    let again = join(&segment);
    assert_eq!(again.id(), peer(1), "a successor in the same row");
    assert!(ring.producer(&again).is_ok());
}

#[test]
fn only_proof_takes_from_a_peer_that_sits_in_its_row() {
    static DEAD: [Gone; 2] = [Gone(PeerId::new(1).unwrap()), Gone(PeerId::new(3).unwrap())];
    let room = room(3);
    let segment = segment(&room, Trust::Cooperative, 3);
    let ring: Ring = segment.open("a").unwrap();
    let one = join(&segment);
    forget(ring.producer(&one).unwrap());
    let two = segment.join(&Identity::default(), &DEAD[1]).unwrap();
    assert_eq!(
        ring.producer(&two).err(),
        taken(1),
        "its oracle speaks of another"
    );
    drop(two);
    let two = segment.join(&Identity::default(), &DEAD[0]).unwrap();
    let tx = ring.producer(&two).unwrap();
    let three = join(&segment);
    assert_eq!(ring.producer(&three).err(), taken(2));
    drop((tx, one));
}

#[test]
fn a_claim_taken_over_is_not_freed_by_its_old_holder() {
    static DEAD: Gone = Gone(PeerId::new(1).unwrap());
    let room = room(3);
    let segment = segment(&room, Trust::Cooperative, 3);
    let ring: Ring = segment.open("a").unwrap();
    let one = join(&segment);
    let two = segment.join(&Identity::default(), &DEAD).unwrap();
    let lost = ring.consumer(&one).unwrap();
    let _rx = ring.consumer(&two).unwrap();
    drop(lost);
    assert_eq!(ring.consumer(&one).err(), taken(2));
}

#[test]
fn a_claim_word_that_names_nobody_is_corrupt() {
    for trust in EACH_TRUST {
        let room = room(3);
        let segment = segment(&room, trust, 3);
        let ring: Ring = segment.open("a").unwrap();
        let at = place(&segment, "a") + PRODUCER;
        let one = join(&segment);
        for found in [33, 0xfd, 1 << 8 | 0xfe, 5 << 8, 1 << 8 | 33] {
            room.set(at, found);
            let corrupt = Error::Corrupt {
                what: "claim word",
                found,
            };
            assert_eq!(ring.producer(&one).err(), Some(corrupt), "{found:#x}");
        }
        assert_eq!(
            ring.producer(&one).unwrap_err().to_string(),
            "corrupt region: claim word is 0x121"
        );
        // Names that could be somebody's count as alive: a row beyond the table, a bare holder.
        room.set(at, 1 << 8 | 32);
        assert_eq!(ring.producer(&one).err(), taken(32));
        room.set(at, 0xff);
        assert_eq!(
            ring.producer(&one).err(),
            Some(Error::EndpointTaken { by: PeerId::BARE })
        );
        room.set(at, 0xfe);
        assert_eq!(
            ring.producer(&one).err(),
            Some(Error::EndpointTaken { by: PeerId::STATIC })
        );
        // One who is listed as present, with a generation of long ago: proven dead by its row.
        room.set(at, 7 << 8 | 1);
        assert!(ring.producer(&one).is_ok());
    }
}

#[test]
fn a_bare_holder_is_evicted_by_its_own_name_only() {
    static OTHER: Gone = Gone(PeerId::new(1).unwrap());
    static BARE: Gone = Gone(PeerId::BARE);
    let bare = Room::of::<Ring>(&Config::new(4));
    let ring = Ring::init(bare.region(Trust::Cooperative), &Config::new(4)).unwrap();
    forget(ring.bare_producer(&NoProof).unwrap());
    let by = PeerId::BARE;
    assert_eq!(
        ring.bare_producer(&OTHER).err(),
        Some(Error::EndpointTaken { by })
    );
    assert!(ring.bare_producer(&BARE).is_ok());
}

#[test]
fn the_word_of_a_reset_holds_for_one_take_over() {
    let bare = Room::of::<Ring>(&Config::new(4));
    let ring = Ring::init(bare.region(Trust::Cooperative), &Config::new(4)).unwrap();
    let proof = evicted(PeerId::BARE);
    let taken = Some(Error::EndpointTaken { by: PeerId::BARE });
    assert!(
        ring.bare_producer(&proof).is_ok(),
        "a free end needs no proof"
    );
    forget(ring.bare_producer(&NoProof).unwrap());
    forget(ring.bare_producer(&proof).unwrap());
    assert_eq!(
        ring.bare_producer(&proof).err(),
        taken,
        "the next holder is another"
    );
}

#[test]
fn a_forked_child_can_neither_claim_nor_release() {
    let guard = RawU32::new(1);
    let room = room(2);
    segment(&room, Trust::Cooperative, 2);
    let guarded = || room.region(Trust::Cooperative).guarded_by(&guard);
    let segment = Segment::attach(guarded()).unwrap();
    let ring: Ring = segment.open("a").unwrap();
    let at = place(&segment, "a") + PRODUCER;
    let me = join(&segment);
    let (tx, mut rx) = (ring.producer(&me).unwrap(), ring.consumer(&me).unwrap());
    assert_eq!(rx.take(), None);
    let (held, row) = (room.word(at), room.word(128 * 3));
    guard.store(0, Relaxed);
    assert_eq!(ring.producer(&me).err(), Some(Error::Forked));
    assert_eq!(
        segment.join(&Identity::default(), &NoProof).err(),
        Some(Error::Forked)
    );
    assert_eq!(
        segment.create::<Ring>(&me, "c", &Config::new(1)).err(),
        Some(Error::Forked)
    );
    assert_eq!(segment.open::<Ring>("a").err(), Some(Error::Forked));
    assert_eq!(Segment::attach(guarded()).err(), Some(Error::Forked));
    assert_eq!(
        Ring::init(guarded(), &Config::new(1)).err(),
        Some(Error::Forked)
    );
    drop((tx, rx));
    drop(me);
    assert_eq!(
        (room.word(at), room.word(128 * 3)),
        (held, row),
        "the parent's claim and row stand"
    );
}
