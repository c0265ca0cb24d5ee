//! Counts the instructions of ringpad's hot operations, and compares them with the stored ones.
//!
//! docs/benchmarks/instructions.md says what is counted and how.

mod callgrind;
mod calls;
mod counted;
mod counts;
mod crowds;
mod homes;
mod operations;
mod pools;
mod shouts;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};

use callgrind::Found;
use counts::{Count, Counts, Verdict, compare};
use operations::Operation;

/// The compiler and its options.
const BUILT_BY: &str = env!("RINGPAD_BUILT_BY");
const COUNTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/counts.toml");

const HELP: &str = "\
Counts the instructions of ringpad's hot operations under valgrind, and compares them with the stored ones.

Usage: ringpad-instructions [NAME]... [--counts FILE] [--write]

  NAME            only operations whose name contains one of these
  --counts FILE   the stored counts, by default counts.toml of this package
  --write         stores what is found
  -h, --help      this text

Ends with 1 if an operation takes more than stored, with 2 if it cannot count.";

struct Args {
    only: Vec<String>,
    counts: PathBuf,
    write: bool,
}

fn args(mut given: impl Iterator<Item = String>) -> Result<Args, String> {
    let mut args = Args {
        only: Vec::new(),
        counts: COUNTS.into(),
        write: false,
    };
    while let Some(arg) = given.next() {
        match arg.as_str() {
            "--write" => args.write = true,
            "--counts" => args.counts = given.next().ok_or("--counts: wanted a file")?.into(),
            option if option.starts_with('-') => {
                return Err(format!("no option {option}; see --help"));
            }
            _ => args.only.push(arg),
        }
    }
    if args.write && !args.only.is_empty() {
        return Err("--write stores the counts of all operations: leave the names out".into());
    }
    Ok(args)
}

fn main() -> ExitCode {
    let given: Vec<String> = std::env::args().skip(1).collect();
    let done = match given.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["-h" | "--help"] => {
            println!("{HELP}");
            Ok(true)
        }
        ["op", name, laps] => run(name, laps).map(|()| true),
        _ => args(given.into_iter()).and_then(|args| count(&args)),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(2)
        }
    }
}

/// The run that is counted: says how many calls it made.
fn run(name: &str, laps: &str) -> Result<(), String> {
    let operation = operations::ALL
        .iter()
        .find(|operation| operation.name == name);
    let operation = operation.ok_or_else(|| format!("no operation {name:?}"))?;
    let laps = laps
        .parse()
        .map_err(|_| format!("found {laps:?}; wanted a number of laps"))?;
    println!("{}", (operation.run)(laps));
    Ok(())
}

/// Counts, prints, compares or stores. False if an operation takes more than stored.
fn count(args: &Args) -> Result<bool, String> {
    callgrind::check()?;
    let is_chosen = |operation: &&Operation| {
        args.only.is_empty()
            || args
                .only
                .iter()
                .any(|only| operation.name.contains(only.as_str()))
    };
    let chosen: Vec<&Operation> = operations::ALL.iter().filter(is_chosen).collect();
    if chosen.is_empty() {
        return Err(format!(
            "no operation's name contains {}",
            args.only.join(" or ")
        ));
    }
    let stored = if args.write {
        Counts::default()
    } else {
        Counts::read(&args.counts)?
    };
    let found = count_all(&chosen)?;
    if args.write {
        return store(args, &chosen, &found).map(|()| true);
    }
    let is_judged = stored.built_by == BUILT_BY;
    let good = print(&chosen, &found, &stored);
    let all = args.only.is_empty();
    let gone = stored
        .of
        .keys()
        .filter(|name| all && operations::ALL.iter().all(|o| o.name != **name));
    let gone: Vec<&str> = gone.map(String::as_str).collect();
    if !gone.is_empty() {
        println!("stored, and no operations any more: {}", gone.join("; "));
    }
    if !is_judged {
        println!(
            "not judged: stored by  {}\n            counted by {BUILT_BY}",
            stored.built_by
        );
        return Ok(true);
    }
    if !good || !gone.is_empty() {
        println!("if this is meant: cargo run --release -- --write");
    }
    Ok(good && gone.is_empty())
}

/// Counts on as many processors as there are: nothing is timed.
fn count_all(chosen: &[&Operation]) -> Result<Vec<Found>, String> {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut mine = Vec::new();
        while let Some((at, operation)) =
            Some(next.fetch_add(1, Ordering::Relaxed)).and_then(|at| Some((at, chosen.get(at)?)))
        {
            mine.push((at, callgrind::count(operation)));
        }
        mine
    };
    let workers = std::thread::available_parallelism()
        .map_or(1, |n| n.get())
        .min(chosen.len());
    let mut found = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        workers
            .into_iter()
            .flat_map(|worker| worker.join().expect("a worker"))
            .collect::<Vec<_>>()
    });
    found.sort_by_key(|(at, _)| *at);
    let found = found
        .into_iter()
        .map(|(_, found)| found)
        .collect::<Result<Vec<_>, _>>()?;
    for (operation, found) in chosen.iter().zip(&found) {
        // A return and nothing else: the compiler gave two operations one function, or callgrind missed it.
        if (found.own <= Count::ONE) != (operation.name == operations::NOTHING) {
            return Err(format!(
                "{}: found {} instructions, which cannot be",
                operation.name, found.own
            ));
        }
    }
    Ok(found)
}

fn store(args: &Args, chosen: &[&Operation], found: &[Found]) -> Result<(), String> {
    let names = || chosen.iter().map(|operation| operation.name);
    let of = names()
        .map(String::from)
        .zip(found.iter().map(|found| found.own))
        .collect();
    let counts = Counts {
        built_by: BUILT_BY.into(),
        of,
    };
    std::fs::write(&args.counts, counts.text(names()))
        .map_err(|e| format!("{}: {e}", args.counts.display()))?;
    print(chosen, found, &counts);
    println!("stored in {}", args.counts.display());
    Ok(())
}

/// Prints the table. False if an operation takes more than stored, or was never stored.
fn print(chosen: &[&Operation], found: &[Found], stored: &Counts) -> bool {
    println!(
        "{:28} {:>8} {:>8} {:>9}",
        "instructions of one call", "stored", "found", "libraries"
    );
    let mut good = true;
    for (operation, found) in chosen.iter().zip(found) {
        let name = operation.name;
        let (stored, verdict) = match stored.of.get(name) {
            None => ("-".into(), "NOT STORED".into()),
            Some(stored) => (stored.to_string(), verdict(*stored, found.own)),
        };
        good &= !verdict.starts_with(char::is_uppercase);
        println!(
            "{name:28} {stored:>8} {:>8} {:>9}  {verdict}",
            found.own, found.libraries
        );
    }
    good
}

fn verdict(stored: Count, found: Count) -> String {
    match compare(stored, found) {
        Verdict::Same => "same".into(),
        Verdict::More(by) => format!("MORE by {by}"),
        Verdict::Fewer(by) => format!("fewer by {by}: store it with --write"),
    }
}
