//! Beginnings: whoever attaches finds nothing or everything, and a channel that is created later is one
//! channel in room of its own, also when its creator dies at any step.

mod common;

use common::world::{Room, World, if_free};
use common::{EITHER, Model, RACE, killed_at_each_step, saw};
use loom::thread;
use ringpad::spsc::{Config, Spsc};
use ringpad::{Channel, Error, NoProof, Peer, Plan, Segment, State};

const CONFIG: Config = Config::new(2);

type Ring = Spsc<'static, u32>;

/// What one attempt to attach or open answers: `None` while there is nothing.
fn found<T>(attempt: Result<T, Error>) -> Option<T> {
    let found = match attempt {
        Ok(found) => Some(found),
        Err(Error::NotReady { found }) if found != State::Ready => None,
        Err(Error::NoSuchName) => None,
        Err(other) => panic!("{other}"),
    };
    saw(if found.is_some() {
        "something"
    } else {
        "nothing"
    });
    found
}

/// READY/ATTACH: a header that says Ready comes with all its words and with the ring's.
#[test]
fn a_bare_ring_is_attached_to_while_it_is_made() {
    let model = Model::new("bare ring made and attached to", 2, || {
        let room = Room::new(Ring::layout(&CONFIG).unwrap().size());
        // Touched once, so that the checker knows the state word before it is shared.
        assert!(found(Ring::attach(room.region())).is_none());
        let region = room.region();
        let maker = thread::spawn(move || {
            let ring = Ring::init(region, &CONFIG.tagged(9)).unwrap();
            let mut tx = ring.bare_producer(&NoProof).unwrap();
            tx.push(7).unwrap();
            tx
        });
        if let Some(ring) = found(Ring::attach(room.region())) {
            assert_eq!((ring.capacity(), ring.type_tag()), (2, 9));
            let mut rx = ring.bare_consumer(&NoProof).unwrap();
            assert!(matches!(rx.pop(), None | Some(7)));
        }
        drop(maker.join().unwrap());
    });
    let model = model.sees(&["nothing", "something"]);
    model.holds();
    model.dies_without("ready", RACE);
    model.dies_without("attach", RACE);
}

/// The exchange of the header's state: of two that would make a ring of the same bytes one does.
#[test]
fn two_make_one_ring() {
    let model = Model::new("two make one ring", 2, || {
        let room = Room::new(Ring::layout(&CONFIG).unwrap().size());
        assert!(found(Ring::attach(room.region())).is_none());
        let region = room.region();
        let other = thread::spawn(move || Ring::init(region, &CONFIG.tagged(2)).map(drop));
        let mine = Ring::init(room.region(), &CONFIG.tagged(1)).map(drop);
        let tag = match (mine, other.join().unwrap()) {
            (Ok(()), Err(Error::AlreadyInitialized)) => 1,
            (Err(Error::AlreadyInitialized), Ok(())) => 2,
            both => panic!("{both:?}"),
        };
        assert_eq!(Ring::attach(room.region()).unwrap().type_tag(), tag);
    });
    model.holds();
}

/// The same pair as of a bare ring, of a segment: with its rows, its directory and its planned channels.
#[test]
fn a_segment_is_attached_to_while_it_is_made() {
    let model = Model::new("segment made and attached to", 2, || {
        let plan = || {
            Plan::<1>::new()
                .peers(2)
                .unwrap()
                .channel::<Ring>("ring", &CONFIG)
                .unwrap()
        };
        let room = Room::new(plan().layout().unwrap().size());
        assert!(found(Segment::attach(room.region())).is_none());
        let region = room.region();
        let maker = thread::spawn(move || Segment::init(region, &plan().id(5)).unwrap());
        if let Some(segment) = found(Segment::attach(room.region())) {
            assert_eq!((segment.id(), segment.peers()), (5, 2));
            let me = segment.join(&Default::default(), &NoProof).unwrap();
            let ring = segment.open::<Ring>("ring").unwrap();
            assert_eq!(ring.producer(&me).unwrap().push(1), Ok(()));
        }
        maker.join().unwrap();
    });
    let model = model.sees(&["nothing", "something"]);
    model.holds();
    model.dies_without("ready", RACE);
    model.dies_without("attach", RACE);
}

/// A world with room for two rings created later.
fn with_spare() -> World {
    let bytes = 2 * Ring::layout(&CONFIG).unwrap().size() as u64;
    World::new(&Plan::new().peers(3).unwrap().spare(2, bytes))
}

