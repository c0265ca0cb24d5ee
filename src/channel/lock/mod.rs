//! A lock that outlives its owner, alone ([`Lock`]) or with a value ([`Locked`]) that a death leaves whole.
//!
//! # Shape
//!
//! ```text
//! header (128)
//! control (128)   0 owner u32: peer u8, life u23, poisoned u1    4 waiters u32    written by whoever comes and goes
//! value (128)     0 version u32: its lowest bit says which slot is current        written by the holder
//! slots           two values of `element_bytes` bytes, padded to 128 together; a lock alone has none
//! ```
//! The life is a row's generation without its lowest bit. All zero: free and clean.
//!
//! # Protocol
//!
//! ```text
//! lock      FREE         -CAS-> me            CLAIM: clean
//!           FREE|P       -CAS-> me|P          CLAIM: inherited
//!           dead, dead|P -CAS-> me|P          CLAIM: inherited; the proof of death is itself an acquire
//! set       fence (OPEN); write the other slot; version + 1 (PUBLISH) = the commit
//! mended    me|P         -CAS-> me
//! unlock    me           -CAS-> FREE          UNCLAIM; then ring
//!           me|P         -CAS-> FREE|P        UNCLAIM; then ring
//! reap      dead, dead|P -CAS-> FREE|P        UNCLAIM; then ring
//! ```
//! Poison (`P`) stays until a holder calls [`Guard::mark_consistent`], through every unlock and every death.
//! It is about what the lock guards elsewhere: the value in the lock itself is always one that somebody set.
//!
//! A peer that cannot be proven dead counts as alive, however long it is stopped: it is never robbed. One that left
//! with a guard forgotten is proven dead, since its row moved on.
//!
//! # Progress guarantee
//!
//! `try_lock`, unlocking and everything a guard does are wait-free. Locking is as all locks are: whoever is alive and holds it holds up the others.
//! There is no queue and no fairness: of those who want it the first one there gets it. Not recursive: a second lock by
//! the same peer, through whichever key, is told that the peer itself has it.
//! No system call while nobody sleeps at the lock and nobody else holds it; somebody who finds it held may ask the system whether the holder lives.
//!
//! # What a crash at each step leaves
//!
//! Before the CAS nothing; after it a word that names the dead, from which the next one takes over. In `set` the value
//! before or the value after. Between unlocking and ringing: a lock that is free, which a sleeper finds by its death watch or its tick.
//!
//! # Cost
//!
//! Two exchanges for lock and unlock. A `set` copies the value and stores one word.
//!
//! # Example
//!
//! ```
//! use ringpad::{AlignedBytes, Channel, Region, lock::{Acquired, Config, Locked, Refused}};
//! let mut room = AlignedBytes::<1024>::new();
//! let account = Locked::<[i64; 2]>::init(Region::from_mut(room.as_mut())?, &Config::new())?;
//! let (mut mine, mut yours) = (account.bare_key()?, account.bare_key()?);
//! let mut guard = match mine.try_lock() {
//!     Ok(Acquired::Clean(guard)) => guard,
//!     Ok(Acquired::Inherited { mut guard, .. }) => {
//!         // Somebody died with it. The value is whole; put right here what else the lock guards.
//!         guard.mark_consistent();
//!         guard
//!     }
//!     Err(refused) => panic!("{refused}"),
//! };
//! assert!(matches!(yours.try_lock(), Err(Refused::Held { .. })));
//! let [from, to] = guard.get();
//! guard.set(&[from - 5, to + 5]);
//! drop(guard);
//! assert_eq!(yours.try_lock()?.into_guard().get(), [-5, 5]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Source: the states are those of POSIX robust mutexes; the name in the word and the pair of slots are this project's.

#![forbid(unsafe_code)]

mod guard;
mod key;
mod word;

use core::marker::PhantomData;
use core::mem::offset_of;

pub use self::guard::{Acquired, Guard};
pub use self::key::{Key, Refused};
pub(crate) use self::word::Words;
use crate::channel::cursor::Slots;
use crate::channel::party::{Name, Party};
use crate::channel::seat::Claimant;
use crate::error::{Error, Field, Result};
use crate::memory::Pod;
use crate::memory::layout::{self, CACHE_LINE, Line, Spacing};
use crate::memory::liveness::NoProof;
use crate::memory::order::RELAXED;
use crate::memory::region::RegionRef;
use crate::memory::span::marks_bytes;
use crate::memory::sync::AtomicU32;
use crate::segment::doorbell::{Silent, Wake};
use crate::segment::header::{Geometry, Header, HeaderLine};
use crate::segment::join::Peer;
use crate::segment::kind::{Channel, Kind, sealed::Sealed};
use crate::segment::reaped::Pass;

