//! One value: reads and writes alone, reads beside a writer that never pauses, writes beside readers that never pause.

use std::hint::black_box;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

use super::round_trip::{histogram, of_histogram};
use crate::ends::notepad::{NotepadPeer, ValueReader, ValueWriter};
use crate::harness::crowd::{self, Clock};
use crate::harness::{Bench, Entry, Placement, Sample};
use crate::message::Message;

/// Readers beside a writer that never pauses.
pub const READERS: [usize; 2] = [1, 3];
/// Readers beside the writer that is measured.
const BESIDE: [usize; 3] = [0, 1, 3];
/// Reads before the clock starts.
const WARM_UP: u64 = 256;
/// One read in so many is looked at in each word while the clock runs.
const LOOK: u64 = 64;

/// Looks at what a reader read: whole values, none older than the one before.
struct Watch {
    whole: bool,
    newest: u64,
    seen: u64,
}

impl Watch {
    fn new(whole: bool) -> Self {
        Self {
            whole,
            newest: 0,
            seen: 0,
        }
    }

    /// The clock runs: the ends, and now and then each word. It does not: each word. Whether the value is a new one.
    #[inline(always)]
    fn see<M: Message>(&mut self, value: &M, timed: bool) -> bool {
        // A reader is given the value itself, not a promise of it.
        let value = black_box(value);
        if !self.whole {
            return false;
        }
        self.seen += 1;
        let number = if timed && !self.seen.is_multiple_of(LOOK) {
            value.number()
        } else {
            value.whole_number()
        };
        assert!(number >= self.newest, "an older value came");
        let is_new = number > self.newest;
        self.newest = number;
        is_new
    }
}

/// What a thread found out beside how many it completed.
struct Found {
    completed: u64,
    /// Of a reader: how many values it had not seen before.
    fresh: u64,
    histogram: Option<Histogram<u64>>,
}

fn noted(histogram: &mut Option<Histogram<u64>>, begin: Option<Instant>) {
    if let (Some(histogram), Some(begin)) = (histogram, begin) {
        histogram.saturating_record(begin.elapsed().as_nanos() as u64);
    }
}

/// `EACH`: each is timed by itself.
fn write_on<M: Message, const EACH: bool>(clock: &Clock, mut to: impl ValueWriter<M>) -> Found {
    let (mut all, mut times) = (0, EACH.then(histogram));
    clock.start();
    let completed = clock.count(|timed| {
        all += 1;
        let value = M::numbered(all);
        let begin = (EACH && timed).then(Instant::now);
        to.write(&value);
        noted(&mut times, begin);
        1
    });
    clock.finish_writing(all);
    Found {
        completed,
        fresh: 0,
        histogram: times,
    }
}

fn read_on<M: Message, const EACH: bool>(
    clock: &Clock,
    mut from: impl ValueReader<M>,
    whole: bool,
) -> Found {
    let (mut watch, mut times) = (Watch::new(whole), EACH.then(histogram));
    let mut fresh = 0;
    clock.start();
    let completed = clock.count(|timed| {
        let begin = (EACH && timed).then(Instant::now);
        let value = from.read();
        noted(&mut times, begin);
        let is_new = watch.see(&value, timed);
        fresh += u64::from(is_new && timed);
        1
    });
    // What stays is the last value: a reader that sees an old one for ever has read nothing.
    let last = loop {
        match clock.written() {
            Some(last) => break last,
            None => clock.pause(),
        }
    };
    if whole {
        let value = from.read();
        assert_eq!(value.whole_number(), last, "not the last value came");
    }
    Found {
        completed,
        fresh,
        histogram: times,
    }
}

/// Which end is measured.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Measured {
    Reads,
    Fresh,
    Writes,
    EachRead,
    EachWrite,
}

/// A writer and readers, none of which pauses. Values are checked if `whole`.
fn beside<P: NotepadPeer, M: Message>(
    placement: &Placement,
    readers: usize,
    measured: Measured,
    whole: bool,
) -> Sample {
    let deeds = crowd::undisturbed(|| {
        let mut room = P::room::<M>();
        let (writer, readers) = P::split(&mut room, readers);
        let write = match measured {
            Measured::EachWrite => write_on::<M, true>,
            _ => write_on::<M, false>,
        };
        let read = match measured {
            Measured::EachRead => read_on::<M, true>,
            _ => read_on::<M, false>,
        };
        let readers = readers.into_iter();
        let readers = readers.map(|reader| move |clock: &Clock| read(clock, reader, whole));
        crowd::run(placement, |clock| write(clock, writer), readers.collect())
    });
    let completed = |found: &Found| found.completed;
    match measured {
        Measured::Writes => each(deeds.took, deeds.writer.completed),
        Measured::Reads => each(deeds.took, deeds.readers.iter().map(completed).sum()),
        Measured::Fresh => each(
            deeds.took,
            deeds.readers.iter().map(|found| found.fresh).sum(),
        ),
        Measured::EachWrite => of_all([deeds.writer]),
        Measured::EachRead => of_all(deeds.readers),
    }
}

