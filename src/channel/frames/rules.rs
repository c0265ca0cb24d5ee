//! What the creator of a pool decides, and how many frames the worst case needs.

#![forbid(unsafe_code)]

use crate::error::{Error, Field, Result};
use crate::memory::layout::CACHE_LINE;

/// Seats of a pool: a bit each in a frame's word.
pub(super) const SEATS: u32 = 32;
/// Most receivers: two bits each in the word of reservations.
const MOST_RECEIVERS: u32 = 16;
/// Most frames: a loan that finds none free has looked at each.
const MOST_FRAMES: u32 = 1 << 16;
/// Largest frame.
const MOST_BYTES: u32 = 1 << 30;
/// Largest alignment: a huge page of the usual size.
const MOST_ALIGN: u32 = 1 << 21;

/// What the creator of a pool decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// Frames, 1 to 65,536.
    pub frames: u32,
    /// Bytes of each, 1 to 2^30.
    pub frame_bytes: u32,
    /// What each frame's address is a multiple of: a power of two from 128 to 2 MiB.
    pub align: u32,
    /// Receivers for whom frames may be reserved, 0 to 16, by numbers from 0.
    pub receivers: u32,
    /// The user's own number for what the frames hold, compared by [`Frames::expect_tag`](super::Frames::expect_tag) and by plans; 0 if none.
    pub type_tag: u64,
}

impl Config {
    /// So many frames of so many bytes, aligned to 128, without receivers and type tag.
    pub const fn new(frames: u32, frame_bytes: u32) -> Self {
        Self {
            frames,
            frame_bytes,
            align: CACHE_LINE as u32,
            receivers: 0,
            type_tag: 0,
        }
    }

    /// As many frames as this load needs at its worst, for its receivers.
    pub const fn for_load(load: &Load, frame_bytes: u32) -> Self {
        Self::new(load.frames(), frame_bytes).receivers(load.receivers)
    }

    /// With this many frames, whatever was computed.
    pub const fn frames(mut self, frames: u32) -> Self {
        self.frames = frames;
        self
    }

    /// With each frame's address a multiple of `align`.
    pub const fn aligned(mut self, align: u32) -> Self {
        self.align = align;
        self
    }

    /// With so many receivers.
    pub const fn receivers(mut self, receivers: u32) -> Self {
        self.receivers = receivers;
        self
    }

    /// With the user's own number for what the frames hold.
    pub const fn tagged(mut self, type_tag: u64) -> Self {
        self.type_tag = type_tag;
        self
    }

    pub(super) fn check(&self) -> Result<()> {
        let bad = |field, found: u32, want| {
            Err(Error::BadConfig {
                field,
                found: found.into(),
                want,
            })
        };
        if self.frames == 0 || self.frames > MOST_FRAMES {
            return bad(Field::Capacity, self.frames, "1 to 65536 frames");
        }
        if self.frame_bytes == 0 || self.frame_bytes > MOST_BYTES {
            return bad(Field::ElementBytes, self.frame_bytes, "1 to 2^30 bytes");
        }
        let aligns = CACHE_LINE as u32..=MOST_ALIGN;
        if !self.align.is_power_of_two() || !aligns.contains(&self.align) {
            let want = "a power of two from 128 to 2^21";
            return bad(Field::ElementAlign, self.align, want);
        }
        if self.receivers > MOST_RECEIVERS {
            return bad(Field::Framing, self.receivers, "at most 16 receivers");
        }
        Ok(())
    }
}

/// Who uses a pool, at the worst: from it follows how many frames never run out.
///
/// ```
/// use ringpad::frames::{Config, Load};
/// // One camera, four viewers, and a recorder that may be 16 frames behind.
/// let load = Load { viewers: 4, receivers: 1, queue: 16, ..Load::new() };
/// assert_eq!(load.frames(), 1 + 4 + 1 + 16 + 1);
/// assert_eq!(Config::for_load(&load, 8_294_400).frames(40).frames, 40);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Load {
    /// Publishers.
    pub publishers: u32,
    /// Loans that each has at once.
    pub loans: u32,
    /// Viewers for whom nothing is reserved.
    pub viewers: u32,
    /// Receivers for whom frames are reserved.
    pub receivers: u32,
    /// Views that each viewer and each receiver has at once.
    pub views: u32,
    /// Frames that wait for the slowest receiver, all publishers together: the capacity of what its tickets travel through. Where receivers get
    /// different frames, of all of them together.
    pub queue: u32,
}

impl Load {
    /// One publisher with one loan, and nobody who looks; one view each.
    pub const fn new() -> Self {
        Self {
            publishers: 1,
            loans: 1,
            viewers: 0,
            receivers: 0,
            views: 1,
            queue: 0,
        }
    }

    /// Frames with which no loan finds none free: all that may be loaned, viewed or waiting at once, and one more, so that a loan need not
    /// take the newest. What the dead had published and not sent, what dead receivers had taken, and what was recalled comes on top, until
    /// [`User::release_unclaimed`](super::User::release_unclaimed).
    pub const fn frames(&self) -> u32 {
        let loans = self.publishers.saturating_mul(self.loans);
        let views = self
            .viewers
            .saturating_add(self.receivers)
            .saturating_mul(self.views);
        loans
            .saturating_add(views)
            .saturating_add(self.queue)
            .saturating_add(1)
    }
}

impl Default for Load {
    fn default() -> Self {
        Self::new()
    }
}
