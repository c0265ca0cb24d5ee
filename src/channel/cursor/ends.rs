//! The two ends of a position pair: their private positions, what they saw of the other, when they publish.

#![forbid(unsafe_code)]

use super::Pair;
use crate::channel::seat::{Claimant, Ends, Seat};
use crate::error::{Error, Result};
use crate::memory::maintenance::Extent;
use crate::memory::order::{OBSERVE, PUBLISH, RECLAIM, RELAXED, RELEASE};
use crate::memory::sync::AtomicU32;
use crate::segment::wake::Wake;

impl<'m> Pair<'m> {
    /// Claims the producer's end.
    pub(crate) fn write_end<'p, W: Wake>(
        self,
        who: Claimant<'p>,
        mut wake: W,
    ) -> Result<WriteEnd<'p, W>>
    where
        'm: 'p,
    {
        let ends = Ends {
            claim: self.producer,
            other: self.consumer,
            mine: self.space_waiters,
            theirs: self.data_waiters,
        };
        self.show_ring(&mut wake)?;
        let seat = Seat::take(self.region, ends, who, wake)?;
        let tail = self.tail.load(RELAXED);
        seat.upkeep().invalidate(Extent::of(self.head));
        let head = self.head.load(RECLAIM); // RECLAIM: pairs with RELEASE
        self.check(tail, head)?;
        let mut end = WriteEnd {
            tail: self.tail,
            head: self.head,
            capacity: self.geometry.capacity,
            position: tail,
            published: tail,
            head_seen: head,
            corrupt: None,
            seat,
        };
        // Whoever sleeps at the other end may be waiting for a partner.
        end.seat.wake();
        Ok(end)
    }

    /// Claims the consumer's end.
    pub(crate) fn read_end<'p, W: Wake>(
        self,
        who: Claimant<'p>,
        mut wake: W,
    ) -> Result<ReadEnd<'p, W>>
    where
        'm: 'p,
    {
        let ends = Ends {
            claim: self.consumer,
            other: self.producer,
            mine: self.data_waiters,
            theirs: self.space_waiters,
        };
        self.show_ring(&mut wake)?;
        let seat = Seat::take(self.region, ends, who, wake)?;
        let head = self.head.load(RELAXED);
        seat.upkeep().invalidate(Extent::of(self.tail));
        let tail = self.tail.load(OBSERVE); // OBSERVE: pairs with PUBLISH
        self.check(tail, head)?;
        seat.upkeep().invalidate_between(head, tail);
        let mut end = ReadEnd {
            tail: self.tail,
            head: self.head,
            capacity: self.geometry.capacity,
            position: head,
            released: head,
            tail_seen: tail,
            corrupt: None,
            seat,
        };
        // Whoever sleeps at the other end may be waiting for a partner.
        end.seat.wake();
        Ok(end)
    }
}

impl Pair<'_> {
    /// Tells an end that maintains caches where the payload lies.
    fn show_ring<W: Wake>(&self, wake: &mut W) -> Result<()> {
        if const { W::MAINTAINED } {
            let (capacity, element) =
                (self.geometry.capacity, self.geometry.element_bytes as usize);
            wake.set_ring(self.payload(element)?.ring(capacity, element));
        }
        Ok(())
    }
}

/// The producer's end: where to write next, and how much room there is.
#[derive(Debug)]
pub(crate) struct WriteEnd<'p, W: Wake> {
    tail: &'p AtomicU32,
    head: &'p AtomicU32,
    capacity: u32,
    /// Where the next item goes.
    position: u32,
    /// What the region's tail says: at most `position`.
    published: u32,
    /// The region's head as last seen: at most `published`.
    head_seen: u32,
    corrupt: Option<Error>,
    pub(crate) seat: Seat<'p, W>,
}

impl<'p, W: Wake> WriteEnd<'p, W> {
    pub(crate) fn capacity(&self) -> u32 {
        self.capacity
    }

    #[inline(always)]
    pub(crate) fn position(&self) -> u32 {
        self.position
    }

    #[inline(always)]
    fn room_seen(&self) -> u32 {
        self.capacity - self.position.wrapping_sub(self.head_seen)
    }

    /// Room for at least `want`, or all there is.
    #[inline(always)]
    pub(crate) fn room(&mut self, want: u32) -> u32 {
        let room = self.room_seen();
        if room >= want { room } else { self.look() }
    }

    /// Looks where the consumer is now.
    #[inline]
    fn look(&mut self) -> u32 {
        if self.corrupt.is_some() {
            return 0;
        }
        self.seat.upkeep().invalidate(Extent::of(self.head));
        let head = self.head.load(RECLAIM); // RECLAIM: pairs with RELEASE
        let moved = head.wrapping_sub(self.head_seen);
        if moved > self.published.wrapping_sub(self.head_seen) {
            self.corrupt = Some(Error::Corrupt {
                what: "head",
                found: head,
            });
            return 0;
        }
        self.head_seen = head;
        self.room_seen()
    }

    /// Counts `count` items as written; the caller had room for them.
    #[inline(always)]
    pub(crate) fn advance(&mut self, count: u32) {
        self.position = self.position.wrapping_add(count);
    }

