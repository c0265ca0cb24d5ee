//! A notepad: the last value that one party wrote, for any number of readers that need no row and no write access.
//!
//! # Shape
//!
//! ```text
//! header (128)
//! latest (128)    0 latest u32     bit 31 written, bits 0-30 version     written by the writer
//!                 4 value u32      of values of at most 4 bytes          written by the writer
//! control (128)   0 writer claim   4 waiters u32
//! slots           a power of two from 4, each on its own lines: see the stamped slots
//! ```
//! Compact: header (80), latest (16), control (16), slots at multiples of 16.
//! A value of at most 4 bytes is one word on `latest`'s line, and there are no slots.
//!
//! # Protocol
//!
//! ```text
//! writer  v = latest + 1; slot v: stamp 2v + 1; fence (OPEN); words; stamp 2v (CLOSE); latest = v (PUBLISH)
//! reader  v = latest; fence (OBSERVE); words of slot v; fence (VALIDATE); stamp == 2v? else Lapped
//! word    writer: value (PUBLISH); latest + 1 (PUBLISH)   reader: latest; fence (OBSERVE); value
//! ```
//! A reader of a word gets a value at least as new as the version beside it.
//!
//! # Progress guarantee
//!
//! Writer wait-free, whatever readers do. `try_read` is wait-free; it answers `Lapped` only if the writer began as many writes as there
//! are slots, less one, meanwhile. A reader of a word is never lapped. No call makes a system call, unless a
//! [`Ringer`](crate::Ringer) finds a sleeper.
//!
//! # What a crash at each step leaves
//!
//! Writer killed before CLOSE: nothing; readers go on reading the version before. Between CLOSE and PUBLISH: a complete slot, which the
//! successor rolls forward. A word's writer killed between its two stores: the value is there under the old version; the
//! successor counts one version more (as at every hand-over of a word: nobody can tell), unless nothing was ever written. Readers leave nothing.
//!
//! A reader stopped between two of its loads for exactly a multiple of 2^31 versions would take what it copied for whole.
//!
//! # Example
//!
//! ```
//! use ringpad::{AlignedBytes, Channel, Region, notepad::{Config, Notepad}};
//! let mut room = AlignedBytes::<4096>::new();
//! let pad = Notepad::<[f64; 3]>::init(Region::from_mut(room.as_mut())?, &Config::new())?;
//! let (mut writer, reader) = pad.split()?;
//! assert_eq!(reader.try_read()?, None);
//! let first = writer.write(&[1.0, 2.0, 3.0]);
//! writer.update(|position| position[0] += 0.5);
//! let note = reader.try_read()?.expect("written");
//! assert_eq!(note.value, [1.5, 2.0, 3.0]);
//! assert!(reader.changed(Some(first)) && !reader.changed(Some(note.version)));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Source: Lamport 1977; the order of the fences from Boehm 2012 (see the stamped slots).

#![forbid(unsafe_code)]

#[cfg(target_has_atomic = "32")]
mod claimed;
mod draft;
mod maintained;
mod note;
mod reader;
mod writer;

use core::marker::PhantomData;
use core::mem::offset_of;

pub use self::draft::Draft;
pub use self::note::{Missed, Note, Version};
pub use self::reader::Reader;
pub use self::writer::Writer;
use crate::channel::seat::{Claimant, Ends, Seat};
use crate::channel::stamp::{self, Content, NUMBER, Shape};
pub use crate::channel::stamp::{Glance, TooLong};
use crate::error::{Error, Field, Result};
use crate::memory::layout::{CACHE_LINE, Line, Spacing, Tight};
use crate::memory::liveness::{Owner, Sole};
use crate::memory::maintenance::Upkeep;
use crate::memory::order::RELAXED;
use crate::memory::racing::{self, FEW, RacingSlots};
use crate::memory::region::RegionRef;
use crate::memory::sync::{Atomic, AtomicU32};
use crate::segment::header::{Geometry, Header, HeaderLine, HeaderTight};
use crate::segment::kind::{Channel, Kind, Names, sealed::Sealed};
use crate::segment::wake::{Silent, Wake};

