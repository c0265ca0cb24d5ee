//! The end of a byte ring that puts bytes in, and the grants it lends.

use core::cell::Cell;
use core::marker::PhantomData;
use core::ops::{Deref, DerefMut};
use core::ptr::NonNull;

use super::ring::{HEADER, Ring, Room, clamp};
use super::{Framing, Refused};
use crate::channel::cursor::WriteEnd;
use crate::segment::wake::{Hook, Silent, Wake};

/// The end that puts bytes in. `Send`, not `Sync`, not `Clone`. Dropping it gives the end back; staged
/// bytes that were not published are forgotten.
#[derive(Debug)]
pub struct Producer<'p, W: Wake = Silent> {
    ring: Ring<'p>,
    pub(super) end: WriteEnd<'p, W>,
    not_sync: PhantomData<Cell<()>>,
}

impl<'p> Producer<'p> {
    /// The same end, which from now on calls `hook` after each commit, beginning now: to raise an interrupt, or wake a task.
    pub fn waking<F: Fn()>(self, hook: F) -> Producer<'p, Hook<F>> {
        self.rewired(|_| Hook::new(hook))
    }
}

impl<'p, W: Wake> Producer<'p, W> {
    pub(super) fn new(ring: Ring<'p>, end: WriteEnd<'p, W>) -> Self {
        Self {
            ring,
            end,
            not_sync: PhantomData,
        }
    }

    /// The same end with another way to wake.
    pub(crate) fn rewired<V: Wake>(self, wake: impl FnOnce(&W) -> V) -> Producer<'p, V> {
        Producer::new(self.ring, self.end.rewired(wake))
    }

    /// Most bytes of one record (half the ring, less 8) or of one stream grant (the ring).
    pub fn most(&self) -> usize {
        self.ring.most() as usize
    }

    /// Finds room for `least..=len` bytes in one piece.
    #[inline(always)]
    fn reserve(&mut self, least: u32, len: u32) -> Result<Room, Refused> {
        let position = self.end.position();
        let most = match self.ring.framing {
            Framing::Records => self.ring.most(),
            Framing::Stream => self.ring.until_end(position),
        };
        if least > most {
            return Err(Refused::TooLong {
                found: least as usize,
                most: most as usize,
            });
        }
        let len = len.min(most);
        let room = self.end.room(self.ring.need(position, len));
        match self.ring.place(position, room, least, len) {
            Some(room) => Ok(room),
            None => Err(self.full()),
        }
    }

    #[cold]
    fn full(&mut self) -> Refused {
        // Whoever is told Full may wait for a consumer that waits for this.
        self.end.publish();
        self.end
            .check()
            .map_or(Refused::Corrupt, |()| Refused::Full)
    }

    fn lend(&mut self, least: usize, len: usize) -> Result<WriteGrant<'_, 'p, W>, Refused> {
        if !self.ring.span.is_trusted() {
            return Err(Refused::Distrusted);
        }
        let room = self.reserve(clamp(least), clamp(len))?;
        let (index, len) = (room.payload as usize, room.len as usize);
        self.ring.span.mark_write(index, len);
        let at = self.ring.span.at(index, len);
        Ok(WriteGrant {
            at,
            room,
            lent: PhantomData,
            ring: self.ring,
            end: &mut self.end,
        })
    }

    /// Lends room for exactly `len` bytes in one piece, to be filled in place. In a stream the piece must lie
    /// before the ring's end, which may be too near for `len`: [`Producer::grant_up_to`] takes what there is.
    ///
    /// # Errors
    ///
    /// [`Refused::Full`], [`Refused::TooLong`], [`Refused::Distrusted`], [`Refused::Corrupt`].
    pub fn grant(&mut self, len: usize) -> Result<WriteGrant<'_, 'p, W>, Refused> {
        self.lend(len, len)
    }

    /// Lends as much room in one piece as there is, up to `len` bytes, at least one.
    ///
    /// # Errors
    ///
    /// [`Refused::Full`], [`Refused::Distrusted`], [`Refused::Corrupt`].
    pub fn grant_up_to(&mut self, len: usize) -> Result<WriteGrant<'_, 'p, W>, Refused> {
        self.lend(len.min(1), len)
    }

    /// Copies one record (or, all or nothing, the bytes of a stream) in and commits it.
    ///
    /// # Errors
    ///
    /// [`Refused::Full`], [`Refused::TooLong`], [`Refused::Corrupt`].
    #[inline]
    pub fn send(&mut self, record: &[u8]) -> Result<(), Refused> {
        self.stage(record)?;
        self.end.publish();
        Ok(())
    }

    /// Copies one record in without committing it.
    ///
    /// # Errors
    ///
    /// As [`Producer::send`]; what was staged before is then committed.
    #[inline]
    pub fn stage(&mut self, record: &[u8]) -> Result<(), Refused> {
        let len = clamp(record.len());
        let position = self.end.position();
        if self.ring.framing == Framing::Stream {
            if len > self.ring.most() {
                return Err(Refused::TooLong {
                    found: record.len(),
                    most: self.most(),
                });
            }
            if self.end.room(len) < len {
                return Err(self.full());
            }
            let index = self.ring.index(position);
            let here = self.ring.before_the_end(index, len);
            let (first, rest) = record.split_at(here);
            self.ring.span.store(index as usize, first, here);
            if !rest.is_empty() {
                self.ring.span.store(0, rest, rest.len());
            }
            self.end.advance(len);
            return Ok(());
        }
        let most = self.ring.most();
        if len > most {
            return Err(Refused::TooLong {
                found: record.len(),
                most: most as usize,
            });
        }
        let free = self.end.room(self.ring.need(position, len));
        let Some(room) = self.ring.place_exact(position, free, len) else {
            return Err(self.full());
        };
        let behind = free - room.skip - HEADER;
        let owned = self.ring.before_the_end(room.payload, behind);
        self.ring.span.store(room.payload as usize, record, owned);
        self.end.advance(self.ring.seal(&room, position, len));
        Ok(())
    }

    /// Commits everything staged, with one store.
    #[inline]
    pub fn publish(&mut self) {
        self.end.publish();
    }

    /// Free bytes now, headers and padding included; more may follow at any time.
    pub fn free_bytes(&mut self) -> u32 {
        self.end.room(u32::MAX)
    }

    /// Bytes of the ring.
    pub fn capacity(&self) -> u32 {
        self.end.capacity()
    }

    /// Bytes ever put in, headers and padding included, modulo 2^32.
    pub fn position(&self) -> u32 {
        self.end.position()
    }

    /// Whether the region still makes sense.
    ///
    /// # Errors
    ///
    /// [`Error::Corrupt`](crate::Error::Corrupt), naming the word and what it held, once the consumer's position was impossible; the ring then stays full.
    pub fn check(&self) -> crate::Result<()> {
        self.end.check()
    }
}

