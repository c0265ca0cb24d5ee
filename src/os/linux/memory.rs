//! Memory that several processes map: memfds, reserved files, seals, mappings.
//!
//! What: make a file of a length, RESERVE its memory, seal it, map it shared.
//! Why reserve: a sparse file on a full `/dev/shm` kills the first writer with SIGBUS; reserved, creation fails with
//! ENOSPC instead. Why DONTFORK: a forked child has no mapping, so a copied endpoint cannot touch its parent's channel.
//! What a crash leaves: a memfd and a mapping vanish with their last holder; a named file stays, reserved or in part.

use std::ffi::c_void;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::fs::{FallocateFlags, FileType, MemfdFlags, SealFlags};
use rustix::fs::{
    fallocate, fcntl_add_seals, fcntl_get_seals, fstat, fstatfs, fstatvfs, ftruncate, memfd_create,
};
use rustix::io::{Errno, retry_on_intr};
use rustix::mm::{Advice, MapFlags, ProtFlags, madvise, mlock, mmap, mmap_anonymous, munmap};

pub(crate) use super::fork::fork_guard;
use super::{context, invalid, page_size};

/// Bytes reserved by one call, about 2 ms: the tmpfs of older kernels throws a call's work away at a signal, and a whole
/// region under a profiling timer would never get done.
const STEP: u64 = 4 << 20;

/// `f_type` of tmpfs and memfds.
const TMPFS_MAGIC: u64 = 0x0102_1994;

/// An anonymous file of `len` bytes, its memory reserved, CLOEXEC, sealable, not executable where the kernel knows that.
///
/// `name` shows in `/proc/PID/maps` only, at most 249 bytes.
pub(crate) fn memfd(name: &str, len: u64) -> io::Result<OwnedFd> {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    let made = match memfd_create(name, flags | MemfdFlags::NOEXEC_SEAL) {
        Err(Errno::INVAL) => memfd_create(name, flags), // before Linux 6.3
        made => made,
    }?;
    reserve(made.as_fd(), len)?;
    Ok(made)
}

/// Makes the file `len` bytes long and reserves memory for all of them: short memory is ENOSPC or ENOMEM here.
///
/// Never shrinks a file (others may map it). A hopeless request is refused before it takes anything: more than the file
/// system has free, or, of shared memory, more than the machine has left (a `/dev/shm` may allow more, and filling it
/// would have the kernel kill processes). A failed one gives back what it took. Holds on tmpfs, memfds and file systems
/// that allocate in place; a file system without `fallocate` is an error; a memory cgroup may still kill at its limit.
pub(crate) fn reserve(fd: BorrowedFd<'_>, len: u64) -> io::Result<()> {
    let before = fstat(fd)?;
    let old_len = before.st_size as u64;
    if len == 0 || len > i64::MAX as u64 || len < old_len {
        return Err(invalid(format!(
            "cannot make a file of {old_len} bytes {len} bytes long"
        )));
    }
    let missing = len.saturating_sub(before.st_blocks as u64 * 512);
    let lacking = |errno, left, place| {
        Err(context(
            errno,
            format_args!("{missing} bytes wanted, {left} free {place}"),
        ))
    };
    let room = fstatvfs(fd)?;
    let free = room.f_bavail.saturating_mul(room.f_frsize);
    // No limit reads as zero blocks.
    if room.f_blocks != 0 && missing > free {
        return lacking(Errno::NOSPC, free, "in the file system");
    }
    if is_shared_memory(fd)? {
        match memory_left() {
            Some(left) if missing > left => {
                return lacking(Errno::NOMEM, left, "in memory and swap");
            }
            _ => {}
        }
    }
    retry_on_intr(|| ftruncate(fd, len))?;
    let done = allocate(fd, len);
    if done.is_err() {
        // The first error is the one to report.
        let _ = retry_on_intr(|| ftruncate(fd, old_len));
    }
    done
}

