//! The end that calls.

#![forbid(unsafe_code)]

use core::cell::Cell;
use core::fmt;
use core::marker::PhantomData;

use super::call::Call;
use super::desk::Desk;
use super::shape::{CallSlot, Calls};
use super::steps::{Left, Mended};
use super::word::{Flags, NUMBER_BITS, Word};
use crate::channel::seat::Claimant;
use crate::channel::stamp::{Content, TooLong};
use crate::error::Result;
use crate::memory::Pod;
use crate::memory::order::PUBLISH;
use crate::segment::doorbell::{Bell, Ringer, Signal, Silent, Wake};
use crate::segment::join::Peer;

/// Sends a Q and gets an A, for one thread at a time.
type Alone<Q, A> = PhantomData<(fn(&Q, &A), Cell<()>)>;

/// Why a call was not made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refused {
    /// Every slot of this client has a call in it: poll those, or wait until servers have done with what was given up.
    Full,
    /// The request has more bytes than the table was made for.
    TooLong(TooLong),
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refused::Full => f.write_str("all call slots of this client are in use"),
            Refused::TooLong(why) => why.fmt(f),
        }
    }
}

impl core::error::Error for Refused {}

/// The end that calls. `Send`, not `Sync`, not `Clone`. Dropping it gives its seat back.
#[derive(Debug)]
pub struct Client<'p, Q: ?Sized, A: ?Sized, W: Wake = Silent> {
    pub(super) stub: Stub<'p, W>,
    of: Alone<Q, A>,
}

/// The client without its types.
#[derive(Debug)]
pub(super) struct Stub<'p, W: Wake> {
    /// Slots that are free, which nobody else looks at: a bit each.
    unused: Cell<u32>,
    /// Slots that are no open call's, and were not free when last looked at.
    left: Cell<u32>,
    /// The number of the next call.
    next: Cell<u64>,
    desk: Desk<'p, W>,
}

impl<'p, W: Wake> Stub<'p, W> {
    fn over(desk: Desk<'p, W>) -> Self {
        let (mut unused, mut next) = (0, Word(0));
        let mut mended = Mended::default();
        for slot in 0..desk.calls.terms.depth {
            let index = desk.calls.index(desk.number(), slot);
            let left = desk
                .calls
                .give_up(index, &desk.name.court, &mut mended, || true);
            let (Left::Free(word) | Left::Busy(word)) = left;
            unused |= u32::from(matches!(left, Left::Free(_))) << slot;
            // Of all the latest: so this client's calls are behind those.
            if slot == 0 || next.behind(word) > 0 {
                next = word;
            }
        }
        desk.tell(&mended);
        Self {
            unused: Cell::new(unused),
            left: Cell::new(desk.calls.all() & !unused),
            next: Cell::new(next.number().wrapping_add(1) & (u64::MAX >> (64 - NUMBER_BITS))),
            desk,
        }
    }

