//! The engine example under fire: its decoder is killed at any time, and the engine neither waits, nor draws what is torn, nor loses a frame.
#![cfg(all(feature = "std", target_os = "linux"))]

#[path = "common/example.rs"]
mod builds;
mod common;

use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::{ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use common::child::Child;
use common::room::Room;
use common::{Dice, PATIENCE, number, until, until_within};
use ringpad::Life;
use ringpad::frames::{Picture, Ticket};
use ringpad::os::{FrameUser, NotepadReader, SharedSegment};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

const NAME: &str = "engine";

fn command(room: &Room, arguments: &[&str]) -> Command {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    let mut command = Command::new(BUILT.get_or_init(|| builds::build("06_engine")));
    command.args(["--name", NAME, "--size", "320x180"]);
    command.args(arguments).env("RINGPAD_DIR", room.segments());
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    command.stderr(Stdio::piped());
    command
}

/// An engine between pipes.
struct Engine {
    child: Child,
    keys: ChildStdin,
    said: ChildStdout,
    complained: ChildStderr,
}

impl Engine {
    fn start(room: &Room, arguments: &[&str]) -> Self {
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
            complained: child.stderr.take().unwrap(),
            child: Child::of(child),
        }
    }

    /// Asks it to end: its report, and whether it was content with it.
    fn end(self) -> (Value, ExitStatus) {
        let pid = Pid::from_raw(self.child.pid() as i32).unwrap();
        kill_process(pid, Signal::TERM).unwrap();
        self.ends()
    }

    /// It ends by itself.
    fn ends(mut self) -> (Value, ExitStatus) {
        let (mut said, mut complained) = (String::new(), String::new());
        self.said.read_to_string(&mut said).unwrap();
        self.complained.read_to_string(&mut complained).unwrap();
        let status = self.child.wait();
        println!("{said}");
        assert_eq!(complained, "", "quiet in a pipe");
        (serde_json::from_str(&said).unwrap(), status)
    }
}

/// A report's number.
#[track_caller]
fn of(report: &Value, name: &str) -> u64 {
    report[name]
        .as_u64()
        .unwrap_or_else(|| panic!("{name}: {report}"))
}

/// Looks at what the two share, from outside.
struct Look {
    segment: SharedSegment,
    newest: NotepadReader<[u32; 5], SharedSegment>,
}

