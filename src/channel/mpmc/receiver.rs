//! The end that takes messages out.

#![forbid(unsafe_code)]

use core::cell::Cell;
use core::hint::spin_loop;
use core::marker::PhantomData;

use super::PATIENCE;
use super::ring::{Found, Obstacle, Ring};
use super::taken::{Held, Taken};
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
    /// Messages whose reader died, which this end goes on with.
    pub(super) adopted: Option<Held<'p>>,
    pub(super) party: Party<'p, W>,
    of: Alone<T>,
}

impl<T, W: Wake + Clone> Clone for Receiver<'_, T, W> {
    fn clone(&self) -> Self {
        Self {
            looked_for: None,
            adopted: None,
            party: self.party.clone(),
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
        self.party.check_home(me)?;
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
            adopted: None,
            party,
            of: PhantomData,
        }
    }

    /// The same end with another way to wake, which it uses at once.
    pub(crate) fn rewired<V: Wake>(self, wake: impl FnOnce(&W) -> V) -> Receiver<'p, T, V> {
        let mut receiver = Receiver {
            ring: self.ring,
            tag: self.tag,
            at: self.at,
            patience: self.patience,
            looked_for: self.looked_for,
            adopted: self.adopted,
            party: self.party.rewired(wake),
            of: PhantomData,
        };
        receiver.party.wake();
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

    /// Takes one message for good: the oldest; or one whose reader died, where such come again.
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
                self.party.wake();
                return Some(value);
            }
        }
        self.recv()
    }

    #[inline(never)]
    fn recv(&mut self) -> Option<T> {
        let mut budget = self.ring.budget();
        loop {
            let (h, ready) = self.find(&mut budget)?;
            let value = self.ring.slots.slot(h as u32).load_value::<T>();
            if self.ring.consume(h, ready) {
                self.at = h.wrapping_add(1);
                self.party.wake();
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
        let mut budget = self.ring.budget() + into.len() as u64;
        while done < into.len() {
            let Some((h, ready)) = self.find(&mut budget) else {
                break;
            };
            done += self.recv_run(h, ready, &mut into[done..]);
        }
        if done > 0 {
            self.party.wake();
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
            if self.adopted.is_some() {
                return self.again();
            }
        }
        let mut budget = self.ring.budget();
        loop {
            let (h, ready) = self.find(&mut budget)?;
            if self.ring.hold(h, ready, 1, self.tag) {
                self.at = h.wrapping_add(1);
                let held = Held::fresh(self.ring, &self.party, self.tag, h);
                return Some(Taken::new(self, held));
            }
        }
    }

    /// True if there is a message for this end: what to sleep for where [`Receiver::try_take`] follows. Another may take it first.
    pub fn has_messages(&mut self) -> bool {
        if self.has_orphans() {
            self.adopt_some();
        }
        let mut budget = self.ring.budget();
        self.adopted.is_some() || self.find(&mut budget).is_some()
    }

    /// The oldest message that nobody has taken, past whoever stands in the way.
    #[inline(always)]
    fn find(&mut self, budget: &mut u64) -> Option<(u64, Word)> {
        while *budget > 0 {
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
                    if !self.pass(obstacle) {
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
    fn pass(&mut self, obstacle: Obstacle) -> bool {
        for _ in 0..self.patience {
            if self.ring.word(obstacle.position).load(RELAXED) != obstacle.word.0 {
                return true;
            }
            spin_loop();
        }
        if self.ring.rules.revoke {
            self.ring.revoke(obstacle);
            return true;
        }
        let mended = self.ring.mend(obstacle, &self.party.name).is_some();
        if mended {
            self.party.wake();
        }
        mended
    }

    /// What to wait at for messages.
    pub fn bell(&self) -> Bell<'p, W::Keep> {
        self.party.bell()
    }
}
