//! The examples are run as a reader runs them, and say what they should.
#![cfg(all(feature = "std", target_os = "linux"))]

#[path = "common/example.rs"]
mod builds;

use std::path::PathBuf;
use std::process::Command;

/// The example, built now.
fn example(name: &str) -> Command {
    Command::new(builds::build(name))
}

/// A directory for segments, gone with the test.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        let name = format!("ringpad-examples-{}", std::process::id());
        Self(std::env::temp_dir().join(name))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The lines that an example printed; it must succeed and complain of nothing.
#[track_caller]
fn lines(mut command: Command) -> Vec<String> {
    let output = command.output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let complained = String::from_utf8(output.stderr).unwrap();
    let code = output.status.code();
    assert_eq!((code, &*complained), (Some(0), ""), "it said:\n{said}");
    said.lines().map(String::from).collect()
}

#[test]
fn hello() {
    let want = [
        "received the numbers 1 to 10 through a ring of 4 slots: their sum is 55",
        "first record, read in place: hello",
        "second record, copied out: world",
    ];
    assert_eq!(lines(example("01_hello")), want);
}

#[test]
fn two_processes() {
    let scratch = Scratch::new();
    let mut command = example("02_two_processes");
    command.env("RINGPAD_DIR", &scratch.0);
    let lines = lines(command);
    // Process numbers differ from run to run: the children are told apart by them.
    let child = |line: &str| {
        let words = line.strip_prefix("parent: child ").unwrap();
        words.split([' ', ':']).next().unwrap().to_owned()
    };
    let (first, second) = (child(&lines[0]), child(&lines[6]));
    assert_ne!(first, second);
    let want = [
        format!("parent: child {first} says hello"),
        format!("parent: child {first}: 1 squared is 1"),
        format!("parent: child {first}: 2 squared is 4"),
        format!("parent: child {first}: 3 squared is 9"),
        format!("parent: it says \"child {first} works on 4 ...\"; kill -9 {first}"),
        "parent: I am told that the child is dead; the next one takes over".into(),
        format!("parent: child {second} says hello"),
        format!("parent: child {second}: 4 squared is 16"),
        format!("parent: child {second}: 5 squared is 25"),
        format!("parent: child {second}: 6 squared is 36"),
        "parent: all 6 answers are here, the child has gone (exit status: 0)".into(),
    ];
    assert_eq!(lines, want);
    let left: Vec<_> = std::fs::read_dir(&scratch.0).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn two_processes_refuses_what_it_does_not_know() {
    let output = example("02_two_processes")
        .arg("nonsense")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("usage: 02_two_processes"), "{text}");
}
