//! Parties that stopped long ago and go on: beside runs that are being given back, and behind by more than words tell apart.

use super::*;
use crate::channel::mpmc::walk::Found;
use crate::memory::order::{RELAXED, RELEASE};

fn revocable(slots: u32, test: impl Fn(&Room, &Mpmc<'_, u32>)) {
    for trust in EACH_TRUST {
        let config = config(slots, (Delivery::AtLeastOnce, Recovery::Revoke));
        with(trust, &config, &test);
    }
}

/// Sets a hint, as one does that claimed and then stopped.
fn set_hint(room: &Room, at: usize, value: u64) {
    room.set(at, value as u32);
    room.set(at + 4, (value >> 32) as u32);
}

/// Sends and receives each of these.
fn pass(tx: &mut Sender<'_, u32>, rx: &mut Receiver<'_, u32>, numbers: core::ops::Range<u32>) {
    for n in numbers {
        tx.try_send(n).unwrap();
        assert_eq!(rx.try_recv(), Some(n));
    }
}

/// The first `stored` steps of giving back the run of four at position 8 of a ring of eight, that was passed over at 16.
fn give_back_half(ring: &Ring<'_>, stored: usize) {
    assert_eq!(ring.laps.ahead(word(ring, 8), 16), 0, "passed over");
    for i in Ring::behind(4).take(stored) {
        ring.word(24 + i).store(ring.laps.free(24).0, RELEASE);
    }
}

#[test]
fn what_a_batch_reader_has_read_comes_to_nobody_while_it_is_given_back() {
    for stored in 0..4 {
        for from in 0..8 {
            revocable(8, |room, ring| {
                let (mut tx, mut rx) = both(ring);
                pass(&mut tx, &mut rx, 0..8);
                assert_eq!(tx.try_send_slice(&[100, 101, 102, 103]), 4);
                assert!(ring.ring.hold(8, word(&ring.ring, 8), 4, stranger()));
                pass(&mut tx, &mut rx, 12..17);
                give_back_half(&ring.ring, stored);
                set_hint(room, HEAD, from);
                let mut late = ring.bare_receiver().unwrap();
                assert_eq!(late.try_recv(), None, "{stored} from {from}");
            });
        }
    }
}

#[test]
fn nothing_is_sent_into_a_run_that_is_being_given_back() {
    for stored in 0..4 {
        for from in 0..8 {
            revocable(8, |room, ring| {
                let (mut tx, mut rx) = both(ring);
                pass(&mut tx, &mut rx, 0..8);
                let claimed = ring.ring.claim(8, word(&ring.ring, 8), 4, stranger());
                assert_eq!(claimed, 4);
                pass(&mut tx, &mut rx, 12..17);
                give_back_half(&ring.ring, stored);
                let tail = room.word(TAIL);
                set_hint(room, TAIL, from);
                let sent = ring.bare_sender().unwrap().try_send(4711).is_ok();
                set_hint(room, TAIL, tail.into());
                ring.ring.give_back(8, stranger());
                let mut got = drain(&mut rx);
                for n in 0..20 {
                    _ = tx.try_send(n);
                    got.extend(drain(&mut rx));
                }
                assert!(sent, "there is room");
                assert!(got.contains(&4711), "{stored} from {from}: {got:?}");
            });
        }
    }
}

/// A run in the middle of being given back, in a ring of eight.
#[derive(Clone, Copy, Debug)]
struct Stage {
    /// The lap at which it was claimed, and the one it was passed over to.
    claimed: u64,
    now: u64,
    /// Where it begins, and how many slots it has.
    slot: u64,
    run: u64,
    /// So many words of the commit were written.
    committed: u64,
    /// A first round, that ended because others passed over it: at which lap, and how many words it had freed.
    first: u64,
    early: usize,
    /// Words freed at the lap where it is now.
    stored: usize,
    /// The tail has gone on by a lap.
    tail_on: bool,
}

impl Stage {
    /// Every one.
    fn each(mut test: impl FnMut(Stage)) {
        let claimed = 3;
        for now in claimed..claimed + 4 {
            for (slot, run) in [(0, 2), (0, 3), (0, 8), (2, 4), (3, 3), (5, 3), (6, 2)] {
                for n in 0..run * run * run * 2 {
                    let (early, stored) =
                        ((n / run % run) as usize, (n / run / run % run) as usize);
                    for first in claimed..=now {
                        let stage = Stage {
                            claimed,
                            now,
                            slot,
                            run,
                            committed: n % run,
                            first,
                            early,
                            stored,
                            tail_on: n >= run * run * run,
                        };
                        if (first < now) == (early > 0) {
                            test(stage);
                        }
                    }
                }
            }
        }
    }

    /// Writes all words as they are then, the inner ones freed in this order.
    fn set(&self, ring: &Ring<'_>, order: &[u64]) {
        let (laps, put) = (ring.laps, |at: u64, word: Word| {
            ring.word(at).store(word.0, RELAXED)
        });
        let begin = |lap: u64| lap * 8 + self.slot;
        for at in (0..8).filter(|at| !(self.slot..self.slot + self.run).contains(at)) {
            let lap = self.now + u64::from(self.tail_on) + u64::from(at < self.slot);
            put(at, laps.free(lap * 8 + at));
        }
        let claimed = laps.writing(begin(self.now), self.run as u32, stranger());
        put(self.slot, laps.as_held_write(claimed, stranger()));
        for i in 1..self.run {
            let at = begin(self.claimed) + i;
            put(
                at,
                match i <= self.committed {
                    true => laps.ready(at, (self.run - i) as u32),
                    false => laps.free(at),
                },
            );
        }
        for (lap, many) in [(self.first, self.early), (self.now, self.stored)] {
            let next = begin(lap + 1);
            order[..many]
                .iter()
                .for_each(|i| put(next + i, laps.free(next + i)));
        }
    }

    /// Whether somebody who walks from here takes a slot of the run, or stops within it.
    fn misleads(&self, ring: &Ring<'_>, from: u64) -> bool {
        let all = self.slot..self.slot + self.run;
        let inside = |at: u64| at % 8 != self.slot && all.contains(&(at % 8));
        let free = match ring.find_free(from, &mut ring.budget(0)) {
            Found::Here(at, _) => all.contains(&(at % 8)),
            Found::Nothing(at) => inside(at),
            Found::Blocked(at) => inside(at.position),
        };
        free || match ring.find_ready(from, &mut ring.budget(0)) {
            Found::Nothing(at) => inside(at),
            Found::Here(..) | Found::Blocked(_) => true,
        }
    }
}

/// How many walks go wrong if the inner words of a run are freed in this order, the first of them, and how many there were.
fn wrong_walks(order: impl Fn(u32) -> Vec<u64>) -> (u32, Option<(Stage, u64)>, u32) {
    let room = Room::of::<Mpmc<u32>>(&Config::new(8));
    let ring = Mpmc::<u32>::init(room.region(Trust::Cooperative), &Config::new(8)).unwrap();
    let (mut wrong, mut one, mut all) = (0, None, 0);
    Stage::each(|stage| {
        stage.set(&ring.ring, &order(stage.run as u32));
        for from in 0..stage.claimed * 8 {
            all += 1;
            if stage.misleads(&ring.ring, from) {
                wrong += 1;
                one = one.or(Some((stage, from)));
            }
        }
    });
    (wrong, one, all)
}

#[test]
fn no_walk_goes_wrong_at_any_stage_of_giving_back() {
    let (wrong, one, all) = wrong_walks(|run| Ring::behind(run).collect());
    assert!(all > 100_000, "{all}");
    assert_eq!(wrong, 0, "of {all}: {one:?}");
}

#[test]
fn negative_control_walks_go_wrong_if_the_first_word_is_freed_before_the_others() {
    let (wrong, one, all) = wrong_walks(|run| (0..u64::from(run)).collect());
    assert!(wrong > 100, "{wrong} of {all}: {one:?}");
}

/// More positions behind than a word with a name tells apart.
const FAR: u64 = 3 << 30;

/// Somebody holds the first slot of a ring of four that is at this position, others go on, and a sender comes from where the tail was long
/// before: it finds its way, passes nothing over too early, and every slot serves when the first is given back.
fn a_sender_comes_from_long_ago(position: u64, from: u64) {
    for others in 1..8 {
        revocable(4, |room, ring| {
            ring.ring.begin_at(position);
            let (mut tx, mut rx) = both(ring);
            assert!(ring.ring.claim_one(position, stranger()));
            pass(&mut tx, &mut rx, 0..others);
            let hint = ring.ring.tail.load(RELAXED);
            set_hint(room, TAIL, from);
            ring.bare_sender().unwrap().try_send(1000).unwrap();
            assert!(ring.ring.tail.load(RELAXED) > hint, "moved on");
            assert!(!ring.ring.commit_one(position, stranger()), "revoked");
            ring.ring.give_back(position, stranger());
            assert_eq!(rx.try_recv(), Some(1000));
            pass(&mut tx, &mut rx, 0..50);
            assert_eq!(tx.try_send_slice(&[7; 9]), 4, "every slot serves");
            assert_eq!(drain(&mut rx), [7; 4]);
        });
    }
}

#[test]
fn nobody_passes_over_a_slot_for_a_lap_long_ago() {
    for from in [0, 4, 8] {
        a_sender_comes_from_long_ago(FAR, from);
    }
}

/// So long ago that the word of the held slot seems to be of the lap before.
#[test]
fn nobody_passes_over_a_slot_whose_lap_came_again() {
    for laps in 0..4 {
        a_sender_comes_from_long_ago(1 << 32, laps * 4);
        a_sender_comes_from_long_ago((1 << 32) + FAR, FAR + laps * 4);
    }
}

#[test]
fn a_message_that_comes_again_is_given_back_where_it_was_whatever_one_hint_says() {
    for hint in [TAIL, HEAD] {
        revocable(4, |room, ring| {
            ring.ring.begin_at(FAR);
            let (mut tx, mut rx) = both(ring);
            tx.try_send(9).unwrap();
            drop(rx.try_take());
            let before = FAR + u64::from(room.word(hint).wrapping_sub(FAR as u32));
            set_hint(room, hint, 5);
            assert_eq!(rx.try_take().unwrap().acknowledge(), 9);
            assert_eq!(word(&ring.ring, FAR), ring.ring.laps.free(FAR + 4));
            set_hint(room, hint, before);
            pass(&mut tx, &mut rx, 0..50);
            assert_eq!(tx.try_send_slice(&[7; 9]), 4, "every slot serves");
        });
    }
}

#[test]
fn what_is_given_back_is_free_at_the_lap_of_its_neighbours_whatever_hints_say() {
    revocable(4, |room, ring| {
        assert!(ring.ring.claim_one(0, stranger()));
        let held = ring
            .ring
            .laps
            .as_held_write(word(&ring.ring, 0), stranger());
        // So many messages later that words with a name tell no more how many.
        let far = 40 + (1 << 32);
        ring.ring.begin_at(far);
        let moved = ring.ring.laps.moved_to(held, far);
        ring.ring.word(far).store(moved.0, RELAXED);
        let (mut tx, mut rx) = both(ring);
        pass(&mut tx, &mut rx, 0..3);
        set_hint(room, TAIL, 5);
        set_hint(room, HEAD, 5);
        ring.ring.give_back(4, stranger());
        assert_eq!(word(&ring.ring, 0), ring.ring.laps.free(far + 4));
        pass(&mut tx, &mut rx, 0..50);
        assert_eq!(tx.try_send_slice(&[7; 9]), 4, "every slot serves");
    });
}

#[test]
fn a_slot_passed_over_by_as_much_as_words_tell_is_given_back_where_either_hint_says() {
    for hint in [TAIL, HEAD] {
        revocable(4, |room, ring| {
            let (mut tx, mut rx) = both(ring);
            assert!(ring.ring.claim_one(0, stranger()));
            let held = ring
                .ring
                .laps
                .as_held_write(word(&ring.ring, 0), stranger());
            // Exactly so much later that the word is the same again.
            let far = 1 << 32;
            ring.ring.begin_at(far);
            ring.ring.word(far).store(held.0, RELAXED);
            pass(&mut tx, &mut rx, 0..3);
            set_hint(room, hint, 1);
            ring.ring.give_back(0, stranger());
            assert_eq!(word(&ring.ring, 0), ring.ring.laps.free(far + 4));
        });
    }
}

/// A slot that its dead sender left is free for the next lap before anybody has read what lies in front of it.
#[test]
fn a_message_before_a_slot_that_was_given_back_is_left_behind_by_nobody() {
    for from in 0..40 {
        revocable(8, |room, ring| {
            let (mut tx, mut rx) = both(ring);
            pass(&mut tx, &mut rx, 0..40);
            tx.try_send(100).unwrap();
            assert_eq!(ring.ring.claim(41, word(&ring.ring, 41), 1, stranger()), 1);
            ring.ring.give_back(41, stranger());
            tx.try_send(102).unwrap();
            set_hint(room, HEAD, from);
            let mut late = ring.bare_receiver().unwrap();
            assert_eq!(late.try_recv(), Some(100), "from {from}");
            assert_eq!(late.try_recv(), Some(102), "from {from}");
        });
    }
}
