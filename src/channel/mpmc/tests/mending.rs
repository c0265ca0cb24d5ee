//! What the dead held: freed, or delivered again.

use super::*;
use crate::channel::mpmc::repair::Mended;
use crate::channel::party::Name;
use crate::channel::seat::Claimant;
use crate::memory::liveness::{Liveness, NoProof};
use crate::memory::order::RELAXED;
use crate::memory::testing::Gone;
use crate::segment::join::Peer;
use crate::{Identity, Plan, Segment};
use core::mem::forget;

/// Says that the peers of these rows are dead.
static DEAD: Gone = Gone(match PeerId::new(2) {
    Some(peer) => peer,
    None => PeerId::BARE,
});

/// A ring of eight in a segment, a living peer, and one of whom the living one can prove that it died.
fn with_dead(mode: (Delivery, Recovery), test: impl Fn(&Mpmc<'_, u32>, &Peer<'_>, Tag)) {
    with_oracle(mode, &DEAD, test);
}

fn with_oracle(
    mode: (Delivery, Recovery),
    oracle: &dyn Liveness,
    test: impl Fn(&Mpmc<'_, u32>, &Peer<'_>, Tag),
) {
    for trust in EACH_TRUST {
        let plan = Plan::<1>::new().peers(4).unwrap();
        let plan = plan.channel::<Mpmc<u32>>("ring", &config(8, mode)).unwrap();
        let room = Room::new(plan.layout().unwrap().size());
        let segment = Segment::init(room.region(trust), &plan).unwrap();
        let ring: Mpmc<u32> = segment.open("ring").unwrap();
        let me = segment.join(&Identity::default(), oracle).unwrap();
        let dead = segment.join(&Identity::default(), &NoProof).unwrap();
        let tag = Tag::of(dead.owner());
        forget(dead);
        test(&ring, &me, tag);
    }
}

fn ends<'p>(ring: &Mpmc<'p, u32>, me: &'p Peer<'p>) -> (Sender<'p, u32>, Receiver<'p, u32>) {
    (ring.sender(me).unwrap(), ring.receiver(me).unwrap())
}

/// Sends and receives until every slot was used again.
fn every_slot_serves(tx: &mut Sender<'_, u32>, rx: &mut Receiver<'_, u32>) {
    for _ in 0..2 {
        drain(rx);
        (0..8).for_each(|_| _ = tx.try_send(0));
        drain(rx);
    }
    assert_eq!(tx.try_send_slice(&[7; 9]), 8);
    assert_eq!(drain(rx), [7; 8]);
}

#[test]
fn a_dead_senders_slots_serve_again() {
    for mode in MODES {
        for run in 1..=8 {
            with_dead(mode, |ring, me, dead| {
                let (mut tx, mut rx) = ends(ring, me);
                assert_eq!(ring.ring.claim(0, word(&ring.ring, 0), run, dead), run);
                // Whoever waits for all of a ring is a receiver.
                assert!(run < 8 || rx.try_recv().is_none());
                for n in 0..30 {
                    tx.try_send(n).unwrap_or_else(|_| panic!("{run}: {n}"));
                    assert_eq!(rx.try_recv(), Some(n));
                }
                every_slot_serves(&mut tx, &mut rx);
            });
        }
    }
}

#[test]
fn what_a_dead_reader_had_comes_again_or_is_dropped() {
    for mode in MODES {
        for run in 1..=5u32 {
            with_dead(mode, |ring, me, dead| {
                let (mut tx, mut rx) = ends(ring, me);
                assert_eq!(tx.try_send_slice(&[10, 11, 12, 13, 14]), 5);
                assert!(ring.ring.hold(0, word(&ring.ring, 0), run, dead));
                let rest: Vec<u32> = (10 + run..15).collect();
                assert_eq!(drain(&mut rx), rest);
                // Whoever comes upon them mends them.
                let mut sent = 100;
                let mut came = Vec::new();
                for _ in 0..20 {
                    if tx.try_send(sent).is_ok() {
                        sent += 1;
                    }
                    while let Some(taken) = rx.try_take() {
                        if taken.is_again() {
                            assert_eq!(u64::from(*taken.value()), 10 + taken.sequence());
                            came.push(*taken.value());
                        }
                        taken.acknowledge();
                    }
                }
                let want: Vec<u32> = match mode.0 {
                    Delivery::AtLeastOnce => (10..10 + run).collect(),
                    Delivery::AtMostOnce => vec![],
                };
                assert_eq!(came, want);
                assert!(sent >= 118);
                every_slot_serves(&mut tx, &mut rx);
            });
        }
    }
}

