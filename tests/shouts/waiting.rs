//! Sleeping at notepads and mailslots: for the next version, for mail, for a subscriber that goes on, for a death.
//! Requirements 6 and 29.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use ringpad::Life;
use ringpad::mailslot::reliable::Delivery;
use ringpad::mailslot::{Next, Start};

use crate::common::child;
use crate::common::page::Page;
use crate::common::room::Room;
use crate::common::{PATIENCE, until};

use super::small::{COUNT, GO, READY, SLOTS, for_ever, join, number_of, open, waiter, whole};

/// A thread of this process, for others to see it sleep: several tests run at once.
#[derive(Default)]
struct Sleeper(AtomicU32);

impl Sleeper {
    /// It is the calling thread.
    fn here(&self) {
        self.0.store(child::this_thread(), Ordering::Release);
    }

    /// Whether it sleeps.
    fn sleeps(&self) -> bool {
        child::thread_is_polling(self.0.load(Ordering::Acquire))
    }
}

const LONG: Option<Duration> = Some(PATIENCE);

/// Sleeps for the next version, again and again.
pub fn note_sleeper() {
    let (_room, page, me) = join();
    let pad = me.notepad_reader::<[u64; 8]>("pad").unwrap();
    let (mut waiter, bell) = (waiter(&me), [pad.bell()]);
    let mut since = None;
    loop {
        let fresh = || pad.changed(since).then(|| pad.try_read().ok()).flatten();
        let note = waiter.wait(&bell, LONG, fresh).unwrap();
        let note = note.flatten().expect("woken in time");
        since = Some(note.version);
        page.set(COUNT, number_of(&note.value).expect("whole"));
    }
}

/// Sleeps for mail, again and again.
pub fn mail_sleeper() {
    let (_room, page, me) = join();
    let mut rx = me.subscriber::<u64>("mail", Start::Oldest).unwrap();
    let (mut waiter, bell) = (waiter(&me), [rx.bell()]);
    loop {
        let heard = waiter.wait(&bell, LONG, || match rx.poll() {
            Next::Empty => None,
            other => Some(other),
        });
        match heard.unwrap().expect("woken in time") {
            Next::Mail { value, .. } => page.set(COUNT, value),
            other => panic!("{other:?}"),
        }
    }
}

/// Sleeps for mail that it may not lose.
pub fn sure_sleeper() {
    let (_room, page, me) = join();
    let mut rx = me
        .reliable_subscriber::<u64>("sure", Start::Oldest)
        .unwrap();
    let (mut waiter, bell) = (waiter(&me), [rx.bell()]);
    loop {
        let heard = waiter.wait(&bell, LONG, || match rx.poll() {
            Delivery::Empty => None,
            other => Some(other),
        });
        match heard.unwrap().expect("woken in time") {
            Delivery::Mail { value, .. } => page.set(COUNT, value),
            other => panic!("{other:?}"),
        }
    }
}

/// Rouses a child of this role `rounds` times; each time it sleeps first, and nothing but a ring wakes it.
fn rouse(role: &str, mut write: impl FnMut(&ringpad::os::OwnedPeer, &Page, u64)) {
    let room = Room::new(role);
    let page = Page::create(&room, "page");
    let me = open(&room).join().unwrap();
    let sleeper = child::spawn(&room, role, &[]);
    let mut longest = Duration::ZERO;
    for n in 1..=50 {
        sleeper.asleep();
        assert_eq!(page.get(COUNT), n - 1);
        let since = Instant::now();
        write(&me, &page, n);
        until("it is woken", || page.get(COUNT) == n);
        longest = longest.max(since.elapsed());
    }
    println!("{role}: woken 50 times, within {longest:?}");
}

#[test]
fn a_reader_sleeps_until_the_next_version() {
    let mut tx = None;
    rouse("note_sleeper", |me, _, n| {
        let tx = tx.get_or_insert_with(|| me.notepad_writer::<[u64; 8]>("pad").unwrap());
        match n % 2 {
            0 => _ = tx.write(&whole(n)),
            _ => {
                let mut draft = tx.draft();
                draft.write_at(0, bytemuck::bytes_of(&whole(n))).unwrap();
                draft.commit();
            }
        }
    });
}

#[test]
fn a_subscriber_sleeps_until_mail() {
    let mut tx = None;
    rouse("mail_sleeper", |me, _, n| {
        let tx = tx.get_or_insert_with(|| me.publisher::<u64>("mail").unwrap());
        match n % 3 {
            0 => _ = tx.publish(&n),
            1 => _ = tx.publish_slice(&[n]),
            _ => {
                let mut draft = tx.draft();
                draft.write_at(0, &n.to_le_bytes()).unwrap();
                draft.commit();
            }
        }
    });
    let mut tx = None;
    rouse("sure_sleeper", |me, _, n| {
        let tx = tx.get_or_insert_with(|| me.reliable_publisher::<u64>("sure").unwrap());
        tx.try_publish(&n).expect("it sleeps because it has all");
    });
}

