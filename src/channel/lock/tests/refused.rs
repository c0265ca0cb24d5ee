//! What is no lock, and words that nobody writes.

use spin::relax::Spin;

use super::{
    Config, Lock, Locked, POISON, Refused, Room, Trust, VERSION, Value, WORD, World, join,
};
use crate::memory::liveness::NoProof;
use crate::memory::testing::{EACH_TRUST, TooAligned};
use crate::{Channel, Error, Field, Plan};

fn mismatch(field: Field, want: u64, found: u64) -> Error {
    Error::Mismatch { field, want, found }
}

#[test]
fn a_lock_alone_and_a_lock_with_a_value_are_two_things() {
    for trust in EACH_TRUST {
        let alone = Room::of::<Lock>(&Config::new());
        let both = Room::of::<Locked<Value>>(&Config::new().tagged(9));
        assert_eq!((alone.len(), both.len()), (384, 512));
        Lock::init(alone.region(trust), &Config::new()).unwrap();
        let lock = Locked::<Value>::init(both.region(trust), &Config::new().tagged(9)).unwrap();
        let bytes = |want, found| mismatch(Field::ElementBytes, want, found);
        assert_eq!(Lock::attach(both.region(trust)).unwrap_err(), bytes(0, 12));
        assert_eq!(
            Locked::<Value>::attach(alone.region(trust)).unwrap_err(),
            bytes(12, 0)
        );
        assert_eq!(
            Locked::<[u32; 4]>::attach(both.region(trust)).unwrap_err(),
            bytes(16, 12)
        );
        assert_eq!(
            Locked::<[u8; 12]>::attach(both.region(trust)).unwrap_err(),
            mismatch(Field::ElementAlign, 1, 4)
        );
        assert_eq!(lock.type_tag(), 9);
        assert_eq!(
            lock.expect_tag(3).unwrap_err(),
            mismatch(Field::TypeTag, 3, 9)
        );
        assert!(Locked::<Value>::attach(both.region(trust)).is_ok());
        assert!(Locked::<Value>::attach(both.read_only()).is_ok());
        let looked_at = Lock::attach(alone.read_only()).unwrap();
        assert_eq!(looked_at.bare_key().unwrap_err(), Error::ReadOnly);
    }
}

#[test]
fn a_plan_tells_them_apart_too() {
    let plan = |value: bool| {
        let plan = Plan::<1>::new();
        match value {
            true => plan.channel::<Locked<Value>>("a", &Config::new()).unwrap(),
            false => plan.channel::<Lock>("a", &Config::new()).unwrap(),
        }
    };
    let room = Room::new(plan(true).layout().unwrap().size());
    let segment = crate::Segment::init(room.region(Trust::Cooperative), &plan(false)).unwrap();
    assert_eq!(segment.check(&plan(false)), Ok(()));
    assert!(matches!(
        segment.check(&plan(true)),
        Err(Error::Mismatch { .. })
    ));
}

#[test]
fn what_cannot_be_is_refused() {
    let bad = |field, found, want| Error::BadConfig { field, found, want };
    assert_eq!(
        Locked::<TooAligned>::layout(&Config::new()).unwrap_err(),
        bad(Field::ElementAlign, 256, "an alignment of at most 128")
    );
    assert_eq!(
        Locked::<[u64; (1 << 21) + 1]>::layout(&Config::new()).unwrap_err(),
        bad(
            Field::ElementBytes,
            (1 << 24) + 8,
            "a value of at most 16 MiB"
        )
    );
    let short = Room::new(256);
    assert_eq!(
        Lock::init(short.region(Trust::Cooperative), &Config::new()).unwrap_err(),
        Error::TooSmall {
            want: 384,
            found: 256
        }
    );
    // The header's words one by one: capacity, element bytes, span, framing.
    let room = Room::of::<Locked<Value>>(&Config::new());
    for (at, value) in [(36, 4), (36, 0), (40, 0), (40, 1 << 25), (56, 384), (64, 1)] {
        room.wipe();
        Locked::<Value>::init(room.region(Trust::Distrusted), &Config::new()).unwrap();
        room.set(at, value);
        assert!(
            Locked::<Value>::attach(room.region(Trust::Distrusted)).is_err(),
            "{value} at {at}"
        );
    }
}

#[test]
fn peers_of_other_segments_are_foreign() {
    let (here, there) = (World::new(), World::new());
    let (home, abroad) = (
        here.segment(Trust::Cooperative),
        there.segment(Trust::Cooperative),
    );
    let (me, stranger) = (join(&home, &NoProof), join(&abroad, &NoProof));
    let lock: Lock = home.open("lock").unwrap();
    assert_eq!(lock.key(&stranger).unwrap_err(), Error::ForeignPeer);
    assert_eq!(lock.bare_key().unwrap_err(), Error::ForeignPeer);
    let bare = Room::of::<Lock>(&Config::new());
    let bare = Lock::init(bare.region(Trust::Cooperative), &Config::new()).unwrap();
    assert_eq!(bare.key(&me).unwrap_err(), Error::ForeignPeer);
    let abroad: Lock = abroad.open("lock").unwrap();
    let key = abroad.key(&stranger).unwrap();
    assert_eq!(
        key.ringing(&me, super::Woken(&Default::default())).err(),
        Some(Error::ForeignPeer)
    );
}

#[test]
fn a_word_that_nobody_writes_is_corrupt() {
    for trust in EACH_TRUST {
        let world = World::new();
        let segment = world.segment(trust);
        let one = join(&segment, &NoProof);
        let lock: Lock = segment.open("lock").unwrap();
        let at = world.place("lock") + WORD;
        let mut key = lock.key(&one).unwrap();
        // No row 33, no row 9 of three, a life of nobody, a bare one's life, a bare holder in a segment.
        for found in [33, 9, 1 << 8, 1 << 8 | 0xff, 0xff, POISON | 254, u32::MAX] {
            world.room.set(at, found);
            let corrupt = Refused::Region(Error::Corrupt {
                what: "lock word",
                found,
            });
            assert_eq!(key.try_lock().unwrap_err(), corrupt);
            assert_eq!(key.lock_for::<Spin>(9).unwrap_err(), corrupt);
            assert_eq!(world.room.word(at), found, "left as it was");
        }
        let bare = Room::of::<Locked<Value>>(&Config::new());
        let mut key = Locked::<Value>::init_for(&bare, trust).bare_key().unwrap();
        for found in [1, 1 << 8, 1 << 8 | 0xff] {
            bare.set(WORD, found);
            assert!(matches!(
                key.try_lock(),
                Err(Refused::Region(Error::Corrupt { .. }))
            ));
        }
        bare.set(WORD, 0);
        bare.set(VERSION, 0xdead_beef);
        let mut guard = key.try_lock().unwrap().into_guard();
        guard.set(&[8; 3]);
        assert_eq!(guard.get(), [8; 3]);
    }
}
