//! The directory of a segment: name -> kind and place of a channel.
//!
//! # Shape (one line an entry)
//!
//! ```text
//! 0 name [u8; 32], zero-padded   32 state u32   36 kind u32   40 at u32   44 length u32
//! ```
//! Places and lengths are in units of 64 bytes.
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
use crate::memory::order::{LISTED, LOOKUP, RELAXED};
use crate::memory::region::RegionRef;
use crate::memory::sync::{AtomicU32, RawU32, Track};
use crate::segment::claim::Held;
use crate::segment::header::{Geometry, Header};
use crate::segment::join::Peer;
use crate::segment::kind::{Channel, Kind};
use crate::segment::plan::{self, Name, Plan, Planned};
use crate::segment::superblock::{BUILDER, Segment};

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

const IS_LISTED: u32 = u32::from_le_bytes(*b"LIST");
const STATE: usize = offset_of!(EntryShape, state);

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

impl<'m> Segment<'m> {
    /// Empties the directory of a segment that nobody else can reach yet.
    pub(super) fn unlist_all(&self) -> Result<()> {
        for index in 0..self.entries {
            self.entry(index)?.word(STATE)?.store(0, RELAXED);
        }
        Ok(())
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
    pub(super) fn build(
        &self,
        index: u32,
        at: usize,
        name: &Name,
        geometry: &Geometry,
        init: fn(RegionRef<'_>, &Geometry) -> Result<()>,
    ) -> Result<usize> {
        let bytes = geometry.room()?;
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

    /// Every channel that this build knows, with the region it fills.
    pub(crate) fn channels(&self) -> impl Iterator<Item = (Kind, RegionRef<'m>)> {
        let segment = *self;
        self.entries().filter_map(move |entry| {
            let place = |bytes: u64| usize::try_from(bytes).ok();
            let at = place(entry.offset).filter(|at| *at >= segment.data_at)?;
            Some((
                entry.kind?,
                segment.region.part(at, place(entry.len)?).ok()?,
            ))
        })
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
        let builder = self.region.typed(BUILDER)?;
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
        let want = geometry.room()? as u64;
        if want > found {
            return Err(Error::SegmentFull { want, found });
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
        self.check_peers(plan.peers)?;
        let mut planned = plan.channels.iter();
        planned.try_for_each(|planned| self.check_one(planned))
    }

    /// Requires room for as many peers.
    pub(crate) fn check_peers(&self, want: u32) -> Result<()> {
        if want <= self.peers() {
            return Ok(());
        }
        Err(Error::Mismatch {
            field: Field::Peers,
            want: want.into(),
            found: self.peers().into(),
        })
    }

    /// Requires that this channel is here with the planned geometry.
    pub(crate) fn check_one(&self, planned: &Planned) -> Result<()> {
        let want = &planned.geometry;
        let found = Header::at(self.find(&planned.name)?)?.attach(want.kind)?;
        found.expect_all(want)
    }
}

#[cfg(all(test, not(ringpad_loom)))]
mod tests;
