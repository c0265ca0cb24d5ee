//! A region: a mapped range of bytes. The base pointer lives in this file alone.
//!
//! [`Region`] is the public token, neither `Copy` nor `Clone`: whoever holds one may lay something out
//! over it. [`RegionRef`] is what handles keep: it finds words and spans by checked offset.

use core::marker::PhantomData;
use core::ptr::NonNull;
use core::sync::atomic::Ordering;

use super::layout::{CACHE_LINE, TIGHT_LINE};
use super::maintenance::Extent;
use super::racing::{self, RacingSlots};
use super::span::{Span, marks};
#[cfg(target_has_atomic = "64")]
use super::sync::AtomicU64;
use super::sync::{Atomic, AtomicU32, RawU32, Track};
use super::words;
use crate::error::{Error, Result};

/// A mapped byte range, valid for `'m`: room for one channel or one segment.
///
/// The token is linear: [`Channel::init`](crate::Channel::init) and [`Region::split_at`] consume it, and no
/// user ever gets one over a live channel.
///
/// | | cooperative | distrusted |
/// |---|---|---|
/// | other parties | follow the protocol, may die anywhere | may write anything, any time |
/// | payload | plain memory, lent as slices | copied word by word, never lent |
#[derive(Debug)]
pub struct Region<'m>(RegionRef<'m>);

impl<'m> Region<'m> {
    /// A cooperative region over mapped bytes.
    ///
    /// # Errors
    ///
    /// [`Error::Misaligned`] unless `base` is 16-byte aligned and not null, [`Error::TooLarge`] beyond `isize::MAX`. Segments, and
    /// channels that are not compact, ask for 128.
    ///
    /// # Safety
    ///
    /// `base..base + len` is mapped, readable, writable and initialised for `'m`, and during `'m` every other party
    /// (another thread, process or core, or this one through other pointers) touches these bytes only
    /// through this crate's protocol, over regions that begin and are split where this one is. A child forked during `'m` that inherits the mapping must not use the handles it
    /// inherits. Without compare-and-swap (`cfg(target_has_atomic = "32")` unset) nobody else initialises anything in these bytes at the same time.
    pub unsafe fn new(base: *mut u8, len: usize) -> Result<Self> {
        RegionRef::over(base, len, true, true).map(Self)
    }

    /// A cooperative region that this party may only read.
    ///
    /// # Errors
    ///
    /// As [`Region::new`].
    ///
    /// # Safety
    ///
    /// As [`Region::new`], but the bytes need not be writable.
    pub unsafe fn read_only(base: *const u8, len: usize) -> Result<Self> {
        RegionRef::over(base.cast_mut(), len, false, true).map(Self)
    }

    /// A distrusted region: others may write anything at any time. Every call stays memory-safe and
    /// bounded; calls that would lend bytes answer [`Error::Distrusted`].
    ///
    /// # Errors
    ///
    /// As [`Region::new`].
    ///
    /// # Safety
    ///
    /// `base..base + len` is mapped, readable and writable for `'m` and cannot be truncated (in practice a memfd
    /// sealed against shrinking), and this process touches it only through this crate, over regions that begin and are split where this
    /// one is. A child forked during `'m` must not use the handles it inherits. Without compare-and-swap this party initialises nothing in
    /// these bytes while another does.
    pub unsafe fn distrusted(base: *mut u8, len: usize) -> Result<Self> {
        RegionRef::over(base, len, true, false).map(Self)
    }

    /// A distrusted region that this party may only read.
    ///
    /// # Errors
    ///
    /// As [`Region::new`].
    ///
    /// # Safety
    ///
    /// As [`Region::distrusted`], but the bytes need not be writable.
    pub unsafe fn distrusted_read_only(base: *const u8, len: usize) -> Result<Self> {
        RegionRef::over(base.cast_mut(), len, false, false).map(Self)
    }

