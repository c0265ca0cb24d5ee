//! Every state of a call, and what comes of it when its client, its server or both are dead.

use super::*;
use crate::Silent;
use crate::segment::reaped::Reaped;

/// How far the call had come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    Sent,
    /// Its bit is cleared, and nobody has it.
    Unsaid,
    Taken,
    Part,
    LastPart,
    Done,
    Unanswered,
    Abandoned,
    Message,
    UnsaidMessage,
    TakenMessage,
}

const EVERY: [At; 11] = [
    At::Sent,
    At::Unsaid,
    At::Taken,
    At::Part,
    At::LastPart,
    At::Done,
    At::Unanswered,
    At::Abandoned,
    At::Message,
    At::UnsaidMessage,
    At::TakenMessage,
];

/// A client (peer 1), a server (peer 2), whose call in slot 0 has come so far, and peer 3, who lives. What they had open is forgotten.
struct Scene<'w> {
    world: &'w World,
    client: Client<'w, u32, u32>,
    server: Server<'w, u32, u32>,
}

impl<'w> Scene<'w> {
    fn at(
        at: At,
        world: &'w World,
        table: &Numbers<'w>,
        one: &'w Peer<'w>,
        two: &'w Peer<'w>,
    ) -> Self {
        let (client, server) = (table.client(one).unwrap(), table.server(two).unwrap());
        if matches!(at, At::Message | At::UnsaidMessage | At::TakenMessage) {
            client.notify(&5).unwrap();
        } else {
            forget(client.call(&5).unwrap());
        }
        if !matches!(at, At::Sent | At::Unsaid | At::Message | At::UnsaidMessage) {
            let mut request = server.next().unwrap();
            match at {
                At::Part => request.part(&6).unwrap(),
                At::LastPart => request.part(&6).unwrap(),
                At::Done => request.reply(&7).unwrap(),
                _ => {}
            }
            match at {
                At::LastPart | At::Unanswered => drop(request),
                _ => forget(request),
            }
        }
        match at {
            At::Unsaid | At::UnsaidMessage => world.set_sent(0, 0),
            At::Abandoned => world.set_word(0, world.word(0).as_abandoned()),
            _ => {}
        }
        Self {
            world,
            client,
            server,
        }
    }

