//! iceoryx2 between threads: a full buffer's oldest message gives way to the newest. The subscriber is not told; numbers are missing.

use std::marker::PhantomData;
use std::sync::atomic::{AtomicU64, Ordering};

use iceoryx2::node::{Node, NodeBuilder};
use iceoryx2::port::publisher;
use iceoryx2::port::subscriber;
use iceoryx2::prelude::{LogLevel, SignalHandlingMode, local, set_log_level};
use iceoryx2::service::port_factory::publish_subscribe::PortFactory;

use crate::ends::mailslot::{Loss, MailslotPeer, Publisher, Subscriber, Taken};
use crate::message::Message;

type Service = local::Service;

pub struct Overflow;

/// What every end must know of the service: ends do not move between threads, each opens its own.
#[derive(Clone)]
pub struct Ticket<M> {
    name: String,
    capacity: usize,
    subscribers: usize,
    of: PhantomData<M>,
}

impl<M: Message> Ticket<M> {
    fn open(&self) -> (Node<Service>, PortFactory<Service, M, ()>) {
        set_log_level(LogLevel::Fatal);
        let node = NodeBuilder::new().signal_handling_mode(SignalHandlingMode::Disabled);
        let node = node.create::<Service>().expect("a node");
        let service = node
            .service_builder(&self.name.as_str().try_into().expect("a service's name"))
            .publish_subscribe::<M>()
            .enable_safe_overflow(true)
            .history_size(0)
            .subscriber_max_buffer_size(self.capacity)
            .subscriber_max_borrowed_samples(1)
            .max_publishers(1)
            .max_subscribers(self.subscribers.max(1))
            .max_nodes(2 + self.subscribers)
            .open_or_create();
        (node, service.expect("the mailslot's service"))
    }
}

/// An end and the node it belongs to, which goes last.
pub struct End<P> {
    port: P,
    _node: Node<Service>,
}

impl MailslotPeer for Overflow {
    const NAME: &str = "iceoryx2 overflowing";
    const LOSS: Loss = Loss::Silent;
    type Room<M: Message> = Ticket<M>;
    type PublisherTicket<'r, M: Message> = Ticket<M>;
    type SubscriberTicket<'r, M: Message> = Ticket<M>;
    type Publisher<'r, M: Message> = End<publisher::Publisher<Service, M, ()>>;
    type Subscriber<'r, M: Message> = End<subscriber::Subscriber<Service, M, ()>>;

    fn room<M: Message>(capacity: usize, subscribers: usize) -> Ticket<M> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let next = NEXT.fetch_add(1, Ordering::Relaxed);
        Ticket {
            name: format!("ringpad-bench-{}-{next}", std::process::id()),
            capacity,
            subscribers,
            of: PhantomData,
        }
    }

    fn tickets<M: Message>(
        room: &mut Ticket<M>,
        subscribers: usize,
    ) -> (Ticket<M>, Vec<Ticket<M>>) {
        (room.clone(), vec![room.clone(); subscribers])
    }

    fn publisher<M: Message>(ticket: Self::PublisherTicket<'_, M>) -> Self::Publisher<'_, M> {
        let (node, service) = ticket.open();
        let port = service.publisher_builder().max_loaned_samples(1).create();
        End {
            port: port.expect("the publisher"),
            _node: node,
        }
    }

    fn subscriber<M: Message>(ticket: Self::SubscriberTicket<'_, M>) -> Self::Subscriber<'_, M> {
        let (node, service) = ticket.open();
        let port = service.subscriber_builder().buffer_size(ticket.capacity);
        End {
            port: port.create().expect("a subscriber"),
            _node: node,
        }
    }
}

impl<M: Message> Publisher<M> for End<publisher::Publisher<Service, M, ()>> {
    #[inline(always)]
    fn publish(&mut self, message: &M) -> bool {
        let sample = self.port.loan_uninit().expect("a sample to fill");
        let sample = sample.write_payload(*message);
        sample.send().expect("a sound connection");
        true
    }
}

impl<M: Message> Subscriber<M> for End<subscriber::Subscriber<Service, M, ()>> {
    #[inline(always)]
    fn poll(&mut self) -> Taken<M> {
        let sample = self.port.receive().expect("a sound connection");
        sample.map_or(Taken::Empty, |sample| Taken::Mail(*sample.payload()))
    }
}
