//! Calls whose numbers pass the last, and whose takings are counted past the last: alone and under threads.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use ringpad::Channel;
use ringpad::rpc::{Call, Config, Poll, Rpc, Unsent};

use crate::regions::{EACH_TRUST, Room, Trust};

/// Numbers of calls: 36 bits.
const NUMBERS: u64 = 1 << 36;

type Numbers<'m> = Rpc<'m, u64, u64>;

/// A table of one client and `servers` servers, whose client's last call had this number.
fn table<'m>(room: &'m Room, trust: Trust, config: &Config, last: u64) -> Numbers<'m> {
    Numbers::init(room.region(trust), config).unwrap();
    // One client: its line follows the claims and its bits at once.
    for slot in 0..config.depth as usize {
        let (at, word) = (640 + 128 * slot, last << 28);
        room.set(at, word as u32);
        room.set(at + 4, (word >> 32) as u32);
    }
    Numbers::attach(room.region(trust)).unwrap()
}

#[test]
fn calls_pass_the_last_number() {
    for trust in EACH_TRUST {
        for (depth, before) in [1, 2, 4]
            .into_iter()
            .flat_map(|d| (0..7).map(move |b| (d, b)))
        {
            let config = Config::new(1, 2).depth(depth);
            let room = Room::of::<Numbers<'_>>(&config);
            let table = table(&room, trust, &config, NUMBERS - 1 - before);
            let mut client = table.bare_client().unwrap();
            let (server, other) = (table.bare_server().unwrap(), table.bare_server().unwrap());
            let mut number = NUMBERS - 1 - before;
            let mut next = || {
                number = (number + 1) % NUMBERS;
                number
            };
            for round in 0..8 {
                let call = |n: u64| client.call(&n).unwrap();
                let mut calls: Vec<Call<'_, '_, _>> = (0..depth).map(|n| call(n.into())).collect();
                assert!(client.call(&9).is_err(), "full with depth calls");
                // In the order of their numbers, although those wrap; the last is given up while it is served.
                for n in 0..u64::from(depth) {
                    let mut request = server.next().unwrap();
                    assert_eq!((request.query(), request.id().number), (n, next()));
                    assert_eq!(calls[0].id(), request.id());
                    let mut call = calls.remove(0);
                    if round % 2 == 0 && calls.is_empty() {
                        call.cancel();
                        assert_eq!(request.reply(&n), Err(Unsent::Late));
                        continue;
                    }
                    request.reply(&(n + 1)).unwrap();
                    assert_eq!(call.poll(), Poll::Ready(n + 1));
                }
                client.notify(&7).unwrap();
                let request = other.next().unwrap();
                assert!(request.is_one_way());
                assert_eq!(request.id().number, next());
                drop(request);
                drop(calls);
                if round == 3 {
                    drop(client);
                    client = table.bare_client().unwrap();
                }
            }
            assert!(number < NUMBERS / 2, "it wrapped");
        }
    }
}

#[test]
fn a_call_is_served_again_past_the_last_taking() {
    for trust in EACH_TRUST {
        let config = Config::new(1, 2).idempotent();
        let room = Room::of::<Numbers<'_>>(&config);
        let table = table(&room, trust, &config, 6);
        let client = table.bare_client().unwrap();
        let mut call = client.call(&5).unwrap();
        for taking in 0..600 {
            let server = table.bare_server().unwrap();
            let request = server.next().expect("it comes again");
            let takes = (taking + 1) % 256;
            assert_eq!(room.get(640) >> 20 & 255, takes);
            assert_eq!((request.query(), request.id()), (5, call.id()));
            // It is a count modulo 256.
            assert_eq!(request.is_again(), takes > 1);
            assert_eq!(call.poll(), Poll::Pending);
            std::mem::forget(request);
        }
        let server = table.bare_server().unwrap();
        server.next().unwrap().reply(&6).unwrap();
        assert_eq!(call.poll(), Poll::Ready(6));
        assert!(server.next_anywhere().is_none());
    }
}

#[test]
fn threads_call_past_the_last_number() {
    const CALLS: u64 = 4000;
    for trust in EACH_TRUST {
        let config = Config::new(1, 2);
        let room = Room::of::<Numbers<'_>>(&config);
        let table = table(&room, trust, &config, NUMBERS - CALLS / 2);
        let client = table.bare_client().unwrap();
        let done = AtomicBool::new(false);
        let served: u64 = std::thread::scope(|scope| {
            let serve = || {
                let server = table.bare_server().unwrap();
                let done = &done;
                scope.spawn(move || {
                    let mut served = 0;
                    while !done.load(Relaxed) {
                        let Some(mut request) = server.next_anywhere() else {
                            std::thread::yield_now();
                            continue;
                        };
                        let asked = request.query();
                        served += u64::from(request.reply(&(asked * 3)).is_ok());
                    }
                    served
                })
            };
            let servers = [serve(), serve()];
            let mut calls = std::collections::VecDeque::new();
            let mut asked = 0;
            while asked < CALLS || !calls.is_empty() {
                if asked < CALLS && calls.len() < 4 {
                    calls.push_back((client.call(&asked).unwrap(), asked));
                    asked += 1;
                    continue;
                }
                let (call, asked) = calls.front_mut().unwrap();
                match call.poll() {
                    Poll::Pending => std::thread::yield_now(),
                    Poll::Ready(found) => {
                        assert_eq!(found, *asked * 3);
                        calls.pop_front();
                    }
                    other => panic!("{other:?}"),
                }
            }
            done.store(true, Relaxed);
            servers.map(|server| server.join().unwrap()).iter().sum()
        });
        assert_eq!(served, CALLS);
        let number = client.call(&0).unwrap().id().number;
        assert_eq!(number, CALLS - CALLS / 2 + 1, "it wrapped");
    }
}
