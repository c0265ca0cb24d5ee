//! Owned ends of what many peers may use at once: rings of many senders and receivers, locks.

#![forbid(unsafe_code)]

use std::time::Duration;

use super::owned::{OwnedPeer, OwnedRinger};
use super::{LockKey, Receiver, Result, Sender, Waiter};
use crate::lock::{Acquired, Guard, Locked, Refused};
use crate::{Error, Pod, mpmc};

impl OwnedPeer {
    /// An end that sends into a ring of many senders and receivers.
    ///
    /// # Errors
    ///
    /// [`Error::Channel`](super::Error::Channel) with those of [`Segment::open`](crate::Segment::open) and
    /// [`Mpmc::sender`](mpmc::Mpmc::sender).
    pub fn sender<T: Pod>(&self, name: &str) -> Result<Sender<T>> {
        self.claim(name, mpmc::Mpmc::<T>::send_as)
    }

    /// An end that receives from a ring of many senders and receivers.
    ///
    /// # Errors
    ///
    /// As [`OwnedPeer::sender`].
    pub fn receiver<T: Pod>(&self, name: &str) -> Result<Receiver<T>> {
        self.claim(name, mpmc::Mpmc::<T>::receive_as)
    }

    /// A key to a lock alone.
    ///
    /// # Errors
    ///
    /// [`Error::Channel`](super::Error::Channel) with those of [`Segment::open`](crate::Segment::open) and [`Locked::key`].
    pub fn key(&self, name: &str) -> Result<LockKey> {
        self.locked(name)
    }

    /// A key to a lock with a value.
    ///
    /// # Errors
    ///
    /// As [`OwnedPeer::key`].
    pub fn locked<T: Pod>(&self, name: &str) -> Result<LockKey<T>> {
        self.claim(name, Locked::<T>::key_as)
    }
}

/// The guard of an owned key.
pub type LockGuard<'k, T = ()> = Guard<'k, 'static, T, OwnedRinger>;

impl<T: Pod> LockKey<T> {
    /// Locks, sleeping until the lock is free, or its holder is proven dead: at once if the system tells of that death, at the waiter's
    /// next tick if not. `None` when time is up.
    ///
    /// A holder that is alive is waited for, however long it is stopped; so is this very peer, if another key of it holds the lock.
    ///
    /// # Errors
    ///
    /// Those of [`Waiter::wait`] and [`Key::try_lock`](crate::lock::Key::try_lock).
    pub fn lock_timeout(
        &mut self,
        waiter: &mut Waiter,
        timeout: Option<Duration>,
    ) -> Result<Option<Acquired<LockGuard<'_, T>>>> {
        let bell = [self.bell()];
        let found = waiter.wait(&bell, timeout, || match self.attempt() {
            Ok(taken) => Some(Ok(taken)),
            // Whoever was faster rings when it unlocks.
            Err(Refused::Held { .. } | Refused::Region(Error::Busy)) => None,
            Err(Refused::Region(why)) => Some(Err(why)),
        })?;
        let taken = found.transpose()?;
        Ok(taken.map(|taken| self.guard(taken)))
    }
}
