//! Reaping where rows have no locks: whoever proves a death gives back what the dead one held, once, beside others who do the same, beside
//! newcomers in the row, and after a reaper's own death at any step.
//!
//! Rows that have locks: `reap_locked.rs`. That a sleeper's bit is set behind the pass that clears it (LEAVE/JOIN) is seen by no model
//! here: the checker runs no exchange later than the program says. `peers.rs` has the model that dies without them.

mod common;

use std::rc::Rc;
use std::sync::Arc;

use common::world::{World, if_free, named};
use common::{EITHER, Model, RACE, killed_at_each_step, saw};
use loom::sync::atomic::{AtomicBool, Ordering};
use loom::thread;
use ringpad::hooks::probe::{Wrong, reap_wrongly, sleepers};
use ringpad::{Life, Liveness, NoProof, Peer, PeerId, Plan, Reaped, Silent, Sleeper, spsc};

/// Knows of each row whether its peer is dead: one look.
#[derive(Default)]
struct Roll([AtomicBool; 5]);

impl Roll {
    fn bury(&self, row: u32) {
        self.0[row as usize].store(true, Ordering::Release);
    }

    /// Whoever joins there next is another: before it joins, and once its last peer sits there no more.
    fn forget(&self, row: u32) {
        self.0[row as usize].store(false, Ordering::Relaxed);
    }
}

// SAFETY: models bury a peer after its last access, and forget it before the next; the store is a release, the answer an acquire.
unsafe impl Liveness for Roll {
    fn state(&self, peer: PeerId) -> Life {
        match self.0[peer.get() as usize].load(Ordering::Acquire) {
            true => Life::Dead,
            false => Life::Alive,
        }
    }
}

const ROW: PeerId = PeerId::new(1).unwrap();

/// A segment with a ring, and who is known to be dead in it.
struct Land {
    world: World,
    roll: Arc<Roll>,
}

impl Land {
    fn new(rows: u32) -> Self {
        Self::over(World::with_ring(rows, 4))
    }

    fn over(world: World) -> Self {
        let roll = Arc::default();
        Self { world, roll }
    }

    fn roll(&self) -> &'static Roll {
        // SAFETY: the Arc keeps it where it is for as long as the land lives, longer than any modelled thread.
        unsafe { &*Arc::as_ptr(&self.roll) }
    }

    /// Joins in any row that is free.
    fn sits(&self, who: u32) -> Peer<'static> {
        let joined = self.world.segment.join(&named(who), self.roll());
        joined.expect("a free row")
    }

    /// In any thread: joins in the first row if its dead peer sits there no more. Never leaves.
    fn newcomer(&self) -> impl FnOnce() -> Option<&'static Peer<'static>> + use<> {
        let (segment, roll) = (self.world.segment, self.roll());
        move || {
            let gone = segment.occupant(ROW).is_none();
            let joined = gone.then(|| {
                roll.forget(1);
                segment.join(&named(4), roll)
            });
            let peer = joined.and_then(Result::ok);
            saw(if peer.is_some() { "joined" } else { "no row" });
            peer.map(|peer| &*Box::leak(Box::new(peer)))
        }
    }

    /// One in row 1 that has pushed 1 and died.
    fn dead(&self) {
        let dead = self.sits(1);
        self.push(&dead, 1);
        std::mem::forget(dead);
        self.roll.bury(1);
    }

    /// Pushes, and forgets the end.
    fn push(&self, me: &Peer<'static>, item: u32) -> bool {
        let Some(mut tx) = if_free(self.world.ring().producer(me)) else {
            return false;
        };
        tx.push(item).unwrap();
        std::mem::forget(tx);
        true
    }

    fn contents(&self, me: &Peer<'static>) -> Vec<u32> {
        let mut rx = self.world.ring().consumer(me).unwrap();
        std::iter::from_fn(|| rx.pop()).collect()
    }

    fn sleepers(&self) -> u32 {
        sleepers(self.world.bytes_of_channel()).unwrap()
    }
}

fn reap(me: &Peer<'_>) -> Reaped {
    me.reap(&Silent).unwrap()
}

/// Both together, as a pair of counts.
fn sum(passes: &[Reaped]) -> (u32, u32) {
    passes
        .iter()
        .fold((0, 0), |(p, e), more| (p + more.peers, e + more.ends))
}

