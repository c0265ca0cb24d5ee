//! What models reach of the crate's private parts: bare words of the facade, and words of a region
//! that no public call sets.

use crate::error::Result;
use crate::memory::layout::Line;
use crate::memory::liveness::{Liveness, PeerId};
use crate::memory::order::{ARM, RELAXED, RING};
use crate::memory::region::Region;
use crate::memory::sync::{AtomicU32, fence};
use crate::segment::doorbell::ARMED;
use crate::segment::header::HeaderLine;
use crate::segment::join::Peer;
use crate::segment::peers::Identity;
use crate::segment::superblock::Segment;

/// A word of the facade by itself; every access is relaxed.
#[derive(Debug)]
pub struct Word(AtomicU32);

impl Word {
    /// A word that holds 0.
    pub fn new() -> Self {
        // SAFETY: zeroed bytes are a word that the checker has not made yet.
        unsafe { core::mem::zeroed() }
    }

    /// Loads it.
    pub fn load(&self) -> u32 {
        self.0.load(RELAXED)
    }

    /// Stores into it.
    pub fn store(&self, value: u32) {
        self.0.store(value, RELAXED);
    }

    /// Compare-and-swap.
    pub fn replace(&self, old: u32, new: u32) -> bool {
        self.0.replace(old, new, RELAXED).is_ok()
    }
}

impl Default for Word {
    fn default() -> Self {
        Self::new()
    }
}

/// The sleeper's fence, ARM.
pub fn fence_arm() {
    fence(ARM);
}

/// The producer's fence, RING.
pub fn fence_ring() {
    fence(RING);
}

/// Moves both positions of a ring that nobody uses yet.
///
/// # Errors
///
/// [`Error::TooSmall`](crate::Error::TooSmall) if the region holds no ring.
pub fn start_at(ring: Region<'_>, position: u32) -> Result<()> {
    let ring = ring.into_ref();
    let (tail, line) = (size_of::<HeaderLine>(), size_of::<Line<AtomicU32>>());
    ring.word(tail)?.store(position, RELAXED);
    ring.word(tail + line)?.store(position, RELAXED);
    Ok(())
}

/// Joins in a row whose lock the caller holds, as the os layer does.
///
/// # Errors
///
/// As [`Segment::join`].
pub fn join_locked<'m>(
    segment: &Segment<'m>,
    row: PeerId,
    identity: &Identity,
    oracle: &'m dyn Liveness,
) -> Result<Peer<'m>> {
    Peer::join_locked(*segment, row, identity, oracle)
}

/// What a producer must not do: takes a sleeper's flag away before it is woken.
///
/// # Errors
///
/// [`Error::TooSmall`](crate::Error::TooSmall) if the table has no such row.
pub fn clear_armed(segment: &Segment<'_>, sleeper: PeerId) -> Result<()> {
    segment.table().arm(sleeper)?.clear_bits(ARMED, RELAXED);
    Ok(())
}

/// What a joiner must not do: lets a row's epochs begin again.
///
/// # Errors
///
/// [`Error::TooSmall`](crate::Error::TooSmall) if the table has no such row.
pub fn restart_epochs(segment: &Segment<'_>, row: PeerId) -> Result<()> {
    segment.table().arm(row)?.store(0, RELAXED);
    Ok(())
}
