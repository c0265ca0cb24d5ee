//! Owning handles: a peer and its endpoints that keep what they need alive, for threads, tasks and fields.
//!
//! An endpoint here is the core's own type with lifetime `'static`, made safe by its last field: an [`OwnedRinger`]
//! that holds the peer, which holds the segment, which holds the mapping. No method hands out a reference that
//! outlives the endpoint, and nothing turns one into an endpoint without the keeper.

use std::mem::ManuallyDrop;
use std::sync::Arc;

use super::shared::SharedSegment;
use super::system::Seat;
use super::waiter::Waiter;
use super::{ByteConsumer, ByteProducer, Consumer, Producer, Result};
use crate::channel::seat::Claimant;
use crate::memory::maintenance::Upkeep;
use crate::segment::doorbell::{Bell, Rung, Waiters, Wake, sealed};
use crate::segment::join::Peer;
use crate::{Channel, PeerId, Pod, bytes, spsc};

/// The same reference, for as long as the caller likes.
///
/// # Safety
///
/// `it` is neither moved nor dropped while what is returned is used.
pub(super) unsafe fn forever<'a, T>(it: &T) -> &'a T {
    // SAFETY: it was a reference just now, and the caller keeps what it points to where it is.
    unsafe { &*std::ptr::from_ref(it) }
}

/// What a joined peer keeps. Dropping leaves the row first, then gives back its lock, then the segment.
pub(super) struct Joined {
    peer: ManuallyDrop<Peer<'static>>,
    seat: Option<Seat>,
    pub(super) segment: SharedSegment,
}

impl Joined {
    /// The peer, for as long as `self` lives.
    pub(super) fn peer(&self) -> &Peer<'_> {
        &self.peer
    }
}

impl Drop for Joined {
    fn drop(&mut self) {
        let id = self.peer.id();
        // SAFETY: dropped once, here, and not used after.
        unsafe { ManuallyDrop::drop(&mut self.peer) };
        let Some(seat) = self.seat.take() else { return };
        // A forked child's copies share the description: releasing would take the parent's lock away.
        if self.segment.inner.segment.is_forked() {
            return;
        }
        if seat.unlock(id).is_ok() {
            self.segment.inner.seats.give_back(seat);
        }
    }
}

/// A joined participant that owns its membership: cheap to clone, `Send + Sync + 'static`.
///
/// It leaves the segment when the last clone and the last endpoint made from it are dropped.
#[derive(Clone)]
pub struct OwnedPeer {
    pub(super) joined: Arc<Joined>,
}

impl Upkeep for OwnedPeer {}

impl std::fmt::Debug for OwnedPeer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.joined.peer().fmt(f)
    }
}

impl OwnedPeer {
    /// Joins in `row`, whose byte `seat` has locked.
    pub(super) fn take(segment: SharedSegment, row: PeerId, seat: Seat) -> Result<Self> {
        let (peer, dead) = match segment.occupy(row) {
            Ok(joined) => joined,
            Err(error) => {
                // A sandbox may not be able to open another.
                if seat.unlock(row).is_ok() {
                    segment.inner.seats.give_back(seat);
                }
                return Err(error);
            }
        };
        let joined = Self {
            joined: Arc::new(Joined {
                peer: ManuallyDrop::new(peer),
                seat: Some(seat),
                segment,
            }),
        };
        if dead {
            joined.reap_own_row()?;
        }
        Ok(joined)
    }

    /// The peer's number: its row.
    pub fn id(&self) -> PeerId {
        self.joined.peer.id()
    }

    /// The segment it joined.
    pub fn segment(&self) -> &SharedSegment {
        &self.joined.segment
    }

    fn ringer(&self) -> OwnedRinger {
        OwnedRinger {
            rung: Rung::default(),
            joined: self.joined.clone(),
        }
    }

