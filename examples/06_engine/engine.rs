//! The engine's loop: at each tick the newest picture is taken and drawn, and its decoder is told what to do.
//!
//! It runs in a thread of its own, so that all that takes time (starting a decoder, waiting for its death, giving back what it held, talking to
//! a terminal) happens in another. The two share a few words, [`Link`], and neither waits for the other.

use std::collections::VecDeque;
use std::io;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64};
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use ringpad::os::{OwnedPeer, Producer};

use super::counts::Counts;
use super::shared::{Command, Wish};
use super::taker::{Taker, Took};
use super::{Failure, system};

/// What the loop and the keeper of decoders tell each other. Times are nanoseconds since `begin`, 0 for none.
#[derive(Debug)]
pub struct Link {
    pub begin: Instant,
    /// The loop is to end.
    pub stop: AtomicBool,
    /// The last decoder that was started, and the last that died, counted from 1.
    pub born: AtomicU32,
    pub dead: AtomicU32,
    /// When the first died after which no picture has come.
    pub died: AtomicU64,
    /// When the last new picture came, and from which decoder.
    pub fresh: AtomicU64,
    pub of: AtomicU32,
    pub playing: AtomicBool,
    /// For whoever watches.
    pub ticks: AtomicU64,
    pub missed: AtomicU64,
    pub shown: AtomicU64,
    pub torn: AtomicU64,
}

impl Link {
    pub fn new() -> Self {
        let (zero, none) = (|| AtomicU64::new(0), || AtomicU32::new(0));
        Self {
            begin: Instant::now(),
            stop: AtomicBool::new(false),
            born: none(),
            dead: none(),
            died: zero(),
            fresh: zero(),
            of: none(),
            playing: AtomicBool::new(true),
            ticks: zero(),
            missed: zero(),
            shown: zero(),
            torn: zero(),
        }
    }

    /// Now, and never 0.
    pub fn now(&self) -> u64 {
        (self.begin.elapsed().as_nanos() as u64).max(1)
    }

    /// This decoder is dead, or will be at once.
    pub fn died(&self, decoder: u32) {
        self.dead.store(decoder, Relaxed);
        let now = self.now();
        // Release: whoever sees the time sees whose. If there is one, nothing has come since then.
        let _ = self.died.compare_exchange(0, now, Release, Relaxed);
    }
}

/// The loop.
pub struct Engine {
    taker: Taker,
    director: Director,
    period: Duration,
    counts: Counts,
    /// Since when the picture is drawn that is drawn now.
    since: Instant,
}

impl Engine {
    pub fn new(
        me: &OwnedPeer,
        hz: u32,
        commands: Producer<Command>,
        wishes: Receiver<Wish>,
        waits: bool,
    ) -> Result<Self, Failure> {
        let mut taker = Taker::new(me)?;
        if waits {
            taker.waits(me)?;
        }
        Ok(Self {
            taker,
            director: Director::new(commands, wishes),
            period: Duration::from_secs(1) / hz,
            counts: Counts::default(),
            since: Instant::now(),
        })
    }

    /// Ticks until it is told to stop.
    pub fn run(mut self, link: &Link) -> io::Result<Counts> {
        let mut due = Instant::now();
        while !link.stop.load(Relaxed) {
            due += self.period;
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            self.tick(link)?;
            let done = Instant::now();
            self.counts.ticks += 1;
            self.counts.tick.record(done - due);
            if done - due > self.period {
                // The ticks that should have been meanwhile are left out.
                self.counts.missed += 1;
                due = done;
            }
            link.ticks.store(self.counts.ticks, Relaxed);
            link.missed.store(self.counts.missed, Relaxed);
        }
        self.counts.stale = self.taker.stale;
        Ok(self.counts)
    }

    fn tick(&mut self, link: &Link) -> io::Result<()> {
        let last = self.taker.held().map(|held| held.sequence());
        let sleeps = system::sleeps()?;
        let begin = Instant::now();
        let took = self.taker.take();
        self.counts.take.record(begin.elapsed());
        self.counts.blocked += system::sleeps()? - sleeps;
        if took == Took::Refused {
            self.counts.refused += 1;
        }
        self.draw(took == Took::New, last, begin, link);
        let next = self
            .taker
            .held()
            .map_or(0, |held| held.sequence().saturating_add(1));
        self.director.step(next, link);
        Ok(())
    }

