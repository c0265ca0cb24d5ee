//! A traced process: forked or started, stepped, killed and reaped.

use std::io;
use std::marker::PhantomData;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Command, ExitStatus};

use libc::c_int;

use super::pin::Pinned;
use super::raw;

/// Seconds that a traced process may take in all: SIGALRM then stops it, also out of a system call that waits for ever.
const LIFE: u32 = 240;

/// Why a traced process stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// It made a step.
    Stepped,
    /// It enters or leaves a system call of this number.
    Edge(u64),
    /// It said a number: [`super::mark`].
    Mark(u64),
    /// It exited or died, and is reaped.
    Ended(ExitStatus),
    /// It has lived too long: it hangs.
    Late,
}

/// A traced process, stopped whenever the tracer is not waiting for it. Killed and reaped on drop.
///
/// Of several threads the one that marked last is stepped; the others run on.
pub struct Tracee {
    pid: c_int,
    tid: c_int,
    reaped: bool,
    _pinned: Pinned,
    /// A trace belongs to a thread.
    _here: PhantomData<*const ()>,
}

/// What a child does before it is its own: one system call after the other.
fn prepare() -> io::Result<()> {
    // SAFETY: integers only.
    if unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) } != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: integers only; outlives exec.
    unsafe { libc::alarm(LIFE) };
    raw::trace_me()
}

/// Ends the child at once when it unwinds: it must never return into the test that forked it.
struct Leave;

impl Drop for Leave {
    fn drop(&mut self) {
        // SAFETY: ends the process without running anything else.
        unsafe { libc::_exit(101) };
    }
}

fn live(operation: impl FnOnce()) -> ! {
    let _leave = Leave;
    // SAFETY: integers only.
    let own_group = unsafe { libc::setpgid(0, 0) } == 0;
    if own_group && prepare().is_ok() {
        // SAFETY: an integer only; the tracer waits for this.
        unsafe { libc::raise(libc::SIGSTOP) };
        operation();
        // SAFETY: ends the process without running anything else.
        unsafe { libc::_exit(0) };
    }
    // SAFETY: as above.
    unsafe { libc::_exit(102) }
}

impl Tracee {
    /// Forks; the child is stopped before it runs `operation`, after which it exits.
    ///
    /// The operation may neither allocate nor take a lock: another thread may have held it at the fork.
    pub fn fork(operation: impl FnOnce()) -> Self {
        let pinned = Pinned::here();
        // SAFETY: the child makes system calls and runs `operation`, which by contract needs no other thread's state.
        match unsafe { libc::fork() } {
            -1 => panic!("fork: {}", io::Error::last_os_error()),
            0 => live(operation),
            // Not yet a group of its own.
            pid => Self::first_stop(pid, pid, libc::SIGSTOP, pinned),
        }
    }

    /// Starts a command; it is stopped before its first instruction.
    #[allow(clippy::zombie_processes)] // reaped by its number: a tracer must not wait in other ways
    pub fn exec(mut command: Command) -> Self {
        let pinned = Pinned::here();
        command.process_group(0);
        // SAFETY: system calls only, between fork and exec.
        unsafe { command.pre_exec(prepare) };
        let child = command.spawn().expect("starting a process to trace");
        let pid = child.id() as c_int;
        Self::first_stop(pid, -pid, libc::SIGTRAP, pinned)
    }

    fn first_stop(pid: c_int, who: c_int, by: c_int, pinned: Pinned) -> Self {
        let (tid, status) = raw::wait(who).expect("waiting for a traced process");
        let stopped = libc::WIFSTOPPED(status) && libc::WSTOPSIG(status) == by;
        assert!(stopped && tid == pid, "not traced: status {status:#x}");
        let tracee = Self {
            pid,
            tid,
            reaped: false,
            _pinned: pinned,
            _here: PhantomData,
        };
        let with =
            libc::PTRACE_O_EXITKILL | libc::PTRACE_O_TRACESYSGOOD | libc::PTRACE_O_TRACECLONE;
        raw::set_options(pid, with).expect("the options of a trace");
        tracee
    }

