//! Slots that are read while they are overwritten: every byte moves in relaxed atomic words, and no reference to one ever exists.
//!
//! # Shape of a slot
//!
//! ```text
//! 0 stamp u32   4 length u32   8 payload, padded to 8   .. padding to the stride
//! 0 word u64                   8 payload, where slots name their owners
//! ```
//! A payload byte is always accessed as a part of the same word (where `wide` moves two, as a part of one of them), so that no two
//! accesses of different widths race. What was copied may be torn; whoever copies asks the stamp afterwards whether it was.

use core::marker::PhantomData;
use core::mem::{MaybeUninit, offset_of};
use core::ptr::NonNull;

use super::layout::{CACHE_LINE, round_up};
use super::maintenance::Extent;
use super::prefetch;
#[cfg(target_has_atomic = "64")]
use super::sync::AtomicU64;
use super::sync::{AtomicU32, RacingWord, Word};
use super::wide;
use crate::memory::Pod;

const WORD: usize = size_of::<Word>();
const WIDE: usize = size_of::<wide::Wide>();

/// Where a slot's words lie. Never made: a descriptor for offsets.
#[repr(C)]
pub(crate) struct SlotShape {
    pub(crate) stamp: AtomicU32,
    pub(crate) length: AtomicU32,
    pub(crate) payload: [RacingWord; 8 / WORD],
}

/// The same of a slot that names who has it: one wide word in the place of stamp and length.
#[cfg(target_has_atomic = "64")]
#[repr(C)]
pub(crate) struct NamedShape {
    pub(crate) word: AtomicU64,
    pub(crate) payload: [RacingWord; 8 / WORD],
}

const PAYLOAD: usize = {
    let stamped = offset_of!(SlotShape, payload);
    #[cfg(target_has_atomic = "64")]
    let stamped = {
        let named = offset_of!(NamedShape, payload);
        if named > stamped { named } else { stamped }
    };
    stamped
};
/// What slots are aligned to.
pub(super) const ALIGN: usize = 8;

/// So many slots of one line are asked for at once.
pub(crate) const FEW: u32 = 4;

/// Bytes from one slot of `payload` bytes to the next, a multiple of `unit`.
pub(crate) const fn stride(payload: usize, unit: usize) -> Option<usize> {
    let unit = if unit < ALIGN { ALIGN } else { unit };
    match round_up(payload, 8) {
        None => None,
        Some(payload) => match (payload / WORD).checked_mul(size_of::<RacingWord>()) {
            None => None,
            Some(words) => match words.checked_add(PAYLOAD) {
                None => None,
                Some(bytes) => round_up(bytes, unit),
            },
        },
    }
}

/// A power of two of equal slots.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RacingSlots<'m> {
    at: NonNull<u8>,
    mask: u32,
    stride: usize,
    /// Payload bytes of a slot.
    bytes: usize,
    of: PhantomData<&'m [AtomicU32]>,
}

// SAFETY: a view of words that are shared by design; every access is atomic.
unsafe impl Send for RacingSlots<'_> {}
// SAFETY: as above; the view itself is immutable.
unsafe impl Sync for RacingSlots<'_> {}

impl<'m> RacingSlots<'m> {
    /// `count` slots, a power of two, of `bytes` payload bytes at `at`, `stride` apart: all mapped for `'m`.
    pub(super) fn new(at: NonNull<u8>, count: u32, stride: usize, bytes: usize) -> Self {
        Self {
            at,
            mask: count - 1,
            stride,
            bytes,
            of: PhantomData,
        }
    }

    /// How many there are.
    #[inline(always)]
    pub(crate) fn count(&self) -> u32 {
        self.mask + 1
    }

    /// Payload bytes of each.
    #[inline(always)]
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Asks for every slot, to be read soon, if they are few and small: each then travels while the word that says which one to read
    /// does.
    #[inline(always)]
    pub(crate) fn soon_read(&self) {
        if self.mask + 1 != FEW || self.stride != CACHE_LINE {
            return;
        }
        for index in 0..FEW as usize {
            let at = self.at.as_ptr().wrapping_add(index * CACHE_LINE);
            prefetch::for_reading(at);
            // Where a value that does not end on its slot's first line lies too.
            if PAYLOAD + self.bytes > prefetch::LINE {
                prefetch::for_reading(at.wrapping_add(prefetch::LINE));
            }
        }
    }

