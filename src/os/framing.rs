//! Owned users of frame pools, and loans and views that own what they need: for threads, tasks and fields.
//!
//! An owned view is the core's own, whose user lies in an `Arc` that the view keeps.

use std::ops::Deref;
use std::sync::Arc;

use super::owned::{OwnedPeer, OwnedRinger, forever};
use super::{FrameUser, Result};
use crate::frames::{Frames, Loan, Picture, Receivers, Refused, Ticket, View};

impl OwnedPeer {
    /// A user of a frame pool, who publishes or views.
    ///
    /// ```
    /// use ringpad::frames::{Config, Frames, Load, Refused, Ticket};
    /// use ringpad::mailslot::{self, Mailslot, Next, Start};
    /// use ringpad::{Plan, os::{Options, SharedSegment}};
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let name = &format!("pool-{}", std::process::id());
    /// // As many frames behind the newest as the mailslot has tickets: a ticket that is heard is seldom stale.
    /// let load = Load { viewers: 4, queue: 8, ..Load::new() };
    /// let plan = Plan::<2>::new()
    ///     .channel::<Frames>("pool", &Config::for_load(&load, 1280 * 720 * 4))?
    ///     .channel::<Mailslot<Ticket>>("tickets", &mailslot::Config::new(8))?;
    /// let camera = SharedSegment::open_or_create(name, &plan, &Options::new())?.join()?;
    /// let (pool, mut tickets) = (camera.frame_user("pool")?, camera.publisher::<Ticket>("tickets")?);
    /// let mut loan = pool.loan()?;
    /// loan.bytes_mut()?.fill(7); // drawn in place
    /// tickets.publish(&loan.publish(1280 * 720 * 4)?);
    ///
    /// // The other process:
    /// let screen = SharedSegment::open(name, &Options::new())?.join()?;
    /// let pool = screen.frame_user("pool")?;
    /// let mut tickets = screen.subscriber::<Ticket>("tickets", Start::Newest)?;
    /// let bell = tickets.bell();
    /// let next = screen.waiter()?.wait(&[bell], None, || match tickets.poll() {
    ///     Next::Empty => None,
    ///     next => Some(next),
    /// })?;
    /// match next {
    ///     Some(Next::Mail { value, .. }) => match pool.view(value) {
    ///         Ok(view) => assert_eq!(view.bytes()?[..3], [7, 7, 7]), // nobody draws there meanwhile
    ///         Err(Refused::Stale) => tickets.seek(Start::Newest), // too late for this one
    ///         Err(why) => return Err(why.into()),
    ///     },
    ///     Some(Next::Lapped { lost, .. }) => println!("{lost} missed"),
    ///     Some(Next::Empty) | None => {}
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Channel`](super::Error::Channel) with those of [`Segment::open`](crate::Segment::open) and [`Frames::user`].
    pub fn frame_user(&self, name: &str) -> Result<FrameUser> {
        self.claim(name, Frames::user_as)
    }

    /// The receiver of this number of a frame pool; of one who is proven dead it takes over what is reserved.
    ///
    /// # Errors
    ///
    /// [`Error::Channel`](super::Error::Channel) with those of [`Segment::open`](crate::Segment::open) and [`Frames::receiver`].
    pub fn frame_receiver(&self, name: &str, number: u32) -> Result<FrameUser> {
        self.claim(name, |pool: &Frames<'static>, who, wake| {
            pool.receiver_as(who, number, wake)
        })
    }
}

impl FrameUser {
    /// As [`User::loan`](crate::frames::User::loan), by a user that is shared: `Send + 'static`.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn loan_owned(self: &Arc<Self>) -> Result<OwnedLoan, Refused> {
        // SAFETY: the user lies in the Arc that the loan keeps, as its last field to drop.
        let user: &'static Self = unsafe { forever(&**self) };
        let loan = user.loan()?;
        let _user = self.clone();
        Ok(OwnedLoan { loan, _user })
    }

    /// As [`User::view`](crate::frames::User::view), by a user that is shared: `Send + 'static`.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn view_owned(self: &Arc<Self>, ticket: Ticket) -> Result<OwnedView, Refused> {
        // SAFETY: as in loan_owned.
        let user: &'static Self = unsafe { forever(&**self) };
        let view = user.view(ticket)?;
        let _user = self.clone();
        Ok(OwnedView { view, _user })
    }

    /// As [`User::take`](crate::frames::User::take), by a user that is shared: `Send + 'static`.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn take_owned(self: &Arc<Self>, ticket: Ticket) -> Result<OwnedView, Refused> {
        // SAFETY: as in loan_owned.
        let user: &'static Self = unsafe { forever(&**self) };
        let view = user.take(ticket)?;
        let _user = self.clone();
        Ok(OwnedView { view, _user })
    }
}

/// A loan that owns what it needs. See [`Loan`].
#[derive(Debug)]
#[must_use = "a loan publishes nothing until `publish`"]
pub struct OwnedLoan {
    loan: Loan<'static, 'static, OwnedRinger>,
    _user: Arc<FrameUser>,
}

// No `DerefMut`: two loans that changed places would each outlive their user.
impl OwnedLoan {
    /// As [`Loan::capacity`].
    pub fn capacity(&self) -> u32 {
        self.loan.capacity()
    }

    /// As [`Loan::bytes_mut`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn bytes_mut(&mut self) -> crate::Result<&mut [u8]> {
        self.loan.bytes_mut()
    }

    /// As [`Loan::write_at`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn write_at(&mut self, offset: u32, from: &[u8]) -> crate::Result<()> {
        self.loan.write_at(offset, from)
    }

    /// As [`Loan::set_picture`].
    pub fn set_picture(&mut self, picture: &Picture) {
        self.loan.set_picture(picture);
    }

    /// As [`Loan::publish`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn publish(self, len: u32) -> crate::Result<Ticket> {
        self.loan.publish(len)
    }

    /// As [`Loan::publish_for`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn publish_for(self, len: u32, whom: Receivers) -> crate::Result<Ticket> {
        self.loan.publish_for(len, whom)
    }
}

/// A view that owns what it needs. See [`View`].
#[derive(Debug)]
#[must_use = "the frame may be written again as soon as the view is dropped"]
pub struct OwnedView {
    view: View<'static, 'static, OwnedRinger>,
    _user: Arc<FrameUser>,
}

impl Deref for OwnedView {
    type Target = View<'static, 'static, OwnedRinger>;
    fn deref(&self) -> &Self::Target {
        &self.view
    }
}

static_assertions::assert_impl_all!(FrameUser: Send, Sync);
static_assertions::assert_impl_all!(OwnedLoan: Send);
static_assertions::assert_impl_all!(OwnedView: Send, Sync);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Plan;
    use crate::frames::{Config, Frames};
    use crate::os::{Options, SharedSegment};

    /// A user that nothing keeps the segment for but itself.
    fn alone() -> FrameUser {
        let plan = Plan::<1>::new().channel::<Frames<'_>>("pool", &Config::new(2, 64));
        let segment = SharedSegment::anonymous(&plan.unwrap(), &Options::new()).unwrap();
        segment.join().unwrap().frame_user("pool").unwrap()
    }

    #[test]
    fn the_last_to_keep_a_segment_gives_its_seat_back_before_it() {
        // Each would fault, or write into somebody else's memory, if the segment went first.
        drop(alone());
        drop(alone().silent());
        let user = Arc::new(alone());
        let loan = user.loan_owned().unwrap();
        drop(user);
        let ticket = loan.publish(8).unwrap();
        let user = Arc::new(alone());
        assert!(user.view_owned(ticket).is_err(), "of another segment");
    }
}