/// Whether it is a file of a tmpfs or a memfd, of plain pages.
pub(crate) fn is_shared_memory(fd: BorrowedFd<'_>) -> io::Result<bool> {
    Ok(fstatfs(fd)?.f_type as u64 == TMPFS_MAGIC)
}

/// Bytes the machine can still give without killing anyone, swap included; none where `/proc/meminfo` is unreadable.
fn memory_left() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let kib = |name: &str| {
        let rest = text.lines().find_map(|line| line.strip_prefix(name))?;
        rest.trim().strip_suffix(" kB")?.parse::<u64>().ok()
    };
    kib("MemAvailable:")?
        .checked_add(kib("SwapFree:").unwrap_or(0))?
        .checked_mul(1024)
}

fn allocate(fd: BorrowedFd<'_>, len: u64) -> io::Result<()> {
    let mut at = 0;
    while at < len {
        let step = STEP.min(len - at);
        retry_on_intr(|| fallocate(fd, FallocateFlags::empty(), at, step)).map_err(|e| {
            context(
                e,
                format_args!("reserving {len} bytes of memory, {at} done"),
            )
        })?;
        at += step;
    }
    Ok(())
}

/// What can no longer be done to a file, by anyone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Seals {
    /// It cannot get shorter: a mapping of it never faults with SIGBUS by truncation.
    pub(crate) shrink: bool,
    /// It cannot get longer.
    pub(crate) grow: bool,
    /// It cannot be written, by new mappings at least.
    pub(crate) write: bool,
    /// No seal can be added. Alone it says nothing: every plain tmpfs file has it.
    pub(crate) seal: bool,
}

/// Fixes the length of a memfd for ever, and with it its seals; writing stays allowed.
pub(crate) fn seal(fd: BorrowedFd<'_>) -> io::Result<()> {
    Ok(fcntl_add_seals(
        fd,
        SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL,
    )?)
}

/// The seals of `fd`; a file that cannot have any answers none.
pub(crate) fn seals(fd: BorrowedFd<'_>) -> io::Result<Seals> {
    let set = match fcntl_get_seals(fd) {
        Err(Errno::INVAL) => return Ok(Seals::default()),
        set => set?,
    };
    Ok(Seals {
        shrink: set.contains(SealFlags::SHRINK),
        grow: set.contains(SealFlags::GROW),
        write: set.intersects(SealFlags::WRITE | SealFlags::FUTURE_WRITE),
        seal: set.contains(SealFlags::SEAL),
    })
}

/// A huge page of the usual size.
pub(super) const HUGE: usize = 2 << 20;

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
        mapping
            .advise(Advice::LinuxDontFork)
            .map_err(|e| context(e, format_args!("MADV_DONTFORK")))?;
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
        let populate = if self.writable {
            Advice::LinuxPopulateWrite
        } else {
            Advice::LinuxPopulateRead
        };
        match retry_on_intr(|| self.advise(populate)) {
            Err(Errno::INVAL) if self.writable => self.touch_each_page(),
            Err(Errno::INVAL) => self.advise(Advice::WillNeed)?,
            done => done?,
        }
        Ok(())
    }

    /// Keeps every page in memory (`mlock`); ENOMEM or EPERM beyond RLIMIT_MEMLOCK. Undone when unmapped.
    pub(crate) fn lock_in_memory(&self) -> io::Result<()> {
        // SAFETY: the range is this live mapping; locking pages changes no byte.
        Ok(unsafe { mlock(self.base.as_ptr().cast(), self.len) }?)
    }

    pub(super) fn advise(&self, advice: Advice) -> Result<(), Errno> {
        // SAFETY: the range is this live mapping, and no advice used in this file changes or drops a byte of a shared one.
        unsafe { madvise(self.base.as_ptr().cast(), self.len, advice) }
    }

    /// A no-op read-modify-write on each page: a live buffer may lie there, a plain store would undo its writer's.
    fn touch_each_page(&self) {
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
fn alignment(whole: usize) -> usize {
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

#[cfg(test)]
#[path = "memory_tests.rs"]
mod tests;
