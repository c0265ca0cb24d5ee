//! The models' own guard: that the checker, as the facade dresses it, misses nothing that it should see, that
//! a modelled crash is one, and that every edge has a model that dies without it.

mod common;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use common::world::{Pair, Pipes, Room, World, if_free, mailslot, named, ring};
use common::{ASLEEP, Model, RACE, TORN};
use loom::thread;
use ringpad::hooks::probe::{Word, fence_arm, fence_ring, mailslot_at};
use ringpad::hooks::{crash_at, edges};
use ringpad::mailslot::reliable::{self, Delivery, Reliable};
use ringpad::mailslot::{self, Next, Start};
use ringpad::spsc::{Config, Spsc};
use ringpad::{Channel, Identity, NoProof, Plan, Silent, Sleeper};

type Ring = Spsc<'static, u32>;

/// Runs `model` with and without shadow words and returns what it saw.
fn outcomes(shadows: bool, model: fn(&Mutex<BTreeSet<u32>>)) -> BTreeSet<u32> {
    let seen = Arc::new(Mutex::new(BTreeSet::new()));
    let out = seen.clone();
    let model = Model::new("loads beside an exchange", 2, move || model(&out));
    let model = if shadows {
        model
    } else {
        model.without_shadows()
    };
    model.holds();
    drop(model);
    Arc::into_inner(seen).unwrap().into_inner().unwrap()
}

/// A load and an exchange of one word in one thread, a load of it in the other.
fn load_beside_an_exchange(seen: &Mutex<BTreeSet<u32>>) {
    let word = Arc::new(Word::new());
    let theirs = word.clone();
    word.store(0);
    let other = thread::spawn(move || {
        theirs.load();
        assert!(theirs.replace(0, 5));
    });
    seen.lock().unwrap().insert(word.load());
    other.join().unwrap();
}

/// loom 0.7 by itself never sees the exchange before the load (tokio-rs/loom#166, #392). Once the first assertion
/// fails that is mended, and the shadow words of src/memory/sync.rs may go.
#[test]
fn shadow_words_show_what_the_checker_misses() {
    assert_eq!(outcomes(false, load_beside_an_exchange).len(), 1);
    assert_eq!(outcomes(true, load_beside_an_exchange), [0, 5].into());
}

/// Shadow words are read and written too; beside fences that must not order what the fences do not.
#[test]
fn shadow_words_hide_no_missing_fence() {
    let model = Model::new("two fences", 2, || {
        let words = Arc::new([Word::new(), Word::new()]);
        words.iter().for_each(|word| word.store(0));
        let theirs = words.clone();
        let other = thread::spawn(move || {
            theirs[0].store(1);
            fence_ring();
            theirs[1].load()
        });
        words[1].store(1);
        fence_arm();
        let mine = words[0].load();
        assert_ne!(
            (mine, other.join().unwrap()),
            (0, 0),
            "neither saw the other"
        );
    });
    model.holds();
    model.dies_without("ring", "neither saw the other");
    model.dies_without("arm", "neither saw the other");
}

/// Writes when it is dropped.
struct Last(Arc<[Word; 3]>);

impl Drop for Last {
    fn drop(&mut self) {
        self.0[2].store(9);
        self.0[2].replace(9, 8);
    }
}

/// Dead before its `step`-th write a thread has made `step` of them, its drops make none, and others go on.
#[test]
fn a_crash_kills_at_its_step_and_drops_nothing() {
    for step in 0..5 {
        let model = Model::new(&format!("crash at {step}"), 2, move || {
            let words = Arc::new([Word::new(), Word::new(), Word::new()]);
            words.iter().for_each(|word| word.store(0));
            let (theirs, beside) = (Last(words.clone()), words.clone());
            let other = thread::spawn(move || {
                crash_at(step, || {
                    let last = theirs;
                    last.0[0].store(1);
                    last.0[0].store(2);
                })
            });
            beside[1].store(1);
            beside[1].store(2);
            // Two writes, and two of the drop.
            assert_eq!(other.join().unwrap().is_some(), step >= 4);
            let want = [step.min(2), 2, [0, 0, 0, 9, 8][step as usize]];
            assert_eq!(words.each_ref().map(Word::load), want);
        });
        model.holds();
    }
}