/// Where a notepad's words lie. Never made: a descriptor for offsets.
#[repr(C)]
pub(crate) struct NotepadOf<H, L, C> {
    pub(crate) header: H,
    pub(crate) latest: L,
    pub(crate) control: C,
}

pub(crate) type NotepadShape = NotepadOf<HeaderLine, Line<LatestShape>, Line<NotepadControl>>;
pub(crate) type NotepadCompact = NotepadOf<HeaderTight, Tight<LatestShape>, Tight<NotepadControl>>;

/// What the writer publishes.
#[repr(C)]
pub(crate) struct LatestShape {
    pub(crate) latest: AtomicU32,
    pub(crate) value: AtomicU32,
}

/// The rarely written words.
#[repr(C)]
pub(crate) struct NotepadControl {
    pub(crate) writer: Atomic<Owner>,
    pub(crate) waiters: AtomicU32,
}

/// Where the parts of a notepad begin, and the words in it that name peers.
#[derive(Clone, Copy)]
struct Places {
    latest: usize,
    control: usize,
    slots: usize,
    names: Names,
}

impl<H, L, C> NotepadOf<H, L, C> {
    const CONTROL: usize = offset_of!(Self, control);
    const PLACES: Places = Places {
        latest: offset_of!(Self, latest),
        control: Self::CONTROL,
        slots: size_of::<Self>(),
        names: Names {
            ends: &[Self::CONTROL + offset_of!(NotepadControl, writer)],
            waiters: &[Self::CONTROL + offset_of!(NotepadControl, waiters)],
        },
    };
}

const fn places(spacing: Spacing) -> Places {
    match spacing {
        Spacing::Lines => NotepadShape::PLACES,
        Spacing::Compact => NotepadCompact::PLACES,
    }
}

/// The words that name peers.
pub(crate) const fn names(spacing: Spacing) -> Names {
    places(spacing).names
}

/// Beside the version in `latest`: something was written.
const WRITTEN: u32 = !NUMBER;
/// Largest value whose slot is one line.
const SMALL: usize = CACHE_LINE - 8;
/// Slots of larger ones, unless their creator says: they take longer to copy.
const MANY: u32 = 16;
/// Largest value that is one word.
const WORD: usize = 4;
/// The header's framing of values of one type (0), of bytes (1), of a word.
const TYPED: u32 = 0;
const ONE_WORD: u32 = 2;

/// What the creator of a notepad decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// Slots: a power of two, 4 to 2^24, or 0 for 4 slots of values of up to 120 bytes and 16 of larger ones. A reader is lapped only
    /// by as many writes, less one, during one read: more slots for large values, fast writers and slow readers. Four small ones are
    /// read fastest beside a busy writer. Values of at most 4 bytes have none, whatever this says.
    pub slots: u32,
    /// Most bytes of a `[u8]`; of no meaning for other values.
    pub most_bytes: u32,
    /// The user's own number for the value's type, compared by [`Notepad::expect_tag`] and by plans; 0 if none.
    pub type_tag: u64,
    /// How far apart the words of different writers lie: of no meaning for what they do. See [`Spacing`] for what the compact one costs.
    pub spacing: Spacing,
}

impl Config {
    /// For values of one type: as many slots as suit them, no type tag.
    pub const fn new() -> Self {
        Self {
            slots: 0,
            most_bytes: 0,
            type_tag: 0,
            spacing: Spacing::Lines,
        }
    }

    /// For values of one type, spaced so.
    const fn spaced(spacing: Spacing) -> Self {
        let mut config = Self::new();
        config.spacing = spacing;
        config
    }

    /// For `[u8]` of up to `most_bytes` bytes: as many slots as suit them.
    pub const fn bytes(most_bytes: u32) -> Self {
        let mut config = Self::new();
        config.most_bytes = most_bytes;
        config
    }

    /// With so many slots.
    pub const fn slots(mut self, slots: u32) -> Self {
        self.slots = slots;
        self
    }

    /// With the user's own number for the value's type.
    pub const fn tagged(mut self, type_tag: u64) -> Self {
        self.type_tag = type_tag;
        self
    }

