//! Ends on machines that only load and store: nobody claims one, all are given for good by whoever makes the channel.

#![forbid(unsafe_code)]

use core::marker::PhantomData;

use super::{Ends, check_static};
use crate::error::{Error, Result};
use crate::memory::liveness::{Owner, PeerId, Sole};
use crate::memory::maintenance::Maintained;
use crate::memory::region::RegionRef;
use crate::memory::sync::Atomic;

/// Never held.
pub(super) type Claim<'p> = PhantomData<&'p ()>;

/// Whoever was given an end for good.
#[derive(Clone, Copy)]
pub(crate) struct Claimant<'p>(PhantomData<&'p ()>);

impl<'p> Claimant<'p> {
    /// Whoever splits a channel: only its maker's handle has the ends, and it is spent.
    pub(crate) fn splitting(region: RegionRef<'p>) -> Result<Self> {
        if !region.is_made_here() {
            let by = PeerId::STATIC;
            return Err(Error::EndpointTaken { by });
        }
        Ok(Self(PhantomData))
    }

    /// As [`Claimant::splitting`]: the claims of a new channel say so already.
    pub(crate) fn of_all(region: RegionRef<'p>, _: &[&Atomic<Owner>]) -> Result<Self> {
        Self::splitting(region)
    }

    /// Whoever promised it of the way that an end maintains its cache.
    pub(crate) fn maintained<M>(_: &Maintained<M>) -> Self {
        Self(PhantomData)
    }

    /// Whoever was promised one static end.
    pub(crate) fn sole(_: Sole) -> Self {
        Self(PhantomData)
    }

    pub(super) fn claim(self, region: RegionRef<'p>, ends: Ends<'p>) -> Result<Option<Claim<'p>>> {
        check_static(region, ends.claim).map(|()| None)
    }
}
