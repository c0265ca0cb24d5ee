//! Channels of stamped slots as they are after so many writes, written by the wire's offsets.

use ringpad::mailslot::{self, Mailslot, reliable};
use ringpad::notepad::{self, Notepad};
use ringpad::{Channel, Content};

use super::{HEAD, Room, TAIL, Trust};

/// Where the claim of the one writer lies.
pub const CLAIM: usize = HEAD;
/// Where the epoch of a mailslot lies, that of a reliable one, and its limit.
pub const EPOCH: usize = HEAD + 8;
pub const RELIABLE_EPOCH: usize = HEAD + 12;
pub const LIMIT: usize = TAIL + 4;
/// Where the cursors of a reliable one begin, 128 bytes each, and the slots of the others.
pub const CURSORS: usize = 384;

/// The stamp of a complete slot.
pub fn complete(number: u64) -> u32 {
    (number as u32) << 1
}

/// Slots of so many payload bytes from `at` on: `newest` and what came before it are complete.
pub struct Slots {
    pub at: usize,
    pub count: u64,
    pub stride: usize,
}

impl Slots {
    pub fn new(at: usize, count: u32, bytes: usize, unit: usize) -> Self {
        Self {
            at,
            count: count.into(),
            stride: (8 + bytes.next_multiple_of(8)).next_multiple_of(unit),
        }
    }

    /// Where the slot of a number lies: its stamp, then its length, then the payload.
    pub fn slot(&self, number: u64) -> usize {
        self.at + (number % self.count) as usize * self.stride
    }

    pub fn fill(&self, room: &Room, newest: u64) {
        for back in 0..self.count {
            let number = newest.wrapping_sub(back) & u64::from(u32::MAX >> 1);
            room.set(self.slot(number), complete(number));
        }
    }
}

/// A notepad whose newest version is `version`, all zeros.
pub fn notepad<'m, T: Content + ?Sized>(
    room: &'m Room,
    trust: Trust,
    config: &notepad::Config,
    version: u32,
) -> (Notepad<'m, T>, Slots) {
    let pad = Notepad::<T>::init(room.region(trust), config).unwrap();
    let line = config.spacing.line_bytes();
    let slots = Slots::new(384, config.slots, pad.most_bytes() as usize, line);
    room.set(TAIL, 1 << 31 | version);
    // One word has no slots.
    if pad.slots() > 1 {
        slots.fill(room, version.into());
    }
    (pad, slots)
}

/// Says that `newest` is the newest message of a lossy one.
pub fn set_newest(room: &Room, slots: &Slots, newest: u64) {
    room.set(TAIL, newest as u32);
    room.set(EPOCH, (newest >> 29) as u32);
    slots.fill(room, newest);
}

/// A mailslot whose newest message is `newest`, all zeros.
pub fn mailslot<'m, T: Content + ?Sized>(
    room: &'m Room,
    trust: Trust,
    config: &mailslot::Config,
    newest: u64,
) -> (Mailslot<'m, T>, Slots) {
    let mail = Mailslot::<T>::init(room.region(trust), config).unwrap();
    let slots = Slots::new(384, config.capacity, mail.most_bytes() as usize, 8);
    set_newest(room, &slots, newest);
    (mail, slots)
}

/// A reliable mailslot whose newest message is `newest`, all zeros.
pub fn reliable<'m, T: Content + ?Sized>(
    room: &'m Room,
    trust: Trust,
    config: &reliable::Config,
    newest: u64,
) -> (reliable::Reliable<'m, T>, Slots) {
    let sure = reliable::Reliable::<T>::init(room.region(trust), config).unwrap();
    let at = CURSORS + 128 * config.subscribers as usize;
    let slots = Slots::new(at, config.capacity, sure.most_bytes() as usize, 8);
    room.set(TAIL, newest as u32);
    room.set(RELIABLE_EPOCH, (newest >> 29) as u32);
    slots.fill(room, newest);
    room.set(LIMIT, (newest as u32).wrapping_add(1));
    (sure, slots)
}
