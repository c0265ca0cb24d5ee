//! A typed ring of many senders and many receivers, in which no death and no stop holds up the others.
//!
//! # Shape
//!
//! ```text
//! header (128)   tail (128): 0 hint u64   head (128): 0 hint u64
//! control (128): 0 data waiters u32   4 space waiters u32   8 orphaned u32
//! slots: capacity x { 0 word u64   8 the message, padded to 8 }   padded to 128
//! sequences: capacity x u64   padded to 128; only where messages are delivered at least once
//! ```
//!
//! # Protocol
//!
//! Positions are 64 bits; slot = position & mask. A slot's word says which lap, which state, how many slots it speaks for, and
//! whose they are (see `word.rs`). The hints `tail` and `head` are plain stores of whoever claimed last, never ahead; from there, or
//! from where it was last itself, an end walks on: past runs at once, of this lap or a later one; past many laps at once.
//!
//! ```text
//! send    FREE(t) and the n - 1 behind it free (RECLAIM) -CAS-> WRITING(t, n, me); tail = t + n; write the messages;
//!         the other words READY(n - i) (PUBLISH); WRITING -CAS-> READY(t, n) (PUBLISH): the commit
//!         failed, so revoked: HELD_W(me) -> FREE of the lap behind wherever it is now (RELEASE); again elsewhere
//! recv    READY(h, n) (OBSERVE); copy; READY -CAS-> FREE of the next lap (RELEASE); head = h + 1
//!         several of a run: READY(h, n) -CAS-> HELD_R(h, k, me); copy; the other words FREE, then the first (RELEASE)
//! take    READY(h, n) -CAS-> HELD_R(h, 1, me); copy; user's work; -CAS-> FREE of the next lap
//! in the way, patience spent:
//!         WRITING(x) of this lap     -CAS-> HELD_W(x): revoked, without proof of anything; receivers go on behind it
//!         HELD(x) of the lap before  -CAS-> HELD(x) of this lap: passed over; senders go on behind it
//! mend    WRITING(dead) | HELD_W(dead) -CAS-> HELD_W(me) -> FREE (RELEASE)
//!         HELD_R(dead) -CAS-> ORPHAN (RELEASE), `orphaned` + 1 (PUBLISH): the next receiver takes it; or freed, at most once
//! ```
//! With [`Recovery::ProofOnly`] nothing is revoked or passed over, so an owner's own words change by plain stores.
//! No end takes anything inside a run that its first word still speaks for. Every walk begins where the tail (or the head) once stood and goes on
//! by whole runs; one that comes from an earlier lap, and stands inside, passes what is of a later one, and since a run is given back from its
//! end on, no word in it is of an earlier lap than one before it; besides, a walk that leapt laps takes nothing for one more. Words of FREE and READY carry 61 bits of their position, so that an exchange
//! never mistakes a lap.
//!
//! # Progress guarantee
//!
//! Lock-free but for long writes beside ready messages: a call that loses its round lets another get on, and after four laps and 1,024 slots
//! answers full, or empty. A dead or stopped party costs the slots it has claimed, and everybody who comes upon them its patience, once a lap;
//! with [`Recovery::ProofOnly`] it holds up everybody until it goes on or is proven dead, as does a receiver that only works on what it took.
//! A sender is revoked if a message lies behind it and does not get on within a receiver's patience, which grows with the size of what is
//! being written; it then sends again. No system call, unless a slot that somebody holds is in the way (then the oracle is asked), or a
//! [`Ringer`](crate::Ringer) finds a sleeper.
//!
//! # What a crash at each step leaves
//!
//! A sender before its commit: slots that name it; nobody ever gets what is in them. A receiver in `try_recv`: the message, or its slot
//! free. In `try_take`, or between the exchanges of a batch: slots that name it, whose messages come again or are dropped, as
//! [`Delivery`] says. Whoever mends: slots that name it.
//!
//! # Order
//!
//! Each receiver gets the messages of one sender in the order in which they were sent, except those that come again.
//!
//! # Cost
//!
//! Two exchanges a message sent and one received; with proof only one and one. A batch costs as much for each piece that does not cross the ring's
//! end, of at most 256 messages, and an exchange more where messages may come again. Fewer than three of a run are received one by one.
//!
//! # Example
//!
//! ```
//! use ringpad::{AlignedBytes, Channel, Region, mpmc::{Config, Mpmc}};
//! let mut room = AlignedBytes::<1024>::new();
//! let ring = Mpmc::<u32>::init(Region::from_mut(room.as_mut())?, &Config::new(8))?;
//! let (mut tx, mut rx) = (ring.bare_sender()?, ring.bare_receiver()?);
//! tx.try_send(7).unwrap();
//! assert_eq!(tx.try_send_slice(&[8, 9]), 2);
//! assert_eq!(rx.try_recv(), Some(7));
//! let taken = rx.try_take().unwrap();
//! assert_eq!((*taken.value(), taken.sequence()), (8, 1));
//! drop(taken); // not acknowledged, so it comes again
//! let taken = rx.clone().try_take().unwrap().acknowledge();
//! assert_eq!((taken, rx.try_recv()), (8, Some(9)));
//! # Ok::<(), ringpad::Error>(())
//! ```
//!
//! Source: the cell words of Vyukov's bounded queue, with a name in each; runs, revocation and mending are this project's.

