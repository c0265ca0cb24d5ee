//! Locks of files: what they promise, and what asking by locking must not do.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use super::super::names::lock_file;
use super::*;
use crate::os::linux::testing::{PATIENCE, Scratch, fork, until};

/// A segment's locks, with fresh descriptions.
fn locks(scratch: &Scratch) -> LockFile {
    let want = Permissions::default();
    let creator = lock_file(scratch.dir(), "it", Create::IfMissing, &want).unwrap();
    LockFile::of(creator, scratch.dir(), "it", &want).unwrap()
}

fn segment(scratch: &Scratch) -> [LockFile; 3] {
    locks(scratch).make(8).unwrap();
    [(); 3].map(|()| locks(scratch))
}

#[test]
fn exclusive_excludes_until_released_and_rows_are_locks_of_their_own() {
    let scratch = Scratch::new();
    let [a, b, ask] = segment(&scratch);
    assert!(!ask.held_exclusively(7).unwrap());
    assert!(a.try_exclusive(7).unwrap());
    assert!(a.try_exclusive(7).unwrap(), "one's own again");
    assert!(!b.try_exclusive(7).unwrap() && !b.try_shared(7).unwrap());
    assert!(b.try_exclusive(8).unwrap());
    assert!(ask.held_exclusively(7).unwrap() && ask.held_exclusively(8).unwrap());
    assert!(!ask.held_exclusively(6).unwrap());
    a.release(7).unwrap();
    a.release(7).unwrap();
    assert!(!ask.held_exclusively(7).unwrap() && b.try_exclusive(7).unwrap());
    assert!(ask.held_exclusively(9).is_err(), "there is no such row");
    assert!(ask.held_exclusively(41).is_err());
}

#[test]
fn whoever_has_it_open_is_seen_until_the_last_is_gone() {
    let scratch = Scratch::new();
    let [a, b, ask] = segment(&scratch);
    assert!(!ask.is_open_somewhere().unwrap() && !ask.is_in_use().unwrap());
    assert!(a.try_shared(OPEN).unwrap() && b.try_shared(OPEN).unwrap());
    assert!(ask.is_open_somewhere().unwrap() && ask.is_in_use().unwrap());
    assert!(!a.try_exclusive(OPEN).unwrap(), "not the last one");
    a.release(OPEN).unwrap();
    assert!(b.try_exclusive(OPEN).unwrap(), "the last one");
    b.release(OPEN).unwrap();
    assert!(!ask.is_in_use().unwrap());
    // Who creates or leaves is there too.
    assert!(a.try_exclusive(CREATOR).unwrap());
    assert!(ask.is_in_use().unwrap());
    a.release(CREATOR).unwrap();
    assert!(!ask.is_in_use().unwrap());
}

/// How many of `rounds` tries to lock a row failed, while two others ask about it without end and always hear the truth.
fn tries_lost(lock: impl Fn(&LockFile) -> bool, rounds: u32) -> u32 {
    let scratch = Scratch::new();
    let [joiner, one, other] = segment(&scratch);
    // Odd: joined, for the so manieth time.
    let (stop, joined) = (AtomicBool::new(false), AtomicU32::new(0));
    std::thread::scope(|scope| {
        for ask in [&one, &other] {
            let (stop, joined) = (&stop, &joined);
            scope.spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    let before = joined.load(Ordering::SeqCst);
                    let held = ask.held_exclusively(3).unwrap();
                    let after = joined.load(Ordering::SeqCst);
                    let lives = before == after && before % 2 == 1;
                    assert!(held || !lives, "a living peer looks dead");
                }
            });
        }
        let mut lost = 0;
        for _ in 0..rounds {
            match lock(&joiner) {
                true => {
                    joined.fetch_add(1, Ordering::SeqCst);
                    std::thread::yield_now();
                    joined.fetch_add(1, Ordering::SeqCst);
                    joiner.release(3).unwrap();
                }
                false => lost += 1,
            }
        }
        stop.store(true, Ordering::Relaxed);
        lost
    })
}

#[test]
fn a_joiner_who_meets_askers_gets_the_row() {
    let lost = tries_lost(|joiner| joiner.try_exclusive(3).unwrap(), 2000);
    assert_eq!(lost, 0);
    // The control: one try alone loses to somebody who asks.
    let deadline = Instant::now() + PATIENCE;
    let once = |joiner: &LockFile| exclusive(joiner.file(3).unwrap()).unwrap();
    while tries_lost(once, 2000) == 0 {
        assert!(Instant::now() < deadline, "one try never lost");
    }
}

#[test]
fn released_at_sigkill_while_the_zombie_is_unreaped() {
    let scratch = Scratch::new();
    let [own, ask, _] = segment(&scratch);
    let row = own.file(1).unwrap().try_clone_to_owned().unwrap();
    drop(own);
    let child = fork(&[row.as_fd()], |inside| {
        if !matches!(exclusive(row.as_fd()), Ok(true)) {
            return 80;
        }
        inside.report();
        inside.hold();
        0
    });
    drop(row);
    child.reported();
    assert!(
        ask.held_exclusively(1).unwrap(),
        "the control: alive, it holds"
    );
    child.kill();
    child.zombie();
    until("the row is free", || !ask.held_exclusively(1).unwrap());
}

#[test]
fn locks_of_a_later_segment_prove_nothing() {
    let scratch = Scratch::new();
    let [a, early, late] = segment(&scratch);
    assert!(a.try_exclusive(2).unwrap() && early.held_exclusively(2).unwrap());
    // Somebody clears the directory by hand, and another segment of the name is made.
    for file in std::fs::read_dir(&scratch.path).unwrap() {
        std::fs::remove_file(file.unwrap().path()).unwrap();
    }
    locks(&scratch).make(8).unwrap();
    assert!(early.held_exclusively(2).unwrap());
    let refused = late.held_exclusively(2).unwrap_err();
    assert!(refused.to_string().contains("another segment"), "{refused}");
}

#[test]
fn a_lock_file_whose_maker_was_killed_between_two_names_is_finished() {
    let scratch = Scratch::new();
    drop(locks(&scratch));
    let path = |name: &str| scratch.path.join(name);
    let temporary = path("it.0123456789abcdef0123456789abcdef.tmp");
    std::fs::hard_link(path("it.lock"), &temporary).unwrap();
    let want = Permissions::default();
    let found = lock_file(scratch.dir(), "it", Create::Never, &want);
    assert!(found.is_ok() && !temporary.exists());
    // The control: any other second name is refused as ever, and stays.
    std::fs::hard_link(path("it.lock"), path("stranger")).unwrap();
    let refused = lock_file(scratch.dir(), "it", Create::Never, &want).unwrap_err();
    assert!(refused.to_string().contains("2 names"), "{refused}");
    assert!(path("stranger").exists());
}
