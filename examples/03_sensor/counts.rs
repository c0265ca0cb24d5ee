//! What a view counts, and how it reports that: for programs, and for people.

use hdrhistogram::{CreationError, Histogram};
use serde_json::{Value, json};

/// What was counted.
pub struct Counts {
    /// Readings written since the first that was read, by their numbers.
    pub writes: u64,
    pub reads: u64,
    /// Reads that found another reading than the one before.
    pub fresh: u64,
    /// Reads that the sensor was too fast for.
    pub lapped: u64,
    /// Reads whose checksum was wrong: never.
    pub torn: u64,
    /// Different sensors seen, and how many of them were killed.
    pub sensors: u64,
    pub deaths: u64,
    /// How old readings were when they were read first, in nanoseconds.
    pub age: Histogram<u64>,
}

impl Counts {
    pub fn new() -> Result<Self, CreationError> {
        let hour = 3_600_000_000_000;
        Ok(Self {
            writes: 0,
            reads: 0,
            fresh: 0,
            lapped: 0,
            torn: 0,
            sensors: 0,
            deaths: 0,
            age: Histogram::new_with_bounds(1, hour, 2)?,
        })
    }

    /// Half of the readings, and 99 of 100, were at most so old.
    pub fn ages(&self) -> [u64; 2] {
        [0.5, 0.99].map(|part| self.age.value_at_quantile(part))
    }

    pub fn to_json(&self, name: &str, seconds: f64) -> Value {
        let [p50, p99] = self.ages();
        json!({
            "name": name, "seconds": (seconds * 1e3).round() / 1e3,
            "writes": self.writes, "reads": self.reads, "fresh": self.fresh,
            "lapped": self.lapped, "torn": self.torn,
            "sensors": self.sensors, "deaths": self.deaths,
            "age_ns": { "p50": p50, "p99": p99 },
        })
    }

    pub fn to_text(&self, name: &str, seconds: f64) -> String {
        let [p50, p99] = self.ages().map(|ns| ns as f64 / 1e3);
        let Self {
            writes,
            reads,
            lapped,
            torn,
            sensors,
            deaths,
            ..
        } = self;
        format!(
            "sensor {name}: {writes} writes and {reads} reads in {seconds:.1} s, {lapped} lapped, {torn} torn; \
             age p50 {p50:.0} us, p99 {p99:.0} us; {sensors} sensors seen, {deaths} killed"
        )
    }
}
