//! Words that no correct peer writes: nothing panics, nothing takes long, and what is not understood is left alone.

use super::*;
use crate::Silent;

/// Numbers that look like anything.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}

#[test]
fn a_call_in_whose_slot_something_else_stands_ends() {
    with_each(&CONFIG.depth(1), |world, segment, table| {
        let one = world.join(segment);
        let client = table.client(&one).unwrap();
        let sent = Word::sent(1, Flags::NONE);
        let strange = [
            Word(sent.0 | 7),
            Word(sent.0 | 6),
            sent.as_free(),
            sent.as_abandoned(),
            Word::sent(2, Flags::NONE),
            Word::sent(0, Flags::NONE).as_done(),
        ];
        for (n, word) in (1..).zip(strange) {
            let mut call = client.call(&1).unwrap();
            assert_eq!(call.id().number, n);
            world.set_word(
                0,
                Word((word.0 & !(u64::MAX << 28)) | ((word.number() + n - 1) << 28)),
            );
            assert_eq!(call.poll(), Poll::Corrupt, "{word:?}");
            assert_eq!(call.poll(), Poll::Over);
            drop(call);
            world.set_word(0, Word(0));
        }
    });
}

#[test]
fn a_server_s_seat_that_there_is_not_is_never_dead() {
    with_each(&CONFIG, |world, segment, table| {
        let (one, two) = (world.join(segment), world.join(segment));
        let client = table.client(&one).unwrap();
        let mut call = client.call(&1).unwrap();
        let server = table.server(&two).unwrap();
        forget(server.next().unwrap());
        // Seat 63 of two.
        world.set_word(0, Word(world.word(0).0 | 63 << 8));
        world.bury(&two);
        forget(server);
        assert_eq!(call.poll_and_ask(), Poll::Pending);
        drop(call);
        assert_eq!(world.state(0), State::Abandoned);
        assert!(client.call(&1).is_ok());
    });
}

#[test]
fn lengths_beyond_the_room_are_cut() {
    let config = Config::new(1, 1).request_bytes(8).reply_bytes(8);
    for trust in EACH_TRUST {
        let world = World::of::<Rpc<[u8], [u8]>>(trust, &config);
        let segment = world.segment(trust);
        let table: Rpc<[u8], [u8]> = segment.open("calls").unwrap();
        let me = world.join(&segment);
        let (client, server) = (table.client(&me).unwrap(), table.server(&me).unwrap());
        let mut call = client.call(b"four").unwrap();
        // One client: its line follows at once.
        let slot = world.at + 640;
        assert_eq!(
            (world.room.word(slot + 8), world.room.word(slot + 12)),
            (4, 0)
        );
        world.room.set(slot + 8, u32::MAX);
        world.room.set(slot + 12, u32::MAX);
        let mut request = server.next().unwrap();
        assert_eq!(request.len(), 8);
        assert_eq!(request.copy_into(&mut [0; 8]), Ok(8));
        request.reply(b"three").unwrap();
        assert_eq!(world.room.word(slot + 16), 5);
        world.room.set(slot + 16, u32::MAX);
        assert_eq!(call.poll_into(&mut [0; 9]), Poll::Ready(8));
    }
}

#[test]
fn anything_may_stand_there() {
    for trust in EACH_TRUST {
        let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
        for round in 0..200 {
            let config = Config {
                idempotent: round % 2 == 0,
                ..CONFIG
            };
            let world = World::of::<Numbers>(trust, &config);
            let segment = world.segment(trust);
            let table: Numbers = segment.open("calls").unwrap();
            let [one, two, three] = [(); 3].map(|()| world.join(&segment));
            world.bury(&two);
            let client = table.client(&one).unwrap();
            let server = table.server(&three).unwrap();
            let mut calls: Vec<_> = (0..2).map_while(|n| client.call(&n).ok()).collect();
            let mut requests: Vec<_> = (0..1).filter_map(|_| server.next()).collect();
            let scribble = |dice: &mut Dice| {
                for offset in (128..SLOTS + 4 * STRIDE).step_by(4) {
                    if dice.next().is_multiple_of(3) {
                        world.room.set(world.at + offset, dice.next() as u32);
                    }
                }
                // Some words that are nearly right.
                for slot in 0..4 {
                    if dice.next().is_multiple_of(2) {
                        let small = dice.next() & 0x3fff | (dice.next() % 4) << 28;
                        world.set_word(slot, Word(small));
                    }
                }
            };
            for _ in 0..8 {
                scribble(&mut dice);
                for call in &mut calls {
                    let _ = call.poll_and_ask();
                }
                for request in &mut requests {
                    let _ = (request.part(&1), request.is_cancelled(), request.client());
                    let _ = request.reply(&1);
                }
                let _ = (server.next().is_some(), server.next_anywhere().is_some());
                let _ = (client.call(&1).is_ok(), client.notify(&2).is_ok());
                let _ = (client.is_served(), three.reap(&Silent).unwrap());
                let _ = (table.client(&three).is_ok(), table.server(&three).is_ok());
            }
            scribble(&mut dice);
            drop((calls, requests));
        }
    }
}
