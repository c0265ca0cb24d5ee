//! What the systems of the Unix family share: named segments in a directory of files, anonymous ones behind descriptors.

#[cfg(target_os = "linux")]
use super::linux as platform;

mod anonymous;
mod bells;
mod housekeeping;
mod inherit;
mod named;
mod names;
mod seats;

pub use self::housekeeping::{Listed, collect, list};
pub use self::inherit::HANDOFF_VARIABLE;

pub(super) use self::bells::{Bells, Ear};
pub(super) use self::seats::{Ask, LOOKS, Seat, Seats};
pub(super) use platform::bell::MAX_WATCHES;
pub(super) use platform::clock::now_ns;
pub(super) use platform::directory::{Permissions, default_directory};
pub(super) use platform::fork::fork_guard;
pub(super) use platform::memory::Mapping;
pub(super) use platform::process::{Identity, Sighting, Watch};

/// What is mapped.
pub(super) type Handle<'h> = std::os::fd::BorrowedFd<'h>;
