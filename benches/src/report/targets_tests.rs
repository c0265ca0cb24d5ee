use super::super::samples::{figure, report};
use super::*;

fn one(keys: &str) -> Result<Target, String> {
    parse(&format!("[[target]]\nname = \"t\"\n{keys}")).map(|mut targets| targets.remove(0))
}

fn judged(keys: &str, figures: &[(&str, &[f64])]) -> Judged {
    let figures = figures.iter().map(|(name, repeats)| {
        let (cell, contender) = name.rsplit_once('/').unwrap();
        figure(cell, contender, repeats)
    });
    one(keys).unwrap().judge(&report(figures.collect()))
}

const RATIO: &str = "figure = \"a/8/x\"\nbeside = \"a/8/y\"\n";

#[test]
fn a_ratio_is_of_pairs_of_repeats() {
    let keys = format!("{RATIO}at_most = 1.15");
    let met = judged(
        &keys,
        &[
            ("a/8/x", &[110.0, 90.0, 300.0]),
            ("a/8/y", &[100.0, 100.0, 150.0]),
        ],
    );
    assert!(met.is_met());
    let [_, wanted, found, quartiles, verdict] = met.row();
    assert_eq!(
        [&*wanted, &*found, &*verdict],
        ["at most 1.15", "1.10", "met"]
    );
    assert_eq!(quartiles, "1.00..1.55");

    let missed = judged(&keys, &[("a/8/x", &[123.05]), ("a/8/y", &[100.0])]);
    assert!(!missed.is_met());
    assert_eq!(missed.verdict(), "MISSED by 7.0 %");
    assert!(
        missed
            .text()
            .contains("found 1.23 (1.23..1.23), wanted at most 1.15")
    );
    let hardly = judged(&keys, &[("a/8/x", &[115.01]), ("a/8/y", &[100.0])]);
    assert_eq!(hardly.verdict(), "MISSED by less than 0.1 %");
}

#[test]
fn times_faster_turns_the_ratio_round() {
    let keys = format!("{RATIO}at_least = 4.0");
    let met = judged(&keys, &[("a/8/x", &[10.0]), ("a/8/y", &[45.0])]);
    assert_eq!((met.is_met(), &*met.row()[2]), (true, "4.50"));
    let missed = judged(&keys, &[("a/8/x", &[10.0]), ("a/8/y", &[30.0])]);
    assert_eq!(
        (missed.is_met(), &*missed.verdict()),
        (false, "MISSED by 25 %")
    );
}

#[test]
fn over_places_the_median_counts_and_all_are_shown() {
    let keys =
        "figure = \"a/{}/x\"\nbeside = \"a/{}/y\"\nat_least = 1.25\nover = [\"1\", \"2\", \"4\"]";
    let (x, y): (&[f64], &[f64]) = (&[10.0], &[10.0]);
    let mut figures = vec![("a/1/x", x), ("a/1/y", y), ("a/2/x", x), ("a/2/y", &[13.0])];
    figures.extend([("a/4/x", x), ("a/4/y", &[99.0][..])]);
    let met = judged(keys, &figures);
    assert!(met.is_met());
    assert!(
        met.text()
            .ends_with("the median of\n    1: 1.00, 2: 1.30, 4: 9.90"),
        "{}",
        met.text()
    );
    figures.pop();
    let missing = judged(keys, &figures);
    assert_eq!(
        (missing.is_met(), &*missing.verdict()),
        (false, "not measured: a/4/y")
    );
}

#[test]
fn a_bound_may_stand_by_itself() {
    let keys = "figure = \"wakes/8/x\"\nat_most = 4";
    assert!(judged(keys, &[("wakes/8/x", &[4.0])]).is_met());
    assert!(judged(keys, &[("wakes/8/x", &[0.0])]).is_met());
    assert_eq!(
        judged(keys, &[("wakes/8/x", &[5.0])]).verdict(),
        "MISSED by 25 %"
    );
}

