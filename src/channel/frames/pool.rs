//! The steps of a pool over its words, whoever takes them.

#![forbid(unsafe_code)]

use super::rules::SEATS;
use super::shape::{FrameLine, FrameShape};
use super::ticket::{Receivers, Ticket};
use super::user::{Refused, Unclaimed};
use super::word::{Reservation, Word};
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
            frame.publisher.store(Owner::FREE, RELAXED);
            frame.set_picture(&Default::default());
        }
        Ok(())
    }

    /// Where in this process the pool lies: no other lies there while it has users.
    pub(super) fn place(&self) -> usize {
        self.lines.as_ptr().addr()
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
    pub(super) fn publish(&self, got: &Got<'_>, me: Owner, whom: Receivers) -> Word {
        let mask = whom.0 & self.all_receivers().0;
        let word = got.word.next(mask);
        if mask != 0 {
            let reserved = Reservation::of(word.generation(), mask);
            got.frame.reserved.store(reserved.0, RELAXED);
            got.frame.publisher.store(me, PUBLISH); // PUBLISH: pairs with FOUND, for whoever finds it before the frame's word
        }
        got.frame.word.store(word.0, PUBLISH); // PUBLISH: pairs with OBSERVE in view and take
        word
    }

    /// Gives back a loaned frame unpublished.
    #[inline]
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
        // Whoever has the reservation has the frame: the seat's bit goes after it, and nobody else removes that.
        match self.unreserve(frame, ticket.generation, bit)? {
            true => Ok(Got { index, frame, word }),
            false => Err(Refused::AlreadyViewed),
        }
    }

    /// Removes a seat from those who have a frame. True if the frame is free now.
    #[inline]
    pub(super) fn unpin(&self, frame: &FrameShape, bit: u32) -> bool {
        // RELEASE: pairs with RECLAIM; a seat's bit goes at one place only, so that nothing but the bit changes.
        let was = Word(frame.word.clear_bits(bit.into(), RELEASE));
        was.pins() == bit && !was.is_loaned()
    }

    /// Changes what a frame says of its reservations, in this generation, as long as there is something to change. False if there is not.
    #[inline]
    fn change(
        &self,
        frame: &FrameShape,
        change: impl Fn(Reservation) -> Option<Reservation>,
    ) -> Result<bool> {
        let mut found = Reservation(frame.reserved.load(RELAXED));
        for _ in 0..ATTEMPTS {
            let Some(new) = change(found) else {
                return Ok(false);
            };
            // RELAXED: the frame's word orders everything; the generation in this one says of which frame it speaks.
            match frame.reserved.replace(found.0, new.0, RELAXED) {
                Ok(_) => return Ok(true),
                Err(now) => found = Reservation(now),
            }
        }
        Err(Error::Busy)
    }

    /// Ends a receiver's reservation. False if it has none in this generation: one caller alone hears true.
    #[inline]
    fn unreserve(&self, frame: &FrameShape, generation: u32, bit: u32) -> Result<bool> {
        self.change(frame, |found| {
            found.has(generation, bit).then(|| found.without(bit))
        })
    }

    /// Drops what is reserved for a seat and was not taken. True if the frame is free now.
    fn drop_reserved(&self, frame: &FrameShape, generation: u32, bit: u32) -> bool {
        // First the reservation: killed between the two, it is a frame that was taken, and the next holder of the seat finds it.
        matches!(self.unreserve(frame, generation, bit), Ok(true)) && self.unpin(frame, bit)
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
                // Past what it may have reserved for the publication that it did not come to.
                let free = Word::of(found.generation().wrapping_add(3), 0);
                // Nor is it reserved when generations come round.
                frame.reserved.store(0, RELAXED);
                // RELEASE: pairs with RECLAIM; what the dead wrote came with the proof, or with its seat.
                freed += u32::from(frame.word.replace(found.0, free.0, RELEASE).is_ok());
            } else if !keeps {
                freed += u32::from(self.unpin(frame, bit));
            } else {
                // Had and not reserved: taken by the last holder, who may have removed the ticket.
                let generation = found.generation();
                let _ = self.change(frame, |found| {
                    (!found.has(generation, bit)).then(|| found.with_old(generation, bit))
                });
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
                freed += u32::from(self.drop_reserved(frame, found.generation(), bit));
            }
        }
        freed
    }

    /// Frees the seats of the dead. Answers how many seats, and how many frames are free by it.
    ///
    /// Seats of receivers are never taken for it: a successor must not find a mender there. What such a one had to read is the successor's.
    pub(super) fn mend(&self, name: &Name<'_>) -> (u32, u32) {
        let dead = |seat: &u32| {
            let dead = self.seats.dead(*seat, &name.court);
            dead.is_some_and(|dead| self.seats.release(*seat, dead))
        };
        let receivers = (0..self.receivers).filter(dead).count() as u32;
        let (mut freed, others) = (0, self.receivers..SEATS);
        let users = self
            .seats
            .mend(others, name, |seat| freed += self.clean(seat));
        (receivers + users, freed)
    }

    /// Who of those who reserved frames for this seat is dead.
    pub(super) fn unclaimed(&self, seat: u32, name: &Name<'_>) -> Unclaimed {
        let bit = 1 << (seat & 31);
        let mut dead = Unclaimed::of(self, seat);
        // The last who is not, so that a living publisher is asked about once and not once a frame.
        let mut other = Owner::FREE;
        for Line(frame) in self.lines {
            let found = Word(frame.word.load(OBSERVE)); // OBSERVE: pairs with PUBLISH, for `reserved` and `publisher`
            if found.is_loaned() || found.pins() & bit == 0 {
                continue;
            }
            let whose = frame.publisher.load(RELAXED);
            let reserved = Reservation(frame.reserved.load(RELAXED));
            if whose == other || !reserved.has(found.generation(), bit) || dead.contains(whose) {
                continue;
            }
            match name.court.is_dead(whose) {
                true => dead.add(whose),
                false => other = whose,
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
            let (generation, reserved) = (found.generation(), frame.reserved.load(RELAXED));
            let reserved = Reservation(reserved);
            let is_reserved = reserved.has(generation, bit);
            // A publisher of a later generation comes with a reservation of that one, and then nothing is dropped.
            if is_reserved && (reserved.is_old(bit) || dead.contains(frame.publisher.load(RELAXED)))
            {
                if let Ok(true) = self.unreserve(frame, generation, bit) {
                    freed |= self.unpin(frame, bit);
                    dropped += 1;
                }
            }
        }
        (dropped, freed)
    }

    /// Says that the ticket will not come to these receivers. Answers for whom it was still reserved.
    pub(super) fn recall(
        &self,
        ticket: Ticket,
        whom: Receivers,
        me: Owner,
    ) -> Result<Receivers, Refused> {
        let frame = self.frame(ticket)?;
        let generation = ticket.generation;
        let found = Word(frame.word.load(OBSERVE)); // OBSERVE: pairs with PUBLISH, for `publisher`
        if found.generation() != generation || frame.publisher.load(RELAXED) != me {
            return Err(Refused::Stale);
        }
        let mut had = Receivers::NONE;
        for number in (0..self.receivers).filter(|number| whom.contains(*number)) {
            let bit = 1 << number;
            // Each receiver drops it by itself: nobody removes the bit of a seat that somebody else holds.
            let is_marked = self.change(frame, |found| {
                (found.among(generation, bit) != 0).then(|| found.with_old(generation, bit))
            })?;
            if is_marked {
                had = had.with(number);
            }
        }
        Ok(had)
    }

    /// Frames that nobody has, when each was looked at.
    pub(super) fn free(&self) -> u32 {
        let free = |Line(frame): &&FrameLine| Word(frame.word.load(RELAXED)).is_free();
        self.lines.iter().filter(free).count() as u32
    }
}
