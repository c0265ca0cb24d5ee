//! A lock: one holder at a time, who sees all that the holders before it did; also when they die, at any step, or their locks are
//! freed by others. The checker follows the value, which every holder reads and writes.

mod common;

use common::world::{Pipes, World};
use common::{ASLEEP, EITHER, Model, RACE, Victim, killed_at_each_step, saw};
use loom::thread;
use ringpad::hooks::probe::reap_lock;
use ringpad::lock::{Acquired, Config, Guard, Key, Locked, Refused};
use ringpad::{Peer, PeerId, Ringer, Signal, Sleeper, Wake};

type Counter = Locked<'static, u32>;

fn world(peers: u32) -> World {
    World::with::<Counter>(peers, &Config::new())
}

fn key<'p>(world: &World, me: &'p Peer<'static>) -> Key<'p, u32> {
    world.open::<Counter>().key(me).unwrap()
}

/// How a lock was had; of whom it was inherited, if of one who died with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum How {
    Clean,
    Inherited(Option<PeerId>),
}

/// The lock, unless somebody has it. One attempt is enough: the checker makes it at every moment there is.
fn if_free<'k, 'p, W: Wake>(key: &'k mut Key<'p, u32, W>) -> Option<(How, Guard<'k, 'p, u32, W>)> {
    let had = match key.try_lock() {
        Ok(Acquired::Clean(guard)) => Some((How::Clean, guard)),
        Ok(Acquired::Inherited { from, guard }) => Some((How::Inherited(from), guard)),
        Err(Refused::Held { .. }) => None,
        Err(other) => panic!("{other}"),
    };
    saw(if had.is_some() { "free" } else { "taken" });
    had
}

/// Locks if it can, counts itself, unlocks.
fn count<W: Wake>(key: &mut Key<'_, u32, W>) -> Option<How> {
    let (how, mut guard) = if_free(key)?;
    guard.update(|count| *count += 1);
    Some(how)
}

/// How many counted themselves, as the lock says; everything is over.
fn total(world: &World) -> u32 {
    let me = world.join();
    let mut key = key(world, me);
    let guard = key.try_lock().unwrap().into_guard();
    guard.get()
}

fn counted(all: &[Option<How>]) -> u32 {
    all.iter().flatten().count() as u32
}

/// Locks and counts in the name of a peer that is dead from then on.
fn dies_with_it(world: &World, dead: &'static Peer<'static>) {
    let mut key = key(world, dead);
    let (_, mut guard) = if_free(&mut key).unwrap();
    guard.update(|count| *count += 1);
    std::mem::forget(guard);
    world.oracle().bury(dead.id());
}

/// UNCLAIM/CLAIM hand over what the lock guards.
#[test]
fn holders_follow_each_other() {
    let model = Model::new("two lock, one of them twice", 2, || {
        let world = world(3);
        let (a, b) = (world.join(), world.join());
        let (mut mine, mut theirs) = (key(&world, a), key(&world, b));
        let other = thread::spawn(move || count(&mut theirs));
        let all = [count(&mut mine), count(&mut mine), other.join().unwrap()];
        assert!(all.iter().flatten().all(|how| *how == How::Clean));
        assert_eq!(total(&world), counted(&all));
    });
    let model = model.sees(EITHER).preemptions(3);
    model.holds();
    model.dies_without("unclaim", RACE);
    model.dies_without("claim", RACE);
}

#[test]
fn three_follow_each_other() {
    let model = Model::new("three lock", 3, || {
        let world = world(4);
        let peers = [world.join(), world.join(), world.join()];
        let [mut mine, mut one, mut two] = peers.map(|me| key(&world, me));
        let one = thread::spawn(move || count(&mut one));
        let two = thread::spawn(move || count(&mut two));
        let all = [count(&mut mine), one.join().unwrap(), two.join().unwrap()];
        assert_eq!(total(&world), counted(&all));
    });
    let model = model.sees(EITHER).preemptions(2);
    model.holds();
    model.dies_without("unclaim", RACE);
    model.dies_without("claim", RACE);
}

