//! Messages that one publishes and that each of many subscribers takes.

use crate::message::Message;

/// The end that publishes.
pub trait Publisher<M> {
    /// False if it must wait for a subscriber.
    fn publish(&mut self, message: &M) -> bool;
}

/// What a subscriber finds.
pub enum Taken<M> {
    Mail(M),
    /// So many were overwritten before it came.
    Lost(u64),
    Empty,
}

/// An end that takes messages.
pub trait Subscriber<M> {
    fn poll(&mut self) -> Taken<M>;
}

/// What becomes of messages that a subscriber does not take in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// The publisher waits.
    Never,
    /// They are overwritten, and the subscriber is told how many.
    Told,
    /// They are overwritten; numbers are missing.
    Silent,
}

/// A mailslot between threads. All subscribers are there before the first message.
pub trait MailslotPeer {
    const NAME: &str;
    const LOSS: Loss;
    /// So few subscribers it can have.
    const LEAST_SUBSCRIBERS: usize = 0;
    /// The memory that all ends borrow.
    type Room<M: Message>;
    /// What is carried to the thread that opens an end: not every end may move.
    type PublisherTicket<'r, M: Message>: Send;
    type SubscriberTicket<'r, M: Message>: Send;
    type Publisher<'r, M: Message>: Publisher<M>;
    type Subscriber<'r, M: Message>: Subscriber<M>;
    /// Capacities are powers of two.
    fn room<M: Message>(capacity: usize, subscribers: usize) -> Self::Room<M>;
    fn tickets<M: Message>(
        room: &mut Self::Room<M>,
        subscribers: usize,
    ) -> (
        Self::PublisherTicket<'_, M>,
        Vec<Self::SubscriberTicket<'_, M>>,
    );
    fn publisher<M: Message>(ticket: Self::PublisherTicket<'_, M>) -> Self::Publisher<'_, M>;
    fn subscriber<M: Message>(ticket: Self::SubscriberTicket<'_, M>) -> Self::Subscriber<'_, M>;
}
