//! Where the messages end: the newest number, in 61 bits out of two words of 32.

#![forbid(unsafe_code)]

use core::mem::offset_of;

use crate::channel::stamp::{NUMBER, close, complete, open};
use crate::error::Result;
use crate::memory::maintenance::{Extent, Upkeep};
use crate::memory::order::{OBSERVE, PUBLISH, RELAXED};
use crate::memory::racing::{RacingSlot, RacingSlots};
use crate::memory::region::RegionRef;
use crate::memory::sync::{AtomicU32, fence};

/// Where the words of the tail lie.
#[repr(C)]
pub(crate) struct TailShape {
    pub(crate) latest: AtomicU32,
    pub(crate) limit: AtomicU32,
}

/// Looks at the two words while epochs pass between them.
const ATTEMPTS: u32 = 4;

/// Bits of a number within one epoch.
pub(crate) const EPOCH_BITS: u32 = 29;

/// The number of a message as its slot and stamp know it.
#[inline(always)]
pub(crate) const fn number(sequence: u64) -> u32 {
    sequence as u32 & NUMBER
}

/// The low word of the epoch of a message.
#[inline(always)]
pub(crate) const fn epoch_of(sequence: u64) -> u32 {
    (sequence >> EPOCH_BITS) as u32
}

/// The two words that say which message is the newest.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tail<'m> {
    latest: &'m AtomicU32,
    epoch: &'m AtomicU32,
}

impl<'m> Tail<'m> {
    /// `epoch` lies where nobody often writes: every subscriber looks at it every time.
    pub(crate) fn at(region: RegionRef<'m>, offset: usize, epoch: usize) -> Result<Self> {
        Ok(Self {
            latest: region.word(offset + offset_of!(TailShape, latest))?,
            epoch: region.word(epoch)?,
        })
    }

    pub(crate) fn clear(&self) {
        self.latest.store(0, RELAXED);
        self.epoch.store(0, RELAXED);
    }

    /// The newest message; 0 if there never was one.
    pub(crate) fn newest(&self, by: &impl Upkeep) -> u64 {
        let mut epoch = self.epoch(by);
        for _ in 0..ATTEMPTS {
            fence(OBSERVE); // OBSERVE: pairs with PUBLISH
            by.invalidate(Extent::of(self.latest));
            let latest = self.latest.load(RELAXED);
            fence(OBSERVE); // OBSERVE: pairs with PUBLISH
            let after = self.epoch(by);
            // Who was stopped between the loads for longer would join what never belonged together.
            if after.wrapping_sub(epoch) <= 1 {
                return Self::join(after, latest);
            }
            epoch = after;
        }
        u64::from(epoch) << EPOCH_BITS
    }

    #[inline(always)]
    fn epoch(&self, by: &impl Upkeep) -> u32 {
        by.invalidate(Extent::of(self.epoch));
        self.epoch.load(RELAXED)
    }

    /// The number whose low word is `latest`, nearest to where the epoch began: they may be from two moments.
    fn join(epoch: u32, latest: u32) -> u64 {
        let begin = u64::from(epoch) << EPOCH_BITS;
        let past = latest.wrapping_sub(begin as u32) as i32;
        begin.saturating_add_signed(past.into())
    }

    /// How many epochs the publisher is ahead of a message. Behind ARRIVE: at least as many as whatever was found there.
    #[inline(always)]
    pub(crate) fn epochs_ahead(&self, sequence: u64, by: &impl Upkeep) -> i32 {
        self.epoch(by).wrapping_sub(epoch_of(sequence)) as i32
    }
}

/// The publisher without its type and its claim: numbers and stamps.
#[derive(Clone, Debug)]
pub(crate) struct Press<'p> {
    tail: Tail<'p>,
    pub(crate) slots: RacingSlots<'p>,
    /// The number of the next message.
    pub(crate) next: u64,
}

impl<'p> Press<'p> {
    /// Goes on where the publisher before ended: behind what it completed.
    pub(crate) fn take_over(tail: Tail<'p>, slots: RacingSlots<'p>, by: &impl Upkeep) -> Self {
        // Its own words: whoever published before did so on this core, or this one attached since.
        let mut next = tail.newest(&()) + 1;
        let slot = slots.slot(number(next));
        if slot.stamp().load(RELAXED) == complete(number(next)) {
            tail.latest.store(next as u32, PUBLISH);
            by.clean(Extent::of(tail.latest));
            next += 1;
        }
        Self { tail, slots, next }
    }

    /// The slot of the next message, begun perhaps.
    pub(crate) fn begun(&self) -> RacingSlot<'p> {
        self.slots.slot(number(self.next))
    }

    /// Begins the next message; until it is finished, doing so again begins the same one.
    #[inline(always)]
    pub(crate) fn begin(&mut self, by: &impl Upkeep) -> RacingSlot<'p> {
        if self.next.trailing_zeros() >= EPOCH_BITS {
            // Before the stamp: whoever finds a message of the new epoch finds the epoch.
            self.tail.epoch.store(epoch_of(self.next), RELAXED);
            by.clean(Extent::of(self.tail.epoch));
        }
        let slot = self.begun();
        open(slot, number(self.next), by);
        slot
    }

    /// Commits the message that was begun, and answers its number.
    #[inline(always)]
    pub(crate) fn finish(&mut self, slot: RacingSlot<'p>, by: &impl Upkeep) -> u64 {
        let sequence = self.next;
        close(slot, number(sequence), by);
        self.next = sequence + 1;
        self.tail.latest.store(sequence as u32, PUBLISH); // PUBLISH: pairs with OBSERVE
        by.clean(Extent::of(self.tail.latest));
        sequence
    }
}

#[cfg(all(test, not(ringpad_loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_joined_from_words_of_two_moments() {
        let spread = [0u64, 1, 5, 1 << 20, (1 << 29) - 1];
        let begins = [0u64, 1, 3, 4, 7, 8, 1000, u32::MAX.into()].map(|epoch| epoch << EPOCH_BITS);
        for sequence in begins
            .iter()
            .flat_map(|begin| spread.map(|more| begin + more))
        {
            // The epoch as it was then, or at most one more or less.
            for epoch in [-1i64, 0, 1].map(|by| (sequence >> EPOCH_BITS).checked_add_signed(by)) {
                let Some(epoch) = epoch.and_then(|epoch| u32::try_from(epoch).ok()) else {
                    continue;
                };
                assert_eq!(
                    Tail::join(epoch, sequence as u32),
                    sequence,
                    "{sequence} in {epoch}"
                );
            }
        }
        assert_eq!(Tail::join(0, u32::MAX), 0, "garbage is a number too");
    }
}
