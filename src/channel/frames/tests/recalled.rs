//! What was published and not sent is taken back, beside whoever comes and goes as its receiver.

use super::threads::Done;
use super::*;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::scope;

/// The ring is full because its receiver died: the publisher recalls while successors come and go. Each frame is dropped once it is
/// recalled, and none before.
#[test]
fn a_recall_beside_new_receivers_drops_what_was_recalled_and_nothing_else() {
    const TIMES: u32 = 20_000;
    let config = Config::new(2, 64).receivers(1);
    let room = Room::of::<Frames>(&config);
    let pool = Frames::init(room.region(Trust::Cooperative), &config).unwrap();
    let done = AtomicBool::new(false);
    let drop_recalled = || {
        let rx = pool.bare_receiver(0).unwrap();
        rx.release_unclaimed(&rx.unclaimed())
    };
    scope(|scope| {
        let heirs = scope.spawn(|| {
            let mut dropped = 0;
            while !done.load(Relaxed) {
                dropped += drop_recalled();
            }
            dropped + drop_recalled()
        });
        let said = Done(&done);
        let tx = pool.bare_user().unwrap();
        for n in 0..TIMES {
            let loan = until(|| tx.loan().ok());
            let ticket = loan.publish_for(0, Receivers::one(0)).unwrap();
            let had = tx.recall(ticket, Receivers::one(0));
            assert_eq!(had, Ok(Receivers::one(0)), "at {n}");
        }
        drop(said);
        assert_eq!(heirs.join().unwrap(), TIMES);
    });
    assert_eq!(pool.bare_user().unwrap().free(), 2);
}
