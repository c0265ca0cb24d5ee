//! Starts the program, whole or in halves, in a place of its own, and hears what it says.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Output, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use ringpad::os::{Options, SharedSegment};

use super::common::{until, until_within};
use super::example;

pub const PATIENCE: Duration = Duration::from_secs(60);

/// The example, brought up to date once.
fn program() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| example::build("frame_share"))
}

/// A directory for segments and files of one test, removed at its end.
pub struct Place(PathBuf);

impl Place {
    pub fn new(test: &str) -> Self {
        let path =
            Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{test}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(program());
        command.args(args).env("RINGPAD_DIR", self.shm());
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    pub fn start(&self, args: &[&str]) -> Half {
        Half::of(self.command(args))
    }

    /// Where segments lie.
    pub fn shm(&self) -> PathBuf {
        self.0.join("shm")
    }

    /// The segment of this name, held open from now on.
    pub fn segment(&self, name: &str) -> SharedSegment {
        let options = Options::new().directory(self.shm());
        let mut segment = None;
        until("the segment is there", || {
            segment = SharedSegment::open(name, &options).ok();
            segment.is_some()
        });
        segment.unwrap()
    }

    pub fn file(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }

    pub fn left_overs(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.shm()).unwrap();
        entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A running half, killed if the test fails.
pub struct Half(Option<Child>);

impl Half {
    pub fn of(mut command: Command) -> Self {
        Self(Some(command.spawn().unwrap()))
    }

    pub fn child(&mut self) -> &mut Child {
        self.0.as_mut().unwrap()
    }

    pub fn kill(mut self) {
        self.child().kill().unwrap();
        self.child().wait().unwrap();
    }

    pub fn stderr(&mut self) -> BufReader<ChildStderr> {
        BufReader::new(self.child().stderr.take().unwrap())
    }

    #[track_caller]
    pub fn finish(mut self) -> Output {
        // What it prints fits in its pipes.
        until_within(PATIENCE, "a process ends", || {
            self.child().try_wait().unwrap().is_some()
        });
        self.0.take().unwrap().wait_with_output().unwrap()
    }

    #[track_caller]
    pub fn json(self) -> serde_json::Value {
        let output = self.finish();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}: {errors}", output.status);
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

impl Drop for Half {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Once everybody has gone and the dead are reaped, nobody has a frame of the pool.
#[track_caller]
pub fn all_free(segment: SharedSegment) {
    let me = segment.join().unwrap();
    me.reap().unwrap();
    let pool = me.frame_user("pool").unwrap();
    assert_eq!(pool.free(), pool.frames(), "frames that nobody holds");
    let loan = pool.loan().unwrap();
    assert_eq!(pool.free() + 1, pool.frames(), "one that is held shows");
    drop(loan);
}

pub fn read_line(from: &mut impl BufRead) -> String {
    let mut line = String::new();
    from.read_line(&mut line).unwrap();
    line
}

/// The lines of a half's standard error from now on, until one says `what`.
pub fn wait_for(from: &mut impl BufRead, what: &str) {
    let begin = Instant::now();
    loop {
        let line = read_line(from);
        assert!(!line.is_empty(), "ended without {what:?}");
        if line.contains(what) {
            return;
        }
        assert!(begin.elapsed() < PATIENCE, "no {what:?}");
    }
}
