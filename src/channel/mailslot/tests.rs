use super::*;
use crate::memory::liveness::NoProof;
use crate::memory::testing::{EACH, EACH_TRUST, Room, evicted};
use crate::{Error, PeerId};

type Value = [u64; 2];

/// Bytes from one slot to the next.
const STRIDE: usize = 24;

/// A mailslot of `capacity` slots in a room of its own.
fn with(capacity: u32, test: impl Fn(&Room, Mailslot<'_, Value>)) {
    for (trust, spacing) in EACH {
        let mut config = Config::new(capacity);
        config.spacing = spacing;
        let room = Room::of::<Mailslot<Value>>(&config);
        let slot = Mailslot::init(room.region(trust), &config).unwrap();
        test(&room, slot);
    }
}

/// Has the next message be number `next`, as if all before had been published.
fn start_at(room: &Room, capacity: u32, next: u64) {
    let newest = next - 1;
    room.set(128, newest as u32);
    room.set(264, (newest >> 29) as u32);
    for sequence in newest.saturating_sub(u64::from(capacity) - 1)..=newest {
        let number = sequence as u32 & (u32::MAX >> 1);
        room.set(
            384 + STRIDE * (number & (capacity - 1)) as usize,
            number << 1,
        );
    }
}

fn mail(sequence: u64) -> Next<Value> {
    let value = [sequence; 2];
    Next::Mail { sequence, value }
}

#[test]
fn a_subscriber_hears_everything_in_order() {
    with(8, |_, slot| {
        let (mut publisher, mut subscriber) = slot.split().unwrap();
        assert_eq!(subscriber.poll(), Next::Empty);
        for n in 1..50 {
            assert_eq!(publisher.next_sequence(), n);
            assert_eq!(publisher.publish(&[n; 2]), n);
            if n % 3 == 0 {
                assert_eq!(subscriber.behind(), 3);
                (n - 2..=n).for_each(|n| assert_eq!(subscriber.poll(), mail(n)));
                assert_eq!(subscriber.poll(), Next::Empty);
            }
        }
    });
}

#[test]
fn a_lapped_subscriber_learns_exactly_how_many_it_lost() {
    for capacity in [2, 4, 8, 64] {
        with(capacity, |_, slot| {
            let (mut publisher, mut subscriber) = slot.split().unwrap();
            let mut next = 1;
            for burst in [1, u64::from(capacity), 3, 100, 2 * u64::from(capacity) + 1] {
                let end = publisher.next_sequence() + burst;
                (end - burst..end).for_each(|n| _ = publisher.publish(&[n; 2]));
                loop {
                    match subscriber.poll() {
                        Next::Mail { sequence, value } => {
                            assert_eq!((sequence, value), (next, [next; 2]));
                            next += 1;
                        }
                        Next::Lapped { lost } => {
                            assert!(burst > u64::from(capacity) - 1, "{burst} in {capacity}");
                            next += lost;
                            assert_eq!(subscriber.next_sequence(), next);
                        }
                        Next::Empty => break,
                    }
                }
                assert_eq!(next, end);
            }
        });
    }
}

#[test]
fn a_lapped_subscriber_keeps_a_distance() {
    with(16, |_, slot| {
        let (mut publisher, mut subscriber) = slot.split().unwrap();
        (1..=100).for_each(|n| _ = publisher.publish(&[n; 2]));
        // 15 are whole; a quarter of the ring behind the oldest of them.
        assert_eq!(subscriber.poll(), Next::Lapped { lost: 89 });
        assert_eq!(subscriber.poll(), mail(90));
    });
}

#[test]
fn a_subscriber_begins_where_it_wants() {
    with(8, |_, slot| {
        let mut publisher = slot.bare_publisher(&NoProof).unwrap();
        let next = |start| slot.subscriber(start).next_sequence();
        let all = [Start::Oldest, Start::Newest, Start::At(0), Start::At(9)];
        assert_eq!(all.map(next), [1; 4], "nothing is there yet");
        (1..=5).for_each(|n| _ = publisher.publish(&[n; 2]));
        assert_eq!(all.map(next), [1, 5, 1, 6]);
        (6..=20).for_each(|n| _ = publisher.publish(&[n; 2]));
        assert_eq!(all.map(next), [14, 20, 1, 9]);
        let mut subscriber = slot.subscriber(Start::At(3));
        assert_eq!(subscriber.poll(), Next::Lapped { lost: 13 });
        subscriber.seek(Start::Oldest);
        assert_eq!(subscriber.poll(), mail(14));
        let mut other = subscriber.clone();
        assert_eq!((subscriber.poll(), other.poll()), (mail(15), mail(15)));
    });
}

#[test]
fn numbers_cross_every_boundary() {
    let boundaries = [
        1u64 << 29,
        1 << 30,
        1 << 31,
        1 << 32,
        3 << 29,
        7 << 31,
        1 << 45,
    ];
    for next in boundaries.map(|boundary| boundary - 3) {
        with(4, |room, slot| {
            start_at(room, 4, next);
            let mut publisher = slot.bare_publisher(&NoProof).unwrap();
            let mut subscriber = slot.subscriber(Start::Newest);
            assert_eq!(publisher.next_sequence(), next);
            assert_eq!(subscriber.next_sequence(), next - 1);
            subscriber.seek(Start::At(next));
            for n in next..next + 9 {
                assert_eq!(publisher.publish(&[n; 2]), n);
                assert_eq!(subscriber.poll(), mail(n));
                assert_eq!(slot.subscriber(Start::Newest).next_sequence(), n);
                drop(publisher);
                publisher = slot.bare_publisher(&NoProof).unwrap();
                assert_eq!(publisher.next_sequence(), n + 1);
            }
            assert_eq!(subscriber.poll(), Next::Empty);
        });
    }
}

/// A stamp says nothing to one who slept for longer than its numbers last: the epoch does.
#[test]
fn a_subscriber_that_slept_through_the_stamps_learns_what_it_lost() {
    for slept in [1u64 << 30, 1 << 31, (1 << 31) + 3, 1 << 32, 5 << 40] {
        with(4, |room, slot| {
            let mut publisher = slot.bare_publisher(&NoProof).unwrap();
            publisher.publish(&[1; 2]);
            drop(publisher);
            let mut subscriber = slot.subscriber(Start::Newest);
            start_at(room, 4, 1 + slept);
            let mut publisher = slot.bare_publisher(&NoProof).unwrap();
            let newest = publisher.publish(&[1 + slept; 2]);
            assert_eq!(newest, 1 + slept);
            let Next::Lapped { lost } = subscriber.poll() else {
                panic!("{slept}: not lapped")
            };
            assert_eq!(
                1 + lost,
                newest - 1,
                "three are whole, less a quarter of four"
            );
            subscriber.seek(Start::Newest);
            assert_eq!(subscriber.poll(), mail(newest));
        });
    }
}

#[test]
fn a_successor_goes_on_behind_what_the_dead_one_completed() {
    with(4, |room, slot| {
        let mut subscriber = slot.subscriber(Start::Oldest);
        let mut publisher = slot.bare_publisher(&NoProof).unwrap();
        (1..=2).for_each(|n| _ = publisher.publish(&[n; 2]));
        core::mem::forget(publisher);
        // As if it died between CLOSE and PUBLISH.
        room.set(128, 1);
        assert_eq!((subscriber.poll(), subscriber.poll()), (mail(1), mail(2)));
        let taken = slot.bare_publisher(&NoProof).unwrap_err();
        assert_eq!(taken, Error::EndpointTaken { by: PeerId::BARE });
        let proof = evicted(PeerId::BARE);
        let mut publisher = slot.bare_publisher(&proof).unwrap();
        assert_eq!(publisher.publish(&[3; 2]), 3);
        core::mem::forget(publisher);
        // As if it died between OPEN and CLOSE of the next.
        room.set(384, 4 << 1 | 1);
        assert_eq!(
            (subscriber.poll(), subscriber.poll()),
            (mail(3), Next::Empty)
        );
        let proof = evicted(PeerId::BARE);
        let mut publisher = slot.bare_publisher(&proof).unwrap();
        assert_eq!(publisher.publish(&[4; 2]), 4);
        assert_eq!(
            (subscriber.poll(), subscriber.poll()),
            (mail(4), Next::Empty)
        );
    });
}

#[test]
fn drafts_and_slices_are_messages_too() {
    with(8, |_, slot| {
        let (mut publisher, mut subscriber) = slot.split().unwrap();
        let mut draft = publisher.draft();
        assert_eq!(draft.most(), 16);
        draft.write_at(0, bytemuck::bytes_of(&[1u64, 1])).unwrap();
        assert_eq!(subscriber.poll(), Next::Empty);
        assert_eq!(draft.commit(), 1);
        drop(publisher.draft());
        assert_eq!(publisher.publish_slice(&[[2; 2], [3; 2], [4; 2]]), 5);
        assert_eq!(publisher.publish_slice(&[]), 5);
        (1..=4).for_each(|n| assert_eq!(subscriber.poll(), mail(n)));
        assert_eq!(subscriber.poll(), Next::Empty);
        publisher.publish(&[5; 2]);
        let first = subscriber.poll_with(|glance| {
            let mut first = [0; 8];
            glance.read_at(0, &mut first).map(|()| first)
        });
        let value = Ok(5u64.to_le_bytes());
        assert_eq!(first, Next::Mail { sequence: 5, value });
    });
}

#[test]
fn bytes_come_with_their_length_and_wait_for_room() {
    for trust in EACH_TRUST {
        let config = Config::bytes(4, 30);
        let room = Room::of::<Mailslot<[u8]>>(&config);
        let slot = Mailslot::<[u8]>::init(room.region(trust), &config).unwrap();
        let (mut publisher, mut subscriber) = slot.split().unwrap();
        let (source, mut into) = ([7; 31], [0; 30]);
        for len in 0..=30 {
            let sequence = publisher.publish(&source[..len]).unwrap();
            let too_long = subscriber.poll_into(&mut into[..len.saturating_sub(1)]);
            if let Some(most) = len.checked_sub(1) {
                assert_eq!(too_long, Err(TooLong { found: len, most }));
                let next = subscriber.poll_into(&mut into);
                assert_eq!(
                    next,
                    Ok(Next::Mail {
                        sequence,
                        value: len
                    })
                );
            }
            assert_eq!(into[..len], source[..len]);
        }
        assert_eq!(subscriber.poll_into(&mut into), Ok(Next::Empty));
        let too_long = TooLong {
            found: 31,
            most: 30,
        };
        assert_eq!(publisher.publish(&source), Err(too_long));
        assert_eq!(publisher.draft().commit(31), Err(too_long));
        assert_eq!((publisher.most_bytes(), subscriber.most_bytes()), (30, 30));
    }
}

#[test]
fn subscribers_need_no_write_access_and_publishers_do() {
    with(4, |room, slot| {
        slot.bare_publisher(&NoProof).unwrap().publish(&[1; 2]);
        let slot = Mailslot::<Value>::attach(room.read_only()).unwrap();
        assert_eq!(slot.subscriber(Start::Oldest).poll(), mail(1));
        assert_eq!(slot.bare_publisher(&NoProof).unwrap_err(), Error::ReadOnly);
        assert_eq!(slot.subscriber(Start::Oldest).publisher(), None);
    });
}

#[test]
fn what_cannot_be_is_refused() {
    for found in [0, 1, 3, 1 << 25] {
        let refused = Mailslot::<Value>::layout(&Config::new(found)).unwrap_err();
        let (field, want) = (Field::Capacity, "a power of two from 2 to 2^24");
        let found = found.into();
        assert_eq!(refused, Error::BadConfig { field, found, want });
    }
    with(4, |room, slot| {
        let mismatch = |field, want, found| Error::Mismatch { field, want, found };
        let region = || room.region(EACH_TRUST[0]);
        assert_eq!(
            Mailslot::<u64>::attach(region()).unwrap_err(),
            mismatch(Field::ElementBytes, 8, 16)
        );
        assert_eq!(
            Mailslot::<[u8]>::attach(region()).unwrap_err(),
            mismatch(Field::Framing, 1, 0)
        );
        assert_eq!(
            slot.expect_tag(3).unwrap_err(),
            mismatch(Field::TypeTag, 3, 0)
        );
    });
}
