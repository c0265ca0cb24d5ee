//! What travels instead of a frame, what may be said of its picture, and for whom it is reserved.

use core::fmt;

use bytemuck::{AnyBitPattern, NoUninit, Zeroable};

/// Which frame, in which publication, and how many of its bytes count. Plain data of 12 bytes: it goes through any ring, mailslot, notepad or
/// call. A late one is [`Refused`](super::Refused); a forged one is too, or shows what some frame of the pool holds, never one that is being
/// written: a ticket is no permission.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(C)]
pub struct Ticket {
    /// Which frame.
    pub index: u32,
    /// Which of its publications: even. It comes round after 2^31 of this frame.
    pub generation: u32,
    /// Bytes that were published. Who says more sees what earlier publications left behind them.
    pub len: u32,
}

/// Four ASCII characters that name how pixels lie, as `I420` or `RGBA`.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
#[repr(transparent)]
pub struct FourCc(pub [u8; 4]);

impl fmt::Display for FourCc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.escape_ascii())
    }
}

impl fmt::Debug for FourCc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FourCc({self})")
    }
}

/// What a publisher says of the picture in a frame. It lies beside the frame's word, so that whoever views the frame has it at no cost. Zeros
/// if nothing was said since the frame was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Picture {
    /// Pixels in a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// Bytes from one row of the first plane to the next.
    pub stride: u32,
    /// How pixels lie.
    pub format: FourCc,
    /// When it is to be shown, or was taken, in nanoseconds of the publisher's clock.
    pub timestamp_ns: u64,
    /// The publisher's own count.
    pub sequence: u64,
}

macro_rules! plain_data {
    ($($name:ty),*) => { $(
        // SAFETY: numbers of one width side by side; no padding, no reference, no interior mutability.
        unsafe impl NoUninit for $name {}
        // SAFETY: zeros are numbers.
        unsafe impl Zeroable for $name {}
        // SAFETY: every bit pattern is a number.
        unsafe impl AnyBitPattern for $name {}
    )* };
}
plain_data!(Ticket, FourCc, Picture);

const _: () = assert!(size_of::<Ticket>() == 12 && size_of::<Picture>() == 32);

/// A set of a pool's receivers: for whom a frame is reserved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Receivers(pub(super) u32);

impl Receivers {
    /// Nobody: whoever comes in time sees the frame.
    pub const NONE: Self = Self(0);

    /// The receiver of this number alone; nobody if no pool has so many.
    pub const fn one(number: u32) -> Self {
        Self::NONE.with(number)
    }

    /// The first so many.
    pub const fn first(count: u32) -> Self {
        match count {
            0 => Self(0),
            1..=31 => Self(u32::MAX >> (32 - count)),
            _ => Self(u32::MAX),
        }
    }

    /// These and one more.
    pub const fn with(self, number: u32) -> Self {
        match number {
            0..=31 => Self(self.0 | 1 << number),
            _ => self,
        }
    }

    /// These but for one.
    pub const fn without(self, number: u32) -> Self {
        Self(self.0 & !Self::one(number).0)
    }

    /// True if the receiver of this number is among them.
    pub const fn contains(self, number: u32) -> bool {
        self.0 & Self::one(number).0 != 0
    }

    /// True if there is none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// How many there are.
    pub const fn len(self) -> u32 {
        self.0.count_ones()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_hold_what_was_put_in_them_and_no_more() {
        let set = Receivers::one(0).with(31).with(32).with(3).without(3);
        assert_eq!(
            (set.len(), set.contains(31), set.contains(3)),
            (2, true, false)
        );
        assert_eq!(Receivers::first(0), Receivers::NONE);
        assert_eq!(Receivers::first(2), Receivers::one(0).with(1));
        assert_eq!(Receivers::first(40).len(), 32);
        assert!(Receivers::one(32).is_empty());
    }

    #[test]
    fn formats_print_as_their_letters() {
        assert_eq!(FourCc(*b"I420").to_string(), "I420");
        assert_eq!(
            format!("{:?}", FourCc([0, b'x', 0xff, 1])),
            r"FourCc(\x00x\xff\x01)"
        );
    }
}
