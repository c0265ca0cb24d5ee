//! The word of a slot: which lap, which state, how many slots it speaks for, and whose they are.
//!
//! ```text
//! bits  0..32  lap (the position without the bits of the index) | run - 1 (in the bits of the index)
//!      32..35  state      35..64  name of the owner, or of FREE and READY the lap's next 29 bits
//! ```
//! A run is so many slots from this one on, which this one word speaks for: a batch. The words of the others
//! count only once the run has ended, or from where somebody takes a part of it.
//! FREE and READY carry 61 bits of their position, so none comes again; names have a peer and 23 bits of its life.

#![forbid(unsafe_code)]

use crate::memory::liveness::{Owner, PeerId};

/// What a slot's word says of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// To be written at this lap.
    Free,
    /// Being written by its owner.
    Writing,
    /// Written: a message, or several.
    Ready,
    /// Being read by its owner; for the order of messages this lap is done.
    HeldRead,
    /// Taken from its writer, whose memory it is until it acknowledges; for the order this lap is done.
    HeldWrite,
    /// A message whose reader died; for the order this lap is done.
    Orphan,
    /// What nobody writes.
    Garbage,
}

const FREE: u64 = 0;
const WRITING: u64 = 1;
const READY: u64 = 2;
const HELD_READ: u64 = 3;
const HELD_WRITE: u64 = 4;
const ORPHAN: u64 = 5;

const NAME_BITS: u32 = 29;
/// Who holds an end of a bare ring, where peers have six bits.
const BARE: u32 = 63;

/// Bits of a position that words of FREE and READY hold.
const POSITION_BITS: u32 = 61;

/// An owner, as words name it: peer in the low 6 bits, life above.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tag(u32);

impl Tag {
    /// Nobody.
    pub(crate) const NONE: Tag = Tag(0);

    pub(crate) fn of(owner: Owner) -> Self {
        let peer = match owner.peer() {
            Some(peer) if peer == PeerId::BARE => BARE,
            Some(peer) => peer.get(),
            None => 0,
        };
        // The generations of the living are odd.
        Tag(peer | owner.generation() >> 1 << 6)
    }

    /// `None` for nobody, and for a number that no peer has.
    pub(crate) fn owner(self) -> Option<Owner> {
        match self.0 & 63 {
            BARE => Some(Owner::BARE),
            peer => Some(Owner::of(PeerId::new(peer)?, self.0 >> 6 << 1 | 1)),
        }
    }
}

/// A slot's word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Word(pub(crate) u64);

impl Word {
    pub(crate) fn state(self) -> State {
        match self.0 >> 32 & 7 {
            FREE => State::Free,
            WRITING => State::Writing,
            READY => State::Ready,
            HELD_READ => State::HeldRead,
            HELD_WRITE => State::HeldWrite,
            ORPHAN => State::Orphan,
            _ => State::Garbage,
        }
    }

    /// That of the slot `i` behind, for the rest of the run.
    #[inline(always)]
    pub(crate) fn shorter(self, i: u64) -> Word {
        Word(self.0.wrapping_sub(i))
    }

    pub(crate) fn tag(self) -> Tag {
        Tag((self.0 >> 35) as u32)
    }

    /// The owner that is named, if the state names one.
    pub(crate) fn owner(self) -> Option<Owner> {
        match self.state() {
            State::Writing | State::HeldRead | State::HeldWrite => self.tag().owner(),
            _ => None,
        }
    }
}

/// What a ring of so many slots writes into words and reads out of them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Laps {
    mask: u32,
}

impl Laps {
    /// Of a ring of `capacity` slots, a power of two.
    pub(crate) fn of(capacity: u32) -> Self {
        Self { mask: capacity - 1 }
    }

    pub(crate) fn capacity(self) -> u32 {
        self.mask + 1
    }

    /// Slots from this position to the ring's end.
    #[inline(always)]
    pub(crate) fn until_end(self, position: u64) -> u32 {
        self.capacity() - (position as u32 & self.mask)
    }

