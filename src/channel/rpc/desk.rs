//! What each end has: a seat, the way to wake the others, who it is.

#![forbid(unsafe_code)]

use core::cell::RefCell;
use core::ops::Range;

use super::shape::Calls;
use super::steps::Mended;
use crate::channel::party::Name;
use crate::channel::seat::Claimant;
use crate::channel::seats::Seated;
use crate::error::{Error, Result};
use crate::memory::sync::AtomicU32;
use crate::segment::doorbell::{Bell, Waiters, Wake};
use crate::segment::join::Peer;

/// A seat at the table. Dropped, it ends what it had open, and gives the seat back.
#[derive(Debug)]
pub(super) struct Desk<'p, W: Wake> {
    pub(super) calls: Calls<'p>,
    pub(super) name: Name<'p>,
    /// The seat's number; `seat` itself is `None` only before it is taken, and after it moved on.
    number: u32,
    seat: Option<Seated<'p>>,
    /// Who sleeps at this end.
    mine: &'p AtomicU32,
    wake: RefCell<W>,
}

impl<'p, W: Wake> Desk<'p, W> {
    /// Takes a seat among these, and gives back what the dead left in any.
    pub(super) fn take(
        calls: Calls<'p>,
        among: Range<u32>,
        mine: impl FnOnce(&Calls<'p>, u32) -> Result<&'p AtomicU32>,
        who: Claimant<'p>,
        wake: W,
    ) -> Result<Self> {
        let name = Name::of(who, calls.region)?;
        let mut desk = Self {
            mine: calls.call_waiters,
            calls,
            name,
            number: 0,
            seat: None,
            wake: RefCell::new(wake),
        };
        let mut mended = Mended::default();
        let ends = calls.mend_all(&name, &mut mended);
        let seated = desk.sit(among, mine, &mut mended);
        // Also where there is no seat: what was mended, others may sleep for.
        mended.tell_all_if(ends > 0);
        desk.name.count(&mended.counted(ends));
        desk.tell(&mended);
        seated.map(|()| desk)
    }

    /// Takes a seat among these, and cleans it.
    fn sit(
        &mut self,
        among: Range<u32>,
        mine: impl FnOnce(&Calls<'p>, u32) -> Result<&'p AtomicU32>,
        mended: &mut Mended,
    ) -> Result<()> {
        let seat = self.calls.seats.take(among, &self.name)?;
        self.calls.clean(seat.index, &self.name.court, mended);
        self.mine = mine(&self.calls, seat.index)?;
        self.number = seat.index;
        self.seat = Some(seat);
        Ok(())
    }

    #[inline(always)]
    pub(super) fn number(&self) -> u32 {
        self.number
    }

    /// Wakes whoever sleeps there.
    #[inline(always)]
    pub(super) fn wake(&self, waiters: &AtomicU32) {
        // A signal of the user's that comes back here is not heard; whoever it was for finds out at its tick.
        if let Ok(mut wake) = self.wake.try_borrow_mut() {
            wake.wake(Waiters(waiters));
        }
    }

    /// Wakes the client of a call.
    #[inline(always)]
    pub(super) fn wake_client(&self, client: u32) {
        if let Ok(waiters) = self.calls.reply_waiters(client) {
            self.wake(waiters);
        }
    }

    /// Wakes whom it concerns.
    pub(super) fn tell(&self, mended: &Mended) {
        if mended.sent {
            self.wake(self.calls.call_waiters);
        }
        for client in 0..self.calls.terms.clients {
            if mended.ended >> client & 1 != 0 {
                self.wake_client(client);
            }
        }
    }

    /// Counts what was mended for the dead, and wakes whom it concerns.
    pub(super) fn mended(&self, mended: &Mended) {
        self.name.count(&mended.counted(0));
        self.tell(mended);
    }

    pub(super) fn bell(&self) -> Bell<'p, W::Keep> {
        Bell::new(
            self.mine,
            self.calls.region.home(),
            self.wake.borrow().keep(),
        )
    }

    /// Refuses a peer of another segment.
    pub(super) fn check_home(&self, peer: &Peer<'_>) -> Result<()> {
        if peer.home() == self.calls.region.home() {
            Ok(())
        } else {
            Err(Error::ForeignPeer)
        }
    }

    /// The same seat with another way to wake; this desk is then empty, and its drop does nothing.
    pub(super) fn rewired<V: Wake>(&mut self, wake: impl FnOnce(&W) -> V) -> Desk<'p, V> {
        Desk {
            calls: self.calls,
            name: self.name,
            number: self.number,
            seat: self.seat.take(),
            mine: self.mine,
            wake: RefCell::new(wake(self.wake.get_mut())),
        }
    }
}

impl<W: Wake> Drop for Desk<'_, W> {
    fn drop(&mut self) {
        let Some(seat) = self.seat.take() else { return };
        if self.calls.region.is_forked() {
            return;
        }
        // What its user forgot, and what others have still to do.
        let mut mended = Mended::default();
        let court = &self.name.court;
        self.calls.clean(seat.index, court, &mut mended);
        drop(seat);
        self.tell(&mended);
    }
}
