//! The peer table: who is here. One row a peer, at most 32.
//!
//! # Shape (one line a row)
//!
//! ```text
//! byte 0 state u32: generation u24 (high) | state u8 (low)    4 arm u32: epoch << 1 | ARMED
//!      8 reaper {peer u8, generation u24}   12 pid u32   16 start u64   24 space u64   32.. zero to 128
//! ```
//!
//! # Protocol
//!
//! ```text
//! FREE(g) -JOIN-> JOINING(g+1) -LIVE-> LIVE(g+1) -LEAVE-> FREE(g+2)
//!                 JOINING | LIVE | REAPING of a peer proven dead -REAP-> REAPING(g+1) -LEAVE-> FREE(g+2)
//!                                                     by whoever joins in it: REAPING(g+1) -JOIN-> JOINING(g+3)
//! ```
//! The os layer takes the row's byte lock FIRST, so a row that is not FREE while its byte is free is
//! dead at any instruction, and whoever holds the byte may heal it. Odd generations live; REAPING is dead to everybody.
//! The doorbell word `arm` is never reset when a row changes hands.
//!
//! # What a crash at each step leaves
//!
//! A row that is not FREE under a free byte lock: the next joiner that locks the byte heals it first.

#![forbid(unsafe_code)]

use core::mem::offset_of;
use core::sync::atomic::Ordering;

use crate::error::{Error, Result};
use crate::memory::layout::Line;
use crate::memory::liveness::{Life, Liveness, Owner, PeerId};
use crate::memory::order::{DEPARTED, JOIN, LEAVE, LIVE, REAP, RELAXED};
use crate::memory::region::RegionRef;
use crate::memory::sync::{Atomic, AtomicU32, RawU32};

/// Where a row's words lie. Never made: a descriptor for offsets.
#[repr(C)]
pub(crate) struct RowShape {
    pub(crate) state: AtomicU32,
    pub(crate) arm: AtomicU32,
    pub(crate) reaper: Atomic<Owner>,
    pub(crate) pid: RawU32,
    pub(crate) start: [RawU32; 2],
    pub(crate) space: [RawU32; 2],
}

/// A row and the line it fills.
pub(crate) type RowLine = Line<RowShape>;

/// Attempts before a contended row is given up.
const ATTEMPTS: u32 = 16;

/// What a row's state word says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RowWord(u32);

const FREE: u8 = 0;
const JOINING: u8 = 1;
const LIVING: u8 = 2;
const REAPING: u8 = 3;

impl RowWord {
    /// Of `generation` the low 24 bits.
    const fn new(state: u8, generation: u32) -> Self {
        Self(generation << 8 | state as u32)
    }

    const fn state(self) -> u8 {
        self.0 as u8
    }

    const fn generation(self) -> u32 {
        self.0 >> 8
    }
}

/// Which process (or core) sits in a row, as its system knows it. Zeros prove nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// Process number in its own space of numbers.
    pub pid: u32,
    /// When that process started, in the system's own units.
    pub start: u64,
    /// Which space of process numbers `pid` belongs to; 0 if unknown.
    pub space: u64,
}

/// The rows of one segment.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub struct Table<'m> {
    region: RegionRef<'m>,
    /// Where the segment counts what was given back for the dead.
    counts: RegionRef<'m>,
    rows: u32,
}

impl<'m> Table<'m> {
    pub(crate) const fn bytes(rows: u32) -> usize {
        rows as usize * size_of::<RowLine>()
    }

    pub(crate) fn over(region: RegionRef<'m>, counts: RegionRef<'m>, rows: u32) -> Self {
        Self {
            region,
            counts,
            rows,
        }
    }

    pub(crate) fn rows(&self) -> u32 {
        self.rows
    }

    /// Zeroes every row.
    pub(crate) fn init(&self) -> Result<()> {
        for peer in self.peers() {
            self.word(peer, offset_of!(RowShape, state))?
                .store(0, RELAXED);
            self.word(peer, offset_of!(RowShape, arm))?
                .store(0, RELAXED);
            let reaper = Self::at(peer) + offset_of!(RowShape, reaper);
            self.region.typed(reaper)?.store(Owner::FREE, RELAXED);
            self.identify(peer, &Identity::default())?;
        }
        Ok(())
    }

