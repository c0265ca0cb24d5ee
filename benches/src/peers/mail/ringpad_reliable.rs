//! ringpad's reliable mailslot over a segment in plain memory: its publisher waits for the slowest subscriber.

use ringpad::mailslot::Start;
use ringpad::mailslot::reliable::{self, Config, Delivery, Reliable};

use crate::ends::mailslot::{Loss, MailslotPeer, Publisher, Subscriber, Taken};
use crate::message::Message;

impl<M: Message> Publisher<M> for reliable::Publisher<'_, M> {
    #[inline(always)]
    fn publish(&mut self, message: &M) -> bool {
        self.try_publish(message).is_ok()
    }
}

impl<M: Message> Subscriber<M> for reliable::Subscriber<'_, M> {
    #[inline(always)]
    fn poll(&mut self) -> Taken<M> {
        match reliable::Subscriber::poll(self) {
            Delivery::Mail { value, .. } => Taken::Mail(value),
            Delivery::Empty => Taken::Empty,
            Delivery::Evicted { lost } => panic!("evicted, {lost} lost"),
        }
    }
}
