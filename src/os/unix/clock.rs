//! The machine's monotonic clock, the same in all its processes.

#![forbid(unsafe_code)]

use rustix::time::{ClockId, clock_gettime};

/// Nanoseconds since some moment of this boot.
pub(crate) fn now_ns() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    (now.tv_sec as u64)
        .wrapping_mul(1_000_000_000)
        .wrapping_add(now.tv_nsec as u64)
}
