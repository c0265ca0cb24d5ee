//! A film under fire: a producer, a recorder and four viewers, any of whom is killed at any time and started again by the launcher.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use super::common::system::Process;
use super::common::{Dice, number};
use super::films::{Film, same};
use super::halves::{Half, Place, all_free};

const FILM: Film = Film {
    width: 64,
    height: 36,
    frames: 600,
};
const PARTS: [&str; 6] = [
    "producer", "recorder", "viewer 0", "viewer 1", "viewer 2", "viewer 3",
];

/// What is said of deaths.
const EXPECTED: [&str; 2] = [
    "waiting for viewers",
    "the producer is gone; waiting for another",
];

/// Who runs now, by what the launcher says.
struct Cast {
    lines: Receiver<String>,
    launcher: u32,
    running: BTreeMap<String, Process>,
    /// What else was said: complaints.
    said: Vec<String>,
}

impl Cast {
    fn of(launcher: &mut Half) -> Self {
        let (send, lines) = channel();
        let errors = launcher.child().stderr.take().unwrap();
        std::thread::spawn(move || {
            let all = BufReader::new(errors).lines().map_while(Result::ok);
            all.for_each(|line| _ = send.send(line));
        });
        Self {
            lines,
            launcher: launcher.child().id(),
            running: BTreeMap::new(),
            said: Vec::new(),
        }
    }

    /// Takes in what the launcher said since.
    fn hear(&mut self) {
        while let Ok(line) = self.lines.try_recv() {
            self.note(line);
        }
    }

    fn note(&mut self, line: String) {
        let Some((part, pid)) = line.split_once(" is process ") else {
            if !EXPECTED.contains(&&*line) {
                self.said.push(line);
            }
            return;
        };
        if let Some(process) = Process::child_of(self.launcher, pid.parse().unwrap()) {
            self.running.insert(part.to_owned(), process);
        }
    }

    /// Kills a part; false if it has not come, or has ended by itself.
    fn kill(&mut self, part: &str) -> bool {
        let process = self.running.remove(part);
        process.is_some_and(|process| process.kill())
    }
}

/// One film, under so many kills; every other one with lossy viewers. Answers how often each part was killed.
fn shoot(dice: &mut Dice, number: u64, most: u64) -> [u64; 6] {
    let place = Place::new(&format!("torture-{number}"));
    let (film, recording) = (place.file("film.y4m"), place.file("recording.y4m"));
    let log = place.file("log");
    FILM.write(&film);
    #[rustfmt::skip]
    let args = [
        "--respawn", "--input", &film, "--recorder", &recording, "--viewers", "4", "--fps", "400", "--name", "torture", "--log", &log, "--json",
    ];
    let is_lossy = number % 2 == 1;
    let lossy = ["--lossy"];
    let args = [&args[..], &lossy[..usize::from(is_lossy)]].concat();
    let mut launcher = place.start(&args);
    let mut cast = Cast::of(&mut launcher);
    let segment = place.segment("torture");

    let mut kills = [0; 6];
    let begun = Instant::now();
    while kills.iter().sum::<u64>() < most {
        std::thread::sleep(Duration::from_micros(dice.below(60_000)));
        cast.hear();
        // Now and then two, now and then everybody.
        let (first, count) = match dice.below(16) {
            0 => (0, 6),
            1..=3 => (dice.below(6), 2),
            _ => (dice.below(6), 1),
        };
        for part in first..first + count {
            let part = part as usize % 6;
            kills[part] += u64::from(cast.kill(PARTS[part]));
        }
        if launcher.child().try_wait().unwrap().is_some() {
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "{kills:?}");
    }

    let shot = begun.elapsed();
    let report = launcher.json();
    cast.hear();
    assert_eq!(cast.said, Vec::<String>::new(), "complaints");
    assert_eq!(report["sent"], FILM.frames);
    assert_eq!(report["respawned"], kills.iter().sum::<u64>());
    same(&film, &recording);
    for viewer in report["per_viewer"].as_array().unwrap() {
        assert_eq!(viewer["ending"], "end");
        let [received, first, lost, torn, disordered] =
            ["received", "first", "lost", "torn", "disordered"]
                .map(|part| viewer[part].as_u64().unwrap());
        assert_eq!((torn, disordered), (0, 0), "{viewer}");
        // Its last life saw all the rest of the film; nothing, if it had seen the end before.
        assert!(is_lossy || lost == 0, "{viewer}");
        assert!(
            is_lossy || received == 0 || first + received == FILM.frames as u64,
            "{viewer}"
        );
    }
    if !is_lossy {
        // All its lives together saw every frame, the last one of a life once more at most.
        for viewer in 0..4 {
            let bytes = std::fs::read(format!("{log}-{viewer}")).unwrap();
            let numbers = bytes
                .chunks(8)
                .map(|n| u64::from_le_bytes(n.try_into().unwrap()));
            assert_eq!(gap(numbers), Err(FILM.frames as u64), "viewer {viewer}");
        }
    }
    println!("{kills:?} kills in {shot:?}, {:?} in all", begun.elapsed());
    all_free(segment);
    assert_eq!(place.left_overs(), Vec::<String>::new());
    kills
}

/// The first number that is neither the next one nor the last one again; or how many there are.
fn gap(numbers: impl Iterator<Item = u64>) -> Result<u64, u64> {
    let mut next = 0;
    for number in numbers {
        match number {
            _ if number == next => next += 1,
            _ if number + 1 == next => {}
            _ => return Ok(number),
        }
    }
    Err(next)
}

#[test]
fn a_gap_is_found() {
    assert_eq!(gap([0, 0, 1, 2, 2, 2, 3].into_iter()), Err(4));
    assert_eq!(gap([0, 1, 3].into_iter()), Ok(3));
    assert_eq!(gap([0, 1, 2, 1].into_iter()), Ok(1));
    assert_eq!(gap([1].into_iter()), Ok(1));
}

#[test]
fn kill_any_of_the_six_at_any_time() {
    let wanted = number("RINGPAD_SHARE_KILLS", 200);
    let mut dice = Dice::new();
    println!("seed {}", dice.seed());
    let (mut all, mut films, begun) = ([0; 6], 0, Instant::now());
    while all.iter().sum::<u64>() < wanted {
        let left = wanted - all.iter().sum::<u64>();
        let kills = shoot(&mut dice, films, left.min(50));
        films += 1;
        all.iter_mut()
            .zip(kills)
            .for_each(|(all, kills)| *all += kills);
    }
    println!(
        "{all:?} kills of {PARTS:?} in {films} films, {:?}",
        begun.elapsed()
    );
    assert!(all.iter().all(|kills| *kills > 0), "{all:?}");
}
