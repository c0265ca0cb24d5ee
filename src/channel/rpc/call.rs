//! A call: what its caller polls.

#![forbid(unsafe_code)]

use core::marker::PhantomData;

use super::client::Stub;
use super::shape::CallSlot;
use super::steps::{Left, Mended};
use super::word::{Flags, State, Word};
use crate::channel::stamp::TooLong;
use crate::memory::Pod;
use crate::memory::liveness::PeerId;
use crate::memory::order::{OBSERVE, RELAXED, RELEASE};
use crate::segment::doorbell::{Bell, Silent, Wake};

/// Looks before the first question whether the server lives; then twice as many, up to `SELDOM`.
const PATIENCE: u32 = 64;
const SELDOM: u32 = 1024;

/// Which call: of one client's the numbers grow, and of one table's none comes again for 2^36 calls of that client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CallId {
    /// The client's seat.
    pub client: u32,
    /// The call's number among its client's.
    pub number: u64,
}

/// What has become of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
#[non_exhaustive]
pub enum Poll<A> {
    /// No reply yet.
    Pending,
    /// A part of the reply; there may be more. It comes once.
    Part {
        /// Which, from 0, modulo 2^32. Where a service is idempotent, parts begin anew at 0 if their server dies.
        number: u32,
        /// The part.
        value: A,
    },
    /// The reply, or its last part. The call has ended.
    Ready(A),
    /// The server died (or left and forgot the request), and whether it did what was asked nobody can say. The call has ended.
    PeerDied {
        /// Who.
        by: PeerId,
    },
    /// The server dropped the request, or ended a reply of several parts. The call has ended.
    Unanswered,
    /// The reply has more bytes than the caller takes; it is still there.
    TooLong(TooLong),
    /// The slot holds what no correct peer writes. The call has ended.
    Corrupt,
    /// The call had ended before.
    Over,
}

/// A call that was made. Dropping it gives it up: its reply, if one comes, is dropped.
#[derive(Debug)]
#[must_use = "dropping it gives the call up"]
pub struct Call<'c, 'p, A: ?Sized, W: Wake = Silent> {
    stub: &'c Stub<'p, W>,
    slot: u32,
    /// As it was sent.
    sent: Word,
    over: bool,
    /// Looks that brought nothing.
    looks: u32,
    /// At which of them to ask whether the server lives.
    ask_at: u32,
    of: PhantomData<fn(&A)>,
}

impl<'c, 'p, A: ?Sized, W: Wake> Call<'c, 'p, A, W> {
    #[inline(always)]
    pub(super) fn new(stub: &'c Stub<'p, W>, slot: u32, sent: Word) -> Self {
        Self {
            stub,
            slot,
            sent,
            over: false,
            looks: 0,
            ask_at: PATIENCE,
            of: PhantomData,
        }
    }

    /// Which call it is: what its server's request says, too.
    pub fn id(&self) -> CallId {
        CallId {
            client: self.stub.desk().number(),
            number: self.sent.number(),
        }
    }

