//! Attaches call tables to arbitrary bytes, calls, serves, answers, polls and gives up.

use ringpad::rpc::{Call, Client, Poll, Refused, Request, Rpc, Server, Unsent};
use ringpad::{Channel, Content, PeerId};

use super::room::{Arena, Script};

const BYTES: [u8; 255] = [7; 255];

/// What is asked: values or bytes.
trait Ask: Content {
    fn call<'c, 'p, A: Answer + ?Sized>(
        client: &'c Client<'p, Self, A>,
        script: &mut Script<'_>,
    ) -> Result<Call<'c, 'p, A>, Refused>;
    fn notify<A: Answer + ?Sized>(
        client: &Client<'_, Self, A>,
        script: &mut Script<'_>,
    ) -> Result<(), Refused>;
    fn look<A: Answer + ?Sized>(request: &Request<'_, '_, Self, A>, most: u32);
}

/// What is answered.
trait Answer: Content {
    fn reply<Q: Ask + ?Sized>(
        request: &mut Request<'_, '_, Q, Self>,
        is_part: bool,
        script: &mut Script<'_>,
    ) -> Result<(), Unsent>;
    fn poll(call: &mut Call<'_, '_, Self>, script: &mut Script<'_>) -> Poll<()>;
}

macro_rules! value {
    ($($value:ty = $example:expr;)*) => {$(
        impl Ask for $value {
            fn call<'c, 'p, A: Answer + ?Sized>(
                client: &'c Client<'p, Self, A>,
                script: &mut Script<'_>,
            ) -> Result<Call<'c, 'p, A>, Refused> {
                client.call_by(&$example, script.byte().into())
            }
            fn notify<A: Answer + ?Sized>(
                client: &Client<'_, Self, A>,
                _: &mut Script<'_>,
            ) -> Result<(), Refused> {
                client.notify(&$example)
            }
            fn look<A: Answer + ?Sized>(request: &Request<'_, '_, Self, A>, _: u32) {
                request.query();
            }
        }
        impl Answer for $value {
            fn reply<Q: Ask + ?Sized>(
                request: &mut Request<'_, '_, Q, Self>,
                is_part: bool,
                _: &mut Script<'_>,
            ) -> Result<(), Unsent> {
                match is_part {
                    true => request.part(&$example),
                    false => request.reply(&$example),
                }
            }
            fn poll(call: &mut Call<'_, '_, Self>, script: &mut Script<'_>) -> Poll<()> {
                without(match script.byte() % 2 {
                    0 => call.poll(),
                    _ => call.poll_and_ask(),
                })
            }
        }
    )*};
}

value! {
    u32 = 5;
    u64 = 6;
    [u64; 3] = [7; 3];
}

impl Ask for [u8] {
    fn call<'c, 'p, A: Answer + ?Sized>(
        client: &'c Client<'p, Self, A>,
        script: &mut Script<'_>,
    ) -> Result<Call<'c, 'p, A>, Refused> {
        let bytes = &BYTES[..script.byte().into()];
        let call = client.call(bytes);
        let too_long = matches!(call, Err(Refused::TooLong(_)));
        assert_eq!(too_long, bytes.len() > client.most_bytes());
        call
    }
    fn notify<A: Answer + ?Sized>(
        client: &Client<'_, Self, A>,
        script: &mut Script<'_>,
    ) -> Result<(), Refused> {
        client.notify(&BYTES[..usize::from(script.byte()).min(client.most_bytes())])
    }
    fn look<A: Answer + ?Sized>(request: &Request<'_, '_, Self, A>, most: u32) {
        assert!(request.len() <= most as usize);
        let _ = request.copy_into(&mut [0; 16]);
    }
}

impl Answer for [u8] {
    fn reply<Q: Ask + ?Sized>(
        request: &mut Request<'_, '_, Q, Self>,
        is_part: bool,
        script: &mut Script<'_>,
    ) -> Result<(), Unsent> {
        let bytes = &BYTES[..script.byte().into()];
        let done = match is_part {
            true => request.part(bytes),
            false => request.reply(bytes),
        };
        let too_long = matches!(done, Err(Unsent::TooLong(_)));
        assert_eq!(too_long, bytes.len() > request.most_bytes());
        done
    }
    fn poll(call: &mut Call<'_, '_, Self>, script: &mut Script<'_>) -> Poll<()> {
        let mut into = [0; 32];
        let into = &mut into[..usize::from(script.byte() % 33)];
        without(match script.byte() % 2 {
            0 => call.poll_into(into),
            _ => call.poll_into_and_ask(into),
        })
    }
}

/// The same without its value; what it says must be possible.
fn without<T>(poll: Poll<T>) -> Poll<()> {
    match poll {
        Poll::Pending => Poll::Pending,
        Poll::Part { number, .. } => Poll::Part { number, value: () },
        Poll::Ready(_) => Poll::Ready(()),
        Poll::PeerDied { by } => {
            assert!(by == PeerId::BARE || by.get() <= PeerId::MOST);
            Poll::Unanswered
        }
        Poll::TooLong(why) => {
            assert!(why.found > why.most);
            Poll::TooLong(why)
        }
        Poll::Corrupt => Poll::Corrupt,
        Poll::Over => Poll::Over,
        _ => Poll::Unanswered,
    }
}

/// The input describes a region; each pair of types has its turn with it.
pub fn run(input: &[u8]) -> u32 {
    let (mut script, room) = Script::with_room(input);
    on(&room, &mut script)
}

/// The same over any region.
pub fn on(room: &impl Arena, script: &mut Script<'_>) -> u32 {
    of::<u32, u64>(room, script)
        + of::<[u8], [u8]>(room, script)
        + of::<[u64; 3], [u8]>(room, script)
}

fn of<Q: Ask + ?Sized, A: Answer + ?Sized>(room: &impl Arena, script: &mut Script<'_>) -> u32 {
    let Ok(table) = Rpc::<Q, A>::attach(room.region()) else {
        return 0;
    };
    let mut calls = 0;
    // New ends as often as the script says.
    while let Some(ends) = script.next() {
        calls += 1;
        let clients: Vec<_> = (0..ends % 3)
            .filter_map(|_| table.bare_client().ok())
            .collect();
        let servers: Vec<_> = (0..ends / 3 % 3)
            .filter_map(|_| table.bare_server().ok())
            .collect();
        calls += drive(room, script, &table, &clients, &servers);
        if ends & 128 != 0 {
            clients.into_iter().for_each(core::mem::forget);
            servers.into_iter().for_each(core::mem::forget);
        }
    }
    calls
}

fn drive<Q: Ask + ?Sized, A: Answer + ?Sized>(
    room: &impl Arena,
    script: &mut Script<'_>,
    table: &Rpc<'_, Q, A>,
    clients: &[Client<'_, Q, A>],
    servers: &[Server<'_, Q, A>],
) -> u32 {
    let mut count = 0;
    let (mut calls, mut requests) = (Vec::new(), Vec::new());
    while let Some(step) = script.next() {
        count += 1;
        let which = usize::from(script.byte());
        let client = clients.get(which % clients.len().max(1));
        let server = servers.get(which % servers.len().max(1));
        let call = which % calls.len().max(1);
        let request = which % requests.len().max(1);
        match step % 16 {
            0 => break,
            1 => script.scribble(room),
            // A slot's own words more often than their number says, with a state and flags of any kind.
            2 => {
                let at = 192 + 32 * which % 128 + which / 128 * 2;
                room.scribble(at, script.word() & !0x7f | u32::from(script.byte() % 128));
            }
            3 => {
                let at = [32, 64, 65, 66, 67, 96, 97, 128][which % 8];
                room.scribble(at, script.word());
            }
            4 | 5 => calls.extend(client.and_then(|client| Q::call(client, script).ok())),
            6 => {
                let sent = client.map(|client| Q::notify(client, script));
                assert!(!matches!(sent, Some(Err(Refused::TooLong(_)))));
            }
            7 | 8 => requests.extend(server.and_then(Server::next)),
            9 => requests.extend(server.and_then(Server::next_anywhere)),
            10 | 11 if requests.is_empty() => {}
            10 => {
                let request = &mut requests[request];
                Q::look(request, table.request_bytes());
                let _ = (
                    request.is_cancelled(),
                    request.deadline_ns(),
                    request.client(),
                );
                assert!(request.id().client < table.clients());
                let _ = A::reply(request, which >= 128, script);
            }
            11 => drop(requests.swap_remove(request)),
            12..=14 if calls.is_empty() => {}
            12 | 13 => {
                let was_over = calls[call].is_over();
                let said = A::poll(&mut calls[call], script);
                assert_eq!(was_over, said == Poll::Over);
                let ended = matches!(said, Poll::Ready(()) | Poll::Unanswered | Poll::Corrupt);
                assert_eq!(calls[call].is_over(), was_over || ended);
            }
            14 => calls.swap_remove(call).cancel(),
            _ => match which % 4 {
                0 => core::mem::forget(calls.pop()),
                1 => core::mem::forget(requests.pop()),
                _ => _ = client.map(|client| client.is_served()),
            },
        }
    }
    count
}
