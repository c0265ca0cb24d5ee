//! iceoryx2: publish and subscribe, a service for each lane with one publisher and one subscriber.

use std::sync::Once;
use std::{env, fs, path};

use iceoryx2::config::Config;
use iceoryx2::node::{Node, NodeBuilder};
use iceoryx2::port::publisher::Publisher;
use iceoryx2::port::subscriber::Subscriber;
use iceoryx2::prelude::{
    BackpressureStrategy, FileName, LogLevel, Path, SemanticString, ServiceName,
    SignalHandlingMode, ipc, set_log_level,
};
use iceoryx2::service::port_factory::publish_subscribe::PortFactory;
use iceoryx2::testing::remove_global_mgmt_segment;

use crate::ends::{Lane, ProcessPeer, Receiver, Sender};
use crate::message::Message;

pub(super) type Service = ipc::Service;

pub struct Iceoryx2 {
    pub(super) node: Node<Service>,
    pub(super) meeting: String,
    capacity: usize,
    /// The host's. Dropped after the node.
    _domain: Option<Domain>,
}

/// A meeting's files lie under a directory of their own, so that all of them can be removed.
fn root(meeting: &str) -> path::PathBuf {
    env::temp_dir().join(meeting)
}

/// The library's own settings, whatever the machine's files say, but for the directory and the names in shared memory.
fn config(meeting: &str) -> Config {
    let root = Path::new(root(meeting).as_os_str().as_encoded_bytes());
    let mut config = Config::default();
    config.global.set_root_path(&root.expect("a path"));
    config.global.prefix = FileName::new(format!("{meeting}_").as_bytes()).expect("a name");
    config
}

/// Removes what outlives the last node of a meeting.
struct Domain(String);

impl Drop for Domain {
    fn drop(&mut self) {
        // SAFETY: this meeting's name is used once: the host's node and the partner are gone.
        let _ = unsafe { remove_global_mgmt_segment::<Service>(&config(&self.0)) };
        let _ = fs::remove_dir_all(root(&self.0));
    }
}

/// Removes what a killed run left: a node clears away its dead neighbours as it starts.
fn sweep() {
    for file in fs::read_dir(env::temp_dir())
        .into_iter()
        .flatten()
        .flatten()
    {
        let name = file.file_name().to_string_lossy().into_owned();
        let pid = name
            .strip_prefix("ringpad-bench-")
            .and_then(|rest| rest.split_once('-'));
        if pid.is_some_and(|(pid, _)| !path::Path::new("/proc").join(pid).exists()) {
            Iceoryx2::new(&name, 0, Some(Domain(name.clone())));
        }
    }
}

impl Iceoryx2 {
    fn new(meeting: &str, capacity: usize, domain: Option<Domain>) -> Self {
        set_log_level(LogLevel::Fatal);
        let node = NodeBuilder::new()
            .config(&config(meeting))
            .signal_handling_mode(SignalHandlingMode::Disabled)
            .create();
        Self {
            node: node.expect("a node"),
            meeting: meeting.into(),
            capacity,
            _domain: domain,
        }
    }

    /// In the process that measures.
    pub(super) fn host(meeting: &str, capacity: usize) -> Self {
        static SWEPT: Once = Once::new();
        SWEPT.call_once(sweep);
        Self::new(meeting, capacity, Some(Domain(meeting.into())))
    }

    /// In the partner.
    pub(super) fn guest(meeting: &str, capacity: usize) -> Self {
        Self::new(meeting, capacity, None)
    }

    /// What a service of this meeting is called.
    pub(super) fn name_of(&self, lane: Lane) -> ServiceName {
        let name = format!("{}-{}", self.meeting, lane.name());
        name.as_str().try_into().expect("a service's name")
    }

    /// The lane's service, made by whoever comes first.
    fn service<M: Message>(&self, lane: Lane) -> PortFactory<Service, M, ()> {
        self.node
            .service_builder(&self.name_of(lane))
            .publish_subscribe::<M>()
            // A full buffer refuses: no message may be lost to a newer one.
            .enable_safe_overflow(false)
            .history_size(0)
            .subscriber_max_buffer_size(self.capacity)
            .subscriber_max_borrowed_samples(1)
            .max_publishers(1)
            .max_subscribers(1)
            .max_nodes(2)
            .open_or_create()
            .expect("the lane's service")
    }
}

impl ProcessPeer for Iceoryx2 {
    const NAME: &str = "iceoryx2";
    type Sender<M: Message> = Publisher<Service, M, ()>;
    type Receiver<M: Message> = Subscriber<Service, M, ()>;

    fn host<M: Message>(meeting: &str, capacity: usize) -> Self {
        Self::host(meeting, capacity)
    }

    fn guest<M: Message>(invitation: &str, capacity: usize) -> Self {
        Self::guest(invitation, capacity)
    }

    fn invitation(&self) -> String {
        self.meeting.clone()
    }

    fn sender<M: Message>(&mut self, lane: Lane) -> Self::Sender<M> {
        let service = self.service(lane);
        let publisher = service.publisher_builder().max_loaned_samples(1);
        // Discarding is how a send that finds no room returns at once; it says so, and the message is sent again.
        let publisher = publisher.backpressure_strategy(BackpressureStrategy::DiscardData);
        publisher.create().expect("the lane's publisher")
    }

    fn receiver<M: Message>(&mut self, lane: Lane) -> Self::Receiver<M> {
        let service = self.service(lane);
        let subscriber = service.subscriber_builder().buffer_size(self.capacity);
        subscriber.create().expect("the lane's subscriber")
    }
}

impl<M: Message> Sender<M> for Publisher<Service, M, ()> {
    #[inline(always)]
    fn send(&mut self, message: M) -> bool {
        let sample = self
            .loan_uninit()
            .expect("a sample to fill")
            .write_payload(message);
        // The number of subscribers that took it: none if its buffer is full or it is not there yet.
        sample.send().expect("a sound connection") == 1
    }
}

impl<M: Message> Receiver<M> for Subscriber<Service, M, ()> {
    #[inline(always)]
    fn recv(&mut self) -> Option<M> {
        let sample = self.receive().expect("a sound connection");
        sample.map(|sample| *sample.payload())
    }
}
