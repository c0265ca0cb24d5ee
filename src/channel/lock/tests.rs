//! A lock, one rule a test; each under both trusts where they could differ.

mod refused;

use core::cell::Cell;
use core::mem::forget;

use spin::relax::Spin;

use super::{Acquired, Config, Key, Lock, Locked, Refused};
use crate::memory::liveness::{Liveness, NoProof, PeerId};
use crate::memory::testing::{EACH_TRUST, Gone, Room, Trust};
use crate::segment::peers::Identity;
use crate::{Peer, Plan, Segment, Signal};

type Value = [u32; 3];

/// Wire offsets, from the lock's beginning.
const WORD: usize = 128;
const WAITERS: usize = 132;
const VERSION: usize = 256;
const SLOTS: usize = 384;
const POISON: u32 = 1 << 31;

fn plan() -> Plan<2> {
    let plan = Plan::new().peers(3).unwrap();
    let plan = plan.channel::<Lock>("lock", &Config::new()).unwrap();
    plan.channel::<Locked<Value>>("value", &Config::new())
        .unwrap()
}

/// A segment with a lock and a locked value.
struct World {
    room: Room,
}

impl World {
    fn new() -> Self {
        let room = Room::new(plan().layout().unwrap().size());
        Self { room }
    }

    fn segment(&self, trust: Trust) -> Segment<'_> {
        Segment::init(self.room.region(trust), &plan()).unwrap()
    }

    /// Where the channel of this name begins.
    fn place(&self, name: &str) -> usize {
        let segment = Segment::attach(self.room.region(Trust::Cooperative)).unwrap();
        let entry = segment.entries().find(|entry| entry.name == name).unwrap();
        entry.offset as usize
    }
}

fn with_each(test: impl Fn(&World, &Segment<'_>)) {
    for trust in EACH_TRUST {
        let world = World::new();
        test(&world, &world.segment(trust));
    }
}

fn join<'m>(segment: &Segment<'m>, oracle: &'m dyn Liveness) -> Peer<'m> {
    segment.join(&Identity::default(), oracle).unwrap()
}

fn peer(number: u32) -> PeerId {
    PeerId::new(number).unwrap()
}

fn value<'p>(segment: &Segment<'p>, me: &'p Peer<'p>) -> Key<'p, Value> {
    let lock: Locked<'p, Value> = segment.open("value").unwrap();
    lock.key(me).unwrap()
}

/// The lock is had clean.
fn clean<G>(had: Result<Acquired<G>, Refused>) -> G {
    match had {
        Ok(Acquired::Clean(guard)) => guard,
        Ok(Acquired::Inherited { from, .. }) => panic!("inherited from {from:?}"),
        Err(why) => panic!("{why}"),
    }
}

/// The lock is had poisoned.
fn inherited<G>(had: Result<Acquired<G>, Refused>) -> (Option<PeerId>, G) {
    match had {
        Ok(Acquired::Inherited { from, guard }) => (from, guard),
        Ok(Acquired::Clean(_)) => panic!("clean"),
        Err(why) => panic!("{why}"),
    }
}

fn held<G>(had: Result<Acquired<G>, Refused>) -> PeerId {
    match had {
        Err(Refused::Held { by }) => by,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it was free"),
    }
}

static TWO_IS_DEAD: Gone = Gone(PeerId::new(2).unwrap());

#[test]
fn one_has_it_and_is_named() {
    with_each(|world, segment| {
        let (one, two) = (join(segment, &NoProof), join(segment, &NoProof));
        let at = world.place("lock");
        let lock: Lock = segment.open("lock").unwrap();
        let (mut mine, mut again) = (lock.key(&one).unwrap(), lock.key(&one).unwrap());
        let mut theirs = lock.key(&two).unwrap();
        assert_eq!((theirs.holder(), world.room.word(at + WORD)), (None, 0));
        let guard = clean(mine.try_lock());
        assert!(!guard.is_poisoned());
        assert_eq!(world.room.word(at + WORD), 1, "peer 1 in its first life");
        assert_eq!(theirs.holder(), Some(peer(1)));
        assert_eq!(held(theirs.try_lock()), peer(1));
        assert_eq!(held(again.try_lock()), peer(1), "not recursive");
        assert_eq!(held(theirs.lock_for::<Spin>(5)), peer(1));
        drop(guard);
        assert_eq!((theirs.holder(), world.room.word(at + WORD)), (None, 0));
        drop(clean(theirs.lock_for::<Spin>(0)));
        let guard = clean(again.clone().try_lock()).is_poisoned();
        assert!(!guard);
    });
}

