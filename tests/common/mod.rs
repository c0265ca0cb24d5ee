//! What the process tests share: rooms, words, children, deadlines.
//!
//! A child is this same test binary, started again to run its test `child` alone, with a role in its environment. It dies
//! with whoever guards it. Parent and child agree over words of a plain mapped file, never over time.

// Each test file uses its own part of this.
#![allow(dead_code)]

pub mod child;
pub mod mute;
pub mod page;
pub mod room;
pub mod sweep;
#[cfg_attr(windows, path = "windows.rs")]
#[cfg_attr(not(windows), path = "linux.rs")]
pub mod system;
// ptrace: there is nothing like it for other processes' system calls on Windows.
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
pub mod tracer;

use std::time::{Duration, Instant};

/// How long a condition may take to come true.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Waits for a condition; answers how long it took.
#[track_caller]
pub fn until(what: &str, condition: impl FnMut() -> bool) -> Duration {
    until_within(PATIENCE, what, condition)
}

/// Waits for a condition, so long at most.
#[track_caller]
pub fn until_within(most: Duration, what: &str, mut condition: impl FnMut() -> bool) -> Duration {
    let start = Instant::now();
    loop {
        if condition() {
            return start.elapsed();
        }
        assert!(start.elapsed() < most, "not within {most:?}: {what}");
        // Two cores carry the machine: looking again is not urgent.
        std::thread::sleep(Duration::from_micros(100));
    }
}

/// Small random numbers, seeded by time and process; `RINGPAD_SEED` repeats a run's choices.
pub struct Dice(u64);

impl Dice {
    pub fn new() -> Self {
        let clock = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let clock = clock.map_or(1, |since| since.as_nanos() as u64);
        let given = std::env::var("RINGPAD_SEED").ok();
        let seed = given.and_then(|text| text.parse().ok());
        Self(seed.unwrap_or(clock ^ u64::from(std::process::id()) << 32) | 1)
    }

    pub fn seed(&self) -> u64 {
        self.0
    }

    /// A number below `limit`.
    pub fn below(&mut self, limit: u64) -> u64 {
        // xorshift64*
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % limit.max(1)
    }
}

/// A number from the environment.
pub fn number(variable: &str, otherwise: u64) -> u64 {
    let text = std::env::var(variable).ok();
    text.and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

/// True where the tests may do what only root may; says so where not.
pub fn is_root() -> bool {
    let root = system::is_root();
    if !root {
        println!("skipped: needs root");
    }
    root
}
