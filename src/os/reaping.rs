//! Giving back what the dead held, in segments whose rows are held by locks.
//!
//! # Protocol
//!
//! Whoever holds a row's byte is its reaper: taking it is proof and exclusion at once. Of a dead peer whose forked child holds the byte on,
//! everything is given back but the row.

#![forbid(unsafe_code)]

use super::Result;
use super::error::Doing;
use super::owned::OwnedPeer;
use super::shared::SharedSegment;
use super::system::{LOOKS, Seat};
use crate::memory::liveness::Owner;
use crate::{PeerId, Reaped};

impl OwnedPeer {
    /// Gives back what dead peers of this segment held: their rows, ends, slots and locks. Wakes those who slept for it.
    ///
    /// Nobody has to call it: joining in a dead one's row does the same, and whoever finds a dead one in its way gives back that one thing. It
    /// asks the system about every row and looks at every slot of every ring of many senders: not for the hot path.
    ///
    /// # Errors
    ///
    /// [`crate::Error::Forked`]; [`Error::Io`](super::Error::Io) if there is no descriptor left to lock a row with.
    pub fn reap(&self) -> Result<Reaped> {
        let peer = self.joined.peer();
        let inner = &self.segment().inner;
        inner.segment.check_joinable()?;
        let dead: Vec<_> = inner
            .segment
            .dead_rows(peer.owner(), &peer.court())
            .collect();
        let (mut rows, mut seats, mut failed) = (Vec::new(), Vec::new(), None);
        for (row, generation) in dead {
            let taken = inner.seats.seat().and_then(|seat| {
                let locked = lock_in_time(&seat, row).doing(|| format!("locking row {row}"));
                Ok((locked?, seat))
            });
            match taken {
                // Whoever held the byte between may have been another, and left.
                Ok((true, seat)) if inner.segment.table().begin_reaping(row, generation) => {
                    rows.push((row, generation));
                    seats.push((seat, row));
                }
                Ok((locked, seat)) => {
                    if !locked || seat.unlock(row).is_ok() {
                        inner.seats.give_back(seat);
                    }
                }
                // What is locked is reaped all the same.
                Err(error) => failed = Some(error),
            }
        }
        let reaped = peer.reap_rows(&rows, 0, &inner.bells);
        for (seat, row) in seats {
            if seat.unlock(row).is_ok() {
                inner.seats.give_back(seat);
            }
        }
        match failed {
            None => Ok(reaped?),
            Some(error) => Err(error),
        }
    }

    /// Gives back what the peer held that died in this one's row.
    pub(super) fn reap_own_row(&self) -> Result<()> {
        let peer = self.joined.peer();
        let row = (peer.id(), peer.generation());
        peer.reap_rows(&[row], 1, &self.segment().inner.bells)?;
        Ok(())
    }
}

/// Locks a row that nobody holds, but for somebody who may be asking about it just now.
fn lock_in_time(seat: &Seat, row: PeerId) -> std::io::Result<bool> {
    for look in 0..LOOKS {
        if look > 0 {
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
        if seat.lock(row)? {
            return Ok(true);
        }
    }
    Ok(false)
}

impl SharedSegment {
    /// What was given back for dead peers since the segment was made; see [`Segment::reaped`](crate::Segment::reaped).
    pub fn reaped(&self) -> Reaped {
        self.inner.segment.reaped()
    }

    /// The rows whose peers are proven dead, and not yet reaped: also those of whoever died joining or reaping.
    pub fn dead(&self) -> Vec<PeerId> {
        let (table, oracle) = (self.inner.segment.table(), &self.inner.oracle);
        let is_dead = |row: &PeerId| {
            let owner = table.taken(*row).map(|life| Owner::of(*row, life));
            owner.is_some_and(|owner| table.life_of(owner, oracle) == crate::Life::Dead)
        };
        table.peers().filter(is_dead).collect()
    }
}
