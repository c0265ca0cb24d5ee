//! What travels, and how one knows it whole; what both readers of lossless channels do.

use core::fmt;

use ringpad::bytes::Refused;
use ringpad::{Error, bytes, spsc};

/// A number, and three words that follow from it.
pub(crate) type Item = [u32; 4];
/// Longest record.
pub(crate) const LONGEST: usize = 44;

/// Why a run fails.
#[derive(Debug)]
pub(crate) enum Wrong {
    /// What came has not the words of its number.
    Torn(&'static str, u32),
    /// Another number was next.
    Order(&'static str, u32, u32),
    /// Something that must happen in a run never did.
    Never(&'static str),
    /// A call was refused.
    Refused(Error),
    /// As above, by a byte ring.
    Records(Refused),
}

impl From<Error> for Wrong {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
}

impl From<Refused> for Wrong {
    fn from(refused: Refused) -> Self {
        Self::Records(refused)
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Torn(what, number) => write!(f, "{what} {number}: torn"),
            Self::Order(what, want, found) => write!(f, "{what}: {found}, not {want}"),
            Self::Never(what) => write!(f, "never happened: {what}"),
            Self::Refused(error) => error.fmt(f),
            Self::Records(refused) => refused.fmt(f),
        }
    }
}

/// The words of a number: no bit stays from one to the next for long.
pub(crate) fn item(number: u32) -> Item {
    let mix = |by: u32| number.wrapping_mul(by).rotate_left(by & 31) ^ by;
    [number, mix(0x9e37_79b9), mix(0x85eb_ca6b), mix(0xc2b2_ae35)]
}

/// The number of an item that is whole.
pub(crate) fn number(what: &'static str, found: &Item) -> Result<u32, Wrong> {
    if *found == item(found[0]) {
        Ok(found[0])
    } else {
        Err(Wrong::Torn(what, found[0]))
    }
}

/// Bytes of the record of a number.
pub(crate) fn record_len(number: u32) -> usize {
    4 + (number as usize * 7) % (LONGEST - 3)
}

/// Fills a record: the number, then bytes that follow from it and their place.
pub(crate) fn fill(record: &mut [u8], number: u32) {
    let (head, rest) = record.split_at_mut(4);
    head.copy_from_slice(&number.to_le_bytes());
    (0..)
        .zip(rest)
        .for_each(|(at, byte)| *byte = mixed(number, at));
}

fn mixed(number: u32, at: u32) -> u8 {
    (number
        .wrapping_mul(31)
        .wrapping_add(at.wrapping_mul(at | 5))
        >> 3) as u8
}

/// The number of a record that is whole.
pub(crate) fn record_number(what: &'static str, record: &[u8]) -> Result<u32, Wrong> {
    let Some((head, rest)) = record.split_first_chunk() else {
        return Err(Wrong::Torn(what, 0));
    };
    let number = u32::from_le_bytes(*head);
    let whole = (0..).zip(rest).all(|(at, byte)| *byte == mixed(number, at));
    if whole && record.len() == record_len(number) {
        Ok(number)
    } else {
        Err(Wrong::Torn(what, number))
    }
}

/// Requires the next number of a channel that loses nothing.
pub(crate) fn follow(what: &'static str, next: &mut u32, found: u32) -> Result<(), Wrong> {
    if found != *next {
        return Err(Wrong::Order(what, *next, found));
    }
    *next += 1;
    Ok(())
}

/// Takes out of a ring and of records, neither of which loses anything.
#[derive(Debug)]
pub(crate) struct Taker {
    pub(crate) ring: spsc::Consumer<'static, Item>,
    pub(crate) records: bytes::Consumer<'static>,
    pub(crate) next_item: u32,
    pub(crate) next_record: u32,
}

impl Taker {
    pub(crate) fn new(
        ring: spsc::Consumer<'static, Item>,
        records: bytes::Consumer<'static>,
    ) -> Self {
        Self {
            ring,
            records,
            next_item: 0,
            next_record: 0,
        }
    }

    /// Takes out whatever is there. Answers how many of both there ever were.
    pub(crate) fn take_all(&mut self) -> Result<u32, Wrong> {
        while let Some(found) = self.ring.pop() {
            follow("ring", &mut self.next_item, number("ring", &found)?)?;
        }
        self.ring.check()?;
        let mut into = [0; LONGEST];
        loop {
            // By turns in place and by copy.
            let found = if self.next_record & 1 == 0 {
                let Some(record) = self.records.read()? else {
                    break;
                };
                let found = record_number("record", &record)?;
                record.release();
                found
            } else {
                let Some(record) = self.records.recv(&mut into)? else {
                    break;
                };
                record_number("record", record)?
            };
            follow("record", &mut self.next_record, found)?;
        }
        Ok(self.next_item + self.next_record)
    }
}
