//! The next version of a notepad, filled in place.

#![forbid(unsafe_code)]

use core::marker::PhantomData;

use super::writer::Pen;
use super::{TooLong, Version};
use crate::channel::stamp::Fill;
use crate::memory::Pod;
use crate::memory::order::RELAXED;
use crate::segment::wake::Wake;

/// The next version, lent by its writer to be filled by pieces. Nobody sees it before [`Draft::commit`].
#[derive(Debug)]
#[must_use = "dropped, nothing is written"]
pub struct Draft<'w, 'p, T: ?Sized, W: Wake> {
    pen: &'w mut Pen<'p, W>,
    fill: Fill<'p>,
    of: PhantomData<fn(&T)>,
}

impl<'w, 'p, T: ?Sized, W: Wake> Draft<'w, 'p, T, W> {
    pub(super) fn new(pen: &'w mut Pen<'p, W>) -> Self {
        let fill = Fill(pen.begin());
        Self {
            pen,
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
    /// [`TooLong`] beyond the value's end; nothing is written.
    pub fn write_at(&mut self, offset: usize, from: &[u8]) -> Result<(), TooLong> {
        self.fill.write_at(offset, from)
    }

    /// Copies bytes back from `offset`: what was written there, or what an earlier version left.
    ///
    /// # Errors
    ///
    /// [`TooLong`] beyond the value's end.
    pub fn read_at(&self, offset: usize, into: &mut [u8]) -> Result<(), TooLong> {
        self.fill.read_at(offset, into)
    }
}

impl<T: Pod, W: Wake> Draft<'_, '_, T, W> {
    /// Commits what was filled.
    pub fn commit(self) -> Version {
        self.pen.finish(self.fill.0)
    }
}

impl<W: Wake> Draft<'_, '_, [u8], W> {
    /// Commits the first `len` bytes.
    ///
    /// # Errors
    ///
    /// [`TooLong`] beyond [`Draft::most`]; nothing is written.
    pub fn commit(self, len: usize) -> Result<Version, TooLong> {
        let most = self.most();
        if len > most {
            return Err(TooLong { found: len, most });
        }
        self.fill.0.length().store(len as u32, RELAXED);
        Ok(self.pen.finish(self.fill.0))
    }
}