    pub(crate) fn peers(&self) -> impl Iterator<Item = PeerId> + use<> {
        (1..=self.rows).filter_map(PeerId::new)
    }

    const fn at(peer: PeerId) -> usize {
        peer.index() * size_of::<RowLine>()
    }

    fn word(&self, peer: PeerId, field: usize) -> Result<&'m AtomicU32> {
        self.region.word(Self::at(peer) + field)
    }

    /// The row's state word; an error in a forked child, which has no mapping to look into.
    fn state(&self, peer: PeerId) -> Result<&'m AtomicU32> {
        self.region.check_not_forked()?;
        self.word(peer, offset_of!(RowShape, state))
    }

    /// The doorbell word of a row.
    pub(crate) fn arm(&self, peer: PeerId) -> Result<&'m AtomicU32> {
        self.word(peer, offset_of!(RowShape, arm))
    }

    fn identify(&self, peer: PeerId, identity: &Identity) -> Result<()> {
        let set = |field: usize, value: u32| -> Result<()> {
            let word = self.region.raw(Self::at(peer) + field)?;
            // Release: whoever reads a new word here finds the row no longer as it was before.
            word.store(value, Ordering::Release);
            Ok(())
        };
        set(offset_of!(RowShape, pid), identity.pid)?;
        set(offset_of!(RowShape, start), identity.start as u32)?;
        set(
            offset_of!(RowShape, start) + 4,
            (identity.start >> 32) as u32,
        )?;
        set(offset_of!(RowShape, space), identity.space as u32)?;
        set(
            offset_of!(RowShape, space) + 4,
            (identity.space >> 32) as u32,
        )
    }

    /// Who sits in a row, if its peer has finished joining.
    pub(crate) fn occupant(&self, peer: PeerId) -> Option<(Identity, u32)> {
        let state = self.state(peer).ok()?;
        let word = RowWord(state.load(DEPARTED));
        if word.state() != LIVING {
            return None;
        }
        let get = |field: usize| {
            let word = self.region.raw(Self::at(peer) + field).ok()?;
            Some(word.load(Ordering::Acquire))
        };
        let wide = |field: usize| Some(u64::from(get(field + 4)?) << 32 | u64::from(get(field)?));
        let identity = Identity {
            pid: get(offset_of!(RowShape, pid))?,
            start: wide(offset_of!(RowShape, start))?,
            space: wide(offset_of!(RowShape, space))?,
        };
        // Words of two lives would name a process that never was here, and "prove" a living peer dead.
        (state.load(RELAXED) == word.0).then_some((identity, word.generation()))
    }

    /// What is known of an owner: dead if its row has moved on, else what the oracle says of the row.
    pub(crate) fn life_of(&self, owner: Owner, oracle: &dyn Liveness) -> Life {
        let Some(peer) = owner.peer().filter(|peer| peer.get() <= self.rows) else {
            return Life::Unknown;
        };
        let Ok(state) = self.state(peer) else {
            return Life::Unknown;
        };
        let has_ended = || {
            let row = RowWord(state.load(DEPARTED)); // DEPARTED: pairs with LEAVE, JOIN, LIVE and REAP
            // Who reaps it had the proof, and may hold the row's lock now. A hostile peer can forge this in a distrusted region, as it can
            // free the claim word itself; nothing is lent there.
            row.generation() != owner.generation() || row.state() == REAPING
        };
        if has_ended() {
            return Life::Dead;
        }
        match oracle.state(peer) {
            Life::Dead => Life::Dead,
            // It may have been asked of a reaper, or of the row's next peer.
            _ if has_ended() => Life::Dead,
            life => life,
        }
    }

    /// Takes a row whose lock the caller holds, from its last peer if that died in it: then true, and what that one named is still to be
    /// given back.
    pub(crate) fn occupy(&self, peer: PeerId, identity: &Identity) -> Result<(u32, bool)> {
        let state = self.state(peer)?;
        for _ in 0..ATTEMPTS {
            let mut row = RowWord(state.load(RELAXED));
            // The caller holds the row's lock, so whoever the row names is dead.
            let dead = row.state() != FREE;
            if dead {
                if !self.begin_reaping(peer, row.generation()) {
                    continue;
                }
                // Never FREE between: were this one killed there, nobody would forget that the last one slept.
                row = RowWord::new(REAPING, row.generation());
            }
            if let Some(generation) = self.enter(peer, row, identity)? {
                return Ok((generation, dead));
            }
        }
        Err(Error::Busy)
    }

    /// Takes any FREE row; without locks a row that is not FREE is somebody's.
    pub(super) fn occupy_any(&self, identity: &Identity) -> Result<(PeerId, u32)> {
        for peer in self.peers() {
            let row = RowWord(self.state(peer)?.load(RELAXED));
            if row.state() == FREE {
                if let Some(generation) = self.enter(peer, row, identity)? {
                    return Ok((peer, generation));
                }
            }
        }
        Err(Error::PeersFull { peers: self.rows })
    }

    /// FREE, or REAPING by the caller -> JOINING -> LIVE; `None` if somebody else was faster.
    fn enter(&self, peer: PeerId, row: RowWord, identity: &Identity) -> Result<Option<u32>> {
        let state = self.state(peer)?;
        // Even to odd; a garbage odd generation of a FREE row is skipped over.
        let joining = RowWord::new(JOINING, (row.generation() + 1) | 1);
        let generation = joining.generation();
        // JOIN: pairs with LEAVE and DEPARTED
        if state.replace(row.0, joining.0, JOIN).is_err() {
            return Ok(None);
        }
        self.identify(peer, identity)?;
        // The last peer may have died armed; its epoch stays, or a producer that rang it once would not again.
        let arm = self.arm(peer)?;
        arm.store(
            arm.load(RELAXED) & !crate::segment::doorbell::ARMED,
            RELAXED,
        );
        state.store(RowWord::new(LIVING, generation).0, LIVE); // LIVE: pairs with DEPARTED
        Ok(Some(generation))
    }

    /// The generation that a row was last taken with, if it is not free.
    pub(crate) fn taken(&self, peer: PeerId) -> Option<u32> {
        let row = RowWord(self.state(peer).ok()?.load(DEPARTED));
        (row.state() != FREE).then_some(row.generation())
    }

    /// Who reaps a row, where rows have no locks.
    pub(crate) fn reaper(&self, peer: PeerId) -> Result<&'m Atomic<Owner>> {
        self.region
            .typed(Self::at(peer) + offset_of!(RowShape, reaper))
    }

    pub(super) fn counts(&self) -> RegionRef<'m> {
        self.counts
    }

    pub(crate) fn region(&self) -> RegionRef<'m> {
        self.region
    }

    /// The caller alone may reap the row, whose peer of this life is dead. False if the row has moved on.
    pub(crate) fn begin_reaping(&self, peer: PeerId, generation: u32) -> bool {
        let Ok(state) = self.state(peer) else {
            return false;
        };
        let row = RowWord(state.load(RELAXED));
        let reaping = RowWord::new(REAPING, generation);
        let is_it = row.generation() == generation && row.state() != FREE;
        // REAP: pairs with DEPARTED; what the dead one did came with the proof.
        is_it && (row == reaping || state.replace(row.0, reaping.0, REAP).is_ok())
    }

    /// Frees a row that is being reaped. False if it is not.
    pub(crate) fn end_reaping(&self, peer: PeerId, generation: u32) -> bool {
        let reaping = RowWord::new(REAPING, generation);
        let free = RowWord::new(FREE, (generation + 1) & !1);
        // LEAVE: pairs with JOIN and DEPARTED
        self.state(peer)
            .is_ok_and(|state| state.replace(reaping.0, free.0, LEAVE).is_ok())
    }

    /// Frees a row that this peer's life sits in, and no later one.
    pub(super) fn leave(&self, peer: PeerId, generation: u32) {
        if let Ok(state) = self.state(peer) {
            let live = RowWord::new(LIVING, generation);
            let free = RowWord::new(FREE, generation + 1);
            let _ = state.replace(live.0, free.0, LEAVE); // LEAVE: pairs with JOIN and DEPARTED
        }
    }
}

#[cfg(all(test, not(ringpad_loom)))]
mod tests;
