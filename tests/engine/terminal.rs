//! What a terminal is shown.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::sync::mpsc::channel;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use crate::common::child::Child;
use crate::common::room::Room;
use crate::common::{system, until};
use crate::look::command;

#[test]
fn progress_is_shown_on_a_terminal() {
    let room = Room::new("terminal");
    let keys = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&keys).unwrap();
    unlockpt(&keys).unwrap();
    let name = ptsname(&keys, Vec::new()).unwrap();
    let mut options = File::options();
    let line = options.read(true).write(true).custom_flags(libc::O_NOCTTY);
    let line = line.open(name.to_str().unwrap()).unwrap();
    let mut command = command(&room, &["--kill-every", "0.3", "--seconds", "0"]);
    command.stderr(line).env("TERM", "xterm");
    let mut engine = Child::of(command.spawn().unwrap());
    drop(command); // and with it this process's end of the line
    let (send, pieces) = channel();
    let mut screen = File::from(keys);
    std::thread::spawn(move || {
        let mut bytes = [0; 4096];
        while let Ok(len @ 1..) = screen.read(&mut bytes) {
            let _ = send.send(String::from_utf8_lossy(&bytes[..len]).into_owned());
        }
    });
    let mut shown = String::new();
    until("a second of it", || {
        shown.extend(pieces.try_iter());
        let died = shown.rsplit_once(" decoders died; kill -9 ");
        died.is_some_and(|(before, _)| !before.ends_with(" 0"))
    });
    system::ask_to_end(engine.pid());
    assert!(engine.wait().success());
    until("the line is taken away", || {
        shown.extend(pieces.try_iter());
        shown.ends_with("\x1b[2K")
    });
    assert_eq!(room.files(), [""; 0]);
}
