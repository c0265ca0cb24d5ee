//! Where an operation is killed: a region in memory that forks share, parties at its ends, an oracle that knows who was killed.

use std::sync::atomic::{AtomicU64, Ordering};

use ringpad::{Life, Liveness, PeerId};

use crate::common::tracer::Shared;

use super::message::{Message, message};

/// Slots of every swept ring.
pub const SLOTS: usize = 8;
/// Who is swept, who stands in the way, and two who live on.
pub const VICTIM: usize = 0;
pub const OTHER: usize = 1;
pub const SURVIVORS: [usize; 2] = [2, 3];
/// Parties of a stage.
pub const PARTIES: usize = 4;

/// What a party does at a ring.
pub trait End {
    /// Sends as many of these as it can, together.
    fn send(&mut self, messages: &[Message]) -> usize;
    /// Receives so many at most, for good.
    fn recv(&mut self, into: &mut [Message]) -> usize;
    /// Receives one by name: with its sequence, if the ring has such.
    fn take(&mut self) -> Option<(Message, Option<u64>)>;
}

/// What parties note down, outside the region: it does not change what is watched.
#[derive(Clone, Copy)]
pub struct Notes(&'static Shared);

const DEAD: usize = 0;
const EACH: usize = 64;
const SENT: usize = 0;
const RETURNED: usize = 1;
const GOT: usize = 2;
const NAMES: usize = 3;

impl Notes {
    fn at(party: usize, word: usize) -> usize {
        EACH * (party + 1) + word
    }

    /// A send of this party's returned, and had sent so many.
    pub fn sent(&self, party: usize, count: usize) {
        self.0
            .word(Self::at(party, SENT))
            .fetch_add(count as u64, Ordering::Relaxed);
        self.0.set(Self::at(party, RETURNED), 1);
    }

    /// A receive of this party's returned, with these.
    pub fn got(&self, party: usize, messages: &[Message]) {
        for message in messages {
            // A torn one is noted as no message's name.
            self.got_named(party, super::message::whole(message).unwrap_or(0));
        }
        self.0.set(Self::at(party, RETURNED), 1);
    }

    /// This party got the message of this name. First which, then that there is one: it may be killed in between.
    pub fn got_named(&self, party: usize, name: u64) {
        let count = self.0.get(Self::at(party, GOT));
        self.0.set(Self::at(party, NAMES + count as usize), name);
        self.0.set(Self::at(party, GOT), count + 1);
    }

    pub fn sent_by(&self, party: usize) -> u64 {
        self.0.get(Self::at(party, SENT))
    }

    pub fn has_returned(&self, party: usize) -> bool {
        self.0.get(Self::at(party, RETURNED)) == 1
    }

    /// The names of what this party got; 0 for a torn one.
    pub fn names(&self, party: usize) -> Vec<u64> {
        let count = self.0.get(Self::at(party, GOT)) as usize;
        (0..count)
            .map(|i| self.0.get(Self::at(party, NAMES + i)))
            .collect()
    }

    /// Lets the oracle know that this party was killed and reaped.
    pub fn declare_dead(&self, party: usize) {
        self.0.set(DEAD + party, 1);
    }

    /// Somebody else has joined in this party's row.
    pub fn declare_alive(&self, party: usize) {
        self.0.set(DEAD + party, 0);
    }
}

/// Knows exactly who was killed: party `n` joined first, second, .. as peer `n + 1`.
pub struct Oracle([&'static AtomicU64; PARTIES]);

// SAFETY: a party is declared dead only after its process was killed and waited for.
unsafe impl Liveness for Oracle {
    fn state(&self, peer: PeerId) -> Life {
        let word = self.0.get(peer.get() as usize - 1);
        match word.map_or(0, |word| word.load(Ordering::Acquire)) {
            1 => Life::Dead,
            _ => Life::Alive,
        }
    }
}

/// A party: its end, what it may send, where it notes what it did.
pub struct Hands<E> {
    pub end: E,
    pub who: usize,
    pub own: [Message; SLOTS],
    pub notes: Notes,
    /// How many of its messages it has sent; survivors number on.
    pub next: u64,
}

/// The memory of one sweep, made anew for each run. It is never given back: all that lies in it is `'static`.
#[derive(Clone, Copy)]
pub struct World {
    pub memory: &'static Shared,
    pub notes: Notes,
    pub oracle: &'static Oracle,
}

impl World {
    pub fn new(bytes: usize) -> Self {
        let memory = Box::leak(Box::new(Shared::new(bytes)));
        let notes = Notes(Box::leak(Box::new(Shared::new(EACH * (PARTIES + 1) * 8))));
        let oracle = Box::leak(Box::new(Oracle(std::array::from_fn(|party| {
            notes.0.word(DEAD + party)
        }))));
        Self {
            memory,
            notes,
            oracle,
        }
    }

    /// Changes when region or notes do: who is known to be dead too.
    pub fn state(&self) -> (u64, u64) {
        (self.memory.fingerprint(), self.notes.0.fingerprint())
    }

    /// Zeroes region and notes.
    pub fn clear(&self) {
        for shared in [self.memory, self.notes.0] {
            (0..shared.len() / 8).for_each(|word| shared.set(word, 0));
        }
    }

    pub fn hands<E>(&self, who: usize, end: E) -> Hands<E> {
        Hands {
            end,
            who,
            own: std::array::from_fn(|number| message(who, number as u64)),
            notes: self.notes,
            next: 0,
        }
    }
}
