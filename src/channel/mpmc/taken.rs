//! Messages that a receiver holds by name, and those whose receiver died.

#![forbid(unsafe_code)]

use super::receiver::Receiver;
use super::ring::{Ring, TRIES};
use super::word::{State, Tag, Word};
use crate::channel::party::Party;
use crate::memory::Pod;
use crate::memory::order::{CLAIM, OBSERVE, RELAXED, RELEASE};
use crate::memory::region::RegionRef;
use crate::segment::doorbell::{Silent, Wake};

/// A run of messages that are held by name. Dropping it puts those back that are not done with, where messages come again.
#[derive(Debug)]
pub(super) struct Held<'p> {
    ring: Ring<'p>,
    region: RegionRef<'p>,
    tag: Tag,
    /// Where the run begins.
    at: u64,
    run: u32,
    /// How many are done with.
    done: u32,
    /// The first one's number.
    sequence: u64,
    /// Another had them before.
    again: bool,
}

impl<'p> Held<'p> {
    pub(super) fn fresh<W: Wake>(ring: Ring<'p>, party: &Party<'p, W>, tag: Tag, at: u64) -> Self {
        Self {
            ring,
            region: party.region(),
            tag,
            at,
            run: 1,
            done: 0,
            sequence: at,
            again: false,
        }
    }

    /// Where the first message lies that is not done with.
    fn slot(&self) -> u32 {
        (self.at as u32).wrapping_add(self.done)
    }

    /// Of the first message that is not done with.
    fn number(&self) -> u64 {
        self.sequence.wrapping_add(self.done.into())
    }

    /// Is done with one message; gives the slots back behind the last one, else itself.
    fn acknowledge(mut self) -> Option<Self> {
        self.done += 1;
        if self.done < self.run {
            return Some(self);
        }
        None
    }

    /// Makes orphans of the messages: all of the run, since one word speaks for it.
    fn put_back(&self) {
        let word = self.ring.word(self.at);
        for _ in 0..TRIES {
            let found = Word(word.load(RELAXED));
            if found.state() != State::HeldRead || found.tag() != self.tag {
                return;
            }
            let orphan = self.ring.laps.as_orphan(found);
            // RELEASE: what was read here was read before whoever takes it next frees it.
            if word.replace(found.0, orphan.0, RELEASE).is_ok() {
                return self.ring.tell_of_orphans();
            }
        }
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        if self.region.is_forked() {
            return;
        }
        if self.ring.rules.again && self.done < self.run {
            self.put_back();
        } else {
            self.ring.give_back(self.at, self.tag);
        }
    }
}

/// A receiver's party, and messages whose reader died, which it goes on with. Dropped with some, it puts them back and wakes another.
#[derive(Debug)]
pub(super) struct Desk<'p, W: Wake> {
    pub(super) party: Party<'p, W>,
    pub(super) adopted: Option<Held<'p>>,
}

impl<'p, W: Wake> Desk<'p, W> {
    pub(super) fn new(party: Party<'p, W>) -> Self {
        Self {
            party,
            adopted: None,
        }
    }

    /// The same with another way to wake; this one is then empty.
    pub(super) fn rewired<V: Wake>(&mut self, wake: impl FnOnce(&W) -> V) -> Desk<'p, V> {
        Desk {
            party: self.party.rewired(wake),
            adopted: self.adopted.take(),
        }
    }
}

impl<W: Wake> Drop for Desk<'_, W> {
    fn drop(&mut self) {
        let Some(held) = self.adopted.take() else {
            return;
        };
        drop(held);
        if !self.party.region().is_forked() {
            self.party.wake_mine();
        }
    }
}

/// A message that its receiver has not acknowledged.
///
/// Where messages are delivered at least once, it comes again if its receiver dies, or drops it without [`Taken::acknowledge`].
#[derive(Debug)]
#[must_use = "dropping it without acknowledging it puts it back"]
pub struct Taken<'a, 'p, T: Pod, W: Wake = Silent> {
    receiver: &'a mut Receiver<'p, T, W>,
    /// `None` only once it is done with.
    held: Option<Held<'p>>,
    value: T,
    sequence: u64,
    again: bool,
}

