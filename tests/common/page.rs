//! Words that processes share outside the crate: a plain mapped file. What a killed process wrote stays.

use std::fs::{File, OpenOptions};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use super::room::Room;
use super::{PATIENCE, system};

/// Words of a page.
pub const WORDS: usize = 1 << 16;
const BYTES: usize = WORDS * 8;

pub struct Page {
    words: *const AtomicU64,
}

// SAFETY: only atomics lie behind the pointer, mapped as long as the page lives.
unsafe impl Send for Page {}
// SAFETY: as above.
unsafe impl Sync for Page {}

impl Page {
    /// A page of zeros in the room; `name` tells several apart.
    pub fn create(room: &Room, name: &str) -> Self {
        let path = room.path().join(name);
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).create_new(true).open(&path);
        let file = file.expect("a fresh page");
        file.set_len(BYTES as u64).unwrap();
        Self::map(&file)
    }

    pub fn open(room: &Room, name: &str) -> Self {
        Self::open_at(&room.path().join(name))
    }

    pub fn open_at(path: &Path) -> Self {
        let file = OpenOptions::new().read(true).write(true).open(path);
        Self::map(&file.expect("the page"))
    }

    fn map(file: &File) -> Self {
        Self {
            words: system::map(file, BYTES).cast(),
        }
    }

    pub fn word(&self, index: usize) -> &AtomicU64 {
        assert!(index < WORDS);
        // SAFETY: index < WORDS, inside the mapping.
        let word = unsafe { self.words.add(index) };
        // SAFETY: mapped and aligned; others touch it by atomics only.
        unsafe { &*word }
    }

    pub fn get(&self, index: usize) -> u64 {
        self.word(index).load(Ordering::Acquire)
    }

    pub fn set(&self, index: usize, value: u64) {
        self.word(index).store(value, Ordering::Release);
    }

    pub fn add(&self, index: usize, value: u64) -> u64 {
        self.word(index).fetch_add(value, Ordering::AcqRel)
    }

    /// Sets a word, and wakes everyone who waits for it in [`Page::reached`].
    pub fn announce(&self, index: usize, value: u64) {
        self.set(index, value);
        system::wake(self.word(index));
    }

    /// Sleeps until a word is announced to be at least `value`: a thousand may do so at once.
    #[track_caller]
    pub fn reached(&self, index: usize, value: u64) {
        let deadline = Instant::now() + 6 * PATIENCE;
        loop {
            let found = self.get(index);
            if found >= value {
                return;
            }
            assert!(Instant::now() < deadline, "word {index} never was {value}");
            system::wait(self.word(index), found);
        }
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        // SAFETY: mapped by map() with this length, unmapped once.
        unsafe { system::unmap(self.words.cast_mut().cast(), BYTES) };
    }
}
