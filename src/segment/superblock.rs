//! A segment: its superblock, and the handle that everything in it is found by.
//!
//! # Shape
//!
//! ```text
//! header (128)                magic "ringpad\0"
//! superblock (128)            0 id u128   16 peers u32   20 entries u32   24 rows at u32   28 directory at u32   32 data at u32   36 row locks u32
//! builder (128)               0 claim of the peer that creates a channel now   64 counts of what was given back for the dead (7 x u32)
//! rows (peers x 128)          the peer table
//! directory (entries x 128)   the named channels
//! data                        the channels, each on a line
//! ```
//! Places are in units of 64 bytes, so a segment may have 256 GiB.
//!
//! # What a crash at each step leaves
//!
//! Of `init`: a header that never got READY, which nobody attaches to.

#![forbid(unsafe_code)]

use core::mem::offset_of;
use core::sync::atomic::Ordering::Relaxed;

use crate::error::{Error, Field, Result};
use crate::memory::layout::{Line, Spacing, UNIT};
use crate::memory::liveness::{Liveness, Owner, PeerId};
use crate::memory::order::RELAXED;
use crate::memory::region::{Region, RegionRef};
use crate::memory::sync::{Atomic, RawU32};
use crate::segment::directory::EntryLine;
use crate::segment::header::{Geometry, Header, HeaderLine};
use crate::segment::join::Peer;
use crate::segment::kind::Kind;
use crate::segment::peers::{Identity, Table};
use crate::segment::plan::Plan;
use crate::segment::reaped::ReapedShape;

/// Where the superblock's words lie. Never made: a descriptor for offsets.
#[repr(C)]
pub(crate) struct SegmentShape {
    pub(crate) header: HeaderLine,
    pub(crate) superblock: Line<SuperblockShape>,
    pub(crate) builder: Line<BuilderShape>,
}

/// Who creates a channel, and what was given back for the dead.
#[repr(C)]
pub(crate) struct BuilderShape {
    pub(crate) claim: Atomic<Owner>,
    pub(crate) rest: [RawU32; 15],
    pub(crate) reaped: ReapedShape,
}

/// Where the claim of the peer that creates a channel lies.
pub(crate) const BUILDER: usize =
    offset_of!(SegmentShape, builder) + offset_of!(BuilderShape, claim);

/// The superblock's own line.
#[repr(C)]
pub(crate) struct SuperblockShape {
    pub(crate) id: [RawU32; 4],
    pub(crate) peers: RawU32,
    pub(crate) entries: RawU32,
    pub(crate) rows_at: RawU32,
    pub(crate) directory_at: RawU32,
    pub(crate) data_at: RawU32,
    pub(crate) locks: RawU32,
}

const SUPER: usize = offset_of!(SegmentShape, superblock);
const ROWS: usize = size_of::<SegmentShape>();
/// Most entries of a directory.
const MOST_ENTRIES: u32 = 1 << 16;

/// Bytes of a segment before its directory.
pub(crate) const fn fixed_bytes(peers: u32) -> usize {
    ROWS + Table::bytes(peers)
}

/// A region with a superblock, a peer table and a directory of named channels.
///
/// A handle: copy it freely. Everything about where things lie was checked once and is private.
#[derive(Clone, Copy)]
pub struct Segment<'m> {
    pub(super) region: RegionRef<'m>,
    table: Table<'m>,
    pub(super) directory: RegionRef<'m>,
    pub(super) entries: u32,
    pub(super) data_at: usize,
    id: u128,
    locked_rows: bool,
}

impl core::fmt::Debug for Segment<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Segment")
            .field("id", &format_args!("{:032x}", self.id))
            .field("bytes", &self.region.len())
            .field("peers", &self.table.rows())
            .field("entries", &self.entries)
            .finish()
    }
}

impl<'m> Segment<'m> {
    /// Makes a new segment over the region, with every planned channel in it.
    ///
    /// # Errors
    ///
    /// [`Error::TooSmall`], [`Error::ReadOnly`], [`Error::AlreadyInitialized`].
    pub fn init<const N: usize>(region: Region<'m>, plan: &Plan<N>) -> Result<Self> {
        let region = region.into_ref().as_home();
        let want = plan.layout()?.size() as u64;
        if want > region.len() as u64 {
            return Err(Error::TooSmall {
                want,
                found: region.len() as u64,
            });
        }
        // Whatever may be refused is refused before the first byte is written.
        let mut segment = Self::over(region, plan.peers, plan.entries(), plan.id)?;
        segment.locked_rows = plan.locked_rows;
        let header = Header::at(region)?;
        header.begin(&Geometry {
            kind: Kind::Segment,
            capacity: 0,
            element_bytes: 0,
            element_align: 0,
            type_tag: 0,
            framing: 0,
            spacing: Spacing::Lines,
            span_bytes: region.len() as u64,
        })?;
        segment.record()?;
        let builder: &Atomic<Owner> = region.typed(BUILDER)?;
        builder.store(Owner::FREE, RELAXED);
        segment.table.forget_counts()?;
        segment.table.init()?;
        segment.unlist_all()?;
        let mut at = segment.data_at;
        for (index, planned) in plan.channels.iter().enumerate() {
            at += segment.build(
                index as u32,
                at,
                &planned.name,
                &planned.geometry,
                planned.init,
            )?;
        }
        header.ready();
        Ok(segment)
    }

