//! What the tests over a display share: an Xvfb, the two programs, and pictures whose colours are known.
#![allow(dead_code)] // each test uses a part

pub mod display;
pub mod known;
pub mod programs;

use std::io::Write;
use std::time::{Duration, Instant};

/// How long anything may take that does not hang.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Waits until something is there.
#[track_caller]
pub fn until<T>(what: &str, mut ready: impl FnMut() -> Option<T>) -> T {
    let begin = Instant::now();
    loop {
        if let Some(found) = ready() {
            return found;
        }
        assert!(
            begin.elapsed() < PATIENCE,
            "not within {PATIENCE:?}: {what}"
        );
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// A line that people see: what a test prints is kept from them.
pub fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}
