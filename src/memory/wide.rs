//! Two racing words at once, where the machine has an instruction for that: otherwise copies of such words cost what they cost one by one.
//!
//! To the language this is two relaxed loads, or stores, of neighbouring words. The processor keeps its order with the stamps around it
//! (loads after loads, stores after stores), which is all that is needed: should it split the access, as it does at the end of a
//! line, the stamp refuses what was torn. No compiler has this for atomics, hence the assembler. The checkers do not see through it:
//! models and Miri have plain words.

use super::sync::Word;

/// Words of one access.
pub(super) const WORDS: usize = 2;

/// As many words as one access has.
pub(super) type Wide = [Word; WORDS];

/// Whether this machine has it.
pub(super) const IS_HERE: bool = cfg!(all(
    target_arch = "x86_64",
    target_pointer_width = "64",
    target_feature = "sse2",
    not(miri),
    not(ringpad_loom)
));

/// Loads words that others may be writing.
///
/// # Safety
///
/// `at` is a word's address, and as many words are mapped there as one access has.
#[inline(always)]
pub(super) unsafe fn load(at: *const Word) -> Wide {
    #[cfg(all(
        target_arch = "x86_64",
        target_feature = "sse2",
        not(miri),
        not(ringpad_loom)
    ))]
    {
        let both: core::arch::x86_64::__m128i;
        // SAFETY: sixteen mapped bytes by the caller's word; any alignment will do for this instruction.
        unsafe {
            core::arch::asm!("movups {both}, [{at}]", both = lateout(xmm_reg) both, at = in(reg) at,
                options(nostack, preserves_flags, readonly));
        }
        // SAFETY: sixteen bytes are two words.
        unsafe { core::mem::transmute::<core::arch::x86_64::__m128i, Wide>(both) }
    }
    #[cfg(not(all(
        target_arch = "x86_64",
        target_feature = "sse2",
        not(miri),
        not(ringpad_loom)
    )))]
    {
        let _ = at;
        [0; WORDS]
    }
}

/// Stores words that others may be reading.
///
/// # Safety
///
/// As [`load`], of words that may be written.
#[inline(always)]
pub(super) unsafe fn store(at: *mut Word, words: Wide) {
    #[cfg(all(
        target_arch = "x86_64",
        target_feature = "sse2",
        not(miri),
        not(ringpad_loom)
    ))]
    {
        // SAFETY: two words are sixteen bytes.
        let both = unsafe { core::mem::transmute::<Wide, core::arch::x86_64::__m128i>(words) };
        // SAFETY: sixteen mapped bytes by the caller's word; any alignment will do for this instruction.
        unsafe {
            core::arch::asm!("movups [{at}], {both}", both = in(xmm_reg) both, at = in(reg) at,
                options(nostack, preserves_flags));
        }
    }
    #[cfg(not(all(
        target_arch = "x86_64",
        target_feature = "sse2",
        not(miri),
        not(ringpad_loom)
    )))]
    let _ = (at, words);
}
