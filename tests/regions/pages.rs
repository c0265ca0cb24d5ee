//! Pages of shared memory between two that nobody may touch.

use std::os::fd::OwnedFd;

use rustix::fs::{MemfdFlags, ftruncate, memfd_create};
use rustix::mm::{MapFlags, MprotectFlags, ProtFlags, mmap, mmap_anonymous, mprotect, munmap};

const PAGE: usize = 4096;

/// Memory without a name.
#[derive(Debug)]
pub struct Section {
    fd: OwnedFd,
    bytes: usize,
}

impl Section {
    /// Zeroed; whole pages.
    pub fn new(bytes: usize) -> Self {
        let fd = memfd_create("ringpad-test", MemfdFlags::CLOEXEC).expect("a memfd");
        ftruncate(&fd, bytes as u64).expect("memory");
        Self { fd, bytes }
    }

    pub fn map(&self) -> Pages {
        let total = self.bytes + 2 * PAGE;
        // SAFETY: no address is asked for, so no existing mapping is replaced.
        let reserved = unsafe {
            mmap_anonymous(
                std::ptr::null_mut(),
                total,
                ProtFlags::empty(),
                MapFlags::PRIVATE,
            )
        };
        let reserved = reserved.expect("addresses");
        let access = ProtFlags::READ | ProtFlags::WRITE;
        // SAFETY: one page into what was just reserved.
        let inner = unsafe { reserved.add(PAGE) };
        // SAFETY: replaces pages of that reservation only, which nobody else knows.
        let mapped = unsafe {
            mmap(
                inner,
                self.bytes,
                access,
                MapFlags::SHARED | MapFlags::FIXED,
                &self.fd,
                0,
            )
        };
        Pages {
            reserved: reserved.cast(),
            total,
            base: mapped.expect("a mapping").cast(),
        }
    }
}

/// Its pages, mapped between guards.
#[derive(Debug)]
pub struct Pages {
    reserved: *mut u8,
    total: usize,
    base: *mut u8,
}

impl Pages {
    pub fn base(&self) -> *mut u8 {
        self.base
    }

    /// From here on a store there is the end of the process.
    pub fn seal(&self) {
        let bytes = self.total - 2 * PAGE;
        // SAFETY: pages of this mapping alone; who stores there nevertheless is killed, which is what this is for.
        let sealed = unsafe { mprotect(self.base.cast(), bytes, MprotectFlags::READ) };
        sealed.expect("sealing");
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        // SAFETY: reserved with this length in map(); regions borrow the pages, so none is left.
        let _ = unsafe { munmap(self.reserved.cast(), self.total) };
    }
}
