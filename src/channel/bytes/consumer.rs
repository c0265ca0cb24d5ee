//! The end of a byte ring that takes bytes out, and the grants it lends.

use core::cell::Cell;
use core::marker::PhantomData;
use core::ops::Deref;
use core::ptr::NonNull;

use super::ring::{HEADER, Ring, WRAP, clamp};
use super::{Framing, Refused};
use crate::channel::cursor::ReadEnd;
use crate::segment::wake::{Hook, Silent, Wake};

/// The end that takes bytes out. `Send`, not `Sync`, not `Clone`. Dropping it gives the end back.
#[derive(Debug)]
pub struct Consumer<'p, W: Wake = Silent> {
    ring: Ring<'p>,
    pub(super) end: ReadEnd<'p, W>,
    not_sync: PhantomData<Cell<()>>,
}

/// The next record: where its payload lies.
#[derive(Clone, Copy, Debug)]
struct Found {
    payload: u32,
    len: u32,
    /// Bytes in one piece from the payload on that are committed.
    owned: u32,
    /// Bytes from the consumer's position to behind the record.
    advance: u32,
}

impl<'p> Consumer<'p> {
    /// The same end, which from now on calls `hook` after each commit, beginning now: to raise an interrupt, or wake a task.
    pub fn waking<F: Fn()>(self, hook: F) -> Consumer<'p, Hook<F>> {
        self.rewired(|_| Hook::new(hook))
    }
}

impl<'p, W: Wake> Consumer<'p, W> {
    pub(super) fn new(ring: Ring<'p>, end: ReadEnd<'p, W>) -> Self {
        Self {
            ring,
            end,
            not_sync: PhantomData,
        }
    }

    /// The same end with another way to wake.
    pub(crate) fn rewired<V: Wake>(self, wake: impl FnOnce(&W) -> V) -> Consumer<'p, V> {
        Consumer::new(self.ring, self.end.rewired(wake))
    }

    /// Finds the next record, or the stream's next piece, and checks all that it says.
    #[inline(always)]
    fn find(&mut self) -> Result<Option<Found>, Refused> {
        let mut data = self.end.data(1);
        if data == 0 {
            return self
                .end
                .check()
                .map_or(Err(Refused::Corrupt), |()| Ok(None));
        }
        let mut position = self.end.position();
        let mut to_end = self.ring.until_end(position);
        if self.ring.framing == Framing::Stream {
            return Ok(Some(Found {
                payload: self.ring.index(position),
                len: data.min(to_end),
                owned: data.min(to_end),
                advance: data.min(to_end),
            }));
        }
        // A record's header lies in one piece and inside what is committed.
        if !data.is_multiple_of(HEADER) {
            return Err(self.spoil("tail inside a record", data));
        }
        let mut length = self.ring.length(self.ring.index(position));
        let mut skip = 0;
        if length == WRAP {
            // A marker is committed together with the record behind it.
            if data < to_end + HEADER {
                return Err(self.spoil("wrap marker", data));
            }
            skip = to_end;
            data -= to_end;
            position = position.wrapping_add(to_end);
            to_end = self.ring.until_end(position);
            length = self.ring.length(self.ring.index(position));
        }
        if length > self.ring.most() || Ring::record(length) > data.min(to_end) {
            return Err(self.spoil("record length", length));
        }
        Ok(Some(Found {
            payload: self.ring.index(position) + HEADER,
            len: length,
            owned: data.min(to_end) - HEADER,
            advance: skip + Ring::record(length),
        }))
    }

    #[cold]
    fn spoil(&mut self, what: &'static str, found: u32) -> Refused {
        self.end.spoil(what, found);
        Refused::Corrupt
    }

    /// Bytes of the next record, or of the stream's next piece; `None` if there is none.
    ///
    /// # Errors
    ///
    /// [`Refused::Corrupt`].
    pub fn next_len(&mut self) -> Result<Option<usize>, Refused> {
        Ok(self.find()?.map(|found| found.len as usize))
    }

    /// Lends the next record, or what lies in one piece of the stream. `None` if there is none. It stays until it
    /// is released.
    ///
    /// # Errors
    ///
    /// [`Refused::Distrusted`], [`Refused::Corrupt`].
    pub fn read(&mut self) -> Result<Option<ReadGrant<'_, 'p, W>>, Refused> {
        if !self.ring.span.is_trusted() {
            return Err(Refused::Distrusted);
        }
        let Some(found) = self.find()? else {
            return Ok(None);
        };
        let (index, len) = (found.payload as usize, found.len as usize);
        self.ring.span.mark_read(index, len);
        let at = self.ring.span.at(index, len);
        Ok(Some(ReadGrant {
            at,
            found,
            lent: PhantomData,
            ring: self.ring,
            end: &mut self.end,
        }))
    }

    /// Copies the next record (or as much of the stream as there is and fits) out and releases it. `None` if
    /// there is none.
    ///
    /// # Errors
    ///
    /// [`Refused::TooLong`] if the record is longer than `into`: it stays. [`Refused::Corrupt`].
    #[inline]
    pub fn recv<'b>(&mut self, into: &'b mut [u8]) -> Result<Option<&'b [u8]>, Refused> {
        let Some(found) = self.find()? else {
            return Ok(None);
        };
        if self.ring.framing == Framing::Stream {
            return self.recv_stream(found, into).map(Some);
        }
        let len = found.len as usize;
        let most = into.len();
        let into = into
            .get_mut(..len)
            .ok_or(Refused::TooLong { found: len, most })?;
        self.ring
            .span
            .load(found.payload as usize, into, found.owned as usize);
        self.end.advance(found.advance);
        self.end.acknowledge();
        Ok(Some(into))
    }

    /// Out of line, so as not to crowd the path of records.
    #[inline(never)]
    fn recv_stream<'b>(&mut self, found: Found, into: &'b mut [u8]) -> Result<&'b [u8], Refused> {
        let data = self.end.data(clamp(into.len())) as usize;
        let count = data.min(into.len());
        if count == 0 && !into.is_empty() {
            // Looking for more than was seen found an impossible tail.
            return Err(Refused::Corrupt);
        }
        let into = &mut into[..count];
        let here = self.ring.before_the_end(found.payload, count as u32);
        let (first, rest) = into.split_at_mut(here);
        self.ring.span.load(found.payload as usize, first, here);
        if !rest.is_empty() {
            let owned = rest.len();
            self.ring.span.load(0, rest, owned);
        }
        self.end.advance(count as u32);
        self.end.acknowledge();
        Ok(into)
    }

    /// Committed bytes now, headers and padding included; more may follow at any time.
    pub fn used_bytes(&mut self) -> u32 {
        self.end.data(u32::MAX)
    }

    /// Bytes of the ring.
    pub fn capacity(&self) -> u32 {
        self.end.capacity()
    }

    /// Bytes ever taken, headers and padding included, modulo 2^32. A redelivered record has the position it had.
    pub fn position(&self) -> u32 {
        self.end.position()
    }

    /// Whether the region still makes sense.
    ///
    /// # Errors
    ///
    /// [`Error::Corrupt`](crate::Error::Corrupt), naming the word and what it held, once the ring held what no producer writes; it then stays empty.
    pub fn check(&self) -> crate::Result<()> {
        self.end.check()
    }
}

