//! Reliable mailslots: nothing is lost between a publisher and those it waits for, whoever joins, is evicted or dies.
//!
//! The cursors' RELEASE/RECLAIM keep a subscriber's reads before what overwrites them. The checker never runs a load later than the
//! program says, so no model here dies without them; those of the rings do, through marks that payload of stamped slots has not.

mod common;

use common::world::{World, if_free};
use common::{Model, TORN, killed_at_each_step, saw};
use loom::thread;
use ringpad::PeerId;
use ringpad::hooks::probe::mailslot_at;
use ringpad::mailslot::Start;
use ringpad::mailslot::reliable::{Config, Delivery, Publisher, Reliable, Slow, Subscriber};

type Value = [u32; 2];
type Slot = Reliable<'static, Value>;

/// A segment of `peers` rows with a mailslot.
fn world(peers: u32, config: Config) -> World {
    let world = World::with::<Slot>(peers, &config);
    mailslot_at(world.bytes_of_channel(), 0).unwrap();
    world
}

fn open(world: &World) -> Slot {
    world.open()
}

/// Publishes up to number `to`, with at most `turns` refusals.
fn publish(publisher: &mut Publisher<'_, Value>, to: u64, mut turns: u32) {
    while publisher.next_sequence() <= to {
        let n = publisher.next_sequence() as u32;
        match publisher.try_publish(&[n, n]) {
            Ok(_) => saw("published"),
            Err(_) if turns == 0 => return,
            Err(_) => {
                saw("held");
                turns -= 1;
                thread::yield_now();
            }
        }
    }
}

/// What a subscriber that is not to be evicted gets: the next message whole, in order. Answers how many in so many turns.
fn take(subscriber: &mut Subscriber<'_, Value>, turns: u32) -> u32 {
    let mut taken = 0;
    for _ in 0..turns {
        let next = subscriber.next_sequence();
        match subscriber.poll() {
            Delivery::Mail { sequence, value } => {
                assert_eq!((sequence, value), (next, [next as u32; 2]), "torn");
                taken += 1;
            }
            Delivery::Empty => {
                saw("empty");
                thread::yield_now();
            }
            Delivery::Evicted { .. } => panic!("lost: evicted at {next}"),
        }
    }
    taken
}

/// A publisher that goes around the ring beside a subscriber that it must not overtake.
fn stream(lag: u32, messages: u64, preemptions: usize) -> Model {
    let name = format!("stream of {messages} with lag {lag}");
    Model::new(&name, 2, move || {
        let world = world(2, Config::new(2, 1).lag(lag));
        let (a, b) = (world.join(), world.join());
        let slot = open(&world);
        let mut publisher = slot.publisher(a).unwrap();
        let mut subscriber = slot.subscriber(b, Start::Oldest).unwrap();
        let other = thread::spawn(move || {
            publish(&mut publisher, messages, 2);
            publisher
        });
        take(&mut subscriber, 2);
        let mut publisher = other.join().unwrap();
        loop {
            publish(&mut publisher, messages, 0);
            if take(&mut subscriber, 1) == 0 {
                break;
            }
        }
        assert_eq!(subscriber.next_sequence(), messages + 1);
    })
    .preemptions(preemptions)
    .sees(&["published", "held", "empty"])
}

#[test]
fn nothing_is_overtaken() {
    let model = stream(2, 4, 3);
    model.holds();
    model.dies_without("close", TORN);
    model.dies_without("arrive", TORN);
    stream(1, 3, 3).holds();
}

