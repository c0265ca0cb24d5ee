//! flume: a bounded channel behind a lock. It sends one message a call, and takes one, or all there are.

use flume::{Receiver as Rx, Sender as Tx};

use crate::ends::many::{ManyPeer, recv_one_by_one, send_one_by_one};
use crate::ends::{BatchReceiver, BatchSender, Receiver, Sender};

pub struct Flume;

impl ManyPeer for Flume {
    const NAME: &str = "flume";
    const BATCHES: bool = false;
    type Room = (Tx<u64>, Rx<u64>);
    type Sender<'r> = Tx<u64>;
    type Receiver<'r> = Rx<u64>;

    fn room(capacity: usize, _: usize) -> Self::Room {
        flume::bounded(capacity)
    }

    fn split(
        room: &mut Self::Room,
        senders: usize,
        receivers: usize,
    ) -> (Vec<Tx<u64>>, Vec<Rx<u64>>) {
        (
            vec![room.0.clone(); senders],
            vec![room.1.clone(); receivers],
        )
    }
}

impl Sender<u64> for Tx<u64> {
    #[inline(always)]
    fn send(&mut self, message: u64) -> bool {
        self.try_send(message).is_ok()
    }
}

impl Receiver<u64> for Rx<u64> {
    #[inline(always)]
    fn recv(&mut self) -> Option<u64> {
        self.try_recv().ok()
    }
}

impl BatchSender<u64> for Tx<u64> {
    #[inline(always)]
    fn send_batch(&mut self, messages: &[u64]) -> usize {
        send_one_by_one(self, messages)
    }
}

impl BatchReceiver<u64> for Rx<u64> {
    #[inline(always)]
    fn recv_batch(&mut self, into: &mut [u64]) -> usize {
        recv_one_by_one(self, into)
    }
}
