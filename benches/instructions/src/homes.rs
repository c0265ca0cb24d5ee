//! Where the rings lie whose operations are counted, and what their ends do after a commit.

use ringpad::os::{Options, OwnedPeer, OwnedRinger, OwnedSilence, SharedSegment};
use ringpad::spsc::{self, Spsc};
use ringpad::{AlignedBytes, Channel, Plan, Pod, Region, Silent, Wake, bytes};

/// Slots of a typed ring.
pub const SLOTS: u32 = 1024;
/// Bytes of a byte ring.
pub const BYTES: u32 = 1 << 16;

pub type Typed<T, W> = (spsc::Producer<'static, T, W>, spsc::Consumer<'static, T, W>);
pub type Byte<W> = (bytes::Producer<'static, W>, bytes::Consumer<'static, W>);

/// A kind of memory and of ends.
pub trait Home {
    type Wake: Wake;
    fn typed<T: Pod>() -> Typed<T, Self::Wake>;
    fn bytes(config: bytes::Config) -> Byte<Self::Wake>;
}

/// The core alone: plain memory of this process, ends that wake nobody.
pub struct Bare;

/// A shared segment whose ends ring; nobody sleeps.
pub struct Ringing;

/// A shared segment whose other parties may write anything; ends that wake nobody.
pub struct Distrusted;

/// Memory for one channel, until the process ends.
pub fn room() -> Region<'static> {
    let room = Box::leak(Box::new(AlignedBytes::<{ 1 << 17 }>::new()));
    Region::from_mut(room.as_mut()).expect("aligned memory")
}

impl Home for Bare {
    type Wake = Silent;

    fn typed<T: Pod>() -> Typed<T, Silent> {
        let ring = Spsc::<T>::init(room(), &spsc::Config::new(SLOTS)).expect("a ring");
        ring.split().expect("both ends")
    }

    fn bytes(config: bytes::Config) -> Byte<Silent> {
        let ring = bytes::Bytes::init(room(), &config).expect("a ring");
        ring.split().expect("both ends")
    }
}

/// A peer of a new segment with one channel.
pub fn join<C: Channel<'static>>(config: &C::Config, options: &Options) -> OwnedPeer {
    let plan = Plan::<1>::new()
        .channel::<C>("ring", config)
        .expect("a plan");
    let segment = SharedSegment::anonymous(&plan, options);
    segment
        .and_then(|segment| segment.join())
        .expect("a segment")
}

fn join_typed<T: Pod>(options: &Options) -> Typed<T, OwnedRinger> {
    let me = join::<Spsc<'static, T>>(&spsc::Config::new(SLOTS), options);
    (
        me.producer("ring").expect("the producer's end"),
        me.consumer("ring").expect("the consumer's end"),
    )
}

fn join_bytes(config: bytes::Config, options: &Options) -> Byte<OwnedRinger> {
    let me = join::<bytes::Bytes<'static>>(&config, options);
    (
        me.byte_producer("ring").expect("the producer's end"),
        me.byte_consumer("ring").expect("the consumer's end"),
    )
}

impl Home for Ringing {
    type Wake = OwnedRinger;

    fn typed<T: Pod>() -> Typed<T, OwnedRinger> {
        join_typed(&Options::new())
    }

    fn bytes(config: bytes::Config) -> Byte<OwnedRinger> {
        join_bytes(config, &Options::new())
    }
}

impl Home for Distrusted {
    type Wake = OwnedSilence;

    fn typed<T: Pod>() -> Typed<T, OwnedSilence> {
        let (tx, rx) = join_typed(&Options::new().distrusted(true));
        (tx.silent(), rx.silent())
    }

    fn bytes(config: bytes::Config) -> Byte<OwnedSilence> {
        let (tx, rx) = join_bytes(config, &Options::new().distrusted(true));
        (tx.silent(), rx.silent())
    }
}
