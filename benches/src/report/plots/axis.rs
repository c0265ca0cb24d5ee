//! The y axis: from a round number to a round number, with round numbers in between.

use std::ops::Range;

use super::{Plot, Point};

/// The y axis.
pub struct Axis {
    /// Logarithms, where it is logarithmic.
    pub range: Range<f64>,
    /// Values with labels.
    pub ticks: Vec<f64>,
    pub logarithmic: bool,
}

/// 1, 2 or 5 times a power of ten, for each index.
fn step(index: i32) -> f64 {
    [1.0, 2.0, 5.0][index.rem_euclid(3) as usize] * 10f64.powi(index.div_euclid(3))
}

/// The first step that is not below the value.
fn step_above(value: f64) -> i32 {
    let near = (value.log10().floor() as i32) * 3;
    (near..)
        .find(|&index| step(index) >= value * 0.999_999)
        .unwrap_or(near)
}

impl Axis {
    /// Time is compared by ratios; so are rates if they are far apart.
    pub fn new(plot: &Plot) -> Self {
        let of = |point: &Point| {
            let (low, high) = point.spread.unwrap_or((point.y, point.y));
            [point.y, low, high]
        };
        let points = || plot.series.iter().flat_map(|series| &series.points);
        let values = || points().flat_map(of).filter(|value| *value > 0.0);
        let least = values().fold(f64::MAX, f64::min);
        let most = values().fold(f64::MIN, f64::max);
        let logarithmic = plot.y_name != "million/s" || most / least > 15.0;
        if !logarithmic {
            let each = step(step_above(most * 1.05 / 6.0));
            let count = (most * 1.05 / each).ceil();
            let ticks = (0..=count as usize).map(|n| n as f64 * each).collect();
            return Self {
                range: 0.0..count * each,
                ticks,
                logarithmic,
            };
        }
        let (first, last) = (step_above(least * 0.98 / 2.5), step_above(most * 1.05));
        let first = if step(first + 1) <= least * 0.95 {
            first + 1
        } else {
            first
        };
        // Many decades: one label each, and whole ones.
        let many = last - first > 12;
        let (first, last) = if many {
            (first.div_euclid(3) * 3, -(-last).div_euclid(3) * 3)
        } else {
            (first, last)
        };
        let tell = |index: &i32| !many || index.rem_euclid(3) == 0;
        let ticks = (first..=last).filter(tell).map(step).collect();
        Self {
            range: step(first).log10()..step(last).log10(),
            ticks,
            logarithmic,
        }
    }

    pub fn label(&self, value: f64) -> String {
        // Few digits count: the rest is rounding.
        let value: f64 = format!("{value:.3e}").parse().unwrap_or(value);
        value.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_round_numbers() {
        assert_eq!(
            [-1, 0, 1, 2, 3, 5].map(step),
            [0.5, 1.0, 2.0, 5.0, 10.0, 50.0]
        );
        assert_eq!(
            [0.9, 1.0, 1.1, 60.0, 200.0].map(|v| step(step_above(v))),
            [1.0, 1.0, 2.0, 100.0, 200.0]
        );
    }

    fn plot(y_name: &str, values: &[f64]) -> Plot {
        let mut plot = Plot::new("f".into(), "t".into(), "x", y_name.into());
        for (x, &y) in values.iter().enumerate() {
            let x = x as f64;
            plot.add("c", (x, x.to_string()), Point { x, y, spread: None });
        }
        plot
    }

    #[test]
    fn axes_hold_all_values_between_labels() {
        for values in [&[90.0, 160.0][..], &[1.0, 1.0], &[3.0, 2e6], &[0.02, 0.5]] {
            let axis = Axis::new(&plot("ns", values));
            assert!(
                axis.logarithmic && axis.ticks.len() >= 2,
                "{values:?}: {:?}",
                axis.ticks
            );
            assert!(
                values.iter().all(|v| axis.range.contains(&v.log10())),
                "{values:?}"
            );
        }
        assert_eq!(
            Axis::new(&plot("ns", &[90.0, 160.0])).ticks,
            [50.0, 100.0, 200.0]
        );
        let near = Axis::new(&plot("million/s", &[50.0, 230.0]));
        assert_eq!(near.ticks, [0.0, 50.0, 100.0, 150.0, 200.0, 250.0]);
        assert!(Axis::new(&plot("million/s", &[0.5, 230.0])).logarithmic);
        let far = Axis::new(&plot("ns", &[130.0, 3.9e7]));
        assert_eq!((far.ticks[0], far.ticks[far.ticks.len() - 1]), (100.0, 1e8));
        assert_eq!(near.label(250.0), "250");
        assert_eq!(near.label(0.1 + 0.2), "0.3");
    }
}
