//! What the tests ask of Linux; `windows.rs` has the same names.

use std::fs::File;
use std::os::fd::OwnedFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus};
use std::sync::atomic::AtomicU64;

use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};
use rustix::process::{
    Pid, PidfdFlags, Signal, WaitId, WaitIdOptions, getpid, kill_process, pidfd_open,
    pidfd_send_signal, waitid,
};

#[allow(unused_imports)] // each test file uses its own part
pub use std::os::unix::fs::FileExt;

/// Ties a command's process to this thread's life.
pub fn die_with_parent(command: &mut Command) {
    let die_with_parent = || {
        // SAFETY: one system call with integers only.
        match unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) } {
            0 => Ok(()),
            _ => Err(std::io::Error::last_os_error()),
        }
    };
    // SAFETY: the closure makes one system call between fork and exec.
    unsafe { command.pre_exec(die_with_parent) };
}

fn id(child: &Child) -> Pid {
    Pid::from_raw(child.id() as i32).expect("a pid")
}

fn signal(child: &Child, signal: Signal) {
    kill_process(id(child), signal).expect("signalling a child");
}

fn changed(child: &Child, how: WaitIdOptions) -> bool {
    let how = how | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
    waitid(WaitId::Pid(id(child)), how)
        .expect("waitid")
        .is_some()
}

/// Kills a child that was not reaped.
pub fn kill(child: &Child) {
    signal(child, Signal::KILL);
}

/// Begins to stop it.
pub fn stop(child: &Child) {
    signal(child, Signal::STOP);
}

/// Whether it has stopped, or ended before.
pub fn has_stopped(child: &Child) -> bool {
    changed(child, WaitIdOptions::STOPPED | WaitIdOptions::EXITED)
}

pub fn resume(child: &Child) {
    signal(child, Signal::CONT);
}

/// Whether it has exited; it stays a zombie.
pub fn has_exited(child: &Child) -> bool {
    changed(child, WaitIdOptions::EXITED)
}

/// Kills this process, as another would.
pub fn kill_myself() {
    let _ = kill_process(getpid(), Signal::KILL);
}

/// Whether that is the end of one who was killed.
pub fn was_killed(status: ExitStatus) -> bool {
    status.signal() == Some(libc::SIGKILL)
}

/// Whether that is the end of one who touched memory that it may not.
pub fn has_faulted(status: ExitStatus) -> bool {
    status.signal() == Some(libc::SIGSEGV)
}

/// The number of this thread.
pub fn this_thread() -> u32 {
    // SAFETY: asks for a number.
    (unsafe { libc::gettid() }) as u32
}

/// True where the tests may do what only root may.
pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Maps the first bytes of a file, to be shared.
pub fn map(file: &File, len: usize) -> *mut u8 {
    let (access, none) = (ProtFlags::READ | ProtFlags::WRITE, std::ptr::null_mut());
    // SAFETY: no address is asked for, so no existing mapping is replaced.
    let base = unsafe { mmap(none, len, access, MapFlags::SHARED, file, 0) };
    base.expect("mapping").cast()
}

/// # Safety
///
/// Mapped by [`map`] with this length, and not used from here on.
pub unsafe fn unmap(base: *mut u8, len: usize) {
    // SAFETY: by this function's own condition.
    let _ = unsafe { munmap(base.cast(), len) };
}

/// Wakes everyone who waits for a word of a mapped page.
pub fn wake(word: &AtomicU64) {
    futex(word, libc::FUTEX_WAKE, i32::MAX as u32);
}

/// Sleeps until the word is woken, unless it changed already; for a second at most.
pub fn wait(word: &AtomicU64, found: u64) {
    futex(word, libc::FUTEX_WAIT, found as u32);
}

