//! Who is stopped stops nobody else, as far as that can be. Requirement 5.

use std::time::Instant;

use ringpad::PeerId;
use ringpad::mailslot::reliable::{Delivery, Held};
use ringpad::mailslot::{Next, Start};

use crate::common::child::{self, Child};
use crate::common::page::Page;
use crate::common::room::Room;
use crate::common::until;

use super::small::{
    BEHIND, COUNT, GO, LOST, READY, SLOTS, WHO, for_ever, join, number_of, open, whole,
};

/// Counts what it hears and what it lost.
pub fn listener() {
    let (_room, page, me) = join();
    let mut rx = me.subscriber::<u64>("mail", Start::Oldest).unwrap();
    let mut next = 1;
    loop {
        match rx.poll() {
            Next::Mail { sequence, value } => {
                assert_eq!((sequence, value), (next, 3 * next));
                next += 1;
                page.add(COUNT, 1);
            }
            Next::Lapped { lost } => {
                next += lost;
                page.add(LOST, lost);
            }
            Next::Empty => page.set(READY, 1),
        }
        assert_eq!(rx.next_sequence(), next);
    }
}

/// Says what ended it, if it ended by itself: what its word would have been does not come.
#[track_caller]
fn well(child: &mut Child) {
    if let Some(status) = child.ended() {
        panic!("the child ended with {status}");
    }
}

#[test]
fn a_stopped_subscriber_learns_what_it_lost() {
    let room = Room::new("stopped");
    let page = Page::create(&room, "page");
    let me = open(&room).join().unwrap();
    let mut tx = me.publisher::<u64>("mail").unwrap();
    let mut listener = child::spawn(&room, "listener", &[]);
    until("it listens", || page.get(READY) == 1);
    let (mut sent, mut lost) = (0, 0);
    let mut longest = std::time::Duration::ZERO;
    for round in 0..10u64 {
        listener.stop();
        let heard = page.get(COUNT) + page.get(LOST);
        let since = Instant::now();
        for _ in 0..1000 * round + SLOTS - 1 {
            sent = tx.publish(&(3 * (sent + 1)));
        }
        longest = longest.max(since.elapsed() / (1000 * round + 7) as u32);
        let now = page.get(COUNT) + page.get(LOST);
        assert!(now == heard, "a stopped one hears nothing");
        listener.resume();
        until("it is told of every one", || {
            well(&mut listener);
            page.get(COUNT) + page.get(LOST) == sent
        });
        let gone = page.get(LOST) - lost;
        lost += gone;
        match round {
            // It may have been stopped before it heard what there was, but that was everything.
            0 => assert_eq!(gone, 0, "one less than there are slots is not lost"),
            _ => assert!(gone >= 1000 * round && gone <= 1000 * round + 2 * SLOTS),
        }
    }
    println!(
        "{sent} published, {lost} of them while the subscriber was stopped and lost, {longest:?} each at most"
    );
}

/// Takes every message; what it is told when it is evicted, and where it goes on.
pub fn subscriber() {
    let (_room, page, me) = join();
    let name = child::word(0);
    let mut rx = me.reliable_subscriber::<u64>(&name, Start::Oldest).unwrap();
    let mut next = rx.next_sequence();
    loop {
        match rx.poll() {
            Delivery::Mail { sequence, value } => {
                assert_eq!((sequence, value), (next, 3 * next));
                next += 1;
                page.set(COUNT, sequence);
            }
            Delivery::Empty => page.set(READY, 1),
            Delivery::Evicted { behind } => {
                assert_eq!(rx.poll(), Delivery::Evicted { behind }, "and again");
                page.set(BEHIND, behind);
                until("told to go on", || page.get(GO) == 1);
                page.set(GO, 0);
                rx.rejoin(Start::Newest).unwrap();
                next = rx.next_sequence();
            }
        }
    }
}

