//! Bits that say which calls were sent: set too often, or lost with whoever died.

use super::*;

/// Asks until the server has nothing; answers what it served.
fn serve_all(server: &Server<'_, u32, u32>) -> Vec<u32> {
    core::iter::from_fn(|| serve(server)).collect()
}

#[test]
fn a_call_whose_bit_was_lost_is_found() {
    with_each(&CONFIG, |world, segment, table| {
        let one = world.join(segment);
        let (client, server) = (table.client(&one).unwrap(), table.server(&one).unwrap());
        let lost = || {
            let call = client.call(&3).unwrap();
            world.set_sent(0, 0);
            assert_eq!(serve_all(&server), []);
            call
        };
        // By its caller, who asks; or who polls for long.
        let mut call = lost();
        assert_eq!(call.poll_and_ask(), Poll::Pending);
        assert_eq!((serve_all(&server), call.poll()), (vec![3], Poll::Ready(6)));
        let mut call = lost();
        let polls = (0..1000).find(|_| {
            assert_eq!(call.poll(), Poll::Pending);
            world.sent(0) != 0
        });
        assert_eq!(polls, Some(63));
        assert_eq!((serve_all(&server), call.poll()), (vec![3], Poll::Ready(6)));
        // By a server that looks everywhere, or has been idle for long.
        let mut call = lost();
        server.next_anywhere().unwrap().reply(&6).unwrap();
        assert_eq!(call.poll(), Poll::Ready(6));
        let mut call = lost();
        let found = (0..1024).find_map(|_| serve(&server));
        assert_eq!((found, call.poll()), (Some(3), Poll::Ready(6)));
        // By whoever takes a server's seat.
        let mut call = lost();
        let other = table.server(&one).unwrap();
        assert_eq!((serve_all(&other), call.poll()), (vec![3], Poll::Ready(6)));
    });
}

#[test]
fn whoever_polls_for_long_asks_again_and_again() {
    with_each(&CONFIG, |world, segment, table| {
        let one = world.join(segment);
        let client = table.client(&one).unwrap();
        let mut call = client.call(&3).unwrap();
        let mut asked = Vec::new();
        for look in 1..5000 {
            world.set_sent(0, 0);
            assert_eq!(call.poll(), Poll::Pending);
            if world.sent(0) != 0 {
                asked.push(look);
            }
        }
        assert_eq!(asked[..5], [64, 128, 256, 512, 1024]);
        assert_eq!(asked[5..], [2048, 3072, 4096]);
    });
}

#[test]
fn a_message_whose_bit_was_lost_is_found() {
    with_each(&CONFIG.depth(1), |world, segment, table| {
        let one = world.join(segment);
        let (client, server) = (table.client(&one).unwrap(), table.server(&one).unwrap());
        client.notify(&3).unwrap();
        world.set_sent(0, 0);
        assert_eq!(serve_all(&server), []);
        assert_eq!(client.notify(&4), Err(Refused::Full), "looks at it, though");
        assert_eq!(world.sent(0), 1);
        assert_eq!(serve_all(&server), [3]);
        client.notify(&4).unwrap();
    });
}

#[test]
fn bits_without_a_call_are_cleared() {
    with_each(&CONFIG, |world, segment, table| {
        let one = world.join(segment);
        let (client, server) = (table.client(&one).unwrap(), table.server(&one).unwrap());
        world.set_sent(0, 3);
        world.set_sent(1, 2);
        assert_eq!(serve_all(&server), []);
        assert_eq!((world.sent(0), world.sent(1)), (0, 0));
        let mut call = client.call(&1).unwrap();
        world.set_sent(0, 3);
        assert_eq!((serve_all(&server), call.poll()), (vec![1], Poll::Ready(2)));
        let mut call = client.call(&1).unwrap();
        let mut taken = server.next().unwrap();
        world.set_sent(0, 3);
        assert_eq!(serve_all(&server), [], "it is taken");
        taken.reply(&7).unwrap();
        world.set_sent(0, 3);
        assert_eq!(serve_all(&server), [], "it is done");
        assert_eq!(call.poll(), Poll::Ready(7));
    });
}

/// Bits that no slot has are nobody's.
#[test]
fn bits_beyond_the_slots_are_passed_over() {
    with_each(&CONFIG, |world, segment, table| {
        let one = world.join(segment);
        let server = table.server(&one).unwrap();
        world.set_sent(0, !3);
        for _ in 0..3000 {
            assert!(server.next().is_none());
        }
    });
}
