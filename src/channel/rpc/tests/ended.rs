//! Calls that end in another way than by a reply: given up, dropped, left behind.

use super::*;

#[test]
fn a_call_that_none_has_taken_is_given_up_at_once() {
    with_each(&CONFIG, |world, segment, table| {
        let one = world.join(segment);
        let (client, server) = (table.client(&one).unwrap(), table.server(&one).unwrap());
        client.call(&1).unwrap().cancel();
        drop(client.call(&2).unwrap());
        assert_eq!(world.state(0), State::Free);
        assert!(server.next().is_none(), "its bit says so in vain");
        assert_eq!(world.sent(0), 0);
        let mut call = client.call(&3).unwrap();
        assert_eq!((serve(&server), call.poll()), (Some(3), Poll::Ready(6)));
    });
}

#[test]
fn a_reply_to_a_call_that_was_given_up_is_dropped() {
    with_each(&CONFIG.depth(1), |world, segment, table| {
        let one = world.join(segment);
        let (client, server) = (table.client(&one).unwrap(), table.server(&one).unwrap());
        for replies in [true, false] {
            let call = client.call(&1).unwrap();
            let mut request = server.next().unwrap();
            assert!(!request.is_cancelled());
            call.cancel();
            assert!(request.is_cancelled());
            assert_eq!(world.state(0), State::Abandoned);
            assert_eq!(client.call(&2).unwrap_err(), Refused::Full, "still its");
            assert_eq!(request.query(), 1, "nobody else writes there");
            if replies {
                assert_eq!(request.reply(&9), Err(Unsent::Late));
                assert_eq!(request.part(&9), Err(Unsent::Late));
            }
            drop(request);
            assert_eq!(world.state(0), State::Free);
            let mut call = client.call(&2).unwrap();
            assert_eq!((serve(&server), call.poll()), (Some(2), Poll::Ready(4)));
        }
    });
}

#[test]
fn a_reply_that_nobody_took_is_dropped_with_its_call() {
    with_each(&CONFIG.depth(1), |world, segment, table| {
        let one = world.join(segment);
        let (client, server) = (table.client(&one).unwrap(), table.server(&one).unwrap());
        let call = client.call(&1).unwrap();
        assert_eq!(serve(&server), Some(1));
        drop(call);
        assert_eq!(world.state(0), State::Free);
        let mut call = client.call(&2).unwrap();
        assert_eq!(call.poll(), Poll::Pending, "not the other's reply");
        assert_eq!((serve(&server), call.poll()), (Some(2), Poll::Ready(4)));
    });
}

#[test]
fn a_request_dropped_without_a_reply_is_told() {
    with_each(&CONFIG, |world, segment, table| {
        let one = world.join(segment);
        let (client, server) = (table.client(&one).unwrap(), table.server(&one).unwrap());
        let mut call = client.call(&1).unwrap();
        drop(server.next().unwrap());
        assert_eq!(world.state(0), State::Done);
        assert_eq!((call.poll(), call.poll()), (Poll::Unanswered, Poll::Over));
        assert_eq!(world.state(0), State::Free);
    });
}

#[test]
fn who_leaves_with_a_request_forgotten_tells_so() {
    for idempotent in [false, true] {
        let config = match idempotent {
            true => CONFIG.idempotent(),
            false => CONFIG,
        };
        with_each(&config, |world, segment, table| {
            let (one, two) = (world.join(segment), world.join(segment));
            let client = table.client(&one).unwrap();
            let server = table.server(&two).unwrap();
            client.notify(&1).unwrap();
            let mut call = client.call(&2).unwrap();
            forget(server.next().unwrap());
            forget(server.next().unwrap());
            assert_eq!(call.poll_and_ask(), Poll::Pending);
            assert!(client.is_served());
            drop(server);
            assert!(!client.is_served());
            if idempotent {
                assert_eq!((call.poll(), world.sent(0)), (Poll::Pending, 3));
                let other = table.server(&one).unwrap();
                let again = other.next().unwrap();
                assert!(again.is_again() && again.is_one_way());
                drop(again);
                assert_eq!((serve(&other), call.poll()), (Some(2), Poll::Ready(4)));
            } else {
                assert_eq!(call.poll(), Poll::PeerDied { by: two.id() });
                assert_eq!(world.state(0), State::Free, "at most once");
            }
        });
    }
}

#[test]
fn who_leaves_with_calls_forgotten_gives_them_up() {
    with_each(&CONFIG.depth(4), |world, segment, table| {
        let (one, two) = (world.join(segment), world.join(segment));
        let client = table.client(&one).unwrap();
        let server = table.server(&two).unwrap();
        for n in 1..4 {
            forget(client.call(&n).unwrap());
        }
        let taken = server.next().unwrap();
        assert_eq!(serve(&server), Some(2));
        client.notify(&4).unwrap();
        drop(client);
        let states = [0, 1, 2, 3].map(|slot| world.state(slot));
        use State::{Abandoned, Free, Sent};
        assert_eq!(
            states,
            [Abandoned, Free, Free, Sent],
            "the message is on its way"
        );
        // The next one in the seat has two slots, until the others are done with.
        let next = table.client(&two).unwrap();
        let calls = [next.call(&5).unwrap(), next.call(&6).unwrap()];
        assert_eq!(next.call(&7).unwrap_err(), Refused::Full);
        drop(taken);
        assert_eq!(serve(&server), Some(4), "the message first");
        assert!(next.call(&7).is_ok());
        drop(calls);
    });
}

#[test]
fn seats_run_out_and_come_back() {
    with_each(&CONFIG, |world, segment, table| {
        let one = world.join(segment);
        let clients = [table.client(&one).unwrap(), table.client(&one).unwrap()];
        let servers = [table.server(&one).unwrap(), table.server(&one).unwrap()];
        let full = Err(crate::Error::SeatsFull { seats: 2 });
        assert_eq!(table.client(&one).map(drop), full);
        assert_eq!(table.server(&one).map(drop), full);
        let [client, other] = clients;
        drop(other);
        assert!(table.client(&one).is_ok());
        drop((client, servers));
        assert!(table.server(&one).is_ok());
    });
}

#[test]
fn a_request_that_was_answered_says_nothing_of_the_next_call_in_its_slot() {
    with_each(&CONFIG.depth(1), |world, segment, table| {
        let one = world.join(segment);
        let (client, server) = (table.client(&one).unwrap(), table.server(&one).unwrap());
        let mut call = client.call(&1).unwrap();
        let mut answered = server.next().unwrap();
        answered.reply(&2).unwrap();
        assert_eq!(call.poll(), Poll::Ready(2));
        let call = client.call(&3).unwrap();
        let request = server.next().unwrap();
        call.cancel();
        assert!(request.is_cancelled());
        assert!(!answered.is_cancelled());
    });
}

#[test]
fn what_a_client_in_need_of_a_slot_gives_back_for_the_dead_is_counted() {
    with_each(&CONFIG.depth(1), |world, segment, table| {
        let (one, two) = (world.join(segment), world.join(segment));
        let (client, server) = (table.client(&one).unwrap(), table.server(&two).unwrap());
        client.notify(&1).unwrap();
        forget(server.next().unwrap());
        forget(server);
        world.bury(&two);
        assert_eq!(segment.reaped().calls, 0);
        client.notify(&2).unwrap();
        assert_eq!(segment.reaped().calls, 1);
    });
}
