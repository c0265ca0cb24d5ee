//! Byte locks that belong to an open file description (`F_OFD_SETLK`), and how to ask about them.
//!
//! What: one byte of a lock file is one claim; whoever holds it exclusively is alive.
//! Why this kind: the kernel frees it when the LAST descriptor of the description closes, at SIGKILL too and before the
//! zombie is reaped; it needs no pid, so it is right across pid namespaces; no unrelated `close` drops it.
//!
//! Rules for the caller:
//! - each holder locks through a description of its OWN; `dup`, `fork` and descriptor passing share one description, and
//!   a surviving copy keeps the lock after its owner's death: open with CLOEXEC, see [`set_close_on_exec`](crate::os::unix::calls::set_close_on_exec);
//! - questions go through another description that holds no lock: the kernel never reports a description's own locks.
//!
//! What a crash leaves: nothing, unless a copy of the description lives on in another process.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use rustix::fs::{Mode, OFlags, fcntl_getfl, fstat, open};

use super::{context, invalid};
use crate::os::unix::directory::{self, Permissions};
use crate::os::unix::names::{CREATOR, OPEN, open_lock_file};

/// Takes byte `byte` exclusively, without waiting; `false`: another description holds it, in either way.
///
/// A shared lock held through `fd` is converted; when that fails it stays as it was. Needs a writable description (EBADF).
pub(crate) fn try_exclusive(fd: BorrowedFd<'_>, byte: u64) -> io::Result<bool> {
    set(fd, libc::F_WRLCK, byte)
}

/// Takes byte `byte` shared, without waiting; `false`: another description holds it exclusively.
///
/// An exclusive lock held through `fd` is DOWNGRADED by this. Needs a readable description (EBADF).
pub(crate) fn try_shared(fd: BorrowedFd<'_>, byte: u64) -> io::Result<bool> {
    set(fd, libc::F_RDLCK, byte)
}

/// Releases what `fd`'s description holds on byte `byte`, for every copy of it; holding nothing is no error.
pub(crate) fn release(fd: BorrowedFd<'_>, byte: u64) -> io::Result<()> {
    set(fd, libc::F_UNLCK, byte).map(|_| ())
}

/// Whether a description other than `ask`'s holds byte `byte` exclusively: a shared lock of a read-only party is not counted.
///
/// `ask` must hold no lock on that byte: its own locks are invisible to it, and a living owner would look dead.
pub(crate) fn held_exclusively(ask: BorrowedFd<'_>, byte: u64) -> io::Result<bool> {
    get(ask, libc::F_RDLCK, byte)
}

/// Whether a description other than `ask`'s holds byte `byte` in any way. `ask` must hold no lock on that byte.
pub(crate) fn held_at_all(ask: BorrowedFd<'_>, byte: u64) -> io::Result<bool> {
    get(ask, libc::F_WRLCK, byte)
}

/// One party's description of a lock file, or of memory whose own bytes are locked.
#[derive(Debug)]
pub(in crate::os) struct LockFile(pub(in crate::os) OwnedFd);

impl LockFile {
    /// The locks of a segment, all in the one file `fd` describes.
    pub(in crate::os) fn of(
        fd: OwnedFd,
        _dir: BorrowedFd<'_>,
        _name: &str,
        _permissions: &Permissions,
    ) -> io::Result<Self> {
        Ok(Self(fd))
    }

    /// Bytes need no making.
    pub(in crate::os) fn make(&self, _rows: u32) -> io::Result<()> {
        Ok(())
    }

    /// There are no more lock files.
    pub(in crate::os) fn is_one(_rest: &str) -> bool {
        false
    }

