//! Ends on cores without coherent caches.

#![forbid(unsafe_code)]

use super::{Notepad, Reader, Writer, names};
use crate::channel::incoherent::{Incoherent, Named};
use crate::channel::seat::Claimant;
use crate::channel::stamp::Content;
#[cfg(doc)]
use crate::error::Error;
use crate::error::Result;
use crate::memory::layout::Spacing;
use crate::memory::maintenance::{CacheMaintenance, Maintained};

impl<T: Content + ?Sized> Named for Notepad<'_, T> {
    const ENDS: &'static [usize] = names(Spacing::Lines).ends;
}

impl<'m, T: Content + ?Sized> Incoherent<'m> for Notepad<'m, T> {}

impl<'m, T: Content + ?Sized> Notepad<'m, T> {
    /// The end that writes, on a core whose cache `by` maintains.
    ///
    /// # Errors
    ///
    /// [`Error::Mismatch`] for a notepad whose ends can be claimed, as none can that [`Maintained::init`] made; [`Error::ReadOnly`].
    pub fn maintained_writer<M: CacheMaintenance>(
        &self,
        by: Maintained<M>,
    ) -> Result<Writer<'m, T, Maintained<M>>> {
        self.write_as(Claimant::maintained(&by), by)
    }

    /// A reader, on a core whose cache `by` maintains.
    pub fn maintained_reader<M: CacheMaintenance>(
        &self,
        by: Maintained<M>,
    ) -> Reader<'m, T, Maintained<M>> {
        self.reader_with(by)
    }
}
