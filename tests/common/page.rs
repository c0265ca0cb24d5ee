//! Words that processes share outside the crate: a plain mapped file. What a killed process wrote stays.

use std::fs::{File, OpenOptions};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};

use super::PATIENCE;
use super::room::Room;

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
        let access = ProtFlags::READ | ProtFlags::WRITE;
        // SAFETY: no address is asked for, so no existing mapping is replaced.
        let base = unsafe {
            mmap(
                std::ptr::null_mut(),
                BYTES,
                access,
                MapFlags::SHARED,
                file,
                0,
            )
        };
        Self {
            words: base.expect("mapping a page").cast(),
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
        self.futex(index, libc::FUTEX_WAKE, i32::MAX as u32);
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
            self.futex(index, libc::FUTEX_WAIT, found as u32);
        }
    }

    /// On the low half of a word; a wait ends within a second.
    fn futex(&self, index: usize, what: i32, value: u32) {
        let second = libc::timespec {
            tv_sec: 1,
            tv_nsec: 0,
        };
        let word: *const u32 = std::ptr::from_ref(self.word(index)).cast();
        let low = if cfg!(target_endian = "little") { 0 } else { 1 };
        let at = word.wrapping_add(low);
        // SAFETY: a mapped, aligned u32 and a timeout that lives through the call; a failure is looked into by the caller.
        unsafe { libc::syscall(libc::SYS_futex, at, what, value, &raw const second) };
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        // SAFETY: mapped by map() with this length, unmapped once.
        let _ = unsafe { munmap(self.words.cast_mut().cast(), BYTES) };
    }
}
