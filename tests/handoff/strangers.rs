//! Over a Unix socket to a process that need not trust the sender, nor see `/proc`.

use std::os::fd::AsFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::time::{Duration, Instant};

use ringpad::bytes::Refused;
use ringpad::os::{Error, SharedSegment};
use ringpad::{Life, PeerId};
use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};

use crate::common::child::{self, Child};
use crate::common::page::Page;
use crate::common::room::Room;
use crate::common::{Dice, is_root, until, until_within};
use crate::{GOT, READY, STOP, converse, distrusted, echo};

fn socket(room: &Room) -> std::path::PathBuf {
    room.path().join("socket")
}

/// Starts a process that connects, and answers it with its connection.
fn meet(room: &Room, role: &str, how: &str) -> (Child, UnixStream) {
    let _ = std::fs::remove_file(socket(room));
    let listener = UnixListener::bind(socket(room)).unwrap();
    let child = child::spawn(room, role, &[&how]);
    let (stream, _) = listener.accept().unwrap();
    (child, stream)
}

/// Receives a segment and works with it, in a chroot if told so.
pub fn stranger() {
    let room = Room::parents();
    let page = Page::open(&room, "page");
    let stream = UnixStream::connect(socket(&room)).unwrap();
    let caged = child::word(0) == "caged";
    if caged {
        let cage = room.path().join("cage");
        let cage = std::ffi::CString::new(cage.to_str().unwrap()).unwrap();
        // SAFETY: a C string that lives through the call.
        assert_eq!(unsafe { libc::chroot(cage.as_ptr()) }, 0);
        std::env::set_current_dir("/").unwrap();
        assert!(
            std::fs::read_dir("/").unwrap().next().is_none(),
            "no /proc here"
        );
    }
    let segment = SharedSegment::receive(&stream).unwrap();
    assert!(segment.is_distrusted());
    // The seat that came along: joined once, given back, and joined again.
    drop(segment.join().unwrap());
    let me = segment.join().unwrap();
    let another = segment.join();
    assert_eq!(another.is_err(), caged, "{another:?}");
    if let Err(error) = &another {
        eprintln!("a second peer without /proc: {error}");
    } else {
        drop(another);
    }
    if child::word(0) == "idle" {
        drop(me);
        return echo(&segment, &page);
    }
    let mut log = me.byte_consumer("log").unwrap();
    let mut back = me.byte_producer("echo").unwrap();
    assert!(
        matches!(log.read(), Err(Refused::Distrusted)),
        "nothing is lent"
    );
    assert!(matches!(back.grant(8), Err(Refused::Distrusted)));
    let mut room = [0; 64];
    let mut waiter = me.waiter().unwrap();
    let got = waiter.wait(&[log.bell()], None, || {
        let got = log.recv(&mut room).unwrap()?;
        Some(got.len())
    });
    let got = got.unwrap().expect("no deadline");
    back.send(&room[..got]).unwrap();
    drop((log, back, waiter, me));
    echo(&segment, &page);
}

fn pass(how: &str) {
    let room = Room::new(how);
    std::fs::create_dir(room.path().join("cage")).unwrap();
    let page = Page::create(&room, "page");
    let segment = distrusted();
    let (stranger, stream) = meet(&room, "stranger", how);
    segment.send(&stream).unwrap();
    // Sits in its row throughout: in a distrusted segment nobody can prove who sat in a reused row before.
    let me = segment.join().unwrap();
    let mut log = me.byte_producer("log").unwrap();
    let mut back = me.byte_consumer("echo").unwrap();
    stranger.asleep();
    log.send(b"a record across").unwrap();
    let mut waiter = me.waiter().unwrap();
    let mut room_for = [0; 64];
    let most = Some(crate::common::PATIENCE);
    let got = waiter.wait(&[back.bell()], most, || {
        let got = back.recv(&mut room_for).unwrap()?;
        Some(got.to_vec())
    });
    assert_eq!(got.unwrap().as_deref(), Some(&b"a record across"[..]));
    drop((log, back, waiter));
    until("it joined again", || page.get(READY) != 0);
    let row = PeerId::new(page.get(READY) as u32).unwrap();
    let longest = converse(&segment, || stranger.asleep(), 20);
    assert_eq!(segment.life(row), Life::Alive);
    stranger.kill();
    let second = Duration::from_secs(1);
    let took = until_within(second, "it is seen dead", || {
        segment.life(row) == Life::Dead
    });
    assert!(me.consumer::<u64>("out").is_ok(), "taken over");
    println!(
        "{how}: {} answers, longest {longest:?}, seen dead after {took:?}",
        page.get(GOT)
    );
}

