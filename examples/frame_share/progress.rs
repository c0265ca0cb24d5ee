//! How far the run is, shown on a terminal and nowhere else.
//!
//! The bar is drawn on standard error, so that standard output has the report alone. In a pipe, or
//! where a report for programs is asked for, there is no bar and nothing is said but what
//! [`Progress::note`] is given (a viewer came or went), which goes to standard error as a line.
//! Drawing is limited to twenty times a second, so that it is no part of what is measured.

use std::io::{IsTerminal, Write};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A progress bar, or nothing at all.
#[derive(Debug)]
pub struct Progress {
    bar: Option<ProgressBar>,
}

impl Progress {
    /// A bar of `total` frames, or a count without an end; none where `quiet` or without a terminal.
    pub fn new(total: Option<u64>, quiet: bool) -> Self {
        let shown = !quiet && std::io::stderr().is_terminal();
        let target = || ProgressDrawTarget::stderr_with_hz(20);
        Self {
            bar: shown.then(|| bar(total, target())),
        }
    }

    /// So many frames are done.
    pub fn set(&self, frames: u64) {
        if let Some(bar) = &self.bar {
            bar.set_position(frames);
        }
    }

    /// Says something that stays: above the bar, or as a line on standard error.
    pub fn note(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| say(text)),
            None => say(text),
        }
    }
}

/// One line in one piece: several processes write to the same place.
pub fn say(text: &str) {
    // Nobody is left to hear that it cannot be said.
    let _ = std::io::stderr().write_all(format!("{text}\n").as_bytes());
}

/// The bar is taken away, whichever way the run ends.
impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn bar(total: Option<u64>, target: ProgressDrawTarget) -> ProgressBar {
    let template = match total {
        Some(_) => "{bar:40} {pos}/{len} frames  {per_sec}",
        None => "{spinner} {pos} frames  {per_sec}",
    };
    let style = ProgressStyle::with_template(template);
    let bar = ProgressBar::with_draw_target(total, target)
        .with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    if total.is_none() {
        bar.enable_steady_tick(Duration::from_millis(200));
    }
    bar
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quiet_shows_nothing() {
        let progress = Progress::new(Some(3), true);
        assert!(progress.bar.is_none());
        progress.set(2);
    }

    #[test]
    fn a_bar_counts() {
        for total in [Some(300), None] {
            let bar = Some(bar(total, ProgressDrawTarget::hidden()));
            let progress = Progress { bar };
            progress.set(150);
            let bar = progress.bar.as_ref().unwrap();
            assert_eq!((bar.position(), bar.length()), (150, total));
        }
    }
}
