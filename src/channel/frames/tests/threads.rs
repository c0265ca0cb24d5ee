//! Threads that publish and look at once: what is looked at stays as it was published for as long as it is looked at.

use super::*;
use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use std::thread::{scope, yield_now};

const BYTES: usize = 256;

/// Bytes that say which they are, and a hash of them in front.
fn content(n: u32) -> [u8; BYTES] {
    let mut bytes = [0; BYTES];
    for (at, byte) in bytes.iter_mut().enumerate().skip(8) {
        *byte = (n.wrapping_mul(0x9e37_79b9).rotate_left(at as u32) >> 24) as u8;
    }
    bytes[8..12].copy_from_slice(&n.to_le_bytes());
    let hash = hash(&bytes[8..]);
    bytes[..8].copy_from_slice(&hash.to_le_bytes());
    bytes
}

fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3)
    })
}

/// Which content these bytes are; `None` if they are none.
fn number(bytes: &[u8]) -> Option<u32> {
    let said = u64::from_le_bytes(bytes.first_chunk().copied()?);
    let n = u32::from_le_bytes(bytes[8..].first_chunk().copied()?);
    (said == hash(&bytes[8..])).then_some(n)
}

/// Looks several times, while others go on. The number, if it was whole and the same each time.
fn look(view: &View<'_, '_>) -> Option<u32> {
    let mut first = None;
    for _ in 0..3 {
        let n = number(&seen(view))?;
        if *first.get_or_insert(n) != n {
            return None;
        }
        yield_now();
    }
    first
}

#[derive(Default)]
struct Shown {
    ticket: Mutex<Option<Ticket>>,
    done: AtomicBool,
    looked: AtomicU32,
    wrong: AtomicU32,
}

/// Says so when it is dropped, also by a panic.
pub(super) struct Done<'d>(pub(super) &'d AtomicBool);

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.0.store(true, Relaxed);
    }
}

/// Looks at what is shown until it is over.
fn viewer(pool: &Frames<'_>, shown: &Shown) {
    let user = pool.bare_user().unwrap();
    let (mut last, mut first) = (0, true);
    while !shown.done.load(Relaxed) {
        let ticket = *shown.ticket.lock().unwrap();
        let Some(Ok(view)) = ticket.map(|ticket| user.view(ticket)) else {
            continue;
        };
        match look(&view) {
            Some(n) if first || n >= last => (last, first) = (n, false),
            _ => _ = shown.wrong.fetch_add(1, Relaxed),
        }
        shown.looked.fetch_add(1, Relaxed);
    }
}

/// A publisher beside four viewers. `write` makes one ticket.
fn show(
    trust: Trust,
    frames: u32,
    mut write: impl FnMut(&User<'_>, u32) -> Option<Ticket>,
    mut enough: impl FnMut(&Shown) -> bool,
) -> (u32, u32) {
    let config = Config::new(frames, BYTES as u32);
    let room = Room::of::<Frames>(&config);
    let pool = Frames::init(room.region(trust), &config).unwrap();
    let shown = Shown::default();
    scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| viewer(&pool, &shown));
        }
        let _done = Done(&shown.done);
        let tx = pool.bare_user().unwrap();
        let mut n = 0;
        until(|| {
            if let Some(ticket) = write(&tx, n) {
                *shown.ticket.lock().unwrap() = Some(ticket);
                n += 1;
            }
            enough(&shown).then_some(())
        });
    });
    assert_eq!(pool.bare_user().unwrap().free(), frames, "all given back");
    (shown.looked.into_inner(), shown.wrong.into_inner())
}

#[test]
fn what_is_viewed_stays_as_it_is() {
    for trust in EACH_TRUST {
        let (looked, wrong) = show(
            trust,
            6,
            |tx, n| Some(publish(tx, &content(n))),
            |shown| shown.looked.load(Relaxed) >= 3000,
        );
        assert!(looked >= 3000);
        assert_eq!(wrong, 0, "of {looked}");
    }
}

/// Too few frames: the publisher finds none now and then, and goes on.
#[test]
fn viewers_hold_a_publisher_s_frames_and_not_the_publisher() {
    let mut refused = 0;
    let write = |tx: &User<'_>, n: u32| match tx.loan() {
        Ok(mut loan) => {
            loan.write_at(0, &content(n)).unwrap();
            Some(loan.publish(BYTES as u32).unwrap())
        }
        Err(why) => {
            assert_eq!(why, Refused::NoFrame);
            refused += 1;
            None
        }
    };
    let enough = |shown: &Shown| shown.looked.load(Relaxed) >= 1000;
    let (_, wrong) = show(Trust::Cooperative, 2, write, enough);
    assert_eq!(wrong, 0, "{refused} times refused");
}

