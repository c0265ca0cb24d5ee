//! One pool, however many look: every frame arrives, the recording is the film, and memory is that of one pool.

use serde_json::Value;

use super::films::{Film, by_ffmpeg, is_same, same};
use super::halves::Place;

const FILM: Film = Film {
    width: 320,
    height: 180,
    frames: 1000,
};

/// A whole run of so many viewers and a recorder.
fn run(place: &Place, film: &str, recording: &str, viewers: &str) -> Value {
    let args = [
        "--input",
        film,
        "--recorder",
        recording,
        "--viewers",
        viewers,
        "--fps",
        "max",
        "--json",
    ];
    let report = place.start(&args).json();
    println!("{report}");
    let (sent, each) = (report["sent"].as_u64(), report["received"].as_u64());
    let viewers: u64 = viewers.parse().unwrap();
    assert_eq!(each, sent.map(|sent| sent * viewers));
    for none in ["lost", "torn", "disordered"] {
        assert_eq!(report[none], 0, "{none}");
    }
    assert_eq!(report["recorder"]["frames"], report["sent"]);
    assert_eq!(report["recorder"]["torn"], 0);
    report
}

#[test]
fn a_thousand_frames_to_four_viewers_and_a_recorder_take_one_pool() {
    let place = Place::new("thousand");
    let (film, recording) = (place.file("film.y4m"), place.file("recording.y4m"));
    FILM.write(&film);
    let four = run(&place, &film, &recording, "4");
    assert_eq!(four["sent"], FILM.frames);
    same(&film, &recording);
    // Another film would be noticed.
    assert!(!is_same(&film, std::env::current_exe().unwrap()));

    let one = run(&place, &film, &recording, "1");
    same(&film, &recording);
    for part in ["pool_frames", "pool_bytes"] {
        assert_eq!(one[part], four[part], "{part}");
    }
    let number = |of: &Value, part: &str| of[part].as_u64().unwrap();
    let frames = number(&four, "pool_frames");
    let pixels = frames * FILM.frame_bytes() as u64;
    for report in [&one, &four] {
        let all = number(report, "memory_bytes");
        println!("{all} bytes of memory, {pixels} of pixels");
        // What is not pixels: a line of words a frame, rings and notes, rows of peers.
        assert!((pixels..pixels + 64 * 1024).contains(&all));
    }
    let rings = number(&four, "memory_bytes") - number(&one, "memory_bytes");
    assert!(rings < 3 * 2048, "{rings} bytes for three rings of tickets");
    assert_eq!(place.left_overs(), Vec::<String>::new());
}

#[test]
fn a_film_of_ffmpegs_is_recorded_as_it_is() {
    let place = Place::new("ffmpeg");
    let (film, recording) = (place.file("film.y4m"), place.file("recording.y4m"));
    if !by_ffmpeg(&FILM, &film) {
        return;
    }
    let report = run(&place, &film, &recording, "4");
    assert_eq!(report["sent"], FILM.frames);
    same(&film, &recording);
}

#[test]
fn what_cannot_be_recorded_as_it_is_is_refused() {
    let place = Place::new("parameters");
    let (film, recording) = (place.file("film.y4m"), place.file("recording.y4m"));
    let bytes = [
        b"YUV4MPEG2 W2 H2 F25:1 Cmono\nFRAME Ip\n1234".as_slice(),
        b"FRAME\n5678",
    ]
    .concat();
    std::fs::write(&film, bytes).unwrap();
    let args = ["--input", &film, "--fps", "max", "--recorder", &recording];
    let said = place.start(&args).finish();
    let text = String::from_utf8(said.stderr).unwrap();
    assert!(
        !said.status.success() && text.contains("frame 0 has parameters"),
        "{text}"
    );
    assert!(
        place.start(&args[..4]).finish().status.success(),
        "nobody records"
    );
    assert_eq!(place.left_overs(), Vec::<String>::new());
}

#[test]
fn a_pool_is_as_large_as_one_says() {
    let place = Place::new("pool-size");
    let film = [
        "--frames", "40", "--size", "64x36", "--fps", "max", "--pool", "3", "--json",
    ];
    let report = place.start(&film).json();
    assert_eq!(report["pool_frames"], 3);
    // Fewer than may be waited for: it takes longer, and loses nothing.
    assert_eq!(
        (&report["received"], &report["lost"]),
        (&80.into(), &0.into())
    );
}
