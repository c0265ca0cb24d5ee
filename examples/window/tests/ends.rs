//! What ends the window, and what does not.

mod common;
use common::display::Xvfb;
use common::programs::{Name, Program, segment};
use common::until;
use rustix::process::{Pid, Signal, kill_process};

const ESCAPE: u32 = 0xff1b;
const SPACE: u32 = 0x20;

/// A display, a producer and a window that shows something.
fn showing(test: &str, words: &[&str]) -> Option<(Xvfb, Name, Program, Program, u32)> {
    let xvfb = Xvfb::start("400x300x24")?;
    let name = segment(test);
    let words = [&[&*name, "--lossy", "--size", "160x120"], words].concat();
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
    let Some((xvfb, _name, _producer, mut window, shown)) = showing("escape", ENDLESS) else {
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
    let Some((xvfb, _name, _producer, mut window, shown)) = showing("closing", ENDLESS) else {
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
    let Some((_xvfb, _name, mut producer, mut window, _)) = showing("end", &["--frames", "60"])
    else {
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
    let mut next = Program::producer(&[&name, "--lossy", "--size", "160x120", "--frames", "60"]);
    until("pictures of the next one", || {
        (xvfb.grab().pixels != before).then_some(())
    });
    let (status, _, err) = window.ended();
    assert!(status.success(), "{err}");
    assert!(next.ended().0.success());
}

#[test]
fn a_name_that_is_none() {
    let Some(xvfb) = Xvfb::start("400x300x24") else {
        return;
    };
    let (status, _, err) = Program::window(&["no/name"], Some(&xvfb.name)).ended();
    assert_eq!(status.code(), Some(1));
    assert!(err.contains("no/name") && err.lines().count() == 1, "{err}");
}

/// It is stopped while frames go by, and shows the last one all the same.
#[test]
fn a_stopped_window_holds_nobody_up() {
    let words = ["--frames", "600", "--fps", "200"];
    let Some((_xvfb, _name, mut producer, mut window, _)) = showing("stopped", &words) else {
        return;
    };
    let process = Pid::from_child(&window.0);
    kill_process(process, Signal::STOP).unwrap();
    let (status, out, err) = producer.ended();
    assert!(
        status.success() && out.contains("frames sent    600"),
        "{out}{err}"
    );
    kill_process(process, Signal::CONT).unwrap();
    let (status, out, err) = window.ended();
    assert!(status.success() && !out.contains(" 0 missed"), "{out}{err}");
}

/// A window beside a viewer that frames are kept for costs that viewer nothing.
#[test]
fn a_guest_of_a_lossless_run() {
    let Some(xvfb) = Xvfb::start("400x300x24") else {
        return;
    };
    let name = segment("guest");
    let words = [&name, "--size", "160x120", "--frames", "200", "--json"];
    let mut producer = Program::producer(&words);
    let mut window = Program::window(&[&name], Some(&xvfb.name));
    // Whoever joined is seen in the segment; the frames begin with the viewer.
    until("the window has joined", || {
        window.has_mapped(&name).then_some(())
    });
    let mut viewer = Program::viewer(&[&name, "--json"]);
    let (status, out, err) = viewer.ended();
    assert!(status.success(), "{err}");
    assert!(
        out.contains("\"received\":200") && out.contains("\"lost\":0"),
        "{out}"
    );
    let (status, out, err) = window.ended();
    assert!(
        status.success() && out.contains("frames shown"),
        "{out}{err}"
    );
    assert!(producer.ended().0.success());
}

#[test]
fn a_display_that_goes_away() {
    let Some((xvfb, _name, _producer, mut window, shown)) = showing("away", ENDLESS) else {
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
