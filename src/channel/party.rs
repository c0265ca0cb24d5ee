//! A party: whoever works at a channel that many may use at once. It claims no end; what it takes names it.

#![forbid(unsafe_code)]

use crate::channel::seat::Claimant;
use crate::error::{Error, Result};
use crate::memory::liveness::Owner;
use crate::memory::region::RegionRef;
use crate::memory::sync::AtomicU32;
use crate::segment::claim::Court;
use crate::segment::doorbell::{Bell, Waiters, Wake};
use crate::segment::join::Peer;
use crate::segment::reaped::Reaped;

/// In whose name a party works, and who knows whether the others live.
#[derive(Clone, Copy)]
pub(crate) struct Name<'p> {
    pub(crate) me: Owner,
    pub(crate) court: Court<'p>,
}

impl core::fmt::Debug for Name<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.me.fmt(f)
    }
}

impl<'p> Name<'p> {
    /// That of a peer of the segment which `region` belongs to; or the one that all parties of a bare channel share.
    pub(crate) fn of(who: Claimant<'p>, region: RegionRef<'_>) -> Result<Self> {
        match who {
            Claimant::Peer(peer) if peer.home() == region.home() => {
                Self::checked(region, peer.owner(), peer.court())
            }
            Claimant::Bare(oracle) if region.home() == 0 => {
                let table = None;
                Self::checked(region, Owner::BARE, Court { table, oracle })
            }
            _ => Err(Error::ForeignPeer),
        }
    }

    /// Adds to the segment's counts what this party gave back for a dead one in its way.
    pub(crate) fn count(&self, reaped: &Reaped) {
        if let Some(table) = &self.court.table {
            table.count(reaped);
        }
    }

    fn checked(region: RegionRef<'_>, me: Owner, court: Court<'p>) -> Result<Self> {
        region.check_writable()?;
        region.check_not_forked()?;
        Ok(Self { me, court })
    }
}

/// A name, the words of those who sleep at this side and at the other, the way to wake them.
#[derive(Clone, Debug)]
pub(crate) struct Party<'p, W: Wake> {
    pub(crate) name: Name<'p>,
    region: RegionRef<'p>,
    mine: &'p AtomicU32,
    theirs: &'p AtomicU32,
    wake: W,
}

impl<'p, W: Wake> Party<'p, W> {
    pub(crate) fn new(
        name: Name<'p>,
        region: RegionRef<'p>,
        mine: &'p AtomicU32,
        theirs: &'p AtomicU32,
        wake: W,
    ) -> Self {
        Self {
            name,
            region,
            mine,
            theirs,
            wake,
        }
    }

    pub(crate) fn region(&self) -> RegionRef<'p> {
        self.region
    }

    /// Wakes whoever sleeps at the other side.
    #[inline(always)]
    pub(crate) fn wake(&mut self) {
        self.wake.wake(Waiters(self.theirs));
    }

    /// Wakes whoever sleeps at this side: there is something for another of it.
    #[cfg(target_has_atomic = "64")]
    pub(crate) fn wake_mine(&mut self) {
        self.wake.wake(Waiters(self.mine));
    }

    pub(crate) fn bell(&self) -> Bell<'p, W::Keep> {
        Bell::new(self.mine, self.region.home(), self.wake.keep())
    }

    /// Refuses a peer of another segment.
    pub(crate) fn check_home(&self, peer: &Peer<'_>) -> Result<()> {
        if peer.home() == self.region.home() {
            Ok(())
        } else {
            Err(Error::ForeignPeer)
        }
    }

    /// The same party with another way to wake.
    pub(crate) fn rewired<V: Wake>(&self, wake: impl FnOnce(&W) -> V) -> Party<'p, V> {
        Party {
            name: self.name,
            region: self.region,
            mine: self.mine,
            theirs: self.theirs,
            wake: wake(&self.wake),
        }
    }
}
