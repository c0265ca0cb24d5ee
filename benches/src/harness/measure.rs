//! Entries, and their repeats in turn.

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

use super::processes::Side;
use super::{Control, Placement};

/// What a bench is given.
pub struct Bench<'a> {
    pub placement: &'a Placement,
    /// The entry's whole name, by which a partner finds it.
    pub name: &'a str,
    /// Items or round trips.
    pub count: u64,
}

impl Bench<'_> {
    /// A name for what two processes share, used once.
    pub fn meeting(&self) -> String {
        static NEXT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let next = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        format!("ringpad-bench-{}-{next}", std::process::id())
    }
}

/// What one run of a bench found.
pub struct Sample {
    /// In the entry's unit, for one item.
    pub value: f64,
    /// Of single items or round trips in nanoseconds, where they were timed one by one.
    pub histogram: Option<Histogram<u64>>,
    /// The share that was overwritten before it was taken, in percent, where that can be.
    pub lost: Option<f64>,
}

impl Sample {
    pub fn each(took: std::time::Duration, count: u64) -> Self {
        Self {
            value: took.as_nanos() as f64 / count as f64,
            histogram: None,
            lost: None,
        }
    }
}

type Run = Box<dyn Fn(&Bench<'_>) -> Sample>;
type PlayPartner = Box<dyn Fn(&Side, &Control)>;

/// One bench: a contender in a cell. Contenders of one cell are compared.
pub struct Entry {
    /// `group/parameters`.
    pub cell: String,
    pub contender: String,
    pub unit: &'static str,
    /// How long one repeat should take.
    pub target_ms: u64,
    /// Times the run's repeats: more where the machine scatters more.
    pub often: usize,
    /// Whether it runs for a number of items rather than a length of time.
    counted: bool,
    /// So many items at least: with more, whatever happens once a run does not count.
    least: u64,
    run: Run,
    partner: Option<PlayPartner>,
}

impl Entry {
    pub fn new(
        cell: impl Into<String>,
        contender: impl Into<String>,
        unit: &'static str,
        run: impl Fn(&Bench<'_>) -> Sample + 'static,
    ) -> Self {
        let (cell, contender) = (cell.into(), contender.into());
        Self {
            cell,
            contender,
            unit,
            target_ms: 20,
            often: 1,
            counted: true,
            least: 64,
            run: Box::new(run),
            partner: None,
        }
    }

    /// What the other process does.
    pub fn with_partner(mut self, partner: impl Fn(&Side, &Control) + 'static) -> Self {
        self.partner = Some(Box::new(partner));
        self
    }

    pub fn taking(mut self, target_ms: u64) -> Self {
        self.target_ms = target_ms;
        self
    }

    /// An item takes so long that a few are enough.
    pub fn of_few(mut self) -> Self {
        self.least = 4;
        self
    }

    /// It runs for a length of time: no count need be found.
    pub fn for_a_time(mut self) -> Self {
        self.counted = false;
        self
    }

    /// Repeats the whole cell so many times as often.
    pub fn often(mut self, often: usize) -> Self {
        self.often = often;
        self
    }

    pub fn name(&self) -> String {
        format!("{}/{}", self.cell, self.contender)
    }

    pub fn group(&self) -> &str {
        self.cell.split('/').next().unwrap_or(&self.cell)
    }

    pub fn play_partner(&self, side: &Side, control: &Control) {
        let partner = self.partner.as_ref().expect("a bench between processes");
        partner(side, control);
    }

    fn run(&self, placement: &Placement, count: u64) -> Sample {
        (self.run)(&Bench {
            placement,
            name: &self.name(),
            count,
        })
    }

    /// How many items take about as long as a repeat should.
    fn calibrate(&self, placement: &Placement) -> u64 {
        if !self.counted {
            return 0;
        }
        let mut count = self.least * 4;
        loop {
            let begin = std::time::Instant::now();
            let sample = self.run(placement, count);
            let wall = begin.elapsed().as_nanos() as f64;
            let nanos = if self.unit == "ns" {
                sample.value
            } else {
                wall / count as f64
            };
            let want = (self.target_ms as f64 * 1e6 / nanos.max(0.01)) as u64;
            if want <= count * 8 {
                return want.max(self.least);
            }
            count = want.min(count * 64);
        }
    }
}

/// All repeats of one entry.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Figure {
    pub cell: String,
    pub contender: String,
    pub unit: String,
    /// Items or round trips of each repeat; 0 where all repeats took the same time instead.
    pub count: u64,
    /// In the order of the repeats: the n-th of each contender of a cell ran side by side.
    #[serde(deserialize_with = "crate::report::json::nulls")]
    pub repeats: Vec<f64>,
    /// Percentile and nanoseconds, over all repeats together.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub percentiles: Vec<(f64, u64)>,
    /// Percent that was overwritten before it was taken, in each repeat; empty where nothing can be.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lost: Vec<f64>,
}

/// The percentiles that are told.
pub const PERCENTILES: [f64; 6] = [50.0, 90.0, 99.0, 99.9, 99.99, 100.0];

impl Figure {
    pub fn name(&self) -> String {
        format!("{}/{}", self.cell, self.contender)
    }

    /// The value that a share of the repeats does not exceed.
    pub fn quantile(&self, share: f64) -> f64 {
        quantile(&self.repeats, share)
    }

    pub fn median(&self) -> f64 {
        self.quantile(0.5)
    }

    /// This one's repeats by the other's, each by the one that ran beside it: a moment later the machine may be another.
    pub fn ratios_to(&self, other: &Figure) -> Vec<f64> {
        let pairs = self.repeats.iter().zip(&other.repeats);
        pairs.map(|(mine, theirs)| mine / theirs).collect()
    }

    /// Takes the other's repeats off this one's, each off the one that ran beside it. Nothing takes less than no time.
    pub fn take_off(&mut self, other: &Figure) {
        let pairs = self.repeats.iter().zip(&other.repeats);
        let less = pairs.map(|(mine, theirs)| if mine > theirs { mine - theirs } else { 0.0 });
        self.repeats = less.collect();
    }

    /// The median of those ratios.
    pub fn ratio_to(&self, other: &Figure) -> f64 {
        median(&self.ratios_to(other))
    }
}

/// The value that a share of the values does not exceed, between two if it falls between them.
pub fn quantile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let Some(last) = sorted.len().checked_sub(1) else {
        return f64::NAN;
    };
    let at = last as f64 * share;
    let (below, above) = (sorted[at.floor() as usize], sorted[at.ceil() as usize]);
    below + (above - below) * at.fract()
}