    pub(super) fn thread(&self) -> c_int {
        self.tid
    }

    /// Runs to the next mark or the end.
    pub fn run(&mut self) -> Stop {
        self.resume(libc::PTRACE_CONT)
    }

    /// Makes one step: an instruction, or a system call as a whole.
    pub fn step(&mut self) -> Stop {
        self.resume(libc::PTRACE_SINGLESTEP)
    }

    /// Runs to the next entry or exit of a system call, unless a mark or the end comes before.
    pub fn edge(&mut self) -> Stop {
        self.resume(libc::PTRACE_SYSCALL)
    }

    /// Steps until `hash` of what is watched differs from what it was, or a mark or the end comes before. Adds the steps
    /// to `steps`; at most `most` are made, then it is [`Stop::Late`].
    pub fn step_until_change(
        &mut self,
        hash: impl Fn() -> u64,
        steps: &mut u64,
        most: u64,
    ) -> Stop {
        let before = hash();
        for _ in 0..most {
            *steps += 1;
            match self.step() {
                Stop::Stepped if hash() == before => {}
                other => return other,
            }
        }
        Stop::Late
    }

    /// Whether the next instruction is a system call.
    pub fn before_call(&self) -> bool {
        raw::before_call(self.tid).expect("looking at a stopped process")
    }

    fn resume(&mut self, how: libc::c_uint) -> Stop {
        assert!(!self.reaped, "it has ended");
        // One that was killed meanwhile says so below.
        let _ = raw::resume(how, self.tid, 0);
        loop {
            let (tid, status) = raw::wait(-self.pid).expect("waiting for a traced process");
            if !libc::WIFSTOPPED(status) {
                if tid == self.pid {
                    self.reaped = true;
                    return Stop::Ended(ExitStatus::from_raw(status));
                }
                continue; // a thread of it ended
            }
            let signal = libc::WSTOPSIG(status);
            let event = status >> 16;
            let pass = match signal {
                _ if event != 0 => 0, // it started a thread
                libc::SIGSTOP => 0,   // the started thread's first stop
                libc::SIGTRAP => match self.trapped(tid) {
                    Some(stop) => return stop,
                    None => 0,
                },
                libc::SIGALRM => return Stop::Late,
                call if call == libc::SIGTRAP | 0x80 && tid == self.tid => {
                    return Stop::Edge(raw::call(tid).expect("a system call's number"));
                }
                other => other,
            };
            let on = if tid == self.tid {
                how
            } else {
                libc::PTRACE_CONT
            };
            let _ = raw::resume(on, tid, pass);
        }
    }

    fn trapped(&mut self, tid: c_int) -> Option<Stop> {
        /// What the kernel says of a breakpoint instruction, and of no step.
        const SI_KERNEL: c_int = 0x80;
        if raw::signal_code(tid).ok()? == SI_KERNEL {
            self.tid = tid;
            return Some(Stop::Mark(raw::marked(tid).ok()?));
        }
        (tid == self.tid).then_some(Stop::Stepped)
    }

    /// Kills it where it stands, and reaps it.
    pub fn kill(mut self) {
        assert!(!self.reaped, "it ended before it was killed");
        let status = self.reap();
        assert_eq!(status.signal(), Some(libc::SIGKILL), "{status}");
    }

    fn reap(&mut self) -> ExitStatus {
        raw::kill(self.pid);
        loop {
            let (tid, status) = raw::wait(-self.pid).expect("reaping a traced process");
            // Its other threads are reaped before it.
            if tid == self.pid && !libc::WIFSTOPPED(status) {
                self.reaped = true;
                return ExitStatus::from_raw(status);
            }
        }
    }
}

impl Drop for Tracee {
    fn drop(&mut self) {
        if !self.reaped {
            self.reap();
        }
    }
}