    /// A region over bytes that nobody else can reach while it lives: threads share it through the
    /// handles made from it.
    ///
    /// # Errors
    ///
    /// As [`Region::new`]. [`AlignedBytes`](crate::AlignedBytes) are aligned for everything, [`CompactBytes`](crate::CompactBytes)
    /// for compact channels.
    ///
    /// ```
    /// use ringpad::{AlignedBytes, Channel, Region, spsc};
    /// let mut room = AlignedBytes::<1024>::new();
    /// let region = Region::from_mut(room.as_mut())?;
    /// let (mut tx, mut rx) = spsc::Spsc::<u64>::init(region, &spsc::Config::new(16))?.split()?;
    /// tx.push(7).unwrap();
    /// assert_eq!(rx.pop(), Some(7));
    /// # Ok::<(), ringpad::Error>(())
    /// ```
    pub fn from_mut(bytes: &'m mut [u8]) -> Result<Self> {
        RegionRef::over(bytes.as_mut_ptr(), bytes.len(), true, true).map(Self)
    }

    /// Bytes in the region.
    pub fn len(&self) -> usize {
        self.0.len
    }

    /// True if the region has no bytes.
    pub fn is_empty(&self) -> bool {
        self.0.len == 0
    }

    /// True if this party may only read.
    pub fn is_read_only(&self) -> bool {
        !self.0.writable
    }

    /// True if other parties may write anything.
    pub fn is_distrusted(&self) -> bool {
        !self.0.trusted
    }

    /// Two regions: the first `mid` bytes, and the rest.
    ///
    /// # Errors
    ///
    /// [`Error::Misaligned`] unless `mid` is a multiple of 16 (what is not compact asks for 128), [`Error::TooSmall`] if it lies beyond the end.
    pub fn split_at(self, mid: usize) -> Result<(Self, Self)> {
        let head = self.0.piece(0, mid, TIGHT_LINE)?;
        let rest = self.0.len.saturating_sub(mid);
        let tail = self.0.piece(mid, rest, TIGHT_LINE)?;
        Ok((Self(head), Self(tail)))
    }

    /// Zeroes the region, whatever it held: the only way back from `AlreadyInitialized`.
    ///
    /// # Errors
    ///
    /// [`Error::ReadOnly`] on a read-only region.
    ///
    /// # Safety
    ///
    /// No other party uses the region, and no handle made from it is used again.
    pub unsafe fn erase(&mut self) -> Result<()> {
        self.0.check_writable()?;
        self.0.zero();
        Ok(())
    }

    /// Has the region say [`Error::Forked`] where `guard` reads zero: the os layer's word that a
    /// forked child finds wiped.
    #[cfg_attr(any(not(feature = "std"), ringpad_loom), allow(dead_code))]
    pub(crate) fn guarded_by(mut self, guard: &'m RawU32) -> Self {
        self.0.guard = Some(guard);
        self
    }

    pub(crate) fn into_ref(self) -> RegionRef<'m> {
        self.0
    }
}

/// A structure that may lie in a region, in the sight of all.
///
/// # Safety
///
/// It is made of atomics and marks throughout, and is aligned to a line at most.
pub(crate) unsafe trait Shared {}

// SAFETY: an atomic, smaller than a line.
unsafe impl Shared for AtomicU32 {}

/// What handles keep of a region: a private, copyable view.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub struct RegionRef<'m> {
    base: NonNull<u8>,
    len: usize,
    writable: bool,
    trusted: bool,
    /// Address of the segment this is a part of; 0 for a bare region.
    home: usize,
    guard: Option<&'m RawU32>,
    /// The channel in it was made through this view: no other has its ends.
    maker: bool,
    bytes: PhantomData<&'m [RawU32]>,
}

// SAFETY: the bytes are shared between parties by contract; every access below is atomic or handed over.
unsafe impl Send for RegionRef<'_> {}
// SAFETY: as above; the view itself is immutable.
unsafe impl Sync for RegionRef<'_> {}

