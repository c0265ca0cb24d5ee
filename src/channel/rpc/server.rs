//! The end that serves.

#![forbid(unsafe_code)]

use core::cell::Cell;
use core::marker::PhantomData;

use super::desk::Desk;
use super::request::Request;
use super::shape::Calls;
use super::word::{State, Word};
use crate::channel::seat::Claimant;
use crate::channel::stamp::Content;
use crate::error::Result;
use crate::memory::order::{OBSERVE, RELAXED};
use crate::segment::doorbell::{Bell, Ringer, Signal, Silent, Wake};
use crate::segment::join::Peer;

/// Looks that find nothing, after which a server looks at every slot itself: somebody may have died before it said that there is a call.
const IDLE: u32 = 1024;

/// Looks for one client's oldest call while that client changes what there is.
const ROUNDS: u32 = if cfg!(ringpad_loom) { 3 } else { 64 };

/// Gets a Q and answers an A, for one thread at a time.
type Alone<Q, A> = PhantomData<(fn(&Q, &A), Cell<()>)>;

/// The end that serves. `Send`, not `Sync`, not `Clone`. Dropping it gives its seat back.
#[derive(Debug)]
pub struct Server<'p, Q: ?Sized, A: ?Sized, W: Wake = Silent> {
    rack: Rack<'p, W>,
    of: Alone<Q, A>,
}

/// The server without its types.
#[derive(Debug)]
pub(super) struct Rack<'p, W: Wake> {
    /// Which client to look at first: the one behind that which was served last.
    at: Cell<u32>,
    /// Looks that found nothing.
    idle: Cell<u32>,
    desk: Desk<'p, W>,
}

impl<'p, W: Wake> Rack<'p, W> {
    #[inline(always)]
    pub(super) fn desk(&self) -> &Desk<'p, W> {
        &self.desk
    }

    /// A call of any client's, its slot taken.
    #[inline(always)]
    fn next(&self) -> Option<(u32, Word)> {
        self.next_said().or_else(|| self.found_nothing())
    }

    /// One of those that are said to be there.
    #[inline(always)]
    fn next_said(&self) -> Option<(u32, Word)> {
        let terms = &self.desk.calls.terms;
        let from = self.at.get();
        for ahead in 0..terms.clients {
            let client = from.wrapping_add(ahead) & (terms.clients - 1);
            let Ok(sent) = self.desk.calls.sent(client) else {
                return None;
            };
            // RELAXED: a hint; what is taken is ordered by the bit's clearing.
            let bits = sent.load(RELAXED) & self.desk.calls.all();
            if bits == 0 {
                continue;
            }
            let taken = self.next_of(client, bits);
            if taken.is_some() {
                self.at.set(client.wrapping_add(1));
                return taken;
            }
        }
        None
    }

    /// A call of this client's, of which these slots were said to have one: the oldest.
    #[inline(always)]
    fn next_of(&self, client: u32, mut bits: u32) -> Option<(u32, Word)> {
        let calls = &self.desk.calls;
        let sent = calls.sent(client).ok()?;
        for _ in 0..ROUNDS {
            let slot = match bits & (bits - 1) {
                0 => bits.trailing_zeros(),
                _ => self.oldest(client, bits),
            };
            let (index, bit) = (calls.index(client, slot), 1 << (slot & 31));
            let word = calls.slot(index).word();
            // OBSERVE: pairs with PUBLISH of the client, who had said before that its older calls are there.
            let found = Word(word.load(OBSERVE));
            // OBSERVE: pairs with PUBLISH of whoever said so. First this, then the exchange: what is said from now on is not lost.
            let said = sent.clear_bits(bit, OBSERVE) & calls.all();
            if said & bit != 0 && found.state() == State::Sent {
                // Behind the bits: what was said before `found` was written is there.
                let is_oldest = said == bit || self.oldest(client, said) == slot;
                // The very call that was seen: one that came after it in its slot may have others before it.
                if let Some(word) = is_oldest.then(|| self.take(index, found)).flatten() {
                    return Some((index, word));
                }
            }
            // RELAXED: as the bit was cleared, it is there if it was said before.
            if Word(word.load(RELAXED)).state() == State::Sent {
                calls.tell(client, slot);
            }
            // OBSERVE: pairs with PUBLISH, as above: the oldest of what is said now.
            bits = sent.load(OBSERVE) & calls.all();
            if bits == 0 {
                return None;
            }
        }
        self.any_of(client, bits)
    }

    /// As `next_of`, whichever it is: while its client changes everything at every look, none is the oldest for long.
    #[cold]
    #[inline(never)]
    fn any_of(&self, client: u32, mut bits: u32) -> Option<(u32, Word)> {
        let calls = &self.desk.calls;
        let sent = calls.sent(client).ok()?;
        while bits != 0 {
            let slot = bits.trailing_zeros();
            bits &= bits - 1;
            sent.clear_bits(1 << slot, OBSERVE); // OBSERVE: as in next_of
            let index = calls.index(client, slot);
            // RELAXED: as the bit was cleared, it is there if it was said before.
            let found = Word(calls.slot(index).word().load(RELAXED));
            if let Some(word) = self.take(index, found) {
                return Some((index, word));
            }
        }
        None
    }

    #[inline(always)]
    fn take(&self, index: u32, found: Word) -> Option<Word> {
        let seat = self.desk.number() - self.desk.calls.terms.clients;
        self.desk.calls.take(index, found, seat, &self.desk.name)
    }

    /// Which of these slots of a client has its oldest call.
    #[cold]
    fn oldest(&self, client: u32, mut bits: u32) -> u32 {
        // OBSERVE: pairs with PUBLISH of whoever set these bits: without it a slot may still show the call before.
        let _ = self.desk.calls.sent(client).map(|sent| sent.load(OBSERVE));
        let word = |slot| {
            let index = self.desk.calls.index(client, slot);
            // RELAXED: ordered by the bits; what another server takes meanwhile is not to be had.
            Word(self.desk.calls.slot(index).word().load(RELAXED))
        };
        let mut oldest = bits.trailing_zeros();
        bits &= bits - 1;
        while bits != 0 {
            let slot = bits.trailing_zeros();
            bits &= bits - 1;
            if word(slot).behind(word(oldest)) > 0 {
                oldest = slot;
            }
        }
        oldest
    }

    #[inline(always)]
    fn found_nothing(&self) -> Option<(u32, Word)> {
        let idle = self.idle.get().wrapping_add(1);
        self.idle.set(idle);
        match idle % IDLE {
            0 => self.look_everywhere(),
            _ => None,
        }
    }

    /// A call that nobody says is there: whoever took it upon itself to say so, or to take it, died. It is only said to be there, and then taken like
    /// any other: its client may be about to say so, and have others that are older.
    #[cold]
    #[inline(never)]
    fn look_everywhere(&self) -> Option<(u32, Word)> {
        let calls = &self.desk.calls;
        for index in 0..calls.count() {
            // OBSERVE: pairs with PUBLISH of the client, who said before that its older calls are there.
            if Word(calls.slot(index).word().load(OBSERVE)).state() == State::Sent {
                calls.tell_again(index);
            }
        }
        self.next_said()
    }
}