    #[inline(always)]
    pub(super) fn calls(&self) -> &Calls<'p> {
        &self.desk.calls
    }

    #[inline(always)]
    pub(super) fn desk(&self) -> &Desk<'p, W> {
        &self.desk
    }

    /// Which of all slots this one of the client's is.
    #[inline(always)]
    pub(super) fn index(&self, slot: u32) -> u32 {
        self.calls().index(self.desk.number(), slot)
    }

    #[inline(always)]
    pub(super) fn slot(&self, slot: u32) -> CallSlot<'p> {
        self.calls().slot(self.index(slot))
    }

    /// A slot for a call: the one used last, if it is free, whose line is near.
    #[inline(always)]
    fn free_slot(&self) -> Result<u32, Refused> {
        match self.unused.get() {
            0 => self.look_for_one(),
            unused => Ok(unused.trailing_zeros()),
        }
    }

    /// One that servers have done with.
    #[cold]
    fn look_for_one(&self) -> Result<u32, Refused> {
        let mut mended = Mended::default();
        let mut left = self.left.get();
        while left != 0 {
            let slot = left.trailing_zeros();
            left &= left - 1;
            let (index, court) = (self.index(slot), &self.desk.name.court);
            if let Left::Free(_) = self.calls().give_up(index, court, &mut mended, || true) {
                self.ended(slot);
            }
        }
        self.desk.mended(&mended);
        match self.unused.get() {
            0 => Err(Refused::Full),
            unused => Ok(unused.trailing_zeros()),
        }
    }

    /// A slot is free again.
    #[inline(always)]
    pub(super) fn ended(&self, slot: u32) {
        let bit = 1 << (slot & 31);
        self.unused.set(self.unused.get() | bit);
        self.left.set(self.left.get() & !bit);
    }

    /// A slot is no open call's any more, and not free yet.
    pub(super) fn leave(&self, slot: u32) {
        self.left.set(self.left.get() | 1 << (slot & 31));
    }

    /// Makes a call of what `write` puts into the slot.
    #[inline(always)]
    fn send(
        &self,
        flags: Flags,
        deadline_ns: u64,
        write: impl FnOnce(CallSlot<'p>),
    ) -> Result<(u32, Word), Refused> {
        let slot = self.free_slot()?;
        let number = self.next.get();
        let place = self.slot(slot);
        write(place);
        if deadline_ns != 0 {
            place.set_deadline_ns(deadline_ns);
        }
        let word = Word::sent(number, flags);
        self.unused.set(self.unused.get() & !(1 << (slot & 31)));
        self.next
            .set(number.wrapping_add(1) & (u64::MAX >> (64 - NUMBER_BITS)));
        // PUBLISH: pairs with CLAIM of the server that takes it. The commit.
        place.word().store(word.0, PUBLISH);
        self.calls().tell(self.desk.number(), slot);
        self.desk.wake(self.calls().call_waiters);
        Ok((slot, word))
    }

    #[inline(always)]
    fn call<A: ?Sized>(
        &self,
        deadline_ns: u64,
        write: impl FnOnce(CallSlot<'p>),
    ) -> Result<Call<'_, 'p, A, W>, Refused> {
        let flags = match deadline_ns {
            0 => Flags::NONE,
            _ => Flags::DEADLINE,
        };
        let (slot, word) = self.send(flags, deadline_ns, write)?;
        Ok(Call::new(self, slot, word))
    }

    #[inline(always)]
    fn notify(&self, write: impl FnOnce(CallSlot<'p>)) -> Result<(), Refused> {
        let (slot, _) = self.send(Flags::ONE_WAY, 0, write)?;
        self.leave(slot);
        Ok(())
    }
}

impl<'p, Q: Content + ?Sized, A: Content + ?Sized> Client<'p, Q, A> {
    /// The same end, which from now on rings the doorbell of servers that sleep, beginning now.
    ///
    /// # Errors
    ///
    /// [`Error::ForeignPeer`](crate::Error::ForeignPeer) for a peer of another segment; the seat is then given back.
    pub fn ringing<S: Signal>(
        self,
        me: &'p Peer<'_>,
        signal: S,
    ) -> Result<Client<'p, Q, A, Ringer<'p, S>>> {
        self.stub.desk.check_home(me)?;
        Ok(self.rewired(|_| Ringer::new(me.segment().table(), signal)))
    }
}

impl<'p, Q: Content + ?Sized, A: Content + ?Sized, W: Wake> Client<'p, Q, A, W> {
    pub(super) fn take(calls: Calls<'p>, who: Claimant<'p>, wake: W) -> Result<Self> {
        let among = 0..calls.terms.clients;
        let desk = Desk::take(calls, among, Calls::reply_waiters, who, wake)?;
        Ok(Self {
            stub: Stub::over(desk),
            of: PhantomData,
        })
    }

    /// The same end with another way to wake, which it uses at once.
    pub(crate) fn rewired<V: Wake>(mut self, wake: impl FnOnce(&W) -> V) -> Client<'p, Q, A, V> {
        let desk = self.stub.desk.rewired(wake);
        desk.wake(desk.calls.call_waiters);
        Client {
            stub: Stub {
                unused: self.stub.unused.clone(),
                left: self.stub.left.clone(),
                next: self.stub.next.clone(),
                desk,
            },
            of: PhantomData,
        }
    }

    /// Calls that this client may have open at a time.
    pub fn depth(&self) -> u32 {
        self.stub.calls().terms.depth
    }

    /// True if somebody who is not proven dead holds a server's seat. May ask the system.
    pub fn is_served(&self) -> bool {
        let Calls { terms, seats, .. } = self.stub.calls();
        let court = &self.stub.desk.name.court;
        (terms.clients..terms.clients + terms.servers).any(|seat| seats.is_held(seat, court))
    }

    /// What to wait at for replies. A server's death rings nobody: look again at every death and every tick.
    pub fn bell(&self) -> Bell<'p, W::Keep> {
        self.stub.desk.bell()
    }
}

