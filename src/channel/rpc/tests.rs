//! A table of calls, one rule a test, on one thread; each under both trusts.

mod ended;
mod garbage;
mod hints;
mod parts;
mod refused;
mod ringing;
mod states;
mod threads;

use core::mem::forget;

use super::word::{Flags, State, Word};
use super::{Call, CallId, Client, Config, Poll, Refused, Rpc, Server, TooLong, Unsent};
use crate::memory::liveness::PeerId;
use crate::memory::testing::{EACH_TRUST, Graves, Room, Trust};
use crate::{Channel, Content, Identity, Peer, Plan, Segment};

/// Wire offsets of a table of 2 clients, 2 servers and 2 calls of 4 bytes each way.
const CALL_WAITERS: usize = 128;
const CLAIMS: usize = 256;
const SENT: usize = 384;
const LINES: usize = 512;
const SLOTS: usize = 768;
const STRIDE: usize = 128;

const CONFIG: Config = Config::new(2, 2).depth(2);

type Numbers<'m> = Rpc<'m, u32, u32>;

/// A segment of four peers with a table, and who of them is dead.
struct World {
    room: Room,
    graves: Graves,
    /// Where the table begins.
    at: usize,
}

impl World {
    fn of<'m, C: Channel<'m>>(trust: Trust, config: &C::Config) -> Self {
        let plan = Plan::<1>::new().peers(4).unwrap();
        let plan = plan.channel::<C>("calls", config).unwrap();
        let room = Room::new(plan.layout().unwrap().size());
        let segment = Segment::init(room.region(trust), &plan).unwrap();
        let at = segment.entries().next().unwrap().offset as usize;
        let graves = Graves::default();
        Self { room, graves, at }
    }

    fn segment(&self, trust: Trust) -> Segment<'_> {
        Segment::attach(self.room.region(trust)).unwrap()
    }

    fn join<'m>(&'m self, segment: &Segment<'m>) -> Peer<'m> {
        segment.join(&Identity::default(), &self.graves).unwrap()
    }

    fn bury(&self, peer: &Peer<'_>) {
        self.graves.bury(peer.id());
    }

    /// The word of a slot.
    fn word(&self, slot: usize) -> Word {
        let at = self.at + SLOTS + slot * STRIDE;
        let (low, high) = (self.room.word(at), self.room.word(at + 4));
        Word(u64::from(high) << 32 | u64::from(low))
    }

    fn set_word(&self, slot: usize, word: Word) {
        let at = self.at + SLOTS + slot * STRIDE;
        self.room.set(at, word.0 as u32);
        self.room.set(at + 4, (word.0 >> 32) as u32);
    }

    fn state(&self, slot: usize) -> State {
        self.word(slot).state()
    }

    fn sent(&self, client: usize) -> u32 {
        self.room.word(self.at + SENT + 4 * client)
    }

    fn set_sent(&self, client: usize, bits: u32) {
        self.room.set(self.at + SENT + 4 * client, bits);
    }

    /// Who holds a seat.
    fn holder(&self, seat: usize) -> u32 {
        self.room.word(self.at + CLAIMS + 4 * seat) & 0xff
    }
}

/// Runs `test` under each trust in a new world with a table of numbers.
fn with_each(config: &Config, test: impl Fn(&World, &Segment<'_>, &Numbers<'_>)) {
    for trust in EACH_TRUST {
        let world = World::of::<Numbers>(trust, config);
        let segment = world.segment(trust);
        let table = segment.open("calls").unwrap();
        test(&world, &segment, &table);
    }
}

