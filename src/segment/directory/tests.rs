//! The directory: listing, opening, creating later, and what it makes of garbage.

mod garbage;
use crate::bytes::{self, Bytes};
use crate::memory::liveness::{NoProof, PeerId};
use crate::memory::testing::{EACH_TRUST, Gone, Room, Trust};
use crate::segment::header::Header;
use crate::segment::testing::{Ring, join, place, plan, room, segment};
use crate::spsc::{Config, Spsc};
use crate::{Error, Field, Identity, Kind, Plan, Segment, State};

/// Wire offsets in a segment of two peers: the builder's claim, the directory, and an entry's words.
const BUILDER: usize = 256;
const DIRECTORY: usize = 384 + 2 * 128;
const STATE: usize = 32;
const KIND: usize = 36;
const AT: usize = 40;
const LENGTH: usize = 44;

fn entry(index: usize) -> usize {
    DIRECTORY + 128 * index
}

fn mismatch(field: Field, want: u64, found: u64) -> Option<Error> {
    Some(Error::Mismatch { field, want, found })
}

#[test]
fn planned_channels_are_listed_in_order_and_work() {
    for trust in EACH_TRUST {
        let room = room(2);
        let segment = segment(&room, trust, 2);
        let listed: Vec<_> = segment.entries().collect();
        assert_eq!(listed.len(), 2);
        let data = (DIRECTORY + 4 * 128) as u64;
        for (entry, (name, offset)) in listed.iter().zip([("a", data), ("b", data + 640)]) {
            assert_eq!((entry.name.as_str(), entry.kind), (name, Some(Kind::Spsc)));
            assert_eq!((entry.offset, entry.len), (offset, 640));
        }
        let me = join(&segment);
        for name in ["a", "b"] {
            let ring: Ring = segment.open(name).unwrap();
            ring.producer(&me).unwrap().push(7).unwrap();
            assert_eq!(ring.consumer(&me).unwrap().pop(), Some(7), "{name}");
        }
        assert_eq!((segment.peers(), segment.len()), (2, room.len()));
        assert!(!segment.is_empty());
        assert_eq!(
            format!("{:032x}", segment.id()),
            "0123456789abcdef0011223344556677"
        );
        assert!(format!("{segment:?}").contains("0123456789abcdef0011223344556677"));
    }
}

#[test]
fn attaching_finds_the_same_segment() {
    for trust in EACH_TRUST {
        let room = room(2);
        let made = segment(&room, trust, 2);
        let found = Segment::attach(room.region(trust)).unwrap();
        assert_eq!(
            (found.id(), found.peers(), found.len()),
            (made.id(), 2, made.len())
        );
        assert!(found.entries().eq(made.entries()));
        assert_eq!(found.check(&plan(2)), Ok(()));
    }
}

#[test]
fn a_segment_wants_room_that_is_writable_and_free() {
    let room = room(2);
    let plan = plan(2);
    let short = Segment::init(room.first(room.len() - 128, Trust::Cooperative), &plan).unwrap_err();
    let (want, found) = (room.len() as u64, room.len() as u64 - 128);
    assert_eq!(short, Error::TooSmall { want, found });
    assert_eq!(
        Segment::init(room.read_only(), &plan).unwrap_err(),
        Error::ReadOnly
    );
    let endless = Plan::<0>::new().spare((1 << 16) + 1, 0);
    let large = Room::new(endless.layout().unwrap().size());
    let refused = Segment::init(large.region(Trust::Cooperative), &endless).unwrap_err();
    assert!(matches!(
        refused,
        Error::BadConfig {
            field: Field::Entries,
            ..
        }
    ));
    assert_eq!(large.word(8), 0, "and nothing was begun");
    let segment = Segment::init(room.region(Trust::Cooperative), &plan).unwrap();
    let again = Segment::init(room.region(Trust::Cooperative), &plan).unwrap_err();
    assert_eq!(again, Error::AlreadyInitialized);
    segment.retire().unwrap();
    let retired = Segment::attach(room.region(Trust::Cooperative)).unwrap_err();
    assert_eq!(
        retired,
        Error::NotReady {
            found: State::Retired
        }
    );
}

#[test]
fn opening_names_what_is_wrong() {
    for trust in EACH_TRUST {
        let room = room(2);
        let segment = segment(&room, trust, 2);
        assert_eq!(segment.open::<Ring>("c").err(), Some(Error::NoSuchName));
        assert_eq!(segment.open::<Ring>("").err(), Some(Error::BadName));
        assert_eq!(segment.open::<Ring>("a/b").err(), Some(Error::BadName));
        let magic = |kind: Kind| u64::from_le_bytes(kind.magic());
        let other = mismatch(Field::Magic, magic(Kind::Bytes), magic(Kind::Spsc));
        assert_eq!(segment.open::<Bytes>("a").err(), other);
        assert_eq!(
            segment.open::<Spsc<u64>>("a").err(),
            mismatch(Field::ElementBytes, 8, 4)
        );
    }
}

