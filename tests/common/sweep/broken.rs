//! Rings that are wrong in one way each: what the ledger must catch, or the sweep proves nothing.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::common::page::Page;

use super::message::{FIXED, Item};
use super::phases::{Phase, Steps};

const SLOTS: u32 = 8;
const TAIL: usize = 0;
const HEAD: usize = 1;
const DATA: usize = 16;

/// A ring over a page. It commits before it writes ([`Phase::PublishFirst`]), gives a slot back before it has read it
/// ([`Phase::ReleaseFirst`]), loses what a dead producer committed last ([`Phase::Forgetful`]), or gives too much again
/// ([`Phase::Stuttering`]).
pub struct Ring {
    page: Page,
    phase: Phase,
}

impl Ring {
    pub fn new(page: Page, phase: Phase) -> Self {
        Self { page, phase }
    }

    /// What a successor does wrong first. Claims do not matter here: it is the other end that is killed or waits.
    pub fn take_over(self, role: usize) -> Self {
        let (tail, head) = (self.tail(), self.head());
        if self.phase == Phase::Forgetful && role == 0 && tail != head {
            self.page.set(TAIL, tail.wrapping_sub(1).into());
        }
        if self.phase == Phase::Stuttering && role == 1 && head >= 2 {
            self.page.set(HEAD, head.wrapping_sub(2).into());
        }
        self
    }

    pub fn tail(&self) -> u32 {
        self.page.get(TAIL) as u32
    }

    pub fn head(&self) -> u32 {
        self.page.get(HEAD) as u32
    }

    fn slot(&self, position: u32) -> impl Iterator<Item = &AtomicU64> {
        let slot = (position % SLOTS) as usize * FIXED / 8;
        (0..FIXED / 8).map(move |word| self.page.word(DATA + slot + word))
    }

    pub fn push(&self, item: &Item, steps: &Steps<'_>) -> bool {
        let tail = self.tail();
        if tail.wrapping_sub(self.head()) >= SLOTS {
            return false;
        }
        let early = self.phase == Phase::PublishFirst;
        if early {
            self.page.set(TAIL, tail.wrapping_add(1).into());
        }
        for (slot, words) in self.slot(tail).zip(item.chunks(2)) {
            let word = u64::from(words[1]) << 32 | u64::from(words[0]);
            slot.store(word, Ordering::Relaxed);
            steps.here();
        }
        if !early {
            self.page.set(TAIL, tail.wrapping_add(1).into());
        }
        true
    }

    pub fn pop(&self, steps: &Steps<'_>) -> Option<Item> {
        let head = self.head();
        if self.tail() == head {
            return None;
        }
        if self.phase == Phase::ReleaseFirst {
            self.page.set(HEAD, head.wrapping_add(1).into());
        }
        let mut item = Item::default();
        for (slot, words) in self.slot(head).zip(item.chunks_mut(2)) {
            let word = slot.load(Ordering::Relaxed);
            (words[0], words[1]) = (word as u32, (word >> 32) as u32);
            steps.here();
        }
        Some(item)
    }

    pub fn acknowledge(&self) {
        if self.phase != Phase::ReleaseFirst {
            let head = self.head();
            self.page.set(HEAD, head.wrapping_add(1).into());
        }
    }
}
