//! Byte locks: what they promise, and each trap beside the call that avoids it.

use rustix::io::{Errno, FdFlags, fcntl_getfd};
use std::fs::File;

use super::super::memory::memfd;
use super::super::testing::{Child, Scratch, fork, until};
use super::*;
use crate::os::unix::calls::set_close_on_exec;
use crate::os::unix::directory::{Create, Permissions, open_file};

/// A fresh description of the lock file.
fn describe(scratch: &Scratch, write: bool) -> OwnedFd {
    let create = if write {
        Create::IfMissing
    } else {
        Create::Never
    };
    open_file(
        scratch.dir(),
        "lock",
        write,
        create,
        &Permissions::default(),
    )
    .unwrap()
}

fn exclusively(ask: &OwnedFd, byte: u64) -> bool {
    held_exclusively(ask.as_fd(), byte).unwrap()
}

#[test]
fn exclusive_excludes_until_released() {
    let scratch = Scratch::new();
    let [a, b, ask] = [(); 3].map(|()| describe(&scratch, true));
    assert!(!held_at_all(ask.as_fd(), 7).unwrap());
    assert!(try_exclusive(a.as_fd(), 7).unwrap());
    assert!(
        try_exclusive(a.as_fd(), 7).unwrap(),
        "taking one's own again is no conflict"
    );
    assert!(!try_exclusive(b.as_fd(), 7).unwrap());
    assert!(!try_shared(b.as_fd(), 7).unwrap());
    assert!(
        try_exclusive(b.as_fd(), 8).unwrap(),
        "the next byte is another lock"
    );
    assert!(exclusively(&ask, 7) && exclusively(&ask, 8) && !exclusively(&ask, 6));
    release(a.as_fd(), 7).unwrap();
    release(a.as_fd(), 7).unwrap();
    assert!(!exclusively(&ask, 7));
    assert!(try_exclusive(b.as_fd(), 7).unwrap());
}

#[test]
fn shared_is_converted_when_alone_and_kept_when_not() {
    let scratch = Scratch::new();
    let [a, b, ask] = [(); 3].map(|()| describe(&scratch, true));
    assert!(try_shared(a.as_fd(), 0).unwrap() && try_shared(b.as_fd(), 0).unwrap());
    assert!(!try_exclusive(a.as_fd(), 0).unwrap());
    release(b.as_fd(), 0).unwrap();
    assert!(
        held_at_all(ask.as_fd(), 0).unwrap(),
        "a failed conversion keeps the shared lock"
    );
    assert!(try_exclusive(a.as_fd(), 0).unwrap() && exclusively(&ask, 0));
    assert!(
        try_shared(a.as_fd(), 0).unwrap() && !exclusively(&ask, 0),
        "and sharing downgrades"
    );
}

#[test]
fn trap_the_holding_description_says_unlocked() {
    let scratch = Scratch::new();
    let (holder, ask) = (describe(&scratch, true), describe(&scratch, true));
    assert!(try_exclusive(holder.as_fd(), 3).unwrap());
    // The trap: asked through the holder, or a dup of it, the living owner looks dead.
    assert!(!held_exclusively(holder.as_fd(), 3).unwrap());
    assert!(!held_at_all(holder.try_clone().unwrap().as_fd(), 3).unwrap());
    assert!(exclusively(&ask, 3));
}

#[test]
fn trap_a_read_only_party_s_shared_lock_is_not_life() {
    let scratch = Scratch::new();
    let (writer, reader) = (describe(&scratch, true), describe(&scratch, false));
    let ask = describe(&scratch, false);
    assert!(try_shared(reader.as_fd(), 5).unwrap());
    assert!(
        held_at_all(ask.as_fd(), 5).unwrap(),
        "the question that takes a reader for a peer"
    );
    assert!(!exclusively(&ask, 5));
    let refused = try_exclusive(reader.as_fd(), 6).unwrap_err();
    assert_eq!(
        refused.raw_os_error(),
        Some(Errno::BADF.raw_os_error()),
        "nor can it pretend to be one"
    );
    assert!(
        try_exclusive(writer.as_fd(), 6).unwrap() && exclusively(&ask, 6),
        "asking works read-only"
    );
}

#[test]
fn trap_record_locks_are_lost_at_an_unrelated_close_and_these_are_not() {
    let scratch = Scratch::new();
    let (posix, ofd, ask) = (
        describe(&scratch, true),
        describe(&scratch, true),
        describe(&scratch, true),
    );
    call(
        posix.as_fd(),
        libc::F_SETLK,
        &mut one_byte(libc::F_WRLCK, 1).unwrap(),
    )
    .unwrap();
    assert!(try_exclusive(ofd.as_fd(), 2).unwrap());
    assert!(exclusively(&ask, 1) && exclusively(&ask, 2));
    drop(File::open(scratch.path.join("lock")).unwrap());
    assert!(
        !exclusively(&ask, 1),
        "the control: a record lock went with a close that had nothing to do with it"
    );
    assert!(exclusively(&ask, 2));
    drop(ofd);
    until("the lock goes with its description", || {
        !exclusively(&ask, 2)
    });
}