/// The exchange from a dead holder: of two that prove it dead one inherits from it, and the other from nobody, or is told who has it.
#[test]
fn one_of_two_takers_inherits_from_the_dead() {
    let model = Model::new("two take the lock of the dead", 2, || {
        let world = world(4);
        let (dead, a, b) = (world.join(), world.join(), world.join());
        dies_with_it(&world, dead);
        let (mut mine, mut theirs) = (key(&world, a), key(&world, b));
        let other = thread::spawn(move || count(&mut theirs));
        let all = [count(&mut mine), other.join().unwrap()];
        let from_the_dead = Some(How::Inherited(Some(dead.id())));
        assert_eq!(all.iter().filter(|how| **how == from_the_dead).count(), 1);
        assert!(!all.contains(&Some(How::Clean)), "poison stays");
        assert_eq!(total(&world), 1 + counted(&all));
    });
    let model = model.sees(EITHER);
    model.holds();
    model.dies_without("unclaim", RACE);
    model.dies_without("claim", RACE);
}

/// The oracle's Dead is an acquire, by contract: one that is none hands a stale value over.
#[test]
fn proof_of_death_hands_the_value_over() {
    let model = |careless: bool| {
        Model::new("taken over from a dead thread", 2, move || {
            let world = world(3);
            let world = if careless { world.careless() } else { world };
            let (dead, a) = (world.join(), world.join());
            let (mut theirs, mut mine, oracle) =
                (key(&world, dead), key(&world, a), world.oracle());
            let last = thread::spawn(move || {
                let mut guard = theirs.try_lock().ok()?.into_guard();
                guard.update(|count| *count += 1);
                std::mem::forget(guard);
                oracle.bury(dead.id());
                Some(How::Clean)
            });
            let mine = count(&mut mine);
            let theirs = last.join().unwrap();
            assert_eq!(total(&world), counted(&[mine, theirs]));
        })
        .sees(EITHER)
    };
    model(false).holds();
    model(true).dies(RACE);
}

/// How far a victim came, by its own count.
#[derive(Default)]
struct Life {
    how: Option<How>,
    set: u32,
    marked: bool,
    unlocked: bool,
}

impl Life {
    /// Locks, counts itself twice, marks, unlocks.
    fn run<W: Wake>(&mut self, key: &mut Key<'_, u32, W>) {
        let Some((how, mut guard)) = if_free(key) else {
            return;
        };
        self.how = Some(how);
        for _ in 0..2 {
            guard.update(|count| *count += 1);
            self.set += 1;
        }
        guard.mark_consistent();
        self.marked = true;
        drop(guard);
        self.unlocked = true;
    }

    /// Whether it died with the lock.
    fn held(&self) -> bool {
        self.how.is_some() && !self.unlocked
    }
}

/// Killed at any step: what it set is there, nothing of what it did not; and whoever comes next inherits, exactly if it died with the lock.
fn holder_dies(poisoned: bool, threads: usize) {
    killed_at_each_step(|victim| {
        let name = format!("holder killed, {threads} threads, poisoned {poisoned}");
        let model = Model::new(&name, threads, move || {
            let world = world(4);
            let (first, a, b) = (world.join(), world.join(), world.join());
            if poisoned {
                dies_with_it(&world, first);
            }
            let (mut mine, mut next) = (key(&world, a), key(&world, b));
            let next = thread::spawn(move || count(&mut next));
            let mut life = Life::default();
            victim.dies(|| life.run(&mut mine));
            world.oracle().bury(a.id());
            let next = next.join().unwrap();
            let sure = count(&mut key(&world, b)).expect("nobody alive has it");
            let mut all = [next, Some(sure)].into_iter().flatten();
            let from_it = |how: How| how == How::Inherited(Some(a.id()));
            assert_eq!(all.clone().any(from_it), life.held(), "inherited from it");
            if !poisoned && !life.held() {
                assert!(all.all(|how| how == How::Clean));
            } else if life.held() || !life.marked {
                assert_ne!(sure, How::Clean, "poison stays");
            }
            let others = 1 + u32::from(next.is_some()) + u32::from(poisoned);
            assert_eq!(total(&world), life.set + others);
        });
        model.sees(EITHER)
    });
}

#[test]
fn a_holder_dies() {
    holder_dies(false, 2);
}

#[test]
fn a_taker_dies() {
    holder_dies(true, 2);
}

