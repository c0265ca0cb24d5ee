//! What stamped slots hold: values of one type, or bytes whose number is said with each.

#![forbid(unsafe_code)]

use crate::error::{Error, Field, Result};
use crate::memory::Pod;
use crate::memory::layout::{self, Spacing};
use crate::memory::order::RELAXED;
use crate::memory::racing::{self, RacingSlots};
use crate::memory::region::RegionRef;
use crate::segment::header::Geometry;
use crate::segment::kind::Kind;

/// Largest value.
const MOST_BYTES: u32 = 1 << 24;
/// Most slots: half the range that stamps compare, with room to spare.
const MOST_SLOTS: u32 = 1 << 24;

/// What a notepad or a mailslot holds: any [`Pod`], or `[u8]` of run-time length.
pub trait Content: sealed::Sealed {}
impl<T: Pod> Content for T {}
impl Content for [u8] {}

pub(crate) use sealed::Sealed as Contents;

mod sealed {
    use super::Pod;

    /// What the crate itself knows of a content.
    pub trait Sealed: 'static {
        /// Size and alignment, if they are always the same.
        #[doc(hidden)]
        const FIXED: Option<(usize, usize)>;
    }

    impl<T: Pod> Sealed for T {
        const FIXED: Option<(usize, usize)> = Some((size_of::<T>(), align_of::<T>()));
    }

    impl Sealed for [u8] {
        const FIXED: Option<(usize, usize)> = None;
    }
}

/// What the header of a channel of stamped slots says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    pub(crate) kind: Kind,
    /// A power of two.
    pub(crate) slots: u32,
    /// Fewest slots.
    pub(crate) least: u32,
    /// Bytes before the first slot.
    pub(crate) fixed: usize,
    /// What the stride is a multiple of.
    pub(crate) unit: usize,
    pub(crate) type_tag: u64,
    pub(crate) spacing: Spacing,
    /// The kind's own number for "values of one type"; the next one says bytes.
    pub(crate) framing: u32,
}

impl Shape {
    /// The geometry for this content; `most_bytes` counts for bytes only.
    pub(crate) fn geometry<T: Contents + ?Sized>(&self, most_bytes: u32) -> Result<Geometry> {
        let bad = |field, found: u64, want| Error::BadConfig { field, found, want };
        let (bytes, align) = T::FIXED.unwrap_or((most_bytes as usize, 1));
        if bytes == 0 || bytes > MOST_BYTES as usize {
            let want = "a value of 1 byte to 16 MiB";
            return Err(bad(Field::ElementBytes, bytes as u64, want));
        }
        if align > crate::CACHE_LINE {
            let want = "an alignment of at most 128";
            return Err(bad(Field::ElementAlign, align as u64, want));
        }
        if !self.slots.is_power_of_two() || self.slots < self.least || self.slots > MOST_SLOTS {
            let want = match self.least {
                4 => "a power of two from 4 to 2^24",
                _ => "a power of two from 2 to 2^24",
            };
            return Err(bad(Field::Capacity, self.slots.into(), want));
        }
        let stride = racing::stride(bytes, self.unit).ok_or(Error::TooLarge)?;
        Ok(Geometry {
            kind: self.kind,
            capacity: self.slots,
            element_bytes: bytes as u32,
            element_align: align as u32,
            type_tag: self.type_tag,
            framing: self.framing + u32::from(T::FIXED.is_none()),
            spacing: self.spacing,
            span_bytes: layout::spaced(self.spacing, self.fixed, self.slots as usize, stride)?
                .size() as u64,
        })
    }
}

/// The slots of an attached header, if that says a geometry which this content has.
pub(crate) fn slots<'m, T: Contents + ?Sized>(
    region: RegionRef<'m>,
    found: &Geometry,
    shape: &Shape,
) -> Result<RacingSlots<'m>> {
    let framing = shape.framing + u32::from(T::FIXED.is_none());
    Geometry::expect(Field::Framing, framing.into(), found.framing.into())?;
    if let Some((bytes, align)) = T::FIXED {
        found.expect_element(bytes, align)?;
    }
    let shape = Shape {
        slots: found.capacity,
        ..*shape
    };
    let want = shape.geometry::<T>(found.element_bytes)?;
    Geometry::expect(Field::SpanBytes, want.span_bytes, found.span_bytes)?;
    over(region, found, &shape)
}

fn over<'m>(region: RegionRef<'m>, found: &Geometry, shape: &Shape) -> Result<RacingSlots<'m>> {
    let bytes = found.element_bytes as usize;
    let stride = racing::stride(bytes, shape.unit).ok_or(Error::TooLarge)?;
    region.racing(shape.fixed, found.capacity, stride, bytes)
}

/// Says of every slot that it was never written.
pub(crate) fn clear(region: RegionRef<'_>, geometry: &Geometry, shape: &Shape) -> Result<()> {
    let slots = over(region, geometry, shape)?;
    for position in 0..slots.count() {
        slots.slot(position).stamp().store(0, RELAXED);
    }
    Ok(())
}
