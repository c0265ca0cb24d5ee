//! Frames of the dead: what a pass gives back, what it leaves for successors, how it is counted.

use core::mem::forget;

use crate::frames::{Config, Frames, Receivers, Refused};
use crate::memory::testing::{Graves, Room, Trust};
use crate::segment::reaped::Reaped;
use crate::segment::testing as segments;
use crate::{Identity, Peer, PeerId, Plan, Segment, Silent};

/// Wire offset of a pool's seats.
const SEATS: usize = 384;

struct World {
    room: Room,
    graves: Graves,
}

impl World {
    fn new() -> Self {
        let room = Room::new(Self::plan().layout().unwrap().size());
        Segment::init(room.region(Trust::Cooperative), &Self::plan()).unwrap();
        let graves = Graves::default();
        Self { room, graves }
    }

    fn plan() -> Plan<1> {
        let plan = Plan::new().peers(4).unwrap();
        let config = Config::new(8, 64).receivers(2);
        plan.channel::<Frames>("pool", &config).unwrap()
    }

    fn segment(&self) -> Segment<'_> {
        Segment::attach(self.room.region(Trust::Cooperative)).unwrap()
    }

    fn join(&self) -> Peer<'_> {
        self.segment()
            .join(&Identity::default(), &self.graves)
            .unwrap()
    }

    /// Puts another peer's name, of its first life, on a seat.
    fn sit(&self, seat: usize, peer: PeerId) {
        let at = segments::place(&self.segment(), "pool") + SEATS + 4 * seat;
        self.room.set(at, 1 << 8 | peer.get());
    }
}

#[test]
fn a_pass_gives_back_every_frame_that_dead_users_had() {
    let world = World::new();
    let segment = world.segment();
    let pool: Frames = segment.open("pool").unwrap();
    let [me, living, dead] = [0; 3].map(|_| world.join());
    let (tx, other) = (pool.user(&me).unwrap(), pool.user(&living).unwrap());
    let users = [pool.user(&dead).unwrap(), pool.user(&dead).unwrap()];
    let shown = tx.loan().unwrap().publish(0).unwrap();
    let shared = tx.loan().unwrap().publish(0).unwrap();
    let _pins = [other.view(shared).unwrap(), tx.view(shared).unwrap()];
    let _kept = other.loan().unwrap();
    for user in users {
        let _ = user.view(shown).map(forget);
        let _ = user.view(shared).map(forget);
        forget(user.loan().unwrap());
        forget(user);
    }
    assert_eq!(tx.free(), 8 - 5);
    assert_eq!(me.reap(&Silent), Ok(Reaped::default()), "all live");
    world.graves.bury(dead.id());
    let want = Reaped {
        peers: 1,
        ends: 2,
        // Two loans, and the one that only the dead looked at.
        frames: 3,
        ..Reaped::default()
    };
    assert_eq!(me.reap(&Silent), Ok(want));
    assert_eq!((segment.reaped(), tx.free()), (want, 6));
    assert_eq!(me.reap(&Silent), Ok(Reaped::default()), "done is done");
    let two = segment.reaped();
    assert_eq!(two.since(&want), Reaped::default());
}

#[test]
fn a_dead_receiver_s_frames_wait_for_its_successor() {
    let world = World::new();
    let segment = world.segment();
    let pool: Frames = segment.open("pool").unwrap();
    let [me, dead] = [0; 2].map(|_| world.join());
    let tx = pool.user(&me).unwrap();
    let rx = pool.receiver(&dead, 1).unwrap();
    let publish = || {
        let loan = tx.loan().unwrap();
        loan.publish_for(0, Receivers::one(1)).unwrap()
    };
    let (taken, waiting) = (publish(), publish());
    forget(rx.take(taken).unwrap());
    forget(rx);
    world.graves.bury(dead.id());
    let reaped = me.reap(&Silent).unwrap();
    assert_eq!((reaped.ends, reaped.frames), (1, 0));
    assert_eq!((tx.free(), tx.holder(1)), (6, None));
    assert_eq!(me.reap(&Silent), Ok(Reaped::default()), "the seat is free");
    let rx = pool.receiver(&me, 1).unwrap();
    drop((rx.take(taken).unwrap(), rx.take(waiting).unwrap()));
    assert_eq!(tx.free(), 8);
}

/// A mender was killed when it had put its name on a dead one's seat: before it cleaned, in the middle, and behind.
#[test]
fn a_dead_mender_is_mended_in_turn() {
    for cleaned in 0..3 {
        let world = World::new();
        let segment = world.segment();
        let pool: Frames = segment.open("pool").unwrap();
        let [me, mender, dead] = [0; 3].map(|_| world.join());
        let user = pool.user(&dead).unwrap();
        forget([user.loan().unwrap(), user.loan().unwrap()]);
        forget(user);
        let (dead, mender) = (dead.id(), mender.id());
        world.sit(2, mender);
        let line = segments::place(&segment, "pool") + 512;
        for frame in 0..cleaned {
            world.room.set(line + 128 * frame, 0);
            world.room.set(line + 128 * frame + 4, 6);
        }
        world.graves.bury(dead);
        assert_eq!(me.reap(&Silent).unwrap().frames, 0, "the mender lives");
        world.graves.bury(mender);
        let reaped = me.reap(&Silent).unwrap();
        let left = 2 - cleaned as u32;
        assert_eq!((reaped.ends, reaped.frames), (1, left), "{cleaned} cleaned");
        let user = pool.user(&me).unwrap();
        assert_eq!(user.free(), 8);
    }
}

#[test]
fn the_last_of_the_dead_leave_every_frame_free() {
    let world = World::new();
    let segment = world.segment();
    let pool: Frames = segment.open("pool").unwrap();
    let [me, dead] = [0; 2].map(|_| world.join());
    let tx = pool.user(&dead).unwrap();
    let rx = pool.receiver(&me, 0).unwrap();
    let mut tickets = Vec::new();
    for _ in 0..4 {
        let loan = tx.loan().unwrap();
        tickets.push(loan.publish_for(0, Receivers::first(2)).unwrap());
    }
    forget(tx.loan().unwrap());
    forget(tx);
    world.graves.bury(dead.id());
    assert_eq!(me.reap(&Silent).unwrap().frames, 1, "the loan");
    // Two of them came; two were never sent. The second receiver never was.
    let before = rx.unclaimed();
    drop((rx.take(tickets[0]).unwrap(), rx.take(tickets[1]).unwrap()));
    assert_eq!((rx.release_unclaimed(&before), rx.free()), (2, 4));
    let user = pool.user(&me).unwrap();
    assert_eq!((user.forget(1), user.free()), (Ok(4), 8));
    assert_eq!(rx.take(tickets[3]).unwrap_err(), Refused::NotReserved);
}