#[test]
fn one_pass_mends_everything_and_says_what() {
    for mode in MODES {
        with_dead(mode, |ring, me, dead| {
            let (mut tx, mut rx) = ends(ring, me);
            assert_eq!(tx.try_send_slice(&[0, 1, 2]), 3);
            assert!(ring.ring.hold(0, word(&ring.ring, 0), 2, dead));
            let t = ring.ring.tail.load(RELAXED);
            assert_eq!(ring.ring.claim(t, word(&ring.ring, t), 3, dead), 3);
            let name = Name::of(Claimant::Peer(me), ring.region).unwrap();
            let mut found = Vec::new();
            ring.ring.mend_all(&name, |mended| found.push(mended));
            let read = match mode.0 {
                Delivery::AtLeastOnce => Mended::Redelivered(2),
                Delivery::AtMostOnce => Mended::Freed(2),
            };
            assert_eq!(found, [read, Mended::Freed(3)]);
            found.clear();
            ring.ring.mend_all(&name, |mended| found.push(mended));
            assert_eq!(found, [], "once");
            let mut came = drain(&mut rx);
            came.sort_unstable();
            let want: &[u32] = match mode.0 {
                Delivery::AtLeastOnce => &[0, 1, 2],
                Delivery::AtMostOnce => &[2],
            };
            assert_eq!(came, want);
            every_slot_serves(&mut tx, &mut rx);
        });
    }
}

#[test]
fn a_mender_that_died_is_mended() {
    for mode in MODES {
        for run in [1, 3] {
            with_dead(mode, |ring, me, dead| {
                let (mut tx, mut rx) = ends(ring, me);
                let found = word(&ring.ring, 0);
                assert_eq!(ring.ring.claim(0, found, run, stranger()), run);
                // The one who is dead now had taken it over, and freed the others of the run.
                let held = ring.ring.laps.as_held_write(word(&ring.ring, 0), dead);
                ring.ring.word(0).store(held.0, RELAXED);
                for at in 1..u64::from(run) {
                    let free = ring.ring.laps.free(at + 8);
                    ring.ring.word(at).store(free.0, RELAXED);
                }
                for n in 0..20 {
                    tx.try_send(n).unwrap();
                    assert_eq!(rx.try_recv(), Some(n));
                }
                every_slot_serves(&mut tx, &mut rx);
            });
        }
    }
}

/// Between making orphans and telling of them lies an instruction.
#[test]
fn a_mender_that_died_before_it_told_hides_nothing_for_good() {
    for recovery in [Recovery::Revoke, Recovery::ProofOnly] {
        with_dead((Delivery::AtLeastOnce, recovery), |ring, me, dead| {
            let (mut tx, mut rx) = ends(ring, me);
            assert_eq!(rx.try_recv(), None, "it has looked");
            tx.try_send(1).unwrap();
            assert!(ring.ring.hold(0, word(&ring.ring, 0), 1, dead));
            let orphan = ring.ring.laps.as_orphan(word(&ring.ring, 0));
            ring.ring.word(0).store(orphan.0, RELAXED);
            let (mut came, mut sent) = (Vec::new(), 1);
            for n in 100..140 {
                sent += usize::from(tx.try_send(n).is_ok());
                came.extend(drain(&mut rx));
            }
            assert_eq!(came.iter().filter(|n| **n == 1).count(), 1, "{recovery:?}");
            assert!(came.len() == sent && sent > 38, "{recovery:?}: {came:?}");
        });
    }
}

#[test]
fn nobody_is_mended_without_proof() {
    for mode in MODES {
        with_oracle(mode, &NoProof, |ring, me, other| {
            let (mut tx, mut rx) = ends(ring, me);
            tx.try_send(1).unwrap();
            assert!(ring.ring.hold(0, word(&ring.ring, 0), 1, other));
            let t = ring.ring.tail.load(RELAXED);
            assert!(ring.ring.claim_one(t, other));
            for n in 0..30 {
                let sent = tx.try_send(n).is_ok();
                assert_eq!(
                    rx.try_recv(),
                    (sent && mode.1 == Recovery::Revoke).then_some(n)
                );
            }
            let name = Name::of(Claimant::Peer(me), ring.region).unwrap();
            ring.ring.mend_all(&name, |mended| panic!("{mended:?}"));
        });
    }
}

#[test]
fn whose_row_has_moved_on_is_dead_whatever_the_oracle_says() {
    for mode in MODES {
        let plan = Plan::<1>::new().peers(4).unwrap();
        let plan = plan.channel::<Mpmc<u32>>("ring", &config(2, mode)).unwrap();
        let room = Room::new(plan.layout().unwrap().size());
        let segment = Segment::init(room.region(Trust::Cooperative), &plan).unwrap();
        let ring: Mpmc<u32> = segment.open("ring").unwrap();
        let me = segment.join(&Identity::default(), &NoProof).unwrap();
        let gone = segment.join(&Identity::default(), &NoProof).unwrap();
        assert!(ring.ring.claim_one(0, Tag::of(gone.owner())));
        drop(gone);
        let again = segment.join(&Identity::default(), &NoProof).unwrap();
        let (mut tx, mut rx) = ends(&ring, &me);
        for n in 0..10 {
            tx.try_send(n).unwrap();
            assert_eq!(rx.try_recv(), Some(n));
        }
        assert_eq!(tx.try_send_slice(&[0; 3]), 2);
        drop(again);
    }
}
