//! What one polling subscriber costs the publisher: a message published with it and without it, side by side in one cell, and what
//! the lines themselves cost that go from one to the other.

use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::mailslot::{CAPACITY, published};
use crate::ends::mailslot::MailslotPeer;
use crate::harness::crowd::{self, Clock};
use crate::harness::{Bench, Entry, Placement, Sample};
use crate::message::Message;

/// A cache line.
const LINE: usize = 64;

#[repr(align(64))]
#[derive(Default)]
struct Line([AtomicU64; LINE / 8]);

/// As many lines as a message of so many bytes touches, with a word beside it that tells that it is there; as many such as a
/// mailslot holds.
fn ring(bytes: usize) -> Vec<Vec<Line>> {
    let lines = (bytes + 8).div_ceil(LINE);
    let message = || (0..lines).map(|_| Line::default()).collect();
    (0..CAPACITY).map(|_| message()).collect()
}

fn slot(ring: &[Vec<Line>], number: u64) -> &[Line] {
    // A power of two: a division would cost more than the stores.
    &ring[number as usize & (CAPACITY - 1)]
}

/// A number into each line of a slot, into the first one last, one slot after the other.
fn store_on(clock: &Clock, ring: &[Vec<Line>]) -> u64 {
    let mut all = 0;
    clock.start();
    clock.count(|_| {
        all += 1;
        for line in slot(ring, all).iter().rev() {
            line.0[0].store(all, Ordering::Release);
        }
        1
    })
}

/// Polls the line that is stored to next, and looks at all of its slot when it changed; where it fell behind, it goes on with
/// what it found.
fn poll_on(clock: &Clock, ring: &[Vec<Line>]) -> u64 {
    let mut next = 1;
    clock.start();
    let looked = clock.count(|_| {
        let slot = slot(ring, next);
        let found = slot[0].0[0].load(Ordering::Acquire);
        if found < next {
            clock.pause();
            return 0;
        }
        for line in &slot[1..] {
            black_box(line.0[0].load(Ordering::Relaxed));
        }
        next = found + 1;
        1
    });
    assert!(looked > 0, "nobody stored");
    looked
}

/// Nanoseconds a slot, while so many poll.
fn stores(placement: &Placement, bytes: usize, polling: usize) -> f64 {
    let ring = ring(bytes);
    let poll = |clock: &Clock| poll_on(clock, &ring);
    let store = |clock: &Clock| store_on(clock, &ring);
    let crowd::Deeds { took, writer, .. } = crowd::run(placement, store, vec![poll; polling]);
    nanos(took, writer)
}

fn nanos(took: Duration, count: u64) -> f64 {
    took.as_nanos() as f64 / count.max(1) as f64
}

fn cell(bytes: usize) -> String {
    format!("mailslot-polled/{bytes}")
}

/// What the poller adds to each slot's stores.
pub fn transfers(all: &mut Vec<Entry>) {
    for bytes in [8, 64, 256, 1024, 4096] {
        let run = move |bench: &Bench<'_>| {
            let [alone, polled] = [0, 1].map(|polling| stores(bench.placement, bytes, polling));
            Sample {
                value: (polled - alone).max(0.0),
                histogram: None,
                lost: None,
            }
        };
        let entry = Entry::new(cell(bytes), "floor: transfer of polled lines", "ns", run);
        all.push(entry.for_a_time());
    }
}

fn of_size<P: MailslotPeer + 'static, M: Message>(all: &mut Vec<Entry>) {
    for (subscribers, who) in [(0, "nobody"), (1, "one")] {
        let run = move |bench: &Bench<'_>| published::<P, M>(bench.placement, subscribers);
        let name = format!("{}, {who} polling, threads", P::NAME);
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
    fn a_slot_has_the_lines_of_its_message() {
        let lines = [8, 56, 64, 256, 4096].map(|bytes| ring(bytes)[0].len());
        assert_eq!(lines, [1, 1, 2, 5, 65]);
    }

    #[test]
    fn lines_go_from_one_to_the_other() {
        let placement = Placement::choose(None).expect("two processors");
        let [alone, polled] = [0, 1].map(|polling| stores(&placement, 64, polling));
        assert!(alone > 0.0 && polled > 0.0);
    }
}
