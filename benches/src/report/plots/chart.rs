//! Lines and bars in SVG. Fonts are the reader's own: texts are placed so that their widths matter little.

use std::error::Error;
use std::ops::Range;

use plotters::coord::Shift;
use plotters::element::DashedPathElement;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::super::number;
use super::axis::Axis;
use super::style::{Marker, Style, Styles};
use super::{Plot, Series};

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Drawn<T> = Result<T, Box<dyn Error>>;
type At = (i32, i32);

const WIDTH: u32 = 1040;
const HEIGHT: u32 = 600;
const LEGEND: i32 = 290;
/// Room for the labels of the y axis.
const LEFT: i32 = 112;
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
    let (left, right) = (LEFT, WIDTH as i32 - LEGEND);
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
    let (left, right) = (LEFT, WIDTH as i32 - LEGEND);
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
