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

use core::marker::PhantomData;
use core::mem::offset_of;

pub use self::credit::Held;
pub(crate) use self::cursor::CursorShape;
use self::cursor::{Cursors, POSITIONS};
pub use self::publisher::{Publisher, Refused};
pub use self::subscriber::{Delivery, Subscriber};
use super::subscriber::Ear;
use super::{Start, Tail, TailShape};
use crate::channel::seat::{Claimant, Ends, Seat};
use crate::channel::stamp::{self, Content, Shape};
use crate::error::{Error, Field, Result};
use crate::memory::layout::Line;
use crate::memory::liveness::{Liveness, NoProof, Owner, PeerId};
use crate::memory::order::RELAXED;
use crate::memory::racing::RacingSlots;
use crate::memory::region::RegionRef;
use crate::memory::sync::{Atomic, AtomicU32};
use crate::segment::doorbell::{Silent, Wake};
use crate::segment::header::{Geometry, Header, HeaderLine};
use crate::segment::join::Peer;
use crate::segment::kind::{Channel, Kind, sealed::Sealed};

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

/// Most slots: a cursor knows 24 bits of its position.
const MOST_SLOTS: u32 = POSITIONS / 4;

/// What the publisher does about a subscriber that is `lag` messages behind. One whose owner is proven dead is evicted then, either way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slow {
    /// It says who holds it up, and publishes nothing: it may wait, or [evict](Publisher::evict).
    Wait,
    /// It evicts the subscriber, which hears so as [`Delivery::Evicted`] says, and publishes.
    Evict,
}

/// What the creator of a reliable mailslot decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// Slots: a power of two, 2 to 2^22.
    pub capacity: u32,
    /// Most bytes of a `[u8]`; of no meaning for other messages.
    pub most_bytes: u32,
    /// Cursors, 1 to 32: how many may subscribe at once. Observers need none.
    pub subscribers: u32,
    /// Messages that a subscriber may be behind, by what it told: 1 to `capacity`. It tells of every fourth part of this, so one that has taken
    /// up to a quarter more counts as behind nevertheless.
    pub lag: u32,
    /// What happens to one that is further behind.
    pub slow: Slow,
    /// The user's own number for the message's type, compared by [`Reliable::expect_tag`] and by plans; 0 if none.
    pub type_tag: u64,
}

impl Config {
    /// `capacity` slots for messages of one type, cursors for `subscribers`, who may be `capacity` behind and are waited for.
    pub const fn new(capacity: u32, subscribers: u32) -> Self {
        Self {
            capacity,
            most_bytes: 0,
            subscribers,
            lag: capacity,
            slow: Slow::Wait,
            type_tag: 0,
        }
    }

    /// The same for `[u8]` of up to `most_bytes` bytes.
    pub const fn bytes(capacity: u32, most_bytes: u32, subscribers: u32) -> Self {
        let mut config = Self::new(capacity, subscribers);
        config.most_bytes = most_bytes;
        config
    }

    /// With another lag budget.
    pub const fn lag(mut self, lag: u32) -> Self {
        self.lag = lag;
        self
    }

    /// With another policy towards the slow.
    pub const fn slow(mut self, slow: Slow) -> Self {
        self.slow = slow;
        self
    }

    /// With the user's own number for the message's type.
    pub const fn tagged(mut self, type_tag: u64) -> Self {
        self.type_tag = type_tag;
        self
    }
}

/// What the header's framing word says besides whether messages are bytes (bit 0): bit 1 evicts, bits 2-7 subscribers, 8-31 lag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Terms {
    pub(super) lag: u32,
    pub(super) subscribers: u32,
    pub(super) slow: Slow,
}

impl Terms {
    fn of(config: &Config) -> Result<Self> {
        let bad = |field, found: u32, want| Error::BadConfig {
            field,
            found: found.into(),
            want,
        };
        if config.capacity > MOST_SLOTS {
            let want = "a power of two from 2 to 2^22";
            return Err(bad(Field::Capacity, config.capacity, want));
        }
        if config.subscribers == 0 || config.subscribers > PeerId::MOST {
            let want = "1 to 32 subscribers";
            return Err(bad(Field::Subscribers, config.subscribers, want));
        }
        if config.lag == 0 || config.lag > config.capacity {
            let want = "a lag of 1 to the capacity";
            return Err(bad(Field::Lag, config.lag, want));
        }
        Ok(Self {
            lag: config.lag,
            subscribers: config.subscribers,
            slow: config.slow,
        })
    }

    const fn framing(self) -> u32 {
        let evicts = matches!(self.slow, Slow::Evict) as u32;
        self.lag << 8 | self.subscribers << 2 | evicts << 1
    }

    /// The terms of an attached header, checked as those of a new one.
    fn attached(geometry: &Geometry) -> Result<Self> {
        let slow = if geometry.framing & 2 == 0 {
            Slow::Wait
        } else {
            Slow::Evict
        };
        Self::of(&Config {
            lag: geometry.framing >> 8,
            slow,
            ..Config::new(geometry.capacity, geometry.framing >> 2 & 63)
        })
    }

    fn shape(self, config: &Config) -> Shape {
        Shape {
            kind: Kind::Reliable,
            slots: config.capacity,
            least: 2,
            fixed: CURSORS + self.subscribers as usize * size_of::<Line<CursorShape>>(),
            unit: 8,
            type_tag: config.type_tag,
            framing: self.framing(),
        }
    }
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
    /// ([`Evicted`](crate::Evicted), with [`PeerId::BARE`]).
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
    pub(crate) fn observer_with<K>(&self, start: Start, keep: K) -> super::Subscriber<'m, T, K> {
        super::Subscriber::over(
            Ear::new(self.tail, self.slots, start),
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
