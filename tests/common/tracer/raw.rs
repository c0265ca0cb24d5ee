//! The system calls of a tracer.

use std::io;
use std::mem::offset_of;

use libc::{c_int, user, user_regs_struct};

fn answered(result: libc::c_long) -> io::Result<()> {
    match result {
        -1 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

/// Lets a stopped thread go on in the way of `request`, with `signal` or 0.
pub fn resume(request: libc::c_uint, tid: c_int, signal: c_int) -> io::Result<()> {
    let none = std::ptr::null_mut::<libc::c_void>();
    // SAFETY: the request has no pointer arguments.
    answered(unsafe { libc::ptrace(request, tid, none, libc::c_long::from(signal)) })
}

pub fn set_options(tid: c_int, options: c_int) -> io::Result<()> {
    let none = std::ptr::null_mut::<libc::c_void>();
    let options = libc::c_long::from(options);
    // SAFETY: the request has no pointer arguments.
    answered(unsafe { libc::ptrace(libc::PTRACE_SETOPTIONS, tid, none, options) })
}

/// Asks to be traced by whoever started this process. Between fork and exec too.
pub fn trace_me() -> io::Result<()> {
    let none = std::ptr::null_mut::<libc::c_void>();
    // SAFETY: the request uses no argument.
    answered(unsafe { libc::ptrace(libc::PTRACE_TRACEME, 0, none, none) })
}

/// Why a thread that stopped by a signal got it.
pub fn signal_code(tid: c_int) -> io::Result<c_int> {
    // SAFETY: plain numbers, for which zeros are values.
    let mut info: libc::siginfo_t = unsafe { std::mem::zeroed() };
    let none = std::ptr::null_mut::<libc::c_void>();
    // SAFETY: the kernel fills in `info`, which is of its type.
    let result = unsafe { libc::ptrace(libc::PTRACE_GETSIGINFO, tid, none, &raw mut info) };
    answered(result).map(|()| info.si_code)
}

/// A word of a stopped thread: of its registers or of its memory.
fn peek(request: libc::c_uint, tid: c_int, at: usize) -> io::Result<u64> {
    // SAFETY: the C library's own variable of this thread.
    let errno = unsafe { libc::__errno_location() };
    // SAFETY: as above; -1 is an answer too, so errno tells.
    unsafe { errno.write(0) };
    // SAFETY: `at` is the other process's address or an offset: nothing of ours is written.
    let word = unsafe { libc::ptrace(request, tid, at, 0) };
    let error = io::Error::last_os_error();
    match error.raw_os_error() {
        Some(0) | None => Ok(word as u64),
        Some(_) => Err(error),
    }
}

fn register(tid: c_int, offset: usize) -> io::Result<u64> {
    peek(libc::PTRACE_PEEKUSER, tid, offset_of!(user, regs) + offset)
}

/// What [`super::mark`] said.
pub fn marked(tid: c_int) -> io::Result<u64> {
    register(tid, offset_of!(user_regs_struct, rdi))
}

/// The number of the system call a thread stopped at.
pub fn call(tid: c_int) -> io::Result<u64> {
    register(tid, offset_of!(user_regs_struct, orig_rax))
}

/// Whether the next instruction is a system call.
pub fn before_call(tid: c_int) -> io::Result<bool> {
    let at = register(tid, offset_of!(user_regs_struct, rip))?;
    let code = peek(libc::PTRACE_PEEKTEXT, tid, at as usize)?;
    Ok(code & 0xffff == 0x050f) // syscall
}

const RIP: usize = offset_of!(user_regs_struct, rip);

/// The address of the next instruction.
pub fn next_instruction(tid: c_int) -> io::Result<u64> {
    register(tid, RIP)
}

pub fn set_next_instruction(tid: c_int, at: u64) -> io::Result<()> {
    let offset = offset_of!(user, regs) + RIP;
    // SAFETY: changes a register of the stopped process only.
    answered(unsafe { libc::ptrace(libc::PTRACE_POKEUSER, tid, offset, at) })
}

/// Eight bytes of its code.
pub fn code(tid: c_int, at: u64) -> io::Result<u64> {
    peek(libc::PTRACE_PEEKTEXT, tid, at as usize)
}

/// Changes its own copy of the code.
pub fn set_code(tid: c_int, at: u64, code: u64) -> io::Result<()> {
    // SAFETY: changes memory of the stopped process only.
    answered(unsafe { libc::ptrace(libc::PTRACE_POKETEXT, tid, at, code) })
}

/// Waits for a change of any thread of a process group that this thread started or traces: its number, its status.
pub fn wait(group: c_int) -> io::Result<(c_int, c_int)> {
    let mut status = 0;
    loop {
        // SAFETY: the status lives through the call.
        let tid =
            unsafe { libc::waitpid(group, &raw mut status, libc::__WALL | libc::__WNOTHREAD) };
        if tid >= 0 {
            return Ok((tid, status));
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
}

pub fn kill(pid: c_int) {
    // SAFETY: integers only; the process is not reaped yet, so the number is its own.
    let _ = unsafe { libc::kill(pid, libc::SIGKILL) };
}
