//! A directory that is not what the caller planned, or not what any peer writes.

use super::*;

#[test]
fn a_plan_is_compared_field_by_field() {
    let made = Plan::<2>::new()
        .channel::<Ring>("ring", &Config::new(4).tagged(5))
        .and_then(|plan| plan.channel::<Bytes>("log", &bytes::Config::records(64)))
        .unwrap();
    let room = Room::new(made.layout().unwrap().size());
    let segment = Segment::init(room.region(Trust::Cooperative), &made).unwrap();
    assert_eq!(segment.check(&made), Ok(()));
    assert_eq!(
        segment.check(&Plan::<0>::new()),
        Ok(()),
        "a plan may want less"
    );
    let crowd = Plan::<0>::new().peers(9).unwrap();
    assert_eq!(segment.check(&crowd).err(), mismatch(Field::Peers, 9, 8));
    let ring = |name: &str, config: Config| {
        segment
            .check(&Plan::<1>::new().channel::<Ring>(name, &config).unwrap())
            .err()
    };
    assert_eq!(ring("ring", Config::new(4).tagged(5)), None);
    assert_eq!(ring("other", Config::new(4)), Some(Error::NoSuchName));
    assert_eq!(
        ring("ring", Config::new(8).tagged(5)),
        mismatch(Field::Capacity, 8, 4)
    );
    assert_eq!(ring("ring", Config::new(4)), mismatch(Field::TypeTag, 0, 5));
    assert!(matches!(
        ring("log", Config::new(4)),
        Some(Error::Mismatch {
            field: Field::Magic,
            ..
        })
    ));
    let wide = Plan::<1>::new()
        .channel::<Spsc<u64>>("ring", &Config::new(4).tagged(5))
        .unwrap();
    assert_eq!(
        segment.check(&wide).err(),
        mismatch(Field::ElementBytes, 8, 4)
    );
    let bytes = Plan::<1>::new()
        .channel::<Spsc<[u8; 4]>>("ring", &Config::new(4).tagged(5))
        .unwrap();
    assert_eq!(
        segment.check(&bytes).err(),
        mismatch(Field::ElementAlign, 1, 4)
    );
    let stream = Plan::<1>::new()
        .channel::<Bytes>("log", &bytes::Config::stream(64))
        .unwrap();
    assert_eq!(segment.check(&stream).err(), mismatch(Field::Framing, 2, 1));
}

#[test]
fn a_segment_ends_where_its_header_says() {
    for trust in EACH_TRUST {
        let room = Room::new(room(2).len() + 4096);
        let exact = room.len() - 4096;
        Segment::init(room.first(exact, trust), &plan(2)).unwrap();
        // Mapped in whole pages, say.
        let segment = Segment::attach(room.region(trust)).unwrap();
        assert_eq!(segment.len(), exact);
        let me = join(&segment);
        let large = segment.create::<Ring>(&me, "c", &Config::new(1024)).err();
        assert_eq!(
            large,
            Some(Error::SegmentFull {
                want: 512 + 4096,
                found: 1280
            })
        );
    }
}

#[test]
fn an_entry_of_garbage_hurts_nobody_else() {
    for trust in EACH_TRUST {
        let room = room(2);
        let segment = segment(&room, trust, 2);
        let me = join(&segment);
        for name in [
            0,
            0xff,
            u32::from_le_bytes(*b"a/b\0"),
            u32::from_le_bytes(*b".ab\0"),
        ] {
            room.set(entry(0), name);
            let names: Vec<_> = segment.entries().map(|entry| entry.name).collect();
            assert_eq!(names, ["b"]);
            assert_eq!(segment.open::<Ring>("a").err(), Some(Error::NoSuchName));
            assert!(segment.open::<Ring>("b").is_ok());
            let what = "directory name";
            let corrupt = segment.create::<Ring>(&me, "c", &Config::new(4)).err();
            assert_eq!(corrupt, Some(Error::Corrupt { what, found: 0 }));
        }
        room.set(entry(0), u32::from_le_bytes(*b"a\0\0\0"));
        assert!(segment.open::<Ring>("a").is_ok());
        for state in [0, 7, u32::MAX] {
            room.set(entry(1) + STATE, state);
            assert_eq!(segment.open::<Ring>("b").err(), Some(Error::NoSuchName));
        }
    }
}

#[test]
fn an_entry_that_points_elsewhere_is_refused() {
    for trust in EACH_TRUST {
        let room = room(2);
        let segment = segment(&room, trust, 2);
        let (at, length) = (room.word(entry(0) + AT), room.word(entry(0) + LENGTH));
        let open = |at: u32, length: u32| {
            room.set(entry(0) + AT, at);
            room.set(entry(0) + LENGTH, length);
            segment.open::<Ring>("a").unwrap_err()
        };
        assert!(matches!(
            open(u32::MAX, 10),
            Error::Misaligned { want: 128, .. } | Error::TooSmall { .. } | Error::TooLarge
        ));
        assert!(matches!(
            open(u32::MAX - 1, u32::MAX),
            Error::TooSmall { .. } | Error::TooLarge
        ));
        assert_eq!(
            open(at + 1, length - 1),
            Error::Misaligned {
                want: 128,
                found: 64
            }
        );
        assert_eq!(
            open(at, 9),
            Error::TooSmall {
                want: 640,
                found: 576
            }
        );
        assert_eq!(open(at, 0), Error::TooSmall { want: 80, found: 0 });
        // Over the superblock, over the tables, over the neighbour.
        let corrupt = |found| Error::Corrupt {
            what: "directory entry: its place, in units of 64 bytes,",
            found,
        };
        assert_eq!(open(0, room.len() as u32 / 64), corrupt(0));
        assert_eq!(open(at - 2, 2), corrupt(at - 2));
        assert_eq!(open(at, length + 1), corrupt(at));
        assert_eq!(segment.open::<Ring>("b").err(), Some(corrupt(at + length)));
        open(0, 0);
        room.set(entry(0) + KIND, 99);
        let shown = segment.entries().next().unwrap();
        assert_eq!(
            (shown.kind, shown.offset),
            (None, 0),
            "a kind that this build does not know"
        );
        // Whoever creates stays behind everything listed, and inside the segment.
        let me = join(&segment);
        open(u32::MAX - 1, u32::MAX);
        let full = segment.create::<Ring>(&me, "c", &Config::new(4)).err();
        assert_eq!(
            full,
            Some(Error::SegmentFull {
                want: 640,
                found: 0
            })
        );
        room.set(entry(0) + AT, at);
        room.set(entry(0) + LENGTH, length);
        room.set(entry(1) + LENGTH, length + 1);
        assert!(segment.open::<Ring>("b").is_ok(), "more room than it needs");
        let odd = segment.create::<Ring>(&me, "c", &Config::new(4)).err();
        assert_eq!(
            odd,
            Some(Error::Misaligned {
                want: 128,
                found: 64
            })
        );
    }
}

#[test]
fn a_name_that_is_listed_twice_is_nobody_s() {
    for trust in EACH_TRUST {
        let room = room(2);
        let segment = segment(&room, trust, 2);
        room.set(entry(1), u32::from_le_bytes(*b"a\0\0\0"));
        assert!(matches!(
            segment.open::<Ring>("a"),
            Err(Error::Corrupt { .. })
        ));
        assert_eq!(segment.open::<Ring>("b").err(), Some(Error::NoSuchName));
    }
}
