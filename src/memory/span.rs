//! Payload bytes of a region: handed from one end to the other by positions.

use core::ptr::NonNull;

use super::maintenance::Ring;
use super::prefetch;
use super::sync::Track;

pub(super) const fn marks(len: usize, unit: usize) -> usize {
    if unit == 0 { 0 } else { len.div_ceil(unit) }
}

/// Bytes that the model checker's marks for `len` payload bytes take behind them.
pub(crate) const fn marks_bytes(len: usize, unit: usize) -> usize {
    size_of::<Track>() * marks(len, unit)
}

/// Payload bytes of a region: handed from one end to the other by positions.
///
/// Whoever calls a method here owns the named bytes by the protocol: the positions say so.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span<'m> {
    at: NonNull<u8>,
    len: usize,
    trusted: bool,
    unit: usize,
    tracks: &'m [Track],
}

// SAFETY: a view of bytes that ends hand to one another across threads and processes.
unsafe impl Send for Span<'_> {}
// SAFETY: as above; the view itself is immutable.
unsafe impl Sync for Span<'_> {}

impl<'m> Span<'m> {
    /// Payload at `at`, marked in units of `unit` bytes; `at` holds `len` bytes, mapped for `'m`.
    pub(super) fn new(
        at: NonNull<u8>,
        len: usize,
        trusted: bool,
        unit: usize,
        tracks: &'m [Track],
    ) -> Self {
        Self {
            at,
            len,
            trusted,
            unit,
            tracks,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn is_trusted(&self) -> bool {
        self.trusted
    }

    /// The payload of a ring of `capacity` elements, a power of two, of `element` bytes each; fewer if it has not so many.
    pub(crate) fn ring(&self, capacity: u32, element: usize) -> Ring {
        let fits = (capacity as usize).checked_mul(element) <= Some(self.len);
        Ring::new(
            self.at,
            if fits { capacity } else { 1 },
            if fits { element } else { 0 },
        )
    }

    /// The address of `bytes` bytes at `offset`.
    #[inline(always)]
    pub(crate) fn at(&self, offset: usize, bytes: usize) -> NonNull<u8> {
        debug_assert!(offset <= self.len && bytes <= self.len - offset);
        // SAFETY: callers mask their offsets with the private geometry, so offset <= len, inside the mapping.
        unsafe { self.at.add(offset) }
    }

    /// Asks the processor for the line at `offset`, to be written soon. The caller owns it.
    #[inline(always)]
    pub(crate) fn soon_written(&self, offset: usize) {
        prefetch::for_writing(self.at(offset, 1).as_ptr());
    }

    /// Asks the processor for the line at `offset`, to be read soon. The caller owns it.
    #[inline(always)]
    pub(crate) fn soon_read(&self, offset: usize) {
        prefetch::for_reading(self.at(offset, 1).as_ptr());
    }

    /// Shows the model checker a read of these bytes.
    #[inline(always)]
    pub(crate) fn mark_read(&self, offset: usize, bytes: usize) {
        if cfg!(ringpad_loom) {
            self.each_mark(offset, bytes, Track::read);
        }
    }

    /// Shows the model checker a write of these bytes.
    #[inline(always)]
    pub(crate) fn mark_write(&self, offset: usize, bytes: usize) {
        if cfg!(ringpad_loom) {
            self.each_mark(offset, bytes, Track::write);
        }
    }

    fn each_mark(&self, offset: usize, bytes: usize, mark: fn(&Track)) {
        if bytes > 0 {
            let (first, last) = (offset / self.unit, (offset + bytes - 1) / self.unit);
            self.tracks[first..=last].iter().for_each(mark);
        }
    }
}
