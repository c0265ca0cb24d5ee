//! bus: one sender, whose broadcast waits for the slowest receiver.

use bus::BusReader;

use crate::ends::mailslot::{Loss, MailslotPeer, Publisher, Subscriber, Taken};
use crate::message::Message;

pub struct Bus;

pub type Room<M> = Option<(bus::Bus<M>, Vec<BusReader<M>>)>;

impl MailslotPeer for Bus {
    const NAME: &str = "bus";
    const LOSS: Loss = Loss::Never;
    type Room<M: Message> = Room<M>;
    type PublisherTicket<'r, M: Message> = bus::Bus<M>;
    type SubscriberTicket<'r, M: Message> = BusReader<M>;
    type Publisher<'r, M: Message> = bus::Bus<M>;
    type Subscriber<'r, M: Message> = BusReader<M>;

    fn room<M: Message>(capacity: usize, subscribers: usize) -> Room<M> {
        let mut bus = bus::Bus::new(capacity);
        let readers = (0..subscribers).map(|_| bus.add_rx()).collect();
        Some((bus, readers))
    }

    fn tickets<M: Message>(room: &mut Room<M>, _: usize) -> (bus::Bus<M>, Vec<BusReader<M>>) {
        room.take().expect("opened once")
    }

    fn publisher<M: Message>(ticket: Self::PublisherTicket<'_, M>) -> Self::Publisher<'_, M> {
        ticket
    }

    fn subscriber<M: Message>(ticket: Self::SubscriberTicket<'_, M>) -> Self::Subscriber<'_, M> {
        ticket
    }
}

impl<M: Message> Publisher<M> for bus::Bus<M> {
    #[inline(always)]
    fn publish(&mut self, message: &M) -> bool {
        self.try_broadcast(*message).is_ok()
    }
}

impl<M: Message> Subscriber<M> for BusReader<M> {
    #[inline(always)]
    fn poll(&mut self) -> Taken<M> {
        self.try_recv().map_or(Taken::Empty, Taken::Mail)
    }
}
