//! Frames in hand: one to be written, many to be looked at.

use core::fmt;

use super::pool::Got;
use super::ticket::{Picture, Receivers, Ticket};
use super::user::User;
use crate::error::{Error, Result};
use crate::segment::doorbell::{Silent, Wake};

/// A frame that this user alone has, to be written. Dropping it gives it back unpublished.
#[must_use = "a loan publishes nothing until `publish`"]
pub struct Loan<'u, 'p, W: Wake = Silent> {
    user: &'u User<'p, W>,
    got: Got<'p>,
    done: bool,
}

impl<W: Wake> fmt::Debug for Loan<'_, '_, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("Loan");
        out.field("index", &self.got.index).finish_non_exhaustive()
    }
}

impl<'u, 'p, W: Wake> Loan<'u, 'p, W> {
    #[inline]
    pub(super) fn new(user: &'u User<'p, W>, got: Got<'p>) -> Self {
        let done = false;
        Self { user, got, done }
    }

    /// Where the frame's bytes begin, in the pool's.
    fn at(&self) -> usize {
        self.got.index as usize * self.user.pool.stride
    }

    /// Bytes of the frame. All of it may be written, and less be published.
    pub fn capacity(&self) -> u32 {
        self.user.pool.frame_bytes
    }

    /// The whole frame, in place. It holds what was last written there.
    ///
    /// # Errors
    ///
    /// [`Error::Distrusted`]: over such a region [`Loan::write_at`] copies; [`Error::Forked`].
    #[inline]
    pub fn bytes_mut(&mut self) -> Result<&mut [u8]> {
        let bytes = self.user.pool.bytes;
        if !bytes.is_trusted() {
            return Err(Error::Distrusted);
        }
        self.user.pool.region.check_not_forked()?;
        let len = self.capacity() as usize;
        bytes.mark_write(self.at(), len);
        let at = bytes.at(self.at(), len);
        // SAFETY: the frame lies in the span, by an index below the private count, and is initialised; its word names this user's seat as
        // its one writer until the loan is published or dropped, and the borrow of `self` is exclusive.
        Ok(unsafe { core::slice::from_raw_parts_mut(at.as_ptr(), len) })
    }

    /// Copies bytes into the frame.
    ///
    /// # Errors
    ///
    /// [`Error::TooSmall`], and nothing written, if they do not fit; [`Error::Forked`].
    pub fn write_at(&mut self, offset: u32, from: &[u8]) -> Result<()> {
        let (found, offset) = (u64::from(self.capacity()), u64::from(offset));
        let want = offset.saturating_add(from.len() as u64);
        if want > found {
            return Err(Error::TooSmall { want, found });
        }
        self.user.pool.region.check_not_forked()?;
        let at = self.at() + offset as usize;
        self.user.pool.bytes.store(at, from, from.len());
        Ok(())
    }

    /// Says something of the picture. What was said of the one before stays until then.
    pub fn set_picture(&mut self, picture: &Picture) {
        if !self.user.is_forked() {
            self.got.frame.set_picture(picture);
        }
    }

    /// Publishes the frame's first `len` bytes for whoever comes in time: the ticket is worth a view until the frame is loaned again.
    ///
    /// # Errors
    ///
    /// [`Error::TooSmall`] if the frame has fewer bytes, [`Error::Forked`]; nothing is published then, and the frame is given back.
    #[inline]
    pub fn publish(self, len: u32) -> Result<Ticket> {
        self.publish_for(len, Receivers::NONE)
    }

    /// Publishes the frame's first `len` bytes and reserves them: the frame is not loaned again until each of these receivers has taken
    /// and dropped it. Send the ticket to each of them; what cannot be sent, [`User::recall`]. Receivers that the pool does not have are left out.
    ///
    /// # Errors
    ///
    /// As [`Loan::publish`].
    #[inline]
    pub fn publish_for(mut self, len: u32, whom: Receivers) -> Result<Ticket> {
        if len > self.capacity() {
            return Err(Error::TooSmall {
                want: len.into(),
                found: self.capacity().into(),
            });
        }
        self.user.pool.region.check_not_forked()?;
        let pool = &self.user.pool;
        let word = pool.publish(&self.got, self.user.me(), whom);
        self.done = true;
        if word.is_free() {
            // It can be loaned again at once.
            self.user.wake();
        }
        Ok(Ticket {
            index: self.got.index,
            generation: word.generation(),
            len,
        })
    }
}

