//! Static ends: given for good, as where there is no compare-and-swap; nobody claims them on any machine.

use std::cell::Cell;
use std::thread;
use std::time::{Duration, Instant};

use ringpad::{
    AlignedBytes, Channel, Error, Evicted, Field, Identity, NoProof, PeerId, Plan, Region, Segment,
    Sole, bytes, mailslot, notepad, spsc,
};

type Ring<'m> = spsc::Spsc<'m, u32>;
type Records<'m> = bytes::Bytes<'m>;
type Pad<'m> = notepad::Notepad<'m, [u32; 3]>;
type Slot<'m> = mailslot::Mailslot<'m, u64>;

const ROOM: usize = 2048;
const STATIC: Error = Error::EndpointTaken { by: PeerId::STATIC };

/// Bytes of which several tokens may be had, as several cores have them.
struct Room(*mut u8);

impl Room {
    fn with(test: impl Fn(&Room)) {
        let mut bytes = AlignedBytes::<ROOM>::new();
        test(&Room(bytes.as_mut().as_mut_ptr()));
    }

    fn region(&self) -> Region<'_> {
        // SAFETY: the bytes outlive the room, and all go through this crate.
        unsafe { Region::new(self.0, ROOM) }.unwrap()
    }
}

/// Asks again until there is something, for 20 seconds at most.
#[track_caller]
fn until<T>(mut ask: impl FnMut() -> Option<T>) -> T {
    let begin = Instant::now();
    loop {
        if let Some(found) = ask() {
            return found;
        }
        assert!(begin.elapsed() < Duration::from_secs(20), "never came");
    }
}

/// The caller holds the only end of its side.
fn sole() -> Sole {
    // SAFETY: each test here makes an end only after it dropped the one before, or none before.
    unsafe { Sole::new() }
}

fn ring(room: &Room) -> Ring<'_> {
    Ring::init(room.region(), &spsc::Config::new(8)).unwrap()
}

fn records(room: &Room) -> Records<'_> {
    Records::init(room.region(), &bytes::Config::records(256)).unwrap()
}

fn pad(room: &Room) -> Pad<'_> {
    Pad::init(room.region(), &notepad::Config::new()).unwrap()
}

fn slot(room: &Room) -> Slot<'_> {
    Slot::init(room.region(), &mailslot::Config::new(8)).unwrap()
}

#[test]
fn both_ends_of_each_kind_work_between_threads() {
    Room::with(|room| {
        let (mut tx, mut rx) = ring(room).split_static().unwrap();
        thread::scope(|s| {
            s.spawn(move || (0..10_000).for_each(|n| until(|| tx.push(n).ok())));
            (0..10_000).for_each(|n| assert_eq!(until(|| rx.pop()), n));
        });
    });
    Room::with(|room| {
        let (mut tx, mut rx) = records(room).split_static().unwrap();
        thread::scope(|s| {
            let mut send = move |n: u32| until(|| tx.send(&n.to_le_bytes()).ok());
            s.spawn(move || (0..10_000).for_each(&mut send));
            let mut into = [0; 4];
            (0..10_000u32).for_each(|n| {
                until(|| rx.recv(&mut into).unwrap().map(|_| ()));
                assert_eq!(u32::from_le_bytes(into), n);
            });
        });
    });
    Room::with(|room| {
        let (mut tx, rx) = pad(room).split_static().unwrap();
        thread::scope(|s| {
            s.spawn(move || {
                (1..=10_000).for_each(|n| _ = tx.write(&[n, n ^ 7, n.wrapping_mul(3)]))
            });
            let mut last = 0;
            until(|| {
                if let Ok(Some(note)) = rx.try_read() {
                    let [n, a, b] = note.value;
                    assert_eq!((a, b), (n ^ 7, n.wrapping_mul(3)), "torn");
                    assert!(n >= last, "backwards");
                    last = n;
                }
                (last == 10_000).then_some(())
            });
        });
    });
    Room::with(|room| {
        let (mut tx, mut rx) = slot(room).split_static().unwrap();
        thread::scope(|s| {
            s.spawn(move || (1..=10_000).for_each(|n| _ = tx.publish(&(n * 5))));
            let mut seen = 0;
            until(|| {
                match rx.poll() {
                    mailslot::Next::Mail { sequence, value } => {
                        assert_eq!((sequence, value), (seen + 1, sequence * 5));
                        seen = sequence;
                    }
                    mailslot::Next::Lapped { lost } => seen += lost,
                    mailslot::Next::Empty => {}
                }
                (seen == 10_000).then_some(())
            });
        });
    });
}

