//! Ends on cores without coherent caches.

#![forbid(unsafe_code)]

use super::{Consumer, Producer, Spsc};
use crate::channel::cursor;
use crate::channel::incoherent::{Incoherent, Named};
use crate::channel::seat::Claimant;
#[cfg(doc)]
use crate::error::Error;
use crate::error::Result;
use crate::memory::Pod;
use crate::memory::layout::Spacing;
use crate::memory::maintenance::{CacheMaintenance, Maintained};

impl<T: Pod> Named for Spsc<'_, T> {
    const ENDS: &'static [usize] = cursor::names(Spacing::Lines).ends;
}

impl<'m, T: Pod> Incoherent<'m> for Spsc<'m, T> {}

impl<'m, T: Pod> Spsc<'m, T> {
    /// The producer's end, on a core whose cache `by` maintains.
    ///
    /// # Errors
    ///
    /// [`Error::Mismatch`] for a ring whose ends can be claimed, as none can that [`Maintained::init`] made; [`Error::Corrupt`], [`Error::ReadOnly`].
    pub fn maintained_producer<M: CacheMaintenance>(
        &self,
        by: Maintained<M>,
    ) -> Result<Producer<'m, T, Maintained<M>>> {
        self.produce_as(Claimant::maintained(&by), by)
    }

    /// The consumer's end, on a core whose cache `by` maintains.
    ///
    /// # Errors
    ///
    /// As [`Spsc::maintained_producer`].
    pub fn maintained_consumer<M: CacheMaintenance>(
        &self,
        by: Maintained<M>,
    ) -> Result<Consumer<'m, T, Maintained<M>>> {
        self.consume_as(Claimant::maintained(&by), by)
    }
}