impl Look {
    fn at(room: &Room) -> Self {
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
    fn newest(&self) -> (Ticket, u32) {
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
    fn decoder(&self) -> Option<u32> {
        let row = self.newest.writer()?;
        let lives = self.segment.life(row) == Life::Alive;
        Some(self.segment.occupant(row).filter(|_| lives)?.pid)
    }

    /// Waits for a picture of a later decoder; which one, and its process.
    #[track_caller]
    fn next(&self, after: u32) -> (u32, u32) {
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
    fn moves_on(&self, from: Ticket) {
        until("another picture", || self.newest().0 != from);
    }
}

fn kill(pid: u32) {
    kill_process(Pid::from_raw(pid as i32).unwrap(), Signal::KILL).unwrap();
}

/// Never slept in a take, drew nothing torn, refused nothing, and every frame is free.
#[track_caller]
fn is_good(report: &Value) {
    for (name, want) in [("blocked", 0), ("torn", 0), ("refused", 0)] {
        assert_eq!(of(report, name), want, "{name}: {report}");
    }
    assert!(
        of(report, "shown") > 0 && of(report, "frames") > 0,
        "{report}"
    );
    assert_eq!(of(report, "free"), of(report, "frames"), "{report}");
}

#[test]
fn the_decoder_may_be_killed_at_any_time() {
    let kills = number("RINGPAD_ENGINE_KILLS", 40);
    let (room, mut dice) = (Room::new("engine"), Dice::new());
    println!("RINGPAD_SEED={}", dice.seed());
    let engine = Engine::start(&room, &[]);
    let look = Look::at(&room);
    let begin = Instant::now();
    let (mut last, mut slowest) = (0, Duration::ZERO);
    for _ in 0..kills {
        let before = Instant::now();
        let victim = if dice.below(4) == 0 {
            // As soon as it has come, whatever it is about.
            let mut pid = None;
            until("a decoder", || {
                pid = look.decoder();
                pid.is_some()
            });
            std::thread::sleep(Duration::from_micros(dice.below(3_000)));
            pid.unwrap()
        } else {
            let (decoder, pid) = look.next(last);
            slowest = slowest.max(before.elapsed());
            last = decoder;
            // Through some of its pictures.
            std::thread::sleep(Duration::from_micros(dice.below(60_000)));
            pid
        };
        kill(victim);
        // Not at once: until then it would be chosen again.
        until("its death", || look.decoder() != Some(victim));
        let segments = room.files();
        let segments = segments.iter().filter(|name| name.ends_with(".seg"));
        assert_eq!(segments.count(), 1);
    }
    let took = begin.elapsed();
    let (_, decoder) = look.newest();
    look.next(decoder);
    let (report, status) = engine.end();
    println!("{kills} kills in {took:?}; the next picture at the latest after {slowest:?}");
    is_good(&report);
    assert!(status.success());
    let deaths = of(&report, "deaths");
    assert_eq!(deaths, kills, "each was one, and none besides: {report}");
    assert!(of(&report, "recoveries") > deaths / 4, "{report}");
    assert_eq!((of(&report, "kills"), of(&report, "stuck")), (0, 0));
    // Seen from outside too, while the memory is still there.
    let me = look.segment.join().unwrap();
    let pool = me.frame_user("frames").unwrap();
    assert_eq!(u64::from(pool.free()), of(&report, "frames"));
    drop((pool, me, look));
    assert_eq!(room.files(), [""; 0]);
}

/// The control: an engine that waits for its pictures sleeps, and says so.
#[test]
fn an_engine_that_waits_is_caught() {
    let room = Room::new("waits");
    let engine = Engine::start(&room, &["--careless", "wait", "--seconds", "2"]);
    let (report, status) = engine.ends();
    assert_eq!(status.code(), Some(1));
    let (blocked, shown) = (of(&report, "blocked"), of(&report, "shown"));
    assert!(blocked >= shown / 2 && blocked > 0, "{report}");
}

/// The control: pictures that are published half decoded are seen at every tick.
#[test]
fn a_torn_picture_is_caught() {
    let room = Room::new("early");
    let engine = Engine::start(&room, &["--careless", "early", "--seconds", "2"]);
    let (report, status) = engine.ends();
    assert_eq!(status.code(), Some(1));
    assert!(of(&report, "torn") >= of(&report, "shown"), "{report}");
    assert!(
        of(&report, "shown") > 0 && of(&report, "blocked") == 0,
        "{report}"
    );
}

/// What a decoder says that was taken over by its film is refused, and the engine goes on with the last good picture.
#[test]
fn a_decoder_that_lies_is_not_believed() {
    for trust in [None, Some("--distrust")] {
        let room = Room::new("lies");
        let lie = ["--careless", "lie", "--seconds", "2"]
            .into_iter()
            .chain(trust);
        let engine = Engine::start(&room, &lie.collect::<Vec<_>>());
        let (report, status) = engine.ends();
        assert_eq!(status.code(), Some(1));
        let (refused, shown) = (of(&report, "refused"), of(&report, "shown"));
        assert!(refused > 10 && shown > 10, "{report}");
        assert_eq!((of(&report, "torn"), of(&report, "blocked")), (0, 0));
    }
}

/// Memory that nobody lends: pictures are copied, the torn ones are never drawn, and the dead leave nothing there either.
#[test]
fn a_distrusted_decoder_may_be_killed_too() {
    let room = Room::new("distrust");
    let options = ["--distrust", "--kill-every", "0.1", "--seconds", "3"];
    let (report, status) = Engine::start(&room, &options).ends();
    is_good(&report);
    assert!(status.success());
    let kills = of(&report, "kills");
    assert!(kills >= 3 && of(&report, "deaths") == kills, "{report}");
    assert_eq!(room.files(), [""; 0], "it has no name");
    let early = ["--distrust", "--careless", "early", "--seconds", "1"];
    let (report, status) = Engine::start(&room, &early).ends();
    assert!(
        of(&report, "refused") > 0 && of(&report, "torn") == 0,
        "{report}"
    );
    assert_eq!(status.code(), Some(1));
}

#[test]
fn a_decoder_that_hangs_is_replaced_while_the_engine_draws() {
    let room = Room::new("hangs");
    let engine = Engine::start(&room, &["--patience", "2"]);
    let look = Look::at(&room);
    let (first, pid) = look.next(0);
    let pid = Pid::from_raw(pid as i32).unwrap();
    kill_process(pid, Signal::STOP).unwrap();
    look.next(first);
    let (report, status) = engine.end();
    is_good(&report);
    assert!(status.success());
    assert_eq!((of(&report, "stuck"), of(&report, "deaths")), (1, 1));
    // It stood still for two seconds, and was drawn all the while.
    assert!(of(&report, "longest_ns") > 1_900_000_000, "{report}");
    assert!(of(&report, "repeated") > 50, "{report}");
}

#[test]
fn an_engine_that_is_killed_takes_its_decoder_along_and_the_next_goes_on() {
    let room = Room::new("gone");
    let engine = Engine::start(&room, &[]);
    let look = Look::at(&room);
    let (_, decoder) = look.next(0);
    let refused = command(&room, &[]).output().unwrap();
    let why = String::from_utf8(refused.stderr).unwrap();
    let pid = engine.child.pid();
    let want = format!("06_engine: {NAME} has an engine, pid {pid}\n");
    assert_eq!((refused.status.code(), why), (Some(1), want));
    engine.child.kill_and_reap();
    until("its decoder is gone", || look.decoder() != Some(decoder));
    let (ticket, _) = look.newest();
    let next = Engine::start(&room, &[]);
    look.moves_on(ticket);
    // What the dead two held is free again, though nobody saw them die.
    let (report, status) = next.end();
    is_good(&report);
    assert!(status.success());
    drop(look);
    assert_eq!(room.files(), [""; 0]);
}

/// The picture that a ticket stands for.
fn picture(frames: &FrameUser, look: &Look) -> Option<Picture> {
    let view = frames.view(look.newest().0).ok()?;
    Some(view.picture())
}

#[test]
fn commands_reach_the_decoder_and_the_next_one_too() {
    let room = Room::new("commands");
    let mut engine = Engine::start(&room, &[]);
    let look = Look::at(&room);
    let (first, pid) = look.next(0);
    let me = look.segment.join().unwrap();
    let frames = me.frame_user("frames").unwrap();

    let is_at = |number: u64| {
        let found = picture(&frames, &look);
        found.is_some_and(|found| found.sequence == number)
    };
    writeln!(engine.keys, "pause\nseek 100000").unwrap();
    until("the picture that was sought", || is_at(100_000));
    let found = picture(&frames, &look).unwrap();
    assert_eq!((found.width, found.height), (320, 180));
    assert_eq!(found.timestamp_ns, 100_000 * 1_000_000_000 / 60);
    // The engine has seen it too, or the next decoder would be told to go on elsewhere; nothing else says so.
    let still = Instant::now();
    while still.elapsed() < Duration::from_millis(300) {
        assert!(is_at(100_000), "it is paused");
        std::thread::sleep(Duration::from_millis(5));
    }
    kill(pid);
    let (second, _) = look.next(first);
    assert!(
        second > first && is_at(100_001),
        "the next one goes on there"
    );
    let still = Instant::now();
    while still.elapsed() < Duration::from_millis(300) {
        assert!(is_at(100_001), "and is paused too");
        std::thread::sleep(Duration::from_millis(5));
    }
    writeln!(engine.keys, "play").unwrap();
    until("it plays", || {
        picture(&frames, &look).is_some_and(|found| found.sequence > 100_010)
    });
    drop((frames, me));
    let (report, status) = engine.end();
    is_good(&report);
    assert!(status.success());
}

#[test]
fn a_file_is_played_and_one_that_cannot_be_is_named() {
    let room = Room::new("files");
    let file = room.path().join("film.y4m");
    let path = file.to_str().unwrap();
    let mut film = b"YUV4MPEG2 W64 H36 F50:1 C420jpeg\n".to_vec();
    for number in 0..7 {
        film.extend(b"FRAME\n");
        film.extend([number; 64 * 36 * 3 / 2]);
    }
    std::fs::write(&file, &film).unwrap();
    let engine = Engine::start(&room, &["--input", path]);
    let look = Look::at(&room);
    look.next(0);
    let (ticket, _) = look.newest();
    assert_eq!(ticket.len, 64 * 36 * 3 / 2);
    until_within(PATIENCE, "ten pictures", {
        let (mut seen, mut last) = (0, ticket);
        move || {
            let (now, _) = look.newest();
            seen += u32::from(now != last);
            last = now;
            seen >= 10
        }
    });
    let (report, status) = engine.end();
    is_good(&report);
    assert!(status.success());

    let refused = |arguments: &[&str]| {
        let output = command(&room, arguments).output().unwrap();
        assert_eq!(String::from_utf8(output.stdout).unwrap(), "");
        (
            output.status.code(),
            String::from_utf8(output.stderr).unwrap(),
        )
    };
    let (code, why) = refused(&["--input", "no/such.y4m"]);
    let want = "06_engine: no/such.y4m: No such file or directory (os error 2)\n06_engine: the decoder gave up: exit status: 1\n";
    assert_eq!((code, &*why), (Some(1), want));
    let mut large = b"YUV4MPEG2 W640 H360\nFRAME\n".to_vec();
    large.resize(large.len() + 640 * 360 * 3 / 2, 0);
    std::fs::write(&file, &large).unwrap();
    let (code, why) = refused(&["--input", path]);
    assert!(
        code == Some(1) && why.contains("640x360 are larger"),
        "{why}"
    );
    for nonsense in [&["--hz", "0"][..], &["--kill-every", "soon"], &["paint"]] {
        let (code, why) = refused(nonsense);
        let named = why.contains(nonsense[nonsense.len() - 1]);
        assert!(code == Some(2) && named, "{why}");
    }
    assert_eq!(room.files(), [""; 0]);
}
