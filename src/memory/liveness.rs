//! Who: the names of peers, the word that names an owner, and the question whether it still lives.

use core::fmt;
use core::num::NonZeroU8;
use core::sync::atomic::{AtomicBool, Ordering};

/// One participant of a segment: the number of its row, `1..=32`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct PeerId(NonZeroU8);

impl PeerId {
    /// Most peers of one segment: one bit each in a word.
    pub const MOST: u32 = 32;
    /// Who claims an end of a bare channel, where there are no peers to name.
    pub const BARE: PeerId = PeerId(NonZeroU8::MAX);

    /// The peer of row `number`, if it is in `1..=32`.
    pub const fn new(number: u32) -> Option<Self> {
        if number == 0 || number > Self::MOST {
            return None;
        }
        match NonZeroU8::new(number as u8) {
            Some(number) => Some(Self(number)),
            None => None,
        }
    }

    /// The number of the row, from 1.
    pub const fn get(self) -> u32 {
        self.0.get() as u32
    }

    /// The index of the row, from 0.
    pub(crate) const fn index(self) -> usize {
        self.0.get() as usize - 1
    }

    /// The peer's bit in a bitmap of peers.
    pub(crate) const fn bit(self) -> u32 {
        1 << ((self.0.get() - 1) & 31)
    }
}

impl fmt::Display for PeerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::BARE {
            f.write_str("the holder of a bare end")
        } else {
            write!(f, "peer {}", self.0)
        }
    }
}

/// What a claim word holds: whose it is. All zero is nobody's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C, align(4))]
pub(crate) struct Owner {
    pub(crate) peer: u8,
    /// Low byte first: 24 bits, so that a number comes again after 8,388,608 lives of a row only.
    pub(crate) generation: [u8; 3],
}

// SAFETY: four bytes fill the four bytes of the alignment; no padding, no reference, no interior mutability.
unsafe impl bytemuck::NoUninit for Owner {}
// SAFETY: as below.
unsafe impl bytemuck::Zeroable for Owner {}
// SAFETY: every bit pattern of four bytes is valid.
unsafe impl bytemuck::AnyBitPattern for Owner {}

impl Owner {
    /// Nobody.
    pub(crate) const FREE: Owner = Owner {
        peer: 0,
        generation: [0; 3],
    };
    /// Whoever holds an end of a bare channel.
    pub(crate) const BARE: Owner = Owner {
        peer: u8::MAX,
        generation: [0; 3],
    };

    /// Of `generation` the low 24 bits.
    pub(crate) const fn of(peer: PeerId, generation: u32) -> Self {
        let [low, mid, high, _] = generation.to_le_bytes();
        Self {
            peer: peer.0.get(),
            generation: [low, mid, high],
        }
    }

    pub(crate) const fn generation(self) -> u32 {
        let [low, mid, high] = self.generation;
        u32::from_le_bytes([low, mid, high, 0])
    }

    /// The named peer; `None` for nobody and for a number that no row has.
    pub(crate) fn peer(self) -> Option<PeerId> {
        if self.peer == u8::MAX {
            return Some(PeerId::BARE);
        }
        PeerId::new(u32::from(self.peer))
    }
}

/// What is known of a peer's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Life {
    /// It was alive when asked.
    Alive,
    /// It is proven dead: it will never touch the region again.
    Dead,
    /// Nothing is proven. Counts as alive everywhere.
    Unknown,
}

/// Knows whether a peer still lives. The `os` layer has one; other integrators bring their own.
///
/// # Safety
///
/// [`Life::Dead`] must mean that the peer which held the row when the question was asked can never
/// again touch the region, and that everything it did is visible to the caller (the answer is an
/// acquire). Saying it of a living peer gives one slot two owners.
pub unsafe trait Liveness: Sync {
    /// The life of the peer in row `peer`, now.
    fn state(&self, peer: PeerId) -> Life;
}

/// Proves nothing: everyone counts as alive, and nothing is ever taken over.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoProof;

// SAFETY: never says Dead.
unsafe impl Liveness for NoProof {
    fn state(&self, _: PeerId) -> Life {
        Life::Unknown
    }
}

/// The word of whoever reset the other side: one named owner is dead. It says so once, for one take-over: the next
/// holder of the same name is another.
///
/// ```
/// use ringpad::{Evicted, Life, Liveness, PeerId};
/// // SAFETY: this example has no other side.
/// let proof = unsafe { Evicted::new(PeerId::BARE) };
/// assert_eq!(proof.state(PeerId::BARE), Life::Dead);
/// assert_eq!(proof.state(PeerId::BARE), Life::Unknown);
/// ```
#[derive(Debug)]
pub struct Evicted {
    owner: PeerId,
    spent: AtomicBool,
}

impl Evicted {
    /// Declares `owner` dead, for one take-over.
    ///
    /// # Safety
    ///
    /// From now until the proof is spent, whoever holds an end under this name can never again touch the region (its
    /// core is held in reset, its thread was joined), and the caller has synchronised with its end. So nobody else may take
    /// the same end over meanwhile.
    pub const unsafe fn new(owner: PeerId) -> Self {
        Self {
            owner,
            spent: AtomicBool::new(false),
        }
    }
}

// SAFETY: whoever made it promised that this owner is dead when it is first asked; of others, and later, it proves nothing.
unsafe impl Liveness for Evicted {
    fn state(&self, peer: PeerId) -> Life {
        if peer == self.owner && !self.spent.swap(true, Ordering::AcqRel) {
            Life::Dead
        } else {
            Life::Unknown
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_outside_the_table_name_nobody() {
        assert_eq!(PeerId::new(0), None);
        assert_eq!(PeerId::new(33), None);
        assert_eq!(PeerId::new(32).map(PeerId::bit), Some(1 << 31));
        let garbage = Owner {
            peer: 33,
            generation: [1, 0, 0],
        };
        assert_eq!(garbage.peer(), None);
        assert_eq!(Owner::FREE.peer(), None);
        assert_eq!(Owner::BARE.peer(), Some(PeerId::BARE));
    }
}
