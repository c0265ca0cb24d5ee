//! What the engine counts, for people and for programs.

use std::fmt::Write as _;
use std::time::Duration;

use hdrhistogram::Histogram;
use serde_json::{Value, json};

/// Times from a nanosecond to a minute, to three digits. It allocates when it is made, and never again.
#[derive(Clone, Debug)]
pub struct Times(Histogram<u64>);

impl Times {
    const MOST_NS: u64 = 60_000_000_000;

    pub fn record(&mut self, time: Duration) {
        let ns = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        self.0.saturating_record(ns.clamp(1, Self::MOST_NS));
    }

    pub fn count(&self) -> u64 {
        self.0.len()
    }

    /// Half of them, 99 %, and all.
    fn quantiles(&self) -> [u64; 3] {
        [0.5, 0.99, 1.0].map(|part| self.0.value_at_quantile(part))
    }

    fn to_json(&self) -> Value {
        let [p50, p99, max] = self.quantiles();
        json!({ "p50": p50, "p99": p99, "max": max })
    }

    fn to_text(&self) -> String {
        let [p50, p99, max] = self.quantiles().map(time);
        format!("p50 {p50}, p99 {p99}, max {max}")
    }
}

impl Default for Times {
    fn default() -> Self {
        let made = Histogram::new_with_bounds(1, Self::MOST_NS, 3);
        Self(made.expect("these bounds are good ones"))
    }
}

/// What the loop counts by itself.
#[derive(Clone, Debug, Default)]
pub struct Counts {
    pub ticks: u64,
    /// Ticks whose work was not done when the next was due.
    pub missed: u64,
    /// From when a tick was due until its work was done.
    pub tick: Times,
    /// In the taking alone.
    pub take: Times,
    /// How often the taking slept, as the system counts it.
    pub blocked: u64,
    /// Ticks that drew a picture for the first time.
    pub shown: u64,
    /// Ticks that drew the one before again.
    pub repeated: u64,
    /// Ticks before there was any picture.
    pub empty: u64,
    /// Tickets whose frame was used again before it was looked at.
    pub stale: u64,
    /// Tickets and pictures that no good decoder publishes.
    pub refused: u64,
    /// Frames of the video that were never drawn, though those before and after were.
    pub skipped: u64,
    /// Drawings of a picture whose bytes were not those that were published.
    pub torn: u64,
    /// From the death of a decoder to the first picture of the next.
    pub recovery: Times,
    /// How long one picture was drawn at most, while the video played.
    pub longest: Duration,
}

/// All that is said at the end.
#[derive(Clone, Debug, Default)]
pub struct Report {
    pub counts: Counts,
    pub seconds: f64,
    pub hz: u32,
    /// Decoders that died, whoever killed them; of these, killed by this engine for show, and because nothing more came of them.
    pub deaths: u32,
    pub kills: u32,
    pub stuck: u32,
    /// Frames that were given back for the dead.
    pub given_back: u32,
    /// Frames of the pool, and those that nobody had at the end.
    pub frames: u32,
    pub free: u32,
    pub frame_bytes: u32,
}

impl Report {
    /// Whether the engine kept what it promises.
    pub fn is_good(&self) -> bool {
        let counts = &self.counts;
        let bad = counts.blocked + counts.torn + counts.refused;
        bad == 0 && counts.shown > 0 && self.free == self.frames
    }

    /// What `--json` prints.
    pub fn to_json(&self) -> Value {
        let counts = &self.counts;
        json!({
            "seconds": (self.seconds * 1e3).round() / 1e3,
            "hz": self.hz,
            "ticks": counts.ticks,
            "missed": counts.missed,
            "tick_ns": counts.tick.to_json(),
            "take_ns": counts.take.to_json(),
            "blocked": counts.blocked,
            "shown": counts.shown,
            "repeated": counts.repeated,
            "empty": counts.empty,
            "stale": counts.stale,
            "refused": counts.refused,
            "skipped": counts.skipped,
            "torn": counts.torn,
            "deaths": self.deaths,
            "kills": self.kills,
            "stuck": self.stuck,
            "recoveries": counts.recovery.count(),
            "recovery_ns": counts.recovery.to_json(),
            "longest_ns": counts.longest.as_nanos() as u64,
            "given_back": self.given_back,
            "frames": self.frames,
            "free": self.free,
            "frame_bytes": self.frame_bytes,
        })
    }

    /// What is printed for people.
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        let mut row = |name: &str, value: String| {
            let _ = writeln!(text, "{name:<12}{value}"); // a string takes everything
        };
        let counts = &self.counts;
        let Counts { ticks, missed, .. } = counts;
        let (seconds, hz) = (self.seconds, self.hz);
        row(
            "ticks",
            format!("{ticks} in {seconds:.1} s at {hz} Hz, {missed} missed their deadline"),
        );
        row("tick", counts.tick.to_text());
        let blocked = counts.blocked;
        row(
            "taking",
            format!("{}; it slept {blocked} times", counts.take.to_text()),
        );
        let Counts {
            shown,
            repeated,
            empty,
            skipped,
            stale,
            ..
        } = counts;
        row(
            "pictures",
            format!(
                "{shown} shown, {repeated} repeated, {empty} ticks before the first; {skipped} skipped, {stale} stale"
            ),
        );
        let longest = time(counts.longest.as_nanos() as u64);
        row("longest", format!("one picture for {longest}"));
        let (torn, refused) = (counts.torn, counts.refused);
        row("checked", format!("{torn} torn, {refused} refused"));
        let (deaths, kills, stuck) = (self.deaths, self.kills, self.stuck);
        row(
            "decoders",
            format!("{deaths} died, {kills} of them killed for show and {stuck} for being stuck"),
        );
        if counts.recovery.count() > 0 {
            let times = counts.recovery.to_text();
            row("next picture", format!(" {times} after a death"));
        }
        let (frames, free, back) = (self.frames, self.free, self.given_back);
        row(
            "pool",
            format!("{free} of {frames} frames are free, {back} were given back for the dead"),
        );
        text
    }
}

/// A time with its unit.
pub fn time(ns: u64) -> String {
    match ns {
        0..1_000 => format!("{ns} ns"),
        1_000..1_000_000 => format!("{:.1} µs", ns as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} ms", ns as f64 / 1e6),
        _ => format!("{:.2} s", ns as f64 / 1e9),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> Report {
        let mut report = Report {
            frames: 6,
            free: 6,
            ..Report::default()
        };
        report.counts.shown = 1;
        report
    }

    #[test]
    fn what_is_not_good_is_seen() {
        assert!(good().is_good());
        let spoil: [fn(&mut Report); 5] = [
            |of| of.counts.blocked = 1,
            |of| of.counts.torn = 1,
            |of| of.counts.refused = 1,
            |of| of.counts.shown = 0,
            |of| of.free = 5,
        ];
        for spoil in spoil {
            let mut report = good();
            spoil(&mut report);
            assert!(!report.is_good(), "{report:?}");
        }
    }

    #[test]
    fn times_are_told_in_three_numbers() {
        let mut times = Times::default();
        (1..=1000).for_each(|ms| times.record(Duration::from_millis(ms)));
        times.record(Duration::from_secs(1000)); // as a minute
        assert_eq!(times.count(), 1001);
        let [p50, p99, max] = times.quantiles();
        assert!(p50.abs_diff(501_000_000) < 1_000_000 && p99.abs_diff(991_000_000) < 2_000_000);
        assert!(max.abs_diff(60_000_000_000) < 60_000_000, "{max}");
        assert!(good().to_text().contains("6 of 6 frames are free"));
    }
}
