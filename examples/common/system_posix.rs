//! The names of `system_linux.rs` for every other Unix (macOS, FreeBSD, Android), by what all of them have.

use std::fs::File;
use std::io;
use std::process::Child;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};

/// Nothing ties a process to its parent here: it looks for itself whether that is there.
pub fn end_with_parent() -> io::Result<()> {
    Ok(())
}

/// A child that others than its parent's owner of it may wait for and kill, until that has waited for it: then the number is free.
pub struct Watched(Pid);

impl Watched {
    /// Of one that nobody has waited for.
    pub fn of(child: &Child) -> io::Result<Self> {
        Ok(Self(Pid::from_child(child)))
    }

    /// It may have ended.
    pub fn kill(&self) {
        let _ = kill_process(self.0, Signal::KILL);
    }

    /// Waits for its end, so long at most, by looking again and again.
    pub fn has_ended(&self, most: Duration) -> io::Result<bool> {
        let begin = Instant::now();
        let how = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
        loop {
            if waitid(WaitId::Pid(self.0), how)?.is_some() {
                return Ok(true);
            }
            let left = most.saturating_sub(begin.elapsed());
            if left.is_zero() {
                return Ok(false);
            }
            std::thread::sleep(left.min(Duration::from_millis(5)));
        }
    }
}

/// Not every system counts how often a thread sleeps.
pub fn sleeps() -> io::Result<u64> {
    Ok(0)
}

/// True where [`sleeps`] counts.
pub const COUNTS_SLEEPS: bool = false;

/// A file of the temporary directory that has lost its name, gone with the last who has it.
pub fn memory_file() -> io::Result<File> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let next = NEXT.fetch_add(1, Relaxed);
    let name = format!("ringpad-clip-{}-{next}", std::process::id());
    let path = std::env::temp_dir().join(name);
    let mut options = File::options();
    let file = options
        .read(true)
        .write(true)
        .create_new(true)
        .open(&path)?;
    std::fs::remove_file(path)?;
    Ok(file)
}
