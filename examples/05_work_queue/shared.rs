//! What the processes agree on: two rings and three notepads in one segment.
//!
//! ```text
//! jobs      Mpmc<Job>         from the boss to the workers      } at least once: what its taker did not acknowledge before
//! answers   Mpmc<Answer>      from the workers to the board     } it died comes again, to another
//! sent      Notepad<u64>      the last job that is surely in the ring; its writer is the boss
//! tally     Notepad<Tally>    what is done, each job once; its writer is the board
//! phase     Notepad<u32>      whether there is more to do; its writer is the board
//! ```

use ringpad::Plan;
use ringpad::mpmc::{self, Mpmc};
use ringpad::notepad::{Config, Notepad};

use super::tally::{SPAN, Tally, WINDOW};

pub const JOBS: &str = "jobs";
pub const ANSWERS: &str = "answers";
pub const SENT: &str = "sent";
pub const TALLY: &str = "tally";
pub const PHASE: &str = "phase";

/// Who may take part at once: a board, a boss, and workers.
pub const PEERS: u32 = 16;

/// The numbers that say "fields as below": another number, another queue.
const TAG: u64 = u64::from_le_bytes(*b"queue--1");

/// Adds the whole numbers from `first` to `last`.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Job {
    /// Counts from 1.
    pub number: u64,
    first: u64,
    last: u64,
}

// SAFETY: integers, all of which may be zero.
unsafe impl bytemuck::Zeroable for Job {}
// SAFETY: three u64 in the order of repr(C), without padding; any bits will do.
unsafe impl bytemuck::Pod for Job {}

impl Job {
    pub fn numbered(number: u64) -> Self {
        let last = number.wrapping_mul(SPAN);
        Self {
            number,
            first: last.wrapping_sub(SPAN - 1),
            last,
        }
    }

    /// Does it, the long way. `None` for what no boss sends: another process's bytes decide about no loop's length.
    pub fn work(&self) -> Option<Answer> {
        if *self != Self::numbered(self.number) {
            return None;
        }
        // The compiler knows the formula as well as the board does, and is not to use it.
        let sum = (self.first..=self.last).fold(0, |sum, number| {
            std::hint::black_box(u64::wrapping_add(sum, number))
        });
        let number = self.number;
        Some(Answer { number, sum })
    }
}

/// What a job came to.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The job's.
    pub number: u64,
    pub sum: u64,
}

// SAFETY: integers, all of which may be zero.
unsafe impl bytemuck::Zeroable for Answer {}
// SAFETY: two u64 in the order of repr(C), without padding; any bits will do.
unsafe impl bytemuck::Pod for Answer {}

/// Whether there is more to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd)]
pub enum Phase {
    /// Nobody has said yet; also what nobody says.
    Unknown,
    Open,
    /// No new jobs.
    Closing,
    /// Nothing is left to do.
    Closed,
}

impl Phase {
    pub fn of(word: u32) -> Self {
        let all = [Self::Open, Self::Closing, Self::Closed];
        let found = all.into_iter().find(|phase| phase.word() == word);
        found.unwrap_or(Self::Unknown)
    }

    pub fn word(self) -> u32 {
        self as u32
    }
}

/// What the segment holds, as all want it.
pub fn plan() -> ringpad::Result<Plan<5>> {
    let tag = Config::new().tagged(TAG);
    let ring = |slots: u64| mpmc::Config::new(slots as u32).tagged(TAG);
    Plan::<5>::new()
        .peers(PEERS)?
        .channel::<Mpmc<Job>>(JOBS, &ring(WINDOW / 4))?
        // Room for an answer to every job that can be under way, and as many that come again.
        .channel::<Mpmc<Answer>>(ANSWERS, &ring(2 * WINDOW))?
        .channel::<Notepad<u64>>(SENT, &tag)?
        .channel::<Notepad<Tally>>(TALLY, &tag)?
        .channel::<Notepad<u32>>(PHASE, &tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_is_worked_as_the_board_expects() {
        let mut tally = Tally::default();
        for number in 1..=3 {
            let answer = Job::numbered(number).work().unwrap();
            tally.count(answer.number, answer.sum);
        }
        assert!(tally.adds_up() && tally.base == 3, "{tally:?}");
    }

    #[test]
    fn what_no_boss_sends_is_not_worked() {
        let last = u64::MAX;
        assert_eq!(
            Job {
                last,
                ..Job::numbered(1)
            }
            .work(),
            None
        );
        let zero: Job = bytemuck::Zeroable::zeroed();
        assert_eq!(zero.work(), None);
    }

    #[test]
    fn phases() {
        for phase in [Phase::Open, Phase::Closing, Phase::Closed] {
            assert_eq!(Phase::of(phase.word()), phase);
        }
        assert_eq!(
            (Phase::of(0), Phase::of(99)),
            (Phase::Unknown, Phase::Unknown)
        );
    }
}
