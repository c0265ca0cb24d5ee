//! ringpad: between threads over plain memory, between processes over a named segment.

use ringpad::os::{Options, OwnedPeer, OwnedRinger, OwnedSilence, SharedSegment};
use ringpad::spsc::{self, Spsc};
use ringpad::{AlignedBytes, Channel, Plan, Region, Wake, bytes};

use crate::ends::{
    BatchReceiver, BatchSender, Lane, ProcessBytes, ProcessPeer, Receiver, RecordReceiver,
    RecordSender, Sender, ThreadBytes, ThreadPeer,
};
use crate::message::Message;

/// Line-aligned memory for one channel.
pub struct Room<C> {
    lines: Vec<AlignedBytes<128>>,
    pub(super) config: C,
}

impl<C> Room<C> {
    pub(super) fn new(bytes: usize, config: C) -> Self {
        let lines = (0..bytes.div_ceil(128))
            .map(|_| AlignedBytes::new())
            .collect();
        Self { lines, config }
    }

    pub(super) fn region(&mut self) -> Region<'_> {
        let bytes = self.lines.len() * 128;
        let at = self.lines.as_mut_ptr().cast::<u8>();
        // SAFETY: the lines lie side by side, each 128 initialised bytes, and stay borrowed.
        let bytes = unsafe { std::slice::from_raw_parts_mut(at, bytes) };
        Region::from_mut(bytes).expect("aligned memory")
    }
}

/// Bare rings between threads.
pub struct Threads;

impl ThreadPeer for Threads {
    const NAME: &str = "ringpad";
    type Room<M: Message> = Room<spsc::Config>;
    type Sender<'r, M: Message> = spsc::Producer<'r, M>;
    type Receiver<'r, M: Message> = spsc::Consumer<'r, M>;

    fn room<M: Message>(capacity: usize) -> Self::Room<M> {
        let config = spsc::Config::new(capacity as u32);
        Room::new(Spsc::<M>::layout(&config).expect("a layout").size(), config)
    }

    fn split<M: Message>(room: &mut Self::Room<M>) -> (Self::Sender<'_, M>, Self::Receiver<'_, M>) {
        let config = room.config;
        let ring = Spsc::<M>::init(room.region(), &config).expect("a ring");
        ring.split().expect("both ends")
    }
}

impl ThreadBytes for Threads {
    const NAME: &str = "ringpad";
    type Room = Room<bytes::Config>;
    type Sender<'r> = bytes::Producer<'r>;
    type Receiver<'r> = bytes::Consumer<'r>;

    fn room(count: usize, bytes: usize) -> Self::Room {
        let config = record_config(count, bytes);
        Room::new(
            bytes::Bytes::layout(&config).expect("a layout").size(),
            config,
        )
    }

    fn split(room: &mut Self::Room) -> (Self::Sender<'_>, Self::Receiver<'_>) {
        let config = room.config;
        let ring = bytes::Bytes::init(room.region(), &config).expect("a ring");
        ring.split().expect("both ends")
    }
}

/// The power of two next to `count` records with their headers of 8 bytes.
pub fn record_bytes(count: usize, bytes: usize) -> usize {
    (count * (bytes + 8)).next_power_of_two()
}

fn record_config(count: usize, bytes: usize) -> bytes::Config {
    bytes::Config::records(record_bytes(count, bytes) as u32)
}

impl<M: Message, W: Wake> Sender<M> for spsc::Producer<'_, M, W> {
    #[inline(always)]
    fn send(&mut self, message: M) -> bool {
        self.push(message).is_ok()
    }
}

impl<M: Message, W: Wake> Receiver<M> for spsc::Consumer<'_, M, W> {
    #[inline(always)]
    fn recv(&mut self) -> Option<M> {
        self.pop()
    }
}

impl<M: Message, W: Wake> BatchSender<M> for spsc::Producer<'_, M, W> {
    #[inline(always)]
    fn send_batch(&mut self, messages: &[M]) -> usize {
        self.push_slice(messages)
    }
}

impl<M: Message, W: Wake> BatchReceiver<M> for spsc::Consumer<'_, M, W> {
    #[inline(always)]
    fn recv_batch(&mut self, into: &mut [M]) -> usize {
        self.pop_slice(into)
    }
}

impl<W: Wake> RecordSender for bytes::Producer<'_, W> {
    #[inline(always)]
    fn send(&mut self, record: &[u8]) -> bool {
        bytes::Producer::send(self, record).is_ok()
    }
}

impl<W: Wake> RecordReceiver for bytes::Consumer<'_, W> {
    #[inline(always)]
    fn recv(&mut self, into: &mut [u8]) -> Option<usize> {
        let record = bytes::Consumer::recv(self, into).expect("a sound ring");
        record.map(|record| record.len())
    }
}

/// A joined peer of a named segment, and the name.
pub struct Joined {
    pub(super) name: String,
    pub(super) peer: OwnedPeer,
}

