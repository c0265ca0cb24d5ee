//! What every peer is reduced to, so that all of them run the same loops.

pub mod calls;
pub mod frames;
pub mod mailslot;
pub mod many;
pub mod notepad;

use crate::message::Message;

/// The end that puts messages in.
pub trait Sender<M> {
    /// False if there is no room now.
    fn send(&mut self, message: M) -> bool;
}

/// The end that takes messages out.
pub trait Receiver<M> {
    /// `None` if there is none now.
    fn recv(&mut self) -> Option<M>;
}

/// A sender that can put many in at once.
pub trait BatchSender<M> {
    /// How many of the first went in.
    fn send_batch(&mut self, messages: &[M]) -> usize;
}

/// A receiver that can take many out at once.
pub trait BatchReceiver<M> {
    /// How many came out.
    fn recv_batch(&mut self, into: &mut [M]) -> usize;
}

/// The end that puts records of any length in.
pub trait RecordSender {
    /// False if there is no room now.
    fn send(&mut self, record: &[u8]) -> bool;
}

/// The end that takes records out.
pub trait RecordReceiver {
    /// The length of the record copied to `into`; `None` if there is none now.
    fn recv(&mut self, into: &mut [u8]) -> Option<usize>;
}

/// A queue between two threads. Capacities are powers of two.
pub trait ThreadPeer {
    const NAME: &str;
    /// The memory that both ends borrow.
    type Room<M: Message>;
    type Sender<'r, M: Message>: Sender<M> + Send;
    type Receiver<'r, M: Message>: Receiver<M> + Send;
    fn room<M: Message>(capacity: usize) -> Self::Room<M>;
    fn split<M: Message>(room: &mut Self::Room<M>) -> (Self::Sender<'_, M>, Self::Receiver<'_, M>);
}

/// A byte queue between two threads.
pub trait ThreadBytes {
    const NAME: &str;
    type Room;
    type Sender<'r>: RecordSender + Send;
    type Receiver<'r>: RecordReceiver + Send;
    /// Room for `count` records of `bytes` bytes each, or as near as the peer's own sizes come.
    fn room(count: usize, bytes: usize) -> Self::Room;
    fn split(room: &mut Self::Room) -> (Self::Sender<'_>, Self::Receiver<'_>);
}

/// Which way messages go, between the process that measures and its partner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// To the partner.
    There,
    /// From the partner.
    Back,
}

impl Lane {
    pub const BOTH: [Self; 2] = [Self::There, Self::Back];

    pub fn name(self) -> &'static str {
        match self {
            Self::There => "there",
            Self::Back => "back",
        }
    }
}

/// A queue between two processes: what one of them holds.
pub trait ProcessPeer: Sized {
    const NAME: &str;
    type Sender<M: Message>: Sender<M>;
    type Receiver<M: Message>: Receiver<M>;
    /// In the process that measures, before its partner starts: makes both lanes. `meeting` is a name that nobody else uses.
    fn host<M: Message>(meeting: &str, capacity: usize) -> Self;
    /// In the partner: what the host made.
    fn guest<M: Message>(invitation: &str, capacity: usize) -> Self;
    /// What the partner is told in place of the meeting's name.
    fn invitation(&self) -> String;
    fn sender<M: Message>(&mut self, lane: Lane) -> Self::Sender<M>;
    fn receiver<M: Message>(&mut self, lane: Lane) -> Self::Receiver<M>;
}

/// A byte queue between two processes; records go to the partner or from it as [`ProcessPeer`]'s messages do.
pub trait ProcessBytes: Sized {
    const NAME: &str;
    type Sender: RecordSender;
    type Receiver: RecordReceiver;
    fn host(meeting: &str, count: usize, bytes: usize) -> Self;
    fn guest(invitation: &str, count: usize, bytes: usize) -> Self;
    /// What the partner is told in place of the meeting's name.
    fn invitation(&self) -> String;
    fn sender(&mut self, lane: Lane) -> Self::Sender;
    fn receiver(&mut self, lane: Lane) -> Self::Receiver;
}

/// A queue between two processes whose receivers sleep until a message is there.
pub trait BlockingPeer {
    const NAME: &str;
    type End<M: Message>: BlockingEnd<M>;
    /// In the process that measures, before its partner starts. `meeting` is a name that nobody else uses.
    fn host<M: Message>(meeting: &str) -> Self::End<M>;
    /// In the partner: what the host made.
    fn guest<M: Message>(invitation: &str) -> Self::End<M>;
}

/// What one process holds of both lanes: it sends to the other and receives from it. Lanes have room for one message at least.
pub trait BlockingEnd<M> {
    /// What the partner is told in place of the meeting's name.
    fn invitation(&self) -> String;
    /// In the process that measures, once the partner is ready.
    fn partner_is_ready(&mut self) {}
    /// Sends, and wakes the other if it sleeps.
    fn send(&mut self, message: &M);
    /// Sleeps until a message is there, without polling before.
    fn recv(&mut self) -> M;
}
