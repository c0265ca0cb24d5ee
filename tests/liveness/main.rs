//! Requirements 9 to 11: who is dead, who is not, and what a forked child cannot do.
#![cfg(all(feature = "std", target_os = "linux"))]

#[path = "../common/mod.rs"]
mod common;

mod fork;

use std::time::{Duration, Instant};

use common::child::{self, Child};
use common::page::Page;
use common::room::Room;
use common::{is_root, until, until_within};
use ringpad::os::{self, SharedSegment};
use ringpad::{Error, Life, PeerId, Plan, bytes, spsc};
use rustix::process::{Pid, Signal, kill_process};

#[test]
fn child() {
    child::play(&[
        ("holder", holder),
        ("forker", fork::forker),
        ("space", space),
        ("spaced", spaced),
        ("forgetful", forgetful),
    ]);
}

const NAME: &str = "life";
const SECOND: Duration = Duration::from_secs(1);

/// Words of the page.
const READY: usize = 0;
const HEIR: usize = 1;
const STOP: usize = 2;
const MISTAKES: usize = 3;
/// Of each of two spaces: its peer's row, its process as this space numbers it, what it asked.
const ROW: usize = 8;
const PROCESS: usize = 16;
const ASKED: usize = 24;

fn open(room: &Room) -> SharedSegment {
    let plan = Plan::<2>::new().peers(6).unwrap();
    let plan = plan.channel::<spsc::Spsc<u64>>("ticks", &spsc::Config::new(8));
    let log = bytes::Config::records(1024);
    let plan = plan.unwrap().channel::<bytes::Bytes>("log", &log).unwrap();
    SharedSegment::open_or_create(NAME, &plan, &room.options()).expect("opening")
}

fn row(page: &Page, word: usize) -> PeerId {
    PeerId::new(page.get(word) as u32).expect("a row")
}

fn taken(found: os::Result<os::Producer<u64>>) -> Option<PeerId> {
    match found {
        Err(os::Error::Channel {
            why: Error::EndpointTaken { by },
            ..
        }) => Some(by),
        Err(error) => panic!("{error}"),
        Ok(_) => None,
    }
}

/// A process that is not our child, killed on drop. It ends by itself after a minute.
struct Heir(Pid);

impl Heir {
    fn on(page: &Page) -> Self {
        Self(Pid::from_raw(page.get(HEIR) as i32).expect("a pid"))
    }
}

impl Drop for Heir {
    fn drop(&mut self) {
        let _ = kill_process(self.0, Signal::KILL);
    }
}

/// Holds the producer's end until killed; told so, after a plain fork that leaves a child with copies of everything.
fn holder() {
    let room = Room::parents();
    let page = Page::open(&room, "page");
    let me = open(&room).join().unwrap();
    let mut tx = me.producer::<u64>("ticks").unwrap();
    if child::word(0) == "heir" {
        // SAFETY: the child makes system calls only and never returns.
        let heir = unsafe { libc::fork() };
        if heir == 0 {
            // SAFETY: an integer; the process then ends by itself, whatever becomes of the test.
            unsafe { libc::alarm(60) };
            loop {
                // SAFETY: waits for a signal.
                unsafe { libc::pause() };
            }
        }
        page.set(HEIR, heir as u64);
    }
    page.set(READY, me.id().get().into());
    let mut next = 0;
    loop {
        if tx.push(next).is_ok() {
            next += 1;
        }
        std::thread::sleep(Duration::from_micros(200));
    }
}

fn hold(room: &Room, page: &Page, how: &str) -> Child {
    page.set(READY, 0);
    let holder = child::spawn(room, "holder", &[&how]);
    until("the holder holds", || page.get(READY) != 0);
    holder
}

#[test]
fn an_unreaped_zombie_is_dead_also_with_a_forked_child_left() {
    let room = Room::new("zombie");
    let page = Page::create(&room, "page");
    let segment = open(&room);
    let me = segment.join().unwrap();
    for how in ["alone", "heir"] {
        let mut slowest = Duration::ZERO;
        for _ in 0..10 {
            let holder = hold(&room, &page, how);
            let heir = (how == "heir").then(|| Heir::on(&page));
            let its = row(&page, READY);
            assert_eq!(taken(me.producer("ticks")), Some(its), "alive");
            assert_eq!(segment.life(its), Life::Alive);
            let start = Instant::now();
            holder.kill();
            until_within(SECOND, "it is seen dead", || {
                segment.life(its) == Life::Dead
            });
            slowest = slowest.max(start.elapsed());
            let mut tx = me.producer::<u64>("ticks").expect("taken over");
            // The consumer never came: the ring may be full, and that is all.
            let _ = tx.push(1);
            holder.zombie();
            let free = || {
                (0..5)
                    .map_while(|_| segment.join().ok())
                    .collect::<Vec<_>>()
                    .len()
            };
            // The forked child's copy of the lock costs the row, as long as it lives.
            assert_eq!(free(), if how == "heir" { 4 } else { 5 }, "{how}");
            drop(heir);
            until("the heir's row is free", || free() == 5);
        }
        println!("zombies, {how}: 10 seen dead within {slowest:?} and taken over");
    }
}

