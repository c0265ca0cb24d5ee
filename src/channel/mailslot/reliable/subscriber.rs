//! The subscribers of a reliable mailslot: each has a cursor that the publisher stays within reach of.

#![forbid(unsafe_code)]

use core::cell::Cell;
use core::marker::PhantomData;

use super::Reliable;
use super::cursor::{Cursor, CursorWords};
use crate::channel::mailslot::subscriber::{Ear, Heard};
use crate::channel::mailslot::{Glance, Start, TooLong};
use crate::channel::seat::Seat;
use crate::channel::stamp::Content;
use crate::error::{Error, Result};
use crate::memory::Pod;
use crate::memory::liveness::PeerId;
use crate::memory::order::{ENROL, RELAXED};
use crate::memory::racing::RacingSlot;
use crate::memory::region::RegionRef;
use crate::memory::sync::{AtomicU32, fence};
use crate::segment::doorbell::{Bell, Ringer, Signal, Silent, Wake};
use crate::segment::join::Peer;

/// Attempts to join beside a publisher that evicts at once.
const ATTEMPTS: u32 = 16;

/// Marks an end that hears `T`s, and that one thread at a time uses.
type Alone<T> = PhantomData<(fn() -> *const T, Cell<()>)>;

/// What a subscriber's turn brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery<T> {
    /// The next message.
    Mail {
        /// Its number, one more than the one before.
        sequence: u64,
        /// What was published.
        value: T,
    },
    /// Nothing new.
    Empty,
    /// The publisher evicted this subscriber: it was too slow, or somebody said so. It gets nothing more before it
    /// [rejoins](Subscriber::rejoin). It learns of it when it tells how far it has come, or is overtaken: before that it may still get
    /// messages that are there.
    Evicted {
        /// How many messages it is behind.
        behind: u64,
    },
}

/// Gets every message from where it began, once. `Send`, not `Sync`, not `Clone`. Dropping it gives the cursor back.
///
/// What it took is told to the publisher every few messages, and before it answers [`Delivery::Empty`].
#[derive(Debug)]
pub struct Subscriber<'p, T: ?Sized, W: Wake = Silent> {
    ear: Ear<'p>,
    limit: &'p AtomicU32,
    lag: u32,
    /// Before the seat: the cursor is free before its claim is.
    place: Place<'p>,
    seat: Seat<'p, W>,
    of: Alone<T>,
}

/// A claimed cursor.
#[derive(Debug)]
struct Place<'p> {
    words: CursorWords<'p>,
    /// What the cursor says unless it was evicted.
    cursor: Cursor,
    /// The message that it says.
    told: u64,
    evicted: bool,
    region: RegionRef<'p>,
}

impl Place<'_> {
    /// Counts no more: evicted, or fed garbage.
    #[cold]
    fn lose(&mut self) {
        self.evicted = true;
        self.words.put(self.cursor.evicted());
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        // A forked child has no mapping to write to.
        if !self.region.is_forked() {
            self.words.put(self.cursor.free());
        }
    }
}

impl<'p, T: Content + ?Sized> Subscriber<'p, T> {
    /// The same end, which from now on rings the doorbell of a publisher that waits for it, beginning now.
    ///
    /// # Errors
    ///
    /// [`Error::ForeignPeer`] for a peer of another segment; the end is then given back.
    pub fn ringing<S: Signal>(
        self,
        me: &'p Peer<'_>,
        signal: S,
    ) -> Result<Subscriber<'p, T, Ringer<'p, S>>> {
        self.seat.check_home(me)?;
        Ok(self.rewired(|_| Ringer::new(me.segment().table(), signal)))
    }
}

impl<'p, T: Content + ?Sized, W: Wake> Subscriber<'p, T, W> {
    pub(super) fn new<'m: 'p>(
        of: &Reliable<'m, T>,
        words: CursorWords<'p>,
        start: Start,
        seat: Seat<'p, W>,
    ) -> Result<Self> {
        let mut subscriber = Self {
            ear: Ear::new(of.tail, of.slots, start, &()),
            limit: of.limit,
            lag: of.terms.lag,
            place: Place {
                words,
                cursor: words.load(),
                told: 0,
                evicted: true,
                region: of.region,
            },
            seat,
            of: PhantomData,
        };
        subscriber.rejoin(start)?;
        Ok(subscriber)
    }

    /// Begins anew, evicted or not: as if it subscribed again, with the same cursor. It may begin behind `start`, with the first message that
    /// is still there and that the publisher would not overwrite without looking: [`Subscriber::next_sequence`] says where.
    ///
    /// # Errors
    ///
    /// [`Error::Busy`] if the publisher evicts it again and again meanwhile.
    pub fn rejoin(&mut self, start: Start) -> Result<()> {
        // Until it has a place that counts.
        self.place.evicted = true;
        for _ in 0..ATTEMPTS {
            self.ear.seek(start, &());
            let cursor = self.place.cursor.reborn().at(self.ear.next);
            self.place.cursor = cursor;
            if !self.place.words.put(cursor) {
                break;
            }
            fence(ENROL); // ENROL: pairs with GRANT
            let least = self.limit().saturating_sub(self.lag.into());
            if least > self.ear.next {
                // Up to there the publisher goes without looking.
                self.place.cursor = cursor.at(least);
                if !self.place.words.advance(cursor, self.place.cursor) {
                    continue;
                }
                self.ear.next = least;
            }
            self.place.told = self.ear.next;
            self.place.evicted = false;
            // A publisher may wait for the place where this cursor was.
            self.seat.wake();
            return Ok(());
        }
        Err(Error::Busy)
    }

