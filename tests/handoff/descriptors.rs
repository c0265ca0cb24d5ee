//! What goes over as descriptors, and what a variable or a command may not do with them.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::process::Command;

use ringpad::os::{Error, HANDOFF_VARIABLE, SharedSegment};
use rustix::io::{FdFlags, fcntl_getfd};

use crate::common::child::{self, Child};
use crate::common::page::Page;
use crate::common::room::Room;
use crate::{READY, anonymous, bad, distrusted};

const MEMORIES: usize = 3;

fn close_on_exec(fd: BorrowedFd<'_>) -> bool {
    fcntl_getfd(fd).unwrap().contains(FdFlags::CLOEXEC)
}

/// The descriptors here: number, and what it is.
pub fn descriptors() -> Vec<(i32, String)> {
    let list = std::fs::read_dir("/proc/self/fd").unwrap();
    let known = list.filter_map(|entry| {
        let entry = entry.ok()?;
        let number = entry.file_name().to_str()?.parse().ok()?;
        let what = std::fs::read_link(entry.path()).ok()?;
        Some((number, what.to_string_lossy().into_owned()))
    });
    known.collect()
}

fn memories() -> usize {
    let all = descriptors();
    all.iter()
        .filter(|(_, what)| what.contains("memfd:ringpad"))
        .count()
}

/// Descriptors of this process that are of the same memory or pipe.
pub fn copies(fd: BorrowedFd<'_>) -> usize {
    let what = rustix::fs::fstat(fd).unwrap();
    let list = std::fs::read_dir("/proc/self/fd").unwrap();
    let same = list.filter(|entry| {
        let found = std::fs::metadata(entry.as_ref().unwrap().path());
        found.is_ok_and(|found| (found.dev(), found.ino()) == (what.st_dev, what.st_ino))
    });
    same.count()
}

/// Of a segment's memory, in its owner.
pub struct Copies {
    memory: OwnedFd,
    open: usize,
}

impl Copies {
    pub fn of(segment: &SharedSegment) -> Self {
        // SAFETY: only looked at.
        let memory = unsafe { segment.clone().into_fd_trusted() }.unwrap();
        let open = copies(memory.as_fd());
        Self { memory, open }
    }

    #[track_caller]
    pub fn are_as_before(self) {
        let now = copies(self.memory.as_fd());
        assert_eq!(now, self.open, "the parent keeps no copies");
    }
}

/// Takes what was handed down, looking at its descriptors before and behind.
pub fn inherited() -> SharedSegment {
    let names = std::env::var(HANDOFF_VARIABLE).unwrap();
    let list = names.strip_prefix("cooperative:").unwrap();
    let numbers = list
        .split(',')
        .map(|name| name.split(':').next()?.parse().ok());
    let numbers: Vec<i32> = numbers.collect::<Option<_>>().unwrap();
    // SAFETY: handed down, and not closed before the segment below is.
    let of = |number: &i32| close_on_exec(unsafe { BorrowedFd::borrow_raw(*number) });
    assert!(!numbers.iter().any(of), "so they came");
    let segment = SharedSegment::inherited().unwrap();
    assert!(numbers.iter().all(of), "{names}: some would be passed on");
    segment
}

/// No way out for a named one.
pub fn are_refused(named: SharedSegment) {
    let (here, _there) = std::os::unix::net::UnixStream::pair().unwrap();
    assert!(matches!(named.send(&here), Err(Error::BadHandoff(_))));
    assert!(matches!(named.into_fd(), Err(Error::BadHandoff(_))));
}

/// Counts the segments' memories that came along, and whether one may be taken.
pub fn leaks() {
    let page = Page::open(&Room::parents(), "page");
    page.set(MEMORIES, memories() as u64);
    page.set(
        READY,
        1 + u64::from(std::env::var(HANDOFF_VARIABLE).is_ok()),
    );
}

