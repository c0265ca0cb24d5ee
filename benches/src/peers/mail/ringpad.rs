//! ringpad's mailslot over plain memory: a publisher that never waits, subscribers that are told what they lost.

use ringpad::Channel;
use ringpad::mailslot::{self, Config, Mailslot, Next, Start};

use crate::ends::mailslot::{Loss, MailslotPeer, Publisher, Subscriber, Taken};
use crate::message::Message;
use crate::peers::ringpad::Room;

pub struct Threads;

impl MailslotPeer for Threads {
    const NAME: &str = "ringpad";
    const LOSS: Loss = Loss::Told;
    type Room<M: Message> = Room<Config>;
    type PublisherTicket<'r, M: Message> = mailslot::Publisher<'r, M>;
    type SubscriberTicket<'r, M: Message> = mailslot::Subscriber<'r, M>;
    type Publisher<'r, M: Message> = mailslot::Publisher<'r, M>;
    type Subscriber<'r, M: Message> = mailslot::Subscriber<'r, M>;

    fn room<M: Message>(capacity: usize, _: usize) -> Room<Config> {
        let config = Config::new(capacity as u32);
        let layout = Mailslot::<M>::layout(&config).expect("a layout");
        Room::new(layout.size(), config)
    }

    fn tickets<M: Message>(
        room: &mut Room<Config>,
        subscribers: usize,
    ) -> (mailslot::Publisher<'_, M>, Vec<mailslot::Subscriber<'_, M>>) {
        let config = room.config;
        let slot = Mailslot::<M>::init(room.region(), &config).expect("a mailslot");
        let all = (0..subscribers).map(|_| slot.subscriber(Start::Oldest));
        let publisher = slot.bare_publisher(&ringpad::NoProof);
        (publisher.expect("the publisher's end"), all.collect())
    }

    fn publisher<M: Message>(ticket: Self::PublisherTicket<'_, M>) -> Self::Publisher<'_, M> {
        ticket
    }

    fn subscriber<M: Message>(ticket: Self::SubscriberTicket<'_, M>) -> Self::Subscriber<'_, M> {
        ticket
    }
}

impl<M: Message> Publisher<M> for mailslot::Publisher<'_, M> {
    #[inline(always)]
    fn publish(&mut self, message: &M) -> bool {
        mailslot::Publisher::<'_, M>::publish(self, message);
        true
    }
}

impl<M: Message> Subscriber<M> for mailslot::Subscriber<'_, M> {
    #[inline(always)]
    fn poll(&mut self) -> Taken<M> {
        match mailslot::Subscriber::poll(self) {
            Next::Mail { value, .. } => Taken::Mail(value),
            Next::Lapped { lost } => Taken::Lost(lost),
            Next::Empty => Taken::Empty,
        }
    }
}
