//! The swept lock, alone and with a value: what parties do with it, and what survivors may find behind a kill.

use ringpad::lock::{Acquired, Config, Guard, Key, Locked, Refused};
use ringpad::{Identity, Peer, PeerId, Plan, Pod};

use super::faults::Faults;
use super::message::{Message, message, whole};
use super::plain::When;
use super::rings;
use super::stage::{OTHER, PARTIES, SURVIVORS, VICTIM, World};

/// What somebody who tries to lock is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Saw {
    Held(PeerId),
    Clean,
    Inherited(Option<PeerId>),
    Error,
}

/// A held lock.
pub trait Hold {
    fn get(&self) -> Message;
    fn set(&mut self, value: &Message);
    fn mark_consistent(&mut self);
}

/// What a party locks with.
pub trait Locks {
    /// Without a value `get` answers [`old`], whatever was set.
    const HAS_VALUE: bool;
    /// Locks, does this, unlocks.
    fn visit(&mut self, then: &mut dyn FnMut(&mut dyn Hold)) -> Saw;
    /// Locks, and never unlocks.
    fn keep(&mut self) -> Saw;
}

/// The value before, and the victim's.
pub fn old() -> Message {
    message(OTHER, 1)
}
pub fn new() -> Message {
    message(VICTIM, 2)
}

impl Hold for Guard<'_, '_, Message> {
    fn get(&self) -> Message {
        Guard::get(self)
    }
    fn set(&mut self, value: &Message) {
        Guard::set(self, value);
    }
    fn mark_consistent(&mut self) {
        Guard::mark_consistent(self);
    }
}

impl Hold for Guard<'_, '_, ()> {
    fn get(&self) -> Message {
        old()
    }
    fn set(&mut self, _: &Message) {}
    fn mark_consistent(&mut self) {
        Guard::mark_consistent(self);
    }
}

impl<T: Pod> Locks for Key<'static, T>
where
    for<'k> Guard<'k, 'static, T>: Hold,
{
    const HAS_VALUE: bool = size_of::<T>() > 0;

    fn visit(&mut self, then: &mut dyn FnMut(&mut dyn Hold)) -> Saw {
        let (saw, mut guard) = match self.try_lock() {
            Ok(Acquired::Clean(guard)) => (Saw::Clean, guard),
            Ok(Acquired::Inherited { from, guard }) => (Saw::Inherited(from), guard),
            Err(Refused::Held { by }) => return Saw::Held(by),
            Err(_) => return Saw::Error,
        };
        then(&mut guard);
        drop(guard);
        saw
    }

    fn keep(&mut self) -> Saw {
        match self.try_lock() {
            Ok(taken) => {
                std::mem::forget(taken.into_guard());
                Saw::Clean
            }
            Err(_) => Saw::Error,
        }
    }
}

fn plan<T: Pod>() -> Plan<1> {
    let plan = Plan::new().channel::<Locked<'_, T>>("lock", &Config::new());
    plan.expect("a plan")
}

/// A world with room for a lock of either shape.
pub fn world() -> World {
    World::new(plan::<Message>().layout().expect("a layout").size())
}

/// A lock in a segment, and everybody's key.
pub fn begin<T: Pod>(world: &World) -> Vec<Key<'static, T>> {
    let segment = rings::segment(world, &plan::<T>());
    let key = |_| {
        let peer = segment.join(&Identity::default(), world.oracle);
        // Never left: the next run clears the table under it.
        let peer: &'static Peer<'static> = Box::leak(Box::new(peer.expect("a row")));
        let lock: Locked<'static, T> = segment.open("lock").expect("the lock");
        lock.key(peer).expect("a key")
    };
    (0..PARTIES).map(key).collect()
}

/// What the lock is like before the victim comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    Free,
    /// Held by somebody known to be dead.
    Dead,
    /// Taken over from the dead, and not marked.
    Poisoned,
}

/// In which step the victim is killed. It made those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    Lock,
    Set,
    Mark,
    /// After marking, or not.
    Unlock(bool),
    /// Lock, set, mark, unlock.
    All,
}

/// The peer of a party.
pub fn id(party: usize) -> PeerId {
    PeerId::new(party as u32 + 1).expect("a peer")
}

/// Makes the lock such, with the old value in it.
pub fn prepare<L: Locks>(keys: &mut [L], world: &World, start: Start) {
    let first = SURVIVORS[0];
    // Twice: both slots of the value are written.
    for number in [0, 1] {
        let saw = keys[first].visit(&mut |held| held.set(&message(OTHER, number)));
        assert_eq!(saw, Saw::Clean);
    }
    if start != Start::Free {
        assert_eq!(keys[OTHER].keep(), Saw::Clean);
        world.notes.declare_dead(OTHER);
    }
    if start == Start::Poisoned {
        keys[first].visit(&mut |_| ());
    }
}

