//! Child processes that play a role of this test binary, and never outlive their guard.

use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::room::{ROOM, Room};
use super::{system, until, until_within};

// Each test file uses its own part of these too.
#[allow(unused_imports)]
pub use super::system::{
    has_faulted, is_polling, kill_myself, this_thread, thread_is_polling, was_killed,
};

const ROLE: &str = "RINGPAD_TEST_ROLE";
const WORDS: &str = "RINGPAD_TEST_WORDS";

/// What the test named `child` does: plays the role in the environment, if there is one.
pub fn play(roles: &[(&str, fn())]) {
    let Ok(wanted) = std::env::var(ROLE) else {
        return;
    };
    let role = roles.iter().find(|(name, _)| *name == wanted);
    let (_, role) = role.expect("a role of this file");
    role();
}

/// The word that the parent gave with the role.
pub fn word(index: usize) -> String {
    let words = std::env::var(WORDS).unwrap_or_default();
    words.split(' ').nth(index).unwrap_or_default().to_owned()
}

/// The number that the parent gave with the role.
pub fn numeral(index: usize) -> u64 {
    word(index).parse().expect("a number")
}

/// This program built for another machine, if `RINGPAD_OTHER` names a directory of such.
pub fn other() -> Option<PathBuf> {
    let directory = std::env::var_os("RINGPAD_OTHER")?;
    Some(Path::new(&directory).join(env!("CARGO_CRATE_NAME")))
}

/// This program, or about every second time the other machine's.
fn program() -> PathBuf {
    static STARTED: AtomicU64 = AtomicU64::new(0);
    let own = std::env::current_exe().expect("this binary");
    // The golden ratio's upper bit: neither pairs nor threes of children are always mixed alike.
    let turn = || STARTED.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed) >> 63;
    other().filter(|_| turn() == 1).unwrap_or(own)
}

/// A command that plays `role`.
pub fn command(room: &Room, role: &str, words: &[&dyn Display]) -> Command {
    command_of(&program(), room, role, words)
}

fn command_of(program: &Path, room: &Room, role: &str, words: &[&dyn Display]) -> Command {
    let mut command = Command::new(program);
    command.args(["--exact", "child", "--nocapture", "--test-threads=1"]);
    dress(&mut command, room, role, words);
    command
}

/// Gives any command that runs this binary its role, and ties it to this thread's life.
pub fn dress(command: &mut Command, room: &Room, role: &str, words: &[&dyn Display]) {
    let words: Vec<String> = words.iter().map(|word| word.to_string()).collect();
    command.env(ROLE, role).env(WORDS, words.join(" "));
    command.env(ROOM, room.path());
    command.stdin(Stdio::null()).stdout(Stdio::null());
    system::die_with_parent(command);
}

pub fn spawn(room: &Room, role: &str, words: &[&dyn Display]) -> Child {
    let child = command(room, role, words).spawn();
    Child::of(child.expect("spawning a child"))
}

/// The same of a certain one of two programs.
pub fn start(program: &Path, room: &Room, role: &str, words: &[&dyn Display]) -> Child {
    let child = command_of(program, room, role, words).spawn();
    Child::of(child.expect("spawning a child"))
}

/// A child; killed and reaped on drop.
pub struct Child {
    inner: std::process::Child,
    status: Option<ExitStatus>,
}

impl Child {
    pub fn of(inner: std::process::Child) -> Self {
        let status = None;
        Self { inner, status }
    }

    pub fn pid(&self) -> u32 {
        self.inner.id()
    }

    /// Does it unless it was reaped: its number may be another's then.
    fn unless_reaped(&self, what: fn(&std::process::Child)) {
        if self.status.is_none() {
            what(&self.inner);
        }
    }

    /// SIGKILL, or TerminateProcess. It is a zombie then, until reaped.
    pub fn kill(&self) {
        self.unless_reaped(system::kill);
    }

    /// Stops it, and waits until it has (or has ended before).
    pub fn stop(&self) {
        self.unless_reaped(system::stop);
        until("a child has stopped", || self.has_stopped());
    }

    /// Whether it has stopped, or exited.
    pub fn has_stopped(&self) -> bool {
        self.status.is_some() || system::has_stopped(&self.inner)
    }

    pub fn resume(&self) {
        self.unless_reaped(system::resume);
    }

    /// Waits until a thread of it sleeps in poll.
    pub fn asleep(&self) {
        let pid = self.pid();
        until("a child sleeps in poll", || is_polling(pid));
    }

    /// Waits until it has exited, and leaves it a zombie.
    pub fn zombie(&self) {
        self.changed("exited", system::has_exited);
    }

    fn changed(&self, what: &str, seen: fn(&std::process::Child) -> bool) {
        until(what, || self.status.is_some() || seen(&self.inner));
    }

    /// Reaps it if it has exited.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        if self.status.is_none() {
            self.status = self.inner.try_wait().expect("waiting for a child");
        }
        self.status
    }

    /// Waits for its end and reaps it.
    #[track_caller]
    pub fn wait(&mut self) -> ExitStatus {
        self.wait_within(super::PATIENCE)
    }

    #[track_caller]
    pub fn wait_within(&mut self, most: Duration) -> ExitStatus {
        until_within(most, "a child ends", || self.ended().is_some());
        self.status.expect("just seen")
    }

    /// Waits for its end, which must be a good one.
    #[track_caller]
    pub fn done(mut self) {
        let status = self.wait();
        assert!(status.success(), "a child ended with {status}");
    }

    /// Kills and reaps it; it must have died of that.
    #[track_caller]
    pub fn kill_and_reap(mut self) {
        self.kill();
        let status = self.wait();
        assert!(was_killed(status), "{status}");
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        if self.status.is_none() {
            let _ = self.inner.kill();
            let _ = self.inner.wait();
        }
    }
}
