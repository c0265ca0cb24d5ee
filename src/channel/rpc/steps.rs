//! The steps that change a call's word besides those of its own client and server: giving up, mending, telling.

#![forbid(unsafe_code)]

use super::config::{MOST_SEATS, Terms};
use super::shape::Calls;
use super::word::{Flags, State, Word};
use crate::channel::party::Name;
use crate::error::Result;
use crate::memory::liveness::Owner;
use crate::memory::order::{CLAIM, OBSERVE, PUBLISH, RELAXED, RELEASE};
use crate::memory::region::RegionRef;
use crate::segment::claim::Court;
use crate::segment::reaped::{Pass, Reaped};

/// Times that one step is tried again while others change the same word.
const TRIES: u32 = if cfg!(ringpad_loom) { 4 } else { 16 };

/// What came of giving up a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Left {
    /// It is free: its client's.
    Free(Word),
    /// A server has it, or a message that nobody waits for is still in it.
    Busy(Word),
}

/// Whom to tell of what changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Mended {
    /// Calls that ended or began anew because somebody was gone.
    pub(crate) calls: u32,
    /// There are calls to be served, or given up while they are.
    pub(super) sent: bool,
    /// A bit each client of which a call ended.
    pub(super) ended: u64,
}

impl Mended {
    /// Everyone, if seats of the dead were given back: whether those rang for what they did last, nobody can say.
    pub(super) fn tell_all_if(&mut self, any: bool) {
        if any {
            self.sent = true;
            self.ended = u64::MAX;
        }
    }

    /// As passes count it.
    pub(super) fn counted(&self, ends: u32) -> Reaped {
        Reaped {
            ends,
            calls: self.calls,
            ..Reaped::default()
        }
    }
}

/// What becomes of a call whose server is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// Another server takes it.
    Again(Word),
    /// Its client has to be told.
    Ended(Word),
    /// Nobody is waiting.
    Free(Word),
}

