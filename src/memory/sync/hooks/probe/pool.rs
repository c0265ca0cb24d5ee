//! Steps that no user of a pool of frames may take so: each was once its own, until a model showed what it destroys. And a look at its frames.

use core::mem::offset_of;

use crate::channel::frames::{FrameLine, FrameShape, FramesShape, Ticket};
use crate::error::{Error, Result};
use crate::memory::layout::Line;
use crate::memory::liveness::Owner;
use crate::memory::order::{OBSERVE, RELAXED, RELEASE};
use crate::memory::region::{Region, RegionRef};
use crate::memory::sync::Atomic;
use crate::segment::claim::Held;
use crate::segment::header::Header;
use crate::segment::join::Peer;
use crate::segment::kind::Kind;

fn frames(pool: RegionRef<'_>) -> Result<&[FrameLine]> {
    let geometry = Header::at(pool)?.attach(Kind::Frames)?;
    pool.table(size_of::<FramesShape>(), geometry.capacity as usize)
}

fn frame(pool: RegionRef<'_>, index: u32) -> Result<&FrameLine> {
    frames(pool)?.get(index as usize).ok_or(Error::Corrupt {
        what: "frame number of a ticket",
        found: index,
    })
}

/// How many frames nobody has, asked without a seat.
///
/// # Errors
///
/// [`Error::TooSmall`] and others if the region holds no pool.
pub fn free_frames(pool: Region<'_>) -> Result<u32> {
    let is_free = |Line(frame): &&FrameLine| {
        let word = frame.word.load(RELAXED);
        word as u32 == 0 && (word >> 32) & 1 == 0
    };
    Ok(frames(pool.into_ref())?.iter().filter(is_free).count() as u32)
}

fn take(frame: &FrameShape, ticket: Ticket, bit: u64) -> bool {
    let word = frame.word.load(OBSERVE);
    let is_it = (word >> 32) as u32 == ticket.generation && word & bit != 0;
    is_it && frame.reserved.clear_bits(bit, RELAXED) & bit != 0
}

/// Takes a ticket's frame by the receiver's bit alone, whatever generation its reservation is of. True if it has the frame.
///
/// # Errors
///
/// [`Error::TooSmall`] and others if the region holds no such frame.
pub fn take_wrongly(pool: Region<'_>, ticket: Ticket, receiver: u32) -> Result<bool> {
    let Line(frame) = frame(pool.into_ref(), ticket.index)?;
    Ok(take(frame, ticket, 1 << receiver))
}

/// Recalls a ticket by removing a receiver's bits rather than by telling it so. True if there was something to recall.
///
/// # Errors
///
/// As [`take_wrongly`].
pub fn recall_wrongly(pool: Region<'_>, ticket: Ticket, receiver: u32) -> Result<bool> {
    let (Line(frame), bit) = (frame(pool.into_ref(), ticket.index)?, 1 << receiver);
    let had = take(frame, ticket, bit);
    if had {
        frame.word.clear_bits(bit, RELEASE);
    }
    Ok(had)
}

/// Drops what the dead reserved for a receiver, by a look at the frame and a look at its publisher that may be of different publications.
///
/// # Errors
///
/// As [`take_wrongly`].
pub fn release_wrongly(pool: Region<'_>, me: &Peer<'_>, receiver: u32) -> Result<()> {
    let bit = 1 << receiver;
    for Line(frame) in frames(pool.into_ref())? {
        let word = frame.word.load(OBSERVE);
        let is_reserved = word & bit != 0 && frame.reserved.load(RELAXED) & bit != 0;
        if is_reserved
            && me.court().is_dead(frame.publisher.load(RELAXED))
            && frame.reserved.clear_bits(bit, RELAXED) & bit != 0
        {
            frame.word.clear_bits(bit, RELEASE);
        }
    }
    Ok(())
}

/// Takes a seat that was found to be a dead one's, whoever left it free meanwhile. Answers whether it mended it.
///
/// # Errors
///
/// As [`take_wrongly`].
pub fn mend_wrongly(pool: Region<'_>, me: &Peer<'_>, seat: u32) -> Result<bool> {
    let pool = pool.into_ref();
    let at = offset_of!(FramesShape, seats) + seat as usize * size_of::<Atomic<Owner>>();
    let word = pool.typed(at)?;
    let owner = word.load(RELAXED);
    let is_dead = owner != Owner::FREE && me.court().is_dead(owner);
    Ok(is_dead && Held::take(word, me.owner(), pool, &me.court()).is_ok())
}
