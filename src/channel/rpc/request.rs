//! A request that a server has taken.

#![forbid(unsafe_code)]

use core::fmt;
use core::marker::PhantomData;

use super::call::CallId;
use super::server::Rack;
use super::shape::CallSlot;
use super::word::{Flags, Word};
use crate::channel::stamp::{Content, TooLong};
use crate::memory::Pod;
use crate::memory::liveness::PeerId;
use crate::memory::order::{PUBLISH, RECLAIM, RELAXED, RELEASE};
use crate::segment::doorbell::{Silent, Wake};

/// Why a reply, or a part of one, did not go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unsent {
    /// The caller has given the call up, or died.
    Late,
    /// The caller has not yet taken the part before.
    Full,
    /// The reply has more bytes than the table was made for.
    TooLong(TooLong),
}

impl fmt::Display for Unsent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unsent::Late => f.write_str("the caller has given the call up"),
            Unsent::Full => f.write_str("the caller has not yet taken the part before"),
            Unsent::TooLong(why) => why.fmt(f),
        }
    }
}

impl core::error::Error for Unsent {}

/// A request that a server has taken. Dropping it without a reply tells the caller that there is none.
#[derive(Debug)]
#[must_use = "dropping it tells the caller that there is no reply"]
pub struct Request<'s, 'p, Q: ?Sized, A: ?Sized, W: Wake = Silent> {
    rack: &'s Rack<'p, W>,
    index: u32,
    /// As it was taken.
    mine: Word,
    /// Parts of the reply that were written: more than there are numbers for them.
    pub(super) parts: u64,
    /// It has been answered.
    over: bool,
    of: PhantomData<fn(&Q, &A)>,
}

impl<'s, 'p, Q: ?Sized, A: ?Sized, W: Wake> Request<'s, 'p, Q, A, W> {
    #[inline(always)]
    pub(super) fn new(rack: &'s Rack<'p, W>, index: u32, mine: Word) -> Self {
        Self {
            rack,
            index,
            mine,
            parts: 0,
            over: false,
            of: PhantomData,
        }
    }

