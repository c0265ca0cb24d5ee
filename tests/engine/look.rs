//! An engine between pipes, and a look at what it shares with its decoder, from outside.

use std::io::Read;
use std::path::PathBuf;
use std::process::{ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc::channel;
use std::time::Duration;

use ringpad::Life;
use ringpad::frames::Ticket;
use ringpad::os::{NotepadReader, SharedSegment};
use serde_json::Value;

use crate::builds;
use crate::common::child::Child;
use crate::common::room::Room;
use crate::common::{system, until};

pub const NAME: &str = "engine";

pub fn command(room: &Room, arguments: &[&str]) -> Command {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    let mut command = Command::new(BUILT.get_or_init(|| builds::build("06_engine")));
    command.args(["--name", NAME, "--size", "320x180"]);
    command.args(arguments).env("RINGPAD_DIR", room.segments());
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    command.stderr(Stdio::piped());
    command
}

/// An engine between pipes.
pub struct Engine {
    pub child: Child,
    pub keys: ChildStdin,
    said: ChildStdout,
    complained: Complaints,
}

/// What an engine complains of. A test that fails shows it: that an engine has ended may be why.
struct Complaints(Option<ChildStderr>);

impl Drop for Complaints {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            return;
        }
        // The engine's guard went before. Who else has the pipe, a decoder that hangs, does not hold this up.
        let Some(mut from) = self.0.take() else {
            return;
        };
        let (send, said) = channel();
        std::thread::spawn(move || {
            let mut some = [0; 4096];
            while let Ok(len @ 1..) = from.read(&mut some) {
                _ = send.send(String::from_utf8_lossy(&some[..len]).into_owned());
            }
        });
        while let Ok(some) = said.recv_timeout(Duration::from_secs(1)) {
            println!("the engine said: {some}");
        }
    }
}

impl Engine {
    pub fn start(room: &Room, arguments: &[&str]) -> Self {
        let mut command = command(room, &["--json"]);
        if !arguments.contains(&"--seconds") {
            command.args(["--seconds", "0"]);
        }
        command.args(arguments);
        command.stdin(Stdio::piped());
        let mut child = command.spawn().unwrap();
        Self {
            keys: child.stdin.take().unwrap(),
            said: child.stdout.take().unwrap(),
            complained: Complaints(child.stderr.take()),
            child: Child::of(child),
        }
    }

    /// Asks it to end: its report, and whether it was content with it.
    pub fn end(self) -> (Value, ExitStatus) {
        system::ask_to_end(self.child.pid());
        self.ends()
    }

    /// It ends by itself.
    pub fn ends(mut self) -> (Value, ExitStatus) {
        let (mut said, mut complained) = (String::new(), String::new());
        self.said.read_to_string(&mut said).unwrap();
        let mut from = self.complained.0.take().unwrap();
        from.read_to_string(&mut complained).unwrap();
        let status = self.child.wait();
        println!("{said}");
        assert_eq!(complained, "", "quiet in a pipe");
        (serde_json::from_str(&said).unwrap(), status)
    }
}

/// A report's number.
#[track_caller]
pub fn of(report: &Value, name: &str) -> u64 {
    report[name]
        .as_u64()
        .unwrap_or_else(|| panic!("{name}: {report}"))
}

/// Looks at what the two share, from outside.
pub struct Look {
    pub segment: SharedSegment,
    newest: NotepadReader<[u32; 5], SharedSegment>,
}

impl Look {
    pub fn at(room: &Room) -> Self {
        let mut found = None;
        until("an engine", || {
            found = SharedSegment::open(NAME, &room.options()).ok();
            found.is_some()
        });
        let segment = found.unwrap();
        let newest = segment.notepad_reader("newest").unwrap();
        Self { segment, newest }
    }

    /// The ticket of the newest picture, and its decoder's number; zeros if there is none.
    pub fn newest(&self) -> (Ticket, u32) {
        let mut note = None;
        until("a ticket", || {
            note = self.newest.try_read().ok();
            note.is_some()
        });
        let words = note.unwrap().map_or([0; 5], |note| note.value);
        let [index, generation, len, _, decoder] = words;
        let ticket = Ticket {
            index,
            generation,
            len,
        };
        (ticket, decoder)
    }

    /// The process that may publish pictures, if it lives.
    pub fn decoder(&self) -> Option<u32> {
        let row = self.newest.writer()?;
        let lives = self.segment.life(row) == Life::Alive;
        Some(self.segment.occupant(row).filter(|_| lives)?.pid)
    }

    /// Waits for a picture of a later decoder; which one, and its process.
    #[track_caller]
    pub fn next(&self, after: u32) -> (u32, u32) {
        let mut found = None;
        until("a picture of the next decoder", || {
            let (_, decoder) = self.newest();
            let pid = self.decoder().filter(|_| decoder > after);
            found = pid.map(|pid| (decoder, pid));
            found.is_some()
        });
        found.unwrap()
    }

    /// Waits for the next picture that is not this one.
    #[track_caller]
    pub fn moves_on(&self, from: Ticket) {
        until("another picture", || self.newest().0 != from);
    }
}

pub fn kill(pid: u32) {
    assert!(system::kill_number(pid));
}

/// Never slept in a take, drew nothing torn, refused nothing, and every frame is free.
#[track_caller]
pub fn is_good(report: &Value) {
    for (name, want) in [("blocked", 0), ("torn", 0), ("refused", 0)] {
        assert_eq!(of(report, name), want, "{name}: {report}");
    }
    assert!(
        of(report, "shown") > 0 && of(report, "frames") > 0,
        "{report}"
    );
    assert_eq!(of(report, "free"), of(report, "frames"), "{report}");
}