/// Poison is seen by whoever comes next, and consistency too.
#[test]
fn a_mark_is_handed_over() {
    for marks in [false, true] {
        let model = Model::new(&format!("inherited, marked {marks}"), 2, move || {
            let world = world(4);
            let (dead, a, b) = (world.join(), world.join(), world.join());
            dies_with_it(&world, dead);
            let (mut mine, mut theirs) = (key(&world, a), key(&world, b));
            let (how, mut guard) = if_free(&mut mine).unwrap();
            assert_eq!(how, How::Inherited(Some(dead.id())));
            let other = thread::spawn(move || count(&mut theirs));
            guard.update(|count| *count += 1);
            if marks {
                guard.mark_consistent();
            }
            drop(guard);
            let want = if marks {
                How::Clean
            } else {
                How::Inherited(None)
            };
            let next = other.join().unwrap();
            assert!(next.is_none_or(|how| how == want));
            assert_eq!(count(&mut mine), Some(want));
            assert_eq!(total(&world), 3 + u32::from(next.is_some()));
        });
        let model = model.sees(EITHER);
        model.holds();
        model.dies_without("unclaim", RACE);
        model.dies_without("claim", RACE);
    }
}

/// Rings nobody.
struct Mute;

impl Signal for Mute {
    fn signal(&self, _: PeerId) {}
}

fn reap(world: &World, me: &'static Peer<'static>) -> impl FnOnce() -> bool + use<> {
    let lock = world.bytes_of_channel();
    move || {
        let freed = reap_lock(lock, me, &Mute).unwrap();
        saw(if freed { "reaped" } else { "not reaped" });
        freed
    }
}

const REAPED: &[&str] = &["free", "taken", "reaped", "not reaped"];

/// UNCLAIM of whoever frees a dead holder's lock passes on what its proof of death showed it.
#[test]
fn a_reaper_races_a_living_taker() {
    let model = Model::new("reaped and taken at once, from a dead thread", 3, || {
        let world = world(4);
        let (dead, a, b) = (world.join(), world.join(), world.join());
        let (mut theirs, mut mine, oracle) = (key(&world, dead), key(&world, a), world.oracle());
        let last = thread::spawn(move || {
            let mut guard = theirs.try_lock().ok()?.into_guard();
            guard.update(|count| *count += 1);
            std::mem::forget(guard);
            oracle.bury(dead.id());
            Some(How::Clean)
        });
        let reaper = thread::spawn(reap(&world, b));
        let mine = count(&mut mine);
        let (theirs, freed) = (last.join().unwrap(), reaper.join().unwrap());
        match mine {
            Some(How::Inherited(Some(from))) => assert!(from == dead.id() && !freed),
            Some(How::Inherited(None)) => assert!(freed),
            Some(How::Clean) | None => {}
        }
        assert_eq!(total(&world), counted(&[mine, theirs]));
    });
    let model = model.sees(REAPED).preemptions(2);
    model.holds();
    model.dies_without("unclaim", RACE);
    model.dies_without("claim", RACE);
}

/// Two that free it: one does, whoever dies at it; and nobody alive is robbed.
#[test]
fn a_reaper_dies() {
    killed_at_each_step(|victim| {
        let model = Model::new("reaper killed beside another and a taker", 3, move || {
            let world = world(4);
            let (dead, a, b) = (world.join(), world.join(), world.join());
            dies_with_it(&world, dead);
            let (lock, mut mine) = (world.bytes_of_channel(), key(&world, a));
            let another = thread::spawn(reap(&world, b));
            let taker = thread::spawn(move || count(&mut mine));
            let mut freed = false;
            victim.dies(|| freed = reap_lock(lock, b, &Mute).unwrap());
            let (other, taken) = (another.join().unwrap(), taker.join().unwrap());
            assert!(!(freed && other), "freed twice");
            if taken == Some(How::Inherited(Some(dead.id()))) {
                assert!(!freed && !other);
            }
            assert!(taken.is_some(), "nobody alive has it");
            assert_eq!(total(&world), 2);
        });
        model.sees(&["free", "reaped", "not reaped"]).preemptions(2)
    });
}

