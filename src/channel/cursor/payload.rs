//! Payload by position: copies in and out of what an end owns.

use core::marker::PhantomData;

use crate::error::{Error, Result};
use crate::memory::Pod;
use crate::memory::prefetch::{READ_AHEAD, WRITE_AHEAD};
use crate::memory::span::Span;
use crate::memory::words;

impl Span<'_> {
    /// Copies private bytes to payload that the caller's end owns.
    #[inline]
    pub(crate) fn store(&self, offset: usize, from: &[u8]) {
        self.mark_write(offset, from.len());
        let to = self.at(offset, from.len()).as_ptr();
        if self.is_trusted() {
            // SAFETY: at() lies inside the mapping for from.len() bytes; `from` is private, so they are apart;
            // the positions say that nobody else touches these bytes now.
            unsafe { core::ptr::copy_nonoverlapping(from.as_ptr(), to, from.len()) };
        } else {
            // SAFETY: as above; the copy is atomic because the other party may not keep to its positions.
            unsafe { words::store(to, from.as_ptr(), from.len()) };
        }
    }

    /// Copies payload that the caller's end owns to private bytes.
    #[inline]
    pub(crate) fn load(&self, offset: usize, into: &mut [u8]) {
        self.mark_read(offset, into.len());
        let from = self.at(offset, into.len()).as_ptr();
        if self.is_trusted() {
            // SAFETY: at() lies inside the mapping for into.len() bytes; `into` is private, so they are apart;
            // the positions say that nobody writes these bytes now.
            unsafe { core::ptr::copy_nonoverlapping(from, into.as_mut_ptr(), into.len()) };
        } else {
            // SAFETY: as above; the copy is atomic because the other party may not keep to its positions.
            unsafe { words::load(into.as_mut_ptr(), from, into.len()) };
        }
    }
}

/// Payload as slots of one type.
#[derive(Debug)]
pub(crate) struct Slots<'p, T> {
    span: Span<'p>,
    mask: u32,
    of: PhantomData<fn(T) -> T>,
}

impl<'p, T: Pod> Slots<'p, T> {
    /// `span` holds `capacity` slots, a power of two.
    pub(crate) fn new(span: Span<'p>, capacity: u32) -> Result<Self> {
        // Checked here so that no masked index leaves the span.
        let bytes = capacity as usize * size_of::<T>();
        if !capacity.is_power_of_two() || bytes > span.len() {
            return Err(Error::TooSmall {
                want: bytes as u64,
                found: span.len() as u64,
            });
        }
        Ok(Self {
            span,
            mask: capacity - 1,
            of: PhantomData,
        })
    }

    #[inline(always)]
    fn offset(&self, position: u32) -> usize {
        (position & self.mask) as usize * size_of::<T>()
    }

    /// Slots in `bytes` bytes, at least one.
    const fn ahead(bytes: u32) -> u32 {
        let slots = bytes as usize / size_of::<T>();
        if slots == 0 { 1 } else { slots as u32 }
    }

    /// Writes one slot that the producer owns; `room` slots are its own, from that one on.
    #[inline(always)]
    pub(crate) fn write(&self, position: u32, room: u32, value: T) {
        let ahead = const { Self::ahead(WRITE_AHEAD) };
        if room > ahead {
            self.span
                .soon_written(self.offset(position.wrapping_add(ahead)));
        }
        let offset = self.offset(position);
        if self.span.is_trusted() {
            self.span.mark_write(offset, size_of::<T>());
            let slot = self.span.at(offset, size_of::<T>()).cast::<T>();
            // SAFETY: inside the span by the mask; aligned, since the span is line-aligned and offsets are
            // multiples of T's size; the positions say that nobody else touches the slot now.
            unsafe { slot.write(value) };
        } else {
            // Of a copy: a value whose address is known elsewhere would be built in memory first, by whoever trusts too.
            let copy = value;
            self.write_words(offset, &copy);
        }
    }

    /// Out of line: the words' loop would crowd the path of those who trust.
    #[inline(never)]
    fn write_words(&self, offset: usize, value: &T) {
        self.span.store(offset, bytemuck::bytes_of(value));
    }

    /// Reads one slot that the consumer owns; `data` slots are its own, from that one on.
    #[inline(always)]
    pub(crate) fn read(&self, position: u32, data: u32) -> T {
        let ahead = const { Self::ahead(READ_AHEAD) };
        if data > ahead {
            self.span
                .soon_read(self.offset(position.wrapping_add(ahead)));
        }
        let offset = self.offset(position);
        if self.span.is_trusted() {
            self.span.mark_read(offset, size_of::<T>());
            let slot = self.span.at(offset, size_of::<T>()).cast::<T>();
            // SAFETY: inside the span and aligned as in write; every bit pattern is a T; the positions say
            // that nobody writes the slot now.
            unsafe { slot.read() }
        } else {
            self.read_words(offset)
        }
    }

    /// Out of line, as [`Slots::write_words`].
    #[inline(never)]
    fn read_words(&self, offset: usize) -> T {
        let mut words = core::mem::MaybeUninit::<T>::zeroed();
        let at = self.span.at(offset, size_of::<T>()).as_ptr();
        // SAFETY: at lies inside the span for T's bytes; `words` is private and as large.
        unsafe { words::load(words.as_mut_ptr().cast(), at, size_of::<T>()) };
        // SAFETY: zeroed and then copied over; every bit pattern is a T.
        unsafe { words.assume_init() }
    }

    /// Writes slots that the producer owns, wrapping at the end.
    #[inline]
    pub(crate) fn write_all(&self, position: u32, values: &[T]) {
        let (first, rest) = values.split_at(self.before_the_end(position, values.len()));
        self.span
            .store(self.offset(position), bytemuck::cast_slice(first));
        if !rest.is_empty() {
            self.span.store(0, bytemuck::cast_slice(rest));
        }
    }

    /// Reads slots that the consumer owns, wrapping at the end.
    #[inline]
    pub(crate) fn read_all(&self, position: u32, into: &mut [T])
    where
        T: bytemuck::AnyBitPattern,
    {
        let (first, rest) = into.split_at_mut(self.before_the_end(position, into.len()));
        self.load_slots(self.offset(position), first);
        if !rest.is_empty() {
            self.load_slots(0, rest);
        }
    }

    #[inline]
    fn load_slots(&self, offset: usize, into: &mut [T]) {
        let bytes = size_of_val(into);
        // SAFETY: the slots are private, and T has no padding and takes any bytes.
        let into =
            unsafe { core::slice::from_raw_parts_mut(into.as_mut_ptr().cast::<u8>(), bytes) };
        self.span.load(offset, into);
    }

    #[inline(always)]
    fn before_the_end(&self, position: u32, count: usize) -> usize {
        count.min((self.mask + 1 - (position & self.mask)) as usize)
    }
}
