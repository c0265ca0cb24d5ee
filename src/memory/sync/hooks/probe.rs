//! What models reach of the crate's private parts: bare words of the facade, and words of a region
//! that no public call sets.

pub mod pool;

use core::mem::offset_of;

use crate::channel::lock::Words as LockWords;
use crate::channel::mailslot::reliable::{ReliableControl, ReliableShape};
use crate::channel::mailslot::{MailslotControl, MailslotShape, TailShape};
use crate::channel::mpmc::{Mended, Words};
use crate::channel::notepad::{LatestShape, NotepadShape};
use crate::channel::party::Name;
use crate::channel::stamp::complete;
use crate::error::{Error, Result};
use crate::memory::layout::{CACHE_LINE, Line, Spacing, block};
use crate::memory::liveness::{Liveness, Owner, PeerId};
use crate::memory::order::{ARM, RELAXED, RING};
use crate::memory::racing::{RacingSlots, stride};
use crate::memory::region::{Region, RegionRef};
use crate::memory::sync::{AtomicU32, fence};
use crate::segment::claim::Held;
use crate::segment::doorbell::{ARMED, Rung, Signal, Waiters};
use crate::segment::header::{Header, HeaderLine};
use crate::segment::join::Peer;
use crate::segment::kind::Kind;
use crate::segment::peers::Identity;
use crate::segment::reaped::Reaped;
use crate::segment::superblock::Segment;

/// A word of the facade by itself; every access is relaxed.
#[derive(Debug)]
pub struct Word(AtomicU32);

impl Word {
    /// A word that holds 0.
    pub fn new() -> Self {
        // SAFETY: zeroed bytes are a word that the checker has not made yet.
        unsafe { core::mem::zeroed() }
    }

    /// Loads it.
    pub fn load(&self) -> u32 {
        self.0.load(RELAXED)
    }

    /// Stores into it.
    pub fn store(&self, value: u32) {
        self.0.store(value, RELAXED);
    }

    /// Compare-and-swap.
    pub fn replace(&self, old: u32, new: u32) -> bool {
        self.0.replace(old, new, RELAXED).is_ok()
    }
}

impl Default for Word {
    fn default() -> Self {
        Self::new()
    }
}

/// The sleeper's fence, ARM.
pub fn fence_arm() {
    fence(ARM);
}

/// The producer's fence, RING.
pub fn fence_ring() {
    fence(RING);
}

/// Moves both positions of a ring that nobody uses yet.
///
/// # Errors
///
/// [`Error::TooSmall`](crate::Error::TooSmall) if the region holds no ring.
pub fn start_at(ring: Region<'_>, position: u32) -> Result<()> {
    let ring = ring.into_ref();
    let (tail, line) = (size_of::<HeaderLine>(), size_of::<Line<AtomicU32>>());
    ring.word(tail)?.store(position, RELAXED);
    ring.word(tail + line)?.store(position, RELAXED);
    Ok(())
}

const PAD_LATEST: usize = offset_of!(NotepadShape, latest);
const MAIL_LATEST: usize = offset_of!(MailslotShape, latest);

