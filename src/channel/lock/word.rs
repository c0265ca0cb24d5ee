//! The control word of a lock, and the one step that others take for a dead holder.

#![forbid(unsafe_code)]

use crate::memory::liveness::{Owner, PeerId};
use crate::memory::order::{RELAXED, UNCLAIM};
use crate::memory::sync::AtomicU32;

/// Bits 0-7 the owner's peer, 8-30 its life (the row's generation without the lowest bit: the living are odd), 31 poisoned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Word(pub(super) u32);

/// Who holds a lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Holder {
    Nobody,
    Is(Owner),
    /// What nobody writes.
    Garbage,
}

impl Word {
    const POISON: u32 = 1 << 31;

    /// Held by this owner, clean.
    pub(super) fn of(owner: Owner) -> Self {
        Self(u32::from(owner.peer) | owner.generation() >> 1 << 8)
    }

    pub(super) fn holder(self) -> Holder {
        let (peer, life) = (self.0 & 0xff, (self.0 & !Self::POISON) >> 8);
        match (peer, life) {
            (0, 0) => Holder::Nobody,
            (0xff, 0) => Holder::Is(Owner::BARE),
            _ => match PeerId::new(peer) {
                Some(peer) => Holder::Is(Owner::of(peer, life << 1 | 1)),
                None => Holder::Garbage,
            },
        }
    }

    pub(super) fn is_poisoned(self) -> bool {
        self.0 & Self::POISON != 0
    }

    /// The same, poisoned or not.
    pub(super) fn poisoned(self, poisoned: bool) -> Self {
        Self(self.0 & !Self::POISON | u32::from(poisoned) << 31)
    }

    /// Nobody's, as poisoned as this.
    pub(super) fn freed(self) -> Self {
        Self(self.0 & Self::POISON)
    }
}

/// The words of a lock, whatever its value is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Words<'m> {
    pub(super) owner: &'m AtomicU32,
    /// Who sleeps until the lock is free.
    pub(crate) waiters: &'m AtomicU32,
    /// Which slot is current: its lowest bit.
    pub(super) version: &'m AtomicU32,
}

impl Words<'_> {
    pub(super) fn look(&self) -> Word {
        Word(self.owner.load(RELAXED))
    }

    /// Frees the lock if its holder is proven dead, and leaves it poisoned. Answers whether it did: then ring whoever waits.
    pub(crate) fn reap(&self, is_dead: impl FnOnce(Owner) -> bool) -> bool {
        let found = self.look();
        let Holder::Is(owner) = found.holder() else {
            return false;
        };
        let free = found.freed().poisoned(true);
        // UNCLAIM: pairs with CLAIM; passes on what the proof of death showed.
        is_dead(owner) && self.owner.replace(found.0, free.0, UNCLAIM).is_ok()
    }
}
