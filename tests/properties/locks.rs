//! Random calls on a lock with a value, by three peers of whom some die and some leave, against a plain model of it.

use std::cell::Cell;
use std::mem::forget;

use proptest::collection::vec;
use proptest::prelude::*;
use ringpad::lock::{Acquired, Config, Guard, Locked, Refused};
use ringpad::{Identity, Life, Liveness, Peer, PeerId, Plan, Segment};

use super::Item;
use crate::regions::{EACH_TRUST, Room, Trust};

type Value = [u64; 3];

/// Peers of the model.
const PEERS: usize = 3;

#[derive(Clone, Copy, Debug)]
enum Call {
    /// A peer tries to lock, sets so many values, marks perhaps, and unlocks.
    Turn {
        by: usize,
        sets: u8,
        marks: bool,
        end: End,
    },
    /// Somebody else's lock is looked at.
    Look(usize),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Unlock,
    /// Forgets the guard and goes on.
    Forget,
    /// Dies with it; the row is another's from then on.
    Die,
    /// Leaves with it.
    Leave,
}

fn calls() -> impl Strategy<Value = Call> {
    let end = prop_oneof![
        6 => Just(End::Unlock),
        1 => Just(End::Forget),
        2 => Just(End::Die),
        1 => Just(End::Leave),
    ];
    let turn = (0..PEERS, 0..4u8, any::<bool>(), end);
    prop_oneof![
        5 => turn.prop_map(|(by, sets, marks, end)| Call::Turn { by, sets, marks, end }),
        1 => (0..PEERS).prop_map(Call::Look),
    ]
}

/// Says which rows' peers died; they come again in the next life.
#[derive(Default)]
struct Deaths([Cell<bool>; PEERS]);

// SAFETY: one thread uses it.
unsafe impl Sync for Deaths {}

// SAFETY: the test says so only of peers that it forgot.
unsafe impl Liveness for Deaths {
    fn state(&self, peer: PeerId) -> Life {
        match self.0[peer.get() as usize - 1].get() {
            true => Life::Dead,
            false => Life::Unknown,
        }
    }
}

/// What the lock is, plainly.
#[derive(Default)]
struct Model {
    /// Who has it, and whether that one is gone.
    holder: Option<(usize, bool)>,
    poisoned: bool,
    value: Value,
    next: u64,
    /// Wrong, for the control: unlocking takes the poison along.
    forgetful: bool,
}

impl Model {
    fn unlock(&mut self) {
        self.holder = None;
        self.poisoned &= !self.forgetful;
    }

    /// What a peer that tries to lock must be told.
    fn lock(&mut self, by: usize) -> Result<Option<Option<usize>>, usize> {
        let from = match self.holder {
            Some((holder, false)) => return Err(holder),
            Some((holder, true)) => Some(holder),
            None => None,
        };
        self.poisoned |= from.is_some();
        self.holder = Some((by, false));
        Ok(self.poisoned.then_some(from))
    }
}

/// Where the row's state lies in a segment.
const fn row(peer: usize) -> usize {
    384 + 128 * peer
}

fn told(
    had: &Result<Acquired<Guard<'_, '_, Value>>, Refused>,
) -> Result<Option<Option<usize>>, usize> {
    let index = |peer: PeerId| peer.get() as usize - 1;
    match had {
        Ok(Acquired::Clean(_)) => Ok(None),
        Ok(Acquired::Inherited { from, .. }) => Ok(Some(from.map(index))),
        Err(Refused::Held { by }) => Err(index(*by)),
        Err(other) => panic!("{other}"),
    }
}

/// What a peer does with the lock; how that ended, if it had it.
fn turn(
    segment: &Segment<'_>,
    me: &Peer<'_>,
    model: &mut Model,
    (sets, marks, end): (u8, bool, End),
) -> Option<End> {
    let by = me.id().get() as usize - 1;
    let lock: Locked<'_, Value> = segment.open("lock").unwrap();
    let mut key = lock.key(me).unwrap();
    let had = key.try_lock();
    assert_eq!(told(&had), model.lock(by));
    let mut guard = had.ok()?.into_guard();
    assert_eq!(guard.get(), model.value);
    assert_eq!(guard.is_poisoned(), model.poisoned);
    for _ in 0..sets {
        model.next += 1;
        model.value = Item::of(model.next);
        guard.set(&model.value);
        assert_eq!(guard.get(), model.value);
    }
    if marks {
        guard.mark_consistent();
        model.poisoned = false;
    }
    match end {
        End::Unlock => {
            drop(guard);
            model.unlock();
        }
        _ => {
            forget(guard);
            model.holder = Some((by, end != End::Forget));
        }
    }
    Some(end)
}

fn play(trust: Trust, calls: &[Call], forgetful: bool) {
    let plan = Plan::<1>::new().peers(PEERS as u32).unwrap();
    let plan = plan.channel::<Locked<'_, Value>>("lock", &Config::new());
    let plan = plan.unwrap();
    let room = Room::new(plan.layout().unwrap().size());
    let deaths = Deaths::default();
    let segment = Segment::init(room.region(trust), &plan).unwrap();
    let join = || segment.join(&Identity::default(), &deaths).unwrap();
    let mut peers: [Option<Peer<'_>>; PEERS] = std::array::from_fn(|_| Some(join()));
    let mut model = Model {
        forgetful,
        ..Model::default()
    };
    for call in calls {
        let (by, what) = match *call {
            Call::Turn {
                by,
                sets,
                marks,
                end,
            } => (by, (sets, marks, end)),
            Call::Look(by) => {
                let lock: Locked<'_, Value> = segment.open("lock").unwrap();
                let key = lock.key(peers[by].as_ref().unwrap()).unwrap();
                let holder = model.holder.map(|(holder, _)| holder as u32 + 1);
                assert_eq!(key.holder().map(PeerId::get), holder);
                continue;
            }
        };
        let ended = turn(&segment, peers[by].as_ref().unwrap(), &mut model, what);
        match ended {
            Some(End::Leave) => {
                peers[by] = None;
                peers[by] = Some(join());
            }
            Some(End::Die) => {
                // Proven dead while another takes the lock.
                deaths.0[by].set(true);
                let heir = peers[(by + 1) % PEERS].as_ref().unwrap();
                let quick = (1, false, End::Unlock);
                assert_eq!(turn(&segment, heir, &mut model, quick), Some(End::Unlock));
                forget(peers[by].take());
                deaths.0[by].set(false);
                // As healing leaves its row: free, in an even generation.
                let generation = room.get(row(by)) >> 8;
                room.set(row(by), (generation + 1) << 8);
                peers[by] = Some(join());
            }
            Some(End::Unlock | End::Forget) | None => {}
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 384, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn a_lock_is_what_its_model_is(calls in vec(calls(), 0..60)) {
        for trust in EACH_TRUST {
            play(trust, &calls, false);
        }
    }
}

#[test]
fn control_a_model_that_forgets_poison_is_noticed() {
    let turn = |by, end| Call::Turn {
        by,
        sets: 1,
        marks: false,
        end,
    };
    let calls = [turn(0, End::Die), turn(2, End::Unlock)];
    play(EACH_TRUST[0], &calls, false);
    assert!(std::panic::catch_unwind(|| play(EACH_TRUST[0], &calls, true)).is_err());
}
