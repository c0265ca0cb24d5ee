//! `kill -9` of either half: the others go on, and a restarted one takes its place.

use std::time::{Duration, Instant};

use super::halves::{Half, PATIENCE, Place, wait_for};

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
