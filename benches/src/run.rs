//! Which benches, and their turns: cell after cell, so that rivals are measured within seconds of each other.

use std::fmt::Write;
use std::io::IsTerminal;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::harness::{Entry, Figure, Placement, measure};
use crate::report::group;

/// What a filter is held against.
pub trait Named {
    fn cell(&self) -> &str;
    fn contender(&self) -> &str;
}

impl Named for Entry {
    fn cell(&self) -> &str {
        &self.cell
    }
    fn contender(&self) -> &str {
        &self.contender
    }
}

impl Named for Figure {
    fn cell(&self) -> &str {
        &self.cell
    }
    fn contender(&self) -> &str {
        &self.contender
    }
}

/// Those that a filter names: a whole group, or a part of the whole name. Without filters all.
pub fn choose<T: Named>(all: Vec<T>, only: &[String]) -> Result<Vec<T>, String> {
    let mut groups: Vec<String> = Vec::new();
    for one in &all {
        if !groups.iter().any(|known| known == group(one.cell())) {
            groups.push(group(one.cell()).into());
        }
    }
    let matches = |one: &T, filter: &String| {
        if groups.contains(filter) {
            return group(one.cell()) == filter;
        }
        format!("{}/{}", one.cell(), one.contender()).contains(filter.as_str())
    };
    for filter in only {
        if !all.iter().any(|one| matches(one, filter)) {
            let groups = groups.join(", ");
            return Err(format!(
                "no bench has {filter:?} in its name; the groups: {groups}; --list names all benches"
            ));
        }
    }
    let chosen = |one: &T| only.is_empty() || only.iter().any(|filter| matches(one, filter));
    Ok(all.into_iter().filter(chosen).collect())
}

/// The benches of those cells that hold any of these names, rivals and floors included.
pub fn cells_of(all: Vec<Entry>, names: &[String]) -> Vec<Entry> {
    let cells: Vec<String> = all
        .iter()
        .filter(|e| names.contains(&e.name()))
        .map(|e| e.cell.clone())
        .collect();
    all.into_iter()
        .filter(|entry| cells.contains(&entry.cell))
        .collect()
}

/// Benches gathered in cells, in the order of the cells' first benches.
fn by_cell(entries: Vec<Entry>) -> Vec<Vec<Entry>> {
    let mut cells: Vec<Vec<Entry>> = Vec::new();
    for entry in entries {
        match cells.iter_mut().find(|cell| cell[0].cell == entry.cell) {
            Some(cell) => cell.push(entry),
            None => cells.push(vec![entry]),
        }
    }
    cells
}

pub fn list(entries: Vec<Entry>) -> String {
    let (mut text, mut last) = (String::new(), String::new());
    for cell in by_cell(entries) {
        let first = &cell[0];
        if first.group() != last {
            last = first.group().into();
            let _ = writeln!(text, "{last}");
        }
        let contenders: Vec<&str> = cell.iter().map(|entry| &*entry.contender).collect();
        let _ = writeln!(text, "  {}: {}", first.cell, contenders.join("; "));
    }
    text
}

fn progress(turns: usize) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    // Drawn between turns by this thread: another one would take a measured processor.
    let target = ProgressDrawTarget::stderr();
    let style = ProgressStyle::with_template("{pos}/{len}, {eta} left: {msg}");
    let bar = ProgressBar::with_draw_target(Some(turns as u64), target);
    bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

/// Measures all, and tells each cell's figures as soon as they are there.
pub fn measure(
    entries: Vec<Entry>,
    placement: &Placement,
    repeats: usize,
    mut tell: impl FnMut(&[Figure]),
) -> Vec<Figure> {
    // Each bench has a turn more than repeats: the one that finds out how long it takes.
    let cells = by_cell(entries);
    let turns = |cell: &Vec<Entry>| cell.len() * (measure::rounds(cell, repeats) + 1);
    let bar = progress(cells.iter().map(turns).sum());
    let mut all = Vec::new();
    for cell in cells {
        let mut begun = false;
        let figures = measure::measure(&cell, placement, repeats, |entry| {
            // A turn is told at its beginning and counted when the next one begins.
            if std::mem::replace(&mut begun, true) {
                bar.inc(1);
            }
            bar.set_message(entry.name());
            bar.tick();
        });
        bar.inc(1);
        bar.suspend(|| tell(&figures));
        all.extend(figures);
    }
    bar.finish_and_clear();
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::samples::figure;

    fn chosen(only: &[&str]) -> Result<Vec<String>, String> {
        let all = ["round-trip/8", "throughput/8/64/1", "records/64/64"]
            .into_iter()
            .flat_map(|cell| ["ringpad threads", "rtrb threads"].map(|c| figure(cell, c, &[])))
            .collect();
        let only: Vec<String> = only.iter().map(|filter| filter.to_string()).collect();
        Ok(choose(all, &only)?.iter().map(Figure::name).collect())
    }

    #[test]
    fn filters_name_groups_or_parts_of_names() {
        assert_eq!(chosen(&[]).unwrap().len(), 6);
        assert_eq!(chosen(&["records"]).unwrap().len(), 2);
        assert_eq!(chosen(&["rtrb", "round-trip"]).unwrap().len(), 4);
        assert_eq!(
            chosen(&["8/64/1/rtrb"]).unwrap(),
            ["throughput/8/64/1/rtrb threads"]
        );
        let error = chosen(&["rtrb", "recrods"]).unwrap_err();
        assert!(error.contains("\"recrods\""), "{error}");
        assert!(error.contains("round-trip, throughput, records"), "{error}");
    }

    #[test]
    fn cells_come_whole_and_in_order() {
        let entry = |cell: &str, contender: &str| {
            Entry::new(cell, contender, "ns", |_| crate::harness::Sample {
                value: 1.0,
                histogram: None,
                lost: None,
            })
        };
        let all = || {
            vec![
                entry("b/8", "x"),
                entry("a/8", "x"),
                entry("a/64", "x"),
                entry("b/8", "y"),
            ]
        };
        assert_eq!(list(all()), "b\n  b/8: x; y\na\n  a/8: x\n  a/64: x\n");
        let needed = cells_of(all(), &["b/8/y".into(), "gone/8/y".into()]);
        assert_eq!(
            needed.iter().map(Entry::name).collect::<Vec<_>>(),
            ["b/8/x", "b/8/y"]
        );
    }
}
