//! What a notepad's readers get: a value and its version, or why not.

#![forbid(unsafe_code)]

use core::fmt;

use super::{NUMBER, TooLong, WRITTEN};

/// Which write a value is of: 31 bits that wrap. Equal or not is all that is to be asked of two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Version(pub(super) u32);

impl Version {
    /// The version that a `latest` word names, if anything was written.
    pub(super) fn of(latest: u32) -> Option<Self> {
        (latest & WRITTEN != 0).then_some(Self(latest & NUMBER))
    }

    /// The number, from 1 to 2^31 - 1 and then from 0 again.
    pub const fn get(self) -> u32 {
        self.0
    }
}

/// A value and the version that it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Note<T> {
    /// Which write this is.
    pub version: Version,
    /// What was written.
    pub value: T,
}

/// Why a read brought no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Missed {
    /// The writer overwrote the slot during the copy: read again.
    Lapped,
    /// The caller's buffer is too small for the value.
    TooLong(TooLong),
    /// The region holds what no writer writes.
    Corrupt,
}

impl fmt::Display for Missed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Missed::Lapped => f.write_str("overtaken by the writer; read again"),
            Missed::TooLong(why) => why.fmt(f),
            Missed::Corrupt => f.write_str("corrupt notepad"),
        }
    }
}

impl core::error::Error for Missed {}
