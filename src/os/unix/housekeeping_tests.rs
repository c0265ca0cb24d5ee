//! Collecting beside those who live and files that are somebody else's, where locks can be asked about without taking one.

use std::fs::File;
use std::os::fd::AsFd;

use rustix::fs::{FlockOperation, fcntl_lock};

use super::super::names::OPEN;
use super::*;
use crate::Plan;
use crate::os::linux::lock::held_at_all;
use crate::os::linux::testing::Scratch;
use crate::os::{SharedSegment, hasty};

fn living(options: &Options) -> SharedSegment {
    let plan = Plan::<0>::new().peers(2).unwrap();
    SharedSegment::open_or_create("living", &plan, options).unwrap()
}

#[test]
fn who_opens_a_living_segment_does_not_wait_for_one_who_collects() {
    let scratch = Scratch::new();
    let options = Options::new().directory(&scratch.path);
    hasty::check(5_000, &options, || {
        drop(Names::lock("living", Create::Never, &options, soon(BUSY)));
    });
}

#[test]
fn the_last_one_out_does_not_look_as_if_it_stayed() {
    let scratch = Scratch::new();
    let options = Options::new().directory(&scratch.path);
    let segment = living(&options);
    let names = Names::lock("living", Create::Never, &options, soon(BUSY)).unwrap();
    let looks_open = || LockFile::looks_open(names.dir.as_fd(), "living", &options.permissions);
    assert!(looks_open().unwrap());
    assert!(!names.hold.try_exclusive(OPEN).unwrap(), "somebody has it");
    // Without the creator's lock, which it gives up waiting for.
    drop(segment);
    assert!(names.hold.try_exclusive(OPEN).unwrap());
    assert!(!looks_open().unwrap());
}

/// Somebody's own file, with locks that any closing of it by this process would release.
#[test]
fn a_file_that_is_no_lock_file_is_not_even_opened() {
    let scratch = Scratch::new();
    let options = Options::new().directory(&scratch.path);
    let _living = living(&options);
    let path = scratch.path.join("own.lock");
    std::fs::write(&path, "1234").unwrap();
    let open = || File::options().read(true).write(true).open(&path).unwrap();
    let (own, ask) = (open(), open());
    let is_held = || held_at_all(ask.as_fd(), 0).unwrap();
    fcntl_lock(&own, FlockOperation::NonBlockingLockExclusive).unwrap();
    assert!(is_held());
    assert_eq!(collect(&options).unwrap(), [""; 0]);
    assert_eq!(list(&options).unwrap().len(), 1);
    assert!(is_held(), "not touched");
    drop(open());
    assert!(!is_held(), "the control opened and closed it");
}
