//! Segments without a name: handed down to children, passed over sockets, and what is refused on the way.
#![cfg(all(feature = "std", target_os = "linux", not(ringpad_flock)))]

#[path = "../common/mod.rs"]
mod common;

mod refusals;
mod strangers;

use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::MetadataExt;
use std::process::Command;
use std::time::Duration;

use common::child::{self, Child};
use common::page::Page;
use common::room::Room;
use common::{until, until_within};
use ringpad::os::{self, Error, HANDOFF_VARIABLE, Options, SharedSegment};
use ringpad::{Life, PeerId, Plan, bytes, spsc};
use rustix::io::{FdFlags, fcntl_getfd};

#[test]
fn child() {
    child::play(&[
        ("heir", heir),
        ("wary", strangers::wary),
        ("leaks", leaks),
        ("second", second),
        ("misled", misled),
        ("stranger", strangers::stranger),
        ("victim", strangers::victim),
    ]);
}

/// Words of the page.
const READY: usize = 0;
const GOT: usize = 1;
const STOP: usize = 2;
const MEMORIES: usize = 3;

/// Two rings each way: numbers out, numbers back, records out, records back.
fn plan() -> Plan<4> {
    let (slots, log) = (spsc::Config::new(8), bytes::Config::records(256));
    let plan = Plan::<4>::new().peers(3).unwrap();
    let plan = plan.channel::<spsc::Spsc<u64>>("out", &slots).unwrap();
    let plan = plan.channel::<spsc::Spsc<u64>>("back", &slots).unwrap();
    let plan = plan.channel::<bytes::Bytes>("log", &log).unwrap();
    plan.channel::<bytes::Bytes>("echo", &log).unwrap()
}

/// For children, who keep to the protocol.
fn anonymous() -> SharedSegment {
    SharedSegment::anonymous(&plan(), &Options::new()).unwrap()
}

/// For anybody: its bytes are copied at this end too.
fn distrusted() -> SharedSegment {
    SharedSegment::anonymous(&plan(), &Options::new().distrusted(true)).unwrap()
}

/// Sends every number back, plus one, asleep in between.
fn echo(segment: &SharedSegment, page: &Page) {
    let me = segment.join().unwrap();
    let mut rx = me.consumer::<u64>("out").unwrap();
    let mut tx = me.producer::<u64>("back").unwrap();
    let mut waiter = me.waiter().unwrap().without_tick();
    page.set(READY, me.id().get().into());
    let bell = [rx.bell()];
    while page.get(STOP) == 0 {
        let got = waiter.wait(&bell, None, || rx.pop()).unwrap();
        tx.push(got.expect("no deadline") + 1).unwrap();
        page.add(GOT, 1);
    }
}

/// Sends numbers to the other process, which is asleep each time, and sleeps for the answers.
fn converse(segment: &SharedSegment, asleep: impl Fn(), rounds: u64) -> Duration {
    let me = segment.join().unwrap();
    let mut tx = me.producer::<u64>("out").unwrap();
    let mut rx = me.consumer::<u64>("back").unwrap();
    let mut waiter = me.waiter().unwrap().without_tick();
    let (bell, mut longest) = ([rx.bell()], Duration::ZERO);
    for round in 0..rounds {
        asleep();
        tx.push(round).unwrap();
        let start = std::time::Instant::now();
        let most = Some(common::PATIENCE);
        let got = waiter.wait(&bell, most, || rx.pop()).unwrap();
        assert_eq!(got, Some(round + 1), "woken with the answer");
        longest = longest.max(start.elapsed());
    }
    longest
}

fn close_on_exec(fd: BorrowedFd<'_>) -> bool {
    fcntl_getfd(fd).unwrap().contains(FdFlags::CLOEXEC)
}

/// The descriptors here: number, and what it is.
fn descriptors() -> Vec<(i32, String)> {
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
fn copies(fd: BorrowedFd<'_>) -> usize {
    let what = rustix::fs::fstat(fd).unwrap();
    let list = std::fs::read_dir("/proc/self/fd").unwrap();
    let same = list.filter(|entry| {
        let found = std::fs::metadata(entry.as_ref().unwrap().path());
        found.is_ok_and(|found| (found.dev(), found.ino()) == (what.st_dev, what.st_ino))
    });
    same.count()
}

fn bad(found: os::Result<SharedSegment>) -> String {
    match found {
        Err(error @ Error::BadHandoff(_)) => error.to_string(),
        other => panic!("{other:?}"),
    }
}

/// Takes what the parent handed down.
fn heir() {
    let page = Page::open(&Room::parents(), "page");
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
    assert!(bad(SharedSegment::inherited()).contains("taken"));
    if child::word(0) == "parent" {
        // A child of the child finds the variable, and nothing behind it.
        let status = child::command(&Room::parents(), "second", &[]).status();
        assert!(status.unwrap().success());
    }
    echo(&segment, &page);
}

/// The variable without the descriptors.
fn second() {
    std::env::var(HANDOFF_VARIABLE).expect("inherited with the environment");
    let before = descriptors();
    bad(SharedSegment::inherited());
    assert_eq!(descriptors(), before, "nothing closed that was not ours");
}

#[test]
fn a_child_inherits_and_its_death_frees_its_row() {
    let room = Room::new("heir");
    let page = Page::create(&room, "page");
    let segment = anonymous();
    let mut longest = Duration::ZERO;
    for round in 0..10 {
        page.set(READY, 0);
        let how = if round == 0 { "parent" } else { "" };
        // SAFETY: only looked at.
        let memory = unsafe { segment.clone().into_fd_trusted() }.unwrap();
        let open = copies(memory.as_fd());
        let mut command = child::command(&room, "heir", &[&how]);
        let heir = Child::of(segment.spawn(&mut command).unwrap());
        assert_eq!(copies(memory.as_fd()), open, "the parent keeps no copies");
        drop(memory);
        until("the child joined", || page.get(READY) != 0);
        let row = PeerId::new(page.get(READY) as u32).unwrap();
        assert_eq!(segment.life(row), Life::Alive);
        longest = longest.max(converse(&segment, || heir.asleep(), 5));
        heir.kill();
        let second = Duration::from_secs(1);
        until_within(second, "it is seen dead", || {
            segment.life(row) == Life::Dead
        });
        heir.zombie();
        // By its lock, not only by its process: all three rows can be taken.
        let peers: Vec<_> = (0..3).map(|_| segment.join().unwrap()).collect();
        drop(peers);
    }
    println!(
        "10 heirs, {} messages, longest way there and back {longest:?}",
        page.get(GOT)
    );
}

/// Counts the segments' memories that came along, and whether one may be taken.
fn leaks() {
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
fn misled() {
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
fn a_named_segment_is_not_handed_over() {
    let room = Room::new("named");
    let named = SharedSegment::open_or_create("n", &plan(), &room.options()).unwrap();
    let (here, _there) = std::os::unix::net::UnixStream::pair().unwrap();
    let mut command = Command::new("/bin/true");
    assert!(matches!(
        named.spawn(&mut command),
        Err(Error::BadHandoff(_))
    ));
    assert!(matches!(named.send(&here), Err(Error::BadHandoff(_))));
    assert!(matches!(named.into_fd(), Err(Error::BadHandoff(_))));
    assert_eq!(room.files(), [""; 0]);
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
