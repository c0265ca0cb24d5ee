//! The main job: one process shares video frames with others through shared memory, and sleeps and wakes through pipes.
//!
//! ```text
//! cargo run --release --example frame_share                      a generated picture, two viewers
//! cargo run --release --example frame_share -- --input FILE.y4m  real video (ffmpeg -f yuv4mpegpipe)
//! frame_share produce NAME    and    frame_share view NAME       the halves, in terminals of their own
//! ```
//! Pictures lie in one pool of frames, drawn in place and looked at in place, however many look. Kill any of the processes with -9 at any
//! time: the others go on, and a restarted one takes its place.
//!
//! | file | what |
//! |---|---|
//! | `wire`, `plan` | what lies in the segment, and how large it is |
//! | `senders`, `lines`, `receiver`, `watcher`, `films` | how frames travel: to lossless sides, to lossy ones; what is said of the film |
//! | `produce`, `view`, `record` | the halves |
//! | `run`, `supervise` | all together; the same, and started again when killed |
//! | `y4m`, `picture`, `picture_png` | where pictures come from and go to |
//! | `args`, `stream`, `pace`, `progress` | what people say, and see meanwhile |
//! | `controls` | what tests ask them to do wrong |
//! | `report`, `totals` | what they see at the end |

mod args;
mod controls;
mod films;
mod lines;
mod pace;
mod picture;
mod picture_png;
mod plan;
mod produce;
mod progress;
mod receiver;
mod record;
mod report;
mod run;
mod senders;
mod stream;
mod supervise;
#[cfg_attr(not(windows), path = "../common/system.rs")]
#[cfg_attr(windows, path = "../common/system_windows.rs")]
mod system;
mod totals;
mod view;
mod watcher;
mod wire;
mod y4m;

use std::fmt;
use std::process::ExitCode;

use clap::Parser;

/// Why a half could not do its work, in words for people.
#[derive(Debug)]
pub struct Failure(String);

impl Failure {
    /// A failure in one's own words.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

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
    let line = args::CommandLine::parse();
    let done = match &line.half {
        None if line.run.respawn => supervise::whole(&line.run),
        None => run::whole(&line.run),
        Some(args::Half::Produce(half)) => run::produce_half(half),
        Some(args::Half::View(half)) => run::view_half(half),
        Some(args::Half::Record(half)) => run::record_half(half),
    };
    match done {
        Ok(code) => code,
        Err(failure) => {
            eprintln!("frame_share: {failure}");
            system::failed()
        }
    }
}
