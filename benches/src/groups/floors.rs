//! What the machine itself takes: a cache line there and back, a copy by one thread. A channel pays the first for each message
//! that is waited for, and the second, in its own way, for each that is moved.

use std::hint::{black_box, spin_loop};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

use super::round_trip::{histogram, of_histogram};
use crate::harness::control::Line;
use crate::harness::{Bench, Entry, Sample, processes::Partner, threads};

const WARM_UP: u64 = 256;

fn wait_for(word: &AtomicU64, value: u64) {
    while word.load(Ordering::Acquire) != value {
        spin_loop();
    }
}

/// The side that answers: sees 2n + 1 in `from`, writes 2n + 2 to `to`. One line if both are the same.
fn pong(from: &AtomicU64, to: &AtomicU64, count: u64) {
    for n in 0..WARM_UP + count {
        wait_for(from, 2 * n + 1);
        to.store(2 * n + 2, Ordering::Release);
    }
}

fn ping(to: &AtomicU64, from: &AtomicU64, count: u64) -> Duration {
    let turns = |range: std::ops::Range<u64>| {
        for n in range {
            to.store(2 * n + 1, Ordering::Release);
            wait_for(from, 2 * n + 2);
        }
    };
    turns(0..WARM_UP);
    let begin = Instant::now();
    turns(WARM_UP..WARM_UP + count);
    begin.elapsed()
}

fn ping_each(to: &AtomicU64, from: &AtomicU64, count: u64) -> Histogram<u64> {
    let mut histogram = histogram();
    for n in 0..WARM_UP + count {
        let begin = Instant::now();
        to.store(2 * n + 1, Ordering::Release);
        wait_for(from, 2 * n + 2);
        if n >= WARM_UP {
            histogram.saturating_record(begin.elapsed().as_nanos() as u64);
        }
    }
    histogram
}

/// The cells of round trips, whose floor does not depend on the size.
const SIZES: [usize; 4] = [8, 64, 256, 4096];

pub fn ping_pong(all: &mut Vec<Entry>) {
    for size in SIZES {
        for two in [false, true] {
            let lines = if two { "two lines" } else { "one line" };
            let cell = format!("round-trip/{size}");
            all.push(Entry::new(
                &*cell,
                format!("floor: {lines}, threads"),
                "ns",
                move |bench| {
                    let (there, back) = (Line::default(), Line::default());
                    let back = if two { &back.0 } else { &there.0 };
                    let answer = || pong(&there.0, back, bench.count);
                    let ask = || ping(&there.0, back, bench.count);
                    Sample::each(threads::race(bench.placement, answer, ask).1, bench.count)
                },
            ));
            all.push(between_processes(&cell, two, false));
        }
    }
}

/// One line, or one each way, between processes.
fn between_processes(cell: &str, two: bool, each: bool) -> Entry {
    let lines = if two { "two lines" } else { "one line" };
    let run = move |bench: &Bench<'_>| {
        let partner = Partner::start(bench.placement, bench.name, "", bench.count);
        let page = partner.control.page();
        let back = if two { &page.back.0 } else { &page.there.0 };
        partner.control.go();
        let sample = if each {
            of_histogram(ping_each(&page.there.0, back, bench.count))
        } else {
            Sample::each(ping(&page.there.0, back, bench.count), bench.count)
        };
        partner.finish();
        sample
    };
    let entry = Entry::new(cell, format!("floor: {lines}, processes"), "ns", run);
    entry.with_partner(move |side, control| {
        let page = control.page();
        let back = if two { &page.back.0 } else { &page.there.0 };
        control.ready();
        pong(&page.there.0, back, side.count);
    })
}

/// A line each way between processes, for a cell of another group; with `each` every trip is timed by itself.
pub fn two_lines(cell: &str, each: bool) -> Entry {
    between_processes(cell, true, each)
}

/// Copies `bytes` bytes at a time through a buffer of `capacity` such, in one thread.
fn copy(bytes: usize, capacity: usize, count: u64) -> Duration {
    let from = black_box(vec![7u8; bytes]);
    let mut buffer = vec![1u8; bytes * capacity];
    let begin = Instant::now();
    for n in 0..count as usize {
        // Capacities are powers of two: a division would cost more than the copy.
        let at = (n & (capacity - 1)) * bytes;
        buffer[at..at + bytes].copy_from_slice(&from);
        black_box(&mut buffer[at..at + bytes]);
    }
    begin.elapsed()
}

/// A copy in, for each shape of message or record; a batch is copied at once.
pub fn copies(all: &mut Vec<Entry>, cells: impl Iterator<Item = (String, usize, usize, usize)>) {
    for (cell, bytes, capacity, batch) in cells {
        all.push(Entry::new(cell, "floor: memcpy", "ns", move |bench| {
            let times = bench.count.div_ceil(batch as u64);
            let took = copy(bytes * batch, capacity / batch, times);
            Sample::each(took, times * batch as u64)
        }));
    }
}

/// Round trips of two lines between threads, timed one by one: what the clock adds to each, too.
pub fn ping_pong_each(all: &mut Vec<Entry>) {
    for size in SIZES {
        let cell = format!("latency/{size}");
        all.push(Entry::new(
            cell,
            "floor: two lines, threads",
            "ns",
            |bench| {
                let (there, back) = (Line::default(), Line::default());
                let answer = || pong(&there.0, &back.0, bench.count);
                let ask = || ping_each(&there.0, &back.0, bench.count);
                of_histogram(threads::race(bench.placement, answer, ask).1)
            },
        ));
    }
}