#[test]
fn a_segment_passes_to_an_unrelated_process() {
    pass("free");
}

#[test]
fn a_segment_passes_into_a_cage_without_proc() {
    if is_root() {
        pass("caged");
    }
}

/// Does everything it can with a region that changes under it, until told to stop.
pub fn victim() {
    let room = Room::parents();
    let page = Page::open(&room, "page");
    let stream = UnixStream::connect(socket(&room)).unwrap();
    let segment = SharedSegment::receive(&stream).unwrap();
    page.set(READY, 1);
    let short = Some(Duration::from_micros(200));
    let (mut rounds, mut longest) = (0_u64, Duration::ZERO);
    while page.get(STOP) == 0 {
        let start = Instant::now();
        let mut done = 0;
        if let Ok(me) = segment.join() {
            if let (Ok(mut tx), Ok(mut rx)) = (me.producer::<u64>("out"), me.consumer("back")) {
                for n in 0..20 {
                    done += u64::from(tx.push(n).is_ok());
                    done += u64::from(rx.pop().is_some_and(|n: u64| n > 0));
                }
                done += tx.push_slice(&[1; 9]) as u64 + rx.pop_slice(&mut [0; 9]) as u64;
                if let Ok(mut waiter) = me.waiter() {
                    let _ = waiter.wait(&[rx.bell(), tx.bell()], short, || rx.pop());
                }
            }
            if let (Ok(mut tx), Ok(mut rx)) = (me.byte_producer("log"), me.byte_consumer("echo")) {
                let mut into = [0; 300];
                for n in 0..20 {
                    done += u64::from(tx.send(&into[..n * 6]).is_ok());
                    done += u64::from(rx.recv(&mut into).is_ok_and(|got| got.is_some()));
                }
            }
            let _ = me.create::<ringpad::spsc::Spsc<u8>>("more", &ringpad::spsc::Config::new(2));
        }
        done += segment.entries().count() as u64;
        for row in (1..=32).filter_map(PeerId::new) {
            done += u64::from(segment.occupant(row).is_some());
            let _ = segment.life(row);
        }
        page.add(GOT, done);
        rounds += 1;
        longest = longest.max(start.elapsed());
    }
    page.set(8, rounds);
    page.set(9, longest.as_micros() as u64);
}

#[test]
fn a_sender_that_scribbles_cannot_crash_the_receiver() {
    let room = Room::new("scribble");
    let page = Page::create(&room, "page");
    let segment = distrusted();
    let (victim, stream) = meet(&room, "victim", "");
    segment.send(&stream).unwrap();
    until("it has it", || page.get(READY) == 1);
    let (len, memory) = (segment.len_bytes(), segment.into_fd().unwrap());
    let access = ProtFlags::READ | ProtFlags::WRITE;
    let none = std::ptr::null_mut();
    // SAFETY: no address is asked for, so no existing mapping is replaced.
    let base = unsafe { mmap(none, len, access, MapFlags::SHARED, memory.as_fd(), 0) }.unwrap();
    // SAFETY: len bytes just mapped, shared words throughout; nothing else in this process touches them.
    let words =
        unsafe { std::slice::from_raw_parts(base.cast::<std::sync::atomic::AtomicU32>(), len / 4) };
    let good: Vec<u32> = words.iter().map(|word| word.load(Relaxed)).collect();
    let (mut dice, mut scribbled) = (Dice::new(), 0_u64);
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(2) {
        // Mostly near misses: real words, some of them changed for a moment.
        for _ in 0..200 {
            let at = dice.below(words.len() as u64) as usize;
            let bad = match dice.below(4) {
                0 => dice.below(1 << 32) as u32,
                1 => words[at].load(Relaxed).wrapping_add(1),
                2 => u32::MAX,
                _ => good[dice.below(words.len() as u64) as usize],
            };
            words[at].store(bad, Relaxed);
            scribbled += 1;
        }
        if dice.below(4) == 0 {
            words
                .iter()
                .zip(&good)
                .for_each(|(word, good)| word.store(*good, Relaxed));
        }
    }
    page.set(STOP, 1);
    victim.done();
    // SAFETY: mapped above with this length, not used after.
    unsafe { munmap(base, len) }.unwrap();
    println!(
        "{scribbled} words scribbled, {} rounds survived, {} calls that found something, longest round {} us",
        page.get(8),
        page.get(GOT),
        page.get(9)
    );
    assert!(
        page.get(8) > 100 && page.get(GOT) > 100,
        "the victim did work"
    );
    assert!(page.get(9) < 1_000_000, "each round ends");
}

