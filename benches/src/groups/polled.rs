//! What one polling subscriber costs the publisher: a message published with it and without it, side by side in one cell, and what
//! the lines themselves cost that go from one to the other.

use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};

use super::mailslot::{CAPACITY, published};
use crate::ends::mailslot::MailslotPeer;
use crate::harness::crowd::{self, Clock};
use crate::harness::{Bench, Entry, Placement, Sample};
use crate::message::Message;

/// Slots as a mailslot has them, and nothing that guards them: a word that tells which message is there, and the message's own.
struct Ring {
    memory: Vec<AtomicU64>,
    /// The first word of a line.
    begin: usize,
    /// Of a slot.
    words: usize,
}

impl Ring {
    fn new(bytes: usize) -> Self {
        const LINE: usize = 64;
        let words = 1 + bytes / 8;
        let all = words * CAPACITY + LINE / 8;
        let memory: Vec<AtomicU64> = (0..all).map(|_| AtomicU64::new(0)).collect();
        let begin = memory.as_ptr().align_offset(LINE);
        Self {
            memory,
            begin,
            words,
        }
    }

    /// The number's slot: the word that tells, and the others.
    #[inline(always)]
    fn slot(&self, number: u64) -> (&AtomicU64, &[AtomicU64]) {
        // A power of two: a division would cost more than the stores.
        let at = self.begin + (number as usize & (CAPACITY - 1)) * self.words;
        let words = &self.memory[at..at + self.words];
        (&words[0], &words[1..])
    }
}

/// A number into each word of a slot, into the one that tells last, one slot after the other.
fn store_on(clock: &Clock, ring: &Ring) -> u64 {
    let mut all = 0;
    clock.start();
    clock.count(|_| {
        all += 1;
        let (tells, words) = ring.slot(all);
        for word in words {
            word.store(all, Ordering::Relaxed);
        }
        tells.store(all, Ordering::Release);
        1
    })
}

/// Takes one slot after the other, once it has its number. Where it was overtaken it goes on a quarter of the ring behind the oldest,
/// as a mailslot's subscriber does.
fn poll_on(clock: &Clock, ring: &Ring) -> u64 {
    let mut next = 1;
    clock.start();
    clock.count(|_| {
        let (tells, words) = ring.slot(next);
        let found = tells.load(Ordering::Acquire);
        if found < next {
            clock.pause();
            return 0;
        }
        if found > next {
            next = found - CAPACITY as u64 / 4 * 3;
            return 0;
        }
        for word in words {
            black_box(word.load(Ordering::Relaxed));
        }
        next += 1;
        1
    })
}

/// Nanoseconds a slot, while one polls, and the share that it did not take.
fn stores(placement: &Placement, bytes: usize) -> Sample {
    let ring = Ring::new(bytes);
    let deeds = crowd::undisturbed(|| {
        let poll = |clock: &Clock| poll_on(clock, &ring);
        crowd::run(placement, |clock| store_on(clock, &ring), vec![poll])
    });
    let (stored, taken) = (deeds.writer.max(1), deeds.readers[0]);
    Sample {
        lost: Some((1.0 - taken as f64 / stored as f64).max(0.0) * 100.0),
        ..Sample::each(deeds.took, stored)
    }
}

fn cell(bytes: usize) -> String {
    format!("mailslot-polled/{bytes}")
}

/// Slots that nobody guards, while one polls them: the time in which their lines go to and fro.
pub fn floors(all: &mut Vec<Entry>) {
    for bytes in [8, 64, 256, 1024, 4096] {
        let run = move |bench: &Bench<'_>| stores(bench.placement, bytes);
        let entry = Entry::new(cell(bytes), "floor: unguarded slots, polled", "ns", run);
        all.push(entry.for_a_time());
    }
}

fn of_size<P: MailslotPeer + 'static, M: Message>(all: &mut Vec<Entry>) {
    for (subscribers, who) in [(0, "alone"), (1, "polled")] {
        let run = move |bench: &Bench<'_>| published::<P, M>(bench.placement, subscribers);
        let name = format!("{} {who} threads", P::NAME);
        all.push(Entry::new(cell(size_of::<M>()), name, "ns", run).for_a_time());
    }
}

/// 8 to 4096 bytes, for a peer whose publisher never waits: another one measures how fast its subscriber is.
pub fn threads<P: MailslotPeer + 'static>(all: &mut Vec<Entry>) {
    of_size::<P, [u64; 1]>(all);
    of_size::<P, [u64; 8]>(all);
    of_size::<P, [u64; 32]>(all);
    of_size::<P, [u64; 128]>(all);
    of_size::<P, [u64; 512]>(all);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_lie_side_by_side() {
        let ring = Ring::new(64);
        for number in 0..2 * CAPACITY as u64 {
            let (tells, words) = ring.slot(number);
            assert_eq!(words.len(), 8);
            tells.store(number, Ordering::Relaxed);
            words
                .iter()
                .for_each(|word| word.store(7, Ordering::Relaxed));
        }
        let first = CAPACITY as u64;
        assert!((first..2 * first).all(|n| ring.slot(n).0.load(Ordering::Relaxed) == n));
    }

    #[test]
    fn slots_are_stored_to_and_taken() {
        let placement = Placement::choose(None).expect("two processors");
        let sample = stores(&placement, 64);
        let lost = sample.lost.expect("a share");
        assert!(
            sample.value > 0.0 && (0.0..=100.0).contains(&lost),
            "{lost}"
        );
    }
}