impl<W: Wake> Drop for Loan<'_, '_, W> {
    #[inline]
    fn drop(&mut self) {
        if !self.done && !self.user.is_forked() {
            self.user.pool.return_loan(&self.got);
            self.user.wake();
        }
    }
}

/// A published frame that stays as it is while anybody has a view of it. Dropping the last gives it back.
#[must_use = "the frame may be written again as soon as the view is dropped"]
pub struct View<'u, 'p, W: Wake = Silent> {
    user: &'u User<'p, W>,
    got: Got<'p>,
    len: u32,
}

impl<W: Wake> fmt::Debug for View<'_, '_, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("View").field(&self.ticket()).finish()
    }
}

impl<'u, 'p, W: Wake> View<'u, 'p, W> {
    #[inline]
    pub(super) fn new(user: &'u User<'p, W>, got: Got<'p>, ticket: Ticket) -> Self {
        let len = ticket.len;
        Self { user, got, len }
    }

    fn at(&self) -> usize {
        self.got.index as usize * self.user.pool.stride
    }

    /// The ticket that it was had for.
    pub fn ticket(&self) -> Ticket {
        Ticket {
            index: self.got.index,
            generation: self.got.word.generation(),
            len: self.len,
        }
    }

    /// Bytes that were published.
    pub fn len(&self) -> u32 {
        self.len
    }

    /// True if none were.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// What the publisher said of the picture.
    pub fn picture(&self) -> Picture {
        match self.user.is_forked() {
            true => Picture::default(),
            false => self.got.frame.picture(),
        }
    }

    /// The published bytes, in place.
    ///
    /// # Errors
    ///
    /// [`Error::Distrusted`]: over such a region [`View::copy_to`] copies; [`Error::Forked`].
    #[inline]
    pub fn bytes(&self) -> Result<&[u8]> {
        let bytes = self.user.pool.bytes;
        if !bytes.is_trusted() {
            return Err(Error::Distrusted);
        }
        self.user.pool.region.check_not_forked()?;
        let len = self.len as usize;
        bytes.mark_read(self.at(), len);
        let at = bytes.at(self.at(), len);
        // SAFETY: the bytes lie in the frame, by an index below the private count and a length that was checked, and are initialised; the
        // frame's word has this user's bit, so nobody is lent it to write until the view is dropped.
        Ok(unsafe { core::slice::from_raw_parts(at.as_ptr(), len) })
    }

    /// Copies the published bytes from `offset` on, as many as fit. Answers how many.
    ///
    /// # Errors
    ///
    /// [`Error::Forked`].
    pub fn copy_at(&self, offset: u32, into: &mut [u8]) -> Result<usize> {
        self.user.pool.region.check_not_forked()?;
        let bytes = self.user.pool.bytes;
        let rest = self.len.saturating_sub(offset) as usize;
        let len = rest.min(into.len());
        if len > 0 {
            bytes.load(self.at() + offset as usize, &mut into[..len], len);
        }
        Ok(len)
    }

    /// Copies the published bytes, as many as fit. Answers how many.
    ///
    /// # Errors
    ///
    /// As [`View::copy_at`].
    pub fn copy_to(&self, into: &mut [u8]) -> Result<usize> {
        self.copy_at(0, into)
    }
}

impl<W: Wake> Drop for View<'_, '_, W> {
    #[inline]
    fn drop(&mut self) {
        let user = self.user;
        if !user.is_forked() && user.pool.unpin(self.got.frame, user.bit) {
            user.wake();
        }
    }
}