    /// Commits everything written so far, and wakes who waits for it.
    #[inline(always)]
    pub(crate) fn publish(&mut self) {
        if self.published != self.position {
            self.publish_all();
        }
    }

    /// As [`WriteEnd::publish`], for callers that have just written something.
    #[inline(always)]
    pub(crate) fn publish_all(&mut self) {
        self.seat
            .upkeep()
            .clean_between(self.published, self.position);
        self.published = self.position;
        self.tail.store(self.position, PUBLISH); // PUBLISH: pairs with OBSERVE
        self.seat.upkeep().clean(Extent::of(self.tail));
        self.seat.wake();
    }

    pub(crate) fn check(&self) -> Result<()> {
        self.corrupt.map_or(Ok(()), Err)
    }

    /// The same end with another way to wake, which it uses at once: who sleeps may be waiting for this.
    pub(crate) fn rewired<V: Wake>(mut self, wake: impl FnOnce(&W) -> V) -> WriteEnd<'p, V> {
        let mut end = WriteEnd {
            tail: self.tail,
            head: self.head,
            capacity: self.capacity,
            position: self.position,
            published: self.published,
            head_seen: self.head_seen,
            corrupt: self.corrupt,
            seat: self.seat.rewired(wake),
        };
        end.seat.wake();
        end
    }
}

impl<W: Wake> Drop for WriteEnd<'_, W> {
    fn drop(&mut self) {
        if const { W::MAINTAINED } {
            // What was staged, or written to a grant, may lie anywhere in the room: left dirty, it would reach the memory some time
            // after the next end, on another core, has put something else there.
            let all = self.published.wrapping_add(self.capacity);
            self.seat.upkeep().clean_between(self.published, all);
        }
    }
}

/// The consumer's end: where to read next, and how much there is.
#[derive(Debug)]
pub(crate) struct ReadEnd<'p, W: Wake> {
    tail: &'p AtomicU32,
    head: &'p AtomicU32,
    capacity: u32,
    /// Where the next item lies.
    position: u32,
    /// What the region's head says: at most `position`.
    released: u32,
    /// The region's tail as last seen: at least `position`.
    tail_seen: u32,
    corrupt: Option<Error>,
    pub(crate) seat: Seat<'p, W>,
}

impl<'p, W: Wake> ReadEnd<'p, W> {
    pub(crate) fn capacity(&self) -> u32 {
        self.capacity
    }

    #[inline(always)]
    pub(crate) fn position(&self) -> u32 {
        self.position
    }

    #[inline(always)]
    fn data_seen(&self) -> u32 {
        self.tail_seen.wrapping_sub(self.position)
    }

    /// Data of at least `want`, or all there is.
    #[inline(always)]
    pub(crate) fn data(&mut self, want: u32) -> u32 {
        let data = self.data_seen();
        if data >= want { data } else { self.look() }
    }

    /// Looks where the producer is now.
    #[inline]
    fn look(&mut self) -> u32 {
        if self.corrupt.is_some() {
            return 0;
        }
        self.seat.upkeep().invalidate(Extent::of(self.tail));
        let tail = self.tail.load(OBSERVE); // OBSERVE: pairs with PUBLISH
        let ahead = tail.wrapping_sub(self.released);
        if ahead > self.capacity || ahead < self.tail_seen.wrapping_sub(self.released) {
            return self.spoil("tail", tail);
        }
        self.seat.upkeep().invalidate_between(self.tail_seen, tail);
        self.tail_seen = tail;
        self.data_seen()
    }

    /// Remembers that the region holds what no producer writes: nothing more is read from it.
    #[cold]
    pub(crate) fn spoil(&mut self, what: &'static str, found: u32) -> u32 {
        self.corrupt = Some(Error::Corrupt { what, found });
        self.tail_seen = self.position;
        0
    }

    /// Counts `count` items as read; there was data.
    #[inline(always)]
    pub(crate) fn advance(&mut self, count: u32) {
        self.position = self.position.wrapping_add(count);
    }

    /// Gives everything read so far back to the producer, and wakes it if it waits for room.
    #[inline(always)]
    pub(crate) fn acknowledge(&mut self) {
        if self.released != self.position {
            self.acknowledge_all();
        }
    }

    /// As [`ReadEnd::acknowledge`], for callers that have just read something.
    #[inline(always)]
    pub(crate) fn acknowledge_all(&mut self) {
        self.released = self.position;
        self.head.store(self.position, RELEASE); // RELEASE: pairs with RECLAIM
        self.seat.upkeep().clean(Extent::of(self.head));
        self.seat.wake();
    }

    pub(crate) fn check(&self) -> Result<()> {
        self.corrupt.map_or(Ok(()), Err)
    }

    /// The same end with another way to wake, which it uses at once: who sleeps may be waiting for this.
    pub(crate) fn rewired<V: Wake>(mut self, wake: impl FnOnce(&W) -> V) -> ReadEnd<'p, V> {
        let mut end = ReadEnd {
            tail: self.tail,
            head: self.head,
            capacity: self.capacity,
            position: self.position,
            released: self.released,
            tail_seen: self.tail_seen,
            corrupt: self.corrupt,
            seat: self.seat.rewired(wake),
        };
        end.seat.wake();
        end
    }
}
