//! crossbeam: its array queue, made for many on both sides. It takes and gives one message a call.

use crossbeam_queue::ArrayQueue;

use crate::ends::{Receiver, Sender, ThreadPeer};
use crate::message::Message;

pub struct Crossbeam;

impl ThreadPeer for Crossbeam {
    const NAME: &str = "crossbeam";
    type Room<M: Message> = ArrayQueue<M>;
    type Sender<'r, M: Message> = &'r ArrayQueue<M>;
    type Receiver<'r, M: Message> = &'r ArrayQueue<M>;

    fn room<M: Message>(capacity: usize) -> Self::Room<M> {
        ArrayQueue::new(capacity)
    }

    fn split<M: Message>(room: &mut Self::Room<M>) -> (Self::Sender<'_, M>, Self::Receiver<'_, M>) {
        (room, room)
    }
}

impl<M> Sender<M> for &ArrayQueue<M> {
    #[inline(always)]
    fn send(&mut self, message: M) -> bool {
        self.push(message).is_ok()
    }
}

impl<M> Receiver<M> for &ArrayQueue<M> {
    #[inline(always)]
    fn recv(&mut self) -> Option<M> {
        self.pop()
    }
}
