//! Figures as tables: aligned for a terminal, or in Markdown.

use std::fmt::Write;

use super::targets::{self, Judged};
use super::{Report, group, has_rate, is_floor, is_ringpad, number, rate};
use crate::harness::Figure;
use crate::harness::measure::median;

/// A heading and rows of equal length.
struct Grid {
    columns: Vec<String>,
    rows: Vec<Vec<String>>,
}

/// Floors first, then the fastest; what could not be measured last.
fn sorted<'a>(figures: &[&'a Figure]) -> Vec<&'a Figure> {
    let mut sorted = figures.to_vec();
    let median = |figure: &Figure| {
        if figure.median().is_nan() {
            f64::MAX
        } else {
            figure.median()
        }
    };
    sorted.sort_by(|a, b| {
        let floors = is_floor(&b.contender).cmp(&is_floor(&a.contender));
        floors.then(median(a).total_cmp(&median(b)))
    });
    sorted
}

fn percentile_name(percentile: f64) -> String {
    if percentile >= 100.0 {
        "max".into()
    } else {
        format!("p{percentile}")
    }
}

fn grid(figures: &[&Figure]) -> Grid {
    let reference = figures.iter().find(|figure| is_ringpad(&figure.contender));
    let rates = figures.iter().any(|figure| has_rate(figure));
    let percentiles: Vec<f64> =
        figures
            .iter()
            .find(|f| !f.percentiles.is_empty())
            .map_or(Vec::new(), |figure| {
                figure
                    .percentiles
                    .iter()
                    .map(|(percentile, _)| *percentile)
                    .collect()
            });
    let unit = figures.first().map_or("", |figure| &figure.unit);
    let mixed = figures.iter().any(|figure| figure.unit != unit);
    let mut columns = vec!["contender".to_owned()];
    columns.push(if mixed {
        "median".into()
    } else {
        format!("median, {unit}")
    });
    columns.push("quartiles".into());
    let losses = figures.iter().any(|figure| !figure.lost.is_empty());
    columns.extend(rates.then(|| "million/s".into()));
    columns.extend(losses.then(|| "lost, %".into()));
    columns.extend(reference.map(|reference| format!("to {}", reference.contender)));
    columns.extend(
        percentiles
            .iter()
            .map(|percentile| percentile_name(*percentile)),
    );
    let row = |figure: &Figure| {
        let median = figure.median();
        let mut row = vec![figure.contender.clone(), number(median)];
        if mixed {
            let _ = write!(row[1], " {}", figure.unit);
        }
        row.push(if median.is_nan() {
            "-".into()
        } else {
            format!(
                "{}..{}",
                number(figure.quantile(0.25)),
                number(figure.quantile(0.75))
            )
        });
        row.extend(rates.then(|| number(rate(median))));
        row.extend(losses.then(|| number(self::median(&figure.lost))));
        row.extend(reference.map(|reference| number(figure.ratio_to(reference))));
        row.extend(percentiles.iter().map(|percentile| {
            let found = figure.percentiles.iter().find(|(p, _)| p == percentile);
            found.map_or("-".into(), |(_, nanos)| nanos.to_string())
        }));
        row
    };
    Grid {
        columns,
        rows: sorted(figures).into_iter().map(row).collect(),
    }
}

impl Grid {
    fn text(&self) -> String {
        let width = |at: usize| {
            let cells = self.rows.iter().map(|row| row[at].chars().count());
            cells
                .chain([self.columns[at].chars().count()])
                .max()
                .unwrap_or(0)
        };
        let widths: Vec<usize> = (0..self.columns.len()).map(width).collect();
        let mut text = String::new();
        for row in [&self.columns].into_iter().chain(&self.rows) {
            for (at, (cell, width)) in row.iter().zip(&widths).enumerate() {
                // Names to the left, numbers to the right.
                let _ = if at == 0 {
                    write!(text, "  {cell:width$}")
                } else {
                    write!(text, "  {cell:>width$}")
                };
            }
            text.push('\n');
        }
        text
    }

    fn markdown(&self) -> String {
        let line = |cells: &[String]| {
            let cells: Vec<String> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
            format!("| {} |\n", cells.join(" | "))
        };
        let rule: String = (1..self.columns.len()).map(|_| " ---: |").collect();
        let rows: String = self.rows.iter().map(|row| line(row)).collect();
        format!("{}| --- |{rule}\n{rows}", line(&self.columns))
    }
}

/// One cell for a terminal.
pub fn cell(name: &str, figures: &[&Figure]) -> String {
    format!("\n{name}\n{}", grid(figures).text())
}

