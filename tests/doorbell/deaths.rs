//! Sleepers hear of deaths; rows that change hands go on ringing.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use ringpad::os::OwnedPeer;

use crate::common::child;
use crate::common::mute::Mute;
use crate::common::page::Page;
use crate::common::room::Room;
use crate::common::until;
#[cfg(target_os = "linux")]
use crate::common::{PATIENCE, is_root};
use crate::{LONG, NAME, anonymous, open, waiter};

const READY: usize = 0;
const GO: usize = 1;
#[cfg(target_os = "linux")]
const PROCESS: usize = 2;

/// Holds a producer's end until killed: a silent one commits when told to; one in another space of process numbers is
/// the child of a child.
pub fn doomed() {
    let room = Room::parents();
    let page = Page::open(&room, "page");
    match child::word(0).as_str() {
        #[cfg(target_os = "linux")]
        "space" => {
            // SAFETY: a flag; the next child is the first process of a new space.
            if unsafe { libc::unshare(libc::CLONE_NEWPID) } != 0 {
                page.set(READY, 9);
                return;
            }
            let mut inner = child::spawn(&room, "doomed", &[&"plain"]);
            page.set(PROCESS, inner.pid().into());
            inner.wait_within(3 * PATIENCE);
        }
        "mute" => {
            let mut mute = Mute::claim(&room, NAME, "a");
            page.set(READY, 1);
            until("told to", || page.get(GO) == 1);
            mute.commit(7);
            page.set(READY, 2);
            std::thread::park();
        }
        _ => {
            let me = open(&room).join().unwrap();
            let tx = me.producer::<u64>("a").unwrap();
            page.set(READY, 1);
            std::thread::park();
            drop(tx);
        }
    }
}

#[test]
fn a_sleeper_is_told_of_its_producer_s_death() {
    let mut slowest = Duration::ZERO;
    for _ in 0..20 {
        let room = Room::new("told");
        let page = Page::create(&room, "page");
        let me = open(&room).join().unwrap();
        let rx = me.consumer::<u64>("a").unwrap();
        let doomed = child::spawn(&room, "doomed", &[&"plain"]);
        until("it holds the end", || page.get(READY) == 1);
        let asleep = AtomicU64::new(0);
        std::thread::scope(|scope| {
            let (me, asleep) = (&me, &asleep);
            let told = scope.spawn(move || {
                let told = waiter(me).wait(&[rx.bell()], LONG, || {
                    asleep.fetch_add(1, Ordering::AcqRel);
                    rx.is_abandoned().then(Instant::now)
                });
                told.unwrap().expect("told")
            });
            // Asked before arming and after: then it sleeps, or is just about to.
            until("it is armed", || asleep.load(Ordering::Acquire) >= 2);
            let start = Instant::now();
            doomed.kill();
            slowest = slowest.max(told.join().unwrap() - start);
        });
    }
    println!("20 producers killed, their sleepers told within {slowest:?}");
    assert!(slowest < Duration::from_secs(1));
}

#[test]
fn a_death_between_the_last_look_and_sleep_is_not_missed() {
    let room = Room::new("gone");
    let page = Page::create(&room, "page");
    let me = open(&room).join().unwrap();
    let mut rx = me.consumer::<u64>("a").unwrap();
    let mut doomed = Some(child::spawn(&room, "doomed", &[&"mute"]));
    until("it holds the end", || page.get(READY) == 1);
    let (mut asked, start) = (0, Instant::now());
    let bell = [rx.bell()];
    let got = waiter(&me).wait(&bell, Some(Duration::from_secs(5)), || {
        asked += 1;
        let found = rx.pop();
        if asked == 2 {
            // Armed, looked, found nothing; now it commits without ringing, dies and is reaped: no trace but its row.
            assert_eq!(found, None);
            page.set(GO, 1);
            until("it is committed", || page.get(READY) == 2);
            doomed.take().unwrap().kill_and_reap();
        }
        found
    });
    let took = start.elapsed();
    assert_eq!(got.unwrap(), Some(7), "asked {asked} times in {took:?}");
    assert!(took < Duration::from_secs(1), "{took:?}");
    println!("committed, killed and reaped before the sleep: had after {took:?}");
}

