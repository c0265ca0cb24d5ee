//! One thread that writes, or several, and any number that read, all at once, for a length of time: a writer that never waits ends
//! by no count, and a reader beside it may complete few reads or none.

use std::any::Any;
use std::cell::Cell;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

use super::Placement;
use super::control::Line;

/// Before the clock: pages are touched, predictors settle.
const WARM_UP: Duration = Duration::from_millis(3);
const TIMED: Duration = Duration::from_millis(20);

const WARMING: u64 = 0;
const RUNNING: u64 = 1;
const OVER: u64 = 2;

/// What the others say of an end that failed.
const ANOTHER_FAILED: &str = "another end failed";

/// Runs of which one should be undisturbed.
const ATTEMPTS: usize = 5;
/// The share of the time for which an end had its processor, in one that was.
const UNDISTURBED: f64 = 0.98;

thread_local! {
    /// The share of the time for which this thread had its processor.
    static HELD: Cell<f64> = const { Cell::new(1.0) };
}

/// How long this thread ran.
fn ran() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// Tries that fail before an end of many gives up a processor that it shares.
const SPINS: u32 = 100;
/// Without a message, while some are missing.
const DEADLINE: Duration = Duration::from_secs(if cfg!(test) { 2 } else { 20 });

/// What all threads of a crowd look at, on lines that change three times in all.
pub struct Clock {
    start: Barrier,
    phase: Line,
    written: Line,
    writing: AtomicU64,
    taken: Line,
    reading: AtomicU64,
    failed: AtomicBool,
    crowded: bool,
}

impl Clock {
    fn new(writers: usize, readers: usize, crowded: bool) -> Self {
        Self {
            // The ends, and who holds the clock.
            start: Barrier::new(writers + readers + 1),
            phase: Line::default(),
            written: Line::default(),
            writing: AtomicU64::new(writers as u64),
            taken: Line::default(),
            reading: AtomicU64::new(readers as u64),
            failed: AtomicBool::new(false),
            crowded,
        }
    }

    fn phase(&self) -> u64 {
        self.phase.0.load(Ordering::Relaxed)
    }

    /// Once an end is open: waits for all others.
    pub fn start(&self) {
        self.start.wait();
    }

    /// Steps until the time is over; a step is told whether the clock runs, and tells how many it completed. Counts those
    /// completed while the clock ran.
    #[inline(always)]
    pub fn count(&self, mut step: impl FnMut(bool) -> u64) -> u64 {
        while self.phase() == WARMING {
            step(false);
        }
        let mut count = 0;
        let (begin, ran_before) = (Instant::now(), ran());
        loop {
            let completed = step(true);
            // Begun in time, and not completed in time.
            if self.phase() == OVER {
                break;
            }
            count += completed;
        }
        let held = (ran() - ran_before).as_secs_f64() / begin.elapsed().as_secs_f64();
        HELD.set(held);
        count
    }

    /// A writer is done after so many. Waits until the readers are done too: an end that closes may take with it what it wrote.
    pub fn finish_writing(&self, count: u64) {
        self.written.0.fetch_add(count, Ordering::Relaxed);
        self.writing.fetch_sub(1, Ordering::Release);
        while self.reading.load(Ordering::Acquire) > 0 {
            std::thread::yield_now();
        }
    }

    /// How many were written in all, once every writer is done.
    pub fn written(&self) -> Option<u64> {
        let done = self.writing.load(Ordering::Acquire) == 0;
        done.then(|| self.written.0.load(Ordering::Relaxed))
    }

    /// Takes on until the readers together have taken all that was written. `so_far` were taken by this one while the clock ran
    /// and before; `take` says how many more.
    ///
    /// # Panics
    ///
    /// If they do not come, or another end failed.
    pub fn drain(&self, so_far: u64, mut take: impl FnMut() -> u64) {
        self.taken.0.fetch_add(so_far, Ordering::Relaxed);
        let (mut seen, mut since) = (0, Instant::now());
        loop {
            let taken = self.taken.0.load(Ordering::Relaxed);
            if self.written().is_some_and(|written| taken >= written) {
                return;
            }
            if taken != seen {
                (seen, since) = (taken, Instant::now());
            }
            match take() {
                0 => {
                    self.go_on();
                    assert!(since.elapsed() < DEADLINE, "messages are missing");
                    std::thread::yield_now();
                }
                more => {
                    self.taken.0.fetch_add(more, Ordering::Relaxed);
                }
            }
        }
    }

    /// Only while no end failed: what it waits for never comes then.
    #[inline(always)]
    fn go_on(&self) {
        if self.failed.load(Ordering::Relaxed) {
            std::panic::panic_any(ANOTHER_FAILED);
        }
    }

    /// Between a try that failed and the next. Ends that share a processor leave it to one another.
    #[inline(always)]
    pub fn pause(&self) {
        self.go_on();
        if self.crowded {
            std::thread::yield_now();
        } else {
            std::hint::spin_loop();
        }
    }

    /// As [`pause`](Self::pause), for one of many: ends that share a processor spin for a while before they give it up. `failed` counts
    /// the tries that failed in a row.
    #[inline(always)]
    pub fn spin_or_yield(&self, failed: &mut u32) {
        *failed += 1;
        if self.crowded && *failed > SPINS {
            self.go_on();
            std::thread::yield_now();
        } else {
            std::hint::spin_loop();
        }
    }
}

/// Ends with its end, however that is.
struct Watched<'c> {
    clock: &'c Clock,
    reads: bool,
}

impl Drop for Watched<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.clock.failed.store(true, Ordering::Relaxed);
        }
        if self.reads {
            self.clock.reading.fetch_sub(1, Ordering::Release);
        }
    }
}

