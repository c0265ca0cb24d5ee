//! How many system calls a process makes, counted exactly: it is stopped at each.

use std::fs;
use std::io::{Error, Result};
use std::process::exit;
use std::ptr::{null_mut, without_provenance_mut};
use std::sync::atomic::{AtomicU64, Ordering};

/// What the traced process writes into a word shared with its tracer.
pub mod mark {
    /// Count the calls from here on.
    pub const COUNT: u64 = 1;
    /// Count no more.
    pub const OVER: u64 = 2;
}

/// A stop at a system call, told from a SIGTRAP.
const AT_CALL: i32 = libc::SIGTRAP | 0x80;

/// The tracing of a child of this process, by this thread.
pub struct Tracer(libc::pid_t);

impl Tracer {
    /// Stops the child and lets it run on up to its next call. Refused where tracing is: in some containers.
    pub fn of(pid: u32) -> Result<Self> {
        let threads = fs::read_dir(format!("/proc/{pid}/task"))?.count();
        if threads != 1 {
            return Err(Error::other(format!(
                "it has {threads} threads, of which one would count"
            )));
        }
        let tracer = Self(pid as libc::pid_t);
        let options = without_provenance_mut(libc::PTRACE_O_TRACESYSGOOD as usize);
        tracer.ask(libc::PTRACE_SEIZE, 0, options)?;
        tracer.ask(libc::PTRACE_INTERRUPT, 0, null_mut())?;
        tracer.stop()?;
        tracer.ask(libc::PTRACE_SYSCALL, 0, null_mut())?;
        Ok(tracer)
    }

    /// How many calls the child begins between its marks. Lets go of it at the first call after them.
    pub fn count(self, marked: &AtomicU64) -> u64 {
        self.counted(marked).unwrap_or_else(|e| {
            eprintln!("counting system calls: {e}");
            exit(1)
        })
    }

    fn counted(&self, marked: &AtomicU64) -> Result<u64> {
        let mut calls = 0;
        loop {
            let signal = self.stop()?;
            if signal == AT_CALL && self.enters()? {
                // Exact: it wrote the mark before this call, and is stopped.
                match marked.load(Ordering::Relaxed) {
                    mark::COUNT => calls += 1,
                    mark::OVER => {
                        self.ask(libc::PTRACE_DETACH, 0, null_mut())?;
                        return Ok(calls);
                    }
                    _ => {}
                }
            }
            // Stops that are no signal's: at calls, and the first.
            let ours = signal == AT_CALL || signal == libc::SIGTRAP;
            let deliver = if ours { 0 } else { signal };
            self.ask(
                libc::PTRACE_SYSCALL,
                0,
                without_provenance_mut(deliver as usize),
            )?;
        }
    }

    /// Waits until the child stops; with which signal.
    fn stop(&self) -> Result<i32> {
        let mut status = 0;
        // SAFETY: `status` is there to be written.
        if unsafe { libc::waitpid(self.0, &raw mut status, libc::__WALL) } < 0 {
            return Err(Error::last_os_error());
        }
        if !libc::WIFSTOPPED(status) {
            return Err(Error::other(format!(
                "the partner ended with status {status:#x}"
            )));
        }
        Ok(libc::WSTOPSIG(status))
    }

    /// Whether the child, stopped at a call, is about to begin it rather than at its end.
    fn enters(&self) -> Result<bool> {
        // One byte is all that is asked for.
        let mut op = 0u8;
        self.ask(
            libc::PTRACE_GET_SYSCALL_INFO,
            size_of_val(&op),
            (&raw mut op).cast(),
        )?;
        Ok(op == libc::PTRACE_SYSCALL_INFO_ENTRY)
    }

    fn ask(&self, request: libc::c_uint, address: usize, data: *mut libc::c_void) -> Result<()> {
        // SAFETY: of the requests used here only that for a call's byte writes: to `data`, which its caller keeps.
        match unsafe { libc::ptrace(request, self.0, address, data) } {
            -1 => Err(Error::last_os_error()),
            _ => Ok(()),
        }
    }
}
