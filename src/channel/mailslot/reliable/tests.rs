use super::*;
use crate::mailslot::{Next, TooLong};
use crate::memory::testing::{EACH_TRUST, Gone, Room, Says};
use crate::segment::peers::Identity;
use crate::{Life, PeerId, Plan, Segment};

mod joining;

type Value = [u64; 2];

/// A bare mailslot in a room of its own.
fn with(config: Config, test: impl Fn(&Room, Reliable<'_, Value>)) {
    for trust in EACH_TRUST {
        let room = Room::of::<Reliable<Value>>(&config);
        test(&room, Reliable::init(room.region(trust), &config).unwrap());
    }
}

/// One in a segment whose oracle says this of everybody, and three of its peers.
fn among_peers(
    config: Config,
    life: Life,
    test: impl Fn(&Room, &Reliable<'_, Value>, [&Peer<'_>; 3]),
) {
    let plan = Plan::<1>::new()
        .channel::<Reliable<Value>>("news", &config)
        .unwrap();
    for trust in EACH_TRUST {
        let room = Room::new(plan.layout().unwrap().size());
        let oracle = Says(life);
        let segment = Segment::init(room.region(trust), &plan).unwrap();
        let join = || segment.join(&Identity::default(), &oracle).unwrap();
        let peers = [join(), join(), join()];
        test(
            &room,
            &segment.open("news").unwrap(),
            [&peers[0], &peers[1], &peers[2]],
        );
    }
}

fn mail(sequence: u64) -> Delivery<Value> {
    let value = [sequence; 2];
    Delivery::Mail { sequence, value }
}

/// A publisher and a subscriber.
fn both<'m>(slot: &Reliable<'m, Value>) -> (Publisher<'m, Value>, Subscriber<'m, Value>) {
    let subscriber = slot.bare_subscriber(Start::Oldest, &NoProof).unwrap();
    (slot.bare_publisher(&NoProof).unwrap(), subscriber)
}

/// Publishes as long as nobody holds it up; answers who does.
fn publish_all(publisher: &mut Publisher<'_, Value>) -> Held {
    loop {
        let next = publisher.next_sequence();
        match publisher.try_publish(&[next; 2]) {
            Ok(sequence) => assert_eq!(sequence, next),
            Err(held) => return held,
        }
    }
}

const BARE: PeerId = PeerId::BARE;

/// Where cursor `index` of a bare mailslot lies.
fn cursor(index: usize) -> usize {
    384 + 128 * index + 4
}

#[test]
fn nothing_is_lost_and_the_publisher_says_who_holds_it() {
    with(Config::new(8, 2), |_, slot| {
        let mut publisher = slot.bare_publisher(&NoProof).unwrap();
        assert_eq!(publisher.slowest(), None);
        let subscribe = || slot.bare_subscriber(Start::Oldest, &NoProof).unwrap();
        let mut subscribers = [subscribe(), subscribe()];
        let full = slot.bare_subscriber(Start::Oldest, &NoProof).unwrap_err();
        assert_eq!(full, Error::SubscribersFull { subscribers: 2 });
        let mut taken = [0, 0];
        for turn in 0..1000 {
            let next = publisher.next_sequence();
            match publisher.try_publish(&[next; 2]) {
                Ok(sequence) => assert_eq!(sequence, next),
                Err(held) => {
                    assert_eq!((held.by, held.lag), (BARE, 8));
                    // A subscriber tells of every other message.
                    let slowest = taken.iter().min().unwrap();
                    assert!(next - 1 - slowest >= 7, "{next} {taken:?}");
                }
            }
            for (index, subscriber) in subscribers.iter_mut().enumerate() {
                if turn % 5 >= 2 * index {
                    match subscriber.poll() {
                        Delivery::Empty => assert_eq!(taken[index] + 1, publisher.next_sequence()),
                        other => {
                            taken[index] += 1;
                            assert_eq!(other, mail(taken[index]));
                        }
                    }
                    assert_eq!(
                        subscriber.behind() + taken[index] + 1,
                        publisher.next_sequence()
                    );
                }
            }
        }
        assert!(taken.iter().all(|&taken| taken > 500), "{taken:?}");
        assert_eq!(publisher.evicted(), 0);
    });
}

