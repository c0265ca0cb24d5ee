//! kanal: a bounded channel behind a lock. It sends one message a call, and takes one, or all there are.

use std::iter::repeat_n;

use kanal::{Receiver as Rx, Sender as Tx};

use crate::ends::many::{ManyPeer, recv_one_by_one, send_one_by_one};
use crate::ends::{BatchReceiver, BatchSender, Receiver, Sender};

/// One message a call on both sides.
pub struct Kanal;

type Room = (Tx<u64>, Rx<u64>);

impl ManyPeer for Kanal {
    const NAME: &str = "kanal";
    const BATCHES: bool = false;
    type Room = Room;
    type Sender<'r> = Tx<u64>;
    type Receiver<'r> = Rx<u64>;

    fn room(capacity: usize, _: usize) -> Room {
        kanal::bounded(capacity)
    }

    fn split(room: &mut Room, senders: usize, receivers: usize) -> (Vec<Tx<u64>>, Vec<Rx<u64>>) {
        let senders = repeat_n(&room.0, senders).cloned();
        let receivers = repeat_n(&room.1, receivers).cloned();
        (senders.collect(), receivers.collect())
    }
}

impl Sender<u64> for Tx<u64> {
    #[inline(always)]
    fn send(&mut self, message: u64) -> bool {
        matches!(self.try_send(message), Ok(true))
    }
}

impl Receiver<u64> for Rx<u64> {
    #[inline(always)]
    fn recv(&mut self) -> Option<u64> {
        self.try_recv().ok().flatten()
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

/// Its receivers take all there are at once, and hand on what was asked for.
pub struct Drained;

/// A receiver, and what it holds back, the last first.
pub struct Drain {
    from: Rx<u64>,
    held: Vec<u64>,
}

impl ManyPeer for Drained {
    const NAME: &str = "kanal drained";
    const BATCHES: bool = false;
    type Room = Room;
    type Sender<'r> = Tx<u64>;
    type Receiver<'r> = Drain;

    fn room(capacity: usize, ends: usize) -> Room {
        Kanal::room(capacity, ends)
    }

    fn split(room: &mut Room, senders: usize, receivers: usize) -> (Vec<Tx<u64>>, Vec<Drain>) {
        let (senders, receivers) = Kanal::split(room, senders, receivers);
        let held = Vec::new;
        let receivers = receivers
            .into_iter()
            .map(|from| Drain { from, held: held() });
        (senders, receivers.collect())
    }
}

impl Drain {
    /// Takes what there is if nothing is held back.
    #[inline(always)]
    fn refill(&mut self) {
        if self.held.is_empty() && self.from.drain_into(&mut self.held).is_ok() {
            self.held.reverse();
        }
    }
}

impl Receiver<u64> for Drain {
    #[inline(always)]
    fn recv(&mut self) -> Option<u64> {
        self.refill();
        self.held.pop()
    }
}

impl BatchReceiver<u64> for Drain {
    #[inline(always)]
    fn recv_batch(&mut self, into: &mut [u64]) -> usize {
        self.refill();
        let came = into.len().min(self.held.len());
        let rest = self.held.len() - came;
        let last_first = self.held.drain(rest..).rev();
        into.iter_mut()
            .zip(last_first)
            .for_each(|(to, message)| *to = message);
        came
    }
}
