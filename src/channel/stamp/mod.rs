//! Stamped slots, written by one party and read by any number of others that nobody waits for: notepads and mailslots.
//!
//! # Shape
//!
//! ```text
//! slot   0 stamp u32   4 length u32   8 payload, padded to 8   .. padding to the stride
//! stamp  2v complete, 2v + 1 being written; v = the low 31 bits of the version or sequence number
//! ```
//!
//! # Protocol
//!
//! ```text
//! writer  stamp = 2v + 1; fence (OPEN); words; stamp = 2v (CLOSE)
//! reader  by a number that a PUBLISHed word named: words; fence (VALIDATE); stamp == 2v? else Lapped
//!         by the stamp alone: stamp == 2v? fence (ARRIVE); words; fence (VALIDATE); stamp still 2v? else Lapped
//! ```
//! Loads and stores only. A reader that copied any word of a newer version sees, behind VALIDATE, the stamp that
//! was stored before OPEN: the fences stand between the stamp and the words on both sides. Seqlocks that had
//! them elsewhere, and how each tears, are in `loom-tests/tests/known_bad.rs`.
//!
//! # Progress guarantee
//!
//! Writer wait-free, whatever readers do. Each attempt of a reader is wait-free; it fails only if its slot was overwritten meanwhile.
//!
//! # What a crash at each step leaves
//!
//! Before CLOSE: a slot that says "being written", which no reader delivers and the successor writes again. After it: a complete slot
//! that the successor finds and rolls forward.
//!
//! Source: Lamport's "Concurrent reading and writing" (1977); the fences are those of Boehm, "Can seqlocks get along with
//! programming language memory models?" (MSPC 2012).

#![forbid(unsafe_code)]

mod content;
mod cursor;

pub use self::content::Content;
pub(crate) use self::content::{Shape, clear, slots};
pub(crate) use self::cursor::Fill;
pub use self::cursor::{Glance, TooLong};
use crate::memory::maintenance::{Extent, Upkeep};
use crate::memory::order::{ARRIVE, CLOSE, OPEN, RELAXED, VALIDATE};
use crate::memory::racing::RacingSlot;
use crate::memory::sync::fence;

/// The bits of a number that a stamp has.
pub(crate) const NUMBER: u32 = u32::MAX >> 1;

/// The stamp of a complete slot.
#[inline(always)]
pub(crate) const fn complete(number: u32) -> u32 {
    number << 1
}

/// Says that a slot is being written, before the first word is.
#[inline(always)]
pub(crate) fn open(slot: RacingSlot<'_>, number: u32, by: &impl Upkeep) {
    slot.stamp().store(complete(number) | 1, RELAXED);
    fence(OPEN); // OPEN: pairs with VALIDATE
    by.clean(Extent::of(slot.stamp()));
}

/// Says that a slot is complete, after the last word was.
#[inline(always)]
pub(crate) fn close(slot: RacingSlot<'_>, number: u32, by: &impl Upkeep) {
    by.clean(slot.content());
    slot.stamp().store(complete(number), CLOSE); // CLOSE: pairs with ARRIVE
    by.clean(Extent::of(slot.stamp()));
}

/// The stamp, before the first word is read.
#[inline(always)]
pub(crate) fn look(slot: RacingSlot<'_>, by: &impl Upkeep) -> u32 {
    by.invalidate(Extent::of(slot.stamp()));
    let stamp = slot.stamp().load(RELAXED);
    fence(ARRIVE); // ARRIVE: pairs with CLOSE
    stamp
}

/// The stamp, after the last word was read: unless it is what it was, what was read may be torn.
#[inline(always)]
pub(crate) fn look_again(slot: RacingSlot<'_>, by: &impl Upkeep) -> u32 {
    fence(VALIDATE); // VALIDATE: pairs with OPEN
    by.invalidate(Extent::of(slot.stamp()));
    slot.stamp().load(RELAXED)
}

/// How far the number of a stamp is ahead of `number`, if less than half the range.
#[inline(always)]
pub(crate) const fn ahead(stamp: u32, number: u32) -> i32 {
    // The sign bit of a 31-bit difference is its bit 30.
    (complete(stamp >> 1).wrapping_sub(complete(number)) as i32) >> 1
}

#[cfg(all(test, not(ringpad_loom)))]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_compared_across_the_wrap() {
        for number in [0, 1, 5, NUMBER / 2, NUMBER - 1, NUMBER] {
            for by in [0, 1, 2, 1000, (NUMBER >> 1)] {
                let next = number.wrapping_add(by) & NUMBER;
                assert_eq!(ahead(complete(next), number), by as i32);
                assert_eq!(ahead(complete(next) | 1, number), by as i32);
                assert_eq!(ahead(complete(number), next), -(by as i32));
            }
        }
    }
}
