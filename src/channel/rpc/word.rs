//! The word of a call slot: how far its call has come, whose it is, which call it is.
//!
//! ```text
//! bits  0..3   state         3..8   flags     8..14  the server's seat
//!      14..20  the server's peer              20..28 how often it was taken, modulo 256
//!      28..64  the call's number among its client's
//! ```
//! Numbers of one client grow with each call, so a word of a call that ended does not come again in its slot for 2^36 calls; within one call
//! every taking has another word.

#![forbid(unsafe_code)]

use crate::memory::liveness::{Owner, PeerId};

/// How far a call has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// No call: the slot is its client's.
    Free,
    /// Written: whichever server takes it first.
    Sent,
    /// A server's.
    Taken,
    /// A part of the reply is there: its client's, who gives the slot back to the server.
    Part,
    /// The reply is there, or will never be: its client's.
    Done,
    /// Given up by its client while a server had it: the server's, who frees it.
    Abandoned,
    /// What nobody writes.
    Garbage,
}

const FREE: u64 = 0;
const SENT: u64 = 1;
const TAKEN: u64 = 2;
const PART: u64 = 3;
const DONE: u64 = 4;
const ABANDONED: u64 = 5;

const STATE: u64 = 7;
const SEAT: u32 = 8;
const PEER: u32 = 14;
const TAKES: u32 = 20;
const NUMBER: u32 = 28;
const SIX: u64 = 63;
const EIGHT: u64 = 255;

/// Who holds an end of a bare channel, where peers have six bits.
const BARE: u64 = 63;

/// Bits of a call's number.
pub(super) const NUMBER_BITS: u32 = 64 - NUMBER;

/// A call slot's word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Word(pub(crate) u64);

/// What is said of a call besides its state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Flags(u64);

impl Flags {
    pub(super) const NONE: Flags = Flags(0);
    /// Nobody waits for a reply.
    pub(super) const ONE_WAY: Flags = Flags(1 << 3);
    /// The slot says by when the caller wants its reply.
    pub(super) const DEADLINE: Flags = Flags(1 << 4);
    /// The server dropped the request: there is no reply, or no further part.
    pub(super) const UNANSWERED: Flags = Flags(1 << 5);
    /// The server is gone, and whether it did what was asked nobody can say.
    pub(super) const LOST: Flags = Flags(1 << 6);
}

impl Word {
    pub(crate) fn state(self) -> State {
        match self.0 & STATE {
            FREE => State::Free,
            SENT => State::Sent,
            TAKEN => State::Taken,
            PART => State::Part,
            DONE => State::Done,
            ABANDONED => State::Abandoned,
            _ => State::Garbage,
        }
    }

    #[inline(always)]
    pub(super) fn has(self, flag: Flags) -> bool {
        self.0 & flag.0 != 0
    }

    /// True if no further part of the reply comes.
    pub(super) fn is_last(self) -> bool {
        self.has(Flags::UNANSWERED) || self.has(Flags::LOST)
    }

    /// The server's seat.
    #[inline(always)]
    pub(super) fn seat(self) -> u32 {
        (self.0 >> SEAT & SIX) as u32
    }

    /// The server; `None` for a number that no peer has.
    pub(super) fn server(self) -> Option<PeerId> {
        match self.0 >> PEER & SIX {
            BARE => Some(PeerId::BARE),
            peer => PeerId::new(peer as u32),
        }
    }

    /// How often servers took it, modulo 256.
    pub(super) fn takes(self) -> u32 {
        (self.0 >> TAKES & EIGHT) as u32
    }

    /// Which call of its client it is.
    #[inline(always)]
    pub(super) fn number(self) -> u64 {
        self.0 >> NUMBER
    }

    /// True if both are of one call.
    #[inline(always)]
    pub(super) fn is_of(self, call: Word) -> bool {
        (self.0 ^ call.0) >> NUMBER == 0
    }

    /// How far this call is behind that one: negative for a later one.
    pub(super) fn behind(self, other: Word) -> i64 {
        (other.number().wrapping_sub(self.number()) << NUMBER) as i64
    }

    /// A call of its client's, written.
    #[inline(always)]
    pub(super) fn sent(number: u64, flags: Flags) -> Word {
        Word(number << NUMBER | flags.0 | SENT)
    }

    #[inline(always)]
    fn with_state(self, state: u64) -> Word {
        Word(self.0 & !STATE | state)
    }

