//! Without a display the window says so in one line, and ends.

mod common;
use common::programs::Program;

/// What it says, and its exit code. Nobody produces under that name: it does not get as far.
fn ends(words: &[&str], display: Option<&str>) -> (String, Option<i32>) {
    let words: Vec<&str> = [&["nobody-produces-this"], words].concat();
    let (status, out, err) = Program::window(&words, display).ended();
    assert_eq!(out, "");
    assert_eq!(err.lines().count(), 1, "{err}");
    (err, status.code())
}

#[test]
fn nothing_is_named() {
    for display in [None, Some("")] {
        let (said, code) = ends(&[], display);
        assert_eq!(code, Some(0));
        assert_eq!(said, "window: no display: DISPLAY is not set\n");
    }
}

#[test]
fn nobody_answers() {
    // Display numbers end below 65536 - 6000, so this is no display's socket.
    for display in [":59535", "localhost:59535"] {
        let (said, code) = ends(&[], Some(display));
        assert_eq!(code, Some(0));
        assert!(
            said.contains(display) && said.contains("does not answer"),
            "{said}"
        );
    }
    let (said, code) = ends(&[], Some("what is this"));
    assert_eq!(code, Some(0));
    assert!(
        said.starts_with("window: no display: \"what is this\""),
        "{said}"
    );
}

/// A screenshot that was asked for and not made is a failure.
#[test]
fn no_screenshot_is_a_failure() {
    let file = std::env::temp_dir().join(format!("window-none-{}.png", std::process::id()));
    let (said, code) = ends(&["--screenshot", file.to_str().unwrap()], None);
    assert_eq!(code, Some(1));
    assert!(said.contains("no display") && !file.exists(), "{said}");
}
