//! What the systems of the Unix family share: named segments in a directory of files, anonymous ones behind descriptors.

#[cfg(any(target_os = "macos", target_os = "freebsd"))]
use super::bsd as platform;
#[cfg(any(target_os = "linux", target_os = "android"))]
use super::linux as platform;

// Systems that can seal memory, and lock its bytes for an open file description. `ringpad_flock` is for tests: Linux
// then does as the others do, which cannot run everywhere.
#[cfg(all(any(target_os = "linux", target_os = "android"), not(ringpad_flock)))]
mod anonymous;
#[cfg(not(all(any(target_os = "linux", target_os = "android"), not(ringpad_flock))))]
#[path = "by_random_name.rs"]
mod anonymous;
#[cfg(not(all(any(target_os = "linux", target_os = "android"), not(ringpad_flock))))]
mod atfork;
pub(super) mod bell;
mod bells;
pub(super) mod calls;
mod clock;
pub(super) mod directory;
#[cfg(not(all(any(target_os = "linux", target_os = "android"), not(ringpad_flock))))]
mod flock;
mod housekeeping;
mod inherit;
pub(super) mod mapping;
mod named;
pub(super) mod names;
#[cfg(all(any(target_os = "linux", target_os = "android"), not(ringpad_flock)))]
mod pipe;
mod seats;

pub use self::housekeeping::{Listed, collect, list};
pub use self::inherit::HANDOFF_VARIABLE;

#[cfg(not(all(any(target_os = "linux", target_os = "android"), not(ringpad_flock))))]
pub(super) use self::atfork::fork_guard;
pub(super) use self::bell::MAX_WATCHES;
pub(super) use self::bells::{Bells, Ear};
pub(super) use self::clock::now_ns;
pub(super) use self::directory::{Permissions, default_directory};
#[cfg(not(all(any(target_os = "linux", target_os = "android"), not(ringpad_flock))))]
pub(super) use self::flock::LockFile;
pub(super) use self::mapping::Mapping;
pub(super) use self::seats::{Ask, LOOKS, Seat, Seats};
#[cfg(all(any(target_os = "linux", target_os = "android"), not(ringpad_flock)))]
pub(super) use platform::fork::fork_guard;
#[cfg(all(any(target_os = "linux", target_os = "android"), not(ringpad_flock)))]
pub(super) use platform::lock::LockFile;
pub(super) use platform::process::{Identity, Sighting, Watch};

/// What is mapped.
pub(super) type Handle<'h> = std::os::fd::BorrowedFd<'h>;
