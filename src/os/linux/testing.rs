//! Forked children, scratch directories and deadlines for this room's tests.
//!
//! A forked child of a test program has one thread of many: until it ends by `_exit` it may only make system calls. It
//! closes every descriptor it was not given, or it would keep other tests' locks and pipes alive.

use std::ffi::CStr;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, WaitOptions, WaitStatus};

use crate::os::unix::bell::wait;
use crate::os::unix::directory::{Permissions, private};

/// How long a condition may take to come true.
pub(in crate::os) const PATIENCE: Duration = Duration::from_secs(20);

/// Waits for `condition`.
#[track_caller]
pub(in crate::os) fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "never came true: {what}");
        std::thread::yield_now();
    }
}

/// A private directory, removed with its contents on drop.
pub(in crate::os) struct Scratch {
    pub(in crate::os) path: PathBuf,
    pub(in crate::os) dir: OwnedFd,
}

impl Scratch {
    pub(in crate::os) fn new() -> Scratch {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!(
            "ringpad-os-{}-{}",
            std::process::id(),
            NEXT.fetch_add(1, Ordering::Relaxed)
        );
        let path = std::env::temp_dir().join(name);
        let dir = private(&path, true, &Permissions::default()).unwrap();
        Scratch { path, dir }
    }

    pub(in crate::os) fn dir(&self) -> BorrowedFd<'_> {
        self.dir.as_fd()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.path).unwrap();
    }
}

/// The child's side of [`fork`].
pub(in crate::os) struct Inside {
    gate: OwnedFd,
    report: OwnedFd,
}

impl Inside {
    /// Lets [`Child::reported`] go on.
    pub(in crate::os) fn report(&self) {
        let _ = rustix::io::write(&self.report, b"!");
    }

    /// Waits until the parent calls [`Child::release`] or is no more.
    pub(in crate::os) fn hold(&self) {
        while rustix::io::read(&self.gate, &mut [0; 1]) == Err(rustix::io::Errno::INTR) {}
    }

    /// Forks again, in the child; the grandchild has all the child has. Without allocating.
    pub(in crate::os) fn fork(&self, body: impl FnOnce() -> i32) -> Option<Pid> {
        // SAFETY: the grandchild makes system calls only and leaves by `_exit`.
        let pid = unsafe { libc::fork() };
        if pid == 0 {
            let _leave = Leave;
            exit(body());
        }
        Pid::from_raw(pid)
    }

    /// Becomes a program that ends at [`Child::release`]; reports by being it. Returns only on failure.
    pub(in crate::os) fn become_cat(&self) -> i32 {
        // SAFETY: both descriptors are open, and a forked child's standard input is used by nobody else.
        if unsafe { libc::dup2(self.gate.as_raw_fd(), 0) } != 0 {
            return 90;
        }
        let argv = [c"cat".as_ptr(), std::ptr::null()];
        // SAFETY: a path and a null-terminated list of C strings, all static.
        unsafe { libc::execv(c"/bin/cat".as_ptr(), argv.as_ptr()) };
        91
    }
}

/// A forked child; killed and reaped on drop.
pub(in crate::os) struct Child {
    pid: Pid,
    gate: Option<OwnedFd>,
    report: OwnedFd,
    reaped: bool,
}

/// Forks a child that runs `body`, exits with what it answers, and has no descriptors but `keep` and the standard three.
pub(in crate::os) fn fork(keep: &[BorrowedFd<'_>], body: impl FnOnce(&Inside) -> i32) -> Child {
    let (gate_read, gate_write) =
        rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).unwrap();
    let (report_read, report_write) =
        rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).unwrap();
    let mut kept: Vec<i32> = keep.iter().map(|fd| fd.as_raw_fd()).collect();
    kept.extend([0, 1, 2, gate_read.as_raw_fd(), report_write.as_raw_fd()]);
    kept.sort_unstable();
    // SAFETY: the child makes system calls only and leaves by `_exit`.
    let pid = unsafe { libc::fork() };
    if pid == 0 {
        let inside = Inside {
            gate: gate_read,
            report: report_write,
        };
        let leave = Leave;
        close_all_but(&kept);
        let code = body(&inside);
        std::mem::forget(leave);
        exit(code);
    }
    let pid = Pid::from_raw(pid)
        .filter(|p| p.as_raw_nonzero().get() > 0)
        .expect("fork failed");
    Child {
        pid,
        gate: Some(gate_write),
        report: report_read,
        reaped: false,
    }
}

/// A panic must not carry the child into the test harness.
struct Leave;

impl Drop for Leave {
    fn drop(&mut self) {
        exit(101);
    }
}

pub(in crate::os) fn exit(code: i32) -> ! {
    // SAFETY: ends the process at once, running nothing.
    unsafe { libc::_exit(code) }
}

fn close_all_but(kept: &[i32]) {
    for (i, &fd) in kept.iter().enumerate() {
        let last = kept
            .get(i + 1)
            .map_or(u32::MAX, |&next| (next - 1).max(0) as u32);
        if last > fd as u32 {
            // SAFETY: in a forked child, where no other thread uses a descriptor and nothing drops one.
            unsafe { libc::syscall(libc::SYS_close_range, fd as u32 + 1, last, 0u32) };
        }
    }
}

impl Child {
    pub(in crate::os) fn pid(&self) -> u32 {
        self.pid.as_raw_nonzero().get() as u32
    }

    /// Waits until someone in the child reported, or nobody is left who could.
    #[track_caller]
    pub(in crate::os) fn reported(&self) {
        let ready = wait(&[self.report.as_fd()], Some(Instant::now() + PATIENCE)).unwrap();
        assert!(ready.any(), "the child never reported");
    }

