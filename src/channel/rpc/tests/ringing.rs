//! Who is woken by what.

use core::cell::RefCell;

use super::*;
use crate::channel::seat::Claimant;
use crate::segment::doorbell::Ringer;
use crate::{Signal, Sleeper};

/// Remembers whom it was asked to wake.
#[derive(Default)]
struct Woken(RefCell<Vec<u32>>);

impl Signal for Woken {
    fn signal(&self, peer: PeerId) {
        self.0.borrow_mut().push(peer.get());
    }
}

impl Woken {
    fn take(&self) -> Vec<u32> {
        core::mem::take(&mut self.0.borrow_mut())
    }
}

#[test]
fn a_call_wakes_servers_and_a_reply_its_own_client() {
    with_each(&CONFIG, |world, segment, table| {
        let [one, two, three] = [(); 3].map(|()| world.join(segment));
        let woken = Woken::default();
        let (client, server) = (table.client(&one).unwrap(), table.server(&two).unwrap());
        let other = table.client(&three).unwrap();
        let client = client.ringing(&one, &woken).unwrap();
        let server = server.ringing(&two, &woken).unwrap();
        let mut sleepers = [&one, &two, &three].map(|peer| Sleeper::of(peer).unwrap());
        let bells = [[client.bell()], [server.bell()], [other.bell()]];
        let [first, second, third] = &mut sleepers;
        let mut armed = [
            first.arm(&bells[0]).unwrap(),
            second.arm(&bells[1]).unwrap(),
            third.arm(&bells[2]).unwrap(),
        ];
        assert_eq!(world.room.word(world.at + CALL_WAITERS), 2);
        assert_eq!(world.room.word(world.at + LINES), 1);
        assert_eq!(world.room.word(world.at + LINES + 128), 4);
        assert_eq!(woken.take(), []);
        let mut call = client.call(&1).unwrap();
        assert_eq!(woken.take(), [2]);
        let mut request = server.next().unwrap();
        assert_eq!(woken.take(), []);
        request.part(&3).unwrap();
        assert_eq!(woken.take(), [1]);
        armed.iter_mut().for_each(|armed| armed.again());
        assert_eq!(
            call.poll(),
            Poll::Part {
                number: 0,
                value: 3
            }
        );
        assert_eq!(woken.take(), [2], "there is room for the next part");
        request.reply(&2).unwrap();
        drop(request);
        assert_eq!(woken.take(), [1]);
        assert_eq!(call.poll(), Poll::Ready(2));
        armed.iter_mut().for_each(|armed| armed.again());
        client.notify(&4).unwrap();
        assert_eq!(woken.take(), [2]);
        drop(server.next().unwrap());
        assert_eq!(woken.take(), [1], "its slot is free");
        armed.iter_mut().for_each(|armed| armed.again());
        let mut call = client.call(&5).unwrap();
        forget(server.next().unwrap());
        assert_eq!(woken.take(), [2]);
        drop(armed);
        let armed = sleepers[0].arm(&bells[0]).unwrap();
        drop(server);
        assert_eq!(woken.take(), [1], "its server left");
        assert_eq!(call.poll(), Poll::PeerDied { by: two.id() });
        drop(armed);
    });
}

#[test]
fn a_server_that_sleeps_for_room_is_woken_when_its_call_is_given_up() {
    with_each(&CONFIG, |world, segment, table| {
        let [one, two, three] = [(); 3].map(|()| world.join(segment));
        let woken = Woken::default();
        let client = table.client(&one).unwrap().ringing(&one, &woken).unwrap();
        let server = table.server(&two).unwrap();
        let mut sleeper = Sleeper::of(&two).unwrap();
        let bells = [server.bell()];
        for dies in [false, true] {
            let call = client.call(&1).unwrap();
            let mut request = server.next().unwrap();
            request.part(&2).unwrap();
            let mut armed = sleeper.arm(&bells).unwrap();
            assert_eq!(request.part(&3), Err(Unsent::Full));
            assert_eq!(woken.take(), []);
            if dies {
                forget(call);
                world.bury(&one);
                assert_eq!(three.reap(&woken).unwrap().calls, 1);
            } else {
                call.cancel();
            }
            assert_eq!(woken.take(), [2]);
            assert_eq!(request.part(&3), Err(Unsent::Late));
            armed.again();
        }
        forget(client);
    });
}

