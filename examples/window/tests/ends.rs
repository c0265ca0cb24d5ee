//! What ends the window, and what does not.

mod common;
use common::display::Xvfb;
use common::programs::{Program, segment};
use common::until;

const ESCAPE: u32 = 0xff1b;
const SPACE: u32 = 0x20;

/// A display, a producer and a window that shows something.
fn showing(test: &str, words: &[&str]) -> Option<(Xvfb, String, Program, Program, u32)> {
    let xvfb = Xvfb::start("400x300x24")?;
    let name = segment(test);
    let words = [&[name.as_str(), "--size", "160x120"], words].concat();
    let producer = Program::producer(&words);
    let window = Program::window(&[&name], Some(&xvfb.name));
    let shown = until("a picture", || {
        let lit = xvfb
            .grab()
            .corner(160, 120)
            .pixels
            .iter()
            .any(|pixel| *pixel != [0; 3]);
        xvfb.window().filter(|_| lit)
    });
    Some((xvfb, name, producer, window, shown))
}

const ENDLESS: &[&str] = &["--frames", "0"];

#[test]
fn escape_and_no_other_key() {
    let Some((xvfb, _, _producer, mut window, shown)) = showing("escape", ENDLESS) else {
        return;
    };
    xvfb.strike(shown, SPACE);
    let before = xvfb.grab().pixels;
    until("a picture after the space", || {
        (xvfb.grab().pixels != before).then_some(())
    });
    assert!(window.is_running());
    xvfb.strike(shown, ESCAPE);
    let (status, out, err) = window.ended();
    assert!(
        status.success() && out.contains("frames shown") && err.is_empty(),
        "{err}"
    );
}

#[test]
fn closing_the_window() {
    let Some((xvfb, _, _producer, mut window, shown)) = showing("closing", ENDLESS) else {
        return;
    };
    xvfb.close(shown);
    let (status, out, err) = window.ended();
    assert!(
        status.success() && out.contains("frames shown") && err.is_empty(),
        "{err}"
    );
}

#[test]
fn the_producers_end() {
    let Some((_xvfb, _, mut producer, mut window, _)) = showing("end", &["--frames", "60"]) else {
        return;
    };
    let (status, out, err) = window.ended();
    assert!(
        status.success() && out.contains("frames shown") && err.is_empty(),
        "{err}"
    );
    assert!(producer.ended().0.success());
}

#[test]
fn a_killed_producer_may_come_again() {
    let Some((xvfb, name, mut producer, mut window, shown)) = showing("again", ENDLESS) else {
        return;
    };
    producer.0.kill().unwrap();
    producer.0.wait().unwrap();
    until("the title says so", || {
        xvfb.title(shown)
            .contains("waiting for a producer")
            .then_some(())
    });
    let before = xvfb.grab().pixels;
    let mut next = Program::producer(&[&name, "--size", "160x120", "--frames", "60"]);
    until("pictures of the next one", || {
        (xvfb.grab().pixels != before).then_some(())
    });
    let (status, _, err) = window.ended();
    assert!(status.success(), "{err}");
    assert!(next.ended().0.success());
}

#[test]
fn a_display_that_goes_away() {
    let Some((xvfb, _, _producer, mut window, shown)) = showing("away", ENDLESS) else {
        return;
    };
    xvfb.kill_client(shown);
    let (status, _, err) = window.ended();
    assert_eq!(status.code(), Some(1));
    assert!(
        err.starts_with("window: the display is gone") && err.lines().count() == 1,
        "{err}"
    );
}
