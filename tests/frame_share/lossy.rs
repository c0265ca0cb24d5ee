//! Lossy viewers: slow ones and stopped ones miss frames, are told how many, and are in nobody's way.

use ringpad::os::SharedSegment;

use super::common::{child::Child, until};
use super::halves::{Half, Place};

/// Frames of this film that were sent so far.
fn sent(segment: &SharedSegment) -> u64 {
    let reader = segment.notepad_reader::<[u64; 2]>("sent").unwrap();
    let note = reader.try_read().unwrap_or(None);
    note.map_or(0, |note| note.value[1])
}

#[test]
fn slow_and_stopped_viewers_miss_frames_and_hold_up_nobody() {
    const FRAMES: u64 = 500;
    let place = Place::new("lossy");
    let frames = FRAMES.to_string();
    #[rustfmt::skip]
    let producer = [
        "produce", "lo", "--lossy", "--viewers", "4", "--start-with", "4", "--size", "64x36", "--fps", "200", "--frames", &frames, "--json",
    ];
    let producer = place.start(&producer);
    let view = |more: &[&str]| place.command(&[&["view", "lo", "--json"], more].concat());
    let fast = [Half::of(view(&[])), Half::of(view(&[]))];
    let slow = Half::of(view(&["--slow-ms", "40"]));
    let mut stopped = view(&[]).spawn().unwrap();
    let said = stopped.stdout.take().unwrap();
    let stopped = Child::of(stopped);

    let segment = place.segment("lo");
    until("the film begins", || sent(&segment) > 20);
    stopped.stop();
    // More than the mailslot holds.
    until("the film goes on", || sent(&segment) > 200);
    stopped.resume();
    drop(segment);

    let producer = producer.json();
    println!("{producer}");
    assert_eq!(
        (&producer["sent"], &producer["waits"]),
        (&FRAMES.into(), &0.into())
    );
    let number = |of: &serde_json::Value, part: &str| of["per_viewer"][0][part].as_u64().unwrap();
    let check = |report: &serde_json::Value| {
        println!("{report}");
        assert_eq!(
            (&report["torn"], &report["disordered"]),
            (&0.into(), &0.into())
        );
        assert_eq!(report["per_viewer"][0]["ending"], "end");
        let [received, lost, missed, stale] =
            ["received", "lost", "missed", "stale"].map(|part| number(report, part));
        // Those that it was told of before its first frame and behind its last are no gaps.
        assert!(lost <= missed + stale, "{lost} of {missed} and {stale}");
        assert!(received + missed + stale <= FRAMES);
        (received, missed, stale)
    };
    let mut stopped_said = String::new();
    std::io::Read::read_to_string(&mut { said }, &mut stopped_said).unwrap();
    let (received, missed, _) = check(&serde_json::from_str(&stopped_said).unwrap());
    assert!(received > 20 && missed > 100, "{received}, {missed}");
    let (received, missed, stale) = check(&slow.json());
    assert!(received < FRAMES / 2 && missed + stale > FRAMES / 2);
    for fast in fast {
        let (of_fast, ..) = check(&fast.json());
        assert!(of_fast > 2 * received, "{of_fast} beside {received}");
    }
    assert_eq!(place.left_overs(), Vec::<String>::new());
}

#[test]
fn a_lossy_viewer_finds_a_spoiled_frame_too() {
    let place = Place::new("lossy-spoiled");
    #[rustfmt::skip]
    let producer = [
        "produce", "ls", "--lossy", "--size", "64x36", "--frames", "1", "--fps", "max", "--spoil", "0",
    ];
    let producer = place.start(&producer);
    let output = place.start(&["view", "ls", "--json"]).finish();
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (output.status.success(), &report["torn"]),
        (false, &1.into())
    );
    assert!(producer.finish().status.success());
}

#[test]
fn a_guest_looks_at_a_lossless_run_and_holds_up_nobody() {
    let place = Place::new("guest");
    #[rustfmt::skip]
    let producer = [
        "produce", "gu", "--size", "64x36", "--fps", "200", "--frames", "200", "--viewers", "1", "--json",
    ];
    let producer = place.start(&producer);
    let guest = place.start(&["view", "gu", "--json", "--lossy", "--slow-ms", "50"]);
    let segment = place.segment("gu");
    // It has joined: the producer and it.
    until("the guest is there", || {
        let rows = (1..=segment.peers()).filter_map(ringpad::PeerId::new);
        rows.filter(|row| segment.occupant(*row).is_some()).count() == 2
    });
    drop(segment);
    let viewer = place.start(&["view", "gu", "--json"]).json();
    assert_eq!(
        (&viewer["received"], &viewer["lost"]),
        (&200.into(), &0.into())
    );
    assert_eq!(producer.json()["sent"], 200);
    let guest = guest.json();
    println!("{guest}");
    assert!(guest["received"].as_u64().unwrap() < 150 && guest["torn"] == 0);
    assert_eq!(place.left_overs(), Vec::<String>::new());
}