#[test]
fn whoever_mends_wakes_whom_it_concerns() {
    for idempotent in [false, true] {
        let config = Config {
            idempotent,
            ..CONFIG
        };
        with_each(&config, |world, segment, table| {
            let [one, two, three] = [(); 3].map(|()| world.join(segment));
            let woken = Woken::default();
            let client = table.client(&one).unwrap();
            let idle = table.server(&three).unwrap();
            let dead = table.server(&two).unwrap();
            let call = client.call(&1).unwrap();
            forget(dead.next().unwrap());
            forget(dead);
            world.bury(&two);
            let (mut first, mut third) = (Sleeper::of(&one).unwrap(), Sleeper::of(&three).unwrap());
            let bells = [[client.bell()], [idle.bell()]];
            let armed = (first.arm(&bells[0]).unwrap(), third.arm(&bells[1]).unwrap());
            let four = world.join(segment);
            let found = four.reap(&woken).unwrap();
            assert_eq!(found.calls, 1);
            // Whoever died may not have rung for what it did last: all are woken.
            assert_eq!(woken.take(), [3, 1]);
            drop(armed);
            drop(call);
        });
    }
}

#[test]
fn a_dead_sleeper_is_forgotten() {
    with_each(&CONFIG, |world, segment, table| {
        let [one, two, three] = [(); 3].map(|()| world.join(segment));
        let client = table.client(&two).unwrap();
        let server = table.server(&two).unwrap();
        let bells = [client.bell(), server.bell()];
        let mut sleeper = Sleeper::of(&two).unwrap();
        forget(sleeper.arm(&bells).unwrap());
        forget((sleeper, client, server));
        world.bury(&two);
        assert_eq!(world.room.word(world.at + LINES), 2);
        assert_eq!(three.reap(&crate::Silent).unwrap().ends, 2);
        assert_eq!(world.room.word(world.at + LINES), 0);
        assert_eq!(world.room.word(world.at + CALL_WAITERS), 0);
        drop(one);
    });
}

#[test]
fn who_mends_and_finds_no_seat_wakes_whom_it_concerns() {
    with_each(&CONFIG, |world, segment, table| {
        let [one, two, three] = [(); 3].map(|()| world.join(segment));
        let woken = Woken::default();
        let client = table.client(&one).unwrap();
        let other = table.client(&one).unwrap();
        let dead = table.server(&two).unwrap();
        let mut call = client.call(&1).unwrap();
        forget(dead.next().unwrap());
        forget(dead);
        world.bury(&two);
        let mut sleeper = Sleeper::of(&one).unwrap();
        let bells = [client.bell()];
        let armed = sleeper.arm(&bells).unwrap();
        let ringer = Ringer::new(three.segment().table(), &woken);
        let refused = table.client_as(Claimant::Peer(&three), ringer);
        let full = Err(crate::Error::SeatsFull { seats: 2 });
        assert_eq!(refused.map(drop), full);
        assert_eq!(woken.take(), [1]);
        assert_eq!(segment.reaped().calls, 1);
        drop(armed);
        assert_eq!(call.poll(), Poll::PeerDied { by: two.id() });
        drop(other);
    });
}

/// Killed between the commit and the ring: silent ends leave the same.
#[test]
fn whoever_reaps_wakes_those_for_whom_the_dead_did_not_ring() {
    with_each(&CONFIG, |world, segment, table| {
        let [one, two, three] = [(); 3].map(|()| world.join(segment));
        let woken = Woken::default();
        let client = table.client(&one).unwrap();
        let dead = table.server(&two).unwrap();
        let mut call = client.call(&1).unwrap();
        let mut sleeper = Sleeper::of(&one).unwrap();
        let bells = [client.bell()];
        let armed = sleeper.arm(&bells).unwrap();
        assert_eq!(serve(&dead), Some(1));
        forget(dead);
        world.bury(&two);
        let found = three.reap(&woken).unwrap();
        assert_eq!((found.ends, found.calls), (1, 0));
        assert_eq!(woken.take(), [1], "there is a reply");
        assert_eq!(call.poll(), Poll::Ready(2));
        drop(armed);
        drop(sleeper);
    });
    with_each(&CONFIG, |world, segment, table| {
        let [one, two, three] = [(); 3].map(|()| world.join(segment));
        let woken = Woken::default();
        let dead = table.client(&two).unwrap();
        let server = table.server(&one).unwrap();
        let mut sleeper = Sleeper::of(&one).unwrap();
        let bells = [server.bell()];
        let armed = sleeper.arm(&bells).unwrap();
        dead.notify(&1).unwrap();
        forget(dead);
        world.bury(&two);
        assert_eq!(three.reap(&woken).unwrap().ends, 1);
        assert_eq!(woken.take(), [1], "there is a message");
        assert_eq!(serve(&server), Some(1));
        drop(armed);
    });
}