#![forbid(unsafe_code)]

mod receiver;
mod repair;
mod ring;
mod rules;
mod sender;
mod shape;
mod taken;
mod walk;
mod word;

use core::marker::PhantomData;

pub use self::receiver::Receiver;
#[cfg(ringpad_loom)]
pub(crate) use self::repair::Mended;
pub(crate) use self::repair::reap;
pub(crate) use self::ring::Ring;
use self::rules::Rules;
pub use self::rules::{Config, Delivery, Recovery};
pub use self::sender::Sender;
pub(crate) use self::shape::Words;
#[cfg(all(test, not(ringpad_loom)))]
pub(crate) use self::shape::{MpmcControl, MpmcShape};
use self::shape::{Places, check};
pub use self::taken::Taken;
use crate::channel::party::{Name, Party};
use crate::channel::seat::Claimant;
#[cfg(doc)]
use crate::error::Error;
use crate::error::{Field, Result};
use crate::memory::Pod;
use crate::memory::layout::Spacing;
use crate::memory::liveness::NoProof;
use crate::memory::order::RELAXED;
use crate::memory::region::RegionRef;
use crate::memory::sync::AtomicU32;
use crate::segment::doorbell::{Silent, Wake};
use crate::segment::header::{Geometry, Header};
use crate::segment::join::Peer;
use crate::segment::kind::{Channel, Kind, sealed::Sealed};

/// Looks at a slot that stands in the way, unless an end says otherwise.
const PATIENCE: u32 = 64;

/// A ring of many senders and receivers laid out in a region: a handle from which its ends are made.
#[derive(Debug)]
pub struct Mpmc<'m, T> {
    region: RegionRef<'m>,
    geometry: Geometry,
    ring: Ring<'m>,
    data_waiters: &'m AtomicU32,
    space_waiters: &'m AtomicU32,
    of: PhantomData<fn(T) -> T>,
}

impl<'m, T: Pod> Sealed<'m> for Mpmc<'m, T> {
    type Config = Config;

    fn geometry(config: &Config) -> Result<Geometry> {
        let (bytes, align) = (size_of::<T>(), align_of::<T>());
        check(config.capacity, bytes, align)?;
        let rules = Rules::of(config);
        Ok(Geometry {
            kind: Self::KIND,
            capacity: config.capacity,
            element_bytes: bytes as u32,
            element_align: align as u32,
            type_tag: config.type_tag,
            framing: rules.framing(),
            spacing: Spacing::Lines,
            span_bytes: Places::of(config.capacity, bytes, rules)?.bytes as u64,
        })
    }

    fn init_ref(region: RegionRef<'_>, geometry: &Geometry) -> Result<()> {
        geometry.check_room(region)?;
        let header = Header::at(region)?;
        header.begin(geometry)?;
        let words = Words::over(region, geometry, Rules::attached(geometry)?)?;
        words.ring.begin_at(0);
        for word in [words.data_waiters, words.space_waiters, words.ring.orphaned] {
            word.store(0, RELAXED);
        }
        header.ready();
        Ok(())
    }

    fn attach_ref(region: RegionRef<'m>) -> Result<Self> {
        check(1, size_of::<T>(), align_of::<T>())?;
        let (words, geometry) = Words::attach(region)?;
        geometry.expect_element(size_of::<T>(), align_of::<T>())?;
        Ok(Self {
            region,
            geometry,
            ring: words.ring,
            data_waiters: words.data_waiters,
            space_waiters: words.space_waiters,
            of: PhantomData,
        })
    }
}

