//! Everything an attach refuses, one word at a time, at its wire offset.

mod compact;
mod whole;
use super::{ABI, Header, Kind};
use crate::bytes::{self, Bytes};
use crate::memory::testing::{EACH_TRUST, Room, Trust};
use crate::spsc::{self, Spsc};
use crate::{Channel, Error, Field, Plan, Segment, State};

/// Wire offsets of the header's words.
mod at {
    pub(super) const MAGIC: usize = 0;
    pub(super) const STATE: usize = 8;
    pub(super) const BYTE_ORDER: usize = 12;
    pub(super) const ABI: usize = 16;
    pub(super) const KIND: usize = 20;
    pub(super) const REQUIRED: usize = 24;
    pub(super) const OPTIONAL: usize = 28;
    pub(super) const LINE_BYTES: usize = 32;
    pub(super) const CAPACITY: usize = 36;
    pub(super) const ELEMENT_BYTES: usize = 40;
    pub(super) const ELEMENT_ALIGN: usize = 44;
    pub(super) const TYPE_TAG: usize = 48;
    pub(super) const SPAN_BYTES: usize = 56;
    pub(super) const FRAMING: usize = 64;
}

type Ring<'m> = Spsc<'m, u32>;

fn ring() -> Room {
    let config = spsc::Config::new(4).tagged(0x0123_4567_89ab_cdef);
    let room = Room::of::<Ring>(&config);
    Ring::init(room.region(Trust::Cooperative), &config).unwrap();
    room
}

/// What attaching says once `word` holds `value`; the same under each trust and on a read-only mapping.
fn refusal<'m, C: Channel<'m>>(room: &'m Room, word: usize, value: u32) -> Error {
    let before = room.word(word);
    room.set(word, value);
    let said = C::attach(room.region(Trust::Cooperative))
        .err()
        .expect("was refused");
    assert_eq!(C::attach(room.region(Trust::Distrusted)).err(), Some(said));
    assert_eq!(C::attach(room.read_only()).err(), Some(said));
    room.set(word, before);
    assert!(
        C::attach(room.region(Trust::Cooperative)).is_ok(),
        "whole again"
    );
    said
}

fn mismatch(field: Field, want: u64, found: u64) -> Error {
    Error::Mismatch { field, want, found }
}

/// The message names the field and both values.
fn names_both(error: Error, field: &str, found: &str, want: &str) {
    let said = error.to_string();
    assert!(said.contains(field), "{said:?} should name the {field}");
    let (at_found, at_want) = (said.find(found), said.find(&format!("wanted {want}")));
    assert!(at_found.is_some(), "{said:?} should say {found}");
    assert!(at_want.is_some(), "{said:?} should say wanted {want}");
}

#[test]
fn the_words_lie_where_the_wire_says() {
    let room = ring();
    let wide = |at: usize| u64::from(room.word(at + 4)) << 32 | u64::from(room.word(at));
    assert_eq!(wide(at::MAGIC).to_le_bytes(), *b"rp-spsc\0");
    assert_eq!(room.word(at::STATE).to_le_bytes(), *b"REDY");
    assert_eq!(room.word(at::BYTE_ORDER), 0x0a0b_0c0d);
    assert_eq!(
        (room.word(at::ABI), room.word(at::KIND)),
        (ABI, Kind::Spsc as u32)
    );
    assert_eq!((room.word(at::REQUIRED), room.word(at::OPTIONAL)), (0, 0));
    assert_eq!(
        (room.word(at::LINE_BYTES), room.word(at::CAPACITY)),
        (128, 4)
    );
    assert_eq!(
        (room.word(at::ELEMENT_BYTES), room.word(at::ELEMENT_ALIGN)),
        (4, 4)
    );
    assert_eq!(wide(at::TYPE_TAG), 0x0123_4567_89ab_cdef);
    assert_eq!((wide(at::SPAN_BYTES), room.word(at::FRAMING)), (640, 0));
    assert!((68..128).step_by(4).all(|at| room.word(at) == 0));
}

