//! Owned ends of a call table, and calls that sleep until they are answered.

#![forbid(unsafe_code)]

use std::fmt;
use std::time::{Duration, Instant};

use super::owned::{OwnedBell, OwnedPeer, OwnedRinger};
use super::system;
use super::{Client, Error, Result, Server, Waiter};
use crate::rpc::{Call, Poll, Refused, Request, Rpc, TooLong};
use crate::{Content, PeerId, Pod};

/// A call of an owned client.
pub type OwnedCall<'c, A> = Call<'c, 'static, A, OwnedRinger>;
/// A request that an owned server has taken.
pub type OwnedRequest<'s, Q, A> = Request<'s, 'static, Q, A, OwnedRinger>;

/// Nanoseconds of the machine's monotonic clock, in which deadlines of calls are said here: the same in all its processes.
pub fn now_ns() -> u64 {
    system::now_ns()
}

/// Why a call that was waited for has no reply.
#[derive(Debug)]
#[non_exhaustive]
pub enum CallError {
    /// Time was up. The call was given up: whether it was, or will be, served nobody can say.
    TimedOut,
    /// The server died, and whether it did what was asked nobody can say.
    PeerDied {
        /// Who.
        by: PeerId,
    },
    /// The server dropped the request.
    Unanswered,
    /// The request has more bytes than the table was made for, or the reply more than the caller takes.
    TooLong(TooLong),
    /// The slot holds what no correct peer writes.
    Corrupt,
    /// Waiting went wrong.
    Waiting(Error),
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CallError::TimedOut => f.write_str("no reply in time"),
            CallError::PeerDied { by } => write!(f, "{by}, which served the call, died"),
            CallError::Unanswered => f.write_str("the server dropped the request"),
            CallError::TooLong(why) => why.fmt(f),
            CallError::Corrupt => f.write_str("corrupt region: the call's slot"),
            CallError::Waiting(why) => why.fmt(f),
        }
    }
}

impl std::error::Error for CallError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            CallError::Waiting(why) => Some(why),
            CallError::TooLong(why) => Some(why),
            _ => None,
        }
    }
}

impl From<Error> for CallError {
    fn from(why: Error) -> Self {
        CallError::Waiting(why)
    }
}

impl OwnedPeer {
    /// Takes a client's seat at a call table.
    ///
    /// # Errors
    ///
    /// [`Error::Channel`] with those of [`Segment::open`](crate::Segment::open) and [`Rpc::client`].
    pub fn client<Q, A>(&self, name: &str) -> Result<Client<Q, A>>
    where
        Q: Content + ?Sized,
        A: Content + ?Sized,
    {
        self.claim(name, Rpc::<Q, A>::client_as)
    }

    /// Takes a server's seat at a call table.
    ///
    /// # Errors
    ///
    /// As [`OwnedPeer::client`].
    pub fn server<Q, A>(&self, name: &str) -> Result<Server<Q, A>>
    where
        Q: Content + ?Sized,
        A: Content + ?Sized,
    {
        self.claim(name, Rpc::<Q, A>::server_as)
    }
}

/// How many of the first looks are to cost no system call, because the waiter does not sleep between them.
fn hot(waiter: &Waiter) -> impl FnMut() -> bool + use<> {
    let mut left = waiter.polls().max(1);
    move || {
        let is_hot = left > 0;
        left = left.saturating_sub(1);
        is_hot
    }
}

/// Sleeps until the call is more than pending. [`Poll::Pending`] when time is up.
fn settle<T>(
    waiter: &mut Waiter,
    bell: OwnedBell,
    timeout: Option<Duration>,
    mut look: impl FnMut(bool) -> Poll<T>,
) -> Result<Poll<T>> {
    let mut is_hot = hot(waiter);
    let found = waiter.wait(&[bell], timeout, || match look(!is_hot()) {
        Poll::Pending => None,
        found => Some(found),
    })?;
    Ok(found.unwrap_or(Poll::Pending))
}

impl<A: Pod> OwnedCall<'_, A> {
    /// Sleeps until there is a reply, a part of one, or none will come; [`Poll::Pending`] when time is up. The server's death is noticed at once
    /// if the system tells of it, at the waiter's next tick if not.
    ///
    /// # Errors
    ///
    /// Those of [`Waiter::wait`].
    pub fn poll_timeout(
        &mut self,
        waiter: &mut Waiter,
        timeout: Option<Duration>,
    ) -> Result<Poll<A>> {
        settle(waiter, self.bell(), timeout, |ask| match ask {
            true => self.poll_and_ask(),
            false => self.poll(),
        })
    }
}

impl OwnedCall<'_, [u8]> {
    /// As [`OwnedCall::poll_timeout`], and copies the reply; answers how many bytes.
    ///
    /// # Errors
    ///
    /// Those of [`Waiter::wait`].
    pub fn poll_into_timeout(
        &mut self,
        into: &mut [u8],
        waiter: &mut Waiter,
        timeout: Option<Duration>,
    ) -> Result<Poll<usize>> {
        settle(waiter, self.bell(), timeout, |ask| match ask {
            true => self.poll_into_and_ask(into),
            false => self.poll_into(into),
        })
    }
}

