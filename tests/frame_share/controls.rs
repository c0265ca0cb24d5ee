//! What must be found: a frame that is not what was drawn, and a recorder that lets go too early. And deaths at every step of one that does not.

use std::process::Output;

use super::common::{child::Child, system, until};
use super::films::{Film, is_same, same};
use super::halves::{Place, all_free};

const FILM: Film = Film {
    width: 64,
    height: 36,
    frames: 60,
};

#[test]
fn a_spoiled_frame_is_found_by_everybody() {
    let place = Place::new("spoiled");
    let recording = place.file("recording.y4m");
    #[rustfmt::skip]
    let producer = [
        "produce", "sp", "--size", "64x36", "--frames", "20", "--fps", "max", "--recorded", "--start-with", "2", "--spoil", "7",
    ];
    let producer = place.start(&producer);
    let viewers = [
        place.start(&["view", "sp", "--json"]),
        place.start(&["view", "sp", "--json"]),
    ];
    let recorder = place.start(&["record", "sp", &recording, "--json"]);
    let find = |output: Output| {
        let said = String::from_utf8(output.stderr).unwrap();
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        (output.status.success(), said, report["torn"].clone())
    };
    for side in viewers.into_iter().chain([recorder]) {
        let (well, said, torn) = find(side.finish());
        assert!(!well && torn == 1, "{said}");
        assert!(
            said.contains("torn: the checksum of frame 7 is wrong"),
            "{said}"
        );
    }
    assert!(producer.finish().status.success());
}

/// Waits until a process stops itself, and kills it.
fn kill_once_stopped(mut command: std::process::Command) {
    let child = Child::of(command.spawn().unwrap());
    until("it stops", || system::has_halted(child.pid()));
    child.kill_and_reap();
}

/// Records a film with a recorder that stops at this step, is killed there, and has a successor. What that says, and whether the
/// recording is the film.
fn recorder_killed_at(step: &str, options: &[&str]) -> (Output, bool) {
    let place = Place::new(&format!(
        "step-{}-{}",
        step.replace(':', "-"),
        options.len()
    ));
    let (film, recording) = (place.file("film.y4m"), place.file("recording.y4m"));
    FILM.write(&film);
    #[rustfmt::skip]
    let producer = [
        "produce", "st", "--input", &film, "--fps", "max", "--recorded", "--viewers", "1", "--json",
    ];
    let mut producer = place.start(&producer);
    let segment = place.segment("st");
    let viewer = place.start(&["view", "st", "--json"]);
    let record = ["record", "st", &recording, "--json"];
    kill_once_stopped(place.command(&[&record[..], &["--halt", step], options].concat()));
    let successor = place.start(&record).finish();
    if successor.status.success() {
        assert_eq!(producer.json()["sent"], FILM.frames);
        let viewer = viewer.json();
        assert_eq!(
            (&viewer["received"], &viewer["lost"]),
            (&FILM.frames.into(), &0.into())
        );
        same(&film, &recording);
        all_free(segment);
    } else {
        // It waits for a recorder that does better.
        producer.child().kill().unwrap();
    }
    (successor, is_same(&film, &recording))
}

#[test]
fn a_producer_killed_at_any_step_of_a_frame_is_replaced() {
    // What the recorder, and a viewer, see once more.
    for (step, recorder, viewer) in [
        ("drawn:0", 0, 0),
        ("published:0", 0, 0),
        ("told:0", 1, 1),
        ("drawn:17", 0, 0),
        ("published:17", 0, 0),
        ("first:17", 1, 0),
        ("told:17", 1, 1),
        ("counted:17", 0, 0),
    ] {
        let place = Place::new(&format!("producer-{}", step.replace(':', "-")));
        let (film, recording) = (place.file("film.y4m"), place.file("recording.y4m"));
        FILM.write(&film);
        #[rustfmt::skip]
        let produce = [
            "produce", "pr", "--input", &film, "--fps", "max", "--recorded", "--viewers", "1", "--keep", "--json",
        ];
        let recorded = place.start(&["record", "pr", &recording, "--json"]);
        let viewed = place.start(&["view", "pr", "--json"]);
        kill_once_stopped(place.command(&[&produce[..], &["--halt", step]].concat()));
        let segment = place.segment("pr");
        let successor = place.start(&[&produce[..], &["--resume"]].concat());
        assert_eq!(successor.json()["sent"], FILM.frames, "{step}");
        let (recorded, viewed) = (recorded.json(), viewed.json());
        assert_eq!(recorded["again"], recorder, "{step}: {recorded}");
        let of_viewer = &viewed["per_viewer"][0];
        assert_eq!(of_viewer["again"], viewer, "{step}: {viewed}");
        assert_eq!(
            (&viewed["received"], &viewed["lost"]),
            (&FILM.frames.into(), &0.into()),
            "{step}: {viewed}"
        );
        assert_eq!(
            (&viewed["torn"], &viewed["disordered"]),
            (&0.into(), &0.into())
        );
        same(&film, &recording);
        all_free(segment);
    }
}

#[test]
fn a_recorder_killed_at_any_step_of_a_frame_is_replaced() {
    for step in [
        "half:0",
        "written:0",
        "popped:0",
        "half:17",
        "written:17",
        "popped:17",
    ] {
        let (successor, is_whole) = recorder_killed_at(step, &[]);
        let said = String::from_utf8_lossy(&successor.stderr);
        assert!(successor.status.success() && is_whole, "{step}: {said}");
        let report: serde_json::Value = serde_json::from_slice(&successor.stdout).unwrap();
        // Only what was written and not let go comes once more.
        let again = u64::from(step.starts_with("written"));
        assert_eq!(report["again"], again, "{step}");
    }
}

#[test]
fn a_recorder_that_lets_go_before_it_has_written_loses_a_frame() {
    let (successor, is_whole) = recorder_killed_at("popped:17", &["--pop-first"]);
    let said = String::from_utf8_lossy(&successor.stderr);
    assert!(!successor.status.success() && !is_whole, "{said}");
    assert!(
        said.contains("frame 17 is missing: frame 18 follows"),
        "{said}"
    );
}
