//! Headers of byte rings and of segments, and what may be initialised or retired.

use super::*;

#[test]
fn the_framing_of_a_byte_ring_is_checked() {
    let config = bytes::Config::records(64);
    let room = Room::of::<Bytes>(&config);
    Bytes::init(room.region(Trust::Cooperative), &config).unwrap();
    for bad in [0, 3, u32::MAX] {
        let said = refusal::<Bytes>(&room, at::FRAMING, bad);
        assert!(
            matches!(
                said,
                Error::BadConfig {
                    field: Field::Framing,
                    ..
                }
            ),
            "{said:?}"
        );
        names_both(
            said,
            "framing",
            &bad.to_string(),
            "1 (records) or 2 (stream)",
        );
    }
    let said = refusal::<Bytes>(&room, at::CAPACITY, 32);
    assert_eq!(said.to_string(), "capacity is 32; wanted at least 64 bytes");
    let said = refusal::<Bytes>(&room, at::ELEMENT_ALIGN, 4);
    assert_eq!(said, mismatch(Field::ElementAlign, 1, 4));
    room.set(at::FRAMING, 2);
    assert_eq!(
        Bytes::attach(room.region(Trust::Distrusted))
            .unwrap()
            .framing(),
        bytes::Framing::Stream
    );
}

#[test]
fn init_over_a_living_or_half_built_channel_is_refused() {
    for trust in EACH_TRUST {
        let room = ring();
        let config = spsc::Config::new(4);
        let again = |state: u32| {
            room.set(at::STATE, state);
            Ring::init(room.region(trust), &config).err()
        };
        let word = u32::from_le_bytes;
        assert_eq!(again(word(*b"REDY")), Some(Error::AlreadyInitialized));
        assert_eq!(again(word(*b"BLDG")), Some(Error::AlreadyInitialized));
        assert_eq!(
            again(word(*b"RETD")),
            None,
            "whoever retired it may build anew"
        );
        assert_eq!(again(7), None);
        assert_eq!(again(0), None);
    }
}

#[test]
fn a_wiped_room_can_be_used_again() {
    let room = ring();
    room.wipe();
    let empty = Error::NotReady {
        found: State::Empty,
    };
    assert_eq!(
        Ring::attach(room.region(Trust::Cooperative)).err(),
        Some(empty)
    );
    assert!(Ring::init(room.region(Trust::Cooperative), &spsc::Config::new(4)).is_ok());
}

#[test]
fn only_what_may_be_written_is_retired() {
    let room = ring();
    let fixed = Header::at(room.read_only().into_ref()).unwrap();
    assert_eq!(fixed.retire(), Err(Error::ReadOnly));
    let header = Header::at(room.view()).unwrap();
    assert_eq!((header.state(), header.retire()), (State::Ready, Ok(())));
    assert_eq!(header.state(), State::Retired);
}

#[test]
fn a_segment_checks_its_header_and_its_superblock() {
    let plan = Plan::<1>::new().peers(3).unwrap().spare(1, 256);
    let room = Room::new(plan.layout().unwrap().size());
    Segment::init(room.region(Trust::Cooperative), &plan).unwrap();
    let refusal = |word: usize, value: u32| {
        let before = room.word(word);
        room.set(word, value);
        let said = Segment::attach(room.region(Trust::Cooperative)).unwrap_err();
        assert_eq!(
            Segment::attach(room.region(Trust::Distrusted)).unwrap_err(),
            said
        );
        assert_eq!(Segment::attach(room.read_only()).unwrap_err(), said);
        room.set(word, before);
        assert!(Segment::attach(room.region(Trust::Cooperative)).is_ok());
        said
    };
    assert_eq!(refusal(at::KIND, 2), mismatch(Field::Kind, 1, 2));
    assert_eq!(refusal(at::ABI, 0), mismatch(Field::Abi, 1, 0));
    let (peers, entries, rows_at) = (128 + 16, 128 + 20, 128 + 24);
    for bad in [0, 33, u32::MAX] {
        let said = refusal(peers, bad);
        assert!(
            matches!(
                said,
                Error::BadConfig {
                    field: Field::Peers,
                    ..
                }
            ),
            "{said:?}"
        );
        names_both(said, "peers", &bad.to_string(), "1 to 32 peers");
    }
    for bad in [(1 << 16) + 1, u32::MAX] {
        let said = refusal(entries, bad);
        let field = matches!(
            said,
            Error::BadConfig {
                field: Field::Entries,
                ..
            }
        );
        assert!(field, "{said:?}");
        names_both(
            said,
            "entries",
            &bad.to_string(),
            "at most 65536 directory entries",
        );
    }
    assert!(matches!(refusal(entries, 1 << 16), Error::TooSmall { .. }));
    assert_eq!(
        refusal(entries, 0),
        mismatch(Field::Offset, 12, 14),
        "data would begin earlier"
    );
    assert_eq!(
        refusal(peers, 2),
        mismatch(Field::Offset, 10, 12),
        "the directory would begin earlier"
    );
    assert_eq!(refusal(rows_at, 5), mismatch(Field::Offset, 6, 5));
    names_both(refusal(rows_at, 5), "offset", "5", "6");
    let said = refusal(at::SPAN_BYTES, 512);
    assert!(
        matches!(said, Error::TooSmall { found: 512, .. }),
        "{said:?}"
    );
    let ring = ring();
    let other = Segment::attach(ring.region(Trust::Cooperative)).unwrap_err();
    assert!(matches!(
        other,
        Error::Mismatch {
            field: Field::Magic,
            ..
        }
    ));
}
