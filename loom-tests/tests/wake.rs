//! Doorbells: whoever sleeps is woken by whoever commits next. A lost wake-up is a deadlock of the model.

mod common;

use common::world::{Pipes, World};
use common::{ASLEEP, Model, Victim, killed_at_each_step};
use loom::thread;
use ringpad::hooks::probe::{clear_armed, restart_epochs};
use ringpad::spsc::{Config, Consumer, Producer, Spsc};
use ringpad::{Armed, Peer, PeerId, Plan, Ringer, Segment, Signal, Sleeper};

/// A model that holds by ARM and RING, and by neither alone.
fn needs_both(model: &Model) {
    model.holds();
    model.dies_without("arm", ASLEEP);
    model.dies_without("ring", ASLEEP);
}

/// As the os layer waits: arm, recheck, sleep, arm again.
fn sleep_until<T>(
    pipes: &Pipes,
    me: &Peer<'_>,
    armed: &mut Armed<'_, '_, ()>,
    mut ready: impl FnMut() -> Option<T>,
) -> T {
    loop {
        if let Some(value) = ready() {
            return value;
        }
        pipes.sleep(me.id());
        armed.again();
    }
}

type Tx = Producer<'static, u32, Ringer<'static, Pipes>>;
type Rx = Consumer<'static, u32>;

/// The ends of the world's ring; the producer rings.
fn ends(
    world: &World,
    a: &'static Peer<'static>,
    b: &'static Peer<'static>,
    pipes: &Pipes,
) -> (Tx, Rx) {
    let (tx, rx) = (
        world.ring().producer(a).unwrap(),
        world.ring().consumer(b).unwrap(),
    );
    (tx.ringing(a, pipes.clone()).unwrap(), rx)
}

/// ARM/RING: either the sleeper's recheck sees the commit, or the producer sees the sleeper.
fn one_sleeper(items: u32) -> Model {
    Model::new(&format!("one sleeper, {items} items"), 2, move || {
        let world = World::with_ring(2, 4);
        let (a, b, pipes) = (world.join(), world.join(), Pipes::new());
        let (mut tx, mut rx) = ends(&world, a, b, &pipes);
        let mut sleeper = Sleeper::of(b).unwrap();
        let producer = thread::spawn(move || {
            (0..items).for_each(|n| tx.push(n).unwrap());
            std::mem::forget(tx);
        });
        let ends = [rx.bell()];
        let mut armed = sleeper.arm(&ends).unwrap();
        for n in 0..items {
            assert_eq!(sleep_until(&pipes, b, &mut armed, || rx.pop()), n);
        }
        producer.join().unwrap();
    })
    .sees(&["asleep", "rung"])
}

#[test]
fn a_consumer_sleeps_until_there_is_data() {
    one_sleeper(1).holds();
    // No thread here loads a word and then writes it, so that the checker misses nothing without shadows.
    one_sleeper(2).without_shadows().holds();
    for (items, preemptions) in [(2, 3), (3, 2)] {
        needs_both(&one_sleeper(items).preemptions(preemptions));
    }
}

/// As the os layer's waiter: looks before it empties the pipe, which it may leave to its next wait, but does before it looks there.
/// `late`: after that look, which swallows the ring of an item that came since.
fn answers_first(items: u32, late: bool) -> Model {
    let name = format!("answers before it drains, {items} items, late {late}");
    Model::new(&name, 2, move || {
        let world = World::with_ring(2, 4);
        let (a, b, pipes) = (world.join(), world.join(), Pipes::new());
        let (mut tx, mut rx) = ends(&world, a, b, &pipes);
        let mut sleeper = Sleeper::of(b).unwrap();
        let producer = thread::spawn(move || {
            (0..items).for_each(|n| tx.push(n).unwrap());
            std::mem::forget(tx);
        });
        let bells = [rx.bell()];
        let mut undrained = false;
        for n in 0..items {
            let mut armed = sleeper.arm(&bells).unwrap();
            let found = loop {
                if std::mem::take(&mut undrained) && !late {
                    pipes.drain(b.id());
                }
                if let Some(found) = rx.pop() {
                    break found;
                }
                if late {
                    pipes.drain(b.id());
                }
                pipes.wait(b.id());
                undrained = true;
                if let Some(found) = rx.pop() {
                    break found;
                }
                armed.again();
            };
            assert_eq!(found, n);
        }
        producer.join().unwrap();
    })
    .sees(&["asleep", "rung"])
}

#[test]
fn a_sleeper_answers_before_it_empties_its_pipe() {
    needs_both(&answers_first(2, false).preemptions(2));
    answers_first(2, true).preemptions(2).dies(ASLEEP);
    answers_first(3, false).preemptions(1).holds();
}

