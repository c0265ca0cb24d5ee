//! Counts, the file that keeps them, and what to say when they change.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::path::Path;

/// Instructions of one call, in hundredths: what happens once a lap is shared out among the lap's calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Count(u64);

impl Count {
    pub const ONE: Count = Count(100);

    /// What each call takes, if `calls` took so many.
    pub fn each(instructions: u64, calls: u64) -> Self {
        Self((instructions * 100 + calls / 2) / calls)
    }

    fn parse(text: &str) -> Option<Self> {
        let (whole, hundredths) = text.split_once('.')?;
        let hundredths = hundredths
            .parse::<u64>()
            .ok()
            .filter(|_| hundredths.len() == 2)?;
        Some(Self(
            whole.parse::<u64>().ok()?.checked_mul(100)? + hundredths,
        ))
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}.{:02}", self.0 / 100, self.0 % 100))
    }
}

/// What a found count is beside the stored one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Same,
    /// A regression.
    More(Count),
    /// To be stored, or the next regression hides behind it.
    Fewer(Count),
}

/// Counts are exact, so one instruction more is noticed, unless it is less than 2 % of many.
pub fn compare(stored: Count, found: Count) -> Verdict {
    let apart = stored.0.abs_diff(found.0);
    // One more in every call may come with a little less once a lap.
    let is_same = apart * 50 <= stored.0 || apart <= 50;
    match is_same {
        true => Verdict::Same,
        false if found > stored => Verdict::More(Count(apart)),
        false => Verdict::Fewer(Count(apart)),
    }
}

/// The counts of all operations, as stored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// The compiler and its options.
    pub built_by: String,
    pub of: BTreeMap<String, Count>,
}

impl Counts {
    pub fn read(path: &Path) -> Result<Self, String> {
        let text = std::fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))?;
        Self::parse(&text).map_err(|e| format!("{}: {e}", path.display()))
    }

    /// Reads what [`Counts::text`] writes: a TOML file of strings and numbers.
    fn parse(text: &str) -> Result<Self, String> {
        let mut counts = Self::default();
        for (at, line) in (1..).zip(text.lines().map(str::trim)) {
            if line.is_empty() || line.starts_with(['#', '[']) {
                continue;
            }
            let wrong = |want| format!("line {at}: found {line:?}; wanted {want}");
            let (key, value) = line.split_once(" = ").ok_or_else(|| wrong("KEY = VALUE"))?;
            let (key, value) = (key.trim_matches('"'), value.trim());
            if key == "built_by" {
                counts.built_by = value.trim_matches('"').into();
                continue;
            }
            let count = Count::parse(value).ok_or_else(|| wrong("a number with two decimals"))?;
            if counts.of.insert(key.into(), count).is_some() {
                return Err(format!("line {at}: {key:?} is there twice"));
            }
        }
        Ok(counts)
    }

    /// The file's text, operations in the order of `names`.
    pub fn text<'n>(&self, names: impl Iterator<Item = &'n str>) -> String {
        let mut text = String::from(
            "# Instructions of one call. Stored by `cargo run --release -- --write`, see docs/benchmarks/instructions.md.\n",
        );
        let _ = writeln!(text, "built_by = \"{}\"\n\n[counts]", self.built_by);
        for name in names {
            if let Some(count) = self.of.get(name) {
                let _ = writeln!(text, "\"{name}\" = {count}");
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stored_count_below_the_found_one_is_a_regression() {
        assert_eq!(compare(Count(3002), Count(3102)), Verdict::More(Count(100)));
        assert_eq!(compare(Count(3002), Count(3101)), Verdict::More(Count(99)));
        assert_eq!(compare(Count(100), Count(200)), Verdict::More(Count(100)));
        assert_eq!(
            compare(Count(60000), Count(61300)),
            Verdict::More(Count(1300))
        );
    }

    #[test]
    fn a_stored_count_above_the_found_one_is_to_be_stored() {
        assert_eq!(
            compare(Count(3102), Count(3002)),
            Verdict::Fewer(Count(100))
        );
    }

    #[test]
    fn what_happens_once_a_lap_and_two_percent_are_tolerated() {
        assert_eq!(compare(Count(3002), Count(3002)), Verdict::Same);
        assert_eq!(compare(Count(3002), Count(3004)), Verdict::Same);
        assert_eq!(compare(Count(60000), Count(61200)), Verdict::Same);
        assert_eq!(compare(Count(60000), Count(58800)), Verdict::Same);
    }

    #[test]
    fn counts_are_read_as_written() {
        let of = BTreeMap::from([
            ("bare u64 push, full".into(), Count::each(245896, 8192)),
            ("x".into(), Count(7)),
        ]);
        let counts = Counts {
            built_by: "rustc 1.95.0 for a machine".into(),
            of,
        };
        let text = counts.text(["x", "bare u64 push, full", "unknown"].into_iter());
        assert!(text.contains("\"bare u64 push, full\" = 30.02\n"), "{text}");
        assert!(text.contains("\"x\" = 0.07\n"), "{text}");
        assert_eq!(Counts::parse(&text), Ok(counts));
    }

    #[test]
    fn a_bad_line_is_named() {
        let parse = |line: &str| Counts::parse(line).expect_err("a bad line");
        assert_eq!(
            parse("\"x\" = 7"),
            "line 1: found \"\\\"x\\\" = 7\"; wanted a number with two decimals"
        );
        assert!(parse("x").contains("wanted KEY = VALUE"));
        assert!(parse("x = 1.00\nx = 1.00").contains("line 2: \"x\" is there twice"));
    }
}