#[test]
fn the_lag_is_the_budget_not_the_ring() {
    with(Config::new(16, 1).lag(3), |_, slot| {
        let (mut publisher, mut subscriber) = slot.split().unwrap();
        assert_eq!(publish_all(&mut publisher), Held { by: BARE, lag: 3 });
        assert_eq!(publisher.slowest(), Some(Held { by: BARE, lag: 3 }));
        assert_eq!(subscriber.poll(), mail(1));
        assert_eq!(publisher.try_publish(&[4; 2]), Ok(4));
        assert_eq!(publish_all(&mut publisher).lag, 3);
    });
}

#[test]
fn a_publisher_without_subscribers_is_never_held() {
    with(Config::new(4, 1), |_, slot| {
        let mut publisher = slot.bare_publisher(&NoProof).unwrap();
        (1..=100).for_each(|n| assert_eq!(publisher.try_publish(&[n; 2]), Ok(n)));
        let mut observer = slot.observer(Start::Oldest);
        let value = [98; 2];
        assert_eq!(
            observer.poll(),
            Next::Mail {
                sequence: 98,
                value
            }
        );
        assert_eq!(observer.publisher(), Some(BARE));
    });
}

#[test]
fn the_slow_are_evicted_where_the_policy_says_so() {
    with(Config::new(8, 2).slow(Slow::Evict).lag(4), |_, slot| {
        let (mut publisher, mut slow) = both(&slot);
        let mut fast = slot.bare_subscriber(Start::Oldest, &NoProof).unwrap();
        assert_eq!(slow.poll(), Delivery::Empty);
        for n in 1..=20 {
            assert_eq!(publisher.try_publish(&[n; 2]), Ok(n));
            assert_eq!(fast.poll(), mail(n));
        }
        assert_eq!(publisher.evicted(), 1);
        let behind = 20;
        assert_eq!(
            slow.poll(),
            Delivery::Evicted { behind },
            "number 1 is gone"
        );
        assert_eq!(slow.poll(), Delivery::Evicted { behind }, "and it stays so");
        slow.rejoin(Start::Newest).unwrap();
        assert_eq!((slow.poll(), slow.poll()), (mail(20), Delivery::Empty));
        assert_eq!(fast.poll(), Delivery::Empty);
    });
}

/// What an evicted subscriber had in hand it still gets whole or not at all.
#[test]
fn a_subscriber_evicted_beside_messages_that_are_still_there_gets_none_of_a_later_lap() {
    with(Config::new(4, 1).slow(Slow::Evict).lag(2), |_, slot| {
        let (mut publisher, mut subscriber) = both(&slot);
        (1..=3).for_each(|n| _ = publisher.try_publish(&[n; 2]).unwrap());
        assert_eq!(publisher.evicted(), 1);
        assert_eq!(subscriber.poll(), mail(1), "it does not know yet");
        assert_eq!(subscriber.poll(), Delivery::Evicted { behind: 2 });
        (4..=9).for_each(|n| _ = publisher.try_publish(&[n; 2]).unwrap());
        assert_eq!(subscriber.poll(), Delivery::Evicted { behind: 8 });
    });
}

#[test]
fn the_dead_hold_nobody_and_the_living_do() {
    for (life, evicted) in [(Life::Dead, 1), (Life::Alive, 0), (Life::Unknown, 0)] {
        among_peers(Config::new(4, 2), life, |_, slot, [me, other, third]| {
            let mut publisher = slot.publisher(me).unwrap();
            let subscriber = slot.subscriber(other, Start::Oldest).unwrap();
            core::mem::forget(subscriber);
            (1..=4).for_each(|n| assert_eq!(publisher.try_publish(&[n; 2]), Ok(n)));
            let by = other.id();
            match publisher.try_publish(&[5; 2]) {
                Ok(sequence) => assert_eq!((sequence, life), (5, Life::Dead)),
                Err(held) => assert_eq!(held, Held { by, lag: 4 }),
            }
            assert_eq!(publisher.evicted(), evicted);
            if life == Life::Dead {
                // The cursor is its successor's.
                let mut next = slot.subscriber(third, Start::Newest).unwrap();
                assert_eq!(next.poll(), mail(5));
                assert_eq!(
                    publisher.slowest(),
                    Some(Held {
                        by: third.id(),
                        lag: 0
                    })
                );
            }
        });
    }
}

