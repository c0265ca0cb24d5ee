//! What only models do with a table: make its words before they are shared, look at its slots without a seat, and what no server may do.

#![forbid(unsafe_code)]

use super::shape::Calls;
use super::steps::Mended;
use super::word::{State, Word};
use crate::error::Result;
use crate::memory::order::{OBSERVE, RELAXED};
use crate::memory::region::Region;
use crate::segment::join::Peer;

/// Zeroes what slots hold besides their words, in a table that nobody uses yet.
///
/// # Errors
///
/// [`Error::TooSmall`](crate::Error::TooSmall) and others if the region holds no table.
pub fn zero_slots(table: Region<'_>) -> Result<()> {
    let (calls, _) = Calls::attach(table.into_ref())?;
    let zeros = |bytes: usize| vec![0; bytes];
    for index in 0..calls.count() {
        let slot = calls.slot(index);
        slot.request().store(&zeros(slot.request().bytes()));
        slot.reply().store(&zeros(slot.reply().bytes()));
        slot.set_request_bytes(0);
        slot.set_reply(0, 0);
        slot.set_deadline_ns(0);
    }
    Ok(())
}

/// How many slots have a call in them.
///
/// # Errors
///
/// As [`zero_slots`].
pub fn open_calls(table: Region<'_>) -> Result<u32> {
    let (calls, _) = Calls::attach(table.into_ref())?;
    let is_open = |index: &u32| {
        let word = calls.slot(*index).word().load(RELAXED);
        Word(word).state() != State::Free
    };
    Ok((0..calls.count()).filter(is_open).count() as u32)
}

/// Clears the bit of a slot in which a look has found no call, behind that look.
///
/// # Errors
///
/// As [`zero_slots`].
pub fn clear_late(table: Region<'_>, index: u32) -> Result<()> {
    let (calls, _) = Calls::attach(table.into_ref())?;
    let (client, slot) = calls.place(index);
    let bit = 1 << slot;
    if calls.sent(client)?.load(RELAXED) & bit == 0 {
        return Ok(());
    }
    let found = Word(calls.slot(index).word().load(RELAXED));
    if found.state() != State::Sent {
        calls.sent(client)?.clear_bits(bit, OBSERVE);
    }
    Ok(())
}

/// Asks for the holder of the first server's seat, and looks at the slot behind that: at what a later holder took, perhaps.
///
/// # Errors
///
/// As [`zero_slots`].
pub fn ask_wrongly(table: Region<'_>, me: &Peer<'_>, index: u32) -> Result<()> {
    let (calls, _) = Calls::attach(table.into_ref())?;
    let gone = calls.seats.is_gone(calls.terms.clients, &me.court());
    let found = Word(calls.slot(index).word().load(OBSERVE));
    if gone {
        calls.mend(index, found, &mut Mended::default());
    }
    Ok(())
}

/// Frees the seats of the dead and nothing else.
///
/// # Errors
///
/// As [`zero_slots`].
pub fn release_wrongly(table: Region<'_>, me: &Peer<'_>) -> Result<()> {
    let (calls, _) = Calls::attach(table.into_ref())?;
    for seat in 0..calls.terms.clients + calls.terms.servers {
        if let Some(dead) = calls.seats.dead(seat, &me.court()) {
            calls.seats.release(seat, dead);
        }
    }
    Ok(())
}
