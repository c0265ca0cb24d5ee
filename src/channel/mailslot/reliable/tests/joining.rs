//! Joining, leaving, and cursors that say what no subscriber writes.

use super::*;

#[test]
fn a_subscriber_begins_behind_what_the_publisher_may_overwrite_unseen() {
    with(Config::new(8, 2).lag(4), |_, slot| {
        let mut publisher = slot.bare_publisher(&NoProof).unwrap();
        // Credit for 1 to 4, then for 5 to 8.
        (1..=6).for_each(|n| _ = publisher.try_publish(&[n; 2]).unwrap());
        let mut late = slot.bare_subscriber(Start::Oldest, &NoProof).unwrap();
        assert_eq!(
            late.next_sequence(),
            5,
            "up to 8 it goes without looking, 4 are kept"
        );
        let mut newest = slot.bare_subscriber(Start::Newest, &NoProof).unwrap();
        assert_eq!(publish_all(&mut publisher), Held { by: BARE, lag: 4 });
        (5..=8).for_each(|n| assert_eq!(late.poll(), mail(n)));
        (6..=8).for_each(|n| assert_eq!(newest.poll(), mail(n)));
    });
}

#[test]
fn whoever_leaves_holds_nobody() {
    with(Config::new(4, 1), |_, slot| {
        let (mut publisher, subscriber) = both(&slot);
        assert_eq!(publish_all(&mut publisher).lag, 4);
        drop(subscriber);
        assert_eq!(publisher.slowest(), None);
        assert_eq!(publisher.try_publish(&[5; 2]), Ok(5));
        let mut next = slot.bare_subscriber(Start::Newest, &NoProof).unwrap();
        assert_eq!(next.poll(), mail(5));
    });
}

#[test]
fn a_subscriber_may_begin_anew_before_it_is_evicted() {
    with(Config::new(4, 1), |_, slot| {
        let (mut publisher, mut subscriber) = both(&slot);
        assert_eq!(publish_all(&mut publisher).lag, 4);
        subscriber.rejoin(Start::Newest).unwrap();
        assert_eq!(subscriber.poll(), mail(4));
        assert_eq!(publisher.try_publish(&[5; 2]), Ok(5));
        assert_eq!(subscriber.poll(), mail(5));
    });
}

/// A cursor further behind than there are slots is no subscriber's.
#[test]
fn garbage_in_a_cursor_holds_nobody_for_long() {
    with(Config::new(4, 2), |room, slot| {
        let (mut publisher, mut subscriber) = both(&slot);
        publisher.try_publish(&[1; 2]).unwrap();
        for garbage in [1u32, 1 << 31 | 1, 0xffff_ff01, 0x1234_5601] {
            room.set(cursor(1), garbage);
            for _ in 0..20 {
                let next = publisher.next_sequence();
                assert_eq!(publisher.try_publish(&[next; 2]), Ok(next), "{garbage:#x}");
                while subscriber.poll() != Delivery::Empty {}
            }
            assert_eq!(room.word(cursor(1)) & 3, 2, "evicted");
        }
    });
}

#[test]
fn a_cursor_that_says_something_else_is_an_evicted_one() {
    with(Config::new(4, 1), |room, slot| {
        let (mut publisher, mut subscriber) = both(&slot);
        publisher.try_publish(&[1; 2]).unwrap();
        assert_eq!(subscriber.poll(), mail(1));
        room.set(cursor(0), 0);
        assert_eq!(subscriber.poll(), Delivery::Evicted { behind: 0 });
        subscriber.rejoin(Start::Oldest).unwrap();
        assert_eq!(subscriber.poll(), mail(1));
    });
}

/// The publisher overtakes nobody; who sees it nevertheless counts no more, so that it holds nobody up.
#[test]
fn a_subscriber_that_is_overtaken_gives_up_its_cursor() {
    with(Config::new(4, 1), |room, slot| {
        let (mut publisher, mut subscriber) = both(&slot);
        publisher.try_publish(&[1; 2]).unwrap();
        room.set(512 + 24, 5 << 1);
        assert_eq!(subscriber.poll(), Delivery::Evicted { behind: 1 });
        assert_eq!(publisher.slowest(), None);
    });
}

#[test]
fn a_region_that_is_read_only_has_observers() {
    with(Config::new(4, 1), |room, slot| {
        let mut publisher = slot.bare_publisher(&NoProof).unwrap();
        publisher.try_publish(&[1; 2]).unwrap();
        let slot = Reliable::<Value>::attach(room.read_only()).unwrap();
        let value = [1; 2];
        assert_eq!(
            slot.observer(Start::Oldest).poll(),
            Next::Mail { sequence: 1, value }
        );
        let refused = slot.bare_subscriber(Start::Oldest, &NoProof).unwrap_err();
        assert_eq!(refused, Error::ReadOnly);
    });
}

#[test]
fn peers_of_other_segments_have_no_place() {
    among_peers(Config::new(4, 1), Life::Alive, |_, slot, _| {
        among_peers(Config::new(4, 1), Life::Alive, |_, _, [stranger, ..]| {
            // The lifetimes agree; the segments do not.
            let refused = slot.subscribe_as(Start::Oldest, Claimant::Peer(stranger), Silent);
            assert_eq!(refused.unwrap_err(), Error::ForeignPeer);
        });
        let bare = slot.bare_subscriber(Start::Oldest, &NoProof).unwrap_err();
        assert_eq!(bare, Error::ForeignPeer);
    });
}
