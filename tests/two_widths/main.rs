//! One segment, two processes whose machine words have not one width (or whose processors are two): every kind, either way, and each
//! end killed at random while its successor has the other width.
//!
//! `RINGPAD_OTHER` names a directory with this program built for the other machine, under its own name; `.ci/processors widths` makes
//! one. Without it everything here is skipped, aloud. With it the children of all other process tests are of both machines in turn.
#![cfg(all(feature = "std", target_os = "linux", target_has_atomic = "64"))]

#[path = "../common/mod.rs"]
mod common;

mod bytes;
mod ends;
mod kills;

use std::path::PathBuf;

use common::child;
use common::page::Page;
use common::room::Room;
use common::{PATIENCE, number, until};
use ends::{KINDS, Taker, open, taker, value};

#[test]
fn child() {
    child::play(&[
        ("who", who),
        ("image", bytes::image),
        ("send", send),
        ("receive", receive),
        ("sends", kills::sends),
        ("receives", kills::receives),
        ("stranger", stranger),
    ]);
}

/// This program and the other machine's; says aloud where there is none.
pub fn programs() -> Option<[PathBuf; 2]> {
    let other = child::other();
    if other.is_none() {
        println!("skipped: RINGPAD_OTHER names no programs of another machine");
    }
    Some([std::env::current_exe().expect("this program"), other?])
}

/// Words of the page.
const READY: usize = 0;
const DONE: usize = 1;

/// What tells the machines apart: bytes of a machine word, and which processor.
fn machine() -> [u64; 2] {
    let name = std::env::consts::ARCH.bytes();
    let name = name.fold(0, |sum, byte| sum * 31 + u64::from(byte));
    [size_of::<usize>() as u64, name]
}

fn who() {
    let page = Page::open(&Room::parents(), "page");
    let [width, name] = machine();
    page.set(2, width);
    page.set(3, name);
}

#[test]
fn the_other_program_is_another_machines() {
    let Some(programs) = programs() else { return };
    let found = programs.map(|program| {
        let room = Room::new("widths-who");
        let page = Page::create(&room, "page");
        child::start(&program, &room, "who", &[]).done();
        [page.get(2), page.get(3)]
    });
    assert_eq!(found[0], machine(), "the control: this program is itself");
    assert_ne!(found[1], machine());
    println!("words of {} and {} bytes", found[0][0], found[1][0]);
}

/// Sends values of one kind, each once there is room.
fn send() {
    let (room, kind) = (Room::parents(), child::numeral(0) as usize);
    let page = Page::open(&room, "page");
    let me = open(&room).join().expect("joining");
    let mut send = ends::sender(kind, &me);
    until("the receiver is there", || page.get(READY) == 1);
    for n in 1..=child::numeral(1) {
        if !send(&value(n)) {
            until("there is room", || send(&value(n)));
        }
    }
    until("all came", || page.get(DONE) == 1);
}

/// Takes them: each, or where only the newest count at last the last; always whole and in order.
fn receive() {
    let (room, kind) = (Room::parents(), child::numeral(0) as usize);
    let page = Page::open(&room, "page");
    let me = open(&room).join().expect("joining");
    let (mut take, last): (Taker, u64) = (taker(kind, &me), child::numeral(1));
    page.set(READY, 1);
    let mut before = 0;
    while before < last {
        let mut got = take();
        if got.is_none() {
            until("something comes", || {
                got = take();
                got.is_some()
            });
        }
        let n = got.and_then(|got| ends::whole(&got)).expect("a whole one");
        let next = if KINDS[kind].is_lossy {
            n >= before
        } else {
            n == before + 1
        };
        assert!(next, "{}: {n} behind {before}", KINDS[kind].name);
        before = n;
    }
    page.set(DONE, 1);
}

#[test]
fn every_kind_carries_values_either_way() {
    let Some(programs) = programs() else { return };
    let each = number("RINGPAD_WIDTH_VALUES", 2000);
    for (kind, what) in KINDS.iter().enumerate() {
        for [from, to] in [[0, 1], [1, 0]] {
            let room = Room::new("widths-pair");
            let _page = Page::create(&room, "page");
            let words: [&dyn std::fmt::Display; 2] = [&kind, &each];
            let receiver = child::start(&programs[to], &room, "receive", &words);
            let sender = child::start(&programs[from], &room, "send", &words);
            // Calls go to and fro: on a busy machine each takes a turn of everybody's.
            for mut end in [sender, receiver] {
                let status = end.wait_within(6 * PATIENCE);
                assert!(status.success(), "{}: {status}", what.name);
            }
        }
        println!("{}: {each} values each way", what.name);
    }
}

/// Opens, and notes what it is told.
fn stranger() {
    let room = Room::parents();
    let error = ringpad::os::SharedSegment::open(ends::SEGMENT, &room.options());
    let error = error.map(|_| ()).expect_err("another byte order");
    let again = ends::create(&room)
        .map(|_| ())
        .expect_err("another byte order");
    let said = format!("{error}\n{again}\n");
    std::fs::write(room.path().join("said"), said).expect("writing");
}

/// A living segment of this machine's, opened by one whose bytes are the other way round: `RINGPAD_OTHER_ORDER` names its program.
#[test]
fn a_machine_of_the_other_byte_order_is_refused_by_both_names() {
    let Some(program) = std::env::var_os("RINGPAD_OTHER_ORDER") else {
        println!("skipped: RINGPAD_OTHER_ORDER names no program of the other byte order");
        return;
    };
    let room = Room::new("widths-order");
    let segment = open(&room);
    let before = room.files();
    child::start(program.as_ref(), &room, "stranger", &[]).done();
    let said = std::fs::read_to_string(room.path().join("said")).expect("it wrote");
    println!("{said}");
    for line in said.lines() {
        assert!(
            line.contains("byte order mark is 0x0d0c0b0a (little-endian)"),
            "{line}"
        );
        assert!(line.contains("wanted 0x0a0b0c0d (big-endian)"), "{line}");
    }
    assert_eq!(
        (said.lines().count(), room.files()),
        (2, before),
        "not touched"
    );
    assert!(segment.join().is_ok());
}
