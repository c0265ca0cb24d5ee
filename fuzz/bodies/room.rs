//! Exactly so many bytes on the heap, as a distrusted region whose other party is the script.

use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use ringpad::Region;

/// Most bytes of a region: enough for every kind, few enough to be fast.
const MOST: usize = 16 << 10;

/// Bytes that a body works on: a distrusted region, and a way for the other party to write into it.
pub trait Arena {
    /// A distrusted region over all of it.
    fn region(&self) -> Region<'_>;
    /// Writes one word, as the other party may at any time; `at` is brought into the region.
    fn scribble(&self, at: usize, value: u32);
}

/// Line-aligned bytes; a checker of addresses sees every access beyond them.
#[derive(Debug)]
pub struct Room {
    base: *mut u8,
    layout: Layout,
}

impl Room {
    /// `len` bytes, at most 16 KiB, that begin as `content`; zeros behind it.
    pub fn holding(content: &[u8], len: usize) -> Self {
        let content = &content[..content.len().min(MOST)];
        let len = len.min(MOST).max(content.len()).max(1);
        let layout = Layout::from_size_align(len, 128).expect("a small layout");
        // SAFETY: the layout has at least one byte.
        let base = unsafe { alloc_zeroed(layout) };
        if base.is_null() {
            handle_alloc_error(layout);
        }
        // SAFETY: content.len() <= len bytes lie there, and nobody else knows them yet.
        unsafe { base.copy_from_nonoverlapping(content.as_ptr(), content.len()) };
        Self { base, layout }
    }

    /// Bytes of the room.
    pub fn len(&self) -> usize {
        self.layout.size()
    }

    /// A copy of what the room holds.
    pub fn bytes(&self) -> Vec<u8> {
        let mut copy = vec![0; self.len()];
        // SAFETY: len bytes lie there, initialised; the copy is elsewhere.
        unsafe {
            copy.as_mut_ptr()
                .copy_from_nonoverlapping(self.base, self.len())
        };
        copy
    }
}

impl Arena for Room {
    fn region(&self) -> Region<'_> {
        // SAFETY: allocated and initialised for as long as the room is borrowed; what scribbles on it meanwhile
        // does so by atomic words on this thread.
        unsafe { Region::distrusted(self.base, self.len()) }.expect("aligned and small")
    }

    fn scribble(&self, at: usize, value: u32) {
        let words = self.len() / 4;
        if words > 0 {
            // SAFETY: at % words * 4 + 4 <= len.
            let word = unsafe { self.base.add(at % words * 4) };
            // SAFETY: four bytes in the room, aligned to 4.
            let word = unsafe { AtomicU32::from_ptr(word.cast()) };
            word.store(value, Relaxed);
        }
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        // SAFETY: allocated with this layout in holding(); regions borrow the room, so none is left.
        unsafe { dealloc(self.base, self.layout) };
    }
}

/// An input taken apart: what to do, and where.
#[derive(Debug)]
pub struct Script<'a>(&'a [u8]);

impl<'a> Script<'a> {
    /// A script of its own.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// The script of an input, and the room that the input describes.
    pub fn with_room(input: &'a [u8]) -> (Self, Room) {
        let (&[steps, lines], rest) = input.split_first_chunk::<2>().unwrap_or((&[0, 0], &[]));
        let (script, content) = rest.split_at(usize::from(steps).min(rest.len()));
        (
            Self(script),
            Room::holding(content, usize::from(lines) * 128),
        )
    }

    /// The next byte; `None` at the end.
    pub fn next(&mut self) -> Option<u8> {
        let (&first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(first)
    }

    /// The next byte, or 0.
    pub fn byte(&mut self) -> u8 {
        self.next().unwrap_or(0)
    }

    /// A word that is likely to hurt: small, huge, near a power of two, or four bytes of the script.
    pub fn word(&mut self) -> u32 {
        let near = |power: u8, by: u8| {
            (1u32 << (power & 31))
                .wrapping_add(u32::from(by))
                .wrapping_sub(8)
        };
        match self.byte() % 6 {
            0 => u32::from(self.byte()),
            1 => u32::MAX - u32::from(self.byte()),
            2 => near(self.byte(), self.byte() % 17),
            3 => u32::from_le_bytes(*b"REDY"),
            4 => u32::from(self.byte()) << 8 | u32::from(self.byte()),
            _ => u32::from_le_bytes([self.byte(), self.byte(), self.byte(), self.byte()]),
        }
    }

    /// Scribbles one word somewhere.
    pub fn scribble(&mut self, room: &impl Arena) {
        let at = usize::from(self.byte()) << 8 | usize::from(self.byte());
        room.scribble(at, self.word());
    }
}
