//! Memory that several processes map.
//!
//! What: map a file shared, at an address that is aligned as its length asks for.
//! Why absent in forked children: a copied endpoint cannot touch its parent's channel.
//! What a crash leaves: nothing; a mapping vanishes with its process.

use std::ffi::c_void;
use std::io;
use std::os::fd::BorrowedFd;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::fs::{FileType, fstat};
use rustix::io::Errno;
use rustix::mm::{Advice, MapFlags, ProtFlags, madvise, mlock, mmap, mmap_anonymous, munmap};

use super::calls::{invalid, page_size};
use super::fork_guard;
use super::platform::memory::{keep_from_children, prefault};

/// A huge page of the usual size.
pub(in crate::os) const HUGE: usize = 2 << 20;

/// A shared mapping from the start of a file, aligned to its length or a huge page, absent in forked children; unmapped on drop, by who mapped it.
#[derive(Debug)]
pub(crate) struct Mapping {
    base: NonNull<u8>,
    len: usize,
    writable: bool,
    /// Reads 0 in a forked child, where other memory may lie at `base` by now.
    guard: &'static AtomicU32,
}

// SAFETY: the mapping belongs to the process, not to a thread; unmapping from another thread is the same call.
unsafe impl Send for Mapping {}
// SAFETY: `&self` gives out an address and asks the kernel only; it reads the bytes by atomic operations alone.
unsafe impl Sync for Mapping {}

impl Mapping {
    /// Maps the first `len` bytes of `fd`, which must have them.
    ///
    /// Unless shrinking is sealed, others can still truncate the file, and then touching the mapping is SIGBUS. A thread
    /// that forks while this call runs may leave its child a copy.
    pub(crate) fn map(fd: BorrowedFd<'_>, len: usize, writable: bool) -> io::Result<Mapping> {
        let file = fstat(fd)?;
        let is_plain = FileType::from_raw_mode(file.st_mode) == FileType::RegularFile;
        if len == 0 || (is_plain && (file.st_size as u64) < len as u64) {
            return Err(invalid(format!(
                "cannot map {len} bytes of a file of {} bytes",
                file.st_size
            )));
        }
        let guard = fork_guard()?;
        let access = if writable {
            ProtFlags::READ | ProtFlags::WRITE
        } else {
            ProtFlags::READ
        };
        let base = map_aligned(fd, len, access)?;
        let mapping = Mapping {
            base,
            len,
            writable,
            guard,
        };
        keep_from_children(&mapping)?;
        Ok(mapping)
    }

    /// First byte, aligned to a page. Valid until `self` is dropped; writable as asked at [`Mapping::map`].
    pub(crate) fn base(&self) -> NonNull<u8> {
        self.base
    }

    /// Length in bytes.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Whether it may be written: else a write faults.
    pub(crate) fn is_writable(&self) -> bool {
        self.writable
    }

    /// Brings every page in and maps it, so that first touches cost no fault; changes no byte, whoever uses them.
    ///
    /// EFAULT: touching the memory would be SIGBUS. Before Linux 5.14 a read-only mapping is only read ahead.
    pub(crate) fn prefault(&self) -> io::Result<()> {
        prefault(self)
    }

    /// Keeps every page in memory (`mlock`); ENOMEM or EPERM beyond RLIMIT_MEMLOCK. Undone when unmapped.
    pub(crate) fn lock_in_memory(&self) -> io::Result<()> {
        // SAFETY: the range is this live mapping; locking pages changes no byte.
        Ok(unsafe { mlock(self.base.as_ptr().cast(), self.len) }?)
    }

    pub(in crate::os) fn advise(&self, advice: Advice) -> Result<(), Errno> {
        // SAFETY: the range is this live mapping, and no advice that this crate gives changes or drops a byte of a shared one.
        unsafe { madvise(self.base.as_ptr().cast(), self.len, advice) }
    }