/// On the low half of a word.
fn futex(word: &AtomicU64, what: i32, value: u32) {
    let second = libc::timespec {
        tv_sec: 1,
        tv_nsec: 0,
    };
    let word: *const u32 = std::ptr::from_ref(word).cast();
    let low = if cfg!(target_endian = "little") { 0 } else { 1 };
    let at = word.wrapping_add(low);
    // SAFETY: a mapped, aligned u32 and a timeout that lives through the call; a failure is looked into by the caller.
    unsafe { libc::syscall(libc::SYS_futex, at, what, value, &raw const second) };
}

/// Whether a thread of the process sleeps in poll.
pub fn is_polling(pid: u32) -> bool {
    let Ok(tasks) = std::fs::read_dir(format!("/proc/{pid}/task")) else {
        return false;
    };
    tasks.flatten().any(|task| polls(&task.path()))
}

/// Whether this one thread of this very process sleeps in poll; other tests may have theirs.
pub fn thread_is_polling(thread: u32) -> bool {
    polls(std::path::Path::new(&format!("/proc/self/task/{thread}")))
}

fn polls(task: &std::path::Path) -> bool {
    // What rustix calls for poll: here, on machines of 32 bits (i686 has two), and what an emulator on x86-64 makes of it.
    let poll = [libc::SYS_ppoll, 414, 309, 271];
    let call = std::fs::read_to_string(task.join("syscall")).unwrap_or_default();
    let number = call
        .split(' ')
        .next()
        .and_then(|number| number.parse().ok());
    number.is_some_and(|number| poll.contains(&number))
}

/// With which code examples end that could not do their work.
pub const FAILED: i32 = 1;

/// How the end of one that did its work is written, or of one that failed.
pub fn end(code: i32) -> String {
    format!("exit status: {code}")
}

fn signal_to(pid: u32, signal: Signal) -> bool {
    let pid = Pid::from_raw(pid as i32).expect("a pid");
    match kill_process(pid, signal) {
        Err(rustix::io::Errno::SRCH) => false,
        done => done.is_ok(),
    }
}

/// Kills a process of that number; false if there is none.
pub fn kill_number(pid: u32) -> bool {
    signal_to(pid, Signal::KILL)
}

/// Stops a process of that number.
pub fn stop_number(pid: u32) {
    assert!(signal_to(pid, Signal::STOP));
}

/// Asks a process to end, as Ctrl-C or `kill` does.
pub fn ask_to_end(pid: u32) {
    assert!(signal_to(pid, Signal::TERM));
}

fn stat(pid: u32) -> Option<String> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    Some(stat.rsplit(") ").next()?.to_owned())
}

/// Whether a child has stopped itself.
pub fn has_halted(pid: u32) -> bool {
    stat(pid).expect("not reaped").starts_with('T')
}

/// A process that is not our own child.
#[derive(Debug)]
pub struct Process(OwnedFd);

impl Process {
    /// The process of that number, if it is a child of that parent.
    pub fn child_of(parent: u32, pid: u32) -> Option<Self> {
        let process = pidfd_open(Pid::from_raw(pid as i32)?, PidfdFlags::empty()).ok()?;
        // Read behind the opening: what is opened is the parent's child, or the number was somebody's before.
        let is_its = stat(pid)?.split(' ').nth(1)? == parent.to_string();
        is_its.then_some(Self(process))
    }

    /// Answers whether it was there.
    pub fn kill(&self) -> bool {
        pidfd_send_signal(&self.0, Signal::KILL).is_ok()
    }
}

/// Where a file is mapped in this process; every mapping of it must be for reading alone.
pub fn read_only_mappings(file: &str, _: usize) -> Vec<usize> {
    let maps = std::fs::read_to_string("/proc/self/maps").expect("a list of mappings");
    let of_it = maps.lines().filter(|line| line.contains(file));
    of_it
        .map(|line| {
            let mut words = line.split_whitespace();
            let range = words.next().expect("a range");
            assert_eq!(words.next(), Some("r--s"), "for reading alone");
            let base = range.split('-').next().expect("a beginning");
            usize::from_str_radix(base, 16).expect("an address")
        })
        .collect()
}
