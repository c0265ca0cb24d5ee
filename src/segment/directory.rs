//! What is where: the superblock and the directory of named channels.
//!
//! # Shape
//!
//! ```text
//! header (128)                magic "ringpad\0"
//! superblock (128)            0 id u128   16 peers u32   20 entries u32   24 rows at u32   28 directory at u32   32 data at u32   36 row locks u32
//! builder (128)               0 claim of the peer that creates a channel now
//! rows (peers x 128)          the peer table
//! directory (entries x 128)   0 name [u8; 32], zero-padded   32 state u32   36 kind u32   40 at u32   44 length u32
//! data                        the channels, each on a line
//! ```
//! Places and lengths are in units of 64 bytes, so a segment may have 256 GiB.
//!
//! # Protocol
//!
//! The plan's channels are made before the segment is READY. A later `create` claims the builder, which makes
//! it alone; an entry counts only once LISTED, stored last.
//!
//! # What a crash at each step leaves
//!
//! Of `create`: a builder claim that names the dead and an entry that is not LISTED; the next creator takes
//! the claim over and writes the same entry and room again.

#![forbid(unsafe_code)]

use core::mem::offset_of;
use core::sync::atomic::Ordering::Relaxed;

use crate::error::{Error, Field, Result};
use crate::memory::layout::{Line, UNIT};
use crate::memory::liveness::{Liveness, Owner, PeerId};
use crate::memory::order::{LISTED, LOOKUP, RELAXED};
use crate::memory::region::{Region, RegionRef};
use crate::memory::sync::{Atomic, AtomicU32, RawU32, Track};
use crate::segment::claim::Held;
use crate::segment::header::{Channel, Geometry, Header, HeaderLine, Kind};
use crate::segment::peers::{Identity, Peer, Table};
use crate::segment::plan::{self, Name, Plan, Planned};

/// Where the superblock's words lie. Never made: a descriptor for offsets.
#[repr(C)]
pub(crate) struct SegmentShape {
    pub(crate) header: HeaderLine,
    pub(crate) superblock: Line<SuperblockShape>,
    pub(crate) builder: Line<Atomic<Owner>>,
}

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

/// Where a directory entry's words lie.
#[repr(C)]
pub(crate) struct EntryShape {
    pub(crate) name: [RawU32; 8],
    pub(crate) state: AtomicU32,
    pub(crate) kind: RawU32,
    pub(crate) at: RawU32,
    pub(crate) length: RawU32,
    pub(crate) track: Track,
}

/// An entry and the line it fills.
pub(crate) type EntryLine = Line<EntryShape>;

const SUPER: usize = offset_of!(SegmentShape, superblock);
const ROWS: usize = size_of::<SegmentShape>();
/// Most entries of a directory.
const MOST_ENTRIES: u32 = 1 << 16;
const IS_LISTED: u32 = u32::from_le_bytes(*b"LIST");

/// Bytes of a segment before its directory.
pub(crate) const fn fixed_bytes(peers: u32) -> usize {
    ROWS + Table::bytes(peers)
}

/// One channel of a directory, as [`Segment::entries`] shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Entry {
    /// The channel's name.
    pub name: Name,
    /// Its kind, if this build knows it.
    pub kind: Option<Kind>,
    /// Where it begins, in bytes from the segment's base.
    pub offset: u64,
    /// How many bytes it takes.
    pub len: u64,
}