/// ENROL/GRANT: who joins while the publisher takes new credit is either seen, or sees how far that goes.
#[test]
fn whoever_joins_is_waited_for() {
    let model = Model::new("joins beside a publisher", 2, || {
        let world = world(2, Config::new(2, 1));
        let (a, b) = (world.join(), world.join());
        let slot = open(&world);
        let mut publisher = slot.publisher(a).unwrap();
        publish(&mut publisher, 2, 0);
        let again = open(&world);
        let other = thread::spawn(move || {
            // Needs new credit.
            publish(&mut publisher, 4, 0);
            publisher
        });
        let mut subscriber = again.subscriber(b, Start::Oldest).unwrap();
        let from = subscriber.next_sequence();
        let mut publisher = other.join().unwrap();
        loop {
            publish(&mut publisher, 6, 0);
            if take(&mut subscriber, 1) == 0 {
                break;
            }
        }
        assert_eq!(subscriber.next_sequence(), 7);
        saw(match from {
            1..=2 => "from what was there",
            _ => "from what came",
        });
    })
    .preemptions(2)
    .sees(&["from what was there", "from what came"]);
    model.holds();
    model.dies_without("enrol", "lost");
    model.dies_without("grant", "lost");
}

/// A subscriber that is evicted beside its reading gets whole messages in order, then hears of it, and may begin anew.
#[test]
fn the_evicted_get_nothing_torn() {
    let model = Model::new("evicted beside its reading", 2, || {
        let world = world(2, Config::new(2, 1).slow(Slow::Evict));
        let (a, b) = (world.join(), world.join());
        let slot = open(&world);
        let mut publisher = slot.publisher(a).unwrap();
        let mut subscriber = slot.subscriber(b, Start::Oldest).unwrap();
        publish(&mut publisher, 2, 0);
        let other = thread::spawn(move || {
            publish(&mut publisher, 4, 0);
            assert_eq!(publisher.next_sequence(), 5, "nobody holds it");
        });
        let mut evicted = false;
        for _ in 0..1 {
            let next = subscriber.next_sequence();
            match subscriber.poll() {
                Delivery::Mail { sequence, value } => {
                    assert!(!evicted);
                    assert_eq!((sequence, value), (next, [next as u32; 2]), "torn");
                }
                Delivery::Empty => {}
                Delivery::Evicted { .. } => evicted = true,
            }
        }
        other.join().unwrap();
        saw(if evicted { "evicted" } else { "fast" });
        if evicted {
            subscriber.rejoin(Start::Newest).unwrap();
            assert_eq!(
                subscriber.poll(),
                Delivery::Mail {
                    sequence: 4,
                    value: [4; 2]
                }
            );
        }
    })
    .preemptions(2)
    .sees(&["evicted", "fast"]);
    model.holds();
    model.dies_without("open", TORN);
    model.dies_without("validate", TORN);
}

/// Wherever a subscriber dies, the publisher goes on once that is proven, and another takes its place.
#[test]
fn a_dead_subscriber_holds_nobody() {
    killed_at_each_step(|victim| {
        let model = Model::new("subscriber killed", 2, move || {
            let world = world(3, Config::new(2, 1));
            let (a, b, c) = (world.join(), world.join(), world.join());
            let slot = open(&world);
            let mut publisher = slot.publisher(a).unwrap();
            publish(&mut publisher, 1, 0);
            let other = thread::spawn(move || {
                publish(&mut publisher, 3, 0);
                publisher
            });
            victim.dies(|| {
                let mut subscriber = slot.subscriber(b, Start::Oldest).unwrap();
                take(&mut subscriber, 1);
            });
            world.oracle().bury(b.id());
            let mut publisher = other.join().unwrap();
            publish(&mut publisher, 4, 0);
            assert_eq!(publisher.next_sequence(), 5, "the dead hold nobody");
            let mut next = slot.subscriber(c, Start::Newest).unwrap();
            assert_eq!(take(&mut next, 1), 1);
            publish(&mut publisher, 6, 0);
            assert_eq!(take(&mut next, 2), 2);
        });
        model.preemptions(1).sees(&["published"])
    });
}

