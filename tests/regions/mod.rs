//! Regions for tests that know the wire: heap rooms, and mappings between guard pages.

// Each test file uses its own part of this.
#![allow(dead_code)]

#[cfg(any(target_os = "linux", windows))]
pub mod faults;
#[cfg(any(target_os = "linux", windows))]
pub mod guarded;
pub mod many;
#[cfg(any(target_os = "linux", windows))]
#[cfg_attr(windows, path = "pages_windows.rs")]
mod pages;
pub mod stamps;

use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use ringpad::{Channel, Kind, Life, Liveness, PeerId, Region, Spacing};

/// Each spacing that a channel may have.
pub const EACH_SPACING: [Spacing; 2] = [Spacing::Lines, Spacing::Compact];

/// Wire offsets of a ring; [`Room`] knows where these words lie in a compact one.
pub const TAIL: usize = 128;
pub const HEAD: usize = 256;
pub const PAYLOAD: usize = 512;

/// Whether the other party keeps to the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    Cooperative,
    Distrusted,
}

pub const EACH_TRUST: [Trust; 2] = [Trust::Cooperative, Trust::Distrusted];

/// Says that whoever holds a bare end is gone, as often as it is asked.
#[derive(Debug)]
pub struct Gone;

// SAFETY: the tests claim in its light only ends whose last holder they dropped or forgot.
unsafe impl Liveness for Gone {
    fn state(&self, peer: PeerId) -> Life {
        match peer {
            PeerId::BARE => Life::Dead,
            _ => Life::Unknown,
        }
    }
}

pub static GONE: Gone = Gone;

/// Zeroed bytes on the heap, on a line.
#[derive(Debug)]
pub struct Room {
    base: *mut u8,
    bytes: usize,
    layout: Layout,
    /// Of a compact channel: the bytes that lie before its payload in the usual spacing.
    compact: Option<usize>,
}

// SAFETY: the bytes are reached through the crate's protocol and by atomic words only.
unsafe impl Sync for Room {}

impl Room {
    pub fn new(bytes: usize) -> Self {
        let layout = Layout::from_size_align(bytes.max(4), 128).unwrap();
        // SAFETY: the layout has at least four bytes.
        let base = unsafe { alloc_zeroed(layout) };
        if base.is_null() {
            handle_alloc_error(layout);
        }
        Self {
            base,
            bytes: layout.size(),
            layout,
            compact: None,
        }
    }

    /// Room for one channel; of a compact one no better aligned than it must be.
    pub fn of<'m, C: Channel<'m>>(config: &C::Config) -> Self {
        let layout = C::layout(config).unwrap();
        if layout.align() == 128 {
            return Self::new(layout.size());
        }
        let mut room = Self::new(layout.size() + layout.align());
        (room.base, room.bytes) = (room.base.wrapping_add(layout.align()), layout.size());
        room.compact = Some(match C::KIND {
            Kind::Spsc | Kind::Bytes => PAYLOAD,
            _ => stamps::CURSORS,
        });
        room
    }

    pub fn len(&self) -> usize {
        self.bytes
    }

    /// Where the word lies whose offset is this one in the usual spacing.
    fn at(&self, offset: usize) -> usize {
        let Some(fixed) = self.compact.filter(|_| offset >= 128) else {
            return offset;
        };
        let line = |offset: usize| 80 + (offset - 128) / 128 * 16;
        match offset.checked_sub(fixed) {
            None => line(offset) + offset % 128,
            Some(past) => line(fixed) + past,
        }
    }

    /// A region over the room: one of several, as several processes have them.
    pub fn region(&self, trust: Trust) -> Region<'_> {
        let region = match trust {
            // SAFETY: allocated while it is borrowed, and reached by this crate and atomic words only.
            Trust::Cooperative => unsafe { Region::new(self.base, self.len()) },
            // SAFETY: as above.
            Trust::Distrusted => unsafe { Region::distrusted(self.base, self.len()) },
        };
        region.unwrap()
    }

    /// The word at a wire offset.
    pub fn word(&self, offset: usize) -> &AtomicU32 {
        let offset = self.at(offset);
        assert!(offset.is_multiple_of(4) && offset < self.len() / 4 * 4);
        // SAFETY: inside the room, by the line above.
        let word = unsafe { self.base.add(offset) };
        // SAFETY: four bytes there, aligned, shared by atomic words only, alive as long as the borrow.
        unsafe { AtomicU32::from_ptr(word.cast()) }
    }

    pub fn get(&self, offset: usize) -> u32 {
        self.word(offset).load(Relaxed)
    }

    pub fn set(&self, offset: usize, value: u32) {
        self.word(offset).store(value, Relaxed);
    }

    /// A new channel whose positions both stand at `position`.
    pub fn channel<'m, C: Channel<'m>>(
        &'m self,
        trust: Trust,
        config: &C::Config,
        position: u32,
    ) -> C {
        C::init(self.region(trust), config).unwrap();
        self.set(TAIL, position);
        self.set(HEAD, position);
        C::attach(self.region(trust)).unwrap()
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        let ahead = self.compact.map_or(0, |_| self.layout.size() - self.bytes);
        let base = self.base.wrapping_sub(ahead);
        // SAFETY: allocated with this layout in new(); regions borrow the room, so none is left.
        unsafe { dealloc(base, self.layout) };
    }
}
