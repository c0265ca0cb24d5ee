//! The readers of a notepad.

#![forbid(unsafe_code)]

use core::marker::PhantomData;
use core::sync::atomic::{AtomicU32 as AtomicPlain, Ordering};

use spin::relax::RelaxStrategy;

use super::writer::from_word;
use super::{Glance, Missed, Note, Notepad, TooLong, Version, is_word};
use crate::channel::stamp::{Content, complete, look_again};
use crate::error::Result;
use crate::memory::Pod;
use crate::memory::liveness::{Owner, PeerId};
use crate::memory::maintenance::{Extent, Upkeep};
use crate::memory::order::{OBSERVE, RELAXED};
use crate::memory::racing::{RacingSlot, RacingSlots};
use crate::memory::sync::{Atomic, AtomicU32, fence};

/// Reads the latest value. `Send`, `Sync` and, if what it keeps alive is, `Clone`. It stores nothing in the region.
#[derive(Debug)]
pub struct Reader<'m, T: ?Sized, K = ()> {
    latest: &'m AtomicU32,
    value: &'m AtomicU32,
    pub(super) writer: &'m Atomic<Owner>,
    pub(super) waiters: &'m AtomicU32,
    slots: RacingSlots<'m>,
    recent: Recent,
    pub(super) home: usize,
    of: PhantomData<fn() -> *const T>,
    /// Last: what is above points into it.
    pub(crate) keep: K,
}

/// Whether the writer is busy, by what this reader found lately. Nobody else's; words, so that readers may be shared.
#[derive(Debug, Default)]
struct Recent {
    /// The `latest` word that brings nothing new; none while new versions are expected.
    expected: AtomicPlain,
    last: AtomicPlain,
    /// Reads until none is expected any more.
    left: AtomicPlain,
}

impl Recent {
    /// Reads for which a new version is expected after one was found.
    const READS: u32 = 64;
    /// What no `latest` word is.
    const NONE: u32 = 1;

    /// Asks for the slots while versions change, beside the load of `latest`: the branch is foretold, and hints wait for no load, so that a
    /// new value costs one journey, not one after another. Where nothing changes they would cost as much as the read.
    #[inline(always)]
    fn look(&self, latest: u32, slots: &RacingSlots<'_>) {
        if latest != self.expected.load(Ordering::Relaxed) {
            self.ask(latest, slots);
        }
    }

    #[cold]
    #[inline(never)]
    fn ask(&self, latest: u32, slots: &RacingSlots<'_>) {
        slots.soon_read();
        let left = if latest == self.last.load(Ordering::Relaxed) {
            self.left.load(Ordering::Relaxed).saturating_sub(1)
        } else {
            self.last.store(latest, Ordering::Relaxed);
            Self::READS
        };
        self.left.store(left, Ordering::Relaxed);
        let expected = if left == 0 { latest } else { Self::NONE };
        self.expected.store(expected, Ordering::Relaxed);
    }
}

impl<T: ?Sized, K: Clone> Clone for Reader<'_, T, K> {
    fn clone(&self) -> Self {
        Self {
            recent: Recent::default(),
            keep: self.keep.clone(),
            ..*self
        }
    }
}

impl<'m, T: Content + ?Sized, K: Upkeep> Reader<'m, T, K> {
    pub(super) fn new(pad: &Notepad<'m, T>, keep: K) -> Self {
        Self {
            latest: pad.latest,
            value: pad.value,
            writer: pad.writer,
            waiters: pad.waiters,
            slots: pad.slots,
            recent: Recent::default(),
            home: pad.region.home(),
            of: PhantomData,
            keep,
        }
    }

    /// The version that is latest now; `None` if nothing was ever written.
    #[inline]
    pub fn version(&self) -> Option<Version> {
        Version::of(self.latest())
    }

    /// Whether another version than `since` is latest now: what [`Reader::version`], a read or a write answered before.
    #[inline]
    pub fn changed(&self, since: Option<Version>) -> bool {
        self.version() != since
    }

    /// Who holds the writer's end, dead or alive.
    pub fn writer(&self) -> Option<PeerId> {
        self.writer.load(RELAXED).peer()
    }

    #[inline(always)]
    fn latest(&self) -> u32 {
        self.keep.invalidate(Extent::of(self.latest));
        self.latest.load(RELAXED)
    }

    /// The word that a value of at most 4 bytes is.
    #[inline(always)]
    fn word(&self) -> u32 {
        self.keep.invalidate(Extent::of(self.value));
        self.value.load(RELAXED)
    }

    /// The latest version and its slot, looked at once.
    #[inline(always)]
    fn find(&self) -> Option<(Version, RacingSlot<'m>)> {
        let latest = self.latest();
        if const { !is_word::<T>() && !K::MAINTAINED } {
            self.recent.look(latest, &self.slots);
        }
        fence(OBSERVE); // OBSERVE: pairs with PUBLISH
        let version = Version::of(latest)?;
        let slot = self.slots.slot(version.0);
        if const { !is_word::<T>() } {
            self.keep.invalidate(slot.content());
        }
        Some((version, slot))
    }