/// Where a lock's words lie. Never made: a descriptor for offsets.
#[repr(C)]
pub(crate) struct LockShape {
    pub(crate) header: HeaderLine,
    pub(crate) control: Line<LockControl>,
    pub(crate) version: Line<AtomicU32>,
}

/// What those who want the lock look at.
#[repr(C)]
pub(crate) struct LockControl {
    pub(crate) owner: AtomicU32,
    pub(crate) waiters: AtomicU32,
}

const CONTROL: usize = offset_of!(LockShape, control);
const VERSION: usize = offset_of!(LockShape, version);
const SLOTS: usize = size_of::<LockShape>();

/// Slots of a value: the current one, and the one to be written next.
const PAIR: u32 = 2;
/// Largest value.
const MOST_BYTES: usize = 1 << 24;

/// What the creator of a lock decides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// The user's own number for the value's type, compared by [`Locked::expect_tag`] and by plans; 0 if none.
    pub type_tag: u64,
}

impl Config {
    /// No type tag.
    pub const fn new() -> Self {
        Self { type_tag: 0 }
    }

    /// With the user's own number for the value's type.
    pub const fn tagged(mut self, type_tag: u64) -> Self {
        self.type_tag = type_tag;
        self
    }
}

/// Slots, bytes and alignment of the value that a header records: nothing of a lock alone.
fn element<T>() -> Result<(u32, usize, usize)> {
    let bad = |field, found: usize, want| Error::BadConfig {
        field,
        found: found as u64,
        want,
    };
    let (bytes, align) = (size_of::<T>(), align_of::<T>());
    if bytes > MOST_BYTES {
        return Err(bad(Field::ElementBytes, bytes, "a value of at most 16 MiB"));
    }
    if align > CACHE_LINE {
        let want = "an alignment of at most 128";
        return Err(bad(Field::ElementAlign, align, want));
    }
    match bytes {
        0 => Ok((0, 0, 0)),
        _ => Ok((PAIR, bytes, align)),
    }
}

/// Bytes that two values take.
fn pair_bytes(element: usize) -> Result<usize> {
    Ok(layout::block(0, PAIR as usize, element)?.size())
}

/// Bytes of the whole lock.
fn span_bytes(element: usize) -> Result<u64> {
    let pair = pair_bytes(element)?;
    let marks = marks_bytes(pair, element);
    Ok(layout::block(SLOTS + marks, 1, pair)?.size() as u64)
}

impl<'m> Words<'m> {
    fn over(region: RegionRef<'m>) -> Result<Self> {
        Ok(Self {
            owner: region.word(CONTROL + offset_of!(LockControl, owner))?,
            waiters: region.word(CONTROL + offset_of!(LockControl, waiters))?,
            version: region.word(VERSION)?,
        })
    }

    /// Attaches, and checks what holds for values of any type.
    pub(crate) fn attach(region: RegionRef<'m>) -> Result<(Self, Geometry)> {
        let geometry = Header::at(region)?.attach(Kind::Lock)?;
        let bytes = geometry.element_bytes as usize;
        if bytes > MOST_BYTES {
            return Err(Error::BadConfig {
                field: Field::ElementBytes,
                found: bytes as u64,
                want: "a value of at most 16 MiB",
            });
        }
        let slots = if bytes == 0 { 0 } else { PAIR };
        Geometry::expect(Field::Capacity, slots.into(), geometry.capacity.into())?;
        Geometry::expect(Field::Framing, 0, geometry.framing.into())?;
        Geometry::expect(Field::SpanBytes, span_bytes(bytes)?, geometry.span_bytes)?;
        Ok((Self::over(region)?, geometry))
    }
}

/// Frees the lock in this region if its holder is proven dead.
pub(crate) fn reap(region: RegionRef<'_>, pass: &mut Pass<'_>) -> Result<()> {
    let (words, _) = Words::attach(region)?;
    pass.forget_sleepers(words.waiters);
    if words.reap(|owner| pass.court.is_dead(owner)) {
        pass.found.locks += 1;
        pass.wake(words.waiters);
    }
    Ok(())
}

