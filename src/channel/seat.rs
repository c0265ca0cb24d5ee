//! A seat: an end of a channel, the words of those who sleep at it and at the other side, the way to wake them. Most ends are claimed;
//! static ones are given for good.

#![forbid(unsafe_code)]

#[cfg(target_has_atomic = "32")]
mod claimed;
#[cfg(not(target_has_atomic = "32"))]
#[path = "seat/unclaimed.rs"]
mod claimed;

use self::claimed::Claim;
pub(crate) use self::claimed::Claimant;
use crate::error::{Error, Field, Result};
use crate::memory::liveness::Owner;
use crate::memory::order::RELAXED;
use crate::memory::region::RegionRef;
use crate::memory::sync::{Atomic, AtomicU32};
use crate::segment::wake::{Waiters, Wake};

/// The words of one end. Where nobody can claim the other side, `other` is the end's own claim.
#[derive(Clone, Copy)]
pub(crate) struct Ends<'p> {
    pub(crate) claim: &'p Atomic<Owner>,
    pub(crate) other: &'p Atomic<Owner>,
    /// Who sleeps at this end.
    pub(crate) mine: &'p AtomicU32,
    /// Who sleeps at the other side.
    pub(crate) theirs: &'p AtomicU32,
}

/// What an end holds: the claim, the words of sleepers, the way to wake them.
#[derive(Debug)]
pub(crate) struct Seat<'p, W: Wake> {
    home: usize,
    /// `None` of a static end, and after the seat moved on.
    claim: Option<Claim<'p>>,
    mine: &'p AtomicU32,
    theirs: &'p AtomicU32,
    wake: W,
}

impl<'p, W: Wake> Seat<'p, W> {
    /// Takes an end of the channel that `region` holds.
    pub(crate) fn take(
        region: RegionRef<'p>,
        ends: Ends<'p>,
        who: Claimant<'p>,
        wake: W,
    ) -> Result<Self> {
        let claim = who.claim(region, ends)?;
        Ok(Self::over(region, ends, claim, wake))
    }

    fn over(region: RegionRef<'p>, ends: Ends<'p>, claim: Option<Claim<'p>>, wake: W) -> Self {
        Self {
            home: region.home(),
            claim,
            mine: ends.mine,
            theirs: ends.theirs,
            wake,
        }
    }

    /// Wakes whoever sleeps at the other side.
    #[inline(always)]
    pub(crate) fn wake(&mut self) {
        self.wake.wake(Waiters(self.theirs));
    }

    /// What this end does beside its loads and stores.
    #[inline(always)]
    pub(crate) fn upkeep(&self) -> &W {
        &self.wake
    }

    /// The same claim with another way to wake; this seat is then empty, and its drop does nothing.
    pub(crate) fn rewired<V: Wake>(&mut self, wake: impl FnOnce(&W) -> V) -> Seat<'p, V> {
        Seat {
            home: self.home,
            claim: self.claim.take(),
            mine: self.mine,
            theirs: self.theirs,
            wake: wake(&self.wake),
        }
    }
}

/// Requires that an end was given for good: then nobody ever claims it.
fn check_static(region: RegionRef<'_>, claim: &Atomic<Owner>) -> Result<()> {
    region.check_writable()?;
    region.check_not_forked()?;
    let found = claim.load(RELAXED);
    if region.home() == 0 && found == Owner::STATIC {
        return Ok(());
    }
    Err(Error::Mismatch {
        field: Field::Claim,
        want: Owner::STATIC.peer.into(),
        found: found.peer.into(),
    })
}