    /// Compact, for microcontrollers: 112 bytes and the slots, each of 8 bytes and its value padded to 16 together, where 384 and slots of 128 are usual. See [`Spacing::Compact`] for what it costs elsewhere.
    pub const fn compact(mut self) -> Self {
        self.spacing = Spacing::Compact;
        self
    }
}

impl Default for Config {
    fn default() -> Self {
        Self::new()
    }
}

/// A notepad laid out in a region: a handle from which its writer is claimed and readers are made.
#[derive(Debug)]
pub struct Notepad<'m, T: ?Sized> {
    region: RegionRef<'m>,
    geometry: Geometry,
    latest: &'m AtomicU32,
    value: &'m AtomicU32,
    writer: &'m Atomic<Owner>,
    waiters: &'m AtomicU32,
    slots: RacingSlots<'m>,
    of: PhantomData<fn(&T)>,
}

/// True of values that are one word.
const fn is_word<T: Content + ?Sized>() -> bool {
    matches!(T::FIXED, Some((1..=WORD, _)))
}

fn shape(config: &Config) -> Shape {
    Shape {
        kind: Kind::Notepad,
        slots: config.slots,
        least: 4,
        fixed: places(config.spacing).slots,
        unit: config.spacing.line_bytes(),
        type_tag: config.type_tag,
        spacing: config.spacing,
        framing: TYPED,
    }
}

impl<'m, T: Content + ?Sized> Sealed<'m> for Notepad<'m, T> {
    type Config = Config;

    fn geometry(config: &Config) -> Result<Geometry> {
        let bytes = T::FIXED.map_or(config.most_bytes as usize, |(bytes, _)| bytes);
        let config = match config.slots {
            0 => config.slots(if bytes > SMALL { MANY } else { FEW }),
            _ => *config,
        };
        let geometry = shape(&config).geometry::<T>(config.most_bytes)?;
        if is_word::<T>() {
            return Ok(Geometry {
                capacity: 1,
                framing: ONE_WORD,
                span_bytes: places(config.spacing).slots as u64,
                ..geometry
            });
        }
        Ok(geometry)
    }

    fn init_ref(region: RegionRef<'_>, geometry: &Geometry) -> Result<()> {
        geometry.check_room(region)?;
        let header = Header::at(region)?;
        header.begin(geometry)?;
        let places = places(geometry.spacing);
        for field in [
            offset_of!(LatestShape, latest),
            offset_of!(LatestShape, value),
        ] {
            region.word(places.latest + field)?.store(0, RELAXED);
        }
        let writer: &Atomic<Owner> =
            region.typed(places.control + offset_of!(NotepadControl, writer))?;
        writer.store(Owner::FIRST, RELAXED);
        let waiters = region.word(places.control + offset_of!(NotepadControl, waiters))?;
        waiters.store(0, RELAXED);
        if geometry.framing != ONE_WORD {
            stamp::clear(region, geometry, &shape(&Config::spaced(geometry.spacing)))?;
        }
        header.ready();
        Ok(())
    }

    fn attach_ref(region: RegionRef<'m>) -> Result<Self> {
        let geometry = Header::at(region)?.attach(Kind::Notepad)?;
        let (like, places) = (Config::spaced(geometry.spacing), places(geometry.spacing));
        let slots = if is_word::<T>() {
            let want = Self::geometry(&like)?;
            geometry.expect_all(&Geometry {
                type_tag: geometry.type_tag,
                ..want
            })?;
            // Never used: values of a word have no slots.
            let line = geometry.spacing.line_bytes();
            let stride = racing::stride(WORD, line).ok_or(Error::TooLarge)?;
            region.racing(places.latest, 1, stride, WORD)?
        } else {
            stamp::slots::<T>(region, &geometry, &shape(&like))?
        };
        Ok(Self {
            region,
            geometry,
            latest: region.word(places.latest + offset_of!(LatestShape, latest))?,
            value: region.word(places.latest + offset_of!(LatestShape, value))?,
            writer: region.typed(places.control + offset_of!(NotepadControl, writer))?,
            waiters: region.word(places.control + offset_of!(NotepadControl, waiters))?,
            slots,
            of: PhantomData,
        })
    }
}

