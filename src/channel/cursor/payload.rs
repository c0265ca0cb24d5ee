//! Payload by position: copies in and out of what an end owns.

use core::marker::PhantomData;

use crate::error::{Error, Result};
use crate::memory::Pod;
use crate::memory::copy;
use crate::memory::prefetch::{LINE, READ_AHEAD, WRITE_AHEAD};
use crate::memory::span::Span;
use crate::memory::words;

impl Span<'_> {
    /// Copies private bytes to payload that the caller's end owns: `owned` bytes in one piece, from `offset` on.
    #[inline]
    pub(crate) fn store(&self, offset: usize, from: &[u8], owned: usize) {
        debug_assert!(from.len() <= owned && owned <= self.len() - offset);
        self.mark_write(offset, from.len());
        let to = self.at(offset, from.len()).as_ptr();
        if self.is_trusted() {
            // SAFETY: at() lies inside the mapping for owned bytes; `from` is private or a committed record, so they are
            // apart; the positions say that nobody else touches these bytes now.
            unsafe { copy::into_region(to, from.as_ptr(), from.len(), owned) };
        } else {
            // SAFETY: as above; the copy is atomic because the other party may not keep to its positions.
            unsafe { words::store(to, from.as_ptr(), from.len()) };
        }
    }

    /// Copies payload that the caller's end owns, `owned` bytes in one piece from `offset` on, to private bytes.
    #[inline]
    pub(crate) fn load(&self, offset: usize, into: &mut [u8], owned: usize) {
        debug_assert!(into.len() <= owned && owned <= self.len() - offset);
        self.mark_read(offset, into.len());
        let from = self.at(offset, into.len()).as_ptr();
        if self.is_trusted() {
            // SAFETY: at() lies inside the mapping for into.len() bytes; `into` is private, so they are apart;
            // the positions say that nobody writes these bytes now.
            unsafe { copy::out_of_region(into.as_mut_ptr(), from, into.len(), owned) };
        } else {
            // SAFETY: as above; the copy is atomic because the other party may not keep to its positions.
            unsafe { words::load(into.as_mut_ptr(), from, into.len()) };
        }
    }

    /// Stores eight bytes at a multiple of eight, in words as for the distrusted: they are no dearer.
    #[inline(always)]
    pub(crate) fn store_word(&self, offset: usize, word: u64) {
        self.mark_write(offset, 8);
        let to = self.at(offset, 8).as_ptr();
        // SAFETY: at() lies inside the mapping for eight bytes and, by the offset, on a word; `word` is private.
        unsafe { words::store_words(to, word.to_le_bytes().as_ptr(), 8) };
    }

    /// Loads eight bytes at a multiple of eight, as [`Span::store_word`].
    #[inline(always)]
    pub(crate) fn load_word(&self, offset: usize) -> u64 {
        self.mark_read(offset, 8);
        let from = self.at(offset, 8).as_ptr();
        let mut word = [0; 8];
        // SAFETY: as in store_word.
        unsafe { words::load_words(word.as_mut_ptr(), from, 8) };
        u64::from_le_bytes(word)
    }
}

