//! Channels between cores without coherent caches: which kinds, how they are made and attached to, and their ends.

#![forbid(unsafe_code)]

use crate::channel::bytes::{self, Bytes};
use crate::channel::cursor;
use crate::channel::mailslot::{self, Mailslot, Publisher, Start, Subscriber};
use crate::channel::notepad::{self, Notepad, Reader, Writer};
use crate::channel::seat::Claimant;
use crate::channel::spsc::{self, Spsc};
use crate::channel::stamp::Content;
#[cfg(doc)]
use crate::error::Error;
use crate::error::Result;
use crate::memory::Pod;
use crate::memory::layout::CACHE_LINE;
use crate::memory::liveness::Owner;
use crate::memory::maintenance::{CacheMaintenance, Maintained, Upkeep};
use crate::memory::order::RELAXED;
use crate::memory::region::{Region, RegionRef};
use crate::memory::sync::Atomic;
use crate::segment::kind::Channel;

/// A kind that works by loads and stores alone, each line with one writer: what cores without coherent caches can share.
///
/// The others claim, count or pass on by compare-and-swap, which each core would do in its own cache.
#[diagnostic::on_unimplemented(
    message = "`{Self}` needs compare-and-swap, which does not reach through caches that do not know of each other",
    note = "rings of one producer and one consumer, notepads and lossy mailslots work by loads and stores alone"
)]
pub trait Incoherent<'m>: Channel<'m> + sealed::Named {}

mod sealed {
    /// Where its claims lie.
    pub trait Named {
        #[doc(hidden)]
        const ENDS: &'static [usize];
    }
}

impl<T: Pod> sealed::Named for Spsc<'_, T> {
    const ENDS: &'static [usize] = cursor::NAMES.ends;
}
impl<'m, T: Pod> Incoherent<'m> for Spsc<'m, T> {}

impl sealed::Named for Bytes<'_> {
    const ENDS: &'static [usize] = cursor::NAMES.ends;
}
impl<'m> Incoherent<'m> for Bytes<'m> {}

impl<T: Content + ?Sized> sealed::Named for Notepad<'_, T> {
    const ENDS: &'static [usize] = notepad::NAMES.ends;
}
impl<'m, T: Content + ?Sized> Incoherent<'m> for Notepad<'m, T> {}

impl<T: Content + ?Sized> sealed::Named for Mailslot<'_, T> {
    const ENDS: &'static [usize] = mailslot::NAMES.ends;
}
impl<'m, T: Content + ?Sized> Incoherent<'m> for Mailslot<'m, T> {}

/// Has nobody claim an end of a channel ever.
fn give_away(region: RegionRef<'_>, ends: &[usize]) -> Result<()> {
    for claim in ends {
        let claim: &Atomic<Owner> = region.typed(*claim)?;
        claim.store(Owner::STATIC, RELAXED);
    }
    Ok(())
}

impl<M: CacheMaintenance> Maintained<M> {
    /// Makes a new channel over the region and writes all of it back. Its ends are static: nobody ever claims one.
    ///
    /// # Errors
    ///
    /// As [`Channel::init`].
    pub fn init<'m, C: Incoherent<'m>>(&self, region: Region<'m>, config: &C::Config) -> Result<C> {
        let region = region.into_ref();
        let geometry = C::geometry(config)?;
        C::init_ref(region, &geometry)?;
        give_away(region, C::ENDS)?;
        self.clean(region.part(0, geometry.layout()?.size())?.extent());
        C::attach_ref(region)
    }

    /// Attaches to the channel that another core made with [`Maintained::init`], and drops what this one's cache holds of the region first.
    ///
    /// # Errors
    ///
    /// As [`Channel::attach`].
    pub fn attach<'m, C: Incoherent<'m>>(&self, region: Region<'m>) -> Result<C> {
        let region = region.into_ref();
        // Behind the last whole line lies nothing of the channel, perhaps something of others.
        let whole = region.len() / CACHE_LINE * CACHE_LINE;
        self.invalidate(region.part(0, whole)?.extent());
        C::attach_ref(region)
    }
}

impl<'m, T: Pod> Spsc<'m, T> {
    /// The producer's end, on a core whose cache `by` maintains.
    ///
    /// # Errors
    ///
    /// [`Error::Mismatch`] for a ring not made with [`Maintained::init`]; [`Error::Corrupt`], [`Error::ReadOnly`].
    pub fn maintained_producer<M: CacheMaintenance>(
        &self,
        by: Maintained<M>,
    ) -> Result<spsc::Producer<'m, T, Maintained<M>>> {
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
    ) -> Result<spsc::Consumer<'m, T, Maintained<M>>> {
        self.consume_as(Claimant::maintained(&by), by)
    }
}

impl<'m> Bytes<'m> {
    /// The producer's end, on a core whose cache `by` maintains.
    ///
    /// # Errors
    ///
    /// [`Error::Mismatch`] for a ring not made with [`Maintained::init`]; [`Error::Corrupt`], [`Error::ReadOnly`].
    pub fn maintained_producer<M: CacheMaintenance>(
        &self,
        by: Maintained<M>,
    ) -> Result<bytes::Producer<'m, Maintained<M>>> {
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
    ) -> Result<bytes::Consumer<'m, Maintained<M>>> {
        self.consume_as(Claimant::maintained(&by), by)
    }
}

impl<'m, T: Content + ?Sized> Notepad<'m, T> {
    /// The end that writes, on a core whose cache `by` maintains.
    ///
    /// # Errors
    ///
    /// [`Error::Mismatch`] for a notepad not made with [`Maintained::init`]; [`Error::ReadOnly`].
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

impl<'m, T: Content + ?Sized> Mailslot<'m, T> {
    /// The end that publishes, on a core whose cache `by` maintains.
    ///
    /// # Errors
    ///
    /// [`Error::Mismatch`] for a mailslot not made with [`Maintained::init`]; [`Error::ReadOnly`].
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
