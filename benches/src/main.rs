//! ringpad beside rtrb, in one run: interleaved repeats, pinned threads, medians and ratios.
//!
//! `cargo run --release` in this directory. On a noisy machine trust the ratios, not the figures.

use std::hint::spin_loop;
use std::sync::Barrier;
use std::time::Instant;

use ringpad::spsc::{Config, Spsc};
use ringpad::{AlignedBytes, Channel, Region};

const REPEATS: usize = 9;
const CAPACITY: u32 = 1024;
const ITEMS: u64 = 4_000_000;
const TRIPS: u64 = 200_000;
const BATCH: usize = 64;

/// A boxed room for one ring of u64.
fn room() -> Box<AlignedBytes<16384>> {
    Box::new(AlignedBytes::new())
}

fn pin(cpu: usize) {
    let mut set = rustix::thread::CpuSet::new();
    set.set(cpu);
    // Fewer cores than asked for: the placement printed says so.
    let _ = rustix::thread::sched_setaffinity(None, &set);
}

/// Runs two sides on two cores; nanoseconds from the common start to the end of the second.
fn race(first: impl FnOnce() + Send, second: impl FnOnce()) -> f64 {
    let start = Barrier::new(2);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            pin(1);
            start.wait();
            first();
        });
        pin(0);
        start.wait();
        let begin = Instant::now();
        second();
        begin.elapsed().as_nanos() as f64
    })
}

fn ringpad_one_by_one() -> f64 {
    let mut room = room();
    let region = Region::from_mut((*room).as_mut()).unwrap();
    let (mut tx, mut rx) = Spsc::<u64>::init(region, &Config::new(CAPACITY))
        .unwrap()
        .split()
        .unwrap();
    let send = move || {
        (0..ITEMS).for_each(|n| {
            while tx.push(n).is_err() {
                spin_loop()
            }
        })
    };
    race(send, || {
        for want in 0..ITEMS {
            loop {
                if let Some(found) = rx.pop() {
                    assert_eq!(found, want);
                    break;
                }
                spin_loop();
            }
        }
    }) / ITEMS as f64
}

fn rtrb_one_by_one() -> f64 {
    let (mut tx, mut rx) = rtrb::RingBuffer::<u64>::new(CAPACITY as usize);
    let send = move || {
        (0..ITEMS).for_each(|n| {
            while tx.push(n).is_err() {
                spin_loop()
            }
        })
    };
    race(send, || {
        for want in 0..ITEMS {
            loop {
                if let Ok(found) = rx.pop() {
                    assert_eq!(found, want);
                    break;
                }
                spin_loop();
            }
        }
    }) / ITEMS as f64
}

fn ringpad_batches() -> f64 {
    let mut room = room();
    let region = Region::from_mut((*room).as_mut()).unwrap();
    let (mut tx, mut rx) = Spsc::<u64>::init(region, &Config::new(CAPACITY))
        .unwrap()
        .split()
        .unwrap();
    let send = move || {
        let batch = [7; BATCH];
        let mut left = ITEMS as usize;
        while left > 0 {
            left -= tx.push_slice(&batch[..BATCH.min(left)]);
        }
    };
    race(send, || {
        let mut batch = [0; BATCH];
        let mut left = ITEMS as usize;
        while left > 0 {
            left -= rx.pop_slice(&mut batch);
        }
    }) / ITEMS as f64
}

fn rtrb_batches() -> f64 {
    let (mut tx, mut rx) = rtrb::RingBuffer::<u64>::new(CAPACITY as usize);
    let send = move || {
        let mut left = ITEMS as usize;
        while left > 0 {
            let count = BATCH.min(left).min(tx.slots());
            if let Ok(chunk) = tx.write_chunk_uninit(count) {
                left -= chunk.fill_from_iter(std::iter::repeat_n(7, count));
            }
        }
    };
    race(send, || {
        let mut sum = 0u64;
        let mut left = ITEMS as usize;
        while left > 0 {
            let count = BATCH.min(rx.slots());
            if let Ok(chunk) = rx.read_chunk(count) {
                let (first, second) = chunk.as_slices();
                sum += first.iter().chain(second).sum::<u64>();
                chunk.commit_all();
                left -= count;
            }
        }
        assert_eq!(sum, 7 * ITEMS);
    }) / ITEMS as f64
}

fn ringpad_round_trip() -> f64 {
    let (mut there, mut back) = (room(), room());
    let open = |room| {
        Spsc::<u64>::init(Region::from_mut(room).unwrap(), &Config::new(64))
            .unwrap()
            .split()
    };
    let (mut tx, mut echo_rx) = open((*there).as_mut()).unwrap();
    let (mut echo_tx, mut rx) = open((*back).as_mut()).unwrap();
    let echo = move || {
        for _ in 0..TRIPS {
            let value = loop {
                if let Some(value) = echo_rx.pop() {
                    break value;
                }
                spin_loop();
            };
            echo_tx.push(value).unwrap();
        }
    };
    race(echo, || {
        for n in 0..TRIPS {
            tx.push(n).unwrap();
            while rx.pop().is_none() {
                spin_loop()
            }
        }
    }) / TRIPS as f64
}

fn rtrb_round_trip() -> f64 {
    let (mut tx, mut echo_rx) = rtrb::RingBuffer::<u64>::new(64);
    let (mut echo_tx, mut rx) = rtrb::RingBuffer::<u64>::new(64);
    let echo = move || {
        for _ in 0..TRIPS {
            let value = loop {
                if let Ok(value) = echo_rx.pop() {
                    break value;
                }
                spin_loop();
            };
            echo_tx.push(value).unwrap();
        }
    };
    race(echo, || {
        for n in 0..TRIPS {
            tx.push(n).unwrap();
            while rx.pop().is_err() {
                spin_loop()
            }
        }
    }) / TRIPS as f64
}

/// A name, ours, theirs.
type Group = (&'static str, fn() -> f64, fn() -> f64);

fn main() {
    let groups: [Group; 3] = [
        (
            "u64 one by one, ns an item",
            ringpad_one_by_one,
            rtrb_one_by_one,
        ),
        (
            "u64 batches of 64, ns an item",
            ringpad_batches,
            rtrb_batches,
        ),
        ("u64 round trip, ns", ringpad_round_trip, rtrb_round_trip),
    ];
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    println!(
        "threads on cores 0 and 1 of {cores}; medians of {REPEATS} interleaved repeats (least..most)"
    );
    for (name, ours, theirs) in groups {
        let (mut a, mut b) = (Vec::new(), Vec::new());
        for _ in 0..REPEATS {
            a.push(ours());
            b.push(theirs());
        }
        let (a, b) = (Spread::of(a), Spread::of(b));
        println!(
            "{name:32} ringpad {a}   rtrb {b}   ratio {:.2}",
            a.median / b.median
        );
    }
}

/// Median and ends of some figures.
struct Spread {
    least: f64,
    median: f64,
    most: f64,
}

impl Spread {
    fn of(mut figures: Vec<f64>) -> Self {
        figures.sort_by(f64::total_cmp);
        Self {
            least: figures[0],
            median: figures[figures.len() / 2],
            most: figures[figures.len() - 1],
        }
    }
}

impl std::fmt::Display for Spread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{:8.2} ({:.2}..{:.2})",
            self.median, self.least, self.most
        )
    }
}
