//! Reserved files, and what a mapping of one asks of this kernel.
//!
//! Why reserve: a sparse file on a full disk kills the first writer with SIGBUS; reserved, creation fails with ENOSPC
//! instead. Why not inherited: a forked child has no mapping, so a copied endpoint cannot touch its parent's channel.
//! What a crash leaves: a named file, reserved or in part.

use std::io;
use std::os::fd::BorrowedFd;

use rustix::fs::{FallocateFlags, fallocate, fstat, ftruncate};
use rustix::io::{Errno, retry_on_intr};
use rustix::mm::Advice;

use crate::os::unix::calls::{context, invalid};
use crate::os::unix::mapping::Mapping;

/// Makes a new file `len` bytes long and reserves room for all of them: a full disk is ENOSPC here. Never shrinks a file
/// (others may map it); a failed one gives back what it took.
///
/// On macOS by F_PREALLOCATE and one ftruncate, on FreeBSD by posix_fallocate; on a file system without (ZFS) its bytes
/// are written, which is all that can be done there.
pub(crate) fn reserve(fd: BorrowedFd<'_>, len: u64) -> io::Result<()> {
    let old_len = fstat(fd)?.st_size as u64;
    if len == 0 || len > i64::MAX as u64 || len < old_len {
        return Err(invalid(format!(
            "cannot make a file of {old_len} bytes {len} bytes long"
        )));
    }
    let done = match retry_on_intr(|| fallocate(fd, FallocateFlags::empty(), 0, len)) {
        // macOS has two words for what FreeBSD has one.
        Err(no) if [Errno::INVAL, Errno::OPNOTSUPP, Errno::NOTSUP].contains(&no) => {
            write_zeroes(fd, old_len, len)
        }
        done => done,
    };
    done.map_err(|error| {
        // The first error is the one to report.
        let _ = retry_on_intr(|| ftruncate(fd, old_len));
        context(error, format_args!("reserving {len} bytes"))
    })
}

fn write_zeroes(fd: BorrowedFd<'_>, from: u64, to: u64) -> Result<(), Errno> {
    let zeroes = [0; 1 << 16];
    let mut at = from;
    while at < to {
        let step = (to - at).min(zeroes.len() as u64) as usize;
        at += retry_on_intr(|| rustix::io::pwrite(fd, &zeroes[..step], at))? as u64;
    }
    Ok(())
}

/// The mapping's range is absent in forked children.
pub(in crate::os) fn keep_from_children(mapping: &Mapping) -> io::Result<()> {
    #[cfg(target_os = "macos")]
    let nobody = libc::VM_INHERIT_NONE;
    #[cfg(target_os = "freebsd")]
    let nobody = libc::INHERIT_NONE;
    let base = mapping.base().as_ptr().cast();
    // SAFETY: the range is this live mapping; it stays as it is in this process.
    match unsafe { libc::minherit(base, mapping.len(), nobody) } {
        0 => Ok(()),
        _ => Err(context(
            io::Error::last_os_error(),
            format_args!("minherit"),
        )),
    }
}

/// See [`Mapping::prefault`].
pub(in crate::os) fn prefault(mapping: &Mapping) -> io::Result<()> {
    mapping.advise(Advice::WillNeed)?;
    if mapping.is_writable() {
        mapping.touch_each_page();
    }
    Ok(())
}
