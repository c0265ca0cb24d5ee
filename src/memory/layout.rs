//! Where things lie: the line, the unit, and constant layout arithmetic that never overflows silently.

use core::alloc::Layout;

use crate::error::{Error, Result};

/// Bytes that one writer may own without disturbing another: 128 on the wire, whatever the machine,
/// because several machines fetch lines in pairs and the bytes are the same everywhere.
pub const CACHE_LINE: usize = 128;

/// How far apart the fields of different writers lie: part of a channel's geometry, recorded in its header and compared by
/// whoever attaches. The same bytes on every target, whichever is chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Spacing {
    /// 128 bytes: writers on several cores never disturb each other.
    #[default]
    Lines,
    /// 16 bytes: for microcontrollers with a few KiB of memory. On one core it costs nothing. Where cores have caches, the writers
    /// disturb each other at every step (false sharing: each commit takes the line from the other end), and where caches are not kept
    /// coherent by the machine it cannot be used at all: cleaning one writer's line would write over the other's.
    Compact,
}

impl Spacing {
    /// What fields of different writers are aligned to, in bytes; so are the channel and its payload.
    pub const fn line_bytes(self) -> usize {
        match self {
            Self::Lines => CACHE_LINE,
            Self::Compact => TIGHT_LINE,
        }
    }

    /// The spacing that a header names.
    pub(crate) const fn from_wire(line_bytes: u32) -> Option<Self> {
        match line_bytes as usize {
            CACHE_LINE => Some(Self::Lines),
            TIGHT_LINE => Some(Self::Compact),
            _ => None,
        }
    }
}

/// The line of compact channels: what the largest group of one side's words takes, and what no ordinary element is aligned beyond.
pub(crate) const TIGHT_LINE: usize = 16;

/// Bytes in one unit of a directory span.
pub(crate) const UNIT: usize = 64;

/// A field of a layout descriptor that has a line of its own.
#[derive(Debug)]
#[repr(C, align(128))]
pub(crate) struct Line<T>(#[allow(dead_code)] pub(crate) T);

/// A field of a compact layout's descriptor.
#[derive(Debug)]
#[repr(C, align(16))]
pub(crate) struct Tight<T>(#[allow(dead_code)] pub(crate) T);

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

/// A 16-byte aligned array of bytes: room for compact channels alone, which [`AlignedBytes`] would pad to 128 bytes.
///
/// ```
/// use ringpad::{Channel, CompactBytes, Region, spsc};
/// let config = spsc::Config::new(8).compact();
/// assert_eq!(spsc::Spsc::<u32>::layout(&config)?.size(), 160);
/// let mut room = CompactBytes::<160>::new();
/// let (mut tx, mut rx) = spsc::Spsc::<u32>::init(Region::from_mut(room.as_mut())?, &config)?.split()?;
/// tx.push(7).unwrap();
/// assert_eq!(rx.pop(), Some(7));
/// # Ok::<(), ringpad::Error>(())
/// ```
#[derive(Debug, Clone)]
#[repr(C, align(16))]
pub struct CompactBytes<const N: usize>([u8; N]);

impl<const N: usize> CompactBytes<N> {
    /// `N` zero bytes.
    pub const fn new() -> Self {
        Self([0; N])
    }
}

impl<const N: usize> Default for CompactBytes<N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const N: usize> AsMut<[u8]> for CompactBytes<N> {
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
    spaced(Spacing::Lines, fixed, count, each)
}

/// The same with the lines of a spacing.
pub(crate) fn spaced(spacing: Spacing, fixed: usize, count: usize, each: usize) -> Result<Layout> {
    let line = spacing.line_bytes();
    count
        .checked_mul(each)
        .and_then(|payload| payload.checked_add(fixed))
        .and_then(|bytes| round_up(bytes, line))
        .and_then(|bytes| Layout::from_size_align(bytes, line).ok())
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
        let layout = spaced(Spacing::Compact, 128, 3, 8).unwrap();
        assert_eq!((layout.size(), layout.align()), (160, 16));
        assert_eq!(block(512, usize::MAX, 8), Err(Error::TooLarge));
        assert_eq!(block(usize::MAX - 4, 1, 1), Err(Error::TooLarge));
    }
}
