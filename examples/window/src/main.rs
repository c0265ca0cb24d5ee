//! `window NAME`: the pictures of a running `frame_share produce NAME`, in a window.

#![forbid(unsafe_code)]

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use ringpad_window::screen::Display;
use ringpad_window::show::{Wishes, show};

const CODES: &str = "\
Exit codes:
  0  ended well; or there is no display, which it says, and no screenshot was asked for
  1  failed
  2  the command line is wrong";

/// Shows in a window what a running `frame_share produce NAME` shares.
///
/// One more viewer, which takes the newest picture and holds nobody up. It ends when its window is closed, at Esc, and
/// when the producer ends; a producer that was killed may be started again.
#[derive(Debug, Parser)]
#[command(name = "window", after_help = CODES)]
struct CommandLine {
    /// Name of the shared memory.
    name: String,
    /// End after so many pictures.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    frames: Option<u64>,
    /// Save at the end what the display says that the window shows, and check that it is what was drawn.
    #[arg(long, value_name = "FILE.png")]
    screenshot: Option<PathBuf>,
}

fn main() -> ExitCode {
    let line = CommandLine::parse();
    let wishes = Wishes {
        name: &line.name,
        frames: line.frames,
        screenshot: line.screenshot.as_deref(),
    };
    let display = match Display::connect() {
        Ok(display) => display,
        Err(why) => {
            eprintln!("window: {why}");
            return match line.screenshot {
                None => ExitCode::SUCCESS,
                Some(_) => ExitCode::FAILURE,
            };
        }
    };
    match show(display, &wishes) {
        Ok(shown) => {
            let rate = shown.frames.saturating_sub(1) as f64 / shown.seconds.max(1e-9);
            let (frames, stale, missed) = (shown.frames, shown.stale, shown.missed);
            println!("{frames} frames shown ({rate:.1} a second), {stale} stale, {missed} missed");
            ExitCode::SUCCESS
        }
        Err(failure) => {
            eprintln!("window: {failure}");
            ExitCode::FAILURE
        }
    }
}
