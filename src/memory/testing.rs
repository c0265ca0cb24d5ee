//! What unit tests stand on: aligned rooms, regions of each trust over them, words by wire offset.

use core::sync::atomic::Ordering::Relaxed;
use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};

use super::layout::{CACHE_LINE, Spacing};
use super::liveness::{Evicted, Life, Liveness, PeerId};
use super::region::{Region, RegionRef};
use crate::{Channel, Kind};

/// Whether a region's other parties keep to the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trust {
    Cooperative,
    Distrusted,
}

/// Each trust that a test runs under.
pub(crate) const EACH_TRUST: [Trust; 2] = [Trust::Cooperative, Trust::Distrusted];

/// Each trust with each spacing.
pub(crate) const EACH: [(Trust, Spacing); 4] = [
    (Trust::Cooperative, Spacing::Lines),
    (Trust::Distrusted, Spacing::Lines),
    (Trust::Cooperative, Spacing::Compact),
    (Trust::Distrusted, Spacing::Compact),
];

/// Zeroed, line-aligned bytes on the heap.
#[derive(Debug)]
pub(crate) struct Room {
    base: *mut u8,
    bytes: usize,
    layout: Layout,
    /// Of a compact channel: the bytes that lie before its payload in the usual spacing.
    compact: Option<usize>,
}

impl Room {
    pub(crate) fn new(bytes: usize) -> Self {
        let layout = Layout::from_size_align(bytes.max(1), CACHE_LINE).unwrap();
        // SAFETY: the layout has at least one byte.
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

    /// Room for one channel of this configuration; of a compact one no better aligned than it must be.
    pub(crate) fn of<'m, C: Channel<'m>>(config: &C::Config) -> Self {
        let layout = C::layout(config).unwrap();
        if layout.align() == CACHE_LINE {
            return Self::new(layout.size());
        }
        let mut room = Self::new(layout.size() + layout.align());
        (room.base, room.bytes) = (room.base.wrapping_add(layout.align()), layout.size());
        room.compact = Some(match C::KIND {
            Kind::Spsc | Kind::Bytes => 512,
            _ => 384,
        });
        room
    }

    pub(crate) fn len(&self) -> usize {
        self.bytes
    }

    pub(crate) fn spacing(&self) -> Spacing {
        self.compact.map_or(Spacing::Lines, |_| Spacing::Compact)
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

    /// A token over the whole room; a test may have several, as several processes would.
    pub(crate) fn region(&self, trust: Trust) -> Region<'_> {
        self.first(self.len(), trust)
    }

    /// A token over the first `bytes` bytes.
    pub(crate) fn first(&self, bytes: usize, trust: Trust) -> Region<'_> {
        assert!(bytes <= self.len());
        let region = match trust {
            // SAFETY: the room is allocated for as long as it is borrowed, and nothing but this crate touches it.
            Trust::Cooperative => unsafe { Region::new(self.base, bytes) },
            // SAFETY: as above.
            Trust::Distrusted => unsafe { Region::distrusted(self.base, bytes) },
        };
        region.unwrap()
    }

    pub(crate) fn read_only(&self) -> Region<'_> {
        // SAFETY: as in first().
        unsafe { Region::read_only(self.base, self.len()) }.unwrap()
    }

    /// What handles keep of a cooperative region over the room.
    pub(crate) fn view(&self) -> RegionRef<'_> {
        self.region(Trust::Cooperative).into_ref()
    }

    /// The word at a wire offset.
    pub(crate) fn word(&self, offset: usize) -> u32 {
        self.view().raw(self.at(offset)).unwrap().load(Relaxed)
    }

    /// Overwrites the word at a wire offset, as a bug or an enemy would.
    pub(crate) fn set(&self, offset: usize, value: u32) {
        let at = self.at(offset);
        self.view().raw(at).unwrap().store(value, Relaxed);
    }

    /// Zeroes the room.
    pub(crate) fn wipe(&self) {
        self.view().zero();
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        let ahead = self.compact.map_or(0, |_| self.layout.size() - self.bytes);
        let base = self.base.wrapping_sub(ahead);
        // SAFETY: allocated with this layout in new(), and no region outlives the room.
        unsafe { dealloc(base, self.layout) };
    }
}

/// Proof that one owner is dead, as often as it is asked: of ends that the test forgot.
pub(crate) struct Gone(pub(crate) PeerId);

// SAFETY: whoever has one has forgotten every end that this owner held, on this very thread.
unsafe impl Liveness for Gone {
    fn state(&self, peer: PeerId) -> Life {
        if peer == self.0 {
            Life::Dead
        } else {
            Life::Unknown
        }
    }
}

/// The word of a reset, of an owner whose ends the test forgot.
pub(crate) const fn evicted(owner: PeerId) -> Evicted {
    // SAFETY: as of Gone.
    unsafe { Evicted::new(owner) }
}

/// An oracle of one answer.
pub(crate) struct Says(pub(crate) Life);

// SAFETY: the tests that have it say `Dead` take nothing over.
unsafe impl Liveness for Says {
    fn state(&self, _: PeerId) -> Life {
        self.0
    }
}

/// An element that wants more than a line.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(256))]
pub(crate) struct TooAligned([u8; 256]);

// SAFETY: 256 bytes aligned to 256: no padding, and bytes are plain.
unsafe impl bytemuck::NoUninit for TooAligned {}
// SAFETY: zero is a value of bytes.
unsafe impl bytemuck::Zeroable for TooAligned {}
// SAFETY: any bit pattern is a value of bytes.
unsafe impl bytemuck::AnyBitPattern for TooAligned {}

/// An element that wants half a line.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
pub(crate) struct Line64([u8; 64]);

// SAFETY: 64 bytes aligned to 64: no padding, and bytes are plain.
unsafe impl bytemuck::NoUninit for Line64 {}
// SAFETY: zero is a value of bytes.
unsafe impl bytemuck::Zeroable for Line64 {}
// SAFETY: any bit pattern is a value of bytes.
unsafe impl bytemuck::AnyBitPattern for Line64 {}

/// Knows of every row in its bitmap that its peer is dead.
#[derive(Debug, Default)]
pub(crate) struct Graves(core::sync::atomic::AtomicU32);

impl Graves {
    /// From now on this peer, whose ends the test has forgotten, is dead.
    pub(crate) fn bury(&self, peer: PeerId) {
        self.0.fetch_or(peer.bit(), Relaxed);
    }
}

// SAFETY: tests bury peers whose ends they have forgotten, on this very thread.
unsafe impl Liveness for Graves {
    fn state(&self, peer: PeerId) -> Life {
        match self.0.load(Relaxed) & peer.bit() {
            0 => Life::Alive,
            _ => Life::Dead,
        }
    }
}
