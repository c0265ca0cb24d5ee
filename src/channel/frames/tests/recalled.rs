//! What was published and not sent is taken back, beside whoever comes and goes as its receiver.

use super::*;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::scope;

/// Says so when it is dropped, also by a panic.
struct Done<'d>(&'d AtomicBool);

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.0.store(true, Relaxed);
    }
}

/// The ring is full because its receiver died: the publisher recalls while a successor comes. Nothing of it stays behind.
#[test]
fn a_recall_beside_a_new_receiver_leaves_nothing_behind() {
    let config = Config::new(2, 64).receivers(1);
    let room = Room::of::<Frames>(&config);
    let pool = Frames::init(room.region(Trust::Cooperative), &config).unwrap();
    let done = AtomicBool::new(false);
    scope(|scope| {
        let heirs = scope.spawn(|| {
            let mut dropped = 0;
            while !done.load(Relaxed) {
                let rx = pool.bare_receiver(0).unwrap();
                // Nobody is dead, and nobody took anything.
                dropped += rx.release_unclaimed(&rx.unclaimed());
            }
            dropped
        });
        let _done = Done(&done);
        let tx = pool.bare_user().unwrap();
        for n in 0..3_000_000u32 {
            let ticket = publish_for(&tx, &n.to_le_bytes(), Receivers::one(0));
            let had = tx.recall(ticket, Receivers::one(0));
            assert_eq!(had, Ok(Receivers::one(0)), "at {n}");
        }
        drop(_done);
        assert_eq!(heirs.join().unwrap(), 0, "of a living publisher");
    });
    assert_eq!(pool.bare_user().unwrap().free(), 2);
}