impl Start {
    /// What the next one is told.
    fn tells(self) -> Saw {
        match self {
            Self::Free => Saw::Clean,
            Self::Dead => Saw::Inherited(Some(id(OTHER))),
            Self::Poisoned => Saw::Inherited(None),
        }
    }
}

/// What earlier points of the same sweep showed.
#[derive(Default)]
pub struct Seen {
    new: bool,
    held: bool,
}

/// The lock as a survivor finds it.
fn look<L: Locks>(key: &mut L, faults: &mut Faults, mark: bool) -> (Saw, Option<Message>) {
    let mut value = None;
    let saw = key.visit(&mut |held| {
        value = Some(held.get());
        if mark {
            held.mark_consistent();
        }
    });
    if let Some(found) = value.filter(|value| whole(value).is_none()) {
        faults.torn(format!("{found:x?}"));
    }
    (saw, value)
}

/// The victim is dead. What survivors are told before its death is known, and then.
pub fn judge<L: Locks>(
    keys: &mut [L],
    world: &World,
    (start, step): (Start, Step),
    when: When,
    seen: &mut Seen,
    faults: &mut Faults,
) {
    let [a, b] = SURVIVORS;
    let (before, value) = look(&mut keys[a], faults, false);
    let held = before == Saw::Held(id(VICTIM));
    let must = match step {
        Step::Lock => when.returned || seen.held,
        Step::Set | Step::Mark => true,
        Step::Unlock(_) => when.untouched,
        Step::All => false,
    };
    if must && !held || before == Saw::Inherited(Some(id(VICTIM))) {
        faults.lost(format!("robbed of the lock, its death unknown: {before:?}"));
    }
    let may = match step {
        Step::Lock => !when.untouched,
        Step::Unlock(_) => !when.returned,
        Step::All => !when.untouched && !when.returned,
        _ => true,
    };
    if held && !may {
        faults.uncommitted("held by who does not hold it".into());
    }
    seen.held |= held;
    let arrived = value == Some(new());
    if !held {
        let marked = step == Step::Unlock(true) || step == Step::All && (arrived || when.returned);
        let begun = !(step == Step::All && arrived) && start == Start::Free;
        let wanted = match step {
            Step::Unlock(_) | Step::All if marked || begun => Saw::Clean,
            Step::Unlock(_) => Saw::Inherited(None),
            // A lock alone cannot tell whether the victim was there yet.
            Step::All if !L::HAS_VALUE && !when.untouched && before == Saw::Clean => before,
            _ => start.tells(),
        };
        if before != wanted {
            faults.lost(format!("told {before:?}, not {wanted:?}"));
        }
    }
    world.notes.declare_dead(VICTIM);
    let (after, value) = look(&mut keys[b], faults, false);
    let wanted = match (held, before) {
        (true, _) => Saw::Inherited(Some(id(VICTIM))),
        (false, Saw::Inherited(_)) => Saw::Inherited(None),
        _ => Saw::Clean,
    };
    if matches!(after, Saw::Held(_) | Saw::Error) {
        return faults.stuck(format!("the death is known: {after:?}"));
    }
    if after != wanted {
        faults.lost(format!("told {after:?}, not {wanted:?}"));
    }
    if L::HAS_VALUE {
        settle(value, step, when, seen, faults);
    }
    for (who, mark, saw) in [
        (a, false, wanted),
        (b, true, wanted),
        (a, false, Saw::Clean),
    ] {
        let (told, again) = look(&mut keys[who], faults, mark);
        let saw = match saw {
            Saw::Inherited(_) => Saw::Inherited(None),
            other => other,
        };
        if told != saw || again != value {
            faults.lost(format!(
                "{told:?} and {again:x?}, not {saw:?} and {value:x?}"
            ));
        }
    }
}

/// The value is the old one or the new, and once new always new.
fn settle(value: Option<Message>, step: Step, when: When, seen: &mut Seen, faults: &mut Faults) {
    let is_new = value == Some(new());
    if !is_new && value != Some(old()) {
        faults.torn(format!("neither value: {value:x?}"));
    }
    let (before, after) = match step {
        Step::Lock => (false, false),
        Step::Set | Step::All => (false, true),
        Step::Mark | Step::Unlock(_) => (true, true),
    };
    if is_new && (!after || when.untouched && !before) {
        faults.uncommitted("a value that was not set".into());
    }
    if !is_new && (before || seen.new || when.returned && after) {
        faults.lost("the value that was set".into());
    }
    seen.new |= is_new;
}
