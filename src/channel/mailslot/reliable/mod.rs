//! A mailslot whose subscribers lose nothing: each has a cursor, and the publisher stays within reach of all of them. Where nobody
//! subscribes, nothing is kept for anybody. What a subscriber took is not given again, to itself or to whoever takes its cursor over.
//!
//! # Shape
//!
//! ```text
//! header (128)
//! latest (128)    0 latest u32   4 limit u32     written by the publisher
//! control (128)   0 publisher claim   4 data waiters u32   8 space waiters u32   12 epoch u32
//! cursors         128 each: 0 subscriber claim   4 cursor { position u24, state 2 bits, generation 6 bits }
//! slots           as those of a mailslot
//! ```
//!
//! # Protocol
//!
//! ```text
//! publisher   s < limit: publish s as a mailslot does
//!             else: limit = s + lag; fence (GRANT); cursors (RECLAIM): limit = the least of them + lag
//!             one at s - lag: its owner is dead, or too slow by the stated policy: CAS -> EVICTED, without it; else Held
//! subscriber  join: claim a cursor; cursor = ACTIVE where it begins; fence (ENROL); at least limit - lag: CAS forward
//!             s as in a mailslot; every so often, and before it says Empty: CAS ACTIVE(before) -> ACTIVE(now) (RELEASE)
//!             that fails: evicted, and nobody else gets this cursor before it is given back, or its owner is proven dead
//! ```
//! Advancing is a CAS, because a plain store would undo an eviction. The two fences decide between a publisher that takes new
//! credit and a subscriber that joins: either it is seen, or it sees how far the publisher may go without looking.
//! A message that was copied while its subscriber was evicted is still checked by its stamp.
//!
//! # Progress guarantee
//!
//! `poll` is wait-free. `try_publish` is wait-free: at most four looks at each cursor, and as many questions about the life of each
//! that is too far behind (which may be system calls).
//!
//! # What a crash at each step leaves
//!
//! The publisher's as in a mailslot; its successor has no credit, and looks at the cursors first. A subscriber's: a cursor that names
//! the dead, which the publisher evicts once it is in the way, and the next subscriber takes over.
//!
//! # Example
//!
//! ```
//! use ringpad::{AlignedBytes, Channel, Region, mailslot::{Start, reliable::{Config, Delivery, Reliable}}};
//! let mut room = AlignedBytes::<4096>::new();
//! let slot = Reliable::<u64>::init(Region::from_mut(room.as_mut())?, &Config::new(4, 2))?;
//! let (mut publisher, mut subscriber) = slot.split()?;
//! for n in 0..4 { publisher.try_publish(&n).unwrap(); }
//! assert_eq!(publisher.try_publish(&4).unwrap_err().lag, 4); // somebody is four messages behind
//! assert_eq!(subscriber.poll(), Delivery::Mail { sequence: 1, value: 0 });
//! # Ok::<(), ringpad::Error>(())
//! ```
//!
//! Source: credits as in Firedancer's tango; the joiner's fence is Dekker's.

#![forbid(unsafe_code)]

mod credit;
mod cursor;
mod publisher;
mod subscriber;
mod terms;

use core::marker::PhantomData;
use core::mem::offset_of;

pub use self::credit::Held;
#[cfg(all(test, not(ringpad_loom)))]
pub(crate) use self::cursor::CursorShape;
use self::cursor::Cursors;
pub use self::publisher::{Publisher, Refused};
pub use self::subscriber::{Delivery, Subscriber};
use self::terms::Terms;
pub use self::terms::{Config, Slow};
use super::subscriber::Ear;
use super::{Start, Tail, TailShape};
use crate::channel::seat::{Claimant, Ends, Seat};
use crate::channel::stamp::{self, Content};
use crate::error::{Error, Field, Result};
use crate::memory::layout::Line;
use crate::memory::liveness::{Liveness, NoProof, Owner};
use crate::memory::order::RELAXED;
use crate::memory::racing::RacingSlots;
use crate::memory::region::RegionRef;
use crate::memory::sync::{Atomic, AtomicU32};
use crate::segment::doorbell::{Silent, Wake};
use crate::segment::header::{Geometry, Header, HeaderLine};
use crate::segment::join::Peer;
use crate::segment::kind::{Channel, Kind, Names, sealed::Sealed};
use crate::segment::reaped::Pass;

/// Where a reliable mailslot's words lie. Never made: a descriptor for offsets.
#[repr(C)]
pub(crate) struct ReliableShape {
    pub(crate) header: HeaderLine,
    pub(crate) latest: Line<TailShape>,
    pub(crate) control: Line<ReliableControl>,
}

/// The rarely written words.
#[repr(C)]
pub(crate) struct ReliableControl {
    pub(crate) publisher: Atomic<Owner>,
    pub(crate) data_waiters: AtomicU32,
    pub(crate) space_waiters: AtomicU32,
    pub(crate) epoch: AtomicU32,
}

const LATEST: usize = offset_of!(ReliableShape, latest);
const CONTROL: usize = offset_of!(ReliableShape, control);
const EPOCH: usize = CONTROL + offset_of!(ReliableControl, epoch);
const CURSORS: usize = size_of::<ReliableShape>();

