//! A sensor that writes its latest reading some thousand times a second, and a view that looks at it whenever it likes: a
//! notepad each for the reading, for a status text, and for one word.
//!
//! ```text
//! cargo run --example 03_sensor                         both processes, and a live view of them
//! cargo run --example 03_sensor -- --rate max --reads max
//! cargo run --example 03_sensor -- --seconds 2 --json   (or in a pipe: one line of text)
//! 03_sensor sensor lab       and       03_sensor view lab       in terminals of their own
//! ```
//!
//! Try this: `kill -9` the sensor whose number the view shows. Start many views. Stop one with Ctrl-Z. Start a second sensor.
//!
//! What to notice:
//!
//! - A notepad has no queue: a reader gets the latest value or none, and the writer never waits for anybody. So it never
//!   matters to the sensor how many look at it, how slowly, or whether they still live.
//! - The view opens the segment for reading alone. It has no row, no claim and no way to write: nothing that it does reaches the sensor's notes.
//! - A read is whole or it is `Lapped` (the writer came round all the slots while it was copied). The checksum in the
//!   reading is there to show that it is never torn. `--rate max --reads max` makes laps likelier, and tears no reading.
//! - A killed sensor leaves its last value, which ages. The view says that its writer is dead: proven by the system, not
//!   by a timeout. The next sensor takes the writer's end over, and counts on from the dead one's number.
//!
//! | file | what |
//! |---|---|
//! | `notes` | what is shared: the three notepads and what is in them |
//! | `sensor`, `view` | the halves: all that they do with ringpad |
//! | `counts` | what a view counts and reports |
//! | `screen` | the live view: plain escape sequences, on a terminal only |
//! | `run` | both together, and a new sensor for a killed one |

mod counts;
mod notes;
mod run;
mod screen;
mod sensor;
#[cfg_attr(not(windows), path = "../common/stop.rs")]
#[cfg_attr(windows, path = "../common/stop_windows.rs")]
mod stop;
#[cfg_attr(not(windows), path = "../common/system.rs")]
#[cfg_attr(windows, path = "../common/system_windows.rs")]
mod system;
mod view;

use std::fmt;
use std::process::ExitCode;
use std::str::FromStr;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

/// Shares a sensor's latest reading between processes, and shows what they do.
///
/// Without a subcommand, starts a sensor process and views it.
#[derive(Debug, Parser)]
#[command(name = "03_sensor", args_conflicts_with_subcommands = true)]
struct CommandLine {
    /// One half of the run, where only that is wanted.
    #[command(subcommand)]
    half: Option<Half>,
    #[command(flatten)]
    run: Run,
}

#[derive(Debug, Subcommand)]
enum Half {
    /// Writes readings, until Ctrl-C.
    Sensor(Sensor),
    /// Views a sensor that was or will be started elsewhere.
    View(View),
}

/// Options of the whole run.
#[derive(Debug, Args)]
struct Run {
    /// Name of the shared memory [default: one of this process's own].
    #[arg(long)]
    name: Option<String>,
    /// Readings a second, or max for no waiting.
    #[arg(long, value_name = "HZ|max", default_value = "4000")]
    rate: Pace,
    #[command(flatten)]
    looks: Looks,
}

/// Options of a sensor by itself.
#[derive(Debug, Args)]
struct Sensor {
    /// Name of the shared memory.
    name: String,
    /// Readings a second, or max for no waiting.
    #[arg(long, value_name = "HZ|max", default_value = "4000")]
    rate: Pace,
    /// Say nothing, and end when standard input does: with whoever started it, however that ends.
    #[arg(long, hide = true)]
    with_parent: bool,
}

/// Options of a view by itself.
#[derive(Debug, Args)]
struct View {
    /// Name of the shared memory.
    name: String,
    #[command(flatten)]
    looks: Looks,
}

/// How to look.
#[derive(Clone, Debug, Args)]
struct Looks {
    /// Reads a second, or max for no waiting.
    #[arg(long, value_name = "HZ|max", default_value = "4000")]
    reads: Pace,
    /// End after so many seconds, 0 for none [default: none on a terminal, otherwise 3].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(..=1_000_000))]
    seconds: Option<u32>,
    /// Print one JSON object at the end, and show nothing before.
    #[arg(long)]
    json: bool,
}

/// How fast something is repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pace {
    Hz(u32),
    Max,
}

impl Pace {
    /// From one to the next.
    fn step(self) -> Duration {
        match self {
            Self::Hz(hz) => Duration::from_secs(1) / hz,
            Self::Max => Duration::ZERO,
        }
    }
}

impl FromStr for Pace {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let hz = text.parse().ok().filter(|hz| (1..=1_000_000).contains(hz));
        match (text, hz) {
            ("max", _) => Ok(Self::Max),
            (_, Some(hz)) => Ok(Self::Hz(hz)),
            _ => Err("wanted 1 to 1000000, or max".into()),
        }
    }
}

impl fmt::Display for Pace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hz(hz) => hz.fmt(f),
            Self::Max => f.write_str("max"),
        }
    }
}

/// Why a half could not do its work, in words for people.
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
        .and_then(|()| match &line.half {
            None => run::whole(&line.run),
            Some(Half::Sensor(half)) => sensor::sensor(half),
            Some(Half::View(half)) => view::view(half),
        });
    match done {
        Ok(code) => code,
        Err(failure) => {
            eprintln!("03_sensor: {failure}");
            system::failed()
        }
    }
}
