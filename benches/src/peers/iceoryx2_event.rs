//! iceoryx2: a publish-subscribe service for the payload, and an event service that wakes its subscriber.

use iceoryx2::node::{Node, NodeBuilder};
use iceoryx2::port::{
    listener::Listener, notifier::Notifier, publisher::Publisher, subscriber::Subscriber,
};
use iceoryx2::prelude::{LogLevel, ipc::Service, set_log_level};

use crate::ends::{BlockingEnd, BlockingPeer, Lane};
use crate::message::Message;

pub struct Iceoryx2Event;

/// Ports come before the node that they belong to.
pub struct End<M: Message> {
    publisher: Publisher<Service, M, ()>,
    notifier: Notifier<Service>,
    subscriber: Subscriber<Service, M, ()>,
    listener: Listener<Service>,
    _node: Node<Service>,
    meeting: String,
}

impl<M: Message> End<M> {
    fn meet(meeting: &str, to: Lane, from: Lane) -> Self {
        set_log_level(LogLevel::Fatal);
        let node = NodeBuilder::new().create::<Service>().expect("a node");
        let messages = |lane: Lane| {
            let name = format!("{meeting}/{}", lane.name());
            let service = node.service_builder(&name.as_str().try_into().expect("a name"));
            service.publish_subscribe::<M>().open_or_create().expect("a service")
        };
        let events = |lane: Lane| {
            let name = format!("{meeting}/{}", lane.name());
            let service = node.service_builder(&name.as_str().try_into().expect("a name"));
            service.event().open_or_create().expect("a service")
        };
        Self {
            publisher: messages(to).publisher_builder().create().expect("a publisher"),
            notifier: events(to).notifier_builder().create().expect("a notifier"),
            subscriber: messages(from).subscriber_builder().create().expect("a subscriber"),
            listener: events(from).listener_builder().create().expect("a listener"),
            _node: node,
            meeting: meeting.into(),
        }
    }
}

impl BlockingPeer for Iceoryx2Event {
    const NAME: &str = "iceoryx2";
    type End<M: Message> = End<M>;

    fn host<M: Message>(meeting: &str) -> End<M> {
        End::meet(meeting, Lane::There, Lane::Back)
    }

    fn guest<M: Message>(invitation: &str) -> End<M> {
        End::meet(invitation, Lane::Back, Lane::There)
    }
}

impl<M: Message> BlockingEnd<M> for End<M> {
    fn invitation(&self) -> String {
        self.meeting.clone()
    }

    fn send(&mut self, message: &M) {
        self.publisher.send_copy(*message).expect("sending");
        self.notifier.notify().expect("notifying");
    }

    fn recv(&mut self) -> M {
        loop {
            self.listener.blocking_wait(|_| {}).expect("waiting");
            if let Some(sample) = self.subscriber.receive().expect("receiving") {
                return *sample;
            }
        }
    }
}
