//! A frame handed from one process to another where it lies, and its number back, both sides polling.
//!
//! Of a frame's bytes only the first and the last eight are written and read: what is timed is the hand-over. It grows with the
//! frame only where bytes are moved.

use std::hint::black_box;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

use super::round_trip::{histogram, of_histogram};
use super::{floors, poll, poll_until};
use crate::ends::frames::{FrameGiver, FramePeer, FrameTaker};
use crate::harness::{Bench, Entry, Sample, processes::Partner};

/// Pictures of four bytes a pixel.
pub const FULL_HD: usize = 1920 * 1080 * 4;
pub const FOUR_K: usize = 3840 * 2160 * 4;

/// Bytes of a frame.
pub const SIZES: [usize; 5] = [64, 4096, 65536, FULL_HD, FOUR_K];
/// The one whose trips are also timed by themselves.
const TIMED: usize = FULL_HD;
/// What is larger than this takes so long to copy that a few repeats must do.
const SHORT: usize = 65536;
const PAGE: usize = 4096;
/// The cell in which all sizes stand.
const SIDE_BY_SIDE: &str = "frames-sizes/in place";

fn cell(bytes: usize) -> String {
    format!("frames/{bytes}")
}

/// Round trips before the clock starts: pages are touched, predictors settle.
fn warm_up<P: FramePeer>(bytes: usize) -> u64 {
    if P::COPIES && bytes > SHORT { 4 } else { 256 }
}

/// The entry as it is, or with small counts where its frames are copied and large.
fn suited(entry: Entry, copies: bool, bytes: usize) -> Entry {
    if copies && bytes > SHORT {
        entry.of_few()
    } else {
        entry
    }
}

/// A frame's number stands at both its ends.
fn mark(frame: &mut [u8], bytes: usize, number: u64) {
    assert_eq!(frame.len(), bytes, "a frame of another length to fill");
    let number = number.to_le_bytes();
    frame[..8].copy_from_slice(&number);
    frame[bytes - 8..].copy_from_slice(&number);
}

/// The number of a whole frame.
fn number(frame: &[u8], bytes: usize) -> u64 {
    assert_eq!(frame.len(), bytes, "a frame of another length came");
    let (first, last) = (frame.first_chunk(), frame.last_chunk());
    assert_eq!(first, last, "a torn frame");
    u64::from_le_bytes(*first.expect("a frame that has a number"))
}

/// Takes so many frames, of which each must be the one that is due.
fn take(from: &mut impl FrameTaker, bytes: usize, count: u64) {
    for due in 0..count {
        let number = poll(|| from.take(|frame| number(frame, bytes)));
        assert_eq!(number, due, "another frame came");
        poll_until(|| from.answer(number));
    }
}

#[inline(always)]
fn trip(to: &mut impl FrameGiver, bytes: usize, number: u64) {
    poll_until(|| to.give(|frame| mark(frame, bytes, number)));
    let reply = poll(|| to.reply());
    assert_eq!(reply, number, "another number came back");
}

fn give(to: &mut impl FrameGiver, bytes: usize, warm_up: u64, count: u64) -> Duration {
    (0..warm_up).for_each(|n| trip(to, bytes, n));
    let begin = Instant::now();
    (warm_up..warm_up + count).for_each(|n| trip(to, bytes, n));
    begin.elapsed()
}

/// As [`give`], each trip timed by itself; the clock's own time is in it.
fn give_each(to: &mut impl FrameGiver, bytes: usize, warm_up: u64, count: u64) -> Histogram<u64> {
    (0..warm_up).for_each(|n| trip(to, bytes, n));
    let mut histogram = histogram();
    for n in warm_up..warm_up + count {
        let begin = Instant::now();
        trip(to, bytes, n);
        histogram.saturating_record(begin.elapsed().as_nanos() as u64);
    }
    histogram
}

fn between<P: FramePeer + 'static>(
    cell: String,
    contender: String,
    bytes: usize,
    each: bool,
) -> Entry {
    let run = move |bench: &Bench<'_>| {
        let mut to = P::giver(&bench.meeting(), bytes);
        let invitation = to.invitation();
        let partner = Partner::start(bench.placement, bench.name, &invitation, bench.count);
        to.partner_is_ready();
        partner.control.go();
        let (warm_up, count) = (warm_up::<P>(bytes), bench.count);
        let sample = if each {
            of_histogram(give_each(&mut to, bytes, warm_up, count))
        } else {
            Sample::each(give(&mut to, bytes, warm_up, count), count)
        };
        partner.finish();
        sample
    };
    let entry = Entry::new(cell, contender, "ns", run).with_partner(move |side, control| {
        let mut from = P::taker(&side.invitation, bytes);
        control.ready();
        take(&mut from, bytes, warm_up::<P>(bytes) + side.count);
    });
    suited(entry, P::COPIES, bytes)
}

/// Frames of one size.
pub fn processes_of<P: FramePeer + 'static>(all: &mut Vec<Entry>, bytes: usize) {
    let name = || format!("{} processes", P::NAME);
    all.push(between::<P>(cell(bytes), name(), bytes, false));
    // Who copies makes too few trips for percentiles.
    if bytes == TIMED && !P::COPIES {
        let cell = format!("frames-latency/{bytes}");
        all.push(between::<P>(cell, name(), bytes, true));
    }
}

/// Frames of all sizes.
pub fn processes<P: FramePeer + 'static>(all: &mut Vec<Entry>) {
    SIZES
        .into_iter()
        .for_each(|bytes| processes_of::<P>(all, bytes));
}

/// Frames of all sizes in one cell: whether size matters is told by what ran side by side.
pub fn sizes<P: FramePeer + 'static>(all: &mut Vec<Entry>) {
    for bytes in SIZES {
        let (cell, name) = (SIDE_BY_SIDE.into(), format!("{}, {bytes} bytes", P::NAME));
        all.push(between::<P>(cell, name, bytes, false));
    }
}

/// One copy of a frame, by one thread, from its own memory to where a shared frame would lie.
fn copied(bytes: usize) -> Entry {
    let run = move |bench: &Bench<'_>| {
        let from = black_box(vec![7u8; bytes]);
        let mut room = vec![1u8; bytes + 2 * PAGE];
        // Half a page off its source's place in a page: some processors copy at a fifth of their rate where both places are nearly one.
        let offset = |at: *const u8| at.addr() % PAGE;
        let off = offset(from.as_ptr()) + PAGE / 2 + PAGE - offset(room.as_ptr());
        let to = &mut room[off % PAGE..][..bytes];
        let begin = Instant::now();
        for _ in 0..bench.count {
            to.copy_from_slice(&from);
            black_box(&mut *to);
        }
        Sample::each(begin.elapsed(), bench.count)
    };
    let entry = Entry::new(cell(bytes), "floor: memcpy", "ns", run);
    suited(entry, true, bytes)
}

/// Two lines there and back, which any hand-over pays; and one copy, which whoever moves the bytes pays at least.
pub fn floors(all: &mut Vec<Entry>) {
    for bytes in SIZES {
        all.push(floors::two_lines(&cell(bytes), false));
        all.push(copied(bytes));
    }
    all.push(floors::two_lines(&format!("frames-latency/{TIMED}"), true));
    all.push(floors::two_lines(SIDE_BY_SIDE, false));
}

#[cfg(test)]
#[path = "frames_tests.rs"]
mod tests;
