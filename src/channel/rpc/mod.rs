//! Calls: clients ask, servers answer, and every call ends, whoever dies.
//!
//! # Shape
//!
//! ```text
//! header (128)   control (128): 0 call waiters u32
//! claims: u32 each, of clients, then of servers   padded to 128
//! sent: u32 a client: a bit for each of its slots   padded to 128
//! client lines (128 each): 0 reply waiters u32
//! slots: clients x depth, each padded to 128:
//!     0 word u64   8 request bytes u64   16 reply bytes u32   20 part u32   24 deadline u64
//!     32 the request, padded to 8   then the reply, padded to 8
//! ```
//! A client's seat has `depth` slots, one a call, so that no slot is ever fought for by two clients. The word names the server (its seat
//! and its peer) and the call (see `word.rs`).
//!
//! # Protocol
//!
//! ```text
//! call     FREE -> SENT(n) (PUBLISH), request before it; its bit in `sent` (PUBLISH); wake servers
//! next     clear the bit (OBSERVE); SENT -CAS-> TAKEN(server) (CLAIM)
//! reply    TAKEN -CAS-> DONE (PUBLISH), reply before it; wake the client
//! part     TAKEN -CAS-> PART (PUBLISH); the client copies it; PART -CAS-> TAKEN (RELEASE); the next one (RECLAIM)
//! poll     DONE (OBSERVE); copy; -> FREE(n)
//! give up  SENT, DONE -CAS-> FREE(n); TAKEN, PART -CAS-> ABANDONED: its server's, who frees it (RELEASE) when it finds out
//! one way  SENT -> TAKEN -CAS-> FREE(n) (RELEASE) by the server
//! dropped  a request without a reply: TAKEN -CAS-> DONE, said to be unanswered; PART stays one, said to be the last
//! ```
//! A server that is gone, by proof of its death or because its seat is the mender's now:
//!
//! ```text
//! TAKEN, PART    served again where calls are idempotent: -CAS-> SENT (RELEASE), its bit in `sent`
//!                else TAKEN -CAS-> DONE, PART stays one, said to be lost (RELEASE): the caller is told who died
//! one way        served again, or -CAS-> FREE(n) (RELEASE): at most once
//! ABANDONED      -CAS-> FREE(n) (RELEASE)
//! ```
//! This is done by the caller that polls (every so often), by a client that looks for a free slot, by whoever takes a seat, and by reaping. Each step
//! is one exchange from the very word that was found, which a later taking does not have again.
//! A client that is gone: whoever has its seat next, or mends it, gives its calls up; a message that nobody waits for stays, and is served.
//!
//! The bits in `sent` are hints: set for a slot that has no call, one is cleared; not set for one that has, because somebody died, it is set again by
//! the caller that polls, by whoever cleans a seat, or the slot is found by a server that has been idle for long.
//!
//! # Progress guarantee
//!
//! Calling, polling, answering and giving up are wait-free; a server's look is bounded by clients and slots, and an exchange that it loses gives
//! the call to another, or to nobody. Every call ends in a reply, [`Poll::PeerDied`], [`Poll::Unanswered`], or its caller's giving it up.
//! While no server holds a seat a call waits: [`Client::is_served`] says so. No system call but for a caller that has polled long, which asks whether its
//! server lives, for a client without a free slot, which asks that of each server that has one of its messages or of the calls it gave up, and for a
//! [`Ringer`](crate::Ringer) that finds a sleeper.
//!
//! # What a crash at each step leaves
//!
//! A client before SENT: nothing. Between SENT and its bit: a call without one, which is given up; a message without one, which is found.
//! A server between the bit and TAKEN: a call without one, as above. Behind TAKEN: a word that names it. Whoever mends: what it found, or what it left
//! of it, without its bit.
//!
//! # Order
//!
//! A server takes one client's calls in the order in which they were made, except those that come again, and those that a server which died was about
//! to take. Where several serve, one may pass over an older call that another is just looking at.
//!
//! # Cost
//!
//! Two read-modify-writes on a call's way there (one of them clears the bit), two on its taking and its reply; three lines travel where request and
//! reply together have at most 96 bytes.
//!
//! # Example
//!
//! ```
//! use ringpad::{AlignedBytes, Channel, Region, rpc::{Config, Poll, Rpc}};
//! let mut room = AlignedBytes::<8192>::new();
//! let table = Rpc::<[u32; 2], u32>::init(Region::from_mut(room.as_mut())?, &Config::new(2, 1))?;
//! let (client, server) = (table.bare_client()?, table.bare_server()?);
//! let mut sum = client.call(&[3, 4]).unwrap();
//! assert_eq!(sum.poll(), Poll::Pending);
//! let mut request = server.next().unwrap();
//! let [a, b] = request.query();
//! request.reply(&(a + b)).unwrap();
//! assert_eq!(sum.poll(), Poll::Ready(7));
//! let mut dropped = client.call(&[5, 6]).unwrap();
//! drop(server.next());
//! assert_eq!(dropped.poll(), Poll::Unanswered);
//! # Ok::<(), ringpad::Error>(())
//! ```
//!
//! Source: the call states are those of any remote call; seats, bits and mending are this project's.

