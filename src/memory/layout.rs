//! Where things lie: the line, the unit, and constant layout arithmetic that never overflows silently.

use core::alloc::Layout;

use crate::error::{Error, Result};

/// Bytes that one writer may own without disturbing another: 128 on the wire, whatever the machine,
/// because several machines fetch lines in pairs and the bytes are the same everywhere.
pub const CACHE_LINE: usize = 128;

/// Bytes in one unit of a directory span.
pub(crate) const UNIT: usize = 64;

/// A field of a layout descriptor that has a line of its own.
#[derive(Debug)]
#[repr(C, align(128))]
pub(crate) struct Line<T>(#[allow(dead_code)] pub(crate) T);

/// A 128-byte aligned array of bytes: room for a channel between threads, or a firmware static.
///
/// ```
/// use ringpad::{AlignedBytes, Region};
/// let mut room = AlignedBytes::<1024>::new();
/// let region = Region::from_mut(room.as_mut())?;
/// assert_eq!(region.len(), 1024);
/// # Ok::<(), ringpad::Error>(())
/// ```
#[derive(Debug, Clone)]
#[repr(C, align(128))]
pub struct AlignedBytes<const N: usize>([u8; N]);

impl<const N: usize> AlignedBytes<N> {
    /// `N` zero bytes.
    pub const fn new() -> Self {
        Self([0; N])
    }
}

impl<const N: usize> Default for AlignedBytes<N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const N: usize> AsMut<[u8]> for AlignedBytes<N> {
    fn as_mut(&mut self) -> &mut [u8] {
        &mut self.0
    }
}

/// `n` rounded up to a multiple of `to`, a power of two.
pub(crate) const fn round_up(n: usize, to: usize) -> Option<usize> {
    match n.checked_add(to - 1) {
        Some(sum) => Some(sum & !(to - 1)),
        None => None,
    }
}

/// A line-aligned layout of `fixed` bytes and then `count` pieces of `each` bytes, padded to the line.
pub(crate) fn block(fixed: usize, count: usize, each: usize) -> Result<Layout> {
    count
        .checked_mul(each)
        .and_then(|payload| payload.checked_add(fixed))
        .and_then(|bytes| round_up(bytes, CACHE_LINE))
        .and_then(|bytes| Layout::from_size_align(bytes, CACHE_LINE).ok())
        .ok_or(Error::TooLarge)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_up_and_refuses_overflow() {
        assert_eq!(round_up(0, 64), Some(0));
        assert_eq!(round_up(1, 64), Some(64));
        assert_eq!(round_up(64, 64), Some(64));
        assert_eq!(round_up(usize::MAX, 64), None);
    }

    #[test]
    fn a_block_is_padded_to_the_line_and_never_wraps() {
        let layout = block(512, 3, 8).unwrap();
        assert_eq!((layout.size(), layout.align()), (640, 128));
        assert_eq!(block(512, usize::MAX, 8), Err(Error::TooLarge));
        assert_eq!(block(usize::MAX - 4, 1, 1), Err(Error::TooLarge));
    }
}