    /// Whether what was copied from the slot since [`Reader::find`] is the version whole.
    #[inline(always)]
    fn confirm(&self, version: Version, slot: RacingSlot<'_>) -> Result<(), Missed> {
        if look_again(slot, &self.keep) == complete(version.0) {
            Ok(())
        } else {
            Err(Missed::Lapped)
        }
    }

    fn glance<V>(&self, look: impl FnOnce(&Glance<'_>) -> V) -> Result<Option<Note<V>>, Missed> {
        let Some((version, slot)) = self.find() else {
            return Ok(None);
        };
        let len = match T::FIXED {
            Some((len, _)) => len,
            None => slot.length().load(RELAXED) as usize,
        };
        let most = slot.bytes();
        let value = look(&Glance {
            slot,
            len: len.min(most),
        });
        self.confirm(version, slot)?;
        if len > most {
            return Err(Missed::Corrupt);
        }
        Ok(Some(Note { version, value }))
    }

    /// Lends the latest value to be looked at in place: for large values of which a part is wanted. What `look` returns comes back
    /// only if the value stayed whole until then; `look` must not act on what it saw before.
    ///
    /// Values of at most 4 bytes have no slots: such a notepad does not compile with this.
    ///
    /// # Errors
    ///
    /// [`Missed::Lapped`], [`Missed::Corrupt`].
    pub fn read_with<V>(
        &self,
        look: impl FnOnce(&Glance<'_>) -> V,
    ) -> Result<Option<Note<V>>, Missed> {
        const { assert!(!is_word::<T>(), "a value of at most 4 bytes is read whole") };
        self.glance(look)
    }
}

impl<T: Pod, K: Upkeep> Reader<'_, T, K> {
    /// The latest value; `None` if nothing was ever written.
    ///
    /// # Errors
    ///
    /// [`Missed::Lapped`], never of a value of at most 4 bytes.
    #[inline(always)]
    pub fn try_read(&self) -> Result<Option<Note<T>>, Missed> {
        let Some((version, slot)) = self.find() else {
            return Ok(None);
        };
        if const { is_word::<T>() } {
            let value = from_word(self.word());
            return Ok(Some(Note { version, value }));
        }
        let value = slot.load_value();
        self.confirm(version, slot)?;
        Ok(Some(Note { version, value }))
    }

    /// The latest value, tried for up to `attempts` times, pausing by the strategy `R` between.
    ///
    /// # Errors
    ///
    /// [`Missed::Lapped`] if every attempt was.
    pub fn read<R: RelaxStrategy>(&self, attempts: u32) -> Result<Option<Note<T>>, Missed> {
        for _ in 1..attempts {
            if let Ok(note) = self.try_read() {
                return Ok(note);
            }
            R::relax();
        }
        self.try_read()
    }

    /// The latest value without its version, by one load; zero if nothing was ever written. For values of at most 4 bytes: with others
    /// it does not compile.
    #[inline]
    pub fn load(&self) -> T {
        const {
            assert!(
                is_word::<T>(),
                "only a value of at most 4 bytes is one load"
            )
        };
        let value = self.word();
        fence(OBSERVE); // OBSERVE: pairs with PUBLISH in Writer::write
        from_word(value)
    }
}

impl<K: Upkeep> Reader<'_, [u8], K> {
    /// Copies the latest bytes out, and says how many they are; `None` if nothing was ever written.
    ///
    /// # Errors
    ///
    /// [`Missed::Lapped`], [`Missed::TooLong`] if they are more than `into` takes, [`Missed::Corrupt`].
    pub fn try_read_into(&self, into: &mut [u8]) -> Result<Option<Note<usize>>, Missed> {
        let copied = self.glance(|bytes| match into.get_mut(..bytes.len()) {
            Some(into) => {
                bytes.slot.load(into);
                Ok(bytes.len())
            }
            None => Err(TooLong {
                found: bytes.len(),
                most: into.len(),
            }),
        })?;
        let Some(Note { version, value }) = copied else {
            return Ok(None);
        };
        let value = value.map_err(Missed::TooLong)?;
        Ok(Some(Note { version, value }))
    }

    /// As [`Reader::try_read_into`], tried for up to `attempts` times, pausing by the strategy `R` between.
    ///
    /// # Errors
    ///
    /// As [`Reader::try_read_into`]; [`Missed::Lapped`] if every attempt was.
    pub fn read_into<R: RelaxStrategy>(
        &self,
        into: &mut [u8],
        attempts: u32,
    ) -> Result<Option<Note<usize>>, Missed> {
        for _ in 1..attempts {
            match self.try_read_into(into) {
                Err(Missed::Lapped) => R::relax(),
                other => return other,
            }
        }
        self.try_read_into(into)
    }

    /// Most bytes of a value.
    pub fn most_bytes(&self) -> usize {
        self.slots.bytes()
    }
}
