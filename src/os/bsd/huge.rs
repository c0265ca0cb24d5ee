//! Huge pages: none that a program could ask for in a file. FreeBSD makes some by itself, and says nothing of it.

#![forbid(unsafe_code)]

use std::io;
use std::os::fd::BorrowedFd;

use crate::os::unix::mapping::Mapping;

impl Mapping {
    /// As [`Mapping::map`]: nobody promised huge pages.
    pub(crate) fn map_huge(fd: BorrowedFd<'_>, len: usize, writable: bool) -> io::Result<Mapping> {
        Mapping::map(fd, len, writable)
    }

    /// The system does not say.
    pub(crate) fn huge_bytes(&self) -> u64 {
        0
    }
}
