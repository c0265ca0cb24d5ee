//! What a ring of many refuses: configurations, elements, other kinds, other peers, bytes that may not be written.

use super::*;
use crate::memory::liveness::NoProof;
use crate::memory::testing::TooAligned;
use crate::segment::testing::{self as segments, Ring as Other};
use crate::{Error, Field, Identity, Kind, Plan, Segment};

#[test]
fn a_configuration_outside_the_kind_is_refused() {
    fn refused<T: Pod>(capacity: u32) -> (Field, u64) {
        match Mpmc::<T>::layout(&Config::new(capacity)).unwrap_err() {
            Error::BadConfig { field, found, .. } => (field, found),
            other => panic!("{other:?}"),
        }
    }
    for bad in [0, 3, 100, (1 << 24) + 1, 1 << 25, 1 << 31, u32::MAX] {
        assert_eq!(refused::<u32>(bad), (Field::Capacity, bad.into()));
    }
    assert_eq!(refused::<[u8; 0]>(2), (Field::ElementBytes, 0));
    type Most = [[u8; 4096]; 4096];
    assert_eq!(refused::<[Most; 2]>(2), (Field::ElementBytes, 1 << 25));
    assert_eq!(refused::<TooAligned>(2), (Field::ElementAlign, 256));
    let most = Mpmc::<Most>::layout(&Config::new(1 << 24));
    assert_eq!(most.is_ok(), usize::BITS == 64, "2^48 bytes");
    let least = Mpmc::<u8>::layout(&Config::new(1)).unwrap();
    assert_eq!((least.size(), least.align()), (512 + 128 + 128, 128));
    let once = Config::new(1).delivery(Delivery::AtMostOnce);
    assert_eq!(Mpmc::<u8>::layout(&once).unwrap().size(), 512 + 128);
}

/// Wire offsets of the header.
const KIND: usize = 20;
const CAPACITY: usize = 36;
const BYTES: usize = 40;
const FRAMING: usize = 64;

#[test]
fn what_is_attached_must_be_what_the_header_says() {
    for trust in EACH_TRUST {
        let config = Config::new(4);
        let room = Room::of::<Mpmc<u64>>(&config);
        Mpmc::<u64>::init(room.region(trust), &config).unwrap();
        let refused = |field, want, found| Error::Mismatch { field, want, found };
        let attach = || Mpmc::<u64>::attach(room.region(trust)).map(|ring| ring.capacity());
        let wider = Mpmc::<[u64; 2]>::attach(room.region(trust)).unwrap_err();
        assert_eq!(wider, refused(Field::ElementBytes, 16, 8));
        let looser = Mpmc::<[u8; 8]>::attach(room.region(trust)).unwrap_err();
        assert_eq!(
            looser,
            refused(Field::ElementAlign, 1, align_of::<u64>() as u64)
        );
        // A 32-bit machine may align the same number to 4.
        Mpmc::<[u32; 2]>::attach(room.region(trust)).unwrap();
        let magic = |kind: Kind| u64::from_le_bytes(kind.magic());
        let other = Other::attach(room.region(trust)).unwrap_err();
        assert_eq!(
            other,
            refused(Field::Magic, magic(Kind::Spsc), magic(Kind::Mpmc))
        );
        // Each header word alone, then put right again.
        let bad = |field, found, want| Error::BadConfig { field, found, want };
        let power = "a power of two up to 2^24";
        for (offset, value, error) in [
            (KIND, 2, refused(Field::Kind, 7, 2)),
            (CAPACITY, 16, refused(Field::SpanBytes, 896, 768)),
            (CAPACITY, 3, bad(Field::Capacity, 3, power)),
            (CAPACITY, 0, bad(Field::Capacity, 0, power)),
            (CAPACITY, 1 << 25, bad(Field::Capacity, 1 << 25, power)),
            (
                BYTES,
                0,
                bad(Field::ElementBytes, 0, "an element of 1 byte to 16 MiB"),
            ),
            (
                BYTES,
                64,
                refused(Field::SpanBytes, 512 + 4 * 72 + 96 + 128, 768),
            ),
            (
                FRAMING,
                4,
                bad(Field::Framing, 4, "0 to 3: revocation and redelivery"),
            ),
            (FRAMING, 1, refused(Field::SpanBytes, 640, 768)),
        ] {
            let good = room.word(offset);
            room.set(offset, value);
            assert_eq!(attach(), Err(error), "{value} at {offset}");
            room.set(offset, good);
            assert_eq!(attach(), Ok(4));
        }
    }
}

#[test]
fn a_type_tag_is_compared() {
    let config = Config::new(4).tagged(7);
    with::<u32>(Trust::Cooperative, &config, |room, _| {
        let ring = Mpmc::<u32>::attach(room.region(Trust::Cooperative)).unwrap();
        let ring = ring.expect_tag(7).unwrap();
        let (field, want, found) = (Field::TypeTag, u64::MAX, 7);
        let refused = ring.expect_tag(want).unwrap_err();
        assert_eq!(refused, Error::Mismatch { field, want, found });
    });
}

