//! The pipe that wakes a sleeper, and the wait on many of them.
//!
//! What: one pipe for each peer row; one byte written is one ring, the bytes mean nothing.
//! Why a pipe: it polls beside sockets and pidfds, stays readable until drained (a ring before the wait is not lost), and
//! a FIFO is found by name. (POSIX leaves open what opening a FIFO for both does; all systems named here open it without
//! waiting.) Every party holds a read end, so ringing raises no SIGPIPE and needs no signal disposition.
//! Progress: ringing and draining never block; [`wait`] ends by its deadline.
//! What a crash leaves: bytes in the pipe, one needless wake-up; a FIFO's name stays in its directory.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Instant;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{FileType, Mode, OFlags, openat};
use rustix::io::{Errno, read, retry_on_intr, write};

use super::calls::{context, invalid};
use super::directory::{Permissions, apply, check_kind, checked_name, mode_of, open_error};

/// Reads of one [`Bell::drain`], and bytes of each: together a whole pipe of the default size.
const DRAIN_READS: usize = 16;
const DRAIN_BYTES: usize = 4096;

// No offset: a pipe has none.
#[cfg(target_os = "linux")]
fn put_without_waiting(fd: BorrowedFd<'_>) -> Result<usize, Errno> {
    let byte = [io::IoSlice::new(&[1])];
    rustix::io::pwritev2(fd, &byte, u64::MAX, rustix::io::ReadWriteFlags::NOWAIT)
}

#[cfg(target_os = "linux")]
fn take_without_waiting(fd: BorrowedFd<'_>, bytes: &mut [u8]) -> Result<usize, Errno> {
    let mut into = [io::IoSliceMut::new(bytes)];
    rustix::io::preadv2(fd, &mut into, u64::MAX, rustix::io::ReadWriteFlags::NOWAIT)
}

// Where there are no such calls, or rustix knows none (Android), or no pipes are handed to strangers.
#[cfg(not(target_os = "linux"))]
fn put_without_waiting(_fd: BorrowedFd<'_>) -> Result<usize, Errno> {
    Err(Errno::OPNOTSUPP)
}

#[cfg(not(target_os = "linux"))]
fn take_without_waiting(_fd: BorrowedFd<'_>, _bytes: &mut [u8]) -> Result<usize, Errno> {
    Err(Errno::OPNOTSUPP)
}

/// Makes the FIFO `name`, which must not exist, with exactly the permissions of `want`.
pub(crate) fn make_fifo(dir: BorrowedFd<'_>, name: &str, want: &Permissions) -> io::Result<()> {
    let name = checked_name(name)?;
    let doing = |e: Errno| context(e, format_args!("making the FIFO {name}"));
    // The owner's bits only until the owner and group are right; a umask that takes those away is not supported.
    make_named_pipe(dir, name, mode_of(want.mode & 0o700)).map_err(doing)?;
    apply(open_fifo(dir, name)?.as_fd(), want)
}

#[cfg(not(target_os = "macos"))]
fn make_named_pipe(dir: BorrowedFd<'_>, name: &str, mode: Mode) -> Result<(), Errno> {
    rustix::fs::mkfifoat(dir, name, mode)
}

/// By its path: before macOS 13 there is no other way. Opened by its directory, so made elsewhere meanwhile is an error.
#[cfg(target_os = "macos")]
fn make_named_pipe(dir: BorrowedFd<'_>, name: &str, mode: Mode) -> Result<(), Errno> {
    let mut path = rustix::fs::getpath(dir)?.into_bytes();
    path.push(b'/');
    path.extend(name.bytes());
    let path = std::ffi::CString::new(path).map_err(|_| Errno::INVAL)?;
    // SAFETY: a C string and a number.
    match unsafe { libc::mkfifo(path.as_ptr(), mode.as_raw_mode()) } {
        0 => Ok(()),
        _ => Err(Errno::from_io_error(&io::Error::last_os_error()).unwrap_or(Errno::IO)),
    }
}

fn open_fifo(dir: BorrowedFd<'_>, name: &str) -> io::Result<OwnedFd> {
    let flags =
        OFlags::RDWR | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NOCTTY;
    openat(dir, name, flags, Mode::empty()).map_err(|e| open_error(e, name))
}

/// Both ends of one wake-up pipe.
#[derive(Debug)]
pub(crate) struct Bell {
    pub(super) read: OwnedFd,
    /// None: `read` is open for writing too.
    pub(super) write: Option<OwnedFd>,
    /// The description is another's too, who may make it blocking at any time.
    pub(super) wary: bool,
}

impl Bell {
    /// Opens the existing FIFO `name` for both ends; refuses links, other kinds of file, and owners or modes beyond `want`.
    pub(crate) fn fifo(dir: BorrowedFd<'_>, name: &str, want: &Permissions) -> io::Result<Bell> {
        let read = open_fifo(dir, checked_name(name)?)?;
        check_kind(read.as_fd(), name, FileType::Fifo, want)?;
        Ok(Bell {
            read,
            write: None,
            wary: false,
        })
    }

    /// Writes one byte. `true`: written; `false`: the pipe was full, so it is ringing already. Both are success.
    pub(crate) fn ring(&self) -> io::Result<bool> {
        match retry_on_intr(|| self.put()) {
            Ok(_) => Ok(true),
            Err(Errno::AGAIN) => Ok(false),
            Err(e) => Err(e.into()),
        }
    }

