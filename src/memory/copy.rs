//! Copies between private bytes and bytes of a region that the caller owns, lines asked for ahead of time.
//!
//! Not the system's memcpy: a call costs more than a small copy, and copies of a page were ten times slower in some runs than in
//! others (docs/adr/012). Frames, which outgrow the caches anyway, are left to it.

use core::ptr::copy_nonoverlapping;

use super::prefetch::{LINE, READ_AHEAD, WRITE_AHEAD, for_reading, for_writing};

/// From here on the system's copy is as fast.
const LONG: usize = 16 << 10;

/// Copies private bytes into the region, whose next `owned` bytes from `to` are the caller's.
///
/// # Safety
///
/// `to` is valid for writes of `owned` bytes, at least `bytes`, and `from` for reads of `bytes`; they do not overlap.
#[inline(always)]
pub(crate) unsafe fn into_region(to: *mut u8, from: *const u8, bytes: usize, owned: usize) {
    let ahead = WRITE_AHEAD as usize;
    // SAFETY: the caller's word.
    unsafe {
        copy(to, from, bytes, |at| {
            if at + ahead < owned {
                for_writing(to.wrapping_add(at + ahead));
            }
        })
    };
}

/// Copies bytes of the region, whose next `owned` bytes from `from` are the caller's, into private ones.
///
/// # Safety
///
/// `from` is valid for reads of `owned` bytes, at least `bytes`, and `to` for writes of `bytes`; they do not overlap.
#[inline(always)]
pub(crate) unsafe fn out_of_region(to: *mut u8, from: *const u8, bytes: usize, owned: usize) {
    let ahead = READ_AHEAD as usize;
    // SAFETY: the caller's word.
    unsafe {
        copy(to, from, bytes, |at| {
            if at + ahead < owned {
                for_reading(from.wrapping_add(at + ahead));
            }
        })
    };
}

/// Copies by lines, and calls `ahead` before each with its offset.
///
/// # Safety
///
/// As [`copy_nonoverlapping`] of `bytes` bytes.
#[inline(always)]
unsafe fn copy(to: *mut u8, from: *const u8, bytes: usize, ahead: impl Fn(usize)) {
    if bytes >= LONG {
        // SAFETY: the caller's word.
        return unsafe { copy_nonoverlapping(from, to, bytes) };
    }
    if bytes < LINE {
        ahead(0);
        // SAFETY: the caller's word.
        return unsafe { copy_short(to, from, bytes) };
    }
    let mut at = 0;
    while at + LINE <= bytes {
        ahead(at);
        // SAFETY: the piece ends at `bytes` at most.
        unsafe { piece::<LINE>(to, from, at) };
        at += LINE;
    }
    if at < bytes {
        // SAFETY: the piece ends at `bytes`, which is a line at least.
        unsafe { piece::<LINE>(to, from, bytes - LINE) };
    }
}

/// Copies less than a line: two pieces that may overlap make any length without a loop.
///
/// # Safety
///
/// As [`copy_nonoverlapping`] of `bytes` bytes.
#[inline(always)]
unsafe fn copy_short(to: *mut u8, from: *const u8, bytes: usize) {
    match bytes {
        // SAFETY: the caller's word; each arm's length lies between its piece and twice that.
        32.. => unsafe { both_ends::<32>(to, from, bytes) },
        // SAFETY: as above.
        16.. => unsafe { both_ends::<16>(to, from, bytes) },
        // SAFETY: as above.
        8.. => unsafe { both_ends::<8>(to, from, bytes) },
        // SAFETY: as above.
        4.. => unsafe { both_ends::<4>(to, from, bytes) },
        // SAFETY: as above, byte by byte.
        _ => (0..bytes).for_each(|at| unsafe { piece::<1>(to, from, at) }),
    }
}

/// Copies `N..=2N` bytes: the first N, and the last N.
///
/// # Safety
///
/// As [`copy_nonoverlapping`] of `bytes` bytes.
#[inline(always)]
unsafe fn both_ends<const N: usize>(to: *mut u8, from: *const u8, bytes: usize) {
    // SAFETY: N <= bytes.
    unsafe { piece::<N>(to, from, 0) };
    // SAFETY: ends at `bytes`.
    unsafe { piece::<N>(to, from, bytes - N) };
}

/// Copies N bytes at an offset of both sides.
///
/// # Safety
///
/// As [`copy_nonoverlapping`] of `at + N` bytes.
#[inline(always)]
unsafe fn piece<const N: usize>(to: *mut u8, from: *const u8, at: usize) {
    // SAFETY: the caller's word; the constant length becomes a few moves.
    unsafe { copy_nonoverlapping(from.wrapping_add(at), to.wrapping_add(at), N) };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_length_arrives_whole_and_nothing_beside_it() {
        let source: Vec<u8> = (0..LONG + 200).map(|i| (i % 251) as u8 + 1).collect();
        let lengths = (0..=300).chain(LONG - 65..LONG + 66);
        for (bytes, skew) in lengths.flat_map(|bytes| [0, 1, 7, 63].map(|skew| (bytes, skew))) {
            let mut room = vec![0u8; skew + bytes + 64];
            let at = room[skew..].as_mut_ptr();
            // SAFETY: skew + bytes lies in room, bytes in source.
            unsafe { into_region(at, source.as_ptr(), bytes, bytes + 32) };
            assert_eq!(room[skew..skew + bytes], source[..bytes], "{bytes} bytes");
            assert!(
                room[..skew]
                    .iter()
                    .chain(&room[skew + bytes..])
                    .all(|&b| b == 0)
            );
            let mut back = vec![0u8; bytes + 1];
            // SAFETY: as above, into back.
            unsafe { out_of_region(back.as_mut_ptr(), at, bytes, bytes) };
            assert_eq!((&back[..bytes], back[bytes]), (&source[..bytes], 0));
        }
    }
}