#[test]
fn a_value_is_what_was_set_last() {
    with_each(|world, segment| {
        let (one, two) = (join(segment, &NoProof), join(segment, &NoProof));
        let (mut mine, mut theirs) = (value(segment, &one), value(segment, &two));
        let at = world.place("value");
        let mut guard = clean(mine.try_lock());
        assert_eq!(guard.get(), [0; 3], "it begins as zeros");
        for n in 1..4 {
            guard.set(&[n; 3]);
            assert_eq!(guard.get(), [n; 3]);
            assert_eq!(world.room.word(at + VERSION), n);
            let slot = at + SLOTS + 12 * (n as usize % 2);
            assert_eq!(world.room.word(slot), n);
        }
        drop(guard);
        let mut guard = clean(theirs.try_lock());
        assert_eq!(guard.get(), [3; 3]);
        guard.update(|value| value[1] = 7);
        drop(guard);
        assert_eq!(clean(mine.try_lock()).get(), [3, 7, 3]);
    });
}

#[test]
fn versions_wrap() {
    with_each(|world, segment| {
        let one = join(segment, &NoProof);
        world.room.set(world.place("value") + VERSION, u32::MAX);
        let mut key = value(segment, &one);
        for n in 0..4 {
            clean(key.try_lock()).set(&[n; 3]);
            assert_eq!(clean(key.try_lock()).get(), [n; 3]);
        }
        assert_eq!(world.room.word(world.place("value") + VERSION), 3);
    });
}

#[test]
fn the_dead_are_inherited_from_and_poison_stays() {
    with_each(|world, segment| {
        let one = join(segment, &TWO_IS_DEAD);
        let two = join(segment, &NoProof);
        let three = join(segment, &NoProof);
        let mut key = value(segment, &two);
        let mut guard = clean(key.try_lock());
        guard.set(&[5; 3]);
        forget(guard);
        let at = world.place("value") + WORD;
        let (mut mine, mut other) = (value(segment, &one), value(segment, &three));
        assert_eq!(held(other.try_lock()), peer(2), "Unknown counts as alive");
        let (from, guard) = inherited(mine.try_lock());
        assert_eq!((from, guard.get()), (Some(peer(2)), [5; 3]));
        assert!(guard.is_poisoned());
        assert_eq!(world.room.word(at), 1 | POISON);
        drop(guard);
        assert_eq!(world.room.word(at), POISON, "free, and poisoned for all");
        for _ in 0..2 {
            let (from, mut guard) = inherited(other.try_lock());
            assert_eq!(from, None, "from nobody dead");
            guard.set(&[6; 3]);
            assert!(guard.is_poisoned(), "a value set mends nothing");
        }
        let (_, mut guard) = inherited(other.try_lock());
        guard.mark_consistent();
        guard.mark_consistent();
        assert!(!guard.is_poisoned());
        assert_eq!(world.room.word(at), 3);
        drop(guard);
        assert_eq!(world.room.word(at), 0);
        assert_eq!(clean(mine.try_lock()).get(), [6; 3]);
    });
}

#[test]
fn poison_survives_the_next_death_and_a_mark_does_not() {
    with_each(|world, segment| {
        let one = join(segment, &TWO_IS_DEAD);
        let two = join(segment, &NoProof);
        let at = world.place("value") + WORD;
        for marked in [false, true] {
            world.room.set(at, POISON);
            let mut key = value(segment, &two);
            let (_, mut guard) = inherited(key.try_lock());
            if marked {
                guard.mark_consistent();
            }
            forget(guard);
            let mut key = value(segment, &one);
            let (from, mut guard) = inherited(key.try_lock());
            assert_eq!(from, Some(peer(2)), "marked {marked}");
            guard.mark_consistent();
        }
    });
}

#[test]
fn who_left_with_a_guard_forgotten_is_inherited_from() {
    with_each(|_, segment| {
        let one = join(segment, &NoProof);
        let leaver = join(segment, &NoProof);
        forget(clean(value(segment, &leaver).try_lock()));
        let mut mine = value(segment, &one);
        assert_eq!(held(mine.try_lock()), peer(2));
        drop(leaver);
        // Its row again, in the next life.
        let next = join(segment, &NoProof);
        assert_eq!(next.id(), peer(2));
        assert_eq!(inherited(value(segment, &next).try_lock()).0, Some(peer(2)));
        assert_eq!(inherited(mine.try_lock()).0, None);
    });
}

