//! The `ringpad` tool, run as a person runs it.
#![cfg(all(feature = "cli", any(target_os = "linux", windows)))]

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use ringpad::os::{Options, SharedSegment};
use ringpad::{Plan, bytes, spsc};

/// Tells the test program started again where to open a segment and stay.
const HOLD: &str = "RINGPAD_CLI_TEST_HOLD";

/// A directory of our own, gone with the test.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let name = format!("ringpad-cli-{}-{name}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).unwrap();
        open_to(&path, 0o700);
        Self(path)
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let mut tool = Command::new(env!("CARGO_BIN_EXE_ringpad"));
        tool.args(arguments).env("RINGPAD_DIR", &self.0);
        tool.output().unwrap()
    }

    /// The lines of a run that succeeds, each cut into words.
    #[track_caller]
    fn lines(&self, arguments: &[&str]) -> Vec<Vec<String>> {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        assert!(output.stderr.is_empty(), "{arguments:?}: {output:?}");
        let words = |line: &str| line.split_whitespace().map(String::from).collect();
        let text = String::from_utf8(output.stdout).unwrap();
        text.lines().map(words).collect()
    }

    /// What a run that fails says, and its exit code.
    #[track_caller]
    fn fails(&self, arguments: &[&str]) -> (i32, String) {
        let output = self.run(arguments);
        assert!(output.stdout.is_empty(), "{arguments:?}: {output:?}");
        let text = String::from_utf8(output.stderr).unwrap();
        (output.status.code().unwrap(), text)
    }
}

/// Whom a directory is open to: on Windows whom the one above it is.
fn open_to(path: &Path, mode: u32) {
    #[cfg(unix)]
    std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
    #[cfg(windows)]
    assert!(path.is_dir(), "whatever {mode:o} says");
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn create(directory: &Path, name: &str) -> SharedSegment {
    let (ticks, log) = (spsc::Config::new(64), bytes::Config::records(4096));
    let plan = Plan::<2>::new().channel::<spsc::Spsc<u64>>("ticks", &ticks);
    let plan = plan.unwrap().channel::<bytes::Bytes>("log", &log).unwrap();
    SharedSegment::open_or_create(name, &plan, &Options::new().directory(directory)).unwrap()
}

/// Leaves what a process killed with `kill -9` leaves.
fn leave_behind(directory: &Path) {
    let mut holder = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "role_hold", "--nocapture"])
        .env(HOLD, directory)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(holder.stdout.take().unwrap()).lines();
    assert!(lines.map_while(Result::ok).any(|line| line == "holding"));
    holder.kill().unwrap();
    holder.wait().unwrap();
}

/// Not a test of its own: what [`leave_behind`] starts.
#[test]
fn role_hold() {
    if let Some(directory) = std::env::var_os(HOLD) {
        let segment = create(Path::new(&directory), "left");
        let me = segment.join().unwrap();
        let _tx = me.producer::<u64>("ticks").unwrap();
        println!("\nholding");
        // Until killed; or until whoever started it is gone.
        let _ = std::io::stdin().read_line(&mut String::new());
    }
}

#[test]
fn list_and_collect_tell_the_living_from_the_dead() {
    let scratch = Scratch::new("list");
    assert_eq!(scratch.lines(&["list"]), [["NAME", "BYTES", "STATE"]]);
    let living = create(&scratch.0, "living");
    leave_behind(&scratch.0);

    let bytes = living.len_bytes().to_string();
    let table = scratch.lines(&["list"]);
    assert_eq!(table[1], ["left", &bytes, "stale"]);
    assert_eq!(table[2], ["living", &bytes, "alive"]);
    assert_eq!(table.len(), 3);
    let elsewhere = scratch.0.to_str().unwrap();
    assert_eq!(scratch.lines(&["list", "--dir", elsewhere]), table);

    assert_eq!(scratch.lines(&["collect"]), [["left"]]);
    assert_eq!(scratch.lines(&["collect"]).len(), 0);
    assert_eq!(scratch.lines(&["list"])[1..], [["living", &bytes, "alive"]]);
}

