//! The command line: the whole run by default, or one half of it in a terminal of its own.
//!
//! ```text
//! frame_share [--input FILE] [--frames N] [--size WxH] [--fps F|max] [--viewers K] ...
//! frame_share produce NAME [...]
//! frame_share view NAME [--png FILE] [--output FILE.y4m] [--json]
//! frame_share record NAME FILE.y4m [--json]
//! ```
//!
//! What the options leave open (how many frames of a file, at what rate) is settled here, so that
//! both ways to start a producer agree. Whether a name will do is for the crate to say.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use super::controls::Halt;
use super::stream::Stream;

/// Shares video frames between one producer process and several viewer processes.
///
/// Without a subcommand, produces and starts the viewers, then prints what they measured.
#[derive(Debug, Parser)]
#[command(name = "frame_share", args_conflicts_with_subcommands = true)]
pub struct CommandLine {
    /// One half of the run, where only that is wanted.
    #[command(subcommand)]
    pub half: Option<Half>,
    /// The whole run's options.
    #[command(flatten)]
    pub run: Run,
}

/// The halves.
#[derive(Debug, Subcommand)]
pub enum Half {
    /// Produces frames for viewers started elsewhere.
    Produce(Produce),
    /// Views what a producer started elsewhere shares.
    View(View),
    /// Records what a producer started elsewhere shares, every frame of it; goes on where a killed recorder stopped.
    Record(Record),
}

/// Options of the whole run.
#[derive(Debug, Args)]
pub struct Run {
    /// What is produced.
    #[command(flatten)]
    pub stream: Stream,
    /// Name of the shared memory [default: one of this process's own].
    #[arg(long)]
    name: Option<String>,
    /// Write the last frame that the first viewer got as a picture.
    #[arg(long, value_name = "FILE")]
    pub png: Option<PathBuf>,
    /// Record every frame, byte for byte as the input has it.
    #[arg(long, value_name = "FILE.y4m")]
    pub recorder: Option<PathBuf>,
    /// Produce in a process of its own too, and start whoever is killed again: nothing is lost.
    #[arg(long)]
    pub respawn: bool,
    /// For tests: viewers write down the numbers of frames, in files whose names begin so.
    #[arg(long, hide = true, value_name = "PREFIX")]
    pub log: Option<PathBuf>,
}

impl Run {
    /// The name given, or one that no other process uses at the time.
    pub fn name(&self) -> String {
        let own = || format!("frame-share-{}", std::process::id());
        self.name.clone().unwrap_or_else(own)
    }
}

/// Options of a producer by itself.
#[derive(Debug, Args)]
pub struct Produce {
    /// Name of the shared memory.
    pub name: String,
    /// Start when so many viewers have come.
    #[arg(long, value_name = "K", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=30))]
    pub start_with: u32,
    /// There is a recorder: start when it has come, too, and wait for it whenever it is gone.
    #[arg(long)]
    pub recorded: bool,
    /// Go on with the film of a killed producer of this name, where it stopped.
    #[arg(long)]
    pub resume: bool,
    /// Keep frames for each of the viewers, also while one is gone, and wait for them all, as for a recorder.
    #[arg(long)]
    pub keep: bool,
    /// What is produced.
    #[command(flatten)]
    pub stream: Stream,
    /// For tests: a frame that is not what its checksum says.
    #[arg(long, hide = true, value_name = "N")]
    pub spoil: Option<u64>,
    /// For tests: stop (by SIGSTOP) at a step of a frame, such as half:17.
    #[arg(long, hide = true, value_name = "STEP:N")]
    pub halt: Option<Halt>,
}

/// Options of a viewer by itself.
#[derive(Debug, Args)]
pub struct View {
    /// Name of the shared memory.
    pub name: String,
    /// Write the last frame as a picture.
    #[arg(long, value_name = "FILE")]
    pub png: Option<PathBuf>,
    /// Write all frames as a y4m video.
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// See what there is time for, and hold nobody up, also where viewers are lossless.
    #[arg(long)]
    pub lossy: bool,
    /// Print the report as one JSON object.
    #[arg(long)]
    pub json: bool,
    /// Print the report as a line for the launcher.
    #[arg(long, hide = true, conflicts_with = "json")]
    pub report_line: bool,
    /// In the place of a killed one: a film may be over already.
    #[arg(long, hide = true)]
    pub resume: bool,
    /// For tests: look at each frame for so many milliseconds.
    #[arg(long, hide = true, value_name = "MS", default_value_t = 0)]
    pub slow_ms: u64,
    /// For tests: write down the number of each frame, in a file whose name begins so and ends in the viewer's number.
    #[arg(long, hide = true, value_name = "PREFIX")]
    pub log: Option<PathBuf>,
}

/// Options of a recorder by itself.
#[derive(Debug, Args)]
pub struct Record {
    /// Name of the shared memory.
    pub name: String,
    /// The y4m video to write, or to go on with.
    pub file: PathBuf,
    /// Print the report as one JSON object.
    #[arg(long)]
    pub json: bool,
    /// For tests: remove each ticket before its frame is written, as nobody should.
    #[arg(long, hide = true)]
    pub pop_first: bool,
    /// For tests: stop (by SIGSTOP) at a step of a frame, such as half:17.
    #[arg(long, hide = true, value_name = "STEP:N")]
    pub halt: Option<Halt>,
}

#[cfg(test)]
pub mod tests {
    use super::super::controls::Step;
    use super::super::pace::Fps;
    use super::super::stream::Source;
    use super::*;

    /// The command line, taken apart.
    pub fn parse(line: &str) -> Result<CommandLine, String> {
        let words = std::iter::once("frame_share").chain(line.split_whitespace());
        CommandLine::try_parse_from(words).map_err(|e| e.to_string())
    }

    #[test]
    fn defaults() {
        use clap::CommandFactory;
        CommandLine::command().debug_assert();
        let CommandLine { half, run } = parse("").unwrap();
        let Source::Generated(video) = run.stream.source() else {
            panic!("not generated")
        };
        assert_eq!((video.width, video.height, video.fps), (1280, 720, (60, 1)));
        assert_eq!((run.stream.frames(), run.stream.viewers), (Some(300), 2));
        assert_eq!(run.stream.fps(&video), Fps::Rate(60, 1));
        assert!(
            half.is_none()
                && !run.stream.json
                && run.name().ends_with(&std::process::id().to_string())
        );
    }

    #[test]
    fn halves() {
        let Some(Half::View(view)) = parse("view cam --png a.png --output a.y4m").unwrap().half
        else {
            panic!("not a view");
        };
        assert_eq!(
            (view.name.as_str(), view.json, view.report_line),
            ("cam", false, false)
        );
        let Some(Half::Produce(half)) = parse("produce cam --viewers 5 --size 3x5").unwrap().half
        else {
            panic!("not a produce");
        };
        assert_eq!((half.name.as_str(), half.stream.viewers), ("cam", 5));
        for bad in [
            "view",
            "produce",
            "--json view cam",
            "view cam --frames 3",
            "--viewers 0",
            "sell cam",
            "record cam a.y4m --halt half",
            "record cam a.y4m --halt now:3",
        ] {
            parse(bad).unwrap_err();
        }
        let Some(Half::Record(record)) = parse("record cam a.y4m --halt half:3").unwrap().half
        else {
            panic!("not a record");
        };
        assert_eq!(record.halt, Some(Halt(Step::Half, 3)));
    }
}
