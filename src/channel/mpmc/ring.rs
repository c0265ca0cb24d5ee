//! The steps that senders, receivers and repairers take on slots that are theirs, or become so.

#![forbid(unsafe_code)]

use super::rules::Rules;
use super::word::{Laps, Tag, Word};
use crate::memory::order::{CLAIM, OBSERVE, PUBLISH, RECLAIM, RELAXED, RELEASE};
use crate::memory::racing::RacingSlots;
use crate::memory::sync::{AtomicU32, AtomicU64};

/// Times that one step is tried again while others change the same word.
pub(super) const TRIES: u32 = if cfg!(ringpad_loom) { 4 } else { 1024 };
/// Words that are asked which lap it is.
const NEIGHBOURS: u64 = if cfg!(ringpad_loom) { 1 } else { 16 };
/// Most messages that one word speaks for: giving them back must not take as long as others take for a lap.
pub(super) const MOST_RUN: u32 = 256;

/// One ring's words, found once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ring<'m> {
    pub(super) laps: Laps,
    pub(super) rules: Rules,
    pub(crate) slots: RacingSlots<'m>,
    /// Hints that are never ahead: whoever claims stores what lies behind its claim, others walk on from there.
    pub(super) tail: &'m AtomicU64,
    pub(super) head: &'m AtomicU64,
    /// Changes whenever a message lost its reader.
    pub(super) orphaned: &'m AtomicU32,
    /// Of slots that were read by name: the first message's position. `None` where what the dead held is dropped.
    pub(super) sequences: Option<Sequences<'m>>,
}

/// A word a slot.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sequences<'m>(pub(super) RacingSlots<'m>);

impl Sequences<'_> {
    /// Says which message the slot holds: before its reader takes it, so that no death comes between. Whoever is late with an earlier
    /// number changes nothing.
    pub(super) fn say(&self, index: u32, position: u64) {
        let word = self.0.slot(index).named();
        for _ in 0..TRIES {
            let found = word.load(RELAXED);
            if found >= position || word.replace(found, position, RELAXED).is_ok() {
                return;
            }
        }
    }

    pub(super) fn of(&self, index: u32) -> u64 {
        self.0.slot(index).named().load(RELAXED)
    }
}

impl<'m> Ring<'m> {
    /// Empties a ring that nobody else can reach; its first message gets this position, a multiple of the capacity.
    pub(crate) fn begin_at(&self, position: u64) {
        self.tail.store(position, RELAXED);
        self.head.store(position, RELAXED);
        for index in 0..self.laps.capacity() {
            let free = self.laps.free(position);
            self.slots.slot(index).named().store(free.0, RELAXED);
            if let Some(sequences) = &self.sequences {
                sequences.0.slot(index).named().store(0, RELAXED);
            }
        }
    }

    /// Moves a hint, forwards only: one that claimed and then stopped sets it back by what others did between these two steps, no more.
    #[inline(always)]
    pub(super) fn advance(hint: &AtomicU64, to: u64) {
        if hint.load(RELAXED) < to {
            hint.store(to, RELAXED);
        }
    }