/// CLAIM/FOUND: whoever finds a newcomer's lock finds the newcomer in its row too; also behind the mark that changed the word since.
#[test]
fn a_newcomer_is_not_robbed() {
    for poisoned in [false, true] {
        let name = format!("joined and locked before the eyes of another, poisoned {poisoned}");
        let model = Model::new(&name, 2, move || {
            let world = world(3);
            let (a, first) = (world.join(), world.join());
            if poisoned {
                dies_with_it(&world, first);
                assert!(reap(&world, a)());
            }
            let (mut mine, lock) = (key(&world, a), world.open::<Counter>());
            let join = world.joiner(1);
            let newcomer = thread::spawn(move || {
                let me = join().expect("a free row");
                let mut key = lock.key(&me).unwrap();
                let held = if_free(&mut key).map(|(_, mut guard)| {
                    guard.mark_consistent();
                    std::mem::forget(guard);
                });
                (held.is_some(), me)
            });
            let mine = if_free(&mut mine).map(|(_, guard)| std::mem::forget(guard));
            let (theirs, me) = newcomer.join().unwrap();
            assert!(mine.is_some() != theirs, "{ONE_HOLDER}");
            drop(me);
        });
        let model = model.sees(EITHER);
        model.holds();
        model.dies_without("claim", ONE_HOLDER);
        model.dies_without("found", ONE_HOLDER);
    }
}

/// The same of whoever reaps: a living newcomer's lock is not freed.
#[test]
fn a_newcomer_is_not_reaped() {
    let model = Model::new("joined and locked before the eyes of a reaper", 2, || {
        let world = world(2);
        let a = world.join();
        let (reap, lock) = (reap(&world, a), world.open::<Counter>());
        let join = world.joiner(1);
        let newcomer = thread::spawn(move || {
            let me = join().expect("a free row");
            std::mem::forget(lock.key(&me).unwrap().try_lock());
            me
        });
        assert!(!reap(), "{ONE_HOLDER}");
        drop(newcomer.join().unwrap());
    });
    model.holds();
    model.dies_without("claim", ONE_HOLDER);
    model.dies_without("found", ONE_HOLDER);
}

/// What the models above say of a lock that is taken from the living.
const ONE_HOLDER: &str = "two living peers have one lock";

/// LEAVE/DEPARTED: a lock that its holder forgot is inherited once the holder's row moves on, value and all.
#[test]
fn a_guard_is_forgotten_by_a_peer_that_leaves() {
    let model = Model::new("forgotten, then left", 2, || {
        let world = world(3);
        let (leaver, b) = (world.visitor(), world.join());
        let mut theirs = key(&world, b);
        let its_id = leaver.id();
        let mut its = key(&world, &leaver);
        let taker = thread::spawn(move || count(&mut theirs));
        let mine = if_free(&mut its).map(|(how, mut guard)| {
            guard.update(|count| *count += 1);
            std::mem::forget(guard);
            how
        });
        drop(leaver);
        let taken = taker.join().unwrap();
        if let Some(How::Inherited(from)) = taken {
            assert_eq!(from, Some(its_id));
        }
        assert_eq!(total(&world), counted(&[mine, taken]));
    });
    let model = model.sees(EITHER);
    model.holds();
    model.dies_without("leave", RACE);
    model.dies_without("departed", RACE);
}

type Loud = Key<'static, u32, Ringer<'static, Pipes>>;

fn loud(world: &World, me: &'static Peer<'static>, pipes: &Pipes) -> Loud {
    key(world, me).ringing(me, pipes.clone()).unwrap()
}

/// As the os layer waits: arm, recheck, sleep, arm again; then counts itself.
fn sleep_for_it(pipes: &Pipes, me: &'static Peer<'static>, key: &mut Loud) -> How {
    let mut sleeper = Sleeper::of(me).unwrap();
    let ends = [key.bell()];
    let mut armed = sleeper.arm(&ends).unwrap();
    let how = loop {
        if let Some(how) = count(key) {
            break how;
        }
        pipes.sleep(me.id());
        armed.again();
    };
    std::mem::forget(armed);
    how
}

fn needs_both(model: &Model) {
    model.holds();
    model.dies_without("arm", ASLEEP);
    model.dies_without("ring", ASLEEP);
}