/// A child that holds byte 0 through a description nobody else has, and runs `body`.
fn holder(
    scratch: &Scratch,
    body: impl FnOnce(&super::super::testing::Inside, BorrowedFd<'_>) -> i32,
) -> Child {
    let own = describe(scratch, true);
    let child = fork(&[own.as_fd()], |inside| {
        match try_exclusive(own.as_fd(), 0) {
            Ok(true) => body(inside, own.as_fd()),
            _ => 80,
        }
    });
    drop(own);
    child.reported();
    child
}

#[test]
fn released_at_sigkill_while_the_zombie_is_unreaped() {
    let scratch = Scratch::new();
    let ask = describe(&scratch, true);
    let child = holder(&scratch, |inside, _| {
        inside.report();
        inside.hold();
        0
    });
    assert!(exclusively(&ask, 0), "the control: alive, it holds");
    child.kill();
    child.zombie();
    // Another test's child may have a copy for a moment; nobody reaps ours meanwhile.
    until("the byte is free", || !exclusively(&ask, 0));
    assert!(try_exclusive(ask.as_fd(), 0).unwrap());
    assert!(child.ended().terminating_signal().is_some());
}

#[test]
fn trap_a_forked_copy_keeps_the_lock_after_its_owner_s_death() {
    let scratch = Scratch::new();
    let ask = describe(&scratch, true);
    let mut owner = holder(&scratch, |inside, _| {
        inside.fork(|| {
            inside.report();
            inside.hold();
            0
        });
        inside.hold();
        0
    });
    owner.kill();
    owner.reap();
    assert!(
        exclusively(&ask, 0),
        "dead and reaped, and the byte is held by its child"
    );
    owner.release();
    until("the last copy closes", || !exclusively(&ask, 0));
}

/// The owner of the byte runs a program, and is killed; the program lives on, and holds the byte or not.
fn survivor_holds(byte_held: bool, close_on_exec: bool) {
    let scratch = Scratch::new();
    let ask = describe(&scratch, true);
    let mark = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).unwrap();
    let own = describe(&scratch, true);
    let mut owner = fork(&[own.as_fd(), mark.1.as_fd()], |inside| {
        if set_close_on_exec(own.as_fd(), close_on_exec).is_err()
            || !matches!(try_exclusive(own.as_fd(), 0), Ok(true))
        {
            return 80;
        }
        inside.fork(|| inside.become_cat());
        inside.report();
        inside.hold();
        0
    });
    drop((own, mark.1));
    owner.reported();
    owner.kill();
    owner.reap();
    // The mark closes at the program's exec: until then its process still has every copy.
    until("the program has started", || {
        rustix::io::read(&mark.0, &mut [0; 1]) == Ok(0)
    });
    until("it has what it inherits", || {
        exclusively(&ask, 0) == byte_held
    });
    assert!(owner.inhabited(), "the program still waits for its input");
    owner.release();
    until("the program has ended", || !exclusively(&ask, 0));
}

#[test]
fn trap_an_inherited_copy_keeps_the_lock_and_close_on_exec_does_not() {
    // The control: without CLOEXEC the program keeps a dead owner's lock.
    survivor_holds(true, false);
    survivor_holds(false, true);
}

#[test]
fn reopened_is_another_description_of_the_same_file() {
    let scratch = Scratch::new();
    let (first, reader) = (describe(&scratch, true), describe(&scratch, false));
    let fresh = reopen(first.as_fd()).unwrap();
    assert!(try_exclusive(first.as_fd(), 1).unwrap());
    assert!(exclusively(&fresh, 1) && !try_exclusive(fresh.as_fd(), 1).unwrap());
    assert!(fcntl_getfd(&fresh).unwrap().contains(FdFlags::CLOEXEC));
    assert_eq!(fcntl_getfl(&fresh).unwrap() & OFlags::RWMODE, OFlags::RDWR);
    let fresh = reopen(reader.as_fd()).unwrap();
    assert_eq!(
        fcntl_getfl(&fresh).unwrap() & OFlags::RWMODE,
        OFlags::RDONLY
    );
    // A file without a name too.
    let anonymous = memfd("ringpad-lock-test", 4096).unwrap();
    assert!(try_exclusive(anonymous.as_fd(), 0).unwrap());
    assert!(exclusively(&reopen(anonymous.as_fd()).unwrap(), 0));
}

#[test]
fn reopening_without_proc_says_so() {
    let scratch = Scratch::new();
    let fd = describe(&scratch, true);
    let missing = reopen_through("/nonexistent/fd", fd.as_fd()).unwrap_err();
    assert_eq!(missing.kind(), io::ErrorKind::NotFound);
    assert!(
        missing.to_string().contains("is /proc mounted"),
        "{missing}"
    );
    // Something else in its place: a file of the descriptor's number.
    std::fs::write(scratch.path.join(fd.as_raw_fd().to_string()), "").unwrap();
    let fake = reopen_through(scratch.path.to_str().unwrap(), fd.as_fd()).unwrap_err();
    assert!(fake.to_string().contains("another file"), "{fake}");
}

#[test]
fn a_byte_beyond_the_largest_file_is_an_error() {
    let scratch = Scratch::new();
    let fd = describe(&scratch, true);
    assert_eq!(
        try_exclusive(fd.as_fd(), u64::MAX).unwrap_err().kind(),
        io::ErrorKind::InvalidInput
    );
    assert!(try_exclusive(fd.as_fd(), libc::off_t::MAX as u64 - 1).unwrap());
}
