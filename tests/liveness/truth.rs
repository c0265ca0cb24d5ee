//! What decides who is right: a parent that looks whether a forked child changed anything, and a ledger of answers beside
//! what is known to be true.

use std::fs::File;
use std::ops::Range;
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileExt;
use std::os::unix::process::ExitStatusExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use ringpad::Life;

use crate::common::PATIENCE;

/// Where the memory whose name ends so is mapped here: address and bytes.
pub fn mapped(name: &str) -> (usize, usize) {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let line = maps.lines().find(|line| line.contains(name));
    let (range, _) = line.expect("mapped").split_once(' ').unwrap();
    let (from, to) = range.split_once('-').unwrap();
    let at = |text| usize::from_str_radix(text, 16).unwrap();
    (at(from), at(to) - at(from))
}

/// Memory of this process's own at that address, where nothing is mapped, with that in it.
pub fn map_at(at: usize, image: &[u8]) -> &'static [u8] {
    let (access, flags) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE);
    let flags = flags | libc::MAP_ANONYMOUS | libc::MAP_FIXED_NOREPLACE;
    // SAFETY: fails if anything is mapped there.
    let own = unsafe { libc::mmap(at as *mut _, image.len(), access, flags, -1, 0) };
    assert_eq!(own as usize, at, "the address is free in a child");
    // SAFETY: just mapped for writing, as many bytes.
    unsafe { own.cast::<u8>().copy_from(image.as_ptr(), image.len()) };
    // SAFETY: mapped until the process ends; the ends that are dropped meanwhile are those under test, which must not write.
    unsafe { std::slice::from_raw_parts(own.cast(), image.len()) }
}

/// Releases every lock of that descriptor's description, if it has any.
pub fn unlock_everything(number: i32) {
    // SAFETY: integers only, for which zeroes are a value: all bytes of the file.
    let mut all: libc::flock = unsafe { std::mem::zeroed() };
    all.l_type = libc::F_UNLCK as libc::c_short;
    // SAFETY: a whole flock; a closed number is an error.
    unsafe { libc::fcntl(number, libc::F_OFD_SETLK, &raw const all) };
    #[cfg(ringpad_flock)]
    // SAFETY: two numbers; a closed one is an error.
    unsafe {
        libc::flock(number, libc::LOCK_UN)
    };
}

/// Has forked children try things, and looks after each whether anything came of it.
pub struct Forks<'a> {
    memory: &'a File,
    /// Whether everything is still held, as others see it.
    held: &'a dyn Fn() -> bool,
    image: Vec<u8>,
    refused: u32,
    ended: u32,
    noticed: u32,
}

impl<'a> Forks<'a> {
    pub fn new(memory: &'a File, held: &'a dyn Fn() -> bool) -> Self {
        let none = libc::rlimit {
            rlim_cur: 0,
            rlim_max: 0,
        };
        // SAFETY: a whole rlimit; the crashes below shall leave no core files.
        unsafe { libc::setrlimit(libc::RLIMIT_CORE, &none) };
        let mut forks = Self {
            memory,
            held,
            image: Vec::new(),
            refused: 0,
            ended: 0,
            noticed: 0,
        };
        forks.again();
        forks
    }

    /// What the memory holds.
    fn look(&self) -> Vec<u8> {
        let len = self.memory.metadata().unwrap().len();
        let mut image = vec![0; len as usize];
        self.memory.read_exact_at(&mut image, 0).unwrap();
        image
    }

    /// The parent changed something itself.
    pub fn again(&mut self) {
        self.image = self.look();
        assert!((self.held)(), "held");
    }

    pub fn image(&self) -> &[u8] {
        &self.image
    }

    fn unchanged(&self) -> bool {
        self.look() == self.image && (self.held)()
    }

    /// A child tries it, and must be told no or end of it: true means that it had its way.
    #[track_caller]
    pub fn refuses(&mut self, what: &str, attempt: impl FnOnce() -> bool) {
        let status = in_fork(attempt);
        match (status.code(), status.signal()) {
            (Some(0), _) => self.refused += 1,
            // It has no memory there.
            (_, Some(libc::SIGSEGV)) => self.ended += 1,
            _ => panic!("a forked child had its way with {what}, or panicked: {status}"),
        }
        assert!(
            self.unchanged(),
            "a forked child changed something by {what}"
        );
    }

    /// A child tries what answers nothing: what counts is that nothing came of it.
    #[track_caller]
    pub fn leaves<T>(&mut self, what: &str, attempt: impl FnOnce() -> T) {
        self.refuses(what, || {
            attempt();
            false
        });
    }

