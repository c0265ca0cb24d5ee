//! heapless: its spsc queue, boxed. It takes and gives one message a call.

use heapless::spsc::{Consumer, Producer, Queue, QueueView};

use crate::ends::{Receiver, Sender, ThreadPeer};
use crate::message::Message;

pub struct Heapless;

/// Out of line: a queue passes over the stack on its way to the heap, and one frame must not hold all sizes.
#[inline(never)]
fn boxed<M: Message, const N: usize>() -> Box<QueueView<M>> {
    Box::<Queue<M, N>>::new(Queue::new())
}

impl ThreadPeer for Heapless {
    const NAME: &str = "heapless";
    type Room<M: Message> = Box<QueueView<M>>;
    type Sender<'r, M: Message> = Producer<'r, M>;
    type Receiver<'r, M: Message> = Consumer<'r, M>;

    /// Of the power of two that its documentation asks for; it then stores one message less.
    fn room<M: Message>(capacity: usize) -> Self::Room<M> {
        match capacity {
            64 => boxed::<M, 64>(),
            256 => boxed::<M, 256>(),
            1024 => boxed::<M, 1024>(),
            8192 => boxed::<M, 8192>(),
            _ => panic!("no queue of {capacity} prepared"),
        }
    }

    fn split<M: Message>(room: &mut Self::Room<M>) -> (Self::Sender<'_, M>, Self::Receiver<'_, M>) {
        room.split()
    }
}

impl<M: Message> Sender<M> for Producer<'_, M> {
    #[inline(always)]
    fn send(&mut self, message: M) -> bool {
        self.enqueue(message).is_ok()
    }
}

impl<M: Message> Receiver<M> for Consumer<'_, M> {
    #[inline(always)]
    fn recv(&mut self) -> Option<M> {
        self.dequeue()
    }
}
