//! Rings of many as they are after so many messages, written by the wire's offsets.

use ringpad::mpmc::{Config, Mpmc};
use ringpad::{Channel, Pod};

use super::{HEAD, PAYLOAD, Room, TAIL, Trust};

/// The word of a free slot: 61 bits of the position, without the bits of the index.
pub fn free(capacity: u32, position: u64) -> u64 {
    let low = position as u32 & !(capacity - 1);
    u64::from(low) | (position >> 32 & 0x1fff_ffff) << 35
}

/// Writes two words, low one first.
pub fn set_wide(room: &Room, offset: usize, value: u64) {
    room.set(offset, value as u32);
    room.set(offset + 4, (value >> 32) as u32);
}

/// Reads two words.
pub fn wide(room: &Room, offset: usize) -> u64 {
    u64::from(room.get(offset)) | u64::from(room.get(offset + 4)) << 32
}

/// An empty ring whose next message gets this position, a multiple of the capacity.
pub fn ring<'m, T: Pod>(
    room: &'m Room,
    trust: Trust,
    config: &Config,
    position: u64,
) -> Mpmc<'m, T> {
    Mpmc::<T>::init(room.region(trust), config).unwrap();
    set_wide(room, TAIL, position);
    set_wide(room, HEAD, position);
    let stride = 8 + size_of::<T>().next_multiple_of(8);
    for slot in 0..config.capacity as usize {
        let word = free(config.capacity, position);
        set_wide(room, PAYLOAD + slot * stride, word);
    }
    Mpmc::attach(room.region(trust)).unwrap()
}