/// LISTED/LOOKUP: an entry that can be found comes with its name and with the channel behind it.
#[test]
fn a_channel_is_opened_while_it_is_created() {
    let model = Model::new("channel created and opened", 2, || {
        let world = with_spare();
        let (segment, a, b) = (world.segment, world.join(), world.join());
        let creator = thread::spawn(move || {
            let ring: Ring = segment.create(a, "late", &CONFIG).unwrap();
            ring.producer(a).unwrap().push(7).unwrap();
        });
        if let Some(ring) = found(segment.open::<Ring>("late")) {
            let mut rx = ring.consumer(b).unwrap();
            assert!(matches!(rx.pop(), None | Some(7)));
        }
        creator.join().unwrap();
    });
    let model = model.sees(&["nothing", "something"]);
    model.holds();
    model.dies_without("listed", RACE);
    model.dies_without("lookup", RACE);
}

/// Creates a ring, unless somebody else is creating.
fn create(segment: &Segment<'static>, me: &Peer<'static>, name: &str) -> bool {
    if_free(segment.create::<Ring>(me, name, &CONFIG)).is_some()
}

/// The channels that are said to exist do, and no others; each has room of its own and works.
fn check_directory(world: &World, me: &Peer<'static>, want: [(&str, bool); 2]) {
    let segment = world.segment;
    let entries: Vec<_> = segment.entries().collect();
    let exist = want.iter().filter(|(_, exists)| *exists);
    let listed = |name: &str| entries.iter().any(|entry| entry.name == name);
    assert_eq!(entries.len(), exist.clone().count());
    assert!(exist.clone().all(|(name, _)| listed(name)));
    let rings = || {
        exist
            .clone()
            .map(|(name, _)| segment.open::<Ring>(name).unwrap())
    };
    for (n, ring) in (0..).zip(rings()) {
        ring.producer(me).unwrap().push(n).unwrap();
    }
    for (n, ring) in (0..).zip(rings()) {
        assert_eq!(ring.consumer(me).unwrap().pop(), Some(n));
    }
}

/// UNCLAIM/CLAIM of the builder: whoever builds next sees what the last one listed, or it would build there too.
#[test]
fn two_create_at_once() {
    let model = Model::new("two create at once", 2, || {
        let world = with_spare();
        let (segment, a, b) = (world.segment, world.join(), world.join());
        let other = thread::spawn(move || create(&segment, b, "theirs"));
        let mine = create(&segment, a, "mine");
        let theirs = other.join().unwrap();
        assert!(mine || theirs);
        check_directory(&world, a, [("mine", mine), ("theirs", theirs)]);
    });
    let model = model.sees(EITHER);
    model.holds();
    // The second one builds where the first just made words: no race of tracked bytes, but a race.
    model.dies_without("unclaim", "Causality violation");
    model.dies_without("claim", "Causality violation");
}

/// Killed before LISTED the channel never was, and the next creator builds in its room; after it, it is there.
#[test]
fn a_creator_dies_beside_the_next() {
    killed_at_each_step(|victim| {
        let model = Model::new("creator killed beside the next", 2, move || {
            let world = with_spare();
            let (segment, a, b) = (world.segment, world.join(), world.join());
            let next = thread::spawn(move || create(&segment, b, "next"));
            victim.dies(|| {
                create(&segment, a, "first");
            });
            world.oracle().bury(a.id());
            let next = next.join().unwrap();
            let first = found(segment.open::<Ring>("first")).is_some();
            check_directory(&world, b, [("first", first), ("next", next)]);
        });
        model.sees(EITHER).preemptions(3)
    });
}

/// Nobody ever sees half of it, and what the next creator makes of the room is whole.
#[test]
fn a_creator_dies_beside_an_opener() {
    killed_at_each_step(|victim| {
        let model = Model::new("creator killed beside an opener", 2, move || {
            let world = with_spare();
            let (segment, a, b) = (world.segment, world.join(), world.join());
            let opener = thread::spawn(move || {
                let first = found(segment.open::<Ring>("first"));
                let next = found(segment.open::<Ring>("next"));
                [first, next].map(|ring| ring.map(|ring| ring.capacity()))
            });
            victim.dies(|| {
                create(&segment, a, "first");
            });
            world.oracle().bury(a.id());
            let first = found(segment.open::<Ring>("first")).is_some();
            assert!(create(&segment, b, "next"), "the dead hold nothing");
            let seen = opener.join().unwrap();
            assert!(seen.iter().flatten().all(|&slots| slots == 2));
            assert!(first || seen[0].is_none());
            check_directory(&world, b, [("first", first), ("next", true)]);
        });
        model.sees(&["nothing", "something"]).preemptions(3)
    });
}