    /// In whose name an owned end is claimed.
    fn claimant(&self) -> Claimant<'static> {
        // SAFETY: the peer lies in the Arc that the end's OwnedRinger holds, as its last field to drop.
        Claimant::Peer(unsafe { forever(&self.joined.peer) })
    }

    /// Opens a channel and claims an end of it; what goes wrong names the channel.
    pub(super) fn claim<C: Channel<'static>, E>(
        &self,
        name: &str,
        end: impl FnOnce(&C, Claimant<'static>, OwnedRinger) -> crate::Result<E>,
    ) -> Result<E> {
        let channel = self.joined.segment.inner.segment.open::<C>(name);
        let found = channel.and_then(|channel| end(&channel, self.claimant(), self.ringer()));
        found.map_err(|why| of_channel(name, why))
    }

    /// Claims the producing end of a typed ring; one whose owner is proven dead is taken over.
    ///
    /// The element's size and alignment are compared, type tags are not: [`SharedSegment::check`] does that, once.
    ///
    /// # Errors
    ///
    /// [`Error::Channel`](super::Error::Channel) with those of [`Segment::open`](crate::Segment::open) and
    /// [`spsc::Spsc::producer`].
    pub fn producer<T: Pod>(&self, name: &str) -> Result<Producer<T>> {
        self.claim(name, spsc::Spsc::<T>::produce_as)
    }

    /// Claims the consuming end of a typed ring; one whose owner is proven dead is taken over, and what it did not
    /// acknowledge comes again.
    ///
    /// # Errors
    ///
    /// As [`OwnedPeer::producer`].
    pub fn consumer<T: Pod>(&self, name: &str) -> Result<Consumer<T>> {
        self.claim(name, spsc::Spsc::<T>::consume_as)
    }

    /// Claims the producing end of a byte ring; one whose owner is proven dead is taken over.
    ///
    /// # Errors
    ///
    /// As [`OwnedPeer::producer`].
    pub fn byte_producer(&self, name: &str) -> Result<ByteProducer> {
        self.claim(name, bytes::Bytes::produce_as)
    }

    /// Claims the consuming end of a byte ring; one whose owner is proven dead is taken over, and the record it did
    /// not release comes again.
    ///
    /// # Errors
    ///
    /// As [`OwnedPeer::producer`].
    pub fn byte_consumer(&self, name: &str) -> Result<ByteConsumer> {
        self.claim(name, bytes::Bytes::consume_as)
    }

    /// Creates a channel in the segment's spare room; claim its ends by name.
    ///
    /// # Errors
    ///
    /// [`Error::Channel`](super::Error::Channel) with those of [`Segment::create`](crate::Segment::create).
    pub fn create<C: Channel<'static>>(&self, name: &str, config: &C::Config) -> Result<()> {
        // SAFETY: the channel handle made from it is dropped before this call returns.
        let peer: &Peer<'static> = unsafe { forever(&self.joined.peer) };
        let segment = &self.joined.segment.inner.segment;
        let made = segment.create::<C>(peer, name, config);
        made.map(drop).map_err(|why| of_channel(name, why))
    }

    /// Takes the peer's one right to sleep.
    ///
    /// # Errors
    ///
    /// [`crate::Error::WaiterTaken`] while another waiter of this peer exists, [`super::Error::NoBells`].
    pub fn waiter(&self) -> Result<Waiter> {
        Waiter::of(self.joined.clone())
    }
}

pub(super) fn of_channel(name: &str, why: crate::Error) -> super::Error {
    let name = name.into();
    super::Error::Channel { name, why }
}

/// What an owned endpoint carries: the doorbells it rings, and everything it keeps alive.
#[derive(Clone)]
pub struct OwnedRinger {
    rung: Rung,
    joined: Arc<Joined>,
}

impl std::fmt::Debug for OwnedRinger {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OwnedRinger")
            .field("peer", &self.joined.peer.id())
            .finish_non_exhaustive()
    }
}

impl Upkeep for OwnedRinger {}
impl Wake for OwnedRinger {}
impl sealed::Wake for OwnedRinger {
    type Keep = OwnedPeer;

    fn keep(&self) -> OwnedPeer {
        OwnedPeer {
            joined: self.joined.clone(),
        }
    }

    #[inline]
    fn wake(&mut self, waiters: Waiters<'_>) {
        let inner = &self.joined.segment.inner;
        self.rung
            .ring(|| inner.segment.table(), waiters, &inner.bells);
    }

    #[inline]
    fn wake_shared(&self, waiters: Waiters<'_>) {
        let inner = &self.joined.segment.inner;
        Rung::ring_all(|| inner.segment.table(), waiters, &inner.bells);
    }
}

/// A bell that keeps its channel's segment alive.
pub type OwnedBell = Bell<'static, OwnedPeer>;
