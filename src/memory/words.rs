//! Word-wise relaxed copies: how payload moves where other parties may scribble on it meanwhile.
//!
//! Plain copies of memory that a hostile party changes are outside any memory model; relaxed atomic
//! words at least tear only between words. Eight bytes at a time where the machine has such atomics,
//! four elsewhere, single bytes at unaligned ends. The checker does not see these words: in models
//! payload is marked by `Track`.
//! Cost: like memcpy up to 256 bytes, 2 to 4 times it from 1 KiB (docs/memory-model.md).

use core::sync::atomic::{AtomicU8, Ordering::Relaxed};

#[cfg(target_has_atomic = "64")]
type Word = u64;
#[cfg(target_has_atomic = "64")]
type AtomicWord = core::sync::atomic::AtomicU64;
#[cfg(not(target_has_atomic = "64"))]
type Word = u32;
#[cfg(not(target_has_atomic = "64"))]
type AtomicWord = core::sync::atomic::AtomicU32;

const WORD: usize = size_of::<Word>();

/// How a shared range divides: bytes up to a word boundary, whole words, bytes behind.
fn pieces(shared: *const u8, bytes: usize) -> (usize, usize) {
    let head = (shared.addr().wrapping_neg() % WORD).min(bytes);
    (head, (bytes - head) / WORD * WORD)
}

/// Copies whole aligned words, few enough to be written out, into the region.
///
/// # Safety
///
/// As [`store`]; `shared` is aligned to a word and `bytes` a number of whole words.
#[inline(always)]
pub(crate) unsafe fn store_words(shared: *mut u8, private: *const u8, bytes: usize) {
    for i in (0..bytes).step_by(WORD) {
        let from = private.wrapping_add(i).cast::<Word>();
        // SAFETY: valid for atomic writes and aligned by the caller's word.
        let to = unsafe { AtomicWord::from_ptr(shared.wrapping_add(i).cast()) };
        // SAFETY: valid for reads by the caller's word.
        to.store(unsafe { from.read_unaligned() }, Relaxed);
    }
}

/// Copies whole aligned words, few enough to be written out, out of the region.
///
/// # Safety
///
/// As [`load`]; `shared` is aligned to a word and `bytes` a number of whole words.
#[inline(always)]
pub(crate) unsafe fn load_words(private: *mut u8, shared: *const u8, bytes: usize) {
    for i in (0..bytes).step_by(WORD) {
        let from = shared.wrapping_add(i).cast_mut().cast();
        // SAFETY: valid for atomic reads and aligned by the caller's word.
        let from = unsafe { AtomicWord::from_ptr(from) };
        let to = private.wrapping_add(i).cast::<Word>();
        // SAFETY: valid for writes by the caller's word.
        unsafe { to.write_unaligned(from.load(Relaxed)) };
    }
}

/// Copies private bytes into the region.
///
/// # Safety
///
/// `shared` is valid for atomic writes of `bytes` bytes and `private` for reads; they do not overlap.
pub(crate) unsafe fn store(shared: *mut u8, private: *const u8, bytes: usize) {
    let (head, body) = pieces(shared, bytes);
    let byte = |i: usize| {
        // SAFETY: i < bytes, inside the caller's range.
        let from = unsafe { private.add(i) };
        // SAFETY: as above.
        let to = unsafe { shared.add(i) };
        // SAFETY: valid for atomic writes by the caller's word; one byte needs no alignment.
        let to = unsafe { AtomicU8::from_ptr(to) };
        // SAFETY: valid for reads by the caller's word.
        to.store(unsafe { *from }, Relaxed);
    };
    (0..head).for_each(byte);
    for i in (head..head + body).step_by(WORD) {
        // SAFETY: i + WORD <= head + body <= bytes.
        let from = unsafe { private.add(i) }.cast::<Word>();
        // SAFETY: as above.
        let to = unsafe { shared.add(i) }.cast::<Word>();
        // SAFETY: valid for atomic writes by the caller's word; head brought it to a word boundary.
        let to = unsafe { AtomicWord::from_ptr(to) };
        // SAFETY: valid for reads by the caller's word.
        to.store(unsafe { from.read_unaligned() }, Relaxed);
    }
    (head + body..bytes).for_each(byte);
}

/// Copies bytes of the region into private ones.
///
/// # Safety
///
/// `shared` is valid for atomic reads of `bytes` bytes and `private` for writes; they do not overlap.
pub(crate) unsafe fn load(private: *mut u8, shared: *const u8, bytes: usize) {
    let (head, body) = pieces(shared, bytes);
    let byte = |i: usize| {
        // SAFETY: i < bytes, inside the caller's range.
        let from = unsafe { shared.add(i) }.cast_mut();
        // SAFETY: as above.
        let to = unsafe { private.add(i) };
        // SAFETY: valid for atomic reads by the caller's word; one byte needs no alignment.
        let from = unsafe { AtomicU8::from_ptr(from) };
        // SAFETY: valid for writes by the caller's word.
        unsafe { to.write(from.load(Relaxed)) };
    };
    (0..head).for_each(byte);
    for i in (head..head + body).step_by(WORD) {
        // SAFETY: i + WORD <= head + body <= bytes.
        let from = unsafe { shared.add(i) }.cast_mut().cast::<Word>();
        // SAFETY: as above.
        let to = unsafe { private.add(i) }.cast::<Word>();
        // SAFETY: valid for atomic reads by the caller's word; head brought it to a word boundary.
        let from = unsafe { AtomicWord::from_ptr(from) };
        // SAFETY: valid for writes by the caller's word.
        unsafe { to.write_unaligned(from.load(Relaxed)) };
    }
    (head + body..bytes).for_each(byte);
}

/// Stores zero into bytes of the region.
///
/// # Safety
///
/// `shared` is valid for atomic writes of `bytes` bytes.
pub(crate) unsafe fn zero(shared: *mut u8, bytes: usize) {
    const ZEROS: [u8; 512] = [0; 512];
    let mut done = 0;
    while done < bytes {
        let piece = (bytes - done).min(ZEROS.len());
        // SAFETY: done < bytes, inside the caller's range.
        let to = unsafe { shared.add(done) };
        // SAFETY: piece bytes lie in the caller's range and in ZEROS, which is not in any region.
        unsafe { store(to, ZEROS.as_ptr(), piece) };
        done += piece;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_alignment_and_length_arrives_whole() {
        let source: [u8; 48] = core::array::from_fn(|i| i as u8 + 1);
        for skew in 0..9 {
            for bytes in 0..=32 {
                let mut room = [0xEEu8; 64];
                let mut back = [0u8; 48];
                let at = room[skew..].as_mut_ptr();
                // SAFETY: skew + bytes <= 41 lies in room, bytes <= 32 in source.
                unsafe { store(at, source.as_ptr(), bytes) };
                // SAFETY: as above, into back.
                unsafe { load(back.as_mut_ptr(), at, bytes) };
                assert_eq!(back[..bytes], source[..bytes], "skew {skew}, {bytes} bytes");
                assert!(back[bytes..].iter().all(|&b| b == 0));
                assert!(room[skew + bytes..].iter().all(|&b| b == 0xEE));
                assert!(room[..skew].iter().all(|&b| b == 0xEE));
                // SAFETY: as above.
                unsafe { zero(at, bytes) };
                assert!(room[skew..skew + bytes].iter().all(|&b| b == 0));
            }
        }
    }
}
