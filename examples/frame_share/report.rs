//! What one viewer measured.
//!
//! A viewer is a process of its own, so its report goes to the launcher as one line of JSON on its
//! standard output. Percentiles cannot be added up, so the line carries the latency histogram
//! itself, as `[nanoseconds, frames]` pairs, and the launcher merges these.

use hdrhistogram::Histogram;
use serde_json::{Value, json};

use super::wire::State;

/// Latencies from one nanosecond to a minute (longer ones count as a minute), to three digits.
#[derive(Clone, Debug, PartialEq)]
pub struct Latency(Histogram<u64>);

impl Latency {
    const MOST_NS: u64 = 60_000_000_000;

    /// Adds one frame.
    pub fn record(&mut self, ns: u64) {
        self.0.saturating_record(ns.clamp(1, Self::MOST_NS));
    }

    /// Nanoseconds within which half, 99 %, 99.9 % and all of the frames came; 0 before the first.
    pub fn quantiles(&self) -> [u64; 4] {
        [0.5, 0.99, 0.999, 1.0].map(|part| self.0.value_at_quantile(part))
    }

    /// The same for programs.
    pub fn to_json(&self) -> Value {
        let [p50, p99, p999, max] = self.quantiles();
        json!({ "p50": p50, "p99": p99, "p999": p999, "max": max })
    }

    /// Adds another's frames.
    pub fn merge(&mut self, other: &Self) {
        let same_bounds = self.0.add(&other.0);
        same_bounds.expect("latencies all have the same bounds");
    }

    fn buckets(&self) -> impl Iterator<Item = (u64, u64)> {
        let buckets = self.0.iter_recorded();
        buckets.map(|b| (b.value_iterated_to(), b.count_at_value()))
    }

    fn from_value(value: &Value) -> Option<Self> {
        let mut latency = Self::default();
        for pair in value.as_array()? {
            let [ns, frames] = pair.as_array()?.as_slice() else {
                return None;
            };
            latency.0.record_n(ns.as_u64()?, frames.as_u64()?).ok()?;
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
    /// It was killed, and left no report of its own.
    Stopped,
}

impl From<State> for Ending {
    fn from(state: State) -> Self {
        match state {
            State::Failed => Self::Failed,
            State::Running | State::Ended => Self::End,
        }
    }
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
    /// Of those, frames whose tickets were overwritten before they were read.
    pub missed: u64,
    /// Of those, frames that held something newer when they were to be looked at.
    pub stale: u64,
    /// Frames whose header or checksum was wrong.
    pub torn: u64,
    /// Frames that came out of their order.
    pub disordered: u64,
    /// Frames that came once more, from the successor of a killed producer.
    pub again: u64,
    /// The number of the first frame received.
    pub first: u64,
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
    const COUNTS: [&'static str; 11] = [
        "received",
        "lost",
        "missed",
        "stale",
        "torn",
        "disordered",
        "again",
        "first",
        "bytes",
        "cpu_ns",
        "woken",
    ];

    fn counts(&mut self) -> [&mut u64; 11] {
        let Self {
            viewer: _,
            ending: _,
            received,
            lost,
            missed,
            stale,
            torn,
            disordered,
            again,
            first,
            bytes,
            latency: _,
            cpu_ns,
            woken,
        } = self;
        [
            received, lost, missed, stale, torn, disordered, again, first, bytes, cpu_ns, woken,
        ]
    }

    /// Whether every frame that it saw was whole and in its place.
    pub fn is_sound(&self) -> bool {
        self.torn == 0 && self.disordered == 0
    }

    /// The report for people's programs: percentiles in place of the histogram.
    pub fn to_json(&self) -> Value {
        let mut of = json!({ "viewer": self.viewer, "ending": self.ending.name() });
        for (name, count) in Self::COUNTS.iter().zip(self.clone().counts()) {
            of[name] = json!(count);
        }
        of["latency_ns"] = self.latency.to_json();
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

    /// Reads what [`ViewerReport::to_line`] wrote; `None` where it is anything else.
    pub fn from_line(line: &str) -> Option<Self> {
        let of: Value = serde_json::from_str(line).ok()?;
        let ending = of.get("ending")?.as_str()?;
        let mut report = Self {
            viewer: of.get("viewer")?.as_u64()?.try_into().ok()?,
            ending: Ending::ALL.into_iter().find(|e| e.name() == ending)?,
            latency: Latency::from_value(of.get("latency_ns")?)?,
            ..Self::default()
        };
        for (name, count) in Self::COUNTS.iter().zip(report.counts()) {
            *count = of.get(name)?.as_u64()?;
        }
        Some(report)
    }
}

/// CPU time this process has used, all threads, in nanoseconds.
pub fn cpu_time_ns() -> u64 {
    super::system::cpu_time_ns()
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// A report with these latencies.
    pub fn report(viewer: u32, latencies: impl Iterator<Item = u64>) -> ViewerReport {
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
            assert_eq!(ViewerReport::from_line(&line), Some(sent.clone()));
        }
    }

    #[test]
    fn bad_lines_are_refused() {
        let good = report(0, [5].into_iter()).to_line();
        let swaps = [
            ("\"lost\":0", "\"lost\":-1"),
            ("\"viewer\":0", "\"viewer\":4294967296"),
            ("\"torn\"", "\"worn\""),
            ("end", "?"),
            ("[[5,1]]", "[[5]]"),
            ("[[5,1]]", "[[5,1,1]]"),
            ("[[5,1]]", "[[5,-1]]"),
            ("[[5,1]]", "[[1000000000000,1]]"),
            ("[[5,1]]", "[5]"),
            ("[[5,1]]", "5"),
        ];
        for (from, to) in swaps {
            let bad = good.replacen(from, to, 1);
            assert_ne!(bad, good, "{from}");
            assert_eq!(ViewerReport::from_line(&bad), None, "{to}");
        }
        for line in ["", "{", "null", "[]", "3"] {
            assert_eq!(ViewerReport::from_line(line), None);
        }
    }
}