/// The slots of a notepad or of a mailslot; `None` of a notepad that is one word.
fn slots(region: RegionRef<'_>, kind: Kind) -> Result<Option<RacingSlots<'_>>> {
    let found = Header::at(region)?.attach(kind)?;
    let (fixed, unit) = match kind {
        Kind::Notepad => (size_of::<NotepadShape>(), CACHE_LINE),
        _ => (size_of::<MailslotShape>(), 8),
    };
    if found.span_bytes == fixed as u64 {
        return Ok(None);
    }
    let bytes = found.element_bytes as usize;
    let stride = stride(bytes, unit).ok_or(Error::TooLarge)?;
    let fixed = match kind {
        Kind::Reliable => {
            found.span_bytes as usize - block(0, found.capacity as usize, stride)?.size()
        }
        _ => fixed,
    };
    region
        .racing(fixed, found.capacity, stride, bytes)
        .map(Some)
}

/// Where the epoch of a mailslot lies, reliable or not.
fn epoch_at(mailslot: RegionRef<'_>) -> Result<usize> {
    if Header::at(mailslot)?.attach(Kind::Mailslot).is_ok() {
        let control = offset_of!(MailslotShape, control);
        return Ok(control + offset_of!(MailslotControl, epoch));
    }
    let control = offset_of!(ReliableShape, control);
    Ok(control + offset_of!(ReliableControl, epoch))
}

/// Zeroes every slot, and has it say that it holds one of the last numbers up to this one, whole; 0: none was written yet. The
/// checker wants all words made before they are shared.
fn fill(slots: &RacingSlots<'_>, last: u32) {
    for by in 0..slots.count() {
        let number = last.wrapping_sub(by);
        let slot = slots.slot(number);
        for offset in (0..slot.bytes()).step_by(4) {
            slot.store_at(offset, &[0; 4][..(slot.bytes() - offset).min(4)]);
        }
        slot.length().store(0, RELAXED);
        let stamp = if last == 0 { 0 } else { complete(number) };
        slot.stamp().store(stamp, RELAXED);
    }
}

/// Has a notepad that nobody uses yet go on behind this version; 0: nothing was written.
///
/// # Errors
///
/// [`Error::TooSmall`] and others if the region holds no notepad.
pub fn notepad_at(pad: Region<'_>, version: u32) -> Result<()> {
    let pad = pad.into_ref();
    if let Some(slots) = slots(pad, Kind::Notepad)? {
        fill(&slots, version);
    }
    let latest = pad.word(PAD_LATEST + offset_of!(LatestShape, latest))?;
    let written = u32::from(version > 0) << 31;
    latest.store(written | version, RELAXED);
    Ok(())
}

/// What whoever takes a notepad over must not leave it at: the version that the dead one published last.
///
/// # Errors
///
/// [`Error::TooSmall`] if the region holds no notepad.
pub fn roll_back(pad: Region<'_>, version: u32) -> Result<()> {
    let latest = PAD_LATEST + offset_of!(LatestShape, latest);
    let latest = pad.into_ref().word(latest)?;
    latest.store(1 << 31 | version, RELAXED);
    Ok(())
}

/// Has a mailslot, reliable or not, whose publisher is not there go on behind this message; 0: none was published.
///
/// # Errors
///
/// [`Error::TooSmall`] and others if the region holds no mailslot.
pub fn mailslot_at(mailslot: Region<'_>, sequence: u64) -> Result<()> {
    let mailslot = mailslot.into_ref();
    let made = slots(mailslot, Kind::Mailslot).or_else(|_| slots(mailslot, Kind::Reliable));
    if let Some(slots) = made? {
        fill(&slots, sequence as u32);
    }
    let word = |field| mailslot.word(MAIL_LATEST + field);
    word(offset_of!(TailShape, limit))?.store((sequence as u32).wrapping_add(1), RELAXED);
    word(offset_of!(TailShape, latest))?.store(sequence as u32, RELAXED);
    mailslot
        .word(epoch_at(mailslot)?)?
        .store((sequence >> 29) as u32, RELAXED);
    Ok(())
}

/// What whoever takes a mailslot over must not do: begins the message again that the dead one completed.
///
/// # Errors
///
/// [`Error::TooSmall`] and others if the region holds no mailslot.
pub fn begin_again(mailslot: Region<'_>) -> Result<()> {
    let mailslot = mailslot.into_ref();
    let latest = mailslot.word(MAIL_LATEST + offset_of!(TailShape, latest))?;
    let next = latest.load(RELAXED).wrapping_add(1);
    if let Some(slots) = slots(mailslot, Kind::Mailslot)? {
        let stamp = slots.slot(next).stamp();
        if stamp.load(RELAXED) == complete(next) {
            stamp.store(complete(next) | 1, RELAXED);
        }
    }
    Ok(())
}

/// Has a ring of many senders and receivers that nobody uses yet begin at this position, a multiple of its capacity.
///
/// # Errors
///
/// [`Error::TooSmall`] and others if the region holds no such ring.
pub fn mpmc_at(ring: Region<'_>, position: u64) -> Result<()> {
    let (words, geometry) = Words::attach(ring.into_ref())?;
    words.ring.begin_at(position);
    for index in 0..geometry.capacity {
        let slot = words.ring.slots.slot(index);
        for offset in (0..slot.bytes()).step_by(4) {
            slot.store_at(offset, &[0; 4][..(slot.bytes() - offset).min(4)]);
        }
    }
    Ok(())
}

/// Has this peer give back what the dead hold in such a ring. Answers how many slots were freed, and how many messages come again.
///
/// # Errors
///
/// As [`mpmc_at`].
pub fn mpmc_mend(ring: Region<'_>, me: &Peer<'_>) -> Result<(u32, u32)> {
    let (words, _) = Words::attach(ring.into_ref())?;
    let (me, court) = (me.owner(), me.court());
    let (mut freed, mut again) = (0, 0);
    words
        .ring
        .mend_all(&Name { me, court }, |mended| match mended {
            Mended::Freed(slots) => freed += slots,
            Mended::Redelivered(messages) => again += messages,
        });
    Ok((freed, again))
}

/// Joins in a row whose lock the caller holds, as the os layer does.
///
/// # Errors
///
/// As [`Segment::join`].
pub fn join_locked<'m>(
    segment: &Segment<'m>,
    row: PeerId,
    identity: &Identity,
    oracle: &'m dyn Liveness,
) -> Result<Peer<'m>> {
    Ok(Peer::join_locked(*segment, row, identity, oracle)?.0)
}

