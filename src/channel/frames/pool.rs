//! The steps of a pool over its words, whoever takes them.

#![forbid(unsafe_code)]

use super::rules::SEATS;
use super::shape::{FrameLine, FrameShape};
use super::ticket::{Receivers, Ticket};
use super::user::{Refused, Unclaimed};
use super::word::Word;
use crate::channel::party::Name;
use crate::channel::seats::Seats;
use crate::error::{Error, Result};
use crate::memory::layout::Line;
use crate::memory::liveness::Owner;
use crate::memory::order::{OBSERVE, PUBLISH, RECLAIM, RELAXED, RELEASE};
use crate::memory::region::RegionRef;
use crate::memory::span::Span;
use crate::memory::sync::AtomicU32;

/// Exchanges that one view may lose to others: each seat can come and go once in it.
const ATTEMPTS: u32 = 2 * SEATS;

/// An attached pool: everything that its geometry says is private.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pool<'m> {
    pub(super) region: RegionRef<'m>,
    pub(super) frame_bytes: u32,
    pub(super) stride: usize,
    pub(super) receivers: u32,
    pub(super) seats: Seats<'m>,
    /// Who sleeps until a frame is free.
    pub(super) waiters: &'m AtomicU32,
    /// A hint: where the next loan looks first.
    pub(super) next: &'m AtomicU32,
    pub(super) lines: &'m [FrameLine],
    pub(super) bytes: Span<'m>,
}

/// A frame that one seat has.
#[derive(Clone, Copy, Debug)]
pub(super) struct Got<'m> {
    pub(super) index: u32,
    pub(super) frame: &'m FrameShape,
    /// What its word said when it was had.
    pub(super) word: Word,
}

impl<'m> Pool<'m> {
    /// Makes every frame free.
    pub(super) fn init(&self) -> Result<()> {
        self.seats.init()?;
        self.waiters.store(0, RELAXED);
        self.next.store(0, RELAXED);
        for Line(frame) in self.lines {
            frame.word.store(Word::NEW.0, RELAXED);
            frame.reserved.store(0, RELAXED);
            frame.inherited.store(0, RELAXED);
            frame.publisher.store(Owner::FREE, RELAXED);
            frame.set_picture(&Default::default());
        }
        Ok(())
    }

    pub(super) fn count(&self) -> u32 {
        self.lines.len() as u32
    }

    /// The numbers that seats of receivers have.
    pub(super) fn all_receivers(&self) -> Receivers {
        Receivers::first(self.receivers)
    }

