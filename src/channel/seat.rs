//! A seat: a claimed end of a channel, the words of those who sleep at it and at the other side, the way to wake them.

#![forbid(unsafe_code)]

use crate::error::{Error, Result};
use crate::memory::liveness::{Liveness, Owner};
use crate::memory::region::RegionRef;
use crate::memory::sync::{Atomic, AtomicU32};
use crate::segment::claim::Claim;
use crate::segment::doorbell::{Bell, Waiters, Wake};
use crate::segment::join::Peer;

/// In whose name an end is claimed.
#[derive(Clone, Copy)]
pub(crate) enum Claimant<'p> {
    /// A peer of the channel's segment.
    Peer(&'p Peer<'p>),
    /// Whoever holds an end of a bare channel; the oracle may prove an earlier holder dead.
    Bare(&'p dyn Liveness),
    /// The only holder of an end on cores without coherent caches, who writes no claim.
    Alone,
}

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
    /// `None` only after the seat moved on.
    claim: Option<Claim<'p>>,
    mine: &'p AtomicU32,
    theirs: &'p AtomicU32,
    wake: W,
}

impl<'p, W: Wake> Seat<'p, W> {
    /// Claims an end of the channel that `region` holds.
    pub(crate) fn take(
        region: RegionRef<'p>,
        ends: Ends<'p>,
        who: Claimant<'p>,
        wake: W,
    ) -> Result<Self> {
        let claim = Self::claim(region, ends, who)?;
        Ok(Self::over(region, ends, claim, wake))
    }

    fn claim(
        region: RegionRef<'p>,
        ends: Ends<'p>,
        who: Claimant<'p>,
    ) -> Result<Option<Claim<'p>>> {
        let claim = match who {
            Claimant::Peer(peer) => Claim::by_peer(ends.claim, ends.other, region, peer),
            Claimant::Bare(oracle) => Claim::bare(ends.claim, ends.other, region, oracle),
            Claimant::Alone => {
                region.check_writable()?;
                return Ok(None);
            }
        };
        claim.map(Some)
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

    /// Claims the first of several ends that can be had. Answers which.
    pub(crate) fn take_any(
        region: RegionRef<'p>,
        ends: impl Iterator<Item = Ends<'p>>,
        who: Claimant<'p>,
        wake: W,
    ) -> Result<(usize, Self)> {
        let (mut wake, mut taken) = (Some(wake), 0);
        for (index, ends) in ends.enumerate() {
            match Self::claim(region, ends, who) {
                Ok(claim) => {
                    if let Some(wake) = wake.take() {
                        return Ok((index, Self::over(region, ends, claim, wake)));
                    }
                }
                Err(Error::EndpointTaken { .. }) => taken += 1,
                Err(error) => return Err(error),
            }
        }
        Err(Error::SubscribersFull { subscribers: taken })
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

    pub(crate) fn bell(&self) -> Bell<'p, W::Keep> {
        Bell::new(self.mine, self.home, self.wake.keep())
    }

    /// Refuses a peer of another segment.
    pub(crate) fn check_home(&self, peer: &Peer<'_>) -> Result<()> {
        if peer.home() == self.home {
            Ok(())
        } else {
            Err(Error::ForeignPeer)
        }
    }

    pub(crate) fn is_abandoned(&self) -> bool {
        self.claim.as_ref().is_some_and(Claim::other_is_gone)
    }

    pub(crate) fn other(&self) -> Option<crate::PeerId> {
        self.claim.as_ref().and_then(Claim::other_holder)
    }

    /// True if this owner is proven dead. May ask the system.
    pub(crate) fn is_dead(&self, owner: Owner) -> bool {
        self.claim
            .as_ref()
            .is_some_and(|claim| claim.is_dead(owner))
    }

    pub(crate) fn is_forked(&self) -> bool {
        self.claim.as_ref().is_none_or(Claim::is_forked)
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

impl<W: Wake> Drop for Seat<'_, W> {
    fn drop(&mut self) {
        if !self.is_forked() {
            self.claim = None;
            // Whoever sleeps at the other side learns that this end is abandoned.
            self.wake();
        }
    }
}
