//! Slots over a page, wrong in one way each: what the ledger must catch, or the sweep proves nothing.

use crate::common::page::Page;
use crate::common::sweep::phases::Steps;

use super::ends::Pen;
use super::ledger::Got;
use super::phases::Phase;
use super::value::{self, Item};

const LATEST: usize = 0;
/// What each subscriber gets next; 0 if there is none.
const CURSORS: usize = 8;
const CURSOR_COUNT: usize = 4;
const SLOTS: usize = 64;
const EACH: usize = 16;

/// Slots with stamps as the crate's, at one end or the other.
pub struct Slots {
    page: Page,
    phase: Phase,
    /// The number that comes next, and whose cursor it is.
    next: u64,
    me: usize,
}

impl Slots {
    pub fn new(page: Page, phase: Phase, me: usize) -> Self {
        let next = page.get(LATEST) + 1;
        let mut slots = Self {
            page,
            phase,
            next,
            me,
        };
        if slots.phase == Phase::Forgetful && me == 0 {
            // What a dead writer wrote last is gone.
            slots.page.set(LATEST, slots.next.saturating_sub(2));
            slots.next = slots.next.saturating_sub(1).max(1);
        }
        if slots.phase == Phase::Skipping && me == 0 && slots.next > 1 {
            slots.next += 1;
        }
        slots
    }

    fn count(&self) -> u64 {
        self.phase.slots()
    }

    fn slot(&self, n: u64) -> usize {
        SLOTS + (n % self.count()) as usize * EACH
    }

    /// True if a cursor is in the way.
    fn held(&self, n: u64) -> bool {
        let cursors = (0..CURSOR_COUNT).map(|cursor| self.page.get(CURSORS + cursor));
        let mut counting = cursors.filter(|cursor| *cursor != 0);
        self.phase == Phase::Holding && counting.any(|cursor| n >= cursor + self.count())
    }

    /// What a subscriber gets first.
    pub fn start(&self) -> u64 {
        self.next
    }

    /// Subscribes: a dead predecessor's place is kept.
    pub fn subscribe(&mut self) -> u64 {
        let cursor = CURSORS + self.me;
        if self.page.get(cursor) == 0 {
            self.page.set(cursor, self.next);
        }
        self.next = self.page.get(cursor);
        self.next
    }

    fn copy(&self, n: u64) -> Item {
        let mut item = Item::default();
        for (at, words) in item.chunks_mut(2).enumerate() {
            let word = self.page.get(self.slot(n) + 1 + at);
            (words[0], words[1]) = (word as u32, (word >> 32) as u32);
        }
        item
    }

    fn said(item: &Item) -> Result<value::Said, String> {
        value::read(bytemuck::bytes_of(item))
    }

    /// Reads the latest.
    pub fn read(&mut self) -> Result<Got, String> {
        let latest = self.page.get(LATEST);
        if latest == 0 {
            return Ok(Got::Nothing);
        }
        let item = self.copy(latest);
        if self.page.get(self.slot(latest)) != 2 * latest {
            return Ok(Got::Again);
        }
        Ok(Got::Note(Self::said(&item)?, None))
    }

    /// Takes the next.
    pub fn take(&mut self) -> Result<Got, String> {
        let stamp = self.page.get(self.slot(self.next));
        if stamp < 2 * self.next || stamp == 2 * self.next + 1 {
            return Ok(Got::Nothing);
        }
        let item = self.copy(self.next);
        if self.page.get(self.slot(self.next)) == 2 * self.next {
            self.next += 1;
            if self.page.get(CURSORS + self.me) != 0 {
                self.page.set(CURSORS + self.me, self.next);
            }
            return Ok(Got::Mail(Self::said(&item)?, self.next - 1));
        }
        if self.phase == Phase::Overrunning {
            return Ok(Got::Evicted);
        }
        let next = self.page.get(LATEST).max(self.next + 1);
        let lost = next - self.next;
        self.next = next;
        // One that nobody counts.
        Ok(Got::Lapped(
            lost - u64::from(self.phase == Phase::Miscounting),
        ))
    }
}

impl Pen for Slots {
    fn next(&mut self) -> Result<u64, String> {
        Ok(self.next)
    }

    fn put(&mut self, life: u32, n: u64, steps: &Steps<'_>) -> Result<Option<u64>, String> {
        if self.held(n) {
            return Ok(None);
        }
        let slot = self.slot(n);
        let mut item = Item::default();
        value::fill(life, n, bytemuck::cast_slice_mut(&mut item));
        if self.phase == Phase::PublishFirst {
            self.page.set(slot, 2 * n);
            self.page.set(LATEST, n);
        } else if self.phase != Phase::NeverOdd {
            self.page.set(slot, 2 * n + 1);
        }
        for (at, words) in item.chunks(2).enumerate() {
            let word = u64::from(words[1]) << 32 | u64::from(words[0]);
            self.page.set(slot + 1 + at, word);
            steps.here();
        }
        self.page.set(slot, 2 * n);
        self.page.set(LATEST, n);
        self.next = n + 1;
        Ok(Some(n))
    }
}
