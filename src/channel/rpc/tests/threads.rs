//! Threads that call, cancel and serve at once.

use core::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread::{scope, yield_now};
use std::time::{Duration, Instant};

use super::*;

/// How long one call may take, on however busy a machine.
const PATIENCE: Duration = Duration::from_secs(120);
const EACH: u64 = 20_000;

/// A request: who asks, which, and whether all of it is there.
type Words = [u64; 6];

fn words(client: u64, n: u64) -> Words {
    core::array::from_fn(|i| client << 40 | n << 8 | i as u64)
}

/// The reply to a request: no word of it stays.
fn answer(of: Words) -> Words {
    of.map(|word| !word.rotate_left(9))
}

/// What threads saw together.
#[derive(Default)]
struct Seen {
    replies: AtomicU64,
    cancelled: AtomicU64,
    late: AtomicU64,
    served: AtomicU64,
    messages: AtomicU64,
}

fn ask(client: Client<'_, Words, Words>, me: u64, seen: &Seen) {
    let mut n = 0;
    while n < EACH {
        let since = Instant::now();
        let mut open = Vec::new();
        while let Ok(call) = client.call(&words(me, n)) {
            open.push((n, call));
            n += 1;
        }
        assert!(since.elapsed() < PATIENCE);
        for (n, mut call) in open {
            if n % 7 == 3 {
                // Some are taken by now, some not.
                call.cancel();
                seen.cancelled.fetch_add(1, Relaxed);
                continue;
            }
            loop {
                match call.poll() {
                    Poll::Pending => {
                        assert!(since.elapsed() < PATIENCE, "no reply to {n} of {me}");
                        yield_now();
                    }
                    Poll::Ready(found) => {
                        assert_eq!(found, answer(words(me, n)));
                        break;
                    }
                    other => panic!("{other:?} of {n} of {me}"),
                }
            }
            seen.replies.fetch_add(1, Relaxed);
        }
        if client.notify(&words(me | 1 << 10, n)).is_ok() {
            seen.messages.fetch_add(1, Relaxed);
        }
        yield_now();
    }
}

fn serve(server: Server<'_, Words, Words>, seen: &Seen, over: &AtomicBool) {
    loop {
        let Some(mut request) = server.next() else {
            if over.load(Relaxed) {
                return;
            }
            yield_now();
            continue;
        };
        let asked = request.query();
        let (client, n) = (asked[0] >> 40, asked[0] >> 8 & 0xffff_ffff);
        assert_eq!(asked, words(client, n), "torn");
        if request.is_one_way() {
            assert_eq!(client >> 10, 1);
            seen.served.fetch_add(1, Relaxed);
            continue;
        }
        assert_eq!(client, u64::from(request.id().client));
        match request.reply(&answer(asked)) {
            Ok(()) => {}
            Err(Unsent::Late) => {
                seen.late.fetch_add(1, Relaxed);
            }
            Err(other) => panic!("{other}"),
        }
    }
}

#[test]
fn many_ask_many() {
    for trust in EACH_TRUST {
        let config = Config::new(2, 2).depth(4);
        let room = Room::of::<Rpc<Words, Words>>(&config);
        let table = Rpc::<Words, Words>::init(room.region(trust), &config).unwrap();
        let (seen, over) = (Seen::default(), AtomicBool::new(false));
        scope(|scope| {
            let servers = [(); 2].map(|()| {
                let server = table.bare_server().unwrap();
                scope.spawn(|| serve(server, &seen, &over))
            });
            let clients = [0, 1].map(|_| {
                let client = table.bare_client().unwrap();
                let me = u64::from(client.stub.desk().number());
                let seen = &seen;
                scope.spawn(move || ask(client, me, seen))
            });
            clients
                .into_iter()
                .for_each(|client| client.join().unwrap());
            over.store(true, Relaxed);
            servers
                .into_iter()
                .for_each(|server| server.join().unwrap());
        });
        let all = seen.replies.load(Relaxed) + seen.cancelled.load(Relaxed);
        assert!(all >= 2 * EACH, "{all}");
        assert_eq!(
            seen.served.load(Relaxed),
            seen.messages.load(Relaxed),
            "every message once"
        );
        assert!(seen.late.load(Relaxed) <= seen.cancelled.load(Relaxed));
        // Every slot is free again.
        let client = table.bare_client().unwrap();
        let calls: Vec<_> = (0..4).map(|n| client.call(&words(0, n)).unwrap()).collect();
        drop(calls);
    }
}

/// Also while the client sends, gives up, and says again what is there, and the server looks everywhere.
#[test]
fn one_server_takes_one_client_s_messages_in_their_order() {
    let config = Config::new(1, 1).depth(4);
    let room = Room::of::<Numbers>(&config);
    let table = Numbers::init(room.region(Trust::Cooperative), &config).unwrap();
    let over = AtomicBool::new(false);
    scope(|scope| {
        let server = table.bare_server().unwrap();
        let over = &over;
        let serving = scope.spawn(move || {
            let (mut last, mut passed_over) = (0, 0);
            while !over.load(Relaxed) {
                for request in [server.next(), server.next_anywhere()] {
                    let Some(request) = request else { continue };
                    passed_over += u32::from(request.id().number < last);
                    last = request.id().number;
                }
            }
            passed_over
        });
        let client = table.bare_client().unwrap();
        for n in 0..200_000 {
            if n % 3 == 0 {
                drop(client.call(&n));
            } else {
                let _ = client.notify(&n);
            }
        }
        over.store(true, Relaxed);
        assert_eq!(serving.join().unwrap(), 0);
    });
}
