//! disruptor: one producer, and event pollers for which it waits. It has one consumer at least; for one alone it keeps a simpler
//! account than for several.

use disruptor::{
    BusySpin, EventPoller, MultiConsumerBarrier, Producer, SingleConsumerBarrier, SingleProducer,
    SingleProducerBarrier, build_single_producer,
};

use crate::ends::mailslot::{Loss, MailslotPeer, Publisher, Subscriber, Taken};
use crate::message::Message;

pub struct Disruptor;

pub enum Sender<M> {
    ToOne(SingleProducer<M, SingleConsumerBarrier>),
    ToMany(SingleProducer<M, MultiConsumerBarrier>),
}

pub type Receiver<M> = EventPoller<M, SingleProducerBarrier>;

pub type Room<M> = Option<(Sender<M>, Vec<Receiver<M>>)>;

impl MailslotPeer for Disruptor {
    const NAME: &str = "disruptor";
    const LOSS: Loss = Loss::Never;
    const LEAST_SUBSCRIBERS: usize = 1;
    type Room<M: Message> = Room<M>;
    type PublisherTicket<'r, M: Message> = Sender<M>;
    type SubscriberTicket<'r, M: Message> = Receiver<M>;
    type Publisher<'r, M: Message> = Sender<M>;
    type Subscriber<'r, M: Message> = Receiver<M>;

    fn room<M: Message>(capacity: usize, subscribers: usize) -> Room<M> {
        let builder = build_single_producer(capacity, || M::numbered(0), BusySpin);
        let (first, builder) = builder.new_event_poller();
        if subscribers == 1 {
            return Some((Sender::ToOne(builder.build()), vec![first]));
        }
        let (second, mut builder) = builder.new_event_poller();
        let mut pollers = vec![first, second];
        for _ in 2..subscribers {
            let (another, with_it) = builder.new_event_poller();
            pollers.push(another);
            builder = with_it;
        }
        Some((Sender::ToMany(builder.build()), pollers))
    }

    fn tickets<M: Message>(room: &mut Room<M>, _: usize) -> (Sender<M>, Vec<Receiver<M>>) {
        room.take().expect("opened once")
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
        let fill = |place: &mut M| *place = *message;
        match self {
            Self::ToOne(producer) => producer.try_publish(fill).is_ok(),
            Self::ToMany(producer) => producer.try_publish(fill).is_ok(),
        }
    }
}

impl<M: Message> Subscriber<M> for Receiver<M> {
    /// One at a time, as all others: taking all that is there is its batch.
    #[inline(always)]
    fn poll(&mut self) -> Taken<M> {
        // Shut down: the producer ended, and all was taken.
        let Ok(mut events) = self.take(1) else {
            return Taken::Empty;
        };
        (&mut events)
            .next()
            .map_or(Taken::Empty, |message| Taken::Mail(*message))
    }
}
