//! The geometry of a byte ring: where grants and records lie. Private to the endpoint that computes with it.

#![forbid(unsafe_code)]

use super::Framing;
use crate::channel::cursor::Pair;
use crate::error::{Error, Result};
use crate::memory::span::Span;

/// Bytes before a record's payload, and what records are padded to.
pub(super) const HEADER: u32 = 8;
/// The length that no record has: nothing more until the ring's end.
pub(super) const WRAP: u32 = u32::MAX;

/// The ring's private geometry: what both ends compute with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ring<'p> {
    pub(super) span: Span<'p>,
    mask: u32,
    pub(super) framing: Framing,
}

/// Room for one grant: where the payload lies, and how it is committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Room {
    /// Bytes from the producer's position to the ring's end that the record skips; 0 if it does not wrap.
    pub(super) skip: u32,
    /// Index of the payload.
    pub(super) payload: u32,
    /// Bytes of the payload.
    pub(super) len: u32,
}

impl<'p> Ring<'p> {
    pub(super) fn of(pair: &Pair<'p>, framing: Framing) -> Result<Self> {
        let span = pair.payload(HEADER as usize)?;
        let capacity = pair.geometry.capacity;
        // Checked here so that no masked index leaves the span.
        if !capacity.is_power_of_two() || capacity as usize > span.len() {
            return Err(Error::TooSmall {
                want: capacity.into(),
                found: span.len() as u64,
            });
        }
        Ok(Self {
            span,
            mask: capacity - 1,
            framing,
        })
    }

    /// Records begin at multiples of 8.
    pub(super) fn check_position(&self, position: u32) -> Result<()> {
        if self.framing == Framing::Records && !position.is_multiple_of(HEADER) {
            return Err(Error::Corrupt {
                what: "position inside a record",
                found: position,
            });
        }
        Ok(())
    }

    #[inline(always)]
    pub(super) fn index(&self, position: u32) -> u32 {
        position & self.mask
    }

    /// Bytes from a position to the ring's end.
    #[inline(always)]
    pub(super) fn until_end(&self, position: u32) -> u32 {
        self.mask + 1 - self.index(position)
    }

    /// Most payload bytes of one record or grant.
    pub(super) fn most(&self) -> u32 {
        match self.framing {
            Framing::Records => self.mask.div_ceil(2) - HEADER,
            Framing::Stream => self.mask + 1,
        }
    }

    /// Bytes that a record of `len` payload bytes takes. `len` is at most [`Ring::most`].
    #[inline(always)]
    pub(super) fn record(len: u32) -> u32 {
        HEADER + len.next_multiple_of(HEADER)
    }

    /// Free bytes ahead of `position` that make room for `len` payload bytes in one piece.
    #[inline(always)]
    pub(super) fn need(&self, position: u32, len: u32) -> u32 {
        if self.framing == Framing::Stream {
            return len;
        }
        let record = Self::record(len);
        let to_end = self.until_end(position);
        if record <= to_end {
            record
        } else {
            to_end + record
        }
    }

    /// Where a record of exactly `len` bytes lies at `position` with `room` free bytes ahead: as [`Ring::place`], in fewer steps.
    #[inline(always)]
    pub(super) fn place_exact(&self, position: u32, room: u32, len: u32) -> Option<Room> {
        let record = Self::record(len);
        let to_end = self.until_end(position);
        let (skip, payload) = if record <= to_end {
            (0, self.index(position) + HEADER)
        } else {
            (to_end, HEADER)
        };
        (room >= skip + record).then_some(Room { skip, payload, len })
    }

    /// Where a grant of `least..=len` bytes lies at `position` with `room` free bytes ahead.
    #[inline]
    pub(super) fn place(&self, position: u32, room: u32, least: u32, len: u32) -> Option<Room> {
        let to_end = self.until_end(position);
        if self.framing == Framing::Stream {
            let len = room.min(to_end).min(len);
            let payload = self.index(position);
            return (len >= least).then_some(Room {
                skip: 0,
                payload,
                len,
            });
        }
        // Payload bytes of a record in so much room; `None` if not even its header fits.
        let fits = |room: u32| Some((room & !(HEADER - 1)).checked_sub(HEADER)?.min(len));
        let here = fits(room.min(to_end));
        let wrapped = room.checked_sub(to_end).and_then(fits);
        let (skip, payload, len) = match (here, wrapped) {
            (Some(here), wrapped) if wrapped.is_none_or(|wrapped| wrapped <= here) => {
                (0, self.index(position) + HEADER, here)
            }
            (_, Some(wrapped)) => (to_end, HEADER, wrapped),
            _ => return None,
        };
        (len >= least).then_some(Room { skip, payload, len })
    }

    /// Writes the words around `used` payload bytes; returns the bytes to advance by.
    #[inline]
    pub(super) fn seal(&self, room: &Room, position: u32, used: u32) -> u32 {
        if self.framing == Framing::Stream {
            return used;
        }
        if room.skip > 0 {
            self.set_length(self.index(position), WRAP);
        }
        self.set_length(room.payload - HEADER, used);
        room.skip + Self::record(used)
    }

    #[inline(always)]
    pub(super) fn set_length(&self, index: u32, length: u32) {
        self.span.store_word(index as usize, length.into());
    }

    #[inline(always)]
    pub(super) fn length(&self, index: u32) -> u32 {
        // As wide as it is written, so that a distrusted ring loads it at once.
        self.span.load_word(index as usize) as u32
    }

    /// Of so many bytes from `index` on, those before the ring's end.
    #[inline(always)]
    pub(super) fn before_the_end(&self, index: u32, bytes: u32) -> usize {
        bytes.min(self.mask + 1 - index) as usize
    }
}

/// A length that no ring reaches stands for every longer one.
#[inline(always)]
pub(super) fn clamp(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}

#[cfg(all(test, not(ringpad_loom)))]
mod tests {
    use super::*;
    use crate::{AlignedBytes, Channel, Region, bytes};

    #[test]
    fn an_exact_place_is_the_place() {
        let mut room = AlignedBytes::<1024>::new();
        let region = Region::from_mut(room.as_mut()).unwrap();
        let made = bytes::Bytes::init(region, &bytes::Config::records(64)).unwrap();
        let ring = Ring::of(&made.pair, Framing::Records).unwrap();
        let mut found = [0; 2];
        for position in (0..128).step_by(8).chain([u32::MAX - 7]) {
            for (free, len) in
                (0..=64).flat_map(|free| (0..=ring.most()).map(move |len| (free, len)))
            {
                let exact = ring.place_exact(position, free, len);
                assert_eq!(
                    exact,
                    ring.place(position, free, len, len),
                    "{position} {free} {len}"
                );
                found[usize::from(exact.is_some())] += 1;
            }
        }
        assert!(found.iter().all(|&count| count > 1000), "{found:?}");
    }
}
