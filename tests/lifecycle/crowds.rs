//! Many at once: creators make one segment, leavers leave nothing.

use std::time::Duration;

use ringpad::os::{Options, SharedSegment};

use crate::common::child::{self, Child};
use crate::common::page::Page;
use crate::common::room::Room;
#[cfg(unix)]
use crate::common::{Dice, is_root};
use crate::common::{PATIENCE, number, until, until_within};

/// Words of the page: the round that may begin, those who are through with opening and with closing, who is there, the segments.
const OPEN: usize = 0;
const CLOSE: usize = 1;
const OPENED: usize = 2;
const CLOSED: usize = 3;
const READY: usize = 4;
const IDS: usize = 16;

/// For a group.
#[cfg(unix)]
fn group(options: Options, gid: u32) -> Options {
    options.mode(0o660).group(gid)
}

/// There are no groups of this kind.
#[cfg(windows)]
fn group(_: Options, _: u32) -> Options {
    unreachable!("nobody asks for one")
}

/// Some of a crowd, one in each thread: they open and close when told, round by round.
pub fn guest() {
    let room = Room::parents();
    let page = Page::open(&room, "page");
    let (first, threads) = (child::numeral(0), child::numeral(1));
    let (rounds, gid) = (child::numeral(2), child::word(3).parse().ok());
    let mut options = room.options();
    if let Some(gid) = gid {
        options = group(options, gid);
    }
    let (page, options) = (&page, &options);
    std::thread::scope(|scope| {
        for which in first..first + threads {
            scope.spawn(move || attend(page, options, which as usize, rounds));
        }
    });
}

fn attend(page: &Page, options: &Options, which: usize, rounds: u64) {
    // On a busy machine a thousand take longer than one is patient by default; how long they took is printed.
    let options = &options.clone().patience(PATIENCE);
    page.add(READY, 1);
    for round in 1..=rounds {
        page.reached(OPEN, round);
        let segment = meet(options);
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

/// So many processes of so many threads each, and threads of this process.
struct Crowd {
    processes: usize,
    each: usize,
    threads: usize,
    rounds: u64,
    gid: &'static str,
}

/// Threads of this process in a crowd: under Wine all calls go through one server, and a thousand at once wait for minutes.
const THREADS: usize = if cfg!(windows) { 10 } else { 100 };

fn crowd(name: &str, crowd: Crowd) {
    let room = Room::new(name);
    let page = Page::create(&room, "page");
    let Crowd {
        processes,
        each,
        threads,
        rounds,
        gid,
    } = crowd;
    let start = |which| {
        let first = which * each;
        child::spawn(&room, "guest", &[&first, &each, &rounds, &gid])
    };
    let children: Vec<Child> = (0..processes).map(start).collect();
    let guests = processes * each;
    let all = (guests + threads) as u64;
    let (mut longest, mut leaving) = (Duration::ZERO, Duration::ZERO);
    std::thread::scope(|scope| {
        for which in guests..guests + threads {
            let (page, options) = (&page, room.options());
            scope.spawn(move || attend(page, &options, which, rounds));
        }
        let _release = Release(&page);
        let most = Duration::from_secs(60);
        until_within(most, "all are there", || page.get(READY) == all);
        for round in 1..=rounds {
            page.announce(OPEN, round);
            let most = Duration::from_secs(30);
            let took = until_within(most, "all have it open", || page.get(OPENED) == all * round);
            longest = longest.max(took);
            let first = page.get(IDS);
            let same = (0..all as usize).filter(|which| page.get(IDS + which) == first);
            assert_eq!(same.count() as u64, all, "one segment");
            let files = room.files();
            assert_eq!(
                files.len(),
                crate::FILES,
                "lock, memory, three bells: {files:?}"
            );
            page.announce(CLOSE, round);
            let took = until("all have left", || page.get(CLOSED) == all * round);
            leaving = leaving.max(took);
            assert_eq!(room.files(), [""; 0], "after round {round}");
        }
    });
    children.into_iter().for_each(Child::done);
    println!(
        "{name}: {all} in {processes} processes and this one, {rounds} rounds: one segment each, opened within {longest:.1?}, nothing left {leaving:.1?} later"
    );
}

#[test]
fn many_creators_make_one_segment_and_no_error() {
    let many = Crowd {
        processes: number("RINGPAD_GUESTS", 100) as usize,
        each: 1,
        threads: THREADS,
        rounds: 5,
        gid: "",
    };
    crowd("crowd", many);
}

#[test]
fn a_thousand_creators_make_one_segment_and_no_error() {
    let thousand = Crowd {
        processes: if cfg!(windows) { 4 } else { 20 },
        each: if cfg!(windows) { 10 } else { 45 },
        threads: THREADS,
        rounds: 2,
        gid: "",
    };
    crowd("thousand", thousand);
}

#[test]
fn two_who_come_and_go_together_leave_nothing() {
    let two = Crowd {
        processes: 2,
        each: 1,
        threads: 0,
        rounds: 200,
        gid: "",
    };
    crowd("pair", two);
}

#[cfg(unix)]
#[test]
fn creators_that_give_their_files_to_a_group_do_not_stop_each_other() {
    if is_root() {
        let team = Crowd {
            processes: 8,
            each: 1,
            threads: 0,
            rounds: 50,
            gid: "65534",
        };
        crowd("team", team);
    }
}

/// Makes and removes the directory too, for ever, for a group.
#[cfg(unix)]
pub fn founder() {
    let room = Room::parents();
    let page = Page::open(&room, "page");
    let options = group(room.options(), 65534);
    loop {
        drop(crate::create("team", &options).expect("alone"));
        std::fs::remove_dir(room.segments()).expect("empty");
        page.add(OPENED, 1);
    }
}

#[cfg(unix)]
#[test]
fn a_creator_killed_before_it_gave_its_files_away_stops_nobody() {
    if !is_root() {
        return;
    }
    let room = Room::new("found");
    let page = Page::create(&room, "page");
    let options = group(room.options(), 65534);
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
