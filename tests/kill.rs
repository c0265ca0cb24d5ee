//! Requirements 1 to 5, 29, 32, 34 and 39: `kill -9` of either end, at any moment.
#![cfg(all(feature = "std", any(target_os = "linux", windows)))]

mod common;

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use common::mute::Mute;
use common::page::Page;
use common::room::Room;
use common::sweep::ledger::{Ledger, Rule};
use common::sweep::message::item;
use common::sweep::phases::{CONTROLS, PHASES, plan};
use common::sweep::run::Sweep;
use common::sweep::{self, SEGMENT};
use common::{Dice, child, number, until, until_within};
use ringpad::os::{self, SharedSegment};
use ringpad::{Life, PeerId, Plan, spsc};

#[test]
fn child() {
    child::play(&[
        ("producer", sweep::producer),
        ("consumer", sweep::consumer),
        ("sleeper", sleeper),
        ("mute", mute),
        ("restless", restless),
        ("seated", seated),
        ("creator", creator),
    ]);
}

#[test]
fn kills_lose_tear_and_reorder_nothing() {
    let kills = number("RINGPAD_KILLS", 2000);
    let room = Room::new("kill");
    let plan = plan().unwrap();
    let segment = SharedSegment::open_or_create(SEGMENT, &plan, &room.options()).unwrap();
    let mut dice = Dice::new();
    println!("{kills} kills, seed {}", dice.seed());
    let (mut all, start) = (0, Instant::now());
    for phase in PHASES {
        let each = kills.div_ceil(PHASES.len() as u64);
        let sweep = Sweep::new(&room, phase, &mut dice);
        let tally = sweep.run(each).unwrap();
        tally.print(phase);
        assert!(tally.kills >= each && tally.received > tally.kills);
        all += tally.kills;
    }
    println!("{all} kills in {:.1?}, no violation", start.elapsed());
    drop(segment);
    assert_eq!(room.files(), [""; 0], "the last one out leaves nothing");
}

#[test]
fn control_broken_rings_are_caught() {
    for phase in CONTROLS {
        let room = Room::new("kill-control");
        let _ring = Page::create(&room, "broken");
        let mut dice = Dice::new();
        let verdict = Sweep::new(&room, phase, &mut dice).run(500);
        let violation = verdict.err().expect("a violation");
        println!("{phase:?} is caught: {violation}");
    }
}

#[test]
fn control_the_ledger_forgives_each_dead_consumer_its_own_call_and_no_more() {
    let room = Room::new("kill-ledger");
    let page = Page::create(&room, "page");
    let (behind, ahead) = (0, 2);
    let rule = Rule {
        behind,
        ahead,
        unit: 1,
        stride: 1,
    };
    let resume = |at| Ledger::resume(&page, rule, at);
    let accept = |n| resume(4)?.accept(4, bytemuck::bytes_of(&item(0, n, 4)), 5);
    assert!(resume(3).is_err());
    assert!(resume(2).is_ok(), "one died in a call that took two");
    assert!(resume(5).is_err());
    assert!(resume(4).is_ok(), "so did the next, before it recorded any");
    assert_eq!(accept(4), Ok(()));
    assert!(accept(5).is_err(), "four were taken, not five");
}

/// Words of the smaller tests' page.
const READY: usize = 0;
const GO: usize = 1;
const COUNT: usize = 2;
const NAME: &str = "small";

fn small() -> Plan<1> {
    let plan = Plan::<1>::new().peers(4).unwrap();
    let ring = spsc::Config::new(8);
    plan.channel::<spsc::Spsc<u64>>("ticks", &ring).unwrap()
}

fn open(room: &Room) -> SharedSegment {
    SharedSegment::open_or_create(NAME, &small(), &room.options()).expect("opening")
}

