//! Which figures are drawn together: a plot for each group whose figures depend on one size.

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
    let (plot, size) = match parts.as_slice() {
        ["latency", bytes] => {
            let title = format!("Round trips of {bytes} bytes, one by one");
            (
                Plot::new(format!("latency-{bytes}"), title, "percentile", "ns".into()),
                None,
            )
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
        [group, size] => {
            let title = match *group {
                "round-trip" => "Round trips, both sides polling".into(),
                "blocked" => "Round trips, both sides asleep in between".into(),
                other => other.to_owned(),
            };
            let unit = figure.unit.clone();
            (
                Plot::new((*group).into(), title, "bytes a message", unit),
                Some(size),
            )
        }
        _ => return None,
    };
    let size: Option<f64> = match size {
        Some(size) => Some(size.parse().ok().filter(|&size| size > 0.0)?),
        None => None,
    };
    Some((plot, size))
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
mod tests {
    use super::super::samples::{figure, report};
    use super::*;

    /// Enough of XML for what is written here: tags close in turn, and no bare `&` or `<` is left.
    fn well_formed(text: &str) -> Result<(), String> {
        let mut open = Vec::new();
        for part in text.split('<').skip(1) {
            let (tag, content) = part.split_once('>').ok_or(format!("<{part} has no end"))?;
            let name = tag.split_whitespace().next().unwrap_or("");
            if tag.matches('"').count() % 2 != 0 {
                return Err(format!("a quote too many in <{tag}>"));
            }
            if let Some(name) = name.strip_prefix('/') {
                if open.pop() != Some(name) {
                    return Err(format!("</{name}> closes another tag"));
                }
            } else if !tag.ends_with('/') && !name.starts_with(['?', '!']) {
                open.push(name);
            }
            let entities = ["&amp;", "&lt;", "&gt;", "&quot;", "&apos;"];
            let bare = |text: &str| {
                let known: usize = entities
                    .iter()
                    .map(|entity| text.matches(entity).count())
                    .sum();
                text.matches('&').count() != known
            };
            if bare(tag) || bare(content) {
                return Err(format!("a bare & in {part}"));
            }
        }
        if open.is_empty() {
            Ok(())
        } else {
            Err(format!("{open:?} still open"))
        }
    }

    fn made_up() -> Report {
        let mut figures = Vec::new();
        for (at, contender) in [
            "floor: one line, threads",
            "ringpad threads",
            "a & <b> processes",
        ]
        .into_iter()
        .enumerate()
        {
            let nanos = [100.0 + at as f64 * 50.0, 120.0, f64::NAN];
            for cell in ["round-trip/8", "round-trip/4096", "throughput/8/64/1"] {
                figures.push(figure(cell, contender, &nanos[..2]));
            }
            for cell in [
                "throughput/8/64/8",
                "records/16/1024",
                "records/16/64",
                "blocked/8",
            ] {
                figures.push(figure(cell, contender, &nanos[..2]));
            }
            let mut timed = figure("latency/8", contender, &[100.0]);
            timed.percentiles = vec![(50.0, 100), (99.9, 2000), (100.0, 1_000_000 + at as u64)];
            figures.push(timed);
        }
        figures.push(figure("round-trip/8", "none threads", &[f64::NAN]));
        figures.push(figure("round-trip/x", "odd threads", &[1.0]));
        figures.push(figure("other/8", "ringpad threads", &[f64::NAN]));
        report(figures)
    }

    #[test]
    fn plots_are_well_formed_and_name_all_contenders() {
        let dir = std::env::temp_dir().join(format!("ringpad-plots-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let files = draw(&made_up(), &dir).unwrap();
        let mut texts = files
            .iter()
            .map(|file| std::fs::read_to_string(dir.join(file)).unwrap());
        let texts: Vec<String> = texts.by_ref().collect();
        std::fs::remove_dir_all(&dir).unwrap();
        let wanted = [
            "round-trip",
            "throughput-8",
            "batches-8-8",
            "records",
            "blocked",
            "latency-8",
        ];
        assert_eq!(files, wanted.map(|name| format!("{name}.svg")));
        for (file, text) in files.iter().zip(&texts) {
            well_formed(text).unwrap_or_else(|e| panic!("{file}: {e}"));
            assert!(text.contains("ringpad threads"), "{file} has no legend");
            assert!(
                text.contains("a &amp; &lt;b&gt; processes"),
                "{file} has no legend"
            );
            assert!(text.contains("Abacus"), "{file} tells no machine");
            assert!(!text.contains("NaN"), "{file} draws what was not measured");
        }
        assert!(!texts[0].contains("none threads"));
    }

    #[test]
    fn the_check_for_form_finds_faults() {
        assert!(well_formed("<?xml?><a b=\"1\"><c/>x &amp; y</a>").is_ok());
        for fault in [
            "<a><b></a></b>",
            "<a>",
            "<a>x & y</a>",
            "<a b=\"></a>",
            "<a",
        ] {
            assert!(well_formed(fault).is_err(), "{fault}");
        }
    }

    #[test]
    fn rates_swap_their_quartiles() {
        let report = report(vec![figure("throughput/8/64/1", "x", &[1.0, 2.0, 4.0])]);
        let point = &plots_of(&report)[0].series[0].points[0];
        assert_eq!(
            (point.x, point.y, point.spread),
            (6.0, 500.0, Some((250.0, 500.0)))
        );
        let quartiles = [0.25, 0.75].map(|share| report.figures[0].quantile(share));
        assert_eq!(quartiles.map(rate), [500.0, 250.0]);
    }
}