use std::sync::atomic::Ordering::Relaxed;

#[test]
fn a_socket_without_a_segment_is_an_error() {
    let (here, there) = UnixStream::pair().unwrap();
    drop(there);
    let found = SharedSegment::receive(&here);
    assert!(matches!(found, Err(Error::BadHandoff(_))), "{found:?}");
    assert!(
        matches!(distrusted().send(&here), Err(Error::Io { .. })),
        "and no SIGPIPE"
    );
}

#[test]
fn a_successor_in_the_dead_one_s_row_takes_over() {
    let room = Room::new("same-row");
    let page = Page::create(&room, "page");
    let segment = distrusted();
    let (stranger, stream) = meet(&room, "stranger", "idle");
    segment.send(&stream).unwrap();
    until("it joined", || page.get(READY) != 0);
    stranger.kill_and_reap();
    let me = segment.join().unwrap();
    assert_eq!(u64::from(me.id().get()), page.get(READY), "the row it had");
    let taken = me.consumer::<u64>("out");
    assert!(taken.is_ok(), "{taken:?}");
}

#[test]
fn bytes_that_are_lent_go_only_to_the_trusted() {
    let segment = crate::anonymous();
    let (here, there) = UnixStream::pair().unwrap();
    assert!(matches!(segment.send(&here), Err(Error::BadHandoff(_))));
    assert!(matches!(
        segment.clone().into_fd(),
        Err(Error::BadHandoff(_))
    ));
    // SAFETY: this test itself receives it, by the crate.
    unsafe { segment.send_trusted(&here) }.unwrap();
    // SAFETY: this test itself sent it, and uses it by the crate.
    let received = unsafe { SharedSegment::receive_trusted(&there) }.unwrap();
    let (me, you) = (segment.join().unwrap(), received.join().unwrap());
    let mut tx = me.byte_producer("log").unwrap();
    let mut rx = you.byte_consumer("log").unwrap();
    let mut room = tx.grant(4).unwrap();
    room.copy_from_slice(b"lent");
    room.commit(4).unwrap();
    assert_eq!(rx.read().unwrap().as_deref(), Some(&b"lent"[..]));
}

/// Inherits what a stranger may have too.
pub fn wary() {
    let page = Page::open(&Room::parents(), "page");
    let segment = SharedSegment::inherited().unwrap();
    assert!(segment.is_distrusted());
    let me = segment.join().unwrap();
    let mut rx = me.byte_consumer("log").unwrap();
    assert!(matches!(rx.read(), Err(Refused::Distrusted)));
    let mut copy = [0; 8];
    assert_eq!(rx.recv(&mut copy).unwrap(), Some(&b"hello"[..]));
    page.set(READY, 1);
}

#[test]
fn a_child_inherits_distrust_too() {
    let room = Room::new("wary");
    let page = Page::create(&room, "page");
    let segment = distrusted();
    let me = segment.join().unwrap();
    me.byte_producer("log").unwrap().send(b"hello").unwrap();
    let mut command = child::command(&room, "wary", &[]);
    Child::of(segment.spawn(&mut command).unwrap()).done();
    assert_eq!(page.get(READY), 1);
}
