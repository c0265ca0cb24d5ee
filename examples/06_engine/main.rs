//! A video decoder in a process of its own, beside a game engine: the engine draws 120 times a second, never waits, and always has a picture,
//! also when the decoder was killed.
//!
//! ```text
//! cargo run --release --example 06_engine                     the engine, which starts the decoder
//! kill -9 PID                                                 of the decoder, which it shows: it starts another
//! 06_engine --kill-every 0.5 --seconds 10                     the engine kills its decoder itself, for show
//! 06_engine --input FILM.y4m --size 1920x1080                 real video (ffmpeg -i FILM -pix_fmt yuv420p FILM.y4m)
//! 06_engine --careless wait                                   how not to do it: an engine that waits for each picture
//! 06_engine --careless early                                  and a decoder that publishes what is half decoded
//! 06_engine --distrust --careless lie                         a decoder that was taken over by the film it plays
//! ```
//! `play`, `pause` and `seek FRAME`, typed as lines, go to the decoder. Try `kill -STOP PID`: the picture stands still, the loop does not; three
//! seconds later the engine takes the decoder for stuck, kills it, and starts another.
//!
//! # The pattern
//!
//! Whatever may crash or hang (codecs, plug-ins, what reads files of strangers) runs in a process of its own, and
//!
//! - **what it makes is taken, never awaited.** The newest picture's ticket lies in a notepad. The engine looks whether there is a newer one, and
//!   if so sets its bit in the frame's word: some nanoseconds, whatever the size of the picture, and whatever state the decoder is in.
//! - **what is shown is held.** A view keeps its frame from being used again, also by the next decoder. The engine drops the old view when it
//!   has the new one. So there is always something to draw.
//! - **what it says is checked.** Tickets, sizes and formats from another process are refused if they make no sense; then the last good picture
//!   stays. It never decides about the engine's memory: the pool is as large as the engine made it.
//! - **what it knew is known elsewhere.** Where the video is and whether it plays, the engine knows: the next decoder is told to go on there.
//! - **what it held comes back by name.** A dead decoder leaves a loan and its reference picture in the pool. Both name it; `reap` gives them back
//!   when its death is proven. No frame is lost, however often it dies.
//! - **all that takes time is done by another thread**: starting processes, waiting for their death, giving back, talking to the terminal.
//!
//! A decoder that only crashes needs no more than that. One that was taken over by its input might go on writing into a picture while it is drawn.
//! With `--distrust` the segment is made with `Options::distrusted`: it has no name and is handed down to the decoder alone, its bytes are never lent,
//! and each picture is copied, and the copy checked, before it is drawn. Taking then costs a copy; it still waits for nobody.
//!
//! # What to notice
//!
//! - `taking`: how long the engine was at it, and how often it slept there, as the system counts it. It must be 0; with `--careless wait` it is not.
//! - `torn`: each picture is compared with its checksum at each tick that draws it. It must be 0; with `--careless early` it is not.
//! - `refused`: what made no sense. It is not drawn.
//! - `next picture`: from a decoder's death to the first picture of the next. The ticks between draw the one that is held.
//!
//! | file | what |
//! |---|---|
//! | `shared` | what is shared: a pool, a notepad, a ring, and what is in them |
//! | `taker` | how the engine takes pictures: all that it does with the pool |
//! | `engine` | the loop |
//! | `keeper`, `handing` | who starts decoders, and buries them; how one that is distrusted gets the memory |
//! | `decoder`, `publisher` | the other process, and all that it does with the pool |
//! | `film`, `clip`, `codec` | where pictures come from |
//! | `run`, `counts` | both together, and what is said at the end |

mod clip;
mod codec;
mod counts;
mod decoder;
mod engine;
mod film;
mod handing;
mod keeper;
mod publisher;
mod run;
mod shared;
#[cfg_attr(not(windows), path = "../common/stop.rs")]
#[cfg_attr(windows, path = "../common/stop_windows.rs")]
mod stop;
#[cfg_attr(not(windows), path = "../common/system.rs")]
#[cfg_attr(windows, path = "../common/system_windows.rs")]
mod system;
mod taker;
#[path = "../frame_share/y4m/mod.rs"]
mod y4m;

use std::fmt;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Draws video that another process decodes, without ever waiting for it, and starts that process again when it dies.
///
/// Lines of standard input are commands: play, pause, seek FRAME.
#[derive(Debug, Parser)]
#[command(name = "06_engine", args_conflicts_with_subcommands = true)]
struct CommandLine {
    /// Another role than the engine's.
    #[command(subcommand)]
    role: Option<Role>,
    #[command(flatten)]
    run: Run,
}

#[derive(Debug, Subcommand)]
enum Role {
    /// Decodes for an engine, which starts this.
    #[command(hide = true)]
    Decode(decoder::Decode),
}

