//! The next message of a mailslot, filled in place.

#![forbid(unsafe_code)]

use core::marker::PhantomData;

use super::TooLong;
use super::tail::Press;
use crate::channel::seat::Seat;
use crate::channel::stamp::Fill;
use crate::memory::Pod;
use crate::memory::order::RELAXED;
use crate::segment::wake::Wake;

/// The next message, lent by its publisher to be filled by pieces. Nobody gets it before [`Draft::commit`].
#[derive(Debug)]
#[must_use = "dropped, nothing is published"]
pub struct Draft<'w, 'p, T: ?Sized, W: Wake> {
    press: &'w mut Press<'p>,
    seat: &'w mut Seat<'p, W>,
    fill: Fill<'p>,
    of: PhantomData<fn(&T)>,
}

impl<'w, 'p, T: ?Sized, W: Wake> Draft<'w, 'p, T, W> {
    pub(super) fn new(press: &'w mut Press<'p>, seat: &'w mut Seat<'p, W>) -> Self {
        let fill = Fill(press.begin(seat.upkeep()));
        Self {
            press,
            seat,
            fill,
            of: PhantomData,
        }
    }

    /// Bytes that may be filled.
    pub fn most(&self) -> usize {
        self.fill.most()
    }

    /// Writes bytes at `offset`.
    ///
    /// # Errors
    ///
    /// [`TooLong`] beyond the message's end; nothing is written.
    pub fn write_at(&mut self, offset: usize, from: &[u8]) -> Result<(), TooLong> {
        self.fill.write_at(offset, from)
    }

    /// Copies bytes back from `offset`: what was written there, or what an earlier message left.
    ///
    /// # Errors
    ///
    /// [`TooLong`] beyond the message's end.
    pub fn read_at(&self, offset: usize, into: &mut [u8]) -> Result<(), TooLong> {
        self.fill.read_at(offset, into)
    }

    fn finish(self) -> u64 {
        let sequence = self.press.finish(self.fill.0, self.seat.upkeep());
        self.seat.wake();
        sequence
    }
}

impl<T: Pod, W: Wake> Draft<'_, '_, T, W> {
    /// Publishes what was filled, and answers its number.
    pub fn commit(self) -> u64 {
        self.finish()
    }
}

impl<W: Wake> Draft<'_, '_, [u8], W> {
    /// Publishes the first `len` bytes, and answers their number.
    ///
    /// # Errors
    ///
    /// [`TooLong`] beyond [`Draft::most`]; nothing is published.
    pub fn commit(self, len: usize) -> Result<u64, TooLong> {
        let most = self.most();
        if len > most {
            return Err(TooLong { found: len, most });
        }
        self.fill.0.length().store(len as u32, RELAXED);
        Ok(self.finish())
    }
}