    /// The position without its index.
    fn lap(self, position: u64) -> u64 {
        position & !u64::from(self.mask)
    }

    #[inline(always)]
    fn word(self, position: u64, run: u32, state: u64, tag: u32) -> Word {
        let place = self.lap(position) as u32 | (run - 1) & self.mask;
        Word(u64::from(place) | state << 32 | u64::from(tag) << 35)
    }

    const fn high(position: u64) -> u32 {
        (position >> 32) as u32 & ((1 << NAME_BITS) - 1)
    }

    /// To be written at `position`.
    #[inline(always)]
    pub(crate) fn free(self, position: u64) -> Word {
        self.word(position, 1, FREE, Self::high(position))
    }

    /// `run` messages from `position` on.
    #[inline(always)]
    pub(crate) fn ready(self, position: u64, run: u32) -> Word {
        self.word(position, run, READY, Self::high(position))
    }

    /// Whether messages begin at `position`, as many as may be.
    #[inline(always)]
    pub(crate) fn is_ready(self, word: Word, position: u64) -> bool {
        (word.0 ^ self.ready(position, 1).0) & !u64::from(self.mask) == 0
    }

    #[inline(always)]
    pub(crate) fn writing(self, position: u64, run: u32, tag: Tag) -> Word {
        self.word(position, run, WRITING, tag.0)
    }

    pub(crate) fn held_read(self, position: u64, run: u32, tag: Tag) -> Word {
        self.word(position, run, HELD_READ, tag.0)
    }

    /// The same slots at the same lap in another state, somebody else's.
    fn renamed(word: Word, state: u64, tag: Tag) -> Word {
        Word(word.0 & u64::from(u32::MAX) | state << 32 | u64::from(tag.0) << 35)
    }

    /// The same slots, taken from their writer.
    pub(crate) fn as_held_write(self, word: Word, tag: Tag) -> Word {
        Self::renamed(word, HELD_WRITE, tag)
    }

    /// The same slots, being read by this owner.
    pub(crate) fn as_held_read(self, word: Word, tag: Tag) -> Word {
        Self::renamed(word, HELD_READ, tag)
    }

    /// The same slots, whose reader is gone.
    pub(crate) fn as_orphan(self, word: Word) -> Word {
        Self::renamed(word, ORPHAN, Tag::NONE)
    }

    /// The same word a lap or more later.
    pub(crate) fn moved_to(self, word: Word, position: u64) -> Word {
        let place = self.lap(position) as u32 | word.0 as u32 & self.mask;
        Word(word.0 >> 32 << 32 | u64::from(place))
    }

    /// Slots that the word speaks for.
    #[inline(always)]
    pub(crate) fn run(self, word: Word) -> u32 {
        (word.0 as u32 & self.mask) + 1
    }

    /// How far the word's lap is ahead of that of `position`: 0 for the same, negative for an earlier one.
    #[inline(always)]
    pub(crate) fn ahead(self, word: Word, position: u64) -> i64 {
        let (lap, low) = (self.lap(position), word.0 as u32 & !self.mask);
        match word.state() {
            State::Free | State::Ready => {
                let there = word.0 >> 35 << 32 | u64::from(low);
                // 61 bits, as numbers with a sign.
                (there.wrapping_sub(lap) << (64 - POSITION_BITS)) as i64 >> (64 - POSITION_BITS)
            }
            _ => i64::from(low.wrapping_sub(lap as u32) as i32),
        }
    }

    /// Where a lap begins up to which all was claimed, if the word of the slot at `position` is so far ahead. No run reaches over it.
    pub(crate) fn lap_before(self, position: u64, ahead: i64) -> u64 {
        let lap = u64::from(self.capacity());
        self.lap(position.wrapping_add_signed(ahead).wrapping_sub(lap))
    }

    /// The lap of a word that says all of it.
    pub(crate) fn lap_of(self, word: Word) -> Option<u64> {
        let low = word.0 as u32 & !self.mask;
        let whole = matches!(word.state(), State::Free | State::Ready);
        whole.then_some(word.0 >> 35 << 32 | u64::from(low))
    }

