//! Who a process is, and proof that it has exited.
//!
//! What: an [`Identity`] that a reused pid does not match, and a [`Watch`] (a kqueue with NOTE_EXIT) that becomes readable at
//! exit.
//! Why beside the row's lock: a forked child may hold its dead parent's lock; the kqueue still reports the parent. Why so
//! careful: pids mean something within one boot only, and on FreeBSD within one jail; where the system hides processes of
//! others, none that is not found is proven dead: the answer is [`Sighting::Unknowable`].
//! What a crash leaves: nothing.

use std::io;
use std::mem::ManuallyDrop;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::event::kqueue::{Event, EventFilter, EventFlags, ProcessEvents, kevent, kqueue};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{Errno, retry_on_intr};
use rustix::process::{Pid, getpid};

use crate::os::unix::fork_guard;

/// A process, named so that no later process matches. Zeroes stand for "unreadable": nothing is then proven by it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Identity {
    /// Its pid.
    pub(crate) pid: u32,
    /// Its start time in microseconds: since 1970, on FreeBSD since the boot.
    pub(crate) start: u64,
    /// Where `pid` means something: a digest of the boot and, on FreeBSD, the jail.
    pub(crate) pid_ns: u64,
}

impl Identity {
    /// The calling process.
    pub(crate) fn mine() -> Identity {
        let pid = getpid();
        let found = system::look(pid).ok().flatten();
        let place = found.and_then(|found| place(&found)).unwrap_or(0);
        Identity {
            pid: pid.as_raw_nonzero().get() as u32,
            start: found.map_or(0, |found| found.start),
            pid_ns: place,
        }
    }

    fn can_be_proven(&self) -> bool {
        self.pid != 0 && self.start != 0 && self.pid_ns != 0
    }
}

/// What can be said of a process by its identity.
#[derive(Debug)]
pub(crate) enum Sighting {
    /// It was there; the watch tells when it exits.
    Watching(Watch),
    /// Proven: it has exited, in this boot and jail; its pid is free or another's.
    Gone,
    /// Another boot or jail, or a system that hides it: nothing is proven, treat it as alive.
    Unknowable,
}

/// A kqueue: poll it for readability beside a doorbell; readable once the process has exited, reaped or not.
#[derive(Debug)]
pub(crate) struct Watch {
    queue: ManuallyDrop<OwnedFd>,
    /// Reads 0 in a forked child, which has no copy of a kqueue: the number is free there, or another file's.
    home: &'static AtomicU32,
}

impl Watch {
    /// Looks for the process of `identity`.
    ///
    /// A successor that got the pid within the same microsecond passes for it: an error to the safe side.
    pub(crate) fn of(identity: &Identity) -> Sighting {
        if !identity.can_be_proven() || identity.pid_ns != Identity::mine().pid_ns {
            return Sighting::Unknowable;
        }
        let Some(pid) = i32::try_from(identity.pid).ok().and_then(Pid::from_raw) else {
            return Sighting::Unknowable;
        };
        // The watch first: from here on the pid can change hands, but not behind the watch.
        let watch = match Self::on(pid) {
            Ok(watch) => Some(watch),
            // macOS says so of a zombie too, which has exited.
            Err(Errno::SRCH) => return Sighting::Gone,
            // No descriptors left, or not allowed: the start time may still disprove it.
            Err(_) => None,
        };
        match (system::look(pid), watch) {
            (Ok(Some(found)), Some(watch)) if found.start == identity.start => {
                Sighting::Watching(watch)
            }
            (Ok(Some(found)), _) if found.start != identity.start => Sighting::Gone,
            // Whoever had the pid when it was watched has exited, and the identity's process with or before it.
            (_, Some(watch)) if watch.has_exited().unwrap_or(false) => Sighting::Gone,
            _ => Sighting::Unknowable,
        }
    }

    fn on(pid: Pid) -> Result<Self, Errno> {
        let home = fork_guard().map_err(|_| Errno::NOMEM)?;
        let queue = kqueue()?;
        let exit = EventFilter::Proc {
            pid,
            flags: ProcessEvents::EXIT,
        };
        let change = [Event::new(exit, EventFlags::ADD, std::ptr::null_mut())];
        let mut none: [Event; 0] = [];
        // SAFETY: the event names a process and no descriptor.
        retry_on_intr(|| unsafe { kevent(&queue, &change, &mut none[..], None) })?;
        let queue = ManuallyDrop::new(queue);
        Ok(Self { queue, home })
    }

    /// Whether it has exited. Never waits, and leaves the event where it is.
    pub(crate) fn has_exited(&self) -> io::Result<bool> {
        if self.home.load(Ordering::Relaxed) == 0 {
            return Err(Errno::BADF.into());
        }
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
        self.queue.as_fd()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if self.home.load(Ordering::Relaxed) == 0 {
            return;
        }
        // SAFETY: dropped once, here, and not used after.
        unsafe { ManuallyDrop::drop(&mut self.queue) }
    }
}

/// What the system says of a living process.
#[derive(Clone, Copy)]
struct Found {
    start: u64,
    /// Which of the worlds that see nothing of each other it is in.
    #[cfg(target_os = "freebsd")]
    jail: u64,
}

/// See [`Identity::pid_ns`]; none where a part cannot be read.
#[cfg(target_os = "macos")]
fn place(_found: &Found) -> Option<u64> {
    Some(digest(&system::bytes(c"kern.bootsessionuuid")?))
}

