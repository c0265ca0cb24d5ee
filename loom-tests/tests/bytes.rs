//! The byte ring: whole records or a stream, lent or copied. The edges are those of the typed ring; what is
//! new is that a record lies in several words, that a wrap marker goes with it, and that commits may shrink.

mod common;

use common::world::{World, byte_ring};
use common::{Model, RACE, killed_at_each_step, saw};
use loom::thread;
use ringpad::bytes::{Config, Consumer, Producer, Refused};

/// Bytes of the ring: two records of up to 16 bytes, the third of which wraps.
const RING: u32 = 64;

fn needs_every_edge(model: &Model) {
    model.holds();
    for edge in ["publish", "observe", "release", "reclaim"] {
        model.dies_without(edge, RACE);
    }
}

/// The `n`-th record: 8 to 16 bytes that tell it from the others.
fn record(n: u8) -> Vec<u8> {
    vec![n + 1; 16 - usize::from(n % 3) * 3]
}

/// Lends 16 bytes, fills the record in, and commits what it takes.
fn grant(tx: &mut Producer<'_>, n: u8) -> Result<(), Refused> {
    let record = record(n);
    let mut room = tx.grant(16)?;
    room[..record.len()].copy_from_slice(&record);
    room.commit(record.len())
}

/// Tries `tries` times; others run between.
fn retried(tries: u32, mut send: impl FnMut() -> Result<(), Refused>) -> bool {
    (0..tries).any(|_| match send() {
        Ok(()) => true,
        Err(Refused::Full) => {
            saw("full");
            thread::yield_now();
            false
        }
        Err(other) => panic!("{other}"),
    })
}

/// Reads records that must follow `next`, until none came twice. Returns what is next.
fn drain(rx: &mut Consumer<'_>, mut next: u8) -> u8 {
    loop {
        match rx.read().unwrap() {
            Some(lent) => {
                assert_eq!(*lent, *record(next), "lost, doubled, torn or out of order");
                lent.release();
                next += 1;
            }
            None => return next,
        }
    }
}

/// PUBLISH/OBSERVE carry a record with its length and its marker, RELEASE/RECLAIM the room of all three.
#[test]
fn records_are_granted_and_read_in_place() {
    let model = Model::new("records, lent", 2, || {
        let (_room, mut tx, mut rx) = byte_ring(&Config::records(RING));
        let producer = thread::spawn(move || {
            // A grant that is dropped publishes nothing.
            drop(tx.grant(16).unwrap());
            (0..3)
                .take_while(|&n| retried(2, || grant(&mut tx, n)))
                .count() as u8
        });
        let next = drain(&mut rx, 0);
        thread::yield_now();
        let next = drain(&mut rx, next);
        let sent = producer.join().unwrap();
        assert_eq!(drain(&mut rx, next), sent);
    });
    needs_every_edge(&model.sees(&["full"]).preemptions(3));
}

/// The same by copying calls, staged by two.
#[test]
fn records_are_sent_and_received() {
    let model = Model::new("records, copied", 2, || {
        let (_room, mut tx, mut rx) = byte_ring(&Config::records(RING));
        let producer = thread::spawn(move || {
            tx.stage(&record(0)).unwrap();
            tx.stage(&record(1)).unwrap();
            tx.publish();
            2 + u8::from(retried(2, || tx.send(&record(2))))
        });
        let (mut room, mut next) = ([0; 16], 0);
        let mut receive = |rx: &mut Consumer<'_>| {
            while let Some(got) = rx.recv(&mut room).unwrap() {
                assert_eq!(got, record(next));
                next += 1;
            }
            next
        };
        receive(&mut rx);
        thread::yield_now();
        receive(&mut rx);
        let sent = producer.join().unwrap();
        assert_eq!(receive(&mut rx), sent);
    });
    needs_every_edge(&model.sees(&["full"]).preemptions(3));
}

