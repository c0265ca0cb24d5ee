//! Huge pages: one entry of the processor's page tables for 2 MiB, so that a picture of 33 MB costs 16 of them and not 8,000.
//!
//! What: have the kernel gather the file's pages, where the mapping begins at a multiple of 2 MiB. Pages that were reserved one by one become huge only so
//! (MADV_COLLAPSE, Linux 6.1); older kernels, and systems that allow none, do without, and nothing else changes.

use std::io;
use std::os::fd::BorrowedFd;

use rustix::mm::Advice;

use crate::os::unix::mapping::{HUGE, Mapping};

/// Of Linux 6.1; not every C library knows it.
const MADV_COLLAPSE: libc::c_int = 25;

impl Mapping {
    /// As [`Mapping::map`], in huge pages as far as the system has them.
    pub(crate) fn map_huge(fd: BorrowedFd<'_>, len: usize, writable: bool) -> io::Result<Mapping> {
        let mapping = Mapping::map(fd, len, writable)?;
        // Nobody promised huge pages.
        let _ = mapping.advise(Advice::LinuxHugepage);
        mapping.collapse();
        Ok(mapping)
    }

    /// Has the kernel gather what is mapped into huge pages, where it can.
    fn collapse(&self) {
        let whole = self.len() & !(HUGE - 1);
        // SAFETY: the range is inside this live mapping; gathering pages changes no byte.
        let _ = unsafe { libc::madvise(self.base().as_ptr().cast(), whole, MADV_COLLAPSE) };
    }

    /// Bytes of this mapping that lie in huge pages now, as this process sees them; 0 where the system does not say.
    pub(crate) fn huge_bytes(&self) -> u64 {
        let text = std::fs::read_to_string("/proc/self/smaps").unwrap_or_default();
        let begin = self.base().addr().get();
        let ours = begin..begin + self.len();
        let (mut inside, mut bytes) = (false, 0);
        for line in text.lines() {
            let mut words = line.split_ascii_whitespace();
            let first = words.next().unwrap_or_default();
            if let Some((from, _)) = first.split_once('-') {
                let from = usize::from_str_radix(from, 16);
                inside = from.is_ok_and(|from| ours.contains(&from));
            } else if inside && matches!(first, "ShmemPmdMapped:" | "FilePmdMapped:") {
                let kib = words.next().and_then(|kib| kib.parse::<u64>().ok());
                bytes += kib.unwrap_or(0) * 1024;
            }
        }
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::os::linux::memory::memfd;
    use std::os::fd::AsFd;

    #[test]
    fn a_mapping_in_huge_pages_is_one_like_any_other() {
        let len = 3 * HUGE;
        let file = memfd("ringpad-huge-pages", len as u64).unwrap();
        let plain = Mapping::map(file.as_fd(), len, true).unwrap();
        assert_eq!(plain.huge_bytes(), 0, "nobody asked for huge pages");
        let huge = Mapping::map_huge(file.as_fd(), len, true).unwrap();
        huge.prefault().unwrap();
        println!("{} of {len} bytes in huge pages", huge.huge_bytes());
        assert!(huge.huge_bytes() <= len as u64);
        // SAFETY: the first byte of a live mapping of this test's own file.
        unsafe { huge.base().write(7) };
        // SAFETY: as above.
        assert_eq!(unsafe { plain.base().read() }, 7, "one file, mapped twice");
    }

    #[test]
    fn what_is_smaller_than_a_page_is_mapped_as_ever() {
        let file = memfd("ringpad-small", 8192).unwrap();
        let map = Mapping::map_huge(file.as_fd(), 8192, false).unwrap();
        assert_eq!((map.len(), map.huge_bytes()), (8192, 0));
    }
}
