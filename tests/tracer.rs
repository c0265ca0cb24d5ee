//! The harness of the kill sweeps itself: it stops where it says, kills what it stopped, and misses no state.
#![cfg(all(feature = "std", target_os = "linux", target_arch = "x86_64"))]

mod common;

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use common::child;
use common::page::Page;
use common::room::Room;
use common::tracer::{BEGIN, END, Place, Points, Shared, Stop, Sweep, Tracee, mark};

#[test]
fn child() {
    child::play(&[("writer", writer)]);
}

/// Three words, counted up one after the other.
fn three(shared: &mut Shared) {
    for word in 0..3 {
        shared.word(word).fetch_add(1, Ordering::AcqRel);
    }
}

fn words(shared: &Shared) -> [u64; 3] {
    [0, 1, 2].map(|word| shared.get(word))
}

const STATES: [[u64; 3]; 4] = [[0, 0, 0], [1, 0, 0], [1, 1, 0], [1, 1, 1]];

#[test]
fn every_change_is_a_kill_point_and_nothing_else() {
    let make = || Shared::new(64);
    let mut places = Vec::new();
    let tally =
        Sweep::at(Points::Changes).forked(make, three, Shared::fingerprint, |left, kill| {
            places.push((kill.place, words(&left)));
            Ok(words(&left))
        });
    let tally = tally.unwrap();
    println!("three words: {tally}");
    let [none, one, two, all] = STATES;
    let wanted = [
        (Place::Begin, none),
        (Place::Change(1), one),
        (Place::Change(2), two),
        (Place::Change(3), all),
        (Place::End, all),
    ];
    assert_eq!(places, wanted);
    assert_eq!((tally.kills, tally.points), (5, 3));
}

#[test]
fn every_instruction_leaves_one_of_the_states() {
    let make = || Shared::new(64);
    let check = |left: Shared, _: &_| Ok(words(&left));
    let tally = Sweep::at(Points::Instructions).forked(make, three, |_| 0, check);
    let tally = tally.unwrap();
    println!("three words: {tally}");
    assert!(tally.outcomes.keys().eq(&STATES), "{tally}");
    assert_eq!(tally.kills, tally.points + 2, "each one once");
    let random = Points::Random {
        kills: 200,
        reach: u64::MAX,
    };
    let tally = Sweep::at(random).forked(make, three, |_| 0, check);
    let tally = tally.unwrap();
    println!("three words: {tally}");
    assert!(tally.outcomes.keys().eq(&STATES), "{tally}");
    assert_eq!(tally.kills, 201, "and the surveyed run's end");
}

#[test]
fn control_what_a_check_refuses_is_reported_with_its_place() {
    let make = || Shared::new(64);
    // Broken: between its two writes the words differ, for one instruction or two.
    let torn = |shared: &mut Shared| [0, 1].iter().for_each(|word| shared.set(*word, 7));
    let check = |left: Shared, _: &_| match words(&left) {
        [a, b, _] if a == b => Ok(a),
        found => Err(format!("torn: {found:?}")),
    };
    for points in [Points::Changes, Points::Instructions] {
        let found = Sweep::at(points).forked(make, torn, Shared::fingerprint, check);
        let why = found.expect_err("it is torn in between");
        println!("caught: {why}");
        assert!(why.contains("torn: [7, 0, 0]"), "{why}");
    }
    let found = Sweep::at(Points::Changes).forked(make, torn, Shared::fingerprint, |_, _| Ok(()));
    assert!(found.is_ok());
}

#[test]
fn control_an_operation_that_does_not_end_well_is_an_error() {
    let endless = |shared: &mut Shared| {
        loop {
            shared.word(0).fetch_or(1, Ordering::AcqRel);
        }
    };
    let leaves = |_: &mut Shared| {
        // SAFETY: ends the forked child only.
        unsafe { libc::_exit(3) }
    };
    let broken: [fn(&mut Shared); 2] = [endless, leaves];
    for (operation, said) in broken.into_iter().zip(["does not end", "exit status: 3"]) {
        let mut sweep = Sweep::at(Points::Changes);
        sweep.most = 2000;
        let found = sweep.forked(
            || Shared::new(64),
            operation,
            Shared::fingerprint,
            |_, _| Ok(()),
        );
        let why = found.expect_err("no end");
        assert!(why.contains(said), "{why}");
    }
}

/// Writes four files, if told so, between the marks.
fn writer() {
    let room = Room::parents();
    Page::open(&room, "page").add(0, 1);
    mark(BEGIN);
    for name in ["1", "2", "3", "4"] {
        std::fs::write(room.path().join(name), name).unwrap();
    }
    mark(END);
    panic!("killed at the mark, or before");
}

/// The files that were whole, which the check removes.
fn whole(room: &Room) -> Result<usize, String> {
    let mut whole = 0;
    let mut before = true;
    for name in ["1", "2", "3", "4"] {
        let path = room.path().join(name);
        let found = std::fs::read_to_string(&path);
        if found.is_ok() && !before {
            return Err(format!("{name} without what comes before it"));
        }
        before = found.is_ok_and(|text| text == name);
        whole += usize::from(before);
        let _ = std::fs::remove_file(path);
    }
    Ok(whole)
}

#[test]
fn a_started_process_is_killed_at_its_system_calls_and_at_random() {
    let room = Room::new("tracer");
    let page = Page::create(&room, "page");
    let (kills, reach) = (50, 1024);
    let random = Points::Random { kills, reach };
    let scattered = Points::Scattered { kills, reach };
    for points in [Points::Edges, random, scattered] {
        let before = page.get(0);
        let mut calls = BTreeMap::new();
        let make = || child::command(&room, "writer", &[]);
        let tally = Sweep::at(points).executed(make, |kill| {
            if let Place::Edge { call, .. } = kill.place {
                *calls.entry(call).or_insert(0) += 1;
            }
            whole(&room)
        });
        let tally = tally.unwrap();
        println!("four files: {tally}");
        assert_eq!(page.get(0) - before, tally.kills, "one process each");
        if let Points::Edges = points {
            for call in [libc::SYS_openat, libc::SYS_write, libc::SYS_close] {
                let edges = calls.get(&(call as u64)).copied();
                assert_eq!(edges, Some(2 * 4), "in and out, four times: call {call}");
            }
            assert!(tally.outcomes.keys().eq(&[0, 1, 2, 3, 4]), "{tally}");
        } else {
            assert!(tally.outcomes.len() > 2, "{tally}");
        }
    }
}

#[test]
fn the_killed_are_reaped_and_the_tracer_may_go_where_it_could() {
    let before = rustix::thread::sched_getaffinity(None).unwrap();
    let mut tracee = Tracee::fork(|| mark(9));
    assert_eq!(tracee.run(), Stop::Mark(9));
    assert_eq!(tracee.step(), Stop::Stepped);
    tracee.kill();
    let mut tracee = Tracee::fork(|| ());
    assert!(matches!(tracee.run(), Stop::Ended(status) if status.success()));
    drop(tracee);
    drop(Tracee::fork(|| mark(9)));
    // SAFETY: integers only; asks for this thread's children.
    let found =
        unsafe { libc::waitpid(-1, std::ptr::null_mut(), libc::WNOHANG | libc::__WNOTHREAD) };
    assert_eq!(found, -1, "no child is left");
    assert_eq!(rustix::thread::sched_getaffinity(None).unwrap(), before);
}
