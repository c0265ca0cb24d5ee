//! What a pass gives back, of whom, and how it is counted.

mod frames;

use core::mem::forget;
use core::sync::atomic::{AtomicU32, Ordering::Relaxed};

use crate::mailslot::{self, Start, reliable};
use crate::memory::layout::Spacing;
use crate::memory::testing::{Graves, Room, Trust};
use crate::mpmc::{Delivery, Mpmc};
use crate::segment::reaped::Reaped;
use crate::{
    Channel, Error, Identity, Peer, PeerId, Plan, Segment, Signal, Silent, bytes, mpmc, notepad,
    spsc,
};

type Numbers<'m> = Mpmc<'m, u32>;

fn plan() -> Plan<6> {
    spaced(Spacing::Lines)
}

/// With those that can be spaced so.
fn spaced(spacing: Spacing) -> Plan<6> {
    let config = mpmc::Config::new(4);
    let (mut ring, mut bytes) = (spsc::Config::new(4), bytes::Config::records(64));
    let (mut pad, mut mail) = (notepad::Config::new(), mailslot::Config::new(4));
    (ring.spacing, bytes.spacing) = (spacing, spacing);
    (pad.spacing, mail.spacing) = (spacing, spacing);
    Plan::new()
        .peers(4)
        .and_then(|plan| plan.channel::<spsc::Spsc<u32>>("spsc", &ring))
        .and_then(|plan| plan.channel::<bytes::Bytes>("bytes", &bytes))
        .and_then(|plan| plan.channel::<notepad::Notepad<u64>>("pad", &pad))
        .and_then(|plan| plan.channel::<mailslot::Mailslot<u64>>("mail", &mail))
        .and_then(|plan| {
            plan.channel::<reliable::Reliable<u64>>("rely", &reliable::Config::new(4, 2))
        })
        .and_then(|plan| plan.channel::<Numbers>("mpmc", &config))
        .unwrap()
}

struct World {
    room: Room,
    graves: Graves,
}

impl World {
    fn new() -> Self {
        Self::of(&plan())
    }

    fn of(plan: &Plan<6>) -> Self {
        let room = Room::new(plan.layout().unwrap().size());
        Segment::init(room.region(Trust::Cooperative), plan).unwrap();
        let graves = Graves::default();
        Self { room, graves }
    }

    fn segment(&self) -> Segment<'_> {
        Segment::attach(self.room.region(Trust::Cooperative)).unwrap()
    }

    fn join(&self) -> Peer<'_> {
        self.segment()
            .join(&Identity::default(), &self.graves)
            .unwrap()
    }
}

#[test]
fn a_pass_gives_back_everything_that_the_dead_held_and_counts_it() {
    gives_back(World::new());
}

/// From headers alone: they say where the words lie.
#[test]
fn a_pass_gives_back_what_lies_compactly() {
    gives_back(World::of(&spaced(Spacing::Compact)));
}

fn gives_back(world: World) {
    let segment = world.segment();
    let (me, dead) = (world.join(), world.join());
    let ring: spsc::Spsc<u32> = segment.open("spsc").unwrap();
    forget((ring.producer(&dead).unwrap(), ring.consumer(&dead).unwrap()));
    let ring: bytes::Bytes = segment.open("bytes").unwrap();
    forget(ring.consumer(&dead).unwrap());
    let pad: notepad::Notepad<u64> = segment.open("pad").unwrap();
    forget(pad.writer(&dead).unwrap());
    let mail: mailslot::Mailslot<u64> = segment.open("mail").unwrap();
    forget(mail.publisher(&dead).unwrap());
    let rely: reliable::Reliable<u64> = segment.open("rely").unwrap();
    forget(rely.subscriber(&dead, Start::Oldest).unwrap());
    let ring: Numbers = segment.open("mpmc").unwrap();
    let (mut tx, mut rx) = (ring.sender(&dead).unwrap(), ring.receiver(&dead).unwrap());
    tx.try_send(7).unwrap();
    forget(rx.try_take().unwrap());

    assert_eq!(me.reap(&Silent), Ok(Reaped::default()), "all live");
    let id = dead.id();
    world.graves.bury(id);
    let want = Reaped {
        peers: 1,
        ends: 6,
        messages: 1,
        ..Reaped::default()
    };
    assert_eq!(me.reap(&Silent), Ok(want));
    assert_eq!(segment.reaped(), want);
    assert_eq!(me.reap(&Silent), Ok(Reaped::default()), "done is done");
    assert_eq!(segment.reaped(), want);
    assert_eq!(segment.occupant(id), None);

    let mine: spsc::Spsc<u32> = segment.open("spsc").unwrap();
    assert!(mine.producer(&me).is_ok() && mine.consumer(&me).is_ok());
    let rely: reliable::Reliable<u64> = segment.open("rely").unwrap();
    assert!((0..2).all(|_| rely.subscriber(&me, Start::Newest).map(forget).is_ok()));
    let ring: Numbers = segment.open("mpmc").unwrap();
    let mut rx = ring.receiver(&me).unwrap();
    let taken = rx.try_take().unwrap();
    assert_eq!((taken.is_again(), taken.acknowledge()), (true, 7));
}

