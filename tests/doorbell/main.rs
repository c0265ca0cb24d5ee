//! Requirements 24 and 29 to 32: sleeping, waking, and what must never keep a producer or a sleeper.
#![cfg(all(feature = "std", any(target_os = "linux", windows)))]

#[path = "../common/mod.rs"]
mod common;

mod deaths;
mod floods;
#[cfg(unix)] // a descriptor in poll and epoll
mod loops;
#[cfg(unix)] // FIFOs as files: full ones, emptied ones, signals
mod pipes;
mod silence;
#[cfg(all(unix, not(ringpad_flock)))]
// a waiter's pipe in the hands of others: nothing is sent where memory cannot be sealed
mod strangers;

use std::time::Duration;

use common::page::Page;
use common::room::Room;
use common::{Dice, child};
use ringpad::os::{Error, Options, OwnedPeer, SharedSegment, Waiter};
use ringpad::{Plan, bytes, spsc};

#[test]
fn child() {
    child::play(&[
        ("feeder", feeder),
        ("sleeper", floods::sleeper),
        ("ringer", floods::ringer),
        ("doomed", deaths::doomed),
    ]);
}

const NAME: &str = "bells";

fn plan() -> Plan<3> {
    let plan = Plan::<3>::new().peers(5).unwrap();
    let plan = plan.channel::<spsc::Spsc<u64>>("a", &spsc::Config::new(4));
    let plan = plan
        .unwrap()
        .channel::<spsc::Spsc<u64>>("b", &spsc::Config::new(4));
    let log = bytes::Config::records(128);
    plan.unwrap().channel::<bytes::Bytes>("log", &log).unwrap()
}

fn open(room: &Room) -> SharedSegment {
    SharedSegment::open_or_create(NAME, &plan(), &room.options()).expect("opening")
}

fn anonymous() -> SharedSegment {
    SharedSegment::anonymous(&plan(), &Options::new()).unwrap()
}

/// A waiter that only a ring or a death can wake before a test's patience ends.
fn waiter(peer: &OwnedPeer) -> Waiter {
    peer.waiter().unwrap().without_tick()
}

const LONG: Option<Duration> = Some(common::PATIENCE);

/// Feeds numbers through a small ring, asleep while it is full.
fn feeder() {
    let room = Room::parents();
    let me = open(&room).join().unwrap();
    let mut tx = me.producer::<u64>("a").unwrap();
    let mut waiter = waiter(&me);
    let bell = [tx.bell()];
    for n in 0..child::numeral(0) {
        let pushed = waiter.wait(&bell, LONG, || tx.push(n).ok());
        assert_eq!(pushed.unwrap(), Some(()), "no room for {n} in time");
    }
    Page::open(&room, "page").set(0, waiter.woken());
}

#[test]
fn sleepers_wake_for_data_and_for_room() {
    let messages = 30_000;
    let room = Room::new("feeder");
    let page = Page::create(&room, "page");
    let me = open(&room).join().unwrap();
    let mut rx = me.consumer::<u64>("a").unwrap();
    let feeder = child::spawn(&room, "feeder", &[&messages]);
    let mut waiter = waiter(&me);
    let bell = [rx.bell()];
    for n in 0..messages {
        let got = waiter.wait(&bell, LONG, || rx.pop()).unwrap();
        assert_eq!(got, Some(n));
        if n % 1000 == 0 {
            // Now and then let the ring run full, so that the other side sleeps too.
            feeder.asleep();
        }
    }
    feeder.done();
    println!(
        "{messages} messages through 4 slots: woken {} times for data, {} for room",
        waiter.woken(),
        page.get(0)
    );
    assert!(waiter.woken() > 10 && page.get(0) > 10, "both slept");
}

#[test]
fn one_sleeper_waits_at_several_channels() {
    let segment = anonymous();
    let (me, you) = (segment.join().unwrap(), segment.join().unwrap());
    let mut a = me.consumer::<u64>("a").unwrap();
    let mut log = me.byte_consumer("log").unwrap();
    let mut b = me.producer::<u64>("b").unwrap();
    // Full: room in it is an event too.
    while b.push(0).is_ok() {}
    let (mut got, rounds) = ([0; 3], 3000);
    std::thread::scope(|scope| {
        let (answer, answered) = std::sync::mpsc::channel();
        scope.spawn(move || {
            let mut a = you.producer::<u64>("a").unwrap();
            let mut log = you.byte_producer("log").unwrap();
            let mut b = you.consumer::<u64>("b").unwrap();
            let mut dice = Dice::new();
            for n in 0..rounds {
                match dice.below(3) {
                    0 => a.push(n).unwrap(),
                    1 => log.send(&n.to_le_bytes()).unwrap(),
                    _ => assert!(b.pop().is_some()),
                }
                // One thing at a time: nothing else will wake the sleeper.
                answered.recv().unwrap();
            }
        });
        let mut waiter = waiter(&me);
        let bells = [a.bell(), log.bell(), b.bell()];
        for n in 0..rounds {
            let which = waiter.wait(&bells, LONG, || {
                if a.pop().is_some() {
                    return Some(0);
                }
                if log.recv(&mut [0; 8]).unwrap().is_some() {
                    return Some(1);
                }
                b.push(n).ok().map(|()| 2)
            });
            got[which.unwrap().expect("woken")] += 1;
            answer.send(()).unwrap();
        }
        println!(
            "three channels, {got:?} events, woken {} times",
            waiter.woken()
        );
    });
    assert!(got.iter().all(|got| *got > rounds / 10));
}

#[test]
fn waiters_are_taken_once_and_bells_stay_at_home() {
    let (segment, other) = (anonymous(), anonymous());
    let me = segment.join().unwrap();
    let taken = me.waiter().unwrap();
    let again = me.clone().waiter();
    assert!(
        matches!(again, Err(Error::Region(ringpad::Error::WaiterTaken))),
        "{again:?}"
    );
    assert!(
        segment.join().unwrap().waiter().is_ok(),
        "each peer has its own"
    );
    drop(taken);
    let mut waiter = me.waiter().unwrap();
    let stranger = other.join().unwrap().consumer::<u64>("a").unwrap();
    let foreign = waiter.wait(&[stranger.bell()], None, || None::<()>);
    assert!(
        matches!(foreign, Err(Error::Region(ringpad::Error::ForeignPeer))),
        "{foreign:?}"
    );
    // A waiter keeps what it needs alive.
    drop((segment, me));
    let nothing = waiter
        .wait(&[], Some(Duration::ZERO), || None::<()>)
        .unwrap();
    assert_eq!(nothing, None);
}
