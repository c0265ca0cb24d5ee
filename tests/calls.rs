//! Requirements 1, 8 and 9: calls between processes that sleep until there is something, and learn of deaths.
#![cfg(all(feature = "std", any(target_os = "linux", windows)))]

mod common;

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use common::page::Page;
use common::room::Room;
use common::{PATIENCE, child, until};
use ringpad::os::{CallError, OwnedPeer, SharedSegment, now_ns};
use ringpad::rpc::{Config, Poll, Rpc, Unsent};
use ringpad::{PeerId, Plan};

#[test]
fn child() {
    child::play(&[("server", server)]);
}

const NAME: &str = "calls";

/// Words of the page: servers that are there, requests taken.
const READY: usize = 0;
const TAKEN: usize = 1;

/// What a server does with a request.
const DOUBLE: u64 = 0;
const KEEP: u64 = 1;
const DROP: u64 = 2;
const PARTS: u64 = 3;

type Asked = [u64; 2];

fn open(room: &Room) -> SharedSegment {
    let config = Config::new(4, 4);
    let plan = Plan::<3>::new().peers(6).unwrap();
    let plan = plan.channel::<Rpc<Asked, u64>>("once", &config).unwrap();
    let again = config.idempotent();
    let plan = plan.channel::<Rpc<Asked, u64>>("again", &again).unwrap();
    let plan = plan.channel::<Rpc<[u8], [u8]>>("bytes", &config).unwrap();
    SharedSegment::open_or_create(NAME, &plan, &room.options()).expect("opening")
}

/// Serves the table of this name for ever, and sleeps without a tick.
fn server() {
    let room = Room::parents();
    let page = Page::open(&room, "page");
    let me = open(&room).join().unwrap();
    let server = me.server::<Asked, u64>(&child::word(0)).unwrap();
    let mut waiter = me.waiter().unwrap().without_tick();
    page.add(READY, 1);
    loop {
        let served = server.serve_one(&mut waiter, None, |request| {
            let [what, n] = request.query();
            page.set(TAKEN, me.id().get().into());
            match what {
                DOUBLE => request.reply(&(2 * n)).unwrap(),
                // Of those that come again, the next one serves.
                KEEP if !request.is_again() => loop {
                    std::thread::park();
                },
                KEEP => request.reply(&(3 * n)).unwrap(),
                DROP => {}
                _ => {
                    for part in 0..n {
                        while request.part(&part).is_err() {
                            std::thread::yield_now();
                        }
                    }
                }
            }
        });
        assert!(served.unwrap());
    }
}

/// A room whose table of this name so many children serve.
fn served(room: &Room, table: &str, servers: u64) -> (Page, Vec<child::Child>, OwnedPeer) {
    let page = Page::create(room, "page");
    let me = open(room).join().unwrap();
    let spawn = |_| child::spawn(room, "server", &[&table]);
    let children: Vec<_> = (0..servers).map(spawn).collect();
    until("they serve", || page.get(READY) == servers);
    children.iter().for_each(child::Child::asleep);
    (page, children, me)
}

#[test]
fn a_sleeping_server_is_woken_by_a_call_and_a_sleeping_client_by_its_reply() {
    let room = Room::new("calls-rung");
    let (_page, children, me) = served(&room, "once", 1);
    let client = me.client::<Asked, u64>("once").unwrap();
    let mut waiter = me.waiter().unwrap().without_tick();
    assert!(client.is_served());
    for n in 0..50 {
        children[0].asleep();
        let answer = client.call_timeout(&mut waiter, &[DOUBLE, n], Some(PATIENCE));
        assert_eq!(answer.unwrap(), 2 * n);
    }
    println!("rung {} times", waiter.woken());
    let dropped = client.call_timeout(&mut waiter, &[DROP, 0], Some(PATIENCE));
    assert!(matches!(dropped, Err(CallError::Unanswered)), "{dropped:?}");
}

/// Calls and sleeps without a tick while `meanwhile` happens. Answers what came of it, and how long it took from then on.
fn slept(
    me: &OwnedPeer,
    table: &str,
    meanwhile: impl FnOnce(),
) -> (Result<u64, CallError>, Duration) {
    let thread = AtomicU32::new(0);
    std::thread::scope(|scope| {
        let sleeper = scope.spawn(|| {
            thread.store(child::this_thread(), Ordering::Relaxed);
            let client = me.client::<Asked, u64>(table).unwrap();
            let mut waiter = me.waiter().unwrap().without_tick();
            let found = client.call_timeout(&mut waiter, &[KEEP, 7], Some(PATIENCE));
            (found, Instant::now())
        });
        until("it sleeps", || {
            child::thread_is_polling(thread.load(Ordering::Relaxed))
        });
        let start = Instant::now();
        meanwhile();
        let (found, at) = sleeper.join().unwrap();
        (found, at.saturating_duration_since(start))
    })
}

#[test]
fn a_sleeping_client_learns_of_its_server_s_death() {
    let room = Room::new("calls-death");
    let (page, children, me) = served(&room, "once", 1);
    let (found, took) = slept(&me, "once", || {
        until("it is taken", || page.get(TAKEN) != 0);
        children[0].kill();
    });
    let by = PeerId::new(page.get(TAKEN) as u32).unwrap();
    match found {
        Err(CallError::PeerDied { by: found }) => assert_eq!(found, by),
        other => panic!("{other:?}"),
    }
    println!("told {took:?} after the kill");
    assert!(took < Duration::from_secs(5));
}