#[test]
fn a_foreign_magic_is_shown_as_text() {
    let room = ring();
    let found = u32::from_le_bytes(*b"mp3\0");
    let said = refusal::<Ring>(&room, at::MAGIC, found);
    assert!(matches!(
        said,
        Error::Mismatch {
            field: Field::Magic,
            ..
        }
    ));
    assert_eq!(
        said.to_string(),
        r#"magic is "mp3\x00psc\x00"; wanted "rp-spsc\x00""#
    );
    let high = refusal::<Ring>(&room, at::MAGIC + 4, 0);
    assert!(matches!(
        high,
        Error::Mismatch {
            field: Field::Magic,
            ..
        }
    ));
    let other = Bytes::attach(room.region(Trust::Cooperative))
        .err()
        .unwrap();
    assert_eq!(
        other.to_string(),
        r#"magic is "rp-spsc\x00"; wanted "rp-byte\x00""#
    );
}

#[test]
fn another_byte_order_abi_kind_feature_or_line_is_named() {
    let room = ring();
    let said = refusal::<Ring>(&room, at::BYTE_ORDER, 0x0d0c_0b0a);
    assert_eq!(said, mismatch(Field::ByteOrder, 0x0a0b_0c0d, 0x0d0c_0b0a));
    names_both(said, "byte order", "0x0d0c0b0a", "0x0a0b0c0d");
    let said = refusal::<Ring>(&room, at::ABI, ABI + 1);
    assert_eq!(said, mismatch(Field::Abi, ABI.into(), (ABI + 1).into()));
    assert_eq!(said.to_string(), "ABI is 2; wanted 1");
    let said = refusal::<Ring>(&room, at::KIND, 77);
    assert_eq!(said, mismatch(Field::Kind, 2, 77));
    names_both(said, "kind", "77", "2");
    let said = refusal::<Ring>(&room, at::REQUIRED, 1 << 31);
    assert_eq!(said, mismatch(Field::Features, 0, 1 << 31));
    names_both(said, "required features", "2147483648", "0");
    for bit in 0..32 {
        let said = refusal::<Ring>(&room, at::REQUIRED, 1 << bit);
        assert_eq!(said, mismatch(Field::Features, 0, 1 << bit));
    }
    let said = refusal::<Ring>(&room, at::LINE_BYTES, 64);
    assert_eq!(said, mismatch(Field::LineBytes, 128, 64));
    names_both(said, "line bytes", "64", "128");
}

/// As another machine left it: every word reversed.
#[test]
fn what_is_ready_in_the_other_byte_order_is_refused_by_both_names() {
    let room = Room::new(1024);
    let other = |word: usize, value: u32| room.set(word, value.swap_bytes());
    other(at::STATE, super::IS_READY);
    let attach = || Ring::attach(room.region(Trust::Distrusted)).err().unwrap();
    assert!(
        matches!(attach(), Error::NotReady { .. }),
        "garbage without the mark"
    );
    other(at::BYTE_ORDER, 0x0a0b_0c0d);
    let said = attach();
    assert_eq!(said, mismatch(Field::ByteOrder, 0x0a0b_0c0d, 0x0d0c_0b0a));
    let text = said.to_string();
    assert!(text.contains("little-endian") && text.contains("big-endian"));
    let read_only = Segment::attach(room.read_only()).err();
    assert_eq!(read_only, Some(said));
}

/// Here nothing is made at all, and nothing read that claims to be in this machine's own order.
#[test]
#[cfg(target_endian = "big")]
fn a_big_endian_machine_makes_and_attaches_nothing() {
    let config = spsc::Config::new(4);
    let room = Room::of::<Ring>(&config);
    let said = Ring::init(room.region(Trust::Cooperative), &config).err();
    let refused = mismatch(Field::ByteOrder, 0x0d0c_0b0a, 0x0a0b_0c0d);
    assert_eq!(said, Some(refused));
    assert_eq!(
        refused.to_string(),
        "byte order mark is 0x0a0b0c0d (big-endian); wanted 0x0d0c0b0a (little-endian)"
    );
    let untouched = (0..room.len()).step_by(4).all(|at| room.word(at) == 0);
    assert!(untouched, "refused before the first byte is written");
    let plan = Plan::<0>::new().peers(1).unwrap();
    let room = Room::new(plan.layout().unwrap().size());
    let segment = Segment::init(room.region(Trust::Cooperative), &plan);
    assert_eq!(segment.err(), Some(refused));
    room.set(at::STATE, super::IS_READY);
    room.set(at::BYTE_ORDER, 0x0a0b_0c0d);
    let attached = Segment::attach(room.region(Trust::Cooperative));
    assert_eq!(attached.err(), Some(refused));
}

