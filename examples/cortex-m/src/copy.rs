//! The copying that compilers call, as small firmware has it: a loop of bytes. The toolchain's own, made for speed, takes a tenth of the smallest
//! image.

/// # Safety
///
/// As C's `memcpy`.
unsafe fn copy(to: *mut u8, from: *const u8, bytes: usize) {
    for at in 0..bytes {
        // SAFETY: inside what the caller says may be read.
        let byte = unsafe { from.add(at) };
        // Volatile, or the compiler makes a call of this very copying of it.
        // SAFETY: as above.
        let byte = unsafe { byte.read_volatile() };
        // SAFETY: inside what the caller says may be written.
        let place = unsafe { to.add(at) };
        // SAFETY: as above.
        unsafe { place.write_volatile(byte) };
    }
}

/// The name that Arm's compilers call.
///
/// # Safety
///
/// As C's `memcpy`.
#[unsafe(no_mangle)]
unsafe extern "C" fn __aeabi_memcpy(to: *mut u8, from: *const u8, bytes: usize) {
    // SAFETY: the caller's word.
    unsafe { copy(to, from, bytes) }
}

/// The same of what lies at multiples of 4.
///
/// # Safety
///
/// As C's `memcpy`.
#[unsafe(no_mangle)]
unsafe extern "C" fn __aeabi_memcpy4(to: *mut u8, from: *const u8, bytes: usize) {
    // SAFETY: the caller's word.
    unsafe { copy(to, from, bytes) }
}