impl<'m> RegionRef<'m> {
    fn over(base: *mut u8, len: usize, writable: bool, trusted: bool) -> Result<Self> {
        let found = base.addr() % TIGHT_LINE;
        let base = NonNull::new(base).filter(|_| found == 0);
        let base = base.ok_or(Error::Misaligned {
            want: TIGHT_LINE,
            found,
        })?;
        if len > isize::MAX as usize {
            return Err(Error::TooLarge);
        }
        Ok(Self {
            base,
            len,
            writable,
            trusted,
            home: 0,
            guard: None,
            maker: false,
            bytes: PhantomData,
        })
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Address of the segment this is a part of; 0 for a bare region.
    pub(crate) fn home(&self) -> usize {
        self.home
    }

    /// This region as a segment: its parts are at home here.
    pub(crate) fn as_home(mut self) -> Self {
        self.home = self.base.addr().get();
        self
    }

    /// This region in the hands of whoever made the channel in it.
    pub(crate) fn made(mut self) -> Self {
        self.maker = true;
        self
    }

    #[cfg_attr(target_has_atomic = "32", allow(dead_code))]
    pub(crate) fn is_made_here(&self) -> bool {
        self.maker
    }

    pub(crate) fn check_writable(&self) -> Result<()> {
        if self.writable {
            Ok(())
        } else {
            Err(Error::ReadOnly)
        }
    }

    /// True in a child that was forked after the mapping was made.
    #[inline(always)]
    pub(crate) fn is_forked(&self) -> bool {
        self.guard
            .is_some_and(|guard| guard.load(Ordering::Relaxed) == 0)
    }

    #[inline(always)]
    pub(crate) fn check_not_forked(&self) -> Result<()> {
        if self.is_forked() {
            Err(Error::Forked)
        } else {
            Ok(())
        }
    }

    /// The part at `offset` of `len` bytes, which begins on a line.
    pub(crate) fn part(&self, offset: usize, len: usize) -> Result<Self> {
        self.piece(offset, len, CACHE_LINE)
    }

    /// The part at `offset` of `len` bytes, which begins at a multiple of `line`.
    pub(crate) fn piece(&self, offset: usize, len: usize, line: usize) -> Result<Self> {
        let base = self.place(offset, len, line)?;
        Ok(Self { base, len, ..*self })
    }

    /// The address of `bytes` bytes at `offset`, inside the region and aligned.
    fn place(&self, offset: usize, bytes: usize, align: usize) -> Result<NonNull<u8>> {
        let end = offset.checked_add(bytes).ok_or(Error::TooLarge)?;
        if end > self.len {
            return Err(Error::TooSmall {
                want: end as u64,
                found: self.len as u64,
            });
        }
        // The base is aligned to the shortest line: only more is asked of the address.
        let found = match align {
            ..=TIGHT_LINE => offset % align,
            _ => self.base.addr().get().wrapping_add(offset) % align,
        };
        if found != 0 {
            return Err(Error::Misaligned { want: align, found });
        }
        // SAFETY: offset <= len, and len bytes from base are one mapped object.
        Ok(unsafe { self.base.add(offset) })
    }

    /// A `T` at `offset`, for types that are shared words throughout.
    fn shared<T>(&self, offset: usize) -> Result<&'m T> {
        let at = self.place(offset, size_of::<T>(), align_of::<T>())?;
        // SAFETY: in bounds and aligned by place, mapped for 'm;
        // callers below pass atomics only, valid for every bit pattern and shared by design.
        Ok(unsafe { at.cast::<T>().as_ref() })
    }

