//! Credit: how far the publisher may go before it looks at the cursors again.

#![forbid(unsafe_code)]

use core::fmt;

use super::cursor::{CursorWords, Cursors};
use super::{Slow, Terms};
use crate::memory::liveness::{Owner, PeerId};
use crate::memory::order::{GRANT, RELAXED};
use crate::memory::sync::{AtomicU32, fence};

/// Looks at one cursor that moves while it is evicted.
const ATTEMPTS: u32 = 4;

/// A subscriber that is as far behind as it may be: nothing is published before it goes on, dies or is evicted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// Whose cursor it is.
    pub by: PeerId,
    /// How many messages it is behind, by what it told.
    pub lag: u32,
}

impl fmt::Display for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "held up by {}, {} messages behind", self.by, self.lag)
    }
}

impl core::error::Error for Held {}

/// The publisher's credit.
#[derive(Debug)]
pub(super) struct Credit<'p> {
    limit_word: &'p AtomicU32,
    cursors: Cursors<'p>,
    terms: Terms,
    capacity: u32,
    /// The first message that may not be published without looking.
    limit: u64,
    pub(super) evicted: u64,
}

impl<'p> Credit<'p> {
    /// None yet: whoever publishes next looks first.
    pub(super) fn none(
        limit_word: &'p AtomicU32,
        cursors: Cursors<'p>,
        terms: Terms,
        capacity: u32,
    ) -> Self {
        Self {
            limit_word,
            cursors,
            terms,
            capacity,
            limit: 0,
            evicted: 0,
        }
    }

    #[inline(always)]
    pub(super) fn allows(&self, next: u64) -> bool {
        next < self.limit
    }

    fn set(&mut self, limit: u64) {
        self.limit = limit;
        self.limit_word.store(limit as u32, RELAXED);
    }

    /// Looks at every cursor and takes as much credit as they leave; `is_dead` asks whether an owner is proven dead.
    #[cold]
    #[inline(never)]
    pub(super) fn refill(
        &mut self,
        next: u64,
        is_dead: impl Fn(Owner) -> bool,
    ) -> Result<(), Held> {
        let lag = self.terms.lag;
        // The most that there could be: whoever joins from here on begins behind what this lets go, or is seen below.
        self.set(next + u64::from(lag));
        fence(GRANT); // GRANT: pairs with ENROL
        let (mut most, mut held) = (0, None);
        for cursor in self.cursors.each() {
            match self.look(cursor, next, &is_dead) {
                Ok(behind) => most = behind.max(most),
                Err(slow) => held = held.max(Some((slow.lag, slow.by))),
            }
        }
        if let Some((lag, by)) = held {
            self.set(next);
            return Err(Held { by, lag });
        }
        self.set(next + u64::from(lag - most));
        Ok(())
    }

    /// How far behind a cursor is, if it may be; one that may not is evicted if it can be.
    fn look(
        &mut self,
        cursor: CursorWords<'_>,
        next: u64,
        is_dead: &impl Fn(Owner) -> bool,
    ) -> Result<u32, Held> {
        let mut held = Held {
            by: PeerId::BARE,
            lag: self.terms.lag,
        };
        for _ in 0..ATTEMPTS {
            // Before its owner: of another's cursor the owner is seen too.
            let found = cursor.observe();
            let owner = cursor.owner.load(RELAXED);
            let behind = found.behind(next);
            if !found.is_active() {
                return Ok(0);
            }
            if behind < self.terms.lag {
                return Ok(behind);
            }
            held = Held {
                by: owner.peer().unwrap_or(PeerId::BARE),
                lag: behind.min(self.capacity),
            };
            // No correct cursor is further behind than there are slots, none counts before its owner has a name or after, and there are no
            // static subscribers of this kind.
            let is_nobodys = owner.peer().is_none() || owner == Owner::STATIC;
            let is_garbage = behind > self.capacity || is_nobodys;
            let goes = is_garbage || self.terms.slow == Slow::Evict || is_dead(owner);
            if !goes {
                return Err(held);
            }
            if cursor.evict(found) {
                self.evicted += 1;
                return Ok(0);
            }
            // It has moved, or another has its place: that one counts.
        }
        Err(held)
    }

    /// Evicts every cursor of a peer.
    pub(super) fn evict_peer(&mut self, peer: PeerId) -> bool {
        let mut any = false;
        for cursor in self.cursors.each() {
            for _ in 0..ATTEMPTS {
                let found = cursor.observe();
                let owner = cursor.owner.load(RELAXED);
                if owner.peer() != Some(peer) || !found.is_active() {
                    break;
                }
                if cursor.evict(found) {
                    self.evicted += 1;
                    any = true;
                    break;
                }
                // It has moved: again.
            }
        }
        any
    }

    /// Who is furthest behind, and by how much.
    pub(super) fn slowest(&self, next: u64) -> Option<Held> {
        let cursors = self.cursors.each();
        let active = cursors.filter_map(|cursor| {
            let found = cursor.observe();
            let by = cursor.owner.load(RELAXED).peer()?;
            let lag = found.behind(next).min(self.capacity);
            found.is_active().then_some(Held { by, lag })
        });
        active.max_by_key(|held| held.lag)
    }
}
