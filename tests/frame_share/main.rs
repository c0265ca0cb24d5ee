//! The main job, run as its users run it: whole, in halves, with real bytes, broken input and `kill -9`.
#![cfg(all(feature = "std", any(target_os = "linux", windows)))]

#[path = "../common/mod.rs"]
mod common;
mod controls;
#[path = "../common/example.rs"]
mod example;
mod films;
mod halves;
mod kills;
mod lossy;
mod pool;
mod torture;

use std::io::{BufReader, Read, Write};
use std::process::{Output, Stdio};

use halves::{Half, Place, read_line};

#[test]
fn the_whole_run_loses_nothing_and_reports_it() {
    let place = Place::new("whole");
    let png = place.file("last.png");
    let args = [
        "--frames",
        "60",
        "--size",
        "320x180",
        "--fps",
        "max",
        "--viewers",
        "3",
        "--json",
        "--png",
        &png,
    ];
    let report = place.start(&args).json();
    println!("{report}");
    assert_eq!(report["sent"], 60);
    assert_eq!(report["received"], 180);
    assert_eq!(report["viewers"], 3);
    assert_eq!(
        (report["lost"].as_u64(), report["torn"].as_u64()),
        (Some(0), Some(0))
    );
    assert_eq!(report["bytes"], 180 * 320 * 180 * 3 / 2);
    assert!(report["seconds"].as_f64().unwrap() > 0.0);
    for part in ["p50", "p99", "p999", "max"] {
        assert!(report["latency_ns"][part].as_u64().unwrap() > 0, "{part}");
    }
    let mut reader = png::Decoder::new(BufReader::new(std::fs::File::open(&png).unwrap()))
        .read_info()
        .unwrap();
    let mut picture = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut picture).unwrap();
    assert_eq!((info.width, info.height), (320, 180));
    assert_eq!(place.left_overs(), Vec::<String>::new());
}

#[test]
fn people_get_a_table_and_no_bar_in_a_pipe() {
    let place = Place::new("table");
    let output = place
        .start(&["--frames", "5", "--size", "64x36", "--fps", "max"])
        .finish();
    let text = String::from_utf8(output.stdout).unwrap();
    for row in [
        "frames sent    5",
        "received       10 by 2 viewers",
        "lost           0",
        "torn           0",
        "latency",
        "CPU a frame",
        "wake-ups",
    ] {
        assert!(text.contains(row), "no {row:?} in\n{text}");
    }
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
}

/// Noise that both sides can make: no two frames alike.
struct Noise(u64);

impl Noise {
    fn fill(&mut self, into: &mut [u8]) {
        for chunk in into.chunks_mut(8) {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            chunk.copy_from_slice(&self.0.to_le_bytes()[..chunk.len()]);
        }
    }
}

// Fewer under Wine, where an unoptimised pipe is slow.
const FRAMES: usize = if cfg!(windows) { 60 } else { 300 };
const FRAME: usize = 1280 * 720 * 3 / 2;
const HEADER: &str = "YUV4MPEG2 W1280 H720 F60:1 Ip C420jpeg\n";

