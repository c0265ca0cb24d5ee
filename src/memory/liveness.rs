//! Who: the names of peers, the word that names an owner, and the question whether it still lives.

use core::fmt;
use core::num::NonZeroU8;

#[cfg(target_has_atomic = "32")]
mod evicted;
#[cfg(target_has_atomic = "32")]
pub use self::evicted::Evicted;

/// One participant of a segment: the number of its row, `1..=32`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct PeerId(NonZeroU8);

impl PeerId {
    /// Most peers of one segment: one bit each in a word.
    pub const MOST: u32 = 32;
    /// Who claims an end of a bare channel, where there are no peers to name.
    pub const BARE: PeerId = PeerId(NonZeroU8::MAX);
    /// Whoever was given an end for good, without a claim: [`Sole`].
    pub const STATIC: PeerId = PeerId(NonZeroU8::new(254).unwrap());

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
        } else if *self == Self::STATIC {
            f.write_str("the holder of a static end")
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

    /// Whoever was given an end for good.
    pub(crate) const STATIC: Owner = Owner {
        peer: PeerId::STATIC.0.get(),
        generation: [0; 3],
    };
    /// Whose the ends of a new channel are: where nobody can claim one, those of whoever made it.
    pub(crate) const FIRST: Owner = if cfg!(target_has_atomic = "32") {
        Owner::FREE
    } else {
        Owner::STATIC
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
        match self.peer {
            u8::MAX => Some(PeerId::BARE),
            _ if self == Owner::STATIC => Some(PeerId::STATIC),
            peer => PeerId::new(u32::from(peer)),
        }
    }
}

/// The promise that one end of one channel has no other holder: what a static end is made for.
///
/// ```
/// use ringpad::{AlignedBytes, Channel, Region, Sole, spsc::{Config, Spsc}};
/// let mut room = AlignedBytes::<1024>::new();
/// let (base, len) = (room.as_mut().as_mut_ptr(), room.as_mut().len());
/// // SAFETY: the bytes outlive the ring, and everybody uses them through it.
/// let region = || unsafe { Region::new(base, len) };
/// let (mut tx, rx) = Spsc::<u32>::init(region()?, &Config::new(8))?.split_static()?;
/// drop(rx); // it is for the other core:
/// // SAFETY: nobody else takes items out of this ring from now on.
/// let sole = unsafe { Sole::new() };
/// let mut rx = Spsc::<u32>::attach(region()?)?.static_consumer(sole)?;
/// tx.push(7).unwrap();
/// assert_eq!(rx.pop(), Some(7));
/// # Ok::<(), ringpad::Error>(())
/// ```
#[derive(Debug)]
pub struct Sole(());

impl Sole {
    /// Promises one end to whoever spends this.
    ///
    /// # Safety
    ///
    /// While an end lives that was made for this promise, there is no other of the same side of the same channel, in any
    /// context, core or process; and whoever held one before has synchronised with the caller since.
    pub const unsafe fn new() -> Self {
        Self(())
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
        assert_eq!(Owner::STATIC.peer(), Some(PeerId::STATIC));
        let garbage = Owner {
            peer: 254,
            generation: [1, 0, 0],
        };
        assert_eq!(garbage.peer(), None);
    }
}
