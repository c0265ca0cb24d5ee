//! ringpad beside its peers, in one run: interleaved repeats on chosen processors, medians and ratios.
//!
//! `cargo run --release` measures everything; `--help` names the choices; docs/benchmarks says what the figures mean.

mod ends;
mod groups;
mod harness;
mod message;
mod peers;
mod report;
mod run;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use harness::machine::Machine;
use harness::{Entry, Figure, Placement, processes};
use report::targets::{self, Target};
use report::{QUICK, Report, json, plots, table};

#[derive(Parser)]
#[command(
    about,
    args_conflicts_with_subcommands = true,
    disable_help_subcommand = true
)]
struct Args {
    /// Only these: a group, or a part of a bench's whole name group/parameters/contender
    only: Vec<String>,
    /// Names the benches and measures nothing
    #[arg(long, conflicts_with_all = ["from", "check"])]
    list: bool,
    /// Repeats of each bench, in turn with its rivals
    #[arg(long, value_name = "N", default_value_t = 9, value_parser = at_least_one)]
    repeats: usize,
    /// Three repeats: a look, and nothing to quote
    #[arg(long, conflicts_with = "repeats")]
    quick: bool,
    /// The processors to run on: two, and more for further readers
    #[arg(long, value_name = "A,B,..", value_delimiter = ',')]
    cpus: Option<Vec<usize>>,
    /// Takes the figures of an earlier --json instead of measuring
    #[arg(long, value_name = "FILE", conflicts_with_all = ["repeats", "quick", "cpus"])]
    from: Option<PathBuf>,
    /// Writes the figures for --from and other programs
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Writes tables and verdicts for the documentation
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
    /// Draws the figures as SVG
    #[arg(long, value_name = "DIR")]
    plots: Option<PathBuf>,
    /// Judges the figures by targets, the shipped ones if no file is named; alone it measures what they need
    #[arg(long, value_name = "TARGETS.TOML", num_args = 0..=1, require_equals = true)]
    check: Option<Option<PathBuf>>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// The other process of a bench: for this program alone
    #[command(hide = true)]
    Side(processes::Side),
}

fn at_least_one(text: &str) -> Result<usize, String> {
    let number = text.parse().ok().filter(|&number| number > 0);
    number.ok_or_else(|| "wanted a number, at least 1".into())
}

/// Prints; where nobody reads any more there is nothing left to do.
fn say(text: &str) {
    if writeln!(std::io::stdout(), "{text}").is_err() {
        std::process::exit(2);
    }
}

fn say_cell(figures: &[&Figure]) {
    if let Some(first) = figures.first() {
        say(table::cell(&first.cell, figures).trim_end_matches('\n'));
    }
}

fn main() -> ExitCode {
    // The other side of a failed bench polls for ever, and a scope would wait for it.
    let tell = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        tell(panic);
        std::process::abort();
    }));
    match run(&Args::parse()) {
        Ok(code) => code,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::from(2)
        }
    }
}

fn run(args: &Args) -> Result<ExitCode, String> {
    let entries = peers::all();
    if let Some(Command::Side(side)) = &args.command {
        let entry = entries.iter().find(|entry| entry.name() == side.bench);
        let entry = entry.ok_or_else(|| format!("no bench has the name {:?}", side.bench))?;
        let control = processes::become_partner(side);
        entry.play_partner(side, &control);
        return Ok(ExitCode::SUCCESS);
    }
    if args.list {
        say(run::list(run::choose(entries, &args.only)?).trim_end());
        return Ok(ExitCode::SUCCESS);
    }
    // All that can be wrong with files is found before minutes of measuring, not after.
    let targets = match &args.check {
        Some(file) => Some(targets::read(file.as_deref())?),
        None => None,
    };
    for file in [&args.json, &args.markdown].into_iter().flatten() {
        writable(file)?;
    }
    if let Some(dir) = &args.plots {
        std::fs::create_dir_all(dir).map_err(|e| format!("making {}: {e}", dir.display()))?;
    }
    let report = match &args.from {
        Some(file) => told(file, &args.only)?,
        None => measured(args, entries, targets.as_deref())?,
    };
    if let Some(file) = &args.json {
        json::write(&report, file)?;
    }
    if let Some(dir) = &args.plots {
        let drawn = plots::draw(&report, dir)?;
        say(&match drawn.as_slice() {
            [] => "\nno plots: nothing among these figures is drawn".into(),
            drawn => format!("\nplots in {}: {}", dir.display(), drawn.join(", ")),
        });
    }
    let judged = targets
        .map(|targets| targets::judge(&targets, &report))
        .unwrap_or_default();
    if let Some(file) = &args.markdown {
        let text = table::markdown(&report, &judged);
        std::fs::write(file, text).map_err(|e| format!("writing {}: {e}", file.display()))?;
    }
    if judged.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    say("\ntargets");
    judged.iter().for_each(|one| say(&one.text()));
    say(&targets::summary(&judged));
    let met = judged.iter().all(targets::Judged::is_met);
    Ok(if met {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Whether a file can be written later on; what is in it stays until then.
fn writable(file: &Path) -> Result<(), String> {
    let name = file.display();
    let folder = file
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    if folder.is_some_and(|folder| !folder.is_dir()) {
        return Err(format!(
            "{name}: found no such folder; wanted one to write to"
        ));
    }
    if file.is_dir() {
        return Err(format!("{name}: found a folder; wanted a file to write"));
    }
    Ok(())
}

/// The figures of an earlier run.
fn told(file: &Path, only: &[String]) -> Result<Report, String> {
    let mut report = json::read(file)?;
    report.figures = run::choose(report.figures, only)?;
    say(&report.head());
    report
        .cells()
        .iter()
        .for_each(|(_, figures)| say_cell(figures));
    Ok(report)
}

fn measured(
    args: &Args,
    entries: Vec<Entry>,
    targets: Option<&[Target]>,
) -> Result<Report, String> {
    let chosen = match targets {
        Some(targets) if args.only.is_empty() => {
            let names: Vec<String> = targets.iter().flat_map(Target::needs).collect();
            run::cells_of(entries, &names)
        }
        _ => run::choose(entries, &args.only)?,
    };
    let placement = Placement::choose(args.cpus.as_deref())?;
    // What killed runs left: segments that nobody holds any more.
    ringpad::os::collect(&ringpad::os::Options::new()).map_err(|e| e.to_string())?;
    placement.go_here();
    let repeats = if args.quick { QUICK } else { args.repeats };
    let mut report = Report::new(Machine::found(&placement), repeats);
    say(&report.head());
    report.figures = run::measure(chosen, &placement, repeats, |figures| {
        say_cell(&figures.iter().collect::<Vec<_>>());
    });
    Ok(report)
}
