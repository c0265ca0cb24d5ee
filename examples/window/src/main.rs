//! `window NAME`: the pictures of a running `frame_share produce NAME`, in a window.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use ringpad_window::screen::Display;
use ringpad_window::show::{Wishes, show};

/// Shows in a window what a running `frame_share produce NAME` shares.
///
/// One more viewer that takes the newest picture and holds nobody up. Ends when the window is closed, at Esc, and when
/// the producer ends; one that was killed may be started again. Exit codes: 0 ended well, or there is no display and no
/// screenshot was asked for (it says so); 1 failed; 2 a word on the command line is wrong.
#[derive(Debug, Parser)]
#[command(name = "window")]
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
            let rate = shown.frames as f64 / shown.seconds.max(1e-9);
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
