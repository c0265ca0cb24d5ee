//! A peer that is stopped for long is alive to everybody, and goes on where it was. Requirements 9 and 11.

use std::time::{Duration, Instant};

use ringpad::Life;
use ringpad::os::SharedSegment;

use crate::common::child;
use crate::common::page::Page;
use crate::common::room::Room;
use crate::common::{number, until, until_within};
use crate::{BREATH, NAME, READY, SECOND, STOP, open, row, taken};

/// Words of the page: what was sent and what was heard, what askers asked and got wrong.
const SENT: usize = 8;
const HEARD: usize = 9;
const ASKED: usize = 10;
const MISTAKES: usize = 11;
const ASKERS: usize = 12;

/// Sends numbers, and takes records: the n-th is n.
pub fn stoppable() {
    let room = Room::parents();
    let page = Page::open(&room, "page");
    let me = open(&room).join().unwrap();
    let mut tx = me.producer::<u64>("ticks").unwrap();
    let mut rx = me.byte_consumer("log").unwrap();
    page.set(READY, me.id().get().into());
    let (mut sent, mut heard) = (0_u64, 0_u64);
    loop {
        if tx.push(sent).is_ok() {
            sent += 1;
            page.set(SENT, sent);
        }
        if let Some(record) = rx.recv(&mut [0; 8]).unwrap() {
            assert_eq!(record, heard.to_le_bytes());
            heard += 1;
            page.set(HEARD, heard);
        }
        std::thread::sleep(BREATH / 10);
    }
}

/// Asks about the stopped one: with a segment opened once, and opened anew.
pub fn asker() {
    let room = Room::parents();
    let page = Page::open(&room, "page");
    let its = row(&page, READY);
    let segment = open(&room);
    let me = segment.join().unwrap();
    page.add(ASKERS, 1);
    while page.get(STOP) == 0 {
        let anew = SharedSegment::open(NAME, &room.options()).unwrap();
        let wrong = [
            segment.life(its) != Life::Alive,
            anew.life(its) != Life::Alive,
            taken(me.producer::<u64>("ticks")) != Some(its),
            taken(me.byte_consumer("log")) != Some(its),
        ];
        page.add(MISTAKES, wrong.into_iter().map(u64::from).sum());
        page.add(ASKED, 4);
        std::thread::sleep(BREATH);
    }
}

#[test]
fn a_stopped_peer_is_alive_however_long() {
    let room = Room::new("stopped");
    let page = Page::create(&room, "page");
    let segment = open(&room);
    let me = segment.join().unwrap();
    let long = Duration::from_secs(number("RINGPAD_STOPPED_SECONDS", 4));
    let child = child::spawn(&room, "stoppable", &[]);
    until("it holds its ends", || page.get(READY) != 0);
    let its = row(&page, READY);
    let (mut rx, mut log) = (
        me.consumer::<u64>("ticks").unwrap(),
        me.byte_producer("log").unwrap(),
    );
    let (mut got, mut put) = (0, 0_u64);
    let mut both = |rounds: u64| {
        let until_got = got + rounds;
        until("numbers and records pass", || {
            while let Some(next) = rx.pop() {
                assert_eq!(next, got, "none lost, none twice");
                got += 1;
            }
            while put < until_got && log.send(&put.to_le_bytes()).is_ok() {
                put += 1;
            }
            got >= until_got && put >= until_got
        });
        (got, put)
    };
    both(1000);
    let askers = [0, 1].map(|_| child::spawn(&room, "asker", &[]));
    until("they ask", || page.get(ASKED) > 8);
    child.stop();
    let (start, mut asked, mut told) = (Instant::now(), 0_u64, 0);
    let mut waiter = me.waiter().unwrap().tick(Duration::from_millis(100));
    while start.elapsed() < long {
        assert_eq!(segment.life(its), Life::Alive);
        assert_eq!(taken(me.producer::<u64>("ticks")), Some(its));
        assert_eq!(taken(me.byte_consumer("log")), Some(its));
        asked += 3;
        if asked % 3000 == 0 {
            // A sleeper is told of no death either.
            let found = waiter.wait::<()>(&[], Some(Duration::from_millis(50)), || None);
            told += u32::from(found.unwrap().is_some());
        }
    }
    let stopped = (page.get(SENT), page.get(HEARD));
    assert_eq!((page.get(MISTAKES), told), (0, 0));
    assert!(stopped.0 >= 1000, "it stood still: {stopped:?}");
    child.resume();
    let (got, put) = both(1000);
    until("it took every record", || page.get(HEARD) == put);
    page.set(STOP, 1);
    askers.into_iter().for_each(child::Child::done);
    assert_eq!(page.get(MISTAKES), 0);
    // The control: the same questions see a death.
    let since = Instant::now();
    child.kill();
    child.zombie();
    until_within(SECOND, "it is seen dead", || {
        segment.life(its) == Life::Dead
    });
    let took = since.elapsed();
    assert!(
        taken(me.producer::<u64>("ticks")).is_none() && taken(me.byte_consumer("log")).is_none()
    );
    println!(
        "a peer stopped for {long:?}: asked {asked} times here and {} times by {} others, always alive; then {got} numbers \
         and {put} records, none lost; killed: dead within {took:?}",
        page.get(ASKED),
        page.get(ASKERS)
    );
}