    /// The shared word at `offset`.
    pub(crate) fn word(&self, offset: usize) -> Result<&'m AtomicU32> {
        self.shared(offset)
    }

    /// The shared wide word at `offset`.
    #[cfg(target_has_atomic = "64")]
    pub(crate) fn wide(&self, offset: usize) -> Result<&'m AtomicU64> {
        self.shared(offset)
    }

    /// The shared word of several fields at `offset`.
    pub(crate) fn typed<T: bytemuck::NoUninit + bytemuck::AnyBitPattern>(
        &self,
        offset: usize,
    ) -> Result<&'m Atomic<T>> {
        const { assert!(size_of::<T>() == 4 && align_of::<T>() == 4) };
        self.shared(offset)
    }

    /// `count` structures of shared words, side by side from `offset` on.
    pub(crate) fn table<T: Shared>(&self, offset: usize, count: usize) -> Result<&'m [T]> {
        let bytes = size_of::<T>().checked_mul(count).ok_or(Error::TooLarge)?;
        let at = self.place(offset, bytes, align_of::<T>())?;
        let at = NonNull::slice_from_raw_parts(at.cast::<T>(), count);
        // SAFETY: in bounds and aligned by place, mapped for 'm; made of words that are shared by design and valid for every bit pattern.
        Ok(unsafe { at.as_ref() })
    }

    /// How far past a multiple of `align`, a power of two, the address of `offset` lies.
    pub(crate) fn past(&self, offset: usize, align: usize) -> usize {
        self.base.addr().get().wrapping_add(offset) & (align - 1)
    }

    /// The configuration word at `offset`.
    pub(crate) fn raw(&self, offset: usize) -> Result<&'m RawU32> {
        self.shared(offset)
    }

    /// The model checker's mark at `offset`.
    pub(crate) fn track(&self, offset: usize) -> Result<&'m Track> {
        self.shared(offset)
    }

    /// `len` payload bytes at `offset`, on a line of either spacing, tracked in units of `1 << shift` bytes; the marks lie behind
    /// the bytes and take no room in ordinary builds.
    pub(crate) fn span(&self, offset: usize, len: usize, unit: usize) -> Result<Span<'m>> {
        let at = self.place(offset, len, TIGHT_LINE)?;
        let marks = marks(len, unit);
        let tracks = self.place(
            offset + len,
            size_of::<Track>() * marks,
            align_of::<Track>(),
        )?;
        // SAFETY: in bounds and aligned by place, mapped for 'm; a Track is shared by design, and empty in
        // ordinary builds.
        let tracks = unsafe { NonNull::slice_from_raw_parts(tracks.cast(), marks).as_ref() };
        Ok(Span::new(at, len, self.trusted, unit, tracks))
    }

    /// `count` slots, a power of two, of `bytes` payload bytes each, `stride` bytes apart, at `offset`.
    pub(crate) fn racing(
        &self,
        offset: usize,
        count: u32,
        stride: usize,
        bytes: usize,
    ) -> Result<RacingSlots<'m>> {
        let room = racing::stride(bytes, 1).ok_or(Error::TooLarge)?;
        let all = stride.checked_mul(count as usize).ok_or(Error::TooLarge)?;
        // Checked here so that no masked index and no offset in a slot leaves the region.
        if !count.is_power_of_two() || room > stride {
            return Err(Error::TooSmall {
                want: room as u64,
                found: stride as u64,
            });
        }
        if !stride.is_multiple_of(racing::ALIGN) {
            return Err(Error::Misaligned {
                want: racing::ALIGN,
                found: stride % racing::ALIGN,
            });
        }
        let at = self.place(offset, all, racing::ALIGN)?;
        Ok(RacingSlots::new(at, count, stride, bytes))
    }

    /// All of it.
    pub(crate) fn extent(&self) -> Extent {
        Extent::new(self.base, self.len)
    }

    /// Zeroes all bytes by shared words.
    pub(crate) fn zero(&self) {
        // SAFETY: len bytes from base are mapped, and callers checked that they may be written.
        unsafe { words::zero(self.base.as_ptr(), self.len) };
    }
}

#[cfg(test)]
mod tests;
