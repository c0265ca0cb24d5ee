//! What ringpad promises beside its peers, and whether a run's figures keep it.

use std::path::Path;

use serde::Deserialize;

use super::{Report, number};
use crate::harness::measure::{median, quantile};

/// The targets that this package is shipped with.
pub const SHIPPED: &str = include_str!("../../targets.toml");

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    target: Vec<Target>,
}

/// One promise; targets.toml says what the keys mean.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    pub name: String,
    figure: String,
    beside: Option<String>,
    minus: Option<String>,
    at_most: Option<f64>,
    at_least: Option<f64>,
    over: Option<Vec<String>>,
}

/// What a target compares: the place in `over`, the figure, the one beside it, and the one that is taken off first.
struct Pair {
    place: String,
    figure: String,
    beside: Option<String>,
    minus: Option<String>,
}

impl Pair {
    fn names(&self) -> impl Iterator<Item = &String> {
        let others = self.beside.iter().chain(&self.minus);
        [&self.figure].into_iter().chain(others)
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Bound {
    AtMost(f64),
    AtLeast(f64),
}

pub fn read(file: Option<&Path>) -> Result<Vec<Target>, String> {
    let Some(file) = file else {
        return parse(SHIPPED).map_err(|e| format!("targets.toml: {e}"));
    };
    let name = file.display();
    let text = std::fs::read_to_string(file).map_err(|e| format!("reading {name}: {e}"))?;
    parse(&text).map_err(|e| format!("{name}: {e}"))
}

pub fn parse(text: &str) -> Result<Vec<Target>, String> {
    let File { target } = toml::from_str(text).map_err(|e| e.to_string())?;
    if target.is_empty() {
        return Err("found no target; wanted at least one [[target]]".into());
    }
    for one in &target {
        one.possible()
            .map_err(|e| format!("target {:?}: {e}", one.name))?;
    }
    Ok(target)
}

impl Target {
    fn bound(&self) -> Result<Bound, String> {
        match (self.at_most, self.at_least) {
            (Some(most), None) => Ok(Bound::AtMost(most)),
            (None, Some(least)) => Ok(Bound::AtLeast(least)),
            (Some(_), Some(_)) => Err("found at_most and at_least; wanted one of them".into()),
            (None, None) => Err("found neither at_most nor at_least; wanted one of them".into()),
        }
    }

    fn possible(&self) -> Result<(), String> {
        let (Bound::AtMost(wanted) | Bound::AtLeast(wanted)) = self.bound()?;
        if !(wanted.is_finite() && wanted > 0.0) {
            return Err(format!("found the bound {wanted}; wanted a number above 0"));
        }
        if self.at_least.is_some() && self.beside.is_none() {
            return Err("found at_least without beside; a bound by itself is an at_most".into());
        }
        if self.minus.is_some() && (self.at_most.is_none() || self.beside.is_none()) {
            return Err("found minus; it goes with beside and at_most".into());
        }
        if self.over.as_ref().is_some_and(Vec::is_empty) {
            return Err("found an empty over; wanted at least one place".into());
        }
        let others = self.beside.iter().chain(&self.minus);
        for name in [&self.figure].into_iter().chain(others) {
            let wanted = usize::from(self.over.is_some());
            let found = name.matches("{}").count();
            if found != wanted {
                let with = ["without", "with"][wanted];
                return Err(format!(
                    "found {found} {{}} in {name:?}; wanted {wanted} {with} over"
                ));
            }
        }
        Ok(())
    }

    fn pairs(&self) -> Vec<Pair> {
        let at = |name: &Option<String>, place: &str| {
            name.as_ref().map(|name| name.replace("{}", place))
        };
        let pair = |place: &str| Pair {
            place: place.to_owned(),
            figure: self.figure.replace("{}", place),
            beside: at(&self.beside, place),
            minus: at(&self.minus, place),
        };
        match &self.over {
            None => vec![pair("")],
            Some(places) => places.iter().map(|place| pair(place)).collect(),
        }
    }

    /// The whole names of the figures that decide.
    pub fn needs(&self) -> Vec<String> {
        let pairs = self.pairs();
        pairs.iter().flat_map(Pair::names).cloned().collect()
    }

    fn wanted(&self) -> String {
        match (self.at_most, self.at_least) {
            (Some(most), _) => format!("at most {most}"),
            (None, Some(least)) => format!("at least {least}"),
            (None, None) => String::new(),
        }
    }

    pub fn judge(&self, report: &Report) -> Judged {
        let of = |verdict| Judged {
            target: self.clone(),
            verdict,
        };
        let missing: Vec<String> = self
            .needs()
            .into_iter()
            .filter(|name| {
                report
                    .find(name)
                    .is_none_or(|figure| figure.median().is_nan())
            })
            .collect();
        if !missing.is_empty() {
            return of(Verdict::NotMeasured(missing));
        }
        let Ok(bound) = self.bound() else {
            return of(Verdict::NotMeasured(Vec::new()));
        };
        let found = |pair: &Pair| {
            let mut figure = report.find(&pair.figure)?.clone();
            if let Some(minus) = &pair.minus {
                figure.take_off(report.find(minus)?);
            }
            let beside = pair.beside.as_ref().and_then(|name| report.find(name));
            let spread = match (bound, beside) {
                (_, None) => figure.repeats,
                (Bound::AtMost(_), Some(beside)) => figure.ratios_to(beside),
                (Bound::AtLeast(_), Some(beside)) => beside.ratios_to(&figure),
            };
            Some((median(&spread), spread))
        };
        let (pairs, mut each, mut spreads) = (self.pairs(), Vec::new(), Vec::new());
        for pair in &pairs {
            match found(pair) {
                // Nothing beside nothing says nothing.
                Some((value, _)) if value.is_nan() => {
                    return of(Verdict::NotMeasured(vec![pair.figure.clone()]));
                }
                Some((value, spread)) => {
                    each.push((pair.place.clone(), value));
                    spreads.push(spread);
                }
                None => return of(Verdict::NotMeasured(vec![pair.figure.clone()])),
            }
        }
        // Of the repeats, or of the places where there are several: whatever the value is the median of.
        let spread: Vec<f64> = match spreads.as_slice() {
            [one] => one.clone(),
            _ => each.iter().map(|(_, value)| *value).collect(),
        };
        let quartiles = (quantile(&spread, 0.25), quantile(&spread, 0.75));
        let value = median(&each.iter().map(|(_, value)| *value).collect::<Vec<_>>());
        let missed_by = match bound {
            Bound::AtMost(most) if value > most => Some((value / most - 1.0) * 100.0),
            Bound::AtLeast(least) if value < least => Some((1.0 - value / least) * 100.0),
            _ => None,
        };
        of(Verdict::Found(Found {
            value,
            quartiles,
            each,
            missed_by,
        }))
    }
}

#[derive(Debug, PartialEq)]
pub struct Found {
    /// The ratio, or the figure itself where nothing is beside it; the median of all places.
    value: f64,
    /// Of the repeats; of the places, if there are several.
    quartiles: (f64, f64),
    each: Vec<(String, f64)>,
    /// In percent.
    missed_by: Option<f64>,
}

#[derive(Debug, PartialEq)]
pub enum Verdict {
    Found(Found),
    /// Without these figures.
    NotMeasured(Vec<String>),
}

/// A target and what became of it.
#[derive(Debug)]
pub struct Judged {
    target: Target,
    verdict: Verdict,
}

impl Judged {
    pub fn is_met(&self) -> bool {
        matches!(
            &self.verdict,
            Verdict::Found(Found {
                missed_by: None,
                ..
            })
        )
    }

    pub fn verdict(&self) -> String {
        match &self.verdict {
            Verdict::Found(Found {
                missed_by: None, ..
            }) => "met".into(),
            Verdict::Found(Found {
                missed_by: Some(percent),
                ..
            }) => match *percent {
                0.0..0.1 => "MISSED by less than 0.1 %".into(),
                0.1..10.0 => format!("MISSED by {percent:.1} %"),
                _ => format!("MISSED by {percent:.0} %"),
            },
            Verdict::NotMeasured(missing) => {
                let (named, more) = missing.split_at(missing.len().min(3));
                let rest = format!(" and {} more", more.len());
                let rest = if more.is_empty() { "" } else { &rest };
                format!("not measured: {}{rest}", named.join("; "))
            }
        }
    }

    /// Name, wanted, found, quartiles, verdict.
    pub fn row(&self) -> [String; 5] {
        let (found, quartiles) = match &self.verdict {
            Verdict::Found(Found {
                value,
                quartiles: (low, high),
                ..
            }) => (
                number(*value),
                format!("{}..{}", number(*low), number(*high)),
            ),
            Verdict::NotMeasured(_) => ("-".into(), "-".into()),
        };
        [
            self.target.name.clone(),
            self.target.wanted(),
            found,
            quartiles,
            self.verdict(),
        ]
    }

    /// For people: the verdict, and all there is to judge it by.
    pub fn text(&self) -> String {
        let [name, wanted, found, quartiles, verdict] = self.row();
        let Verdict::Found(Found { each, .. }) = &self.verdict else {
            return format!("{name}\n  {verdict}");
        };
        let median = if each.len() > 1 {
            ", the median of"
        } else {
            ""
        };
        let mut text =
            format!("{name}\n  {verdict}: found {found} ({quartiles}), wanted {wanted}{median}");
        if each.len() > 1 {
            // Four places a line.
            for places in each.chunks(4) {
                let places: Vec<String> = places
                    .iter()
                    .map(|(at, value)| format!("{at}: {}", number(*value)))
                    .collect();
                text += &format!("\n    {}", places.join(", "));
            }
        }
        text
    }
}

pub fn judge(targets: &[Target], report: &Report) -> Vec<Judged> {
    targets.iter().map(|target| target.judge(report)).collect()
}

pub fn summary(judged: &[Judged]) -> String {
    let count = |of: fn(&Judged) -> bool| judged.iter().filter(|one| of(one)).count();
    let unmeasured = count(|one| matches!(one.verdict, Verdict::NotMeasured(_)));
    let met = count(Judged::is_met);
    let missed = judged.len() - met - unmeasured;
    format!(
        "{met} of {} targets met, {missed} missed, {unmeasured} not measured",
        judged.len()
    )
}

#[cfg(test)]
#[path = "targets_tests.rs"]
mod tests;
