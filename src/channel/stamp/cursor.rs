//! Word cursors: how a large value is read or filled in place, where a slice would race.

#![forbid(unsafe_code)]

use core::fmt;

use crate::memory::racing::RacingSlot;

/// More bytes than there is room for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLong {
    /// Bytes that were to be written, or that the value has.
    pub found: usize,
    /// Bytes that fit.
    pub most: usize,
}

impl fmt::Display for TooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes; at most {} fit", self.found, self.most)
    }
}

impl core::error::Error for TooLong {}

/// A value that may be overwritten while it is looked at: parts of it are copied out. Whoever lends one says afterwards whether
/// what was copied was whole.
#[derive(Debug)]
pub struct Glance<'a> {
    pub(crate) slot: RacingSlot<'a>,
    pub(crate) len: usize,
}

impl Glance<'_> {
    /// Bytes of the value.
    pub fn len(&self) -> usize {
        self.len
    }

    /// True if it has none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Copies the bytes at `offset` out. They may be torn until the call that lent this succeeds.
    ///
    /// # Errors
    ///
    /// [`TooLong`] beyond the value's end; nothing is copied.
    pub fn read_at(&self, offset: usize, into: &mut [u8]) -> Result<(), TooLong> {
        let end = offset.saturating_add(into.len());
        if end > self.len || !self.slot.load_at(offset, into) {
            return Err(TooLong {
                found: end,
                most: self.len,
            });
        }
        Ok(())
    }
}

/// A slot that its one writer fills in place.
#[derive(Debug)]
pub(crate) struct Fill<'a>(pub(crate) RacingSlot<'a>);

impl Fill<'_> {
    pub(crate) fn most(&self) -> usize {
        self.0.bytes()
    }

    pub(crate) fn write_at(&self, offset: usize, from: &[u8]) -> Result<(), TooLong> {
        if self.0.store_at(offset, from) {
            return Ok(());
        }
        Err(self.beyond(offset, from.len()))
    }

    pub(crate) fn read_at(&self, offset: usize, into: &mut [u8]) -> Result<(), TooLong> {
        if self.0.load_at(offset, into) {
            return Ok(());
        }
        Err(self.beyond(offset, into.len()))
    }

    fn beyond(&self, offset: usize, len: usize) -> TooLong {
        TooLong {
            found: offset.saturating_add(len),
            most: self.most(),
        }
    }
}
