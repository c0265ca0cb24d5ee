//! What whoever holds a lock has.

#![forbid(unsafe_code)]

use super::key::Key;
use super::word::Word;
use crate::memory::Pod;
use crate::memory::liveness::PeerId;
use crate::memory::order::{OPEN, PUBLISH, RELAXED, UNCLAIM};
use crate::memory::sync::fence;
use crate::segment::doorbell::{Silent, Wake};

/// How a lock was had.
#[derive(Debug)]
#[must_use = "dropping it unlocks"]
pub enum Acquired<G> {
    /// From somebody who unlocked it, or as the first.
    Clean(G),
    /// Somebody died with it, and nobody has called [`Guard::mark_consistent`] since. What it guards elsewhere may be half changed.
    Inherited {
        /// Who died, if it was taken from the dead; `None` if it was unlocked, or freed by others, and not marked.
        from: Option<PeerId>,
        /// The lock.
        guard: G,
    },
}

impl<G> Acquired<G> {
    /// The guard, however it was had. An inherited one stays poisoned unless it is marked.
    pub fn into_guard(self) -> G {
        match self {
            Self::Clean(guard) | Self::Inherited { guard, .. } => guard,
        }
    }

    /// True if somebody died with it.
    pub fn is_inherited(&self) -> bool {
        matches!(self, Self::Inherited { .. })
    }
}

/// A lock, held. Dropping it unlocks, also while a panic unwinds; forgetting it keeps the lock until its peer has left.
#[derive(Debug)]
#[must_use = "dropping it unlocks"]
pub struct Guard<'k, 'p, T, W: Wake = Silent> {
    key: &'k mut Key<'p, T, W>,
    /// What the control word says.
    mine: Word,
    /// What the region's version says.
    version: u32,
}

impl<'k, 'p, T, W: Wake> Guard<'k, 'p, T, W> {
    #[inline]
    pub(super) fn new(key: &'k mut Key<'p, T, W>, mine: Word) -> Self {
        // CLAIM, or the proof of death, ordered it.
        let version = key.words.version.load(RELAXED);
        Self { key, mine, version }
    }

    /// True if somebody died with it, and nobody has marked it consistent since.
    pub fn is_poisoned(&self) -> bool {
        self.mine.is_poisoned()
    }

    /// Says that what the lock guards has been looked at and put right: the next one gets it clean.
    pub fn mark_consistent(&mut self) {
        if !self.is_poisoned() {
            return;
        }
        let clean = self.mine.poisoned(false);
        // RELAXED: unlocking shows what was put right; whoever takes over from the dead inherits anyway.
        let marked = self.key.words.owner.replace(self.mine.0, clean.0, RELAXED);
        if marked.is_ok() {
            self.mine = clean;
        }
    }
}

impl<T: Pod, W: Wake> Guard<'_, '_, T, W> {
    /// A lock alone has no value: `get` and `set` do not compile with it.
    const HAS_VALUE: () = assert!(size_of::<T>() > 0, "a lock alone has no value");

    /// The value that was set last, by this holder or one before it; zeros if none was.
    #[inline]
    pub fn get(&self) -> T {
        const { Self::HAS_VALUE }
        self.key.slots.read(self.version, 1)
    }

    /// Sets the value. A death at any moment leaves the value before, or this one.
    #[inline]
    pub fn set(&mut self, value: &T) {
        const { Self::HAS_VALUE }
        let next = self.version.wrapping_add(1);
        // OPEN: what was set before is so before the first byte of the slot that it replaced is written.
        fence(OPEN);
        self.key.slots.write(next, 1, *value);
        // PUBLISH: the commit. Whoever reads it is ordered by CLAIM or a proof of death. Both edges are for a death between two stores,
        // which models, where stores take effect in their order, cannot tell from one without them.
        self.key.words.version.store(next, PUBLISH);
        self.version = next;
    }

    /// Changes the value, in one commit.
    pub fn update(&mut self, change: impl FnOnce(&mut T)) {
        let mut value = self.get();
        change(&mut value);
        self.set(&value);
    }
}

impl<T, W: Wake> Drop for Guard<'_, '_, T, W> {
    #[inline]
    fn drop(&mut self) {
        let party = &mut self.key.party;
        if party.region().is_forked() {
            return;
        }
        // UNCLAIM: pairs with CLAIM. It fails only if another had proof of a death that never was; the lock is then its own.
        let freed = self
            .key
            .words
            .owner
            .replace(self.mine.0, self.mine.freed().0, UNCLAIM);
        if freed.is_ok() {
            party.wake();
        }
    }
}
