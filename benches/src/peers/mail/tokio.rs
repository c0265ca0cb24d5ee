//! tokio's broadcast channel without its runtime: sends and receives that do not wait.

use tokio::sync::broadcast::error::TryRecvError;
use tokio::sync::broadcast::{Receiver, Sender, channel};

use crate::ends::mailslot::{Loss, MailslotPeer, Publisher, Subscriber, Taken};
use crate::message::Message;

pub struct Broadcast;

/// It refuses to send where no receiver is left: one that never looks is kept.
pub type Room<M> = (Sender<M>, Receiver<M>);

impl MailslotPeer for Broadcast {
    const NAME: &str = "tokio broadcast";
    const LOSS: Loss = Loss::Told;
    type Room<M: Message> = Room<M>;
    type PublisherTicket<'r, M: Message> = Sender<M>;
    type SubscriberTicket<'r, M: Message> = Receiver<M>;
    type Publisher<'r, M: Message> = Sender<M>;
    type Subscriber<'r, M: Message> = Receiver<M>;

    fn room<M: Message>(capacity: usize, _: usize) -> Room<M> {
        channel(capacity)
    }

    fn tickets<M: Message>(
        room: &mut Room<M>,
        subscribers: usize,
    ) -> (Sender<M>, Vec<Receiver<M>>) {
        let all = (0..subscribers).map(|_| room.0.subscribe());
        (room.0.clone(), all.collect())
    }

    fn publisher<M: Message>(ticket: Self::PublisherTicket<'_, M>) -> Self::Publisher<'_, M> {
        ticket
    }

    fn subscriber<M: Message>(ticket: Self::SubscriberTicket<'_, M>) -> Self::Subscriber<'_, M> {
        ticket
    }
}

impl<M: Message> Publisher<M> for Sender<M> {
    #[inline(always)]
    fn publish(&mut self, message: &M) -> bool {
        assert!(self.send(*message).is_ok(), "the kept receiver is gone");
        true
    }
}

impl<M: Message> Subscriber<M> for Receiver<M> {
    #[inline(always)]
    fn poll(&mut self) -> Taken<M> {
        match self.try_recv() {
            Ok(message) => Taken::Mail(message),
            Err(TryRecvError::Lagged(lost)) => Taken::Lost(lost),
            // Closed: the sender ended, and all was taken.
            Err(TryRecvError::Empty | TryRecvError::Closed) => Taken::Empty,
        }
    }
}
