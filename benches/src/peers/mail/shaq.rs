//! shaq's broadcast queue in a file of shared memory: its producer waits for the slowest consumer. One lane, for one producer.

use std::fs::File;

use rustix::fs::{Mode, OFlags, open};
use shaq::broadcast::{self, BroadcastConfig, Consumer, Producer, ProducerId};

use crate::ends::mailslot::{Loss, MailslotPeer, Publisher, Subscriber, Taken};
use crate::message::Message;

pub struct Broadcast;

impl MailslotPeer for Broadcast {
    const NAME: &str = "shaq broadcast";
    const LOSS: Loss = Loss::Never;
    type Room<M: Message> = broadcast::Broadcast<M>;
    type PublisherTicket<'r, M: Message> = Producer<M>;
    type SubscriberTicket<'r, M: Message> = Consumer<M>;
    type Publisher<'r, M: Message> = Producer<M>;
    type Subscriber<'r, M: Message> = Consumer<M>;

    fn room<M: Message>(capacity: usize, subscribers: usize) -> Self::Room<M> {
        let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
        let fd = open("/dev/shm", flags, Mode::RUSR | Mode::WUSR);
        let file = File::from(fd.expect("a file of shared memory"));
        let config = BroadcastConfig {
            capacity,
            producer_slots: 1,
            consumer_slots: subscribers.max(1),
        };
        // SAFETY: a new file, initialised here once; all ends are of this type and in this process.
        let queue = unsafe { broadcast::Broadcast::create(&file, config) };
        queue.expect("a broadcast queue")
    }

    fn tickets<M: Message>(
        room: &mut Self::Room<M>,
        subscribers: usize,
    ) -> (Producer<M>, Vec<Consumer<M>>) {
        // Consumers first: one begins with what is published after it came.
        let consumers = (0..subscribers).map(|_| room.consumer().expect("a consumer"));
        let consumers = consumers.collect();
        let producer = room.producer(ProducerId::new(1));
        (producer.expect("the producer"), consumers)
    }

    fn publisher<M: Message>(ticket: Self::PublisherTicket<'_, M>) -> Self::Publisher<'_, M> {
        ticket
    }

    fn subscriber<M: Message>(ticket: Self::SubscriberTicket<'_, M>) -> Self::Subscriber<'_, M> {
        ticket
    }
}

impl<M: Message> Publisher<M> for Producer<M> {
    #[inline(always)]
    fn publish(&mut self, message: &M) -> bool {
        self.try_write(*message).is_ok()
    }
}

impl<M: Message> Subscriber<M> for Consumer<M> {
    #[inline(always)]
    fn poll(&mut self) -> Taken<M> {
        self.try_read().map_or(Taken::Empty, Taken::Mail)
    }
}
