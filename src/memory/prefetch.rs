//! Hints to the processor about lines needed soon. They change nothing, never fault and need no ordering, so no model has them.
//!
//! A slot's line lies in the other side's cache. Asked for early, several of them travel at once; asked for when needed, one
//! after another. Measured in docs/benchmarks.

/// Bytes that one hint brings.
pub(crate) const LINE: usize = 64;
/// Bytes ahead of its position at which the producer asks for a line of its own.
pub(crate) const WRITE_AHEAD: u32 = 512;
/// Bytes ahead of its position at which the consumer asks for a line.
pub(crate) const READ_AHEAD: u32 = 192;

/// Asks for the line of `at`, to be written.
#[inline(always)]
pub(crate) fn for_writing(at: *const u8) {
    // The compiler's own hint for this needs a target feature; without it that becomes one for reading.
    #[cfg(all(target_arch = "x86_64", not(miri), not(ringpad_loom)))]
    // SAFETY: PREFETCHW faults at no address; processors of this architecture without it treat it as a NOP.
    unsafe {
        core::arch::asm!("prefetchw [{}]", in(reg) at, options(nostack, preserves_flags, readonly))
    };
    #[cfg(all(target_arch = "aarch64", not(miri), not(ringpad_loom)))]
    // SAFETY: PRFM faults at no address.
    unsafe {
        core::arch::asm!("prfm pstl1keep, [{}]", in(reg) at, options(nostack, preserves_flags, readonly))
    };
    let _ = at;
}

/// Asks for the line of `at`, to be read.
#[inline(always)]
pub(crate) fn for_reading(at: *const u8) {
    #[cfg(all(target_arch = "x86_64", not(miri), not(ringpad_loom)))]
    // SAFETY: PREFETCHT0 faults at no address and is in every processor of this architecture.
    unsafe {
        core::arch::asm!("prefetcht0 [{}]", in(reg) at, options(nostack, preserves_flags, readonly))
    };
    #[cfg(all(target_arch = "aarch64", not(miri), not(ringpad_loom)))]
    // SAFETY: PRFM faults at no address.
    unsafe {
        core::arch::asm!("prfm pldl1keep, [{}]", in(reg) at, options(nostack, preserves_flags, readonly))
    };
    let _ = at;
}