/// The whole run for the documentation: verdicts first, then every cell.
pub fn markdown(report: &Report, judged: &[Judged]) -> String {
    let mut text = String::new();
    let head: Vec<String> = report
        .head()
        .lines()
        .map(|line| format!("{line}."))
        .collect();
    let _ = writeln!(text, "# Results\n\n{}", head.join("\n"));
    if !judged.is_empty() {
        let columns = ["target", "wanted", "found", "quartiles", "verdict"].map(String::from);
        let rows = judged.iter().map(|one| one.row().to_vec()).collect();
        let grid = Grid {
            columns: columns.to_vec(),
            rows,
        };
        let _ = write!(text, "\n## Targets\n\n{}", grid.markdown());
        let _ = writeln!(text, "\n{}.", targets::summary(judged));
    }
    let mut last = "";
    for (cell, figures) in report.cells() {
        if group(cell) != last {
            last = group(cell);
            let _ = writeln!(text, "\n## {last}");
        }
        let _ = write!(text, "\n### {cell}\n\n{}", grid(&figures).markdown());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::samples::{figure, report};
    use super::*;

    #[test]
    fn floors_come_first_and_the_unmeasured_last() {
        let figures = [
            figure("round-trip/8", "other threads", &[150.0, 150.0, 150.0]),
            figure("round-trip/8", "gone threads", &[f64::NAN]),
            figure("round-trip/8", "ringpad threads", &[98.0, 102.0, 100.0]),
            figure("round-trip/8", "floor: one line", &[117.6]),
        ];
        let text = cell("round-trip/8", &figures.iter().collect::<Vec<_>>());
        let wanted = "
round-trip/8
  contender        median, ns       quartiles  to ringpad threads
  floor: one line       117.6    117.6..117.6                1.20
  ringpad threads       100.0  99.00..101.0                  1.00
  other threads         150.0    150.0..150.0                1.50
  gone threads              -               -                   -
";
        assert_eq!(
            text.split_whitespace().collect::<Vec<_>>(),
            wanted.split_whitespace().collect::<Vec<_>>()
        );
        let lines: Vec<&str> = text.lines().skip(2).collect();
        assert!(
            lines
                .iter()
                .all(|line| line.chars().count() == lines[0].chars().count()),
            "{text}"
        );
    }

    #[test]
    fn rates_and_percentiles_have_columns_where_there_are_such() {
        let one = figure("throughput/8/64/1", "rtrb threads", &[4.0]);
        let text = cell("throughput/8/64/1", &[&one]);
        assert!(
            text.contains("million/s") && text.contains("250.0"),
            "{text}"
        );
        assert!(!text.contains(" to "), "no ringpad, no ratio: {text}");
        let mut timed = figure("latency/8", "ringpad threads", &[100.0]);
        timed.percentiles = vec![(50.0, 100), (99.99, 4321), (100.0, 98765)];
        let text = cell(
            "latency/8",
            &[&timed, &figure("latency/8", "other", &[5.0])],
        );
        assert!(
            text.contains("p50") && text.contains("p99.99") && text.contains("max"),
            "{text}"
        );
        assert!(
            text.contains("98765") && !text.contains("million/s"),
            "{text}"
        );
    }

    #[test]
    fn losses_have_a_column_where_something_can_be_lost() {
        let mut lossy = figure("mailslot-deliver/8/1", "lossy threads", &[4.0, 4.0, 4.0]);
        lossy.lost = vec![0.0, 12.5, 50.0];
        let sure = figure("mailslot-deliver/8/1", "sure threads", &[5.0]);
        let text = cell("mailslot-deliver/8/1", &[&lossy, &sure]);
        assert!(text.contains("lost, %") && text.contains("12.50"), "{text}");
        assert!(
            text.trim_end().ends_with('-'),
            "nothing can be lost: {text}"
        );
        assert!(!cell("mailslot-deliver/8/1", &[&sure]).contains("lost"));
    }

    #[test]
    fn markdown_has_a_section_a_group_and_a_table_a_cell() {
        let figures = vec![figure("a/8", "x|y", &[1.0]), figure("a/64", "x", &[2.0])];
        let text = markdown(&report(figures), &[]);
        assert_eq!(text.matches("\n## a\n").count(), 1, "{text}");
        assert!(
            text.contains("\n### a/64\n\n| contender | median, ns | quartiles |\n"),
            "{text}"
        );
        assert!(text.contains("| x\\|y | 1.00 | 1.00..1.00 |\n"), "{text}");
    }
}
