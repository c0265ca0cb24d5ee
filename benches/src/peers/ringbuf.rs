//! ringbuf: its heap ring, whose ends keep copies of each other's positions, and its slice calls.

use ringbuf::traits::{Consumer, Producer, SplitRef};
use ringbuf::{CachingCons, CachingProd, HeapRb};

use crate::ends::{BatchReceiver, BatchSender, Receiver, Sender, ThreadPeer};
use crate::message::Message;

pub struct Ringbuf;

impl ThreadPeer for Ringbuf {
    const NAME: &str = "ringbuf";
    type Room<M: Message> = HeapRb<M>;
    type Sender<'r, M: Message> = CachingProd<&'r HeapRb<M>>;
    type Receiver<'r, M: Message> = CachingCons<&'r HeapRb<M>>;

    fn room<M: Message>(capacity: usize) -> Self::Room<M> {
        HeapRb::new(capacity)
    }

    fn split<M: Message>(room: &mut Self::Room<M>) -> (Self::Sender<'_, M>, Self::Receiver<'_, M>) {
        room.split_ref()
    }
}

impl<M: Message> Sender<M> for CachingProd<&HeapRb<M>> {
    #[inline(always)]
    fn send(&mut self, message: M) -> bool {
        self.try_push(message).is_ok()
    }
}

impl<M: Message> Receiver<M> for CachingCons<&HeapRb<M>> {
    #[inline(always)]
    fn recv(&mut self) -> Option<M> {
        self.try_pop()
    }
}

impl<M: Message> BatchSender<M> for CachingProd<&HeapRb<M>> {
    #[inline(always)]
    fn send_batch(&mut self, messages: &[M]) -> usize {
        self.push_slice(messages)
    }
}

impl<M: Message> BatchReceiver<M> for CachingCons<&HeapRb<M>> {
    #[inline(always)]
    fn recv_batch(&mut self, into: &mut [M]) -> usize {
        self.pop_slice(into)
    }
}
