//! Lines and bars in SVG. Fonts are the reader's own: texts are placed so that their widths matter little.

use std::error::Error;
use std::ops::Range;

use plotters::coord::Shift;
use plotters::element::DashedPathElement;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::super::number;
use super::style::{Marker, Style, Styles};
use super::{Plot, Point, Series};

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Drawn<T> = Result<T, Box<dyn Error>>;
type At = (i32, i32);

const WIDTH: u32 = 1040;
const HEIGHT: u32 = 600;
const LEGEND: i32 = 290;
const ROW: i32 = 24;
const TITLE: i32 = 50;
const FOOTER: i32 = 48;
const INK: RGBColor = RGBColor(0x22, 0x22, 0x22);
const FAINT: RGBColor = RGBColor(0x66, 0x66, 0x66);
const GRID: RGBColor = RGBColor(0xE2, 0xE2, 0xE2);

fn text(area: &Area, at: At, words: &str, size: i32, colour: RGBColor, to: HPos) -> Drawn<()> {
    let style = ("sans-serif", size)
        .into_font()
        .color(&colour)
        .pos(Pos::new(to, VPos::Center));
    area.draw(&Text::new(words.to_owned(), at, style))?;
    Ok(())
}

fn line(area: &Area, points: &[At], style: Style) -> Drawn<()> {
    let stroke = style.colour.stroke_width(style.width);
    if style.dashed {
        let dash = 5 + style.width as i32;
        area.draw(&DashedPathElement::new(
            points.iter().copied(),
            dash,
            dash,
            stroke,
        ))?;
    } else {
        area.draw(&PathElement::new(points.to_vec(), stroke))?;
    }
    Ok(())
}

fn marker(area: &Area, (x, y): At, style: Style) -> Drawn<()> {
    let r = 3 + style.width as i32 / 2;
    let fill = style.colour.filled();
    let polygon = |points: &[At]| Polygon::new(points.to_vec(), fill);
    match style.marker {
        Marker::None => {}
        Marker::Circle => area.draw(&Circle::new((x, y), r, fill))?,
        Marker::Square => area.draw(&Rectangle::new([(x - r, y - r), (x + r, y + r)], fill))?,
        Marker::Triangle => area.draw(&polygon(&[
            (x, y - r - 1),
            (x + r + 1, y + r),
            (x - r - 1, y + r),
        ]))?,
        Marker::Diamond => {
            let r = r + 1;
            area.draw(&polygon(&[(x, y - r), (x + r, y), (x, y + r), (x - r, y)]))?;
        }
        Marker::Cross => area.draw(&Cross::new((x, y), r, style.colour.stroke_width(2)))?,
    }
    Ok(())
}

fn frame(area: &Area, plot: &Plot, height: u32, footer: &[String]) -> Drawn<()> {
    area.fill(&WHITE)?;
    text(area, (24, TITLE / 2), &plot.title, 24, INK, HPos::Left)?;
    for (row, words) in footer.iter().enumerate() {
        let y = height as i32 - FOOTER + 14 + row as i32 * 18;
        text(area, (24, y), words, 14, FAINT, HPos::Left)?;
    }
    Ok(())
}

/// The y axis.
struct Axis {
    /// Logarithms, where it is logarithmic.
    range: Range<f64>,
    /// Values with labels.
    ticks: Vec<f64>,
    logarithmic: bool,
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
    fn new(plot: &Plot) -> Self {
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
        // Many decades: one label each.
        let tell = |index: &i32| last - first <= 12 || index.rem_euclid(3) == 0;
        let ticks = (first..=last).filter(tell).map(step).collect();
        Self {
            range: step(first).log10()..step(last).log10(),
            ticks,
            logarithmic,
        }
    }

    fn label(&self, value: f64) -> String {
        // Few digits count: the rest is rounding.
        let value: f64 = format!("{value:.3e}").parse().unwrap_or(value);
        value.to_string()
    }
}

/// ringpad is drawn last, above the others.
fn in_layers(series: &[Series]) -> Vec<&Series> {
    let mut layers: Vec<&Series> = series.iter().collect();
    layers.sort_by_key(|series| super::super::is_ringpad(&series.contender));
    layers
}

/// Lines in a legend, from top to bottom as they end on the right.
fn legend(area: &Area, plot: &Plot, styles: &Styles) -> Drawn<()> {
    let last = |series: &Series| series.points.last().map_or(0.0, |point| point.y);
    let mut series: Vec<&Series> = plot.series.iter().collect();
    series.sort_by(|a, b| last(b).total_cmp(&last(a)));
    let left = WIDTH as i32 - LEGEND + 16;
    for (row, series) in series.into_iter().enumerate() {
        let y = TITLE + 14 + row as i32 * ROW;
        let style = styles.style(&series.contender);
        line(area, &[(left, y), (left + 44, y)], style)?;
        marker(area, (left + 22, y), style)?;
        text(area, (left + 54, y), &series.contender, 17, INK, HPos::Left)?;
    }
    Ok(())
}

/// Where on the picture a place on the x axis and a value lie.
fn scales(plot: &Plot, axis: &Axis, height: u32) -> impl Fn(f64, f64) -> At {
    let (bottom, top) = (height as i32 - FOOTER - 64, TITLE + 34);
    let (left, right) = (86, WIDTH as i32 - LEGEND);
    let places = || plot.places.iter().map(|(x, _)| *x);
    let (first, last) = (
        places().fold(f64::MAX, f64::min),
        places().fold(f64::MIN, f64::max),
    );
    let margin = (last - first) * 0.04;
    let (across, range, logarithmic) = (
        first - margin..last + margin,
        axis.range.clone(),
        axis.logarithmic,
    );
    move |x, y| {
        let y = if logarithmic { y.log10() } else { y };
        let share =
            |range: &Range<f64>, value: f64| (value - range.start) / (range.end - range.start);
        let along = share(&across, x) * f64::from(right - left);
        let up = share(&range, y) * f64::from(bottom - top);
        (left + along.round() as i32, bottom - up.round() as i32)
    }
}

