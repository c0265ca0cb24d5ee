//! A mailslot: one publisher shouts, and everyone who listens hears. The publisher never waits and never looks at subscribers.
//!
//! # Shape
//!
//! ```text
//! header (128)
//! latest (128)    0 latest u32      low 32 bits of the newest sequence number     written by the publisher
//! control (128)   0 publisher claim   4 waiters u32
//!                 8 epoch u32       sequence number / 2^29                        written by the publisher
//! slots           a power of two from 2, close together: see the stamped slots
//! ```
//! Compact: header (80), latest (16), control (16), slots.
//! Messages are numbered from 1, in 61 bits. A stamp has the low 31 of them, which a fast publisher goes through in a minute; the
//! epoch tells a subscriber that was stopped for longer.
//!
//! # Protocol
//!
//! ```text
//! publisher   s = latest + 1; a multiple of 2^29: epoch = s / 2^29
//!             slot s: stamp 2s + 1; fence (OPEN); words; stamp 2s (CLOSE) = the commit; latest = s (PUBLISH)
//! subscriber  next s, privately; slot s: stamp; fence (ARRIVE); the epoch more than one ahead: lapped
//!             older, or 2s + 1: Empty; 2s: words; fence (VALIDATE); stamp still 2s: Mail; else, or newer: lapped
//! ```
//! A lapped subscriber goes on a quarter of the ring behind the oldest message still there, so that it is not lapped again
//! at once, and says how many it lost: exactly.
//!
//! # Progress guarantee
//!
//! Both sides wait-free, without read-modify-write instructions; a publish executes the same instructions however many listen. No call
//! makes a system call, unless a [`Ringer`](crate::Ringer) finds a sleeper.
//!
//! # What a crash at each step leaves
//!
//! Publisher killed before CLOSE: nothing; its successor gives the same number to its own message. After it: the message is delivered, and
//! the successor goes on behind it. Subscribers leave nothing.
//!
//! A subscriber stopped between two loads of one copy for exactly a multiple of 2^31 messages would take what it copied for whole.
//!
//! # Example
//!
//! ```
//! use ringpad::{AlignedBytes, Channel, Region, mailslot::{Config, Mailslot, Next, Start}};
//! let mut room = AlignedBytes::<1024>::new();
//! let slot = Mailslot::<u64>::init(Region::from_mut(room.as_mut())?, &Config::new(8))?;
//! let mut subscriber = slot.subscriber(Start::Oldest);
//! let mut publisher = slot.bare_publisher(&ringpad::NoProof)?;
//! assert_eq!(subscriber.poll(), Next::Empty);
//! publisher.publish(&7);
//! assert_eq!(subscriber.poll(), Next::Mail { sequence: 1, value: 7 });
//! (0..20).for_each(|n| _ = publisher.publish(&n)); // more than there are slots
//! let Next::Lapped { lost } = subscriber.poll() else { panic!() };
//! assert_eq!(subscriber.poll(), Next::Mail { sequence: 2 + lost, value: lost });
//! # Ok::<(), ringpad::Error>(())
//! ```
//!
//! Source: Firedancer's tango (sequence-stamped broadcast); the fences as in the stamped slots.

#![forbid(unsafe_code)]

#[cfg(target_has_atomic = "32")]
mod claimed;
mod draft;
mod maintained;
mod publisher;
#[cfg(target_has_atomic = "32")]
pub mod reliable;
mod subscriber;
mod tail;

use core::marker::PhantomData;
use core::mem::offset_of;

pub use self::draft::Draft;
pub use self::publisher::Publisher;
pub use self::subscriber::{Next, Start, Subscriber};
pub(crate) use self::tail::{Tail, TailShape};
use crate::channel::seat::{Claimant, Ends, Seat};
use crate::channel::stamp::{self, Content, Shape};
pub use crate::channel::stamp::{Glance, TooLong};
#[cfg(doc)]
use crate::error::Error;
use crate::error::{Field, Result};
use crate::memory::layout::{Line, Spacing, Tight};
use crate::memory::liveness::{Owner, Sole};
use crate::memory::maintenance::Upkeep;
use crate::memory::order::RELAXED;
use crate::memory::racing::RacingSlots;
use crate::memory::region::RegionRef;
use crate::memory::sync::{Atomic, AtomicU32};
use crate::segment::header::{Geometry, Header, HeaderLine, HeaderTight};
use crate::segment::kind::{Channel, Kind, Names, sealed::Sealed};
use crate::segment::wake::{Silent, Wake};

/// Where a mailslot's words lie. Never made: a descriptor for offsets.
#[repr(C)]
pub(crate) struct MailslotOf<H, L, C> {
    pub(crate) header: H,
    pub(crate) latest: L,
    pub(crate) control: C,
}

