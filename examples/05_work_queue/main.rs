//! A work queue of four processes, any of which may be killed at any time: a boss sends numbered jobs, two workers do them, and a board
//! counts the answers, shows the sum, and starts whoever is missing.
//!
//! ```text
//! cargo run --release --example 05_work_queue           the board, which starts the boss and two workers
//! kill -9 PID                                           any of those that it shows, and itself: then start it again
//! 05_work_queue                                         in a second terminal: takes the board over when the first one is killed
//! 05_work_queue worker                                  one more worker; boss and board by hand likewise
//! 05_work_queue --seconds 10 --rate 50000 | cat         in a pipe: a line a second, and whether it all added up as exit code
//! ```
//!
//! Try this: stop a worker with `kill -STOP`: nobody takes its job away, for it may go on at any time; 1,024 jobs later the boss
//! waits for it. `kill -CONT` it, or `kill -9` it: then its job comes again, to the other one. Start it all with `--careless`,
//! and kill a worker: it acknowledges first, so its job is lost, and after ten seconds the board says so.
//!
//! # Why the numbers add up
//!
//! There is no log, no lock and no supervisor. Each step that a kill may follow leaves either nothing, or something that is done twice; and
//! what is done twice is recognised by its number, by the only one who counts. Whoever is killed between two of these lines:
//!
//! ```text
//! boss      job n + 1 into the ring; then `sent` = n + 1      its successor sends n + 1 again       never skipped
//! worker    take the job; answer into the ring; acknowledge   another gets the job, answers again   never lost
//! board     take the answer; `tally` with it; acknowledge     its successor gets the answer again   counted once: the tally is
//!                                                                                                   one value, written whole
//! ```
//! To know any number as done or not, the tally needs an end: it is all jobs up to `base`, and a bit for each of the 1,024 behind it, and
//! the boss sends no further. Each message is acknowledged only after what became of it lies where it survives.
//!
//! What all of them leave behind lives in the segment as long as any process has it open: kill all four, and the next one begins at 0.
//!
//! # What to notice
//!
//! - Nobody waits for a time-out: a death is proven by the system, wakes whoever sleeps, and what the dead one held is given back by
//!   `OwnedPeer::reap` (the board calls it), or by whoever comes upon it or joins in the dead one's row.
//! - Who is boss, and who is board? Whoever claims the notepad that only one may write. The claim of a dead one is taken over.
//! - `sum` is added up from the answers, and compared with Gauss's formula. A job that was lost or counted twice would show for ever.
//!
//! | file | what |
//! |---|---|
//! | `shared` | what is shared: two rings, three notepads, and what is in them |
//! | `tally` | what is done, each job once |
//! | `boss`, `worker`, `board` | the roles: all that they do with ringpad |
//! | `crew` | who is here, who is missing, when to leave |
//! | `screen` | the live view, or a line a second |

mod board;
mod boss;
mod crew;
mod screen;
mod shared;
#[cfg_attr(not(windows), path = "../common/stop.rs")]
#[cfg_attr(windows, path = "../common/stop_windows.rs")]
mod stop;
#[cfg_attr(not(windows), path = "../common/system.rs")]
#[cfg_attr(windows, path = "../common/system_windows.rs")]
mod system;
mod tally;
mod worker;

use std::fmt;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

/// Shares work between processes, and shows that it adds up whichever of them is killed.
///
/// Without a subcommand, shows the board, and starts a boss and two workers if they are missing.
#[derive(Debug, Parser)]
#[command(name = "05_work_queue", args_conflicts_with_subcommands = true)]
struct CommandLine {
    /// Another role than the board's.
    #[command(subcommand)]
    role: Option<Role>,
    #[command(flatten)]
    board: Board,
}

#[derive(Debug, Subcommand)]
enum Role {
    /// Sends jobs, as long as there is a board.
    Boss(Boss),
    /// Does jobs, as long as there is a board.
    Worker(Worker),
}

const NAME: &str = "work-queue";

/// Options of the board.
#[derive(Debug, Args)]
struct Board {
    /// Name of the shared memory.
    #[arg(long, default_value = NAME)]
    name: String,
    /// Jobs a second, of a boss that is started here.
    #[arg(long, value_name = "HZ", default_value_t = 2000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    rate: u32,
    /// End after so many seconds, 0 for none [default: none on a terminal, otherwise 5].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(..=1_000_000))]
    seconds: Option<u32>,
    /// Start workers that acknowledge a job before they do it: kill one, and see what is lost.
    #[arg(long)]
    careless: bool,
}

/// Options of a boss by itself.
#[derive(Debug, Args)]
struct Boss {
    /// Name of the shared memory.
    #[arg(default_value = NAME)]
    name: String,
    /// Jobs a second.
    #[arg(long, value_name = "HZ", default_value_t = 2000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    rate: u32,
    /// Say nothing of what may be expected: a board started this.
    #[arg(long, hide = true)]
    quiet: bool,
}

/// Options of a worker by itself.
#[derive(Debug, Args)]
struct Worker {
    /// Name of the shared memory.
    #[arg(default_value = NAME)]
    name: String,
    /// Acknowledge a job before it is done.
    #[arg(long)]
    careless: bool,
    /// Say nothing of what may be expected: a board started this.
    #[arg(long, hide = true)]
    quiet: bool,
}

/// Why a role could not be played, in words for people.
#[derive(Debug)]
struct Failure(String);

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<E: std::error::Error> From<E> for Failure {
    fn from(error: E) -> Self {
        Self(error.to_string())
    }
}

fn main() -> ExitCode {
    let line = CommandLine::parse();
    let done = stop::catch()
        .map_err(Failure::from)
        .and_then(|()| match &line.role {
            None => board::board(&line.board),
            Some(Role::Boss(role)) => boss::boss(role),
            Some(Role::Worker(role)) => worker::worker(role),
        });
    match done {
        Ok(code) => code,
        Err(failure) => {
            eprintln!("05_work_queue: {failure}");
            system::failed()
        }
    }
}
