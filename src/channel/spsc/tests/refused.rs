//! What a typed ring refuses: impossible positions, elements and configurations.

use super::*;

#[test]
fn an_impossible_position_is_corrupt_and_stays_so() {
    for (trust, spacing) in EACH {
        let room = spaced(4, spacing);
        let (mut tx, mut rx) = both(&room, trust, 4);
        tx.push(1).unwrap();
        room.set(TAIL, 5);
        let corrupt = Err(Error::Corrupt {
            what: "tail",
            found: 5,
        });
        assert_eq!((rx.pop(), rx.check()), (None, corrupt));
        room.set(TAIL, 1);
        assert_eq!((rx.pop(), rx.slots(), rx.pop_slice(&mut [0])), (None, 0, 0));
        assert_eq!((rx.take(), rx.peek(), rx.check()), (None, None, corrupt));
        tx.push_slice(&[2, 3, 4]);
        room.set(HEAD, 9);
        let corrupt = Err(Error::Corrupt {
            what: "head",
            found: 9,
        });
        assert_eq!((tx.push(7), tx.check()), (Err(Full(7)), corrupt));
        room.set(HEAD, 2);
        assert_eq!(
            (tx.push(7), tx.slots(), tx.push_slice(&[1])),
            (Err(Full(7)), 0, 0)
        );
    }
}

#[test]
fn positions_never_run_backwards() {
    for (trust, spacing) in EACH {
        let room = spaced(4, spacing);
        let (mut tx, mut rx) = both(&room, trust, 4);
        assert_eq!(tx.push_slice(&[1, 2, 3]), 3);
        assert_eq!((rx.take(), rx.slots()), (Some(1), 2));
        room.set(TAIL, 2);
        assert_eq!(
            (rx.pop_slice(&mut [0; 4]), rx.check().is_err()),
            (0, true),
            "it was 3 before"
        );
        room.set(HEAD, 1);
        assert_eq!(tx.slots(), 2);
        room.set(HEAD, 0);
        assert_eq!(
            (tx.slots(), tx.check().is_err()),
            (0, true),
            "it was 1 before"
        );
    }
}

#[test]
fn claiming_an_end_checks_the_distance() {
    let room = room(4);
    let (tx, rx) = both(&room, Trust::Cooperative, 4);
    drop((tx, rx));
    let ring = Spsc::<u32>::attach(room.region(Trust::Cooperative)).unwrap();
    room.set(TAIL, 3);
    room.set(HEAD, 4);
    let corrupt = Error::Corrupt {
        what: "distance of tail and head",
        found: u32::MAX,
    };
    assert_eq!(ring.bare_producer(&NoProof).unwrap_err(), corrupt);
    assert_eq!(ring.bare_consumer(&NoProof).unwrap_err(), corrupt);
    room.set(TAIL, 4);
    assert!(ring.split().is_ok(), "the refused claims were given back");
}

#[test]
fn a_type_tag_is_compared() {
    let config = Config::new(4).tagged(7);
    let room = Room::of::<Spsc<u32>>(&config);
    let ring = Spsc::<u32>::init(room.region(Trust::Cooperative), &config).unwrap();
    let ring = ring.expect_tag(7).unwrap();
    assert_eq!(ring.type_tag(), 7);
    let field = Field::TypeTag;
    let refused = ring.expect_tag(u64::MAX).unwrap_err();
    assert_eq!(
        refused,
        Error::Mismatch {
            field,
            want: u64::MAX,
            found: 7
        }
    );
}

#[test]
fn a_configuration_outside_the_kind_is_refused() {
    fn refused<T: crate::Pod>(capacity: u32) -> (Field, u64) {
        match Spsc::<T>::layout(&Config::new(capacity)).unwrap_err() {
            Error::BadConfig { field, found, .. } => (field, found),
            other => panic!("{other:?}"),
        }
    }
    for bad in [0, 3, 100, (1 << 30) + 1, 1 << 31, u32::MAX] {
        assert_eq!(refused::<u32>(bad), (Field::Capacity, bad.into()));
    }
    assert_eq!(refused::<[u8; 0]>(2), (Field::ElementBytes, 0));
    type Most = [[u8; 4096]; 4096];
    assert_eq!(refused::<[Most; 2]>(2), (Field::ElementBytes, 1 << 25));
    assert_eq!(refused::<TooAligned>(2), (Field::ElementAlign, 256));
    let most = Spsc::<Most>::layout(&Config::new(1 << 30));
    assert_eq!(most.is_ok(), usize::BITS == 64, "2^54 bytes");
    assert_eq!(
        Spsc::<u8>::layout(&Config::new(1)).unwrap().size(),
        512 + 128
    );
}

#[test]
fn the_element_must_be_the_one_of_the_header() {
    for trust in EACH_TRUST {
        let room = Room::of::<Spsc<u64>>(&Config::new(4));
        Spsc::<u64>::init(room.region(trust), &Config::new(4)).unwrap();
        let wider = Spsc::<[u64; 2]>::attach(room.region(trust)).unwrap_err();
        let field = Field::ElementBytes;
        assert_eq!(
            wider,
            Error::Mismatch {
                field,
                want: 16,
                found: 8
            }
        );
        let looser = Spsc::<[u8; 8]>::attach(room.region(trust)).unwrap_err();
        let field = Field::ElementAlign;
        assert_eq!(
            looser,
            Error::Mismatch {
                field,
                want: 1,
                found: align_of::<u64>() as u64
            }
        );
        // A 32-bit machine may align the same number to 4.
        let mut tx = Spsc::<[u32; 2]>::attach(room.region(trust))
            .unwrap()
            .split()
            .unwrap()
            .0;
        tx.push([1, 2]).unwrap();
    }
}

#[test]
fn init_wants_room_that_is_writable_and_free() {
    let room = room(4);
    let config = Config::new(4);
    let short = Spsc::<u32>::init(room.first(512, Trust::Cooperative), &config).unwrap_err();
    assert_eq!(
        short,
        Error::TooSmall {
            want: 640,
            found: 512
        }
    );
    let fixed = Spsc::<u32>::init(room.read_only(), &config).unwrap_err();
    assert_eq!(fixed, Error::ReadOnly);
    assert_eq!(room.word(8), 0, "neither left a trace");
    Spsc::<u32>::init(room.region(Trust::Cooperative), &config).unwrap();
    let again = Spsc::<u32>::init(room.region(Trust::Cooperative), &config).unwrap_err();
    assert_eq!(again, Error::AlreadyInitialized);
}

#[test]
fn a_read_only_ring_can_be_looked_at_but_not_claimed() {
    let room = room(4);
    Spsc::<u32>::init(room.region(Trust::Cooperative), &Config::new(4)).unwrap();
    let ring = Spsc::<u32>::attach(room.read_only()).unwrap();
    assert_eq!(ring.capacity(), 4);
    assert_eq!(ring.bare_producer(&NoProof).unwrap_err(), Error::ReadOnly);
    assert_eq!(ring.bare_consumer(&NoProof).unwrap_err(), Error::ReadOnly);
}

#[test]
fn code_generic_over_elements_of_no_size_compiles_and_is_refused() {
    fn through<T: crate::Pod>(value: T) -> crate::Result<Option<T>> {
        let config = Config::new(8);
        let mut room = crate::AlignedBytes::<1024>::new();
        let region = crate::Region::from_mut(room.as_mut())?;
        let (mut tx, mut rx) = Spsc::<T>::init(region, &config)?.split()?;
        let _ = tx.push(value);
        Ok(rx.pop())
    }
    assert!(through(()).is_err());
    assert_eq!(through(7u8), Ok(Some(7)));
}
