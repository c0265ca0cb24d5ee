//! Small calls that every file of the Unix family makes.

use std::io;
use std::os::fd::BorrowedFd;

use rustix::io::{FdFlags, fcntl_getfd, fcntl_setfd};

/// Bytes of a page. Not rustix's, which on Linux reads the kernel's vDSO and so crashes under valgrind (rustix#1559).
pub(in crate::os) fn page_size() -> usize {
    // SAFETY: asks for a number, touches no memory of ours.
    let bytes = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    usize::try_from(bytes).expect("a system with pages")
}

/// `error` with what was being done in front of it; the kind stays.
pub(in crate::os) fn context(
    error: impl Into<io::Error>,
    doing: std::fmt::Arguments<'_>,
) -> io::Error {
    let error = error.into();
    io::Error::new(error.kind(), format!("{doing}: {error}"))
}

/// An `InvalidInput` error that says `text`.
pub(in crate::os) fn invalid(text: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, text.into())
}

/// Sets or clears CLOEXEC of the one descriptor `fd`.
///
/// Clear it only between fork and exec, on a description opened for that child; the child sets it again at once.
pub(in crate::os) fn set_close_on_exec(fd: BorrowedFd<'_>, on: bool) -> io::Result<()> {
    let mut flags = fcntl_getfd(fd)?;
    flags.set(FdFlags::CLOEXEC, on);
    Ok(fcntl_setfd(fd, flags)?)
}
