//! What the whole run measured: the viewers' reports added up, for programs and for people.

use std::fmt::Write;

use serde_json::{Value, json};

use super::plan::Memory;
use super::report::{Latency, ViewerReport};

/// The whole run, as the launcher (or one half by itself) reports it.
#[derive(Clone, Debug, Default)]
pub struct Totals {
    /// Frames the producer committed, each counted once however many viewers it went to.
    pub sent: u64,
    /// How many of these a killed predecessor committed.
    pub before: u64,
    /// How long the sending of the others took.
    pub seconds: f64,
    /// CPU time of the producer's process.
    pub producer_cpu_ns: u64,
    /// How often the processes slept and were woken.
    pub wakeups: u64,
    /// How often a frame had to wait for somebody.
    pub waits: u64,
    /// What the segment takes of memory.
    pub memory: Memory,
    /// What the recorder reports, if there is one.
    pub recorder: Option<Value>,
    /// How often a killed process was started again.
    pub respawned: u64,
    /// The viewers' reports; counts of frames received, lost and torn add up over these.
    pub per_viewer: Vec<ViewerReport>,
}

impl Totals {
    /// One count, added up over the viewers.
    pub fn sum(&self, of: impl Fn(&ViewerReport) -> u64) -> u64 {
        self.per_viewer.iter().map(of).fold(0, u64::saturating_add)
    }

    /// All the viewers' latencies.
    pub fn latency(&self) -> Latency {
        let mut all = Latency::default();
        self.per_viewer.iter().for_each(|v| all.merge(&v.latency));
        all
    }

    /// Frames that passed, at least 1: those sent, or where only a viewer reports, those it got.
    fn frames(&self) -> u64 {
        let got = self.per_viewer.iter().map(|viewer| viewer.received);
        self.sent.max(got.max().unwrap_or(0)).max(1)
    }

    /// CPU time of all the processes for each frame that passed.
    pub fn cpu_ns_per_frame(&self) -> u64 {
        self.producer_cpu_ns.saturating_add(self.sum(|v| v.cpu_ns)) / self.frames()
    }

    /// What `--json` prints.
    pub fn to_json(&self) -> Value {
        json!({
            "sent": self.sent,
            "received": self.sum(|v| v.received),
            "lost": self.sum(|v| v.lost),
            "missed": self.sum(|v| v.missed),
            "stale": self.sum(|v| v.stale),
            "torn": self.sum(|v| v.torn),
            "disordered": self.sum(|v| v.disordered),
            "viewers": self.per_viewer.len(),
            "bytes": self.sum(|v| v.bytes),
            "seconds": (self.seconds * 1e6).round() / 1e6,
            "latency_ns": self.latency().to_json(),
            "cpu_ns_per_frame": self.cpu_ns_per_frame(),
            "wakeups": self.wakeups,
            "waits": self.waits,
            "memory_bytes": self.memory.segment,
            "pool_bytes": self.memory.pool,
            "pool_frames": self.memory.frames,
            "respawned": self.respawned,
            "recorder": self.recorder,
            "per_viewer": self.per_viewer.iter().map(ViewerReport::to_json).collect::<Value>(),
        })
    }