/// Labels and a grid; the name of the y axis lies above it, to be read without turning one's head.
fn axes(area: &Area, plot: &Plot, axis: &Axis, pixel: &dyn Fn(f64, f64) -> At) -> Drawn<()> {
    let (low, high) = (axis.ticks[0], axis.ticks[axis.ticks.len() - 1]);
    let (left, right) = (86, WIDTH as i32 - LEGEND);
    let rule = |from: At, to: At, colour: RGBColor| {
        area.draw(&PathElement::new(vec![from, to], colour.stroke_width(1)))
    };
    let x0 = plot.places[0].0;
    for &value in &axis.ticks {
        let y = pixel(x0, value).1;
        rule(
            (left, y),
            (right, y),
            if value == low { FAINT } else { GRID },
        )?;
        text(
            area,
            (left - 10, y),
            &axis.label(value),
            17,
            INK,
            HPos::Right,
        )?;
    }
    let (mut bottom, mut top) = (0, 0);
    for (place, label) in &plot.places {
        let (x, y) = pixel(*place, low);
        (bottom, top) = (y, pixel(*place, high).1);
        rule((x, y + 5), (x, top), GRID)?;
        text(area, (x, y + 18), label, 17, INK, HPos::Center)?;
    }
    text(area, (left, top - 18), &plot.y_name, 17, INK, HPos::Left)?;
    text(
        area,
        ((left + right) / 2, bottom + 42),
        plot.x_name,
        17,
        INK,
        HPos::Center,
    )
}

pub fn lines(plot: &Plot, styles: &Styles, footer: &[String]) -> Drawn<String> {
    let rows = TITLE + FOOTER + ROW * plot.series.len() as i32;
    let height = HEIGHT.max(rows as u32 + 20);
    let mut svg = String::new();
    let area = SVGBackend::with_string(&mut svg, (WIDTH, height)).into_drawing_area();
    frame(&area, plot, height, footer)?;
    let axis = Axis::new(plot);
    let pixel = scales(plot, &axis, height);
    axes(&area, plot, &axis, &pixel)?;
    for series in in_layers(&plot.series) {
        let style = styles.style(&series.contender);
        let mut points: Vec<(f64, f64)> = series.points.iter().map(|p| (p.x, p.y)).collect();
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
        let points: Vec<At> = points.into_iter().map(|(x, y)| pixel(x, y)).collect();
        for point in &series.points {
            if let Some((low, high)) = point.spread.filter(|(low, _)| *low > 0.0) {
                let ends = vec![pixel(point.x, low), pixel(point.x, high)];
                area.draw(&PathElement::new(ends, style.colour.stroke_width(1)))?;
            }
        }
        line(&area, &points, style)?;
        for at in points {
            marker(&area, at, style)?;
        }
    }
    legend(&area, plot, styles)?;
    area.present()?;
    drop(area);
    Ok(svg)
}

/// For a plot of one place: lengths are compared, so they begin at 0.
pub fn bars(plot: &Plot, styles: &Styles, footer: &[String]) -> Drawn<String> {
    const EACH: i32 = 34;
    let mut series: Vec<&Series> = plot.series.iter().collect();
    series.sort_by(|a, b| a.points[0].y.total_cmp(&b.points[0].y));
    let height = (TITLE + FOOTER + 40 + EACH * series.len() as i32) as u32;
    let mut svg = String::new();
    let area = SVGBackend::with_string(&mut svg, (WIDTH, height)).into_drawing_area();
    frame(&area, plot, height, footer)?;
    let most = series
        .iter()
        .map(|s| s.points[0].y)
        .fold(f64::MIN, f64::max);
    let (left, right) = (LEGEND, WIDTH as i32 - 190);
    let place = |value: f64| left + (value / most * f64::from(right - left)).round() as i32;
    for (row, series) in series.iter().enumerate() {
        let (style, point) = (styles.style(&series.contender), &series.points[0]);
        let y = TITLE + 10 + EACH / 2 + row as i32 * EACH;
        text(
            &area,
            (left - 12, y),
            &series.contender,
            17,
            INK,
            HPos::Right,
        )?;
        let bar = Rectangle::new(
            [(left, y - 10), (place(point.y), y + 10)],
            style.colour.filled(),
        );
        area.draw(&bar)?;
        let mut told = number(point.y);
        if let Some((low, high)) = point.spread {
            told += &format!(" ({}..{})", number(low), number(high));
        }
        text(&area, (place(point.y) + 10, y), &told, 16, INK, HPos::Left)?;
    }
    let below = height as i32 - FOOTER - 16;
    let places = plot
        .places
        .iter()
        .map(|(_, label)| &**label)
        .collect::<String>();
    let names = format!("{}; {}: {places}", plot.y_name, plot.x_name);
    text(&area, (left, below), &names, 17, INK, HPos::Left)?;
    area.present()?;
    drop(area);
    Ok(svg)
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
        assert_eq!(near.label(250.0), "250");
        assert_eq!(near.label(0.1 + 0.2), "0.3");
    }
}