pub(crate) type MailslotShape = MailslotOf<HeaderLine, Line<TailShape>, Line<MailslotControl>>;
pub(crate) type MailslotCompact = MailslotOf<HeaderTight, Tight<TailShape>, Tight<MailslotControl>>;

/// The rarely written words.
#[repr(C)]
pub(crate) struct MailslotControl {
    pub(crate) publisher: Atomic<Owner>,
    pub(crate) waiters: AtomicU32,
    pub(crate) epoch: AtomicU32,
}

/// Where the parts of a mailslot begin, and the words in it that name peers.
#[derive(Clone, Copy)]
struct Places {
    latest: usize,
    control: usize,
    slots: usize,
    names: Names,
}

impl Places {
    fn tail<'m>(&self, region: RegionRef<'m>) -> Result<Tail<'m>> {
        let epoch = self.control + offset_of!(MailslotControl, epoch);
        Tail::at(region, self.latest, epoch)
    }
}

impl<H, L, C> MailslotOf<H, L, C> {
    const CONTROL: usize = offset_of!(Self, control);
    const PLACES: Places = Places {
        latest: offset_of!(Self, latest),
        control: Self::CONTROL,
        slots: size_of::<Self>(),
        names: Names {
            ends: &[Self::CONTROL + offset_of!(MailslotControl, publisher)],
            waiters: &[Self::CONTROL + offset_of!(MailslotControl, waiters)],
        },
    };
}

const fn places(spacing: Spacing) -> Places {
    match spacing {
        Spacing::Lines => MailslotShape::PLACES,
        Spacing::Compact => MailslotCompact::PLACES,
    }
}

/// The words that name peers.
pub(crate) const fn names(spacing: Spacing) -> Names {
    places(spacing).names
}

/// What the creator of a mailslot decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// Slots: a power of two, 2 to 2^24. A subscriber may fall behind by as many messages, less one, before it loses any.
    pub capacity: u32,
    /// Most bytes of a `[u8]`; of no meaning for other messages.
    pub most_bytes: u32,
    /// The user's own number for the message's type, compared by [`Mailslot::expect_tag`] and by plans; 0 if none.
    pub type_tag: u64,
    /// How far apart the words of different writers lie: of no meaning for what they do. See [`Spacing`] for what the compact one costs.
    pub spacing: Spacing,
}

impl Config {
    /// `capacity` slots for messages of one type, no type tag.
    pub const fn new(capacity: u32) -> Self {
        Self {
            capacity,
            most_bytes: 0,
            type_tag: 0,
            spacing: Spacing::Lines,
        }
    }

    /// `capacity` slots for `[u8]` of up to `most_bytes` bytes.
    pub const fn bytes(capacity: u32, most_bytes: u32) -> Self {
        let mut config = Self::new(capacity);
        config.most_bytes = most_bytes;
        config
    }

    /// With the user's own number for the message's type.
    pub const fn tagged(mut self, type_tag: u64) -> Self {
        self.type_tag = type_tag;
        self
    }

    /// Compact, for microcontrollers: 112 bytes and the slots, where 384 and the slots are usual. See [`Spacing::Compact`] for what it costs elsewhere.
    pub const fn compact(mut self) -> Self {
        self.spacing = Spacing::Compact;
        self
    }

    /// What is the same of every mailslot of this spacing.
    const fn spaced(spacing: Spacing) -> Self {
        let mut config = Self::new(2);
        config.spacing = spacing;
        config
    }
}

/// A mailslot laid out in a region: a handle from which its publisher is claimed and subscribers are made.
#[derive(Debug)]
pub struct Mailslot<'m, T: ?Sized> {
    region: RegionRef<'m>,
    geometry: Geometry,
    tail: Tail<'m>,
    publisher: &'m Atomic<Owner>,
    waiters: &'m AtomicU32,
    slots: RacingSlots<'m>,
    of: PhantomData<fn(&T)>,
}

fn shape(config: &Config) -> Shape {
    Shape {
        kind: Kind::Mailslot,
        slots: config.capacity,
        least: 2,
        fixed: places(config.spacing).slots,
        unit: 8,
        type_tag: config.type_tag,
        spacing: config.spacing,
        framing: 0,
    }
}

