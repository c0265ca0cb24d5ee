//! Memory that a fork shares with its parent.

use std::sync::atomic::{AtomicU64, Ordering};

use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous, munmap};

/// Zeroed memory, mapped shared: what a forked and killed child wrote stays.
pub struct Shared {
    base: *mut u8,
    len: usize,
}

impl Shared {
    /// Of at least so many bytes; begins on a page.
    pub fn new(bytes: usize) -> Self {
        let len = bytes.next_multiple_of(4096).max(4096);
        let access = ProtFlags::READ | ProtFlags::WRITE;
        // SAFETY: no address is asked for, so no existing mapping is replaced.
        let base = unsafe { mmap_anonymous(std::ptr::null_mut(), len, access, MapFlags::SHARED) };
        let base = base.expect("mapping shared memory").cast();
        Self { base, len }
    }

    pub fn as_ptr(&self) -> *mut u8 {
        self.base
    }

    pub fn len(&self) -> usize {
        self.len
    }

    pub fn word(&self, index: usize) -> &AtomicU64 {
        assert!(index < self.len / 8);
        let word = self.base.wrapping_add(index * 8).cast();
        // SAFETY: inside the mapping, which is page aligned and lives as long as `self`.
        unsafe { AtomicU64::from_ptr(word) }
    }

    pub fn get(&self, index: usize) -> u64 {
        self.word(index).load(Ordering::Acquire)
    }

    pub fn set(&self, index: usize, value: u64) {
        self.word(index).store(value, Ordering::Release);
    }

    /// Changes when a byte of it does. Only while nobody writes: the traced process is stopped.
    pub fn fingerprint(&self) -> u64 {
        // SAFETY: the whole mapping, readable and initialised; the only other writer is stopped meanwhile.
        let bytes = unsafe { std::slice::from_raw_parts(self.base, self.len) };
        super::fingerprint(bytes)
    }

    /// A copy of all bytes. Only while nobody writes.
    pub fn copy(&self) -> Vec<u8> {
        // SAFETY: as in `fingerprint`.
        unsafe { std::slice::from_raw_parts(self.base, self.len) }.to_vec()
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        // SAFETY: mapped by new() with this length, unmapped once.
        let _ = unsafe { munmap(self.base.cast(), self.len) };
    }
}