    /// A no-op read-modify-write on each page: a live buffer may lie there, a plain store would undo its writer's.
    pub(in crate::os) fn touch_each_page(&self) {
        for at in (0..self.len).step_by(page_size()) {
            // SAFETY: `at < len`, inside the mapping.
            let page = unsafe { self.base.add(at) };
            // SAFETY: a page start is aligned, its first 4 bytes are mapped writable while `self` lives, and others touch
            // shared bytes by atomic operations only.
            let word = unsafe { AtomicU32::from_ptr(page.cast().as_ptr()) };
            // Not a fetch_or of 0, which compilers turn into a load.
            let _ = word.compare_exchange(0, 0, Ordering::Relaxed, Ordering::Relaxed);
        }
    }
}

/// What a mapping of whole pages is aligned to: its length or a huge page.
pub(in crate::os) fn alignment(whole: usize) -> usize {
    match whole < HUGE {
        true => whole.next_power_of_two(),
        false => HUGE,
    }
}

/// Maps `len` bytes of a file at a multiple of what they are long, at most of a huge page: whatever is aligned to less in one process is so in all.
/// Where there is no room for that it lies at any page.
fn map_aligned(fd: BorrowedFd<'_>, len: usize, access: ProtFlags) -> io::Result<NonNull<u8>> {
    // SAFETY: no address is asked for, so no existing mapping is replaced.
    let anywhere = unsafe { mmap(ptr::null_mut(), len, access, MapFlags::SHARED, fd, 0) }?;
    let whole = len.checked_next_multiple_of(page_size());
    let whole = whole.ok_or(Errno::NOMEM)?;
    let align = alignment(whole);
    let is_aligned = anywhere.addr().is_multiple_of(align);
    let base = match is_aligned {
        true => anywhere,
        false => match map_in_a_room(fd, len, access, whole, align) {
            None => anywhere,
            Some(base) => {
                // SAFETY: mapped above, and nobody else knows it.
                unsafe { munmap(anywhere, len) }?;
                base
            }
        },
    };
    NonNull::new(base.cast()).ok_or_else(|| io::Error::other("the kernel mapped at address 0"))
}

/// Maps at a multiple of `align` inside a range that is this thread's alone meanwhile.
fn map_in_a_room(
    fd: BorrowedFd<'_>,
    len: usize,
    access: ProtFlags,
    whole: usize,
    align: usize,
) -> Option<*mut c_void> {
    let bytes = whole.checked_add(align)?;
    // Of a room that nothing may touch FreeBSD reserves nothing, and has no word for it.
    #[cfg(target_os = "freebsd")]
    let nothing = MapFlags::PRIVATE;
    #[cfg(not(target_os = "freebsd"))]
    let nothing = MapFlags::PRIVATE | MapFlags::NORESERVE;
    // SAFETY: no address is asked for, so no existing mapping is replaced.
    let room = unsafe { mmap_anonymous(ptr::null_mut(), bytes, ProtFlags::empty(), nothing) };
    let room = room.ok()?;
    let before = room.addr().wrapping_neg() & (align - 1);
    let base = room.wrapping_byte_add(before);
    let flags = MapFlags::SHARED | MapFlags::FIXED;
    // SAFETY: what is replaced is a part of the room, which nobody else knows.
    let mapped = unsafe { mmap(base, len, access, flags, fd, 0) };
    let behind = base.wrapping_byte_add(whole);
    // Only these: of a mapping that failed its part of the room may be somebody else's by now.
    for (at, spare) in [(room, before), (behind, align - before)] {
        if spare > 0 {
            // SAFETY: a part of the room in which nothing was mapped.
            let _ = unsafe { munmap(at, spare) };
        }
    }
    mapped.ok()
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // A forked child has nothing to unmap, and may have mapped something of its own here.
        if self.guard.load(Ordering::Relaxed) == 0 {
            return;
        }
        // SAFETY: made by `map` with this address and length, unmapped once; borrowers of `base` end with `self`.
        let _ = unsafe { munmap(self.base.as_ptr().cast(), self.len) };
    }
}
