//! Ends on cores without coherent caches.

#![forbid(unsafe_code)]

use super::{Mailslot, Publisher, Start, Subscriber, names};
use crate::channel::incoherent::{Incoherent, Named};
use crate::channel::seat::Claimant;
use crate::channel::stamp::Content;
#[cfg(doc)]
use crate::error::Error;
use crate::error::Result;
use crate::memory::layout::Spacing;
use crate::memory::maintenance::{CacheMaintenance, Maintained};

impl<T: Content + ?Sized> Named for Mailslot<'_, T> {
    const ENDS: &'static [usize] = names(Spacing::Lines).ends;
}

impl<'m, T: Content + ?Sized> Incoherent<'m> for Mailslot<'m, T> {}

impl<'m, T: Content + ?Sized> Mailslot<'m, T> {
    /// The end that publishes, on a core whose cache `by` maintains.
    ///
    /// # Errors
    ///
    /// [`Error::Mismatch`] for a mailslot whose ends can be claimed, as none can that [`Maintained::init`] made; [`Error::ReadOnly`].
    pub fn maintained_publisher<M: CacheMaintenance>(
        &self,
        by: Maintained<M>,
    ) -> Result<Publisher<'m, T, Maintained<M>>> {
        self.publish_as(Claimant::maintained(&by), by)
    }

    /// A subscriber, on a core whose cache `by` maintains.
    pub fn maintained_subscriber<M: CacheMaintenance>(
        &self,
        start: Start,
        by: Maintained<M>,
    ) -> Subscriber<'m, T, Maintained<M>> {
        self.subscriber_with(start, by)
    }
}