#[test]
fn a_dead_holder_s_lock_is_freed_by_others() {
    with_each(|world, segment| {
        let two = join(segment, &NoProof);
        let lock: Locked<Value> = segment.open("value").unwrap();
        let words = lock.words;
        let at = world.place("value") + WORD;
        let never = |_| panic!("nobody has it");
        assert!(!words.reap(never));
        world.room.set(at, POISON);
        assert!(!words.reap(never), "nor poisoned");
        world.room.set(at, 77);
        assert!(!words.reap(never), "nor by garbage");
        world.room.set(at, 0);
        let mut key = value(segment, &two);
        let guard = clean(key.try_lock());
        assert!(!words.reap(|_| false), "it lives");
        forget(guard);
        let asked = Cell::new(None);
        let dead = |owner| {
            asked.set(Some(owner));
            true
        };
        assert!(words.reap(dead));
        assert_eq!(asked.get(), Some(two.owner()));
        assert_eq!(world.room.word(at), POISON);
        assert!(!words.reap(never), "once");
        assert_eq!(inherited(key.try_lock()).0, None);
        // Taken by another between the look and the exchange.
        let won = words.reap(|_| {
            world.room.set(at, 3);
            true
        });
        assert!(!won, "the exchange is from nobody now");
        forget(key.try_lock());
        assert!(!words.reap(|_| {
            world.room.set(at, 3);
            true
        }));
        assert_eq!(world.room.word(at), 3);
    });
}

#[test]
fn a_holder_robbed_by_false_proof_frees_nothing() {
    with_each(|world, segment| {
        let two = join(segment, &NoProof);
        let at = world.place("value") + WORD;
        let mut key = value(segment, &two);
        let mut guard = clean(key.try_lock());
        world.room.set(at, 3);
        guard.mark_consistent();
        drop(guard);
        assert_eq!(world.room.word(at), 3, "not its own any more");
    });
}

#[test]
fn bare_keys_share_a_name_and_nothing_is_taken_over() {
    for trust in EACH_TRUST {
        let room = Room::of::<Locked<Value>>(&Config::new());
        let lock = Locked::<Value>::init_for(&room, trust);
        let (mut one, mut two) = (lock.bare_key().unwrap(), lock.bare_key().unwrap());
        let guard = clean(one.try_lock());
        assert_eq!(room.word(WORD), 0xff);
        assert_eq!(held(two.try_lock()), PeerId::BARE);
        forget(guard);
        assert_eq!(held(two.lock_for::<Spin>(9)), PeerId::BARE);
    }
}

/// Counts what it was asked to wake.
struct Woken<'c>(&'c Cell<u32>);

impl Signal for Woken<'_> {
    fn signal(&self, peer: PeerId) {
        self.0.set(self.0.get() + peer.get());
    }
}

#[test]
fn unlocking_rings_who_sleeps_and_nothing_else_does() {
    with_each(|world, segment| {
        let (one, two) = (join(segment, &NoProof), join(segment, &NoProof));
        let rung = Cell::new(0);
        let mut key = value(segment, &one).ringing(&one, Woken(&rung)).unwrap();
        let bells = [value(segment, &two).bell()];
        let mut sleeper = crate::Sleeper::of(&two).unwrap();
        let mut armed = sleeper.arm(&bells).unwrap();
        assert_eq!(world.room.word(world.place("value") + WAITERS), 2);
        let mut guard = clean(key.try_lock());
        guard.set(&[1; 3]);
        guard.mark_consistent();
        assert_eq!(rung.get(), 0);
        drop(guard);
        assert_eq!(rung.get(), 2, "peer 2, once");
        drop(clean(key.try_lock()));
        assert_eq!(rung.get(), 2, "once an epoch");
        armed.again();
        drop(clean(key.try_lock()));
        assert_eq!(rung.get(), 4);
        drop(armed);
        drop(clean(key.try_lock()));
        assert_eq!(rung.get(), 4);
    });
}

impl Locked<'_, Value> {
    fn init_for(room: &Room, trust: Trust) -> Locked<'_, Value> {
        crate::Channel::init(room.region(trust), &Config::new()).unwrap()
    }
}