#[test]
fn a_command_used_again_passes_nothing_on() {
    let room = Room::new("again");
    let page = Page::create(&room, "page");
    let segment = anonymous();
    let mut command = child::command(&room, "leaks", &[]);
    let look = |child: std::io::Result<std::process::Child>| {
        Child::of(child.unwrap()).done();
        (page.get(MEMORIES), page.get(READY))
    };
    let spawn = |command: &mut Command| segment.spawn(command).map_err(std::io::Error::other);
    assert_eq!(look(spawn(&mut command)), (2, 2), "memory and seat");
    assert_eq!(look(command.spawn()), (0, 1), "a plain spawn of it");
    assert_eq!(
        look(spawn(&mut command)),
        (2, 2),
        "handed down again: as much"
    );
    let other = anonymous();
    let spawn = |command: &mut Command| other.spawn(command).map_err(std::io::Error::other);
    assert_eq!(look(spawn(&mut command)), (2, 2), "another segment: alone");
    println!("one command, four spawns: 2, 0, 2, 2 memories came along");
}

/// What the variable says is not what was handed down.
pub fn misled() {
    // Two files at the numbers that the variable may name.
    let null = std::fs::File::open("/dev/null").unwrap();
    for number in [50, 51] {
        // SAFETY: numbers that nobody uses in this process.
        let made = unsafe { libc::dup2(std::os::fd::AsRawFd::as_raw_fd(&null), number) };
        assert_eq!(made, number);
    }
    let before = descriptors();
    let error = bad(SharedSegment::inherited());
    assert_eq!(descriptors(), before, "other descriptors stay open");
    // SAFETY: opened above, and stays open.
    let other = unsafe { BorrowedFd::borrow_raw(50) };
    assert!(!close_on_exec(other), "and as they were");
    assert!(
        close_on_exec(null.as_fd()),
        "which the standard library's are not"
    );
    eprintln!("{:?}: {error}", std::env::var(HANDOFF_VARIABLE).ok());
}

#[test]
fn a_variable_that_lies_is_refused_and_touches_nothing() {
    let room = Room::new("misled");
    let one = [
        "",
        ",",
        "abc",
        "50",
        "50,51",
        "50:1",
        "50:1,51:1",
        "50:1,50:1",
        "1:1,2:1",
        "-1:1,50:1",
        "999:1,1000:1",
        "50:1,51:1,",
        "50:1;51:1",
        "4294967346:1,51:1",
        "18446744073709551615:0,0:0",
        "50: 1, 51:1",
        "0x32:1,51:1",
    ];
    let long: Vec<_> = (50..200).map(|number| format!("{number}:1")).collect();
    let long = long.join(",");
    for value in one.into_iter().chain([long.as_str()]) {
        for trust in ["", "cooperative:", "distrusted:", "c"] {
            let mut command = child::command(&room, "misled", &[]);
            let child = command.env(HANDOFF_VARIABLE, format!("{trust}{value}"));
            Child::of(child.spawn().unwrap()).done();
        }
    }
    let mut command = child::command(&room, "misled", &[]);
    Child::of(command.env_remove(HANDOFF_VARIABLE).spawn().unwrap()).done();
    println!("{} variables refused", 4 * (one.len() + 1) + 1);
}

#[test]
fn memory_goes_out_and_comes_back_as_a_descriptor() {
    let segment = distrusted();
    let (id, len) = (segment.id(), segment.len_bytes());
    assert_ne!(id, distrusted().id(), "random");
    let me = segment.join().unwrap();
    me.producer::<u64>("out").unwrap().push(9).unwrap();
    drop(me);
    let fd = segment.into_fd().unwrap();
    assert!(close_on_exec(fd.as_fd()));
    let again = SharedSegment::from_fd(fd).unwrap();
    assert_eq!((again.id(), again.len_bytes()), (id, len));
    assert!(
        again.is_distrusted(),
        "its seals are checked, its other holders are not"
    );
    let me = again.join().unwrap();
    assert_eq!(me.consumer::<u64>("out").unwrap().pop(), Some(9));
    assert!(matches!(me.waiter(), Err(Error::NoBells)));
    let you = again.join().unwrap();
    let taken = me.producer::<u64>("back").unwrap();
    assert!(
        you.producer::<u64>("back").is_err(),
        "locks work between its peers"
    );
    drop(taken);
    assert!(you.producer::<u64>("back").is_ok());
}