#[test]
fn a_floor_is_taken_off_repeat_by_repeat() {
    let keys = format!("{RATIO}minus = \"a/8/floor\"\nat_most = 1.5");
    let x: (&str, &[f64]) = ("a/8/x", &[50.0, 90.0, 20.0]);
    let y: (&str, &[f64]) = ("a/8/y", &[20.0, 20.0, 20.0]);
    let met = judged(&keys, &[x, y, ("a/8/floor", &[20.0, 61.0, 30.0])]);
    assert!(met.is_met());
    let [_, _, found, quartiles, _] = met.row();
    assert_eq!([&*found, &*quartiles], ["1.45", "0.72..1.48"]);
    let missed = judged(&keys, &[x, y, ("a/8/floor", &[10.0, 10.0, 20.0])]);
    assert_eq!(missed.verdict(), "MISSED by 33 %");
    let absent = judged(&keys, &[x, y]);
    assert_eq!(absent.verdict(), "not measured: a/8/floor");
    // A floor that was not measured explains nothing.
    let unable = judged(&keys, &[x, y, ("a/8/floor", &[f64::NAN])]);
    assert_eq!(unable.verdict(), "not measured: a/8/floor");
}

#[test]
fn what_was_not_measured_is_not_met() {
    let keys = format!("{RATIO}at_most = 2.0");
    let absent = judged(&keys, &[("a/8/x", &[1.0])]);
    assert_eq!(
        (absent.is_met(), &*absent.verdict()),
        (false, "not measured: a/8/y")
    );
    let unable = judged(&keys, &[("a/8/x", &[1.0]), ("a/8/y", &[f64::NAN])]);
    assert_eq!(
        (unable.is_met(), &*unable.verdict()),
        (false, "not measured: a/8/y")
    );
    let nothing = judged(&keys, &[("a/8/x", &[0.0]), ("a/8/y", &[0.0])]);
    assert!(!nothing.is_met(), "{}", nothing.verdict());
    assert_eq!(
        summary(&[absent]),
        "0 of 1 targets met, 0 missed, 1 not measured"
    );
    let keys = "figure = \"{}/x\"\nat_most = 4\nover = [\"1\", \"2\", \"3\", \"4\", \"5\"]";
    assert_eq!(
        judged(keys, &[]).verdict(),
        "not measured: 1/x; 2/x; 3/x and 2 more"
    );
}

#[test]
fn impossible_targets_are_refused() {
    let refused = |keys: &str, why: &str| {
        let error = one(keys).unwrap_err();
        assert!(
            error.contains(why),
            "{error:?} for {keys:?} says nothing of {why:?}"
        );
    };
    refused(
        &format!("{RATIO}at_most = 1\nat_least = 1"),
        "at_most and at_least",
    );
    refused(RATIO, "neither at_most nor at_least");
    refused(&format!("{RATIO}at_most = 1\ncolour = 5"), "colour");
    refused(&format!("{RATIO}at_most = 0"), "above 0");
    refused(&format!("{RATIO}at_most = nan"), "above 0");
    refused("figure = \"a\"\nat_least = 1", "without beside");
    refused("at_least = 1", "figure");
    refused(
        &format!("{RATIO}minus = \"a\"\nat_least = 1"),
        "goes with beside and at_most",
    );
    refused(&format!("{RATIO}at_most = 1\nover = [\"1\"]"), "found 0 {}");
    refused("figure = \"a/{}\"\nat_most = 1", "found 1 {}");
    refused("figure = \"a/{}\"\nat_most = 1\nover = []", "empty over");
    assert!(parse("target = []").unwrap_err().contains("no target"));
    let file = read(Some(Path::new("/nowhere/targets.toml"))).unwrap_err();
    assert!(file.contains("/nowhere/targets.toml"), "{file}");
}

#[test]
fn the_shipped_targets_are_possible() {
    let targets = read(None).unwrap();
    let mut names: Vec<&str> = targets.iter().map(|target| &*target.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), targets.len(), "two targets of one name");
}

#[test]
fn the_shipped_targets_name_benches() {
    let known: Vec<String> = crate::peers::all()
        .iter()
        .map(|entry| entry.name())
        .collect();
    let mut unknown: Vec<String> = read(None).unwrap().iter().flat_map(Target::needs).collect();
    unknown.retain(|name| !known.contains(name));
    unknown.sort_unstable();
    unknown.dedup();
    assert!(
        unknown.is_empty(),
        "no such benches:\n{}",
        unknown.join("\n")
    );
}