#[test]
fn the_tick_finds_what_nobody_rang_for() {
    let room = Room::new("tick");
    let me = open(&room).join().unwrap();
    let mut rx = me.consumer::<u64>("a").unwrap();
    let mut mute = Mute::claim(&room, NAME, "a");
    let bell = [rx.bell()];
    let mut late = |when: Duration| {
        // Commits without ringing while the other thread sleeps.
        let tx = &mut mute;
        std::thread::scope(|scope| {
            let commit = move || {
                std::thread::sleep(when);
                tx.commit(1);
            };
            scope.spawn(commit);
            let tick = Duration::from_millis(100);
            let mut on = me.waiter().unwrap().tick(tick);
            let start = Instant::now();
            let got = on.wait(&bell, LONG, || rx.pop()).unwrap();
            assert_eq!((got, on.woken()), (Some(1), 0));
            start.elapsed()
        })
    };
    let took = late(Duration::from_millis(20));
    assert!(
        took >= Duration::from_millis(90) && took < Duration::from_millis(400),
        "{took:?}"
    );
    // Off: nothing until the deadline, which is exact, and looks once more.
    let (tx, off) = (&mut mute, Some(Duration::from_millis(300)));
    std::thread::scope(|scope| {
        scope.spawn(move || {
            std::thread::sleep(Duration::from_millis(20));
            tx.commit(2);
        });
        let start = Instant::now();
        let got = waiter(&me).wait(&bell, off, || rx.pop()).unwrap();
        assert!(start.elapsed() >= off.unwrap());
        assert_eq!(got, Some(2), "the last look");
    });
    println!(
        "a silent commit: found by a tick of 100 ms after {took:?}, without it at the deadline"
    );
}

#[cfg(target_os = "linux")]
#[test]
fn a_death_in_another_space_is_found_by_the_tick() {
    if !is_root() {
        return;
    }
    let room = Room::new("far");
    let page = Page::create(&room, "page");
    let me = open(&room).join().unwrap();
    let rx = me.consumer::<u64>("a").unwrap();
    let _space = child::spawn(&room, "doomed", &[&"space"]);
    until("it holds the end", || {
        page.get(READY) != 0 && (page.get(PROCESS) != 0 || page.get(READY) == 9)
    });
    if page.get(READY) == 9 {
        println!("skipped: no pid namespaces here");
        return;
    }
    let pid = rustix::process::Pid::from_raw(page.get(PROCESS) as i32).unwrap();
    let (mut asked, mut start) = (0, Instant::now());
    let told = me.waiter().unwrap().wait(&[rx.bell()], LONG, || {
        asked += 1;
        if asked == 2 {
            rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
            start = Instant::now();
            // Not dead yet, or dead already: the next look decides.
            return None;
        }
        rx.is_abandoned().then(|| start.elapsed())
    });
    let took = told.unwrap().expect("told");
    println!(
        "a death in another space of process numbers: told after {took:?}, at the default tick"
    );
    assert!(took < Duration::from_millis(1500), "{took:?}");
}

#[test]
fn a_row_s_next_peer_is_woken_too() {
    let segment = anonymous();
    let me = segment.join().unwrap();
    let mut tx = me.producer::<u64>("a").unwrap();
    let rounds = 300;
    let sleep = |you: &OwnedPeer, n: u64, asleep: &AtomicU64| {
        let mut rx = you.consumer::<u64>("a").unwrap();
        let mut waiter = waiter(you);
        let got = waiter.wait(&[rx.bell()], LONG, || {
            asleep.fetch_add(1, Ordering::AcqRel);
            rx.pop()
        });
        assert_eq!(got.unwrap(), Some(n));
        waiter.woken()
    };
    let mut woken = 0;
    for n in 0..rounds {
        let you = segment.join().unwrap();
        assert_eq!(you.id().get(), 2, "the same row each time");
        let asleep = AtomicU64::new(0);
        std::thread::scope(|scope| {
            let sleeper = scope.spawn(|| sleep(&you, n, &asleep));
            until("it is armed", || asleep.load(Ordering::Acquire) >= 2);
            // The same endpoint each time: it remembers which epoch of row 2 it rang last.
            tx.push(n).unwrap();
            woken += sleeper.join().unwrap();
        });
    }
    println!("{rounds} peers in one row, {woken} woken by a ring");
    assert!(woken > rounds / 2);
}
