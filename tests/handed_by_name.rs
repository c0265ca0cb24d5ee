//! Anonymous segments where memory cannot be sealed, as on macOS and FreeBSD: `--cfg ringpad_flock` has Linux do the same.
#![cfg(all(feature = "std", target_os = "linux", ringpad_flock))]

mod common;

use std::process::Command;
use std::time::Duration;

use common::child::{self, Child};
use common::page::Page;
use common::room::Room;
use common::{until, until_within};
use ringpad::os::{Error, HANDOFF_VARIABLE, Options, SharedSegment, collect, list};
use ringpad::{Life, PeerId, Plan, spsc};

#[test]
fn child() {
    child::play(&[
        ("heir", heir),
        ("second", second),
        ("parent", parent),
        ("misled", misled),
    ]);
}

/// Words of the page.
const READY: usize = 0;
const GO: usize = 1;
const GOT: usize = 2;

fn plan() -> Plan<2> {
    let slots = spsc::Config::new(8);
    let plan = Plan::<2>::new().peers(3).unwrap();
    let plan = plan.channel::<spsc::Spsc<u64>>("out", &slots).unwrap();
    plan.channel::<spsc::Spsc<u64>>("back", &slots).unwrap()
}

fn bad(found: ringpad::os::Result<SharedSegment>) -> String {
    match found {
        Err(error @ Error::BadHandoff(_)) => error.to_string(),
        other => panic!("{other:?}"),
    }
}

/// Takes what the parent handed down when it is told to, and sends numbers back, asleep in between.
fn heir() {
    let room = Room::parents();
    let page = Page::open(&room, "page");
    until("it may begin", || page.get(GO) != 0);
    let segment = SharedSegment::inherited().unwrap();
    bad(SharedSegment::inherited());
    // A child of the child finds the variable, and nothing behind it.
    let status = child::command(&room, "second", &[]).status();
    assert!(status.unwrap().success());
    let me = segment.join().unwrap();
    let mut rx = me.consumer::<u64>("out").unwrap();
    let mut tx = me.producer::<u64>("back").unwrap();
    let mut waiter = me.waiter().unwrap().without_tick();
    let bell = [rx.bell()];
    page.set(READY, me.id().get().into());
    while page.get(GOT) < 5 {
        let got = waiter.wait(&bell, None, || rx.pop()).unwrap();
        page.add(GOT, 1);
        tx.push(got.expect("no deadline") + 1).unwrap();
    }
}

fn second() {
    std::env::var_os(HANDOFF_VARIABLE).expect("inherited with the environment");
    bad(SharedSegment::inherited());
}

#[test]
fn a_child_inherits_and_its_death_frees_its_row() {
    let room = Room::new("heir");
    let page = Page::create(&room, "page");
    let segment = SharedSegment::anonymous(&plan(), &room.options()).unwrap();
    assert_eq!(list(&room.options()).unwrap(), [], "it has no name");
    page.set(GO, 1);
    for _ in 0..3 {
        page.set(READY, 0);
        page.set(GOT, 0);
        let mut command = child::command(&room, "heir", &[]);
        let heir = Child::of(segment.spawn(&mut command).unwrap());
        until("the child joined", || page.get(READY) != 0);
        let row = PeerId::new(page.get(READY) as u32).unwrap();
        assert_eq!(segment.life(row), Life::Alive);
        let me = segment.join().unwrap();
        let mut tx = me.producer::<u64>("out").unwrap();
        let mut rx = me.consumer::<u64>("back").unwrap();
        let mut waiter = me.waiter().unwrap().without_tick();
        let bell = [rx.bell()];
        for n in 0..4 {
            heir.asleep();
            tx.push(n).unwrap();
            let got = waiter.wait(&bell, Some(common::PATIENCE), || rx.pop());
            assert_eq!(got.unwrap(), Some(n + 1), "woken with the answer");
        }
        heir.kill();
        until_within(Duration::from_secs(1), "it is seen dead", || {
            segment.life(row) == Life::Dead
        });
        heir.zombie();
        drop((tx, rx, waiter, bell, me));
        // By its lock, not only by its process: all three rows can be taken.
        let peers: Vec<_> = (0..3).map(|_| segment.join().unwrap()).collect();
        drop(peers);
    }
    drop(segment);
    assert_eq!(room.files(), [""; 0]);
}

