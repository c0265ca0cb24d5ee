//! A pass over what the dead named: whose it may give back, what it found, how it tells.
//!
//! # Protocol
//!
//! Every word that names an owner names its life too, so whoever proves that life ended may give back what it names, at any time and beside any
//! other: each step is one exchange from the dead one's name. Only what names a row and no life, the bits of sleepers, needs
//! the row: a reaper keeps it from being taken meanwhile, by the row's lock where rows have locks, by the `reaper` word elsewhere.
//!
//! ```text
//! row     LIVE | JOINING (g) of the dead -REAP-> REAPING(g); the pass; -LEAVE-> FREE(g + 1)
//!         or, by whoever joins in it: REAPING(g) -JOIN-> JOINING(g + 2) -LIVE-> LIVE; the pass
//! ```
//!
//! # Who reaps, and when
//!
//! A peer that joins in a dead one's row; whoever calls `reap`; and whoever finds a slot, an end or a lock of a dead peer in its way gives
//! that one thing back. No thread does it unasked.
//!
//! # What a crash at each step leaves
//!
//! What is not given back yet still names the dead; what was being given back names the reaper, who is dead now. The next pass finds both.
//! What was given back and not counted stays uncounted.

#![forbid(unsafe_code)]

use core::mem::offset_of;
use core::ops::AddAssign;
use core::sync::atomic::Ordering::Relaxed;

use crate::error::Result;
use crate::memory::liveness::{Owner, PeerId};
use crate::memory::order::{RELAXED, UNCLAIM};
use crate::memory::region::RegionRef;
use crate::memory::sync::{Atomic, AtomicU32, RawU32};
use crate::segment::claim::Court;
use crate::segment::doorbell::{Rung, Signal, Waiters};
use crate::segment::kind::Names;
use crate::segment::peers::Table;
use crate::segment::superblock::{BUILDER, BuilderShape, Segment};

/// What was given back for the dead.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reaped {
    /// Rows of the peer table.
    pub peers: u32,
    /// Ends of channels, cursors of subscribers, and the right to create channels.
    pub ends: u32,
    /// Slots of rings of many senders and receivers.
    pub slots: u32,
    /// Messages that come again.
    pub messages: u32,
    /// Locks, which are inherited now.
    pub locks: u32,
    /// Frames that can be written again.
    pub frames: u32,
    /// Calls whose server or client died.
    pub calls: u32,
}

impl Reaped {
    /// True if there was nothing.
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }

    /// What came since an earlier look at the same counts, which wrap.
    pub fn since(&self, earlier: &Self) -> Self {
        Self {
            peers: self.peers.wrapping_sub(earlier.peers),
            ends: self.ends.wrapping_sub(earlier.ends),
            slots: self.slots.wrapping_sub(earlier.slots),
            messages: self.messages.wrapping_sub(earlier.messages),
            locks: self.locks.wrapping_sub(earlier.locks),
            frames: self.frames.wrapping_sub(earlier.frames),
            calls: self.calls.wrapping_sub(earlier.calls),
        }
    }

    const fn fields(&self) -> [u32; COUNTS] {
        let Self {
            peers,
            ends,
            slots,
            messages,
            locks,
            frames,
            calls,
        } = *self;
        [peers, ends, slots, messages, locks, frames, calls]
    }
}

impl AddAssign for Reaped {
    fn add_assign(&mut self, more: Self) {
        self.peers = self.peers.wrapping_add(more.peers);
        self.ends = self.ends.wrapping_add(more.ends);
        self.slots = self.slots.wrapping_add(more.slots);
        self.messages = self.messages.wrapping_add(more.messages);
        self.locks = self.locks.wrapping_add(more.locks);
        self.frames = self.frames.wrapping_add(more.frames);
        self.calls = self.calls.wrapping_add(more.calls);
    }
}

/// Where a segment counts what was given back.
#[repr(C)]
pub(crate) struct ReapedShape {
    pub(crate) peers: RawU32,
    pub(crate) ends: RawU32,
    pub(crate) slots: RawU32,
    pub(crate) messages: RawU32,
    pub(crate) locks: RawU32,
    pub(crate) frames: RawU32,
    pub(crate) calls: RawU32,
}

/// How many counts there are.
const COUNTS: usize = size_of::<ReapedShape>() / size_of::<RawU32>();

const COUNTERS: usize = offset_of!(BuilderShape, reaped);