    /// Ends every [`Inside::hold`].
    pub(in crate::os) fn release(&mut self) {
        self.gate = None;
    }

    /// Whether a process besides us still has what [`Inside::hold`] waits on.
    pub(in crate::os) fn inhabited(&self) -> bool {
        let gate = self.gate.as_ref().unwrap();
        !wait(&[gate.as_fd()], Some(Instant::now())).unwrap().any()
    }

    pub(in crate::os) fn kill(&self) {
        rustix::process::kill_process(self.pid, Signal::KILL).unwrap();
    }

    /// Waits until it is a zombie, and leaves it one.
    #[track_caller]
    pub(in crate::os) fn zombie(&self) {
        let how = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
        until("the child exits", || {
            rustix::process::waitid(WaitId::Pid(self.pid), how)
                .unwrap()
                .is_some()
        });
    }

    /// Waits for its end and reaps it.
    #[track_caller]
    pub(in crate::os) fn reap(&mut self) -> WaitStatus {
        let mut status = None;
        until("the child exits", || {
            status = rustix::process::waitpid(Some(self.pid), WaitOptions::NOHANG).unwrap();
            status.is_some()
        });
        self.reaped = true;
        status.unwrap().1
    }

    /// [`Child::reap`] without having kept the child.
    #[track_caller]
    pub(in crate::os) fn ended(mut self) -> WaitStatus {
        self.reap()
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        if !self.reaped {
            self.kill();
            let _ = rustix::process::waitpid(Some(self.pid), WaitOptions::empty());
        }
    }
}

/// A tmpfs of `size` (such as `1m`) that is mounted nowhere: its root directory. Needs root.
pub(in crate::os) fn small_tmpfs(size: &CStr) -> io::Result<OwnedFd> {
    let descriptor = |answer: libc::c_long| match i32::try_from(answer) {
        // SAFETY: a descriptor the kernel has just made for us.
        Ok(fd) if fd >= 0 => Ok(unsafe { OwnedFd::from_raw_fd(fd) }),
        _ => Err(io::Error::last_os_error()),
    };
    // SAFETY: a file system name and no flags.
    let made = unsafe { libc::syscall(libc::SYS_fsopen, c"tmpfs".as_ptr(), 1u32) };
    let fs = descriptor(made)?;
    let null = std::ptr::null::<libc::c_char>();
    for (command, key, value) in [(1u32, c"size".as_ptr(), size.as_ptr()), (6, null, null)] {
        // SAFETY: FSCONFIG_SET_STRING with two C strings, then FSCONFIG_CMD_CREATE with none.
        if unsafe { libc::syscall(libc::SYS_fsconfig, fs.as_raw_fd(), command, key, value, 0) } != 0
        {
            return Err(io::Error::last_os_error());
        }
    }
    // SAFETY: a configured file system context; FSMOUNT_CLOEXEC and no attributes.
    descriptor(unsafe { libc::syscall(libc::SYS_fsmount, fs.as_raw_fd(), 1u32, 0u32) })
}

/// Interrupts the thread that runs `body` every 2 ms or so; answers what it did, and how often it was interrupted.
pub(in crate::os) fn under_signals<T>(body: impl FnOnce() -> T) -> (T, u32) {
    static HITS: AtomicU32 = AtomicU32::new(0);
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _turn = ONE_AT_A_TIME.lock();
    extern "C" fn hit(_: libc::c_int) {
        HITS.fetch_add(1, Ordering::Relaxed);
    }
    // SAFETY: `sigaction` is integers and a handler address, for which zeroes mean no flags (so no SA_RESTART).
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    action.sa_sigaction = hit as extern "C" fn(libc::c_int) as usize;
    // SAFETY: the handler only adds to an atomic; the signal is used by nobody else in these tests.
    let set = unsafe { libc::sigaction(libc::SIGUSR2, &action, std::ptr::null_mut()) };
    assert_eq!(set, 0);
    // SAFETY: no arguments; names the calling thread.
    let target = unsafe { libc::pthread_self() };
    let before = HITS.load(Ordering::Relaxed);
    let stop = AtomicBool::new(false);
    let done = std::thread::scope(|scope| {
        scope.spawn(|| {
            let give_up = Instant::now() + PATIENCE;
            while !stop.load(Ordering::Relaxed) && Instant::now() < give_up {
                // SAFETY: the target runs `body` until `stop`, and lives until this scope ends.
                unsafe { libc::pthread_kill(target, libc::SIGUSR2) };
                let (timer, pause) = (Instant::now(), Duration::from_millis(2));
                while timer.elapsed() < pause {
                    std::thread::yield_now();
                }
            }
        });
        let done = body();
        stop.store(true, Ordering::Relaxed);
        done
    });
    (done, HITS.load(Ordering::Relaxed) - before)
}

/// Runs one test of this program again in new namespaces (`unshare` with `options`, as their root; without options in
/// ours), with an environment variable by which it knows; prints why and answers none where that is not permitted.
pub(in crate::os) fn run_test(options: &[&str], test: &str, env: (&str, &str)) -> Option<Output> {
    let root = rustix::process::geteuid().is_root();
    let (program, user) = match options {
        [] => ("env", &[][..]),
        _ if root => ("unshare", &[][..]),
        _ => ("unshare", &["-r"][..]),
    };
    // The harness leaves the crate's name out.
    let (_, test) = test.split_once("::").unwrap();
    let output = Command::new(program)
        .args(user)
        .args(options)
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .env(env.0, env.1)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    if String::from_utf8_lossy(&output.stdout).contains("running 1 test") {
        return Some(output);
    }
    eprintln!(
        "skipped: {program} {options:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    None
}
