//! The machine's monotonic clock, the same in all its processes.

use windows_sys::Win32::System::Performance::{QueryPerformanceCounter, QueryPerformanceFrequency};

/// Nanoseconds since some moment of this boot.
pub(crate) fn now_ns() -> u64 {
    let (mut ticks, mut a_second) = (0_i64, 0_i64);
    // SAFETY: writes one number; never fails since Windows XP.
    unsafe { QueryPerformanceCounter(&raw mut ticks) };
    // SAFETY: as above.
    unsafe { QueryPerformanceFrequency(&raw mut a_second) };
    let ns = ticks as u128 * 1_000_000_000 / (a_second.max(1) as u128);
    ns as u64
}

#[cfg(test)]
mod tests {
    use super::now_ns;

    #[test]
    fn time_runs_at_the_pace_of_the_standard_clock() {
        let (began, here) = (std::time::Instant::now(), now_ns());
        while began.elapsed() < std::time::Duration::from_millis(50) {
            std::thread::yield_now();
        }
        let (theirs, ours) = (began.elapsed().as_nanos() as u64, now_ns() - here);
        assert!(ours >= 50_000_000 && ours < theirs + 50_000_000, "{ours}");
    }
}
