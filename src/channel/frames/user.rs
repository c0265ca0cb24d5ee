//! Who uses a pool: a seat of it, in whose name frames are had.

#![forbid(unsafe_code)]

use core::fmt;

use super::lent::{Loan, View};
use super::pool::{Got, Pool};
use super::rules::SEATS;
use super::ticket::{Receivers, Ticket};
use crate::channel::party::Name;
use crate::channel::seats::{Seated, Seats};
use crate::error::{Error, Result};
use crate::memory::liveness::{Owner, PeerId};
use crate::memory::sync::AtomicU32;
use crate::segment::doorbell::{Bell, Ringer, Signal, Silent, Waiters, Wake};
use crate::segment::join::Peer;
use crate::segment::reaped::Reaped;

/// Why a frame was not had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refused {
    /// Every frame is in use by somebody not proven dead.
    NoFrame,
    /// The frame holds something else by now.
    Stale,
    /// A receiver has no loans: a peer that publishes as well takes a seat of its own for it.
    Receiver,
    /// This user has the frame already.
    AlreadyViewed,
    /// The frame is not reserved for this user.
    NotReserved,
    /// [`Error::Corrupt`] of a ticket that no publisher made, [`Error::Forked`]; [`Error::Busy`] if others kept coming and going at the
    /// frame.
    Region(Error),
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Self::Region(error)
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refused::NoFrame => f.write_str("every frame is in use"),
            Refused::Stale => f.write_str("the frame holds something else by now"),
            Refused::Receiver => {
                f.write_str("a receiver has no loans; a peer publishes as another user")
            }
            Refused::AlreadyViewed => f.write_str("this user has the frame already"),
            Refused::NotReserved => f.write_str("the frame is not reserved for this user"),
            Refused::Region(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for Refused {}

/// Who reserved frames for a receiver and died, at the time of asking.
///
/// What such a publisher sent is in the channel that its tickets travel through; what is still reserved once that channel is drained was never
/// sent.
#[derive(Clone, Debug)]
pub struct Unclaimed {
    /// Where the pool is: in another one a name may be somebody else's.
    pool: usize,
    seat: u32,
    dead: heapless::Vec<Owner, { PeerId::MOST as usize }>,
}

impl Unclaimed {
    pub(super) fn of(pool: &Pool<'_>, seat: u32) -> Self {
        let (pool, dead) = (pool.place(), heapless::Vec::new());
        Self { pool, seat, dead }
    }

    fn is_of(&self, pool: &Pool<'_>, seat: u32) -> bool {
        (self.pool, self.seat) == (pool.place(), seat)
    }

    pub(super) fn contains(&self, owner: Owner) -> bool {
        self.dead.contains(&owner)
    }

    pub(super) fn add(&mut self, owner: Owner) {
        // Those that do not fit are found at the next asking.
        let _ = self.dead.push(owner);
    }

    /// Dead publishers that reserved something.
    pub fn publishers(&self) -> usize {
        self.dead.len()
    }
}

/// A user of a pool. It publishes and views; or, if it is a receiver, views and takes what is reserved for it. Several threads may share it.
///
/// Loans and views borrow it. Dropping it gives its seat back.
#[derive(Debug)]
pub struct User<'p, W: Wake = Silent> {
    pub(super) pool: Pool<'p>,
    name: Name<'p>,
    pub(super) bit: u32,
    /// `None` only after the user moved on. Dropped before `wake`, which may be what keeps the region mapped.
    seat: Option<Seated<'p>>,
    wake: W,
}

impl<'p> User<'p> {
    /// The same user, which from now on rings the doorbell of whoever sleeps until a frame is free, beginning now.
    ///
    /// # Errors
    ///
    /// [`Error::ForeignPeer`] for a peer of another segment; the seat is then given back.
    pub fn ringing<S: Signal>(
        self,
        me: &'p Peer<'_>,
        signal: S,
    ) -> Result<User<'p, Ringer<'p, S>>> {
        if me.home() != self.pool.region.home() {
            return Err(Error::ForeignPeer);
        }
        Ok(self.rewired(|_| Ringer::new(me.segment().table(), signal)))
    }
}