/// Sleeps for messages, counts them up, and wants each to be the one after the last.
fn sleeper() {
    let room = Room::parents();
    let page = Page::open(&room, "page");
    let me = open(&room).join().unwrap();
    let (mut rx, mut waiter) = (me.consumer::<u64>("ticks").unwrap(), me.waiter().unwrap());
    let bell = [rx.bell()];
    loop {
        let got = waiter.wait(&bell, None, || rx.take()).unwrap();
        let got = got.expect("no deadline");
        // One more than the last, or the last again if its taker died in between.
        let last = page.get(COUNT);
        assert!(got == last + 1 || got == last, "{got} after {last}");
        page.set(COUNT, got);
        rx.acknowledge();
    }
}

#[test]
fn a_sleeper_killed_leaves_its_successor_everything() {
    let rounds = 30;
    let room = Room::new("sleeper");
    let page = Page::create(&room, "page");
    let segment = open(&room);
    let me = segment.join().unwrap();
    let mut tx = me.producer::<u64>("ticks").unwrap();
    let mut next = 1;
    let mut push = |next: &mut u64| match tx.push(*next) {
        Ok(()) => {
            *next += 1;
            true
        }
        Err(_) => false,
    };
    let mut longest = Duration::ZERO;
    for _ in 0..rounds {
        let sleeper = child::spawn(&room, "sleeper", &[]);
        until("the successor has what was left", || {
            page.get(COUNT) + 1 == next
        });
        for _ in 0..3 {
            sleeper.asleep();
            assert!(push(&mut next));
            let took = until("it is woken", || page.get(COUNT) + 1 == next);
            longest = longest.max(took);
        }
        sleeper.asleep();
        sleeper.kill_and_reap();
        // It died armed: the next pushes ring nobody, and must not mind.
        while push(&mut next) {}
    }
    println!(
        "{rounds} sleepers killed, {} messages, longest wake {longest:?}",
        next - 1
    );
}

fn mute() {
    let room = Room::parents();
    let page = Page::open(&room, "page");
    let mut mute = Mute::claim(&room, NAME, "ticks");
    page.set(READY, 1);
    until("told to", || page.get(GO) == 1);
    mute.commit(7);
    page.set(COUNT, 1);
    loop {
        std::thread::park();
    }
}

#[test]
fn a_commit_whose_producer_died_before_ringing_wakes_the_sleeper() {
    let mut took = Vec::new();
    for _ in 0..10 {
        let room = Room::new("mute");
        let page = Page::create(&room, "page");
        let me = open(&room).join().unwrap();
        let mute = child::spawn(&room, "mute", &[]);
        until("the producer has its end", || page.get(READY) == 1);
        let mut rx = me.consumer::<u64>("ticks").unwrap();
        let (woken, thread) = (AtomicBool::new(false), AtomicU32::new(0));
        std::thread::scope(|scope| {
            scope.spawn(|| {
                thread.store(child::this_thread(), Ordering::Relaxed);
                // No tick: only the death watch can tell.
                let mut waiter = me.waiter().unwrap().without_tick();
                let bell = [rx.bell()];
                let most = Some(common::PATIENCE);
                let got = waiter.wait(&bell, most, || rx.pop()).unwrap();
                assert_eq!((got, waiter.woken()), (Some(7), 0));
                woken.store(true, Ordering::Release);
            });
            until("it sleeps", || {
                child::thread_is_polling(thread.load(Ordering::Relaxed))
            });
            page.set(GO, 1);
            until("it is committed", || page.get(COUNT) == 1);
            // The control: the commit alone wakes nobody.
            std::thread::sleep(Duration::from_millis(20));
            assert!(!woken.load(Ordering::Acquire), "who rang?");
            mute.kill();
            let one = Duration::from_secs(1);
            took.push(until_within(one, "the sleeper has it", || {
                woken.load(Ordering::Acquire)
            }));
        });
    }
    took.sort();
    println!("killed between commit and ring: woken {took:?} after the kill");
}

/// Joins, claims and leaves for ever.
fn restless() {
    let room = Room::parents();
    let page = Page::open(&room, "page");
    let segment = open(&room);
    loop {
        let me = match segment.join() {
            Ok(me) => me,
            Err(os::Error::Region(ringpad::Error::PeersFull { .. })) => continue,
            Err(error) => panic!("joining: {error}"),
        };
        let end = me.producer::<u64>("ticks");
        let _both = (end, me.consumer::<u64>("ticks"));
        page.add(COUNT, 1);
    }
}

