//! A peer that becomes another program has left, though its number lives on. Requirements 10 and 11.

use std::os::unix::process::CommandExt;
use std::time::{Duration, Instant};

use ringpad::Life;
use ringpad::os::SharedSegment;

use crate::common::child::{self, Child};
use crate::common::page::Page;
use crate::common::room::Room;
use crate::common::{until, until_within};
use crate::zombies::{become_sleep, program_of};
use crate::{NAME, READY, SECOND, STOP, open, row, taken};

/// Holds an end until told to become another program: from its first thread or another, or this very one again.
pub fn changer() {
    let room = Room::parents();
    let page = Page::open(&room, "page");
    let how = child::word(0);
    let me = open(&room).join().unwrap();
    let end = me.producer::<u64>("ticks").unwrap();
    page.set(READY, me.id().get().into());
    until("told to", || page.get(STOP) == 1);
    match how.as_str() {
        "first" => become_sleep(),
        "thread" => std::thread::scope(|scope| {
            scope.spawn(|| become_sleep());
        }),
        // The same program, which joins anew and holds the end again: as whoever comes after the dead.
        _ => {
            page.set(STOP, 0);
            let error = child::command(&room, "changer", &[&"first"]).exec();
            panic!("{error}");
        }
    }
    drop((end, me));
}

fn start(room: &Room, page: &Page, how: &str) -> Child {
    page.set(READY, 0);
    page.set(STOP, 0);
    let changer = child::spawn(room, "changer", &[&how]);
    until("it holds the end", || page.get(READY) != 0);
    changer
}

#[test]
fn a_peer_that_becomes_another_program_is_dead_at_once() {
    let room = Room::new("exec");
    let page = Page::create(&room, "page");
    let segment = open(&room);
    let me = segment.join().unwrap();
    let rx = me.consumer::<u64>("ticks").unwrap();
    let mut slowest = Duration::ZERO;
    for round in 0..6 {
        let how = ["first", "thread"][round % 2];
        let mut changer = start(&room, &page, how);
        let its = row(&page, READY);
        assert_eq!(segment.life(its), Life::Alive);
        assert_eq!(taken(me.producer::<u64>("ticks")), Some(its));
        let pid = changer.pid() as i32;
        page.set(STOP, 1);
        until("it is another program", || program_of(pid) == "sleep");
        let since = Instant::now();
        until_within(SECOND, "it is seen dead", || {
            segment.life(its) == Life::Dead
        });
        assert!(rx.is_abandoned());
        let stranger = SharedSegment::open(NAME, &room.options()).unwrap();
        assert_eq!(stranger.life(its), Life::Dead);
        drop(me.producer::<u64>("ticks").expect("taken over"));
        slowest = slowest.max(since.elapsed());
        let number = rustix::process::Pid::from_raw(pid).unwrap();
        assert!(
            rustix::process::test_kill_process(number).is_ok(),
            "its number lives on"
        );
        assert!(changer.ended().is_none(), "and is still our child");
    }
    println!(
        "6 peers became another program: dead and taken over within {slowest:?}, their numbers alive"
    );
}

#[test]
fn a_peer_that_starts_itself_again_is_another() {
    let room = Room::new("again");
    let page = Page::create(&room, "page");
    let segment = open(&room);
    let me = segment.join().unwrap();
    for _ in 0..3 {
        let changer = start(&room, &page, "same");
        let (first, was) = (row(&page, READY), segment.occupant(row(&page, READY)));
        page.set(READY, 0);
        page.set(STOP, 1);
        until_within(SECOND, "its former life is seen dead", || {
            page.get(READY) != 0 || segment.life(first) == Life::Dead
        });
        until("it is back", || page.get(READY) != 0);
        let its = row(&page, READY);
        assert_eq!(
            segment.occupant(its),
            was,
            "the same process by number, start and space"
        );
        for _ in 0..100 {
            assert_eq!(segment.life(its), Life::Alive);
            assert_eq!(
                taken(me.producer::<u64>("ticks")),
                Some(its),
                "it took over from itself"
            );
        }
        changer.kill();
        changer.zombie();
        until_within(SECOND, "it is seen dead", || {
            segment.life(its) == Life::Dead
        });
    }
    println!(
        "3 peers started themselves again: each took its own end over, and was alive in its second life"
    );
}
