//! Memory that several processes map: memfds, reserved files, seals, and what a mapping of one asks of this kernel.
//!
//! What: make a file of a length, RESERVE its memory, seal it.
//! Why reserve: a sparse file on a full `/dev/shm` kills the first writer with SIGBUS; reserved, creation fails with
//! ENOSPC instead.
//! What a crash leaves: a memfd vanishes with its last holder; a named file stays, reserved or in part.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{FallocateFlags, MemfdFlags, SealFlags};
use rustix::fs::{
    fallocate, fcntl_add_seals, fcntl_get_seals, fstat, fstatfs, fstatvfs, ftruncate, memfd_create,
};
use rustix::io::{Errno, retry_on_intr};
use rustix::mm::Advice;

use super::{context, invalid};
use crate::os::unix::mapping::Mapping;

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

/// The mapping's range is absent in forked children.
pub(in crate::os) fn keep_from_children(mapping: &Mapping) -> io::Result<()> {
    let kept = mapping.advise(Advice::LinuxDontFork);
    kept.map_err(|e| context(e, format_args!("MADV_DONTFORK")))
}

/// See [`Mapping::prefault`].
pub(in crate::os) fn prefault(mapping: &Mapping) -> io::Result<()> {
    let writable = mapping.is_writable();
    let populate = if writable {
        Advice::LinuxPopulateWrite
    } else {
        Advice::LinuxPopulateRead
    };
    match retry_on_intr(|| mapping.advise(populate)) {
        Err(Errno::INVAL) if writable => mapping.touch_each_page(),
        Err(Errno::INVAL) => mapping.advise(Advice::WillNeed)?,
        done => done?,
    }
    Ok(())
}

#[cfg(test)]
#[path = "memory_tests.rs"]
mod tests;