/// ARM/RING on two ends at once: whichever of two producers commits rings the one pipe.
#[test]
fn a_consumer_sleeps_at_two_channels() {
    let model = Model::new("one sleeper, two channels", 3, || {
        let two = |plan: Plan<2>, name| plan.channel::<Spsc<u32>>(name, &Config::new(2)).unwrap();
        let plan = Plan::new().peers(3).unwrap();
        let world = World::new(&two(two(plan, "left"), "right"));
        let (b, pipes) = (world.join(), Pipes::new());
        let rings = ["left", "right"].map(|name| world.segment.open::<Spsc<u32>>(name).unwrap());
        let mut ends = rings.each_ref().map(|ring| ring.consumer(b).unwrap());
        let mut sleeper = Sleeper::of(b).unwrap();
        let producers = rings.map(|ring| {
            let a = world.join();
            let tx = ring.producer(a).unwrap().ringing(a, pipes.clone());
            let mut tx = tx.unwrap();
            thread::spawn(move || {
                tx.push(a.id().get()).unwrap();
                std::mem::forget(tx);
            })
        });
        let bells = ends.each_ref().map(|rx| rx.bell());
        let mut armed = sleeper.arm(&bells).unwrap();
        let mut sum = 0;
        while sum < 2 + 3 {
            sum += sleep_until(&pipes, b, &mut armed, || {
                ends.iter_mut().find_map(|rx| rx.pop())
            });
        }
        for producer in producers {
            producer.join().unwrap();
        }
    });
    needs_both(&model.sees(&["asleep", "rung"]).preemptions(2));
}

/// ARM/RING both ways: the producer sleeps for space, the consumer for data, in one slot.
#[test]
fn both_ends_sleep() {
    let model = Model::new("both ends sleep", 2, || {
        let world = World::with_ring(2, 1);
        let (a, b, pipes) = (world.join(), world.join(), Pipes::new());
        let (mut tx, rx) = ends(&world, a, b, &pipes);
        let (mut rx, bells) = (rx.ringing(b, pipes.clone()).unwrap(), pipes.clone());
        let (mut for_space, mut for_data) = (Sleeper::of(a).unwrap(), Sleeper::of(b).unwrap());
        let consumer = thread::spawn(move || {
            let ends = [rx.bell()];
            let mut armed = for_data.arm(&ends).unwrap();
            for n in 0..2 {
                assert_eq!(sleep_until(&bells, b, &mut armed, || rx.pop()), n);
            }
            std::mem::forget((rx, armed));
        });
        let ends = [tx.bell()];
        let mut armed = for_space.arm(&ends).unwrap();
        for n in 0..2 {
            sleep_until(&pipes, a, &mut armed, || tx.push(n).ok());
        }
        consumer.join().unwrap();
    });
    needs_both(&model.sees(&["asleep", "rung"]).preemptions(3));
}

/// RING after an end is claimed or given back: whoever waits for a partner learns that it came, or that it is gone.
fn partner(comes: bool) -> Model {
    let name = ["partner goes", "partner comes"][usize::from(comes)];
    let model = Model::new(name, 2, move || {
        let world = World::with_ring(2, 2);
        let (a, b, pipes) = (world.join(), world.join(), Pipes::new());
        let (tx, rx) = ends(&world, a, b, &pipes);
        let tx = (!comes).then_some(tx);
        let (ring, bells) = (world.ring(), pipes.clone());
        let mut sleeper = Sleeper::of(b).unwrap();
        let producer = thread::spawn(move || match tx {
            Some(tx) => drop(tx),
            None => std::mem::forget(ring.producer(a).unwrap().ringing(a, bells)),
        });
        let ends = [rx.bell()];
        let mut armed = sleeper.arm(&ends).unwrap();
        sleep_until(&pipes, b, &mut armed, || {
            (rx.is_abandoned() != comes).then_some(())
        });
        producer.join().unwrap();
    });
    model.sees(&["asleep", "rung"])
}

#[test]
fn a_sleeper_learns_of_its_partner() {
    for comes in [false, true] {
        needs_both(&partner(comes));
    }
}