#[test]
fn slots_of_the_dead_are_free_again_under_either_policy() {
    for delivery in [Delivery::AtLeastOnce, Delivery::AtMostOnce] {
        let config = mpmc::Config::new(4).delivery(delivery);
        let plan = Plan::<1>::new()
            .peers(2)
            .and_then(|plan| plan.channel::<Numbers>("mpmc", &config))
            .unwrap();
        let room = Room::new(plan.layout().unwrap().size());
        let segment = Segment::init(room.region(Trust::Cooperative), &plan).unwrap();
        let graves = Graves::default();
        let join = || segment.join(&Identity::default(), &graves).unwrap();
        let (me, dead) = (join(), join());
        let ring: Numbers = segment.open("mpmc").unwrap();
        {
            let mut tx = ring.sender(&dead).unwrap();
            assert_eq!(tx.try_send_slice(&[1, 2, 3]), 3);
            let mut rx = ring.receiver(&dead).unwrap();
            forget(rx.try_take().unwrap());
        }
        graves.bury(dead.id());
        let reaped = me.reap(&Silent).unwrap();
        let again = u32::from(delivery == Delivery::AtLeastOnce);
        assert_eq!((reaped.slots, reaped.messages), (1 - again, again));
        let mut rx = ring.receiver(&me).unwrap();
        let got: Vec<u32> = core::iter::from_fn(|| rx.try_recv()).collect();
        let want: &[u32] = if again == 1 { &[1, 2, 3] } else { &[2, 3] };
        assert_eq!(got, want, "{delivery:?}");
        let mut tx = ring.sender(&me).unwrap();
        assert_eq!(tx.try_send_slice(&[1, 2, 3, 4]), 4, "every slot");
    }
}

/// Every order in which two reapers, and one that is stopped, may find the same row.
#[test]
fn a_dead_reaper_is_reaped_in_turn() {
    let world = World::new();
    let (me, first, dead) = (world.join(), world.join(), world.join());
    let (owner, generation) = (first.owner(), dead.generation());
    let id = dead.id();
    world.graves.bury(id);
    // The first reaper is stopped in the middle of its pass.
    let table = world.segment().table();
    let word = table.reaper(id).unwrap();
    crate::segment::claim::take(word, owner, &first.court()).unwrap();
    assert!(table.begin_reaping(id, generation));
    assert_eq!(me.reap(&Silent).unwrap().peers, 0, "it may go on yet");
    assert!(table.taken(id).is_some());
    world.graves.bury(first.id());
    assert_eq!(me.reap(&Silent).unwrap().peers, 2);
    assert_eq!(table.taken(id), None);
    assert!(!table.end_reaping(id, generation), "too late");
    let again = world.join();
    assert!(
        !table.begin_reaping(again.id(), generation),
        "of an earlier life"
    );
}

struct Rang(AtomicU32);

impl Signal for Rang {
    fn signal(&self, peer: PeerId) {
        self.0.fetch_or(peer.bit(), Relaxed);
    }
}

/// A reaper died between making a message an orphan and telling: receivers that looked before sleep.
#[test]
fn whoever_tells_of_orphans_wakes_receivers() {
    let world = World::new();
    let segment = world.segment();
    let (me, living) = (world.join(), world.join());
    let ring: Numbers = segment.open("mpmc").unwrap();
    ring.sender(&me).unwrap().try_send(7).unwrap();
    let (mut rx, mut other) = (ring.receiver(&living).unwrap(), ring.receiver(&me).unwrap());
    forget(other.try_take().unwrap());
    assert_eq!(rx.try_recv(), None);
    let bell = [rx.bell()];
    let mut sleeper = crate::Sleeper::of(&living).unwrap();
    let armed = sleeper.arm(&bell).unwrap();
    // Its slot's word: an orphan, nobody's.
    let slot = crate::segment::testing::place(&segment, "mpmc") + 4 * 128;
    world.room.set(slot + 4, 5);
    assert_eq!(rx.try_recv(), None, "nobody has told");
    let rang = Rang(AtomicU32::new(0));
    assert!(me.reap(&rang).unwrap().is_nothing());
    assert_eq!(rang.0.load(Relaxed), living.id().bit());
    assert_eq!(rx.try_recv(), Some(7));
    drop(armed);
}

