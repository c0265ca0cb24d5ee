//! Children, scratch directories and deadlines for this room's tests.
//!
//! There is no fork here: a child is this very test program again, with one test and a role in its environment.

use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use super::memory::Mapping;
use crate::os::Options;

/// How long a condition may take to come true.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// The variable by which a test knows that it is a child, and what it is to do.
const ROLE: &str = "RINGPAD_TEST_ROLE";
/// What a child says when it has done its part.
const READY: &str = "the child is ready";

/// Waits for `condition`.
#[track_caller]
pub(super) fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "never came true: {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Text that no other test uses.
pub(super) fn unique(what: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("{what}-{}-{number}", std::process::id())
}

/// A directory, removed with its contents on drop.
pub(super) struct Scratch(pub(super) PathBuf);

impl Scratch {
    pub(super) fn new() -> Self {
        Self(std::env::temp_dir().join(unique("ringpad-os")))
    }

    pub(super) fn options(&self) -> Options {
        Options::new().directory(&self.0)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Writes over the first bytes of a mapping that no other thread uses.
pub(super) fn write(page: &Mapping, bytes: &[u8]) {
    assert!(page.is_writable() && bytes.len() <= page.len());
    let from = std::ptr::NonNull::from(bytes).cast::<u8>();
    // SAFETY: both are that long, by the line above, and do not overlap: a test's own section.
    unsafe { page.base().copy_from_nonoverlapping(from, bytes.len()) };
}

/// The bytes of a mapping that nobody writes to now.
pub(super) fn read(page: &Mapping) -> Vec<u8> {
    let mut bytes = vec![0; page.len()];
    let to = std::ptr::NonNull::from(&mut bytes[..]).cast::<u8>();
    // SAFETY: both are that long, and do not overlap.
    unsafe { page.base().copy_to_nonoverlapping(to, page.len()) };
    bytes
}

/// What this process is to do as a child of `test`, if it is one.
pub(super) fn role() -> Option<String> {
    std::env::var(ROLE).ok()
}

/// A child says that it is ready, and stays until its parent kills it or is gone.
pub(super) fn stay() -> ! {
    println!("\n{READY}");
    let _ = std::io::stdin().read(&mut [0]);
    std::process::exit(3)
}

/// The command that runs `test` (its path with the crate in front) in a process of its own, with a role.
pub(super) fn again(test: &str, role: &str) -> Command {
    let (_, test) = test.split_once("::").unwrap();
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .env(ROLE, role)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    command
}

/// A child that has said that it is ready; killed on drop.
pub(super) struct Ready {
    child: Child,
    _out: BufReader<ChildStdout>,
}

impl Ready {
    #[track_caller]
    pub(super) fn new(mut child: Child) -> Self {
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut said = String::new();
        while !said.contains(READY) {
            let bytes = out.read_line(&mut said).unwrap();
            assert!(bytes > 0, "the child ended, having said {said:?}");
        }
        Self { child, _out: out }
    }

    #[track_caller]
    pub(super) fn start(test: &str, role: &str) -> Self {
        Self::new(again(test, role).spawn().unwrap())
    }

    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(super) fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    /// TerminateProcess: no destructor runs.
    pub(super) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Ready {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
