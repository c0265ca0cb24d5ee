//! Peers in different spaces of process numbers, with different numbers and with the same, see each other's real deaths and
//! no others. Requirement 11.

use std::time::{Duration, Instant};

use ringpad::{Life, PeerId};
use rustix::process::{Pid, Signal, kill_process};

use crate::common::child;
use crate::common::page::Page;
use crate::common::room::Room;
use crate::common::{until, until_within};
use crate::elsewhere::{PROCESS, Proc, spawn_in_space};
use crate::numbers::next_number;
use crate::truth::by_number;
use crate::zombies::has_ended;
use crate::{BREATH, SECOND, STOP, open, row, taken};

/// Words of the page: false deaths; then of each space its peer's row, its number there, how often it asked, and what an
/// oracle that trusts bare numbers got wrong.
const MISTAKES: usize = 3;
const ROW: usize = 8;
const NUMBER: usize = 12;
const ASKED: usize = 16;
const BARE: usize = 20;
/// Which peer died, plus one; and who saw it, in microseconds.
const DIED: usize = 24;
const SAW: usize = 28;
/// Asks no more.
const SILENT: usize = 32;

/// The peer of a space, or, if its number shall not be 1, the parent of it.
pub fn spaced() {
    let room = Room::parents();
    let page = Page::open(&room, "page");
    let which = child::numeral(0) as usize;
    let number = page.get(NUMBER + which);
    if number != 1 && std::process::id() == 1 {
        assert!(
            next_number(number as i32),
            "in a space of its own it may choose"
        );
        let mut second = child::spawn(&room, "spaced", &[&which]);
        second.wait_within(Duration::from_secs(300));
        return;
    }
    assert_eq!(u64::from(std::process::id()), number);
    let segment = open(&room);
    let me = segment.join().unwrap();
    let tx = (which == 0).then(|| me.producer::<u64>("ticks").unwrap());
    let log = (which == 1).then(|| me.byte_producer("log").unwrap());
    page.set(ROW + which, me.id().get().into());
    until("both are here", || {
        page.get(ROW) != 0 && page.get(ROW + 1) != 0
    });
    let other = row(&page, ROW + 1 - which);
    let number = page.get(NUMBER + 1 - which) as i32;
    while page.get(STOP) == 0 {
        for peer in [other, PeerId::new(1).unwrap()] {
            page.add(MISTAKES, u64::from(segment.life(peer) == Life::Dead));
        }
        let by = match which {
            0 => taken(me.byte_producer("log")),
            _ => taken(me.producer::<u64>("ticks")),
        };
        page.add(MISTAKES, u64::from(by != Some(other)));
        let bare = by_number(number) == Life::Dead;
        page.add(BARE + which, u64::from(bare));
        page.add(ASKED + which, 1);
        std::thread::sleep(BREATH);
    }
    page.set(SILENT + which, 1);
    until("told who", || page.get(DIED) != 0);
    let since = Instant::now();
    until_within(SECOND, "the other is seen dead", || {
        segment.life(other) == Life::Dead
    });
    match which {
        0 => drop(me.byte_producer("log").expect("taken over")),
        _ => drop(me.producer::<u64>("ticks").expect("taken over")),
    }
    page.set(SAW + which, 1 + since.elapsed().as_micros() as u64);
    drop((tx, log));
    std::thread::park();
}

/// Two spaces whose peers have these numbers; answers false where the kernel refuses.
fn two_spaces(numbers: [u64; 2], procs: [Proc; 2], dies: usize) -> bool {
    let room = Room::new("spaces");
    let page = Page::create(&room, "page");
    let segment = open(&room);
    let me = segment.join().unwrap();
    assert_eq!(me.id().get(), 1);
    let mut guards = Vec::new();
    for (which, proc) in procs.into_iter().enumerate() {
        page.set(NUMBER + which, numbers[which]);
        let Some(guard) = spawn_in_space(&room, &page, "spaced", which, proc) else {
            return false;
        };
        guards.push(guard);
    }
    until("both peers ask", || {
        page.get(ASKED) > 300 && page.get(ASKED + 1) > 300
    });
    let rows = [0, 1].map(|which| row(&page, ROW + which));
    let who = rows.map(|row| segment.occupant(row).unwrap());
    assert_eq!(who.map(|who| u64::from(who.pid)), numbers);
    assert!(
        who[0].space != who[1].space && who[0].space != segment.occupant(me.id()).unwrap().space
    );
    let (start, mut asked) = (Instant::now(), 0);
    while start.elapsed() < Duration::from_millis(200) {
        assert_eq!(rows.map(|row| segment.life(row)), [Life::Alive; 2]);
        assert_eq!(taken(me.producer::<u64>("ticks")), Some(rows[0]));
        assert_eq!(taken(me.byte_producer("log")), Some(rows[1]));
        asked += 4;
    }
    assert_eq!(page.get(MISTAKES), 0, "{numbers:?}, {procs:?}");
    // The control: who trusts bare numbers takes a living peer of another space for dead, if nobody here has its number.
    let bare = page.get(BARE) + page.get(BARE + 1);
    assert_eq!(bare > 0, numbers[0] != numbers[1], "{bare} by bare numbers");
    page.set(STOP, 1);
    // A question that is not answered yet would rightly be answered "dead".
    until("nobody asks any more", || {
        [0, 1].iter().all(|which| page.get(SILENT + which) == 1)
    });
    let asks = [0, 1].map(|which| page.get(ASKED + which));
    // The first process of the space that shall die ends the space; the other is told after it was killed.
    let dead = Pid::from_raw(page.get(PROCESS + dies) as i32).unwrap();
    kill_process(dead, Signal::KILL).unwrap();
    let since = Instant::now();
    until("it has ended", || has_ended(dead));
    page.set(DIED, 1 + dies as u64);
    let took = until_within(SECOND, "seen dead here", || {
        segment.life(rows[dies]) == Life::Dead
    });
    until("seen dead from the other space", || {
        page.get(SAW + 1 - dies) != 0
    });
    assert!(since.elapsed() >= took);
    assert_eq!(segment.life(rows[1 - dies]), Life::Alive);
    println!(
        "numbers {numbers:?}, {procs:?}: {asks:?} rounds of three questions there and {asked} questions here, no mistake \
         ({bare} by bare numbers); the death of one seen here in {took:?}, in the other space in {} µs",
        page.get(SAW + 1 - dies) - 1
    );
    assert_eq!(page.get(MISTAKES), 0);
    true
}

#[test]
fn peers_in_other_pid_namespaces_die_only_when_they_do() {
    let (own, outer) = (Proc::Own, Proc::Outer);
    let mut seen = 0;
    for (round, (numbers, procs)) in [
        ([1, 1], [own, own]),
        ([100, 100], [own, own]),
        ([1, 100], [own, own]),
        ([1, 1], [outer, outer]),
        ([100, 100], [outer, own]),
    ]
    .into_iter()
    .enumerate()
    {
        seen += u32::from(two_spaces(numbers, procs, round % 2));
    }
    println!("{seen} of 5 pairs of spaces");
}