fn slots<T: Pod>(region: RegionRef<'_>) -> Result<Slots<'_, T>> {
    let bytes = size_of::<T>();
    Slots::new(region.span(SLOTS, pair_bytes(bytes)?, bytes)?, PAIR)
}

/// A lock with a value, laid out in a region: a handle from which keys are made. The value begins as zeros.
#[derive(Debug)]
pub struct Locked<'m, T> {
    region: RegionRef<'m>,
    words: Words<'m>,
    type_tag: u64,
    of: PhantomData<fn(T) -> T>,
}

/// A lock alone.
pub type Lock<'m> = Locked<'m, ()>;

impl<'m, T: Pod> Sealed<'m> for Locked<'m, T> {
    type Config = Config;

    fn geometry(config: &Config) -> Result<Geometry> {
        let (capacity, bytes, align) = element::<T>()?;
        Ok(Geometry {
            kind: Self::KIND,
            capacity,
            element_bytes: bytes as u32,
            element_align: align as u32,
            type_tag: config.type_tag,
            framing: 0,
            spacing: Spacing::Lines,
            span_bytes: span_bytes(bytes)?,
        })
    }

    fn init_ref(region: RegionRef<'_>, geometry: &Geometry) -> Result<()> {
        geometry.check_room(region)?;
        let header = Header::at(region)?;
        header.begin(geometry)?;
        let words = Words::over(region)?;
        for word in [words.owner, words.waiters, words.version] {
            word.store(0, RELAXED);
        }
        let slots = slots::<T>(region)?;
        (0..geometry.capacity).for_each(|index| slots.write(index, 1, T::zeroed()));
        header.ready();
        Ok(())
    }

    fn attach_ref(region: RegionRef<'m>) -> Result<Self> {
        let (_, bytes, align) = element::<T>()?;
        let (words, geometry) = Words::attach(region)?;
        geometry.expect_element(bytes, align)?;
        Ok(Self {
            region,
            words,
            type_tag: geometry.type_tag,
            of: PhantomData,
        })
    }
}

impl<'m, T: Pod> Channel<'m> for Locked<'m, T> {
    const KIND: Kind = Kind::Lock;
}

impl<'m, T: Pod> Locked<'m, T> {
    /// The creator's number for the value's type; 0 if none.
    pub fn type_tag(&self) -> u64 {
        self.type_tag
    }

    /// The lock, if its creator gave it this type tag.
    ///
    /// # Errors
    ///
    /// [`Error::Mismatch`], naming both tags.
    pub fn expect_tag(self, want: u64) -> Result<Self> {
        Geometry::expect(Field::TypeTag, want, self.type_tag)?;
        Ok(self)
    }

    /// What a peer of the lock's segment locks with. It holds nothing, and there may be any number; all keys of one peer are one owner.
    ///
    /// # Errors
    ///
    /// [`Error::ForeignPeer`], [`Error::ReadOnly`], [`Error::Forked`].
    pub fn key<'p>(&self, me: &'p Peer<'m>) -> Result<Key<'p, T>> {
        self.key_as(Claimant::Peer(me), Silent)
    }

    /// What any thread locks a bare lock with: all share one name, and nothing is ever taken from one of them.
    ///
    /// # Errors
    ///
    /// As [`Locked::key`]; [`Error::ForeignPeer`] for a lock in a segment.
    pub fn bare_key(&self) -> Result<Key<'m, T>> {
        self.key_as(Claimant::Bare(&NoProof), Silent)
    }

    pub(crate) fn key_as<'p, W: Wake>(&self, who: Claimant<'p>, wake: W) -> Result<Key<'p, T, W>>
    where
        'm: 'p,
    {
        let name = Name::of(who, self.region)?;
        let (mine, theirs) = (self.words.waiters, self.words.waiters);
        let party = Party::new(name, self.region, mine, theirs, wake);
        Ok(Key::new(self.words, slots(self.region)?, party))
    }
}

#[cfg(not(ringpad_loom))]
mod limits {
    use super::{Guard, Key};
    use static_assertions::{assert_impl_all, assert_not_impl_any};
    assert_impl_all!(Key<'static, ()>: Send, Clone);
    assert_impl_all!(Key<'static, u64>: Send, Clone);
    assert_impl_all!(Guard<'static, 'static, u64>: Send);
    assert_not_impl_any!(Key<'static, u64>: Sync);
    assert_not_impl_any!(Guard<'static, 'static, u64>: Sync, Clone);
}

#[cfg(all(test, not(ringpad_loom)))]
mod tests;
