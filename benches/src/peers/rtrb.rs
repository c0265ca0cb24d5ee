//! rtrb: one by one, and its chunks by way of its slice calls.

use rtrb::{Consumer, Producer, RingBuffer};

use crate::ends::{BatchReceiver, BatchSender, Receiver, Sender, ThreadPeer};
use crate::message::Message;

pub struct Rtrb;

impl ThreadPeer for Rtrb {
    const NAME: &str = "rtrb";
    type Room<M: Message> = Option<(Producer<M>, Consumer<M>)>;
    type Sender<'r, M: Message> = Producer<M>;
    type Receiver<'r, M: Message> = Consumer<M>;

    fn room<M: Message>(capacity: usize) -> Self::Room<M> {
        Some(RingBuffer::new(capacity))
    }

    fn split<M: Message>(room: &mut Self::Room<M>) -> (Producer<M>, Consumer<M>) {
        room.take().expect("split once")
    }
}

impl<M: Message> Sender<M> for Producer<M> {
    #[inline(always)]
    fn send(&mut self, message: M) -> bool {
        self.push(message).is_ok()
    }
}

impl<M: Message> Receiver<M> for Consumer<M> {
    #[inline(always)]
    fn recv(&mut self) -> Option<M> {
        self.pop().ok()
    }
}

impl<M: Message> BatchSender<M> for Producer<M> {
    #[inline(always)]
    fn send_batch(&mut self, messages: &[M]) -> usize {
        self.push_partial_slice(messages).0.len()
    }
}

impl<M: Message> BatchReceiver<M> for Consumer<M> {
    #[inline(always)]
    fn recv_batch(&mut self, into: &mut [M]) -> usize {
        self.pop_partial_slice(into).0.len()
    }
}