/// A region with a superblock, a peer table and a directory of named channels.
///
/// A handle: copy it freely. Everything about where things lie was checked once and is private.
#[derive(Clone, Copy)]
pub struct Segment<'m> {
    region: RegionRef<'m>,
    table: Table<'m>,
    directory: RegionRef<'m>,
    entries: u32,
    data_at: usize,
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
            span_bytes: region.len() as u64,
        })?;
        segment.record()?;
        let builder: &Atomic<Owner> = region.typed(offset_of!(SegmentShape, builder))?;
        builder.store(Owner::FREE, RELAXED);
        segment.table.init()?;
        for index in 0..segment.entries {
            segment.entry(index)?.word(STATE)?.store(0, RELAXED);
        }
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
        Ok(Self {
            region,
            table: Table::over(rows, peers),
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
    #[cfg_attr(any(not(feature = "std"), ringpad_loom), allow(dead_code))]
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

    fn entry(&self, index: u32) -> Result<RegionRef<'m>> {
        let line = size_of::<EntryLine>();
        self.directory.part(index as usize * line, line)
    }

    /// Reads an entry once, if it is LISTED.
    fn listed(&self, index: u32) -> Result<Option<Entry>> {
        // In a forked child there is no mapping to look into.
        self.region.check_not_forked()?;
        let entry = self.entry(index)?;
        // LOOKUP: pairs with LISTED
        if entry.word(STATE)?.load(LOOKUP) != IS_LISTED {
            return Ok(None);
        }
        entry.track(offset_of!(EntryShape, track))?.read();
        let get = |field: usize| -> Result<u32> { Ok(entry.raw(field)?.load(Relaxed)) };
        let mut text = [0; 32];
        for (word, bytes) in text.chunks_exact_mut(4).enumerate() {
            bytes.copy_from_slice(&get(4 * word)?.to_le_bytes());
        }
        let used = text
            .iter()
            .position(|&byte| byte == 0)
            .unwrap_or(text.len());
        let corrupt = Error::Corrupt {
            what: "directory name",
            found: index,
        };
        let text = core::str::from_utf8(&text[..used]).map_err(|_| corrupt)?;
        Ok(Some(Entry {
            name: plan::name(text).map_err(|_| corrupt)?,
            kind: Kind::from_wire(get(offset_of!(EntryShape, kind))?),
            offset: u64::from(get(offset_of!(EntryShape, at))?) * UNIT as u64,
            len: u64::from(get(offset_of!(EntryShape, length))?) * UNIT as u64,
        }))
    }

    /// Builds a channel in the room at `at` and lists it. Returns the bytes it takes.
    fn build(
        &self,
        index: u32,
        at: usize,
        name: &Name,
        geometry: &Geometry,
        init: fn(RegionRef<'_>, &Geometry) -> Result<()>,
    ) -> Result<usize> {
        let bytes = geometry.layout()?.size();
        let room = self.region.part(at, bytes)?;
        Header::at(room)?.clear();
        init(room, geometry)?;
        let entry = self.entry(index)?;
        entry.track(offset_of!(EntryShape, track))?.write();
        let set = |field: usize, value: u32| -> Result<()> {
            entry.raw(field)?.store(value, Relaxed);
            Ok(())
        };
        let mut text = [0; 32];
        text[..name.len()].copy_from_slice(name.as_bytes());
        for (word, bytes) in text.chunks_exact(4).enumerate() {
            let bytes = [bytes[0], bytes[1], bytes[2], bytes[3]];
            set(4 * word, u32::from_le_bytes(bytes))?;
        }
        let units = |bytes: usize| u32::try_from(bytes / UNIT).map_err(|_| Error::TooLarge);
        set(offset_of!(EntryShape, kind), geometry.kind as u32)?;
        set(offset_of!(EntryShape, at), units(at)?)?;
        set(offset_of!(EntryShape, length), units(bytes)?)?;
        entry.word(STATE)?.store(IS_LISTED, LISTED); // LISTED: pairs with LOOKUP
        Ok(bytes)
    }

    /// The channels, in the order of the directory. Entries that hold garbage are left out.
    pub fn entries(&self) -> impl Iterator<Item = Entry> + use<'m> {
        let segment = *self;
        (0..self.entries).filter_map(move |index| segment.listed(index).ok().flatten())
    }

    fn find(&self, name: &str) -> Result<RegionRef<'m>> {
        self.region.check_not_forked()?;
        let name = plan::name(name)?;
        let entry = self.entries().find(|entry| entry.name == name);
        let entry = entry.ok_or(Error::NoSuchName)?;
        // Two channels over the same bytes would lend them twice.
        let end = |entry: &Entry| entry.offset.saturating_add(entry.len);
        let apart = |other: &Entry| {
            other.name == entry.name || end(other) <= entry.offset || end(&entry) <= other.offset
        };
        let twice = self
            .entries()
            .filter(|other| other.name == entry.name)
            .count()
            > 1;
        if entry.offset < self.data_at as u64 || twice || !self.entries().all(|other| apart(&other))
        {
            return Err(Error::Corrupt {
                what: "directory entry: its place, in units of 64 bytes,",
                found: (entry.offset / UNIT as u64) as u32,
            });
        }
        let place = |bytes: u64| usize::try_from(bytes).map_err(|_| Error::TooLarge);
        self.region.part(place(entry.offset)?, place(entry.len)?)
    }

    /// Opens a channel by name.
    ///
    /// # Errors
    ///
    /// [`Error::NoSuchName`], and what [`Channel::attach`] answers.
    pub fn open<C: Channel<'m>>(&self, name: &str) -> Result<C> {
        C::attach_ref(self.find(name)?)
    }

    /// Creates a channel in the segment's spare room.
    ///
    /// # Errors
    ///
    /// [`Error::NameTaken`], [`Error::DirectoryFull`], [`Error::SegmentFull`]; [`Error::EndpointTaken`] while another peer is creating.
    pub fn create<C: Channel<'m>>(
        &self,
        me: &Peer<'m>,
        name: &str,
        config: &C::Config,
    ) -> Result<C> {
        if me.home() != self.home() {
            return Err(Error::ForeignPeer);
        }
        self.check_joinable()?;
        let name = plan::name(name)?;
        let geometry = C::geometry(config)?;
        let builder = self.region.typed(offset_of!(SegmentShape, builder))?;
        let _alone = Held::take(builder, me.owner(), self.region, &me.court())?;
        let (mut at, mut free) = (self.data_at as u64, None);
        for index in 0..self.entries {
            match self.listed(index)? {
                Some(entry) if entry.name == name => return Err(Error::NameTaken),
                Some(entry) => at = at.max(entry.offset.saturating_add(entry.len)),
                None => free = free.or(Some(index)),
            }
        }
        let index = free.ok_or(Error::DirectoryFull {
            entries: self.entries,
        })?;
        let found = (self.region.len() as u64).saturating_sub(at);
        if geometry.span_bytes > found {
            return Err(Error::SegmentFull {
                want: geometry.span_bytes,
                found,
            });
        }
        self.build(index, at as usize, &name, &geometry, C::init_ref)?;
        self.open(&name)
    }

    /// Requires that every channel of the plan is here with the planned geometry.
    ///
    /// # Errors
    ///
    /// [`Error::NoSuchName`], or the [`Error::Mismatch`] that names both values.
    pub fn check<const N: usize>(&self, plan: &Plan<N>) -> Result<()> {
        if plan.peers > self.peers() {
            return Err(Error::Mismatch {
                field: Field::Peers,
                want: plan.peers.into(),
                found: self.peers().into(),
            });
        }
        let mut planned = plan.channels.iter();
        planned.try_for_each(|planned| self.check_one(planned))
    }

    /// Requires that this channel is here with the planned geometry.
    pub(crate) fn check_one(&self, planned: &Planned) -> Result<()> {
        let want = &planned.geometry;
        let found = Header::at(self.find(&planned.name)?)?.attach(want.kind)?;
        found.expect_all(want)
    }
}

const STATE: usize = offset_of!(EntryShape, state);

#[cfg(all(test, not(ringpad_loom)))]
mod tests;
