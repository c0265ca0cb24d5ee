//! The board on a terminal.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, channel};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use crate::common::child::Child;
use crate::common::room::Room;
use crate::common::system::kill_number as kill;
use crate::common::until;
use crate::{Lives, NAME, Said, command};

/// The other end of a terminal, and all that was written there.
struct Terminal {
    keys: File,
    pieces: Receiver<String>,
    shown: String,
    line: OwnedFd,
}

impl Terminal {
    fn open() -> Self {
        let keys = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&keys).unwrap();
        unlockpt(&keys).unwrap();
        let name = ptsname(&keys, Vec::new()).unwrap();
        let line = File::options()
            .read(true)
            .write(true)
            .custom_flags(libc::O_NOCTTY)
            .open(name.to_str().unwrap())
            .unwrap();
        let keys = File::from(keys);
        let mut screen = keys.try_clone().unwrap();
        let (send, pieces) = channel();
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(len @ 1..) = screen.read(&mut bytes) {
                let text = String::from_utf8_lossy(&bytes[..len]).into_owned();
                if send.send(text).is_err() {
                    return;
                }
            }
        });
        let (line, shown) = (line.into(), String::new());
        Self {
            keys,
            pieces,
            shown,
            line,
        }
    }

    /// Runs a command here, as a shell does.
    fn run(&self, mut command: Command) -> Child {
        let end = || Stdio::from(self.line.try_clone().unwrap());
        command.stdin(end()).stdout(end()).stderr(end());
        let leader = || {
            rustix::process::setsid()?;
            rustix::process::ioctl_tiocsctty(std::io::stdin().as_fd())?;
            Ok(())
        };
        // SAFETY: the closure makes two system calls between fork and exec.
        unsafe { command.pre_exec(leader) };
        Child::of(command.spawn().unwrap())
    }

    fn shows(&mut self, what: &str) {
        until(what, || {
            self.shown.extend(self.pieces.try_iter());
            self.shown.contains(what)
        });
    }

    /// The last text of a line that begins with this name and is there in full.
    fn last(&self, name: &str) -> Option<&str> {
        let (_, rest) = self.shown.rsplit_once(name)?;
        rest.split_once("\x1b[K").map(|(line, _)| line)
    }
}

#[test]
fn on_a_terminal() {
    const LAST: &str = "\x1b[?7hqueue: ";
    let room = Room::new("terminal");
    let mut terminal = Terminal::open();
    let board = || command(&room, &["--name", NAME]);
    let first = terminal.run(board());
    terminal.shows(&format!("\x1b[32m{}\x1b[0m", first.pid()));
    let (lives, held) = Lives::all(&room);
    terminal.shows(&format!("\x1b[32m{}\x1b[0m", lives.boss.unwrap()));
    assert!(kill(lives.worker(first.pid())));
    terminal.shows(" 1 killed: ");
    drop(held);
    first.kill_and_reap();
    // The same terminal, the same sum.
    let mut second = terminal.run(board());
    terminal.shows(&format!("\x1b[32m{}\x1b[0m", second.pid()));
    terminal.shows(" 2 killed: ");
    Lives::all(&room);
    let jobs = terminal.last("     jobs\x1b[0m  ").unwrap().to_owned();
    assert!(jobs.ends_with(" 0 lost"), "{jobs}");
    terminal.keys.write_all(b"\x03").unwrap();
    let status = second.wait();
    terminal.shows(LAST);
    terminal.shows(" messages given back\r\n");
    let (screen, last) = terminal.shown.rsplit_once(LAST).unwrap();
    let last = Said::of(last.trim_end());
    assert!(status.success() && last.adds_up(), "{status}, {last:?}");
    assert_eq!(last.killed, 2);
    // Lines are wrapped again behind each drawing, so also behind the one after which the board was killed.
    let [cut, wrap] = ["\x1b[?7l", "\x1b[?7h"].map(|code| screen.matches(code).count());
    assert!(cut > 1 && cut == wrap + 1, "{cut} {wrap}");
    assert_eq!(room.files(), [""; 0]);
}