/// The words that name peers, besides the cursors.
const NAMES: Names = Names {
    ends: &[CONTROL + offset_of!(ReliableControl, publisher)],
    waiters: &[
        CONTROL + offset_of!(ReliableControl, data_waiters),
        CONTROL + offset_of!(ReliableControl, space_waiters),
    ],
};

/// Gives back what the dead held of the reliable mailslot in this region. A dead subscriber's cursor counts no more.
pub(crate) fn reap(region: RegionRef<'_>, pass: &mut Pass<'_>) -> Result<()> {
    let geometry = Header::at(region)?.attach(Kind::Reliable)?;
    let cursors = Cursors::at(region, CURSORS, Terms::attached(&geometry)?.subscribers)?;
    let freed = cursors.each().filter(|cursor| cursor.reap(pass)).count();
    if freed > 0 {
        pass.wake(region.word(CONTROL + offset_of!(ReliableControl, space_waiters))?);
    }
    pass.ends(region, NAMES)
}

/// A reliable mailslot laid out in a region: a handle from which its publisher and its subscribers are claimed.
#[derive(Debug)]
pub struct Reliable<'m, T: ?Sized> {
    region: RegionRef<'m>,
    geometry: Geometry,
    terms: Terms,
    tail: Tail<'m>,
    limit: &'m AtomicU32,
    publisher: &'m Atomic<Owner>,
    data_waiters: &'m AtomicU32,
    space_waiters: &'m AtomicU32,
    cursors: Cursors<'m>,
    slots: RacingSlots<'m>,
    of: PhantomData<fn(&T)>,
}

impl<'m, T: Content + ?Sized> Sealed<'m> for Reliable<'m, T> {
    type Config = Config;

    fn geometry(config: &Config) -> Result<Geometry> {
        let terms = Terms::of(config)?;
        terms.shape(config).geometry::<T>(config.most_bytes)
    }

    fn init_ref(region: RegionRef<'_>, geometry: &Geometry) -> Result<()> {
        geometry.check_room(region)?;
        let terms = Terms::attached(geometry)?;
        let header = Header::at(region)?;
        header.begin(geometry)?;
        Tail::at(region, LATEST, EPOCH)?.clear();
        region
            .word(LATEST + offset_of!(TailShape, limit))?
            .store(0, RELAXED);
        let publisher: &Atomic<Owner> =
            region.typed(CONTROL + offset_of!(ReliableControl, publisher))?;
        publisher.store(Owner::FREE, RELAXED);
        for field in [
            offset_of!(ReliableControl, data_waiters),
            offset_of!(ReliableControl, space_waiters),
        ] {
            region.word(CONTROL + field)?.store(0, RELAXED);
        }
        Cursors::at(region, CURSORS, terms.subscribers)?.clear();
        let config = Config::new(geometry.capacity, terms.subscribers);
        stamp::clear(region, geometry, &terms.shape(&config))?;
        header.ready();
        Ok(())
    }

    fn attach_ref(region: RegionRef<'m>) -> Result<Self> {
        let geometry = Header::at(region)?.attach(Kind::Reliable)?;
        let terms = Terms::attached(&geometry)?;
        let config = Config::new(geometry.capacity, terms.subscribers);
        Ok(Self {
            region,
            geometry,
            terms,
            tail: Tail::at(region, LATEST, EPOCH)?,
            limit: region.word(LATEST + offset_of!(TailShape, limit))?,
            publisher: region.typed(CONTROL + offset_of!(ReliableControl, publisher))?,
            data_waiters: region.word(CONTROL + offset_of!(ReliableControl, data_waiters))?,
            space_waiters: region.word(CONTROL + offset_of!(ReliableControl, space_waiters))?,
            cursors: Cursors::at(region, CURSORS, terms.subscribers)?,
            slots: stamp::slots::<T>(region, &geometry, &terms.shape(&config))?,
            of: PhantomData,
        })
    }
}

impl<'m, T: Content + ?Sized> Channel<'m> for Reliable<'m, T> {
    const KIND: Kind = Kind::Reliable;
}

impl<'m, T: Content + ?Sized> Reliable<'m, T> {
    /// Slots.
    pub fn capacity(&self) -> u32 {
        self.geometry.capacity
    }

    /// Bytes of a message: of a `[u8]` the most it may have.
    pub fn most_bytes(&self) -> u32 {
        self.geometry.element_bytes
    }

    /// Cursors: how many may subscribe at once.
    pub fn subscribers(&self) -> u32 {
        self.terms.subscribers
    }

    /// Messages that a subscriber may be behind.
    pub fn lag(&self) -> u32 {
        self.terms.lag
    }

    /// What happens to one that is further behind.
    pub fn slow(&self) -> Slow {
        self.terms.slow
    }

    /// The creator's number for the message's type; 0 if none.
    pub fn type_tag(&self) -> u64 {
        self.geometry.type_tag
    }