/// ARM/RING: either the sleeper's look finds the lock free, or whoever unlocks finds the sleeper.
#[test]
fn a_sleeper_is_rung_by_whoever_unlocks() {
    let model = Model::new("one sleeps for the lock", 2, || {
        let world = world(3);
        let (a, b, pipes) = (world.join(), world.join(), Pipes::new());
        let (mut mine, mut theirs) = (loud(&world, a, &pipes), loud(&world, b, &pipes));
        let holder = thread::spawn(move || {
            let held = if_free(&mut mine).map(|(how, mut guard)| {
                guard.update(|count| *count += 1);
                how
            });
            std::mem::forget(mine);
            held
        });
        let slept = sleep_for_it(&pipes, b, &mut theirs);
        let held = holder.join().unwrap();
        assert_eq!(total(&world), counted(&[Some(slept), held]));
    });
    needs_both(
        &model
            .sees(&["asleep", "rung", "free", "taken"])
            .preemptions(4),
    );
}

/// The same of two that sleep: the lock goes from one to the other.
#[test]
fn two_sleepers_both_get_it() {
    let model = Model::new("two sleep for the lock", 3, || {
        let world = world(4);
        let (a, b, c) = (world.join(), world.join(), world.join());
        let pipes = Pipes::new();
        let keys = [a, b, c].map(|me| loud(&world, me, &pipes));
        let [mut mine, mut one, mut two] = keys;
        let (_, guard) = if_free(&mut mine).unwrap();
        let (pipe, pope) = (pipes.clone(), pipes.clone());
        let one = thread::spawn(move || sleep_for_it(&pipe, b, &mut one));
        let two = thread::spawn(move || sleep_for_it(&pope, c, &mut two));
        drop(guard);
        one.join().unwrap();
        two.join().unwrap();
        assert_eq!(total(&world), 2);
    });
    needs_both(&model.sees(&["asleep", "rung"]).preemptions(2));
}

/// And by whoever reaps.
#[test]
fn a_sleeper_is_rung_by_whoever_reaps() {
    let model = Model::new("one sleeps for the lock of the dead", 2, || {
        let world = world(4);
        let (a, b, dead) = (world.join(), world.join(), world.join());
        let (pipes, oracle) = (Pipes::new(), world.oracle());
        let (mut theirs, lock) = (loud(&world, b, &pipes), world.bytes_of_channel());
        std::mem::forget(key(&world, dead).try_lock());
        let bells = pipes.clone();
        let reaper = thread::spawn(move || {
            oracle.bury(dead.id());
            reap_lock(lock, a, &bells).unwrap()
        });
        let how = sleep_for_it(&pipes, b, &mut theirs);
        assert_ne!(how, How::Clean);
        let freed = reaper.join().unwrap();
        assert_eq!(how == How::Inherited(None), freed);
    });
    needs_both(&model.sees(&["asleep", "rung"]).preemptions(4));
}

/// Killed between unlocking and ringing, with nobody else to ring: the death watch or the tick finds the lock free; and that of one
/// killed while it holds it.
fn rescued(victim: Victim, by_tick: bool) -> Model {
    Model::new("holder killed beside a sleeper, tick", 2, move || {
        let world = world(3);
        let (a, b, pipes) = (world.join(), world.join(), Pipes::new());
        let (mut mine, mut theirs) = (loud(&world, a, &pipes), loud(&world, b, &pipes));
        let (bells, oracle, victim) = (pipes.clone(), world.oracle(), victim.clone());
        let holder = thread::spawn(move || {
            victim.dies(|| {
                count(&mut mine);
                std::mem::forget(mine);
            });
            oracle.bury(a.id());
            if by_tick {
                bells.signal(b.id());
            }
        });
        sleep_for_it(&pipes, b, &mut theirs);
        holder.join().unwrap();
    })
    .preemptions(3)
}

#[test]
fn a_holder_dies_beside_a_sleeper() {
    killed_at_each_step(|victim| rescued(victim, true));
    // Word, slot, version; then dead with the lock.
    rescued(Victim::at(3), false).dies(ASLEEP);
    // Word, slot, version, word; then dead before the ring.
    rescued(Victim::at(4), false).dies(ASLEEP);
}