/// Runs `test` under each trust with a bare table.
fn with_bare<Q, A>(config: &Config, test: impl Fn(&Rpc<'_, Q, A>))
where
    Q: Content + ?Sized,
    A: Content + ?Sized,
{
    for trust in EACH_TRUST {
        let room = Room::of::<Rpc<Q, A>>(config);
        test(&Rpc::init(room.region(trust), config).unwrap());
    }
}

/// Serves the next call by doubling.
fn serve(server: &Server<'_, u32, u32>) -> Option<u32> {
    let mut request = server.next()?;
    let asked = request.query();
    request.reply(&(2 * asked)).unwrap();
    Some(asked)
}

#[test]
fn a_call_is_answered() {
    with_each(&CONFIG, |world, segment, table| {
        let (one, two) = (world.join(segment), world.join(segment));
        let (client, server) = (table.client(&one).unwrap(), table.server(&two).unwrap());
        assert_eq!((world.holder(0), world.holder(2)), (1, 2));
        assert!(server.next().is_none());
        for n in 1..5 {
            let mut call = client.call(&n).unwrap();
            assert_eq!(call.poll(), Poll::Pending);
            assert_eq!((world.state(0), world.sent(0)), (State::Sent, 1));
            let mut request = server.next().unwrap();
            assert_eq!((world.state(0), world.sent(0)), (State::Taken, 0));
            assert_eq!(world.word(0).server(), Some(two.id()));
            assert_eq!(call.poll(), Poll::Pending);
            assert_eq!(request.query(), n);
            assert_eq!(request.id(), call.id());
            assert_eq!(request.id().number, u64::from(n));
            assert_eq!(request.client(), Some(one.id()));
            assert!(!request.is_one_way() && !request.is_cancelled() && !request.is_again());
            assert_eq!(request.deadline_ns(), None);
            request.reply(&(10 * n)).unwrap();
            assert_eq!(request.reply(&0), Err(Unsent::Late), "once");
            drop(request);
            assert_eq!(world.state(0), State::Done);
            assert!(!call.is_over());
            assert_eq!(call.poll(), Poll::Ready(10 * n));
            assert!(call.is_over());
            assert_eq!(call.poll(), Poll::Over);
            assert_eq!(world.state(0), State::Free);
        }
        drop((client, server));
        assert_eq!((world.holder(0), world.holder(2)), (0, 0));
    });
}

#[test]
fn one_client_s_calls_come_in_their_order_and_clients_take_turns() {
    with_each(&CONFIG.depth(4), |world, segment, table| {
        let one = world.join(segment);
        let (a, b) = (table.client(&one).unwrap(), table.client(&one).unwrap());
        let server = table.server(&one).unwrap();
        let mut calls: Vec<Call<'_, '_, _>> = (1..5).map(|n| a.call(&n).unwrap()).collect();
        assert_eq!(a.call(&9).unwrap_err(), Refused::Full);
        // Slots 0 and 2 are used again: their calls are the youngest.
        assert_eq!(serve(&server), Some(1));
        assert_eq!(calls[0].poll(), Poll::Ready(2));
        calls[0] = a.call(&5).unwrap();
        let others: Vec<_> = (11..13).map(|n| b.call(&n).unwrap()).collect();
        let served: Vec<_> = core::iter::from_fn(|| serve(&server)).collect();
        assert_eq!(served, [11, 2, 12, 3, 4, 5]);
        for (n, call) in [5, 2, 3, 4].iter().zip(&mut calls) {
            assert_eq!(call.poll(), Poll::Ready(2 * n));
        }
        drop(others);
    });
}

#[test]
fn several_requests_are_open_at_once_and_answered_in_any_order() {
    with_each(&CONFIG, |world, segment, table| {
        let one = world.join(segment);
        let client = table.client(&one).unwrap();
        let (server, other) = (table.server(&one).unwrap(), table.server(&one).unwrap());
        let (mut first, mut second) = (client.call(&1).unwrap(), client.call(&2).unwrap());
        let (mut one, mut two) = (server.next().unwrap(), other.next().unwrap());
        assert_eq!((one.query(), two.query()), (1, 2));
        two.reply(&20).unwrap();
        assert_eq!(
            (first.poll(), second.poll()),
            (Poll::Pending, Poll::Ready(20))
        );
        one.reply(&10).unwrap();
        assert_eq!((first.poll(), second.poll()), (Poll::Ready(10), Poll::Over));
    });
}

#[test]
fn bytes_come_with_their_number() {
    let config = Config::new(1, 1).request_bytes(13).reply_bytes(5);
    with_bare::<[u8], [u8]>(&config, |table| {
        assert_eq!((table.request_bytes(), table.reply_bytes()), (13, 5));
        let (client, server) = (table.bare_client().unwrap(), table.bare_server().unwrap());
        let all: [u8; 14] = core::array::from_fn(|i| i as u8 + 1);
        let too_long = |found, most| TooLong { found, most };
        for bytes in 0..=13 {
            let mut call = client.call(&all[..bytes]).unwrap();
            let mut request = server.next().unwrap();
            assert_eq!((request.len(), request.is_empty()), (bytes, bytes == 0));
            let mut into = [0; 14];
            assert_eq!(request.copy_into(&mut into), Ok(bytes));
            assert_eq!(into[..bytes], all[..bytes]);
            if bytes > 0 {
                let short = request.copy_into(&mut into[..bytes - 1]);
                assert_eq!(short, Err(too_long(bytes, bytes - 1)));
            }
            let reply = &all[..bytes % 6];
            let six = request.reply(&all[..6]);
            assert_eq!(six, Err(Unsent::TooLong(too_long(6, 5))));
            request.reply(reply).unwrap();
            if !reply.is_empty() {
                let short = call.poll_into(&mut into[..reply.len() - 1]);
                assert_eq!(short, Poll::TooLong(too_long(reply.len(), reply.len() - 1)));
            }
            assert_eq!(call.poll_into(&mut into), Poll::Ready(reply.len()));
            assert_eq!(into[..reply.len()], *reply);
        }
        let refused = Refused::TooLong(too_long(14, 13));
        assert_eq!(client.call(&all).unwrap_err(), refused);
        assert_eq!(client.notify(&all).unwrap_err(), refused);
        assert_eq!(client.most_bytes(), 13);
    });
}

#[test]
fn types_and_bytes_mix() {
    with_bare::<[u64; 3], [u8]>(&Config::new(1, 1), |table| {
        let (client, server) = (table.bare_client().unwrap(), table.bare_server().unwrap());
        let mut call = client.call(&[1, 2, 3]).unwrap();
        let mut request = server.next().unwrap();
        assert_eq!(request.query(), [1, 2, 3]);
        request.reply(b"six").unwrap();
        let mut into = [0; 8];
        assert_eq!(call.poll_into_and_ask(&mut into), Poll::Ready(3));
        assert_eq!(&into[..3], b"six");
    });
    with_bare::<[u8], ()>(&Config::new(1, 1), |table| {
        let (client, server) = (table.bare_client().unwrap(), table.bare_server().unwrap());
        let mut call = client.call(b"do it").unwrap();
        server.next().unwrap().reply(&()).unwrap();
        assert_eq!(call.poll(), Poll::Ready(()));
    });
}

#[test]
fn the_server_is_told_by_when_a_reply_is_wanted() {
    with_each(&CONFIG, |world, segment, table| {
        let one = world.join(segment);
        let (client, server) = (table.client(&one).unwrap(), table.server(&one).unwrap());
        for deadline in [1, u64::MAX, 1 << 40] {
            let call = client.call_by(&7, deadline).unwrap();
            let request = server.next().unwrap();
            assert_eq!(
                (request.deadline_ns(), request.query()),
                (Some(deadline), 7)
            );
            drop((call, request));
        }
        let call = client.call_by(&7, 0).unwrap();
        assert_eq!(server.next().unwrap().deadline_ns(), None);
        drop(call);
    });
}

#[test]
fn messages_need_no_reply() {
    with_each(&CONFIG, |world, segment, table| {
        let one = world.join(segment);
        let (client, server) = (table.client(&one).unwrap(), table.server(&one).unwrap());
        client.notify(&1).unwrap();
        client.notify(&2).unwrap();
        assert_eq!(client.notify(&3), Err(Refused::Full));
        let mut request = server.next().unwrap();
        assert!(request.is_one_way() && !request.is_cancelled());
        assert_eq!(request.query(), 1);
        assert_eq!(client.notify(&3), Err(Refused::Full), "being served");
        assert_eq!(request.part(&0), Ok(()), "to nobody");
        assert_eq!(request.reply(&0), Ok(()), "to nobody");
        assert_eq!(world.state(0), State::Free);
        drop(request);
        let mut call = client.call(&3).unwrap();
        let request = server.next().unwrap();
        assert_eq!((request.query(), world.state(1)), (2, State::Taken));
        drop(request);
        assert_eq!(world.state(1), State::Free);
        assert_eq!(serve(&server), Some(3));
        assert_eq!(call.poll(), Poll::Ready(6));
        assert!(client.notify(&4).is_ok() && client.notify(&5).is_ok());
    });
}

#[test]
fn calls_are_numbered_across_the_wrap() {
    with_each(&CONFIG, |world, segment, table| {
        let one = world.join(segment);
        world.set_word(0, Word::sent((1 << 36) - 3, Flags::NONE).as_free());
        world.set_word(1, Word::sent((1 << 36) - 2, Flags::NONE).as_free());
        let (client, server) = (table.client(&one).unwrap(), table.server(&one).unwrap());
        for number in [(1 << 36) - 1, 0, 1, 2] {
            let (mut call, other) = (client.call(&4).unwrap(), number);
            assert_eq!(
                (call.id(), call.id().client),
                (
                    CallId {
                        client: 0,
                        number: other
                    },
                    0
                )
            );
            assert_eq!(serve(&server), Some(4));
            assert_eq!(call.poll(), Poll::Ready(8));
        }
        // The last before the wrap and the first behind it, in slots the other way round.
        world.set_word(0, Word::sent((1 << 36) - 2, Flags::NONE).as_free());
        drop(client);
        let client = table.client(&one).unwrap();
        let calls = [client.call(&1).unwrap(), client.call(&2).unwrap()];
        assert_eq!((serve(&server), serve(&server)), (Some(1), Some(2)));
        drop(calls);
    });
}
