//! The header that begins every channel and every segment, and the checks of whoever attaches.
//!
//! # Shape
//!
//! ```text
//! byte  0 magic [u8; 8]     8 state u32         12 byte order u32   16 ABI u32
//!      20 kind u32         24 required u32      28 optional u32     32 line bytes u32
//!      36 capacity u32     40 element bytes u32 44 element align u32
//!      48 type tag u64     56 span bytes u64    64 framing u32      68.. zero to 128
//! ```
//!
//! # Protocol
//!
//! init: state -CAS-> BUILDING; configuration words and the kind's own words; `state.store(READY)` (READY).
//! attach: load state, fence (ATTACH), then each configuration word once; what it says is copied into
//! the handle and never read again.
//!
//! # What a crash at each step leaves
//!
//! Before READY: a header that says Building, which nobody attaches to; whoever owns the bytes builds anew.

#![forbid(unsafe_code)]

use core::alloc::Layout;
use core::mem::offset_of;
use core::sync::atomic::Ordering::Relaxed;

use crate::error::{Error, Field, Result, State};
use crate::memory::layout::{CACHE_LINE, Line, Spacing, Tight, round_up};
use crate::memory::order::{ATTACH, READY, RELAXED};
use crate::memory::region::RegionRef;
use crate::memory::sync::{AtomicU32, RawU32, Track, fence};
use crate::segment::kind::Kind;

/// Number of the wire format; a change that an older reader would misread raises it.
pub const ABI: u32 = 1;

/// The byte-order mark, as a machine reads what it wrote itself. One of the other order reads it reversed, and refuses.
pub(crate) const BYTE_ORDER: u32 = 0x0a0b_0c0d;

/// The mark of every segment there is, as this machine reads it: regions are little-endian (docs/adr/020).
const WIRE_ORDER: u32 = BYTE_ORDER.to_le();

/// Feature bits that this build knows.
const KNOWN_FEATURES: u32 = 0;

const EMPTY: u32 = 0;
const BUILDING: u32 = u32::from_le_bytes(*b"BLDG");
const IS_READY: u32 = u32::from_le_bytes(*b"REDY");
const RETIRED: u32 = u32::from_le_bytes(*b"RETD");

/// Where the header's words lie. Never made: a descriptor for offsets.
#[repr(C)]
pub(crate) struct HeaderShape {
    pub(crate) magic: [RawU32; 2],
    pub(crate) state: AtomicU32,
    pub(crate) byte_order: RawU32,
    pub(crate) abi: RawU32,
    pub(crate) kind: RawU32,
    pub(crate) required: RawU32,
    pub(crate) optional: RawU32,
    pub(crate) line_bytes: RawU32,
    pub(crate) capacity: RawU32,
    pub(crate) element_bytes: RawU32,
    pub(crate) element_align: RawU32,
    pub(crate) type_tag: [RawU32; 2],
    pub(crate) span_bytes: [RawU32; 2],
    pub(crate) framing: RawU32,
    pub(crate) track: Track,
}

/// A header and the line it fills.
pub(crate) type HeaderLine = Line<HeaderShape>;

/// A header of a compact channel. Its words lie where they lie in others, so that they are checked alike.
pub(crate) type HeaderTight = Tight<HeaderShape>;

/// What a header records of one channel. Private once attached.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Geometry {
    pub(crate) kind: Kind,
    pub(crate) capacity: u32,
    pub(crate) element_bytes: u32,
    pub(crate) element_align: u32,
    pub(crate) type_tag: u64,
    pub(crate) framing: u32,
    pub(crate) spacing: Spacing,
    pub(crate) span_bytes: u64,
}

impl Geometry {
    pub(crate) fn layout(&self) -> Result<Layout> {
        usize::try_from(self.span_bytes)
            .ok()
            .and_then(|bytes| Layout::from_size_align(bytes, self.spacing.line_bytes()).ok())
            .ok_or(Error::TooLarge)
    }

    /// Bytes that the channel takes in a segment: whole lines, whatever its spacing.
    pub(crate) fn room(&self) -> Result<usize> {
        round_up(self.layout()?.size(), CACHE_LINE).ok_or(Error::TooLarge)
    }

    /// Requires that the region has room for the whole channel.
    pub(crate) fn check_room(&self, region: RegionRef<'_>) -> Result<()> {
        let want = self.layout()?.size() as u64;
        let found = region.len() as u64;
        if want <= found {
            Ok(())
        } else {
            Err(Error::TooSmall { want, found })
        }
    }

