//! A pool of frames that are lent in place: written by one, then looked at by many, never copied.
//!
//! # Shape
//!
//! ```text
//! header (128)
//! control (128)   0 where frames begin u32   4 waiters u32
//! next (128)      0 hint u32                              written by whoever loans
//! seats (128)     32 claims                               receivers' first, by number
//! lines           frames x 128: 0 word u64 {generation, pins}   8 reserved u64 {generation, old u16, reserved u16}
//!                 16 publisher   32 picture (32 bytes)
//! frames          frames x `frame_bytes`, each padded to the alignment
//! ```
//!
//! # Protocol
//!
//! A user holds a seat; a frame's word has a bit for each seat that has the frame, and a generation that is odd while one has it to write.
//!
//! ```text
//! loan     {even g, 0} -CAS-> {g + 1, me}                RECLAIM
//! publish  publisher, reserved = {g + 2, receivers}; {g + 2, receivers} (PUBLISH); then send the ticket, which says g + 2
//! view     {g, p} -CAS-> {g, p + me}                     OBSERVE; other generation: stale
//! take     g and my bit (OBSERVE); reserved {g, old, r} -CAS-> {g, old - me, r - me}: who has that has the frame
//! drop     {g, p} -> {g, p - me}                         RELEASE; the frame is free if nobody is left
//! clean    of the dead, by whoever holds the seat now:
//!          reserved = 0, {odd g, it} -> {g + 3, 0}; {g, p} -> {g, p - it} (RELEASE); a receiver's stays: {g, old + it, r + it} if it was taken
//! ```
//! Seats `0..receivers` are receivers. What is reserved for one stays so when its holder leaves or dies, as messages stay in a ring: its
//! successor has its bit, and takes by the tickets that it finds. What it had taken and not dropped can be taken again.
//!
//! # Progress guarantee
//!
//! Everything but `view` is wait-free, in steps that the number of frames bounds; `view` is lock-free, and gives up after 64 lost exchanges. No
//! system call, unless every frame is in use (then the oracle is asked about the users), or a [`Ringer`](crate::Ringer) finds a sleeper. A stopped user
//! holds the frames it has, and nobody up.
//!
//! # What a crash at each step leaves
//!
//! A publisher before `publish`: a loan that names its seat; the frame is free again once the seat is cleaned. Between publishing and sending: a frame
//! that is reserved and was not sent, which its receivers find by [`User::unclaimed`]. A viewer: its bit, until the seat is cleaned. A
//! receiver: everything for its successor. Whoever cleans: a seat that names it, to be cleaned again.
//! Seats of the dead are cleaned by whoever takes them, by whoever reaps, and by a loan that finds no frame; receivers' by their successors alone.
//!
//! # Cost
//!
//! One exchange a loan, one a view and one its drop; a publication is a plain store. A hand-over does not depend on the size of a frame.
//!
//! # Example
//!
//! ```
//! use ringpad::{AlignedBytes, Channel, Region, frames::{Config, Frames, Refused}};
//! let mut room = AlignedBytes::<4096>::new();
//! let pool = Frames::init(Region::from_mut(room.as_mut())?, &Config::new(2, 640))?;
//! let (camera, screen) = (pool.bare_user()?, pool.bare_user()?);
//! let mut loan = camera.loan()?;
//! loan.bytes_mut()?[..5].copy_from_slice(b"frame");
//! let ticket = loan.publish(5)?; // 12 bytes, for any channel
//! let view = screen.view(ticket)?;
//! assert_eq!(view.bytes()?, b"frame");
//! let other = camera.loan()?; // never the frame that is being looked at
//! assert_eq!(camera.loan().unwrap_err(), Refused::NoFrame);
//! drop((other, view));
//! drop((camera.loan()?, camera.loan()?));
//! assert_eq!(screen.view(ticket).unwrap_err(), Refused::Stale);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Source: generation and pins in one word as in many object pools; named seats, reservations that outlive their holder and cleaning are this
//! project's.

mod lent;
mod pool;
mod rules;
mod shape;
mod ticket;
mod user;
mod word;

pub use self::lent::{Loan, View};
pub(crate) use self::pool::Pool;
pub use self::rules::{Config, Load};
#[cfg(ringpad_loom)]
pub(crate) use self::shape::{FrameLine, FrameShape, FramesShape};
#[cfg(all(test, not(ringpad_loom)))]
pub(crate) use self::shape::{FrameShape, FramesControl, FramesShape};
pub use self::ticket::{FourCc, Picture, Receivers, Ticket};
pub use self::user::{Refused, Unclaimed, User};
use crate::channel::party::Name;
use crate::channel::seat::Claimant;
use crate::error::{Error, Field, Result};
use crate::memory::liveness::NoProof;
use crate::memory::region::RegionRef;
use crate::segment::doorbell::{Silent, Wake};
use crate::segment::header::{Geometry, Header};
use crate::segment::join::Peer;
use crate::segment::kind::{Channel, Kind, sealed::Sealed};
use crate::segment::reaped::Pass;

/// A pool of frames laid out in a region: a handle from which users are made.
#[derive(Debug)]
pub struct Frames<'m> {
    pool: Pool<'m>,
    geometry: Geometry,
}

