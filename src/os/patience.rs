//! Waiting for what has no wake-up that a deadline could bound.

#![forbid(unsafe_code)]

use std::time::{Duration, Instant};

use super::{Error, Result};

/// Sleeps a little longer each time: a byte lock has no wake-up of its own that a deadline could bound.
pub(super) struct Backoff {
    next: Duration,
    most: Duration,
}

impl Backoff {
    /// Up to `most` at a time.
    pub(super) fn new(most: Duration) -> Self {
        let next = Duration::from_micros(50);
        Self { next, most }
    }

    pub(super) fn pause(
        &mut self,
        deadline: Instant,
        waiting: impl FnOnce() -> String,
    ) -> Result<()> {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(Error::TimedOut { waiting: waiting() });
        }
        std::thread::sleep(self.next.min(left));
        self.next = (self.next * 2).min(self.most);
        Ok(())
    }
}

/// So long from now; for ever means a year.
pub(super) fn soon(patience: Duration) -> Instant {
    let now = Instant::now();
    let year = Duration::from_secs(365 * 24 * 3600);
    now.checked_add(patience).unwrap_or_else(|| now + year)
}
