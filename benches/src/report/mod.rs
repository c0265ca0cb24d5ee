//! What was measured, as people and programs read it: tables, a file of figures, verdicts and plots.

pub mod json;
pub mod plots;
pub mod table;
pub mod targets;

use serde::{Deserialize, Serialize};

use crate::harness::Figure;
use crate::harness::machine::Machine;

/// So few repeats tell the order of magnitude and no more.
pub const QUICK: usize = 3;

/// All figures of a run, and what it ran on.
#[derive(Debug, Serialize, Deserialize)]
pub struct Report {
    pub machine: Machine,
    /// Seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date: Option<u64>,
    pub repeats: usize,
    pub figures: Vec<Figure>,
}

impl Report {
    pub fn new(machine: Machine, repeats: usize) -> Self {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        Self {
            machine,
            date: now.ok().map(|since| since.as_secs()),
            repeats,
            figures: Vec::new(),
        }
    }

    /// What a reader must know before the first figure.
    pub fn head(&self) -> String {
        let Self {
            machine, repeats, ..
        } = self;
        let quick = if *repeats <= QUICK {
            ": a quick look, not for quoting"
        } else {
            ""
        };
        let s = if *repeats == 1 { "" } else { "s" };
        format!("{machine}\n{repeats} repeat{s}, contenders in turn{quick}")
    }

    /// The figures of each cell, in the order of the cells' first figures.
    pub fn cells(&self) -> Vec<(&str, Vec<&Figure>)> {
        let mut cells: Vec<(&str, Vec<&Figure>)> = Vec::new();
        for figure in &self.figures {
            match cells.iter_mut().find(|(cell, _)| *cell == figure.cell) {
                Some((_, figures)) => figures.push(figure),
                None => cells.push((&figure.cell, vec![figure])),
            }
        }
        cells
    }

    pub fn find(&self, name: &str) -> Option<&Figure> {
        self.figures.iter().find(|figure| figure.name() == name)
    }
}

/// The first part of a cell's name.
pub fn group(cell: &str) -> &str {
    cell.split('/').next().unwrap_or(cell)
}

/// Whether this is the machine itself and no channel.
pub fn is_floor(contender: &str) -> bool {
    contender.starts_with("floor")
}

pub fn is_ringpad(contender: &str) -> bool {
    contender.starts_with("ringpad")
}

/// Whether the group's figures are as well told in millions a second.
pub fn has_rate(figure: &Figure) -> bool {
    let groups = [
        "throughput",
        "records",
        "notepad-read",
        "notepad-fresh",
        "notepad-write",
        "mailslot-publish",
        "mailslot-deliver",
        "mpmc",
    ];
    figure.unit == "ns" && groups.contains(&group(&figure.cell))
}

/// Millions a second, for nanoseconds each.
pub fn rate(nanos: f64) -> f64 {
    1000.0 / nanos
}

/// About three digits that count; `-` for what could not be measured.
pub fn number(value: f64) -> String {
    match value.abs() {
        _ if !value.is_finite() => "-".into(),
        0.0..100.0 => format!("{value:.2}"),
        100.0..1000.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

#[cfg(test)]
pub mod samples {
    //! Made-up figures for the tests.

    use super::*;

    pub fn figure(cell: &str, contender: &str, repeats: &[f64]) -> Figure {
        Figure {
            cell: cell.into(),
            contender: contender.into(),
            unit: "ns".into(),
            count: 1000,
            repeats: repeats.into(),
            percentiles: Vec::new(),
            lost: Vec::new(),
        }
    }

    pub fn report(figures: Vec<Figure>) -> Report {
        let machine = Machine {
            processor: "Abacus <9> & Sons".into(),
            processors: 2,
            kernel: "6.0".into(),
            system: "no hypervisor seen".into(),
            compiler: "rustc 1.95.0".into(),
            placement: "processors 0 and 1: two cores".into(),
        };
        Report {
            machine,
            date: Some(1),
            repeats: 9,
            figures,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::samples::{figure, report};
    use super::*;

    #[test]
    fn cells_gather_their_figures_in_order() {
        let report = report(vec![
            figure("b/8", "x", &[1.0]),
            figure("a/8", "x", &[1.0]),
            figure("b/8", "y", &[1.0]),
        ]);
        let cells: Vec<(&str, usize)> = report.cells().iter().map(|(c, f)| (*c, f.len())).collect();
        assert_eq!(cells, [("b/8", 2), ("a/8", 1)]);
    }

    #[test]
    fn numbers_have_about_three_digits() {
        let told = [1.234, 99.5, 123.45, 4567.8, f64::NAN, f64::INFINITY].map(number);
        assert_eq!(told, ["1.23", "99.50", "123.5", "4568", "-", "-"]);
    }

    #[test]
    fn few_repeats_are_not_for_quoting() {
        let mut report = report(Vec::new());
        assert!(!report.head().contains("not for quoting"));
        report.repeats = QUICK;
        assert!(report.head().contains("3 repeats") && report.head().contains("not for quoting"));
    }
}