#[test]
fn negative_control_a_publisher_that_writes_without_a_loan_is_caught() {
    // Where bytes are copied only, since nothing may change under a reference.
    let (_, wrong) = show(
        Trust::Distrusted,
        2,
        |tx, n| {
            let ticket = match n {
                0 => publish(tx, &content(0)),
                _ => Ticket {
                    index: 0,
                    generation: 4,
                    len: BYTES as u32,
                },
            };
            tx.pool.bytes.store(0, &content(n), BYTES);
            Some(ticket)
        },
        |shown| shown.wrong.load(Relaxed) > 0,
    );
    assert!(wrong > 0);
}

/// What each receiver's tickets travel through.
type Queue = Mutex<VecDeque<Ticket>>;

/// One of several that take everything, each in its order; now and then it goes, with a view that it had, and another comes.
fn receiver(pool: &Frames<'_>, number_of: u32, queue: &Queue, each: u32, forgets: bool) {
    let mut next = 0;
    while next < each {
        let rx = pool.bare_receiver(number_of).unwrap();
        while next < each {
            let Some(ticket) = queue.lock().unwrap().front().copied() else {
                yield_now();
                continue;
            };
            let view = rx.take(ticket).unwrap();
            assert_eq!(look(&view), Some(next), "receiver {number_of}");
            if forgets && next % 5 == 2 {
                forget(view);
                break;
            }
            queue.lock().unwrap().pop_front();
            drop(view);
            next += 1;
            if forgets && next % 5 == 3 {
                break;
            }
        }
        if forgets && next % 5 == 2 {
            // Its successor takes the same again.
            drop(rx);
            let rx = pool.bare_receiver(number_of).unwrap();
            let ticket = queue.lock().unwrap().pop_front().unwrap();
            assert_eq!(look(&rx.take(ticket).unwrap()), Some(next));
            next += 1;
        }
    }
}

#[test]
fn receivers_take_everything_in_order_whoever_comes_and_goes() {
    const EACH: u32 = 1000;
    for trust in EACH_TRUST {
        let config = Config::new(8, BYTES as u32).receivers(3);
        let room = Room::of::<Frames>(&config);
        let pool = Frames::init(room.region(trust), &config).unwrap();
        let queues: [Queue; 3] = Default::default();
        scope(|scope| {
            for (number, queue) in (0..).zip(&queues) {
                let pool = &pool;
                scope.spawn(move || receiver(pool, number, queue, EACH, number > 0));
            }
            let tx = pool.bare_user().unwrap();
            for n in 0..EACH {
                let mut loan = until(|| tx.loan().ok());
                loan.write_at(0, &content(n)).unwrap();
                let whom = Receivers::first(3);
                let ticket = loan.publish_for(BYTES as u32, whom).unwrap();
                for queue in &queues {
                    queue.lock().unwrap().push_back(ticket);
                }
            }
        });
        assert_eq!(pool.bare_user().unwrap().free(), 8);
    }
}

/// One user, many threads: a frame is had by one of them at a time.
#[test]
fn threads_that_share_a_user_never_have_one_frame_twice() {
    let config = Config::new(4, BYTES as u32).receivers(1);
    let room = Room::of::<Frames>(&config);
    let pool = Frames::init(room.region(Trust::Cooperative), &config).unwrap();
    let (tx, rx) = (pool.bare_user().unwrap(), pool.bare_receiver(0).unwrap());
    for n in 0..300 {
        let lossless = publish_for(&tx, &content(n), Receivers::one(0));
        let lossy = publish(&tx, &content(n));
        let had = AtomicU32::new(0);
        let start = std::sync::Barrier::new(3);
        scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    start.wait();
                    let views = [rx.take(lossless), rx.view(lossy)];
                    had.fetch_add(views.iter().flatten().count() as u32, Relaxed);
                    start.wait();
                });
            }
        });
        assert_eq!(had.into_inner(), 2, "round {n}");
    }
    assert_eq!(tx.free(), 4);
}