/// A record lent by a ring, or a piece of a stream. Dropping it releases nothing.
#[must_use = "a record stays until `release`"]
#[derive(Debug)]
pub struct ReadGrant<'g, 'p, W: Wake = Silent> {
    /// Not a slice: `release` gives the bytes away while `self` still lives.
    at: NonNull<u8>,
    found: Found,
    lent: PhantomData<&'g [u8]>,
    ring: Ring<'p>,
    end: &'g mut ReadEnd<'p, W>,
}

impl<W: Wake> ReadGrant<'_, '_, W> {
    /// Gives the whole record or piece back to the producer.
    pub fn release(self) {
        let advance = self.found.advance;
        self.give_back(advance);
    }

    /// Gives the first `used` bytes of a stream's piece back to the producer.
    ///
    /// # Errors
    ///
    /// [`Refused::NotAStream`] for a record, [`Refused::TooLong`] if `used` is more than was lent; nothing is then
    /// released.
    pub fn release_part(self, used: usize) -> Result<(), Refused> {
        if self.ring.framing != Framing::Stream {
            return Err(Refused::NotAStream);
        }
        if used > self.found.len as usize {
            return Err(Refused::TooLong {
                found: used,
                most: self.found.len as usize,
            });
        }
        self.give_back(used as u32);
        Ok(())
    }

    fn give_back(self, advance: u32) {
        let (payload, len) = (self.found.payload as usize, self.found.len as usize);
        self.ring.span.mark_read(payload, len);
        self.end.advance(advance);
        self.end.acknowledge();
    }
}

// SAFETY: as `&[u8]` and the end it borrows.
unsafe impl<W: Wake + Send> Send for ReadGrant<'_, '_, W> {}

impl<W: Wake> Deref for ReadGrant<'_, '_, W> {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        // SAFETY: find() found the bytes inside the span of a cooperative region; they are initialised, and the positions
        // say that nobody writes them until they are released, which consumes the grant.
        unsafe { core::slice::from_raw_parts(self.at.as_ptr(), self.found.len as usize) }
    }
}