    /// The description.
    pub(in crate::os) fn fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }

    /// See [`try_exclusive`].
    pub(in crate::os) fn try_exclusive(&self, byte: u64) -> io::Result<bool> {
        try_exclusive(self.fd(), byte)
    }

    /// See [`try_shared`].
    pub(in crate::os) fn try_shared(&self, byte: u64) -> io::Result<bool> {
        try_shared(self.fd(), byte)
    }

    /// See [`release`].
    pub(in crate::os) fn release(&self, byte: u64) -> io::Result<()> {
        release(self.fd(), byte)
    }

    /// See [`held_exclusively`].
    pub(in crate::os) fn held_exclusively(&self, byte: u64) -> io::Result<bool> {
        held_exclusively(self.fd(), byte)
    }

    /// Whether anybody has the segment open.
    pub(in crate::os) fn is_open_somewhere(&self) -> io::Result<bool> {
        held_at_all(self.fd(), OPEN)
    }

    /// Whether anybody has a segment open and is not the last one, leaving it, as far as can be told without taking a lock.
    pub(in crate::os) fn looks_open(
        dir: BorrowedFd<'_>,
        name: &str,
        permissions: &Permissions,
    ) -> io::Result<bool> {
        // Not opened if it is somebody else's: closing it would release this process's own POSIX locks on it.
        if directory::has_bytes(dir, &format!("{name}.lock"))? {
            return Ok(false);
        }
        let ask = open_lock_file(dir, name, false, permissions)?;
        // The last one out has made it exclusive.
        Ok(conflict(ask.as_fd(), libc::F_WRLCK, OPEN)? == libc::F_RDLCK)
    }

    /// Whether anybody has the segment open, creates or leaves it.
    pub(in crate::os) fn is_in_use(&self) -> io::Result<bool> {
        Ok(held_at_all(self.fd(), OPEN)? || held_at_all(self.fd(), CREATOR)?)
    }
}

/// A fresh open file description of the file behind `fd`, with the same access mode and CLOEXEC; it shares no lock with `fd`.
///
/// Goes through `/proc/self/fd` and needs the file's own permissions: opening by name is better where there is a name.
pub(crate) fn reopen(fd: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    reopen_through("/proc/self/fd", fd)
}

fn reopen_through(descriptors: &str, fd: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    let path = format!("{descriptors}/{}", fd.as_raw_fd());
    let access = fcntl_getfl(fd)? & OFlags::RWMODE;
    let fresh = open(
        &path,
        access | OFlags::CLOEXEC | OFlags::NOCTTY,
        Mode::empty(),
    )
    .map_err(|e| {
        context(
            e,
            format_args!("a fresh description needs {path} (is /proc mounted and allowed here?)"),
        )
    })?;
    let (old, new) = (fstat(fd)?, fstat(&fresh)?);
    // Something else may be mounted where /proc should be.
    if (old.st_dev, old.st_ino) != (new.st_dev, new.st_ino) {
        return Err(io::Error::other(format!(
            "{path} opened another file: /proc is not the process file system here"
        )));
    }
    Ok(fresh)
}

/// `F_OFD_SETLK`; `false` on a conflict.
fn set(fd: BorrowedFd<'_>, kind: libc::c_int, byte: u64) -> io::Result<bool> {
    match call(fd, libc::F_OFD_SETLK, &mut one_byte(kind, byte)?) {
        Ok(()) => Ok(true),
        Err(e) if matches!(e.raw_os_error(), Some(libc::EAGAIN | libc::EACCES)) => Ok(false),
        Err(e) => Err(e),
    }
}

/// Whether a lock of this kind would meet a conflict.
fn get(ask: BorrowedFd<'_>, kind: libc::c_int, byte: u64) -> io::Result<bool> {
    Ok(conflict(ask, kind, byte)? != libc::F_UNLCK)
}

/// `F_OFD_GETLK`: the kind of a lock that one of this kind would meet, `F_UNLCK` if none.
fn conflict(ask: BorrowedFd<'_>, kind: libc::c_int, byte: u64) -> io::Result<libc::c_int> {
    let mut lock = one_byte(kind, byte)?;
    call(ask, libc::F_OFD_GETLK, &mut lock)?;
    Ok(libc::c_int::from(lock.l_type))
}

fn one_byte(kind: libc::c_int, byte: u64) -> io::Result<libc::flock> {
    // SAFETY: `flock` is a C struct of integers only, for which all zeroes is a value; `l_pid` must be 0 for OFD locks.
    let mut lock: libc::flock = unsafe { std::mem::zeroed() };
    lock.l_type = kind as libc::c_short;
    lock.l_whence = libc::SEEK_SET as libc::c_short;
    lock.l_start = byte
        .try_into()
        .map_err(|_| invalid(format!("lock byte {byte} lies beyond the largest file")))?;
    lock.l_len = 1;
    Ok(lock)
}

fn call(fd: BorrowedFd<'_>, command: libc::c_int, lock: &mut libc::flock) -> io::Result<()> {
    loop {
        // SAFETY: `fd` is open for the borrow, and `lock` is a whole `flock`, the argument both commands read and write.
        let answer = unsafe { libc::fcntl(fd.as_raw_fd(), command, &raw mut *lock) };
        if answer != -1 {
            return Ok(());
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
}

#[cfg(test)]
#[path = "lock_tests.rs"]
mod tests;
