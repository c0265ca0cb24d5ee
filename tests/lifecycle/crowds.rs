//! Many at once: creators make one segment, leavers leave nothing.

use std::time::Duration;

use ringpad::os::{Options, SharedSegment};

use crate::common::child::{self, Child};
use crate::common::page::Page;
use crate::common::room::Room;
use crate::common::{Dice, is_root, number, until, until_within};

/// Words of the page: the round that may begin, those who are through with opening and with closing, the segments.
const OPEN: usize = 0;
const CLOSE: usize = 1;
const OPENED: usize = 2;
const CLOSED: usize = 3;
const IDS: usize = 16;

/// One of a crowd: opens and closes when told, round by round.
pub fn guest() {
    let room = Room::parents();
    let page = Page::open(&room, "page");
    let (which, rounds) = (child::numeral(0) as usize, child::numeral(1));
    let gid = child::word(2).parse().ok();
    let mut options = room.options();
    if let Some(gid) = gid {
        options = options.mode(0o660).group(gid);
    }
    for round in 1..=rounds {
        page.reached(OPEN, round);
        let segment = meet(&options);
        page.set(IDS + which, segment.id() as u64);
        page.add(OPENED, 1);
        page.reached(CLOSE, round);
        drop(segment);
        page.add(CLOSED, 1);
    }
}

fn meet(options: &Options) -> SharedSegment {
    crate::create("crowd", options).expect("one of many creators")
}

/// Ends every wait: a failed test must not keep its threads waiting.
struct Release<'p>(&'p Page);

impl Drop for Release<'_> {
    fn drop(&mut self) {
        self.0.announce(OPEN, u64::MAX);
        self.0.announce(CLOSE, u64::MAX);
    }
}

fn crowd(name: &str, guests: usize, threads: usize, rounds: u64, gid: &str) {
    let room = Room::new(name);
    let page = Page::create(&room, "page");
    let start = |which| child::spawn(&room, "guest", &[&which, &rounds, &gid]);
    let children: Vec<Child> = (0..guests).map(start).collect();
    let all = (guests + threads) as u64;
    let mut longest = Duration::ZERO;
    std::thread::scope(|scope| {
        for which in guests..guests + threads {
            let (page, room) = (&page, &room);
            scope.spawn(move || {
                for round in 1..=rounds {
                    page.reached(OPEN, round);
                    let segment = meet(&room.options());
                    page.set(IDS + which, segment.id() as u64);
                    page.add(OPENED, 1);
                    page.reached(CLOSE, round);
                    drop(segment);
                    page.add(CLOSED, 1);
                }
            });
        }
        let _release = Release(&page);
        for round in 1..=rounds {
            page.announce(OPEN, round);
            let most = Duration::from_secs(30);
            let took = until_within(most, "all have it open", || page.get(OPENED) == all * round);
            longest = longest.max(took);
            let first = page.get(IDS);
            let same = (0..all as usize).filter(|which| page.get(IDS + which) == first);
            assert_eq!(same.count() as u64, all, "one segment");
            let files = room.files();
            assert_eq!(files.len(), 5, "lock, memory, three bells: {files:?}");
            page.announce(CLOSE, round);
            until("all have left", || page.get(CLOSED) == all * round);
            assert_eq!(room.files(), [""; 0], "after round {round}");
        }
    });
    children.into_iter().for_each(Child::done);
    println!(
        "{name}: {guests} processes and {threads} threads, {rounds} rounds: one segment each, opened within {longest:?}, nothing left"
    );
}

#[test]
fn many_creators_make_one_segment_and_no_error() {
    crowd("crowd", number("RINGPAD_GUESTS", 100) as usize, 100, 5, "");
}

#[test]
fn two_who_come_and_go_together_leave_nothing() {
    crowd("pair", 2, 0, 200, "");
}

#[test]
fn creators_that_give_their_files_to_a_group_do_not_stop_each_other() {
    if is_root() {
        crowd("team", 8, 0, 50, "65534");
    }
}

/// Makes and removes the directory too, for ever, for a group.
pub fn founder() {
    let room = Room::parents();
    let page = Page::open(&room, "page");
    let options = room.options().mode(0o660).group(65534);
    loop {
        drop(crate::create("team", &options).expect("alone"));
        std::fs::remove_dir(room.segments()).expect("empty");
        page.add(OPENED, 1);
    }
}

#[test]
fn a_creator_killed_before_it_gave_its_files_away_stops_nobody() {
    if !is_root() {
        return;
    }
    let room = Room::new("found");
    let page = Page::create(&room, "page");
    let options = room.options().mode(0o660).group(65534);
    // What one killed between making and giving leaves, for certain.
    std::fs::create_dir(room.path().join(".seg.new")).unwrap();
    crate::works(&crate::create("team", &options).unwrap());
    let half = room.file("team.0123456789abcdef0123456789abcdef.tmp");
    std::fs::write(half, "").unwrap();
    crate::works(&crate::create("team", &options).unwrap());
    std::fs::remove_dir(room.segments()).unwrap();
    // And by chance.
    let (mut dice, mut asides) = (Dice::new(), 0);
    for _ in 0..100 {
        let before = page.get(OPENED);
        let founder = child::spawn(&room, "founder", &[]);
        until("it creates", || page.get(OPENED) > before + 2);
        std::thread::sleep(Duration::from_micros(dice.below(1000)));
        founder.kill_and_reap();
        asides += u32::from(room.path().join(".seg.new").exists());
        crate::works(&crate::create("team", &options).unwrap());
        assert_eq!(room.files(), [""; 0]);
        std::fs::remove_dir(room.segments()).unwrap();
    }
    let beside = std::fs::read_dir(room.path()).unwrap().count();
    assert_eq!(beside, 1, "the page alone: nothing lies about");
    println!(
        "100 founders killed in {} foundations, {asides} with a directory half made",
        page.get(OPENED)
    );
}