#[test]
fn three_hundred_frames_arrive_byte_identical_in_two_viewers() {
    let place = Place::new("video");
    let outputs = [place.file("one.y4m"), place.file("two.y4m")];
    let mut command = place.command(&[
        "produce",
        "video",
        "--input",
        "-",
        "--fps",
        "max",
        "--start-with",
        "2",
        "--json",
    ]);
    command.stdin(Stdio::piped());
    let mut producer = Half::of(command);
    let viewers = outputs
        .each_ref()
        .map(|output| place.start(&["view", "video", "--output", output, "--json"]));
    let mut pipe = producer.child().stdin.take().unwrap();
    let feeder = std::thread::spawn(move || {
        let mut noise = Noise(0x9e37_79b9_7f4a_7c15);
        let mut frame = vec![0; FRAME];
        pipe.write_all(HEADER.as_bytes()).unwrap();
        for _ in 0..FRAMES {
            noise.fill(&mut frame);
            pipe.write_all(b"FRAME\n").unwrap();
            pipe.write_all(&frame).unwrap();
        }
    });
    assert_eq!(producer.json()["sent"], FRAMES);
    feeder.join().unwrap();
    for viewer in viewers {
        let report = viewer.json();
        println!("{report}");
        assert_eq!(report["received"], FRAMES);
        assert_eq!(
            (report["lost"].as_u64(), report["torn"].as_u64()),
            (Some(0), Some(0))
        );
    }
    for output in outputs {
        let mut file = BufReader::new(std::fs::File::open(output).unwrap());
        assert_eq!(read_line(&mut file), HEADER);
        let mut noise = Noise(0x9e37_79b9_7f4a_7c15);
        let (mut want, mut found) = (vec![0; FRAME], vec![0; FRAME]);
        for frame in 0..FRAMES {
            noise.fill(&mut want);
            assert_eq!(read_line(&mut file), "FRAME\n");
            file.read_exact(&mut found).unwrap();
            assert!(want == found, "frame {frame} differs");
        }
        assert_eq!(file.read(&mut [0]).unwrap(), 0);
    }
    assert_eq!(place.left_overs(), Vec::<String>::new());
}

fn with_input(place: &Place, input: &[u8]) -> Output {
    let mut command = place.command(&["--input", "-", "--fps", "max", "--json"]);
    command.stdin(Stdio::piped());
    let mut run = Half::of(command);
    let mut pipe = run.child().stdin.take().unwrap();
    // A header that is refused closes the pipe early.
    let _ = pipe.write_all(input);
    drop(pipe);
    run.finish()
}

#[test]
fn broken_input_is_a_clear_error_and_the_viewers_end() {
    let place = Place::new("broken");
    let malformed = with_input(&place, b"YUV4MPEG2 W16 C420\n");
    let text = String::from_utf8(malformed.stderr).unwrap();
    assert!(
        !malformed.status.success() && text.contains("no H parameter"),
        "{text}"
    );

    let mut cut = b"YUV4MPEG2 W16 H16 F30:1 C420\n".to_vec();
    for _ in 0..3 {
        cut.extend_from_slice(b"FRAME\n");
        cut.extend_from_slice(&[7; 384]);
    }
    cut.truncate(cut.len() - 100);
    let output = with_input(&place, &cut);
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success(), "a cut frame passed");
    assert!(text.contains("284 of 384 bytes"), "{text}");
    // The run waits for its viewers, so nothing of theirs is left.
    assert_eq!(place.left_overs(), Vec::<String>::new());
}

#[test]
fn a_picture_that_cannot_be_written_fails_the_run_before_the_film() {
    let place = Place::new("no-picture");
    let png = place.file("nowhere/last.png");
    let run = place.command(&["--frames", "5", "--size", "64x36", "--png", &png]);
    let begin = std::time::Instant::now();
    let output = Half::of(run).finish();
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && text.contains(&png), "{text}");
    assert!(begin.elapsed().as_secs() < 10, "it waited for nobody");
    assert_eq!(place.left_overs(), Vec::<String>::new());
}

#[cfg(unix)] // Windows has no file that is always full
#[test]
fn a_viewer_that_fails_at_the_end_fails_the_run() {
    let place = Place::new("full-disk");
    let film = ["--frames", "5", "--size", "64x36", "--fps", "max", "--json"];
    let output = place
        .start(&[&film[..], &["--png", "/dev/full"]].concat())
        .finish();
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success(), "{text}");
    // What arrived is reported all the same, and each viewer by its own ring.
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (&report["sent"], &report["viewers"]),
        (&5.into(), &2.into())
    );
    let rings = report["per_viewer"].as_array().unwrap().iter();
    let mut rings: Vec<_> = rings
        .map(|viewer| viewer["viewer"].as_u64().unwrap())
        .collect();
    rings.sort_unstable();
    assert_eq!(rings, [0, 1]);
    assert_eq!(place.left_overs(), Vec::<String>::new());
}
