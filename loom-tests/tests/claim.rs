//! Claims: at any time one peer has an end, and whoever gets it next begins where the last one was, however
//! that one lost it: by giving it back, by dying, or by leaving while it was still claimed.

mod common;

use common::world::{World, if_free};
use common::{EITHER, Model, RACE, killed_at_each_step};
use loom::thread;
use ringpad::spsc::{Producer, Spsc};
use ringpad::{Error, Peer, PeerId};

type Claimed = Result<Producer<'static, u32>, Error>;

/// Of two that tried, one must have the end, and the other must have been told so. Returns who has it.
fn one_of(a: (PeerId, &Claimed), b: (PeerId, &Claimed)) -> PeerId {
    match (a, b) {
        ((a, Ok(_)), (_, Err(Error::EndpointTaken { by }))) if *by == a => a,
        ((_, Err(Error::EndpointTaken { by })), (b, Ok(_))) if *by == b => b,
        both => panic!("{both:?}"),
    }
}

/// Takes the end if it is free and pushes one item.
fn push_if_free<'p>(
    ring: &Spsc<'static, u32>,
    me: &'p Peer<'static>,
    item: u32,
) -> Option<Producer<'p, u32>> {
    let mut tx = if_free(ring.producer(me))?;
    tx.push(item).unwrap();
    Some(tx)
}

/// What is in the ring when of three writers in this order only those pushed that say so.
fn items(pushed: [bool; 3]) -> Vec<u32> {
    (1..)
        .zip(pushed)
        .filter(|(_, did)| *did)
        .map(|(item, _)| item)
        .collect()
}

/// Everything in the ring.
fn contents(world: &World, me: &Peer<'static>) -> Vec<u32> {
    let mut rx = world.ring().consumer(me).unwrap();
    std::iter::from_fn(|| rx.pop()).collect()
}

/// The exchange of the claim word: of two that want an end, one gets it, and the other learns who.
#[test]
fn one_of_two_gets_the_end() {
    let model = Model::new("two claim an end", 2, || {
        let world = World::with_ring(2, 2);
        let (a, b) = (world.join(), world.join());
        let (ring, again) = (world.ring(), world.ring());
        let other = thread::spawn(move || again.producer(b));
        let mine = ring.producer(a);
        one_of((a.id(), &mine), (b.id(), &other.join().unwrap()));
    });
    model.holds();
}

/// UNCLAIM/CLAIM hand over the positions: with a stale tail the second owner overwrites what the first committed.
#[test]
fn an_end_is_handed_over() {
    let model = Model::new("given back and claimed again", 2, || {
        let world = World::with_ring(3, 4);
        let (a, b) = (world.join(), world.join());
        let (ring, again) = (world.ring(), world.ring());
        let mut tx = ring.producer(a).unwrap();
        let other = thread::spawn(move || push_if_free(&again, b, 2).is_some());
        tx.push(1).unwrap();
        drop(tx);
        let theirs = other.join().unwrap();
        let again = push_if_free(&ring, a, 3).is_some();
        assert_eq!(contents(&world, world.join()), items([true, theirs, again]));
    });
    let model = model.sees(EITHER);
    model.holds();
    model.dies_without("unclaim", RACE);
    model.dies_without("claim", RACE);
}

/// The exchange again, from a dead owner: of two that prove it dead one gets the end.
#[test]
fn one_of_two_takers_gets_the_end_of_the_dead() {
    let model = Model::new("two take over from the dead", 2, || {
        let world = World::with_ring(3, 2);
        let (dead, a, b) = (world.join(), world.join(), world.join());
        let (ring, again) = (world.ring(), world.ring());
        std::mem::forget(push_if_free(&ring, dead, 1));
        world.oracle().bury(dead.id());
        let other = thread::spawn(move || again.producer(b));
        let mine = ring.producer(a);
        let theirs = other.join().unwrap();
        one_of((a.id(), &mine), (b.id(), &theirs));
        assert_eq!(mine.or(theirs).unwrap().position(), 1);
    });
    model.holds();
}

/// The oracle's Dead is an acquire, by contract: one that is none hands stale positions over.
#[test]
fn proof_of_death_hands_the_positions_over() {
    let model = |careless: bool| {
        Model::new("taken over from a dead thread", 2, move || {
            let world = World::with_ring(3, 2);
            let world = if careless { world.careless() } else { world };
            let (dead, a) = (world.join(), world.join());
            let (ring, again, oracle) = (world.ring(), world.ring(), world.oracle());
            let mut tx = ring.producer(dead).unwrap();
            let last = thread::spawn(move || {
                tx.push(1).unwrap();
                std::mem::forget(tx);
                oracle.bury(dead.id());
            });
            let mine = push_if_free(&again, a, 2).is_some();
            last.join().unwrap();
            assert_eq!(contents(&world, world.join()), items([true, mine, false]));
        })
        .sees(EITHER)
    };
    model(false).holds();
    model(true).dies(RACE);
}