#[test]
fn a_sleepers_bit_goes_with_it_and_no_living_one_s() {
    let world = World::new();
    let segment = world.segment();
    let (me, living, dead) = (world.join(), world.join(), world.join());
    let ring: spsc::Spsc<u32> = segment.open("spsc").unwrap();
    let tx = ring.producer(&dead).unwrap();
    let pad: notepad::Notepad<u64> = segment.open("pad").unwrap();
    let rx = ring.consumer(&living).unwrap();
    let (data, news) = ([rx.bell()], [pad.reader().bell(&dead).unwrap()]);
    let mut sleeper = crate::Sleeper::of(&living).unwrap();
    let armed = sleeper.arm(&data).unwrap();
    let mut other = crate::Sleeper::of(&dead).unwrap();
    let gone = other.arm(&news).unwrap();
    let waiters =
        crate::segment::testing::place(&segment, "pad") + notepad::names(Spacing::Lines).waiters[0];
    assert_eq!(world.room.word(waiters), dead.id().bit());
    forget((gone, tx));
    forget(other);
    world.graves.bury(dead.id());
    let rang = Rang(AtomicU32::new(0));
    assert_eq!(me.reap(&rang).unwrap().ends, 1);
    assert_eq!(world.room.word(waiters), 0);
    assert_eq!(
        rang.0.load(Relaxed),
        living.id().bit(),
        "its producer's end is free"
    );
    drop(armed);
}

#[test]
fn a_pass_over_garbage_changes_nothing_that_is_not_the_dead_s() {
    let world = World::new();
    let me = world.join();
    let segment = world.segment();
    let before: Vec<_> = segment.entries().collect();
    let mail = crate::segment::testing::place(&segment, "mail");
    world.room.set(mail + 8, 77);
    let claim = crate::segment::testing::place(&segment, "spsc") + spsc_claim();
    world.room.set(claim, u32::MAX - 1);
    assert_eq!(me.reap(&Silent), Ok(Reaped::default()));
    assert_eq!(world.room.word(claim), u32::MAX - 1);
    assert_eq!(segment.entries().collect::<Vec<_>>(), before);
    let slot = segment.open::<mailslot::Mailslot<u64>>("mail");
    assert!(matches!(slot.err(), Some(Error::NotReady { .. })));
    assert!(Numbers::KIND == crate::Kind::Mpmc);
}

fn spsc_claim() -> usize {
    crate::segment::testing::PRODUCER
}

#[test]
fn a_dead_one_s_lock_is_free_and_inherited() {
    use crate::lock::{Acquired, Config, Locked};
    let plan = Plan::<1>::new()
        .peers(2)
        .and_then(|plan| plan.channel::<Locked<u64>>("lock", &Config::new()))
        .unwrap();
    let room = Room::new(plan.layout().unwrap().size());
    let segment = Segment::init(room.region(Trust::Cooperative), &plan).unwrap();
    let graves = Graves::default();
    let join = || segment.join(&Identity::default(), &graves).unwrap();
    let (me, dead) = (join(), join());
    let lock: Locked<u64> = segment.open("lock").unwrap();
    let mut theirs = lock.key(&dead).unwrap();
    let mut guard = theirs.try_lock().unwrap().into_guard();
    guard.set(&7);
    forget(guard);
    assert_eq!(me.reap(&Silent), Ok(Reaped::default()), "it lives");
    graves.bury(dead.id());
    let reaped = me.reap(&Silent).unwrap();
    assert_eq!(
        (reaped.locks, reaped.peers, segment.reaped()),
        (1, 1, reaped)
    );
    let mut mine = lock.key(&me).unwrap();
    match mine.try_lock().unwrap() {
        Acquired::Inherited { from: None, guard } => assert_eq!(guard.get(), 7),
        other => panic!("{other:?}"),
    }
}
