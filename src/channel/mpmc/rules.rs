//! What the creator of a ring decides.

#![forbid(unsafe_code)]

use crate::error::{Error, Field, Result};
use crate::segment::header::Geometry;

/// What becomes of a message that a receiver has taken and not acknowledged when it dies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Delivery {
    /// It comes again, to another receiver, with the same sequence.
    #[default]
    AtLeastOnce,
    /// It is dropped.
    AtMostOnce,
}

/// How others get past a slot whose owner has stopped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Recovery {
    /// Without proof of its death: the slot is passed over, and its owner told so when it goes on.
    #[default]
    Revoke,
    /// Only once it is proven dead. A peer that is stopped, or whose death cannot be proven, holds everybody up behind it.
    /// Commits cost a store instead of an exchange.
    ProofOnly,
}

/// What the creator of a ring decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// Slots: a power of two, at most 2^24.
    pub capacity: u32,
    /// What becomes of what the dead had taken.
    pub delivery: Delivery,
    /// How others get past a slot whose owner has stopped.
    pub recovery: Recovery,
    /// The user's own number for `T`, compared by [`Mpmc::expect_tag`](super::Mpmc::expect_tag) and by plans; 0 if none.
    pub type_tag: u64,
}

impl Config {
    /// `capacity` slots, at least once, revocable, no type tag.
    pub const fn new(capacity: u32) -> Self {
        Self {
            capacity,
            delivery: Delivery::AtLeastOnce,
            recovery: Recovery::Revoke,
            type_tag: 0,
        }
    }

    /// With this fate of what the dead had taken.
    pub const fn delivery(mut self, delivery: Delivery) -> Self {
        self.delivery = delivery;
        self
    }

    /// With this way past those who stopped.
    pub const fn recovery(mut self, recovery: Recovery) -> Self {
        self.recovery = recovery;
        self
    }

    /// With the user's own number for the element type.
    pub const fn tagged(mut self, type_tag: u64) -> Self {
        self.type_tag = type_tag;
        self
    }
}

/// The creator's decisions, as the ring's steps ask for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rules {
    pub(super) revoke: bool,
    pub(super) again: bool,
}

impl Rules {
    pub(super) fn of(config: &Config) -> Self {
        Self {
            revoke: config.recovery == Recovery::Revoke,
            again: config.delivery == Delivery::AtLeastOnce,
        }
    }

    /// As the header's framing word says them.
    pub(super) fn framing(self) -> u32 {
        u32::from(self.revoke) | u32::from(self.again) << 1
    }

    pub(super) fn attached(geometry: &Geometry) -> Result<Self> {
        let found = geometry.framing;
        if found > 3 {
            return Err(Error::BadConfig {
                field: Field::Framing,
                found: found.into(),
                want: "0 to 3: revocation and redelivery",
            });
        }
        Ok(Self {
            revoke: found & 1 != 0,
            again: found & 2 != 0,
        })
    }
}