/// Sits in a row until killed.
fn seated() {
    let room = Room::parents();
    let page = Page::open(&room, "page");
    let me = open(&room).join().unwrap();
    let tx = me.producer::<u64>("ticks");
    page.add(READY, 1);
    loop {
        std::thread::park();
        assert!(tx.is_ok() || tx.is_err());
    }
}

/// All four rows and both ends can be had.
fn healthy(segment: &SharedSegment) {
    let peers: Vec<_> = (0..4)
        .map(|_| segment.join().expect("a healed row"))
        .collect();
    assert!(segment.join().is_err(), "four rows and no more");
    let mut tx = peers[0]
        .producer::<u64>("ticks")
        .expect("its owner is dead");
    let mut rx = peers[3]
        .consumer::<u64>("ticks")
        .expect("its owner is dead");
    tx.push(1).expect("empty between deaths");
    assert_eq!(rx.pop(), Some(1));
}

#[test]
fn rows_of_the_dead_heal() {
    let rounds = number("RINGPAD_ROWS", 200);
    let room = Room::new("rows");
    let page = Page::create(&room, "page");
    let (segment, mut dice) = (open(&room), Dice::new());
    for _ in 0..rounds {
        let before = page.get(COUNT);
        let two = [0, 1].map(|_| child::spawn(&room, "restless", &[]));
        until("they come and go", || page.get(COUNT) > before + 10);
        std::thread::sleep(Duration::from_micros(dice.below(1000)));
        two.into_iter().for_each(child::Child::kill_and_reap);
        healthy(&segment);
    }
    println!(
        "{} joins, {} killed joining or leaving",
        page.get(COUNT),
        2 * rounds
    );
    let full: Vec<_> = (0..4).map(|_| child::spawn(&room, "seated", &[])).collect();
    until("the table is full", || page.get(READY) == 4);
    assert!(segment.join().is_err());
    full.into_iter().for_each(child::Child::kill_and_reap);
    let rows = || (1..=4).filter_map(PeerId::new);
    assert!(rows().all(|row| segment.occupant(row).is_some() && segment.life(row) == Life::Dead));
    healthy(&segment);
    assert!(
        rows().all(|row| segment.occupant(row).is_none()),
        "all left"
    );
}

/// Creates, uses and removes the segment for ever.
fn creator() {
    let room = Room::parents();
    let page = Page::open(&room, "page");
    loop {
        let segment = open(&room);
        let me = segment.join().unwrap();
        let end = me.producer::<u64>("ticks");
        page.add(COUNT, 1);
        drop((end, me, segment));
    }
}

#[test]
fn a_killed_creator_stops_nobody() {
    let rounds = number("RINGPAD_CREATORS", 200);
    let room = Room::new("creator");
    let page = Page::create(&room, "page");
    let mut dice = Dice::new();
    let (mut longest, mut left) = (Duration::ZERO, std::collections::BTreeMap::new());
    for round in 0..rounds {
        let before = page.get(COUNT);
        // One alone mostly creates, two together also meet.
        let some: Vec<_> = (0..1 + round % 2)
            .map(|_| child::spawn(&room, "creator", &[]))
            .collect();
        until("they create", || page.get(COUNT) > before + 3);
        std::thread::sleep(Duration::from_micros(dice.below(2000)));
        some.into_iter().for_each(child::Child::kill_and_reap);
        let ends = ["lock", "seg", "tmp", "bell"];
        let found: Vec<_> = ends
            .into_iter()
            .filter(|end| room.files().iter().any(|file| file.ends_with(end)))
            .collect();
        *left.entry(found.join(" ")).or_insert(0) += 1;
        let start = Instant::now();
        let segment = open(&room);
        longest = longest.max(start.elapsed());
        healthy(&segment);
        drop(segment);
        assert_eq!(room.files(), [""; 0], "round {round}");
    }
    println!(
        "{rounds} rounds, {} creations, the next took {longest:?} at most",
        page.get(COUNT)
    );
    println!("the killed left: {left:?}");
}