#[test]
fn init_wants_room_that_is_writable_and_free() {
    let config = Config::new(4);
    let room = Room::of::<Mpmc<u32>>(&config);
    let (want, found) = (768, 640);
    let short = Mpmc::<u32>::init(room.first(640, Trust::Cooperative), &config).unwrap_err();
    assert_eq!(short, Error::TooSmall { want, found });
    let fixed = Mpmc::<u32>::init(room.read_only(), &config).unwrap_err();
    assert_eq!(fixed, Error::ReadOnly);
    assert_eq!(room.word(8), 0, "neither left a trace");
    Mpmc::<u32>::init(room.region(Trust::Cooperative), &config).unwrap();
    let again = Mpmc::<u32>::init(room.region(Trust::Cooperative), &config).unwrap_err();
    assert_eq!(again, Error::AlreadyInitialized);
}

#[test]
fn whatever_lay_there_before_a_new_ring_is_empty() {
    for mode in MODES {
        let config = config(4, mode);
        let room = Room::of::<Mpmc<u32>>(&config);
        for offset in (68..room.len()).step_by(4) {
            room.set(offset, 0xdead_beef);
        }
        let ring = Mpmc::<u32>::init(room.region(Trust::Cooperative), &config).unwrap();
        let (mut tx, mut rx) = both(&ring);
        assert_eq!((rx.try_recv(), room.word(ORPHANED)), (None, 0));
        assert_eq!(tx.try_send_slice(&[1, 2, 3, 4, 5]), 4);
        drop(rx.try_take());
        let sequence = rx.try_take().map(|taken| taken.sequence());
        let again = mode.0 == Delivery::AtLeastOnce;
        assert_eq!(sequence, Some(if again { 0 } else { 1 }));
    }
}

#[test]
fn a_read_only_ring_can_be_looked_at_but_has_no_ends() {
    let config = Config::new(4);
    with::<u32>(Trust::Cooperative, &config, |room, _| {
        let ring = Mpmc::<u32>::attach(room.read_only()).unwrap();
        assert_eq!((ring.capacity(), ring.recovery()), (4, Recovery::Revoke));
        assert_eq!(ring.bare_sender().unwrap_err(), Error::ReadOnly);
        assert_eq!(ring.bare_receiver().unwrap_err(), Error::ReadOnly);
    });
}

#[test]
fn ends_are_for_peers_of_the_ring_s_own_segment() {
    let plan = Plan::<1>::new().peers(2).unwrap();
    let plan = plan.channel::<Mpmc<u32>>("ring", &Config::new(4)).unwrap();
    let rooms = [0; 2].map(|_| Room::new(plan.layout().unwrap().size()));
    let segment = |room| Segment::init(Room::region(room, Trust::Cooperative), &plan).unwrap();
    let (here, there) = (segment(&rooms[0]), segment(&rooms[1]));
    let join = |segment: &Segment<'_>| segment.join(&Identity::default(), &NoProof).map(drop);
    assert_eq!(join(&here), Ok(()));
    let ring: Mpmc<u32> = here.open("ring").unwrap();
    let me = here.join(&Identity::default(), &NoProof).unwrap();
    let stranger = there.join(&Identity::default(), &NoProof).unwrap();
    assert_eq!(ring.sender(&stranger).unwrap_err(), Error::ForeignPeer);
    assert_eq!(ring.receiver(&stranger).unwrap_err(), Error::ForeignPeer);
    assert_eq!(ring.bare_sender().unwrap_err(), Error::ForeignPeer);
    assert_eq!(ring.bare_receiver().unwrap_err(), Error::ForeignPeer);
    let bare_room = Room::of::<Mpmc<u32>>(&Config::new(4));
    let bare = Mpmc::<u32>::init(bare_room.region(Trust::Cooperative), &Config::new(4)).unwrap();
    assert_eq!(bare.sender(&me).unwrap_err(), Error::ForeignPeer);
    assert_eq!(bare.receiver(&me).unwrap_err(), Error::ForeignPeer);
    let (mut tx, mut rx) = (ring.sender(&me).unwrap(), ring.receiver(&me).unwrap());
    tx.try_send(1).unwrap();
    assert_eq!(rx.try_recv(), Some(1));
    let quiet = Quiet;
    assert_eq!(
        tx.ringing(&stranger, &quiet).unwrap_err(),
        Error::ForeignPeer
    );
    assert_eq!(
        rx.ringing(&stranger, &quiet).unwrap_err(),
        Error::ForeignPeer
    );
    let others = segments::room(2);
    let mixed = segments::segment(&others, Trust::Cooperative, 2);
    let wrong = mixed.open::<Mpmc<u32>>("a").unwrap_err();
    let magic = |kind: Kind| u64::from_le_bytes(kind.magic());
    let (field, want, found) = (Field::Magic, magic(Kind::Mpmc), magic(Kind::Spsc));
    assert_eq!(wrong, Error::Mismatch { field, want, found });
}

/// Rings nobody's bell.
#[derive(Debug)]
struct Quiet;

impl crate::Signal for Quiet {
    fn signal(&self, peer: PeerId) {
        panic!("{peer} does not sleep");
    }
}
