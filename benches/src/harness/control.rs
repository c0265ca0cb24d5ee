//! One page that two processes share beside what is measured: who is ready, when to start, when to stop. Also the ground
//! on which the floors run.

use std::hint::spin_loop;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::fs::{MemfdFlags, ftruncate, memfd_create};
use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};

const BYTES: usize = 4096;

/// A word on a pair of cache lines of its own.
#[repr(align(128))]
#[derive(Default)]
pub struct Line(pub AtomicU64);

/// What lies in the page.
#[repr(C)]
#[derive(Default)]
pub struct Page {
    ready: Line,
    go: Line,
    /// Two words for whoever measures the machine itself.
    pub there: Line,
    pub back: Line,
}

/// A mapping of the page, shared with whoever inherits the descriptor.
pub struct Control {
    at: NonNull<Page>,
    fd: OwnedFd,
}

// SAFETY: the page holds atomics only.
unsafe impl Send for Control {}
// SAFETY: as above.
unsafe impl Sync for Control {}

impl Control {
    /// A new page, inherited by children.
    pub fn new() -> Self {
        let fd = memfd_create("ringpad-bench", MemfdFlags::empty()).expect("a memfd");
        ftruncate(&fd, BYTES as u64).expect("a page of memory");
        Self::map(fd)
    }

    /// The page whose descriptor this process inherited.
    pub fn inherited(fd: RawFd) -> Self {
        // SAFETY: the parent names a descriptor that it left open for this process alone to use.
        Self::map(unsafe { OwnedFd::from_raw_fd(fd) })
    }

    fn map(fd: OwnedFd) -> Self {
        let access = ProtFlags::READ | ProtFlags::WRITE;
        // SAFETY: a new mapping at an address of the kernel's choice.
        let at = unsafe {
            mmap(
                std::ptr::null_mut(),
                BYTES,
                access,
                MapFlags::SHARED,
                &fd,
                0,
            )
        };
        let at = NonNull::new(at.expect("a mapping").cast()).expect("not at address 0");
        Self { at, fd }
    }

    /// The number by which a child finds the page.
    pub fn fd(&self) -> RawFd {
        self.fd.as_raw_fd()
    }

    pub fn page(&self) -> &Page {
        const { assert!(size_of::<Page>() <= BYTES) }
        // SAFETY: mapped for as long as `self` lives, page-aligned, zeroed by the kernel, and atomics only.
        unsafe { self.at.as_ref() }
    }

    /// In the partner: says that all is prepared, and waits for the start.
    pub fn ready(&self) {
        self.page().ready.0.store(1, Ordering::Release);
        while self.page().go.0.load(Ordering::Acquire) == 0 {
            spin_loop();
        }
    }

    /// Waits until the partner is ready.
    pub fn wait_ready(&self) {
        while self.page().ready.0.load(Ordering::Acquire) == 0 {
            // It is being started: leave it the processors.
            std::thread::yield_now();
        }
    }

    pub fn go(&self) {
        self.page().go.0.store(1, Ordering::Release);
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        // SAFETY: mapped by map(), and nothing borrowed from the page outlives `self`.
        let _ = unsafe { munmap(self.at.as_ptr().cast(), BYTES) };
    }
}
