//! The end of a reliable mailslot that publishes.

#![forbid(unsafe_code)]

use core::cell::Cell;
use core::fmt;
use core::marker::PhantomData;

use super::credit::Credit;
use super::{Held, Reliable};
use crate::channel::mailslot::tail::Press;
use crate::channel::mailslot::{Draft, TooLong};
use crate::channel::seat::Seat;
use crate::channel::stamp::Content;
use crate::memory::Pod;
use crate::memory::liveness::PeerId;
use crate::memory::order::RELAXED;
use crate::segment::doorbell::{Bell, Ringer, Signal, Silent, Wake};
use crate::segment::join::Peer;

/// Marks an end that publishes `T`s, and that one thread at a time uses.
type Alone<T> = PhantomData<(fn(&T), Cell<()>)>;

/// Why bytes were not published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refused {
    /// A subscriber is as far behind as it may be.
    Held(Held),
    /// More bytes than the mailslot was made for.
    TooLong(TooLong),
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refused::Held(held) => held.fmt(f),
            Refused::TooLong(why) => why.fmt(f),
        }
    }
}

impl core::error::Error for Refused {}

/// The end that publishes. `Send`, not `Sync`, not `Clone`. Dropping it gives the end back.
#[derive(Debug)]
pub struct Publisher<'p, T: ?Sized, W: Wake = Silent> {
    press: Press<'p>,
    credit: Credit<'p>,
    seat: Seat<'p, W>,
    of: Alone<T>,
}

impl<'p, T: Content + ?Sized> Publisher<'p, T> {
    /// The same end, which from now on rings the doorbell of whoever waits for messages, beginning now.
    ///
    /// # Errors
    ///
    /// [`Error::ForeignPeer`](crate::Error::ForeignPeer) for a peer of another segment; the end is then given back.
    pub fn ringing<S: Signal>(
        self,
        me: &'p Peer<'_>,
        signal: S,
    ) -> crate::Result<Publisher<'p, T, Ringer<'p, S>>> {
        self.seat.check_home(me)?;
        Ok(self.rewired(|_| Ringer::new(me.segment().table(), signal)))
    }
}

impl<'p, T: Content + ?Sized, W: Wake> Publisher<'p, T, W> {
    pub(super) fn new<'m: 'p>(of: &Reliable<'m, T>, seat: Seat<'p, W>) -> Self {
        let mut publisher = Self {
            // CLAIM, or the proof of death, ordered what the publisher before left.
            press: Press::take_over(of.tail, of.slots, &()),
            credit: Credit::none(of.limit, of.cursors, of.terms, of.capacity()),
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
            press: self.press,
            credit: self.credit,
            of: PhantomData,
        };
        publisher.seat.wake();
        publisher
    }

    /// Credit for one message.
    #[inline(always)]
    fn check(&mut self) -> Result<(), Held> {
        if self.credit.allows(self.press.next) {
            return Ok(());
        }
        self.refill()
    }

    #[cold]
    fn refill(&mut self) -> Result<(), Held> {
        let (seat, before) = (&self.seat, self.credit.evicted);
        let done = self
            .credit
            .refill(self.press.next, |owner| seat.is_dead(owner));
        // One that sleeps is told by the message; there may be none.
        if done.is_err() && self.credit.evicted != before {
            self.seat.wake();
        }
        done
    }

    /// The number that the next message gets; messages are numbered from 1.
    pub fn next_sequence(&self) -> u64 {
        self.press.next
    }

    /// The subscriber that is furthest behind, and by how much; `None` without subscribers.
    pub fn slowest(&self) -> Option<Held> {
        self.credit.slowest(self.press.next)
    }

    /// Evicts every cursor of whoever holds this peer's row now, and rings it: its subscribers hear so as
    /// [`Delivery::Evicted`](super::Delivery::Evicted) says. A mailslot without a segment has one name for all its subscribers. False if it had none.
    pub fn evict(&mut self, peer: PeerId) -> bool {
        let any = self.credit.evict_peer(peer);
        // It may sleep until there is something to hear: there is.
        if any {
            self.seat.wake();
        }
        any
    }

    /// How many cursors this publisher has evicted.
    pub fn evicted(&self) -> u64 {
        self.credit.evicted
    }

    /// What to wait at until a subscriber goes on.
    pub fn bell(&self) -> Bell<'p, W::Keep> {
        self.seat.bell()
    }

    /// Lends the next slot to be filled in place.
    ///
    /// What is not filled holds what an earlier message left there. Nobody gets it until it is committed; dropped, it never was.
    ///
    /// # Errors
    ///
    /// [`Held`] by a subscriber that is as far behind as it may be.
    pub fn try_draft(&mut self) -> Result<Draft<'_, 'p, T, W>, Held> {
        self.check()?;
        Ok(Draft::new(&mut self.press, &mut self.seat))
    }
}

impl<T: Pod, W: Wake> Publisher<'_, T, W> {
    /// Publishes a message and answers its number.
    ///
    /// # Errors
    ///
    /// [`Held`] by a subscriber that is as far behind as it may be; nothing is published.
    #[inline]
    pub fn try_publish(&mut self, value: &T) -> Result<u64, Held> {
        self.check()?;
        let slot = self.press.begin(&());
        slot.store_value(value);
        let sequence = self.press.finish(slot, &());
        self.seat.wake();
        Ok(sequence)
    }
}

impl<W: Wake> Publisher<'_, [u8], W> {
    /// Publishes a message and answers its number.
    ///
    /// # Errors
    ///
    /// [`Refused::Held`] by a subscriber that is as far behind as it may be, [`Refused::TooLong`]; nothing is published.
    pub fn try_publish(&mut self, bytes: &[u8]) -> Result<u64, Refused> {
        let most = self.most_bytes();
        if bytes.len() > most {
            let found = bytes.len();
            return Err(Refused::TooLong(TooLong { found, most }));
        }
        self.check().map_err(Refused::Held)?;
        let slot = self.press.begin(&());
        slot.length().store(bytes.len() as u32, RELAXED);
        slot.store(bytes);
        let sequence = self.press.finish(slot, &());
        self.seat.wake();
        Ok(sequence)
    }

    /// Most bytes of a message.
    pub fn most_bytes(&self) -> usize {
        self.press.slots.bytes()
    }
}
