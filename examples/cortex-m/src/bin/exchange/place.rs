//! Where main is when a tick comes: the evidence that ticks come in the middle of calls.

use core::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// A call of main's that ticks may come into.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Place {
    /// Takes items and records out.
    Taking,
    /// Reads the tick's note.
    Reading,
    /// Hears its mails.
    Hearing,
    /// Writes its own note.
    Writing,
    /// Publishes its own mail.
    Publishing,
}

/// Main alone stores: a place's number and 1, or 0.
static NOW: AtomicU32 = AtomicU32::new(0);
/// The tick alone stores.
static TICKS: [AtomicU32; Place::ALL.len()] = [const { AtomicU32::new(0) }; Place::ALL.len()];

impl Place {
    pub(crate) const ALL: [Self; 5] = [
        Self::Taking,
        Self::Reading,
        Self::Hearing,
        Self::Writing,
        Self::Publishing,
    ];

    /// Main is here while `call` lasts.
    pub(crate) fn during<R>(self, call: impl FnOnce() -> R) -> R {
        NOW.store(self as u32 + 1, Relaxed);
        let result = call();
        NOW.store(0, Relaxed);
        result
    }

    /// Counts a tick where main is.
    pub(crate) fn tick() {
        let place = NOW.load(Relaxed).checked_sub(1);
        if let Some(ticks) = place.and_then(|place| TICKS.get(place as usize)) {
            ticks.store(ticks.load(Relaxed) + 1, Relaxed);
        }
    }

    /// Ticks that came here.
    pub(crate) fn ticks(self) -> u32 {
        TICKS[self as usize].load(Relaxed)
    }
}