    /// What is printed for people.
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        let mut row = |name: &str, value: std::fmt::Arguments| {
            let _ = writeln!(text, "{name:<15}{value}"); // a string takes everything
        };
        let rate = |count: u64| count as f64 / self.seconds.max(1e-9);
        let (sent, seconds, frames) = (self.sent, self.seconds, self.frames());
        if sent > 0 {
            let (pace, before) = (rate(sent.saturating_sub(self.before)), self.before);
            let text = match before {
                0 => format!("{sent} in {seconds:.2} s ({pace:.1} a second)"),
                _ if before == sent => format!("{sent}, all before this producer"),
                _ => format!("{sent}, {before} before; in {seconds:.2} s ({pace:.1} a second)"),
            };
            row("frames sent", format_args!("{text}"));
        }
        if !self.per_viewer.is_empty() {
            let (received, viewers) = (self.sum(|v| v.received), self.per_viewer.len());
            row("received", format_args!("{received} by {viewers} viewers"));
            row("lost", format_args!("{}", self.sum(|v| v.lost)));
            row("torn", format_args!("{}", self.sum(|v| v.torn)));
            let bytes = self.sum(|v| v.bytes);
            let (total, pace) = (size(bytes), size(rate(bytes) as u64));
            row("bytes", format_args!("{bytes} ({total}, {pace} a second)"));
            let [p50, p99, p999, max] = self.latency().quantiles().map(time);
            row(
                "latency",
                format_args!("p50 {p50}, p99 {p99}, p99.9 {p999}, max {max}"),
            );
        }
        if self.memory.frames > 0 {
            let (frames, bytes) = (self.memory.frames, size(self.memory.segment));
            row("memory", format_args!("{bytes}, a pool of {frames} frames"));
        }
        if let Some(frames) = self.recorder.as_ref().and_then(|r| r["frames"].as_u64()) {
            row("recorded", format_args!("{frames} frames"));
        }
        if self.respawned > 0 {
            row("respawned", format_args!("{}", self.respawned));
        }
        let all = time(self.cpu_ns_per_frame());
        let producer = time(self.producer_cpu_ns / frames);
        let theirs = time(self.sum(|v| v.cpu_ns) / frames);
        let parts = match (self.producer_cpu_ns, self.per_viewer.is_empty()) {
            (0, _) | (_, true) => String::new(),
            _ => format!(" (producer {producer}, viewers {theirs})"),
        };
        row("CPU a frame", format_args!("{all}{parts}"));
        row("wake-ups", format_args!("{}", self.wakeups));
        for v in &self.per_viewer {
            let (received, lost, torn, woken) = (v.received, v.lost, v.torn, v.woken);
            let counts = format!("{received} received, {lost} lost, {torn} torn, woken {woken}");
            row(
                &format!("viewer {}", v.viewer),
                format_args!("{counts}, {}", v.ending.name()),
            );
        }
        text
    }
}

fn time(ns: u64) -> String {
    match ns {
        0..1_000 => format!("{ns} ns"),
        1_000..1_000_000 => format!("{:.1} µs", ns as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} ms", ns as f64 / 1e6),
        _ => format!("{:.2} s", ns as f64 / 1e9),
    }
}

fn size(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{:.1} kB", bytes as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", bytes as f64 / 1e6),
        _ => format!("{:.2} GB", bytes as f64 / 1e9),
    }
}

#[cfg(test)]
mod tests {
    use super::super::report::cpu_time_ns;
    use super::super::report::tests::report;
    use super::*;

    #[test]
    fn totals_merge_viewers() {
        let per_viewer = vec![report(0, 1..=1000), report(1, 1001..=2000)];
        let totals = Totals {
            sent: 1000,
            seconds: 2.0,
            producer_cpu_ns: 6_000,
            wakeups: 9,
            per_viewer,
            ..Totals::default()
        };
        let of = totals.to_json();
        let keys: Vec<_> = of.as_object().unwrap().keys().map(String::as_str).collect();
        for key in "sent received lost torn viewers bytes seconds latency_ns".split(' ') {
            assert!(keys.contains(&key), "{key}");
        }
        assert_eq!((&of["received"], &of["viewers"]), (&json!(2000), &json!(2)));
        assert_eq!(
            (&of["bytes"], &of["cpu_ns_per_frame"]),
            (&json!(10_000), &json!(10))
        );
        let latency = json!({ "p50": 1000, "p99": 1980, "p999": 1998, "max": 2000 });
        assert_eq!(of["latency_ns"], latency);
        let text = totals.to_text();
        assert!(
            text.contains("latency        p50 1.0 µs, p99 2.0 µs,"),
            "{text}"
        );
        assert!(
            text.lines().count() == 10
                && text.contains("bytes          10000 (10.0 kB, 5.0 kB a second)")
        );
    }

    #[test]
    fn a_successor_s_pace_is_its_own() {
        let text = |before| {
            let (sent, seconds) = (30, 2.0);
            let totals = Totals {
                sent,
                before,
                seconds,
                ..Totals::default()
            };
            totals.to_text().lines().next().map(str::to_owned).unwrap()
        };
        assert_eq!(text(0), "frames sent    30 in 2.00 s (15.0 a second)");
        assert_eq!(
            text(20),
            "frames sent    30, 20 before; in 2.00 s (5.0 a second)"
        );
        assert_eq!(text(30), "frames sent    30, all before this producer");
    }

    #[test]
    fn nothing_at_all_is_a_report_too() {
        let of = Totals::default().to_json();
        assert_eq!(
            of["latency_ns"],
            json!({ "p50": 0, "p99": 0, "p999": 0, "max": 0 })
        );
        let text = Totals::default().to_text();
        assert!(text.starts_with("CPU a frame    0 ns"), "{text}");
        assert!(cpu_time_ns() > 0);
    }
}