    /// The slot of a position.
    #[inline(always)]
    pub(crate) fn slot(&self, position: u32) -> RacingSlot<'m> {
        let offset = (position & self.mask) as usize * self.stride;
        RacingSlot {
            // SAFETY: the masked index is below the count, so the slot lies inside what new() was given.
            at: unsafe { self.at.add(offset) },
            bytes: self.bytes,
            of: PhantomData,
        }
    }
}

/// One slot.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RacingSlot<'m> {
    at: NonNull<u8>,
    bytes: usize,
    of: PhantomData<&'m [AtomicU32]>,
}

// SAFETY: a view of words that are shared by design; every access is atomic.
unsafe impl Send for RacingSlot<'_> {}
// SAFETY: as above; the view itself is immutable.
unsafe impl Sync for RacingSlot<'_> {}

impl<'m> RacingSlot<'m> {
    /// Payload bytes.
    #[inline(always)]
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// `bytes` payload bytes from `offset` on, a multiple of eight, as the payload of a slot that has nothing else; none if there are not so many.
    #[cfg(target_has_atomic = "64")]
    #[inline(always)]
    pub(crate) fn part(&self, offset: usize, bytes: usize) -> Self {
        let here = offset.is_multiple_of(ALIGN) && self.holds(offset, bytes);
        let (offset, bytes) = if here { (offset, bytes) } else { (0, 0) };
        let words = offset / WORD * size_of::<RacingWord>();
        Self {
            // SAFETY: the words from there on lie in this slot's payload, just checked, and as far behind `at` as a slot's own words are.
            at: unsafe { self.at.add(words) },
            bytes,
            of: PhantomData,
        }
    }