/// A row's epochs go on when it changes hands, or a producer that rang an epoch once would not ring it for the next.
fn handed_over(restart: bool) -> Model {
    let model = Model::new("row handed over", 2, move || {
        let world = World::with_ring(2, 2);
        let (first, a, pipes) = (world.visitor(), world.join(), Pipes::new());
        let ring = world.ring();
        let tx = ring.producer(a).unwrap().ringing(a, pipes.clone());
        let mut tx = tx.unwrap();
        let take = |me: &Peer<'static>, item: u32| {
            let mut rx = ring.consumer(me).unwrap();
            let ends = [rx.bell()];
            let mut sleeper = Sleeper::of(me).unwrap();
            let mut armed = sleeper.arm(&ends).unwrap();
            assert_eq!(sleep_until(&pipes, me, &mut armed, || rx.pop()), item);
        };
        let producer = thread::spawn(move || {
            (0..2).for_each(|n| tx.push(n).unwrap());
            std::mem::forget(tx);
        });
        take(&first, 0);
        drop(first);
        let second = world.join();
        if restart {
            restart_epochs(&world.segment, second.id()).unwrap();
        }
        take(second, 1);
        producer.join().unwrap();
    });
    model.sees(&["asleep", "rung"]).preemptions(2)
}

#[test]
fn a_row_is_handed_over() {
    handed_over(false).holds();
    handed_over(true).dies(ASLEEP);
}

/// Killed between commit and ring, with nobody else to ring: the death watch or the tick finds what was committed.
fn rescued(victim: Victim, by_tick: bool) -> Model {
    Model::new("producer killed beside a sleeper, tick", 2, move || {
        let world = World::with_ring(2, 2);
        let (a, b, pipes) = (world.join(), world.join(), Pipes::new());
        let (bells, oracle) = (pipes.clone(), world.oracle());
        let (tx, mut rx) = ends(&world, a, b, &pipes);
        let (mut sleeper, victim) = (Sleeper::of(b).unwrap(), victim.clone());
        let producer = thread::spawn(move || {
            victim.dies(|| {
                let mut tx = tx;
                tx.push(7).unwrap();
                std::mem::forget(tx);
            });
            oracle.bury(a.id());
            if by_tick {
                bells.signal(b.id());
            }
        });
        let ends = [rx.bell()];
        let mut armed = sleeper.arm(&ends).unwrap();
        let got = sleep_until(&pipes, b, &mut armed, || {
            let gone = rx.is_abandoned();
            rx.pop().map(Some).or(gone.then_some(None))
        });
        producer.join().unwrap();
        assert!(got == Some(7) || got.is_none() && rx.pop().is_none());
    })
}

#[test]
fn a_producer_dies_before_it_rings() {
    killed_at_each_step(|victim| rescued(victim, true));
    // Slot, position; then dead before the write.
    rescued(Victim::at(2), false).dies(ASLEEP);
}

/// Signals, and does what producers must never do if it is given a segment: takes the flag away before it writes.
struct Clearing(Pipes, Option<Segment<'static>>);

impl Signal for Clearing {
    fn signal(&self, peer: PeerId) {
        if let Some(segment) = &self.1 {
            clear_armed(segment, peer).unwrap();
        }
        self.0.signal(peer);
    }
}

/// Killed between its look at the flag and its signal: the flag is still up, so the successor's commit rings.
fn rung_by_the_successor(victim: Victim, clearing: bool) -> Model {
    let name = "producer killed beside a sleeper, successor";
    let model = Model::new(name, 2, move || {
        let world = World::with_ring(3, 2);
        let (a, b, c) = (world.join(), world.join(), world.join());
        let (ring, pipes, oracle) = (world.ring(), Pipes::new(), world.oracle());
        let (bells, clears) = (pipes.clone(), clearing.then_some(world.segment));
        let mut rx = ring.consumer(b).unwrap();
        let tx = ring.producer(a).unwrap();
        let tx = tx.ringing(a, Clearing(pipes.clone(), clears)).unwrap();
        let (mut sleeper, victim) = (Sleeper::of(b).unwrap(), victim.clone());
        let producers = thread::spawn(move || {
            victim.dies(|| {
                let mut tx = tx;
                tx.push(0).unwrap();
                std::mem::forget(tx);
            });
            oracle.bury(a.id());
            let mut tx = ring.producer(c).unwrap().ringing(c, bells).unwrap();
            (tx.position()..2).for_each(|n| tx.push(n).unwrap());
            std::mem::forget(tx);
        });
        let ends = [rx.bell()];
        let mut armed = sleeper.arm(&ends).unwrap();
        for n in 0..2 {
            assert_eq!(sleep_until(&pipes, b, &mut armed, || rx.pop()), n);
        }
        producers.join().unwrap();
    });
    model.sees(&["asleep", "rung"]).preemptions(2)
}

#[test]
fn a_successor_rings_for_the_dead() {
    killed_at_each_step(|victim| rung_by_the_successor(victim, false));
    // Slot, position, flag; then dead before the write.
    rung_by_the_successor(Victim::at(3), true).dies(ASLEEP);
}