/// Options of the engine.
#[derive(Debug, Args)]
struct Run {
    /// Name of the shared memory [default: one of this process's own].
    #[arg(long)]
    name: Option<String>,
    /// End after so many seconds, 0 for none [default: none on a terminal, otherwise 5].
    #[arg(long, value_name = "S", value_parser = seconds)]
    seconds: Option<f64>,
    /// Ticks a second.
    #[arg(long, value_name = "HZ", default_value_t = 120, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    hz: u32,
    /// Kill the decoder every so many seconds, as a demonstration.
    #[arg(long, value_name = "S", value_parser = every)]
    kill_every: Option<Duration>,
    /// Kill a decoder of which nothing new has come for so many seconds, though it should play.
    #[arg(long, value_name = "S", default_value = "3", value_parser = every)]
    patience: Duration,
    /// Play this YUV4MPEG2 video (4:2:0), over and over, not a drawn clip.
    #[arg(long, value_name = "FILE")]
    input: Option<PathBuf>,
    /// Size of the drawn clip; with --input, the largest that is taken.
    #[arg(long, value_name = "WxH", default_value = "1280x720", value_parser = size)]
    size: (u32, u32),
    /// Frames a second of the drawn clip.
    #[arg(long, value_name = "F", default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=10_000), conflicts_with = "input")]
    fps: u32,
    /// Share memory into which the decoder may write anything at any time: pictures are copied and checked before they are drawn.
    #[arg(long)]
    distrust: bool,
    /// Print the report as one JSON object.
    #[arg(long)]
    json: bool,
    /// Do one thing wrong: the report shows it.
    #[arg(long, value_name = "HOW")]
    careless: Option<Careless>,
}

/// What may be done wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Careless {
    /// The engine waits for each picture.
    Wait,
    /// The decoder publishes each picture when half of it is decoded.
    Early,
    /// The decoder publishes tickets that are none.
    Lie,
}

impl Run {
    /// The name given, or one that no other process uses at the time.
    fn name(&self) -> String {
        let own = || format!("engine-{}", std::process::id());
        self.name.clone().unwrap_or_else(own)
    }

    fn is_waiting(&self) -> bool {
        self.careless == Some(Careless::Wait)
    }

    /// What the decoder does wrong.
    fn careless_decoder(&self) -> Option<&'static str> {
        match self.careless? {
            Careless::Wait => None,
            Careless::Early => Some("early"),
            Careless::Lie => Some("lie"),
        }
    }
}

fn seconds(text: &str) -> Result<f64, String> {
    let found = text.parse().ok();
    let good = found.filter(|seconds| (0.0..=1e6).contains(seconds));
    good.ok_or_else(|| "wanted seconds, such as 10 or 0.5".into())
}

fn every(text: &str) -> Result<Duration, String> {
    let every = seconds(text)?;
    match every >= 0.01 {
        true => Ok(Duration::from_secs_f64(every)),
        false => Err("wanted at least 0.01 seconds".into()),
    }
}

fn size(text: &str) -> Result<(u32, u32), String> {
    let sides = text.split_once('x');
    let sides = sides.and_then(|(w, h)| Some((w.parse().ok()?, h.parse().ok()?)));
    let good = sides.filter(|(w, h)| [w, h].into_iter().all(|side| (1..=8192).contains(side)));
    good.ok_or_else(|| "wanted columns x rows, each 1 to 8192, such as 1280x720".into())
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
            None => run::run(&line.run),
            Some(Role::Decode(role)) => decoder::decode(role),
        });
    match done {
        Ok(code) => code,
        Err(failure) => {
            eprintln!("06_engine: {failure}");
            system::failed()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Run, String> {
        let words = std::iter::once("06_engine").chain(line.split_whitespace());
        let line = CommandLine::try_parse_from(words).map_err(|error| error.to_string())?;
        Ok(line.run)
    }

    #[test]
    fn options() {
        use clap::CommandFactory;
        CommandLine::command().debug_assert();
        let run = parse("").unwrap();
        assert_eq!((run.hz, run.size, run.seconds), (120, (1280, 720), None));
        let run = parse("--kill-every 0.5 --seconds 2.5 --size 3x5 --careless wait").unwrap();
        assert_eq!(run.kill_every, Some(Duration::from_millis(500)));
        assert!(run.is_waiting() && run.careless_decoder().is_none() && run.seconds == Some(2.5));
        for (bad, why) in [
            ("--size 0x5", "such as 1280x720"),
            ("--size 12", "such as 1280x720"),
            ("--seconds soon", "such as 10 or 0.5"),
            ("--seconds NaN", "such as 10 or 0.5"),
            ("--kill-every 0", "at least 0.01"),
            ("--hz 0", "1..=10000"),
            ("--input a.y4m --fps 3", "cannot be used with"),
            ("--careless twice", "wait, early, lie"),
        ] {
            let said = parse(bad).unwrap_err();
            assert!(said.contains(why), "{bad}: {said}");
        }
    }
}
