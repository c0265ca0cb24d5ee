//! The subscribers of a mailslot: each hears from where it began, as fast as it listens.

#![forbid(unsafe_code)]

use core::marker::PhantomData;

use super::tail::{Tail, number};
use super::{Glance, Mailslot, TooLong};
use crate::channel::stamp::{Content, ahead, complete, look, look_again};
use crate::memory::Pod;
use crate::memory::liveness::{Owner, PeerId};
use crate::memory::maintenance::Upkeep;
use crate::memory::order::RELAXED;
use crate::memory::racing::{RacingSlot, RacingSlots};
use crate::memory::sync::{Atomic, AtomicU32};

/// Where a subscriber begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// With the oldest message that is still there.
    Oldest,
    /// With the newest message that is already there, if any.
    Newest,
    /// With the message of this number, as far as it is still there (else the first answer says how many are lost); at the latest with the
    /// next one.
    At(u64),
}

/// What a subscriber's turn brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next<T> {
    /// The next message.
    Mail {
        /// Its number, one more than the one before.
        sequence: u64,
        /// What was published.
        value: T,
    },
    /// The publisher was faster: so many messages are gone. The next turn goes on behind them (and may find nothing there yet, if
    /// the publisher is just writing).
    Lapped {
        /// How many, exactly.
        lost: u64,
    },
    /// Nothing new.
    Empty,
}

/// Hears every message from where it began, or how many it lost. `Send`, and `Clone` if what it keeps alive is. It stores nothing in the region.
#[derive(Debug)]
pub struct Subscriber<'m, T: ?Sized, K = ()> {
    pub(crate) ear: Ear<'m>,
    pub(super) publisher: &'m Atomic<Owner>,
    pub(super) waiters: &'m AtomicU32,
    pub(super) home: usize,
    of: PhantomData<fn() -> *const T>,
    /// Last: what is above points into it.
    pub(crate) keep: K,
}

impl<T: ?Sized, K: Clone> Clone for Subscriber<'_, T, K> {
    fn clone(&self) -> Self {
        Self {
            ear: self.ear.clone(),
            keep: self.keep.clone(),
            ..*self
        }
    }
}

/// What a stamp said of the message that comes next.
pub(crate) enum Heard<'m> {
    /// It may be copied from here.
    Complete(RacingSlot<'m>),
    /// It is not there yet.
    Nothing,
    /// It is there no more: the publisher is at this message at least.
    Gone(u64),
}

/// The subscriber without its type: numbers and stamps.
#[derive(Clone, Debug)]
pub(crate) struct Ear<'m> {
    tail: Tail<'m>,
    slots: RacingSlots<'m>,
    /// The number of the next message.
    pub(crate) next: u64,
}

impl<'m> Ear<'m> {
    pub(crate) fn new(
        tail: Tail<'m>,
        slots: RacingSlots<'m>,
        start: Start,
        by: &impl Upkeep,
    ) -> Self {
        let mut ear = Self {
            tail,
            slots,
            next: 1,
        };
        ear.seek(start, by);
        ear
    }

    pub(crate) fn bytes(&self) -> usize {
        self.slots.bytes()
    }

    /// Messages that are surely whole: all but the one that is overwritten now.
    fn whole(&self) -> u64 {
        u64::from(self.slots.count() - 1)
    }

    pub(crate) fn newest(&self, by: &impl Upkeep) -> u64 {
        self.tail.newest(by)
    }

    pub(crate) fn seek(&mut self, start: Start, by: &impl Upkeep) {
        let newest = self.newest(by);
        let next = match start {
            Start::Oldest => (newest + 1).saturating_sub(self.whole()),
            Start::Newest => newest,
            Start::At(sequence) => sequence.min(newest + 1),
        };
        self.next = next.max(1);
    }