impl Calls<'_> {
    /// What becomes of a call of this word if its server is gone; `None` if it is no server's.
    fn fate(&self, word: Word) -> Option<Fate> {
        let one_way = word.has(Flags::ONE_WAY);
        match word.state() {
            State::Taken if self.terms.idempotent => Some(Fate::Again(word.as_sent())),
            State::Taken if one_way => Some(Fate::Free(word.as_free())),
            State::Taken => Some(Fate::Ended(word.as_done().with(Flags::LOST))),
            // No further part comes: its client's already.
            State::Part if word.is_last() => None,
            State::Part if self.terms.idempotent => Some(Fate::Again(word.as_sent())),
            State::Part => Some(Fate::Ended(word.with(Flags::LOST))),
            State::Abandoned => Some(Fate::Free(word.as_free())),
            _ => None,
        }
    }

    /// Takes a call from a server that is gone: by proof, or because its seat is the caller's now. Answers the word that it left, unless it
    /// changed meanwhile.
    pub(super) fn mend(&self, index: u32, found: Word, mended: &mut Mended) -> Option<Word> {
        let (client, slot) = self.place(index);
        let fate = self.fate(found)?;
        let (Fate::Again(next) | Fate::Ended(next) | Fate::Free(next)) = fate;
        // RELEASE: pairs with OBSERVE of the client and CLAIM of the next server: what the dead one read and wrote here is before what they do.
        let word = self.slot(index).word();
        word.replace(found.0, next.0, RELEASE).ok()?;
        mended.calls += 1;
        match fate {
            Fate::Again(_) => {
                self.tell(client, slot);
                mended.sent = true;
            }
            Fate::Ended(_) | Fate::Free(_) => mended.ended |= 1 << (client & 63),
        }
        Some(next)
    }

    /// True if the server that took a call of this word is gone. The word was found before, by an acquire: so the claim that is looked
    /// at now is that server's, or a later one; and a server that leaves leaves nothing.
    pub(super) fn is_lost(&self, found: Word, court: &Court<'_>) -> bool {
        let seat = found.seat();
        seat < self.terms.servers && self.seats.is_gone(self.terms.clients + seat, court)
    }

    /// Says that a slot has a call to be served.
    #[inline(always)]
    pub(super) fn tell(&self, client: u32, slot: u32) {
        if let Ok(sent) = self.sent(client) {
            // PUBLISH: pairs with OBSERVE of the server that clears it, which then finds the slot sent.
            sent.set_bits(1 << (slot & 31), PUBLISH);
        }
    }

    /// Says so again of a slot whose call is sent and not said to be: a server died between the two. True if it was so.
    pub(super) fn tell_again(&self, index: u32) -> bool {
        let (client, slot) = self.place(index);
        let said = self.sent(client).map(|sent| sent.load(RELAXED));
        let lost = said.is_ok_and(|said| said >> (slot & 31) & 1 == 0);
        if lost {
            self.tell(client, slot);
        }
        lost
    }

    /// Ends the call in a slot from its client's side, whatever it has come to; a one-way message stays until it is served. `may` says whether
    /// the call is the caller's to end, and is asked behind every look at the word.
    pub(super) fn give_up(
        &self,
        index: u32,
        court: &Court<'_>,
        mended: &mut Mended,
        may: impl Fn() -> bool,
    ) -> Left {
        let word = self.slot(index).word();
        // OBSERVE: pairs with RELEASE of whoever freed it, and with PUBLISH of the server: what they read here is read.
        let mut found = Word(word.load(OBSERVE));
        for _ in 0..TRIES {
            if !may() {
                break;
            }
            let next = match found.state() {
                State::Free => return Left::Free(found),
                State::Sent if found.has(Flags::ONE_WAY) => {
                    mended.sent |= self.tell_again(index);
                    return Left::Busy(found);
                }
                State::Taken if found.has(Flags::ONE_WAY) => {
                    if !self.is_lost(found, court) {
                        return Left::Busy(found);
                    }
                    let next = self.mend(index, found, mended);
                    found = next.unwrap_or_else(|| Word(word.load(OBSERVE))); // OBSERVE: as above
                    continue;
                }
                State::Sent | State::Done => found.as_free(),
                State::Part if found.is_last() => found.as_free(),
                State::Taken | State::Part => found.as_abandoned(),
                State::Abandoned if self.is_lost(found, court) => found.as_free(),
                State::Abandoned | State::Garbage => return Left::Busy(found),
            };
            // RELEASE: pairs with OBSERVE of the seat's next holder: what a dead server wrote here, which whoever ends its call had proof of, is before
            // what the next call's does.
            match word.replace(found.0, next.0, RELEASE) {
                Ok(_) if next.state() == State::Abandoned => {
                    mended.calls += 1;
                    // Its server may sleep until there is room for the next part.
                    mended.sent = true;
                    return Left::Busy(next);
                }
                Ok(_) => {
                    mended.calls += 1;
                    found = next;
                }
                Err(_) => found = Word(word.load(OBSERVE)), // OBSERVE: as above
            }
        }
        Left::Busy(found)
    }

    /// Takes the call that was found in a slot for a server, if it is still sent.
    #[inline(always)]
    pub(super) fn take(&self, index: u32, found: Word, seat: u32, name: &Name<'_>) -> Option<Word> {
        let word = self.slot(index).word();
        if found.state() != State::Sent {
            return None;
        }
        let mine = found.taken(seat, name.me);
        // CLAIM: pairs with PUBLISH of the client, RELEASE of whoever mended it, and OBSERVE of whoever asks whether this server lives
        word.replace(found.0, mine.0, CLAIM).ok()?;
        Some(mine)
    }

    /// Ends whatever is left in the slots of a client's seat, for whoever holds the seat.
    fn clean_client(&self, client: u32, court: &Court<'_>, mended: &mut Mended) {
        for slot in 0..self.terms.depth {
            self.give_up(self.index(client, slot), court, mended, || true);
        }
    }

    /// Takes from a server's seat what it still has, for whoever holds the seat; and says again which calls are sent.
    fn clean_server(&self, seat: u32, mended: &mut Mended) {
        for index in 0..self.count() {
            for _ in 0..TRIES {
                // OBSERVE: pairs with CLAIM of the server: whoever holds the seat has the claim behind it.
                let found = Word(self.slot(index).word().load(OBSERVE));
                if found.state() == State::Sent {
                    mended.sent |= self.tell_again(index);
                }
                // A client may take a part, or give up, meanwhile: the call stays this seat's.
                let is_here = found.seat() == seat && self.fate(found).is_some();
                if !is_here || self.mend(index, found, mended).is_some() {
                    break;
                }
            }
        }
    }

    /// Cleans what the last holder of a seat left, for whoever holds it now.
    pub(super) fn clean(&self, seat: u32, court: &Court<'_>, mended: &mut Mended) {
        match seat.checked_sub(self.terms.clients) {
            None => self.clean_client(seat, court, mended),
            Some(server) => self.clean_server(server, mended),
        }
    }

    /// Gives back the seats of the dead, and what they had open. Answers how many seats.
    ///
    /// It holds none of them meanwhile, so that no successor is refused a seat because of it: each step is an exchange from the very word that the gone
    /// one left, and a seat that was freed before all of them were found still tells of a holder that is gone.
    pub(crate) fn mend_all(&self, name: &Name<'_>, mended: &mut Mended) -> u32 {
        let court = &name.court;
        let Terms {
            clients, servers, ..
        } = self.terms;
        // Found before anything is looked at: of one that dies meanwhile a part may have been passed by, so that its seat is the next pass's.
        let mut dead = [Owner::FREE; 2 * MOST_SEATS as usize];
        for (seat, dead) in (0..clients + servers).zip(&mut dead) {
            *dead = self.seats.dead(seat, court).unwrap_or(Owner::FREE);
        }
        let dead = (0..).zip(dead).filter(|(_, owner)| *owner != Owner::FREE);
        if dead.clone().next().is_none() {
            return 0;
        }
        for index in 0..self.count() {
            self.mend_lost(index, court, mended);
            let (client, _) = self.place(index);
            let gone = || self.seats.is_gone(client, court);
            if gone() {
                self.give_up(index, court, mended, gone);
            }
        }
        dead.map(|(seat, owner)| u32::from(self.seats.release(seat, owner)))
            .sum()
    }

    /// Mends a call whose server is gone.
    fn mend_lost(&self, index: u32, court: &Court<'_>, mended: &mut Mended) {
        for _ in 0..TRIES {
            // OBSERVE: pairs with CLAIM of the server: see is_lost
            let found = Word(self.slot(index).word().load(OBSERVE));
            if found.state() == State::Sent {
                mended.sent |= self.tell_again(index);
            }
            let lost = self.fate(found).is_some() && self.is_lost(found, court);
            if !lost || self.mend(index, found, mended).is_some() {
                break;
            }
        }
    }
}

/// Gives back what the dead held of the table in this region.
pub(crate) fn reap(region: RegionRef<'_>, pass: &mut Pass<'_>) -> Result<()> {
    let (calls, _) = Calls::attach(region)?;
    let name = Name {
        me: pass.me,
        court: pass.court,
    };
    let mut mended = Mended::default();
    let seats = calls.mend_all(&name, &mut mended);
    mended.tell_all_if(seats > 0);
    pass.found += mended.counted(seats);
    pass.forget_sleepers(calls.call_waiters);
    if mended.sent {
        pass.wake(calls.call_waiters);
    }
    for client in 0..calls.terms.clients {
        let waiters = calls.reply_waiters(client)?;
        pass.forget_sleepers(waiters);
        if mended.ended >> client & 1 != 0 {
            pass.wake(waiters);
        }
    }
    Ok(())
}
