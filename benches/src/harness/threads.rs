//! Two threads, each on its processor.

use std::sync::Barrier;
use std::time::{Duration, Instant};

use super::Placement;

/// Runs `there` on the partner's processor and `here` on this one, from a common start until `here` ends.
pub fn race<T>(
    placement: &Placement,
    there: impl FnOnce() + Send,
    here: impl FnOnce() -> T,
) -> (Duration, T) {
    let start = Barrier::new(2);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            placement.go_there();
            start.wait();
            there();
        });
        start.wait();
        let begin = Instant::now();
        let value = here();
        (begin.elapsed(), value)
    })
}
