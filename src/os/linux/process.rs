//! Who a process is, and proof that it has exited.
//!
//! What: an [`Identity`] that a reused pid does not match, and a [`Watch`] (pidfd) that becomes readable at exit.
//! Why beside the byte lock: a forked child may hold its dead parent's byte; the pidfd still reports the parent, as a
//! zombie too. Why so careful: pids mean something in one pid namespace only, start times in one time namespace and boot
//! only, and `/proc` may be another namespace's; where any of that is in doubt the answer is [`Sighting::Unknowable`].
//! What a crash leaves: nothing.

use std::fs;
use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags, open, openat};
use rustix::io::{Errno, retry_on_intr};
use rustix::process::{Pid, getpid};

use crate::os::unix::fork_guard;

/// A process, named so that no later process matches. Zeroes stand for "unreadable": nothing is then proven by it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Identity {
    /// Its pid in its own pid namespace.
    pub(crate) pid: u32,
    /// Its start time in clock ticks (10 ms) since boot, field 22 of `/proc/PID/stat`.
    pub(crate) start: u64,
    /// Where `pid` and `start` mean something: low half the pid namespace's inode number (as `lsns` shows it), high half
    /// a digest of the time namespace and the boot.
    pub(crate) pid_ns: u64,
}

/// An identity, and the fork word of the process that read it.
struct Cached {
    guard: usize,
    identity: Identity,
}

/// The last identity read; leaked when replaced. Valid only under its own fork word, so never in a forked child.
static CACHE: AtomicPtr<Cached> = AtomicPtr::new(ptr::null_mut());

impl Identity {
    /// The calling process. Read from `/proc` once per process, again after a fork.
    pub(crate) fn mine() -> Identity {
        let pid = getpid().as_raw_nonzero().get() as u32;
        // Wiped pages stay mapped, so a guard's address never repeats down a line of forks.
        let guard = fork_guard().map_or(0, |word| &raw const *word as usize);
        // SAFETY: the cache holds null or a leaked, never changed box.
        let cached = unsafe { CACHE.load(Ordering::Acquire).as_ref() };
        // The pid too: a vfork child shares memory and fork word.
        if let Some(known) = cached.filter(|c| c.guard == guard && c.identity.pid == pid) {
            return known.identity;
        }
        let start = stat_start("self").unwrap_or(0);
        let identity = Identity {
            pid,
            start,
            pid_ns: place().unwrap_or(0),
        };
        if guard != 0 && identity.can_be_proven() {
            CACHE.store(
                Box::into_raw(Box::new(Cached { guard, identity })),
                Ordering::Release,
            );
        }
        identity
    }

    /// Whether start times still read as they did: not after this thread changed its time namespace.
    fn still_reads(&self) -> bool {
        stat_start("self") == Some(self.start) && place() == Some(self.pid_ns)
    }

    fn can_be_proven(&self) -> bool {
        self.pid != 0 && self.start != 0 && self.pid_ns != 0
    }
}

/// What can be said of a process by its identity.
#[derive(Debug)]
pub(crate) enum Sighting {
    /// It was there; the watch tells when it exits (at once if it is a zombie).
    Watching(Watch),
    /// Proven: it has exited, in this pid namespace; its pid is free or another's.
    Gone,
    /// Another namespace or boot, or a `/proc` that hides it: nothing is proven, treat it as alive.
    Unknowable,
}

/// A pidfd: poll it for readability beside a doorbell; readable once every thread has exited, reaped or not.
#[derive(Debug)]
pub(crate) struct Watch(OwnedFd);

impl Watch {
    /// Looks for the process of `identity`. Needs no permission over it.
    ///
    /// A successor that got the pid within the same clock tick passes for it: an error to the safe side.
    pub(crate) fn of(identity: &Identity) -> Sighting {
        let mine = Identity::mine();
        if !identity.can_be_proven() || identity.pid_ns != mine.pid_ns {
            return Sighting::Unknowable;
        }
        let Some(pid) = i32::try_from(identity.pid).ok().and_then(Pid::from_raw) else {
            return Sighting::Unknowable;
        };
        // The pidfd first: from here on the pid can change hands, but not behind the pidfd.
        let watch = match pidfd_open(pid) {
            Ok(fd) => Some(Watch(fd)),
            Err(Errno::SRCH) => return Sighting::Gone,
            // No descriptors left, a sandbox, or now another process's thread: a readable /proc may still disprove it.
            Err(_) => None,
        };
        match (stat_start(&identity.pid.to_string()), watch) {
            (Some(start), Some(watch)) if start == identity.start && proc_is_ours() => {
                Sighting::Watching(watch)
            }
            (Some(start), _) if start != identity.start && proc_is_ours() && mine.still_reads() => {
                Sighting::Gone
            }
            // Whoever had the pid when it was opened has exited, and the identity's process with or before it.
            (_, Some(watch)) if watch.has_exited().unwrap_or(false) => Sighting::Gone,
            _ => Sighting::Unknowable,
        }
    }

