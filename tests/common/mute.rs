//! A producer that commits and never rings, as one killed between the two: it holds its end through the os layer, and
//! writes slot and tail by the wire format through a mapping of its own.

use std::fs::OpenOptions;
use std::sync::atomic::{AtomicU32, Ordering};

use ringpad::os::{OwnedPeer, Producer, SharedSegment};

use super::room::Room;
use super::system;

/// Where a ring's words lie: docs/wire-format.md.
const TAIL: usize = 128;
const SLOTS: usize = 512;

/// A producer's end of a named segment's ring of numbers.
pub struct Mute {
    peer: OwnedPeer,
    end: Producer<u64>,
    base: *mut u8,
    len: usize,
    ring: usize,
}

// SAFETY: only atomics are touched through the pointer, which is mapped as long as this lives.
unsafe impl Send for Mute {}

impl Mute {
    pub fn claim(room: &Room, name: &str, ring: &str) -> Self {
        let shared = SharedSegment::open(name, &room.options()).expect("opening");
        let peer = shared.join().expect("joining");
        let end = peer.producer(ring).expect("the end");
        let entry = shared.entries().find(|entry| entry.name == ring);
        let path = room.file(&format!("{name}.seg"));
        let file = OpenOptions::new().read(true).write(true).open(path);
        let (file, len) = (file.expect("the memory"), shared.len_bytes());
        Self {
            peer,
            end,
            base: system::map(&file, len),
            len,
            ring: entry.expect("listed").offset as usize,
        }
    }

    fn word(&self, at: usize) -> &AtomicU32 {
        assert!(self.ring + at + 4 <= self.len);
        let word = self.base.wrapping_byte_add(self.ring + at).cast();
        // SAFETY: inside the mapping, aligned, and not touched but by atomics while nobody reads the slot.
        unsafe { AtomicU32::from_ptr(word) }
    }

    /// Commits one number, and tells nobody.
    pub fn commit(&mut self, value: u64) {
        let tail = self.word(TAIL).load(Ordering::Relaxed);
        let slot = SLOTS + 8 * (tail % self.end.capacity()) as usize;
        self.word(slot).store(value as u32, Ordering::Relaxed);
        self.word(slot + 4)
            .store((value >> 32) as u32, Ordering::Relaxed);
        self.word(TAIL)
            .store(tail.wrapping_add(1), Ordering::Release);
    }

    pub fn peer(&self) -> &OwnedPeer {
        &self.peer
    }
}

impl Drop for Mute {
    fn drop(&mut self) {
        // SAFETY: mapped by claim() with this length, unmapped once.
        unsafe { system::unmap(self.base, self.len) };
    }
}