    /// The same, taken by a server.
    #[inline(always)]
    pub(super) fn taken(self, seat: u32, owner: Owner) -> Word {
        let peer = match owner.peer() {
            Some(peer) if peer == PeerId::BARE => BARE,
            Some(peer) => u64::from(peer.get()),
            None => 0,
        };
        let takes = (self.0 >> TAKES).wrapping_add(1) & EIGHT;
        let keep = self.0 & !(SIX << SEAT | SIX << PEER | EIGHT << TAKES | STATE);
        Word(keep | u64::from(seat) << SEAT | peer << PEER | takes << TAKES | TAKEN)
    }

    /// The same, its server's again.
    pub(super) fn as_taken(self) -> Word {
        self.with_state(TAKEN)
    }

    /// The same, whichever server takes it next.
    pub(super) fn as_sent(self) -> Word {
        self.with_state(SENT)
    }

    /// The same, with a part of the reply.
    pub(super) fn as_part(self) -> Word {
        self.with_state(PART)
    }

    /// The same, with its reply.
    #[inline(always)]
    pub(super) fn as_done(self) -> Word {
        self.with_state(DONE)
    }

    /// The same, given up.
    pub(super) fn as_abandoned(self) -> Word {
        self.with_state(ABANDONED)
    }

    /// The same, of which one more thing is said.
    pub(super) fn with(self, flag: Flags) -> Word {
        Word(self.0 | flag.0)
    }

    /// Nobody's call, behind this one.
    #[inline(always)]
    pub(super) fn as_free(self) -> Word {
        Word(self.0 >> NUMBER << NUMBER | FREE)
    }
}

impl core::ops::BitOr for Flags {
    type Output = Flags;
    fn bitor(self, other: Flags) -> Flags {
        Flags(self.0 | other.0)
    }
}

#[cfg(all(test, not(ringpad_loom)))]
mod tests {
    use super::*;

    fn owner(peer: u32) -> Owner {
        Owner::of(PeerId::new(peer).unwrap(), 1)
    }

    #[test]
    fn a_word_says_what_was_put_in() {
        let most = (1 << NUMBER_BITS) - 1;
        for number in [0, 1, 12345, most] {
            let sent = Word::sent(number, Flags::ONE_WAY | Flags::DEADLINE);
            assert_eq!((sent.state(), sent.number()), (State::Sent, number));
            let taken = sent.taken(63, owner(32));
            for (word, state) in [
                (taken, State::Taken),
                (taken.as_part(), State::Part),
                (taken.as_done(), State::Done),
                (taken.as_abandoned(), State::Abandoned),
                (taken.as_abandoned().as_taken(), State::Taken),
                (taken.as_part().as_sent(), State::Sent),
            ] {
                assert_eq!((word.state(), word.number()), (state, number));
                assert_eq!((word.seat(), word.server()), (63, PeerId::new(32)));
                assert!(word.has(Flags::ONE_WAY) && word.has(Flags::DEADLINE));
                assert!(!word.has(Flags::LOST) && word.with(Flags::LOST).has(Flags::LOST));
            }
            let free = taken.as_free();
            assert_eq!(
                (free.state(), free.number(), free.seat()),
                (State::Free, number, 0)
            );
            assert_eq!(Word(free.0 | 7).state(), State::Garbage);
        }
        let bare = Word::sent(1, Flags::NONE).taken(0, Owner::BARE);
        assert_eq!(bare.server(), Some(PeerId::BARE));
        assert_eq!(Word(DONE).server(), None);
    }

    #[test]
    fn every_taking_of_a_call_has_a_word_of_its_own() {
        let sent = Word::sent(7, Flags::NONE);
        let mut word = sent;
        let mut seen = std::collections::BTreeSet::new();
        for _ in 0..256 {
            word = word.as_sent().taken(3, owner(1));
            assert!(seen.insert(word.0));
            assert!(word.is_of(sent));
        }
        assert!(!seen.insert(word.as_sent().taken(3, owner(1)).0));
    }

    #[test]
    fn calls_are_compared_across_the_wrap() {
        let (last, first) = (
            Word::sent(u64::MAX, Flags::NONE),
            Word::sent(0, Flags::NONE),
        );
        assert!(last.behind(first) > 0 && first.behind(last) < 0);
        assert_eq!(first.behind(first), 0);
        assert!(!last.is_of(first));
    }
}