/// PUBLISH/OBSERVE and RELEASE/RECLAIM: two items through one slot.
fn slot() -> Model {
    Model::new("slot", 2, || {
        let (_room, mut tx, mut rx) = ring(1, 0);
        let producer = thread::spawn(move || {
            let _ = (tx.push(0), tx.push(1));
        });
        rx.pop();
        producer.join().unwrap();
    })
}

/// READY/ATTACH: a header.
fn header() -> Model {
    Model::new("header", 2, || {
        let config = Config::new(1);
        let room = Room::new(Ring::layout(&config).unwrap().size());
        assert!(Ring::attach(room.region()).is_err());
        let region = room.region();
        let maker = thread::spawn(move || Ring::init(region, &config).map(drop).unwrap());
        let _ = Ring::attach(room.region());
        maker.join().unwrap();
    })
}

/// LISTED/LOOKUP: an entry.
fn entry() -> Model {
    Model::new("entry", 2, || {
        let config = Config::new(1);
        let bytes = Ring::layout(&config).unwrap().size() as u64;
        let world = World::new(&Plan::new().peers(1).unwrap().spare(1, bytes));
        let (me, segment) = (world.join(), world.segment);
        let creator = thread::spawn(move || segment.create::<Ring>(me, "late", &config).map(drop));
        let _ = world.segment.open::<Ring>("late");
        creator.join().unwrap().unwrap();
    })
}

/// UNCLAIM/CLAIM: an end.
fn end() -> Model {
    Model::new("end", 2, || {
        let world = World::with_ring(2, 2);
        let (a, b, again) = (world.join(), world.join(), world.ring());
        let mut tx = world.ring().producer(a).unwrap();
        let other = thread::spawn(move || if_free(again.producer(b)).map(|mut tx| tx.push(2)));
        tx.push(1).unwrap();
        drop(tx);
        other.join().unwrap();
    })
}

const TWICE: &str = "two have one end";

/// CLAIM/FOUND: an end of a peer that has joined just now.
fn newcomer() -> Model {
    Model::new("newcomer", 2, || {
        let world = World::with_ring(2, 2);
        let (a, again, join) = (world.join(), world.ring(), world.joiner(1));
        let newcomer = thread::spawn(move || {
            let me = join().expect("a free row");
            let held = if_free(again.producer(&me)).map(std::mem::forget);
            (me, held.is_some())
        });
        let mine = if_free(world.ring().producer(a)).map(std::mem::forget);
        let (_me, theirs) = newcomer.join().unwrap();
        assert!(mine.is_some() != theirs, "{TWICE}");
    })
}

/// LEAVE/JOIN and LIVE/DEPARTED: a row, left by one peer, entered by the next, and asked for by a third, which takes
/// what the first one left claimed.
fn row() -> Model {
    let model = Model::new("row", 3, || {
        let world = World::with_ring(2, 2);
        let (first, b, again) = (world.visitor(), world.join(), world.ring());
        let (segment, oracle, ring) = (world.segment, world.oracle(), world.ring());
        let mut tx = ring.producer(&first).unwrap();
        let taker = thread::spawn(move || if_free(again.producer(b)).map(|mut tx| tx.push(2)));
        let joiner = thread::spawn(move || segment.join(&Identity::default(), oracle).is_ok());
        tx.push(1).unwrap();
        std::mem::forget(tx);
        drop(first);
        let _ = (taker.join().unwrap(), joiner.join().unwrap());
    });
    model.preemptions(2)
}

/// ARM/RING: a sleeper.
fn sleeper() -> Model {
    Model::new("sleeper", 2, || {
        let world = World::with_ring(2, 1);
        let (a, b, pipes) = (world.join(), world.join(), Pipes::new());
        let ring = world.ring();
        let tx = ring.producer(a).unwrap().ringing(a, pipes.clone());
        let (mut tx, mut rx) = (tx.unwrap(), ring.consumer(b).unwrap());
        let mut sleeper = Sleeper::of(b).unwrap();
        let producer = thread::spawn(move || tx.push(1));
        let ends = [rx.bell()];
        let _armed = sleeper.arm(&ends).unwrap();
        if rx.pop().is_none() {
            pipes.sleep(b.id());
        }
        producer.join().unwrap().unwrap();
    })
}

