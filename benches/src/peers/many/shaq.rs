//! shaq: its mpmc queue, in memory of one process. A batch goes in whole or not at all. An end that stops inside a call stops the others
//! of its side.

use std::iter::repeat_with;
use std::num::NonZeroUsize;

use shaq::mpmc::{Consumer, Producer, pair};

use crate::ends::many::ManyPeer;
use crate::ends::{BatchReceiver, BatchSender, Receiver, Sender};

pub struct Shaq;

impl ManyPeer for Shaq {
    const NAME: &str = "shaq mpmc";
    const BATCHES: bool = true;
    // With four on two processors a message takes up to 7 ms.
    const MOST_ENDS: usize = 2;
    type Room = (Producer<u64>, Consumer<u64>);
    type Sender<'r> = Many<Producer<u64>>;
    type Receiver<'r> = Many<Consumer<u64>>;

    fn room(capacity: usize, _: usize) -> Self::Room {
        pair(capacity).expect("a queue")
    }

    fn split(
        room: &mut Self::Room,
        senders: usize,
        receivers: usize,
    ) -> (Vec<Self::Sender<'_>>, Vec<Self::Receiver<'_>>) {
        let senders = repeat_with(|| Many(room.0.clone())).take(senders);
        let receivers = repeat_with(|| Many(room.1.clone())).take(receivers);
        (senders.collect(), receivers.collect())
    }
}

/// An end of many.
pub struct Many<E>(E);

impl Sender<u64> for Many<Producer<u64>> {
    #[inline(always)]
    fn send(&mut self, message: u64) -> bool {
        self.0.try_write(message).is_ok()
    }
}

impl Receiver<u64> for Many<Consumer<u64>> {
    #[inline(always)]
    fn recv(&mut self) -> Option<u64> {
        self.0.try_read()
    }
}

impl BatchSender<u64> for Many<Producer<u64>> {
    #[inline(always)]
    fn send_batch(&mut self, messages: &[u64]) -> usize {
        if self.0.try_write_slice(messages) {
            messages.len()
        } else {
            0
        }
    }
}

impl BatchReceiver<u64> for Many<Consumer<u64>> {
    #[inline(always)]
    fn recv_batch(&mut self, into: &mut [u64]) -> usize {
        let most = NonZeroUsize::new(into.len()).expect("room for a batch");
        let Some(batch) = self.0.try_reserve_read_batch(most) else {
            return 0;
        };
        let (first, second) = batch.as_slices();
        into[..first.len()].copy_from_slice(first);
        into[first.len()..batch.len()].copy_from_slice(second);
        batch.len()
    }
}