    /// Looks whether the next message is there.
    #[inline(always)]
    pub(crate) fn listen(&self, by: &impl Upkeep) -> Heard<'m> {
        let number = number(self.next);
        let slot = self.slots.slot(number);
        let stamp = look(slot, by);
        // So far behind, a stamp may say anything.
        if self.tail.epochs_ahead(self.next, by) > 1 {
            return Heard::Gone(0);
        }
        if stamp == complete(number) {
            by.invalidate(slot.content());
            return Heard::Complete(slot);
        }
        match u64::try_from(ahead(stamp, number)) {
            // One that is being written has not been published.
            Ok(by @ 1..) => Heard::Gone(self.next.saturating_add(by - u64::from(stamp & 1))),
            _ => Heard::Nothing,
        }
    }

    /// Whether what was copied since [`Ear::listen`] is the message whole; if not, where the publisher is at least.
    #[inline(always)]
    pub(crate) fn confirm(
        &self,
        slot: RacingSlot<'m>,
        by: &impl Upkeep,
    ) -> core::result::Result<(), u64> {
        let stamp = look_again(slot, by);
        if stamp == complete(number(self.next)) {
            return Ok(());
        }
        let by = u64::try_from(ahead(stamp, number(self.next))).unwrap_or(0);
        Err(self
            .next
            .saturating_add(by)
            .saturating_sub(u64::from(stamp & 1)))
    }

    /// Goes on behind what is gone, the publisher being at `least` at least. Answers how many messages that are.
    #[cold]
    #[inline(never)]
    pub(crate) fn skip(&mut self, least: u64, by: &impl Upkeep) -> u64 {
        let newest = self.newest(by).max(least);
        // Not with the oldest: a publisher that was faster would lap this subscriber again at once.
        let keep = (self.whole() - u64::from(self.slots.count() / 4)).max(1);
        let next = newest.saturating_add(1).saturating_sub(keep);
        let next = next.max(self.next.saturating_add(1));
        let lost = next - self.next;
        self.next = next;
        lost
    }
}

impl<'m, T: Content + ?Sized, K: Upkeep> Subscriber<'m, T, K> {
    pub(super) fn new(slot: &Mailslot<'m, T>, start: Start, keep: K) -> Self {
        Self::over(
            Ear::new(slot.tail, slot.slots, start, &keep),
            slot.publisher,
            slot.waiters,
            slot.region.home(),
            keep,
        )
    }

    pub(crate) fn over(
        ear: Ear<'m>,
        publisher: &'m Atomic<Owner>,
        waiters: &'m AtomicU32,
        home: usize,
        keep: K,
    ) -> Self {
        Self {
            ear,
            publisher,
            waiters,
            home,
            of: PhantomData,
            keep,
        }
    }

    /// The number of the message that it hears next.
    pub fn next_sequence(&self) -> u64 {
        self.ear.next
    }

    /// Goes on elsewhere.
    pub fn seek(&mut self, start: Start) {
        self.ear.seek(start, &self.keep);
    }

    /// How many messages it is behind the publisher.
    pub fn behind(&self) -> u64 {
        (self.ear.newest(&self.keep) + 1).saturating_sub(self.ear.next)
    }

    /// Who holds the publisher's end, dead or alive.
    pub fn publisher(&self) -> Option<PeerId> {
        self.publisher.load(RELAXED).peer()
    }

    #[inline(always)]
    fn hear<V>(&mut self, copy: impl FnOnce(RacingSlot<'m>) -> V) -> Next<V> {
        let least = match self.ear.listen(&self.keep) {
            Heard::Nothing => return Next::Empty,
            Heard::Gone(least) => least,
            Heard::Complete(slot) => {
                let value = copy(slot);
                match self.ear.confirm(slot, &self.keep) {
                    Ok(()) => {
                        let sequence = self.ear.next;
                        self.ear.next += 1;
                        return Next::Mail { sequence, value };
                    }
                    Err(least) => least,
                }
            }
        };
        let lost = self.ear.skip(least, &self.keep);
        Next::Lapped { lost }
    }

    /// Lends the next message to be looked at in place: for large ones of which a part is wanted. What `look` returns comes back only if
    /// the message stayed whole until then; `look` must not act on what it saw before.
    pub fn poll_with<V>(&mut self, look: impl FnOnce(&Glance<'_>) -> V) -> Next<V> {
        self.hear(|slot| {
            let len = match T::FIXED {
                Some((len, _)) => len,
                None => slot.length().load(RELAXED) as usize,
            };
            let len = len.min(slot.bytes());
            look(&Glance { slot, len })
        })
    }
}

impl<T: Pod, K: Upkeep> Subscriber<'_, T, K> {
    /// The next message, if it is there.
    #[inline(always)]
    pub fn poll(&mut self) -> Next<T> {
        self.hear(|slot| slot.load_value())
    }
}

impl<K: Upkeep> Subscriber<'_, [u8], K> {
    /// Copies the next message out, if it is there, and says how many bytes it has.
    ///
    /// # Errors
    ///
    /// [`TooLong`] if they are more than `into` takes; the message stays.
    pub fn poll_into(&mut self, into: &mut [u8]) -> core::result::Result<Next<usize>, TooLong> {
        let before = self.ear.next;
        let most = into.len();
        let next = self.poll_with(|bytes| {
            if let Some(into) = into.get_mut(..bytes.len()) {
                bytes.slot.load(into);
            }
            bytes.len()
        });
        match next {
            Next::Mail { value: found, .. } if found > most => {
                self.ear.next = before;
                Err(TooLong { found, most })
            }
            other => Ok(other),
        }
    }

    /// Most bytes of a message.
    pub fn most_bytes(&self) -> usize {
        self.ear.bytes()
    }
}