    #[inline(always)]
    fn slot(&self) -> CallSlot<'p> {
        self.rack.desk().calls.slot(self.index)
    }

    #[inline(always)]
    fn place(&self) -> (u32, u32) {
        self.rack.desk().calls.place(self.index)
    }

    /// Which call it is: what its caller's call says, too.
    pub fn id(&self) -> CallId {
        CallId {
            client: self.place().0,
            number: self.mine.number(),
        }
    }

    /// Who holds the caller's seat: whoever called, unless it has died or left since.
    pub fn client(&self) -> Option<PeerId> {
        let desk = self.rack.desk();
        desk.calls.seats.owner(self.place().0).peer()
    }

    /// By when the caller wants its reply, in nanoseconds of a clock that both know; `None` if it did not say.
    pub fn deadline_ns(&self) -> Option<u64> {
        let said = self.mine.has(Flags::DEADLINE);
        said.then(|| self.slot().deadline_ns())
    }

    /// True if nobody waits for a reply.
    pub fn is_one_way(&self) -> bool {
        self.mine.has(Flags::ONE_WAY)
    }

    /// True if a server had it before and died: of an idempotent service. Takings are counted modulo 256.
    pub fn is_again(&self) -> bool {
        self.mine.takes() > 1
    }

    /// True if the caller has given the call up.
    pub fn is_cancelled(&self) -> bool {
        // RELAXED: a hint; what ends the call is an exchange.
        let found = Word(self.slot().word().load(RELAXED));
        found == self.mine.as_abandoned()
    }

    /// Ends the call from this side, as `next` says; otherwise as it is found.
    #[inline(always)]
    fn end(&mut self, next: Word) -> Result<(), Unsent> {
        self.over = true;
        let word = self.slot().word();
        // PUBLISH: pairs with OBSERVE of the client. The commit.
        if word.replace(self.mine.0, next.0, PUBLISH).is_ok() {
            self.rack.desk().wake_client(self.place().0);
            return Ok(());
        }
        self.give_back()
    }

    /// Frees the slot of a call that was given up. Of one that is another's by now nothing is touched.
    #[cold]
    fn give_back(&mut self) -> Result<(), Unsent> {
        self.over = true;
        let (abandoned, free) = (self.mine.as_abandoned(), self.mine.as_free());
        // RELEASE: pairs with OBSERVE of the client that uses the slot again.
        let freed = self.slot().word().replace(abandoned.0, free.0, RELEASE);
        if freed.is_ok() {
            self.rack.desk().wake_client(self.place().0);
        }
        Err(Unsent::Late)
    }

    /// Whether the reply's memory is this server's to write.
    fn check_room(&self) -> Result<(), Unsent> {
        if self.parts == 0 {
            return Ok(());
        }
        // RECLAIM: pairs with RELEASE of the client that took the part before.
        match Word(self.slot().word().load(RECLAIM)) {
            found if found == self.mine => Ok(()),
            found if found == self.mine.as_part() => Err(Unsent::Full),
            _ => Err(Unsent::Late),
        }
    }

    /// Sends a part of the reply that `write` puts into the slot.
    fn send_part(&mut self, bytes: usize, write: impl FnOnce(CallSlot<'p>)) -> Result<(), Unsent> {
        if self.over {
            return Err(Unsent::Late);
        }
        if self.is_one_way() {
            return Ok(());
        }
        self.check_room()?;
        let slot = self.slot();
        write(slot);
        slot.set_reply(bytes as u32, self.parts as u32);
        // PUBLISH: pairs with OBSERVE of the client.
        let next = self.mine.as_part();
        if slot.word().replace(self.mine.0, next.0, PUBLISH).is_err() {
            return Err(Unsent::Late);
        }
        self.parts += 1;
        self.rack.desk().wake_client(self.place().0);
        Ok(())
    }

    #[inline(always)]
    fn send_reply(&mut self, write: impl FnOnce(CallSlot<'p>)) -> Result<(), Unsent> {
        if self.over {
            return Err(Unsent::Late);
        }
        if self.is_one_way() {
            self.over = true;
            self.drop_unanswered();
            return Ok(());
        }
        if self.check_room() == Err(Unsent::Full) {
            return Err(Unsent::Full);
        }
        write(self.slot());
        self.end(self.mine.as_done())
    }

    /// Ends without a reply, or without a further part.
    #[cold]
    fn drop_unanswered(&mut self) {
        if self.rack.desk().calls.region.is_forked() {
            return;
        }
        if self.is_one_way() {
            // RELEASE: pairs with OBSERVE of the client that uses the slot again. It fails if the client of a message gave it up: nobody does.
            let free = self.mine.as_free();
            let freed = self.slot().word().replace(self.mine.0, free.0, RELEASE);
            if freed.is_ok() {
                self.rack.desk().wake_client(self.place().0);
            }
            return;
        }
        if self.parts > 0 {
            // The caller has still to take a part: it is the last.
            let (part, last) = (
                self.mine.as_part(),
                self.mine.as_part().with(Flags::UNANSWERED),
            );
            // PUBLISH: pairs with OBSERVE of the client.
            if self.slot().word().replace(part.0, last.0, PUBLISH).is_ok() {
                return self.rack.desk().wake_client(self.place().0);
            }
        }
        let next = self.mine.as_done().with(Flags::UNANSWERED);
        let _ = self.end(next);
    }
}

impl<Q: Pod, A: ?Sized, W: Wake> Request<'_, '_, Q, A, W> {
    /// What is asked. Read it before you answer: behind the answer its memory is the client's, who may ask something else there.
    #[inline]
    pub fn query(&self) -> Q {
        self.slot().request().load_value()
    }
}

impl<A: ?Sized, W: Wake> Request<'_, '_, [u8], A, W> {
    /// Bytes of what is asked.
    pub fn len(&self) -> usize {
        self.slot().request_bytes()
    }

    /// True if nothing is asked.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Copies what is asked; answers how many bytes. Read it before you answer: behind the answer its memory is the client's.
    ///
    /// # Errors
    ///
    /// [`TooLong`] if it has more bytes than `into`; nothing is copied.
    pub fn copy_into(&self, into: &mut [u8]) -> Result<usize, TooLong> {
        let (found, most) = (self.len(), into.len());
        let into = into.get_mut(..found).ok_or(TooLong { found, most })?;
        self.slot().request().load(into);
        Ok(found)
    }
}

impl<'s, 'p, Q: Content + ?Sized, A: Pod, W: Wake> Request<'s, 'p, Q, A, W> {
    /// Answers, or sends the last part of a reply. The reply to a one-way message is dropped.
    ///
    /// # Errors
    ///
    /// [`Unsent::Late`]: the call was given up (or this request answered before); [`Unsent::Full`] until the caller has taken the part before.
    #[inline]
    pub fn reply(&mut self, answer: &A) -> Result<(), Unsent> {
        self.send_reply(|slot| slot.reply().store_value(answer))
    }

    /// Sends a part of a reply: others follow, then [`Request::reply`] with the last, or the request's drop.
    ///
    /// # Errors
    ///
    /// [`Unsent::Full`] until the caller has taken the part before; [`Unsent::Late`]: drop the request.
    pub fn part(&mut self, part: &A) -> Result<(), Unsent> {
        self.send_part(0, |slot| slot.reply().store_value(part))
    }
}

impl<'s, 'p, Q: Content + ?Sized, W: Wake> Request<'s, 'p, Q, [u8], W> {
    /// Most bytes of a reply.
    pub fn most_bytes(&self) -> usize {
        self.rack.desk().calls.terms.reply_bytes as usize
    }

    fn check(&self, found: usize) -> Result<(), Unsent> {
        let most = self.most_bytes();
        if found <= most {
            return Ok(());
        }
        Err(Unsent::TooLong(TooLong { found, most }))
    }

    /// Answers, or sends the last part of a reply. The reply to a one-way message is dropped.
    ///
    /// # Errors
    ///
    /// [`Unsent::Late`]: the call was given up (or this request answered before); [`Unsent::Full`] until the caller has taken the part before;
    /// [`Unsent::TooLong`].
    pub fn reply(&mut self, answer: &[u8]) -> Result<(), Unsent> {
        self.check(answer.len())?;
        let part = self.parts as u32;
        self.send_reply(|slot| {
            slot.reply().store(answer);
            slot.set_reply(answer.len() as u32, part);
        })
    }

    /// Sends a part of a reply: others follow, then [`Request::reply`] with the last, or the request's drop.
    ///
    /// # Errors
    ///
    /// [`Unsent::Full`] until the caller has taken the part before; [`Unsent::Late`]: drop the request; [`Unsent::TooLong`].
    pub fn part(&mut self, part: &[u8]) -> Result<(), Unsent> {
        self.check(part.len())?;
        self.send_part(part.len(), |slot| slot.reply().store(part))
    }
}

impl<Q: ?Sized, A: ?Sized, W: Wake> Drop for Request<'_, '_, Q, A, W> {
    #[inline]
    fn drop(&mut self) {
        if !self.over {
            self.drop_unanswered();
        }
    }
}
