//! Requirements 17 to 19: whatever a distrusted region holds, now or a moment later, no call panics, none leaves the
//! region (which lies between guard pages, so leaving it kills the process), none takes long.
//!
//! The calls are those of the fuzz targets (`fuzz/bodies`); here they meet systematic garbage, and a second thread that
//! scribbles through a mapping of its own.
#![cfg(any(target_os = "linux", windows))]

#[path = "../fuzz/bodies/mod.rs"]
mod bodies;
#[path = "hostile/controls.rs"]
mod controls;
#[path = "hostile/images.rs"]
mod images;
mod regions;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use bodies::room::{Arena, Script};
use images::{Image, every_image};
use regions::guarded::{Mapping, Memory};
use regions::{HEAD, TAIL, Trust};
use ringpad::bytes::{Bytes, Config};
use ringpad::mailslot::reliable::{self, Delivery, Reliable};
use ringpad::mailslot::{Next, Start};
use ringpad::notepad::{self, Missed, Notepad};
use ringpad::spsc::{self, Spsc};
use ringpad::{Channel, Region};

impl Arena for Mapping {
    fn region(&self) -> Region<'_> {
        Mapping::region(self, Trust::Distrusted)
    }

    fn scribble(&self, at: usize, value: u32) {
        self.word(at % (self.len() / 4) * 4).store(value, Relaxed);
    }
}

/// No single run of a body, a few hundred calls at most, may take longer; they take microseconds.
const PATIENCE: Duration = Duration::from_secs(60);

/// Small repeatable numbers.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() >> 16) as usize % limit.max(1)
    }

    /// A word that is likely to hurt.
    fn word(&mut self) -> u32 {
        let near = |power: u64, by: u64| {
            (1u32 << (power % 32))
                .wrapping_add(by as u32 % 17)
                .wrapping_sub(8)
        };
        match self.below(8) {
            0 => self.below(256) as u32,
            1 => u32::MAX - self.below(256) as u32,
            2 | 3 => near(self.next() >> 8, self.next() >> 8),
            4 => [b"REDY", b"BLDG", b"RETD", b"LIST"].map(|text| u32::from_le_bytes(*text))
                [self.below(4)],
            5 => (self.below(40) << 8 | self.below(40)) as u32,
            _ => self.next() as u32,
        }
    }

    fn script(&mut self, len: usize) -> Vec<u8> {
        (0..len).map(|_| (self.next() >> 24) as u8).collect()
    }
}

/// Runs the body of the image's kind over the mapping, and holds it to its time.
fn run(image: &Image, mapping: &Mapping, script: &[u8]) -> u32 {
    let since = Instant::now();
    let calls = (image.body)(mapping, &mut Script::new(script));
    assert!(
        since.elapsed() < PATIENCE,
        "{} took {:?}",
        image.name,
        since.elapsed()
    );
    calls
}

const INTERESTING: [u32; 27] = [
    0,
    1,
    2,
    3,
    7,
    8,
    31,
    32,
    33,
    63,
    64,
    127,
    128,
    512,
    0xff,
    0x101,
    0x102,
    0xffff,
    0x1_0000,
    0x1_0001,
    1 << 30,
    1 << 31,
    0x7fff_ffff,
    0xffff_0001,
    0xffff_fff8,
    0xffff_fffe,
    u32::MAX,
];

#[test]
fn each_word_of_a_good_image_may_hold_anything() {
    let mut dice = Dice(0x9e37_79b9);
    for image in every_image() {
        let memory = Memory::new(image.words.len() * 4);
        let mapping = memory.map();
        let script = dice.script(48);
        mapping.restore(&image.words);
        let whole = run(&image, &mapping, &script);
        assert!(whole > 1, "{}: the image itself is good", image.name);
        let mut refused = 0;
        for at in 0..image.words.len() {
            for value in INTERESTING
                .into_iter()
                .chain([image.words[at] ^ 1, image.words[at].swap_bytes()])
            {
                mapping.restore(&image.words);
                mapping.word(at * 4).store(value, Relaxed);
                refused += usize::from(run(&image, &mapping, &script) == 0);
            }
        }
        assert!(refused > 100, "{}: {refused} refused", image.name);
        mapping.check_canaries();
    }
}

#[test]
fn several_words_of_a_good_image_may_hold_anything() {
    let mut dice = Dice(7);
    for image in every_image() {
        let memory = Memory::new(image.words.len() * 4);
        let mapping = memory.map();
        let mut reached = 0;
        for _ in 0..1500 {
            mapping.restore(&image.words);
            for _ in 0..1 + dice.below(6) {
                let at = image.word_that_matters(dice.next());
                mapping.word(at * 4).store(dice.word(), Relaxed);
            }
            let script = dice.script(64);
            reached += u64::from(run(&image, &mapping, &script));
        }
        assert!(reached > 1000, "{}: {reached} calls", image.name);
        mapping.check_canaries();
    }
}

