//! Ends that are claimed, on machines with compare-and-swap.

#![forbid(unsafe_code)]

use core::marker::PhantomData;

use super::{Ends, Seat, check_static};
use crate::error::{Error, Result};
use crate::memory::liveness::{Liveness, NoProof, Owner, PeerId, Sole};
use crate::memory::maintenance::Maintained;
use crate::memory::order::UNCLAIM;
use crate::memory::region::RegionRef;
use crate::memory::sync::Atomic;
pub(super) use crate::segment::claim::Claim;
use crate::segment::claim::{Court, take};
use crate::segment::doorbell::Bell;
use crate::segment::join::Peer;
use crate::segment::wake::Wake;

/// In whose name an end is held.
#[derive(Clone, Copy)]
pub(crate) enum Claimant<'p> {
    /// A peer of the channel's segment.
    Peer(&'p Peer<'p>),
    /// Whoever holds an end of a bare channel; the oracle may prove an earlier holder dead.
    Bare(&'p dyn Liveness),
    /// Whoever was given an end for good.
    Static(PhantomData<&'p ()>),
}

impl<'p> Claimant<'p> {
    /// Whoever splits a bare channel: it claims the ends.
    pub(crate) fn splitting(_: RegionRef<'p>) -> Result<Self> {
        Ok(Self::Bare(&NoProof))
    }

    /// Whoever gets all ends of a bare channel for good, by these claims.
    pub(crate) fn of_all(region: RegionRef<'p>, claims: &[&Atomic<Owner>]) -> Result<Self> {
        region.check_writable()?;
        region.check_not_forked()?;
        if region.home() != 0 {
            return Err(Error::ForeignPeer);
        }
        let court = Court {
            table: None,
            oracle: &NoProof,
        };
        for (index, claim) in claims.iter().enumerate() {
            if let Err(error) = take(claim, Owner::STATIC, &court) {
                for taken in &claims[..index] {
                    taken.store(Owner::FREE, UNCLAIM); // UNCLAIM: pairs with CLAIM
                }
                return Err(error);
            }
        }
        Ok(Self::Static(PhantomData))
    }

    /// Whoever promised it of the way that an end maintains its cache.
    pub(crate) fn maintained<M>(_: &Maintained<M>) -> Self {
        Self::Static(PhantomData)
    }

    /// Whoever was promised one static end.
    pub(crate) fn sole(_: Sole) -> Self {
        Self::Static(PhantomData)
    }

    pub(super) fn claim(self, region: RegionRef<'p>, ends: Ends<'p>) -> Result<Option<Claim<'p>>> {
        match self {
            Self::Peer(peer) => Claim::by_peer(ends.claim, ends.other, region, peer).map(Some),
            Self::Bare(oracle) => Claim::bare(ends.claim, ends.other, region, oracle).map(Some),
            Self::Static(_) => check_static(region, ends.claim).map(|()| None),
        }
    }
}

impl<'p, W: Wake> Seat<'p, W> {
    /// Claims the first of several ends that can be had. Answers which.
    pub(crate) fn take_any(
        region: RegionRef<'p>,
        ends: impl Iterator<Item = Ends<'p>>,
        who: Claimant<'p>,
        wake: W,
    ) -> Result<(usize, Self)> {
        let (mut wake, mut taken) = (Some(wake), 0);
        for (index, ends) in ends.enumerate() {
            match who.claim(region, ends) {
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

    pub(crate) fn other(&self) -> Option<PeerId> {
        self.claim
            .as_ref()
            .map_or(Some(PeerId::STATIC), Claim::other_holder)
    }

    /// True if this owner is proven dead. May ask the system.
    pub(crate) fn is_dead(&self, owner: Owner) -> bool {
        self.claim
            .as_ref()
            .is_some_and(|claim| claim.is_dead(owner))
    }

    /// True also of a static end, which has nothing to give back.
    pub(crate) fn is_forked(&self) -> bool {
        self.claim.as_ref().is_none_or(Claim::is_forked)
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