#[test]
fn channels_are_created_in_the_spare_room() {
    for trust in EACH_TRUST {
        let room = room(2);
        let segment = segment(&room, trust, 2);
        let (me, you) = (join(&segment), join(&segment));
        assert_eq!(
            segment.create::<Ring>(&me, "a", &Config::new(4)).err(),
            Some(Error::NameTaken)
        );
        assert_eq!(
            segment.create::<Ring>(&me, ".", &Config::new(4)).err(),
            Some(Error::BadName)
        );
        let bad = segment.create::<Ring>(&me, "c", &Config::new(3)).err();
        assert!(matches!(bad, Some(Error::BadConfig { .. })));
        let made: Bytes = segment
            .create(&me, "c", &bytes::Config::records(64))
            .unwrap();
        let found: Bytes = Segment::attach(room.region(trust))
            .unwrap()
            .open("c")
            .unwrap();
        assert_eq!(found.capacity(), 64);
        made.producer(&me).unwrap().send(b"hello").unwrap();
        let ring: Bytes = segment.open("c").unwrap();
        assert_eq!(
            ring.consumer(&you).unwrap().recv(&mut [0; 8]),
            Ok(Some(&b"hello"[..]))
        );
        let again = segment
            .create::<Bytes>(&you, "c", &bytes::Config::records(64))
            .err();
        assert_eq!(again, Some(Error::NameTaken));
        let large = segment.create::<Ring>(&you, "d", &Config::new(64)).err();
        assert_eq!(
            large,
            Some(Error::SegmentFull {
                want: 768,
                found: 640
            })
        );
        segment.create::<Ring>(&you, "d", &Config::new(4)).unwrap();
        let full = segment.create::<Ring>(&you, "e", &Config::new(4)).err();
        assert_eq!(full, Some(Error::DirectoryFull { entries: 4 }));
        let names: Vec<_> = segment.entries().map(|entry| entry.name).collect();
        assert_eq!(names, ["a", "b", "c", "d"]);
        assert_eq!(
            segment.check(&plan(2)),
            Ok(()),
            "what came later is nobody's business"
        );
    }
}

#[test]
fn only_peers_of_the_segment_create() {
    let (here, there) = (room(2), room(2));
    let (home, abroad) = (
        segment(&here, Trust::Cooperative, 2),
        segment(&there, Trust::Cooperative, 2),
    );
    let stranger = join(&abroad);
    let foreign = home.create::<Ring>(&stranger, "c", &Config::new(4)).err();
    assert_eq!(foreign, Some(Error::ForeignPeer));
    let fixed = Segment::attach(here.read_only()).unwrap();
    let me = join(&home);
    assert_eq!(
        fixed.create::<Ring>(&me, "c", &Config::new(4)).err(),
        Some(Error::ReadOnly)
    );
}

#[test]
fn one_builds_at_a_time_and_a_dead_builder_is_relieved() {
    static DEAD: Gone = Gone(PeerId::new(1).unwrap());
    for trust in EACH_TRUST {
        let room = room(2);
        let segment = segment(&room, trust, 2);
        let builder = join(&segment);
        let live = room.word(384);
        room.set(BUILDER, live & 0xffff_ff00 | 1);
        let next = join(&segment);
        let busy = segment.create::<Ring>(&next, "c", &Config::new(4)).err();
        let by = builder.id();
        assert_eq!(busy, Some(Error::EndpointTaken { by }));
        drop(next);
        // It died between claiming the builder and listing its entry: a half-built header, a written name.
        let at = place(&segment, "b") + 640;
        room.set(at + 8, u32::from_le_bytes(*b"BLDG"));
        room.set(entry(2), u32::from_le_bytes(*b"half"));
        room.set(entry(2) + AT, 0xffff);
        let next = segment.join(&Identity::default(), &DEAD).unwrap();
        let ring = segment.create::<Ring>(&next, "c", &Config::new(4)).unwrap();
        assert_eq!(
            (ring.capacity(), place(&segment, "c"), room.word(BUILDER)),
            (4, at, 0)
        );
        drop((ring, next));
        // One that left without giving it back is relieved without an oracle.
        room.set(BUILDER, live & 0xffff_ff00 | 1);
        drop(builder);
        let next = join(&segment);
        assert!(segment.create::<Ring>(&next, "d", &Config::new(4)).is_ok());
    }
}

#[test]
fn every_planned_channel_has_a_header_of_its_own() {
    let room = room(2);
    let segment = segment(&room, Trust::Cooperative, 2);
    for name in ["a", "b"] {
        let part = room.view().part(place(&segment, name), 640).unwrap();
        let geometry = Header::at(part).unwrap().attach(Kind::Spsc).unwrap();
        assert_eq!((geometry.capacity, geometry.span_bytes), (4, 640));
    }
    let identity = Identity {
        pid: 1,
        start: 2,
        space: 3,
    };
    let me = segment.join(&identity, &NoProof).unwrap();
    assert_eq!(me.segment().id(), segment.id());
    assert!(format!("{me:?}").starts_with("Peer { id: PeerId(1), generation: 1"));
}
