//! ringpad's byte rings: a frame is a record that is lent before it is sent and before it is released; numbers go through a ring of
//! their own.

use ringpad::bytes::{self, Bytes};
use ringpad::os::{Options, OwnedPeer, OwnedRinger, SharedSegment};
use ringpad::spsc::{self, Spsc};
use ringpad::{Plan, Result};

use crate::ends::Lane;
use crate::ends::frames::{FRAMES, FrameGiver, FramePeer, FrameTaker};

pub struct Grants;

pub struct Giver {
    frames: bytes::Producer<'static, OwnedRinger>,
    numbers: spsc::Consumer<'static, u64, OwnedRinger>,
    bytes: usize,
    name: String,
    _peer: OwnedPeer,
}

pub struct Taker {
    frames: bytes::Consumer<'static, OwnedRinger>,
    numbers: spsc::Producer<'static, u64, OwnedRinger>,
    _peer: OwnedPeer,
}

fn plan(bytes: usize) -> Result<Plan<2>> {
    let records = bytes::Config::for_records(FRAMES as u32, bytes as u32)?;
    let numbers = spsc::Config::new(FRAMES as u32);
    Plan::new()
        .channel::<Bytes<'static>>(Lane::There.name(), &records)?
        .channel::<Spsc<'static, u64>>(Lane::Back.name(), &numbers)
}

impl FramePeer for Grants {
    const NAME: &str = "ringpad bytes";
    type Giver = Giver;
    type Taker = Taker;

    fn giver(meeting: &str, bytes: usize) -> Giver {
        let plan = plan(bytes).expect("a plan");
        let segment = SharedSegment::open_or_create(meeting, &plan, &Options::new());
        let peer = segment.and_then(|s| s.join()).expect("a segment");
        let frames = peer.byte_producer(Lane::There.name());
        let numbers = peer.consumer(Lane::Back.name());
        Giver {
            frames: frames.expect("the producer's end"),
            numbers: numbers.expect("the consumer's end"),
            bytes,
            name: meeting.into(),
            _peer: peer,
        }
    }

    fn taker(invitation: &str, _: usize) -> Taker {
        let segment = SharedSegment::open(invitation, &Options::new());
        let peer = segment.and_then(|s| s.join()).expect("the segment");
        let frames = peer.byte_consumer(Lane::There.name());
        let numbers = peer.producer(Lane::Back.name());
        Taker {
            frames: frames.expect("the consumer's end"),
            numbers: numbers.expect("the producer's end"),
            _peer: peer,
        }
    }
}

impl FrameGiver for Giver {
    fn invitation(&self) -> String {
        self.name.clone()
    }

    #[inline(always)]
    fn give(&mut self, fill: impl FnOnce(&mut [u8])) -> bool {
        let Ok(mut grant) = self.frames.grant(self.bytes) else {
            return false;
        };
        fill(&mut grant);
        grant.commit(self.bytes).is_ok()
    }

    #[inline(always)]
    fn reply(&mut self) -> Option<u64> {
        self.numbers.pop()
    }
}

impl FrameTaker for Taker {
    #[inline(always)]
    fn take<T>(&mut self, look: impl FnOnce(&[u8]) -> T) -> Option<T> {
        let grant = self.frames.read().expect("a sound ring")?;
        let seen = look(&grant);
        grant.release();
        Some(seen)
    }

    #[inline(always)]
    fn answer(&mut self, number: u64) -> bool {
        self.numbers.push(number).is_ok()
    }
}
