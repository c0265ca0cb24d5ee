//! What the creator of a reliable mailslot decides, and how the header says it.

#![forbid(unsafe_code)]

use super::CURSORS;
use super::cursor::{CursorShape, POSITIONS};
use crate::channel::stamp::Shape;
use crate::error::{Error, Field, Result};
use crate::memory::layout::{Line, Spacing};
use crate::memory::liveness::PeerId;
use crate::segment::header::Geometry;
use crate::segment::kind::Kind;

/// Most slots: a cursor knows 24 bits of its position.
const MOST_SLOTS: u32 = POSITIONS / 4;

/// What the publisher does about a subscriber that is `lag` messages behind. One whose owner is proven dead is evicted then, either way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slow {
    /// It says who holds it up, and publishes nothing: it may wait, or [evict](super::Publisher::evict).
    Wait,
    /// It evicts the subscriber, which hears so as [`Delivery::Evicted`](super::Delivery::Evicted) says, and publishes.
    Evict,
}

/// What the creator of a reliable mailslot decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// Slots: a power of two, 2 to 2^22.
    pub capacity: u32,
    /// Most bytes of a `[u8]`; of no meaning for other messages.
    pub most_bytes: u32,
    /// Cursors, 1 to 32: how many may subscribe at once. Observers need none.
    pub subscribers: u32,
    /// Messages that a subscriber may be behind, by what it told: 1 to `capacity`. It tells of every fourth part of this, so one that has taken
    /// up to a quarter more counts as behind nevertheless.
    pub lag: u32,
    /// What happens to one that is further behind.
    pub slow: Slow,
    /// The user's own number for the message's type, compared by [`Reliable::expect_tag`](super::Reliable::expect_tag) and by plans; 0 if none.
    pub type_tag: u64,
}

impl Config {
    /// `capacity` slots for messages of one type, cursors for `subscribers`, who may be `capacity` behind and are waited for.
    pub const fn new(capacity: u32, subscribers: u32) -> Self {
        Self {
            capacity,
            most_bytes: 0,
            subscribers,
            lag: capacity,
            slow: Slow::Wait,
            type_tag: 0,
        }
    }

    /// The same for `[u8]` of up to `most_bytes` bytes.
    pub const fn bytes(capacity: u32, most_bytes: u32, subscribers: u32) -> Self {
        let mut config = Self::new(capacity, subscribers);
        config.most_bytes = most_bytes;
        config
    }

    /// With another lag budget.
    pub const fn lag(mut self, lag: u32) -> Self {
        self.lag = lag;
        self
    }

    /// With another policy towards the slow.
    pub const fn slow(mut self, slow: Slow) -> Self {
        self.slow = slow;
        self
    }

    /// With the user's own number for the message's type.
    pub const fn tagged(mut self, type_tag: u64) -> Self {
        self.type_tag = type_tag;
        self
    }
}

/// What the header's framing word says besides whether messages are bytes (bit 0): bit 1 evicts, bits 2-7 subscribers, 8-31 lag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Terms {
    pub(super) lag: u32,
    pub(super) subscribers: u32,
    pub(super) slow: Slow,
}

impl Terms {
    pub(super) fn of(config: &Config) -> Result<Self> {
        let bad = |field, found: u32, want| Error::BadConfig {
            field,
            found: found.into(),
            want,
        };
        if config.capacity > MOST_SLOTS {
            let want = "a power of two from 2 to 2^22";
            return Err(bad(Field::Capacity, config.capacity, want));
        }
        if config.subscribers == 0 || config.subscribers > PeerId::MOST {
            let want = "1 to 32 subscribers";
            return Err(bad(Field::Subscribers, config.subscribers, want));
        }
        if config.lag == 0 || config.lag > config.capacity {
            let want = "a lag of 1 to the capacity";
            return Err(bad(Field::Lag, config.lag, want));
        }
        Ok(Self {
            lag: config.lag,
            subscribers: config.subscribers,
            slow: config.slow,
        })
    }

    pub(super) const fn framing(self) -> u32 {
        let evicts = matches!(self.slow, Slow::Evict) as u32;
        self.lag << 8 | self.subscribers << 2 | evicts << 1
    }

    /// The terms of an attached header, checked as those of a new one.
    pub(super) fn attached(geometry: &Geometry) -> Result<Self> {
        let slow = if geometry.framing & 2 == 0 {
            Slow::Wait
        } else {
            Slow::Evict
        };
        Self::of(&Config {
            lag: geometry.framing >> 8,
            slow,
            ..Config::new(geometry.capacity, geometry.framing >> 2 & 63)
        })
    }

    pub(super) fn shape(self, config: &Config) -> Shape {
        Shape {
            kind: Kind::Reliable,
            slots: config.capacity,
            least: 2,
            spacing: Spacing::Lines,
            fixed: CURSORS + self.subscribers as usize * size_of::<Line<CursorShape>>(),
            unit: 8,
            type_tag: config.type_tag,
            framing: self.framing(),
        }
    }
}
