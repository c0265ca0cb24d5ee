//! Named ownership of one endpoint, and take-over from the dead.
//!
//! # Protocol
//!
//! ```text
//! take:    word FREE          -CAS-> me          CLAIM, Acquire and Release
//!          word {dead owner}  -CAS-> me          CLAIM; the proof of death is itself an acquire
//! release: word me            -CAS-> FREE        UNCLAIM, Release
//! ```
//! A claim carries the generation of its owner's row: an owner whose row has moved on is dead
//! (DEPARTED), whatever the oracle says of the row's present peer.
//!
//! # Progress guarantee
//!
//! Wait-free: a bounded number of attempts, then [`Error::Busy`]. Asking the oracle may be a system call.
//!
//! # What a crash at each step leaves
//!
//! Before the CAS nothing; after it a claim that names the dead, which the next taker proves dead.

#![forbid(unsafe_code)]

use crate::error::{Error, Result};
use crate::memory::liveness::{Life, Liveness, Owner, PeerId};
use crate::memory::order::{CLAIM, FOUND, RELAXED, UNCLAIM};
use crate::memory::region::RegionRef;
use crate::memory::sync::{Atomic, fence};
use crate::segment::join::Peer;
use crate::segment::peers::Table;

/// Attempts before a contended claim gives up.
const ATTEMPTS: u32 = 16;

/// Who decides whether an owner lives: the peer table and the oracle; nobody in a bare region.
#[derive(Clone, Copy)]
pub(crate) struct Court<'p> {
    pub(crate) table: Option<Table<'p>>,
    pub(crate) oracle: &'p dyn Liveness,
}

impl Court<'_> {
    fn life_of(&self, owner: Owner) -> Life {
        // FOUND: pairs with CLAIM. With the row as it was before this owner joined, it would seem to have moved on.
        fence(FOUND);
        match (owner.peer(), &self.table) {
            (Some(peer), _) if owner == Owner::BARE => self.oracle.state(peer),
            (Some(_), Some(table)) => table.life_of(owner, self.oracle),
            _ => Life::Unknown,
        }
    }

    /// True if this owner is proven dead.
    pub(crate) fn is_dead(&self, owner: Owner) -> bool {
        // A bare end's proof is for one take-over, not for questions.
        owner != Owner::BARE && self.life_of(owner) == Life::Dead
    }

    /// True if nobody alive holds the end of this claim now.
    pub(crate) fn is_abandoned(&self, claim: &Atomic<Owner>) -> bool {
        let owner = claim.load(RELAXED);
        owner == Owner::FREE || self.is_dead(owner)
    }
}

/// Takes `word` for `me`: from nobody, or from an owner proven dead.
pub(crate) fn take(word: &Atomic<Owner>, me: Owner, court: &Court<'_>) -> Result<()> {
    for _ in 0..ATTEMPTS {
        let found = word.load(RELAXED);
        if found != Owner::FREE {
            let by = found.peer().ok_or(Error::Corrupt {
                what: "claim word",
                found: found.generation() << 8 | u32::from(found.peer),
            })?;
            if court.life_of(found) != Life::Dead {
                return Err(Error::EndpointTaken { by });
            }
        }
        // CLAIM: pairs with UNCLAIM in release, and with FOUND
        if word.replace(found, me, CLAIM).is_ok() {
            return Ok(());
        }
    }
    Err(Error::Busy)
}

/// A claim, held. Dropping it gives it back.
#[derive(Debug)]
pub(crate) struct Held<'p> {
    word: &'p Atomic<Owner>,
    me: Owner,
    region: RegionRef<'p>,
}

impl<'p> Held<'p> {
    pub(crate) fn take(
        word: &'p Atomic<Owner>,
        me: Owner,
        region: RegionRef<'p>,
        court: &Court<'_>,
    ) -> Result<Self> {
        region.check_writable()?;
        region.check_not_forked()?;
        take(word, me, court)?;
        Ok(Self { word, me, region })
    }

    /// Takes `word` from an owner that the caller has proven dead; `None` if somebody else did.
    pub(crate) fn take_from(
        word: &'p Atomic<Owner>,
        dead: Owner,
        me: Owner,
        region: RegionRef<'p>,
    ) -> Option<Self> {
        region.check_writable().ok()?;
        region.check_not_forked().ok()?;
        word.replace(dead, me, CLAIM).ok()?; // CLAIM: pairs with FOUND
        Some(Self { word, me, region })
    }

    /// True in a child forked after the claim was made: it must touch nothing.
    pub(crate) fn is_forked(&self) -> bool {
        self.region.is_forked()
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        if !self.is_forked() {
            // A claim that was taken over meanwhile is not ours to free: the exchange then fails.
            let _ = self.word.replace(self.me, Owner::FREE, UNCLAIM); // UNCLAIM: pairs with CLAIM
        }
    }
}

/// An endpoint's claim, and whom to ask about the channel's other end.
pub(crate) struct Claim<'p> {
    held: Held<'p>,
    other: &'p Atomic<Owner>,
    court: Court<'p>,
}

impl core::fmt::Debug for Claim<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let mut out = f.debug_struct("Claim");
        out.field("me", &self.held.me).finish_non_exhaustive()
    }
}

impl<'p> Claim<'p> {
    /// Claims an end of a channel in a segment.
    pub(crate) fn by_peer(
        word: &'p Atomic<Owner>,
        other: &'p Atomic<Owner>,
        region: RegionRef<'p>,
        peer: &'p Peer<'_>,
    ) -> Result<Self> {
        if region.home() != peer.home() {
            return Err(Error::ForeignPeer);
        }
        let court = peer.court();
        let held = Held::take(word, peer.owner(), region, &court)?;
        Ok(Self { held, other, court })
    }

    /// Claims an end of a bare channel; `oracle` may prove an earlier holder dead.
    pub(crate) fn bare(
        word: &'p Atomic<Owner>,
        other: &'p Atomic<Owner>,
        region: RegionRef<'p>,
        oracle: &'p dyn Liveness,
    ) -> Result<Self> {
        if region.home() != 0 {
            return Err(Error::ForeignPeer);
        }
        let court = Court {
            table: None,
            oracle,
        };
        let held = Held::take(word, Owner::BARE, region, &court)?;
        Ok(Self { held, other, court })
    }

    /// True in a child forked after the claim was made: it must touch nothing.
    pub(crate) fn is_forked(&self) -> bool {
        self.held.is_forked()
    }

    /// True if nobody alive holds the other end now.
    pub(crate) fn other_is_gone(&self) -> bool {
        self.court.is_abandoned(self.other)
    }

    /// True if this owner is proven dead.
    pub(crate) fn is_dead(&self, owner: Owner) -> bool {
        self.court.is_dead(owner)
    }

    /// Who holds the other end, dead or alive.
    pub(crate) fn other_holder(&self) -> Option<PeerId> {
        self.other.load(RELAXED).peer()
    }
}

#[cfg(all(test, not(ringpad_loom)))]
mod tests;