/// A taker may die at any step of taking over and going on: the next one takes over from whichever is dead.
#[test]
fn a_taker_dies() {
    killed_at_each_step(|victim| {
        Model::new("taker killed", 2, move || {
            let world = World::with_ring(4, 4);
            let (dead, a, b) = (world.join(), world.join(), world.join());
            let (ring, again) = (world.ring(), world.ring());
            std::mem::forget(push_if_free(&ring, dead, 1));
            world.oracle().bury(dead.id());
            let next = thread::spawn(move || push_if_free(&again, b, 3));
            let mut committed = false;
            victim.dies(|| {
                if let Ok(mut tx) = ring.producer(a) {
                    tx.push(2).unwrap();
                    committed = true;
                }
            });
            world.oracle().bury(a.id());
            let theirs = next.join().unwrap().is_some();
            assert_eq!(
                contents(&world, world.join()),
                items([true, committed, theirs])
            );
        })
        .sees(EITHER)
    });
}

/// LEAVE/DEPARTED: an end that its owner forgot is free once the owner's row moves on, positions and all.
#[test]
fn an_end_is_forgotten_by_a_peer_that_leaves() {
    let model = Model::new("forgotten, then left", 2, || {
        let world = World::with_ring(3, 2);
        let (leaver, b) = (world.visitor(), world.join());
        let (ring, again) = (world.ring(), world.ring());
        let mut tx = ring.producer(&leaver).unwrap();
        let taker = thread::spawn(move || push_if_free(&again, b, 2).is_some());
        tx.push(1).unwrap();
        std::mem::forget(tx);
        drop(leaver);
        let theirs = taker.join().unwrap();
        assert_eq!(contents(&world, world.join()), items([true, theirs, false]));
    });
    let model = model.sees(EITHER);
    model.holds();
    model.dies_without("leave", RACE);
    model.dies_without("departed", RACE);
}

/// JOIN/LIVE pass on what LEAVE left: whoever finds the row's next peer there sees all that the last one did.
#[test]
fn an_end_is_forgotten_and_the_row_is_taken_again() {
    let model = Model::new("forgotten, left, and joined again", 3, || {
        let world = World::with_ring(3, 2);
        let (leaver, b, c) = (world.visitor(), world.join(), world.join());
        let (ring, again) = (world.ring(), world.ring());
        let mut tx = ring.producer(&leaver).unwrap();
        let taker = thread::spawn(move || push_if_free(&again, b, 2).is_some());
        let joiner = thread::spawn(world.joiner(1));
        tx.push(1).unwrap();
        std::mem::forget(tx);
        drop(leaver);
        let joined = joiner.join().unwrap();
        let theirs = taker.join().unwrap();
        drop(joined);
        assert_eq!(contents(&world, c), items([true, theirs, false]));
    });
    let model = model.sees(&["free", "taken", "joined"]).preemptions(3);
    model.holds();
    for edge in ["leave", "departed", "join", "live"] {
        model.dies_without(edge, RACE);
    }
}

/// LEAVE: the row's next peer may be the taker itself.
#[test]
fn an_end_is_forgotten_and_the_next_peer_of_the_row_takes_it() {
    let model = Model::new("forgotten, left, and claimed from the same row", 2, || {
        let world = World::with_ring(2, 2);
        let (leaver, c) = (world.visitor(), world.join());
        let (ring, again) = (world.ring(), world.ring());
        let mut tx = ring.producer(&leaver).unwrap();
        let join = world.joiner(1);
        let taker = thread::spawn(move || {
            let Some(me) = join() else { return false };
            let pushed = push_if_free(&again, &me, 2).is_some();
            assert!(pushed, "its last owner is gone");
            pushed
        });
        tx.push(1).unwrap();
        std::mem::forget(tx);
        drop(leaver);
        let theirs = taker.join().unwrap();
        assert_eq!(contents(&world, c), items([true, theirs, false]));
    });
    let model = model.sees(&["free", "no row"]);
    model.holds();
    model.dies_without("leave", RACE);
    // Without JOIN the taker's own fence (FOUND) orders it all the same; where another joins the model dies without.
}

/// CLAIM/FOUND: whoever finds a newcomer's claim finds the newcomer in its row too. With the row as it was before, its
/// owner would seem to have moved on, and a living peer's end be taken.
#[test]
fn a_newcomer_s_claim_stands() {
    let model = Model::new("joined and claimed before the eyes of another", 2, || {
        let world = World::with_ring(2, 2);
        let a = world.join();
        let (ring, again) = (world.ring(), world.ring());
        let join = world.joiner(1);
        let newcomer = thread::spawn(move || {
            let me = join().expect("a free row");
            let held = if_free(again.producer(&me)).map(std::mem::forget);
            (me, held.is_some())
        });
        let mine = if_free(ring.producer(a)).map(std::mem::forget);
        let (me, theirs) = newcomer.join().unwrap();
        assert!(mine.is_some() != theirs, "{ONE_END}");
        drop(me);
    });
    let model = model.sees(EITHER);
    model.holds();
    model.dies_without("claim", ONE_END);
    model.dies_without("found", ONE_END);
}

/// What the model above says of an end that two have.
const ONE_END: &str = "two living peers have one end";
