//! The main job, run as its users run it: whole, in halves, with real bytes, broken input and `kill -9`.
#![cfg(target_os = "linux")]

use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Output, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(60);

/// The example beside this test, up to date: `cargo test --test` alone does not build it.
fn program() -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    let build = || {
        let profile = std::env::current_exe().unwrap();
        let profile = profile.parent().unwrap().parent().unwrap();
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args([
            "build",
            "--quiet",
            "--example",
            "frame_share",
            "--manifest-path",
        ]);
        cargo.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"));
        cargo.arg("--target-dir").arg(profile.parent().unwrap());
        if profile.ends_with("release") {
            cargo.arg("--release");
        }
        assert!(cargo.status().unwrap().success());
        profile.join("examples/frame_share")
    };
    BUILT.get_or_init(build).clone()
}

/// A directory for segments and files of one test, removed at its end.
struct Place(PathBuf);

impl Place {
    fn new(test: &str) -> Self {
        let path =
            Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{test}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(program());
        command.args(args).env("RINGPAD_DIR", self.0.join("shm"));
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    fn start(&self, args: &[&str]) -> Half {
        Half::of(self.command(args))
    }

    fn file(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }

    fn left_overs(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.0.join("shm")).unwrap();
        entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A running half, killed if the test fails.
struct Half(Option<Child>);

impl Half {
    fn of(mut command: Command) -> Self {
        Self(Some(command.spawn().unwrap()))
    }

    fn child(&mut self) -> &mut Child {
        self.0.as_mut().unwrap()
    }

    fn kill(mut self) {
        self.child().kill().unwrap();
        self.child().wait().unwrap();
    }

    fn stderr(&mut self) -> BufReader<ChildStderr> {
        BufReader::new(self.child().stderr.take().unwrap())
    }

    fn finish(mut self) -> Output {
        self.0.take().unwrap().wait_with_output().unwrap()
    }

    fn json(self) -> serde_json::Value {
        let output = self.finish();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}: {errors}", output.status);
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

impl Drop for Half {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn read_line(from: &mut impl BufRead) -> String {
    let mut line = String::new();
    from.read_line(&mut line).unwrap();
    line
}

/// The lines of a half's standard error from now on, until one says `what`.
fn wait_for(from: &mut impl BufRead, what: &str) {
    let begin = Instant::now();
    loop {
        let line = read_line(from);
        assert!(!line.is_empty(), "ended without {what:?}");
        if line.contains(what) {
            return;
        }
        assert!(begin.elapsed() < PATIENCE, "no {what:?}");
    }
}

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

const FRAMES: usize = 300;
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
fn a_killed_viewer_leaves_the_others_and_another_takes_its_place() {
    let place = Place::new("viewer");
    let args = [
        "produce",
        "kv",
        "--size",
        "320x180",
        "--fps",
        "240",
        "--frames",
        "1200",
        "--start-with",
        "2",
        "--json",
    ];
    let mut producer = place.start(&args);
    let survivor_file = place.file("survivor.y4m");
    let survivor = place.start(&["view", "kv", "--json", "--output", &survivor_file]);
    let victim_file = place.file("victim.y4m");
    let victim = place.start(&["view", "kv", "--output", &victim_file]);
    // It is in the middle of things once some of its output is written.
    let begin = Instant::now();
    while std::fs::metadata(&victim_file).map_or(0, |file| file.len()) < 1_000_000 {
        assert!(begin.elapsed() < PATIENCE, "the viewer writes nothing");
        std::thread::yield_now();
    }
    victim.kill();
    let successor = place.start(&["view", "kv", "--json"]).json();
    println!("successor: {successor}");
    assert!(successor["received"].as_u64().unwrap() > 0);
    assert_eq!(
        (successor["lost"].as_u64(), successor["torn"].as_u64()),
        (Some(0), Some(0))
    );
    let survivor = survivor.json();
    println!("survivor: {survivor}");
    assert_eq!(survivor["received"], 1200);
    assert_eq!(
        (survivor["lost"].as_u64(), survivor["torn"].as_u64()),
        (Some(0), Some(0))
    );
    assert!(producer.child().wait().unwrap().success());
    assert_eq!(place.left_overs(), Vec::<String>::new());
}

#[test]
fn a_killed_producer_is_noticed_within_a_second_and_replaced() {
    let place = Place::new("producer");
    let args = [
        "produce",
        "kp",
        "--size",
        "320x180",
        "--fps",
        "120",
        "--frames",
        "0",
        "--start-with",
        "2",
    ];
    let producer = place.start(&args);
    let outputs = [place.file("one.y4m"), place.file("two.y4m")];
    let mut viewers = outputs
        .each_ref()
        .map(|output| place.start(&["view", "kp", "--json", "--output", output]));
    let begin = Instant::now();
    while outputs
        .iter()
        .any(|output| std::fs::metadata(output).map_or(0, |file| file.len()) < 500_000)
    {
        assert!(begin.elapsed() < PATIENCE, "the viewers write nothing");
        std::thread::yield_now();
    }
    let mut says = viewers.each_mut().map(Half::stderr);
    let killed = Instant::now();
    producer.kill();
    for said in &mut says {
        wait_for(said, "the producer is gone");
    }
    let noticed = killed.elapsed();
    println!("noticed after {noticed:?}");
    assert!(noticed < Duration::from_secs(1), "{noticed:?}");
    let restarted = place.start(&[
        "produce", "kp", "--size", "320x180", "--fps", "240", "--frames", "60", "--json",
    ]);
    assert_eq!(restarted.json()["sent"], 60);
    for viewer in viewers {
        let report = viewer.json();
        println!("{report}");
        assert!(report["received"].as_u64().unwrap() > 60);
        assert_eq!(
            (report["lost"].as_u64(), report["torn"].as_u64()),
            (Some(0), Some(0))
        );
    }
    assert_eq!(place.left_overs(), Vec::<String>::new());
}