#[test]
fn an_observer_knows_whether_anybody_publishes() {
    for (life, gone) in [
        (Life::Dead, true),
        (Life::Alive, false),
        (Life::Unknown, false),
    ] {
        among_peers(Config::new(4, 1), life, |_, slot, [me, other, _]| {
            let observer = slot.observer(Start::Oldest);
            assert!(observer.is_abandoned(other), "nobody has the end");
            let publisher = slot.publisher(me).unwrap();
            assert_eq!(observer.is_abandoned(other), gone, "{life:?}");
            drop(publisher);
            assert!(observer.is_abandoned(other));
        });
    }
}

#[test]
fn whoever_holds_it_can_be_evicted_by_name() {
    among_peers(
        Config::new(4, 3),
        Life::Alive,
        |_, slot, [me, other, third]| {
            let mut publisher = slot.publisher(me).unwrap();
            let mut two =
                [Start::Oldest, Start::Newest].map(|s| slot.subscriber(other, s).unwrap());
            let mut innocent = slot.subscriber(third, Start::Oldest).unwrap();
            let held = publish_all(&mut publisher);
            (1..=4).for_each(|n| assert_eq!(innocent.poll(), mail(n)));
            assert_eq!(innocent.poll(), Delivery::Empty);
            assert!(held.by == other.id() || held.by == third.id());
            assert_eq!(publisher.slowest().unwrap().by, other.id());
            assert!(!publisher.evict(me.id()), "it has no cursor");
            assert!(publisher.evict(other.id()) && !publisher.evict(other.id()));
            assert_eq!(publisher.evicted(), 2);
            assert_eq!(publisher.try_publish(&[5; 2]), Ok(5));
            assert_eq!(two[0].poll(), Delivery::Evicted { behind: 5 });
            assert_eq!(innocent.poll(), mail(5));
            // An idle one hears it before it sleeps.
            assert_eq!(innocent.poll(), Delivery::Empty);
            assert!(publisher.evict(third.id()));
            assert_eq!(innocent.poll(), Delivery::Evicted { behind: 0 });
            assert_eq!(
                (innocent.publisher(), innocent.is_abandoned()),
                (Some(me.id()), false)
            );
        },
    );
}

#[test]
fn a_successor_has_no_credit_before_it_looked() {
    with(Config::new(4, 1), |room, slot| {
        let (publisher, mut subscriber) = both(&slot);
        core::mem::forget(publisher);
        // As if it died between its new limit and its look at the cursors.
        room.set(128 + 4, 100);
        let proof = Gone(BARE);
        let mut publisher = slot.bare_publisher(&proof).unwrap();
        assert_eq!(publish_all(&mut publisher), Held { by: BARE, lag: 4 });
        (1..=4).for_each(|n| assert_eq!(subscriber.poll(), mail(n)));
    });
}

#[test]
fn cursors_and_numbers_wrap() {
    for next in [1u64 << 24, 1 << 29, 1 << 31, 1 << 32, 5 << 31].map(|wrap| wrap - 3) {
        with(Config::new(4, 1), |room, slot| {
            let newest = next - 1;
            room.set(128, newest as u32);
            room.set(268, (newest >> 29) as u32);
            room.set(132, next as u32);
            for sequence in newest - 3..=newest {
                let number = sequence as u32 & (u32::MAX >> 1);
                room.set(512 + 24 * (number & 3) as usize, number << 1);
            }
            let (mut publisher, mut subscriber) = both(&slot);
            subscriber.rejoin(Start::At(next)).unwrap();
            for n in next..next + 20 {
                assert_eq!(publisher.try_publish(&[n; 2]), Ok(n));
                if n % 3 == 0 {
                    while subscriber.next_sequence() <= n {
                        assert_eq!(subscriber.poll(), mail(subscriber.next_sequence() - 1));
                    }
                }
            }
        });
    }
}