#![forbid(unsafe_code)]

mod call;
mod client;
mod config;
mod desk;
#[cfg(ringpad_loom)]
#[doc(hidden)]
pub mod probe;
mod request;
mod server;
mod shape;
mod steps;
mod word;

use core::marker::PhantomData;

pub use self::call::{Call, CallId, Poll};
pub use self::client::{Client, Refused};
pub use self::config::Config;
pub use self::request::{Request, Unsent};
pub use self::server::Server;
#[cfg(all(test, not(ringpad_loom)))]
pub(crate) use self::shape::{CallShape, ClientShape, RpcControl, RpcShape};
use self::shape::{Calls, Places};
pub(crate) use self::steps::reap;
use crate::channel::seat::Claimant;
use crate::channel::stamp::Content;
pub use crate::channel::stamp::TooLong;
#[cfg(doc)]
use crate::error::Error;
use crate::error::{Field, Result};
use crate::memory::layout::Spacing;
use crate::memory::liveness::NoProof;
use crate::memory::region::RegionRef;
use crate::segment::doorbell::{Silent, Wake};
use crate::segment::header::{Geometry, Header};
use crate::segment::join::Peer;
use crate::segment::kind::{Channel, Kind, sealed::Sealed};

/// A table of calls laid out in a region: a handle from which its ends are made. Requests and replies are any [`Pod`](crate::Pod), or `[u8]` up to
/// what was configured.
#[derive(Debug)]
pub struct Rpc<'m, Q: ?Sized, A: ?Sized> {
    calls: Calls<'m>,
    type_tag: u64,
    of: PhantomData<fn(&Q, &A)>,
}

impl<'m, Q: Content + ?Sized, A: Content + ?Sized> Sealed<'m> for Rpc<'m, Q, A> {
    type Config = Config;

    fn geometry(config: &Config) -> Result<Geometry> {
        let terms = config.terms::<Q, A>()?;
        Ok(Geometry {
            kind: Self::KIND,
            capacity: terms.clients * terms.depth,
            element_bytes: terms.request_bytes,
            element_align: Q::FIXED.map_or(1, |fixed| fixed.1) as u32,
            type_tag: config.type_tag,
            framing: terms.framing(),
            spacing: Spacing::Lines,
            span_bytes: Places::of(&terms)?.bytes as u64,
        })
    }

    fn init_ref(region: RegionRef<'_>, geometry: &Geometry) -> Result<()> {
        geometry.check_room(region)?;
        let header = Header::at(region)?;
        header.begin(geometry)?;
        Calls::of(region, geometry)?.init()?;
        header.ready();
        Ok(())
    }

    fn attach_ref(region: RegionRef<'m>) -> Result<Self> {
        let (calls, geometry) = Calls::attach(region)?;
        calls.terms.expect::<Q, A>(&geometry)?;
        Ok(Self {
            calls,
            type_tag: geometry.type_tag,
            of: PhantomData,
        })
    }
}

impl<'m, Q: Content + ?Sized, A: Content + ?Sized> Channel<'m> for Rpc<'m, Q, A> {
    const KIND: Kind = Kind::Rpc;
}