/// Who takes a dead one's cursor over is not evicted in its stead: either the fences show the publisher whose it is by now, or they show
/// the successor a limit that has it move, and move again if it was evicted.
#[test]
fn a_successor_is_not_taken_for_the_dead() {
    let model = Model::new("cursor taken over beside its eviction", 2, || {
        let world = world(3, Config::new(2, 1).lag(1));
        let (a, b, c) = (world.join(), world.join(), world.join());
        let slot = open(&world);
        let mut publisher = slot.publisher(a).unwrap();
        std::mem::forget(slot.subscriber(b, Start::Oldest).unwrap());
        world.oracle().bury(b.id());
        publish(&mut publisher, 1, 0);
        let again = open(&world);
        let other = thread::spawn(move || {
            publish(&mut publisher, 2, 0);
            publisher
        });
        let mut next = again.subscriber(c, Start::Oldest).unwrap();
        let mut publisher = other.join().unwrap();
        saw(if publisher.evicted() == 1 {
            "evicted"
        } else {
            "taken over"
        });
        loop {
            publish(&mut publisher, 4, 0);
            if take(&mut next, 1) == 0 {
                break;
            }
        }
        assert_eq!(next.next_sequence(), 5);
    })
    .preemptions(2)
    .sees(&["evicted", "taken over"]);
    model.holds();
}

/// Wherever the publisher dies, what it published is there, and its successor goes on behind it.
#[test]
fn a_dead_publisher_loses_nothing() {
    killed_at_each_step(|victim| {
        let model = Model::new("publisher killed", 2, move || {
            let world = world(3, Config::new(2, 1));
            let (a, b, c) = (world.join(), world.join(), world.join());
            let slot = open(&world);
            let mut publisher = slot.publisher(a).unwrap();
            let mut subscriber = slot.subscriber(b, Start::Oldest).unwrap();
            let other = thread::spawn(move || {
                take(&mut subscriber, 2);
                subscriber
            });
            let mut returned = 0;
            victim.dies(|| {
                for n in 1..=3 {
                    if publisher.try_publish(&[n; 2]) == Ok(n.into()) {
                        returned = n;
                    }
                }
            });
            world.oracle().bury(a.id());
            let mut publisher = if_free(slot.publisher(c)).expect("its owner is dead");
            let next = publisher.next_sequence() as u32;
            assert!(
                next == returned + 1 || next == returned + 2,
                "{next} after {returned}"
            );
            saw(if next == returned + 2 {
                "rolled forward"
            } else {
                "as returned"
            });
            let mut subscriber = other.join().unwrap();
            loop {
                publish(&mut publisher, 5, 0);
                if take(&mut subscriber, 1) == 0 {
                    break;
                }
            }
            assert_eq!(subscriber.next_sequence(), 6);
        });
        model
            .preemptions(2)
            .sees(&["rolled forward", "as returned"])
    });
}

/// An eviction by name, beside whoever it hits.
#[test]
fn an_eviction_by_name_hits_whom_it_names() {
    let model = Model::new("evicted by name", 2, || {
        let world = world(2, Config::new(2, 1));
        let (a, b) = (world.join(), world.join());
        let slot = open(&world);
        let mut publisher = slot.publisher(a).unwrap();
        let mut subscriber = slot.subscriber(b, Start::Oldest).unwrap();
        let name: PeerId = b.id();
        publish(&mut publisher, 2, 0);
        let other = thread::spawn(move || {
            let hit = publisher.evict(name);
            publish(&mut publisher, 3, 0);
            (publisher, hit)
        });
        let mut evicted = false;
        for _ in 0..2 {
            let next = subscriber.next_sequence();
            match subscriber.poll() {
                Delivery::Mail { value, .. } => assert_eq!(value, [next as u32; 2], "torn"),
                Delivery::Empty => {}
                Delivery::Evicted { .. } => evicted = true,
            }
        }
        let (publisher, hit) = other.join().unwrap();
        assert!(hit || !evicted);
        // It moved while it was looked at: then nobody was evicted.
        saw(if hit { "hit" } else { "missed" });
        if hit {
            assert_eq!(publisher.next_sequence(), 4, "nobody holds it");
            while !matches!(subscriber.poll(), Delivery::Evicted { .. }) {}
        }
    });
    model.preemptions(2).sees(&["hit"]).holds();
}