#[test]
fn any_bytes_may_be_attached_to() {
    let mut dice = Dice(0xdead_beef);
    for image in every_image() {
        for round in 0..400 {
            let len = 128 * dice.below(24) + 128;
            let memory = Memory::new(len);
            let mapping = memory.map();
            let density = 1 + dice.below(4);
            for at in 0..len / 4 {
                if dice.below(density) == 0 {
                    mapping.word(at * 4).store(dice.word(), Relaxed);
                }
            }
            if round % 2 == 0 {
                // As much of a good header as there is room for, so that more than the first check is met.
                for (at, &word) in image.words.iter().enumerate().take(17.min(len / 4)) {
                    mapping.word(at * 4).store(word, Relaxed);
                }
            }
            run(&image, &mapping, &dice.script(32));
            mapping.check_canaries();
        }
    }
}

/// Scribbles over the image until told to stop. Mostly a few words at a time, put right again, so that the victim gets on
/// and meets the change in the middle of something; now and then everything at once.
fn scribble(image: &Image, mapping: &Mapping, stop: &AtomicBool, seed: u64) -> u64 {
    let (mut dice, mut written) = (Dice(seed), 0);
    while !stop.load(Relaxed) {
        let wild = dice.below(64) == 0;
        let at: [usize; 3] = std::array::from_fn(|_| image.word_that_matters(dice.next()));
        for _ in 0..if wild { 200 } else { 1 } {
            for at in at {
                let at = if wild {
                    image.word_that_matters(dice.next())
                } else {
                    at
                };
                mapping.word(at * 4).store(dice.word(), Relaxed);
                written += 1;
            }
        }
        match wild {
            true => mapping.restore(&image.words),
            false => at
                .map(|at| mapping.word(at * 4).store(image.words[at], Relaxed))
                .into_iter()
                .collect(),
        }
    }
    written
}

#[test]
fn a_region_may_change_at_any_moment() {
    for (seed, image) in (1..).zip(every_image()) {
        let memory = Memory::new(image.words.len() * 4);
        let (mapping, theirs) = (memory.map(), memory.map());
        mapping.restore(&image.words);
        let (stop, reached) = (AtomicBool::new(false), AtomicU64::new(0));
        let written = std::thread::scope(|scope| {
            let enemy = scope.spawn(|| scribble(&image, &theirs, &stop, seed * 77));
            let (done, finished) = channel();
            let (victim_mapping, victim_image, counted) = (&mapping, &image, &reached);
            scope.spawn(move || {
                let mut dice = Dice(seed);
                for _ in 0..2500 {
                    // What the last script spoiled.
                    victim_mapping.restore(&victim_image.words);
                    let script = dice.script(200);
                    counted.fetch_add(run(victim_image, victim_mapping, &script).into(), Relaxed);
                }
                done.send(())
            });
            let outcome = finished.recv_timeout(Duration::from_secs(600));
            stop.store(true, Relaxed);
            if outcome == Err(RecvTimeoutError::Timeout) {
                // The victim cannot be stopped, and the scope would wait for it.
                eprintln!("{}: stands still after {reached:?} calls", image.name);
                std::process::abort();
            }
            enemy.join().unwrap()
        });
        mapping.check_canaries();
        let reached = reached.into_inner();
        assert!(
            reached > 2000 && written > 1000,
            "{}: {reached} calls, {written} words",
            image.name
        );
    }
}

/// Requirement 18: once attached, nothing that a header says matters any more.
#[test]
fn geometry_is_read_once() {
    let memory = Memory::new(Spsc::<u64>::layout(&spsc::Config::new(8)).unwrap().size());
    let mapping = memory.map();
    let ring = Spsc::<u64>::init(mapping.region(Trust::Distrusted), &spsc::Config::new(8)).unwrap();
    let spoil = |value| {
        (0..128)
            .step_by(4)
            .for_each(|at| mapping.word(at).store(value, Relaxed))
    };
    spoil(u32::MAX);
    let (mut tx, mut rx) = ring.split().unwrap();
    for n in 0..100 {
        spoil(n as u32);
        assert_eq!(tx.push_slice(&[n; 20]), 8);
        assert_eq!((tx.capacity(), rx.pop_slice(&mut [0; 20])), (8, 8));
    }
    let config = Config::records(256);
    let memory = Memory::new(Bytes::layout(&config).unwrap().size());
    let mapping = memory.map();
    let (mut tx, mut rx) = Bytes::init(mapping.region(Trust::Distrusted), &config)
        .unwrap()
        .split()
        .unwrap();
    (0..128)
        .step_by(4)
        .for_each(|at| mapping.word(at).store(u32::MAX, Relaxed));
    for n in 0..100 {
        tx.send(&[n; 100]).unwrap();
        assert_eq!(rx.recv(&mut [0; 100]), Ok(Some(&[n; 100][..])));
    }
}

