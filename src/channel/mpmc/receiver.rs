//! The end that takes messages out.

#![forbid(unsafe_code)]

use core::cell::Cell;
use core::marker::PhantomData;

use super::PATIENCE;
use super::repair::Look;
use super::ring::Ring;
use super::taken::{Desk, Held, Taken};
use super::walk::{Budget, Found, Obstacle};
use super::word::{Tag, Word};
use crate::channel::party::Party;
use crate::memory::Pod;
use crate::memory::order::RELAXED;
use crate::segment::doorbell::{Bell, Ringer, Signal, Silent, Wake};
use crate::segment::join::Peer;

/// From so many messages of one run on they are taken together.
const TOGETHER: u32 = 3;

/// Makes messages of a T, for one thread at a time.
type Alone<T> = PhantomData<(fn() -> T, Cell<()>)>;

/// The end that takes messages out. `Send`, not `Sync`; a clone is another end of the same peer.
#[derive(Debug)]
pub struct Receiver<'p, T, W: Wake = Silent> {
    pub(super) ring: Ring<'p>,
    pub(super) tag: Tag,
    /// Where the head once stood, as far as this end knows.
    at: u64,
    patience: u32,
    /// Which orphans this end has looked for; at first none.
    pub(super) looked_for: Option<u32>,
    /// Where to look for orphans next: one that was put back is not found again before the others.
    pub(super) look_at: u32,
    pub(super) desk: Desk<'p, W>,
    of: Alone<T>,
}

impl<T, W: Wake + Clone> Clone for Receiver<'_, T, W> {
    fn clone(&self) -> Self {
        Self {
            looked_for: None,
            desk: Desk::new(self.desk.party.clone()),
            ..*self
        }
    }
}

impl<'p, T: Pod> Receiver<'p, T> {
    /// The same end, which from now on rings the doorbell of whoever waits for room, beginning now.
    ///
    /// # Errors
    ///
    /// [`Error::ForeignPeer`](crate::Error::ForeignPeer) for a peer of another segment.
    pub fn ringing<S: Signal>(
        self,
        me: &'p Peer<'_>,
        signal: S,
    ) -> crate::Result<Receiver<'p, T, Ringer<'p, S>>> {
        self.desk.party.check_home(me)?;
        Ok(self.rewired(|_| Ringer::new(me.segment().table(), signal)))
    }
}

impl<'p, T: Pod, W: Wake> Receiver<'p, T, W> {
    pub(super) fn new(ring: Ring<'p>, party: Party<'p, W>) -> Self {
        Self {
            ring,
            tag: Tag::of(party.name.me),
            at: ring.head.load(RELAXED),
            patience: PATIENCE,
            looked_for: None,
            look_at: 0,
            desk: Desk::new(party),
            of: PhantomData,
        }
    }

