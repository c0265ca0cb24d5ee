//! The position pair: the FIFO arithmetic of every ring with one producer and one consumer.
//!
//! # Shape
//!
//! ```text
//! header (128)
//! tail (128)      0 tail u32             written by the producer
//! head (128)      0 head u32             written by the consumer
//! control (128)   0 producer claim       4 consumer claim      8 data waiters u32   12 space waiters u32
//! payload         capacity x element bytes, padded to the line
//! ```
//! Compact: header (80), tail (16), head (16), control (16), payload padded to 16.
//!
//! # Protocol
//!
//! Positions run free and wrap; `position & mask` is the place. Each end keeps its own position and the last
//! one it saw of the other, and loads the other's word only when those do not suffice.
//! producer: room by the head last seen? else load head (RECLAIM); write payload; `tail.store` (PUBLISH) = the commit.
//! consumer: data by the tail last seen? else load tail (OBSERVE); read payload; `head.store` (RELEASE).
//! Staged items are published before Full is reported. Taken ones are acknowledged when the consumer says so, and by
//! calls that acknowledge anyway; looking acknowledges nothing.
//!
//! # Progress guarantee
//!
//! Wait-free: at most one load of the other's word a call, no loop.
//!
//! # What a crash at each step leaves
//!
//! Producer before PUBLISH: nothing happened. Consumer before RELEASE: its successor gets the item again.
//! A successor starts from the positions in the region.
//!
//! Source: Lamport 1983; the cached positions of FastForward and rigtorp's SPSCQueue.

mod ends;
mod payload;

use core::mem::offset_of;

pub(crate) use self::ends::{ReadEnd, WriteEnd};
pub(crate) use self::payload::Slots;
use crate::error::{Error, Field, Result};
use crate::memory::layout::{self, Line, Spacing, Tight};
use crate::memory::liveness::Owner;
use crate::memory::order::RELAXED;
use crate::memory::region::RegionRef;
use crate::memory::span::{Span, marks_bytes};
use crate::memory::sync::{Atomic, AtomicU32};
use crate::segment::header::{Geometry, Header, HeaderLine, HeaderTight};
use crate::segment::kind::{Kind, Names};

/// Where the pair's words lie. Never made: a descriptor for offsets.
#[repr(C)]
pub(crate) struct PairOf<H, P, C> {
    pub(crate) header: H,
    pub(crate) tail: P,
    pub(crate) head: P,
    pub(crate) control: C,
}

pub(crate) type PairShape = PairOf<HeaderLine, Line<AtomicU32>, Line<ControlShape>>;
pub(crate) type PairCompact = PairOf<HeaderTight, Tight<AtomicU32>, Tight<ControlShape>>;

/// The pair's rarely written words.
#[repr(C)]
pub(crate) struct ControlShape {
    pub(crate) producer: Atomic<Owner>,
    pub(crate) consumer: Atomic<Owner>,
    pub(crate) data_waiters: AtomicU32,
    pub(crate) space_waiters: AtomicU32,
}

/// Where the parts of a pair begin, and the words in it that name peers.
#[derive(Clone, Copy)]
struct Places {
    tail: usize,
    head: usize,
    control: usize,
    payload: usize,
    names: Names,
}

impl<H, P, C> PairOf<H, P, C> {
    const CONTROL: usize = offset_of!(Self, control);
    const PLACES: Places = Places {
        tail: offset_of!(Self, tail),
        head: offset_of!(Self, head),
        control: Self::CONTROL,
        payload: size_of::<Self>(),
        names: Names {
            ends: &[
                Self::CONTROL + offset_of!(ControlShape, producer),
                Self::CONTROL + offset_of!(ControlShape, consumer),
            ],
            waiters: &[
                Self::CONTROL + offset_of!(ControlShape, data_waiters),
                Self::CONTROL + offset_of!(ControlShape, space_waiters),
            ],
        },
    };
}

const fn places(spacing: Spacing) -> Places {
    match spacing {
        Spacing::Lines => PairShape::PLACES,
        Spacing::Compact => PairCompact::PLACES,
    }
}

/// The words that name peers.
pub(crate) const fn names(spacing: Spacing) -> Names {
    places(spacing).names
}