/// A stream: bytes by number, in pieces that wrap; copied in, lent out and given back in part.
#[test]
fn a_stream_wraps_anywhere() {
    let model = Model::new("stream", 2, || {
        let (_room, mut tx, mut rx) = byte_ring(&Config::stream(RING));
        let bytes: [u8; 96] = std::array::from_fn(|at| at as u8);
        let producer = thread::spawn(move || {
            let pieces = [&bytes[..48], &bytes[48..88], &bytes[88..]];
            let sent = pieces
                .into_iter()
                .take_while(|piece| retried(2, || tx.send(piece)));
            sent.map(<[u8]>::len).sum::<usize>()
        });
        let mut next = 0;
        let mut read = |rx: &mut Consumer<'_>| {
            while let Some(lent) = rx.read().unwrap() {
                let part = lent.len().min(32);
                assert_eq!(lent[..part], bytes[next..next + part]);
                lent.release_part(part).unwrap();
                next += part;
            }
            next
        };
        read(&mut rx);
        thread::yield_now();
        read(&mut rx);
        let sent = producer.join().unwrap();
        assert_eq!(read(&mut rx), sent);
    });
    needs_every_edge(&model.sees(&["full"]).preemptions(3));
}

/// A ring whose next record wraps, and its ends.
fn about_to_wrap(world: &World) -> (Producer<'static>, Consumer<'static>) {
    let ring = world.bytes();
    let (mut tx, mut rx) = (
        ring.producer(world.join()).unwrap(),
        ring.consumer(world.join()).unwrap(),
    );
    for n in 0..2 {
        tx.send(&record(n)).unwrap();
    }
    assert_eq!(drain(&mut rx, 0), 2);
    (tx, rx)
}

/// Killed anywhere in a grant that wraps, before its PUBLISH neither record nor marker was.
#[test]
fn a_producer_dies_in_a_record_that_wraps() {
    killed_at_each_step(|victim| {
        Model::new("producer killed in a record", 2, move || {
            let world = World::with_bytes(3, Config::records(RING));
            let (tx, mut rx) = about_to_wrap(&world);
            let (a, b) = (rx.other().unwrap(), world.join());
            let mut committed = 2;
            let consumer = thread::spawn(move || (drain(&mut rx, 2), rx));
            victim.dies(|| {
                let mut tx = tx;
                grant(&mut tx, 2).unwrap();
                committed += 1;
            });
            world.oracle().bury(a);
            let mut tx = world.bytes().producer(b).unwrap();
            let sent = (committed..4)
                .take_while(|&n| retried(2, || grant(&mut tx, n)))
                .count() as u8;
            let (next, mut rx) = consumer.join().unwrap();
            assert_eq!(drain(&mut rx, next), committed + sent);
        })
    });
}

/// Killed before its RELEASE the record comes again, whole; its room is not written before.
#[test]
fn a_consumer_dies_in_a_record() {
    killed_at_each_step(|victim| {
        let model = Model::new("consumer killed in a record", 2, move || {
            let world = World::with_bytes(3, Config::records(RING));
            let (mut tx, rx) = about_to_wrap(&world);
            let (a, b) = (tx.other().unwrap(), world.join());
            grant(&mut tx, 2).unwrap();
            let mut released = 2;
            let producer = thread::spawn(move || {
                3 + (3..5)
                    .take_while(|&n| retried(2, || grant(&mut tx, n)))
                    .count() as u8
            });
            victim.dies(|| {
                let mut rx = rx;
                let lent = rx.read().unwrap().unwrap();
                assert_eq!(*lent, *record(2));
                lent.release();
                released += 1;
            });
            world.oracle().bury(a);
            let mut rx = world.bytes().consumer(b).unwrap();
            let next = drain(&mut rx, released);
            let sent = producer.join().unwrap();
            assert_eq!(drain(&mut rx, next), sent);
        });
        model.sees(&["full"]).preemptions(2)
    });
}
