//! What is done, each job once: the value that makes the sum right whoever is killed.
//!
//! Every job up to `base` is done, and of the [`WINDOW`] numbers behind it those whose bit is set. So any number is known to be done or not,
//! in a value of one size, however often its answer comes.

/// How far the boss may send ahead of the oldest job that is not done.
pub const WINDOW: u64 = 1024;
/// How many numbers a job has to add.
pub const SPAN: u64 = 20_000;

const WORDS: usize = (WINDOW / 64) as usize;

/// The value in the notepad. No padding: its 176 bytes are its fields.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Of the answers to all jobs that are done.
    pub sum: u128,
    /// All jobs up to this one are done.
    pub base: u64,
    pub done: u64,
    /// Answers to jobs that were done.
    pub again: u64,
    /// Answers to jobs that nobody can have sent.
    pub strange: u64,
    /// Which of the jobs behind `base` are done.
    bits: [u64; WORDS],
}

// SAFETY: integers, all of which may be zero.
unsafe impl bytemuck::Zeroable for Tally {}
// SAFETY: integers in the order of repr(C), without padding (16 + 4 x 8 + 128 bytes, aligned to 16); any bits will do.
unsafe impl bytemuck::Pod for Tally {}
const _: () = assert!(size_of::<Tally>() == 176);

impl Tally {
    /// Counts an answer; one that came before, as that.
    pub fn count(&mut self, number: u64, sum: u64) {
        if number == 0 || number > self.limit() {
            self.strange = self.strange.wrapping_add(1);
        } else if self.is_done(number) {
            self.again = self.again.wrapping_add(1);
        } else {
            self.flip(number);
            self.sum = self.sum.wrapping_add(sum.into());
            self.done = self.done.wrapping_add(1);
            while self.base < u64::MAX && self.bit(self.base + 1) {
                self.flip(self.base + 1);
                self.base += 1;
            }
        }
    }

    /// The last job that may be sent now.
    pub fn limit(&self) -> u64 {
        self.base.saturating_add(WINDOW)
    }

    fn is_done(&self, number: u64) -> bool {
        number <= self.base || number <= self.limit() && self.bit(number)
    }

    fn bit(&self, number: u64) -> bool {
        self.bits[(number % WINDOW / 64) as usize] >> (number % 64) & 1 != 0
    }

    fn flip(&mut self, number: u64) {
        self.bits[(number % WINDOW / 64) as usize] ^= 1 << (number % 64);
    }

    /// What the sum must be, by Gauss's formula, without any answer.
    pub fn expected(&self) -> u128 {
        let behind = (1..=WINDOW).map(|ahead| self.base.saturating_add(ahead));
        let behind = behind.filter(|&number| self.is_done(number) && number > self.base);
        behind.fold(up_to(self.base), |sum, number| {
            let job = up_to(number).wrapping_sub(up_to(number - 1));
            sum.wrapping_add(job)
        })
    }

    /// Whether every job that is done was counted once, with the right answer.
    pub fn adds_up(&self) -> bool {
        let behind: u32 = self.bits.iter().map(|word| word.count_ones()).sum();
        let done = self.base.wrapping_add(behind.into());
        self.sum == self.expected() && self.done == done && self.strange == 0
    }

    /// How many of the jobs up to `sent` are not done.
    pub fn open(&self, sent: u64) -> u64 {
        let behind = (1..=WINDOW).map(|ahead| self.base.saturating_add(ahead));
        let done = behind.filter(|&number| number <= sent && self.is_done(number));
        sent.saturating_sub(self.base)
            .saturating_sub(done.count() as u64)
    }
}

/// 1 + 2 + ... over the numbers of all jobs up to this one.
fn up_to(number: u64) -> u128 {
    let last = u128::from(number) * u128::from(SPAN);
    let (half, other) = match last % 2 {
        0 => (last / 2, last + 1),
        _ => (last.div_ceil(2), last),
    };
    half.wrapping_mul(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(number: u64) -> u64 {
        // The mean of the first and the last, so often.
        ((number - 1) * SPAN + 1 + number * SPAN) * SPAN / 2
    }

    fn count(tally: &mut Tally, number: u64) {
        tally.count(number, answer(number));
    }

    #[test]
    fn in_any_order_each_job_counts_once() {
        let mut tally = Tally::default();
        for number in [3, 1, 1, 5, 3, 2, 2, 1, 4, 5] {
            count(&mut tally, number);
            assert!(tally.adds_up(), "{tally:?}");
        }
        assert_eq!((tally.base, tally.done, tally.again), (5, 5, 5));
        assert_eq!(tally.sum, (1..=u128::from(5 * SPAN)).sum());
        assert_eq!(tally.bits, [0; WORDS]);
    }

    #[test]
    fn the_window_moves_round() {
        let mut tally = Tally::default();
        // Number 1 of each round comes last, when the window is full.
        for round in 0..3 {
            let first = round * WINDOW + 1;
            for number in first + 1..=tally.limit() {
                count(&mut tally, number);
                count(&mut tally, number);
            }
            assert_eq!((tally.base, tally.open(tally.limit())), (first - 1, 1));
            assert!(tally.adds_up());
            count(&mut tally, first);
            assert_eq!(
                (tally.base, tally.open(tally.base)),
                (first - 1 + WINDOW, 0)
            );
            assert!(tally.adds_up());
        }
        assert_eq!(tally.again, 3 * (WINDOW - 1));
    }

    #[test]
    fn what_does_not_add_up_is_seen() {
        let mut sound = Tally::default();
        (1..=9).for_each(|number| count(&mut sound, number));
        assert!(sound.adds_up());
        let mut twice = sound;
        twice.sum += u128::from(answer(4));
        let mut missed = sound;
        missed.done -= 1;
        let mut wrong = sound;
        wrong.count(10, answer(10) + 1);
        let mut strange = sound;
        strange.count(sound.limit() + 1, 0);
        let mut none = sound;
        none.count(0, 0);
        for tally in [twice, missed, wrong, strange, none] {
            assert!(!tally.adds_up(), "{tally:?}");
        }
    }

    #[test]
    fn no_bytes_panic() {
        let mut tally: Tally = bytemuck::cast([u64::MAX; 22]);
        tally.count(u64::MAX, u64::MAX);
        tally.count(1, u64::MAX);
        let _ = (tally.expected(), tally.adds_up(), tally.open(u64::MAX));
    }
}
