//! Owned endpoints that wake nobody: for partners that poll.
//!
//! A ringing endpoint looks for sleepers after each commit, behind a fence that waits until the commit is visible to every
//! processor. Where nobody ever sleeps, that is paid for nothing.

#![forbid(unsafe_code)]

use super::owned::{OwnedPeer, OwnedRinger};
use super::{
    ByteConsumer, ByteProducer, Client, Consumer, FrameUser, LockKey, NotepadWriter, Producer,
};
use super::{Publisher, Receiver, ReliablePublisher, ReliableSubscriber, Sender, Server};
use crate::mailslot::reliable;
use crate::memory::maintenance::Upkeep;
use crate::segment::doorbell::sealed::Wake as _;
use crate::segment::doorbell::{Waiters, Wake, sealed};
use crate::{Content, Pod, bytes, frames, lock, mailslot, mpmc, notepad, rpc, spsc};

/// What a silent owned endpoint carries: everything it keeps alive.
#[derive(Clone, Debug)]
pub struct OwnedSilence(OwnedPeer);

impl OwnedSilence {
    fn instead_of(ringer: &OwnedRinger) -> Self {
        Self(ringer.keep())
    }
}

impl Upkeep for OwnedSilence {}
impl Wake for OwnedSilence {}
impl sealed::Wake for OwnedSilence {
    type Keep = OwnedPeer;

    fn keep(&self) -> OwnedPeer {
        self.0.clone()
    }

    #[inline(always)]
    fn wake(&mut self, _: Waiters<'_>) {}

    #[inline(always)]
    fn wake_shared(&self, _: Waiters<'_>) {}
}

impl<T: Pod> Producer<T> {
    /// The same end, which wakes nobody from now on: for a consumer that polls. One that sleeps nevertheless notices items,
    /// and that this end was dropped, at its next tick, if it has one.
    pub fn silent(self) -> spsc::Producer<'static, T, OwnedSilence> {
        self.rewired(OwnedSilence::instead_of)
    }
}

impl<T: Pod> Consumer<T> {
    /// The same end, which wakes nobody from now on: for a producer that polls. One that sleeps nevertheless notices room,
    /// and that this end was dropped, at its next tick, if it has one.
    pub fn silent(self) -> spsc::Consumer<'static, T, OwnedSilence> {
        self.rewired(OwnedSilence::instead_of)
    }
}

impl<T: Pod> Sender<T> {
    /// The same end, which wakes nobody from now on: for receivers that poll. One that sleeps nevertheless notices messages at its
    /// next tick, if it has one.
    pub fn silent(self) -> mpmc::Sender<'static, T, OwnedSilence> {
        self.rewired(OwnedSilence::instead_of)
    }
}

impl<T: Pod> Receiver<T> {
    /// The same end, which wakes nobody from now on: for senders that poll. One that sleeps nevertheless notices room at its next
    /// tick, if it has one.
    pub fn silent(self) -> mpmc::Receiver<'static, T, OwnedSilence> {
        self.rewired(OwnedSilence::instead_of)
    }
}

impl<Q: Content + ?Sized, A: Content + ?Sized> Client<Q, A> {
    /// The same end, which wakes nobody from now on: for servers that poll. One that sleeps nevertheless notices calls at its next
    /// tick, if it has one.
    pub fn silent(self) -> rpc::Client<'static, Q, A, OwnedSilence> {
        self.rewired(OwnedSilence::instead_of)
    }
}

impl<Q: Content + ?Sized, A: Content + ?Sized> Server<Q, A> {
    /// The same end, which wakes nobody from now on: for clients that poll. One that sleeps nevertheless notices replies at its next
    /// tick, if it has one.
    pub fn silent(self) -> rpc::Server<'static, Q, A, OwnedSilence> {
        self.rewired(OwnedSilence::instead_of)
    }
}

impl<T: Pod> LockKey<T> {
    /// The same key, which wakes nobody from now on: for peers that poll. One that sleeps nevertheless notices that the lock is free at
    /// its next tick, if it has one.
    pub fn silent(self) -> lock::Key<'static, T, OwnedSilence> {
        self.rewired(OwnedSilence::instead_of)
    }
}

impl FrameUser {
    /// The same user, which wakes nobody from now on: for publishers that poll. One that sleeps nevertheless notices a free frame at
    /// its next tick, if it has one.
    pub fn silent(self) -> frames::User<'static, OwnedSilence> {
        self.rewired(OwnedSilence::instead_of)
    }
}

impl ByteProducer {
    /// The same end, which wakes nobody from now on: for a consumer that polls. One that sleeps nevertheless notices bytes,
    /// and that this end was dropped, at its next tick, if it has one.
    pub fn silent(self) -> bytes::Producer<'static, OwnedSilence> {
        self.rewired(OwnedSilence::instead_of)
    }
}

impl ByteConsumer {
    /// The same end, which wakes nobody from now on: for a producer that polls. One that sleeps nevertheless notices room,
    /// and that this end was dropped, at its next tick, if it has one.
    pub fn silent(self) -> bytes::Consumer<'static, OwnedSilence> {
        self.rewired(OwnedSilence::instead_of)
    }
}

impl<T: Content + ?Sized> NotepadWriter<T> {
    /// The same end, which wakes nobody from now on: for readers that poll. One that sleeps nevertheless notices a new version at its
    /// next tick, if it has one.
    pub fn silent(self) -> notepad::Writer<'static, T, OwnedSilence> {
        self.rewired(OwnedSilence::instead_of)
    }
}

impl<T: Content + ?Sized> Publisher<T> {
    /// The same end, which wakes nobody from now on: for subscribers that poll. One that sleeps nevertheless notices messages at its
    /// next tick, if it has one.
    pub fn silent(self) -> mailslot::Publisher<'static, T, OwnedSilence> {
        self.rewired(OwnedSilence::instead_of)
    }
}

impl<T: Content + ?Sized> ReliablePublisher<T> {
    /// The same end, which wakes nobody from now on: for subscribers that poll. One that sleeps nevertheless notices messages at its
    /// next tick, if it has one.
    pub fn silent(self) -> reliable::Publisher<'static, T, OwnedSilence> {
        self.rewired(OwnedSilence::instead_of)
    }
}

impl<T: Content + ?Sized> ReliableSubscriber<T> {
    /// The same end, which wakes nobody from now on: for a publisher that polls. One that sleeps nevertheless notices that this
    /// subscriber went on at its next tick, if it has one.
    pub fn silent(self) -> reliable::Subscriber<'static, T, OwnedSilence> {
        self.rewired(OwnedSilence::instead_of)
    }
}

static_assertions::assert_impl_all!(spsc::Producer<'static, u64, OwnedSilence>: Send);
static_assertions::assert_impl_all!(bytes::Consumer<'static, OwnedSilence>: Send);