    #[inline(always)]
    fn control(&self, offset: usize) -> &'m AtomicU32 {
        // SAFETY: both control words lie at the slot's beginning.
        let at = unsafe { self.at.add(offset) };
        // SAFETY: mapped for 'm, aligned with the slot, shared by design and valid for every bit pattern.
        unsafe { at.cast().as_ref() }
    }

    /// Whose the slot is, and how far what it holds has come.
    #[cfg(target_has_atomic = "64")]
    #[inline(always)]
    pub(crate) fn named(&self) -> &'m AtomicU64 {
        // SAFETY: mapped for 'm, aligned with the slot, shared by design and valid for every bit pattern.
        unsafe { self.at.cast().as_ref() }
    }

    /// What the slot holds, and whether it is being written.
    #[inline(always)]
    pub(crate) fn stamp(&self) -> &'m AtomicU32 {
        self.control(offset_of!(SlotShape, stamp))
    }

    /// Bytes of a payload that has no fixed length.
    #[inline(always)]
    pub(crate) fn length(&self) -> &'m AtomicU32 {
        self.control(offset_of!(SlotShape, length))
    }

    /// All of the slot but its stamp.
    #[inline(always)]
    pub(crate) fn content(&self) -> Extent {
        let from = offset_of!(SlotShape, length);
        let words = self.bytes.div_ceil(WORD) * size_of::<RacingWord>();
        // SAFETY: the length lies at the slot's beginning.
        let at = unsafe { self.at.add(from) };
        Extent::new(at, PAYLOAD - from + words)
    }

    /// The word at `index`.
    ///
    /// # Safety
    ///
    /// `index * WORD` lies in the padded payload.
    #[inline(always)]
    unsafe fn word(&self, index: usize) -> &'m RacingWord {
        debug_assert!(index * WORD < self.bytes);
        // SAFETY: inside the payload by the caller's check, which the stride has room for.
        let at = unsafe { self.at.add(PAYLOAD + index * size_of::<RacingWord>()) };
        // SAFETY: as in control(); words begin at 8 and slots on 8.
        unsafe { at.cast().as_ref() }
    }

    /// The words from `index` on as one access.
    ///
    /// # Safety
    ///
    /// All of them lie in the padded payload.
    #[inline(always)]
    unsafe fn words(&self, index: usize) -> *mut Word {
        debug_assert!((index + wide::WORDS) * WORD <= self.bytes.next_multiple_of(WORD));
        // SAFETY: inside the payload by the caller's check, which the stride has room for.
        let at = unsafe { self.at.add(PAYLOAD + index * size_of::<RacingWord>()) };
        at.as_ptr().cast()
    }

    /// Stores a whole value; one that does not fit is not stored.
    #[inline(always)]
    pub(crate) fn store_value<T: Pod>(&self, value: &T) {
        self.store(bytemuck::bytes_of(value));
    }

    /// Stores bytes from the payload's beginning; the rest of the last word becomes zero. More than fit are not stored.
    #[inline(always)]
    pub(crate) fn store(&self, from: &[u8]) {
        if from.len() > self.bytes {
            return;
        }
        // SAFETY: no more than the payload has, just checked.
        let rest = unsafe { self.store_whole(0, from) };
        if !rest.is_empty() {
            let mut last = [0; WORD];
            last[..rest.len()].copy_from_slice(rest);
            // SAFETY: the last bytes of `from` lie in that word, and `from` in the payload.
            let word = unsafe { self.word(from.len() / WORD) };
            word.store(Word::from_le_bytes(last));
        }
    }

    /// Stores the whole words of these bytes, from word `first` on. Answers the bytes behind them.
    ///
    /// # Safety
    ///
    /// The bytes lie in the payload, from that word on.
    #[inline(always)]
    unsafe fn store_whole<'f>(&self, first: usize, from: &'f [u8]) -> &'f [u8] {
        let mut index = first;
        let mut rest = from;
        if wide::IS_HERE {
            while let Some((piece, behind)) = rest.split_first_chunk::<WIDE>() {
                // SAFETY: the words lie in the payload, since `from` does.
                let at = unsafe { self.words(index) };
                // SAFETY: as above; only the slot's one writer stores.
                unsafe { wide::store(at, bytemuck::cast(*piece)) };
                (rest, index) = (behind, index + wide::WORDS);
            }
        }
        while let Some((piece, behind)) = rest.split_first_chunk::<WORD>() {
            // SAFETY: the word lies in the payload, since `from` does.
            let word = unsafe { self.word(index) };
            word.store(Word::from_le_bytes(*piece));
            (rest, index) = (behind, index + 1);
        }
        rest
    }

    /// A whole value, torn perhaps; zeros if it does not fit.
    #[inline(always)]
    pub(crate) fn load_value<T: Pod>(&self) -> T {
        let mut value = MaybeUninit::<T>::uninit();
        if size_of::<T>() > self.bytes {
            return T::zeroed();
        }
        // SAFETY: as many bytes as the value has, which lie in the payload.
        unsafe { self.load_into(0, value.as_mut_ptr().cast(), size_of::<T>()) };
        // SAFETY: every byte was written, and every bit pattern is a T.
        unsafe { value.assume_init() }
    }

    /// Copies bytes from the payload's beginning, torn perhaps. More than there are are not copied.
    #[inline]
    pub(crate) fn load(&self, into: &mut [u8]) {
        if into.len() <= self.bytes {
            // SAFETY: a slice, whose bytes lie in the payload.
            unsafe { self.load_into(0, into.as_mut_ptr(), into.len()) };
        }
    }

    /// Copies bytes from word `first` on, torn perhaps.
    ///
    /// # Safety
    ///
    /// `into` is valid for writes of `len` private bytes, and the payload has as many from that word on.
    #[inline(always)]
    unsafe fn load_into(&self, first: usize, into: *mut u8, len: usize) {
        let mut index = 0;
        if wide::IS_HERE {
            while (index + wide::WORDS) * WORD <= len {
                // SAFETY: the words lie in the payload, since the bytes do.
                let at = unsafe { self.words(first + index) };
                // SAFETY: as above.
                let words = unsafe { wide::load(at) };
                let to = into.wrapping_add(index * WORD).cast::<wide::Wide>();
                // SAFETY: inside the caller's bytes.
                unsafe { to.write_unaligned(words) };
                index += wide::WORDS;
            }
        }
        while (index + 1) * WORD <= len {
            // SAFETY: the word lies in the payload, since the bytes do.
            let word = unsafe { self.word(first + index) };
            let to = into.wrapping_add(index * WORD).cast::<Word>();
            // SAFETY: inside the caller's bytes.
            unsafe { to.write_unaligned(word.load().to_le()) };
            index += 1;
        }
        if index * WORD < len {
            // SAFETY: the last bytes lie in that word, and in the payload.
            let word = unsafe { self.word(first + index) };
            let last = word.load().to_le_bytes();
            let to = into.wrapping_add(index * WORD);
            // SAFETY: the caller's last bytes, fewer than a word.
            unsafe { to.copy_from_nonoverlapping(last.as_ptr(), len - index * WORD) };
        }
    }

    /// Whether `len` bytes at `offset` lie in the payload.
    pub(crate) fn holds(&self, offset: usize, len: usize) -> bool {
        offset <= self.bytes && len <= self.bytes - offset
    }

    /// Stores bytes at `offset`, keeping what is around them; only the slot's one writer may. False, and nothing stored, beyond the payload.
    pub(crate) fn store_at(&self, offset: usize, from: &[u8]) -> bool {
        if !self.holds(offset, from.len()) {
            return false;
        }
        let (mut offset, mut from) = (offset, from);
        if offset.is_multiple_of(WORD) {
            // SAFETY: holds() was asked for these bytes, which begin on that word.
            let rest = unsafe { self.store_whole(offset / WORD, from) };
            (offset, from) = (offset + from.len() - rest.len(), rest);
        }
        self.each_word(offset, from.len(), |index, at, part| {
            // SAFETY: each_word gives words of bytes that the payload holds.
            let word = unsafe { self.word(index) };
            let mut bytes = word.load().to_le_bytes();
            bytes[at..at + part.len()].copy_from_slice(&from[part]);
            word.store(Word::from_le_bytes(bytes));
        });
        true
    }

    /// Copies bytes from `offset` on, torn perhaps. False, and nothing copied, beyond the payload.
    pub(crate) fn load_at(&self, offset: usize, into: &mut [u8]) -> bool {
        if !self.holds(offset, into.len()) {
            return false;
        }
        if offset.is_multiple_of(WORD) {
            // SAFETY: a slice, whose bytes lie in the payload from that word on.
            unsafe { self.load_into(offset / WORD, into.as_mut_ptr(), into.len()) };
            return true;
        }
        self.each_word(offset, into.len(), |index, at, part| {
            // SAFETY: each_word gives words of bytes that the payload holds.
            let word = unsafe { self.word(index) };
            let bytes = word.load().to_le_bytes();
            let from = &bytes[at..at + part.len()];
            into[part].copy_from_slice(from);
        });
        true
    }

    /// The words that `len` bytes at `offset` touch: their index, where in the word, which of the bytes.
    fn each_word(
        &self,
        offset: usize,
        len: usize,
        mut each: impl FnMut(usize, usize, core::ops::Range<usize>),
    ) {
        let mut done = 0;
        while done < len {
            let (index, at) = ((offset + done) / WORD, (offset + done) % WORD);
            let part = (WORD - at).min(len - done);
            each(index, at, done..done + part);
            done += part;
        }
    }
}

const _: () = assert!(align_of::<SlotShape>() <= ALIGN);
#[cfg(target_has_atomic = "64")]
const _: () = assert!(align_of::<NamedShape>() <= ALIGN);
#[cfg(not(ringpad_loom))]
const _: () = assert!(PAYLOAD == 8);

#[cfg(all(test, not(ringpad_loom)))]
mod tests;