/// What a crowd did.
pub struct Deeds<W, R> {
    /// How long the clock ran.
    pub took: Duration,
    /// The least share of the time for which an end had its processor, of those that have one to themselves.
    held: f64,
    pub writer: W,
    pub readers: Vec<R>,
}

/// The first of a few runs in which other programs took no processor from an end: a writer that was stopped is none that never
/// pauses. If there is none, the one that lost least.
pub fn undisturbed<W, R>(mut run: impl FnMut() -> Deeds<W, R>) -> Deeds<W, R> {
    let mut best = run();
    for _ in 1..ATTEMPTS {
        if best.held >= UNDISTURBED {
            break;
        }
        let next = run();
        if next.held > best.held {
            best = next;
        }
    }
    best
}

/// Runs the writer on the partner's processor, the first reader on this one, further readers on further processors, or on this one
/// too where there are none. Each opens its end, and calls [`Clock::start`].
pub fn run<W: Send, R: Send>(
    placement: &Placement,
    writer: impl FnOnce(&Clock) -> W + Send,
    readers: Vec<impl FnOnce(&Clock) -> R + Send>,
) -> Deeds<W, R> {
    let crowded = readers.len() > 1 + placement.further.len();
    let writer = Seated {
        cpu: placement.there,
        alone: true,
        end: writer,
    };
    let readers = readers.into_iter().enumerate().map(|(at, end)| Seated {
        cpu: placement.reader(at),
        alone: !crowded,
        end,
    });
    let deeds = all(crowded, vec![writer], readers.collect());
    Deeds {
        took: deeds.took,
        held: deeds.held,
        writer: deeds.writer.into_iter().next().expect("a writer"),
        readers: deeds.readers,
    }
}

/// Runs as many writers as readers, in pairs as [`Placement::pair`] places them. Each calls [`Clock::start`].
pub fn many<W: Send, R: Send>(
    placement: &Placement,
    writers: Vec<impl FnOnce(&Clock) -> W + Send>,
    readers: Vec<impl FnOnce(&Clock) -> R + Send>,
) -> Deeds<Vec<W>, R> {
    let alone = writers.len() <= placement.pairs();
    let writers = writers.into_iter().enumerate().map(|(at, end)| Seated {
        cpu: placement.pair(at).0,
        alone,
        end,
    });
    let readers = readers.into_iter().enumerate().map(|(at, end)| Seated {
        cpu: placement.pair(at).1,
        alone,
        end,
    });
    all(!alone, writers.collect(), readers.collect())
}

/// An end and its processor.
struct Seated<F> {
    cpu: usize,
    /// Whether the processor is its own.
    alone: bool,
    end: F,
}

impl<F> Seated<F> {
    /// What it did, and the share of the time for which it had its processor.
    fn run<T>(self, clock: &Clock, reads: bool) -> (T, f64)
    where
        F: FnOnce(&Clock) -> T,
    {
        let _watched = Watched { clock, reads };
        Placement::go_to(self.cpu);
        let done = (self.end)(clock);
        // Those that share a processor cannot hold it.
        (done, if self.alone { HELD.get() } else { 1.0 })
    }
}

fn all<W: Send, R: Send>(
    crowded: bool,
    writers: Vec<Seated<impl FnOnce(&Clock) -> W + Send>>,
    readers: Vec<Seated<impl FnOnce(&Clock) -> R + Send>>,
) -> Deeds<Vec<W>, R> {
    let clock = Clock::new(writers.len(), readers.len(), crowded);
    std::thread::scope(|scope| {
        let clock = &clock;
        let writers = writers.into_iter();
        let writers = writers.map(|end| scope.spawn(move || end.run(clock, false)));
        let writers: Vec<_> = writers.collect();
        let readers = readers.into_iter();
        let readers = readers.map(|end| scope.spawn(move || end.run(clock, true)));
        let readers: Vec<_> = readers.collect();
        clock.start();
        // This thread sleeps: its waking takes microseconds from one reader.
        std::thread::sleep(WARM_UP);
        let begin = Instant::now();
        clock.phase.0.store(RUNNING, Ordering::Relaxed);
        std::thread::sleep(TIMED);
        clock.phase.0.store(OVER, Ordering::Relaxed);
        let took = begin.elapsed();
        let writers: Vec<_> = writers.into_iter().map(|writer| writer.join()).collect();
        let readers: Vec<_> = readers.into_iter().map(|reader| reader.join()).collect();
        let (readers, held): (Vec<R>, Vec<f64>) = joined(readers).into_iter().unzip();
        let (writer, writers_held): (Vec<W>, Vec<f64>) = joined(writers).into_iter().unzip();
        Deeds {
            took,
            held: held.into_iter().chain(writers_held).fold(1.0, f64::min),
            writer,
            readers,
        }
    })
}

/// A failed end fails the bench, in its own words: the first of them that is not told of another's failure.
fn joined<T>(ends: Vec<std::thread::Result<T>>) -> Vec<T> {
    let (mut done, mut failed) = (Vec::new(), Vec::new());
    for end in ends {
        match end {
            Ok(end) => done.push(end),
            Err(why) => failed.push(why),
        }
    }
    let told = |why: &Box<dyn Any + Send>| why.downcast_ref::<&str>() == Some(&ANOTHER_FAILED);
    failed.sort_by_key(told);
    match failed.into_iter().next() {
        Some(why) => std::panic::resume_unwind(why),
        None => done,
    }
}

#[cfg(test)]
#[path = "crowd_tests.rs"]
mod tests;
