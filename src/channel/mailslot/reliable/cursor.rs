//! Cursors: how far each subscriber has come, in a word that its owner and the publisher exchange.

#![forbid(unsafe_code)]

use core::mem::offset_of;

use crate::error::Result;
use crate::memory::layout::Line;
use crate::memory::liveness::Owner;
use crate::memory::order::{RECLAIM, RELAXED, RELEASE};
use crate::memory::region::RegionRef;
use crate::memory::sync::{Atomic, AtomicU32};
use crate::segment::reaped::Pass;

/// One cursor's words.
#[repr(C)]
pub(crate) struct CursorShape {
    pub(crate) owner: Atomic<Owner>,
    pub(crate) cursor: AtomicU32,
}

/// Positions that a cursor tells apart.
pub(super) const POSITIONS: u32 = 1 << 24;

const TAG: u32 = 0xff;
const STATE: u32 = 3;
const ACTIVE: u32 = 1;
const EVICTED: u32 = 2;
const GENERATION: u32 = 4;
const GENERATIONS: u32 = TAG & !STATE;

/// What a cursor says: bits 0-1 0 free, 1 active, 2 evicted; bits 2-7 a generation, so that whoever evicts means this one; bits 8-31
/// the low 24 bits of the number of the message that the subscriber takes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cursor(u32);

impl Cursor {
    /// The same cursor, counting, at another message.
    pub(super) const fn at(self, sequence: u64) -> Self {
        Self((sequence as u32) << 8 | self.0 & GENERATIONS | ACTIVE)
    }

    /// Its next life.
    pub(super) const fn reborn(self) -> Self {
        Self(self.0 & !TAG | self.0.wrapping_add(GENERATION) & GENERATIONS)
    }

    /// The same cursor, which counts no more.
    pub(super) const fn evicted(self) -> Self {
        Self(self.0 & !STATE | EVICTED)
    }

    /// The same life of it, nobody's.
    pub(super) const fn free(self) -> Self {
        Self(self.0 & !STATE)
    }

    pub(super) const fn is_active(self) -> bool {
        self.0 & STATE == ACTIVE
    }

    /// How many messages it is behind `next`; as garbage any number below [`POSITIONS`].
    pub(super) const fn behind(self, next: u64) -> u32 {
        (next as u32).wrapping_sub(self.0 >> 8) % POSITIONS
    }
}

/// One cursor of a region.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CursorWords<'m> {
    pub(super) owner: &'m Atomic<Owner>,
    word: &'m AtomicU32,
}

impl CursorWords<'_> {
    /// As others see it: behind this, also who owns it.
    pub(super) fn observe(&self) -> Cursor {
        Cursor(self.word.load(RECLAIM)) // RECLAIM: pairs with RELEASE
    }

    /// As its owner sees it.
    pub(super) fn load(&self) -> Cursor {
        Cursor(self.word.load(RELAXED))
    }

    /// By its owner, whatever it says. False if somebody changes it again and again, as no publisher does.
    pub(super) fn put(&self, new: Cursor) -> bool {
        // Not a store: an eviction and this are then ordered for everybody. The publisher evicts one life once.
        (0..3).any(|_| self.advance(self.load(), new))
    }

    /// By its owner, who is done with what lies before. False if it was evicted.
    pub(super) fn advance(&self, old: Cursor, new: Cursor) -> bool {
        self.word.replace(old.0, new.0, RELEASE).is_ok() // RELEASE: pairs with RECLAIM
    }

    /// By anybody who can prove its owner dead. True if it was.
    pub(super) fn reap(&self, pass: &mut Pass<'_>) -> bool {
        // Before its owner: of another's cursor the owner is seen too, and lives.
        let found = self.observe();
        let owner = self.owner.load(RELAXED);
        if !pass.court.is_dead(owner) {
            return false;
        }
        // If it fails the publisher was faster, or another took the place: then the claim is that one's.
        self.evict(found);
        pass.end(self.owner)
    }

    /// By the publisher. False if it has moved, is free, or lives anew.
    pub(super) fn evict(&self, found: Cursor) -> bool {
        let done = self.word.replace(found.0, found.evicted().0, RELAXED);
        done.is_ok()
    }
}

/// Every cursor of a mailslot.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cursors<'m> {
    lines: RegionRef<'m>,
    count: u32,
}

impl<'m> Cursors<'m> {
    pub(super) fn at(region: RegionRef<'m>, offset: usize, count: u32) -> Result<Self> {
        let lines = region.part(offset, count as usize * size_of::<Line<CursorShape>>())?;
        Ok(Self { lines, count })
    }

    pub(super) fn clear(&self) {
        for cursor in self.each() {
            cursor.owner.store(Owner::FREE, RELAXED);
            cursor.word.store(0, RELAXED);
        }
    }

    pub(super) fn each(&self) -> impl Iterator<Item = CursorWords<'m>> + use<'m> {
        let lines = self.lines;
        (0..self.count as usize).filter_map(move |index| {
            let at = index * size_of::<Line<CursorShape>>();
            // Inside by the part's own check.
            Some(CursorWords {
                owner: lines.typed(at + offset_of!(CursorShape, owner)).ok()?,
                word: lines.word(at + offset_of!(CursorShape, cursor)).ok()?,
            })
        })
    }
}

#[cfg(all(test, not(ringpad_loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_keeps_its_place_its_life_and_its_state() {
        let first = Cursor(0).reborn().at(7);
        assert!(first.is_active() && first.behind(10) == 3 && first.behind(7) == 0);
        assert!(!first.evicted().is_active() && !first.free().is_active());
        assert_eq!(first.evicted().behind(8), 1);
        let second = first.evicted().reborn().at(7);
        assert_ne!(
            first, second,
            "whoever evicts the first does not mean the second"
        );
        let lives = (0..64).fold(first, |cursor, _| cursor.reborn());
        assert_eq!(
            lives.at(7),
            first,
            "a generation comes again after 64 lives"
        );
        let wrapped = first.at((1 << 24) - 1);
        assert_eq!(wrapped.behind((1 << 24) + 5), 6);
        assert_eq!(wrapped.at(1 << 40), first.at(0));
    }
}