impl<'m, T: Content + ?Sized> Channel<'m> for Notepad<'m, T> {
    const KIND: Kind = Kind::Notepad;
}

impl<'m, T: Content + ?Sized> Notepad<'m, T> {
    /// Slots; 1 for values of at most 4 bytes.
    pub fn slots(&self) -> u32 {
        self.geometry.capacity
    }

    /// Bytes of a value: of a `[u8]` the most it may have.
    pub fn most_bytes(&self) -> u32 {
        self.geometry.element_bytes
    }

    /// How far apart the words of different writers lie, as its creator chose.
    pub fn spacing(&self) -> Spacing {
        self.geometry.spacing
    }

    /// The creator's number for the value's type; 0 if none.
    pub fn type_tag(&self) -> u64 {
        self.geometry.type_tag
    }

    /// The notepad, if its creator gave it this type tag.
    ///
    /// # Errors
    ///
    /// [`Error::Mismatch`], naming both tags.
    pub fn expect_tag(self, want: u64) -> Result<Self> {
        Geometry::expect(Field::TypeTag, want, self.type_tag())?;
        Ok(self)
    }

    /// A reader: as many as one likes, each of which may be cloned. It needs no row, and no write access to the region.
    pub fn reader(&self) -> Reader<'m, T> {
        self.reader_with(())
    }

    /// Claims the writer's end of a bare notepad, and makes a reader: for two threads, or a core and its interrupt.
    ///
    /// # Errors
    ///
    /// As [`Notepad::writer`]; [`Error::ForeignPeer`] for a notepad in a segment.
    pub fn split(self) -> Result<(Writer<'m, T>, Reader<'m, T>)> {
        let who = Claimant::splitting(self.region)?;
        Ok((self.write_as(who, Silent)?, self.reader()))
    }

    /// The writer's end of a bare notepad for good, and a reader: nobody ever claims the end, on any machine, and it is not given back.
    ///
    /// The only way without compare-and-swap, where the maker's handle alone can do it; elsewhere it claims the end.
    ///
    /// # Errors
    ///
    /// [`Error::EndpointTaken`], [`Error::ForeignPeer`] for a notepad in a segment, [`Error::ReadOnly`], [`Error::Corrupt`].
    pub fn split_static(self) -> Result<(Writer<'m, T>, Reader<'m, T>)> {
        let who = Claimant::of_all(self.region, &[self.writer])?;
        Ok((self.write_as(who, Silent)?, self.reader()))
    }

    /// The writer's end of a notepad that was split for good, for another core or context, or after a restart: what the one before
    /// completed counts as written.
    ///
    /// # Errors
    ///
    /// [`Error::Mismatch`] if the notepad was not split for good.
    pub fn static_writer(&self, sole: Sole) -> Result<Writer<'m, T>> {
        self.write_as(Claimant::sole(sole), Silent)
    }

    pub(crate) fn write_as<'p, W: Wake>(
        &self,
        who: Claimant<'p>,
        wake: W,
    ) -> Result<Writer<'p, T, W>>
    where
        'm: 'p,
    {
        let ends = Ends {
            claim: self.writer,
            other: self.writer,
            mine: self.waiters,
            theirs: self.waiters,
        };
        let seat = Seat::take(self.region, ends, who, wake)?;
        Ok(Writer::new(self.latest, self.value, self.slots, seat))
    }

    /// A reader that keeps something alive.
    pub(crate) fn reader_with<K: Upkeep>(&self, keep: K) -> Reader<'m, T, K> {
        Reader::new(self, keep)
    }
}

#[cfg(not(ringpad_loom))]
mod limits {
    use super::{Reader, Writer};
    use static_assertions::{assert_impl_all, assert_not_impl_any};
    assert_impl_all!(Writer<'static, u64>: Send);
    assert_impl_all!(Writer<'static, [u8]>: Send);
    assert_impl_all!(Reader<'static, [u8]>: Send, Sync, Clone);
    assert_not_impl_any!(Writer<'static, u64>: Sync, Clone);
}

#[cfg(all(test, not(ringpad_loom)))]
mod tests;
