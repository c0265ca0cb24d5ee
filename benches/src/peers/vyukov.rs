//! A ring of our own after Dmitry Vyukov's bounded queue: what ours cost where nothing is done for the dead. An end that stops
//! between its claim and its commit stops all others.

use std::cell::UnsafeCell;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use crate::ends::many::ManyPeer;
use crate::ends::{BatchReceiver, BatchSender, Receiver, Sender};
use crate::harness::control::Line;

/// At a position p of a round that began at r: free while `turn` is p, full while it is p + 1, free for the next round then.
struct Slot {
    turn: AtomicU64,
    value: UnsafeCell<u64>,
}

pub struct Ring {
    slots: Box<[Slot]>,
    tail: Line,
    head: Line,
}

// SAFETY: a slot's value is touched only by the end that moved `tail` or `head` over it, and its turn hands it on.
unsafe impl Sync for Ring {}

impl Ring {
    pub fn new(capacity: usize) -> Self {
        assert!(capacity.is_power_of_two(), "{capacity} slots");
        let slots = (0..capacity as u64).map(|at| Slot {
            turn: AtomicU64::new(at),
            value: UnsafeCell::new(0),
        });
        Self {
            slots: slots.collect(),
            tail: Line::default(),
            head: Line::default(),
        }
    }

    #[inline(always)]
    fn slot(&self, position: u64) -> &Slot {
        let at = position as usize & (self.slots.len() - 1);
        // SAFETY: there is a power of two of slots, so that the mask leaves a number below it.
        unsafe { self.slots.get_unchecked(at) }
    }

    /// Moves the line over one slot that has come to the turn `ahead` of its position.
    #[inline(always)]
    fn claim_one(&self, line: &Line, ahead: u64) -> Option<(u64, &Slot)> {
        let mut position = line.0.load(Relaxed);
        loop {
            let slot = self.slot(position);
            let turn = slot.turn.load(Acquire);
            if turn == position + ahead {
                let claimed =
                    line.0
                        .compare_exchange_weak(position, position + 1, Relaxed, Relaxed);
                match claimed {
                    Ok(_) => return Some((position, slot)),
                    Err(now) => position = now,
                }
            } else if turn < position + ahead {
                return None;
            } else {
                position = line.0.load(Relaxed);
            }
        }
    }

    #[inline(always)]
    pub fn push(&self, message: u64) -> bool {
        let Some((position, slot)) = self.claim_one(&self.tail, 0) else {
            return false;
        };
        // SAFETY: claimed by this call, and not yet handed on.
        unsafe { *slot.value.get() = message };
        slot.turn.store(position + 1, Release);
        true
    }

    #[inline(always)]
    pub fn pop(&self) -> Option<u64> {
        let (position, slot) = self.claim_one(&self.head, 1)?;
        // SAFETY: claimed by this call, and not yet handed on.
        let message = unsafe { *slot.value.get() };
        slot.turn.store(position + self.slots.len() as u64, Release);
        Some(message)
    }

    /// How many of the next `most` slots have come to the turn `ahead` of their position.
    #[inline(always)]
    fn ready(&self, from: u64, most: u64, ahead: u64) -> u64 {
        let due = |at: &u64| self.slot(from + at).turn.load(Acquire) == from + at + ahead;
        (0..most).take_while(due).count() as u64
    }

    /// Moves the line over as many ready slots as there are, at most `most`: the first, and how many.
    #[inline(always)]
    fn claim(&self, line: &Line, most: u64, ahead: u64) -> Option<(u64, u64)> {
        let mut from = line.0.load(Relaxed);
        loop {
            let count = self.ready(from, most, ahead);
            if count == 0 {
                // Another may have been faster: then there may be more behind.
                let now = line.0.load(Relaxed);
                if now == from {
                    return None;
                }
                from = now;
                continue;
            }
            match line
                .0
                .compare_exchange_weak(from, from + count, Relaxed, Relaxed)
            {
                Ok(_) => return Some((from, count)),
                Err(now) => from = now,
            }
        }
    }

    #[inline(always)]
    pub fn push_slice(&self, messages: &[u64]) -> usize {
        let Some((from, count)) = self.claim(&self.tail, messages.len() as u64, 0) else {
            return 0;
        };
        for (position, message) in (from..from + count).zip(messages) {
            let slot = self.slot(position);
            // SAFETY: claimed by this call, and not yet handed on.
            unsafe { *slot.value.get() = *message };
            slot.turn.store(position + 1, Release);
        }
        count as usize
    }

    #[inline(always)]
    pub fn pop_slice(&self, into: &mut [u64]) -> usize {
        let Some((from, count)) = self.claim(&self.head, into.len() as u64, 1) else {
            return 0;
        };
        for (position, message) in (from..from + count).zip(into) {
            let slot = self.slot(position);
            // SAFETY: claimed by this call, and not yet handed on.
            *message = unsafe { *slot.value.get() };
            slot.turn.store(position + self.slots.len() as u64, Release);
        }
        count as usize
    }
}

pub struct Vyukov;

impl ManyPeer for Vyukov {
    const NAME: &str = "vyukov";
    const BATCHES: bool = true;
    type Room = Ring;
    type Sender<'r> = &'r Ring;
    type Receiver<'r> = &'r Ring;

    fn room(capacity: usize, _: usize) -> Ring {
        Ring::new(capacity)
    }

    fn split(room: &mut Ring, senders: usize, receivers: usize) -> (Vec<&Ring>, Vec<&Ring>) {
        let room = &*room;
        (vec![room; senders], vec![room; receivers])
    }
}

impl Sender<u64> for &Ring {
    #[inline(always)]
    fn send(&mut self, message: u64) -> bool {
        self.push(message)
    }
}

impl Receiver<u64> for &Ring {
    #[inline(always)]
    fn recv(&mut self) -> Option<u64> {
        self.pop()
    }
}

impl BatchSender<u64> for &Ring {
    #[inline(always)]
    fn send_batch(&mut self, messages: &[u64]) -> usize {
        self.push_slice(messages)
    }
}

impl BatchReceiver<u64> for &Ring {
    #[inline(always)]
    fn recv_batch(&mut self, into: &mut [u64]) -> usize {
        self.pop_slice(into)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ring_fills_and_empties_for_many_rounds() {
        let ring = Ring::new(4);
        let mut came = [0; 3];
        for first in (0..50).step_by(5) {
            assert!(ring.push(first));
            assert_eq!(ring.push_slice(&[first + 1, first + 2, first + 3, 99]), 3);
            assert_eq!((ring.push(99), ring.push_slice(&[99])), (false, 0));
            assert_eq!(ring.pop_slice(&mut came), 3);
            assert_eq!(came, [first, first + 1, first + 2]);
            assert!(ring.push(first + 4));
            assert_eq!(
                (ring.pop(), ring.pop(), ring.pop()),
                (Some(first + 3), Some(first + 4), None)
            );
            assert_eq!(ring.pop_slice(&mut came), 0);
        }
    }

    /// What a crash-safe ring is for: here a claim that nobody commits is the end.
    #[test]
    fn a_claim_without_a_commit_wedges_it() {
        let ring = Ring::new(4);
        assert!(ring.claim_one(&ring.tail, 0).is_some());
        assert_eq!(ring.push_slice(&[1, 2, 3, 4]), 3);
        assert_eq!((ring.pop(), ring.pop_slice(&mut [0; 4])), (None, 0));
        assert!(!ring.push(5));
    }
}
