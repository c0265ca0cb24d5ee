//! Shared memory mapped between pages that nobody may touch: an access beyond the region is the end of the process.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use ringpad::Region;

use super::Trust;
use super::pages::{Pages, Section};

/// Bytes of a page, by which mappings end.
const PAGE: usize = 4096;
/// What fills the bytes between the lower guard page and the region.
const CANARY: u32 = 0xc0de_cafe;

/// Memory without a name, to be mapped any number of times.
#[derive(Debug)]
pub struct Memory {
    section: Section,
    len: usize,
}

impl Memory {
    /// Zeroed memory for regions of `len` bytes, a multiple of 128.
    pub fn new(len: usize) -> Self {
        assert!(len.is_multiple_of(16) && len > 0);
        let section = Section::new(len.next_multiple_of(PAGE));
        let memory = Self { section, len };
        let map = memory.map();
        for slack in 0..map.slack() / 4 {
            map.whole(slack * 4).store(CANARY, Relaxed);
        }
        drop(map);
        memory
    }

    /// One more mapping, at an address of its own.
    pub fn map(&self) -> Mapping {
        Mapping {
            pages: self.section.map(),
            len: self.len,
        }
    }
}

/// A mapping whose region ends exactly where the upper guard page begins.
#[derive(Debug)]
pub struct Mapping {
    pages: Pages,
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
        self.len.next_multiple_of(PAGE) - self.len
    }

    /// Where the region begins.
    pub fn base(&self) -> *mut u8 {
        // SAFETY: slack + len bytes lie in the pages.
        unsafe { self.pages.base().add(self.slack()) }
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
        self.pages.seal();
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
        let word = unsafe { self.pages.base().add(offset) };
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