/// Payload as slots of one type.
#[derive(Clone, Debug)]
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
        // And that every slot is aligned: slots are read and written as a T.
        let found = span.at(0, 0).addr().get() % align_of::<T>();
        if found != 0 {
            let want = align_of::<T>();
            return Err(Error::Misaligned { want, found });
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
        // Nothing of size 0 gets here, but code that is generic over it must compile.
        match (bytes as usize).checked_div(size_of::<T>()) {
            None | Some(0) => 1,
            Some(slots) => slots as u32,
        }
    }

    /// Whether asking for a line ahead of this slot asks for one not asked for by the slot before.
    #[inline(always)]
    fn begins_a_line(&self, position: u32) -> bool {
        size_of::<T>() >= LINE || self.offset(position) % LINE < size_of::<T>()
    }

    /// Writes one slot that the producer owns; `room` slots are its own, from that one on.
    #[inline(always)]
    pub(crate) fn write(&self, position: u32, room: u32, value: T) {
        let ahead = const { Self::ahead(WRITE_AHEAD) };
        if room > ahead && self.begins_a_line(position) {
            self.span
                .soon_written(self.offset(position.wrapping_add(ahead)));
        }
        let offset = self.offset(position);
        if const { Self::LARGE } {
            let bytes = bytemuck::bytes_of(&value);
            self.span.store(offset, bytes, bytes.len());
        } else if self.span.is_trusted() {
            self.span.mark_write(offset, size_of::<T>());
            let slot = self.span.at(offset, size_of::<T>()).cast::<T>();
            // SAFETY: inside the span by the mask; aligned, since new() found the span so and offsets are
            // multiples of T's size; the positions say that nobody else touches the slot now.
            unsafe { slot.write(value) };
        } else {
            // Of a copy: a value whose address is known elsewhere would be built in memory first, by whoever trusts too.
            let copy = value;
            self.write_words(offset, &copy);
        }
    }

    /// Slots that no compiler copies by a few moves: it would call memcpy.
    const LARGE: bool = size_of::<T>() > 128;
    /// Slots that are a few whole words, and so lie on words.
    const FEW_WORDS: bool = size_of::<T>().is_multiple_of(8) && size_of::<T>() <= 64;

    #[inline(always)]
    fn write_words(&self, offset: usize, value: &T) {
        let bytes = bytemuck::bytes_of(value);
        if const { Self::FEW_WORDS } {
            self.span.mark_write(offset, bytes.len());
            let to = self.span.at(offset, bytes.len()).as_ptr();
            // SAFETY: at() lies inside the span for T's bytes, on a word since a span begins on one; `value` is private.
            unsafe { words::store_words(to, bytes.as_ptr(), bytes.len()) };
        } else {
            self.write_many_words(offset, bytes);
        }
    }

    /// Out of line: the words' loop would crowd the path of those who trust.
    #[inline(never)]
    fn write_many_words(&self, offset: usize, bytes: &[u8]) {
        self.span.store(offset, bytes, bytes.len());
    }

    /// Reads one slot that the consumer owns; `data` slots are its own, from that one on.
    #[inline(always)]
    pub(crate) fn read(&self, position: u32, data: u32) -> T {
        let ahead = const { Self::ahead(READ_AHEAD) };
        if data > ahead && self.begins_a_line(position) {
            self.span
                .soon_read(self.offset(position.wrapping_add(ahead)));
        }
        let offset = self.offset(position);
        if self.span.is_trusted() {
            self.span.mark_read(offset, size_of::<T>());
            let slot = self.span.at(offset, size_of::<T>()).cast::<T>();
            if const { Self::LARGE } {
                let (from, bytes) = (slot.as_ptr().cast(), size_of::<T>());
                let mut value = core::mem::MaybeUninit::<T>::uninit();
                // SAFETY: inside the span by the mask; `value` is private and as large; the positions say that nobody
                // writes the slot now.
                unsafe { copy::out_of_region(value.as_mut_ptr().cast(), from, bytes, bytes) };
                // SAFETY: just copied over whole; every bit pattern is a T.
                return unsafe { value.assume_init() };
            }
            // SAFETY: inside the span and aligned as in write; every bit pattern is a T; the positions say
            // that nobody writes the slot now.
            unsafe { slot.read() }
        } else {
            self.read_words(offset)
        }
    }

    #[inline(always)]
    fn read_words(&self, offset: usize) -> T {
        self.span.mark_read(offset, size_of::<T>());
        let mut words = core::mem::MaybeUninit::<T>::zeroed();
        let at = self.span.at(offset, size_of::<T>()).as_ptr();
        if const { Self::FEW_WORDS } {
            // SAFETY: at lies inside the span for T's bytes, on a word since a span begins on one; `words` is private.
            unsafe { words::load_words(words.as_mut_ptr().cast(), at, size_of::<T>()) };
        } else {
            // SAFETY: at lies inside the span for T's bytes; `words` is private and as large.
            unsafe { words::load(words.as_mut_ptr().cast(), at, size_of::<T>()) };
        }
        // SAFETY: zeroed and then copied over; every bit pattern is a T.
        unsafe { words.assume_init() }
    }

    /// Writes slots that the producer owns, wrapping at the end; `room` slots are its own.
    #[inline]
    pub(crate) fn write_all(&self, position: u32, room: u32, values: &[T]) {
        let here = self.before_the_end(position, room);
        let (first, rest) = values.split_at(values.len().min(here));
        let owned = here * size_of::<T>();
        self.span
            .store(self.offset(position), bytemuck::cast_slice(first), owned);
        if !rest.is_empty() {
            let owned = size_of_val(rest);
            self.span.store(0, bytemuck::cast_slice(rest), owned);
        }
    }

    /// Reads slots that the consumer owns, wrapping at the end; `data` slots are its own.
    #[inline]
    pub(crate) fn read_all(&self, position: u32, data: u32, into: &mut [T])
    where
        T: bytemuck::AnyBitPattern,
    {
        let here = self.before_the_end(position, data);
        let (first, rest) = into.split_at_mut(into.len().min(here));
        self.load_slots(self.offset(position), first, here);
        if !rest.is_empty() {
            let owned = rest.len();
            self.load_slots(0, rest, owned);
        }
    }

    #[inline(always)]
    fn load_slots(&self, offset: usize, into: &mut [T], owned: usize) {
        let bytes = size_of_val(into);
        // SAFETY: the slots are private, and T has no padding and takes any bytes.
        let into =
            unsafe { core::slice::from_raw_parts_mut(into.as_mut_ptr().cast::<u8>(), bytes) };
        self.span.load(offset, into, owned * size_of::<T>());
    }

    /// Of so many slots from `position` on, those before the ring's end.
    #[inline(always)]
    fn before_the_end(&self, position: u32, slots: u32) -> usize {
        slots.min(self.mask + 1 - (position & self.mask)) as usize
    }
}