#[test]
fn nobody_claims_what_was_given_for_good() {
    // SAFETY: nobody believes either of them: that is the test.
    let proofs = [PeerId::STATIC, PeerId::BARE].map(|owner| move || unsafe { Evicted::new(owner) });
    Room::with(|room| {
        drop(ring(room).split_static().unwrap());
        let ring = Ring::attach(room.region()).unwrap();
        for proof in proofs {
            assert_eq!(ring.bare_producer(&proof()).unwrap_err(), STATIC);
            assert_eq!(ring.bare_consumer(&proof()).unwrap_err(), STATIC);
        }
        assert_eq!(ring.split().unwrap_err(), STATIC);
        let ring = Ring::attach(room.region()).unwrap();
        assert_eq!(ring.split_static().unwrap_err(), STATIC);
    });
    Room::with(|room| {
        drop(records(room).split_static().unwrap());
        let ring = Records::attach(room.region()).unwrap();
        assert_eq!(ring.bare_producer(&NoProof).unwrap_err(), STATIC);
        assert_eq!(ring.bare_consumer(&NoProof).unwrap_err(), STATIC);
        assert_eq!(ring.split_static().unwrap_err(), STATIC);
    });
    Room::with(|room| {
        drop(pad(room).split_static().unwrap());
        let pad = Pad::attach(room.region()).unwrap();
        assert_eq!(pad.reader().writer(), Some(PeerId::STATIC));
        assert_eq!(pad.bare_writer(&NoProof).unwrap_err(), STATIC);
        assert_eq!(pad.split_static().unwrap_err(), STATIC);
    });
    Room::with(|room| {
        drop(slot(room).split_static().unwrap());
        let slot = Slot::attach(room.region()).unwrap();
        let subscriber = slot.subscriber(mailslot::Start::Oldest);
        assert_eq!(subscriber.publisher(), Some(PeerId::STATIC));
        assert_eq!(slot.bare_publisher(&NoProof).unwrap_err(), STATIC);
        assert_eq!(slot.split_static().unwrap_err(), STATIC);
    });
    // The control: what was claimed and given back can be claimed again.
    Room::with(|room| {
        drop(ring(room).split().unwrap());
        Ring::attach(room.region()).unwrap().split().unwrap();
    });
}

#[test]
fn an_end_is_made_again_by_promise_and_goes_on() {
    Room::with(|room| {
        let (mut tx, rx) = ring(room).split_static().unwrap();
        assert_eq!(tx.push(1), Ok(()));
        drop(rx);
        let other = Ring::attach(room.region()).unwrap();
        let mut rx = other.static_consumer(sole()).unwrap();
        assert_eq!((rx.pop(), rx.pop()), (Some(1), None));
        assert_eq!(rx.other(), Some(PeerId::STATIC));
        assert!(!rx.is_abandoned(), "nobody can tell");
        drop(tx);
        let mut tx = other.static_producer(sole()).unwrap();
        assert_eq!(tx.position(), 1);
        assert_eq!(tx.push(2), Ok(()));
        assert_eq!(rx.pop(), Some(2));
    });
    Room::with(|room| {
        let (mut tx, rx) = records(room).split_static().unwrap();
        tx.send(b"one").unwrap();
        drop((tx, rx));
        let other = Records::attach(room.region()).unwrap();
        other.static_producer(sole()).unwrap().send(b"two").unwrap();
        let mut rx = other.static_consumer(sole()).unwrap();
        let mut into = [0; 8];
        assert_eq!(rx.recv(&mut into).unwrap(), Some(&b"one"[..]));
        assert_eq!(rx.recv(&mut into).unwrap(), Some(&b"two"[..]));
    });
    Room::with(|room| {
        let (mut tx, rx) = pad(room).split_static().unwrap();
        tx.write(&[1, 2, 3]);
        drop(tx);
        let mut tx = Pad::attach(room.region())
            .unwrap()
            .static_writer(sole())
            .unwrap();
        assert_eq!(tx.latest().unwrap().value, [1, 2, 3]);
        tx.write(&[4, 5, 6]);
        assert_eq!(rx.try_read().unwrap().unwrap().value, [4, 5, 6]);
    });
    Room::with(|room| {
        let (mut tx, rx) = slot(room).split_static().unwrap();
        assert_eq!(tx.publish(&10), 1);
        drop((tx, rx));
        let slot = Slot::attach(room.region()).unwrap();
        assert_eq!(slot.static_publisher(sole()).unwrap().publish(&20), 2);
        let mut rx = slot.subscriber(mailslot::Start::Oldest);
        let mail = |sequence, value| mailslot::Next::Mail { sequence, value };
        assert_eq!((rx.poll(), rx.poll()), (mail(1, 10), mail(2, 20)));
    });
}

