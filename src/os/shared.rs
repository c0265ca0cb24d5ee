//! A mapped segment and everything that joining it takes.

use std::sync::Arc;

use super::Result;
use super::error::Doing;
use super::liveness::Oracle;
use super::options::Options;
use super::owned::{OwnedPeer, forever};
use super::system::{self, Ask, Bells, Handle, LOOKS, Mapping, Seats, fork_guard};
use crate::memory::maintenance::Upkeep;
use crate::segment::join::Peer;
use crate::{Entry, Identity, PeerId, Plan, Region, Segment};

/// Whether other parties of a segment keep to the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trust {
    Cooperative,
    Distrusted,
}

/// What this process may do with a segment's memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    ReadWrite,
    ReadOnly,
}

/// Everything that handles share. Fields drop in this order: the names last of all let go of the segment.
pub(super) struct Inner {
    pub(super) segment: Segment<'static>,
    pub(super) oracle: Oracle,
    pub(super) bells: Bells,
    pub(super) trust: Trust,
    pub(super) seats: Seats,
    /// Last: everything above points into it.
    mapping: Mapping,
}

/// A segment shared with other processes: open or created, mapped, ready to be joined.
///
/// Cheap to clone; the mapping lives as long as any handle made from it.
#[derive(Clone)]
pub struct SharedSegment {
    pub(super) inner: Arc<Inner>,
}

impl Upkeep for SharedSegment {}

impl std::fmt::Debug for SharedSegment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.inner.segment.fmt(f)
    }
}

/// Maps a file's `len` bytes as the options want.
pub(super) fn map(
    file: Handle<'_>,
    len: u64,
    options: &Options,
    access: Access,
) -> Result<Mapping> {
    let bytes = usize::try_from(len).map_err(|_| crate::Error::TooLarge)?;
    let writable = access == Access::ReadWrite;
    let mapped = match options.huge_pages {
        true => Mapping::map_huge(file, bytes, writable),
        false => Mapping::map(file, bytes, writable),
    };
    let mapping = mapped.doing(|| format!("mapping {len} bytes"))?;
    if options.prefault {
        mapping
            .prefault()
            .doing(|| format!("prefaulting {len} bytes"))?;
    }
    if options.lock_memory {
        mapping
            .lock_in_memory()
            .doing(|| format!("locking {len} bytes in memory"))?;
    }
    Ok(mapping)
}

/// The region of a mapping; `'static` on the caller's word that no user sees a reference outlive the mapping.
pub(super) fn region(mapping: &Mapping, trust: Trust) -> Result<Region<'static>> {
    let guard = fork_guard().doing(|| "making the fork word".into())?;
    let (base, len) = (mapping.base().as_ptr(), mapping.len());
    let region = match trust {
        // SAFETY: as below; a region that is read only needs no more than a mapping that can be read.
        Trust::Cooperative if !mapping.is_writable() => unsafe { Region::read_only(base, len) },
        // SAFETY: mapped read-write; Inner keeps the mapping behind every handle made from the region; the
        // others are let in by the directory's permissions or by the parent that handed the memory down.
        Trust::Cooperative => unsafe { Region::new(base, len) },
        // SAFETY: as of the two others.
        Trust::Distrusted if !mapping.is_writable() => unsafe {
            Region::distrusted_read_only(base, len)
        },
        // SAFETY: as above, and the memory was checked to be sealed against shrinking, or is a section, which cannot shrink.
        Trust::Distrusted => unsafe { Region::distrusted(base, len) },
    };
    Ok(region?.guarded_by(guard))
}

/// Makes a new segment over fresh memory.
pub(super) fn init<const N: usize>(
    mapping: &Mapping,
    plan: &Plan<N>,
    trust: Trust,
) -> Result<Segment<'static>> {
    let plan = plan.clone().locked_rows();
    Ok(Segment::init(region(mapping, trust)?, &plan)?)
}

/// Attaches to the segment that fills the mapping: one of another size is not what its creator made.
pub(super) fn attach(
    mapping: &Mapping,
    trust: Trust,
) -> std::result::Result<Segment<'static>, crate::Error> {
    let region = region(mapping, trust).map_err(|error| match error {
        super::Error::Region(error) => error,
        // The fork word could not be made: without it nothing may be attached.
        _ => crate::Error::Forked,
    })?;
    let segment = Segment::attach(region)?;
    let (want, found) = (mapping.len() as u64, segment.len() as u64);
    if want != found {
        let field = crate::Field::SpanBytes;
        return Err(crate::Error::Mismatch { field, want, found });
    }
    if !segment.rows_are_locked() {
        // Its peers sit in their rows without locks: each would look dead.
        return Err(crate::Error::Mismatch {
            field: crate::Field::RowLocks,
            want: 1,
            found: 0,
        });
    }
    Ok(segment)
}

