//! The producer and the window, as processes.

use std::io::{Read, Write};
use std::ops::Deref;
use std::process::{Child, Command, ExitStatus, Stdio};

use super::until;

/// A process that does not outlive its test.
pub struct Program(pub Child);

impl Program {
    pub fn start(program: &str, words: &[&str], display: Option<&str>) -> Self {
        let mut command = Command::new(program);
        command
            .args(words)
            .env_remove("DISPLAY")
            .env_remove("WAYLAND_DISPLAY");
        if let Some(display) = display {
            command.env("DISPLAY", display);
        }
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        Self(command.spawn().unwrap())
    }

    /// The window, on this display.
    pub fn window(words: &[&str], display: Option<&str>) -> Self {
        Self::start(env!("CARGO_BIN_EXE_window"), words, display)
    }

    /// `frame_share produce`, the example itself.
    pub fn producer(words: &[&str]) -> Self {
        let words: Vec<&str> = [&["produce"], words].concat();
        Self::start(env!("CARGO_BIN_EXE_frame_share"), &words, None)
    }

    /// `frame_share view`.
    pub fn viewer(words: &[&str]) -> Self {
        let words: Vec<&str> = [&["view"], words].concat();
        Self::start(env!("CARGO_BIN_EXE_frame_share"), &words, None)
    }

    /// Whether it has the segment of this name in its memory.
    pub fn has_mapped(&self, name: &str) -> bool {
        let maps = std::fs::read_to_string(format!("/proc/{}/maps", self.0.id()));
        maps.unwrap().contains(name)
    }

    /// Gives a program its input from a thread, until it takes no more.
    pub fn feed(
        &mut self,
        head: Vec<u8>,
        mut more: impl FnMut() -> Option<Vec<u8>> + Send + 'static,
    ) {
        let mut input = self.0.stdin.take().unwrap();
        std::thread::spawn(move || {
            let mut next = Some(head);
            while let Some(bytes) = next {
                if input.write_all(&bytes).is_err() {
                    break;
                }
                next = more();
            }
        });
    }

    pub fn is_running(&mut self) -> bool {
        self.0.try_wait().unwrap().is_none()
    }

    /// Its end, and all that it said: on standard output and on standard error.
    pub fn ended(&mut self) -> (ExitStatus, String, String) {
        let child = &mut self.0;
        let status = until("the program ends", || child.try_wait().unwrap());
        let (mut out, mut err) = (String::new(), String::new());
        child
            .stdout
            .take()
            .unwrap()
            .read_to_string(&mut out)
            .unwrap();
        child
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut err)
            .unwrap();
        (status, out, err)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A name for one test's segment, of which nothing is left at the end.
pub struct Name(String);

pub fn segment(test: &str) -> Name {
    Name(format!("window-{test}-{}", std::process::id()))
}

impl Deref for Name {
    type Target = str;
    fn deref(&self) -> &str {
        &self.0
    }
}

/// Whoever had it has ended.
impl Drop for Name {
    fn drop(&mut self) {
        let _ = ringpad::os::collect(&ringpad::os::Options::new());
    }
}
