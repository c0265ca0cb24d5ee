//! ringpad's reliable mailslot over plain memory: its publisher waits for the slowest subscriber.

use ringpad::mailslot::Start;
use ringpad::mailslot::reliable::{self, Config, Delivery, Reliable};
use ringpad::{Channel, NoProof};

use crate::ends::mailslot::{Loss, MailslotPeer, Publisher, Subscriber, Taken};
use crate::message::Message;
use crate::peers::ringpad::Room;

pub struct Threads;

impl MailslotPeer for Threads {
    const NAME: &str = "ringpad reliable";
    const LOSS: Loss = Loss::Never;
    type Room<M: Message> = Room<Config>;
    type PublisherTicket<'r, M: Message> = reliable::Publisher<'r, M>;
    type SubscriberTicket<'r, M: Message> = reliable::Subscriber<'r, M>;
    type Publisher<'r, M: Message> = reliable::Publisher<'r, M>;
    type Subscriber<'r, M: Message> = reliable::Subscriber<'r, M>;

    fn room<M: Message>(capacity: usize, subscribers: usize) -> Room<Config> {
        // It has one cursor at least; one that nobody claims holds nobody up.
        let config = Config::new(capacity as u32, subscribers.max(1) as u32);
        let layout = Reliable::<M>::layout(&config).expect("a layout");
        Room::new(layout.size(), config)
    }

    fn tickets<M: Message>(
        room: &mut Room<Config>,
        subscribers: usize,
    ) -> (reliable::Publisher<'_, M>, Vec<reliable::Subscriber<'_, M>>) {
        let config = room.config;
        let slot = Reliable::<M>::init(room.region(), &config).expect("a mailslot");
        let all = (0..subscribers).map(|_| slot.bare_subscriber(Start::Oldest, &NoProof));
        let all = all
            .map(|subscriber| subscriber.expect("a cursor"))
            .collect();
        let publisher = slot.bare_publisher(&NoProof);
        (publisher.expect("the publisher's end"), all)
    }

    fn publisher<M: Message>(ticket: Self::PublisherTicket<'_, M>) -> Self::Publisher<'_, M> {
        ticket
    }

    fn subscriber<M: Message>(ticket: Self::SubscriberTicket<'_, M>) -> Self::Subscriber<'_, M> {
        ticket
    }
}

impl<M: Message> Publisher<M> for reliable::Publisher<'_, M> {
    #[inline(always)]
    fn publish(&mut self, message: &M) -> bool {
        self.try_publish(message).is_ok()
    }
}

impl<M: Message> Subscriber<M> for reliable::Subscriber<'_, M> {
    #[inline(always)]
    fn poll(&mut self) -> Taken<M> {
        match reliable::Subscriber::<'_, M>::poll(self) {
            Delivery::Mail { value, .. } => Taken::Mail(value),
            Delivery::Empty => Taken::Empty,
            Delivery::Evicted { behind } => Taken::Lost(behind),
        }
    }
}