impl<'m, T: Pod> Channel<'m> for Mpmc<'m, T> {
    const KIND: Kind = Kind::Mpmc;
}

impl<'m, T: Pod> Mpmc<'m, T> {
    /// Slots of the ring.
    pub fn capacity(&self) -> u32 {
        self.geometry.capacity
    }

    /// What becomes of what the dead had taken.
    pub fn delivery(&self) -> Delivery {
        match self.ring.rules.again {
            true => Delivery::AtLeastOnce,
            false => Delivery::AtMostOnce,
        }
    }

    /// How others get past a slot whose owner has stopped.
    pub fn recovery(&self) -> Recovery {
        match self.ring.rules.revoke {
            true => Recovery::Revoke,
            false => Recovery::ProofOnly,
        }
    }

    /// The creator's number for the element type; 0 if none.
    pub fn type_tag(&self) -> u64 {
        self.geometry.type_tag
    }

    /// The ring, if its creator gave it this type tag.
    ///
    /// # Errors
    ///
    /// [`Error::Mismatch`], naming both tags.
    pub fn expect_tag(self, want: u64) -> Result<Self> {
        Geometry::expect(Field::TypeTag, want, self.type_tag())?;
        Ok(self)
    }

    /// An end that sends in the name of a peer of the ring's segment; there may be any number.
    ///
    /// # Errors
    ///
    /// [`Error::ForeignPeer`], [`Error::ReadOnly`], [`Error::Forked`].
    pub fn sender<'p>(&self, me: &'p Peer<'m>) -> Result<Sender<'p, T>> {
        self.send_as(Claimant::Peer(me), Silent)
    }

    /// An end that receives in the name of a peer of the ring's segment; there may be any number.
    ///
    /// # Errors
    ///
    /// As [`Mpmc::sender`].
    pub fn receiver<'p>(&self, me: &'p Peer<'m>) -> Result<Receiver<'p, T>> {
        self.receive_as(Claimant::Peer(me), Silent)
    }

    /// An end of a bare ring that sends, for any thread: all share one name, and of none is ever proven that it died.
    ///
    /// # Errors
    ///
    /// As [`Mpmc::sender`]; [`Error::ForeignPeer`] for a ring in a segment.
    pub fn bare_sender(&self) -> Result<Sender<'m, T>> {
        self.send_as(Claimant::Bare(&NoProof), Silent)
    }

    /// An end of a bare ring that receives, as [`Mpmc::bare_sender`].
    ///
    /// # Errors
    ///
    /// As [`Mpmc::bare_sender`].
    pub fn bare_receiver(&self) -> Result<Receiver<'m, T>> {
        self.receive_as(Claimant::Bare(&NoProof), Silent)
    }

    pub(crate) fn send_as<'p, W: Wake>(
        &self,
        who: Claimant<'p>,
        wake: W,
    ) -> Result<Sender<'p, T, W>>
    where
        'm: 'p,
    {
        let name = Name::of(who, self.region)?;
        let (mine, theirs) = (self.space_waiters, self.data_waiters);
        let party = Party::new(name, self.region, mine, theirs, wake);
        Ok(Sender::new(self.ring, party))
    }

    pub(crate) fn receive_as<'p, W: Wake>(
        &self,
        who: Claimant<'p>,
        wake: W,
    ) -> Result<Receiver<'p, T, W>>
    where
        'm: 'p,
    {
        let name = Name::of(who, self.region)?;
        let (mine, theirs) = (self.data_waiters, self.space_waiters);
        let party = Party::new(name, self.region, mine, theirs, wake);
        Ok(Receiver::new(self.ring, party))
    }
}

#[cfg(not(ringpad_loom))]
mod limits {
    use super::{Receiver, Sender};
    use static_assertions::{assert_impl_all, assert_not_impl_any};
    assert_impl_all!(Sender<'static, u64>: Send, Clone);
    assert_impl_all!(Receiver<'static, u64>: Send, Clone);
    assert_not_impl_any!(Sender<'static, u64>: Sync);
    assert_not_impl_any!(Receiver<'static, u64>: Sync);
}

#[cfg(all(test, not(ringpad_loom)))]
mod tests;