    /// The position of slot `index` that a word of an owner speaks of: of all with its 32 bits the one next to `near`.
    pub(crate) fn position(self, word: Word, index: u32, near: u64) -> u64 {
        let place = word.0 as u32 & !self.mask | index & self.mask;
        near.wrapping_add_signed(i64::from(place.wrapping_sub(near as u32) as i32))
    }
}

#[cfg(all(test, not(ringpad_loom)))]
mod tests {
    use super::*;

    fn owner(peer: u32, generation: u32) -> Owner {
        Owner::of(PeerId::new(peer).unwrap(), generation)
    }

    #[test]
    fn a_word_says_what_was_put_in() {
        for capacity in [1u32, 2, 64, 1 << 20] {
            let laps = Laps::of(capacity);
            for position in [0, 1, 63, u64::from(u32::MAX), 1 << 32, (1 << 61) - 1] {
                for run in [1, 2, 63, 64] {
                    if run > capacity {
                        continue;
                    }
                    let tag = Tag::of(owner(32, 0xff_ffff));
                    let all = [
                        (laps.free(position), State::Free, 1),
                        (laps.ready(position, run), State::Ready, run),
                        (laps.writing(position, run, tag), State::Writing, run),
                        (laps.held_read(position, run, tag), State::HeldRead, run),
                        (
                            laps.as_held_write(laps.writing(position, run, tag), tag),
                            State::HeldWrite,
                            run,
                        ),
                        (
                            laps.as_orphan(laps.held_read(position, run, tag)),
                            State::Orphan,
                            run,
                        ),
                    ];
                    for (word, state, run) in all {
                        assert_eq!((word.state(), laps.run(word)), (state, run));
                        assert_eq!(laps.ahead(word, position), 0);
                        let lap = i64::from(capacity);
                        assert_eq!(laps.ahead(word, position.wrapping_add(lap as u64)), -lap);
                        assert_eq!(laps.ahead(word, position.wrapping_sub(lap as u64)), lap);
                        let named = word.owner().map(|owner| (owner.peer, owner.generation()));
                        let names =
                            matches!(state, State::Writing | State::HeldRead | State::HeldWrite);
                        assert_eq!(named, names.then_some((32, 0xff_ffff)));
                        let later = laps.moved_to(word, position.wrapping_add(lap as u64));
                        assert_eq!((later.tag(), laps.run(later)), (word.tag(), run));
                    }
                }
            }
        }
    }

    #[test]
    fn names_go_in_and_come_out() {
        for owner in [owner(1, 1), owner(17, 12345), Owner::BARE] {
            assert_eq!(Tag::of(owner).owner(), Some(owner));
        }
        for garbage in [0, 33, 62, u32::MAX >> 3 & !63] {
            assert_eq!(Tag(garbage).owner(), None);
        }
    }

    #[test]
    fn a_free_word_of_zero_bits_begins_the_ring() {
        assert_eq!(Laps::of(8).free(0), Word(0));
        assert_eq!(Laps::of(8).free(7), Word(0));
    }

    #[test]
    fn an_owners_position_is_found_near_a_hint() {
        let laps = Laps::of(4);
        let tag = Tag::of(owner(1, 1));
        for at in [6, u64::from(u32::MAX) - 1, (1 << 40) + 2] {
            let word = laps.held_read(at, 2, tag);
            for near in [at, at + 1000, at.saturating_sub(1000), at + (1 << 31) - 1] {
                assert_eq!(laps.position(word, at as u32, near), at, "near {near}");
            }
        }
    }

    #[test]
    fn positions_do_not_come_again_while_owners_laps_do() {
        let laps = Laps::of(4);
        let again = 8 + (1 << 32);
        assert_ne!(laps.ready(8, 1), laps.ready(again, 1));
        assert!(laps.ahead(laps.ready(again, 1), 8) > 0);
        let tag = Tag::of(owner(1, 1));
        assert_eq!(laps.writing(8, 1, tag), laps.writing(again, 1, tag));
    }
}
