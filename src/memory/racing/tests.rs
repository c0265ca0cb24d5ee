use super::*;
use crate::memory::testing::Room;

/// Two slots of 21 payload bytes.
fn slots(room: &Room) -> RacingSlots<'_> {
    let each = stride(21, 8).unwrap();
    assert_eq!(each, 8 + 24);
    room.view().racing(0, 2, each, 21).unwrap()
}

#[test]
fn every_offset_and_length_arrives_whole_and_nothing_beside_it() {
    let room = Room::new(128);
    let slots = slots(&room);
    let (slot, other) = (slots.slot(7), slots.slot(4));
    let source: [u8; 21] = core::array::from_fn(|i| i as u8 + 1);
    for offset in 0..=21 {
        for len in 0..=21 - offset {
            slot.store(&[0xEE; 21]);
            assert!(slot.store_at(offset, &source[..len]));
            let (mut back, mut all) = ([0; 21], [0; 21]);
            assert!(slot.load_at(offset, &mut back[..len]));
            assert_eq!(back[..len], source[..len], "{offset} {len}");
            slot.load(&mut all);
            let outside = all
                .iter()
                .enumerate()
                .filter(|(i, _)| !(offset..offset + len).contains(i));
            assert!(outside.map(|(_, byte)| *byte).all(|byte| byte == 0xEE));
        }
    }
    assert_eq!(other.load_value::<[u8; 21]>(), [0; 21], "the slot beside");
    assert_eq!((slot.bytes(), slots.count()), (21, 2));
}

#[test]
fn values_of_every_size_come_back() {
    let room = Room::new(128);
    let slot = slots(&room).slot(0);
    macro_rules! sizes {
        ($($size:literal)*) => {$(
            let value: [u8; $size] = core::array::from_fn(|i| 100 + i as u8);
            slot.store_value(&value);
            assert_eq!(slot.load_value::<[u8; $size]>(), value);
            let mut bytes = [0; $size];
            slot.load(&mut bytes);
            assert_eq!(bytes, value);
        )*};
    }
    sizes!(1 2 3 4 5 7 8 9 12 15 16 17 20 21);
}

#[test]
fn what_does_not_fit_is_neither_stored_nor_loaded() {
    let room = Room::new(128);
    let slots = slots(&room);
    let (slot, mut bytes) = (slots.slot(0), [7; 22]);
    slot.store(&[5; 22]);
    slot.load(&mut bytes);
    assert_eq!(bytes, [7; 22]);
    assert_eq!(slot.load_value::<[u8; 22]>(), [0; 22]);
    for (offset, len) in [(0, 22), (21, 1), (22, 0), (usize::MAX, 1), (20, usize::MAX)] {
        assert!(!slot.holds(offset, len));
    }
    assert!(!slot.store_at(21, &[1]) && !slot.load_at(20, &mut bytes[..2]));
    assert!(slot.holds(21, 0) && slot.store_at(21, &[]));
    assert_eq!(room.word(8) | room.word(28), 0);
}

#[test]
fn strides_are_padded_and_never_wrap() {
    assert_eq!(stride(0, 8), Some(8));
    assert_eq!(stride(1, 8), Some(16));
    assert_eq!(stride(64, 64), Some(128));
    assert_eq!(stride(120, 128), Some(128));
    assert_eq!(stride(usize::MAX - 3, 8), None);
    assert_eq!(stride(usize::MAX - 20, 128), None);
}