impl<'a, 'p, T: Pod, W: Wake> Taken<'a, 'p, T, W> {
    pub(super) fn new(receiver: &'a mut Receiver<'p, T, W>, held: Held<'p>) -> Self {
        Self {
            value: receiver.ring.slots.slot(held.slot()).load_value(),
            sequence: held.number(),
            again: held.again,
            receiver,
            held: Some(held),
        }
    }

    /// The message.
    pub fn value(&self) -> &T {
        &self.value
    }

    /// The message's own number: the same whenever it comes. Numbers grow with the order of messages, with gaps.
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// True if a receiver had it before, and may have done with it what it wanted.
    pub fn is_again(&self) -> bool {
        self.again
    }

    /// Says that the message is done with: it does not come again. Those of a batch whose receiver died are given back together, behind the
    /// last: if this end dies or is dropped before, all of the batch comes again, also what was acknowledged.
    pub fn acknowledge(mut self) -> T {
        self.receiver.desk.adopted = self.held.take().and_then(Held::acknowledge);
        self.receiver.desk.party.wake();
        self.value
    }
}

impl<T: Pod, W: Wake> Drop for Taken<'_, '_, T, W> {
    fn drop(&mut self) {
        let Some(held) = self.held.take() else { return };
        drop(held);
        let receiver = &mut *self.receiver;
        if receiver.desk.party.region().is_forked() {
            return;
        }
        if receiver.ring.rules.again {
            receiver.desk.party.wake_mine();
        } else {
            receiver.desk.party.wake();
        }
    }
}

impl<'p, T: Pod, W: Wake> Receiver<'p, T, W> {
    /// True if this end has messages whose reader died, or may find some.
    #[inline(always)]
    pub(super) fn has_orphans(&self) -> bool {
        // OBSERVE: pairs with PUBLISH of whoever tells
        self.ring.rules.again && self.looked_for != Some(self.ring.orphaned.load(OBSERVE))
            || self.desk.adopted.is_some()
    }

    /// The next message whose reader died, if there is one.
    #[cold]
    #[inline(never)]
    pub(super) fn again(&mut self) -> Option<Taken<'_, 'p, T, W>> {
        self.adopt_some();
        let held = self.desk.adopted.take()?;
        Some(Taken::new(self, held))
    }

    /// Has messages whose reader died, if there are any.
    pub(super) fn adopt_some(&mut self) {
        if self.desk.adopted.is_none() {
            self.desk.adopted = self.adopt();
        }
    }

    /// Takes messages whose reader died. Remembers that there were none.
    fn adopt(&mut self) -> Option<Held<'p>> {
        let told = self.ring.orphaned.load(OBSERVE);
        'slots: for ahead in 0..self.capacity() {
            let index = self.look_at.wrapping_add(ahead) % self.capacity();
            let slot = self.ring.slots.slot(index);
            // Tried again where a sender passes over it meanwhile, who has told already.
            for _ in 0..TRIES {
                // OBSERVE: pairs with PUBLISH of the sender, by way of every exchange since.
                let orphan = Word(slot.named().load(OBSERVE));
                if orphan.state() != State::Orphan {
                    continue 'slots;
                }
                let mine = self.ring.laps.as_held_read(orphan, self.tag);
                // CLAIM: pairs with FOUND
                if slot.named().replace(orphan.0, mine.0, CLAIM).is_ok() {
                    self.look_at = index.wrapping_add(1);
                    return Some(self.held(index, mine));
                }
            }
            // Looked at again by the next call.
            return None;
        }
        self.looked_for = Some(told);
        None
    }

    /// What this end just took the place of its reader in.
    fn held(&self, index: u32, mine: Word) -> Held<'p> {
        let near = self.ring.near(index.into());
        let sequences = self.ring.sequences.as_ref();
        Held {
            ring: self.ring,
            region: self.desk.party.region(),
            tag: self.tag,
            at: self.ring.laps.position(mine, index, near),
            run: self.ring.laps.run(mine),
            done: 0,
            sequence: sequences.map_or(0, |all| all.of(index)),
            again: true,
        }
    }
}