/// See [`Identity::pid_ns`]; none where a part cannot be read, or processes of others are hidden: not to be found proves nothing
/// then.
#[cfg(target_os = "freebsd")]
fn place(found: &Found) -> Option<u64> {
    let shown = [
        c"security.bsd.see_other_uids",
        c"security.bsd.see_other_gids",
        c"security.bsd.see_jail_proc",
    ];
    if !shown.iter().all(|name| system::number(name) == Some(1)) {
        return None;
    }
    // Policies that are loaded or not: mac_seeotheruids(4), mac_partition(4), mac_mls(4), mac_biba(4).
    let hidden = [
        c"security.mac.seeotheruids.enabled",
        c"security.mac.partition.enabled",
        c"security.mac.mls.enabled",
        c"security.mac.biba.enabled",
    ];
    if hidden
        .iter()
        .any(|name| system::number(name).is_some_and(|on| on != 0))
    {
        return None;
    }
    let mut bytes = system::bytes(c"kern.boot_id")?;
    bytes.extend(found.jail.to_le_bytes());
    Some(digest(&bytes))
}

/// FNV-1a, 64 bits.
fn digest(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

mod system {
    //! What the kernel's tables say.

    use std::ffi::CStr;
    use std::io;
    use std::mem::MaybeUninit;

    use rustix::process::Pid;

    use super::Found;

    /// A living process; none: there is none of this number.
    #[cfg(target_os = "macos")]
    pub(super) fn look(pid: Pid) -> io::Result<Option<Found>> {
        let mut info = MaybeUninit::<libc::proc_bsdinfo>::zeroed();
        let size = size_of::<libc::proc_bsdinfo>() as libc::c_int;
        // SAFETY: the buffer is as large as is said; 0: of living processes only.
        let got = unsafe {
            libc::proc_pidinfo(
                pid.as_raw_nonzero().get(),
                libc::PROC_PIDTBSDINFO,
                0,
                info.as_mut_ptr().cast(),
                size,
            )
        };
        if got != size {
            let error = io::Error::last_os_error();
            return match error.raw_os_error() {
                Some(libc::ESRCH) => Ok(None),
                _ => Err(error),
            };
        }
        // SAFETY: integers only, and all of it was written.
        let info = unsafe { info.assume_init() };
        let start = info.pbi_start_tvsec.wrapping_mul(1_000_000);
        Ok(Some(Found {
            start: start.wrapping_add(info.pbi_start_tvusec),
        }))
    }

    /// A living process; none: there is none of this number.
    ///
    /// The kernel counts a process's start from the boot, and adds when that was by the clock as it goes now: whoever sets the clock would
    /// make another process of each. So that is taken off again.
    #[cfg(target_os = "freebsd")]
    pub(super) fn look(pid: Pid) -> io::Result<Option<Found>> {
        let boot = boot_time()?;
        let name = [
            libc::CTL_KERN,
            libc::KERN_PROC,
            libc::KERN_PROC_PID,
            pid.as_raw_nonzero().get(),
        ];
        let mut info = MaybeUninit::<libc::kinfo_proc>::zeroed();
        let mut len = size_of::<libc::kinfo_proc>();
        // SAFETY: four numbers are the name of one process, and the buffer is as large as is said.
        let failed = unsafe {
            libc::sysctl(
                name.as_ptr(),
                name.len() as libc::c_uint,
                info.as_mut_ptr().cast(),
                &raw mut len,
                std::ptr::null(),
                0,
            )
        };
        if failed != 0 {
            let error = io::Error::last_os_error();
            return match error.raw_os_error() {
                Some(libc::ESRCH) => Ok(None),
                _ => Err(error),
            };
        }
        if len == 0 {
            return Ok(None);
        }
        // SAFETY: integers, and pointers that are never followed; all zeroes is a value of it too.
        let info = unsafe { info.assume_init() };
        if info.ki_structsize as usize != size_of::<libc::kinfo_proc>() {
            return Err(io::Error::other("another layout of kinfo_proc"));
        }
        if boot_time()? != boot {
            return Err(io::Error::other("the clock was set just now"));
        }
        Ok(Some(Found {
            start: microseconds(info.ki_start).wrapping_sub(boot),
            jail: info.ki_jid as u64,
        }))
    }

    /// When the machine was started, by the clock as it goes now.
    #[cfg(target_os = "freebsd")]
    fn boot_time() -> io::Result<u64> {
        let found = bytes(c"kern.boottime");
        let found = found.filter(|found| found.len() == size_of::<libc::timeval>());
        let found = found.ok_or_else(|| io::Error::other("kern.boottime cannot be read"))?;
        // SAFETY: as many bytes as it has, of integers only.
        let at = unsafe { found.as_ptr().cast::<libc::timeval>().read_unaligned() };
        Ok(microseconds(at))
    }

    #[cfg(target_os = "freebsd")]
    fn microseconds(at: libc::timeval) -> u64 {
        let seconds = (at.tv_sec as u64).wrapping_mul(1_000_000);
        seconds.wrapping_add(at.tv_usec as u64)
    }

    /// A variable of the kernel's, at most 64 bytes.
    pub(super) fn bytes(name: &CStr) -> Option<Vec<u8>> {
        let mut found = vec![0_u8; 64];
        let mut len = found.len();
        // SAFETY: a C string, and a buffer as large as is said.
        let failed = unsafe {
            libc::sysctlbyname(
                name.as_ptr(),
                found.as_mut_ptr().cast(),
                &raw mut len,
                std::ptr::null_mut(),
                0,
            )
        };
        found.truncate(len);
        (failed == 0 && len > 0).then_some(found)
    }

    #[cfg(target_os = "freebsd")]
    pub(super) fn number(name: &CStr) -> Option<i32> {
        Some(i32::from_ne_bytes(bytes(name)?.try_into().ok()?))
    }
}