#[test]
fn a_stopped_subscriber_that_counts_holds_the_publisher_until_it_is_evicted() {
    let room = Room::new("stopped-sure");
    let page = Page::create(&room, "page");
    let me = open(&room).join().unwrap();
    let mut tx = me.reliable_publisher::<u64>("sure").unwrap();
    let mut other = me
        .reliable_subscriber::<u64>("sure", Start::Oldest)
        .unwrap();
    let mut child = child::spawn(&room, "subscriber", &[&"sure"]);
    until("it listens", || page.get(READY) == 1);
    let by = PeerId::new(page.get(WHO) as u32).unwrap();
    let mut sent = 0;
    let mut heard = 0;
    for round in 0..5 {
        child.stop();
        let mut free = 0;
        let held = loop {
            match tx.try_publish(&(3 * (sent + 1))) {
                Ok(sequence) => {
                    sent += 1;
                    free += 1;
                    assert_eq!(sequence, sent);
                    let mail = other.poll();
                    heard += 1;
                    let (sequence, value) = (heard, 3 * heard);
                    assert_eq!(mail, Delivery::Mail { sequence, value });
                }
                Err(held) => break held,
            }
        };
        let lag = SLOTS as u32;
        assert_eq!(held, Held { by, lag }, "after {free}");
        assert_eq!(other.poll(), Delivery::Empty);
        assert_eq!(tx.slowest(), Some(held));
        assert_eq!(tx.try_publish(&0), Err(held), "as long as it is stopped");
        if round % 2 == 0 {
            child.resume();
            until("it goes on, and so can the publisher", || {
                well(&mut child);
                page.get(COUNT) == sent && tx.slowest().is_some_and(|slow| slow.lag == 0)
            });
            continue;
        }
        assert!(!tx.evict(PeerId::new(6).unwrap()), "nobody has that row");
        assert!(tx.evict(by) && !tx.evict(by), "once");
        assert_eq!(tx.evicted(), 1 + round / 2);
        for _ in 0..100 {
            sent = tx.try_publish(&(3 * (sent + 1))).unwrap();
            heard += 1;
            let (sequence, value) = (heard, 3 * heard);
            assert_eq!(other.poll(), Delivery::Mail { sequence, value });
        }
        assert_eq!(other.poll(), Delivery::Empty);
        page.set(BEHIND, 0);
        child.resume();
        until("it hears that it was evicted", || {
            well(&mut child);
            page.get(BEHIND) > 0
        });
        assert!(page.get(BEHIND) >= 100, "{} behind", page.get(BEHIND));
        page.set(GO, 1);
        until("it goes on with the newest", || {
            well(&mut child);
            page.get(COUNT) == sent
        });
    }
    println!("{sent} published past one that was stopped five times and evicted twice");
}

#[test]
fn an_eviction_is_not_undone_by_who_goes_on() {
    let room = Room::new("undone");
    let page = Page::create(&room, "page");
    let me = open(&room).join().unwrap();
    let mut tx = me.reliable_publisher::<u64>("sure").unwrap();
    let mut child = child::spawn(&room, "subscriber", &[&"sure"]);
    until("it listens", || page.get(READY) == 1);
    let by = PeerId::new(page.get(WHO) as u32).unwrap();
    let mut sent = 0;
    for round in 1..=5 {
        child.stop();
        page.set(BEHIND, 0);
        // Few enough to be all there when it goes on: nothing but its own word tells it.
        for _ in 0..SLOTS / 2 {
            sent = tx.try_publish(&(3 * (sent + 1))).unwrap();
        }
        assert!(tx.evict(by));
        assert_eq!((tx.evicted(), tx.slowest()), (round, None));
        child.resume();
        until("it hears that it was evicted", || {
            well(&mut child);
            page.get(BEHIND) > 0
        });
        assert_eq!(tx.slowest(), None, "and does not count");
        page.set(GO, 1);
        until("it goes on with the newest", || {
            well(&mut child);
            page.get(COUNT) == sent && tx.slowest().is_some_and(|slow| slow.lag == 0)
        });
    }
}

