//! What the dead held, and how anybody gives it back.

#![forbid(unsafe_code)]

use super::Words;
use super::ring::Ring;
use super::walk::Obstacle;
use super::word::{State, Tag, Word};
use crate::channel::party::Name;
use crate::error::Result;
use crate::memory::order::{CLAIM, OBSERVE, RELEASE};
use crate::memory::region::RegionRef;
use crate::segment::reaped::{Pass, Reaped};

/// Gives back what the dead held of the ring in this region.
pub(crate) fn reap(region: RegionRef<'_>, pass: &mut Pass<'_>) -> Result<()> {
    let (words, _) = Words::attach(region)?;
    let name = Name {
        me: pass.me,
        court: pass.court,
    };
    let (mut slots, mut messages) = (0, 0);
    let orphans = words.ring.mend_all(&name, |mended| match mended {
        Mended::Freed(run) => slots = u32::wrapping_add(slots, run),
        Mended::Redelivered(run) => messages = u32::wrapping_add(messages, run),
    });
    pass.found.slots = pass.found.slots.wrapping_add(slots);
    pass.found.messages = pass.found.messages.wrapping_add(messages);
    let news = [
        (words.space_waiters, slots > 0),
        (words.data_waiters, messages > 0 || orphans),
    ];
    for (waiters, news) in news {
        pass.forget_sleepers(waiters);
        if news {
            pass.wake(waiters);
        }
    }
    Ok(())
}

/// What became of a dead owner's slots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mended {
    /// So many can be written again; what was in them was never committed, or is dropped.
    Freed(u32),
    /// So many messages come again.
    Redelivered(u32),
}

impl Mended {
    /// As passes count it.
    pub(super) fn counted(self) -> Reaped {
        let mut counts = Reaped::default();
        match self {
            Mended::Freed(run) => counts.slots = run,
            Mended::Redelivered(run) => counts.messages = run,
        }
        counts
    }
}

/// What came of looking at somebody's slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    /// Its owner is not proven dead.
    Alive,
    /// It is not as it was: somebody else was faster.
    Changed,
    /// Its owner was dead.
    Mended(Mended),
}

impl Ring<'_> {
    /// Gives back what the word's owner held, if that is proven dead. Every step is one exchange from what was found, to the dead one's name or
    /// the mender's; a mender that dies is mended in turn.
    pub(super) fn mend(&self, at: Obstacle, name: &Name<'_>) -> Look {
        let owner = at.word.owner();
        if !owner.is_some_and(|owner| name.court.is_dead(owner)) {
            return Look::Alive;
        }
        let (word, run) = (self.word(at.position), self.laps.run(at.word));
        if at.word.state() == State::HeldRead && self.rules.again {
            let orphan = self.laps.as_orphan(at.word);
            // RELEASE: what the dead read, it read before whoever takes it next frees it.
            if word.replace(at.word.0, orphan.0, RELEASE).is_err() {
                return Look::Changed;
            }
            self.tell_of_orphans();
            return Look::Mended(Mended::Redelivered(run));
        }
        let me = Tag::of(name.me);
        let mine = self.laps.as_held_write(at.word, me);
        // CLAIM: pairs with FOUND
        if word.replace(at.word.0, mine.0, CLAIM).is_err() {
            return Look::Changed;
        }
        self.give_back(at.position, me);
        Look::Mended(Mended::Freed(run))
    }

    /// One pass over every slot. Calls `mended` for each that was given back. True if there were orphans already, of which it told receivers
    /// again.
    pub(crate) fn mend_all(&self, name: &Name<'_>, mut mended: impl FnMut(Mended)) -> bool {
        let mut orphans = false;
        for index in 0..self.laps.capacity() {
            let word = Word(self.word(index.into()).load(OBSERVE));
            orphans |= word.state() == State::Orphan;
            if word.owner().is_some() {
                let near = self.near(u64::from(index));
                let position = self.laps.position(word, index, near);
                if let Look::Mended(what) = self.mend(Obstacle { position, word }, name) {
                    mended(what);
                }
            }
        }
        if orphans {
            // Whoever made them such may have died before it told.
            self.tell_of_orphans();
        }
        orphans
    }
}