#[test]
fn bytes_and_drafts_are_held_too() {
    for trust in EACH_TRUST {
        let config = Config::bytes(2, 20, 1);
        let room = Room::of::<Reliable<[u8]>>(&config);
        let slot = Reliable::<[u8]>::init(room.region(trust), &config).unwrap();
        let (mut publisher, mut subscriber) = slot.split().unwrap();
        let mut into = [0; 20];
        assert_eq!(publisher.try_publish(b"one"), Ok(1));
        let mut draft = publisher.try_draft().unwrap();
        draft.write_at(0, b"second").unwrap();
        assert_eq!(draft.commit(6), Ok(2));
        let held = Held { by: BARE, lag: 2 };
        assert_eq!(publisher.try_publish(b"three"), Err(Refused::Held(held)));
        assert_eq!(publisher.try_draft().unwrap_err(), held);
        let too_long = TooLong {
            found: 21,
            most: 20,
        };
        assert_eq!(
            publisher.try_publish(&[0; 21]),
            Err(Refused::TooLong(too_long))
        );
        let small = TooLong { found: 3, most: 2 };
        assert_eq!(subscriber.poll_into(&mut into[..2]), Err(small));
        let next = subscriber.poll_into(&mut into);
        assert_eq!(
            next,
            Ok(Delivery::Mail {
                sequence: 1,
                value: 3
            })
        );
        let next = subscriber.poll_with(|glance| glance.len());
        assert_eq!(
            next,
            Delivery::Mail {
                sequence: 2,
                value: 6
            }
        );
        assert_eq!(subscriber.poll_into(&mut into), Ok(Delivery::Empty));
        assert_eq!(publisher.try_publish(b"three"), Ok(3));
        assert_eq!((publisher.most_bytes(), subscriber.most_bytes()), (20, 20));
    }
}

#[test]
fn what_cannot_be_is_refused() {
    let refused = |config| Reliable::<Value>::layout(&config).unwrap_err();
    let bad = |field, found, want| Error::BadConfig { field, found, want };
    let want = "a power of two from 2 to 2^22";
    assert_eq!(
        refused(Config::new(1 << 23, 1)),
        bad(Field::Capacity, 1 << 23, want)
    );
    let want = "1 to 32 subscribers";
    assert_eq!(refused(Config::new(4, 0)), bad(Field::Subscribers, 0, want));
    assert_eq!(
        refused(Config::new(4, 33)),
        bad(Field::Subscribers, 33, want)
    );
    let want = "a lag of 1 to the capacity";
    assert_eq!(refused(Config::new(4, 1).lag(0)), bad(Field::Lag, 0, want));
    assert_eq!(refused(Config::new(4, 1).lag(5)), bad(Field::Lag, 5, want));
    with(Config::new(4, 32).lag(3).slow(Slow::Evict), |room, slot| {
        assert_eq!(
            (slot.subscribers(), slot.lag(), slot.slow()),
            (32, 3, Slow::Evict)
        );
        // Terms that no creator writes.
        for framing in [0, 3 << 8 | 33 << 2, 5 << 8 | 1 << 2, 1 << 2] {
            room.set(64, framing);
            let attached = Reliable::<Value>::attach(room.region(EACH_TRUST[0]));
            assert!(
                matches!(attached, Err(Error::BadConfig { .. })),
                "{framing:#x}"
            );
        }
        room.set(64, 3 << 8 | 31 << 2);
        let attached = Reliable::<Value>::attach(room.region(EACH_TRUST[0]));
        assert!(matches!(
            attached,
            Err(Error::Mismatch {
                field: Field::SpanBytes,
                ..
            })
        ));
    });
}
