//! Calls made of two lanes, one for requests and one for answers: all that a peer without calls of its own offers. One caller and
//! one call at a time need no more.

use std::marker::PhantomData;

use crate::ends::calls::{CallPeer, Client, Server};
use crate::ends::{
    BlockingEnd, BlockingPeer, Lane, ProcessBytes, ProcessPeer, Receiver, RecordReceiver,
    RecordSender, Sender,
};
use crate::groups::{poll, poll_until};
use crate::message::Message;
use crate::peers::ringpad::Ringing;

/// ringpad's rings, by hand: what its calls cost beside them is what calls do more.
pub struct Rings;

/// One side of both rings.
pub struct RingEnds<M: Message> {
    to: <Ringing as ProcessPeer>::Sender<M>,
    from: <Ringing as ProcessPeer>::Receiver<M>,
    joined: Ringing,
}

impl CallPeer for Rings {
    const NAME: &str = "ringpad two rings";
    type Client<M: Message> = RingEnds<M>;
    type Server<M: Message> = RingEnds<M>;

    fn client<M: Message>(meeting: &str) -> RingEnds<M> {
        let mut joined = <Ringing as ProcessPeer>::host::<M>(meeting, 2);
        RingEnds {
            to: ProcessPeer::sender(&mut joined, Lane::There),
            from: ProcessPeer::receiver(&mut joined, Lane::Back),
            joined,
        }
    }

    fn server<M: Message>(invitation: &str) -> RingEnds<M> {
        let mut joined = <Ringing as ProcessPeer>::guest::<M>(invitation, 2);
        RingEnds {
            to: ProcessPeer::sender(&mut joined, Lane::Back),
            from: ProcessPeer::receiver(&mut joined, Lane::There),
            joined,
        }
    }
}

impl<M: Message> Client<M> for RingEnds<M> {
    fn invitation(&self) -> String {
        ProcessPeer::invitation(&self.joined)
    }

    #[inline(always)]
    fn call(&mut self, request: &M) -> M {
        poll_until(|| self.to.send(*request));
        poll(|| self.from.recv())
    }
}

impl<M: Message> Server<M> for RingEnds<M> {
    #[inline(always)]
    fn serve(&mut self, answer: impl FnOnce(&M) -> M) {
        let answer = answer(&poll(|| self.from.recv()));
        poll_until(|| self.to.send(answer));
    }
}

/// A peer that moves records, both ways polled.
pub struct Records<P>(PhantomData<P>);

/// One side of both lanes, and the peer whose they are.
pub struct RecordEnds<P: ProcessBytes> {
    peer: P,
    ends: Option<(P::Sender, P::Receiver)>,
}

impl<P: ProcessBytes> RecordEnds<P> {
    fn of(peer: P) -> Self {
        Self { peer, ends: None }
    }

    fn meet(&mut self, to: Lane, from: Lane) {
        self.ends = Some((self.peer.sender(to), self.peer.receiver(from)));
    }

    fn ends(&mut self) -> &mut (P::Sender, P::Receiver) {
        self.ends.as_mut().expect("both sides met")
    }

    fn send<M: Message>(&mut self, message: &M) {
        let (to, _) = self.ends();
        poll_until(|| to.send(bytemuck::bytes_of(message)));
    }

    fn recv<M: Message>(&mut self) -> M {
        let (_, from) = self.ends();
        let mut message = M::zeroed();
        let len = poll(|| from.recv(bytemuck::bytes_of_mut(&mut message)));
        assert_eq!(len, size_of::<M>(), "a message of another length");
        message
    }
}

impl<P: ProcessBytes> CallPeer for Records<P> {
    const NAME: &str = P::NAME;
    type Client<M: Message> = RecordEnds<P>;
    type Server<M: Message> = RecordEnds<P>;

    fn client<M: Message>(meeting: &str) -> RecordEnds<P> {
        RecordEnds::of(P::host(meeting, 2, size_of::<M>()))
    }

    fn server<M: Message>(invitation: &str) -> RecordEnds<P> {
        let mut ends = RecordEnds::of(P::guest(invitation, 2, size_of::<M>()));
        ends.meet(Lane::Back, Lane::There);
        ends
    }
}

impl<M: Message, P: ProcessBytes> Client<M> for RecordEnds<P> {
    fn invitation(&self) -> String {
        self.peer.invitation()
    }

    fn partner_is_ready(&mut self) {
        self.meet(Lane::There, Lane::Back);
    }

    fn call(&mut self, request: &M) -> M {
        self.send(request);
        self.recv()
    }
}

impl<M: Message, P: ProcessBytes> Server<M> for RecordEnds<P> {
    fn serve(&mut self, answer: impl FnOnce(&M) -> M) {
        let answer = answer(&self.recv());
        self.send(&answer);
    }
}

/// A peer whose receivers sleep.
pub struct Asleep<P>(PhantomData<P>);

/// One side of it.
pub struct AsleepEnd<E>(E);

impl<P: BlockingPeer> CallPeer for Asleep<P> {
    const NAME: &str = P::NAME;
    type Client<M: Message> = AsleepEnd<P::End<M>>;
    type Server<M: Message> = AsleepEnd<P::End<M>>;

    fn client<M: Message>(meeting: &str) -> AsleepEnd<P::End<M>> {
        AsleepEnd(P::host(meeting))
    }

    fn server<M: Message>(invitation: &str) -> AsleepEnd<P::End<M>> {
        AsleepEnd(P::guest(invitation))
    }
}

impl<M: Message, E: BlockingEnd<M>> Client<M> for AsleepEnd<E> {
    fn invitation(&self) -> String {
        self.0.invitation()
    }

    fn partner_is_ready(&mut self) {
        self.0.partner_is_ready();
    }

    fn call(&mut self, request: &M) -> M {
        self.0.send(request);
        self.0.recv()
    }
}

impl<M: Message, E: BlockingEnd<M>> Server<M> for AsleepEnd<E> {
    fn serve(&mut self, answer: impl FnOnce(&M) -> M) {
        let answer = answer(&self.0.recv());
        self.0.send(&answer);
    }
}