impl Joined {
    pub(super) fn create<C: Channel<'static>>(name: &str, config: &C::Config) -> Self {
        let plan = Lane::BOTH.iter().try_fold(Plan::<2>::new(), |plan, lane| {
            plan.channel::<C>(lane.name(), config)
        });
        let segment = SharedSegment::open_or_create(name, &plan.expect("a plan"), &Options::new());
        Self {
            name: name.into(),
            peer: segment.and_then(|s| s.join()).expect("a segment"),
        }
    }

    pub(super) fn open(name: &str) -> Self {
        let segment = SharedSegment::open(name, &Options::new());
        Self {
            name: name.into(),
            peer: segment.and_then(|s| s.join()).expect("the segment"),
        }
    }
}

/// Named segments between processes that poll: endpoints that look for no sleeper.
pub struct Silent(Joined);

impl ProcessPeer for Silent {
    const NAME: &str = "ringpad silent";
    type Sender<M: Message> = spsc::Producer<'static, M, OwnedSilence>;
    type Receiver<M: Message> = spsc::Consumer<'static, M, OwnedSilence>;

    fn host<M: Message>(meeting: &str, capacity: usize) -> Self {
        Self(Joined::create::<Spsc<'static, M>>(
            meeting,
            &spsc::Config::new(capacity as u32),
        ))
    }

    fn guest<M: Message>(invitation: &str, _: usize) -> Self {
        Self(Joined::open(invitation))
    }

    fn invitation(&self) -> String {
        self.0.name.clone()
    }

    fn sender<M: Message>(&mut self, lane: Lane) -> Self::Sender<M> {
        self.0
            .peer
            .producer(lane.name())
            .expect("the producer's end")
            .silent()
    }

    fn receiver<M: Message>(&mut self, lane: Lane) -> Self::Receiver<M> {
        self.0
            .peer
            .consumer(lane.name())
            .expect("the consumer's end")
            .silent()
    }
}

/// As [`Silent`], with endpoints that look for sleepers after each commit.
pub struct Ringing(Joined);

impl ProcessPeer for Ringing {
    const NAME: &str = "ringpad";
    type Sender<M: Message> = spsc::Producer<'static, M, OwnedRinger>;
    type Receiver<M: Message> = spsc::Consumer<'static, M, OwnedRinger>;

    fn host<M: Message>(meeting: &str, capacity: usize) -> Self {
        Self(<Silent as ProcessPeer>::host::<M>(meeting, capacity).0)
    }

    fn guest<M: Message>(invitation: &str, _: usize) -> Self {
        Self(Joined::open(invitation))
    }

    fn invitation(&self) -> String {
        self.0.name.clone()
    }

    fn sender<M: Message>(&mut self, lane: Lane) -> Self::Sender<M> {
        self.0
            .peer
            .producer(lane.name())
            .expect("the producer's end")
    }

    fn receiver<M: Message>(&mut self, lane: Lane) -> Self::Receiver<M> {
        self.0
            .peer
            .consumer(lane.name())
            .expect("the consumer's end")
    }
}

impl ProcessBytes for Silent {
    const NAME: &str = "ringpad silent";
    type Sender = bytes::Producer<'static, OwnedSilence>;
    type Receiver = bytes::Consumer<'static, OwnedSilence>;

    fn host(meeting: &str, count: usize, bytes: usize) -> Self {
        Self(Joined::create::<bytes::Bytes<'static>>(
            meeting,
            &record_config(count, bytes),
        ))
    }

    fn guest(invitation: &str, _: usize, _: usize) -> Self {
        Self(Joined::open(invitation))
    }

    fn invitation(&self) -> String {
        self.0.name.clone()
    }

    fn sender(&mut self, lane: Lane) -> Self::Sender {
        self.0
            .peer
            .byte_producer(lane.name())
            .expect("the producer's end")
            .silent()
    }

    fn receiver(&mut self, lane: Lane) -> Self::Receiver {
        self.0
            .peer
            .byte_consumer(lane.name())
            .expect("the consumer's end")
            .silent()
    }
}

impl ProcessBytes for Ringing {
    const NAME: &str = "ringpad";
    type Sender = bytes::Producer<'static, OwnedRinger>;
    type Receiver = bytes::Consumer<'static, OwnedRinger>;

    fn host(meeting: &str, count: usize, bytes: usize) -> Self {
        Self(<Silent as ProcessBytes>::host(meeting, count, bytes).0)
    }

    fn guest(invitation: &str, _: usize, _: usize) -> Self {
        Self(Joined::open(invitation))
    }

    fn invitation(&self) -> String {
        self.0.name.clone()
    }

    fn sender(&mut self, lane: Lane) -> Self::Sender {
        self.0
            .peer
            .byte_producer(lane.name())
            .expect("the producer's end")
    }

    fn receiver(&mut self, lane: Lane) -> Self::Receiver {
        self.0
            .peer
            .byte_consumer(lane.name())
            .expect("the consumer's end")
    }
}
