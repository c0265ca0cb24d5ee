//! rtrb: one by one, its slices, and its chunks, which are what it calls batches.

use rtrb::chunks::ChunkError::TooFewSlots;
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

/// Batches by chunks: a chunk of as many slots as there are, filled from an iterator, read as slices.
pub struct Chunks;

pub struct ChunkSender<M>(Producer<M>);
pub struct ChunkReceiver<M>(Consumer<M>);

impl ThreadPeer for Chunks {
    const NAME: &str = "rtrb chunks";
    type Room<M: Message> = <Rtrb as ThreadPeer>::Room<M>;
    type Sender<'r, M: Message> = ChunkSender<M>;
    type Receiver<'r, M: Message> = ChunkReceiver<M>;

    fn room<M: Message>(capacity: usize) -> Self::Room<M> {
        Rtrb::room(capacity)
    }

    fn split<M: Message>(room: &mut Self::Room<M>) -> (ChunkSender<M>, ChunkReceiver<M>) {
        let (tx, rx) = Rtrb::split(room);
        (ChunkSender(tx), ChunkReceiver(rx))
    }
}

impl<M: Message> Sender<M> for ChunkSender<M> {
    #[inline(always)]
    fn send(&mut self, message: M) -> bool {
        self.0.push(message).is_ok()
    }
}

impl<M: Message> Receiver<M> for ChunkReceiver<M> {
    #[inline(always)]
    fn recv(&mut self) -> Option<M> {
        self.0.pop().ok()
    }
}

impl<M: Message> BatchSender<M> for ChunkSender<M> {
    #[inline(always)]
    fn send_batch(&mut self, messages: &[M]) -> usize {
        let mut want = messages.len();
        loop {
            match self.0.write_chunk_uninit(want) {
                Ok(chunk) => return chunk.fill_from_iter(messages.iter().copied()),
                Err(TooFewSlots(0)) => return 0,
                Err(TooFewSlots(slots)) => want = slots,
            }
        }
    }
}

impl<M: Message> BatchReceiver<M> for ChunkReceiver<M> {
    #[inline(always)]
    fn recv_batch(&mut self, into: &mut [M]) -> usize {
        let mut want = into.len();
        loop {
            match self.0.read_chunk(want) {
                Ok(chunk) => {
                    let (first, rest) = chunk.as_slices();
                    into[..first.len()].copy_from_slice(first);
                    into[first.len()..want].copy_from_slice(rest);
                    chunk.commit_all();
                    return want;
                }
                Err(TooFewSlots(0)) => return 0,
                Err(TooFewSlots(slots)) => want = slots,
            }
        }
    }
}