/// A message published beside one look at a slot: at the slot's message before it, or at the new one. No thread here loads a word and
/// then writes it, so that the checker misses nothing without shadows.
fn stamped(name: &str, from: u64, next: u64) -> Model {
    Model::new(name, 2, move || {
        let (_room, slot, mut tx) = mailslot::<Pair>(&mailslot::Config::new(2), from);
        let mut rx = slot.subscriber(Start::At(next));
        let publisher = thread::spawn(move || (tx.publish(&[7; 2]), tx));
        let value = match rx.poll() {
            Next::Mail { value, .. } => Some(value),
            _ => None,
        };
        let (sent, _tx) = publisher.join().unwrap();
        let want = if sent == next { [7; 2] } else { [0; 2] };
        assert!(value.is_none_or(|value| value == want), "torn: {value:?}");
    })
    .without_shadows()
}

/// OPEN/VALIDATE: a slot that is overwritten.
fn overwritten() -> Model {
    stamped("slot overwritten", 2, 1)
}

/// CLOSE/ARRIVE: a slot found by its stamp.
fn found() -> Model {
    stamped("slot found", 0, 1)
}

/// ENROL/GRANT: a subscriber that joins while the publisher takes new credit.
fn joiner() -> Model {
    Model::new("joiner", 2, || {
        let world = World::with::<Reliable<u32>>(2, &reliable::Config::new(2, 1));
        mailslot_at(world.bytes_of_channel(), 0).unwrap();
        let (a, b) = (world.join(), world.join());
        let slot = world.open::<Reliable<u32>>();
        let mut publisher = slot.publisher(a).unwrap();
        (1..=2).for_each(|n| _ = publisher.try_publish(&n).unwrap());
        let publishing = thread::spawn(move || while let Ok(1..=4) = publisher.try_publish(&3) {});
        let mut subscriber = slot.subscriber(b, Start::Oldest).unwrap();
        publishing.join().unwrap();
        let next = subscriber.poll();
        assert!(!matches!(next, Delivery::Evicted { .. }), "lost: {next:?}");
    })
    .preemptions(1)
}

/// REAP, with DEPARTED: who finds a row being reaped needs no proof of its own, and finds what the dead one did.
fn reaped() -> Model {
    Model::new("row being reaped", 2, || {
        let world = World::with_ring(3, 2);
        let (dead, reaper) = (world.join(), world.join());
        let next = world.segment.join(&named(3), &NoProof).unwrap();
        let mut tx = world.ring().producer(dead).unwrap();
        let oracle = world.oracle();
        let pass = thread::spawn(move || {
            tx.push(1).unwrap();
            std::mem::forget(tx);
            oracle.bury(dead.id());
            reaper.reap(&Silent).unwrap();
        });
        if let Some(mut tx) = if_free(world.ring().producer(&next)) {
            tx.push(2).unwrap();
        }
        pass.join().unwrap();
    })
    .preemptions(2)
}

type Smallest = (&'static [&'static str], fn() -> Model, &'static str);

/// The smallest model of every edge, and how it dies without. The other files have larger ones.
const SMALLEST: [Smallest; 11] = [
    (&["publish", "observe", "release", "reclaim"], slot, RACE),
    (&["ready", "attach"], header, RACE),
    (&["listed", "lookup"], entry, RACE),
    (&["unclaim", "claim"], end, RACE),
    (&["found"], newcomer, TWICE),
    (&["leave", "live", "departed", "join"], row, RACE),
    (&["reap"], reaped, RACE),
    (&["arm", "ring"], sleeper, ASLEEP),
    (&["open", "validate"], overwritten, TORN),
    (&["close", "arrive"], found, TORN),
    (&["enrol", "grant"], joiner, "lost"),
];

#[test]
fn every_edge_has_a_model() {
    let have: BTreeSet<_> = SMALLEST.iter().flat_map(|(edges, ..)| *edges).collect();
    assert_eq!(have, edges().iter().collect());
}

#[test]
fn every_edge_is_needed() {
    for (edges, model, because) in SMALLEST {
        model().holds();
        for edge in edges {
            model().dies_without(edge, because);
        }
    }
}
