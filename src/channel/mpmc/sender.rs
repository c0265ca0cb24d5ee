//! The end that puts messages in.

#![forbid(unsafe_code)]

use core::cell::Cell;
use core::marker::PhantomData;

use super::PATIENCE;
use super::repair::Look;
use super::ring::Ring;
use super::walk::{Behind, Budget, Found, Obstacle};
use super::word::{State, Tag};
use crate::channel::party::Party;
use crate::error::Full;
use crate::memory::Pod;
use crate::memory::order::RELAXED;
use crate::segment::doorbell::{Bell, Ringer, Signal, Silent, Wake};
use crate::segment::join::Peer;

/// Takes messages of a T, for one thread at a time.
type Alone<T> = PhantomData<(fn(T), Cell<()>)>;

/// The end that puts messages in. `Send`, not `Sync`; a clone is another end of the same peer.
#[derive(Clone, Debug)]
pub struct Sender<'p, T, W: Wake = Silent> {
    ring: Ring<'p>,
    tag: Tag,
    /// Where the tail once stood, as far as this end knows.
    at: u64,
    patience: u32,
    party: Party<'p, W>,
    of: Alone<T>,
}

impl<'p, T: Pod> Sender<'p, T> {
    /// The same end, which from now on rings the doorbell of whoever waits for messages, beginning now.
    ///
    /// # Errors
    ///
    /// [`Error::ForeignPeer`](crate::Error::ForeignPeer) for a peer of another segment.
    pub fn ringing<S: Signal>(
        self,
        me: &'p Peer<'_>,
        signal: S,
    ) -> crate::Result<Sender<'p, T, Ringer<'p, S>>> {
        self.party.check_home(me)?;
        Ok(self.rewired(|_| Ringer::new(me.segment().table(), signal)))
    }
}

impl<'p, T: Pod, W: Wake> Sender<'p, T, W> {
    pub(super) fn new(ring: Ring<'p>, party: Party<'p, W>) -> Self {
        Self {
            ring,
            tag: Tag::of(party.name.me),
            at: ring.tail.load(RELAXED),
            patience: PATIENCE,
            party,
            of: PhantomData,
        }
    }

    /// The same end with another way to wake, which it uses at once.
    pub(crate) fn rewired<V: Wake>(self, wake: impl FnOnce(&W) -> V) -> Sender<'p, T, V> {
        let mut sender = Sender {
            ring: self.ring,
            tag: self.tag,
            at: self.at,
            patience: self.patience,
            party: self.party.rewired(wake),
            of: PhantomData,
        };
        sender.party.wake();
        sender
    }

    /// The same end, which looks so many times at a slot that somebody holds before it passes over it.
    pub fn with_patience(mut self, looks: u32) -> Self {
        self.patience = looks;
        self
    }

    /// Slots of the ring.
    pub fn capacity(&self) -> u32 {
        self.ring.laps.capacity()
    }

    /// Puts one message in and commits it.
    ///
    /// # Errors
    ///
    /// [`Full`] with the message: no slot is free, or none that could be reached past whoever is in the way; or this end lost every one of
    /// its rounds to others.
    #[inline]
    pub fn try_send(&mut self, value: T) -> Result<(), Full<T>> {
        let t = self.at.max(self.ring.tail.load(RELAXED));
        if self.ring.claim_one(t, self.tag) {
            self.at = t.wrapping_add(1);
            self.ring.slots.slot(t as u32).store_value(&value);
            if self.ring.commit_one(t, self.tag) {
                self.party.wake();
                return Ok(());
            }
            self.ring.give_back(t, self.tag);
            self.party.wake_mine();
        }
        match self.send(core::slice::from_ref(&value)) {
            0 => Err(Full(value)),
            _ => Ok(()),
        }
    }

    /// Puts in as many of these messages as there is room for, and answers how many. Those that find room in one piece are committed together.
    #[inline]
    pub fn try_send_slice(&mut self, values: &[T]) -> usize {
        let mut done = 0;
        while done < values.len() {
            match self.send(&values[done..]) {
                0 => break,
                run => done += run,
            }
        }
        done
    }

    /// True if there is room for a message. Another may take it first.
    pub fn has_room(&mut self) -> bool {
        let mut budget = self.ring.budget(self.patience);
        while budget.slots > 0 {
            let from = self.at.max(self.ring.tail.load(RELAXED));
            match self.ring.find_free(from, &mut budget) {
                Found::Here(t, _) => {
                    self.at = t;
                    return true;
                }
                Found::Blocked(obstacle) if self.pass(obstacle, &mut budget) => {}
                _ => return false,
            }
        }
        false
    }

    #[inline(never)]
    fn send(&mut self, values: &[T]) -> usize {
        let mut budget = self.ring.budget(self.patience);
        while budget.slots > 0 {
            let from = self.at.max(self.ring.tail.load(RELAXED));
            match self.ring.find_free(from, &mut budget) {
                Found::Here(t, free) => {
                    self.at = t;
                    let most = values.len().min(self.capacity() as usize) as u32;
                    let run = self.ring.claim(t, free, most, self.tag);
                    if run == 0 {
                        continue;
                    }
                    self.at = t.wrapping_add(u64::from(run));
                    for (i, value) in values.iter().enumerate().take(run as usize) {
                        let position = t.wrapping_add(i as u64) as u32;
                        self.ring.slots.slot(position).store_value(value);
                    }
                    if self.ring.commit(t, run, self.tag) {
                        self.party.wake();
                        return run as usize;
                    }
                    self.ring.give_back(t, self.tag);
                    // Another may wait for just these slots.
                    self.party.wake_mine();
                }
                Found::Nothing(t) => {
                    self.at = t;
                    return 0;
                }
                Found::Blocked(obstacle) => {
                    self.at = obstacle.position;
                    if !self.pass(obstacle, &mut budget) {
                        return 0;
                    }
                }
            }
        }
        0
    }

    /// Gets past a slot of the lap before that somebody still holds, or comes to see that it is late; false if this ring's rules let nobody
    /// pass, or nothing is free behind it.
    #[cold]
    #[inline(never)]
    fn pass(&mut self, obstacle: Obstacle, budget: &mut Budget) -> bool {
        if self.ring.changes(obstacle, self.patience, budget) {
            return true;
        }
        match self.ring.mend(obstacle, &self.party.name) {
            Look::Alive => {}
            Look::Changed => return true,
            Look::Mended(what) => {
                self.party.name.count(&what.counted());
                // Others may wait for these slots, receivers for messages that come again.
                self.party.wake_mine();
                self.party.wake();
                return true;
            }
        }
        if obstacle.word.state() == State::Writing {
            // The oldest message of all is being written: the ring is full.
            return false;
        }
        if obstacle.word.state() == State::Orphan {
            // Whoever made it one may have died before it told.
            self.ring.tell_of_orphans();
            self.party.wake();
        }
        // Where all that is left is held the ring is full: to pass over it would only lead receivers round and round.
        if !self.ring.rules.revoke {
            return false;
        }
        match self.ring.behind_held(obstacle, budget) {
            Behind::Room => self.ring.skip(obstacle),
            Behind::Later(at) => self.at = self.at.max(at),
            Behind::Nothing => return false,
        }
        true
    }

    /// What to wait at for room.
    pub fn bell(&self) -> Bell<'p, W::Keep> {
        self.party.bell()
    }
}
