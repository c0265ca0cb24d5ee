//! A pool of frames, one rule a test; each under both trusts where they could differ.

#![forbid(unsafe_code)]

mod recalled;

use core::mem::forget;

use super::{Config, Frames, Receivers, Refused, Ticket, User};
use crate::memory::liveness::NoProof;
use crate::memory::testing::{EACH_TRUST, Graves, Room, Trust};
use crate::segment::testing as segments;
use crate::{Channel, Error, Identity, Peer, Plan, Segment};

/// Wire offsets, from the pool's beginning.
const WAITERS: usize = 132;
const NEXT: usize = 256;
const SEATS: usize = 384;
const LINES: usize = 512;

/// Runs `test` with a bare pool under each trust.
fn with_bare(config: &Config, test: impl Fn(&Room, &Frames<'_>)) {
    for trust in EACH_TRUST {
        let room = Room::of::<Frames>(config);
        let pool = Frames::init(room.region(trust), config).unwrap();
        test(&room, &pool);
    }
}

/// A segment with a pool, and an oracle that knows who was buried.
struct World {
    room: Room,
    graves: Graves,
    config: Config,
}

impl World {
    fn new(config: Config) -> Self {
        let plan = Self::plan(&config);
        let room = Room::new(plan.layout().unwrap().size());
        let graves = Graves::default();
        Self {
            room,
            graves,
            config,
        }
    }

    fn plan(config: &Config) -> Plan<1> {
        let plan = Plan::new().peers(32).unwrap();
        plan.channel::<Frames>("pool", config).unwrap()
    }

    fn segment(&self, trust: Trust) -> Segment<'_> {
        Segment::init(self.room.region(trust), &Self::plan(&self.config)).unwrap()
    }

    fn join<'w>(&'w self, segment: &Segment<'w>) -> Peer<'w> {
        segment.join(&Identity::default(), &self.graves).unwrap()
    }

    /// A word of a frame's line.
    fn line(&self, segment: &Segment<'_>, frame: usize, at: usize) -> u32 {
        let begin = segments::place(segment, "pool");
        self.room.word(begin + LINES + frame * 128 + at)
    }
}

/// Runs `test` in a segment under each trust.
fn with_each(config: Config, test: impl Fn(&World, &Segment<'_>, &Frames<'_>)) {
    for trust in EACH_TRUST {
        let world = World::new(config);
        let segment = world.segment(trust);
        let pool: Frames = segment.open("pool").unwrap();
        test(&world, &segment, &pool);
    }
}

/// Publishes these bytes for these receivers.
fn publish_for(user: &User<'_>, bytes: &[u8], whom: Receivers) -> Ticket {
    let mut loan = user.loan().unwrap();
    loan.write_at(0, bytes).unwrap();
    loan.publish_for(bytes.len() as u32, whom).unwrap()
}

fn publish(user: &User<'_>, bytes: &[u8]) -> Ticket {
    publish_for(user, bytes, Receivers::NONE)
}
