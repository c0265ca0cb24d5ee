//! The whole program beside doctored counts. Where there is no valgrind, what it then says is all that can be seen.

use std::path::PathBuf;
use std::process::{Command, Output};

const PROGRAM: &str = env!("CARGO_BIN_EXE_ringpad-instructions");
const BUILT_BY: &str = env!("RINGPAD_BUILT_BY");
const OPERATION: &str = "ringing u64 pop";

/// A file of counts, removed again.
struct Doctored(PathBuf);

impl Doctored {
    fn new(name: &str, built_by: &str, counts: &str) -> Self {
        let file = format!("ringpad-instructions-{}-{name}.toml", std::process::id());
        let file = std::env::temp_dir().join(file);
        let text = format!("built_by = \"{built_by}\"\n[counts]\n{counts}\n");
        std::fs::write(&file, text).expect("a temporary file");
        Self(file)
    }

    fn run(&self, args: &[&str]) -> Output {
        let mut program = Command::new(PROGRAM);
        program.arg("--counts").arg(&self.0).args(args);
        program.output().expect("the program")
    }
}

impl Drop for Doctored {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn has_valgrind() -> bool {
    let has = Command::new("valgrind").arg("--version").output().is_ok();
    if !has {
        println!("no valgrind here: not tried");
    }
    has
}

#[test]
fn more_than_stored_fails_and_says_by_how_much() {
    if !has_valgrind() {
        return;
    }
    let low = Doctored::new("low", BUILT_BY, &format!("\"{OPERATION}\" = 3.00"));
    let output = low.run(&[OPERATION]);
    let text = said(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    let line = text
        .lines()
        .find(|line| line.starts_with(OPERATION))
        .expect("the operation's line");
    assert!(
        line.contains(" 3.00 ") && line.contains("MORE by "),
        "{text}"
    );
    assert!(text.contains("--write"), "{text}");
}

#[test]
fn what_was_never_stored_fails() {
    if !has_valgrind() {
        return;
    }
    let empty = Doctored::new("empty", BUILT_BY, "");
    let output = empty.run(&[OPERATION]);
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("NOT STORED"), "{}", said(&output));
}

#[test]
fn fewer_than_stored_is_told() {
    if !has_valgrind() {
        return;
    }
    let high = Doctored::new("high", BUILT_BY, &format!("\"{OPERATION}\" = 3000.00"));
    let output = high.run(&[OPERATION]);
    assert!(output.status.success());
    assert!(said(&output).contains("fewer by "), "{}", said(&output));
}

#[test]
fn counts_of_another_compiler_are_shown_and_not_judged() {
    if !has_valgrind() {
        return;
    }
    let other = "rustc 1.0.0 for a machine";
    let low = Doctored::new("other", other, &format!("\"{OPERATION}\" = 3.00"));
    let output = low.run(&[OPERATION]);
    let text = said(&output);
    assert!(output.status.success(), "{text}");
    assert!(
        text.contains("not judged") && text.contains(other) && text.contains(BUILT_BY),
        "{text}"
    );
}

#[test]
fn twice_counted_is_the_same_to_the_last_instruction() {
    if !has_valgrind() {
        return;
    }
    let empty = Doctored::new("twice", "nobody", "");
    let (first, second) = (
        said(&empty.run(&[OPERATION])),
        said(&empty.run(&[OPERATION])),
    );
    assert_eq!(first, second);
}

#[test]
fn without_valgrind_it_says_how_to_install_it() {
    let output = Command::new(PROGRAM)
        .env("PATH", "/nowhere")
        .output()
        .expect("the program");
    assert_eq!(output.status.code(), Some(2));
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(
        text.contains("valgrind") && text.contains("apt-get install"),
        "{text}"
    );
}

#[test]
fn bad_arguments_are_named() {
    let refused = |args: &[&str]| {
        let output = Command::new(PROGRAM)
            .args(args)
            .output()
            .expect("the program");
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    assert!(refused(&["--nonsense"]).contains("no option --nonsense"));
    assert!(refused(&["--write", "push"]).contains("leave the names out"));
    assert!(refused(&["op", "nonsense", "1"]).contains("no operation \"nonsense\""));
    if has_valgrind() {
        assert!(refused(&["nonsense"]).contains("no operation's name contains nonsense"));
        assert!(refused(&["--counts", "/nowhere"]).contains("/nowhere"));
    }
}

/// Who listens to a lossy mailslot costs its publisher nothing: the stored counts, which the program compares with the found ones, are one.
#[test]
fn a_publish_takes_as_many_instructions_however_many_listen() {
    let stored = include_str!("../counts.toml");
    let count = |name: &str| {
        let line = stored
            .lines()
            .find(|line| line.starts_with(&format!("\"bare 64B {name}\"")));
        let (_, count) = line.expect(name).split_once('=').expect("a count");
        count.trim().to_owned()
    };
    let alone = count("publish");
    assert_eq!(alone, count("publish, 1 subscriber"));
    assert_eq!(alone, count("publish, 64 subscribers"));
    assert_ne!(
        alone,
        count("reliable publish"),
        "the control: it looks at its subscribers"
    );
}
