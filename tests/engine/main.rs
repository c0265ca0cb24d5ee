//! The engine example under fire: its decoder is killed at any time, and the engine neither waits, nor draws what is torn, nor loses a frame.
#![cfg(all(feature = "std", any(target_os = "linux", windows)))]

#[path = "../common/example.rs"]
mod builds;
#[path = "../common/mod.rs"]
mod common;
mod look;
#[cfg(unix)] // Windows has no pseudo terminals of this kind
mod terminal;

use std::io::Write;
use std::time::{Duration, Instant};

use common::room::Room;
use common::system::{self, FAILED};
use common::{Dice, number, until};
use look::{Engine, Look, NAME, command, is_good, kill, of};
use ringpad::frames::Picture;
use ringpad::os::FrameUser;

#[test]
fn the_decoder_may_be_killed_at_any_time() {
    let kills = number("RINGPAD_ENGINE_KILLS", 40);
    let (room, mut dice) = (Room::new("engine"), Dice::new());
    println!("RINGPAD_SEED={}", dice.seed());
    let engine = Engine::start(&room, &[]);
    let look = Look::at(&room);
    let begin = Instant::now();
    let (mut last, mut slowest) = (0, Duration::ZERO);
    for _ in 0..kills {
        let before = Instant::now();
        let victim = if dice.below(4) == 0 {
            // As soon as it has come, whatever it is about.
            let mut pid = None;
            until("a decoder", || {
                pid = look.decoder();
                pid.is_some()
            });
            std::thread::sleep(Duration::from_micros(dice.below(3_000)));
            pid.unwrap()
        } else {
            let (decoder, pid) = look.next(last);
            slowest = slowest.max(before.elapsed());
            last = decoder;
            // Through some of its pictures.
            std::thread::sleep(Duration::from_micros(dice.below(60_000)));
            pid
        };
        kill(victim);
        // Not at once: until then it would be chosen again.
        until("its death", || look.decoder() != Some(victim));
        let segments = room.files();
        let segments = segments.iter().filter(|name| name.ends_with(".seg"));
        assert_eq!(segments.count(), 1);
    }
    let took = begin.elapsed();
    let (_, decoder) = look.newest();
    look.next(decoder);
    let (report, status) = engine.end();
    println!("{kills} kills in {took:?}; the next picture at the latest after {slowest:?}");
    is_good(&report);
    assert!(status.success());
    let deaths = of(&report, "deaths");
    assert_eq!(deaths, kills, "each was one, and none besides: {report}");
    assert!(of(&report, "recoveries") > deaths / 4, "{report}");
    assert_eq!((of(&report, "kills"), of(&report, "stuck")), (0, 0));
    // Seen from outside too, while the memory is still there.
    let me = look.segment.join().unwrap();
    let pool = me.frame_user("frames").unwrap();
    assert_eq!(u64::from(pool.free()), of(&report, "frames"));
    drop((pool, me, look));
    assert_eq!(room.files(), [""; 0]);
}

/// The control: an engine that waits for its pictures sleeps, and says so. Windows counts nobody's sleeps.
#[cfg(all(unix, not(ringpad_flock)))]
#[test]
fn an_engine_that_waits_is_caught() {
    let room = Room::new("waits");
    let engine = Engine::start(&room, &["--careless", "wait", "--seconds", "2"]);
    let (report, status) = engine.ends();
    assert_eq!(status.code(), Some(FAILED));
    let (blocked, shown) = (of(&report, "blocked"), of(&report, "shown"));
    assert!(blocked >= shown / 2 && blocked > 0, "{report}");
}

/// The control: pictures that are published half decoded are seen at every tick.
#[test]
fn a_torn_picture_is_caught() {
    let room = Room::new("early");
    let engine = Engine::start(&room, &["--careless", "early", "--seconds", "2"]);
    let (report, status) = engine.ends();
    assert_eq!(status.code(), Some(FAILED));
    assert!(of(&report, "torn") >= of(&report, "shown"), "{report}");
    assert!(
        of(&report, "shown") > 0 && of(&report, "blocked") == 0,
        "{report}"
    );
}

