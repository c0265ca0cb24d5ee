//! A writer that is claimed: in the name of a peer, or of whoever comes first to a bare notepad; what readers know of it.

#![forbid(unsafe_code)]

use super::{Notepad, Reader, Writer};
use crate::channel::seat::Claimant;
use crate::channel::stamp::Content;
use crate::error::{Error, Result};
use crate::memory::liveness::Liveness;
use crate::segment::claim::Court;
use crate::segment::doorbell::{Bell, Ringer, Signal, Silent};
use crate::segment::join::Peer;

impl<'m, T: Content + ?Sized> Notepad<'m, T> {
    /// Claims the writer's end in the name of a peer of the notepad's segment.
    ///
    /// An end whose owner is proven dead is taken over: what the dead one completed counts as written.
    ///
    /// # Errors
    ///
    /// [`Error::EndpointTaken`], [`Error::ForeignPeer`], [`Error::ReadOnly`], [`Error::Corrupt`], [`Error::Forked`], [`Error::Busy`].
    pub fn writer<'p>(&self, me: &'p Peer<'m>) -> Result<Writer<'p, T>> {
        self.write_as(Claimant::Peer(me), Silent)
    }

    /// Claims the writer's end of a bare notepad. `proof` may show an earlier holder dead
    /// ([`Evicted`](crate::Evicted), with [`PeerId::BARE`](crate::PeerId::BARE)).
    ///
    /// # Errors
    ///
    /// As [`Notepad::split`].
    pub fn bare_writer(&self, proof: &'m dyn Liveness) -> Result<Writer<'m, T>> {
        self.write_as(Claimant::Bare(proof), Silent)
    }
}

impl<'p, T: Content + ?Sized> Writer<'p, T> {
    /// The same end, which from now on rings the doorbell of whoever waits for the next version, beginning now.
    ///
    /// # Errors
    ///
    /// [`Error::ForeignPeer`] for a peer of another segment; the end is then given back.
    pub fn ringing<S: Signal>(
        self,
        me: &'p Peer<'_>,
        signal: S,
    ) -> crate::Result<Writer<'p, T, Ringer<'p, S>>> {
        self.pen.seat.check_home(me)?;
        Ok(self.rewired(|_| Ringer::new(me.segment().table(), signal)))
    }
}

impl<'m, T: Content + ?Sized, K> Reader<'m, T, K> {
    /// True if nobody alive holds the writer's end now.
    pub(crate) fn is_abandoned_by(&self, court: &Court<'_>) -> bool {
        court.is_abandoned(self.writer)
    }

    /// What to wait at for the next version, for a peer of the notepad's segment.
    pub(crate) fn bell_with<B>(&self, keep: B) -> Bell<'m, B> {
        Bell::new(self.waiters, self.home, keep)
    }
}

impl<'m, T: Content + ?Sized> Reader<'m, T> {
    /// What to wait at for the next version: a peer of the notepad's segment can sleep until [`Reader::changed`]. Others poll.
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

    /// True if nobody alive holds the writer's end now, as far as `me` can tell. Another may come. May ask the system whether the
    /// holder lives.
    pub fn is_abandoned(&self, me: &Peer<'_>) -> bool {
        self.is_abandoned_by(&me.court())
    }
}
