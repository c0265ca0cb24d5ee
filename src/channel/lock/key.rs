//! What a peer locks with.

#![forbid(unsafe_code)]

use core::cell::Cell;
use core::fmt;
use core::marker::PhantomData;

use super::guard::{Acquired, Guard};
use super::word::{Holder, Word, Words};
use crate::channel::cursor::Slots;
use crate::channel::party::Party;
use crate::error::Error;
use crate::memory::Pod;
use crate::memory::liveness::{Owner, PeerId};
use crate::memory::order::CLAIM;
use crate::segment::doorbell::{Bell, Ringer, Signal, Silent, Wake};
use crate::segment::join::Peer;

/// Exchanges that one attempt may lose to others.
const ATTEMPTS: u32 = 16;

/// Why a lock was not had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refused {
    /// Somebody has it who is not proven dead: perhaps this very peer.
    Held {
        /// Who.
        by: PeerId,
    },
    /// [`Error::Corrupt`], [`Error::Forked`]; [`Error::Busy`] if others kept taking it and giving it back.
    Region(Error),
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Self::Region(error)
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refused::Held { by } => write!(f, "the lock is held by {by}"),
            Refused::Region(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for Refused {}

/// What a peer locks with. It holds nothing itself. `Send`, not `Sync`; a clone is another key of the same peer.
#[derive(Clone, Debug)]
pub struct Key<'p, T, W: Wake = Silent> {
    pub(super) words: Words<'p>,
    pub(super) slots: Slots<'p, T>,
    pub(super) party: Party<'p, W>,
    not_sync: PhantomData<Cell<()>>,
}

/// A lock that was had: what its word says now, and from whom it was taken.
#[derive(Debug)]
pub(crate) struct Taken {
    pub(super) mine: Word,
    pub(super) from: Option<PeerId>,
}

impl<'p, T: Pod> Key<'p, T> {
    /// The same key, which from now on rings the doorbell of whoever sleeps at the lock, beginning now.
    ///
    /// # Errors
    ///
    /// [`Error::ForeignPeer`] for a peer of another segment.
    pub fn ringing<S: Signal>(
        self,
        me: &'p Peer<'_>,
        signal: S,
    ) -> crate::Result<Key<'p, T, Ringer<'p, S>>> {
        self.party.check_home(me)?;
        Ok(self.rewired(|_| Ringer::new(me.segment().table(), signal)))
    }
}

impl<'p, T: Pod, W: Wake> Key<'p, T, W> {
    pub(super) fn new(words: Words<'p>, slots: Slots<'p, T>, party: Party<'p, W>) -> Self {
        Self {
            words,
            slots,
            party,
            not_sync: PhantomData,
        }
    }

    /// The same key with another way to wake, which it uses at once.
    pub(crate) fn rewired<V: Wake>(self, wake: impl FnOnce(&W) -> V) -> Key<'p, T, V> {
        let mut key = Key::new(self.words, self.slots, self.party.rewired(wake));
        key.party.wake();
        key
    }

    /// Locks, if nobody has the lock who is not proven dead. May ask the system whether the holder lives.
    ///
    /// # Errors
    ///
    /// [`Refused::Held`], naming the holder; [`Refused::Region`].
    #[inline]
    pub fn try_lock(&mut self) -> Result<Acquired<Guard<'_, 'p, T, W>>, Refused> {
        let taken = self.attempt()?;
        Ok(self.guard(taken))
    }

    /// Locks, looking up to `budget` times and pausing by the strategy `R` between. Whether the holder lives is asked at the first look
    /// and at the last.
    ///
    /// # Errors
    ///
    /// As [`Key::try_lock`].
    pub fn lock_for<R: spin::relax::RelaxStrategy>(
        &mut self,
        budget: u32,
    ) -> Result<Acquired<Guard<'_, 'p, T, W>>, Refused> {
        let mut look = 1;
        let taken = loop {
            match self.attempt() {
                Ok(taken) => break taken,
                Err(Refused::Held { .. } | Refused::Region(Error::Busy)) if look < budget => {}
                Err(refused) => return Err(refused),
            }
            loop {
                R::relax();
                look += 1;
                if look >= budget || self.words.look().holder() == Holder::Nobody {
                    break;
                }
            }
        };
        Ok(self.guard(taken))
    }

    /// Who holds the lock now, dead or alive.
    pub fn holder(&self) -> Option<PeerId> {
        match self.words.look().holder() {
            Holder::Is(owner) => owner.peer(),
            _ => None,
        }
    }

    /// What to wait at until the lock is free. A holder's death rings nobody: look again at every death and every tick.
    pub fn bell(&self) -> Bell<'p, W::Keep> {
        self.party.bell()
    }

    /// Whether an owner may be named in this lock's word.
    fn is_possible(&self, owner: Owner) -> bool {
        match &self.party.name.court.table {
            Some(table) => owner.peer().is_some_and(|peer| peer.get() <= table.rows()),
            None => owner == Owner::BARE,
        }
    }

    /// One attempt to lock; of what it answers [`Key::guard`] makes a guard.
    #[inline]
    pub(crate) fn attempt(&self) -> Result<Taken, Refused> {
        self.party.region().check_not_forked()?;
        let me = Word::of(self.party.name.me);
        let mut found = self.words.look();
        for _ in 0..ATTEMPTS {
            let from = match found.holder() {
                Holder::Nobody => None,
                Holder::Is(owner) if self.is_possible(owner) => Some(self.of_the_dead(owner)?),
                _ => {
                    return Err(Refused::Region(Error::Corrupt {
                        what: "lock word",
                        found: found.0,
                    }));
                }
            };
            let mine = me.poisoned(from.is_some() || found.is_poisoned());
            // CLAIM: pairs with UNCLAIM, and with FOUND
            match self.words.owner.replace(found.0, mine.0, CLAIM) {
                Ok(_) => return Ok(Taken { mine, from }),
                Err(now) => found = Word(now),
            }
        }
        Err(Refused::Region(Error::Busy))
    }

    /// The holder, if it is another than this peer and proven dead.
    #[cold]
    fn of_the_dead(&self, owner: Owner) -> Result<PeerId, Refused> {
        let name = &self.party.name;
        let by = owner.peer().unwrap_or(PeerId::BARE);
        if owner != name.me && name.court.is_dead(owner) {
            Ok(by)
        } else {
            Err(Refused::Held { by })
        }
    }

    /// The guard of what this key took.
    #[inline]
    pub(crate) fn guard(&mut self, taken: Taken) -> Acquired<Guard<'_, 'p, T, W>> {
        let poisoned = taken.mine.is_poisoned();
        let guard = Guard::new(self, taken.mine);
        match poisoned {
            false => Acquired::Clean(guard),
            true => Acquired::Inherited {
                from: taken.from,
                guard,
            },
        }
    }
}
