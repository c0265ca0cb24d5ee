//! What the examples ask of Linux and of no other Unix; `system_posix.rs` has the same names.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::process::Child;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open};

/// This process is killed when the thread that started it ends.
pub fn end_with_parent() -> io::Result<()> {
    Ok(rustix::process::set_parent_process_death_signal(Some(
        Signal::KILL,
    ))?)
}

/// A child that others than its parent's owner of it may wait for and kill: never its number's next process.
pub struct Watched(OwnedFd);

impl Watched {
    /// Of one that nobody has waited for.
    pub fn of(child: &Child) -> io::Result<Self> {
        Ok(Self(pidfd_open(
            Pid::from_child(child),
            PidfdFlags::empty(),
        )?))
    }

    /// It may have ended.
    pub fn kill(&self) {
        let _ = rustix::process::pidfd_send_signal(&self.0, Signal::KILL);
    }

    /// Waits for its end, so long at most; a signal ends the wait too.
    pub fn has_ended(&self, most: Duration) -> io::Result<bool> {
        let most = Timespec {
            tv_sec: most.as_secs() as i64,
            tv_nsec: most.subsec_nanos().into(),
        };
        match poll(&mut [PollFd::new(&self.0, PollFlags::IN)], Some(&most)) {
            Err(rustix::io::Errno::INTR) => Ok(false),
            found => Ok(found? > 0),
        }
    }
}

/// How often this thread has slept, of its own accord: the system counts it whether or not the processor was busy with others.
pub fn sleeps() -> io::Result<u64> {
    let mut usage = std::mem::MaybeUninit::<libc::rusage>::uninit();
    // SAFETY: the system fills in the whole of it, or answers that it did not.
    let done = unsafe { libc::getrusage(libc::RUSAGE_THREAD, usage.as_mut_ptr()) };
    if done != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: filled in just now.
    let usage = unsafe { usage.assume_init() };
    Ok(usage.ru_nvcsw as u64)
}

/// True where [`sleeps`] counts.
pub const COUNTS_SLEEPS: bool = true;

/// A file in memory, gone with the last who has it.
pub fn memory_file() -> io::Result<File> {
    let flags = rustix::fs::MemfdFlags::CLOEXEC;
    Ok(File::from(rustix::fs::memfd_create(c"clip", flags)?))
}
