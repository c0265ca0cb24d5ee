//! The primitives of Linux and Android, one file each, wrapped so that the rooms above need no `unsafe`.
//!
//! What: byte locks ([`lock`]), mapped memory ([`memory`]), the fork word ([`fork`]), proof of death by process
//! ([`process`]), descriptor passing ([`socket`]).
//! Why: each call answers with a plain `std::io::Result`; nothing here knows a channel, a peer row or a header.
//! What a crash leaves: descriptors, locks, mappings and memfds go with the process; only names in a directory stay.

// What a test has other files do in its place.
#![cfg_attr(ringpad_flock, allow(dead_code))]

pub(crate) mod fork;
pub(crate) mod huge;
pub(crate) mod lock;
pub(crate) mod memory;
pub(crate) mod process;
pub(crate) mod socket;

/// Where segments may lie: memory that looks like files.
#[cfg(target_os = "linux")]
pub(in crate::os) fn temporary_directory() -> Option<std::path::PathBuf> {
    Some("/dev/shm".into())
}

/// Android has no `/dev/shm`, and no directory that every program may write.
#[cfg(target_os = "android")]
pub(in crate::os) fn temporary_directory() -> Option<std::path::PathBuf> {
    let path = std::env::var_os("TMPDIR").filter(|path| !path.is_empty());
    path.map(Into::into)
}

/// Random bytes.
pub(in crate::os) fn fill_random(bytes: &mut [u8]) -> std::io::Result<()> {
    let mut filled = 0;
    while filled < bytes.len() {
        let rest = &mut bytes[filled..];
        filled += rustix::rand::getrandom(rest, rustix::rand::GetRandomFlags::empty())?;
    }
    Ok(())
}

#[cfg(test)]
pub(in crate::os) mod testing;

use crate::os::unix::calls::{context, invalid, page_size};
