//! A typed ring of one producer and one consumer.
//!
//! # Shape
//!
//! A position pair (header, tail, head, control: 512 bytes; 128 if compact), then `capacity` slots of `size_of::<T>()` bytes.
//!
//! # Protocol
//!
//! That of the position pair: write the slot, then PUBLISH; OBSERVE, read the slot, then RELEASE.
//! [`Producer::stage`] and [`Consumer::take`] defer the second half, [`Producer::publish`] and
//! [`Consumer::acknowledge`] do it for the whole batch.
//!
//! # Progress guarantee
//!
//! Every call is wait-free and makes no system call, unless a [`Ringer`](crate::Ringer) finds a sleeper.
//!
//! # What a crash at each step leaves
//!
//! Producer killed before its publish: the staged items never were. Consumer killed before its
//! acknowledgement: its successor gets the items again; [`Consumer::position`] tells them apart.
//!
//! # Example
//!
//! ```
//! use ringpad::{AlignedBytes, Channel, Region, spsc::{Config, Spsc}};
//! let mut room = AlignedBytes::<1024>::new();
//! let ring = Spsc::<u32>::init(Region::from_mut(room.as_mut())?, &Config::new(8))?;
//! let (mut tx, mut rx) = ring.split()?;
//! std::thread::scope(|s| {
//!     s.spawn(move || (0..100).for_each(|n| while tx.push(n).is_err() { std::thread::yield_now() }));
//!     let mut next = 0;
//!     while next < 100 {
//!         if let Some(n) = rx.pop() { assert_eq!(n, next); next += 1 } else { std::thread::yield_now() }
//!     }
//! });
//! # Ok::<(), ringpad::Error>(())
//! ```

#![forbid(unsafe_code)]

#[cfg(target_has_atomic = "32")]
mod claimed;
mod consumer;
mod maintained;
mod producer;

use core::marker::PhantomData;

pub use self::consumer::Consumer;
pub use self::producer::Producer;
use crate::channel::cursor::{self, Pair, Slots};
use crate::channel::seat::Claimant;
use crate::error::{Error, Field, Result};
use crate::memory::Pod;
use crate::memory::layout::Spacing;
use crate::memory::liveness::Sole;
use crate::memory::region::RegionRef;
use crate::segment::header::Geometry;
use crate::segment::kind::{Channel, Kind, sealed::Sealed};
use crate::segment::wake::{Silent, Wake};

/// What the creator of a ring decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// Slots: a power of two, at most 2^30.
    pub capacity: u32,
    /// The user's own number for `T`, compared by [`Spsc::expect_tag`] and by plans; 0 if none.
    pub type_tag: u64,
    /// How far apart the words of both ends lie: of no meaning for what they do. See [`Spacing`] for what the compact one costs.
    pub spacing: Spacing,
}

impl Config {
    /// `capacity` slots, no type tag.
    pub const fn new(capacity: u32) -> Self {
        Self {
            capacity,
            type_tag: 0,
            spacing: Spacing::Lines,
        }
    }

    /// With the user's own number for the element type.
    pub const fn tagged(mut self, type_tag: u64) -> Self {
        self.type_tag = type_tag;
        self
    }

    /// Compact, for microcontrollers: 128 bytes and the slots, where 512 and the slots are usual. See [`Spacing::Compact`] for what it costs elsewhere.
    pub const fn compact(mut self) -> Self {
        self.spacing = Spacing::Compact;
        self
    }
}

/// Size and alignment of the element, if slots can hold it: checked by whoever attaches too, since a slot is
/// aligned only as far as its line.
fn check_element<T>(spacing: Spacing) -> Result<(usize, usize)> {
    let bad = |field, found: usize, want| Error::BadConfig {
        field,
        found: found as u64,
        want,
    };
    let (bytes, align) = (size_of::<T>(), align_of::<T>());
    if bytes == 0 || bytes > 1 << 24 {
        let want = "an element of 1 byte to 16 MiB";
        return Err(bad(Field::ElementBytes, bytes, want));
    }
    if align > spacing.line_bytes() {
        let want = match spacing {
            Spacing::Lines => "an alignment of at most 128",
            Spacing::Compact => "an alignment of at most 16, the ring being compact",
        };
        return Err(bad(Field::ElementAlign, align, want));
    }
    Ok((bytes, align))
}

/// A typed ring laid out in a region: a handle from which its two ends are claimed.
#[derive(Debug)]
pub struct Spsc<'m, T> {
    pair: Pair<'m>,
    of: PhantomData<fn(T) -> T>,
}

