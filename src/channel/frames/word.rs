//! A frame's word: which publication the frame holds, and whose seats have it.

#![forbid(unsafe_code)]

/// High half the generation: odd while the frame is loaned. Low half one bit a seat: who has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Word(pub(super) u64);

impl Word {
    /// Of a frame that was never loaned. Not 0, so that a ticket of zeros is stale.
    pub(super) const NEW: Self = Self::of(2, 0);

    pub(super) const fn of(generation: u32, pins: u32) -> Self {
        Self((generation as u64) << 32 | pins as u64)
    }

    pub(super) const fn generation(self) -> u32 {
        (self.0 >> 32) as u32
    }

    pub(super) const fn pins(self) -> u32 {
        self.0 as u32
    }

    pub(super) const fn is_loaned(self) -> bool {
        self.generation() & 1 != 0
    }

    /// Nobody writes it and nobody looks at it.
    pub(super) const fn is_free(self) -> bool {
        !self.is_loaned() && self.pins() == 0
    }

    /// The next generation, in these seats' hands: of a free frame the loan, of a loaned one what is published.
    pub(super) const fn next(self, pins: u32) -> Self {
        Self::of(self.generation().wrapping_add(1), pins)
    }

    /// The same generation, in one more seat's hands.
    pub(super) const fn pinned(self, bit: u32) -> Self {
        Self(self.0 | bit as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generation_is_loaned_when_odd_also_at_its_end() {
        let last = Word::of(u32::MAX - 1, 0);
        assert!(last.is_free() && !last.pinned(4).is_free());
        let loan = last.next(1 << 31);
        assert!(loan.is_loaned() && !loan.is_free());
        assert_eq!(
            (loan.generation(), loan.pins()),
            (u32::MAX, 1 << 31),
            "pins never carry into generations"
        );
        assert_eq!(loan.next(0), Word::of(0, 0));
        assert!(Word::NEW.is_free() && Word::NEW.generation() != 0);
    }
}
