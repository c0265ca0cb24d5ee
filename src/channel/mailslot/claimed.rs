//! A publisher that is claimed: in the name of a peer, or of whoever comes first to a bare mailslot; what subscribers know of it.

#![forbid(unsafe_code)]

use super::{Mailslot, Publisher, Subscriber};
use crate::channel::seat::Claimant;
use crate::channel::stamp::Content;
use crate::error::{Error, Result};
use crate::memory::liveness::Liveness;
use crate::segment::claim::Court;
use crate::segment::doorbell::{Bell, Ringer, Signal, Silent};
use crate::segment::join::Peer;

impl<'m, T: Content + ?Sized> Mailslot<'m, T> {
    /// Claims the publisher's end in the name of a peer of the mailslot's segment.
    ///
    /// An end whose owner is proven dead is taken over; it goes on behind the last message that the dead one completed.
    ///
    /// # Errors
    ///
    /// [`Error::EndpointTaken`], [`Error::ForeignPeer`], [`Error::ReadOnly`], [`Error::Corrupt`], [`Error::Forked`], [`Error::Busy`].
    pub fn publisher<'p>(&self, me: &'p Peer<'m>) -> Result<Publisher<'p, T>> {
        self.publish_as(Claimant::Peer(me), Silent)
    }

    /// Claims the publisher's end of a bare mailslot. `proof` may show an earlier holder dead
    /// ([`Evicted`](crate::Evicted), with [`PeerId::BARE`](crate::PeerId::BARE)).
    ///
    /// # Errors
    ///
    /// As [`Mailslot::split`].
    pub fn bare_publisher(&self, proof: &'m dyn Liveness) -> Result<Publisher<'m, T>> {
        self.publish_as(Claimant::Bare(proof), Silent)
    }
}

impl<'p, T: Content + ?Sized> Publisher<'p, T> {
    /// The same end, which from now on rings the doorbell of whoever waits for messages, beginning now.
    ///
    /// # Errors
    ///
    /// [`Error::ForeignPeer`] for a peer of another segment; the end is then given back.
    pub fn ringing<S: Signal>(
        self,
        me: &'p Peer<'_>,
        signal: S,
    ) -> crate::Result<Publisher<'p, T, Ringer<'p, S>>> {
        self.seat.check_home(me)?;
        Ok(self.rewired(|_| Ringer::new(me.segment().table(), signal)))
    }
}

impl<'m, T: Content + ?Sized, K> Subscriber<'m, T, K> {
    /// True if nobody alive holds the publisher's end now.
    pub(crate) fn is_abandoned_by(&self, court: &Court<'_>) -> bool {
        court.is_abandoned(self.publisher)
    }

    /// What to wait at for messages.
    pub(crate) fn bell_with<B>(&self, keep: B) -> Bell<'m, B> {
        Bell::new(self.waiters, self.home, keep)
    }
}

impl<'m, T: Content + ?Sized> Subscriber<'m, T> {
    /// What to wait at for messages: a peer of the mailslot's segment can sleep until one is there. Others poll.
    ///
    /// # Errors
    ///
    /// [`Error::ForeignPeer`] for a peer of another segment or of another mapping of it.
    pub fn bell(&self, me: &Peer<'_>) -> Result<Bell<'m>> {
        if me.home() != self.home {
            return Err(Error::ForeignPeer);
        }
        Ok(self.bell_with(()))
    }

    /// True if nobody alive holds the publisher's end now, as far as `me` can tell. Messages may still be here, and another publisher may
    /// come. May ask the system whether the holder lives.
    pub fn is_abandoned(&self, me: &Peer<'_>) -> bool {
        self.is_abandoned_by(&me.court())
    }
}
