//! Where the words of a ring of many lie, whatever its messages are.

#![forbid(unsafe_code)]

use core::mem::offset_of;

use super::ring::{Ring, Sequences};
use super::rules::Rules;
use super::word::Laps;
use crate::error::{Error, Field, Result};
use crate::memory::layout::{self, Line};
use crate::memory::racing;
use crate::memory::region::RegionRef;
use crate::memory::sync::{AtomicU32, AtomicU64};
use crate::segment::header::{Geometry, Header, HeaderLine};
use crate::segment::kind::Kind;

/// Where the ring's words lie. Never made: a descriptor for offsets.
#[repr(C)]
pub(crate) struct MpmcShape {
    pub(crate) header: HeaderLine,
    pub(crate) tail: Line<AtomicU64>,
    pub(crate) head: Line<AtomicU64>,
    pub(crate) control: Line<MpmcControl>,
}

/// The rarely written words.
#[repr(C)]
pub(crate) struct MpmcControl {
    pub(crate) data_waiters: AtomicU32,
    pub(crate) space_waiters: AtomicU32,
    pub(crate) orphaned: AtomicU32,
}

const FIXED: usize = size_of::<MpmcShape>();
const CONTROL: usize = offset_of!(MpmcShape, control);
/// Most slots.
const MOST_SLOTS: u32 = 1 << 24;
/// Largest message.
const MOST_BYTES: usize = 1 << 24;
/// Where slots and sequences lie.
pub(super) struct Places {
    stride: usize,
    sequences: usize,
    pub(super) bytes: usize,
}

impl Places {
    pub(super) fn of(capacity: u32, element: usize, rules: Rules) -> Result<Self> {
        let stride = racing::stride(element, 8).ok_or(Error::TooLarge)?;
        let sequences = layout::block(FIXED, capacity as usize, stride)?.size();
        let each = match rules.again {
            true => racing::stride(0, 8).ok_or(Error::TooLarge)?,
            false => 0,
        };
        Ok(Self {
            stride,
            sequences,
            bytes: layout::block(sequences, capacity as usize, each)?.size(),
        })
    }
}

/// The words of a ring that a region holds, whatever its messages are.
pub(crate) struct Words<'m> {
    pub(crate) ring: Ring<'m>,
    pub(crate) data_waiters: &'m AtomicU32,
    pub(crate) space_waiters: &'m AtomicU32,
}

impl<'m> Words<'m> {
    pub(super) fn over(region: RegionRef<'m>, geometry: &Geometry, rules: Rules) -> Result<Self> {
        let (capacity, bytes) = (geometry.capacity, geometry.element_bytes as usize);
        let places = Places::of(capacity, bytes, rules)?;
        let control = |field: usize| region.word(CONTROL + field);
        let sequences = match rules.again {
            true => {
                let each = racing::stride(0, 8).ok_or(Error::TooLarge)?;
                Some(Sequences(region.racing(
                    places.sequences,
                    capacity,
                    each,
                    0,
                )?))
            }
            false => None,
        };
        Ok(Self {
            ring: Ring {
                laps: Laps::of(capacity),
                rules,
                slots: region.racing(FIXED, capacity, places.stride, bytes)?,
                tail: region.wide(offset_of!(MpmcShape, tail))?,
                head: region.wide(offset_of!(MpmcShape, head))?,
                orphaned: control(offset_of!(MpmcControl, orphaned))?,
                sequences,
            },
            data_waiters: control(offset_of!(MpmcControl, data_waiters))?,
            space_waiters: control(offset_of!(MpmcControl, space_waiters))?,
        })
    }

    /// Attaches, and checks what holds for messages of any type.
    pub(crate) fn attach(region: RegionRef<'m>) -> Result<(Self, Geometry)> {
        let geometry = Header::at(region)?.attach(Kind::Mpmc)?;
        let rules = Rules::attached(&geometry)?;
        let bytes = geometry.element_bytes as usize;
        check(geometry.capacity, bytes, 1)?;
        let want = Places::of(geometry.capacity, bytes, rules)?.bytes as u64;
        Geometry::expect(Field::SpanBytes, want, geometry.span_bytes)?;
        Ok((Self::over(region, &geometry, rules)?, geometry))
    }
}

/// Refuses what no ring can hold.
pub(super) fn check(capacity: u32, bytes: usize, align: usize) -> Result<()> {
    let bad = |field, found: u64, want| Err(Error::BadConfig { field, found, want });
    if !capacity.is_power_of_two() || capacity > MOST_SLOTS {
        let want = "a power of two up to 2^24";
        return bad(Field::Capacity, capacity.into(), want);
    }
    if bytes == 0 || bytes > MOST_BYTES {
        let want = "an element of 1 byte to 16 MiB";
        return bad(Field::ElementBytes, bytes as u64, want);
    }
    if align > crate::CACHE_LINE {
        let want = "an alignment of at most 128";
        return bad(Field::ElementAlign, align as u64, want);
    }
    Ok(())
}
