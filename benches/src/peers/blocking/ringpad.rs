//! ringpad with sleeping consumers: ringing endpoints of a named segment, and each side's waiter.

use ringpad::os::{OwnedBell, OwnedRinger, Waiter};
use ringpad::spsc::{self, Spsc};

use crate::ends::{BlockingEnd, BlockingPeer, Lane};
use crate::message::Message;
use crate::peers::ringpad::Joined;

/// With `POLLS` above 0 the waiter asks so often before it sleeps: it then mostly does not sleep in round trips, so that
/// its figures do not compare with those of peers that go to sleep at once.
pub struct Blocking<const POLLS: u32>;

pub struct End<M: Message> {
    to: spsc::Producer<'static, M, OwnedRinger>,
    from: spsc::Consumer<'static, M, OwnedRinger>,
    bells: [OwnedBell; 1],
    waiter: Waiter,
    joined: Joined,
}

impl<M: Message> End<M> {
    fn of(joined: Joined, to: Lane, from: Lane, polls: u32) -> Self {
        let peer = &joined.peer;
        let from = peer.consumer(from.name()).expect("the consumer's end");
        Self {
            to: peer.producer(to.name()).expect("the producer's end"),
            bells: [from.bell()],
            from,
            waiter: peer.waiter().expect("the waiter").spinning(polls),
            joined,
        }
    }
}

impl<const POLLS: u32> BlockingPeer for Blocking<POLLS> {
    const NAME: &str = if POLLS == 0 {
        "ringpad"
    } else {
        "ringpad spinning"
    };
    type End<M: Message> = End<M>;

    fn host<M: Message>(meeting: &str) -> End<M> {
        let joined = Joined::create::<Spsc<'static, M>>(meeting, &spsc::Config::new(64));
        End::of(joined, Lane::There, Lane::Back, POLLS)
    }

    fn guest<M: Message>(invitation: &str) -> End<M> {
        End::of(Joined::open(invitation), Lane::Back, Lane::There, POLLS)
    }
}

impl<M: Message> BlockingEnd<M> for End<M> {
    fn invitation(&self) -> String {
        self.joined.name.clone()
    }

    fn send(&mut self, message: &M) {
        assert!(self.to.push(*message).is_ok(), "a round trip has room");
    }

    fn recv(&mut self) -> M {
        let got = self.waiter.wait(&self.bells, None, || self.from.pop());
        got.expect("a sleep").expect("no deadline")
    }
}