/// Joins in a row whose lock the caller holds, and gives back what was held by the peer that died in it, as the os layer does.
///
/// # Errors
///
/// As [`Segment::join`].
pub fn join_and_reap<'m>(
    segment: &Segment<'m>,
    row: PeerId,
    identity: &Identity,
    oracle: &'m dyn Liveness,
    signal: &dyn Signal,
) -> Result<(Peer<'m>, Reaped)> {
    let (peer, dead) = Peer::join_locked(*segment, row, identity, oracle)?;
    let reaped = match dead {
        true => peer.reap_rows(&[(peer.id(), peer.generation())], 1, signal)?,
        false => Reaped::default(),
    };
    Ok((peer, reaped))
}

/// A pass of a reaper that may lock rows, as the os layer makes it: `lock` answers whether it got the row's lock, and keeps it.
///
/// # Errors
///
/// As [`Peer::reap`].
pub fn reap_locked(
    peer: &Peer<'_>,
    lock: impl Fn(PeerId) -> bool,
    signal: &dyn Signal,
) -> Result<Reaped> {
    let segment = peer.segment();
    let dead: Vec<_> = segment.dead_rows(peer.owner(), &peer.court()).collect();
    let mut rows = Vec::new();
    for (row, generation) in dead {
        if lock(row) && segment.table().begin_reaping(row, generation) {
            rows.push((row, generation));
        }
    }
    peer.reap_rows(&rows, 0, signal)
}

/// What no reaper may do.
#[derive(Clone, Copy, Debug)]
pub enum Wrong {
    /// Frees the row before it looks for what its peer held.
    FreesFirst,
    /// Does not keep the row from being taken.
    HoldsNothing,
    /// Takes the right to reap from a living reaper.
    TakesFromTheLiving,
}

/// Reaps a row wrongly.
///
/// # Errors
///
/// As [`Peer::reap`].
pub fn reap_wrongly(
    peer: &Peer<'_>,
    row: PeerId,
    how: Wrong,
    signal: &dyn Signal,
) -> Result<Reaped> {
    let (table, court, me) = (peer.segment().table(), peer.court(), peer.owner());
    let none = Ok(Reaped::default());
    let dead = |life: &u32| court.is_dead(Owner::of(row, *life));
    let Some(life) = table.taken(row).filter(dead) else {
        return none;
    };
    match how {
        Wrong::HoldsNothing => peer.reap_rows(&[(row, life)], 0, signal),
        Wrong::FreesFirst => {
            let held = Held::take(table.reaper(row)?, me, table.region(), &court);
            if held.is_err() || !table.begin_reaping(row, life) {
                return none;
            }
            table.end_reaping(row, life);
            peer.reap_rows(&[(row, life)], 0, signal)
        }
        Wrong::TakesFromTheLiving => {
            table.reaper(row)?.store(me, RELAXED);
            match table.begin_reaping(row, life) {
                true => peer.reap_rows(&[(row, life)], 0, signal),
                false => none,
            }
        }
    }
}

/// Who is counted among those who sleep at the consumer's end of a ring.
///
/// # Errors
///
/// [`Error::TooSmall`] if the region holds no ring.
pub fn sleepers(ring: Region<'_>) -> Result<u32> {
    Ok(ring
        .into_ref()
        .word(crate::channel::cursor::names(Spacing::Lines).waiters[0])?
        .load(RELAXED))
}

/// What a producer must not do: takes a sleeper's flag away before it is woken.
///
/// # Errors
///
/// [`Error::TooSmall`](crate::Error::TooSmall) if the table has no such row.
pub fn clear_armed(segment: &Segment<'_>, sleeper: PeerId) -> Result<()> {
    segment.table().arm(sleeper)?.clear_bits(ARMED, RELAXED);
    Ok(())
}

/// What a joiner must not do: lets a row's epochs begin again.
///
/// # Errors
///
/// [`Error::TooSmall`](crate::Error::TooSmall) if the table has no such row.
pub fn restart_epochs(segment: &Segment<'_>, row: PeerId) -> Result<()> {
    segment.table().arm(row)?.store(0, RELAXED);
    Ok(())
}

/// What a publisher must not do: goes on without saying in which epoch it is.
///
/// # Errors
///
/// [`Error::TooSmall`] if the region holds no mailslot.
pub fn hide_epoch(mailslot: Region<'_>, epoch: u32) -> Result<()> {
    let mailslot = mailslot.into_ref();
    mailslot.word(epoch_at(mailslot)?)?.store(epoch, RELAXED);
    Ok(())
}

/// Frees the lock of a holder that is proven dead, and rings whoever waits for it, as one who reaps does. Answers whether it did.
///
/// # Errors
///
/// [`Error::TooSmall`] and others if the region holds no lock.
pub fn reap_lock(lock: Region<'_>, me: &Peer<'_>, signal: &impl Signal) -> Result<bool> {
    let (words, _) = LockWords::attach(lock.into_ref())?;
    let court = me.court();
    let freed = words.reap(|owner| court.is_dead(owner));
    if freed {
        let table = || me.segment().table();
        Rung::default().ring(table, Waiters(words.waiters), signal);
    }
    Ok(freed)
}
