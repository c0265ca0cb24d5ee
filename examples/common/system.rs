//! What the examples ask of a Unix system beyond the standard library; `system_windows.rs` has the same names.

#![allow(dead_code)] // each example uses its own part

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitCode, ExitStatus};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, getpid, kill_process, pidfd_open};

#[allow(unused_imports)] // as above
pub use std::os::unix::fs::FileExt;

/// How a program ends that could not do its work.
pub fn failed() -> ExitCode {
    ExitCode::FAILURE
}

/// Whether that is the end of one who was killed, not of one who gave up.
pub fn was_killed(status: ExitStatus) -> bool {
    status.signal() == Some(Signal::KILL.as_raw())
}

/// Whether that is the end of one who could not do its work, and no kill or crash.
pub fn gave_up(status: ExitStatus) -> bool {
    status.code().is_some_and(|code| code != 0)
}

/// Starts a command out of reach of the terminal's Ctrl-C, which asks who starts it.
pub fn apart(command: &mut Command) -> &mut Command {
    command.process_group(0)
}

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

/// Asks a child to end, as `kill` does. It may be dead.
pub fn ask_to_end(child: &Child) {
    let _ = kill_process(Pid::from_child(child), Signal::TERM);
}

/// Stops this process, until somebody kills it or has it go on.
pub fn stop_here() {
    let _ = kill_process(getpid(), Signal::STOP);
}

/// CPU time this process has used, all threads, in nanoseconds.
pub fn cpu_time_ns() -> u64 {
    let used = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    used.tv_sec as u64 * 1_000_000_000 + used.tv_nsec as u64
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

/// Standard input as a file: what the standard library has read ahead is not in it.
pub fn input() -> io::Result<File> {
    Ok(File::from(io::stdin().as_fd().try_clone_to_owned()?))
}

/// Standard output without a buffer.
pub fn output() -> io::Result<File> {
    Ok(File::from(io::stdout().as_fd().try_clone_to_owned()?))
}

/// A file in memory, gone with the last who has it.
pub fn memory_file() -> io::Result<File> {
    let flags = rustix::fs::MemfdFlags::CLOEXEC;
    Ok(File::from(rustix::fs::memfd_create(c"clip", flags)?))
}

/// Whether a shell has put this process into the background of its terminal: a look at the keyboard would stop it.
pub fn is_in_background() -> bool {
    let foreground = rustix::termios::tcgetpgrp(io::stdin()).ok();
    foreground != Some(rustix::process::getpgrp())
}

/// True if the two paths, whatever they are called, are one file.
pub fn is_same_file(one: &std::path::Path, other: &std::path::Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let of = |path| std::fs::metadata(path).map(|file: std::fs::Metadata| (file.dev(), file.ino()));
    matches!((of(one), of(other)), (Ok(one), Ok(other)) if one == other)
}

/// Where standard input can be looked at.
pub const STDIN: &str = "/dev/stdin";
