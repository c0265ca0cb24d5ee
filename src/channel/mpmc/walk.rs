//! How ends find the next slot, and get past whoever stands in the way.

#![forbid(unsafe_code)]

use core::hint::spin_loop;

use super::ring::{MOST_RUN, Ring};
use super::word::{Laps, State, Word};
use crate::memory::order::{OBSERVE, RECLAIM, RELAXED};

/// Slots that one call looks at beside four laps: each but the last few was lost to another party, which got on by it.
const MORE: u64 = if cfg!(ringpad_loom) { 4 } else { 1024 };

/// Laps that a sender's leap leaves, one of them past for sure: a slot is free for a lap when somebody claimed it a lap before, and then all
/// before that were claimed.
pub(super) const SENDERS_LEAVE: u64 = 2;
/// As of senders; of what was claimed one lap may be unread still, since the slot itself may be free because its sender died.
pub(super) const RECEIVERS_LEAVE: u64 = 3;

/// What one call may still spend.
#[derive(Clone, Copy, Debug)]
pub(super) struct Budget {
    /// Slots to look at.
    pub(super) slots: u64,
    /// Looks at slots that stand in the way.
    looks: u64,
}

/// What stands in the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Obstacle {
    pub(super) position: u64,
    pub(super) word: Word,
}

/// What a walk found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// The slot to take, as its word was.
    Here(u64, Word),
    /// Somebody's slot, at this position.
    Blocked(Obstacle),
    /// Nothing to take: full for senders, empty for receivers. With the position that is next.
    Nothing(u64),
}

/// A walk: the next slot to look at, and up to where all is past.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Walk {
    pub(super) at: u64,
    pub(super) sure: u64,
}

/// What lies behind held slots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Behind {
    /// A slot of this lap: free, or taken a moment ago.
    Room,
    /// A slot of a later lap: whoever looks is late, by a moment or, whatever the 32 bits of the held slot say, by very much. With a position
    /// from where to walk.
    Later(u64),
    /// No slot that can be had: messages, a slot that is being written, held ones only, or the budget is spent.
    Nothing,
}

impl Walk {
    #[inline(always)]
    pub(super) fn at(from: u64) -> Self {
        Self {
            at: from,
            sure: from,
        }
    }

    /// Whether nothing is to be believed here: behind a leap, up to where it is sure.
    #[inline(always)]
    fn is_past(&self) -> bool {
        (self.at.wrapping_sub(self.sure) as i64) < 0
    }

    /// On behind the run.
    #[inline(always)]
    fn pass(&mut self, laps: Laps, word: Word) {
        self.at = self.at.wrapping_add(laps.run(word).into());
    }

    /// On from a slot that is so far ahead: past its run, since that is held for this lap too where senders passed over it, and the words
    /// inside it say nothing. Laps at once while that leaves so many, and then `sure` is where the first of them ends: all before it is past.
    /// The slot may lie inside a run that is being given back, so that only the second lap comes upon its first word.
    #[inline(always)]
    fn pass_over(&mut self, laps: Laps, word: Word, ahead: i64, leaves: u64) {
        let lap = u64::from(laps.capacity());
        let ahead = ahead as u64;
        if ahead > leaves * lap {
            self.at = self.at.wrapping_add(ahead - leaves * lap);
            self.sure = self.at.wrapping_add(lap);
        } else {
            self.pass(laps, word);
        }
    }

    /// Where to begin next time, out of budget: not in the middle of a leap.
    fn stopped(&self, from: u64) -> Found {
        Found::Nothing(if self.sure > self.at { from } else { self.at })
    }
}