    /// Draws the picture that is held, whether its decoder lives or not: here that is to look at each byte.
    fn draw(&mut self, new: bool, last: Option<u64>, now: Instant, link: &Link) {
        let counts = &mut self.counts;
        let Some(held) = self.taker.held() else {
            counts.empty += 1;
            return;
        };
        counts.torn += u64::from(!held.is_whole());
        if !new {
            counts.repeated += 1;
            return;
        }
        counts.shown += 1;
        if let Some(last) = last {
            let expected = self.director.expected(last, held.sequence());
            counts.skipped += held.sequence().saturating_sub(expected);
        }
        if self.director.playing && last.is_some() {
            counts.longest = counts.longest.max(now - self.since);
        }
        self.since = now;
        let time = link.now();
        let died = link.died.load(Acquire); // Acquire: then `dead` names the one that died
        // The last picture of one that is dead by now is no proof that there is another.
        if died != 0 && held.decoder > link.dead.load(Relaxed) {
            link.died.store(0, Relaxed);
            let since = time.saturating_sub(died);
            counts.recovery.record(Duration::from_nanos(since));
        }
        link.fresh.store(time, Relaxed);
        link.of.store(held.decoder, Relaxed);
        link.shown.store(counts.shown, Relaxed);
        link.torn.store(counts.torn, Relaxed);
    }
}

/// Tells the decoder what to do. What it was told is known here, so that the next one can be told it again.
struct Director {
    commands: Producer<Command>,
    wishes: Receiver<Wish>,
    playing: bool,
    /// The decoder that was told.
    told: u32,
    to_say: VecDeque<Wish>,
    sought: u64,
}

impl Director {
    fn new(commands: Producer<Command>, wishes: Receiver<Wish>) -> Self {
        Self {
            commands,
            wishes,
            playing: true,
            told: 0,
            to_say: VecDeque::with_capacity(16),
            sought: 0,
        }
    }

    /// Which frame was to be next after `last`, if this one came: one that was sought, or the one behind.
    fn expected(&self, last: u64, came: u64) -> u64 {
        match last < self.sought && self.sought <= came {
            true => self.sought,
            false => last.saturating_add(1),
        }
    }

    /// Says what is to be said, as far as there is room for it now; to a new decoder, to go on at `next`.
    fn step(&mut self, next: u64, link: &Link) {
        let born = link.born.load(Relaxed);
        if born != self.told {
            self.told = born;
            let state = if self.playing {
                Wish::Play
            } else {
                Wish::Pause
            };
            self.to_say.extend([Wish::Seek(next), state]);
        }
        while let Ok(wish) = self.wishes.try_recv() {
            match wish {
                Wish::Play => self.playing = true,
                Wish::Pause => self.playing = false,
                Wish::Seek(_) => {}
            }
            self.to_say.push_back(wish);
        }
        link.playing.store(self.playing, Relaxed);
        while let Some(&wish) = self.to_say.front() {
            if self.commands.push(Command::of(wish)).is_err() {
                break; // full: at the next tick
            }
            if let Wish::Seek(frame) = wish {
                self.sought = frame;
            }
            self.to_say.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sleeping_is_counted_and_working_is_not() {
        use super::system::{COUNTS_SLEEPS, sleeps};
        if !COUNTS_SLEEPS {
            println!("skipped: nobody counts sleeps here");
            return;
        }
        let before = sleeps().unwrap();
        std::thread::sleep(Duration::from_millis(2));
        let slept = sleeps().unwrap();
        assert!(slept > before);
        let begin = Instant::now();
        // Long enough for others to have the processor.
        while begin.elapsed() < Duration::from_millis(50) {
            std::hint::spin_loop();
        }
        assert_eq!(sleeps().unwrap(), slept);
    }
}