/// Two reapers give everything back once between them, and leave nothing to a third.
#[test]
fn two_reapers_race() {
    let model = Model::new("two reap", 2, || {
        let land = Rc::new(Land::new(3));
        land.dead();
        let (a, b) = (land.sits(2), land.sits(3));
        let other = thread::spawn(move || (reap(&b), b));
        let mine = reap(&a);
        let (theirs, b) = other.join().unwrap();
        assert_eq!(sum(&[mine, theirs]), (1, 1), "once");
        saw(match (mine.ends, theirs.ends) {
            (1, 0) => "mine",
            _ => "theirs",
        });
        assert!(
            reap(&b).is_nothing() && reap(&a).is_nothing(),
            "a second pass"
        );
        assert_eq!(land.world.segment.occupant(ROW), None);
        assert!(land.push(&a, 2));
        assert_eq!(land.contents(&b), [1, 2]);
    });
    model.preemptions(1).sees(&["mine", "theirs"]).holds();
}

/// What the dead one committed is there for whoever has its end next: by the claim that the reaper freed (UNCLAIM/CLAIM), by its row that is
/// being reaped (REAP/DEPARTED) or has been (LEAVE, behind REAP). The next owner has no proof of its own.
#[test]
fn the_next_owner_goes_on_where_the_dead_one_was() {
    let model = Model::new("reaped, then claimed without proof", 3, || {
        let land = Rc::new(Land::new(3));
        // Never dropped: it dies.
        let dead: &Peer<'_> = Box::leak(Box::new(land.sits(1)));
        let reaper = land.sits(2);
        let next = land.world.segment.join(&named(3), &NoProof).unwrap();
        let roll = land.roll();
        let mut tx = land.world.ring().producer(dead).unwrap();
        let dying = thread::spawn(move || {
            tx.push(1).unwrap();
            std::mem::forget(tx);
            roll.bury(1);
        });
        let pass = thread::spawn(move || {
            reap(&reaper);
            reaper
        });
        let mine = land.push(&next, 2);
        dying.join().unwrap();
        let reaper = pass.join().unwrap();
        reap(&reaper);
        let got = land.contents(&reaper);
        let want: &[u32] = if mine { &[1, 2] } else { &[1] };
        assert_eq!(got, want);
    });
    let model = model.preemptions(2).sees(EITHER);
    model.holds();
    for edge in ["unclaim", "claim", "reap", "departed"] {
        model.dies_without(edge, RACE);
    }
}

const END: &str = "a living peer's end was taken away";
const BIT: &str = "a living sleeper's bit was taken away";

/// A late reaper beside a newcomer in the row that another freed: the newcomer's claim stands. JOIN/DEPARTED, for what the oracle was told;
/// CLAIM/FOUND, for the newcomer's row.
#[test]
fn a_newcomer_in_the_row_keeps_its_end() {
    let model = Model::new("newcomer claims beside a late reaper", 3, || {
        let land = Rc::new(Land::new(3));
        land.dead();
        let (a, b) = (land.sits(2), land.sits(3));
        let (ring, join) = (land.world.ring(), land.newcomer());
        let first = thread::spawn(move || {
            reap(&a);
            std::mem::forget(a);
            let tx = if_free(ring.producer(join()?));
            std::mem::forget(tx.expect("its owner is dead"));
            Some(())
        });
        let other = thread::spawn(move || (reap(&b), b));
        let new = first.join().unwrap();
        let (_, b) = other.join().unwrap();
        if new.is_some() {
            assert!(land.world.ring().producer(&b).is_err(), "{END}");
            assert!(reap(&b).is_nothing(), "a second pass");
        }
    });
    // Of interleavings proper `a_reaper_dies` sees more; this one is about what is seen late.
    let model = model.preemptions(0).sees(&["joined"]);
    model.holds();
    for edge in ["claim", "found", "join"] {
        model.dies_without(edge, END);
    }
}

/// As above, and the newcomer sleeps: its bit stays. Bits name no life, so the pass must come before the row is free, must hold the row,
/// and nobody may take that from it.
fn sleeper(name: &str, late: impl Fn(&Peer<'_>) + Copy + Send + Sync + 'static) -> Model {
    let model = Model::new(name, 3, move || {
        let land = Rc::new(Land::new(3));
        std::mem::forget(land.sits(1));
        land.roll.bury(1);
        let a: &Peer<'_> = Box::leak(Box::new(land.sits(2)));
        let (b, join) = (land.sits(3), land.newcomer());
        let rx = land.world.ring().consumer(a).unwrap();
        let other = thread::spawn(move || {
            late(&b);
            std::mem::forget(b);
        });
        let first = thread::spawn(move || {
            reap(a);
            let mut sleeper = Sleeper::of(join()?).unwrap();
            std::mem::forget(sleeper.arm(&[rx.bell()]).unwrap());
            std::mem::forget(rx);
            Some(())
        });
        let new = first.join().unwrap();
        other.join().unwrap();
        if new.is_some() {
            assert_eq!(land.sleepers(), 1, "{BIT}");
        }
    });
    model.preemptions(1).sees(&["joined", "no row"])
}

#[test]
fn a_newcomer_in_the_row_sleeps_on() {
    sleeper("newcomer sleeps beside a late reaper", |b| {
        reap(b);
    })
    .holds();
}

#[test]
fn control_passes_that_do_not_hold_the_row_are_caught() {
    for how in [
        Wrong::FreesFirst,
        Wrong::HoldsNothing,
        Wrong::TakesFromTheLiving,
    ] {
        let wrong = move |b: &Peer<'_>| {
            reap_wrongly(b, ROW, how, &Silent).unwrap();
        };
        sleeper(&format!("newcomer sleeps, {how:?}"), wrong).dies(BIT);
    }
}