    /// Whether it has exited; a zombie has. Never waits.
    pub(crate) fn has_exited(&self) -> io::Result<bool> {
        let now = Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        let mut fds = [PollFd::from_borrowed_fd(self.as_fd(), PollFlags::IN)];
        retry_on_intr(|| poll(&mut fds, Some(&now)))?;
        Ok(fds[0].revents().intersects(PollFlags::IN | PollFlags::HUP))
    }
}

impl AsFd for Watch {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

#[cfg(target_os = "linux")]
fn pidfd_open(pid: Pid) -> Result<OwnedFd, Errno> {
    rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty())
}

#[cfg(target_os = "android")]
fn pidfd_open(pid: Pid) -> Result<OwnedFd, Errno> {
    use std::os::fd::FromRawFd;
    let pid = pid.as_raw_nonzero().get();
    // SAFETY: integers only.
    let made = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) };
    match i32::try_from(made) {
        // SAFETY: a descriptor that the kernel has just made for us, and closes on exec.
        Ok(fd) if fd >= 0 => Ok(unsafe { OwnedFd::from_raw_fd(fd) }),
        _ => Err(Errno::from_io_error(&io::Error::last_os_error()).unwrap_or(Errno::IO)),
    }
}

/// The start time of `/proc/{who}`, a zombie's too.
///
/// Through the directory: qemu's user emulation answers a program that asks about itself by the whole name, with another time than
/// everybody else is told. A living process would look like its own successor.
fn stat_start(who: &str) -> Option<u64> {
    let (dir, path) = (OFlags::PATH | OFlags::CLOEXEC, format!("{who}/stat"));
    let proc = open("/proc", dir, Mode::empty()).ok()?;
    let stat = openat(proc, path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty());
    let mut text = Vec::new();
    fs::File::from(stat.ok()?).read_to_end(&mut text).ok()?;
    parse_start(&text)
}

/// Field 22; the second field is the program's name, which may contain spaces and parentheses.
fn parse_start(stat: &[u8]) -> Option<u64> {
    let name_end = stat.iter().rposition(|&b| b == b')')?;
    let fields = str::from_utf8(&stat[name_end + 1..]).ok()?;
    // The first field after the name is the third.
    fields.split_ascii_whitespace().nth(22 - 3)?.parse().ok()
}

/// See [`Identity::pid_ns`]; none where a part cannot be read.
fn place() -> Option<u64> {
    let pid_ns = fs::metadata("/proc/self/ns/pid").ok()?.ino();
    let time_ns = match fs::metadata("/proc/self/ns/time") {
        Ok(found) => found.ino(),
        // Before Linux 5.6 there is one time for all.
        Err(e) if e.kind() == io::ErrorKind::NotFound => 0,
        Err(_) => return None,
    };
    let boot = fs::read("/proc/sys/kernel/random/boot_id").ok()?;
    // FNV-1a, 64 bits.
    let digest = boot
        .iter()
        .chain(&time_ns.to_le_bytes())
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, &byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
    let halves = |word: u64| (word as u32) ^ (word >> 32) as u32;
    Some(u64::from(halves(digest)) << 32 | u64::from(halves(pid_ns)))
}

/// Whether the pids in `/proc` are those of our own namespace: seen from an ancestor's, we have more than one.
fn proc_is_ours() -> bool {
    let Ok(status) = fs::read("/proc/self/status") else {
        return false;
    };
    let Some(pids) = status
        .split(|&b| b == b'\n')
        .find_map(|line| line.strip_prefix(b"NSpid:"))
    else {
        return false;
    };
    let pids = String::from_utf8_lossy(pids);
    let mut pids = pids.split_ascii_whitespace();
    pids.next() == Some(getpid().as_raw_nonzero().to_string().as_str()) && pids.next().is_none()
}

#[cfg(test)]
#[path = "process_tests.rs"]
mod tests;
