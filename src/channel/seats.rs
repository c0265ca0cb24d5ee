//! Seats: claim words in a row, of which whoever comes takes one. A kind's own words name seats, for which a few bits are enough; the seat names
//! its holder, with its life.
//!
//! # Protocol
//!
//! ```text
//! take    FREE | dead -CAS-> me       CLAIM; then the kind cleans what the last holder left there; then it is used
//! leave   the kind cleans; me -CAS-> FREE      UNCLAIM
//! mend    dead -CAS-> mender          CLAIM; the kind cleans; -CAS-> FREE      UNCLAIM
//! release dead -CAS-> FREE            UNCLAIM; where the next holder cleans anyway
//! ```
//! Whoever cleans a seat holds it, so that a word which names the seat, and no life, is never changed for the dead beside a new holder.
//!
//! # What a crash at each step leaves
//!
//! A claim that names the dead, and a seat half cleaned: whoever takes it next cleans it again.

#![forbid(unsafe_code)]

use core::ops::Range;

use crate::channel::party::Name;
use crate::error::{Error, Result};
use crate::memory::liveness::Owner;
use crate::memory::order::{RELAXED, UNCLAIM};
use crate::memory::region::RegionRef;
use crate::memory::sync::Atomic;
use crate::segment::claim::{Court, Held};

/// The seats of one channel.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seats<'m> {
    region: RegionRef<'m>,
    at: usize,
    count: u32,
}

/// A seat, held. Dropping it gives it back; what it held is cleaned before.
#[derive(Debug)]
pub(crate) struct Seated<'p> {
    pub(crate) index: u32,
    _held: Held<'p>,
}

impl<'m> Seats<'m> {
    /// Bytes of so many.
    pub(crate) const fn bytes(count: u32) -> usize {
        count as usize * size_of::<Atomic<Owner>>()
    }

    /// `count` seats, at least one, at `at`.
    pub(crate) fn over(region: RegionRef<'m>, at: usize, count: u32) -> Result<Self> {
        let seats = Self { region, at, count };
        seats.word(count.saturating_sub(1))?;
        Ok(seats)
    }

    fn word(&self, seat: u32) -> Result<&'m Atomic<Owner>> {
        self.region.typed(self.at + Self::bytes(seat))
    }

    /// Frees every seat of a channel that nobody else can reach.
    pub(crate) fn init(&self) -> Result<()> {
        for seat in 0..self.count {
            self.word(seat)?.store(Owner::FREE, RELAXED);
        }
        Ok(())
    }

    /// Who holds a seat, dead or alive; nobody holds one that there is not, or that a forked child does not see.
    pub(crate) fn owner(&self, seat: u32) -> Owner {
        match self.word(seat) {
            Ok(word) if seat < self.count && !self.region.is_forked() => word.load(RELAXED),
            _ => Owner::FREE,
        }
    }

    /// Who holds a seat, if that one is proven dead.
    pub(crate) fn dead(&self, seat: u32, court: &Court<'_>) -> Option<Owner> {
        let owner = self.owner(seat);
        (owner != Owner::FREE && court.is_dead(owner)).then_some(owner)
    }

    /// True if whoever held a seat is gone: it is free, or its holder proven dead. Look at what names the seat before, by an acquire: then that was
    /// named by this holder, or by one before it.
    pub(crate) fn is_gone(&self, seat: u32, court: &Court<'_>) -> bool {
        let owner = self.owner(seat);
        owner == Owner::FREE || court.is_dead(owner)
    }

    /// True if somebody holds a seat who is not proven dead.
    pub(crate) fn is_held(&self, seat: u32, court: &Court<'_>) -> bool {
        let owner = self.owner(seat);
        owner != Owner::FREE && !court.is_dead(owner)
    }

    /// Takes one of these seats: a free one, or, if there is none, a dead one's. Clean it before it is used.
    pub(crate) fn take(&self, among: Range<u32>, name: &Name<'_>) -> Result<Seated<'m>> {
        let seats = among.end.saturating_sub(among.start);
        let mut why = Error::SeatsFull { seats };
        let among = among.start..among.end.min(self.count);
        let free = |seat: &u32| self.owner(*seat) == Owner::FREE;
        for index in among.clone().filter(free).chain(among) {
            match Held::take(self.word(index)?, name.me, self.region, &name.court) {
                Ok(_held) => return Ok(Seated { index, _held }),
                // Of one seat the holder is told; of several that all are taken.
                Err(taken @ Error::EndpointTaken { .. }) if seats == 1 => why = taken,
                Err(Error::EndpointTaken { .. } | Error::Busy) => {}
                Err(error) => return Err(error),
            }
        }
        Err(why)
    }

    /// Frees a seat, uncleaned, whose holder the caller has proven dead. True if it did.
    pub(crate) fn release(&self, seat: u32, dead: Owner) -> bool {
        // UNCLAIM: pairs with CLAIM of the next holder; the proof of death was an acquire of what the dead one did.
        let free = |word: &Atomic<Owner>| word.replace(dead, Owner::FREE, UNCLAIM).is_ok();
        self.word(seat).is_ok_and(free)
    }

    /// Takes those of these seats that the dead hold, one after another, has each cleaned and frees it. Answers how many.
    pub(crate) fn mend(
        &self,
        among: Range<u32>,
        name: &Name<'_>,
        mut clean: impl FnMut(u32),
    ) -> u32 {
        let mut mended = 0;
        for seat in among.start..among.end.min(self.count) {
            let Some(dead) = self.dead(seat, &name.court) else {
                continue;
            };
            let Ok(word) = self.word(seat) else { break };
            if let Some(_held) = Held::take_from(word, dead, name.me, self.region) {
                clean(seat);
                mended += 1;
            }
        }
        mended
    }
}