    /// Requires that a field says what the caller wants.
    pub(crate) fn expect(field: Field, want: u64, found: u64) -> Result<()> {
        if want == found {
            Ok(())
        } else {
            Err(Error::Mismatch { field, want, found })
        }
    }

    /// Requires the element that the caller's type is.
    pub(crate) fn expect_element(&self, bytes: usize, align: usize) -> Result<()> {
        Self::expect(Field::ElementBytes, bytes as u64, self.element_bytes.into())?;
        // Machines disagree whether an 8-byte number is aligned to 4 or 8; the ring's stride serves both.
        let family = |align: u64| if align == 8 { 4 } else { align };
        let (want, found) = (align as u64, u64::from(self.element_align));
        if family(want) == family(found) {
            return Ok(());
        }
        Self::expect(Field::ElementAlign, want, found)
    }

    /// Requires everything that `want` says.
    pub(crate) fn expect_all(&self, want: &Geometry) -> Result<()> {
        let line = |geometry: &Geometry| geometry.spacing.line_bytes() as u64;
        Self::expect(Field::LineBytes, line(want), line(self))?;
        Self::expect(Field::Capacity, want.capacity.into(), self.capacity.into())?;
        self.expect_element(want.element_bytes as usize, want.element_align as usize)?;
        Self::expect(Field::TypeTag, want.type_tag, self.type_tag)?;
        Self::expect(Field::Framing, want.framing.into(), self.framing.into())?;
        Self::expect(Field::SpanBytes, want.span_bytes, self.span_bytes)
    }
}

/// The header of one region.
#[derive(Clone, Copy)]
pub(crate) struct Header<'m> {
    region: RegionRef<'m>,
    state: &'m AtomicU32,
    track: &'m Track,
}

impl<'m> Header<'m> {
    pub(crate) fn at(region: RegionRef<'m>) -> Result<Self> {
        region.piece(0, size_of::<HeaderTight>(), align_of::<HeaderTight>())?;
        Ok(Self {
            region,
            state: region.word(offset_of!(HeaderShape, state))?,
            track: region.track(offset_of!(HeaderShape, track))?,
        })
    }

    fn set(&self, offset: usize, value: u32) -> Result<()> {
        self.region.raw(offset)?.store(value, Relaxed);
        Ok(())
    }

    fn set_wide(&self, offset: usize, value: u64) -> Result<()> {
        self.set(offset, value as u32)?;
        self.set(offset + 4, (value >> 32) as u32)
    }

    fn get(&self, offset: usize) -> Result<u32> {
        Ok(self.region.raw(offset)?.load(Relaxed))
    }

    fn get_wide(&self, offset: usize) -> Result<u64> {
        let low = self.get(offset)?;
        Ok(u64::from(self.get(offset + 4)?) << 32 | u64::from(low))
    }

    /// Requires a machine whose own order is the wire's.
    fn check_machine() -> Result<()> {
        Geometry::expect(Field::ByteOrder, WIRE_ORDER.into(), BYTE_ORDER.into())
    }

    /// Requires that lines of this spacing are lines in memory.
    fn check_place(&self, spacing: Spacing) -> Result<()> {
        let want = spacing.line_bytes();
        match self.region.past(0, want) {
            0 => Ok(()),
            found => Err(Error::Misaligned { want, found }),
        }
    }

    /// Begins to build: nobody attaches until [`Header::ready`].
    pub(crate) fn begin(&self, geometry: &Geometry) -> Result<()> {
        Self::check_machine()?;
        self.region.check_writable()?;
        self.region.check_not_forked()?;
        self.check_place(geometry.spacing)?;
        let found = self.state.load(RELAXED);
        if found == IS_READY || found == BUILDING {
            return Err(Error::AlreadyInitialized);
        }
        // Whoever made the region promised that nobody else is at it.
        #[cfg(not(target_has_atomic = "32"))]
        self.state.store(BUILDING, RELAXED);
        #[cfg(target_has_atomic = "32")]
        self.state
            .replace(found, BUILDING, RELAXED)
            .map_err(|_| Error::AlreadyInitialized)?;
        self.track.write();
        self.set_wide(
            offset_of!(HeaderShape, magic),
            u64::from_le_bytes(geometry.kind.magic()),
        )?;
        self.set(offset_of!(HeaderShape, byte_order), BYTE_ORDER)?;
        self.set(offset_of!(HeaderShape, abi), ABI)?;
        self.set(offset_of!(HeaderShape, kind), geometry.kind as u32)?;
        self.set(offset_of!(HeaderShape, required), 0)?;
        self.set(offset_of!(HeaderShape, optional), 0)?;
        let line = geometry.spacing.line_bytes() as u32;
        self.set(offset_of!(HeaderShape, line_bytes), line)?;
        self.set(offset_of!(HeaderShape, capacity), geometry.capacity)?;
        self.set(
            offset_of!(HeaderShape, element_bytes),
            geometry.element_bytes,
        )?;
        self.set(
            offset_of!(HeaderShape, element_align),
            geometry.element_align,
        )?;
        self.set_wide(offset_of!(HeaderShape, type_tag), geometry.type_tag)?;
        self.set_wide(offset_of!(HeaderShape, span_bytes), geometry.span_bytes)?;
        self.set(offset_of!(HeaderShape, framing), geometry.framing)
    }

