//! Figures in a file, for later checks and plots.

use std::fs;
use std::path::Path;

use serde::{Deserialize, Deserializer};

use super::Report;

pub fn write(report: &Report, file: &Path) -> Result<(), String> {
    let text = serde_json::to_string_pretty(report).map_err(|e| format!("figures to JSON: {e}"))?;
    fs::write(file, text + "\n").map_err(|e| format!("writing {}: {e}", file.display()))
}

pub fn read(file: &Path) -> Result<Report, String> {
    let name = file.display();
    let text = fs::read_to_string(file).map_err(|e| format!("reading {name}: {e}"))?;
    serde_json::from_str(&text)
        .map_err(|e| format!("{name}: found no figures: {e}; wanted what --json writes"))
}

/// JSON has no NaN: what could not be measured is `null` there.
pub fn nulls<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<f64>, D::Error> {
    let values = Vec::<Option<f64>>::deserialize(from)?;
    Ok(values
        .into_iter()
        .map(|value| value.unwrap_or(f64::NAN))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::super::samples::{figure, report};
    use super::*;

    fn file(name: &str) -> std::path::PathBuf {
        std::env::temp_dir().join(format!("ringpad-benches-{}-{name}", std::process::id()))
    }

    #[test]
    fn a_report_comes_back_as_it_was() {
        let mut timed = figure("latency/8", "ringpad threads", &[100.25, 101.5]);
        timed.percentiles = vec![(50.0, 100), (99.99, 5000)];
        let unmeasured = figure("wakes/8", "ringpad processes", &[f64::NAN, 2.0]);
        let (file, before) = (file("round"), report(vec![timed, unmeasured]));
        write(&before, &file).unwrap();
        let after = read(&file).unwrap();
        fs::remove_file(&file).unwrap();
        // Debug tells NaN from NaN no more than a reader does.
        assert_eq!(format!("{after:?}"), format!("{before:?}"));
    }

    #[test]
    fn what_is_no_report_is_named() {
        let missing = read(Path::new("/nowhere/figures.json")).unwrap_err();
        assert!(missing.contains("/nowhere/figures.json"), "{missing}");
        let file = file("other");
        fs::write(&file, "{\"machine\": 5}").unwrap();
        let other = read(&file).unwrap_err();
        fs::remove_file(&file).unwrap();
        assert!(
            other.contains("other") && other.contains("line 1"),
            "{other}"
        );
    }
}
