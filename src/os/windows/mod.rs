//! Windows: named and anonymous sections, locks that are names of kernel objects, wake-ups through named pipes.
//!
//! # What lies where
//!
//! A named segment is a section of the page file in the session's namespace of objects, or, with
//! [`Options::directory`](super::Options::directory), a file `NAME.seg` that is mapped:
//!
//! ```text
//! PREFIX ringpad-SID-NAME.seg      the memory: a section, gone with its last handle
//! PREFIX ringpad-SID-NAME.creator  an event: who has made it creates or opens the segment
//! DIRECTORY\NAME.seg               the memory in a file; whoever has the segment open has the file open
//! DIRECTORY\NAME.lock              open for one only, empty, removed when that one closes it or dies: the creator's lock
//! PREFIX ringpad-ID-rowN           an event: exists as long as the row's peer lives
//! PREFIX ringpad-ID-open           an event: somebody has the file open (files only)
//! \\.\pipe\ringpad-ID-N            the doorbell of row N, while that peer has a waiter
//! ```
//!
//! PREFIX is `Local\` (this session), or `Global\` (the machine): by [`Options::global`](super::Options::global), and for files
//! always, which every session sees. SID is the user's, ID the segment's random number.
//!
//! # What a crash leaves
//!
//! A handle goes with its process, and an object's name with its last handle. Only files stay: the next opener, or `collect`,
//! finds that nobody has them open.

mod anonymous;
mod bell;
mod call;
mod clock;
mod file;
mod filed;
mod housekeeping;
mod inherit;
mod lock;
mod memory;
mod named;
mod paged;
mod process;
mod seats;
mod security;

#[cfg(test)]
mod bell_costs;
#[cfg(test)]
mod testing;

pub use self::housekeeping::{Listed, collect, list};
pub use self::inherit::HANDOFF_VARIABLE;

pub(super) use self::bell::{Bells, Ear, MAX_WATCHES};
pub(super) use self::clock::now_ns;
pub(super) use self::memory::Mapping;
pub(super) use self::process::{Identity, Sighting, Watch};
pub(super) use self::seats::{Ask, LOOKS, Seat, Seats};

/// What is mapped: a section.
pub(super) type Handle<'h> = std::os::windows::io::BorrowedHandle<'h>;

/// Who may use what is made here: the current user, in this session or in all.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Permissions {
    /// Whether names are the machine's, and not the session's.
    pub(super) global: bool,
}

impl Permissions {
    fn prefix(self) -> &'static str {
        match self.global {
            true => GLOBAL,
            false => r"Local\",
        }
    }
}

/// The namespace of objects that every session sees.
const GLOBAL: &str = r"Global\";

/// The word that reads 0 in a forked child: there are none here.
pub(super) fn fork_guard() -> std::io::Result<&'static std::sync::atomic::AtomicU32> {
    static HERE: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(1);
    Ok(&HERE)
}

/// A number that no other segment has.
fn random_id() -> std::io::Result<u128> {
    use windows_sys::Win32::Security::Cryptography::{
        BCRYPT_USE_SYSTEM_PREFERRED_RNG, BCryptGenRandom,
    };
    let mut bytes = [0; 16];
    let (into, flag) = (bytes.as_mut_ptr(), BCRYPT_USE_SYSTEM_PREFERRED_RNG);
    // SAFETY: the buffer is this array, of the length given.
    let status = unsafe { BCryptGenRandom(std::ptr::null_mut(), into, 16, flag) };
    match status {
        0 => Ok(u128::from_le_bytes(bytes)),
        bad => Err(std::io::Error::other(format!(
            "BCryptGenRandom answered {bad:#x}"
        ))),
    }
}