impl<'p, Q: Pod, A: Content + ?Sized, W: Wake> Client<'p, Q, A, W> {
    /// Asks; poll the call for the reply.
    ///
    /// # Errors
    ///
    /// [`Refused::Full`].
    #[inline]
    pub fn call(&self, request: &Q) -> Result<Call<'_, 'p, A, W>, Refused> {
        self.call_by(request, 0)
    }

    /// As [`Client::call`], and tells the server by when the reply is wanted: in nanoseconds of a clock that both know; 0 for no such time. It is
    /// told, and nothing more: give up by cancelling or dropping the call.
    ///
    /// # Errors
    ///
    /// As [`Client::call`].
    #[inline]
    pub fn call_by(&self, request: &Q, deadline_ns: u64) -> Result<Call<'_, 'p, A, W>, Refused> {
        self.stub
            .call(deadline_ns, |slot| slot.request().store_value(request))
    }

    /// Sends a message to which there is no reply. Once this call has returned it is served at most once, also if this client dies (of an
    /// [idempotent](super::Config::idempotent) service: at least once), as soon as there is a server.
    ///
    /// # Errors
    ///
    /// As [`Client::call`].
    #[inline]
    pub fn notify(&self, message: &Q) -> Result<(), Refused> {
        self.stub.notify(|slot| slot.request().store_value(message))
    }
}

impl<'p, A: Content + ?Sized, W: Wake> Client<'p, [u8], A, W> {
    /// Most bytes of a request.
    pub fn most_bytes(&self) -> usize {
        self.stub.calls().terms.request_bytes as usize
    }

    fn check(&self, found: usize) -> Result<(), Refused> {
        let most = self.most_bytes();
        if found <= most {
            return Ok(());
        }
        Err(Refused::TooLong(TooLong { found, most }))
    }

    /// Asks; poll the call for the reply.
    ///
    /// # Errors
    ///
    /// [`Refused::Full`], [`Refused::TooLong`].
    pub fn call(&self, request: &[u8]) -> Result<Call<'_, 'p, A, W>, Refused> {
        self.call_by(request, 0)
    }

    /// As [`Client::call`], and tells the server by when the reply is wanted: in nanoseconds of a clock that both know; 0 for no such time.
    ///
    /// # Errors
    ///
    /// As [`Client::call`].
    pub fn call_by(&self, request: &[u8], deadline_ns: u64) -> Result<Call<'_, 'p, A, W>, Refused> {
        self.check(request.len())?;
        self.stub.call(deadline_ns, |slot| write(slot, request))
    }

    /// Sends a message to which there is no reply.
    ///
    /// # Errors
    ///
    /// As [`Client::call`].
    pub fn notify(&self, message: &[u8]) -> Result<(), Refused> {
        self.check(message.len())?;
        self.stub.notify(|slot| write(slot, message))
    }
}

fn write(slot: CallSlot<'_>, request: &[u8]) {
    slot.request().store(request);
    slot.set_request_bytes(request.len());
}
