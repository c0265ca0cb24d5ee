//! ringpad's mpmc ring over plain memory, between threads: with and without revocation, at least and at most once.

use std::marker::PhantomData;

use ringpad::Channel;
use ringpad::mpmc::{self, Config, Delivery, Mpmc, Recovery};

use crate::ends::many::ManyPeer;
use crate::ends::{BatchReceiver, BatchSender, Receiver, Sender};
use crate::peers::ringpad::Room;

/// What is asked of the ring.
pub trait Terms {
    const NAME: &str;
    const DELIVERY: Delivery;
    const RECOVERY: Recovery;
}

/// As it comes: a message may come again after a death, and a stopped sender is passed over.
pub struct Revoking;

impl Terms for Revoking {
    const NAME: &str = "ringpad";
    const DELIVERY: Delivery = Delivery::AtLeastOnce;
    const RECOVERY: Recovery = Recovery::Revoke;
}

/// Who stops is waited for until it is known to be dead.
pub struct ProofOnly;

impl Terms for ProofOnly {
    const NAME: &str = "ringpad proof-only";
    const DELIVERY: Delivery = Delivery::AtLeastOnce;
    const RECOVERY: Recovery = Recovery::ProofOnly;
}

/// A message that a dead receiver held does not come again.
pub struct AtMostOnce;

impl Terms for AtMostOnce {
    const NAME: &str = "ringpad at-most-once";
    const DELIVERY: Delivery = Delivery::AtMostOnce;
    const RECOVERY: Recovery = Recovery::Revoke;
}

/// Both.
pub struct AtMostOnceProofOnly;

impl Terms for AtMostOnceProofOnly {
    const NAME: &str = "ringpad at-most-once proof-only";
    const DELIVERY: Delivery = Delivery::AtMostOnce;
    const RECOVERY: Recovery = Recovery::ProofOnly;
}

/// A ring on these terms.
pub struct Threads<T>(PhantomData<T>);

impl<T: Terms> ManyPeer for Threads<T> {
    const NAME: &str = T::NAME;
    const BATCHES: bool = true;
    // A message whose slot was revoked goes in again, behind those of its batch that were not.
    const IN_ORDER: bool = true;
    type Room = Room<Config>;
    type Sender<'r> = mpmc::Sender<'r, u64>;
    type Receiver<'r> = mpmc::Receiver<'r, u64>;

    fn room(capacity: usize, _: usize) -> Self::Room {
        let config = Config::new(capacity as u32);
        let config = config.delivery(T::DELIVERY).recovery(T::RECOVERY);
        let layout = Mpmc::<u64>::layout(&config).expect("a layout");
        let mut room = Room::new(layout.size(), config);
        Mpmc::<u64>::init(room.region(), &config).expect("a ring");
        room
    }

    fn split(
        room: &mut Self::Room,
        senders: usize,
        receivers: usize,
    ) -> (Vec<Self::Sender<'_>>, Vec<Self::Receiver<'_>>) {
        // Not made anew: ends may come again to what earlier ones left.
        let ring = Mpmc::<u64>::attach(room.region()).expect("the ring");
        let sender = || ring.bare_sender().expect("a sender's end");
        let receiver = || ring.bare_receiver().expect("a receiver's end");
        (
            (0..senders).map(|_| sender()).collect(),
            (0..receivers).map(|_| receiver()).collect(),
        )
    }
}

impl Sender<u64> for mpmc::Sender<'_, u64> {
    #[inline(always)]
    fn send(&mut self, message: u64) -> bool {
        self.try_send(message).is_ok()
    }
}

impl Receiver<u64> for mpmc::Receiver<'_, u64> {
    #[inline(always)]
    fn recv(&mut self) -> Option<u64> {
        self.try_recv()
    }
}

impl BatchSender<u64> for mpmc::Sender<'_, u64> {
    #[inline(always)]
    fn send_batch(&mut self, messages: &[u64]) -> usize {
        self.try_send_slice(messages)
    }
}

impl BatchReceiver<u64> for mpmc::Receiver<'_, u64> {
    #[inline(always)]
    fn recv_batch(&mut self, into: &mut [u64]) -> usize {
        self.try_recv_slice(into)
    }
}
