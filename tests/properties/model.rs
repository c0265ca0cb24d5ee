//! A byte ring as a queue that knows the wire's rules of room.

use std::collections::VecDeque;

use ringpad::bytes::{Framing, Refused};

/// One record with the bytes that it takes of the ring, or one byte of a stream.
pub type Piece = (Vec<u8>, u32);

pub struct Model {
    pub framing: Framing,
    pub capacity: u32,
    pub next: u8,
    pub published: VecDeque<Piece>,
    pub staged: VecDeque<Piece>,
    pub tail: u32,
    pub head: u32,
}

impl Model {
    /// An empty ring whose positions both stand at `start`.
    pub fn new(framing: Framing, capacity: u32, start: u32) -> Self {
        Self {
            framing,
            capacity,
            next: 0,
            published: VecDeque::new(),
            staged: VecDeque::new(),
            tail: start,
            head: start,
        }
    }

    pub fn position(&self) -> u32 {
        self.tail
            .wrapping_add(self.staged.iter().map(|piece| piece.1).sum())
    }

    pub fn room(&self) -> u32 {
        self.capacity - self.position().wrapping_sub(self.head)
    }

    pub fn to_end(&self, position: u32) -> u32 {
        self.capacity - position % self.capacity
    }

    pub fn most(&self) -> usize {
        match self.framing {
            Framing::Records => self.capacity as usize / 2 - 8,
            Framing::Stream => self.capacity as usize,
        }
    }

    /// Payload bytes of a record that lies in so many bytes in one piece.
    fn fits(bytes: u32) -> Option<usize> {
        (bytes as usize / 8 * 8).checked_sub(8)
    }

    /// Where `least..=len` bytes go: bytes skipped, bytes granted. Otherwise why not.
    pub fn place(&self, least: usize, len: usize) -> Result<(u32, usize), Refused> {
        let (room, to_end) = (self.room(), self.to_end(self.position()));
        let most = match self.framing {
            Framing::Records => self.most(),
            Framing::Stream => to_end as usize,
        };
        if least > most {
            return Err(Refused::TooLong { found: least, most });
        }
        let len = len.min(most);
        let found = match self.framing {
            Framing::Stream => Some((0, len.min(room as usize))),
            Framing::Records => {
                let here = Self::fits(room.min(to_end)).map(|fits| (0, fits.min(len)));
                let there = room
                    .checked_sub(to_end)
                    .and_then(Self::fits)
                    .map(|fits| (to_end, fits.min(len)));
                // The larger; here if equal.
                [there, here]
                    .into_iter()
                    .flatten()
                    .max_by_key(|place| place.1)
            }
        };
        found.filter(|place| place.1 >= least).ok_or(Refused::Full)
    }

    pub fn text(&mut self, len: usize) -> Vec<u8> {
        let text = (0..len)
            .map(|at| self.next.wrapping_add(at as u8))
            .collect();
        self.next = self.next.wrapping_add(101);
        text
    }

    pub fn stage(&mut self, skip: u32, text: &[u8]) {
        match self.framing {
            Framing::Records => {
                let takes = skip + 8 + (text.len() as u32).next_multiple_of(8);
                self.staged.push_back((text.to_vec(), takes));
            }
            Framing::Stream => self.staged.extend(text.iter().map(|&byte| (vec![byte], 1))),
        }
    }

    pub fn publish(&mut self) {
        self.tail = self.position();
        self.published.append(&mut self.staged);
    }

    /// The next `count` pieces together.
    pub fn front(&self, count: usize) -> Vec<u8> {
        self.published
            .iter()
            .take(count)
            .flat_map(|piece| piece.0.clone())
            .collect()
    }

    pub fn release(&mut self, count: usize) {
        let freed = self.published.drain(..count).map(|piece| piece.1).sum();
        self.head = self.head.wrapping_add(freed);
    }
}
