//! heapless: its mpmc queue, boxed, one message a call. Its authors deprecate it: an end that stops inside a call stops the others.

use heapless::mpmc::Queue;

use crate::ends::many::{ManyPeer, recv_one_by_one, send_one_by_one};
use crate::ends::{BatchReceiver, BatchSender, Receiver, Sender};

pub struct Heapless;

const CAPACITY: usize = 1024;

/// Either end.
pub struct End<'r>(&'r Queue<u64, CAPACITY>);

impl ManyPeer for Heapless {
    const NAME: &str = "heapless mpmc";
    const BATCHES: bool = false;
    type Room = Box<Queue<u64, CAPACITY>>;
    type Sender<'r> = End<'r>;
    type Receiver<'r> = End<'r>;

    fn room(capacity: usize, _: usize) -> Self::Room {
        assert_eq!(capacity, CAPACITY, "no other queue prepared");
        #[expect(deprecated, reason = "it is what others use")]
        Box::new(Queue::new())
    }

    fn split(
        room: &mut Self::Room,
        senders: usize,
        receivers: usize,
    ) -> (Vec<Self::Sender<'_>>, Vec<Self::Receiver<'_>>) {
        let ends = |count| (0..count).map(|_| End(room)).collect();
        (ends(senders), ends(receivers))
    }
}

impl Sender<u64> for End<'_> {
    #[inline(always)]
    fn send(&mut self, message: u64) -> bool {
        self.0.enqueue(message).is_ok()
    }
}

impl Receiver<u64> for End<'_> {
    #[inline(always)]
    fn recv(&mut self) -> Option<u64> {
        self.0.dequeue()
    }
}

impl BatchSender<u64> for End<'_> {
    #[inline(always)]
    fn send_batch(&mut self, messages: &[u64]) -> usize {
        send_one_by_one(self, messages)
    }
}

impl BatchReceiver<u64> for End<'_> {
    #[inline(always)]
    fn recv_batch(&mut self, into: &mut [u64]) -> usize {
        recv_one_by_one(self, into)
    }
}
