//! The peer table: one peer a row, each life of a row with a generation of its own, and a row whose peer died
//! at any step of joining or leaving is healed by whoever next holds the row's lock.

mod common;

use std::rc::Rc;
use std::sync::Arc;

use common::world::{World, if_free, named};
use common::{EITHER, Model, RACE, killed_at_each_step, saw};
use loom::cell::UnsafeCell;
use loom::sync::Mutex;
use loom::thread;
use ringpad::hooks::probe::join_locked;
use ringpad::{Peer, PeerId};

/// The exchange of the row's state: of two that want one row one gets it, and two rows take both.
fn two_join(rows: u32) -> Model {
    Model::new(&format!("two join, {rows} rows"), 2, move || {
        let world = World::with_ring(rows, 2);
        let other = thread::spawn(world.joiner(2));
        let mine = world.joiner(1)();
        let theirs = other.join().unwrap();
        for (peer, pid) in [(&mine, 1), (&theirs, 2)] {
            let Some(peer) = peer else { continue };
            assert_eq!(world.segment.occupant(peer.id()), Some(named(pid)));
        }
        let ids = [mine, theirs].map(|peer| peer.map(|peer| peer.id().get()));
        match rows {
            1 => assert!(matches!(ids, [Some(1), None] | [None, Some(1)])),
            _ => assert!(matches!(ids, [Some(1), Some(2)] | [Some(2), Some(1)])),
        }
    })
}

#[test]
fn two_join_at_once() {
    two_join(1).sees(&["joined", "no row"]).holds();
    two_join(2).sees(&["joined"]).holds();
}

/// Something that whoever is in the row does.
type Work = Arc<UnsafeCell<u32>>;

fn work(cell: &Work) {
    cell.with_mut(|at| {
        // SAFETY: at is valid; that nobody else is here now is what the checker checks.
        unsafe { *at += 1 };
    });
}

/// LEAVE/JOIN: the row's next peer comes after everything that the last one did.
#[test]
fn a_row_is_left_and_joined_again() {
    let model = Model::new("left and joined again", 2, || {
        let world = World::with_ring(1, 2);
        let first = world.joiner(1)().unwrap();
        let (cell, again) = (Work::default(), world.joiner(2));
        let theirs = cell.clone();
        let next = thread::spawn(move || again().inspect(|_| work(&theirs)));
        work(&cell);
        drop(first);
        let next = next.join().unwrap();
        let id = PeerId::new(1).unwrap();
        assert_eq!(world.segment.occupant(id), next.is_some().then(|| named(2)));
        drop(next);
        assert_eq!(world.segment.occupant(id), None);
        assert!(world.joiner(3)().is_some());
    });
    let model = model.sees(&["joined", "no row"]);
    model.holds();
    model.dies_without("leave", RACE);
    model.dies_without("join", RACE);
}

/// LIVE/DEPARTED: whoever sees a peer in its row sees what it did before it joined. (That its name is whole when
/// the row changes hands meanwhile rests on words that the checker does not see.)
#[test]
fn an_occupant_is_seen() {
    let model = Model::new("joined and looked at", 2, || {
        let world = World::with_ring(1, 2);
        let (cell, join) = (Work::default(), world.joiner(1));
        let theirs = cell.clone();
        let joiner = thread::spawn(move || {
            work(&theirs);
            join()
        });
        if let Some(who) = world.segment.occupant(PeerId::new(1).unwrap()) {
            assert_eq!(who, named(1));
            saw("occupied");
            work(&cell);
        }
        assert!(joiner.join().unwrap().is_some());
    });
    let model = model.sees(&["occupied"]);
    model.holds();
    model.dies_without("live", RACE);
    model.dies_without("departed", RACE);
}

const ROW: PeerId = PeerId::new(1).unwrap();

/// Joins in the first row, whose lock the caller holds.
fn join_first(world: &World, pid: u32) -> Peer<'static> {
    join_locked(&world.segment, ROW, &named(pid), world.oracle()).unwrap()
}

/// Joins in the first row and commits one item.
fn live(world: &World, item: u32, committed: &mut bool) -> Peer<'static> {
    let me = join_first(world, item);
    let mut tx = world.ring().producer(&me).unwrap();
    tx.push(item).unwrap();
    *committed = true;
    std::mem::forget(tx);
    me
}

/// Everything in the ring.
fn contents(world: &World, me: &Peer<'static>) -> Vec<u32> {
    let mut rx = world.ring().consumer(me).unwrap();
    std::iter::from_fn(|| rx.pop()).collect()
}

/// Whoever holds the row's lock next finds the row free or heals it, and gets whatever the dead one claimed. `dead`:
/// the victim itself had to heal the row first.
fn killed_in_its_row(dead: bool) {
    killed_at_each_step(|victim| {
        let name = if dead {
            "healer killed"
        } else {
            "joiner killed"
        };
        Model::new(name, 2, move || {
            let world = Rc::new(World::with_ring(2, 4));
            let (there, lock) = (world.clone(), Arc::new(Mutex::new(())));
            if dead {
                std::mem::forget(live(&world, 1, &mut false));
            }
            let (mut second, theirs) = (false, lock.clone());
            let next = thread::spawn(move || {
                let _held = theirs.lock().unwrap();
                drop(live(&there, 3, &mut false));
            });
            {
                // The system gives the lock back whether or not its holder lived.
                let _held = lock.lock().unwrap();
                victim.dies(|| drop(live(&world, 2, &mut second)));
            }
            next.join().unwrap();
            let mut got = contents(&world, world.join());
            got.sort_unstable();
            let want = [(1, dead), (2, second), (3, true)];
            let want = want.into_iter().filter(|(_, did)| *did);
            assert!(want.map(|(item, _)| item).eq(got));
        })
    });
}

#[test]
fn a_peer_dies_in_its_row() {
    killed_in_its_row(false);
    killed_in_its_row(true);
}

/// REAP of a healer, and its LIVE then: that the row moved on proves the dead one's claim dead to
/// whoever looks, lock or not, and hands over what it left.
#[test]
fn a_row_is_healed_before_the_eyes_of_others() {
    let model = Model::new("healed and looked at", 3, || {
        let world = Rc::new(World::with_ring(3, 4));
        let (there, lock) = (world.clone(), Arc::new(Mutex::new(())));
        let held = lock.lock().unwrap();
        let dead = join_first(&world, 1);
        let (b, c) = (world.join(), world.join());
        let (ring, again, healers) = (world.ring(), world.ring(), lock.clone());
        let mut tx = ring.producer(&dead).unwrap();
        let taker = thread::spawn(move || {
            let tx = if_free(again.producer(b));
            tx.map(|mut tx| tx.push(2).unwrap()).is_some()
        });
        let healer = thread::spawn(move || {
            let _held = healers.lock().unwrap();
            join_first(&there, 4)
        });
        tx.push(1).unwrap();
        std::mem::forget(tx);
        std::mem::forget(dead);
        drop(held);
        let healed = healer.join().unwrap();
        assert_eq!(world.segment.occupant(healed.id()), Some(named(4)));
        let theirs = taker.join().unwrap();
        let want: &[u32] = if theirs { &[1, 2] } else { &[1] };
        assert_eq!(contents(&world, c), want);
    });
    let model = model.sees(EITHER).preemptions(3);
    model.holds();
    for edge in ["reap", "live", "departed"] {
        model.dies_without(edge, RACE);
    }
}
