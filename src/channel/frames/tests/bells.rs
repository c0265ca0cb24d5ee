//! Who sleeps until a frame is free is rung by whatever frees one.

use super::*;
use crate::{PeerId, Signal, Sleeper};
use std::cell::Cell;

/// Counts what it was asked to wake.
#[derive(Default)]
struct Rang(Cell<u32>);

impl Signal for Rang {
    fn signal(&self, peer: PeerId) {
        assert_eq!(peer.get(), 1, "nobody else sleeps");
        self.0.set(self.0.get() + 1);
    }
}

impl Rang {
    /// How often since the last time.
    fn times(&self) -> u32 {
        self.0.take()
    }
}

#[test]
fn a_sleeper_is_rung_by_whatever_frees_a_frame() {
    with_each(Config::new(3, 64).receivers(2), |world, segment, pool| {
        let [asleep, me, dead] = [0; 3].map(|_| world.join(segment));
        let rang = Rang::default();
        let waiting = pool.user(&asleep).unwrap();
        let bells = [waiting.bell()];
        let mut sleeper = Sleeper::of(&asleep).unwrap();
        let mut armed = sleeper.arm(&bells).unwrap();
        let waiters = segments::place(segment, "pool") + WAITERS;
        assert_eq!(world.room.word(waiters), asleep.id().bit());

        let user = pool.user(&me).unwrap().ringing(&me, &rang).unwrap();
        assert_eq!(rang.times(), 1, "it begins with it");
        let rx = pool.receiver(&me, 0).unwrap().ringing(&me, &rang).unwrap();
        rang.times();
        drop(user.loan().unwrap());
        assert_eq!(rang.times(), 1, "a loan's drop");
        let ticket = user.loan().unwrap().publish(0).unwrap();
        assert_eq!(rang.times(), 1, "published for nobody");
        let (first, last) = (user.view(ticket).unwrap(), rx.view(ticket).unwrap());
        assert_eq!(rang.times(), 0);
        drop(first);
        assert_eq!(rang.times(), 0, "it has a viewer left");
        drop(last);
        assert_eq!(rang.times(), 1, "the last view's drop");
        assert!(user.loan().unwrap().publish(65).is_err());
        assert_eq!(rang.times(), 1, "given back instead of published");

        let reserved = user.loan().unwrap().publish_for(0, Receivers::one(0));
        assert_eq!(rang.times(), 0, "reserved");
        drop(rx.take(reserved.unwrap()).unwrap());
        assert_eq!(rang.times(), 1, "the receiver's view");
        let none = user.loan().unwrap().publish_for(0, Receivers::one(7));
        assert!(none.is_ok());
        assert_eq!(rang.times(), 1, "for nobody that there is");
        let recalled = user.loan().unwrap().publish_for(0, Receivers::one(0));
        user.recall(recalled.unwrap(), Receivers::one(0)).unwrap();
        assert_eq!(rang.times(), 0);
        assert_eq!(rx.release_unclaimed(&rx.unclaimed()), 1);
        assert_eq!(rang.times(), 1, "released");
        let _kept = user.loan().unwrap().publish_for(0, Receivers::one(1));
        assert_eq!((user.forget(1), rang.times()), (Ok(1), 1), "forgotten");

        // What was forgotten, by the user's drop; what the dead had, by whoever finds it.
        let other = pool.user(&me).unwrap().ringing(&me, &rang).unwrap();
        rang.times();
        forget(other.loan().unwrap());
        drop(other);
        assert_eq!(rang.times(), 1);
        let theirs = pool.user(&dead).unwrap();
        forget([theirs.loan().unwrap(), theirs.loan().unwrap()]);
        forget(theirs);
        let one = user.loan().unwrap();
        world.graves.bury(dead.id());
        let two = user.loan().unwrap();
        assert_eq!(rang.times(), 1, "one was had, and one more is free");
        drop((one, two));
        rang.times();

        armed.again();
        drop(armed);
        assert_eq!(world.room.word(waiters), 0);
        drop(user.loan().unwrap());
        assert_eq!(rang.times(), 0, "nobody sleeps");
    });
}

#[test]
fn a_reaper_rings_for_the_frames_of_the_dead() {
    with_each(Config::new(1, 64), |world, segment, pool| {
        let [asleep, me, dead] = [0; 3].map(|_| world.join(segment));
        let rang = Rang::default();
        let waiting = pool.user(&asleep).unwrap();
        let bells = [waiting.bell()];
        let mut sleeper = Sleeper::of(&asleep).unwrap();
        let armed = sleeper.arm(&bells).unwrap();
        let theirs = pool.user(&dead).unwrap();
        forget(theirs.loan().unwrap());
        forget(theirs);
        assert_eq!(me.reap(&rang).unwrap().frames, 0);
        assert_eq!(rang.times(), 0);
        world.graves.bury(dead.id());
        assert_eq!(me.reap(&rang).unwrap().frames, 1);
        assert_eq!(rang.times(), 1);
        assert!(waiting.loan().is_ok());
        drop(armed);
    });
}
