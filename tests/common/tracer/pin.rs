//! One processor for the tracer and whom it traces.

use rustix::thread::{CpuSet, sched_getaffinity, sched_getcpu, sched_setaffinity};

/// Keeps this thread, and the processes it starts, on the processor it is on; gives the thread its choice back on drop.
///
/// Each step of a traced process wakes its tracer and the other way round: across processors that takes six times as long.
pub struct Pinned {
    before: Option<CpuSet>,
}

impl Pinned {
    pub fn here() -> Self {
        let before = sched_getaffinity(None).ok();
        let mut one = CpuSet::new();
        one.set(sched_getcpu());
        // Only slower where that is not allowed.
        let done = sched_setaffinity(None, &one).is_ok();
        Self {
            before: before.filter(|_| done),
        }
    }
}

impl Drop for Pinned {
    fn drop(&mut self) {
        if let Some(before) = &self.before {
            let _ = sched_setaffinity(None, before);
        }
    }
}