/// If none was completed in time, one takes longer than the time.
fn each(took: Duration, count: u64) -> Sample {
    Sample::each(took, count.max(1))
}

fn of_all(found: impl IntoIterator<Item = Found>) -> Sample {
    let mut all = histogram();
    for one in found.into_iter().filter_map(|found| found.histogram) {
        all.add(one).expect("histograms of one range");
    }
    of_histogram(all)
}

/// The value that stays as it is.
const KEPT: u64 = 7;

/// Reads that nobody disturbs, in one thread.
fn reads<M: Message>(mut read: impl FnMut() -> M, count: u64) -> Duration {
    let mut watch = Watch::new(true);
    let mut take = |count, timed| {
        for _ in 0..count {
            watch.see(&read(), timed);
        }
    };
    take(WARM_UP, false);
    let begin = Instant::now();
    take(count, true);
    let took = begin.elapsed();
    assert_eq!(read().whole_number(), KEPT, "not the value came");
    took
}

fn alone<P: NotepadPeer, M: Message>(count: u64) -> Duration {
    let mut room = P::room::<M>();
    let (mut writer, mut readers) = P::split::<M>(&mut room, 1);
    let mut reader = readers.remove(0);
    writer.write(&M::numbered(KEPT));
    reads(|| reader.read(), count)
}

/// The floor: the value is copied from where it is known to lie.
fn copied<M: Message>(count: u64) -> Duration {
    let value = Box::new(M::numbered(KEPT));
    reads(|| **black_box(&value), count)
}

fn contender<P: NotepadPeer>() -> String {
    if P::NAME.starts_with("floor") {
        return P::NAME.into();
    }
    format!("{} threads", P::NAME)
}

fn alone_of_size<P: NotepadPeer + 'static, M: Message>(all: &mut Vec<Entry>) {
    let cell = format!("notepad-alone/{}", size_of::<M>());
    let run = |bench: &Bench<'_>| Sample::each(alone::<P, M>(bench.count), bench.count);
    all.push(Entry::new(cell, contender::<P>(), "ns", run));
}

fn beside_of_size<P: NotepadPeer + 'static, M: Message>(all: &mut Vec<Entry>) {
    let groups = [
        ("notepad-read", Measured::Reads, &READERS[..]),
        ("notepad-fresh", Measured::Fresh, &READERS[..1]),
        ("notepad-write", Measured::Writes, &BESIDE),
        ("notepad-read-latency", Measured::EachRead, &READERS),
        ("notepad-write-latency", Measured::EachWrite, &BESIDE),
    ];
    for (group, measured, readers) in groups {
        for &readers in readers.iter().filter(|&&most| most <= P::MOST_READERS) {
            let cell = format!("{group}/{}/{readers}", size_of::<M>());
            // Whose values are not checked, of those no newer one is known.
            if measured == Measured::Fresh && !P::WHOLE {
                continue;
            }
            let run = move |bench: &Bench<'_>| {
                beside::<P, M>(bench.placement, readers, measured, P::WHOLE)
            };
            all.push(Entry::new(cell, contender::<P>(), "ns", run).for_a_time());
        }
    }
}

fn copied_of_size<M: Message>(all: &mut Vec<Entry>) {
    let cell = format!("notepad-alone/{}", size_of::<M>());
    let run = |bench: &Bench<'_>| Sample::each(copied::<M>(bench.count), bench.count);
    all.push(Entry::new(cell, "floor: copy", "ns", run));
}

/// Plain copies of 8 to 4096 bytes.
pub fn copies(all: &mut Vec<Entry>) {
    copied_of_size::<[u64; 1]>(all);
    copied_of_size::<[u64; 8]>(all);
    copied_of_size::<[u64; 32]>(all);
    copied_of_size::<[u64; 128]>(all);
    copied_of_size::<[u64; 512]>(all);
}

/// 8 to 4096 bytes that nobody writes.
pub fn alone_threads<P: NotepadPeer + 'static>(all: &mut Vec<Entry>) {
    alone_of_size::<P, [u64; 1]>(all);
    alone_of_size::<P, [u64; 8]>(all);
    alone_of_size::<P, [u64; 32]>(all);
    alone_of_size::<P, [u64; 128]>(all);
    alone_of_size::<P, [u64; 512]>(all);
}

/// 8 to 4096 bytes that one thread writes and others read.
pub fn beside_threads<P: NotepadPeer + 'static>(all: &mut Vec<Entry>) {
    beside_of_size::<P, [u64; 1]>(all);
    beside_of_size::<P, [u64; 8]>(all);
    beside_of_size::<P, [u64; 32]>(all);
    beside_of_size::<P, [u64; 128]>(all);
    beside_of_size::<P, [u64; 512]>(all);
}

#[cfg(test)]
#[path = "notepad_tests.rs"]
mod tests;
