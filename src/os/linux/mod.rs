//! The Linux primitives, one file each, wrapped so that the rooms above need no `unsafe`.
//!
//! What: byte locks ([`lock`]), mapped memory ([`memory`]), the fork word ([`fork`]), proof of death by process
//! ([`process`]), wake-up pipes ([`bell`]), descriptor passing ([`socket`]), checked directories and files ([`directory`]).
//! Why: each call answers with a plain `std::io::Result`; nothing here knows a channel, a peer row or a header.
//! What a crash leaves: descriptors, locks, mappings and memfds go with the process; only names in a directory stay.

pub(crate) mod bell;
pub(crate) mod clock;
pub(crate) mod directory;
pub(crate) mod fork;
pub(crate) mod huge;
pub(crate) mod lock;
pub(crate) mod memory;
pub(crate) mod process;
pub(crate) mod socket;

#[cfg(test)]
mod testing;

/// Bytes of a page. Not rustix's, which reads the kernel's vDSO and so crashes under valgrind (rustix#1559).
fn page_size() -> usize {
    // SAFETY: asks for a number, touches no memory of ours.
    let bytes = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    usize::try_from(bytes).expect("a system with pages")
}

/// `error` with what was being done in front of it; the kind stays.
fn context(error: impl Into<std::io::Error>, doing: std::fmt::Arguments<'_>) -> std::io::Error {
    let error = error.into();
    std::io::Error::new(error.kind(), format!("{doing}: {error}"))
}

/// An `InvalidInput` error that says `text`.
fn invalid(text: impl Into<String>) -> std::io::Error {
    std::io::Error::new(std::io::ErrorKind::InvalidInput, text.into())
}
