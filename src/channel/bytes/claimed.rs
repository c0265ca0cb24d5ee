//! Ends that are claimed: in the name of a peer, or of whoever comes first to a bare ring.

#![forbid(unsafe_code)]

use super::{Bytes, Consumer, Producer};
use crate::channel::seat::Claimant;
#[cfg(doc)]
use crate::error::Error;
use crate::error::Result;
use crate::memory::liveness::Liveness;
use crate::segment::doorbell::{Bell, Ringer, Signal, Silent, Wake};
use crate::segment::join::Peer;

impl<'m> Bytes<'m> {
    /// Claims the producer's end in the name of a peer of the ring's segment.
    ///
    /// An end whose owner is proven dead is taken over; it goes on where the dead one committed last.
    ///
    /// # Errors
    ///
    /// [`Error::EndpointTaken`], [`Error::ForeignPeer`], [`Error::Corrupt`], [`Error::Forked`], [`Error::Busy`].
    pub fn producer<'p>(&self, me: &'p Peer<'m>) -> Result<Producer<'p>> {
        self.produce_as(Claimant::Peer(me), Silent)
    }

    /// Claims the consumer's end in the name of a peer of the ring's segment.
    ///
    /// An end whose owner is proven dead is taken over; records it did not release come again.
    ///
    /// # Errors
    ///
    /// As [`Bytes::producer`].
    pub fn consumer<'p>(&self, me: &'p Peer<'m>) -> Result<Consumer<'p>> {
        self.consume_as(Claimant::Peer(me), Silent)
    }

    /// Claims the producer's end of a bare ring. `proof` may show an earlier holder dead
    /// ([`Evicted`](crate::Evicted), with [`PeerId::BARE`](crate::PeerId::BARE)).
    ///
    /// # Errors
    ///
    /// As [`Bytes::producer`]; [`Error::ForeignPeer`] for a ring in a segment.
    pub fn bare_producer(&self, proof: &'m dyn Liveness) -> Result<Producer<'m>> {
        self.produce_as(Claimant::Bare(proof), Silent)
    }

    /// Claims the consumer's end of a bare ring; `proof` as in [`Bytes::bare_producer`].
    ///
    /// # Errors
    ///
    /// As [`Bytes::bare_producer`].
    pub fn bare_consumer(&self, proof: &'m dyn Liveness) -> Result<Consumer<'m>> {
        self.consume_as(Claimant::Bare(proof), Silent)
    }
}

impl<'p> Producer<'p> {
    /// The same end, which from now on rings the doorbell of whoever sleeps at the other one, beginning now.
    ///
    /// # Errors
    ///
    /// [`Error::ForeignPeer`] for a peer of another segment; the end is then given back.
    pub fn ringing<S: Signal>(
        self,
        me: &'p Peer<'_>,
        signal: S,
    ) -> crate::Result<Producer<'p, Ringer<'p, S>>> {
        self.end.seat.check_home(me)?;
        Ok(self.rewired(|_| Ringer::new(me.segment().table(), signal)))
    }
}

impl<'p, W: Wake> Producer<'p, W> {
    /// True if nobody alive holds the consumer's end now. Another may come. May ask the system whether the
    /// holder lives.
    pub fn is_abandoned(&self) -> bool {
        self.end.seat.is_abandoned()
    }

    /// Who holds the consumer's end, dead or alive.
    pub fn other(&self) -> Option<crate::PeerId> {
        self.end.seat.other()
    }

    /// What to wait at for room.
    pub fn bell(&self) -> Bell<'p, W::Keep> {
        self.end.seat.bell()
    }
}

impl<'p> Consumer<'p> {
    /// The same end, which from now on rings the doorbell of whoever sleeps at the other one, beginning now.
    ///
    /// # Errors
    ///
    /// [`Error::ForeignPeer`] for a peer of another segment; the end is then given back.
    pub fn ringing<S: Signal>(
        self,
        me: &'p Peer<'_>,
        signal: S,
    ) -> crate::Result<Consumer<'p, Ringer<'p, S>>> {
        self.end.seat.check_home(me)?;
        Ok(self.rewired(|_| Ringer::new(me.segment().table(), signal)))
    }
}

impl<'p, W: Wake> Consumer<'p, W> {
    /// True if nobody alive holds the producer's end now. Records may still be here, and another producer
    /// may come. May ask the system whether the holder lives.
    pub fn is_abandoned(&self) -> bool {
        self.end.seat.is_abandoned()
    }

    /// Who holds the producer's end, dead or alive.
    pub fn other(&self) -> Option<crate::PeerId> {
        self.end.seat.other()
    }

    /// What to wait at for bytes.
    pub fn bell(&self) -> Bell<'p, W::Keep> {
        self.end.seat.bell()
    }
}