    /// The same end with another way to wake, which it uses at once.
    pub(crate) fn rewired<V: Wake>(mut self, wake: impl FnOnce(&W) -> V) -> Receiver<'p, T, V> {
        let mut receiver = Receiver {
            ring: self.ring,
            tag: self.tag,
            at: self.at,
            patience: self.patience,
            looked_for: self.looked_for,
            look_at: self.look_at,
            desk: self.desk.rewired(wake),
            of: PhantomData,
        };
        receiver.desk.party.wake();
        receiver
    }

    /// The same end, which looks so many times at a slot that somebody is writing before it passes over it.
    pub fn with_patience(mut self, looks: u32) -> Self {
        self.patience = looks;
        self
    }

    /// Slots of the ring.
    pub fn capacity(&self) -> u32 {
        self.ring.laps.capacity()
    }

    /// Takes one message for good: the oldest; or one whose reader died, where such come again (of a batch whose receiver died: see
    /// [`Taken::acknowledge`]).
    ///
    /// A receiver killed in this call either has taken the message, as if it had been killed behind the call, or it is still there.
    #[inline]
    pub fn try_recv(&mut self) -> Option<T> {
        if self.has_orphans() {
            if let Some(taken) = self.again() {
                return Some(taken.acknowledge());
            }
        }
        let h = self.at.max(self.ring.head.load(RELAXED));
        if let Some(ready) = self.ring.ready_at(h) {
            let value = self.ring.slots.slot(h as u32).load_value::<T>();
            if self.ring.consume(h, ready) {
                self.at = h.wrapping_add(1);
                self.desk.party.wake();
                return Some(value);
            }
        }
        self.recv()
    }

    #[inline(never)]
    fn recv(&mut self) -> Option<T> {
        let mut budget = self.ring.budget(self.patience);
        loop {
            let (h, ready) = self.find(&mut budget)?;
            let value = self.ring.slots.slot(h as u32).load_value::<T>();
            if self.ring.consume(h, ready) {
                self.at = h.wrapping_add(1);
                self.desk.party.wake();
                return Some(value);
            }
        }
    }

    /// Takes messages for good, as [`Receiver::try_recv`]; answers how many. A batch that was sent together is taken by a few exchanges.
    #[inline]
    pub fn try_recv_slice(&mut self, into: &mut [T]) -> usize {
        let mut done = 0;
        while done < into.len() && self.has_orphans() {
            match self.again() {
                Some(taken) => into[done] = taken.acknowledge(),
                None => break,
            }
            done += 1;
        }
        let mut budget = self.ring.budget(self.patience);
        budget.slots += into.len() as u64;
        while done < into.len() {
            let Some((h, ready)) = self.find(&mut budget) else {
                break;
            };
            done += self.recv_run(h, ready, &mut into[done..]);
        }
        if done > 0 {
            self.desk.party.wake();
        }
        done
    }

    /// Takes what it can of one run.
    #[inline(always)]
    fn recv_run(&mut self, h: u64, ready: Word, into: &mut [T]) -> usize {
        let most = into.len().min(self.capacity() as usize) as u32;
        let run = self.ring.laps.run(ready).min(most);
        if run < TOGETHER {
            into[0] = self.ring.slots.slot(h as u32).load_value();
            let taken = self.ring.consume(h, ready);
            self.at = h.wrapping_add(u64::from(taken));
            return taken.into();
        }
        if !self.ring.hold(h, ready, run, self.tag) {
            return 0;
        }
        self.at = h.wrapping_add(u64::from(run));
        for (i, value) in into.iter_mut().enumerate().take(run as usize) {
            let position = h.wrapping_add(i as u64) as u32;
            *value = self.ring.slots.slot(position).load_value();
        }
        self.ring.give_back(h, self.tag);
        run as usize
    }

    /// Takes one message by name, until it is acknowledged. Killed before that, its receiver leaves it to another where messages are
    /// delivered at least once.
    pub fn try_take(&mut self) -> Option<Taken<'_, 'p, T, W>> {
        if self.has_orphans() {
            self.adopt_some();
            if self.desk.adopted.is_some() {
                return self.again();
            }
        }
        let mut budget = self.ring.budget(self.patience);
        loop {
            let (h, ready) = self.find(&mut budget)?;
            if self.ring.hold(h, ready, 1, self.tag) {
                self.at = h.wrapping_add(1);
                let held = Held::fresh(self.ring, &self.desk.party, self.tag, h);
                return Some(Taken::new(self, held));
            }
        }
    }

    /// True if there is a message for this end: what to sleep for where [`Receiver::try_take`] follows. Another may take it first.
    pub fn has_messages(&mut self) -> bool {
        if self.has_orphans() {
            self.adopt_some();
        }
        let mut budget = self.ring.budget(self.patience);
        self.desk.adopted.is_some() || self.find(&mut budget).is_some()
    }

    /// The oldest message that nobody has taken, past whoever stands in the way.
    #[inline(always)]
    fn find(&mut self, budget: &mut Budget) -> Option<(u64, Word)> {
        while budget.slots > 0 {
            let from = self.at.max(self.ring.head.load(RELAXED));
            match self.ring.find_ready(from, budget) {
                Found::Here(h, ready) => {
                    self.at = h;
                    return Some((h, ready));
                }
                Found::Nothing(h) => {
                    self.at = h;
                    return None;
                }
                Found::Blocked(obstacle) => {
                    self.at = obstacle.position;
                    if !self.pass(obstacle, budget) {
                        return None;
                    }
                }
            }
        }
        None
    }

    /// Gets past a slot that somebody is writing; false if this ring's rules let nobody.
    #[cold]
    #[inline(never)]
    fn pass(&mut self, obstacle: Obstacle, budget: &mut Budget) -> bool {
        // Where nothing lies behind it there is nothing to gain: a long write is not to be begun again and again.
        if !self.ring.hides_a_message(obstacle, budget) {
            return false;
        }
        if self.ring.changes(obstacle, self.patience, budget) {
            return true;
        }
        if self.ring.rules.revoke {
            self.ring.revoke(obstacle);
            return true;
        }
        match self.ring.mend(obstacle, &self.desk.party.name) {
            Look::Alive => false,
            Look::Changed => true,
            Look::Mended(what) => {
                self.desk.party.name.count(&what.counted());
                self.desk.party.wake();
                true
            }
        }
    }

    /// What to wait at for messages.
    pub fn bell(&self) -> Bell<'p, W::Keep> {
        self.desk.party.bell()
    }
}
