//! What a producer shares is on the screen, as seen from outside.

use std::path::PathBuf;

mod common;
use common::display::{Grab, Xvfb};
use common::known::{
    BLUE, Colour, GREEN, Generated, RED, WHITE, header, quarters, read_png, shows_quarters, video,
};
use common::programs::{Program, segment};
use common::until;

const COLOURS: [Colour; 4] = [RED, GREEN, BLUE, WHITE];
const SIZE: (u32, u32) = (160, 120);
const WHOLE: (usize, usize, usize, usize) = (0, 0, 160, 120);

/// A producer of plain quarters, for as long as somebody looks.
fn plain(name: &str, colours: [Colour; 4]) -> Program {
    let shape = header(SIZE.0, SIZE.1);
    let (head, frame) = video(&shape, &quarters(&shape, colours));
    let mut producer = Program::producer(&[name, "--lossy", "--input", "-"]);
    producer.feed(head, move || Some(frame.clone()));
    producer
}

fn file(test: &str) -> PathBuf {
    std::env::temp_dir().join(format!("window-{test}-{}.png", std::process::id()))
}

/// The same on a screen of few colours, which has to come near.
fn colours_are_there(test: &str, screen: &str, tolerance: u8) {
    let Some(xvfb) = Xvfb::start(screen) else {
        return;
    };
    let shows = |grab: &Grab, colours| shows_quarters(grab, WHOLE, colours, tolerance);
    // A screen without a window fails the check.
    let blank = shows(&xvfb.grab(), COLOURS).unwrap_err();
    assert!(blank.contains("(0, 0) is [0, 0, 0]"), "{blank}");

    let name = segment(test);
    let _producer = plain(&name, COLOURS);
    let mut window = Program::window(&[&name], Some(&xvfb.name));
    let grab = until("the colours are on the screen", || {
        assert!(window.is_running(), "{:?}", window.ended());
        let grab = xvfb.grab();
        shows(&grab, COLOURS).is_ok().then_some(grab)
    });
    // Other pictures fail the check.
    for other in [
        [RED, GREEN, BLUE, RED],
        [GREEN, RED, BLUE, WHITE],
        [BLUE, GREEN, RED, WHITE],
    ] {
        shows(&grab, other).unwrap_err();
    }
    // The window is as large as the picture: what is beside it is bare.
    assert_eq!((grab.at(160, 0), grab.at(0, 120)), ([0; 3], [0; 3]));
}

#[test]
fn the_pictures_colours_are_on_the_screen() {
    colours_are_there("colours", "400x300x24", 0);
}

#[test]
fn a_screen_of_few_colours_shows_them_too() {
    colours_are_there("few", "400x300x16", 8);
}

#[test]
fn the_picture_moves_and_each_is_exact() {
    let Some(xvfb) = Xvfb::start("400x300x24") else {
        return;
    };
    let name = segment("moves");
    let pictures = Generated::new(160, 120, 200);
    let which = |grab: &Grab| pictures.which(&grab.corner(160, 120));
    assert_eq!(which(&xvfb.grab()), None, "nothing is there yet");
    let words = [
        &name, "--lossy", "--size", "160x120", "--fps", "5", "--frames", "0",
    ];
    let _producer = Program::producer(&words);
    let _window = Program::window(&[&name], Some(&xvfb.name));
    let see = || {
        let grab = xvfb.grab();
        which(&grab).map(|number| (number, grab))
    };
    let (first, mut grab) = until("a picture", see);
    until("a later picture", || {
        see().filter(|(number, _)| *number > first)
    });
    // One pixel off is no picture of theirs.
    grab.pixels[grab.width * 60 + 80][1] ^= 1;
    assert_eq!(which(&grab), None);
    let title = until("a title", || {
        let title = xvfb.title(xvfb.window()?);
        (!title.contains(" 0.0 ")).then_some(title)
    });
    assert!(
        title.starts_with(&*name) && title.ends_with(" frames/s, 0 stale"),
        "{title}"
    );
}

#[test]
fn a_window_of_another_size_shows_the_whole_picture() {
    let Some(xvfb) = Xvfb::start("400x300x24") else {
        return;
    };
    let name = segment("size");
    let _producer = plain(&name, COLOURS);
    let _window = Program::window(&[&name], Some(&xvfb.name));
    let shows = |place| shows_quarters(&xvfb.grab(), place, COLOURS, 0).ok();
    until("the picture", || shows(WHOLE));
    let window = xvfb.window().unwrap();
    xvfb.resize(window, 320, 240);
    until("twice as large", || shows((0, 0, 320, 240)));
    xvfb.resize(window, 320, 120);
    until("in the middle", || shows((80, 0, 160, 120)));
    let grab = xvfb.grab();
    assert_eq!((grab.at(79, 60), grab.at(240, 60)), ([0; 3], [0; 3]));
}

#[test]
fn so_many_frames_and_a_screenshot() {
    let Some(xvfb) = Xvfb::start("400x300x24") else {
        return;
    };
    let (name, file) = (segment("shot"), file("shot"));
    let words = [
        &name, "--lossy", "--size", "160x120", "--fps", "50", "--frames", "0",
    ];
    let _producer = Program::producer(&words);
    let words = [
        &name,
        "--frames",
        "9",
        "--screenshot",
        file.to_str().unwrap(),
    ];
    let (status, out, err) = Program::window(&words, Some(&xvfb.name)).ended();
    assert!(status.success(), "{err}");
    assert!(out.starts_with("9 frames shown"), "{out}");
    let shot = read_png(&std::fs::read(&file).unwrap());
    std::fs::remove_file(&file).unwrap();
    assert_eq!((shot.width, shot.height), (160, 120));
    let number = Generated::new(160, 120, 500).which(&shot);
    // At least its ninth.
    assert!(number.is_some_and(|number| number >= 8), "{number:?}");
}

/// What a screenshot is compared with is not what it was taken from.
#[test]
fn a_covered_window_is_told_from_what_was_drawn() {
    let Some(xvfb) = Xvfb::start("400x300x24") else {
        return;
    };
    let (name, file) = (segment("covered"), file("covered"));
    let _producer = plain(&name, COLOURS);
    let words = [&name, "--screenshot", file.to_str().unwrap()];
    let mut window = Program::window(&words, Some(&xvfb.name));
    let shows = || shows_quarters(&xvfb.grab(), WHOLE, COLOURS, 0);
    until("the picture", || shows().ok());
    let shown = xvfb.window().unwrap();
    xvfb.cover(10, 5);
    until("the cover", || shows().err());
    xvfb.strike(shown, 0xff1b);
    let (status, _, err) = window.ended();
    assert_eq!(status.code(), Some(1));
    let wanted = format!(
        "{}: 50 of 19200 pixels are not as they were drawn",
        file.display()
    );
    assert!(err.contains(&wanted), "{err}");
    let shot = read_png(&std::fs::read(&file).unwrap());
    std::fs::remove_file(&file).unwrap();
    // What an X server knows of a covered part is its own business.
    assert!(shot.at(0, 0) != RED.1 && shot.at(10, 0) == RED.1);
}
