//! What the segment of a run holds, and how many frames its pool needs.

use ringpad::Plan;
use ringpad::frames::{Config, Frames, Load};
use ringpad::mailslot::{self, Mailslot};
use ringpad::notepad::{self, Notepad};
use ringpad::os::SharedSegment;
use ringpad::spsc::{self, Spsc};

use super::Failure;
use super::wire::{
    FILM, FILM_BYTES, POOL, RECORD, SENT, Sent, TICKETS, Words, viewer_receiver, viewer_ring,
};

/// Frames that may wait for the slowest of those for whom they are kept: the slots of a ring.
const DEPTH: u32 = 4;
/// Notices that a lossy viewer may be behind before it misses any.
const TICKETS_KEPT: u32 = 64;
/// Viewers that a pool has frames for even if fewer are expected.
const VIEWERS: u32 = 4;
/// Viewers for whom frames can be kept: a pool's receivers but for the recorder.
const MOST_LOSSLESS: u32 = 15;
/// Lossy viewers who may come to a lossless run.
const GUESTS: u32 = 2;
/// What a row of pixels begins at a multiple of.
const ALIGN: u32 = 128;

/// Who is expected: producers of one run must agree on it.
#[derive(Clone, Copy, Debug)]
pub struct Expected {
    /// Viewers.
    pub viewers: u32,
    /// Viewers see what they are in time for, and hold nobody up.
    pub lossy: bool,
    /// There is a recorder.
    pub recorded: bool,
    /// Frames of the pool, if not as computed.
    pub pool: Option<u32>,
    /// Bytes of a picture.
    pub picture_bytes: u32,
}

impl Expected {
    /// The worst case: what may be drawn, looked at and waited for at once.
    pub fn load(&self) -> Load {
        let viewers = self.viewers.max(VIEWERS);
        let (watchers, receivers) = match self.lossy {
            true => (viewers, 0),
            false => (GUESTS, viewers),
        };
        Load {
            viewers: watchers,
            receivers: receivers + u32::from(self.recorded),
            queue: DEPTH,
            ..Load::new()
        }
    }

    /// The segment.
    pub fn plan(&self) -> Result<Plan<36>, Failure> {
        let rings = if self.lossy { 0 } else { self.viewers };
        if rings > MOST_LOSSLESS {
            return Err(Failure::new(format!(
                "{rings} viewers: at most {MOST_LOSSLESS} can be lossless; more with --lossy"
            )));
        }
        let pool = Config::for_load(&self.load(), self.picture_bytes);
        let pool = pool.frames(self.pool.unwrap_or(pool.frames));
        let pool = pool.aligned(ALIGN).receivers(viewer_receiver(rings));
        // The producer, the recorder, and guests.
        let peers = (self.viewers.max(VIEWERS) + 2 + GUESTS).min(32);
        let tickets = mailslot::Config::new(TICKETS_KEPT);
        let mut plan = Plan::new()
            .peers(peers)?
            .channel::<Frames>(POOL, &pool)?
            .channel::<Mailslot<Words>>(TICKETS, &tickets)?
            .channel::<Notepad<[u8]>>(FILM, &notepad::Config::bytes(FILM_BYTES))?
            .channel::<Notepad<Sent>>(SENT, &notepad::Config::new())?;
        let ring = spsc::Config::new(DEPTH);
        if self.recorded {
            plan = plan.channel::<Spsc<Words>>(RECORD, &ring)?;
        }
        for viewer in 0..rings {
            plan = plan.channel::<Spsc<Words>>(&viewer_ring(viewer), &ring)?;
        }
        Ok(plan)
    }
}

/// What a segment takes of the machine's memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// Bytes of the segment, everything included.
    pub segment: u64,
    /// Of those, of the pool.
    pub pool: u64,
    /// Frames of the pool.
    pub frames: u32,
}

impl Memory {
    /// Of this segment, whose pool has so many frames.
    pub fn of(segment: &SharedSegment, frames: u32) -> Self {
        let pool = segment.entries().find(|entry| entry.name == POOL);
        Self {
            segment: segment.len_bytes() as u64,
            pool: pool.map_or(0, |pool| pool.len),
            frames,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expected(viewers: u32, lossy: bool, recorded: bool) -> Expected {
        Expected {
            viewers,
            lossy,
            recorded,
            pool: None,
            picture_bytes: 1000,
        }
    }

    #[test]
    fn a_pool_is_as_large_for_one_viewer_as_for_four() {
        let frames = |viewers, lossy, recorded| expected(viewers, lossy, recorded).load().frames();
        assert_eq!(frames(1, false, false), 1 + (4 + 2) + 4 + 1);
        assert_eq!(frames(4, false, true), frames(1, false, false) + 1);
        assert_eq!((frames(1, true, false), frames(4, true, true)), (10, 11));
        assert_eq!(frames(9, true, false), 15);
    }

    #[test]
    fn every_crowd_has_a_plan() {
        for (lossy, recorded) in [(false, false), (false, true), (true, true)] {
            let most = if lossy { 30 } else { 15 };
            for viewers in [1, most] {
                let mut expected = expected(viewers, lossy, recorded);
                let computed = expected.plan().unwrap().layout().unwrap().size();
                expected.pool = Some(100);
                assert!(expected.plan().unwrap().layout().unwrap().size() > computed);
            }
        }
        let said = expected(16, false, true).plan().unwrap_err().to_string();
        assert!(said.contains("more with --lossy"), "{said}");
    }
}