    /// The client dies.
    fn bury_client(self, one: &Peer<'_>) -> Server<'w, u32, u32> {
        forget(self.client);
        self.world.bury(one);
        self.server
    }

    /// The server dies.
    fn bury_server(self, two: &Peer<'_>) -> Client<'w, u32, u32> {
        forget(self.server);
        self.world.bury(two);
        self.client
    }
}

/// Runs `test` for every state, both sorts of service and both trusts.
fn each(test: impl for<'w> Fn(At, bool, &'w World, &Numbers<'w>, [&'w Peer<'w>; 3])) {
    for trust in EACH_TRUST {
        for idempotent in [false, true] {
            for at in EVERY {
                let config = Config {
                    idempotent,
                    ..CONFIG
                };
                let world = World::of::<Numbers>(trust, &config);
                let segment = world.segment(trust);
                let table = segment.open("calls").unwrap();
                let peers = [(); 3].map(|()| world.join(&segment));
                test(at, idempotent, &world, &table, peers.each_ref());
            }
        }
    }
}

/// What slot 0 says when a dead client's seat was cleaned.
fn without_client(at: At) -> (State, bool) {
    match at {
        At::Taken | At::Part | At::Abandoned => (State::Abandoned, false),
        At::Message | At::UnsaidMessage => (State::Sent, true),
        At::TakenMessage => (State::Taken, false),
        _ => (State::Free, false),
    }
}

#[test]
fn a_client_dies() {
    for reap in [false, true] {
        each(|at, idempotent, world, table, [one, two, three]| {
            let server = Scene::at(at, world, table, one, two).bury_client(one);
            let ended = u32::from(!matches!(
                at,
                At::Abandoned | At::Message | At::UnsaidMessage | At::TakenMessage
            ));
            let found = match reap {
                true => three.reap(&Silent).unwrap(),
                // Whoever takes any seat gives back what the dead had.
                false => {
                    drop(table.client(three).unwrap());
                    three.segment().reaped()
                }
            };
            assert_eq!((found.ends, found.calls), (1, ended), "{at:?}");
            let (state, sent) = without_client(at);
            assert_eq!(world.state(0), state, "{at:?}");
            assert_eq!(world.holder(0), 0, "{at:?}");
            let said = world.sent(0) & 1 != 0;
            assert!(said || !sent, "{at:?}");
            // What was on its way is served once; then the slot is the next one's.
            let served = server.next().map(|request| request.query());
            assert_eq!(served, sent.then_some(5), "{at:?}");
            let next = table.client(three).unwrap();
            let taken = matches!(state, State::Abandoned | State::Taken);
            let calls: Vec<_> = (0..2).map_while(|n| next.call(&n).ok()).collect();
            assert_eq!(calls.len(), if taken { 1 } else { 2 }, "{at:?}");
            drop(calls);
            // The server leaves with what it forgot: a message goes to the next one.
            drop(server);
            let again = idempotent && at == At::TakenMessage;
            let calls: Vec<_> = (0..2).map_while(|n| next.call(&n).ok()).collect();
            assert_eq!(calls.len(), if again { 1 } else { 2 }, "{at:?}");
        });
    }
}

/// What its caller hears of a call whose server died, all of it.
fn heard(at: At, idempotent: bool, mender: Mender, two: &Peer<'_>) -> Vec<Poll<u32>> {
    let died = Poll::PeerDied { by: two.id() };
    let part = Poll::Part {
        number: 0,
        value: 6,
    };
    match at {
        At::Done => vec![Poll::Ready(7)],
        At::Unanswered => vec![Poll::Unanswered],
        At::LastPart => vec![part, Poll::Unanswered],
        At::Taken if !idempotent => vec![died],
        At::Part if !idempotent => vec![part, died],
        // The caller takes the part before it asks.
        At::Part if mender == Mender::Caller => vec![part, Poll::Ready(10)],
        // Served by another.
        _ => vec![Poll::Ready(10)],
    }
}

/// Who does what has to be done for the dead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mender {
    Caller,
    NextServer,
    SameSeat,
    Reaper,
}

#[test]
fn a_server_dies() {
    for mender in [
        Mender::Caller,
        Mender::NextServer,
        Mender::SameSeat,
        Mender::Reaper,
    ] {
        each(|at, idempotent, world, table, [one, two, three]| {
            if matches!(
                at,
                At::Abandoned | At::Message | At::UnsaidMessage | At::TakenMessage
            ) {
                return;
            }
            let client = Scene::at(at, world, table, one, two).bury_server(two);
            // The same call once more, by the handle that the scene forgot.
            let mut call = Call::new(&client.stub, 0, Word::sent(1, Flags::NONE));
            assert!(!client.is_served());
            match mender {
                Mender::Caller | Mender::NextServer => {}
                Mender::SameSeat => {
                    let both = [table.server(three).unwrap(), table.server(three).unwrap()];
                    assert_eq!((world.holder(2), world.holder(3)), (3, 3));
                    drop(both);
                }
                Mender::Reaper => {
                    let found = three.reap(&Silent).unwrap();
                    let ended = matches!(at, At::Taken | At::Part);
                    assert_eq!((found.ends, found.calls), (1, ended.into()), "{at:?}");
                }
            }
            let server = match mender {
                Mender::Caller => None,
                _ => Some(table.server(three).unwrap()),
            };
            let mut all = Vec::new();
            let mut late = None;
            for _ in 0..8 {
                let found = match mender {
                    Mender::Caller => call.poll_and_ask(),
                    _ => call.poll(),
                };
                match found {
                    Poll::Pending if mender == Mender::Caller => {
                        // It has said again that the call is there: any server finds it.
                        assert_eq!((world.state(0), world.sent(0)), (State::Sent, 1));
                        late = late.or_else(|| Some(table.server(three).unwrap()));
                        assert_eq!(late.as_ref().and_then(serve), Some(5));
                    }
                    Poll::Pending => assert_eq!(server.as_ref().and_then(serve), Some(5)),
                    Poll::Over => break,
                    found => all.push(found),
                }
            }
            assert_eq!(
                all,
                heard(at, idempotent, mender, two),
                "{at:?} {mender:?} {idempotent}"
            );
            assert_eq!(world.state(0), State::Free);
            forget(call);
        });
    }
}

#[test]
fn a_server_of_a_call_that_was_given_up_dies() {
    for mender in [Mender::Caller, Mender::NextServer, Mender::Reaper] {
        each(|at, idempotent, world, table, [one, two, three]| {
            if !matches!(at, At::Abandoned | At::TakenMessage) {
                return;
            }
            let client = Scene::at(at, world, table, one, two).bury_server(two);
            // The scene's calls are nobody's; this client has to find out that the slot is free.
            client.stub.leave(0);
            let other = client.call(&1).unwrap();
            let again = idempotent && at == At::TakenMessage;
            let server = match mender {
                Mender::Caller | Mender::SameSeat => None,
                Mender::NextServer => Some(table.server(three).unwrap()),
                Mender::Reaper => {
                    let found = three.reap(&Silent).unwrap();
                    assert_eq!((found.ends, found.calls), (1, 1));
                    None
                }
            };
            if again {
                assert_eq!(client.call(&2).unwrap_err(), Refused::Full);
                let server = server.unwrap_or_else(|| table.server(three).unwrap());
                assert_eq!((world.state(0), world.sent(0)), (State::Sent, 3));
                let request = server.next().unwrap();
                assert!(request.is_again() && request.is_one_way());
                assert_eq!(request.query(), 5);
                drop(request);
            }
            let second = client.call(&2).unwrap();
            assert_eq!(world.word(0).number(), second.id().number);
            drop((other, second));
        });
    }
}

#[test]
fn both_die() {
    each(|at, idempotent, world, table, [one, two, three]| {
        let scene = Scene::at(at, world, table, one, two);
        forget((scene.client, scene.server));
        world.bury(one);
        world.bury(two);
        let found = three.reap(&Silent).unwrap();
        assert_eq!(found.ends, 2, "{at:?}");
        assert_eq!(three.segment().reaped().calls, found.calls);
        let message = match at {
            At::Message | At::UnsaidMessage => true,
            At::TakenMessage => idempotent,
            _ => false,
        };
        let server = table.server(three).unwrap();
        let served = server.next().map(|request| request.query());
        assert_eq!(served, message.then_some(5), "{at:?}");
        assert_eq!(world.state(0), State::Free, "{at:?}");
        assert_eq!((0..4).map(|seat| world.holder(seat)).sum::<u32>(), 3);
        let again = three.reap(&Silent).unwrap();
        assert_eq!(again, Reaped::default(), "once");
    });
}

#[test]
fn who_lives_keeps_everything() {
    each(|at, _, world, table, [one, two, three]| {
        let scene = Scene::at(at, world, table, one, two);
        let before = (world.word(0), world.sent(0));
        assert_eq!(three.reap(&Silent).unwrap(), Reaped::default());
        let mut call: Call<'_, '_, u32> = Call::new(&scene.client.stub, 0, before.0);
        if matches!(at, At::Sent | At::Taken) {
            for _ in 0..5000 {
                assert_eq!(call.poll_and_ask(), Poll::Pending);
            }
        }
        forget(call);
        drop(table.client(three).unwrap());
        assert_eq!((world.word(0), world.sent(0)), before, "{at:?}");
    });
}

/// Between the look at a word and the exchange somebody else mends it, and another server takes the call: the exchange fails.
#[test]
fn a_word_that_was_taken_again_is_another() {
    let config = CONFIG.idempotent();
    with_each(&config, |world, segment, table| {
        let (one, two) = (world.join(segment), world.join(segment));
        let client = table.client(&one).unwrap();
        let call = client.call(&1).unwrap();
        let server = table.server(&two).unwrap();
        let first = server.next().unwrap();
        let found = world.word(0);
        world.set_word(0, found.as_sent());
        world.set_sent(0, 1);
        let second = server.next().unwrap();
        assert_ne!(
            world.word(0),
            found,
            "the same server and call, another taking"
        );
        let mut mended = Default::default();
        assert_eq!(client.stub.calls().mend(0, found, &mut mended), None);
        assert_eq!(mended, Default::default());
        assert_eq!(world.state(0), State::Taken);
        drop(first);
        assert_eq!(
            world.state(0),
            State::Taken,
            "nor may whoever had it end it"
        );
        drop(second);
        assert_eq!(world.state(0), State::Done);
        drop(call);
    });
}