/// Most slots or bytes: half the range of positions, less one bit for comparisons.
pub(crate) const MOST: u32 = 1 << 30;

/// Bytes of a ring of `capacity` elements, marked for the checker in units of `unit` bytes.
pub(crate) fn span_bytes(
    spacing: Spacing,
    capacity: u32,
    element: usize,
    unit: usize,
) -> Result<u64> {
    let want = "a power of two up to 2^30";
    if !capacity.is_power_of_two() || capacity > MOST {
        return Err(Error::BadConfig {
            field: Field::Capacity,
            found: capacity.into(),
            want,
        });
    }
    let payload = layout::spaced(spacing, 0, capacity as usize, element)?.size();
    let fixed = places(spacing).payload + marks_bytes(payload, unit);
    Ok(layout::spaced(spacing, fixed, 1, payload)?.size() as u64)
}

/// One ring's words, found once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pair<'m> {
    region: RegionRef<'m>,
    pub(crate) geometry: Geometry,
    tail: &'m AtomicU32,
    head: &'m AtomicU32,
    producer: &'m Atomic<Owner>,
    consumer: &'m Atomic<Owner>,
    data_waiters: &'m AtomicU32,
    space_waiters: &'m AtomicU32,
}

impl<'m> Pair<'m> {
    pub(crate) fn init(region: RegionRef<'_>, geometry: &Geometry) -> Result<()> {
        geometry.check_room(region)?;
        let header = Header::at(region)?;
        header.begin(geometry)?;
        let pair = Pair::over(region, *geometry)?;
        pair.tail.store(0, RELAXED);
        pair.head.store(0, RELAXED);
        pair.producer.store(Owner::FIRST, RELAXED);
        pair.consumer.store(Owner::FIRST, RELAXED);
        pair.data_waiters.store(0, RELAXED);
        pair.space_waiters.store(0, RELAXED);
        header.ready();
        Ok(())
    }

    /// Attaches, and checks the geometry that both kinds share; `unit` as in [`span_bytes`].
    pub(crate) fn attach(region: RegionRef<'m>, kind: Kind, unit: usize) -> Result<Self> {
        let geometry = Header::at(region)?.attach(kind)?;
        let element = geometry.element_bytes as usize;
        let want = span_bytes(geometry.spacing, geometry.capacity, element, unit)?;
        Geometry::expect(Field::SpanBytes, want, geometry.span_bytes)?;
        Self::over(region, geometry)
    }

    fn over(region: RegionRef<'m>, geometry: Geometry) -> Result<Self> {
        let places = places(geometry.spacing);
        let control = |field: usize| places.control + field;
        Ok(Self {
            region,
            geometry,
            tail: region.word(places.tail)?,
            head: region.word(places.head)?,
            producer: region.typed(control(offset_of!(ControlShape, producer)))?,
            consumer: region.typed(control(offset_of!(ControlShape, consumer)))?,
            data_waiters: region.word(control(offset_of!(ControlShape, data_waiters)))?,
            space_waiters: region.word(control(offset_of!(ControlShape, space_waiters)))?,
        })
    }

    pub(crate) fn region(&self) -> RegionRef<'m> {
        self.region
    }

    /// The claims of both ends.
    pub(crate) fn claims(&self) -> [&'m Atomic<Owner>; 2] {
        [self.producer, self.consumer]
    }

    /// The payload, marked for the checker in units of `unit` bytes.
    pub(crate) fn payload(&self, unit: usize) -> Result<Span<'m>> {
        let bytes = self.geometry.capacity as usize * self.geometry.element_bytes as usize;
        let spacing = self.geometry.spacing;
        let padded = layout::round_up(bytes, spacing.line_bytes()).ok_or(Error::TooLarge)?;
        self.region.span(places(spacing).payload, padded, unit)
    }

    fn check(&self, tail: u32, head: u32) -> Result<()> {
        if tail.wrapping_sub(head) > self.geometry.capacity {
            return Err(Error::Corrupt {
                what: "distance of tail and head",
                found: tail.wrapping_sub(head),
            });
        }
        Ok(())
    }
}