impl SharedSegment {
    pub(super) fn assemble(
        mapping: Mapping,
        segment: Segment<'static>,
        ask: Ask,
        bells: Bells,
        seats: Seats,
        trust: Trust,
    ) -> Self {
        let oracle = Oracle::new(ask, segment.table(), trust == Trust::Cooperative);
        Self {
            inner: Arc::new(Inner {
                segment,
                oracle,
                bells,
                trust,
                seats,
                mapping,
            }),
        }
    }

    /// The segment's random number.
    pub fn id(&self) -> u128 {
        self.inner.segment.id()
    }

    /// Bytes of the segment.
    pub fn len_bytes(&self) -> usize {
        self.inner.segment.len()
    }

    /// Bytes of this process's mapping that lie in huge pages now; see [`Options::huge_pages`]. Reads `/proc/self/smaps`.
    pub fn huge_bytes(&self) -> u64 {
        self.inner.mapping.huge_bytes()
    }

    /// True if other parties may write anything into it: its bytes are copied, never lent.
    pub fn is_distrusted(&self) -> bool {
        self.inner.trust == Trust::Distrusted
    }

    /// The channels.
    pub fn entries(&self) -> impl Iterator<Item = Entry> + '_ {
        self.inner.segment.entries()
    }

    /// Requires what the plan says of peers and channels, type tags included: for segments that were opened, inherited or
    /// received. [`SharedSegment::open_or_create`] does so by itself.
    ///
    /// # Errors
    ///
    /// [`crate::Error::NoSuchName`], or the [`crate::Error::Mismatch`] that names both values.
    pub fn check<const N: usize>(&self, plan: &Plan<N>) -> Result<()> {
        Ok(self.inner.segment.check(plan)?)
    }

    /// Rows of the peer table.
    pub fn peers(&self) -> u32 {
        self.inner.segment.peers()
    }

    /// True if this process may only read it: see [`SharedSegment::open_read_only`].
    pub fn is_read_only(&self) -> bool {
        self.inner.segment.check_joinable() == Err(crate::Error::ReadOnly)
    }

    /// Who sits in a row, if anyone does, alive or dead.
    pub fn occupant(&self, peer: PeerId) -> Option<Identity> {
        self.inner.segment.occupant(peer)
    }

    /// Whether the peer in a row lives; [`Life::Unknown`](crate::Life::Unknown) of a row that is not there. Makes system calls.
    pub fn life(&self, peer: PeerId) -> crate::Life {
        crate::Liveness::state(&self.inner.oracle, peer)
    }

    /// Joins: takes a row under its lock, healing one whose peer died in it.
    ///
    /// # Errors
    ///
    /// [`crate::Error::PeersFull`] when every row's lock is held (a dead owner's too, while a child that it forked holds it on), [`crate::Error::Forked`], [`Error::Io`](super::Error::Io).
    pub fn join(&self) -> Result<OwnedPeer> {
        self.inner.segment.check_joinable()?;
        let seat = self.inner.seats.seat()?;
        let rows = self.inner.segment.peers();
        for look in 0..LOOKS {
            if look > 0 {
                std::thread::sleep(std::time::Duration::from_millis(1));
            }
            for row in (1..=rows).filter_map(PeerId::new) {
                if seat.lock(row).doing(|| format!("locking row {row}"))? {
                    return OwnedPeer::take(self.clone(), row, seat);
                }
            }
        }
        self.inner.seats.give_back(seat);
        Err(crate::Error::PeersFull { peers: rows }.into())
    }

    /// The core peer of a locked row, alive as long as `self`. True if somebody died in the row, who is still to be reaped.
    pub(super) fn occupy(&self, row: PeerId) -> Result<(Peer<'static>, bool)> {
        let identity = system::Identity::mine().into();
        // SAFETY: Inner lies in an Arc that OwnedPeer keeps longer than the peer made here.
        let oracle: &'static Oracle = unsafe { forever(&self.inner.oracle) };
        Ok(Peer::join_locked(
            self.inner.segment,
            row,
            &identity,
            oracle,
        )?)
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        if !self.segment.is_forked() {
            self.seats.let_go();
        }
    }
}