impl<'m, T: Pod> Sealed<'m> for Spsc<'m, T> {
    type Config = Config;

    fn geometry(config: &Config) -> Result<Geometry> {
        let (bytes, align) = check_element::<T>(config.spacing)?;
        Ok(Geometry {
            kind: Self::KIND,
            capacity: config.capacity,
            element_bytes: bytes as u32,
            element_align: align as u32,
            type_tag: config.type_tag,
            framing: 0,
            spacing: config.spacing,
            span_bytes: cursor::span_bytes(config.spacing, config.capacity, bytes, bytes)?,
        })
    }

    fn init_ref(region: RegionRef<'_>, geometry: &Geometry) -> Result<()> {
        Pair::init(region, geometry)
    }

    fn attach_ref(region: RegionRef<'m>) -> Result<Self> {
        let pair = Pair::attach(region, Self::KIND, size_of::<T>())?;
        check_element::<T>(pair.geometry.spacing)?;
        pair.geometry
            .expect_element(size_of::<T>(), align_of::<T>())?;
        Ok(Self {
            pair,
            of: PhantomData,
        })
    }
}

impl<'m, T: Pod> Channel<'m> for Spsc<'m, T> {
    const KIND: Kind = Kind::Spsc;
}

impl<'m, T: Pod> Spsc<'m, T> {
    /// Slots of the ring.
    pub fn capacity(&self) -> u32 {
        self.pair.geometry.capacity
    }

    /// How far apart the words of different writers lie, as its creator chose.
    pub fn spacing(&self) -> Spacing {
        self.pair.geometry.spacing
    }

    /// The creator's number for the element type; 0 if none.
    pub fn type_tag(&self) -> u64 {
        self.pair.geometry.type_tag
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

    /// Claims both ends of a bare ring: for two threads, or a core and its interrupt.
    ///
    /// # Errors
    ///
    /// As [`Spsc::producer`]; [`Error::ForeignPeer`] for a ring in a segment.
    pub fn split(self) -> Result<(Producer<'m, T>, Consumer<'m, T>)> {
        let who = Claimant::splitting(self.pair.region())?;
        Ok((self.produce_as(who, Silent)?, self.consume_as(who, Silent)?))
    }

    /// Both ends of a bare ring for good: nobody ever claims one, on any machine, and none is given back.
    ///
    /// The only way without compare-and-swap, where the maker's handle alone can do it; elsewhere it claims both.
    ///
    /// # Errors
    ///
    /// [`Error::EndpointTaken`], [`Error::ForeignPeer`] for a ring in a segment, [`Error::ReadOnly`], [`Error::Corrupt`].
    pub fn split_static(self) -> Result<(Producer<'m, T>, Consumer<'m, T>)> {
        let who = Claimant::of_all(self.pair.region(), &self.pair.claims())?;
        Ok((self.produce_as(who, Silent)?, self.consume_as(who, Silent)?))
    }

    /// The producer's end of a ring that was split for good, for another core or context, or after a restart: it goes on where the one
    /// before committed last.
    ///
    /// # Errors
    ///
    /// [`Error::Mismatch`] if the ring was not split for good; [`Error::Corrupt`].
    pub fn static_producer(&self, sole: Sole) -> Result<Producer<'m, T>> {
        self.produce_as(Claimant::sole(sole), Silent)
    }

    /// The consumer's end of a ring that was split for good; as [`Spsc::static_producer`].
    ///
    /// # Errors
    ///
    /// As [`Spsc::static_producer`].
    pub fn static_consumer(&self, sole: Sole) -> Result<Consumer<'m, T>> {
        self.consume_as(Claimant::sole(sole), Silent)
    }

    pub(crate) fn produce_as<'p, W: Wake>(
        &self,
        who: Claimant<'p>,
        wake: W,
    ) -> Result<Producer<'p, T, W>>
    where
        'm: 'p,
    {
        let slots = Slots::new(self.pair.payload(size_of::<T>())?, self.capacity())?;
        let end = self.pair.write_end(who, wake)?;
        Ok(Producer::new(slots, end))
    }

    pub(crate) fn consume_as<'p, W: Wake>(
        &self,
        who: Claimant<'p>,
        wake: W,
    ) -> Result<Consumer<'p, T, W>>
    where
        'm: 'p,
    {
        let slots = Slots::new(self.pair.payload(size_of::<T>())?, self.capacity())?;
        let end = self.pair.read_end(who, wake)?;
        Ok(Consumer::new(slots, end))
    }
}

#[cfg(not(ringpad_loom))]
mod limits {
    use super::{Consumer, Producer};
    use static_assertions::{assert_impl_all, assert_not_impl_any};
    assert_impl_all!(Producer<'static, u64>: Send);
    assert_impl_all!(Consumer<'static, u64>: Send);
    assert_not_impl_any!(Producer<'static, u64>: Sync, Clone);
    assert_not_impl_any!(Consumer<'static, u64>: Sync, Clone);
}

#[cfg(all(test, not(ringpad_loom)))]
mod tests;