pub fn median(values: &[f64]) -> f64 {
    quantile(values, 0.5)
}

/// Rounds of a cell in a run of so many repeats.
pub fn rounds(cell: &[Entry], repeats: usize) -> usize {
    let often = cell.iter().map(|entry| entry.often).max();
    repeats * often.unwrap_or(1)
}

/// Measures the contenders of one cell: [`rounds`] of them, in each of which all have their turn, beginning with another.
pub fn measure(
    entries: &[Entry],
    placement: &Placement,
    repeats: usize,
    mut progress: impl FnMut(&Entry),
) -> Vec<Figure> {
    let mut figures: Vec<(Figure, Option<Histogram<u64>>)> = entries
        .iter()
        .map(|entry| {
            progress(entry);
            let figure = Figure {
                cell: entry.cell.clone(),
                contender: entry.contender.clone(),
                unit: entry.unit.into(),
                count: entry.calibrate(placement),
                repeats: Vec::new(),
                percentiles: Vec::new(),
                lost: Vec::new(),
            };
            (figure, None)
        })
        .collect();
    for round in 0..rounds(entries, repeats) {
        for turn in 0..entries.len() {
            let at = (round + turn) % entries.len();
            progress(&entries[at]);
            let (figure, histogram) = &mut figures[at];
            let sample = entries[at].run(placement, figure.count);
            figure.repeats.push(sample.value);
            figure.lost.extend(sample.lost);
            match (histogram.as_mut(), sample.histogram) {
                (Some(all), Some(one)) => all.add(one).expect("histograms of one range"),
                (None, one) => *histogram = one,
                (Some(_), None) => {}
            }
        }
    }
    let tell = |(mut figure, histogram): (Figure, Option<Histogram<u64>>)| {
        if let Some(histogram) = histogram {
            figure.percentiles = PERCENTILES
                .map(|p| (p, histogram.value_at_quantile(p / 100.0)))
                .to_vec();
        }
        figure
    };
    figures.into_iter().map(tell).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figure(repeats: &[f64]) -> Figure {
        Figure {
            cell: "c".into(),
            contender: "x".into(),
            unit: "ns".into(),
            count: 1,
            repeats: repeats.into(),
            percentiles: Vec::new(),
            lost: Vec::new(),
        }
    }

    #[test]
    fn medians_and_quartiles() {
        assert_eq!(figure(&[3.0, 1.0, 2.0]).median(), 2.0);
        assert_eq!(figure(&[4.0, 1.0, 2.0, 3.0]).median(), 2.5);
        let nine = figure(&[9.0, 1.0, 2.0, 8.0, 3.0, 7.0, 4.0, 6.0, 5.0]);
        assert_eq!(
            [0.0, 0.25, 0.75, 1.0].map(|q| nine.quantile(q)),
            [1.0, 3.0, 7.0, 9.0]
        );
        assert!(figure(&[]).median().is_nan());
    }

    #[test]
    fn ratios_are_of_what_ran_side_by_side() {
        // The machine became four times slower after the first rounds, for both.
        let (a, b) = (
            figure(&[1.0, 1.0, 4.0, 8.0, 4.0]),
            figure(&[2.0, 2.0, 2.0, 8.0, 8.0]),
        );
        assert_eq!(a.ratios_to(&b), [0.5, 0.5, 2.0, 1.0, 0.5]);
        assert_eq!(a.ratio_to(&b), 0.5);
        assert!(a.ratio_to(&figure(&[])).is_nan());
    }

    #[test]
    fn a_few_are_enough_of_what_takes_long() {
        let placement = Placement::of_two(0, 1);
        let counts = std::rc::Rc::new(std::cell::RefCell::new(Vec::new()));
        let seen = counts.clone();
        let slow = move |bench: &Bench<'_>| {
            seen.borrow_mut().push(bench.count);
            Sample {
                value: 50e6,
                histogram: None,
                lost: None,
            }
        };
        let entries = [Entry::new("cell/1", "slow", "ns", slow).of_few()];
        measure(&entries, &placement, 2, |_| {});
        assert_eq!(*counts.borrow(), [16, 4, 4]);
    }

    #[test]
    fn every_contender_has_every_turn() {
        let placement = Placement::of_two(0, 1);
        let entry = |name: &str, nanos: f64| {
            Entry::new("cell/1", name, "ns", move |bench| {
                assert!(bench.count >= 64 && bench.name.starts_with("cell/1/"));
                Sample {
                    value: nanos,
                    histogram: None,
                    lost: None,
                }
            })
        };
        let mut turns = Vec::new();
        let entries = [entry("a", 10.0), entry("b", 20.0)];
        let figures = measure(&entries, &placement, 3, |e| turns.push(e.contender.clone()));
        assert_eq!(turns.concat(), "ababbaab");
        assert_eq!(figures[1].repeats, [20.0; 3]);
        assert_eq!(figures[0].count, 2_000_000);
    }
}