/// What a decoder says that was taken over by its film is refused, and the engine goes on with the last good picture.
#[test]
fn a_decoder_that_lies_is_not_believed() {
    for trust in [None, Some("--distrust")] {
        let room = Room::new("lies");
        let lie = ["--careless", "lie", "--seconds", "2"]
            .into_iter()
            .chain(trust);
        let engine = Engine::start(&room, &lie.collect::<Vec<_>>());
        let (report, status) = engine.ends();
        assert_eq!(status.code(), Some(FAILED));
        let (refused, shown) = (of(&report, "refused"), of(&report, "shown"));
        assert!(refused > 10 && shown > 10, "{report}");
        assert_eq!((of(&report, "torn"), of(&report, "blocked")), (0, 0));
    }
}

/// Memory that nobody lends: pictures are copied, the torn ones are never drawn, and the dead leave nothing there either.
#[test]
fn a_distrusted_decoder_may_be_killed_too() {
    let room = Room::new("distrust");
    // Under Wine a decoder takes its time to start.
    let [most, brief] = [["3", "1"], ["12", "4"]][usize::from(cfg!(windows))];
    let options = ["--distrust", "--kill-every", "0.1", "--seconds", most];
    let (report, status) = Engine::start(&room, &options).ends();
    is_good(&report);
    assert!(status.success());
    let kills = of(&report, "kills");
    assert!(kills >= 3 && of(&report, "deaths") == kills, "{report}");
    assert_eq!(room.files(), [""; 0], "it has no name");
    let early = ["--distrust", "--careless", "early", "--seconds", brief];
    let (report, status) = Engine::start(&room, &early).ends();
    assert!(
        of(&report, "refused") > 0 && of(&report, "torn") == 0,
        "{report}"
    );
    assert_eq!(status.code(), Some(FAILED));
}

#[test]
fn a_decoder_that_hangs_is_replaced_while_the_engine_draws() {
    let room = Room::new("hangs");
    let engine = Engine::start(&room, &["--patience", "2"]);
    let look = Look::at(&room);
    let (first, pid) = look.next(0);
    system::stop_number(pid);
    look.next(first);
    let (report, status) = engine.end();
    is_good(&report);
    assert!(status.success());
    assert_eq!((of(&report, "stuck"), of(&report, "deaths")), (1, 1));
    // It stood still for two seconds, and was drawn all the while.
    assert!(of(&report, "longest_ns") > 1_900_000_000, "{report}");
    assert!(of(&report, "repeated") > 50, "{report}");
}

#[test]
fn an_engine_that_is_killed_takes_its_decoder_along_and_the_next_goes_on() {
    let room = Room::new("gone");
    let engine = Engine::start(&room, &[]);
    let look = Look::at(&room);
    let (_, decoder) = look.next(0);
    let refused = command(&room, &[]).output().unwrap();
    let why = String::from_utf8(refused.stderr).unwrap();
    let pid = engine.child.pid();
    let want = format!("06_engine: {NAME} has an engine, pid {pid}\n");
    assert_eq!((refused.status.code(), why), (Some(FAILED), want));
    engine.child.kill_and_reap();
    until("its decoder is gone", || look.decoder() != Some(decoder));
    let (ticket, _) = look.newest();
    let next = Engine::start(&room, &[]);
    look.moves_on(ticket);
    // What the dead two held is free again, though nobody saw them die.
    let (report, status) = next.end();
    is_good(&report);
    assert!(status.success());
    drop(look);
    assert_eq!(room.files(), [""; 0]);
}

/// The picture that a ticket stands for.
fn picture(frames: &FrameUser, look: &Look) -> Option<Picture> {
    let view = frames.view(look.newest().0).ok()?;
    Some(view.picture())
}

