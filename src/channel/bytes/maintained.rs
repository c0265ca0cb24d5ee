//! Ends on cores without coherent caches.

#![forbid(unsafe_code)]

use super::{Bytes, Consumer, Producer};
use crate::channel::cursor;
use crate::channel::incoherent::{Incoherent, Named};
use crate::channel::seat::Claimant;
#[cfg(doc)]
use crate::error::Error;
use crate::error::Result;
use crate::memory::layout::Spacing;
use crate::memory::maintenance::{CacheMaintenance, Maintained};

impl Named for Bytes<'_> {
    const ENDS: &'static [usize] = cursor::names(Spacing::Lines).ends;
}

impl<'m> Incoherent<'m> for Bytes<'m> {}

impl<'m> Bytes<'m> {
    /// The producer's end, on a core whose cache `by` maintains.
    ///
    /// # Errors
    ///
    /// [`Error::Mismatch`] for a ring whose ends can be claimed, as none can that [`Maintained::init`] made; [`Error::Corrupt`], [`Error::ReadOnly`].
    pub fn maintained_producer<M: CacheMaintenance>(
        &self,
        by: Maintained<M>,
    ) -> Result<Producer<'m, Maintained<M>>> {
        self.produce_as(Claimant::maintained(&by), by)
    }

    /// The consumer's end, on a core whose cache `by` maintains.
    ///
    /// # Errors
    ///
    /// As [`Bytes::maintained_producer`].
    pub fn maintained_consumer<M: CacheMaintenance>(
        &self,
        by: Maintained<M>,
    ) -> Result<Consumer<'m, Maintained<M>>> {
        self.consume_as(Claimant::maintained(&by), by)
    }
}