#[test]
fn show_tells_peers_and_channels() {
    let scratch = Scratch::new("show");
    let segment = create(&scratch.0, "camera");
    let _peers = [segment.join().unwrap(), segment.join().unwrap()];
    let lines = scratch.lines(&["show", "camera"]);
    let find = |first: &str| {
        let mut found = lines
            .iter()
            .filter(|line| line.first().is_some_and(|w| w == first));
        let line = found
            .next()
            .unwrap_or_else(|| panic!("no {first} in {lines:?}"));
        line[1..].to_vec()
    };
    assert_eq!(find("segment"), ["camera"]);
    assert_eq!(find("id"), [format!("{:032x}", segment.id())]);
    assert_eq!(find("bytes"), [segment.len_bytes().to_string()]);
    let me = std::process::id().to_string();
    assert_eq!(find("1"), [&me, "alive"]);
    assert_eq!(find("2"), [&me, "alive"]);
    assert_eq!(find("PEER"), ["PID", "LIFE"]);
    for (entry, kind) in segment.entries().zip(["Spsc", "Bytes"]) {
        let (offset, len) = (entry.offset.to_string(), entry.len.to_string());
        assert_eq!(find(&entry.name), [kind, &offset, &len]);
    }
    // Looking leaves the segment as it was.
    drop(segment);
    assert_eq!(scratch.lines(&["list"])[1][2], "alive");
}

/// A living segment in which somebody died: what that one held is shown, and given back once.
#[test]
fn reap_gives_back_what_the_dead_held() {
    let scratch = Scratch::new("reap");
    let segment = create(&scratch.0, "left");
    let me = segment.join().unwrap();
    leave_behind(&scratch.0);
    let show = || scratch.lines(&["show", "left"]);
    let has = |lines: &[Vec<String>], line: &[&str]| lines.iter().any(|found| found == line);
    let pid = segment.occupant(segment.dead()[0]).unwrap().pid.to_string();
    let before = show();
    assert!(has(&before, &["2", &pid, "dead"]), "{before:?}");
    let line = "0 peers, 0 ends, 0 slots, 0 messages, 0 locks";
    let nothing: Vec<_> = line.split(' ').collect();
    assert!(has(&before, &[&["reaped"], &nothing[..]].concat()));
    let line = "1 peers, 1 ends, 0 slots, 0 messages, 0 locks";
    let one: Vec<_> = line.split(' ').collect();
    assert_eq!(scratch.lines(&["reap", "left"]), [&one[..]]);
    assert_eq!(scratch.lines(&["reap", "left"]), [&nothing[..]], "once");
    let after = show();
    assert!(has(&after, &[&["reaped"], &one[..]].concat()), "{after:?}");
    assert!(!after.iter().any(|line| line.contains(&"dead".into())));
    // It has left, and the end can be had.
    assert!(segment.dead().is_empty() && me.producer::<u64>("ticks").is_ok());
    let others: Vec<_> = (1..segment.peers()).map(|_| segment.join()).collect();
    assert!(others.iter().all(Result::is_ok));
    let (code, text) = scratch.fails(&["reap", "left"]);
    assert_eq!(code, 1);
    assert!(text.contains("taken"), "{text}");
    let (code, text) = scratch.fails(&["reap", "nobody"]);
    assert_eq!((code, &*text), (1, "ringpad: no segment \"nobody\"\n"));
}

#[test]
fn errors_say_what_is_wrong() {
    let scratch = Scratch::new("errors");
    let (code, text) = scratch.fails(&["show", "nobody"]);
    assert_eq!((code, &*text), (1, "ringpad: no segment \"nobody\"\n"));
    leave_behind(&scratch.0);
    let (code, text) = scratch.fails(&["show", "left"]);
    assert_eq!(code, 1);
    assert!(text.contains("\"left\" is stale"), "{text}");
    let (code, text) = scratch.fails(&["show", "no/name"]);
    assert_eq!(code, 1);
    assert!(text.contains("segment name \"no/name\""), "{text}");
    let (code, text) = scratch.fails(&["list", "--dir", "/no/such/place"]);
    assert_eq!(
        (code, &*text),
        (1, "ringpad: /no/such/place is not a directory\n")
    );
    // Windows has no modes to get wrong.
    let no_mode = ["list", "--mode", if cfg!(windows) { "600" } else { "9" }];
    for wrong in [&["show"][..], &["frobnicate"], &[], &no_mode] {
        let (code, text) = scratch.fails(wrong);
        assert_eq!(code, 2, "{wrong:?}");
        assert!(text.contains("Usage:") || text.contains("--help"), "{text}");
    }
    // A directory that others may write to is not believed.
    if cfg!(windows) {
        println!("skipped: nobody's directory is open by its mode here");
        return;
    }
    open_to(&scratch.0, 0o777);
    let (code, text) = scratch.fails(&["list"]);
    assert_eq!(code, 1);
    assert!(text.contains("mode 777"), "{text}");
}
