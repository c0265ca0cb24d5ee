//! iceoryx2: a publish-subscribe service for the payload, and an event service that wakes its subscriber.

use std::path::PathBuf;

use iceoryx2::config::Config;
use iceoryx2::node::{Node, NodeBuilder};
use iceoryx2::port::{
    listener::Listener, notifier::Notifier, publisher::Publisher, subscriber::Subscriber,
};
use iceoryx2::prelude::{LogLevel, ipc::Service, set_log_level};
use iceoryx2::testing::remove_global_mgmt_segment;

use crate::ends::{BlockingEnd, BlockingPeer, Lane};
use crate::message::Message;

pub struct Iceoryx2Event;

/// In the order of drops: ports, their node, what nodes leave.
pub struct End<M: Message> {
    publisher: Publisher<Service, M, ()>,
    notifier: Notifier<Service>,
    subscriber: Subscriber<Service, M, ()>,
    listener: Listener<Service>,
    _node: Node<Service>,
    domain: Domain,
}

/// What iceoryx2 calls by other names than those of other runs, and leaves when all its nodes have ended.
struct Domain {
    meeting: String,
    config: Config,
    root: PathBuf,
    host: bool,
}

impl Domain {
    fn of(meeting: &str, host: bool) -> Self {
        let root = std::env::temp_dir().join(meeting);
        let mut config = Config::default();
        let path = root.to_str().and_then(|root| root.try_into().ok());
        config.global.set_root_path(&path.expect("a short path"));
        config.global.prefix = format!("{meeting}_")
            .as_str()
            .try_into()
            .expect("a short name");
        Self {
            meeting: meeting.into(),
            config,
            root,
            host,
        }
    }
}

impl Drop for Domain {
    fn drop(&mut self) {
        if self.host {
            // SAFETY: the partner has ended and this process's node before this; nobody else knows the domain.
            let _ = unsafe { remove_global_mgmt_segment::<Service>(&self.config) };
            let _ = std::fs::remove_dir_all(&self.root);
        }
    }
}

impl<M: Message> End<M> {
    fn meet(domain: Domain, to: Lane, from: Lane) -> Self {
        set_log_level(LogLevel::Fatal);
        let node = NodeBuilder::new()
            .config(&domain.config)
            .create::<Service>()
            .expect("a node");
        let messages = |lane: Lane| {
            let service = node.service_builder(&lane.name().try_into().expect("a name"));
            service
                .publish_subscribe::<M>()
                .open_or_create()
                .expect("a service")
        };
        let events = |lane: Lane| {
            let service = node.service_builder(&lane.name().try_into().expect("a name"));
            service.event().open_or_create().expect("a service")
        };
        Self {
            publisher: messages(to)
                .publisher_builder()
                .create()
                .expect("a publisher"),
            notifier: events(to).notifier_builder().create().expect("a notifier"),
            subscriber: messages(from)
                .subscriber_builder()
                .create()
                .expect("a subscriber"),
            listener: events(from)
                .listener_builder()
                .create()
                .expect("a listener"),
            _node: node,
            domain,
        }
    }
}

impl BlockingPeer for Iceoryx2Event {
    const NAME: &str = "iceoryx2";
    type End<M: Message> = End<M>;

    fn host<M: Message>(meeting: &str) -> End<M> {
        End::meet(Domain::of(meeting, true), Lane::There, Lane::Back)
    }

    fn guest<M: Message>(invitation: &str) -> End<M> {
        End::meet(Domain::of(invitation, false), Lane::Back, Lane::There)
    }
}

impl<M: Message> BlockingEnd<M> for End<M> {
    fn invitation(&self) -> String {
        self.domain.meeting.clone()
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
