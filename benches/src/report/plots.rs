//! Which figures are drawn together: a plot for each group whose figures depend on one size.

mod axis;
mod chart;
mod style;

use std::path::Path;

use super::{Report, has_rate, rate};
use crate::harness::Figure;
use style::Styles;

/// A contender's line, or its bar where the plot has one place only.
struct Series {
    contender: String,
    points: Vec<Point>,
}

struct Point {
    x: f64,
    y: f64,
    /// Its quartiles, lower first.
    spread: Option<(f64, f64)>,
}

struct Plot {
    file: String,
    title: String,
    x_name: &'static str,
    y_name: String,
    /// Places on the x axis and their labels, in order.
    places: Vec<(f64, String)>,
    series: Vec<Series>,
}

impl Plot {
    fn new(file: String, title: String, x_name: &'static str, y_name: String) -> Self {
        Self {
            file,
            title,
            x_name,
            y_name,
            places: Vec::new(),
            series: Vec::new(),
        }
    }

    fn add(&mut self, contender: &str, place: (f64, String), point: Point) {
        // An axis of logarithms has no room for 0 or for what was not measured.
        if !(point.y.is_finite() && point.y > 0.0) {
            return;
        }
        if !self.places.iter().any(|(x, _)| *x == place.0) {
            self.places.push(place);
            self.places.sort_by(|a, b| a.0.total_cmp(&b.0));
        }
        match self
            .series
            .iter_mut()
            .find(|series| series.contender == contender)
        {
            Some(series) => series.points.push(point),
            None => {
                let contender = contender.to_owned();
                self.series.push(Series {
                    contender,
                    points: vec![point],
                });
            }
        }
    }

    /// A figure at a size, evenly spaced for each doubling.
    fn add_figure(&mut self, figure: &Figure, size: f64) {
        let quartiles = (figure.quantile(0.25), figure.quantile(0.75));
        let (y, spread) = if has_rate(figure) {
            (
                rate(figure.median()),
                (rate(quartiles.1), rate(quartiles.0)),
            )
        } else {
            (figure.median(), quartiles)
        };
        let x = size.log2();
        self.add(
            &figure.contender,
            (x, size.to_string()),
            Point {
                x,
                y,
                spread: Some(spread),
            },
        );
    }

    /// The percentiles of a figure, evenly spaced for each further nine.
    fn add_percentiles(&mut self, figure: &Figure) {
        for (at, (percentile, nanos)) in figure.percentiles.iter().enumerate() {
            let name = if *percentile >= 100.0 {
                "max".into()
            } else {
                percentile.to_string()
            };
            let (x, y) = (at as f64, *nanos as f64);
            self.add(&figure.contender, (x, name), Point { x, y, spread: None });
        }
    }
}

/// The plot that a figure belongs to, empty, and the figure's place on its x axis: none for percentiles.
fn plot_of(figure: &Figure) -> Option<(Plot, Option<f64>)> {
    let parts: Vec<&str> = figure.cell.split('/').collect();
    let rates = || "million/s".to_owned();
    // Of `2p2c`.
    let pairs = parts.get(1).and_then(|ends| ends.split('p').next());
    let pairs = pairs.unwrap_or_default();
    let (plot, size) = match parts.as_slice() {
        // It polls first: beside those that sleep it would take the plot for itself.
        ["blocked" | "blocked-latency", _] if figure.contender.contains("spinning") => return None,
        ["frames-latency", bytes] => {
            let title = format!("Frames of {bytes} bytes handed over, one by one");
            let file = format!("frames-latency-{bytes}");
            (Plot::new(file, title, "percentile", "ns".into()), None)
        }
        [group @ ("latency" | "blocked-latency"), bytes] => {
            let how = if *group == "latency" {
                "polling"
            } else {
                "asleep"
            };
            let title = format!("Round trips of {bytes} bytes, {how}, one by one");
            (
                Plot::new(format!("{group}-{bytes}"), title, "percentile", "ns".into()),
                None,
            )
        }
        [group, bytes, others] if group.contains("-latency") => {
            return broadcast_latency(group, bytes, others);
        }
        ["mailslot-latency", bytes] => {
            return broadcast_latency("mailslot-latency", bytes, "1");
        }
        [group, bytes, others] if broadcast_title(group, others).is_some() => {
            let title = broadcast_title(group, others).unwrap_or_default();
            let file = format!("{group}-{others}");
            (Plot::new(file, title, "bytes", rates()), Some(bytes))
        }
        ["throughput", bytes, capacity, "1"] => {
            let title = format!("Messages of {bytes} bytes, one by one");
            let file = format!("throughput-{bytes}");
            (
                Plot::new(file, title, "capacity in messages", rates()),
                Some(capacity),
            )
        }
        ["throughput", bytes, capacity, batch] => {
            let title = format!("Messages of {bytes} bytes in batches of {batch}");
            let file = format!("batches-{bytes}-{batch}");
            (
                Plot::new(file, title, "capacity in messages", rates()),
                Some(capacity),
            )
        }
        // One capacity: the others are in the tables.
        ["records", bytes, "1024"] => {
            let title = "Records, with room for 1024".into();
            (
                Plot::new("records".into(), title, "bytes a record", rates()),
                Some(bytes),
            )
        }
        ["records", ..] => return None,
        ["mpmc", _, batch] => {
            let title = match *batch {
                "1" => "Numbers from many to many, one by one".into(),
                batch => format!("Numbers from many to many in batches of {batch}"),
            };
            let axis = "senders, and as many receivers";
            (
                Plot::new(format!("mpmc-{batch}"), title, axis, rates()),
                Some(&pairs),
            )
        }
        // One by one: in batches the contenders have other names.
        ["mpmc-alone", "1"] => {
            let title = "A number put in and taken out by one thread".into();
            let axis = "at once";
            (
                Plot::new("mpmc-alone".into(), title, axis, "ns".into()),
                Some(&"1"),
            )
        }
        ["mpmc-alone", _] => return None,
        [group, size] => {
            let title = match *group {
                "round-trip" => "Round trips, both sides polling".into(),
                "blocked" => "Round trips, both sides asleep in between".into(),
                "notepad-alone" => "Reads of a value that nobody writes".into(),
                "mailslot-polled" => "Messages published, one polling or nobody".into(),
                "frames" => "Frames handed over, and a number back, both sides polling".into(),
                "calls" => "Calls, both sides polling".into(),
                "calls-blocked" => "Calls, both sides asleep in between".into(),
                other => other.to_owned(),
            };
            let axis = match *group {
                "frames" => "bytes a frame",
                "calls" | "calls-blocked" => "bytes a request, and its answer",
                _ => "bytes a message",
            };
            let unit = figure.unit.clone();
            (Plot::new((*group).into(), title, axis, unit), Some(size))
        }
        _ => return None,
    };
    let size: Option<f64> = match size {
        Some(size) => Some(size.parse().ok().filter(|&size| size > 0.0)?),
        None => None,
    };
    Some((plot, size))
}

