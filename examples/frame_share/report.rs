//! What was measured: one report a viewer, their sum, and the two ways of showing it.
//!
//! A viewer is a process of its own, so its report goes to the launcher as one line of JSON on its
//! standard output. Percentiles cannot be added up, so the line carries the latency histogram
//! itself, as `[nanoseconds, frames]` pairs, and the launcher merges these.

use std::fmt::Write;

use hdrhistogram::Histogram;
use serde_json::{Value, json};

/// Latencies from one nanosecond to a minute (longer ones count as a minute), to three digits.
#[derive(Clone, Debug, PartialEq)]
pub struct Latency(Histogram<u64>);

impl Latency {
    const MOST_NS: u64 = 60_000_000_000;

    /// Adds one frame.
    pub fn record(&mut self, ns: u64) {
        self.0.saturating_record(ns.clamp(1, Self::MOST_NS));
    }

    /// Nanoseconds within which this part (0 to 1) of the frames came; 0 before the first.
    pub fn quantile(&self, part: f64) -> u64 {
        self.0.value_at_quantile(part)
    }

    /// The slowest frame's nanoseconds.
    pub fn max(&self) -> u64 {
        self.0.max()
    }

    fn merge(&mut self, other: &Self) {
        for (ns, frames) in other.buckets() {
            // In range: it was recorded with the same bounds.
            let _ = self.0.record_n(ns, frames);
        }
    }

    fn buckets(&self) -> impl Iterator<Item = (u64, u64)> {
        let buckets = self.0.iter_recorded();
        buckets.map(|b| (b.value_iterated_to().min(Self::MOST_NS), b.count_at_value()))
    }

    fn from_value(value: &Value) -> Option<Self> {
        let mut latency = Self::default();
        for pair in value.as_array()? {
            let [ns, frames] = pair.as_array()?.as_slice() else {
                return None;
            };
            let ns = ns.as_u64().filter(|&ns| ns <= Self::MOST_NS)?;
            latency.0.record_n(ns, frames.as_u64()?).ok()?;
        }
        Some(latency)
    }
}

impl Default for Latency {
    fn default() -> Self {
        let made = Histogram::new_with_bounds(1, Self::MOST_NS, 3);
        Self(made.expect("these bounds are good ones"))
    }
}

/// Why a viewer stopped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ending {
    /// The stream came to its end.
    #[default]
    End,
    /// The producer said it could not go on.
    Failed,
    /// The producer went without a word.
    ProducerGone,
    /// The viewer was asked to stop.
    Stopped,
}

impl Ending {
    const ALL: [Self; 4] = [Self::End, Self::Failed, Self::ProducerGone, Self::Stopped];

    /// One word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::End => "end",
            Self::Failed => "failed",
            Self::ProducerGone => "producer-gone",
            Self::Stopped => "stopped",
        }
    }
}

/// What one viewer saw.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ViewerReport {
    /// Which viewer.
    pub viewer: u32,
    /// Why it stopped.
    pub ending: Ending,
    /// Frames that came whole.
    pub received: u64,
    /// Frames that never came, by the gaps in the sequence.
    pub lost: u64,
    /// Frames whose header or checksum was wrong.
    pub torn: u64,
    /// Bytes of pictures in the frames received.
    pub bytes: u64,
    /// From commit until the viewer had the frame.
    pub latency: Latency,
    /// CPU time of the viewer's process.
    pub cpu_ns: u64,
    /// How often it slept and was woken.
    pub woken: u64,
}

