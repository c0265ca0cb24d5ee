//! A frame's two words: which publication the frame holds and whose seats have it; and for whom it is reserved.

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

/// For whom a frame is reserved. High half the generation in which it was so, low half two bits a receiver: reserved and not taken, and of those the
/// ones whose ticket will not come. Of another generation than the frame's it says nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reservation(pub(super) u64);

impl Reservation {
    const OLD: u32 = 16;

    pub(super) const fn of(generation: u32, reserved: u32) -> Self {
        Self((generation as u64) << 32 | (reserved & 0xffff) as u64)
    }

    /// Whether it speaks of this generation and this receiver.
    pub(super) const fn has(self, generation: u32, bit: u32) -> bool {
        (self.0 >> 32) as u32 == generation && self.0 as u32 & 0xffff & bit != 0
    }

    /// Whether this receiver's ticket will not come.
    pub(super) const fn is_old(self, bit: u32) -> bool {
        (self.0 as u32 >> Self::OLD) & bit != 0
    }

    /// Of these receivers those it reserves for and whose ticket may come.
    pub(super) const fn among(self, generation: u32, receivers: u32) -> u32 {
        let (reserved, old) = (self.0 as u32 & 0xffff, self.0 as u32 >> Self::OLD);
        match (self.0 >> 32) as u32 == generation {
            true => reserved & !old & receivers,
            false => 0,
        }
    }

    /// Without this receiver.
    pub(super) const fn without(self, bit: u32) -> Self {
        Self(self.0 & !(bit as u64 | (bit as u64) << Self::OLD))
    }

    /// With these receivers, whose ticket will not come.
    pub(super) const fn with_old(self, generation: u32, bits: u32) -> Self {
        let now = match (self.0 >> 32) as u32 == generation {
            true => self,
            false => Self::of(generation, 0),
        };
        let bits = (bits & 0xffff) as u64;
        Self(now.0 | bits | bits << Self::OLD)
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

    #[test]
    fn a_reservation_speaks_of_one_generation() {
        let both = Reservation::of(6, 0b11);
        assert!(both.has(6, 1) && both.has(6, 2) && !both.has(6, 4) && !both.has(8, 1));
        let one = both.without(2).with_old(6, 1);
        assert!(one.has(6, 1) && one.is_old(1) && !one.has(6, 2));
        assert_eq!(
            (both.among(6, 3), one.among(6, 3), both.among(4, 3)),
            (3, 0, 0)
        );
        let later = one.with_old(8, 1 << 15);
        assert!(later.has(8, 1 << 15) && later.is_old(1 << 15) && !later.has(8, 1));
        assert_eq!(later.without(1 << 15), Reservation::of(8, 0));
        assert_eq!(Reservation::of(2, u32::MAX), Reservation::of(2, 0xffff));
    }
}