impl<'m, Q: Content + ?Sized, A: Content + ?Sized> Rpc<'m, Q, A> {
    /// Clients that there may be at a time.
    pub fn clients(&self) -> u32 {
        self.calls.terms.clients
    }

    /// Servers that there may be at a time.
    pub fn servers(&self) -> u32 {
        self.calls.terms.servers
    }

    /// Calls that one client may have open at a time.
    pub fn depth(&self) -> u32 {
        self.calls.terms.depth
    }

    /// Bytes of a request: of a `[u8]` the most it may have.
    pub fn request_bytes(&self) -> u32 {
        self.calls.terms.request_bytes
    }

    /// Bytes of a reply: of a `[u8]` the most it may have.
    pub fn reply_bytes(&self) -> u32 {
        self.calls.terms.reply_bytes
    }

    /// True if a request whose server died is served again.
    pub fn is_idempotent(&self) -> bool {
        self.calls.terms.idempotent
    }

    /// The creator's number for what requests and replies are; 0 if none.
    pub fn type_tag(&self) -> u64 {
        self.type_tag
    }

    /// The table, if its creator gave it this type tag.
    ///
    /// # Errors
    ///
    /// [`Error::Mismatch`], naming both tags.
    pub fn expect_tag(self, want: u64) -> Result<Self> {
        Geometry::expect(Field::TypeTag, want, self.type_tag)?;
        Ok(self)
    }

    /// Takes a client's seat for a peer of the table's segment; one whose holder is proven dead is taken over, and its calls are given up.
    ///
    /// # Errors
    ///
    /// [`Error::SeatsFull`], [`Error::ForeignPeer`], [`Error::ReadOnly`], [`Error::Forked`]; [`Error::EndpointTaken`] where there is but one seat.
    pub fn client<'p>(&self, me: &'p Peer<'m>) -> Result<Client<'p, Q, A>> {
        self.client_as(Claimant::Peer(me), Silent)
    }

    /// Takes a server's seat for a peer of the table's segment; one whose holder is proven dead is taken over, and what it had taken is
    /// served again, or its callers are told.
    ///
    /// # Errors
    ///
    /// As [`Rpc::client`].
    pub fn server<'p>(&self, me: &'p Peer<'m>) -> Result<Server<'p, Q, A>> {
        self.server_as(Claimant::Peer(me), Silent)
    }

    /// Takes a client's seat at a bare table, for any thread: all share one name, and of none is ever proven that it died.
    ///
    /// # Errors
    ///
    /// As [`Rpc::client`]; [`Error::ForeignPeer`] for a table in a segment.
    pub fn bare_client(&self) -> Result<Client<'m, Q, A>> {
        self.client_as(Claimant::Bare(&NoProof), Silent)
    }

    /// Takes a server's seat at a bare table, as [`Rpc::bare_client`].
    ///
    /// # Errors
    ///
    /// As [`Rpc::bare_client`].
    pub fn bare_server(&self) -> Result<Server<'m, Q, A>> {
        self.server_as(Claimant::Bare(&NoProof), Silent)
    }

    pub(crate) fn client_as<'p, W: Wake>(
        &self,
        who: Claimant<'p>,
        wake: W,
    ) -> Result<Client<'p, Q, A, W>>
    where
        'm: 'p,
    {
        Client::take(self.calls, who, wake)
    }

    pub(crate) fn server_as<'p, W: Wake>(
        &self,
        who: Claimant<'p>,
        wake: W,
    ) -> Result<Server<'p, Q, A, W>>
    where
        'm: 'p,
    {
        Server::take(self.calls, who, wake)
    }
}

#[cfg(not(ringpad_loom))]
mod limits {
    use super::{Client, Server};
    use static_assertions::{assert_impl_all, assert_not_impl_any};
    assert_impl_all!(Client<'static, u64, [u8]>: Send);
    assert_impl_all!(Server<'static, [u8], u64>: Send);
    assert_not_impl_any!(Client<'static, u64, u64>: Sync, Clone);
    assert_not_impl_any!(Server<'static, u64, u64>: Sync, Clone);
}

#[cfg(all(test, not(ringpad_loom)))]
mod tests;
