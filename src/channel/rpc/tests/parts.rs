//! Replies of several parts.

use super::*;

fn part(number: u32, value: u32) -> Poll<u32> {
    Poll::Part { number, value }
}

#[test]
fn parts_come_one_after_another_and_then_the_last() {
    with_each(&CONFIG, |world, segment, table| {
        let one = world.join(segment);
        let (client, server) = (table.client(&one).unwrap(), table.server(&one).unwrap());
        let mut call = client.call(&1).unwrap();
        let mut request = server.next().unwrap();
        for n in 0..3 {
            assert_eq!(request.part(&(10 + n)), Ok(()));
            assert_eq!(request.part(&99), Err(Unsent::Full));
            assert_eq!(request.reply(&99), Err(Unsent::Full));
            assert_eq!(world.state(0), State::Part);
            assert_eq!((call.poll(), call.poll()), (part(n, 10 + n), Poll::Pending));
            assert_eq!(request.query(), 1, "the request is still there");
        }
        assert_eq!(request.reply(&20), Ok(()));
        drop(request);
        assert_eq!((call.poll(), call.poll()), (Poll::Ready(20), Poll::Over));
    });
}

#[test]
fn a_reply_of_parts_may_end_without_a_last_one() {
    with_each(&CONFIG, |world, segment, table| {
        let one = world.join(segment);
        let (client, server) = (table.client(&one).unwrap(), table.server(&one).unwrap());
        for taken in [false, true] {
            let mut call = client.call(&1).unwrap();
            let mut request = server.next().unwrap();
            request.part(&7).unwrap();
            if taken {
                assert_eq!(call.poll(), part(0, 7));
                drop(request);
            } else {
                drop(request);
                assert_eq!(call.poll(), part(0, 7), "a part that was sent arrives");
            }
            assert_eq!((call.poll(), call.poll()), (Poll::Unanswered, Poll::Over));
            assert_eq!(world.state(0), State::Free);
        }
    });
}

#[test]
fn a_call_is_given_up_between_parts() {
    with_each(&CONFIG.depth(1), |world, segment, table| {
        let one = world.join(segment);
        let (client, server) = (table.client(&one).unwrap(), table.server(&one).unwrap());
        for taken in [false, true] {
            let mut call = client.call(&1).unwrap();
            let mut request = server.next().unwrap();
            request.part(&7).unwrap();
            if taken {
                assert_eq!(call.poll(), part(0, 7));
            }
            drop(call);
            assert!(request.is_cancelled());
            assert_eq!(request.part(&8), Err(Unsent::Late));
            match taken {
                true => assert_eq!(request.reply(&9), Err(Unsent::Late)),
                false => drop(request),
            }
            assert_eq!(world.state(0), State::Free);
        }
        // Given up when the server has already ended it with a part.
        let call = client.call(&1).unwrap();
        server.next().unwrap().part(&7).unwrap();
        assert_eq!(world.state(0), State::Part);
        drop(call);
        assert_eq!(world.state(0), State::Free);
    });
}

#[test]
fn parts_of_bytes_have_their_own_lengths() {
    with_bare::<u8, [u8]>(&Config::new(1, 1).reply_bytes(8), |table| {
        let (client, server) = (table.bare_client().unwrap(), table.bare_server().unwrap());
        let mut call = client.call(&1).unwrap();
        let mut request = server.next().unwrap();
        let mut into = [0; 8];
        for (number, text) in ["", "one", "eight by"].iter().enumerate() {
            request.part(text.as_bytes()).unwrap();
            if !text.is_empty() {
                assert!(matches!(call.poll_into(&mut []), Poll::TooLong(_)));
            }
            let (number, value) = (number as u32, text.len());
            assert_eq!(call.poll_into(&mut into), Poll::Part { number, value });
            assert_eq!(&into[..value], text.as_bytes());
        }
        let too_long = TooLong { found: 9, most: 8 };
        assert_eq!(request.part(&[0; 9]), Err(Unsent::TooLong(too_long)));
        request.reply(b"end").unwrap();
        assert_eq!(call.poll_into(&mut into), Poll::Ready(3));
        assert_eq!(&into[..3], b"end");
    });
}

#[test]
fn a_stream_begins_anew_where_calls_are_idempotent() {
    with_each(&CONFIG.idempotent(), |world, segment, table| {
        let (one, two) = (world.join(segment), world.join(segment));
        let client = table.client(&one).unwrap();
        let mut call = client.call(&1).unwrap();
        let dead = table.server(&two).unwrap();
        let mut request = dead.next().unwrap();
        request.part(&7).unwrap();
        assert_eq!(call.poll(), part(0, 7));
        request.part(&8).unwrap();
        forget(request);
        forget(dead);
        world.bury(&two);
        let server = table.server(&one).unwrap();
        assert_eq!((call.poll(), world.state(0)), (Poll::Pending, State::Sent));
        let mut again = server.next().unwrap();
        assert!(again.is_again());
        again.part(&7).unwrap();
        assert_eq!(call.poll(), part(0, 7), "from its first part");
        again.reply(&8).unwrap();
        assert_eq!(call.poll(), Poll::Ready(8));
    });
}

/// Their numbers wrap; whether there was one does not.
#[test]
fn a_stream_goes_on_and_ends_behind_the_last_number_of_a_part() {
    with_each(&CONFIG, |world, segment, table| {
        let one = world.join(segment);
        let (client, server) = (table.client(&one).unwrap(), table.server(&one).unwrap());
        let mut call = client.call(&1).unwrap();
        let mut request = server.next().unwrap();
        request.part(&7).unwrap();
        assert_eq!(call.poll(), part(0, 7));
        request.parts = u32::MAX.into();
        request.part(&8).unwrap();
        assert_eq!(request.part(&9), Err(Unsent::Full));
        assert_eq!(call.poll(), part(u32::MAX, 8), "what was sent");
        request.part(&9).unwrap();
        assert_eq!(call.poll(), part(0, 9));
        request.parts = u32::MAX.into();
        request.part(&8).unwrap();
        drop(request);
        assert_eq!(call.poll(), part(u32::MAX, 8));
        assert_eq!(call.poll(), Poll::Unanswered, "not pending for ever");
    });
}