impl<Q: Content + ?Sized, A: Content + ?Sized> Client<Q, A> {
    /// Makes a call as soon as there is a slot for it, and waits until it has ended. Parts of a reply are passed over, but for the last.
    fn conclude<'c, T>(
        &'c self,
        waiter: &mut Waiter,
        timeout: Option<Duration>,
        make: impl Fn(u64) -> Result<OwnedCall<'c, A>, Refused>,
        mut look: impl FnMut(&mut OwnedCall<'c, A>, bool) -> Poll<T>,
    ) -> Result<T, CallError> {
        let until = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let deadline_ns = timeout.map_or(0, |timeout| {
            let most = u64::try_from(timeout.as_nanos()).unwrap_or(u64::MAX);
            now_ns().saturating_add(most)
        });
        let left = || until.map(|until| until.saturating_duration_since(Instant::now()));
        let bell = self.bell();
        let made = match make(deadline_ns) {
            Err(Refused::Full) => {
                let wait = |_: Refused| None::<Result<OwnedCall<'c, A>, Refused>>;
                let room = || match make(deadline_ns) {
                    Err(full @ Refused::Full) => wait(full),
                    made => Some(made),
                };
                let found = waiter.wait(std::slice::from_ref(&bell), left(), room)?;
                found.ok_or(CallError::TimedOut)?
            }
            made => made,
        };
        let mut call = match made {
            Ok(call) => call,
            Err(Refused::TooLong(why)) => return Err(CallError::TooLong(why)),
            Err(_) => return Err(CallError::TimedOut),
        };
        loop {
            let found = settle(waiter, bell.clone(), left(), |ask| look(&mut call, ask))?;
            return match found {
                // A stream that is never behind does not keep its caller.
                Poll::Part { .. } if left().is_some_and(|left| left.is_zero()) => {
                    Err(CallError::TimedOut)
                }
                Poll::Part { .. } => continue,
                Poll::Ready(value) => Ok(value),
                Poll::Pending => Err(CallError::TimedOut),
                Poll::PeerDied { by } => Err(CallError::PeerDied { by }),
                Poll::TooLong(why) => Err(CallError::TooLong(why)),
                Poll::Corrupt => Err(CallError::Corrupt),
                Poll::Unanswered | Poll::Over => Err(CallError::Unanswered),
            };
        }
    }
}

fn typed<A: Pod>(call: &mut OwnedCall<'_, A>, ask: bool) -> Poll<A> {
    match ask {
        true => call.poll_and_ask(),
        false => call.poll(),
    }
}

fn bytes(into: &mut [u8]) -> impl FnMut(&mut OwnedCall<'_, [u8]>, bool) -> Poll<usize> {
    move |call, ask| match ask {
        true => call.poll_into_and_ask(into),
        false => call.poll_into(into),
    }
}

impl<Q: Pod, A: Pod> Client<Q, A> {
    /// Asks, and sleeps until there is a reply; of one of several parts, the last. Waits for a free slot, too: with all of this client's calls open
    /// in your hands there will be none, so give a time limit or end one of them first. When time is up the call is given up; the server is told by
    /// when the reply is wanted, in the time of [`now_ns`].
    ///
    /// # Errors
    ///
    /// [`CallError`].
    pub fn call_timeout(
        &self,
        waiter: &mut Waiter,
        request: &Q,
        timeout: Option<Duration>,
    ) -> Result<A, CallError> {
        let make = |deadline_ns| self.call_by(request, deadline_ns);
        self.conclude(waiter, timeout, make, typed)
    }
}

impl<A: Pod> Client<[u8], A> {
    /// Asks, and sleeps until there is a reply, as of a typed request.
    ///
    /// # Errors
    ///
    /// [`CallError`].
    pub fn call_timeout(
        &self,
        waiter: &mut Waiter,
        request: &[u8],
        timeout: Option<Duration>,
    ) -> Result<A, CallError> {
        let make = |deadline_ns| self.call_by(request, deadline_ns);
        self.conclude(waiter, timeout, make, typed)
    }
}

impl<Q: Pod> Client<Q, [u8]> {
    /// Asks, and sleeps until there is a reply, which is copied; answers how many bytes.
    ///
    /// # Errors
    ///
    /// [`CallError`].
    pub fn call_timeout(
        &self,
        waiter: &mut Waiter,
        request: &Q,
        into: &mut [u8],
        timeout: Option<Duration>,
    ) -> Result<usize, CallError> {
        let make = |deadline_ns| self.call_by(request, deadline_ns);
        self.conclude(waiter, timeout, make, bytes(into))
    }
}

impl Client<[u8], [u8]> {
    /// Asks, and sleeps until there is a reply, which is copied; answers how many bytes.
    ///
    /// # Errors
    ///
    /// [`CallError`].
    pub fn call_timeout(
        &self,
        waiter: &mut Waiter,
        request: &[u8],
        into: &mut [u8],
        timeout: Option<Duration>,
    ) -> Result<usize, CallError> {
        let make = |deadline_ns| self.call_by(request, deadline_ns);
        self.conclude(waiter, timeout, make, bytes(into))
    }
}

impl<Q: Content + ?Sized, A: Content + ?Sized> Server<Q, A> {
    /// Sleeps until there is a request, and takes it. `None` when time is up.
    ///
    /// # Errors
    ///
    /// Those of [`Waiter::wait`].
    pub fn next_timeout(
        &self,
        waiter: &mut Waiter,
        timeout: Option<Duration>,
    ) -> Result<Option<OwnedRequest<'_, Q, A>>> {
        let mut is_hot = hot(waiter);
        waiter.wait(&[self.bell()], timeout, || match is_hot() {
            true => self.next(),
            false => self.next_anywhere(),
        })
    }

    /// Sleeps until there is a request, and has it served; what is not answered then is dropped. False when time is up.
    ///
    /// # Errors
    ///
    /// Those of [`Waiter::wait`].
    pub fn serve_one(
        &self,
        waiter: &mut Waiter,
        timeout: Option<Duration>,
        serve: impl FnOnce(&mut OwnedRequest<'_, Q, A>),
    ) -> Result<bool> {
        let Some(mut request) = self.next_timeout(waiter, timeout)? else {
            return Ok(false);
        };
        serve(&mut request);
        Ok(true)
    }
}