impl<'p, W: Wake> User<'p, W> {
    /// Takes one of these seats, and cleans it.
    pub(super) fn take_seat(
        pool: Pool<'p>,
        name: Name<'p>,
        among: core::ops::Range<u32>,
        wake: W,
    ) -> Result<Self> {
        let seat = pool.seats.take(among, &name)?;
        let user = Self {
            pool,
            name,
            bit: 1 << (seat.index & (SEATS - 1)),
            wake,
            seat: Some(seat),
        };
        user.clean();
        Ok(user)
    }

    /// The same user with another way to wake, which it uses at once.
    pub(crate) fn rewired<V: Wake>(mut self, wake: impl FnOnce(&W) -> V) -> User<'p, V> {
        let user = User {
            pool: self.pool,
            name: self.name,
            bit: self.bit,
            wake: wake(&self.wake),
            seat: self.seat.take(),
        };
        if !user.is_forked() {
            user.wake();
        }
        user
    }

    /// Wakes whoever sleeps until a frame is free.
    #[inline(always)]
    pub(super) fn wake(&self) {
        self.wake.wake_shared(Waiters(self.pool.waiters));
    }

    pub(super) fn me(&self) -> Owner {
        self.name.me
    }

    fn seat(&self) -> u32 {
        // Nobody sees a user that moved on.
        self.seat.as_ref().map_or(SEATS, |seat| seat.index)
    }

    #[inline(always)]
    pub(super) fn is_forked(&self) -> bool {
        self.pool.region.is_forked()
    }

    fn clean(&self) {
        if self.pool.clean(self.seat()) > 0 {
            self.wake();
        }
    }

    /// Lends a free frame to be written; if there is none, what the dead have is given back first, for which the system may be asked who lives.
    ///
    /// Of several free frames it is the next one behind what was loaned last, so that, as far as publishers come one after another, the newest
    /// is overwritten last.
    ///
    /// # Errors
    ///
    /// [`Refused::NoFrame`]; [`Refused::Receiver`]; [`Refused::Region`].
    #[inline]
    pub fn loan(&self) -> Result<Loan<'_, 'p, W>, Refused> {
        self.pool.region.check_not_forked()?;
        if self.bit & self.pool.all_receivers().0 != 0 {
            return Err(Refused::Receiver);
        }
        let got = match self.pool.loan(self.bit) {
            Some(got) => got,
            None => self.loan_of_the_dead()?,
        };
        Ok(Loan::new(self, got))
    }

    #[cold]
    fn loan_of_the_dead(&self) -> Result<Got<'p>, Refused> {
        let (_, frames) = self.pool.mend(&self.name);
        if frames > 0 {
            self.name.count(&Reaped {
                frames,
                ..Reaped::default()
            });
        }
        // One may be free by now however it came.
        let got = self.pool.loan(self.bit).ok_or(Refused::NoFrame)?;
        if frames > 1 {
            self.wake();
        }
        Ok(got)
    }

    /// Lends a published frame to be looked at, if it still holds what the ticket says. While anybody has a view of it, it stays as it is.
    ///
    /// # Errors
    ///
    /// [`Refused::Stale`]; [`Refused::AlreadyViewed`]: a user has one view of a frame, and a receiver has what is reserved for it, and what its
    /// predecessor died with, which it can [`User::take`]; [`Refused::Region`].
    #[inline]
    pub fn view(&self, ticket: Ticket) -> Result<View<'_, 'p, W>, Refused> {
        self.pool.region.check_not_forked()?;
        let got = self.pool.view(ticket, self.bit)?;
        Ok(View::new(self, got, ticket))
    }

    /// Lends a frame that is reserved for this receiver. It stays as it is from its publication until the view is dropped; a receiver that is
    /// killed before leaves it to its successor, who can take it by the same ticket again.
    ///
    /// So take it before the ticket is removed from what it came through, and drop it after.
    ///
    /// # Errors
    ///
    /// [`Refused::Stale`], [`Refused::NotReserved`]; [`Refused::AlreadyViewed`] for a second copy of a ticket; [`Refused::Region`].
    #[inline]
    pub fn take(&self, ticket: Ticket) -> Result<View<'_, 'p, W>, Refused> {
        self.pool.region.check_not_forked()?;
        let got = self.pool.take(ticket, self.bit)?;
        Ok(View::new(self, got, ticket))
    }

    /// Who reserved frames for this receiver and is dead now. Then drain what tickets come through, and then call
    /// [`User::release_unclaimed`]. May ask the system who lives.
    pub fn unclaimed(&self) -> Unclaimed {
        match self.is_forked() {
            true => Unclaimed::of(&self.pool, self.seat()),
            false => self.pool.unclaimed(self.seat(), &self.name),
        }
    }

    /// Gives back what is reserved for this receiver and will never be sent to it: what the dead that are named here published and did not send,
    /// what a dead predecessor had taken and removed from the channel, and what was recalled. What else living publishers reserved stays. Answers how many frames.
    ///
    /// Between the asking and this call the channel that tickets come through must have been empty once, and all that came out of it been taken,
    /// by other threads of this user too. What was asked of another pool or another receiver releases nothing.
    pub fn release_unclaimed(&self, dead: &Unclaimed) -> u32 {
        let seat = self.seat();
        if self.is_forked() || !dead.is_of(&self.pool, seat) {
            return 0;
        }
        let (dropped, freed) = self.pool.release_unclaimed(seat, dead);
        if freed {
            self.wake();
        }
        dropped
    }

    /// Says of what this peer published that its ticket will not come to these receivers, because it could not be sent. Each drops it at its next
    /// [`User::release_unclaimed`]; until then the frame is theirs. Answers for whom it was still reserved.
    ///
    /// Better to ask for room before publishing, where only one sends.
    ///
    /// # Errors
    ///
    /// [`Refused::Stale`] if the frame holds something else, or another peer's; [`Refused::Region`].
    pub fn recall(&self, ticket: Ticket, whom: Receivers) -> Result<Receivers, Refused> {
        self.pool.region.check_not_forked()?;
        self.pool.recall(ticket, whom, self.me())
    }

    /// Gives back everything that is reserved for a receiver, which nobody alive is. Answers how many frames are free by it.
    ///
    /// Reserved frames outlive their receiver, for the next one; this is for one that will not come.
    ///
    /// # Errors
    ///
    /// [`Error::EndpointTaken`], naming who is that receiver; [`Error::SeatsFull`] if there is none of that number; [`Error::Forked`],
    /// [`Error::ReadOnly`], [`Error::Busy`].
    pub fn forget(&self, receiver: u32) -> Result<u32> {
        if receiver >= self.pool.receivers {
            let seats = self.pool.receivers;
            return Err(Error::SeatsFull { seats });
        }
        let among = receiver..receiver + 1;
        let seat: Seated<'_> = Seats::take(&self.pool.seats, among, &self.name)?;
        let freed = self.pool.drop_all(seat.index);
        if freed > 0 {
            self.wake();
        }
        Ok(freed)
    }

    /// The receivers that somebody is now, dead or alive.
    pub fn present(&self) -> Receivers {
        let is_held = |seat: &u32| self.pool.seats.owner(*seat) != Owner::FREE;
        (0..self.pool.receivers)
            .filter(is_held)
            .fold(Receivers::NONE, Receivers::with)
    }

    /// Who is a receiver now, dead or alive.
    pub fn holder(&self, receiver: u32) -> Option<PeerId> {
        match receiver < self.pool.receivers {
            true => self.pool.seats.owner(receiver).peer(),
            false => None,
        }
    }

    /// The number of this receiver; `None` of a user that is none.
    pub fn receiver(&self) -> Option<u32> {
        Some(self.seat()).filter(|seat| *seat < self.pool.receivers)
    }

    /// Frames that nobody had when each was looked at.
    pub fn free(&self) -> u32 {
        match self.is_forked() {
            true => 0,
            false => self.pool.free(),
        }
    }

    /// Frames of the pool.
    pub fn frames(&self) -> u32 {
        self.pool.count()
    }

    /// Bytes of each frame.
    pub fn frame_bytes(&self) -> u32 {
        self.pool.frame_bytes
    }

    /// What to wait at until a frame is free. A death rings nobody: look again at every death and every tick.
    pub fn bell(&self) -> Bell<'p, W::Keep> {
        let waiters: &'p AtomicU32 = self.pool.waiters;
        Bell::new(waiters, self.pool.region.home(), self.wake.keep())
    }
}

impl<W: Wake> Drop for User<'_, W> {
    fn drop(&mut self) {
        if self.seat.is_some() && !self.is_forked() {
            // What was forgotten rather than dropped.
            self.clean();
        }
    }
}