impl<'m> Sealed<'m> for Frames<'m> {
    type Config = Config;

    fn geometry(config: &Config) -> Result<Geometry> {
        shape::geometry(config)
    }

    fn init_ref(region: RegionRef<'_>, geometry: &Geometry) -> Result<()> {
        geometry.check_room(region)?;
        let header = Header::at(region)?;
        header.begin(geometry)?;
        shape::init(region, geometry)?;
        header.ready();
        Ok(())
    }

    fn attach_ref(region: RegionRef<'m>) -> Result<Self> {
        let (pool, geometry) = shape::attach(region)?;
        Ok(Self { pool, geometry })
    }
}

impl<'m> Channel<'m> for Frames<'m> {
    const KIND: Kind = Kind::Frames;
}

/// Cleans the seats of the dead of the pool in this region.
pub(crate) fn reap(region: RegionRef<'_>, pass: &mut Pass<'_>) -> Result<()> {
    let (pool, _) = shape::attach(region)?;
    let name = Name {
        me: pass.me,
        court: pass.court,
    };
    pass.forget_sleepers(pool.waiters);
    let (seats, frames) = pool.mend(&name);
    pass.found.ends = pass.found.ends.wrapping_add(seats);
    pass.found.frames = pass.found.frames.wrapping_add(frames);
    if frames > 0 {
        pass.wake(pool.waiters);
    }
    Ok(())
}

impl<'m> Frames<'m> {
    /// Frames of the pool.
    pub fn frames(&self) -> u32 {
        self.geometry.capacity
    }

    /// Bytes of each frame.
    pub fn frame_bytes(&self) -> u32 {
        self.geometry.element_bytes
    }

    /// What each frame's address is a multiple of.
    pub fn align(&self) -> u32 {
        self.geometry.element_align
    }

    /// Receivers for whom frames may be reserved.
    pub fn receivers(&self) -> u32 {
        self.geometry.framing
    }

    /// The creator's number for what the frames hold; 0 if none.
    pub fn type_tag(&self) -> u64 {
        self.geometry.type_tag
    }

    /// The pool, if its creator gave it this type tag.
    ///
    /// # Errors
    ///
    /// [`Error::Mismatch`], naming both tags.
    pub fn expect_tag(self, want: u64) -> Result<Self> {
        Geometry::expect(Field::TypeTag, want, self.type_tag())?;
        Ok(self)
    }

    /// A user in the name of a peer of the pool's segment, who publishes or views. A peer may have several.
    ///
    /// # Errors
    ///
    /// [`Error::SeatsFull`] if living users have all of the 32 seats that are not receivers'; [`Error::ForeignPeer`], [`Error::ReadOnly`],
    /// [`Error::Forked`].
    pub fn user<'p>(&self, me: &'p Peer<'m>) -> Result<User<'p>> {
        self.user_as(Claimant::Peer(me), Silent)
    }

    /// The receiver of this number, in the name of a peer of the pool's segment: with it goes what is reserved for that number. It does not
    /// publish.
    ///
    /// # Errors
    ///
    /// [`Error::EndpointTaken`], naming who is that receiver and not proven dead; [`Error::SeatsFull`] if the pool has no receiver of this number; else as
    /// [`Frames::user`].
    pub fn receiver<'p>(&self, me: &'p Peer<'m>, number: u32) -> Result<User<'p>> {
        self.receiver_as(Claimant::Peer(me), number, Silent)
    }

    /// A user of a bare pool, for any thread: of none is ever proven that it died.
    ///
    /// # Errors
    ///
    /// As [`Frames::user`]; [`Error::ForeignPeer`] for a pool in a segment.
    pub fn bare_user(&self) -> Result<User<'m>> {
        self.user_as(Claimant::Bare(&NoProof), Silent)
    }

    /// The receiver of this number of a bare pool, as [`Frames::bare_user`].
    ///
    /// # Errors
    ///
    /// As [`Frames::receiver`] and [`Frames::bare_user`].
    pub fn bare_receiver(&self, number: u32) -> Result<User<'m>> {
        self.receiver_as(Claimant::Bare(&NoProof), number, Silent)
    }

    pub(crate) fn user_as<'p, W: Wake>(&self, who: Claimant<'p>, wake: W) -> Result<User<'p, W>>
    where
        'm: 'p,
    {
        let name = Name::of(who, self.pool.region)?;
        let among = self.pool.receivers..rules::SEATS;
        User::take_seat(self.pool, name, among, wake)
    }

    pub(crate) fn receiver_as<'p, W: Wake>(
        &self,
        who: Claimant<'p>,
        number: u32,
        wake: W,
    ) -> Result<User<'p, W>>
    where
        'm: 'p,
    {
        let name = Name::of(who, self.pool.region)?;
        let seats = self.receivers();
        if number >= seats {
            return Err(Error::SeatsFull { seats });
        }
        User::take_seat(self.pool, name, number..number + 1, wake)
    }
}

#[cfg(all(test, not(ringpad_loom)))]
mod tests;

#[cfg(not(ringpad_loom))]
mod limits {
    use super::{Loan, User, View};
    use static_assertions::{assert_impl_all, assert_not_impl_any};
    assert_impl_all!(User<'static>: Send, Sync);
    assert_impl_all!(Loan<'static, 'static>: Send);
    assert_impl_all!(View<'static, 'static>: Send, Sync);
    assert_not_impl_any!(User<'static>: Clone);
    assert_not_impl_any!(View<'static, 'static>: Clone);
}