/// Makes a segment, hands it down to a child that is to outlive it, and waits to be killed.
fn parent() {
    let room = Room::parents();
    let page = Page::open(&room, "page");
    let segment = SharedSegment::anonymous(&plan(), &room.options()).unwrap();
    if child::word(0) == "heir" {
        // Not by `child::command`, whose children die with their parents.
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "child", "--nocapture"]);
        segment
            .spawn(command.env("RINGPAD_TEST_ROLE", "heir"))
            .unwrap();
    }
    page.set(READY, 99);
    loop {
        std::thread::park();
    }
}

#[test]
fn a_child_finds_it_although_its_parent_was_killed_before_it_looked() {
    let room = Room::new("late");
    let page = Page::create(&room, "page");
    let parent = child::spawn(&room, "parent", &[&"heir"]);
    until("it was handed down", || page.get(READY) == 99);
    parent.kill();
    parent.zombie();
    assert_eq!(
        collect(&room.options()).unwrap(),
        [""; 0],
        "the child has it open"
    );
    assert!(!room.files().is_empty());
    page.set(GOT, 5);
    page.set(GO, 1);
    until("the child joined", || page.get(READY) != 99);
    until("the last one out removes all", || room.files().is_empty());
}

#[test]
fn what_the_killed_left_the_next_one_clears_away() {
    let room = Room::new("left");
    let page = Page::create(&room, "page");
    let living = SharedSegment::anonymous(&plan(), &room.options()).unwrap();
    let of_one = room.files().len();
    let parent = child::spawn(&room, "parent", &[&""]);
    until("it was made", || page.get(READY) == 99);
    assert_eq!(room.files().len(), 2 * of_one);
    parent.kill();
    parent.zombie();
    assert_eq!(
        room.files().len(),
        2 * of_one,
        "the control: nobody cleared away"
    );
    let next = SharedSegment::anonymous(&plan(), &room.options()).unwrap();
    assert_eq!(room.files().len(), 2 * of_one, "the living and the next");
    drop((living, next));
    assert_eq!(room.files(), [""; 0]);
}

/// What the variable says is not what was handed down.
fn misled() {
    bad(SharedSegment::inherited());
}

#[test]
fn a_variable_that_lies_is_refused() {
    let room = Room::new("misled");
    let id = "0".repeat(32);
    let whole = format!("named:50:1:600:::.{id}:/tmp");
    let (name, mode) = (
        format!("named:50:1:600:::{id}:/"),
        format!("named:50:1:9:::.{id}:/"),
    );
    let ends = [
        "",
        "named:",
        "named:50:1",
        "cooperative:50:1,51:1",
        "named:50:1:600:::x:/tmp",
    ];
    for value in ends.into_iter().chain([&*whole, &*name, &*mode]) {
        let mut command = child::command(&room, "misled", &[]);
        command.env(HANDOFF_VARIABLE, value);
        Child::of(command.spawn().unwrap()).done();
    }
}

#[test]
fn what_cannot_be_is_refused() {
    let room = Room::new("refused");
    let named = SharedSegment::open_or_create("n", &plan(), &room.options()).unwrap();
    let handed = named.spawn(&mut Command::new("/bin/true"));
    assert!(matches!(handed, Err(Error::BadHandoff(_))));
    let wary = SharedSegment::anonymous(&plan(), &Options::new().distrusted(true));
    assert!(matches!(wary, Err(Error::BadOption { .. })), "{wary:?}");
}
