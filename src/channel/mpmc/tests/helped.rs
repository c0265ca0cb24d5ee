//! Who is told, and what is counted, when one party gives back what another held.

use super::*;
use crate::channel::mpmc::repair::Mended;
use crate::channel::party::Name;
use crate::channel::seat::Claimant;
use crate::memory::liveness::{Liveness, NoProof};
use crate::memory::order::RELAXED;
use crate::memory::testing::Gone;
use crate::{Identity, Peer, Plan, Segment, Signal, Silent, Sleeper};
use core::mem::forget;
use core::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// Says that the peer of the second row is dead.
static DEAD: Gone = Gone(match PeerId::new(2) {
    Some(peer) => peer,
    None => PeerId::BARE,
});

/// Counts the doorbells that are rung.
#[derive(Debug, Default)]
struct Count(AtomicU32);

impl Signal for Count {
    fn signal(&self, _: PeerId) {
        self.0.fetch_add(1, Relaxed);
    }
}

impl Count {
    fn rung(&self) -> u32 {
        self.0.swap(0, Relaxed)
    }
}

/// Runs `test` with a ring in a segment, a living peer, and the name of one of whom that one can prove that it died.
fn with_dead(
    slots: u32,
    mode: (Delivery, Recovery),
    test: impl Fn(&Segment<'_>, &Mpmc<'_, u32>, &Peer<'_>, Tag),
) {
    for trust in EACH_TRUST {
        let plan = Plan::<1>::new().peers(4).unwrap();
        let plan = plan
            .channel::<Mpmc<u32>>("ring", &config(slots, mode))
            .unwrap();
        let room = Room::new(plan.layout().unwrap().size());
        let segment = Segment::init(room.region(trust), &plan).unwrap();
        let ring: Mpmc<u32> = segment.open("ring").unwrap();
        let me = join(&segment, &DEAD);
        let dead = join(&segment, &NoProof);
        let tag = Tag::of(dead.owner());
        forget(dead);
        test(&segment, &ring, &me, tag);
    }
}

fn join<'m>(segment: &Segment<'m>, oracle: &'m dyn Liveness) -> Peer<'m> {
    segment.join(&Identity::default(), oracle).unwrap()
}

/// Room enough in the counters of passes, whatever words say.
#[test]
fn a_pass_over_hostile_words_counts_modulo_two_to_the_32() {
    const SLOTS: u32 = 1 << 16;
    let mode = (Delivery::AtLeastOnce, Recovery::Revoke);
    with_dead(SLOTS, mode, |_, ring, me, dead| {
        let hold_all = || {
            for at in 0..u64::from(SLOTS) {
                let all = ring.ring.laps.held_read(at, SLOTS, dead);
                ring.ring.word(at).store(all.0, RELAXED);
            }
        };
        hold_all();
        let mut sum = 0;
        let name = Name::of(Claimant::Peer(me), ring.region).unwrap();
        ring.ring.mend_all(&name, |mended| match mended {
            Mended::Redelivered(run) => sum += u64::from(run),
            Mended::Freed(run) => panic!("{run} freed"),
        });
        assert_eq!(sum, 1 << 32, "more than a counter holds");
        hold_all();
        assert_eq!(me.reap(&Silent).unwrap().messages, 0);
    });
}

#[test]
fn an_end_that_goes_with_adopted_messages_wakes_another() {
    let mode = (Delivery::AtLeastOnce, Recovery::Revoke);
    with_dead(8, mode, |segment, ring, me, _| {
        let (other, count) = (join(segment, &NoProof), Count::default());
        let mut tx = ring.sender(me).unwrap();
        assert_eq!(tx.try_send_slice(&[1, 2, 3]), 3);
        assert!(ring.ring.hold(0, word(&ring.ring, 0), 3, stranger()));
        let orphan = ring.ring.laps.as_orphan(word(&ring.ring, 0));
        ring.ring.word(0).store(orphan.0, RELAXED);
        ring.ring.tell_of_orphans();
        let mut rx = ring.receiver(me).unwrap().ringing(me, &count).unwrap();
        assert_eq!(rx.try_take().unwrap().acknowledge(), 1);
        let mut sleepy = ring.receiver(&other).unwrap();
        let bells = [sleepy.bell()];
        let mut sleeper = Sleeper::of(&other).unwrap();
        let _armed = sleeper.arm(&bells).unwrap();
        assert!(sleepy.try_take().is_none(), "it sleeps");
        count.rung();
        drop(rx);
        assert_eq!(count.rung(), 1);
        assert_eq!(
            drain(&mut sleepy),
            [1, 2, 3],
            "all that one word speaks for"
        );
    });
}

#[test]
fn what_a_sender_mends_wakes_other_senders() {
    let mode = (Delivery::AtMostOnce, Recovery::Revoke);
    with_dead(8, mode, |segment, ring, me, dead| {
        let (other, count) = (join(segment, &NoProof), Count::default());
        let mut tx = ring.sender(me).unwrap().ringing(me, &count).unwrap();
        assert_eq!(tx.try_send_slice(&[0; 8]), 8);
        assert!(ring.ring.hold(0, word(&ring.ring, 0), 8, dead));
        let mut sleepy = ring.sender(&other).unwrap();
        let bells = [sleepy.bell()];
        let mut sleeper = Sleeper::of(&other).unwrap();
        let _armed = sleeper.arm(&bells).unwrap();
        assert!(sleepy.try_send(1).is_err(), "it sleeps");
        count.rung();
        tx.try_send(5).unwrap();
        assert_eq!(count.rung(), 1, "seven more came free");
        sleepy.try_send(6).unwrap();
    });
}

#[test]
fn what_a_sender_mends_is_counted() {
    for mode in MODES {
        with_dead(8, mode, |segment, ring, me, dead| {
            let mut tx = ring.sender(me).unwrap();
            assert_eq!(tx.try_send_slice(&[0; 8]), 8);
            assert!(ring.ring.hold(0, word(&ring.ring, 0), 3, dead));
            _ = tx.try_send(9);
            let counted = segment.reaped();
            let want = match mode.0 {
                Delivery::AtLeastOnce => (0, 3),
                Delivery::AtMostOnce => (3, 0),
            };
            assert_eq!((counted.slots, counted.messages), want, "{mode:?}");
        });
    }
}

#[test]
fn what_a_dead_sender_left_is_counted_whoever_mends_it() {
    for mode in MODES {
        with_dead(8, mode, |segment, ring, me, dead| {
            let (mut tx, mut rx) = (ring.sender(me).unwrap(), ring.receiver(me).unwrap());
            assert_eq!(ring.ring.claim(0, word(&ring.ring, 0), 3, dead), 3);
            assert_eq!(tx.try_send_slice(&[1; 5]), 5);
            if mode.1 == Recovery::ProofOnly {
                assert_eq!(rx.try_recv(), Some(1), "mended by a receiver");
            } else {
                assert!(tx.try_send(1).is_ok(), "mended by a sender");
            }
            let counted = segment.reaped();
            assert_eq!((counted.slots, counted.messages), (3, 0), "{mode:?}");
        });
    }
}

#[test]
fn a_message_put_back_again_and_again_starves_no_other_that_comes_again() {
    for recovery in [Recovery::Revoke, Recovery::ProofOnly] {
        with_dead(8, (Delivery::AtLeastOnce, recovery), |_, ring, me, _| {
            let (mut tx, mut rx) = (ring.sender(me).unwrap(), ring.receiver(me).unwrap());
            (0..3).for_each(|n| tx.try_send(n).unwrap());
            let mut others = [0; 3].map(|_| rx.clone());
            drop(others.each_mut().map(|rx| rx.try_take().unwrap()));
            let seen = [0; 9].map(|_| *rx.try_take().unwrap().value());
            for n in 0..3 {
                let times = seen.iter().filter(|seen| **seen == n).count();
                assert_eq!(times, 3, "{n} of {seen:?}");
            }
            assert_eq!(drain(&mut rx).len(), 3);
        });
    }
}