#[test]
fn optional_features_may_be_unknown() {
    let room = ring();
    room.set(at::OPTIONAL, u32::MAX);
    assert!(Ring::attach(room.region(Trust::Cooperative)).is_ok());
}

#[test]
fn an_impossible_capacity_is_refused() {
    let room = ring();
    for bad in [0, 3, 6, (1 << 30) + 1, 1 << 31, u32::MAX] {
        let said = refusal::<Ring>(&room, at::CAPACITY, bad);
        let matches = matches!(said, Error::BadConfig { field: Field::Capacity, found, .. } if found == u64::from(bad));
        assert!(matches, "{bad}: {said:?}");
        names_both(
            said,
            "capacity",
            &bad.to_string(),
            "a power of two up to 2^30",
        );
    }
    // Possible, but not in so many bytes.
    for (other, want) in [(64, 768), (1 << 30, 512 + (4 << 30))] {
        let said = refusal::<Ring>(&room, at::CAPACITY, other);
        if usize::try_from(want).is_err() {
            assert_eq!(said, Error::TooLarge);
            continue;
        }
        assert_eq!(said, mismatch(Field::SpanBytes, want, 640));
        names_both(said, "span bytes", "640", &want.to_string());
    }
    // One slot to 32 take the same padded line, so this handle has 32 and every one lies inside.
    room.set(at::CAPACITY, 32);
    let ring = Ring::attach(room.region(Trust::Distrusted)).unwrap();
    assert_eq!(ring.split().unwrap().0.push_slice(&[7; 99]), 32);
}

#[test]
fn another_element_is_refused() {
    let room = ring();
    for bad in [0, 1, 8, 32, u32::MAX] {
        let said = refusal::<Ring>(&room, at::ELEMENT_BYTES, bad);
        let by_span = matches!(
            said,
            Error::Mismatch {
                field: Field::SpanBytes,
                ..
            } | Error::TooLarge
        );
        assert!(
            by_span || said == mismatch(Field::ElementBytes, 4, bad.into()),
            "{bad}: {said:?}"
        );
    }
    for bad in [0, 1, 2, 16, 128, u32::MAX] {
        let said = refusal::<Ring>(&room, at::ELEMENT_ALIGN, bad);
        assert_eq!(said, mismatch(Field::ElementAlign, 4, bad.into()));
        names_both(said, "element alignment", &bad.to_string(), "4");
    }
    room.set(at::ELEMENT_ALIGN, 8);
    assert!(
        Ring::attach(room.region(Trust::Cooperative)).is_ok(),
        "4 and 8 are one family"
    );
}

#[test]
fn a_span_must_fit_the_region_and_the_geometry() {
    let room = ring();
    let said = refusal::<Ring>(&room, at::SPAN_BYTES, 641);
    assert_eq!(
        said,
        Error::TooSmall {
            want: 641,
            found: 640
        }
    );
    names_both(said, "bytes", "640", "641");
    let said = refusal::<Ring>(&room, at::SPAN_BYTES + 4, 1);
    assert_eq!(
        said,
        Error::TooSmall {
            want: 640 + (1 << 32),
            found: 640
        }
    );
    let said = refusal::<Ring>(&room, at::SPAN_BYTES, 512);
    assert_eq!(said, mismatch(Field::SpanBytes, 640, 512));
    let short = Ring::attach(room.first(512, Trust::Cooperative)).err();
    assert_eq!(
        short,
        Some(Error::TooSmall {
            want: 640,
            found: 512
        })
    );
    let shorter = Ring::attach(room.first(64, Trust::Cooperative)).err();
    assert_eq!(
        shorter,
        Some(Error::TooSmall {
            want: 80,
            found: 64
        })
    );
}

#[test]
fn a_state_that_is_not_ready_is_named() {
    let room = ring();
    let word = u32::from_le_bytes;
    let states = [
        (0, State::Empty, "the header is Empty; wanted Ready"),
        (
            word(*b"BLDG"),
            State::Building,
            "the header is Building; wanted Ready",
        ),
        (
            word(*b"RETD"),
            State::Retired,
            "the header is Retired; wanted Ready",
        ),
        (
            7,
            State::Garbage(7),
            "the header is Garbage(7); wanted Ready",
        ),
    ];
    for (value, found, said) in states {
        let refused = refusal::<Ring>(&room, at::STATE, value);
        assert_eq!(refused, Error::NotReady { found });
        assert_eq!(refused.to_string(), said);
    }
}