#[test]
fn control_a_silent_end_wakes_nobody_before_the_tick() {
    let room = Room::new("silent-shouts");
    let segment = open(&room);
    let (me, you) = (segment.join().unwrap(), segment.join().unwrap());
    let mut tx = you.notepad_writer::<[u64; 8]>("pad").unwrap().silent();
    let mut mail = you.publisher::<u64>("mail").unwrap().silent();
    let pad = me.notepad_reader::<[u64; 8]>("pad").unwrap();
    let mut rx = me.subscriber::<u64>("mail", Start::Newest).unwrap();
    let (tick, asleep) = (Duration::from_millis(50), &Sleeper::default());
    std::thread::scope(|scope| {
        let (bell, mine) = ([pad.bell(), rx.bell()], me.clone());
        let sleeper = scope.spawn(move || {
            asleep.here();
            let mut waiter = mine.waiter().unwrap().tick(tick);
            let (mut note, mut letter) = (None, None);
            let both = waiter.wait(&bell, LONG, || {
                note = note.or(pad.try_read().unwrap());
                if let Next::Mail { value, .. } = rx.poll() {
                    letter = Some(value);
                }
                note.zip(letter).map(|_| Instant::now())
            });
            assert_eq!(waiter.woken(), 0, "nobody rang");
            both.unwrap().expect("at a tick")
        });
        until("it sleeps", || asleep.sleeps());
        tx.write(&whole(1));
        mail.publish(&1);
        let since = Instant::now();
        let seen = sleeper.join().unwrap().saturating_duration_since(since);
        println!("committed silently, seen {seen:?} later: the tick is {tick:?}");
        assert!(seen < 20 * tick, "{seen:?}");
    });
}

#[test]
fn a_publisher_sleeps_until_a_subscriber_goes_on() {
    let room = Room::new("held");
    let segment = open(&room);
    let (me, you) = (segment.join().unwrap(), segment.join().unwrap());
    let mut tx = me.reliable_publisher::<u64>("sure").unwrap();
    let mut rx = you
        .reliable_subscriber::<u64>("sure", Start::Oldest)
        .unwrap();
    let (messages, bell) = (4000, [tx.bell()]);
    let asleep = &Sleeper::default();
    std::thread::scope(|scope| {
        let publisher = scope.spawn(move || {
            asleep.here();
            let mut waiter = waiter(&me);
            for n in 1..=messages {
                let sent = waiter.wait(&bell, LONG, || tx.try_publish(&n).ok());
                assert_eq!(sent.unwrap(), Some(n), "not let go in time");
            }
            waiter.woken()
        });
        for n in 1..=messages {
            if n % 400 == 1 {
                until("the publisher sleeps", || {
                    // What this one took last it may not have told yet.
                    asleep.sleeps() && rx.behind() + 1 >= SLOTS
                });
            }
            let mut mail = rx.poll();
            until("it comes", || {
                let empty = mail == Delivery::Empty;
                if empty {
                    mail = rx.poll();
                }
                !empty
            });
            let (sequence, value) = (n, n);
            assert_eq!(mail, Delivery::Mail { sequence, value });
        }
        let woken = publisher.join().unwrap();
        println!("{messages} messages, the publisher was woken {woken} times");
        assert!(woken >= 9);
    });
}

/// Writes once without ringing when told to, then stands still.
pub fn silent_writer() {
    let (_room, page, me) = join();
    let mut pad = me.notepad_writer::<[u64; 8]>("pad").unwrap().silent();
    let mut mail = me.publisher::<u64>("mail").unwrap().silent();
    page.set(READY, 1);
    until("told to", || page.get(GO) == 1);
    pad.write(&whole(7));
    mail.publish(&7);
    page.set(GO, 2);
    for_ever();
}