/// A reaper stops at any step of its pass, others go on, it turns out dead, and is reaped in turn; beside a newcomer where there is room.
#[test]
fn a_reaper_dies() {
    killed_at_each_step(|victim| {
        Model::new("reaper killed", 2, move || {
            let land = Rc::new(Land::new(3));
            land.dead();
            let (a, b) = (land.sits(2), land.sits(3));
            let (ring, join) = (land.world.ring(), land.newcomer());
            let newcomer = thread::spawn(move || {
                let me = join()?;
                let mut tx = if_free(ring.producer(me)).expect("its owner is dead");
                tx.push(2).unwrap();
                std::mem::forget(tx);
                Some(me)
            });
            victim.dies(|| {
                reap(&a);
            });
            // Only stopped, as far as anybody knows.
            let first = reap(&b);
            let new = newcomer.join().unwrap();
            std::mem::forget(a);
            land.roll.bury(2);
            let second = reap(&b);
            assert!(reap(&b).is_nothing(), "a second pass");
            assert!(
                first.peers <= 1 && second.peers >= 1,
                "{first:?} {second:?}"
            );
            let want: &[u32] = if new.is_some() { &[1, 2] } else { &[1] };
            // Everything but what the living hold.
            let rows = 2 - usize::from(new.is_some());
            let others: Vec<_> = (0..rows).map(|_| land.sits(0)).collect();
            assert_eq!(land.contents(&others[0]), want);
            assert_eq!(land.push(&others[0], 3), new.is_none());
        })
        .preemptions(1)
        .sees(&["joined", "no row"])
    });
}

/// Whoever takes an end over beside the pass has it.
#[test]
fn a_take_over_beside_the_pass_stands() {
    let model = Model::new("taken over beside a pass", 2, || {
        let land = Rc::new(Land::new(3));
        land.dead();
        let (a, b) = (land.sits(2), land.sits(3));
        let ring = land.world.ring();
        let taker = thread::spawn(move || {
            let mut tx = ring.producer(&b).expect("its owner is dead");
            tx.push(2).unwrap();
            std::mem::forget(tx);
            b
        });
        let mine = reap(&a);
        saw(if mine.ends == 1 {
            "given back"
        } else {
            "taken over"
        });
        let b = taker.join().unwrap();
        assert!(reap(&a).is_nothing(), "a second pass");
        assert!(land.world.ring().producer(&a).is_err(), "{END}");
        assert_eq!(land.contents(&b), [1, 2]);
    });
    let model = model.preemptions(2).sees(&["given back", "taken over"]);
    model.holds();
}

/// A creator of channels dies at any step: its right comes back, and the next makes the same channel.
#[test]
fn a_creator_s_right_comes_back() {
    type Ring = spsc::Spsc<'static, u32>;
    let config = spsc::Config::new(2);
    killed_at_each_step(|victim| {
        Model::new("creator killed", 2, move || {
            let plan = Plan::new().peers(3).unwrap().spare(1, 2048);
            let land = Rc::new(Land::over(World::new(&plan)));
            let (a, b, c) = (land.sits(1), land.sits(2), land.sits(3));
            let segment = land.world.segment;
            let pass = thread::spawn(move || {
                reap(&b);
                b
            });
            let mut made = false;
            victim.dies(|| made = segment.create::<Ring>(&a, "new", &config).is_ok());
            std::mem::forget(a);
            land.roll.bury(1);
            let b = pass.join().unwrap();
            reap(&b);
            assert!(reap(&b).is_nothing(), "a second pass");
            let listed = segment.entries().count();
            assert!(listed == 1 || !made);
            saw(if listed == 1 { "listed" } else { "unlisted" });
            let again = segment.create::<Ring>(&c, "new", &config);
            assert_eq!(again.is_ok(), listed == 0, "{:?}", again.err());
        })
        .preemptions(2)
        .sees(&["listed", "unlisted"])
    });
}