    /// A child does it, and changes these bytes at most.
    #[track_caller]
    pub fn may(&mut self, what: &str, bytes: Range<usize>, attempt: impl FnOnce() -> bool) {
        let status = in_fork(attempt);
        assert_eq!(status.code(), Some(1), "{what}: {status}");
        let now = self.look();
        self.image[bytes.clone()].copy_from_slice(&now[bytes]);
        assert!(self.unchanged(), "{what} changed more");
    }

    /// The control: this does change something.
    #[track_caller]
    pub fn notices(&mut self, what: &str, attempt: impl FnOnce()) {
        let status = in_fork(|| {
            attempt();
            false
        });
        assert!(
            status.success() && !self.unchanged(),
            "unnoticed: {what}, {status}"
        );
        self.noticed += 1;
    }

    /// Undoes what a control wrote.
    pub fn restore(&mut self, path: &Path) {
        let file = File::options().write(true).open(path).unwrap();
        file.write_all_at(&self.image, 0).unwrap();
        assert!(self.unchanged());
    }

    pub fn told(&self) -> String {
        format!(
            "{} forked children were told no, {} ended for want of memory, none changed anything; {} controls did",
            self.refused, self.ended, self.noticed
        )
    }
}

/// Runs it in a plain-fork child: true is exit code 1, a panic 2.
fn in_fork(attempt: impl FnOnce() -> bool) -> ExitStatus {
    // SAFETY: the child runs the closure and ends there; the threads it lacks hold nothing it needs.
    let pid = unsafe { libc::fork() };
    if pid == 0 {
        // SAFETY: an integer; a call that never ends is a failure too.
        unsafe { libc::alarm(20) };
        let code = catch_unwind(AssertUnwindSafe(attempt)).map_or(2, i32::from);
        // SAFETY: ends the child.
        unsafe { libc::_exit(code) };
    }
    let mut status = 0;
    // SAFETY: a child of this process and a place for its status.
    let found = unsafe { libc::waitpid(pid, &raw mut status, 0) };
    assert_eq!(found, pid);
    ExitStatus::from_raw(status)
}

/// Answers of one oracle beside the truth.
#[derive(Debug, Default)]
pub struct Ledger {
    pub asked: u64,
    pub false_deaths: u64,
    /// Deaths that were seen, and the longest it took.
    pub seen: u64,
    pub slowest: Duration,
    /// Deaths that were not seen within a second.
    pub late: u64,
}

impl Ledger {
    /// What it said of one who lives.
    pub fn living(&mut self, said: Life) {
        self.asked += 1;
        self.false_deaths += u64::from(said == Life::Dead);
    }

    /// Asks about one who was killed just now until it is seen, and for a second at most from when it has `ended`: a busy system
    /// may take its time.
    pub fn dying(&mut self, ended: impl Fn() -> bool, mut ask: impl FnMut() -> Life) {
        let (since, mut gone) = (Instant::now(), None);
        loop {
            if gone.is_none() && ended() {
                gone = Some(Instant::now());
            }
            self.asked += 1;
            let said = ask();
            let late = gone.is_some_and(|gone| gone.elapsed() > Duration::from_secs(1));
            if said == Life::Dead {
                self.seen += 1;
                self.slowest = self.slowest.max(since.elapsed());
            }
            if said == Life::Dead || late {
                self.late += u64::from(late);
                return;
            }
            assert!(since.elapsed() < PATIENCE, "it never ended");
            std::thread::sleep(Duration::from_micros(100));
        }
    }

    pub fn is_right(&self) -> bool {
        self.false_deaths == 0 && self.late == 0
    }
}

/// Locks a byte through this descriptor, or asks about it; answers what kind of lock the system then says.
pub fn lock_byte(file: &File, command: i32, kind: i32, byte: i64) -> i32 {
    // SAFETY: integers only, for which zeroes are a value.
    let mut lock: libc::flock = unsafe { std::mem::zeroed() };
    lock.l_type = kind as libc::c_short;
    (lock.l_start, lock.l_len) = (byte as libc::off_t, 1);
    // SAFETY: a whole flock, which both commands take.
    let done = unsafe { libc::fcntl(file.as_raw_fd(), command, &raw mut lock) };
    assert_eq!(done, 0, "{}", std::io::Error::last_os_error());
    lock.l_type.into()
}

/// An oracle that asks a byte's lock through this descriptor.
pub fn by_lock(file: &File, byte: i64) -> Life {
    match lock_byte(file, libc::F_OFD_GETLK, libc::F_RDLCK, byte) {
        libc::F_UNLCK => Life::Dead,
        _ => Life::Alive,
    }
}

/// An oracle that trusts a bare number.
pub fn by_number(pid: i32) -> Life {
    // SAFETY: integers only.
    match unsafe { libc::kill(pid, 0) } {
        0 => Life::Alive,
        _ => Life::Dead,
    }
}