impl<'p, Q: Content + ?Sized, A: Content + ?Sized> Server<'p, Q, A> {
    /// The same end, which from now on rings the doorbell of clients that sleep, beginning now.
    ///
    /// # Errors
    ///
    /// [`Error::ForeignPeer`](crate::Error::ForeignPeer) for a peer of another segment; the seat is then given back.
    pub fn ringing<S: Signal>(
        self,
        me: &'p Peer<'_>,
        signal: S,
    ) -> Result<Server<'p, Q, A, Ringer<'p, S>>> {
        self.rack.desk.check_home(me)?;
        Ok(self.rewired(|_| Ringer::new(me.segment().table(), signal)))
    }
}

impl<'p, Q: Content + ?Sized, A: Content + ?Sized, W: Wake> Server<'p, Q, A, W> {
    pub(super) fn take(calls: Calls<'p>, who: Claimant<'p>, wake: W) -> Result<Self> {
        let first = calls.terms.clients;
        let among = first..first + calls.terms.servers;
        let mine = |calls: &Calls<'p>, _| Ok(calls.call_waiters);
        let desk = Desk::take(calls, among, mine, who, wake)?;
        Ok(Self {
            rack: Rack {
                at: Cell::new(0),
                idle: Cell::new(0),
                desk,
            },
            of: PhantomData,
        })
    }

    /// The same end with another way to wake, which it uses at once.
    pub(crate) fn rewired<V: Wake>(mut self, wake: impl FnOnce(&W) -> V) -> Server<'p, Q, A, V> {
        let desk = self.rack.desk.rewired(wake);
        for client in 0..desk.calls.terms.clients {
            desk.wake_client(client);
        }
        Server {
            rack: Rack {
                at: self.rack.at.clone(),
                idle: self.rack.idle.clone(),
                desk,
            },
            of: PhantomData,
        }
    }

    /// The next request, if there is one: of one client the oldest, of all clients one after another. Several may be open at once.
    #[inline]
    pub fn next(&self) -> Option<Request<'_, 'p, Q, A, W>> {
        let (index, word) = self.rack.next()?;
        Some(Request::new(&self.rack, index, word))
    }

    /// As [`Server::next`], and looks at every slot if nobody says that there is a call: for who looks seldom.
    pub fn next_anywhere(&self) -> Option<Request<'_, 'p, Q, A, W>> {
        let found = self.rack.next().or_else(|| self.rack.look_everywhere());
        let (index, word) = found?;
        Some(Request::new(&self.rack, index, word))
    }

    /// What to wait at for requests, for room for the next part of a reply, and for callers that give up what is being served.
    pub fn bell(&self) -> Bell<'p, W::Keep> {
        self.rack.desk.bell()
    }
}
