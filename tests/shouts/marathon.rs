//! Very many writes against readers that check every value. `RINGPAD_WRITES` says how many.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use ringpad::Plan;
use ringpad::mailslot::reliable::{self, Delivery, Reliable};
use ringpad::mailslot::{self, Mailslot, Next, Start};
use ringpad::notepad::{self, Missed, Notepad};
use ringpad::os::SharedSegment;

use crate::common::room::Room;
use crate::common::{PATIENCE, number};

use super::small::{number_of, whole};

type Value = [u64; 8];

fn writes() -> u64 {
    number("RINGPAD_WRITES", 10_000_000)
}

/// A segment, and the same one as somebody sees it who only looks.
fn segments(room: &Room) -> [SharedSegment; 2] {
    let pad = notepad::Config::new();
    let plan = Plan::<3>::new().channel::<Notepad<Value>>("pad", &pad);
    let mail = mailslot::Config::new(256);
    let plan = plan.unwrap().channel::<Mailslot<Value>>("mail", &mail);
    let sure = reliable::Config::new(256, 2);
    let plan = plan.unwrap().channel::<Reliable<Value>>("sure", &sure);
    let segment = SharedSegment::open_or_create("long", &plan.unwrap(), &room.options());
    let looking = SharedSegment::open_read_only("long", &room.options());
    [segment.unwrap(), looking.unwrap()]
}

#[test]
fn values_stay_whole_and_never_grow_older() {
    let (writes, room) = (writes(), Room::new("marathon"));
    let [segment, looking] = segments(&room);
    let me = segment.join().unwrap();
    let mut tx = me.notepad_writer::<Value>("pad").unwrap().silent();
    let reader = looking.notepad_reader::<Value>("pad").unwrap();
    let (done, since) = (AtomicU64::new(0), Instant::now());
    let (reads, lapped, versions) = std::thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            let (mut reads, mut lapped, mut last, mut versions) = (0u64, 0u64, 0, 0u64);
            while last < writes {
                let low = done.load(Ordering::Acquire);
                match reader.try_read() {
                    Ok(Some(note)) => {
                        let n = number_of(&note.value).expect("whole");
                        assert!(
                            n >= low && n >= last,
                            "{n} after {last}, {low} were written"
                        );
                        assert_eq!(u64::from(note.version.get()), n & (u32::MAX >> 1) as u64);
                        versions += u64::from(n != last);
                        (last, reads) = (n, reads + 1);
                    }
                    Ok(None) => assert_eq!(low, 0),
                    Err(Missed::Lapped) => lapped += 1,
                    Err(why) => panic!("{why}"),
                }
            }
            (reads, lapped, versions)
        });
        for n in 1..=writes {
            tx.write(&whole(n));
            done.store(n, Ordering::Release);
        }
        watcher.join().unwrap()
    });
    println!(
        "notepad: {writes} writes in {:.1?}; {reads} reads of {versions} versions, none torn, {lapped} times lapped",
        since.elapsed()
    );
    // Two on one core take turns.
    assert!(versions > 10);
}

#[test]
fn messages_come_once_and_the_lost_are_counted() {
    let (messages, room) = (writes() / 5, Room::new("marathon-mail"));
    let [segment, looking] = segments(&room);
    let me = segment.join().unwrap();
    let mut tx = me.publisher::<Value>("mail").unwrap().silent();
    let mut rx = looking.subscriber::<Value>("mail", Start::Oldest).unwrap();
    let since = Instant::now();
    let (heard, lost, laps) = std::thread::scope(|scope| {
        let listener = scope.spawn(|| {
            let (mut heard, mut lost, mut laps) = (0, 0, 0u64);
            while heard + lost < messages {
                match rx.poll() {
                    Next::Mail { sequence, value } => {
                        heard += 1;
                        assert_eq!(sequence, heard + lost);
                        assert_eq!(number_of(&value), Some(sequence));
                    }
                    Next::Lapped { lost: more } => {
                        lost += more;
                        laps += 1;
                    }
                    Next::Empty => std::hint::spin_loop(),
                }
            }
            (heard, lost, laps)
        });
        for n in 1..=messages {
            assert_eq!(tx.publish(&whole(n)), n);
        }
        listener.join().unwrap()
    });
    println!(
        "mailslot: {messages} messages in {:.1?}; {heard} heard, none torn, {lost} lost in {laps} laps",
        since.elapsed()
    );
    assert_eq!(heard + lost, messages);
    assert!(heard > 10);
}

#[test]
fn messages_that_count_come_to_each_subscriber() {
    let (messages, room) = (writes() / 20, Room::new("marathon-sure"));
    let [segment, _] = segments(&room);
    let (me, you) = (segment.join().unwrap(), segment.join().unwrap());
    let mut tx = me.reliable_publisher::<Value>("sure").unwrap().silent();
    let since = Instant::now();
    let mut held = 0u64;
    std::thread::scope(|scope| {
        for _ in 0..2 {
            let rx = you.reliable_subscriber::<Value>("sure", Start::Oldest);
            let mut rx = rx.unwrap().silent();
            scope.spawn(move || {
                let mut next = 1;
                while next <= messages {
                    match rx.poll() {
                        Delivery::Mail { sequence, value } => {
                            assert_eq!((sequence, number_of(&value)), (next, Some(next)));
                            next += 1;
                        }
                        Delivery::Empty => std::thread::yield_now(),
                        evicted => panic!("{evicted:?}"),
                    }
                }
            });
        }
        for n in 1..=messages {
            let deadline = Instant::now() + PATIENCE;
            while let Err(slow) = tx.try_publish(&whole(n)) {
                held += 1;
                assert!(Instant::now() < deadline, "{slow}");
                std::thread::yield_now();
            }
        }
    });
    println!(
        "reliable: {messages} messages to two in {:.1?}, held {held} times",
        since.elapsed()
    );
}

/// Words that are stored one after another, with nothing to tell.
#[test]
fn control_without_stamps_values_are_torn() {
    let words: [AtomicU64; 8] = Default::default();
    let (stop, since) = (AtomicBool::new(false), Instant::now());
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for n in 1.. {
                for (word, part) in words.iter().zip(whole(n)) {
                    word.store(part, Ordering::Release);
                }
                if stop.load(Ordering::Relaxed) {
                    break;
                }
            }
        });
        let (mut reads, mut torn) = (0u64, false);
        while !torn && since.elapsed() < Duration::from_secs(10) {
            let value = std::array::from_fn(|at| words[at].load(Ordering::Acquire));
            torn = number_of(&value).is_none();
            reads += 1;
        }
        stop.store(true, Ordering::Relaxed);
        assert!(torn, "never torn in {reads} reads");
        println!("without stamps: torn at read {reads}");
    });
}
