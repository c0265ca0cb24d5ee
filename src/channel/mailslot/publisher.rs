//! The end of a mailslot that publishes.

#![forbid(unsafe_code)]

use core::cell::Cell;
use core::marker::PhantomData;

use super::tail::{Press, Tail};
use super::{Draft, TooLong};
use crate::channel::seat::Seat;
use crate::channel::stamp::Content;
use crate::memory::Pod;
use crate::memory::order::RELAXED;
use crate::memory::racing::RacingSlots;
use crate::segment::wake::{Hook, Silent, Wake};

/// Of a T, for one thread at a time.
type Alone<T> = PhantomData<(fn(&T), Cell<()>)>;

/// The end that publishes. `Send`, not `Sync`, not `Clone`. Dropping it gives the end back.
#[derive(Debug)]
pub struct Publisher<'p, T: ?Sized, W: Wake = Silent> {
    press: Press<'p>,
    pub(super) seat: Seat<'p, W>,
    of: Alone<T>,
}

impl<T: ?Sized, W: Wake> Drop for Publisher<'_, T, W> {
    fn drop(&mut self) {
        if const { W::MAINTAINED } {
            // What a draft left there must not reach the memory after the next publisher's, on another core.
            self.seat.upkeep().clean(self.press.begun().content());
        }
    }
}

impl<'p, T: Content + ?Sized> Publisher<'p, T> {
    /// The same end, which from now on calls `hook` after each message, beginning now: to raise an interrupt, or wake a task.
    pub fn waking<F: Fn()>(self, hook: F) -> Publisher<'p, T, Hook<F>> {
        self.rewired(|_| Hook::new(hook))
    }
}

impl<'p, T: Content + ?Sized, W: Wake> Publisher<'p, T, W> {
    pub(super) fn new(tail: Tail<'p>, slots: RacingSlots<'p>, seat: Seat<'p, W>) -> Self {
        let mut publisher = Self {
            // CLAIM, or the proof of death, ordered what the publisher before left.
            press: Press::take_over(tail, slots, seat.upkeep()),
            seat,
            of: PhantomData,
        };
        // Whoever sleeps may be waiting for a publisher, or for a message that was rolled forward.
        publisher.seat.wake();
        publisher
    }

    /// The same end with another way to wake, which it uses at once.
    pub(crate) fn rewired<V: Wake>(mut self, wake: impl FnOnce(&W) -> V) -> Publisher<'p, T, V> {
        let mut publisher = Publisher {
            seat: self.seat.rewired(wake),
            press: self.press.clone(),
            of: PhantomData,
        };
        publisher.seat.wake();
        publisher
    }

    /// The number that the next message gets; messages are numbered from 1.
    pub fn next_sequence(&self) -> u64 {
        self.press.next
    }

    /// Lends the next slot to be filled in place.
    ///
    /// What is not filled holds what an earlier message left there. Nobody gets it until it is committed; dropped, it never was. The oldest
    /// message is gone all the same.
    pub fn draft(&mut self) -> Draft<'_, 'p, T, W> {
        Draft::new(&mut self.press, &mut self.seat)
    }
}

impl<T: Pod, W: Wake> Publisher<'_, T, W> {
    /// Publishes a message and answers its number. Never waits.
    #[inline]
    pub fn publish(&mut self, value: &T) -> u64 {
        let slot = self.press.begin(self.seat.upkeep());
        slot.store_value(value);
        let sequence = self.press.finish(slot, self.seat.upkeep());
        self.seat.wake();
        sequence
    }

    /// Publishes messages one after another, and looks for sleepers once. Answers the number that the next one gets.
    #[inline]
    pub fn publish_slice(&mut self, values: &[T]) -> u64 {
        for value in values {
            let slot = self.press.begin(self.seat.upkeep());
            slot.store_value(value);
            self.press.finish(slot, self.seat.upkeep());
        }
        self.seat.wake();
        self.press.next
    }
}

impl<W: Wake> Publisher<'_, [u8], W> {
    /// Publishes a message and answers its number. Never waits.
    ///
    /// # Errors
    ///
    /// [`TooLong`] beyond what the mailslot was made for; nothing is published.
    pub fn publish(&mut self, bytes: &[u8]) -> Result<u64, TooLong> {
        let most = self.most_bytes();
        if bytes.len() > most {
            let found = bytes.len();
            return Err(TooLong { found, most });
        }
        let slot = self.press.begin(self.seat.upkeep());
        slot.length().store(bytes.len() as u32, RELAXED);
        slot.store(bytes);
        let sequence = self.press.finish(slot, self.seat.upkeep());
        self.seat.wake();
        Ok(sequence)
    }

    /// Most bytes of a message.
    pub fn most_bytes(&self) -> usize {
        self.press.slots.bytes()
    }
}
