//! Process numbers that come again: a dead peer's is not taken for it, a new peer with one is not taken for the dead.
//! Requirement 11. In a space of its own, whose next number can be chosen.

use ringpad::os::SharedSegment;
use ringpad::{Identity, Life};

use crate::common::child::{self, Child};
use crate::common::page::Page;
use crate::common::room::Room;
use crate::common::until;
use crate::elsewhere::{Proc, spawn_in_space};
use crate::truth::by_number;
use crate::zombies::{Heir, hold};
use crate::{NAME, READY, open, row, taken};

/// Words of the page: how it went, and why not.
const DONE: usize = 40;
const QUESTIONS: usize = 41;
const BARE: usize = 42;

/// Has the next process of this space be that one; refused: false.
pub fn next_number(number: i32) -> bool {
    std::fs::write("/proc/sys/kernel/ns_last_pid", (number - 1).to_string()).is_ok()
}

fn start_of(pid: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let (_, rest) = stat.rsplit_once(") ").unwrap();
    rest.split(' ').nth(19).unwrap().parse().unwrap()
}

/// Waits until the clock of start times has moved on: in one tick two processes of a number are the same by it.
fn next_tick(room: &Room, dead: Identity) {
    until("a process started now starts later", || {
        let mut probe = Child::of(child::command(room, "none", &[]).spawn().unwrap());
        let later = start_of(probe.pid()) > dead.start;
        probe.wait();
        later
    });
}

/// Spawns what `make` makes until it has that number: few others are here.
fn with_number(number: i32, mut make: impl FnMut() -> Child) -> Child {
    for _ in 0..100 {
        assert!(next_number(number));
        let child = make();
        if child.pid() as i32 == number {
            return child;
        }
    }
    panic!("never got number {number}");
}

/// The first process of its space; every other there is its child.
pub fn numberer() {
    let room = Room::parents();
    let page = Page::open(&room, "page");
    if !next_number(1000) {
        page.set(DONE, 9);
        return;
    }
    let segment = open(&room);
    let me = segment.join().unwrap();
    let (mut questions, mut fooled) = (0, 0);
    for round in 0..4 {
        // With a forked child left behind the lock is held on, and only the process can prove anything.
        let how = ["fork", "alone"][round % 2];
        let number = 2000 + 100 * round as i32;
        let holder = with_number(number, || hold(&room, &page, how, None));
        let heir = Heir::on(&page);
        let its = row(&page, READY);
        let dead = segment.occupant(its).unwrap();
        assert_eq!((dead.pid, segment.life(its)), (number as u32, Life::Alive));
        holder.kill_and_reap();
        next_tick(&room, dead);
        // A stranger with the number.
        let stranger = with_number(number, || child::spawn(&room, "numberless", &[]));
        let anew = SharedSegment::open(NAME, &room.options()).unwrap();
        for _ in 0..100 {
            assert_eq!(segment.life(its), Life::Dead, "who watched it");
            assert_eq!(
                anew.life(its),
                Life::Dead,
                "who only has its number and start"
            );
            questions += 2;
        }
        // The control: by its bare number it lives again.
        fooled += u64::from(by_number(number) == Life::Alive);
        drop(me.producer::<u64>("ticks").expect("taken over"));
        stranger.kill_and_reap();
        drop(heir);
        until("the row is free", || {
            let next = segment.join().unwrap();
            next.id() == its
        });
        // A new peer with the number, in the same row: what was known of the dead says nothing of it.
        let next = with_number(number, || hold(&room, &page, how, None));
        let heir = Heir::on(&page);
        assert_eq!(row(&page, READY), its);
        let now = segment.occupant(its).unwrap();
        assert!(now.pid == dead.pid && now.space == dead.space && now.start > dead.start);
        for _ in 0..100 {
            assert_eq!(
                (segment.life(its), anew.life(its)),
                (Life::Alive, Life::Alive)
            );
            assert_eq!(taken(me.producer::<u64>("ticks")), Some(its));
            questions += 3;
        }
        next.kill_and_reap();
        drop(heir);
    }
    page.set(QUESTIONS, questions);
    page.set(BARE, fooled);
    page.set(DONE, 1);
}

#[test]
fn a_number_that_comes_again_is_another_process() {
    let room = Room::new("numbers");
    let page = Page::create(&room, "page");
    let Some(mut guard) = spawn_in_space(&room, &page, "numberer", 0, Proc::Own) else {
        return;
    };
    until("it is through", || {
        page.get(DONE) != 0 || guard.ended().is_some()
    });
    if page.get(DONE) == 9 {
        println!("SKIPPED: the kernel lets nobody choose the next process number here");
        return;
    }
    assert_eq!(page.get(DONE), 1, "{:?}", guard.ended());
    assert_eq!(page.get(BARE), 4, "the control is fooled each time");
    println!(
        "8 numbers came again: {} questions, no dead peer alive and no living one dead; by bare numbers {} wrong",
        page.get(QUESTIONS),
        page.get(BARE)
    );
}