/// Room lent by a ring: fill it, then [`commit`](WriteGrant::commit). Dropping it publishes nothing.
#[must_use = "a grant publishes nothing until `commit`"]
#[derive(Debug)]
pub struct WriteGrant<'g, 'p, W: Wake = Silent> {
    /// Not a slice: `commit` gives the bytes away while `self` still lives.
    at: NonNull<u8>,
    room: Room,
    lent: PhantomData<&'g mut [u8]>,
    ring: Ring<'p>,
    end: &'g mut WriteEnd<'p, W>,
}

impl<W: Wake> WriteGrant<'_, '_, W> {
    /// Publishes the first `used` bytes as one record (or as bytes of the stream), with everything staged before.
    ///
    /// # Errors
    ///
    /// [`Refused::TooLong`] if `used` is more than was granted; nothing is then published.
    pub fn commit(self, used: usize) -> Result<(), Refused> {
        let end = self.stage(used)?;
        end.publish();
        Ok(())
    }

    /// Counts the first `used` bytes as written without publishing them.
    ///
    /// # Errors
    ///
    /// As [`WriteGrant::commit`].
    pub fn leave_staged(self, used: usize) -> Result<(), Refused> {
        self.stage(used).map(|_| ())
    }
}

impl<'g, 'p, W: Wake> WriteGrant<'g, 'p, W> {
    fn stage(self, used: usize) -> Result<&'g mut WriteEnd<'p, W>, Refused> {
        if used > self.room.len as usize {
            return Err(Refused::TooLong {
                found: used,
                most: self.room.len as usize,
            });
        }
        self.ring.span.mark_write(self.room.payload as usize, used);
        let position = self.end.position();
        let advance = self.ring.seal(&self.room, position, used as u32);
        self.end.advance(advance);
        Ok(self.end)
    }
}

// SAFETY: as `&mut [u8]` and the end it borrows.
unsafe impl<W: Wake + Send> Send for WriteGrant<'_, '_, W> {}

impl<W: Wake> Deref for WriteGrant<'_, '_, W> {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        // SAFETY: room() found the bytes inside the span of a cooperative region; they are initialised, and the positions
        // say that nobody else touches them until they are published, which consumes the grant.
        unsafe { core::slice::from_raw_parts(self.at.as_ptr(), self.room.len as usize) }
    }
}

impl<W: Wake> DerefMut for WriteGrant<'_, '_, W> {
    fn deref_mut(&mut self) -> &mut [u8] {
        // SAFETY: as in deref, and the borrow of `self` is exclusive.
        unsafe { core::slice::from_raw_parts_mut(self.at.as_ptr(), self.room.len as usize) }
    }
}