    /// Attaches to the segment that the region holds.
    ///
    /// # Errors
    ///
    /// [`Error::NotReady`], [`Error::Mismatch`] (naming both values), [`Error::TooSmall`].
    pub fn attach(region: Region<'m>) -> Result<Self> {
        let region = region.into_ref().as_home();
        let geometry = Header::at(region)?.attach(Kind::Segment)?;
        // The mapping may be longer than the segment: whoever creates must stop where all others do.
        let region = region.part(0, geometry.layout()?.size())?;
        let get = |field: usize| -> Result<u32> { Ok(region.raw(SUPER + field)?.load(Relaxed)) };
        let mut id = 0;
        for word in (0..4).rev() {
            id = id << 32 | u128::from(get(offset_of!(SuperblockShape, id) + 4 * word)?);
        }
        let peers = get(offset_of!(SuperblockShape, peers))?;
        if peers == 0 || peers > PeerId::MOST {
            return Err(Error::BadConfig {
                field: Field::Peers,
                found: peers.into(),
                want: "1 to 32 peers",
            });
        }
        let entries = get(offset_of!(SuperblockShape, entries))?;
        let mut segment = Self::over(region, peers, entries, id)?;
        segment.locked_rows = get(offset_of!(SuperblockShape, locks))? != 0;
        for (field, want) in segment.places() {
            Geometry::expect(Field::Offset, want.into(), get(field)?.into())?;
        }
        Ok(segment)
    }

    fn over(region: RegionRef<'m>, peers: u32, entries: u32, id: u128) -> Result<Self> {
        // Looking for a name looks at each: who may write the region must not decide for how long.
        if entries > MOST_ENTRIES {
            return Err(Error::BadConfig {
                field: Field::Entries,
                found: entries.into(),
                want: "at most 65536 directory entries",
            });
        }
        let directory_at = fixed_bytes(peers);
        let directory_bytes = (entries as usize)
            .checked_mul(size_of::<EntryLine>())
            .ok_or(Error::TooLarge)?;
        let rows = region.part(ROWS, Table::bytes(peers))?;
        let line = size_of::<Line<BuilderShape>>();
        let counts = region.part(offset_of!(SegmentShape, builder), line)?;
        Ok(Self {
            region,
            table: Table::over(rows, counts, peers),
            directory: region.part(directory_at, directory_bytes)?,
            entries,
            data_at: directory_at + directory_bytes,
            id,
            locked_rows: false,
        })
    }

    /// The superblock's places, in units: recorded for tools, derived for ourselves.
    fn places(&self) -> [(usize, u32); 3] {
        let units = |bytes: usize| (bytes / UNIT) as u32;
        [
            (offset_of!(SuperblockShape, rows_at), units(ROWS)),
            (
                offset_of!(SuperblockShape, directory_at),
                units(fixed_bytes(self.table.rows())),
            ),
            (offset_of!(SuperblockShape, data_at), units(self.data_at)),
        ]
    }

    fn record(&self) -> Result<()> {
        let set = |field: usize, value: u32| -> Result<()> {
            self.region.raw(SUPER + field)?.store(value, Relaxed);
            Ok(())
        };
        for word in 0..4 {
            let part = (self.id >> (32 * word)) as u32;
            set(offset_of!(SuperblockShape, id) + 4 * word, part)?;
        }
        set(offset_of!(SuperblockShape, peers), self.table.rows())?;
        set(offset_of!(SuperblockShape, entries), self.entries)?;
        set(offset_of!(SuperblockShape, locks), self.locked_rows.into())?;
        for (field, value) in self.places() {
            set(field, value)?;
        }
        Ok(())
    }

    /// The segment's own number.
    pub fn id(&self) -> u128 {
        self.id
    }

    /// Bytes of the segment.
    pub fn len(&self) -> usize {
        self.region.len()
    }

    /// True if peers hold their rows by locks of the system's.
    pub(crate) fn rows_are_locked(&self) -> bool {
        self.locked_rows
    }

    /// Never: a segment has at least its superblock.
    pub fn is_empty(&self) -> bool {
        false
    }

    /// Rows of the peer table.
    pub fn peers(&self) -> u32 {
        self.table.rows()
    }

    /// Who sits in a row, if anyone does.
    pub fn occupant(&self, peer: PeerId) -> Option<Identity> {
        Some(self.table.occupant(peer)?.0)
    }

    pub(crate) fn table(&self) -> Table<'m> {
        self.table
    }

    pub(crate) fn home(&self) -> usize {
        self.region.home()
    }

    pub(crate) fn is_forked(&self) -> bool {
        self.region.is_forked()
    }

    pub(crate) fn check_joinable(&self) -> Result<()> {
        self.region.check_writable()?;
        self.region.check_not_forked()
    }

    /// Marks the segment as replaced by a newer one.
    #[cfg_attr(any(not(feature = "std"), windows, ringpad_loom), allow(dead_code))]
    pub(crate) fn retire(&self) -> Result<()> {
        Header::at(self.region)?.retire()
    }

    /// Joins in any free row; `oracle` decides from then on who is dead.
    ///
    /// # Errors
    ///
    /// [`Error::PeersFull`], [`Error::ReadOnly`], [`Error::Forked`].
    pub fn join(&self, identity: &Identity, oracle: &'m dyn Liveness) -> Result<Peer<'m>> {
        Peer::join_any(*self, identity, oracle)
    }
}
