//! A plain-fork child has copies of everything, and can use, corrupt or release nothing.

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::Duration;

use ringpad::os::{self, OwnedPeer, SharedSegment};
use ringpad::{Error, Life, PeerId, spsc};

use crate::common::child;
use crate::common::room::Room;
use crate::{NAME, open, taken};

/// Forks, runs the block in the child, which must not return from it, and answers how the child ended.
macro_rules! in_fork {
    ($body:block) => {{
        // SAFETY: the child runs the block and ends there; the threads it lacks hold nothing it needs.
        let pid = unsafe { libc::fork() };
        if pid == 0 {
            let code: i32 = $body;
            // SAFETY: ends the process; handlers of exit run, as after main.
            unsafe { libc::exit(code) };
        }
        ended(pid)
    }};
}

fn ended(pid: i32) -> ExitStatus {
    let mut status = 0;
    // SAFETY: a child of this process and a place for its status.
    let found = unsafe { libc::waitpid(pid, &raw mut status, 0) };
    assert_eq!(found, pid);
    ExitStatus::from_raw(status)
}

fn forked<T>(found: os::Result<T>) -> bool {
    matches!(found, Err(error) if error.region() == Some(&Error::Forked))
}

/// Where the segment's memory is mapped here.
fn mapped(room: &Room) -> (usize, usize) {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let file = room.file(&format!("{NAME}.seg"));
    let line = maps
        .lines()
        .find(|line| line.ends_with(file.to_str().unwrap()));
    let (range, _) = line.expect("mapped").split_once(' ').unwrap();
    let (from, to) = range.split_once('-').unwrap();
    let at = |text| usize::from_str_radix(text, 16).unwrap();
    (at(from), at(to) - at(from))
}

/// Everything that a plain-fork child may try.
pub fn forker() {
    let room = Room::parents();
    let none = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: a whole rlimit; the crashes below shall leave no core files.
    unsafe { libc::setrlimit(libc::RLIMIT_CORE, &none) };
    let segment = open(&room);
    let me = segment.join().unwrap();
    let mut tx = me.producer::<u64>("ticks").unwrap();
    let mut rx = me.consumer::<u64>("ticks").unwrap();
    let mut log = me.byte_producer("log").unwrap();
    let mut waiter = me.waiter().unwrap();
    let bell = rx.bell();
    tx.push(1).unwrap();
    let memory = || std::fs::read(room.file(&format!("{NAME}.seg"))).unwrap();
    let (before, files) = (memory(), room.files());

    let status = in_fork!({
        let refused = [
            forked(me.producer::<u64>("ticks")),
            forked(me.byte_consumer("log")),
            forked(me.create::<spsc::Spsc<u64>>("more", &spsc::Config::new(2))),
            forked(me.waiter()),
            forked(segment.join()),
            segment.entries().count() == 0,
            segment.occupant(me.id()).is_none(),
            segment.life(me.id()) != Life::Dead,
        ];
        i32::from(!refused.iter().all(|refused| *refused))
    });
    assert!(status.success(), "new claims in a forked child: {status}");
    // What it has copies of is not mapped there: an error, or the end of the child, but no corruption.
    let status = in_fork!({ i32::from(tx.push(2).is_ok()) });
    assert!(
        status.success() || status.signal() == Some(libc::SIGSEGV),
        "{status}"
    );
    let status = in_fork!({ i32::from(log.send(b"forked").is_ok()) });
    assert!(
        status.success() || status.signal() == Some(libc::SIGSEGV),
        "{status}"
    );
    let status = in_fork!({ i32::from(rx.pop().is_some()) });
    assert!(
        status.success() || status.signal() == Some(libc::SIGSEGV),
        "{status}"
    );
    let status = in_fork!({
        let slept = waiter
            .wait(&[bell], Some(Duration::ZERO), || Some(()))
            .is_ok();
        i32::from(!slept)
    });
    assert!(status.success(), "asking only: {status}");
    // A child's own memory may lie where the segment would: drops must leave it alone.
    let (at, len) = mapped(&room);
    let status = in_fork!({
        let (access, flags) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE);
        let flags = flags | libc::MAP_ANONYMOUS | libc::MAP_FIXED_NOREPLACE;
        // SAFETY: fails if anything is mapped there.
        let own = unsafe { libc::mmap(at as *mut _, len, access, flags, -1, 0) };
        let own: *mut u8 = own.cast();
        if own as usize != at {
            2
        } else {
            // SAFETY: just mapped for writing, len bytes.
            unsafe { own.write_bytes(7, len) };
            drop((tx, rx, log, waiter, bell, me, segment));
            let last = own.wrapping_add(len - 1);
            // SAFETY: the child's own memory, if it was left alone.
            let last = unsafe { last.read_volatile() };
            i32::from(last != 7)
        }
    });
    assert!(
        status.success(),
        "drops in a child that reused the address: {status}"
    );
    // The child may start afresh, as anyone.
    let status = in_fork!({
        let afresh = open(&room);
        let joined = afresh.join();
        let id = joined.as_ref().map(OwnedPeer::id).ok();
        i32::from(id != PeerId::new(2))
    });
    assert!(status.success(), "a child that opens anew: {status}");

    // Row 2 came and went; everything else is as it was.
    let (mut now, row_2) = (memory(), 384 + 128..384 + 256);
    now[row_2.clone()].copy_from_slice(&before[row_2]);
    assert!(now == before, "a forked child changed the region");
    assert_eq!(room.files(), files);
    let other = SharedSegment::open(NAME, &room.options()).unwrap();
    let you = other.join().unwrap();
    assert_eq!(other.life(me.id()), Life::Alive, "the lock is still held");
    assert_eq!(taken(you.producer::<u64>("ticks")), Some(me.id()));
    tx.push(2).unwrap();
    assert_eq!((rx.pop(), rx.pop(), rx.pop()), (Some(1), Some(2), None));
    log.send(b"parent").unwrap();
}

#[test]
fn a_forked_child_cannot_use_corrupt_or_release() {
    let room = Room::new("fork");
    child::spawn(&room, "forker", &[]).done();
    assert_eq!(
        room.files(),
        [""; 0],
        "and the parent's leaving removed it all"
    );
    println!("8 forked children tried: nothing changed");
}