    /// Takes a free frame to be written; `None` if each was in use when it was looked at.
    #[inline]
    pub(super) fn loan(&self, bit: u32) -> Option<Got<'m>> {
        let count = self.count();
        let hint = self.next.load(RELAXED);
        let first = if hint < count { hint } else { 0 };
        for index in (first..count).chain(0..first) {
            let Line(frame) = &self.lines[index as usize];
            let found = Word(frame.word.load(RELAXED));
            if !found.is_free() {
                continue;
            }
            let word = found.next(bit);
            // RECLAIM: pairs with RELEASE of everybody who had it before; exchanges between pass it on
            if frame.word.replace(found.0, word.0, RECLAIM).is_ok() {
                self.next.store(index + 1, RELAXED);
                return Some(Got { index, frame, word });
            }
        }
        None
    }

    /// Publishes a loaned frame, for these receivers. Nobody but the loan's holder writes its word.
    #[inline]
    pub(super) fn publish(&self, got: &Got<'_>, me: Owner, whom: Receivers) -> u32 {
        let mask = whom.0 & self.all_receivers().0;
        if mask != 0 {
            got.frame.publisher.store(me, RELAXED);
            got.frame.reserved.store(mask, RELAXED);
        }
        let word = got.word.next(mask);
        got.frame.word.store(word.0, PUBLISH); // PUBLISH: pairs with OBSERVE in view and take
        word.generation()
    }

    /// Gives back a loaned frame unpublished.
    pub(super) fn return_loan(&self, got: &Got<'_>) {
        got.frame.word.store(got.word.next(0).0, RELEASE); // RELEASE: pairs with RECLAIM
    }

    /// The frame of a ticket that could be one.
    #[inline]
    fn frame(&self, ticket: Ticket) -> Result<&'m FrameShape, Refused> {
        let corrupt = |what, found| Refused::Region(Error::Corrupt { what, found });
        let Some(Line(frame)) = self.lines.get(ticket.index as usize) else {
            return Err(corrupt("frame number of a ticket", ticket.index));
        };
        if ticket.len > self.frame_bytes {
            return Err(corrupt("length of a ticket", ticket.len));
        }
        if ticket.generation & 1 != 0 {
            return Err(corrupt("generation of a ticket", ticket.generation));
        }
        Ok(frame)
    }

    /// Adds a seat to those who have the ticket's frame.
    #[inline]
    pub(super) fn view(&self, ticket: Ticket, bit: u32) -> Result<Got<'m>, Refused> {
        let frame = self.frame(ticket)?;
        let index = ticket.index;
        // The frame's first bytes travel while its word does.
        self.bytes.soon_read(index as usize * self.stride);
        // Mostly nobody has it: an exchange that is tried first brings the line once, a look before it twice.
        let mut found = Word::of(ticket.generation, 0);
        for _ in 0..ATTEMPTS {
            if found.generation() != ticket.generation {
                return Err(Refused::Stale);
            }
            if found.pins() & bit != 0 {
                return Err(Refused::AlreadyViewed);
            }
            let word = found.pinned(bit);
            // OBSERVE: pairs with PUBLISH; exchanges between pass it on
            match frame.word.replace(found.0, word.0, OBSERVE) {
                Ok(_) => return Ok(Got { index, frame, word }),
                Err(now) => found = Word(now),
            }
        }
        Err(Refused::Region(Error::Busy))
    }

    /// Takes the ticket's frame, which is reserved for this seat.
    #[inline]
    pub(super) fn take(&self, ticket: Ticket, bit: u32) -> Result<Got<'m>, Refused> {
        let frame = self.frame(ticket)?;
        let index = ticket.index;
        self.bytes.soon_read(index as usize * self.stride);
        let word = Word(frame.word.load(OBSERVE)); // OBSERVE: pairs with PUBLISH; exchanges between pass it on
        if word.generation() != ticket.generation {
            return Err(Refused::Stale);
        }
        if word.pins() & bit == 0 {
            return Err(Refused::NotReserved);
        }
        // From here on the frame stays as it is: only this seat removes its bit.
        if frame.reserved.clear_bits(bit, RELAXED) & bit == 0 {
            return Err(Refused::AlreadyViewed);
        }
        if frame.inherited.load(RELAXED) & bit != 0 {
            frame.inherited.clear_bits(bit, RELAXED);
        }
        Ok(Got { index, frame, word })
    }

    /// Removes a seat from those who have a frame. True if the frame is free now.
    #[inline]
    pub(super) fn unpin(&self, frame: &FrameShape, bit: u32) -> bool {
        // RELEASE: pairs with RECLAIM; a seat's bit goes at one place only, so that nothing but the bit changes.
        let was = Word(frame.word.clear_bits(bit.into(), RELEASE));
        was.pins() == bit && !was.is_loaned()
    }

    /// Drops what is reserved for a seat and was not taken, if `whose` says so of the frame. True if the frame is free now.
    fn drop_reserved(&self, frame: &FrameShape, bit: u32) -> bool {
        // First the reservation: killed between the two, it is a frame that was taken, and the next holder of the seat finds it.
        let had = frame.reserved.clear_bits(bit, RELAXED) & bit != 0;
        frame.inherited.clear_bits(bit, RELAXED);
        had && self.unpin(frame, bit)
    }

    /// What a seat's last holder left, cleaned by whoever holds the seat now. Answers how many frames are free by it.
    pub(super) fn clean(&self, seat: u32) -> u32 {
        let bit = 1 << (seat & 31);
        let keeps = seat < self.receivers;
        let mut freed = 0;
        for Line(frame) in self.lines {
            let found = Word(frame.word.load(OBSERVE)); // OBSERVE: pairs with PUBLISH, for `reserved`
            if found.pins() & bit == 0 {
                continue;
            }
            if found.is_loaned() {
                frame.reserved.store(0, RELAXED);
                frame.inherited.store(0, RELAXED);
                // RELEASE: pairs with RECLAIM; what the dead wrote came with the proof, or with its seat.
                freed += u32::from(
                    frame
                        .word
                        .replace(found.0, found.next(0).0, RELEASE)
                        .is_ok(),
                );
            } else if !keeps {
                freed += u32::from(self.unpin(frame, bit));
            } else if frame.reserved.load(RELAXED) & bit == 0 {
                // First the mark: killed between the two, it is still a frame that was taken.
                frame.inherited.set_bits(bit, RELAXED);
                frame.reserved.set_bits(bit, RELAXED);
            }
        }
        freed
    }

    /// Drops everything that a receiver's seat has, which the caller holds.
    pub(super) fn drop_all(&self, seat: u32) -> u32 {
        let bit = 1 << (seat & 31);
        let mut freed = self.clean(seat);
        for Line(frame) in self.lines {
            let found = Word(frame.word.load(OBSERVE)); // OBSERVE: pairs with PUBLISH, for `reserved`
            if found.pins() & bit != 0 && !found.is_loaned() {
                freed += u32::from(self.drop_reserved(frame, bit));
            }
        }
        freed
    }

    /// Frees the seats of the dead. Answers how many seats, and how many frames are free by it.
    pub(super) fn mend(&self, name: &Name<'_>) -> (u32, u32) {
        let mut freed = 0;
        let seats = self.seats.mend(name, |seat| freed += self.clean(seat));
        (seats, freed)
    }

    /// Who of those who reserved frames for this seat is dead.
    pub(super) fn unclaimed(&self, seat: u32, name: &Name<'_>) -> Unclaimed {
        let bit = 1 << (seat & 31);
        let mut dead = Unclaimed::of(seat);
        for Line(frame) in self.lines {
            let found = Word(frame.word.load(OBSERVE)); // OBSERVE: pairs with PUBLISH, for `reserved` and `publisher`
            if found.is_loaned() || found.pins() & bit == 0 {
                continue;
            }
            let whose = frame.publisher.load(RELAXED);
            if frame.reserved.load(RELAXED) & bit != 0
                && !dead.contains(whose)
                && name.court.is_dead(whose)
            {
                dead.add(whose);
            }
        }
        dead
    }

    /// Drops what those reserved for this seat, and what its last holder had taken. Answers how many frames the seat had so, and whether one is
    /// free now.
    pub(super) fn release_unclaimed(&self, seat: u32, dead: &Unclaimed) -> (u32, bool) {
        let bit = 1 << (seat & 31);
        let (mut dropped, mut freed) = (0, false);
        for Line(frame) in self.lines {
            let found = Word(frame.word.load(OBSERVE)); // OBSERVE: pairs with PUBLISH, for `reserved` and `publisher`
            if found.is_loaned() || found.pins() & bit == 0 {
                continue;
            }
            let is_reserved = frame.reserved.load(RELAXED) & bit != 0;
            let is_old = frame.inherited.load(RELAXED) & bit != 0;
            if is_reserved && (is_old || dead.contains(frame.publisher.load(RELAXED))) {
                freed |= self.drop_reserved(frame, bit);
                dropped += 1;
            }
        }
        (dropped, freed)
    }

    /// Takes back what was published and not sent: of these receivers, for whom. And whether the frame is free now.
    pub(super) fn recall(
        &self,
        ticket: Ticket,
        whom: Receivers,
        me: Owner,
    ) -> Result<(Receivers, bool), Refused> {
        let frame = self.frame(ticket)?;
        let found = Word(frame.word.load(OBSERVE)); // OBSERVE: pairs with PUBLISH, for `publisher`
        if found.generation() != ticket.generation || frame.publisher.load(RELAXED) != me {
            return Err(Refused::Stale);
        }
        let (mut had, mut freed) = (Receivers::NONE, false);
        for number in (0..self.receivers).filter(|number| whom.contains(*number)) {
            let bit = 1 << number;
            if frame.reserved.clear_bits(bit, RELAXED) & bit != 0 {
                had = had.with(number);
                freed |= self.unpin(frame, bit);
            }
        }
        Ok((had, freed))
    }

    /// Frames that nobody has, when each was looked at.
    pub(super) fn free(&self) -> u32 {
        let free = |Line(frame): &&FrameLine| Word(frame.word.load(RELAXED)).is_free();
        self.lines.iter().filter(free).count() as u32
    }
}