#[test]
fn commands_reach_the_decoder_and_the_next_one_too() {
    let room = Room::new("commands");
    let mut engine = Engine::start(&room, &[]);
    let look = Look::at(&room);
    let (first, pid) = look.next(0);
    let me = look.segment.join().unwrap();
    let frames = me.frame_user("frames").unwrap();

    let is_at = |number: u64| {
        let found = picture(&frames, &look);
        found.is_some_and(|found| found.sequence == number)
    };
    writeln!(engine.keys, "pause\nseek 100000").unwrap();
    until("the picture that was sought", || is_at(100_000));
    let found = picture(&frames, &look).unwrap();
    assert_eq!((found.width, found.height), (320, 180));
    assert_eq!(found.timestamp_ns, 100_000 * 1_000_000_000 / 60);
    // The engine has seen it too, or the next decoder would be told to go on elsewhere; nothing else says so.
    let still = Instant::now();
    while still.elapsed() < Duration::from_millis(300) {
        assert!(is_at(100_000), "it is paused");
        std::thread::sleep(Duration::from_millis(5));
    }
    kill(pid);
    let (second, _) = look.next(first);
    assert!(
        second > first && is_at(100_001),
        "the next one goes on there"
    );
    let still = Instant::now();
    while still.elapsed() < Duration::from_millis(300) {
        assert!(is_at(100_001), "and is paused too");
        std::thread::sleep(Duration::from_millis(5));
    }
    writeln!(engine.keys, "play").unwrap();
    until("it plays", || {
        picture(&frames, &look).is_some_and(|found| found.sequence > 100_010)
    });
    drop((frames, me));
    let (report, status) = engine.end();
    is_good(&report);
    assert!(status.success());
}

#[test]
fn a_file_is_played_and_one_that_cannot_be_is_named() {
    let room = Room::new("files");
    let file = room.path().join("film.y4m");
    let path = file.to_str().unwrap();
    let mut film = b"YUV4MPEG2 W64 H36 F50:1 C420jpeg\n".to_vec();
    for number in 0..7 {
        film.extend(b"FRAME\n");
        film.extend([number; 64 * 36 * 3 / 2]);
    }
    std::fs::write(&file, &film).unwrap();
    let engine = Engine::start(&room, &["--input", path]);
    let look = Look::at(&room);
    look.next(0);
    let (ticket, _) = look.newest();
    assert_eq!(ticket.len, 64 * 36 * 3 / 2);
    let (mut seen, mut last) = (0, ticket);
    until("ten pictures", || {
        let (now, _) = look.newest();
        seen += u32::from(now != last);
        last = now;
        seen >= 10
    });
    drop(look);
    let (report, status) = engine.end();
    is_good(&report);
    assert!(status.success());

    let refused = |arguments: &[&str]| {
        let output = command(&room, arguments).output().unwrap();
        assert_eq!(String::from_utf8(output.stdout).unwrap(), "");
        (
            output.status.code(),
            String::from_utf8(output.stderr).unwrap(),
        )
    };
    let (code, why) = refused(&["--input", "no/such.y4m"]);
    let nowhere = std::fs::File::open("no/such.y4m").unwrap_err();
    let gave_up = system::end(FAILED);
    let want =
        format!("06_engine: no/such.y4m: {nowhere}\n06_engine: the decoder gave up: {gave_up}\n");
    assert_eq!((code, why), (Some(FAILED), want));
    let mut large = b"YUV4MPEG2 W640 H360\nFRAME\n".to_vec();
    large.resize(large.len() + 640 * 360 * 3 / 2, 0);
    std::fs::write(&file, &large).unwrap();
    let (code, why) = refused(&["--input", path]);
    assert!(
        code == Some(FAILED) && why.contains("640x360 are larger"),
        "{why}"
    );
    for nonsense in [&["--hz", "0"][..], &["--kill-every", "soon"], &["paint"]] {
        let (code, why) = refused(nonsense);
        let named = why.contains(nonsense[nonsense.len() - 1]);
        assert!(code == Some(2) && named, "{why}");
    }
    assert_eq!(room.files(), [""; 0]);
}