    /// The mailslot, if its creator gave it this type tag.
    ///
    /// # Errors
    ///
    /// [`Error::Mismatch`], naming both tags.
    pub fn expect_tag(self, want: u64) -> Result<Self> {
        Geometry::expect(Field::TypeTag, want, self.type_tag())?;
        Ok(self)
    }

    /// Claims the publisher's end in the name of a peer of the mailslot's segment; as that of a [mailslot](super::Mailslot::publisher).
    ///
    /// # Errors
    ///
    /// [`Error::EndpointTaken`], [`Error::ForeignPeer`], [`Error::ReadOnly`], [`Error::Corrupt`], [`Error::Forked`], [`Error::Busy`].
    pub fn publisher<'p>(&self, me: &'p Peer<'m>) -> Result<Publisher<'p, T>> {
        self.publish_as(Claimant::Peer(me), Silent)
    }

    /// Claims a cursor in the name of a peer: from now on the publisher stays within its reach. A peer may have several.
    ///
    /// It begins where `start` says, or later: with the first message that the publisher would not overwrite without looking.
    ///
    /// # Errors
    ///
    /// [`Error::SubscribersFull`], and as [`Reliable::publisher`].
    pub fn subscriber<'p>(&self, me: &'p Peer<'m>, start: Start) -> Result<Subscriber<'p, T>> {
        self.subscribe_as(start, Claimant::Peer(me), Silent)
    }

    /// Listens as to a lossy mailslot: nobody waits for an observer, and it needs no row and no write access to the region.
    pub fn observer(&self, start: Start) -> super::Subscriber<'m, T> {
        self.observer_with(start, ())
    }

    /// Claims the publisher's end of a bare mailslot and one cursor: for two threads, or a core and its interrupt.
    ///
    /// # Errors
    ///
    /// As [`Reliable::subscriber`]; [`Error::ForeignPeer`] for a mailslot in a segment.
    pub fn split(self) -> Result<(Publisher<'m, T>, Subscriber<'m, T>)> {
        let subscriber = self.bare_subscriber(Start::Oldest, &NoProof)?;
        Ok((self.bare_publisher(&NoProof)?, subscriber))
    }

    /// Claims the publisher's end of a bare mailslot. `proof` may show an earlier holder dead
    /// ([`Evicted`](crate::Evicted), with [`PeerId::BARE`](crate::PeerId::BARE)).
    ///
    /// # Errors
    ///
    /// As [`Reliable::split`].
    pub fn bare_publisher(&self, proof: &'m dyn Liveness) -> Result<Publisher<'m, T>> {
        self.publish_as(Claimant::Bare(proof), Silent)
    }

    /// Claims a cursor of a bare mailslot; `proof` as in [`Reliable::bare_publisher`].
    ///
    /// # Errors
    ///
    /// As [`Reliable::split`].
    pub fn bare_subscriber(
        &self,
        start: Start,
        proof: &'m dyn Liveness,
    ) -> Result<Subscriber<'m, T>> {
        self.subscribe_as(start, Claimant::Bare(proof), Silent)
    }

    pub(crate) fn publish_as<'p, W: Wake>(
        &self,
        who: Claimant<'p>,
        wake: W,
    ) -> Result<Publisher<'p, T, W>>
    where
        'm: 'p,
    {
        let ends = Ends {
            claim: self.publisher,
            other: self.publisher,
            mine: self.space_waiters,
            theirs: self.data_waiters,
        };
        let seat = Seat::take(self.region, ends, who, wake)?;
        Ok(Publisher::new(self, seat))
    }

    pub(crate) fn subscribe_as<'p, W: Wake>(
        &self,
        start: Start,
        who: Claimant<'p>,
        wake: W,
    ) -> Result<Subscriber<'p, T, W>>
    where
        'm: 'p,
    {
        let ends = self.cursors.each().map(|cursor| Ends {
            claim: cursor.owner,
            other: self.publisher,
            mine: self.data_waiters,
            theirs: self.space_waiters,
        });
        let (index, seat) = Seat::take_any(self.region, ends, who, wake)?;
        let cursor = self.cursors.each().nth(index).ok_or(Error::Busy)?;
        Subscriber::new(self, cursor, start, seat)
    }

    /// An observer that keeps something alive.
    pub(crate) fn observer_with<K: crate::memory::maintenance::Upkeep>(
        &self,
        start: Start,
        keep: K,
    ) -> super::Subscriber<'m, T, K> {
        super::Subscriber::over(
            Ear::new(self.tail, self.slots, start, &()),
            self.publisher,
            self.data_waiters,
            self.region.home(),
            keep,
        )
    }
}

#[cfg(not(ringpad_loom))]
mod limits {
    use super::{Publisher, Subscriber};
    use static_assertions::{assert_impl_all, assert_not_impl_any};
    assert_impl_all!(Publisher<'static, [u8]>: Send);
    assert_impl_all!(Subscriber<'static, [u8]>: Send);
    assert_not_impl_any!(Publisher<'static, u64>: Sync, Clone);
    assert_not_impl_any!(Subscriber<'static, u64>: Sync, Clone);
}

#[cfg(all(test, not(ringpad_loom)))]
mod tests;
