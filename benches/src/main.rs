//! ringpad beside its peers, in one run: interleaved repeats on chosen processors, medians and ratios.
//!
//! `cargo run --release` measures everything; `--help` names the choices; docs/benchmarks says what the figures mean.

mod ends;
mod groups;
mod harness;
mod message;
mod peers;

use clap::{Parser, Subcommand};
use harness::machine::Machine;
use harness::{Entry, Figure, Placement, measure, processes};

#[derive(Parser)]
#[command(about, long_about = None)]
struct Args {
    /// Only benches whose whole name contains one of these: a group, a cell or a contender.
    only: Vec<String>,
    /// Repeats of each bench, in turn with its rivals.
    #[arg(long, default_value_t = 9)]
    repeats: usize,
    /// The two processors to run on, as A,B.
    #[arg(long, value_name = "A,B", value_parser = two)]
    cpus: Option<(usize, usize)>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// The other process of a bench: for this program alone.
    #[command(hide = true)]
    Side(processes::Side),
}

fn two(text: &str) -> Result<(usize, usize), String> {
    let parts: Option<(usize, usize)> = text
        .split_once(',')
        .and_then(|(a, b)| Some((a.parse().ok()?, b.parse().ok()?)));
    parts.ok_or_else(|| format!("found {text:?}; wanted two processors as A,B"))
}

fn main() {
    let args = Args::parse();
    let entries = peers::all();
    if let Some(Command::Side(side)) = &args.command {
        let entry = entries.iter().find(|entry| entry.name() == side.bench);
        let entry = entry.unwrap_or_else(|| panic!("no bench {}", side.bench));
        let control = processes::become_partner(side);
        entry.play_partner(side, &control);
        return;
    }
    let placement = Placement::choose(args.cpus).unwrap_or_else(|e| {
        eprintln!("{e}");
        std::process::exit(2)
    });
    println!("{}", Machine::found(&placement));
    placement.go_here();
    let chosen: Vec<Entry> = entries
        .into_iter()
        .filter(|e| args.only.is_empty() || args.only.iter().any(|o| e.name().contains(o.as_str())))
        .collect();
    let mut cells: Vec<String> = chosen.iter().map(|e| e.cell.clone()).collect();
    cells.sort();
    cells.dedup();
    let mut left = chosen;
    for cell in cells {
        let (mine, others) = left.into_iter().partition(|e: &Entry| e.cell == cell);
        left = others;
        println!("{cell}");
        let mine: Vec<Entry> = mine;
        let figures: Vec<Figure> = measure::measure(&mine, &placement, args.repeats, |_| {});
        for f in figures {
            println!(
                "  {:32} {:10.2} ({:.2}..{:.2})",
                f.contender,
                f.median(),
                f.quantile(0.25),
                f.quantile(0.75)
            );
        }
    }
}