#[test]
fn a_stopped_subscriber_is_evicted_where_that_is_the_policy() {
    let room = Room::new("stopped-swift");
    let page = Page::create(&room, "page");
    let me = open(&room).join().unwrap();
    let mut tx = me.reliable_publisher::<u64>("swift").unwrap();
    let mut child = child::spawn(&room, "subscriber", &[&"swift"]);
    until("it listens", || page.get(READY) == 1);
    let mut sent = 0;
    for round in 1..=5 {
        child.stop();
        page.set(BEHIND, 0);
        let from = sent;
        while sent < from + 10 * SLOTS {
            sent = tx
                .try_publish(&(3 * (sent + 1)))
                .expect("nobody is waited for");
        }
        assert_eq!((tx.evicted(), tx.slowest()), (round, None));
        child.resume();
        until("it hears that it was evicted", || {
            well(&mut child);
            page.get(BEHIND) > 0
        });
        let behind = page.get(BEHIND);
        // What it took before it told anybody is less than a quarter of the slots.
        assert!(
            behind <= sent - page.get(COUNT) && behind >= 9 * SLOTS,
            "{behind}"
        );
        page.set(GO, 1);
        until("it goes on with the newest", || {
            well(&mut child);
            page.get(COUNT) == sent && tx.slowest().is_some_and(|slow| slow.lag == 0)
        });
    }
    println!(
        "{sent} published, the stopped one evicted {} times",
        tx.evicted()
    );
}

/// Begins a write and stands still in the middle of it; then commits.
pub fn dawdler() {
    let (_room, page, me) = join();
    let mut pad = me.notepad_writer::<[u64; 8]>("pad").unwrap();
    let mut mail = me.publisher::<u64>("mail").unwrap();
    for n in 1..=20 {
        pad.write(&whole(n));
        mail.publish(&n);
    }
    let mut draft = pad.draft();
    let value = whole(21);
    let bytes: &[u8] = bytemuck::bytes_of(&value);
    draft.write_at(0, &bytes[..24]).unwrap();
    let mut letter = mail.draft();
    letter.write_at(0, &[21, 0, 0]).unwrap();
    page.set(READY, 1);
    until("told to", || page.get(GO) == 1);
    draft.write_at(24, &bytes[24..]).unwrap();
    letter.write_at(3, &[0; 5]).unwrap();
    draft.commit();
    letter.commit();
    page.set(COUNT, 1);
    for_ever();
}

#[test]
fn a_writer_stopped_or_killed_in_the_middle_stops_no_reader() {
    for ends in ["goes on", "is killed"] {
        let room = Room::new("dawdler");
        let page = Page::create(&room, "page");
        let segment = open(&room);
        let me = segment.join().unwrap();
        let child = child::spawn(&room, "dawdler", &[]);
        until("it is in the middle", || page.get(READY) == 1);
        child.stop();
        let reader = me.notepad_reader::<[u64; 8]>("pad").unwrap();
        let mut rx = me.subscriber::<u64>("mail", Start::Newest).unwrap();
        let (sequence, value) = (20, 20);
        assert_eq!(rx.poll(), Next::Mail { sequence, value });
        let latest = || {
            let note = reader.try_read().unwrap().expect("written");
            assert_eq!(number_of(&note.value), Some(note.version.get().into()));
            note.value[0]
        };
        for _ in 0..1000 {
            assert_eq!((latest(), rx.poll()), (20, Next::Empty));
        }
        let dead = reader.writer();
        assert!(dead.is_some() && dead == rx.publisher());
        if ends == "goes on" {
            page.set(GO, 1);
            child.resume();
            until("it is through", || page.get(COUNT) == 1);
        } else {
            child.kill_and_reap();
            assert_eq!((latest(), rx.poll()), (20, Next::Empty));
            let mut pad = me.notepad_writer::<[u64; 8]>("pad").unwrap();
            let mut mail = me.publisher::<u64>("mail").unwrap();
            assert_eq!(pad.latest().unwrap().value, whole(20));
            assert_eq!(mail.next_sequence(), 21);
            pad.write(&whole(21));
            mail.publish(&21);
        }
        let (sequence, value) = (21, 21);
        assert_eq!((latest(), rx.poll()), (21, Next::Mail { sequence, value }));
    }
}