impl Ring<'_> {
    /// What one call may spend.
    #[inline(always)]
    pub(super) fn budget(&self, patience: u32) -> Budget {
        Budget {
            slots: 4 * u64::from(self.laps.capacity()) + MORE,
            looks: self.looks(patience, MOST_RUN),
        }
    }

    /// Walks from a position where the tail once stood to the first that nobody claimed.
    #[inline(always)]
    pub(super) fn find_free(&self, from: u64, budget: &mut Budget) -> Found {
        let mut walk = Walk::at(from);
        while budget.slots > 0 {
            budget.slots -= 1;
            if let Some(found) = self.step_free(&mut walk, SENDERS_LEAVE) {
                return found;
            }
        }
        walk.stopped(from)
    }

    /// Walks from a position where the head once stood to the first message that nobody took.
    #[inline(always)]
    pub(super) fn find_ready(&self, from: u64, budget: &mut Budget) -> Found {
        let mut walk = Walk::at(from);
        while budget.slots > 0 {
            budget.slots -= 1;
            if let Some(found) = self.step_ready(&mut walk, RECEIVERS_LEAVE) {
                return found;
            }
        }
        walk.stopped(from)
    }

    /// One slot of a sender's walk.
    #[inline(always)]
    pub(super) fn step_free(&self, walk: &mut Walk, leaves: u64) -> Option<Found> {
        let t = walk.at;
        // RECLAIM: pairs with RELEASE of whoever freed the slot, and the others of its run before it.
        let word = Word(self.word(t).load(RECLAIM));
        let ahead = self.laps.ahead(word, t);
        let state = word.state();
        let past = walk.is_past();
        if ahead == 0 && state == State::Free && !past {
            return Some(Found::Here(t, word));
        }
        if ahead > 0 {
            walk.pass_over(self.laps, word, ahead, leaves);
        } else if ahead == 0 || past {
            walk.pass(self.laps, word);
        } else {
            return Some(match state {
                State::HeldRead | State::HeldWrite | State::Orphan | State::Writing => {
                    Found::Blocked(Obstacle { position: t, word })
                }
                _ => Found::Nothing(t),
            });
        }
        None
    }

    /// One slot of a receiver's walk.
    #[inline(always)]
    pub(super) fn step_ready(&self, walk: &mut Walk, leaves: u64) -> Option<Found> {
        let h = walk.at;
        // OBSERVE: pairs with PUBLISH of the sender; and with RELEASE, as of senders.
        let word = Word(self.word(h).load(OBSERVE));
        let ahead = self.laps.ahead(word, h);
        let state = word.state();
        let past = walk.is_past();
        if ahead == 0 && state == State::Ready && !past {
            return Some(Found::Here(h, word));
        }
        if ahead > 0 {
            walk.pass_over(self.laps, word, ahead, leaves);
            return None;
        }
        if past {
            walk.pass(self.laps, word);
            return None;
        }
        match state {
            State::HeldRead | State::HeldWrite | State::Orphan if ahead == 0 => {
                walk.pass(self.laps, word);
                None
            }
            State::Writing if ahead == 0 => Some(Found::Blocked(Obstacle { position: h, word })),
            _ => Some(Found::Nothing(h)),
        }
    }

    /// Looks whether the word changes, as often as patience says and its writer may need.
    pub(super) fn changes(&self, at: Obstacle, patience: u32, budget: &mut Budget) -> bool {
        let run = self.laps.run(at.word).min(MOST_RUN);
        let looks = self.looks(patience, run).min(budget.looks);
        for _ in 0..looks {
            budget.looks -= 1;
            if self.word(at.position).load(RELAXED) != at.word.0 {
                return true;
            }
            spin_loop();
        }
        false
    }

    /// Looks at a slot that speaks for so many: one takes about as long as to copy so many bytes.
    fn looks(&self, patience: u32, run: u32) -> u64 {
        const BYTES: u64 = 32;
        match patience {
            0 => 0,
            _ => u64::from(patience) + u64::from(run) * self.slots.bytes() as u64 / BYTES,
        }
    }

    /// Takes a slot from its writer, whose memory it stays until it acknowledges. Needs no proof of death.
    pub(super) fn revoke(&self, at: Obstacle) {
        let held = self.laps.as_held_write(at.word, at.word.tag());
        let _ = self.word(at.position).replace(at.word.0, held.0, RELAXED);
    }

    /// Whether a message lies behind slots that somebody is writing, so that to revoke them gains one.
    pub(super) fn hides_a_message(&self, at: Obstacle, budget: &mut Budget) -> bool {
        let mut past = self.laps.run(at.word);
        while past < self.laps.capacity() && budget.slots > 0 {
            budget.slots -= 1;
            let h = at.position.wrapping_add(u64::from(past));
            let word = Word(self.word(h).load(RELAXED));
            match (word.state(), self.laps.ahead(word, h)) {
                (State::Ready, 0) => return true,
                (State::Free, 0) | (_, ..0) => return false,
                _ => past += self.laps.run(word),
            }
        }
        false
    }

    /// What senders come to who pass over these slots, and over others behind them that are held too.
    pub(super) fn behind_held(&self, at: Obstacle, budget: &mut Budget) -> Behind {
        let mut past = self.laps.run(at.word);
        while past < self.laps.capacity() && budget.slots > 0 {
            budget.slots -= 1;
            let t = at.position.wrapping_add(u64::from(past));
            let word = Word(self.word(t).load(RELAXED));
            match (self.laps.ahead(word, t), word.state()) {
                (0, _) => return Behind::Room,
                (ahead @ 1.., _) => return Behind::Later(self.laps.lap_before(t, ahead)),
                (_, State::HeldRead | State::HeldWrite | State::Orphan) => {
                    past += self.laps.run(word)
                }
                _ => break,
            }
        }
        Behind::Nothing
    }

    /// Passes over slots that somebody holds, for this lap.
    pub(super) fn skip(&self, at: Obstacle) {
        if self.laps.ahead(at.word, at.position) != -i64::from(self.laps.capacity()) {
            // Of no lap that this end could have come to: its own position is from long ago.
            return;
        }
        let later = self.laps.moved_to(at.word, at.position);
        if self
            .word(at.position)
            .replace(at.word.0, later.0, RELAXED)
            .is_ok()
        {
            let behind = at.position.wrapping_add(u64::from(self.laps.run(at.word)));
            Self::advance(self.tail, behind);
        }
    }
}