#[test]
fn a_stopped_peer_is_alive_however_long() {
    let room = Room::new("stopped");
    let page = Page::create(&room, "page");
    let segment = open(&room);
    let me = segment.join().unwrap();
    let holder = hold(&room, &page, "alone");
    let its = row(&page, READY);
    holder.stop();
    let (start, mut asked) = (Instant::now(), 0);
    while start.elapsed() < Duration::from_millis(300) {
        assert_eq!(segment.life(its), Life::Alive);
        assert_eq!(taken(me.producer("ticks")), Some(its));
        asked += 1;
    }
    holder.resume();
    let mut rx = me.consumer::<u64>("ticks").unwrap();
    until("it goes on", || rx.pop() == Some(100));
    assert!(!rx.is_abandoned());
    // The control: the same questions see a death.
    holder.kill_and_reap();
    assert!(rx.is_abandoned() && taken(me.producer("ticks")).is_none());
    println!("a stopped peer: asked {asked} times in 300 ms, always alive");
}

/// Makes a space of process numbers, and a peer in it.
fn space() {
    let room = Room::parents();
    let page = Page::open(&room, "page");
    // SAFETY: a flag; the next child is the first process of a new space.
    if unsafe { libc::unshare(libc::CLONE_NEWPID) } != 0 {
        page.set(READY, 9);
        return;
    }
    let which = child::numeral(0);
    let mut peer = child::spawn(&room, "spaced", &[&which]);
    page.set(PROCESS + which as usize, peer.pid().into());
    peer.wait_within(Duration::from_secs(60));
}

/// A peer that asks for ever whether the others live.
fn spaced() {
    let room = Room::parents();
    let page = Page::open(&room, "page");
    let which = child::numeral(0) as usize;
    let segment = open(&room);
    let me = segment.join().unwrap();
    let _end = me.consumer::<u64>(if which == 0 { "ticks" } else { "none" });
    page.set(ROW + which, me.id().get().into());
    until("both are here", || {
        page.get(ROW) != 0 && page.get(ROW + 1) != 0
    });
    let other = row(&page, ROW + 1 - which);
    while page.get(STOP) == 0 {
        for peer in [other, PeerId::new(1).unwrap()] {
            if segment.life(peer) == Life::Dead {
                page.add(MISTAKES, 1);
            }
        }
        page.add(ASKED + which, 1);
    }
    until_within(SECOND, "the other is seen dead", || {
        segment.life(other) == Life::Dead
    });
    page.set(STOP, 2);
    std::thread::park();
}

#[test]
fn peers_in_other_pid_namespaces_die_only_when_they_do() {
    if !is_root() {
        return;
    }
    let room = Room::new("spaces");
    let page = Page::create(&room, "page");
    let segment = open(&room);
    let me = segment.join().unwrap();
    assert_eq!(me.id().get(), 1);
    let spaces = [0, 1].map(|which| child::spawn(&room, "space", &[&which]));
    until("both peers ask", || {
        page.get(READY) == 9 || (page.get(ASKED) > 300 && page.get(ASKED + 1) > 300)
    });
    if page.get(READY) == 9 {
        println!("skipped: no pid namespaces here");
        return;
    }
    let rows = [0, 1].map(|which| row(&page, ROW + which));
    let who = rows.map(|row| segment.occupant(row).unwrap());
    assert_eq!(
        who.map(|who| who.pid),
        [1, 1],
        "each the first of its space"
    );
    assert!(who[0].space != who[1].space, "and the spaces differ");
    let start = Instant::now();
    while start.elapsed() < Duration::from_millis(200) {
        assert_eq!(rows.map(|row| segment.life(row)), [Life::Alive; 2]);
    }
    assert_eq!(page.get(MISTAKES), 0);
    let dies = Pid::from_raw(page.get(PROCESS) as i32).unwrap();
    page.set(STOP, 1);
    kill_process(dies, Signal::KILL).unwrap();
    let took = until_within(SECOND, "seen dead", || segment.life(rows[0]) == Life::Dead);
    until("seen dead from the other space too", || page.get(STOP) == 2);
    assert_eq!(segment.life(rows[1]), Life::Alive);
    assert!(me.consumer::<u64>("ticks").is_ok(), "taken over");
    println!(
        "two spaces: {} and {} questions, no mistake; a death seen after {took:?}",
        page.get(ASKED),
        page.get(ASKED + 1)
    );
    drop(spaces);
}

/// Exits with its peer and endpoint leaked.
fn forgetful() {
    let me = open(&Room::parents()).join().unwrap();
    std::mem::forget(me.producer::<u64>("ticks").unwrap());
    Page::open(&Room::parents(), "page").set(READY, me.id().get().into());
    std::mem::forget(me);
}

#[test]
fn an_earlier_life_of_a_row_is_dead_also_when_the_row_lives_again() {
    let room = Room::new("forgotten");
    let page = Page::create(&room, "page");
    let segment = open(&room);
    let me = segment.join().unwrap();
    for _ in 0..5 {
        child::spawn(&room, "forgetful", &[]).done();
        let its = row(&page, READY);
        // Somebody alive sits in that row now, and its lock is held.
        let next = segment.join().unwrap();
        assert_eq!((next.id(), segment.life(its)), (its, Life::Alive));
        let tx = me
            .producer::<u64>("ticks")
            .expect("the claim is of an earlier life");
        // The control: a claim of the present life stands.
        drop(tx);
        let _held = next.producer::<u64>("ticks").unwrap();
        assert_eq!(taken(me.producer("ticks")), Some(its));
    }
    println!("5 forgotten endpoints of earlier lives taken over");
}