    /// Forgets what the bytes held: for room that nobody else can reach.
    pub(crate) fn clear(&self) {
        self.state.store(EMPTY, RELAXED);
    }

    /// Opens the header to everyone: the last store of every `init`.
    pub(crate) fn ready(&self) {
        self.state.store(IS_READY, READY); // READY: pairs with ATTACH
    }

    /// Marks a segment that a newer one replaces. What is attached stays so.
    #[cfg_attr(any(not(feature = "std"), windows, ringpad_loom), allow(dead_code))]
    pub(crate) fn retire(&self) -> Result<()> {
        self.region.check_writable()?;
        self.state.store(RETIRED, RELAXED);
        Ok(())
    }

    /// How far the header's life has come.
    pub(crate) fn state(&self) -> State {
        match self.state.load(RELAXED) {
            EMPTY => State::Empty,
            BUILDING => State::Building,
            IS_READY => State::Ready,
            RETIRED => State::Retired,
            other => State::Garbage(other),
        }
    }

    /// Checks everything that a header of this kind must say, and copies the rest out.
    pub(crate) fn attach(&self, kind: Kind) -> Result<Geometry> {
        self.region.check_not_forked()?;
        let found = self.state();
        fence(ATTACH); // ATTACH: pairs with READY
        let order = || self.get(offset_of!(HeaderShape, byte_order));
        if found != State::Ready {
            // What is ready in the other order looks like garbage here.
            if found == State::Garbage(IS_READY.swap_bytes()) && order()? == BYTE_ORDER.swap_bytes()
            {
                Geometry::expect(Field::ByteOrder, BYTE_ORDER.into(), order()?.into())?;
            }
            return Err(Error::NotReady { found });
        }
        self.track.read();
        Geometry::expect(Field::ByteOrder, BYTE_ORDER.into(), order()?.into())?;
        Self::check_machine()?;
        let magic = self.get_wide(offset_of!(HeaderShape, magic))?;
        Geometry::expect(Field::Magic, u64::from_le_bytes(kind.magic()), magic)?;
        let abi = self.get(offset_of!(HeaderShape, abi))?;
        Geometry::expect(Field::Abi, ABI.into(), abi.into())?;
        let found = self.get(offset_of!(HeaderShape, kind))?;
        Geometry::expect(Field::Kind, kind as u64, found.into())?;
        let required = self.get(offset_of!(HeaderShape, required))?;
        Geometry::expect(
            Field::Features,
            (required & KNOWN_FEATURES).into(),
            required.into(),
        )?;
        let line = self.get(offset_of!(HeaderShape, line_bytes))?;
        let spacing = Spacing::from_wire(line)
            .filter(|spacing| *spacing == Spacing::Lines || kind.may_be_compact())
            .ok_or(Error::Mismatch {
                field: Field::LineBytes,
                want: CACHE_LINE as u64,
                found: line.into(),
            })?;
        self.check_place(spacing)?;
        let span_bytes = self.get_wide(offset_of!(HeaderShape, span_bytes))?;
        if span_bytes > self.region.len() as u64 {
            return Err(Error::TooSmall {
                want: span_bytes,
                found: self.region.len() as u64,
            });
        }
        Ok(Geometry {
            kind,
            capacity: self.get(offset_of!(HeaderShape, capacity))?,
            element_bytes: self.get(offset_of!(HeaderShape, element_bytes))?,
            element_align: self.get(offset_of!(HeaderShape, element_align))?,
            type_tag: self.get_wide(offset_of!(HeaderShape, type_tag))?,
            framing: self.get(offset_of!(HeaderShape, framing))?,
            spacing,
            span_bytes,
        })
    }
}

#[cfg(all(test, not(ringpad_loom)))]
mod tests;
