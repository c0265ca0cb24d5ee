//! What can go wrong between the crate and the operating system.

#![forbid(unsafe_code)]

use std::fmt;
use std::io;

/// Why the operating system's side of something could not be done.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The region's own error.
    Region(crate::Error),
    /// The region's own error, of one channel.
    Channel {
        /// The channel's name, as the caller gave it.
        name: String,
        /// What is wrong with it.
        why: crate::Error,
    },
    /// An option that does not go with what it was given to.
    BadOption {
        /// Which.
        option: &'static str,
        /// Why not, and what would do.
        why: &'static str,
    },
    /// A system call failed; `doing` says at what.
    Io {
        /// What was being done, and to which name.
        doing: String,
        /// The system's answer.
        source: io::Error,
    },
    /// A segment's name is empty, longer than 64 bytes, or not made of `A-Z a-z 0-9 . _ -`.
    BadName(String),
    /// There is no segment of this name, or nobody alive has it open (`stale`).
    NoSegment {
        /// The name that was wanted.
        name: String,
        /// Files of that name were found, but nobody holds them.
        stale: bool,
    },
    /// A living segment of this name is not what the caller wants.
    Incompatible {
        /// The segment.
        name: String,
        /// The channel of it that differs; `None` if the segment as a whole does.
        channel: Option<String>,
        /// What differs.
        why: crate::Error,
    },
    /// Somebody else kept the segment's creator lock, or it did not appear, until the deadline.
    TimedOut {
        /// What was waited for.
        waiting: String,
    },
    /// A received descriptor is not sealed against shrinking, so its sender could take the memory away.
    NotSealed,
    /// A received message or inherited variable is not what this crate sends.
    BadHandoff(String),
    /// This segment came without doorbells (`from_fd`): its peers poll.
    NoBells,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Region(error) => error.fmt(f),
            Error::Channel { name, why } => write!(f, "channel {name:?}: {why}"),
            Error::BadOption { option, why } => write!(f, "option {option}: {why}"),
            Error::Io { doing, source } => write!(f, "{doing}: {source}"),
            Error::BadName(name) => write!(
                f,
                "segment name {name:?}; wanted 1 to 64 bytes of A-Z a-z 0-9 . _ - not beginning with a dot, and no device of Windows (con, prn, aux, nul, com1, lpt1)"
            ),
            Error::NoSegment { name, stale: false } => write!(f, "no segment {name:?}"),
            Error::NoSegment { name, stale: true } => {
                write!(
                    f,
                    "segment {name:?} is stale: its files are there, but nobody has it open"
                )
            }
            Error::Incompatible { name, channel, why } => {
                write!(f, "segment {name:?} is in use and is not the one wanted: ")?;
                if let Some(channel) = channel {
                    write!(f, "channel {channel:?}: ")?;
                }
                why.fmt(f)
            }
            Error::TimedOut { waiting } => write!(f, "timed out waiting for {waiting}"),
            Error::NotSealed => {
                f.write_str("the memory is not sealed against shrinking; wanted F_SEAL_SHRINK")
            }
            Error::BadHandoff(what) => write!(f, "bad hand-off: {what}"),
            Error::NoBells => f.write_str("this segment came without doorbells; its peers poll"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Error::Io { source, .. } => Some(source),
            _ => self.region().map(|error| error as _),
        }
    }
}

impl Error {
    /// What the core answered, if it was the core that refused.
    pub fn region(&self) -> Option<&crate::Error> {
        match self {
            Error::Region(why) | Error::Channel { why, .. } | Error::Incompatible { why, .. } => {
                Some(why)
            }
            _ => None,
        }
    }
}

impl From<crate::Error> for Error {
    fn from(error: crate::Error) -> Self {
        Error::Region(error)
    }
}

/// Adds what was being done to a system error.
pub(super) trait Doing<T> {
    fn doing(self, what: impl FnOnce() -> String) -> Result<T, Error>;
}

impl<T> Doing<T> for io::Result<T> {
    fn doing(self, what: impl FnOnce() -> String) -> Result<T, Error> {
        self.map_err(|source| Error::Io {
            doing: what(),
            source,
        })
    }
}