    /// The first message that the publisher does not publish without looking.
    fn limit(&self) -> u64 {
        let limit = self.limit.load(RELAXED);
        let newest = self.ear.newest(&());
        newest.saturating_add_signed(i64::from(limit.wrapping_sub(newest as u32) as i32))
    }

    /// The same end with another way to wake, which it uses at once.
    pub(crate) fn rewired<V: Wake>(mut self, wake: impl FnOnce(&W) -> V) -> Subscriber<'p, T, V> {
        let mut subscriber = Subscriber {
            seat: self.seat.rewired(wake),
            ear: self.ear,
            limit: self.limit,
            lag: self.lag,
            place: self.place,
            of: PhantomData,
        };
        subscriber.seat.wake();
        subscriber
    }

    /// Tells the publisher how far this subscriber has come. False if it was evicted.
    #[inline]
    fn tell(&mut self) -> bool {
        if self.place.told == self.ear.next {
            return true;
        }
        let cursor = self.place.cursor.at(self.ear.next);
        if !self.place.words.advance(self.place.cursor, cursor) {
            self.place.lose();
            return false;
        }
        (self.place.cursor, self.place.told) = (cursor, self.ear.next);
        self.seat.wake();
        true
    }

    #[cold]
    fn evicted<V>(&mut self) -> Delivery<V> {
        if !self.place.evicted {
            self.place.lose();
            // A publisher may wait for the place that this cursor had.
            self.seat.wake();
        }
        let behind = self.behind();
        Delivery::Evicted { behind }
    }

    #[inline(always)]
    fn hear<V>(&mut self, copy: impl FnOnce(RacingSlot<'p>) -> V) -> Delivery<V> {
        if self.place.evicted {
            return self.evicted();
        }
        let slot = match self.ear.listen(&()) {
            Heard::Complete(slot) => slot,
            Heard::Nothing => {
                // Nobody who is evicted waits for what it will not get.
                if self.tell() && self.place.words.load() == self.place.cursor {
                    return Delivery::Empty;
                }
                return self.evicted();
            }
            // The publisher overtakes no cursor that counts.
            Heard::Gone(_) => return self.evicted(),
        };
        let value = copy(slot);
        if self.ear.confirm(slot, &()).is_err() {
            return self.evicted();
        }
        let sequence = self.ear.next;
        self.ear.next += 1;
        // Not each: telling costs an exchange, and the publisher's looking a line.
        if self.ear.next - self.place.told >= u64::from(self.lag / 4).max(1) {
            self.tell();
        }
        Delivery::Mail { sequence, value }
    }

    /// The number of the message that it gets next.
    pub fn next_sequence(&self) -> u64 {
        self.ear.next
    }

    /// How many messages it is behind the publisher.
    pub fn behind(&self) -> u64 {
        (self.ear.newest(&()) + 1).saturating_sub(self.ear.next)
    }

    /// Who holds the publisher's end, dead or alive.
    pub fn publisher(&self) -> Option<PeerId> {
        self.seat.other()
    }

    /// True if nobody alive holds the publisher's end now. Another may come. May ask the system whether the holder lives.
    pub fn is_abandoned(&self) -> bool {
        self.seat.is_abandoned()
    }

    /// What to wait at for messages.
    pub fn bell(&self) -> Bell<'p, W::Keep> {
        self.seat.bell()
    }

    /// Lends the next message to be looked at in place: for large ones of which a part is wanted. What `look` returns comes back only if
    /// the message stayed whole until then: it may not, if this subscriber is evicted meanwhile.
    pub fn poll_with<V>(&mut self, look: impl FnOnce(&Glance<'_>) -> V) -> Delivery<V> {
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

impl<T: Pod, W: Wake> Subscriber<'_, T, W> {
    /// The next message, if it is there.
    #[inline(always)]
    pub fn poll(&mut self) -> Delivery<T> {
        self.hear(|slot| slot.load_value())
    }
}

impl<W: Wake> Subscriber<'_, [u8], W> {
    /// Copies the next message out, if it is there, and says how many bytes it has.
    ///
    /// # Errors
    ///
    /// [`TooLong`] if they are more than `into` takes; the message stays.
    pub fn poll_into(&mut self, into: &mut [u8]) -> core::result::Result<Delivery<usize>, TooLong> {
        let most = into.len();
        let mut too_long = None;
        if let Heard::Complete(slot) = self.ear.listen(&()) {
            let found = (slot.length().load(RELAXED) as usize).min(slot.bytes());
            if found > most && !self.place.evicted && self.ear.confirm(slot, &()).is_ok() {
                too_long = Some(TooLong { found, most });
            }
        }
        if let Some(too_long) = too_long {
            return Err(too_long);
        }
        Ok(self.poll_with(|bytes| {
            let len = bytes.len().min(most);
            if let Some(into) = into.get_mut(..len) {
                bytes.slot.load(into);
            }
            len
        }))
    }

    /// Most bytes of a message.
    pub fn most_bytes(&self) -> usize {
        self.ear.bytes()
    }
}
