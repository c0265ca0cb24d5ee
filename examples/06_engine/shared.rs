//! What the two processes share, and what is in it.
//!
//! ```text
//! frames    Frames            the pictures: one pool, written and looked at in place
//! newest    Notepad<Newest>   the ticket of the newest one; its writer is the decoder
//! commands  Spsc<Command>     play, pause, seek; from the engine to the decoder
//! ```
//!
//! Tickets go through a notepad, not a mailslot: an engine that draws 120 times a second wants the newest picture and none of those before it.
//! A notepad holds one value, whose reader keeps no position, cannot be lapped, and costs the decoder nothing; a mailslot would have to be drained.

use ringpad::Plan;
use ringpad::frames::{self, FourCc, Frames, Load, Picture, Ticket};
use ringpad::notepad::{self, Notepad};
use ringpad::spsc::{self, Spsc};

pub const FRAMES: &str = "frames";
pub const NEWEST: &str = "newest";
pub const COMMANDS: &str = "commands";

/// The numbers that say "fields as below": another number, another engine.
const TAG: u64 = u64::from_le_bytes(*b"engine-1");

/// How pixels lie: a plane of brightness, then two of colour of half the columns and half the rows.
pub const I420: FourCc = FourCc(*b"I420");

/// The newest picture: where it is, and what proves it whole.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Newest {
    pub ticket: Ticket,
    /// Of its bytes and of its [`Picture`]: see [`checksum`].
    pub checksum: u32,
    /// Which decoder of this engine wrote it, counted from 1.
    pub decoder: u32,
}

// SAFETY: numbers, all of which may be zero.
unsafe impl bytemuck::Zeroable for Newest {}
// SAFETY: five u32 in the order of repr(C), without padding; any bits will do.
unsafe impl bytemuck::Pod for Newest {}
const _: () = assert!(size_of::<Newest>() == 20);

/// The checksum of a picture whose bytes have this one.
pub fn checksum(of_bytes: u32, picture: &Picture) -> u32 {
    let mut hasher = crc32fast::Hasher::new_with_initial(of_bytes);
    hasher.update(bytemuck::bytes_of(picture));
    hasher.finalize()
}

/// Bytes of an I420 picture of these sides; odd sides round up.
pub fn picture_bytes(width: u32, height: u32) -> u64 {
    let area = |w: u32, h: u32| u64::from(w) * u64::from(h);
    area(width, height) + 2 * area(width.div_ceil(2), height.div_ceil(2))
}

/// What the engine wants of its decoder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    Play,
    Pause,
    /// Go to this frame and show it, playing or not.
    Seek(u64),
}

/// A [`Wish`] as it travels.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Command {
    what: u64,
    frame: u64,
}

// SAFETY: integers, all of which may be zero.
unsafe impl bytemuck::Zeroable for Command {}
// SAFETY: two u64 in the order of repr(C), without padding; any bits will do.
unsafe impl bytemuck::Pod for Command {}

impl Command {
    pub fn of(wish: Wish) -> Self {
        let (what, frame) = match wish {
            Wish::Play => (1, 0),
            Wish::Pause => (2, 0),
            Wish::Seek(frame) => (3, frame),
        };
        Self { what, frame }
    }

    /// `None` for what no engine sends.
    pub fn wish(self) -> Option<Wish> {
        match self.what {
            1 => Some(Wish::Play),
            2 => Some(Wish::Pause),
            3 => Some(Wish::Seek(self.frame)),
            _ => None,
        }
    }
}

/// What the segment holds, with frames of so many bytes.
pub fn plan(frame_bytes: u32) -> ringpad::Result<Plan<3>> {
    let load = Load {
        // The engine has a second view while it changes from one picture to the next. The decoder looks too: at the picture
        // before, of which the next is made.
        viewers: 2,
        views: 2,
        ..Load::new()
    };
    let pool = frames::Config::for_load(&load, frame_bytes);
    Plan::<3>::new()
        .peers(8)?
        .channel::<Frames<'_>>(FRAMES, &pool.aligned(4096).tagged(TAG))?
        .channel::<Notepad<Newest>>(NEWEST, &notepad::Config::new().tagged(TAG))?
        .channel::<Spsc<Command>>(COMMANDS, &spsc::Config::new(64).tagged(TAG))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wishes_travel_and_nonsense_is_none() {
        for wish in [Wish::Play, Wish::Pause, Wish::Seek(u64::MAX)] {
            assert_eq!(Command::of(wish).wish(), Some(wish));
        }
        let zero: Command = bytemuck::Zeroable::zeroed();
        assert_eq!(zero.wish(), None);
        let frame = 3;
        assert_eq!(Command { what: 4, frame }.wish(), None);
    }

    #[test]
    fn a_checksum_covers_what_is_said_of_the_picture() {
        let bytes = crc32fast::hash(b"pixels");
        let picture = Picture::default();
        let late = Picture {
            sequence: 1,
            ..picture
        };
        assert_ne!(checksum(bytes, &picture), checksum(bytes, &late));
        assert_ne!(checksum(bytes, &picture), checksum(bytes ^ 1, &picture));
    }

    #[test]
    fn odd_sides_round_up() {
        assert_eq!(picture_bytes(4, 2), 12);
        assert_eq!(picture_bytes(3, 3), 9 + 2 * 4);
    }
}
