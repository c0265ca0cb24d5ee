//! A queue whose messages any of many senders puts in, and one of many receivers takes out.

use super::{BatchReceiver, BatchSender, Receiver, Sender};

/// A queue of numbers between threads, with as many ends as are asked for.
pub trait ManyPeer {
    const NAME: &str;
    /// Whether it has calls for many messages at once, on both sides.
    const BATCHES: bool;
    /// Whether messages of one sender come to one receiver in the order in which they were sent.
    const IN_ORDER: bool = true;
    /// So many ends it can have on one side and still make progress.
    const MOST_ENDS: usize = usize::MAX;
    /// The memory that all ends borrow.
    type Room;
    type Sender<'r>: Sender<u64> + BatchSender<u64> + Send;
    type Receiver<'r>: Receiver<u64> + BatchReceiver<u64> + Send;
    /// Capacities are powers of two; so many ends will be on either side.
    fn room(capacity: usize, ends: usize) -> Self::Room;
    fn split(
        room: &mut Self::Room,
        senders: usize,
        receivers: usize,
    ) -> (Vec<Self::Sender<'_>>, Vec<Self::Receiver<'_>>);
}

/// A batch for a sender that puts in one message a call.
#[inline(always)]
pub fn send_one_by_one(to: &mut impl Sender<u64>, messages: &[u64]) -> usize {
    let full = messages.iter().position(|message| !to.send(*message));
    full.unwrap_or(messages.len())
}

/// A batch from a receiver that takes out one message a call.
#[inline(always)]
pub fn recv_one_by_one(from: &mut impl Receiver<u64>, into: &mut [u64]) -> usize {
    let mut came = 0;
    while came < into.len() {
        let Some(message) = from.recv() else { break };
        into[came] = message;
        came += 1;
    }
    came
}
