//! One thread that writes and any number that read, all at once, for a length of time: a writer that never waits ends by no
//! count, and a reader beside it may complete few reads or none.

use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::Placement;
use super::control::Line;

/// Before the clock: pages are touched, predictors settle.
const WARM_UP: Duration = Duration::from_millis(3);
const TIMED: Duration = Duration::from_millis(20);

const WARMING: u64 = 0;
const RUNNING: u64 = 1;
const OVER: u64 = 2;

/// Nobody knows yet how many.
const UNTOLD: u64 = u64::MAX;

/// What all threads of a crowd look at, on lines that change three times in all.
pub struct Clock {
    start: Barrier,
    phase: Line,
    written: Line,
    reading: AtomicU64,
    failed: AtomicBool,
    crowded: bool,
}

impl Clock {
    fn new(readers: usize, crowded: bool) -> Self {
        Self {
            // The writer, and who holds the clock.
            start: Barrier::new(readers + 2),
            phase: Line::default(),
            written: Line(AtomicU64::new(UNTOLD)),
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
        loop {
            let completed = step(true);
            // Begun in time, and not completed in time.
            if self.phase() == OVER {
                return count;
            }
            count += completed;
        }
    }

    /// The writer is done after so many. Waits until the readers are done too: an end that closes may take with it what it wrote.
    pub fn finish_writing(&self, count: u64) {
        self.written.0.store(count, Ordering::Release);
        while self.reading.load(Ordering::Acquire) > 0 {
            std::thread::yield_now();
        }
    }

    /// How many the writer wrote in all, once it is done.
    pub fn written(&self) -> Option<u64> {
        let written = self.written.0.load(Ordering::Acquire);
        (written != UNTOLD).then_some(written)
    }

    /// Between a try that failed and the next. Ends that share a processor leave it to one another.
    ///
    /// # Panics
    ///
    /// If another end failed: what is waited for never comes.
    #[inline(always)]
    pub fn pause(&self) {
        assert!(!self.failed.load(Ordering::Relaxed), "another end failed");
        if self.crowded {
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
    pub writer: W,
    pub readers: Vec<R>,
}

/// Runs the writer on the partner's processor, the first reader on this one, further readers on further processors, or on this one
/// too where there are none. Each opens its end, and calls [`Clock::start`].
pub fn run<W: Send, R: Send>(
    placement: &Placement,
    writer: impl FnOnce(&Clock) -> W + Send,
    readers: Vec<impl FnOnce(&Clock) -> R + Send>,
) -> Deeds<W, R> {
    let crowded = readers.len() > 1 + placement.further.len();
    let clock = Clock::new(readers.len(), crowded);
    std::thread::scope(|scope| {
        let clock = &clock;
        let writer = scope.spawn(move || {
            let _watched = Watched {
                clock,
                reads: false,
            };
            placement.go_there();
            writer(clock)
        });
        let readers = readers.into_iter().enumerate().map(|(at, reader)| {
            scope.spawn(move || {
                let _watched = Watched { clock, reads: true };
                placement.go_to_reader(at);
                reader(clock)
            })
        });
        let readers: Vec<_> = readers.collect();
        clock.start();
        // This thread sleeps: its waking takes microseconds from one reader.
        std::thread::sleep(WARM_UP);
        let begin = Instant::now();
        clock.phase.0.store(RUNNING, Ordering::Relaxed);
        std::thread::sleep(TIMED);
        clock.phase.0.store(OVER, Ordering::Relaxed);
        let took = begin.elapsed();
        let writer = writer.join();
        let readers: Vec<_> = readers.into_iter().map(|reader| reader.join()).collect();
        Deeds {
            took,
            readers: joined(readers),
            writer: joined([writer]).remove(0),
        }
    })
}

/// A failed end fails the bench, in its own words.
fn joined<T>(ends: impl IntoIterator<Item = std::thread::Result<T>>) -> Vec<T> {
    let ends = ends.into_iter();
    ends.map(|end| end.unwrap_or_else(|why| std::panic::resume_unwind(why)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_run_at_once_and_what_is_late_does_not_count() {
        let placement = Placement::of_two(0, 0);
        let reader = |clock: &Clock| {
            clock.start();
            let slow = clock.count(|timed| {
                if timed {
                    std::thread::sleep(TIMED * 2);
                }
                1
            });
            let begin = Instant::now();
            while clock.written().is_none() {
                assert!(begin.elapsed() < Duration::from_secs(9), "nothing told");
                clock.pause();
            }
            (slow, clock.written())
        };
        let writer = |clock: &Clock| {
            clock.start();
            let mut all = 0;
            let counted = clock.count(|_| {
                all += 1;
                1
            });
            clock.finish_writing(all);
            (counted, all)
        };
        let deeds = run(&placement, writer, vec![reader, reader]);
        let (counted, all) = deeds.writer;
        assert!(0 < counted && counted < all);
        assert!(deeds.took >= TIMED);
        assert_eq!(deeds.readers, [(0, Some(all)); 2]);
    }

    #[test]
    #[should_panic = "its own words"]
    fn a_failed_reader_fails_the_bench() {
        let reader = |clock: &Clock| {
            clock.start();
            panic!("its own words");
        };
        let writer = |clock: &Clock| {
            clock.start();
            clock.finish_writing(0);
        };
        run(&Placement::of_two(0, 0), writer, vec![reader]);
    }

    #[test]
    #[should_panic = "another end failed"]
    fn nobody_waits_for_a_failed_writer() {
        let reader = |clock: &Clock| {
            clock.start();
            while clock.written().is_none() {
                clock.pause();
            }
        };
        let writer = |clock: &Clock| {
            clock.start();
            assert!(clock.written().is_some(), "its own words");
        };
        run(&Placement::of_two(0, 0), writer, vec![reader]);
    }
}