#[test]
fn what_is_claimed_or_free_is_not_static() {
    let mismatch = |found| Error::Mismatch {
        field: Field::Claim,
        want: 254,
        found,
    };
    Room::with(|room| {
        let one = ring(room);
        assert_eq!(one.static_producer(sole()).unwrap_err(), mismatch(0));
        let rx = one.bare_consumer(&NoProof).unwrap();
        assert_eq!(one.static_consumer(sole()).unwrap_err(), mismatch(255));
        let taken = Error::EndpointTaken { by: PeerId::BARE };
        assert_eq!(one.split_static().unwrap_err(), taken);
        let other = Ring::attach(room.region()).unwrap();
        drop(
            other
                .bare_producer(&NoProof)
                .expect("the end that was free still is"),
        );
        drop(rx);
        other.split_static().unwrap();
    });
    let plan = Plan::<1>::new()
        .peers(1)
        .and_then(|plan| plan.channel::<Ring>("a", &spsc::Config::new(4)))
        .unwrap();
    Room::with(|room| {
        let segment = Segment::init(room.region(), &plan).unwrap();
        let peer = segment.join(&Identity::default(), &NoProof).unwrap();
        let ring: Ring = segment.open("a").unwrap();
        assert_eq!(ring.static_producer(sole()).unwrap_err(), mismatch(0));
        assert_eq!(ring.split_static().unwrap_err(), Error::ForeignPeer);
        let ring: Ring = segment.open("a").unwrap();
        ring.producer(&peer).expect("it is as free as it was");
    });
}

#[test]
fn a_hook_is_called_after_each_commit() {
    let calls = Cell::new(0);
    let count = || calls.set(calls.get() + 1);
    Room::with(|room| {
        calls.set(0);
        let (tx, rx) = ring(room).split_static().unwrap();
        let (mut tx, mut rx) = (tx.waking(count), rx.waking(count));
        assert_eq!(calls.get(), 2, "at once, for what came before");
        tx.stage(1).unwrap();
        assert_eq!(calls.get(), 2, "nothing is committed");
        tx.publish();
        assert_eq!(calls.get(), 3);
        assert_eq!((rx.take(), calls.get()), (Some(1), 3));
        rx.acknowledge();
        assert_eq!(calls.get(), 4);
        assert_eq!((rx.pop(), calls.get()), (None, 4));
    });
    Room::with(|room| {
        calls.set(0);
        let (tx, rx) = records(room).split_static().unwrap();
        let (mut tx, mut rx) = (tx.waking(count), rx.waking(count));
        tx.send(b"one").unwrap();
        assert_eq!(calls.get(), 3);
        rx.read().unwrap().unwrap().release();
        assert_eq!(calls.get(), 4);
    });
    Room::with(|room| {
        calls.set(0);
        let mut tx = pad(room).split_static().unwrap().0.waking(count);
        tx.write(&[1; 3]);
        assert_eq!(calls.get(), 2);
    });
    Room::with(|room| {
        calls.set(0);
        let mut tx = slot(room).split_static().unwrap().0.waking(count);
        tx.publish(&1);
        assert_eq!(calls.get(), 2);
    });
}