    #[inline(always)]
    pub(super) fn word(&self, position: u64) -> &'m AtomicU64 {
        self.slots.slot(position as u32).named()
    }

    /// A position near those in use, to tell laps of 32 bits apart: `at` may be long ago, and so may hints that somebody set back who had
    /// stopped. Words of FREE and READY say 61 bits: some of the next will be of this lap or the last.
    pub(super) fn near(&self, at: u64) -> u64 {
        let hints = [self.tail.load(RELAXED), self.head.load(RELAXED)];
        let words = (1..NEIGHBOURS).filter_map(|i| {
            let word = Word(self.word(at.wrapping_add(i)).load(RELAXED));
            self.laps.lap_of(word)
        });
        hints.into_iter().chain(words).fold(at, u64::max)
    }

    /// Claims the slot at `t`, if it is free there and nobody is faster.
    #[inline(always)]
    pub(super) fn claim_one(&self, t: u64, tag: Tag) -> bool {
        let (word, free) = (self.word(t), self.laps.free(t));
        // RECLAIM: pairs with RELEASE of whoever freed the slot.
        if word.load(RECLAIM) != free.0 {
            return false;
        }
        let mine = self.laps.writing(t, 1, tag);
        let claimed = word.replace(free.0, mine.0, CLAIM).is_ok(); // CLAIM: pairs with FOUND
        if claimed {
            Self::advance(self.tail, t.wrapping_add(1));
        }
        claimed
    }

    /// Commits what was written to one claimed slot; false if it was revoked.
    #[inline(always)]
    pub(super) fn commit_one(&self, t: u64, tag: Tag) -> bool {
        self.commit_first(t, 1, tag)
    }

    /// The word of the slot at `h`, if messages begin there.
    #[inline(always)]
    pub(super) fn ready_at(&self, h: u64) -> Option<Word> {
        let word = Word(self.word(h).load(OBSERVE)); // OBSERVE: pairs with PUBLISH of the sender
        self.laps.is_ready(word, h).then_some(word)
    }

    /// Claims a free slot, and those behind it that are free too, up to `most`: one exchange for all. Answers how many; 0 if somebody was
    /// faster.
    #[inline(always)]
    pub(super) fn claim(&self, t: u64, free: Word, most: u32, tag: Tag) -> u32 {
        // Not beyond the ring's end: so all words of a run have the same lap.
        let most = most.min(self.laps.until_end(t)).min(MOST_RUN);
        let mut run = 1;
        while run < most {
            let next = t.wrapping_add(u64::from(run));
            // RECLAIM: pairs with RELEASE. Nobody claims behind a free slot, so what is free stays so until the exchange.
            if self.word(next).load(RECLAIM) != free.0 {
                break;
            }
            run += 1;
        }
        let mine = self.laps.writing(t, run, tag);
        // CLAIM: pairs with FOUND of whoever asks whether this owner lives.
        match self.word(t).replace(free.0, mine.0, CLAIM) {
            Ok(_) => {
                Self::advance(self.tail, t.wrapping_add(u64::from(run)));
                run
            }
            Err(_) => 0,
        }
    }

    /// Commits what was written to a claimed run; false if it was revoked.
    #[inline(always)]
    pub(super) fn commit(&self, t: u64, run: u32, tag: Tag) -> bool {
        // Whoever takes a part of the run finds the rest begin with a word of its own.
        let first = self.laps.ready(t, run);
        for i in 1..u64::from(run) {
            let word = self.word(t.wrapping_add(i));
            word.store(first.shorter(i).0, PUBLISH); // PUBLISH: pairs with OBSERVE
        }
        self.commit_first(t, run, tag)
    }

    #[inline(always)]
    fn commit_first(&self, t: u64, run: u32, tag: Tag) -> bool {
        let ready = self.laps.ready(t, run);
        if !self.rules.revoke {
            // Nobody changes the word of a living owner.
            self.word(t).store(ready.0, PUBLISH); // PUBLISH: pairs with OBSERVE
            return true;
        }
        let mine = self.laps.writing(t, run, tag);
        self.word(t).replace(mine.0, ready.0, PUBLISH).is_ok() // PUBLISH: pairs with OBSERVE
    }

    /// Frees one message's slot if it is still as it was found: what was copied before is then the caller's alone.
    #[inline(always)]
    pub(super) fn consume(&self, h: u64, ready: Word) -> bool {
        let free = self
            .laps
            .free(h.wrapping_add(u64::from(self.laps.capacity())));
        let taken = self.word(h).replace(ready.0, free.0, RELEASE).is_ok(); // RELEASE: pairs with RECLAIM
        if taken {
            Self::advance(self.head, h.wrapping_add(1));
        }
        taken
    }

    /// Takes the first `run` messages of a run by name, to be read and then given back.
    pub(super) fn hold(&self, h: u64, ready: Word, run: u32, tag: Tag) -> bool {
        if let Some(sequences) = &self.sequences {
            sequences.say(h as u32, h);
        }
        let mine = self.laps.held_read(h, run, tag);
        let taken = self.word(h).replace(ready.0, mine.0, CLAIM).is_ok(); // CLAIM: pairs with FOUND
        if taken {
            Self::advance(self.head, h.wrapping_add(u64::from(run)));
        }
        taken
    }

    /// The slots of a run behind its first, in the order in which they are freed.
    pub(super) fn behind(run: u32) -> impl Iterator<Item = u64> {
        (1..u64::from(run)).rev()
    }

    /// Gives back a run that is the caller's, wherever senders that passed over it moved its word: free for the lap behind.
    ///
    /// `at` is where it was, or where a hint says.
    pub(super) fn give_back(&self, at: u64, tag: Tag) {
        let index = at as u32;
        let word = self.word(at);
        for _ in 0..TRIES {
            let found = Word(word.load(RELAXED));
            if found.tag() != tag || found.owner().is_none() {
                return;
            }
            // Where nobody has passed over it, and not so much has passed that a lap of 32 bits came again, it is where it was.
            let hint = self.tail.load(RELAXED).max(self.head.load(RELAXED));
            let passed = hint.wrapping_sub(at);
            let at = match self.laps.ahead(found, at) {
                0 if passed < 1 << 31 => at,
                _ => self.laps.position(found, index, self.near(at)),
            };
            let next = at.wrapping_add(u64::from(self.laps.capacity()));
            // First those that the word speaks for: whoever finds it free finds them free too. The last one first: along the run no lap is
            // then before another, and whoever comes from far behind, and leaps by one of these words, meets none that he takes for his own.
            let free = self.laps.free(next);
            for i in Self::behind(self.laps.run(found)) {
                self.word(next.wrapping_add(i)).store(free.0, RELEASE); // RELEASE: pairs with RECLAIM
            }
            if !self.rules.revoke {
                // Nobody changes the word of a living owner.
                return word.store(free.0, RELEASE); // RELEASE: pairs with RECLAIM
            }
            if word.replace(found.0, free.0, RELEASE).is_ok() {
                return; // RELEASE: pairs with RECLAIM
            }
        }
    }

    /// Has receivers look for messages whose reader died.
    pub(super) fn tell_of_orphans(&self) {
        for _ in 0..TRIES {
            let found = self.orphaned.load(RELAXED);
            let next = found.wrapping_add(1);
            // PUBLISH: pairs with OBSERVE of whoever looks
            if self.orphaned.replace(found, next, PUBLISH).is_ok() {
                return;
            }
        }
    }
}