    /// Reads until the pipe is empty, at most 16 times 4 KiB; answers the bytes read.
    ///
    /// 65536 means there may be more: the pipe then stays readable and the next [`wait`] returns at once. So a flood costs
    /// its victim a bounded read for each wait, and the waits are the caller's to slow down.
    pub(crate) fn drain(&self) -> io::Result<usize> {
        let mut total = 0;
        let mut bytes = [0; DRAIN_BYTES];
        for _ in 0..DRAIN_READS {
            match retry_on_intr(|| self.take(&mut bytes)) {
                Ok(0) | Err(Errno::AGAIN) => break,
                Ok(n) => {
                    total += n;
                    // A short read emptied the pipe: asking again would only cost a system call.
                    if n < DRAIN_BYTES {
                        break;
                    }
                }
                Err(e) => return Err(e.into()),
            }
        }
        Ok(total)
    }

    fn put(&self) -> Result<usize, Errno> {
        match self.wary.then(|| put_without_waiting(self.write_fd())) {
            None => write(self.write_fd(), &[1]),
            Some(Err(Errno::OPNOTSUPP | Errno::NOSYS)) => {
                is_ready(self.write_fd(), PollFlags::OUT)?;
                write(self.write_fd(), &[1])
            }
            Some(done) => done,
        }
    }

    fn take(&self, bytes: &mut [u8]) -> Result<usize, Errno> {
        match self
            .wary
            .then(|| take_without_waiting(self.read_fd(), bytes))
        {
            None => read(&self.read, bytes),
            Some(Err(Errno::OPNOTSUPP | Errno::NOSYS)) => {
                is_ready(self.read_fd(), PollFlags::IN)?;
                read(&self.read, bytes)
            }
            Some(done) => done,
        }
    }

    /// Whether a stranger may hold the ends, and make reading block: it then reads only what was just seen to be there.
    pub(crate) fn is_wary(&self) -> bool {
        self.wary
    }

    /// The end to wait on.
    pub(crate) fn read_fd(&self) -> BorrowedFd<'_> {
        self.read.as_fd()
    }

    /// The end to ring; the same descriptor as [`Bell::read_fd`] for a FIFO.
    pub(crate) fn write_fd(&self) -> BorrowedFd<'_> {
        self.write.as_ref().unwrap_or(&self.read).as_fd()
    }
}

/// Looks first, where a call cannot be told not to wait: `AGAIN` if it would. Only a stranger who is faster than the two calls makes it.
fn is_ready(fd: BorrowedFd<'_>, how: PollFlags) -> Result<(), Errno> {
    let now = Timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    match retry_on_intr(|| poll(&mut [PollFd::from_borrowed_fd(fd, how)], Some(&now)))? {
        0 => Err(Errno::AGAIN),
        _ => Ok(()),
    }
}

/// Most descriptors of one [`wait`].
const MAX_WAIT: usize = 64;
/// Most processes watched beside one pipe.
pub(crate) const MAX_WATCHES: usize = MAX_WAIT - 1;

/// Which descriptors of a [`wait`] are ready: bit i is `fds[i]`. Empty: the deadline passed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ready(u64);

impl Ready {
    /// Whether any is.
    #[cfg(all(test, any(target_os = "linux", target_os = "android")))]
    pub(crate) fn any(self) -> bool {
        self.0 != 0
    }

    /// Whether descriptor `index` is: readable, hung up or in error.
    pub(crate) fn has(self, index: usize) -> bool {
        index < MAX_WAIT && self.0 >> index & 1 == 1
    }

    /// The indices, ascending.
    pub(crate) fn iter(self) -> impl Iterator<Item = usize> {
        (0..MAX_WAIT).filter(move |&i| self.has(i))
    }
}

/// Waits until one of `fds` (at most 64) is readable, hung up or in error, or `deadline` passes; none waits for ever.
///
/// Level-triggered. A signal neither shortens nor extends the wait: the time left comes anew from the monotonic deadline.
/// A deadline in the past still looks once. Allocates nothing.
pub(crate) fn wait(fds: &[BorrowedFd<'_>], deadline: Option<Instant>) -> io::Result<Ready> {
    if fds.len() > MAX_WAIT {
        return Err(invalid(format!(
            "waiting on {} descriptors, at most {MAX_WAIT}",
            fds.len()
        )));
    }
    let Some(&first) = fds.first() else {
        return wait_on(&mut [], deadline);
    };
    let mut polled: [PollFd<'_>; MAX_WAIT] = std::array::from_fn(|i| {
        PollFd::from_borrowed_fd(*fds.get(i).unwrap_or(&first), PollFlags::IN)
    });
    wait_on(&mut polled[..fds.len()], deadline)
}

fn wait_on(polled: &mut [PollFd<'_>], deadline: Option<Instant>) -> io::Result<Ready> {
    loop {
        let left = deadline.map(|d| d.saturating_duration_since(Instant::now()));
        // More seconds than the kernel counts are for ever.
        let timeout = left.and_then(|d| Timespec::try_from(d).ok());
        match poll(polled, timeout.as_ref()) {
            Ok(0) if left.is_none_or(|d| !d.is_zero()) => {} // woken a hair early: the top of the loop decides
            Ok(_) => break,
            Err(Errno::INTR) => {}
            Err(e) => return Err(e.into()),
        }
    }
    let bit = |(i, p): (usize, &PollFd<'_>)| u64::from(!p.revents().is_empty()) << i;
    Ok(Ready(polled.iter().enumerate().map(bit).sum()))
}

#[cfg(all(test, target_os = "linux", not(ringpad_flock)))]
#[path = "bell_tests.rs"]
mod tests;
