//! crossbeam: its array queue, one message a call.

use crossbeam_queue::ArrayQueue;

use crate::ends::many::{ManyPeer, recv_one_by_one, send_one_by_one};
use crate::ends::{BatchReceiver, BatchSender};

pub struct Crossbeam;

impl ManyPeer for Crossbeam {
    const NAME: &str = "crossbeam";
    const BATCHES: bool = false;
    type Room = ArrayQueue<u64>;
    type Sender<'r> = &'r ArrayQueue<u64>;
    type Receiver<'r> = &'r ArrayQueue<u64>;

    fn room(capacity: usize, _: usize) -> Self::Room {
        ArrayQueue::new(capacity)
    }

    fn split(
        room: &mut Self::Room,
        senders: usize,
        receivers: usize,
    ) -> (Vec<Self::Sender<'_>>, Vec<Self::Receiver<'_>>) {
        let room = &*room;
        (vec![room; senders], vec![room; receivers])
    }
}

// One by one: as its ends of one sender and one receiver.

impl BatchSender<u64> for &ArrayQueue<u64> {
    #[inline(always)]
    fn send_batch(&mut self, messages: &[u64]) -> usize {
        send_one_by_one(self, messages)
    }
}

impl BatchReceiver<u64> for &ArrayQueue<u64> {
    #[inline(always)]
    fn recv_batch(&mut self, into: &mut [u64]) -> usize {
        recv_one_by_one(self, into)
    }
}
