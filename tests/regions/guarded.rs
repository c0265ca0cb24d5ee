//! Shared memory mapped between pages that nobody may touch: an access beyond the region is the end of the process.

use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use ringpad::Region;
use rustix::fs::{MemfdFlags, ftruncate, memfd_create};
use rustix::mm::{MapFlags, MprotectFlags, ProtFlags, mmap, mmap_anonymous, mprotect, munmap};

use super::Trust;

const PAGE: usize = 4096;
/// What fills the bytes between the lower guard page and the region.
const CANARY: u32 = 0xc0de_cafe;

/// Memory without a name, to be mapped any number of times.
#[derive(Debug)]
pub struct Memory {
    fd: OwnedFd,
    len: usize,
}

impl Memory {
    /// Zeroed memory for regions of `len` bytes, a multiple of 128.
    pub fn new(len: usize) -> Self {
        assert!(len.is_multiple_of(16) && len > 0);
        let fd = memfd_create("ringpad-test", MemfdFlags::CLOEXEC).expect("a memfd");
        let memory = Self { fd, len };
        ftruncate(&memory.fd, memory.pages() as u64).expect("memory");
        let map = memory.map();
        for slack in 0..map.slack() / 4 {
            map.whole(slack * 4).store(CANARY, Relaxed);
        }
        drop(map);
        memory
    }

    fn pages(&self) -> usize {
        self.len.next_multiple_of(PAGE)
    }

    /// One more mapping, at an address of its own.
    pub fn map(&self) -> Mapping {
        let total = self.pages() + 2 * PAGE;
        // SAFETY: no address is asked for, so no existing mapping is replaced.
        let reserved = unsafe {
            mmap_anonymous(
                std::ptr::null_mut(),
                total,
                ProtFlags::empty(),
                MapFlags::PRIVATE,
            )
        };
        let reserved = reserved.expect("addresses");
        let access = ProtFlags::READ | ProtFlags::WRITE;
        // SAFETY: one page into what was just reserved.
        let inner = unsafe { reserved.add(PAGE) };
        // SAFETY: replaces pages of that reservation only, which nobody else knows.
        let mapped = unsafe {
            mmap(
                inner,
                self.pages(),
                access,
                MapFlags::SHARED | MapFlags::FIXED,
                &self.fd,
                0,
            )
        };
        Mapping {
            reserved: reserved.cast(),
            total,
            pages: mapped.expect("a mapping").cast(),
            len: self.len,
        }
    }
}

/// A mapping whose region ends exactly where the upper guard page begins.
#[derive(Debug)]
pub struct Mapping {
    reserved: *mut u8,
    total: usize,
    pages: *mut u8,
    len: usize,
}

// SAFETY: the bytes are reached through the crate's protocol and by atomic words only.
unsafe impl Send for Mapping {}
// SAFETY: as above.
unsafe impl Sync for Mapping {}

impl Mapping {
    pub fn len(&self) -> usize {
        self.len
    }

    /// Bytes between the lower guard page and the region.
    fn slack(&self) -> usize {
        self.total - 2 * PAGE - self.len
    }

    /// Where the region begins.
    pub fn base(&self) -> *mut u8 {
        // SAFETY: slack + len bytes lie in the pages.
        unsafe { self.pages.add(self.slack()) }
    }

    pub fn region(&self, trust: Trust) -> Region<'_> {
        let region = match trust {
            // SAFETY: mapped while it is borrowed, and reached by this crate and atomic words only.
            Trust::Cooperative => unsafe { Region::new(self.base(), self.len) },
            // SAFETY: as above, and nobody can truncate the memory: its descriptor is this test's alone.
            Trust::Distrusted => unsafe { Region::distrusted(self.base(), self.len) },
        };
        region.unwrap()
    }

    /// From here on a store through this mapping is the end of the process.
    pub fn seal(&self) {
        // SAFETY: pages of this mapping alone; who stores there nevertheless is killed, which is what this is for.
        let sealed = unsafe {
            mprotect(
                self.pages.cast(),
                self.len.next_multiple_of(PAGE),
                MprotectFlags::READ,
            )
        };
        sealed.expect("sealing");
    }

    /// A region whose bytes nobody may store to.
    pub fn read_only(&self, trust: Trust) -> Region<'_> {
        let region = match trust {
            // SAFETY: as in region(); this one does not store.
            Trust::Cooperative => unsafe { Region::read_only(self.base(), self.len) },
            // SAFETY: as above.
            Trust::Distrusted => unsafe { Region::distrusted_read_only(self.base(), self.len) },
        };
        region.unwrap()
    }

    /// A word of the pages, slack included.
    fn whole(&self, offset: usize) -> &AtomicU32 {
        assert!(offset.is_multiple_of(4) && offset < self.slack() + self.len);
        // SAFETY: inside the pages by the line above.
        let word = unsafe { self.pages.add(offset) };
        // SAFETY: mapped as long as the borrow, aligned, and shared by atomic words.
        unsafe { AtomicU32::from_ptr(word.cast()) }
    }

    /// The word at a wire offset.
    pub fn word(&self, offset: usize) -> &AtomicU32 {
        self.whole(self.slack() + offset)
    }

    /// All words of the region.
    pub fn words(&self) -> Vec<u32> {
        (0..self.len / 4)
            .map(|at| self.word(at * 4).load(Relaxed))
            .collect()
    }

    /// Makes the region hold these words.
    pub fn restore(&self, words: &[u32]) {
        for (at, &word) in words.iter().enumerate() {
            self.word(at * 4).store(word, Relaxed);
        }
    }

    /// Fails if anyone wrote below the region.
    #[track_caller]
    pub fn check_canaries(&self) {
        let below = (0..self.slack() / 4).map(|at| self.whole(at * 4).load(Relaxed));
        assert!(
            below.into_iter().all(|word| word == CANARY),
            "somebody wrote below the region"
        );
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: reserved with this length in map(); regions borrow the mapping, so none is left.
        let _ = unsafe { munmap(self.reserved.cast(), self.total) };
    }
}