#[test]
fn an_idempotent_call_is_served_by_another_if_its_server_dies() {
    let room = Room::new("calls-again");
    let (page, children, me) = served(&room, "again", 2);
    let (found, took) = slept(&me, "again", || {
        until("it is taken", || page.get(TAKEN) != 0);
        let by = page.get(TAKEN);
        let row = PeerId::new(by as u32).unwrap();
        let pid = me.segment().occupant(row).unwrap().pid;
        let (its, others): (Vec<_>, Vec<_>) = children.iter().partition(|c| c.pid() == pid);
        // The other was woken too, and sleeps again.
        others.into_iter().for_each(child::Child::asleep);
        its[0].kill();
        until("the other has it", || page.get(TAKEN) != by);
    });
    assert_eq!(found.unwrap(), 21);
    println!("served {took:?} after the kill");
    assert_eq!(me.segment().reaped().calls, 1);
}

#[test]
fn a_call_that_nobody_serves_ends_in_time() {
    let room = Room::new("calls-late");
    let me = open(&room).join().unwrap();
    let client = me.client::<Asked, u64>("once").unwrap();
    let mut waiter = me.waiter().unwrap();
    assert!(!client.is_served());
    let most = Duration::from_millis(100);
    let before = Instant::now();
    let late = client.call_timeout(&mut waiter, &[DOUBLE, 1], Some(most));
    assert!(matches!(late, Err(CallError::TimedOut)), "{late:?}");
    assert!(before.elapsed() >= most);
    let server = me.server::<Asked, u64>("once").unwrap();
    assert!(server.next_anywhere().is_none(), "it was given up");
    // By when it is wanted is told.
    let from = now_ns();
    std::thread::scope(|scope| {
        let you = open(&room).join().unwrap();
        let other = you.server::<Asked, u64>("once").unwrap();
        scope.spawn(move || {
            let mut waiter = you.waiter().unwrap();
            other
                .serve_one(&mut waiter, Some(PATIENCE), |request| {
                    let deadline = request.deadline_ns().unwrap();
                    request.reply(&deadline).unwrap();
                })
                .unwrap();
        });
        let deadline = client.call_timeout(&mut waiter, &[DOUBLE, 1], Some(PATIENCE));
        let left = deadline.unwrap() - from;
        let patience = PATIENCE.as_nanos() as u64;
        assert!((patience..2 * patience).contains(&left), "{left}");
    });
    // Slots that are all in use are waited for.
    let calls: Vec<_> = (0..client.depth())
        .map(|n| client.call(&[DOUBLE, n.into()]).unwrap())
        .collect();
    let late = client.call_timeout(&mut waiter, &[DOUBLE, 1], Some(most));
    assert!(matches!(late, Err(CallError::TimedOut)), "{late:?}");
    drop(calls);
}

#[test]
fn parts_and_bytes_come_to_a_sleeper() {
    let room = Room::new("calls-parts");
    let (_page, _children, me) = served(&room, "once", 1);
    let client = me.client::<Asked, u64>("once").unwrap();
    let mut waiter = me.waiter().unwrap().without_tick();
    let mut call = client.call(&[PARTS, 20]).unwrap();
    for n in 0..20 {
        let found = call.poll_timeout(&mut waiter, Some(PATIENCE)).unwrap();
        let (number, value) = (n as u32, n);
        assert_eq!(found, Poll::Part { number, value });
    }
    let end = call.poll_timeout(&mut waiter, Some(PATIENCE)).unwrap();
    assert_eq!(end, Poll::Unanswered);
    let bytes = me.client::<[u8], [u8]>("bytes").unwrap();
    let you = open(&room).join().unwrap();
    let server = you.server::<[u8], [u8]>("bytes").unwrap();
    let thread = std::thread::spawn(move || {
        let mut waiter = you.waiter().unwrap().without_tick();
        let mut into = [0; 64];
        let serve = |request: &mut ringpad::os::OwnedRequest<'_, [u8], [u8]>| {
            let n = request.copy_into(&mut into).unwrap();
            into[..n].reverse();
            request.reply(&into[..n]).unwrap();
        };
        server.serve_one(&mut waiter, Some(PATIENCE), serve)
    });
    let mut into = [0; 64];
    let some = Some(PATIENCE);
    let found = bytes.call_timeout(&mut waiter, b"abc", &mut into, some);
    assert_eq!(&into[..found.unwrap()], b"cba");
    assert!(thread.join().unwrap().unwrap());
}

/// A stream that is never behind its caller does not keep it beyond its time.
#[test]
fn a_caller_gives_a_stream_up_in_time() {
    let room = Room::new("calls-stream");
    let (me, you) = (open(&room).join().unwrap(), open(&room).join().unwrap());
    let client = me.client::<Asked, u64>("once").unwrap();
    let server = you.server::<Asked, u64>("once").unwrap();
    let thread = std::thread::spawn(move || {
        let mut waiter = you.waiter().unwrap();
        server.serve_one(&mut waiter, Some(PATIENCE), |request| {
            for part in 0..3 {
                while request.part(&part) == Err(Unsent::Full) {
                    std::thread::yield_now();
                }
            }
            while request.reply(&9) == Err(Unsent::Full) {
                std::thread::yield_now();
            }
        })
    });
    // Long enough for each part to come while it looks.
    let mut waiter = me.waiter().unwrap().spinning(1 << 26);
    let no_time = Some(Duration::ZERO);
    let late = client.call_timeout(&mut waiter, &[PARTS, 3], no_time);
    assert!(matches!(late, Err(CallError::TimedOut)), "{late:?}");
    assert!(thread.join().unwrap().unwrap());
}
