//! bbqueue: frames over heap storage, as records and as messages.

use bbqueue::BBQueue;
use bbqueue::prod_cons::framed::{FramedConsumer, FramedProducer};
use bbqueue::traits::bbqhdl::BbqHandle;
use bbqueue::traits::coordination::cas::AtomicCoord;
use bbqueue::traits::notifier::polling::Polling;
use bbqueue::traits::storage::BoxedSlice;

use super::ringpad::record_bytes;
use crate::ends::{Receiver, RecordReceiver, RecordSender, Sender, ThreadBytes, ThreadPeer};
use crate::message::Message;

/// What stands before a frame: the wider of the two lengths there are, which keeps bodies on whole words.
type Length = usize;
type Queue = BBQueue<BoxedSlice, AtomicCoord, Polling>;
type Producer<'r> = FramedProducer<&'r Queue, Length>;
type Consumer<'r> = FramedConsumer<&'r Queue, Length>;

pub struct Bbqueue;

/// As many bytes as ringpad gets for the same records. A frame lies in one piece, so that the end of it may stay unused.
fn queue(count: usize, bytes: usize) -> Queue {
    BBQueue::new_with_storage(BoxedSlice::new(record_bytes(count, bytes)))
}

fn ends(queue: &Queue) -> (Producer<'_>, Consumer<'_>) {
    (
        BbqHandle::framed_producer(&queue),
        BbqHandle::framed_consumer(&queue),
    )
}

impl ThreadBytes for Bbqueue {
    const NAME: &str = "bbqueue";
    type Room = Queue;
    type Sender<'r> = Producer<'r>;
    type Receiver<'r> = Consumer<'r>;

    fn room(count: usize, bytes: usize) -> Queue {
        queue(count, bytes)
    }

    fn split(room: &mut Queue) -> (Producer<'_>, Consumer<'_>) {
        ends(room)
    }
}

impl ThreadPeer for Bbqueue {
    const NAME: &str = "bbqueue";
    type Room<M: Message> = Queue;
    type Sender<'r, M: Message> = Producer<'r>;
    type Receiver<'r, M: Message> = Consumer<'r>;

    fn room<M: Message>(capacity: usize) -> Queue {
        queue(capacity, size_of::<M>())
    }

    fn split<M: Message>(room: &mut Queue) -> (Producer<'_>, Consumer<'_>) {
        ends(room)
    }
}

#[inline(always)]
fn put(to: &Producer<'_>, record: &[u8]) -> bool {
    let Ok(mut frame) = to.grant(record.len()) else {
        return false;
    };
    frame.copy_from_slice(record);
    frame.commit(record.len());
    true
}

impl RecordSender for Producer<'_> {
    #[inline(always)]
    fn send(&mut self, record: &[u8]) -> bool {
        put(self, record)
    }
}

impl RecordReceiver for Consumer<'_> {
    #[inline(always)]
    fn recv(&mut self, into: &mut [u8]) -> Option<usize> {
        let frame = self.read().ok()?;
        let len = frame.len();
        into[..len].copy_from_slice(&frame);
        frame.release();
        Some(len)
    }
}

impl<M: Message> Sender<M> for Producer<'_> {
    #[inline(always)]
    fn send(&mut self, message: M) -> bool {
        put(self, bytemuck::bytes_of(&message))
    }
}

impl<M: Message> Receiver<M> for Consumer<'_> {
    #[inline(always)]
    fn recv(&mut self) -> Option<M> {
        let frame = self.read().ok()?;
        let message = bytemuck::pod_read_unaligned(&frame);
        frame.release();
        Some(message)
    }
}