impl ViewerReport {
    const COUNTS: [&'static str; 6] = ["received", "lost", "torn", "bytes", "cpu_ns", "woken"];

    fn counts(&mut self) -> [&mut u64; 6] {
        let Self {
            received,
            lost,
            torn,
            bytes,
            cpu_ns,
            woken,
            ..
        } = self;
        [received, lost, torn, bytes, cpu_ns, woken]
    }

    /// The report for people's programs: percentiles in place of the histogram.
    pub fn to_json(&self) -> Value {
        let mut of = json!({ "viewer": self.viewer, "ending": self.ending.name() });
        for (name, count) in Self::COUNTS.iter().zip(self.clone().counts()) {
            of[name] = json!(count);
        }
        of["latency_ns"] = percentiles(&self.latency);
        of
    }

    /// The report for the launcher, without the newline.
    pub fn to_line(&self) -> String {
        let mut of = self.to_json();
        of["latency_ns"] = self
            .latency
            .buckets()
            .map(|(ns, frames)| json!([ns, frames]))
            .collect();
        of.to_string()
    }

    /// Reads what [`ViewerReport::to_line`] wrote.
    pub fn from_line(line: &str) -> Result<Self, String> {
        let of: Value =
            serde_json::from_str(line.trim()).map_err(|e| format!("viewer's report: {e}"))?;
        let lacks = |name: &str| format!("viewer's report: \"{name}\" is missing or wrong");
        let number = |name: &str| {
            of.get(name)
                .and_then(Value::as_u64)
                .ok_or_else(|| lacks(name))
        };
        let ending = of.get("ending").and_then(Value::as_str).unwrap_or_default();
        let ending = Ending::ALL.into_iter().find(|e| e.name() == ending);
        let latency = of.get("latency_ns").and_then(Latency::from_value);
        let mut report = Self {
            viewer: (number("viewer")?.try_into()).map_err(|_| lacks("viewer"))?,
            ending: ending.ok_or_else(|| lacks("ending"))?,
            latency: latency.ok_or_else(|| lacks("latency_ns"))?,
            ..Self::default()
        };
        for (name, count) in Self::COUNTS.iter().zip(report.counts()) {
            *count = number(name)?;
        }
        Ok(report)
    }
}

/// The whole run, as the launcher (or one half by itself) reports it.
#[derive(Clone, Debug, Default)]
pub struct Totals {
    /// Frames the producer committed, each counted once however many viewers it went to.
    pub sent: u64,
    /// How long the sending took.
    pub seconds: f64,
    /// CPU time of the producer's process.
    pub producer_cpu_ns: u64,
    /// Wake-ups the producer rang.
    pub wakeups: u64,
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
            "torn": self.sum(|v| v.torn),
            "viewers": self.per_viewer.len(),
            "bytes": self.sum(|v| v.bytes),
            "seconds": (self.seconds * 1e6).round() / 1e6,
            "latency_ns": percentiles(&self.latency()),
            "cpu_ns_per_frame": self.cpu_ns_per_frame(),
            "wakeups": self.wakeups,
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
            let pace = rate(sent);
            row(
                "frames sent",
                format_args!("{sent} in {seconds:.2} s ({pace:.1} a second)"),
            );
        }
        if !self.per_viewer.is_empty() {
            let (received, viewers) = (self.sum(|v| v.received), self.per_viewer.len());
            row("received", format_args!("{received} by {viewers} viewers"));
            row("lost", format_args!("{}", self.sum(|v| v.lost)));
            row("torn", format_args!("{}", self.sum(|v| v.torn)));
            let bytes = self.sum(|v| v.bytes);
            let (total, pace) = (size(bytes), size(rate(bytes) as u64));
            row("bytes", format_args!("{bytes} ({total}, {pace} a second)"));
            let latency = self.latency();
            let [p50, p99, p999] = [0.5, 0.99, 0.999].map(|part| time(latency.quantile(part)));
            let max = time(latency.max());
            row(
                "latency",
                format_args!("p50 {p50}, p99 {p99}, p99.9 {p999}, max {max}"),
            );
        }
        let all = time(self.cpu_ns_per_frame());
        let producer = time(self.producer_cpu_ns / frames);
        let theirs = time(self.sum(|v| v.cpu_ns) / frames);
        row(
            "CPU a frame",
            format_args!("{all} (producer {producer}, viewers {theirs})"),
        );
        row("wake-ups rung", format_args!("{}", self.wakeups));
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

/// CPU time this process has used, all threads, in nanoseconds.
pub fn cpu_time_ns() -> u64 {
    let used = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    used.tv_sec as u64 * 1_000_000_000 + used.tv_nsec as u64
}

fn percentiles(of: &Latency) -> Value {
    let [p50, p99, p999] = [0.5, 0.99, 0.999].map(|part| of.quantile(part));
    json!({ "p50": p50, "p99": p99, "p999": p999, "max": of.max() })
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
    use super::*;

    fn report(viewer: u32, latencies: impl Iterator<Item = u64>) -> ViewerReport {
        let mut report = ViewerReport {
            viewer,
            bytes: 5_000,
            cpu_ns: 2_000,
            woken: 3,
            ..ViewerReport::default()
        };
        for ns in latencies {
            report.received += 1;
            report.latency.record(ns);
        }
        report
    }

    #[test]
    fn a_report_survives_its_line() {
        let mut sent = report(1, [0, 1, 999, 123_456_789, u64::MAX].into_iter());
        (sent.lost, sent.torn, sent.bytes) = (7, 8, u64::MAX);
        for ending in Ending::ALL {
            sent.ending = ending;
            let line = sent.to_line();
            assert!(!line.contains('\n'));
            assert_eq!(ViewerReport::from_line(&format!("{line}\n")).unwrap(), sent);
        }
    }

    #[test]
    fn bad_lines_are_refused() {
        let good = report(0, [5].into_iter()).to_line();
        let swap = |from: &str, to: &str| {
            ViewerReport::from_line(&good.replacen(from, to, 1)).unwrap_err()
        };
        assert!(good.contains("[[5,1]]"), "{good}");
        assert!(swap("\"lost\":0", "\"lost\":-1").contains("\"lost\" is missing or wrong"));
        assert!(swap("\"viewer\":0", "\"viewer\":4294967296").contains("\"viewer\""));
        assert!(swap("end", "?").contains("ending"));
        for pairs in [
            "[[5]]",
            "[[5,1,1]]",
            "[[5,-1]]",
            "[[60000000001,1]]",
            "5",
            "[5]",
        ] {
            assert!(swap("[[5,1]]", pairs).contains("latency_ns"), "{pairs}");
        }
        for line in ["", "{", "null", "[]", "3"] {
            ViewerReport::from_line(line).unwrap_err();
        }
    }

    #[test]
    fn totals_merge_viewers() {
        let per_viewer = vec![report(0, 1..=1000), report(1, 1001..=2000)];
        let totals = Totals {
            sent: 1000,
            seconds: 2.0,
            producer_cpu_ns: 6_000,
            wakeups: 9,
            per_viewer,
        };
        let of = totals.to_json();
        let keys: Vec<_> = of.as_object().unwrap().keys().map(String::as_str).collect();
        for key in [
            "sent",
            "received",
            "lost",
            "torn",
            "viewers",
            "bytes",
            "seconds",
            "latency_ns",
        ] {
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
