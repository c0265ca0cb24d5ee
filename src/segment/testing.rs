//! What unit tests of segments stand on.

#![forbid(unsafe_code)]

use crate::memory::liveness::NoProof;
use crate::memory::testing::{Room, Trust};
use crate::segment::join::Peer;
use crate::segment::peers::Identity;
use crate::segment::plan::Plan;
use crate::segment::superblock::Segment;
use crate::spsc::{Config, Spsc};

/// Where a ring's claims lie, from its own beginning.
pub(crate) const PRODUCER: usize = 384;
pub(crate) const CONSUMER: usize = 388;

pub(crate) type Ring<'m> = Spsc<'m, u32>;

/// Rings "a" and "b" of four slots, and room for two more.
pub(crate) fn plan(peers: u32) -> Plan<2> {
    Plan::new()
        .peers(peers)
        .and_then(|plan| plan.channel::<Ring>("a", &Config::new(4)))
        .and_then(|plan| plan.channel::<Ring>("b", &Config::new(4)))
        .unwrap()
        .spare(2, 1280)
        .id(0x0123_4567_89ab_cdef_0011_2233_4455_6677)
}

pub(crate) fn room(peers: u32) -> Room {
    Room::new(plan(peers).layout().unwrap().size())
}

pub(crate) fn segment(room: &Room, trust: Trust, peers: u32) -> Segment<'_> {
    Segment::init(room.region(trust), &plan(peers)).unwrap()
}

pub(crate) fn join<'m>(segment: &Segment<'m>) -> Peer<'m> {
    segment.join(&Identity::default(), &NoProof).unwrap()
}

/// Where the channel of this name begins.
pub(crate) fn place(segment: &Segment<'_>, name: &str) -> usize {
    let entry = segment.entries().find(|entry| entry.name == name).unwrap();
    entry.offset as usize
}
