//! What the examples ask of a Unix system beyond the standard library; `system_windows.rs` has the same names.

#![allow(dead_code)] // each example uses its own part

use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitCode, ExitStatus};

use rustix::process::{Pid, Signal, getpid, kill_process};

// `.ci/flock` has Linux do as the others do.
#[cfg_attr(all(target_os = "linux", not(ringpad_flock)), path = "system_linux.rs")]
#[cfg_attr(any(not(target_os = "linux"), ringpad_flock), path = "system_posix.rs")]
mod own;

#[allow(unused_imports)] // as above
pub use own::*;
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

/// Standard input as a file: what the standard library has read ahead is not in it.
pub fn input() -> io::Result<File> {
    Ok(File::from(io::stdin().as_fd().try_clone_to_owned()?))
}

/// Standard output without a buffer.
pub fn output() -> io::Result<File> {
    Ok(File::from(io::stdout().as_fd().try_clone_to_owned()?))
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