impl<'m> Table<'m> {
    fn counters(&self) -> impl Iterator<Item = Result<&'m RawU32>> + use<'m> {
        let counts = self.counts();
        (0..COUNTS).map(move |index| counts.raw(COUNTERS + index * size_of::<RawU32>()))
    }

    pub(super) fn forget_counts(&self) -> Result<()> {
        for counter in self.counters() {
            counter?.store(0, Relaxed);
        }
        Ok(())
    }

    /// Adds to what tools can read.
    pub(crate) fn count(&self, reaped: &Reaped) {
        for (counter, more) in self.counters().zip(reaped.fields()) {
            match counter {
                Ok(counter) if more > 0 => counter.fetch_add(more, Relaxed),
                _ => continue,
            };
        }
    }
}

impl Segment<'_> {
    /// What was given back for the dead since the segment was made: by passes, by joiners, and slots by whoever had them in its way; not ends and
    /// locks that were taken over. Counts wrap; what somebody gave back who was killed before it counted is missing.
    pub fn reaped(&self) -> Reaped {
        let mut counts = self
            .table()
            .counters()
            .map(|counter| counter.map_or(0, |counter| counter.load(Relaxed)));
        let mut next = || counts.next().unwrap_or(0);
        Reaped {
            peers: next(),
            ends: next(),
            slots: next(),
            messages: next(),
            locks: next(),
            frames: next(),
            calls: next(),
        }
    }
}

/// One pass.
pub(crate) struct Pass<'p> {
    /// In whose name.
    pub(crate) me: Owner,
    pub(crate) court: Court<'p>,
    /// Bits of rows whose peers are dead, which nobody can take meanwhile.
    pub(crate) sleepers: u32,
    pub(crate) found: Reaped,
    segment: &'p Segment<'p>,
    signal: &'p dyn Signal,
}

impl core::fmt::Debug for Pass<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.found.fmt(f)
    }
}

impl<'p> Pass<'p> {
    pub(crate) fn new(
        me: Owner,
        court: Court<'p>,
        segment: &'p Segment<'p>,
        signal: &'p dyn Signal,
    ) -> Self {
        Self {
            me,
            court,
            sleepers: 0,
            found: Reaped::default(),
            segment,
            signal,
        }
    }

    /// Gives back a claim of the dead. True if it was one.
    pub(crate) fn end(&mut self, claim: &Atomic<Owner>) -> bool {
        let owner = claim.load(RELAXED);
        // UNCLAIM: pairs with CLAIM of the next owner; the proof of death was an acquire of what the dead one did.
        let freed = self.court.is_dead(owner) && claim.replace(owner, Owner::FREE, UNCLAIM).is_ok();
        self.found.ends += u32::from(freed);
        freed
    }

    /// Gives back a channel's ends.
    pub(crate) fn ends(&mut self, region: RegionRef<'_>, names: Names) -> Result<()> {
        let mut freed = false;
        for at in names.ends {
            freed |= self.end(region.typed(*at)?);
        }
        for at in names.waiters {
            let waiters = region.word(*at)?;
            self.forget_sleepers(waiters);
            if freed {
                self.wake(waiters);
            }
        }
        Ok(())
    }

    /// Forgets the dead among those who sleep there.
    pub(crate) fn forget_sleepers(&self, waiters: &AtomicU32) {
        if waiters.load(RELAXED) & self.sleepers != 0 {
            waiters.clear_bits(self.sleepers, RELAXED);
        }
    }

    /// Wakes whoever sleeps there: something was given back.
    pub(crate) fn wake(&self, waiters: &AtomicU32) {
        let table = self.segment.table();
        Rung::ring_all(|| table, Waiters(waiters), &self.signal);
    }

    /// Gives back the right to create channels.
    pub(crate) fn builder(&mut self) -> Result<()> {
        let builder = self.segment.region.typed(BUILDER)?;
        self.end(builder);
        Ok(())
    }

    /// Counts what was found where tools can read it.
    pub(crate) fn finish(self) -> Reaped {
        self.segment.table().count(&self.found);
        self.found
    }
}

impl Segment<'_> {
    /// The rows, other than `me`'s, whose peers are proven dead, with their lives.
    pub(crate) fn dead_rows(
        &self,
        me: Owner,
        court: &Court<'_>,
    ) -> impl Iterator<Item = (PeerId, u32)> {
        let (table, me) = (self.table(), me.peer());
        table
            .peers()
            .filter(move |peer| Some(*peer) != me)
            .filter_map(move |peer| Some((peer, table.taken(peer)?)))
            .filter(|(peer, generation)| court.is_dead(Owner::of(*peer, *generation)))
    }
}