impl<'m, T: Content + ?Sized> Sealed<'m> for Mailslot<'m, T> {
    type Config = Config;

    fn geometry(config: &Config) -> Result<Geometry> {
        shape(config).geometry::<T>(config.most_bytes)
    }

    fn init_ref(region: RegionRef<'_>, geometry: &Geometry) -> Result<()> {
        geometry.check_room(region)?;
        let header = Header::at(region)?;
        header.begin(geometry)?;
        let places = places(geometry.spacing);
        places.tail(region)?.clear();
        let publisher: &Atomic<Owner> =
            region.typed(places.control + offset_of!(MailslotControl, publisher))?;
        publisher.store(Owner::FIRST, RELAXED);
        let waiters = region.word(places.control + offset_of!(MailslotControl, waiters))?;
        waiters.store(0, RELAXED);
        stamp::clear(region, geometry, &shape(&Config::spaced(geometry.spacing)))?;
        header.ready();
        Ok(())
    }

    fn attach_ref(region: RegionRef<'m>) -> Result<Self> {
        let geometry = Header::at(region)?.attach(Kind::Mailslot)?;
        let (like, places) = (Config::spaced(geometry.spacing), places(geometry.spacing));
        // First: it finds out whether the header tells the truth about where things lie.
        let slots = stamp::slots::<T>(region, &geometry, &shape(&like))?;
        Ok(Self {
            region,
            geometry,
            tail: places.tail(region)?,
            publisher: region.typed(places.control + offset_of!(MailslotControl, publisher))?,
            waiters: region.word(places.control + offset_of!(MailslotControl, waiters))?,
            slots,
            of: PhantomData,
        })
    }
}

impl<'m, T: Content + ?Sized> Channel<'m> for Mailslot<'m, T> {
    const KIND: Kind = Kind::Mailslot;
}

impl<'m, T: Content + ?Sized> Mailslot<'m, T> {
    /// Slots.
    pub fn capacity(&self) -> u32 {
        self.geometry.capacity
    }

    /// Bytes of a message: of a `[u8]` the most it may have.
    pub fn most_bytes(&self) -> u32 {
        self.geometry.element_bytes
    }

    /// How far apart the words of different writers lie, as its creator chose.
    pub fn spacing(&self) -> Spacing {
        self.geometry.spacing
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

    /// A subscriber: as many as one likes. It needs no row, and no write access to the region.
    pub fn subscriber(&self, start: Start) -> Subscriber<'m, T> {
        self.subscriber_with(start, ())
    }

    /// Claims the publisher's end of a bare mailslot, and makes a subscriber: for two threads, or a core and its interrupt.
    ///
    /// # Errors
    ///
    /// As [`Mailslot::publisher`]; [`Error::ForeignPeer`] for a mailslot in a segment.
    pub fn split(self) -> Result<(Publisher<'m, T>, Subscriber<'m, T>)> {
        let who = Claimant::splitting(self.region)?;
        let publisher = self.publish_as(who, Silent)?;
        Ok((publisher, self.subscriber(Start::Oldest)))
    }

    /// The publisher's end of a bare mailslot for good, and a subscriber: nobody ever claims the end, on any machine, and it is not
    /// given back.
    ///
    /// The only way without compare-and-swap, where the maker's handle alone can do it; elsewhere it claims the end.
    ///
    /// # Errors
    ///
    /// [`Error::EndpointTaken`], [`Error::ForeignPeer`] for a mailslot in a segment, [`Error::ReadOnly`], [`Error::Corrupt`].
    pub fn split_static(self) -> Result<(Publisher<'m, T>, Subscriber<'m, T>)> {
        let who = Claimant::of_all(self.region, &[self.publisher])?;
        let publisher = self.publish_as(who, Silent)?;
        Ok((publisher, self.subscriber(Start::Oldest)))
    }

    /// The publisher's end of a mailslot that was split for good, for another core or context, or after a restart: it goes on behind the
    /// last message that the one before completed.
    ///
    /// # Errors
    ///
    /// [`Error::Mismatch`] if the mailslot was not split for good.
    pub fn static_publisher(&self, sole: Sole) -> Result<Publisher<'m, T>> {
        self.publish_as(Claimant::sole(sole), Silent)
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
            mine: self.waiters,
            theirs: self.waiters,
        };
        let seat = Seat::take(self.region, ends, who, wake)?;
        Ok(Publisher::new(self.tail, self.slots, seat))
    }

    /// A subscriber that keeps something alive.
    pub(crate) fn subscriber_with<K: Upkeep>(&self, start: Start, keep: K) -> Subscriber<'m, T, K> {
        Subscriber::new(self, start, keep)
    }
}

#[cfg(not(ringpad_loom))]
mod limits {
    use super::{Publisher, Subscriber};
    use static_assertions::{assert_impl_all, assert_not_impl_any};
    assert_impl_all!(Publisher<'static, u64>: Send);
    assert_impl_all!(Publisher<'static, [u8]>: Send);
    assert_impl_all!(Subscriber<'static, [u8]>: Send, Clone);
    assert_not_impl_any!(Publisher<'static, u64>: Sync, Clone);
}

#[cfg(all(test, not(ringpad_loom)))]
mod tests;
