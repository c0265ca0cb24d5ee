//! Channels between cores without coherent caches: which kinds, and how they are made and attached to.

#![forbid(unsafe_code)]

use crate::error::{Error, Field, Result};
use crate::memory::layout::CACHE_LINE;
use crate::memory::liveness::Owner;
use crate::memory::maintenance::{CacheMaintenance, Maintained, Upkeep};
use crate::memory::order::RELAXED;
use crate::memory::region::{Region, RegionRef};
use crate::memory::sync::Atomic;
use crate::segment::header::{Geometry, Header};
use crate::segment::kind::Channel;

/// A kind that works by loads and stores alone, each line with one writer: what cores without coherent caches can share.
///
/// The others claim, count or pass on by compare-and-swap, which each core would do in its own cache.
#[diagnostic::on_unimplemented(
    message = "`{Self}` needs compare-and-swap, which does not reach through caches that do not know of each other",
    note = "rings of one producer and one consumer, notepads and lossy mailslots work by loads and stores alone"
)]
pub trait Incoherent<'m>: Channel<'m> + sealed::Named {}

pub(crate) use sealed::Named;

mod sealed {
    /// Where its claims lie.
    pub trait Named {
        #[doc(hidden)]
        const ENDS: &'static [usize];
    }
}

/// Has nobody claim an end of a channel ever.
fn give_away(region: RegionRef<'_>, ends: &[usize]) -> Result<()> {
    for claim in ends {
        let claim: &Atomic<Owner> = region.typed(*claim)?;
        claim.store(Owner::STATIC, RELAXED);
    }
    Ok(())
}

/// Requires that the region begins on a line: what is dropped must not reach beyond it.
fn check_base(region: RegionRef<'_>) -> Result<()> {
    match region.past(0, CACHE_LINE) {
        0 => Ok(()),
        found => Err(Error::Misaligned {
            want: CACHE_LINE,
            found,
        }),
    }
}

/// Requires that each line has one writer.
fn check_lines(region: RegionRef<'_>, geometry: &Geometry) -> Result<()> {
    let found = geometry.spacing.line_bytes() as u64;
    Geometry::expect(Field::LineBytes, CACHE_LINE as u64, found)?;
    check_base(region)
}

impl<M: CacheMaintenance> Maintained<M> {
    /// Makes a new channel over the region and writes all of it back. Its ends are static: nobody ever claims one.
    ///
    /// # Errors
    ///
    /// As [`Channel::init`]; [`Error::Mismatch`] for a compact channel, whose lines have several writers.
    pub fn init<'m, C: Incoherent<'m>>(&self, region: Region<'m>, config: &C::Config) -> Result<C> {
        let region = region.into_ref();
        let geometry = C::geometry(config)?;
        check_lines(region, &geometry)?;
        C::init_ref(region, &geometry)?;
        give_away(region, C::ENDS)?;
        self.clean(region.part(0, geometry.layout()?.size())?.extent());
        C::attach_ref(region)
    }

    /// Attaches to the channel that another core made with [`Maintained::init`], and drops what this one's cache holds of the region first.
    ///
    /// # Errors
    ///
    /// As [`Channel::attach`]; [`Error::Mismatch`] for a compact channel, [`Error::Misaligned`].
    pub fn attach<'m, C: Incoherent<'m>>(&self, region: Region<'m>) -> Result<C> {
        let region = region.into_ref();
        check_base(region)?;
        // Behind the last whole line lies nothing of the channel, perhaps something of others.
        let whole = region.len() / CACHE_LINE * CACHE_LINE;
        self.invalidate(region.part(0, whole)?.extent());
        check_lines(region, &Header::at(region)?.attach(C::KIND)?)?;
        C::attach_ref(region)
    }
}