#[test]
fn the_death_of_a_writer_is_heard_and_so_is_what_it_did_not_ring_for() {
    let mut took = Vec::new();
    for _ in 0..5 {
        let room = Room::new("silent-death");
        let page = Page::create(&room, "page");
        let segment = open(&room);
        let me = segment.join().unwrap();
        let child = child::spawn(&room, "silent_writer", &[]);
        until("it has its ends", || page.get(READY) == 1);
        let pad = me.notepad_reader::<[u64; 8]>("pad").unwrap();
        let mut rx = me.subscriber::<u64>("mail", Start::Newest).unwrap();
        let writer = pad.writer().expect("somebody");
        assert_eq!(rx.publisher(), Some(writer));
        let other = rx.clone();
        let asleep = &Sleeper::default();
        std::thread::scope(|scope| {
            let sleeper = scope.spawn(|| {
                asleep.here();
                let (mut waiter, bells) = (waiter(&me), [pad.bell(), rx.bell()]);
                let mut all = (None, None);
                let heard = waiter.wait(&bells, LONG, || {
                    all.0 = all.0.or(pad.try_read().unwrap().map(|note| note.value));
                    if let Next::Mail { value, .. } = rx.poll() {
                        all.1 = Some(value);
                    }
                    // In this order: it may die between the two questions.
                    assert!(
                        !rx.is_abandoned() || pad.is_abandoned(),
                        "one process has both"
                    );
                    let dead = pad.is_abandoned() && rx.is_abandoned();
                    dead.then_some((Instant::now(), all))
                });
                assert_eq!(waiter.woken(), 0, "nobody rang");
                heard.unwrap().expect("heard")
            });
            until("it sleeps", || asleep.sleeps());
            page.set(GO, 1);
            until("it is committed", || page.get(GO) == 2);
            let since = Instant::now();
            child.kill();
            let (at, all) = sleeper.join().unwrap();
            assert_eq!(all, (Some(whole(7)), Some(7)));
            assert_eq!(segment.life(writer), Life::Dead);
            // Whoever sits in that row by now is not who held the ends.
            let reader = segment.notepad_reader::<[u64; 8]>("pad").unwrap();
            let heir = segment.join().unwrap();
            assert!(heir.id() != writer || segment.life(writer) == Life::Alive);
            assert!(reader.is_abandoned() && pad.is_abandoned() && other.is_abandoned());
            let ends = (
                heir.notepad_writer::<[u64; 8]>("pad"),
                heir.publisher::<u64>("mail"),
            );
            let ends = (ends.0.unwrap(), ends.1.unwrap());
            assert!(!reader.is_abandoned() && !pad.is_abandoned() && !other.is_abandoned());
            drop(ends);
            assert!(reader.is_abandoned() && other.is_abandoned());
            took.push(at.saturating_duration_since(since));
        });
    }
    took.sort();
    println!("a writer's death was heard {took:?} after the kill");
    assert!(took[2] < Duration::from_secs(1));
}

/// Subscribes and takes nothing.
pub fn sluggard() {
    let (_room, page, me) = join();
    let _rx = me
        .reliable_subscriber::<u64>("sure", Start::Oldest)
        .unwrap();
    page.set(READY, 1);
    for_ever();
}

#[test]
fn the_death_of_a_subscriber_lets_the_sleeping_publisher_go() {
    let mut took = Vec::new();
    for _ in 0..5 {
        let room = Room::new("sluggard");
        let page = Page::create(&room, "page");
        let me = open(&room).join().unwrap();
        let mut tx = me.reliable_publisher::<u64>("sure").unwrap();
        let child = child::spawn(&room, "sluggard", &[]);
        until("it has a cursor", || page.get(READY) == 1);
        while tx.try_publish(&1).is_ok() {}
        let asleep = &Sleeper::default();
        std::thread::scope(|scope| {
            let sleeper = scope.spawn(|| {
                asleep.here();
                let (mut waiter, bell) = (waiter(&me), [tx.bell()]);
                let sent = waiter.wait(&bell, LONG, || tx.try_publish(&2).ok());
                assert_eq!((sent.unwrap(), waiter.woken()), (Some(SLOTS + 1), 0));
                Instant::now()
            });
            until("it sleeps", || asleep.sleeps());
            let since = Instant::now();
            child.kill();
            took.push(sleeper.join().unwrap().saturating_duration_since(since));
        });
        assert_eq!(tx.evicted(), 1);
    }
    took.sort();
    println!("a dead subscriber held the publisher {took:?} after the kill");
    assert!(took[2] < Duration::from_secs(1));
}

/// Nothing is published for it any more: the eviction itself rings.
#[test]
fn an_evicted_sleeper_hears_it() {
    let room = Room::new("evicted-asleep");
    let segment = open(&room);
    let (me, other) = (segment.join().unwrap(), segment.join().unwrap());
    let mut tx = me.reliable_publisher::<u64>("sure").unwrap();
    let mut rx = other
        .reliable_subscriber::<u64>("sure", Start::Oldest)
        .unwrap();
    let asleep = &Sleeper::default();
    std::thread::scope(|scope| {
        let sleeper = scope.spawn(|| {
            asleep.here();
            let mut waiter = other.waiter().unwrap().without_tick();
            let bell = [rx.bell()];
            let heard = waiter.wait(&bell, LONG, || match rx.poll() {
                Delivery::Empty => None,
                heard => Some(heard),
            });
            (heard.unwrap(), waiter.woken())
        });
        until("it sleeps", || asleep.sleeps());
        assert!(tx.evict(other.id()) && tx.evicted() == 1);
        let (heard, woken) = sleeper.join().unwrap();
        assert_eq!((heard, woken), (Some(Delivery::Evicted { behind: 0 }), 1));
    });
}