/// `1 reader`, `2 readers`.
fn counted(count: &str, name: &str) -> String {
    let s = if count == "1" { "" } else { "s" };
    format!("{count} {name}{s}")
}

/// What the plot of a rate beside so many readers or subscribers is called.
fn broadcast_title(group: &str, others: &str) -> Option<String> {
    let (readers, subscribers) = (counted(others, "reader"), counted(others, "subscriber"));
    match group {
        "notepad-read" => Some(format!(
            "Reads beside a writer that never pauses, {readers}"
        )),
        "notepad-fresh" => Some(format!(
            "New values seen beside a writer that never pauses, {readers}"
        )),
        "notepad-write" => Some(format!("Writes of one value, {readers}")),
        "mailslot-publish" => Some(format!("Messages published, {subscribers}")),
        "mailslot-deliver" => Some(format!("Messages that each takes, {subscribers}")),
        _ => None,
    }
}

/// Percentiles of one size that is small and one that is large, beside one reader or subscriber: the others are in the tables.
fn broadcast_latency(group: &str, bytes: &str, others: &str) -> Option<(Plot, Option<f64>)> {
    if !matches!((bytes, others), ("64" | "4096", "1")) {
        return None;
    }
    let what = match group {
        "notepad-read-latency" => "Reads beside a writer that never pauses",
        "notepad-write-latency" => "Writes beside a reader that never pauses",
        "mailslot-publish-latency" => "Messages published for one subscriber",
        "mailslot-latency" => "Round trips over two mailslots",
        _ => return None,
    };
    let (file, title) = (format!("{group}-{bytes}"), format!("{what}, {bytes} bytes"));
    Some((Plot::new(file, title, "percentile", "ns".into()), None))
}

fn plots_of(report: &Report) -> Vec<Plot> {
    let mut plots: Vec<Plot> = Vec::new();
    for figure in &report.figures {
        let Some((plot, size)) = plot_of(figure) else {
            continue;
        };
        // A group of two units would have no y axis to share.
        let same = |known: &Plot| known.file == plot.file && known.y_name == plot.y_name;
        let at = plots.iter().position(same).unwrap_or_else(|| {
            plots.push(plot);
            plots.len() - 1
        });
        match size {
            Some(size) => plots[at].add_figure(figure, size),
            None => plots[at].add_percentiles(figure),
        }
    }
    plots.retain(|plot| !plot.series.is_empty());
    plots
}

/// What stands below each plot: a figure without its machine says nothing.
fn footer(report: &Report) -> Vec<String> {
    let machine = &report.machine;
    vec![
        format!(
            "{}, {} processors, {}, Linux {}, {}",
            machine.processor, machine.processors, machine.system, machine.kernel, machine.compiler
        ),
        format!(
            "{}; medians of {} repeats",
            machine.placement, report.repeats
        ),
    ]
}

/// Draws all there is to draw, and names the files.
pub fn draw(report: &Report, dir: &Path) -> Result<Vec<String>, String> {
    let styles = Styles::of(report.figures.iter().map(|figure| &*figure.contender));
    let footer = footer(report);
    let mut files = Vec::new();
    for plot in plots_of(report) {
        let name = format!("{}.svg", plot.file);
        let file = dir.join(&name);
        let svg = match plot.places.len() {
            1 => chart::bars(&plot, &styles, &footer),
            _ => chart::lines(&plot, &styles, &footer),
        };
        let svg = svg.map_err(|e| format!("drawing {}: {e}", file.display()))?;
        std::fs::write(&file, svg).map_err(|e| format!("writing {}: {e}", file.display()))?;
        files.push(name);
    }
    Ok(files)
}

#[cfg(test)]
mod tests;