    /// What to wait at for the reply, and for those of all this client's calls. A server's death rings nobody: look at every death and every tick.
    pub fn bell(&self) -> Bell<'p, W::Keep> {
        self.stub.desk().bell()
    }

    /// Gives the call up, as dropping it does. A server that has taken it is told so, if it asks.
    pub fn cancel(self) {}

    /// True if the call has ended, so that its slot is free for another.
    pub fn is_over(&self) -> bool {
        self.over
    }

    #[inline(always)]
    fn poll_with<T>(
        &mut self,
        read: impl Fn(CallSlot<'p>) -> Result<T, TooLong>,
        ask: bool,
    ) -> Poll<T> {
        if self.over {
            return Poll::Over;
        }
        let slot = self.stub.slot(self.slot);
        // OBSERVE: pairs with PUBLISH of the server, and with its CLAIM: see is_lost
        let found = Word(slot.word().load(OBSERVE));
        if !found.is_of(self.sent) {
            return self.corrupt();
        }
        match found.state() {
            State::Done if !found.is_last() => match read(slot) {
                Ok(value) => {
                    self.end(slot, found);
                    Poll::Ready(value)
                }
                Err(why) => Poll::TooLong(why),
            },
            State::Done => self.ended(slot, found),
            State::Part => self.part(slot, found, read),
            State::Sent | State::Taken => {
                self.looks = self.looks.wrapping_add(1);
                if ask || self.looks == self.ask_at {
                    self.ask(found);
                }
                Poll::Pending
            }
            _ => self.corrupt(),
        }
    }

    /// Gives the slot back behind a call that has ended.
    #[inline(always)]
    fn end(&mut self, slot: CallSlot<'p>, found: Word) {
        // RELAXED: a call that ended is its client's alone, whose next one is behind it.
        slot.word().store(found.as_free().0, RELAXED);
        self.over = true;
        self.stub.ended(self.slot);
    }

    #[cold]
    fn ended<T>(&mut self, slot: CallSlot<'p>, found: Word) -> Poll<T> {
        self.end(slot, found);
        match found.server() {
            Some(by) if found.has(Flags::LOST) => Poll::PeerDied { by },
            _ => Poll::Unanswered,
        }
    }

    #[cold]
    fn corrupt<T>(&mut self) -> Poll<T> {
        self.over = true;
        self.stub.leave(self.slot);
        Poll::Corrupt
    }

    /// Takes a part of the reply, and lets the server write the next one.
    fn part<T>(
        &mut self,
        slot: CallSlot<'p>,
        found: Word,
        read: impl Fn(CallSlot<'p>) -> Result<T, TooLong>,
    ) -> Poll<T> {
        let value = match read(slot) {
            Ok(value) => value,
            Err(why) => return Poll::TooLong(why),
        };
        let (_, number) = slot.reply_said();
        let next = match found.is_last() {
            true => found.as_done(),
            false => found.as_taken(),
        };
        // RELEASE: pairs with RECLAIM of the server that writes the next part. It fails if the server is gone: then what was read may be of
        // another, and the next look says what became of the call.
        if slot.word().replace(found.0, next.0, RELEASE).is_err() {
            return Poll::Pending;
        }
        let desk = self.stub.desk();
        desk.wake(desk.calls.call_waiters);
        Poll::Part { number, value }
    }

    /// Asks whether the server lives, or of a call that none has taken, whether it is said to be there.
    #[cold]
    #[inline(never)]
    fn ask(&mut self, found: Word) {
        self.ask_at = self.looks.wrapping_add(self.looks.clamp(PATIENCE, SELDOM));
        let (index, desk) = (self.stub.index(self.slot), self.stub.desk());
        let mut mended = Mended::default();
        if found.state() == State::Sent {
            mended.sent = desk.calls.tell_again(index);
        } else if desk.calls.is_lost(found, &desk.name.court) {
            desk.calls.mend(index, found, &mut mended);
        }
        desk.mended(&mended);
    }
}

impl<A: Pod, W: Wake> Call<'_, '_, A, W> {
    /// Looks whether there is a reply. Every so often it asks whether the server lives.
    #[inline]
    pub fn poll(&mut self) -> Poll<A> {
        self.poll_with(|slot| Ok(slot.reply().load_value()), false)
    }

    /// As [`Call::poll`], and asks whether the server lives, which may be a system call: for who looks seldom.
    pub fn poll_and_ask(&mut self) -> Poll<A> {
        match self.poll_with(|slot| Ok(slot.reply().load_value()), true) {
            // It may have ended just now.
            Poll::Pending => self.poll(),
            found => found,
        }
    }
}

impl<W: Wake> Call<'_, '_, [u8], W> {
    /// Looks whether there is a reply, and copies it; answers how many bytes. Every so often it asks whether the server lives.
    pub fn poll_into(&mut self, into: &mut [u8]) -> Poll<usize> {
        self.poll_bytes(into, false)
    }

    /// As [`Call::poll_into`], and asks whether the server lives, which may be a system call: for who looks seldom.
    pub fn poll_into_and_ask(&mut self, into: &mut [u8]) -> Poll<usize> {
        match self.poll_bytes(into, true) {
            Poll::Pending => self.poll_bytes(into, false),
            found => found,
        }
    }

    fn poll_bytes(&mut self, into: &mut [u8], ask: bool) -> Poll<usize> {
        let into = core::cell::RefCell::new(into);
        let read = |slot: CallSlot<'_>| {
            let (found, _) = slot.reply_said();
            let mut into = into.borrow_mut();
            let most = into.len();
            match into.get_mut(..found) {
                Some(into) => {
                    slot.reply().load(into);
                    Ok(found)
                }
                None => Err(TooLong { found, most }),
            }
        };
        self.poll_with(read, ask)
    }
}

impl<A: ?Sized, W: Wake> Drop for Call<'_, '_, A, W> {
    #[inline]
    fn drop(&mut self) {
        if !self.over {
            self.give_up();
        }
    }
}

impl<A: ?Sized, W: Wake> Call<'_, '_, A, W> {
    #[cold]
    #[inline(never)]
    fn give_up(&mut self) {
        let desk = self.stub.desk();
        if desk.calls.region.is_forked() {
            return;
        }
        let (index, court) = (self.stub.index(self.slot), &desk.name.court);
        let mut mended = Mended::default();
        match desk.calls.give_up(index, court, &mut mended, || true) {
            Left::Free(_) => self.stub.ended(self.slot),
            Left::Busy(_) => self.stub.leave(self.slot),
        }
        desk.tell(&mended);
    }
}