/// The same of notepads and mailslots.
#[test]
fn geometry_of_stamped_slots_is_read_once() {
    let spoil = |mapping: &Mapping, value| {
        (0..128)
            .step_by(4)
            .for_each(|at| mapping.word(at).store(value, Relaxed))
    };
    let config = notepad::Config::bytes(40).slots(4);
    let memory = Memory::new(Notepad::<[u8]>::layout(&config).unwrap().size());
    let mapping = memory.map();
    let pad = Notepad::<[u8]>::init(mapping.region(Trust::Distrusted), &config).unwrap();
    let (mut tx, rx) = pad.split().unwrap();
    for n in 0..100 {
        spoil(&mapping, [u32::MAX, n, 1 << 20][n as usize % 3]);
        let text = [n as u8; 40];
        assert!(tx.write(&[0; 41]).is_err());
        tx.write(&text[..n as usize % 41]).unwrap();
        let note = rx.try_read_into(&mut [0; 40]).unwrap().unwrap();
        assert_eq!((note.value, rx.most_bytes()), (n as usize % 41, 40));
        // A length that no writer writes.
        let slot = 384 + 128 * (note.version.get() as usize % 4);
        mapping.word(slot + 4).store(41 + n, Relaxed);
        assert_eq!(rx.try_read_into(&mut [0; 99]), Err(Missed::Corrupt));
    }
    mapping.check_canaries();
    let config = reliable::Config::bytes(4, 40, 2).lag(3);
    let memory = Memory::new(Reliable::<[u8]>::layout(&config).unwrap().size());
    let mapping = memory.map();
    let mail = Reliable::<[u8]>::init(mapping.region(Trust::Distrusted), &config).unwrap();
    let mut observer = mail.observer(Start::Oldest);
    spoil(&mapping, u32::MAX);
    let (mut tx, mut rx) = mail.split().unwrap();
    for n in 1..=100u32 {
        spoil(&mapping, [u32::MAX, n, 1 << 20][n as usize % 3]);
        let text = [n as u8; 40];
        assert!(tx.try_publish(&[0; 41]).is_err());
        tx.try_publish(&text[..n as usize % 41]).unwrap();
        // Three may be behind, whatever the header says now.
        let full = (1..3).all(|_| tx.try_publish(&[]).is_ok());
        assert!(full && tx.try_publish(&[]).is_err());
        let mut into = [0; 40];
        let mail = rx.poll_into(&mut into).unwrap();
        let (sequence, value) = (u64::from(3 * n - 2), n as usize % 41);
        assert_eq!(mail, Delivery::Mail { sequence, value });
        assert_eq!(
            observer.poll_into(&mut into).unwrap(),
            Next::Mail { sequence, value }
        );
        while let Delivery::Mail { .. } = rx.poll_into(&mut into).unwrap() {}
        while let Next::Mail { .. } = observer.poll_into(&mut into).unwrap() {}
    }
    mapping.check_canaries();
}

#[test]
fn positions_that_jump_are_corrupt_at_once() {
    let config = spsc::Config::new(8);
    let memory = Memory::new(Spsc::<u32>::layout(&config).unwrap().size());
    let mapping = memory.map();
    for value in INTERESTING {
        mapping.restore(&vec![0; mapping.len() / 4]);
        let ring = Spsc::<u32>::init(mapping.region(Trust::Distrusted), &config).unwrap();
        let (mut tx, mut rx) = ring.split().unwrap();
        assert_eq!(tx.push_slice(&[1; 8]), 8);
        mapping.word(TAIL).store(value, Relaxed);
        let believed = if value <= 8 { value } else { 0 };
        assert_eq!(rx.pop_slice(&mut [0; 99]), believed as usize, "{value:#x}");
        assert_eq!(rx.check().is_ok(), value <= 8);
        mapping.word(HEAD).store(value, Relaxed);
        assert_eq!((tx.slots(), tx.check().is_ok()), (believed, value <= 8));
    }
}
