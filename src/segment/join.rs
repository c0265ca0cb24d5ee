//! Joining a segment: the peer in whose name endpoints are claimed.

#![forbid(unsafe_code)]

use core::sync::atomic::{AtomicBool, Ordering};

use crate::error::{Error, Field, Result};
use crate::memory::liveness::{Liveness, Owner, PeerId};
use crate::segment::claim::Court;
use crate::segment::peers::Identity;
use crate::segment::superblock::Segment;

/// A joined participant: what endpoints are claimed in the name of.
///
/// Endpoints borrow their peer, so it outlives them. Dropping it leaves the segment.
/// Asking whether another peer lives goes to the oracle it joined with.
pub struct Peer<'m> {
    segment: Segment<'m>,
    id: PeerId,
    generation: u32,
    oracle: &'m dyn Liveness,
    /// The one waiter is out.
    waiting: AtomicBool,
}

impl core::fmt::Debug for Peer<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let mut out = f.debug_struct("Peer");
        out.field("id", &self.id)
            .field("generation", &self.generation);
        out.finish_non_exhaustive()
    }
}

impl<'m> Peer<'m> {
    pub(crate) fn join_any(
        segment: Segment<'m>,
        identity: &Identity,
        oracle: &'m dyn Liveness,
    ) -> Result<Self> {
        segment.check_joinable()?;
        if segment.rows_are_locked() {
            // Without the row's lock this peer would look dead to the others.
            return Err(Error::Mismatch {
                field: Field::RowLocks,
                want: 0,
                found: 1,
            });
        }
        let (id, generation) = segment.table().occupy_any(identity)?;
        Ok(Self::of(segment, id, generation, oracle))
    }

    /// Joins in the row whose OS lock the caller holds. True if somebody died in it, who is still to be reaped.
    #[cfg_attr(any(not(feature = "std"), ringpad_loom), allow(dead_code))]
    pub(crate) fn join_locked(
        segment: Segment<'m>,
        id: PeerId,
        identity: &Identity,
        oracle: &'m dyn Liveness,
    ) -> Result<(Self, bool)> {
        segment.check_joinable()?;
        let (generation, dead) = segment.table().occupy(id, identity)?;
        Ok((Self::of(segment, id, generation, oracle), dead))
    }

    fn of(segment: Segment<'m>, id: PeerId, generation: u32, oracle: &'m dyn Liveness) -> Self {
        Self {
            segment,
            id,
            generation,
            oracle,
            waiting: AtomicBool::new(false),
        }
    }

    /// The peer's number: its row.
    pub fn id(&self) -> PeerId {
        self.id
    }

    /// The segment it joined.
    pub fn segment(&self) -> &Segment<'m> {
        &self.segment
    }

    pub(crate) fn home(&self) -> usize {
        self.segment.home()
    }

    pub(crate) fn owner(&self) -> Owner {
        Owner::of(self.id, self.generation)
    }

    #[cfg_attr(any(not(feature = "std"), ringpad_loom), allow(dead_code))]
    pub(crate) fn generation(&self) -> u32 {
        self.generation
    }

    pub(crate) fn court(&self) -> Court<'_> {
        Court {
            table: Some(self.segment.table()),
            oracle: self.oracle,
        }
    }

    /// Takes the right to sleep; false if it is out.
    pub(crate) fn take_waiter(&self) -> bool {
        !self.waiting.swap(true, Ordering::Acquire)
    }

    pub(crate) fn return_waiter(&self) {
        self.waiting.store(false, Ordering::Release);
    }
}

impl Drop for Peer<'_> {
    fn drop(&mut self) {
        if !self.segment.is_forked() {
            self.segment.table().leave(self.id, self.generation);
        }
    }
}
