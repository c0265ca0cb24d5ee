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
        for cell in [
            "notepad-alone/8",
            "notepad-read/8/3",
            "mailslot-publish/8/0",
            "mpmc/1p1c/64",
            "mpmc/4p4c/64",
            "mpmc-alone/1",
            "mpmc-alone/64",
            "frames/64",
            "frames/33177600",
            "frames-sizes/in place",
            "calls/8",
        ] {
            figures.push(figure(cell, contender, &nanos[..2]));
        }
        for cell in [
            "latency/8",
            "mailslot-latency/64",
            "notepad-read-latency/4096/1",
            "notepad-read-latency/8/1",
            "mailslot-publish-latency/64/4",
            "frames-latency/8294400",
        ] {
            let mut timed = figure(cell, contender, &[100.0]);
            timed.percentiles = vec![(50.0, 100), (99.9, 2000), (100.0, 1_000_000 + at as u64)];
            figures.push(timed);
        }
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
        "notepad-alone",
        "notepad-read-3",
        "mailslot-publish-0",
        "mpmc-64",
        "mpmc-alone",
        "frames",
        "calls",
        "latency-8",
        "mailslot-latency-64",
        "notepad-read-latency-4096",
        "frames-latency-8294400",
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
fn plots_of_many_say_how_many() {
    let titles = [
        "notepad-read/8/1",
        "notepad-write/8/0",
        "mailslot-deliver/8/4",
    ]
    .map(|cell| plot_of(&figure(cell, "x", &[1.0])).unwrap().0.title);
    assert!(titles[0].ends_with("1 reader"), "{titles:?}");
    assert!(titles[1].ends_with("0 readers") && titles[2].ends_with("4 subscribers"));
}

#[test]
fn rates_swap_their_quartiles() {
    let report = report(vec![figure(
        "throughput/8/64/1",
        "x",
        &[1.0, 2.0, 2.0, 4.0, 4.0],
    )]);
    let point = &plots_of(&report)[0].series[0].points[0];
    assert_eq!(
        (point.x, point.y, point.spread),
        (6.0, 500.0, Some((250.0, 500.0)))
    );
    let quartiles = [0.25, 0.75].map(|share| report.figures[0].quantile(share));
    assert_eq!(quartiles.map(rate), [500.0, 250.0]);
}
