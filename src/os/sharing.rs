//! Owned ends of what many peers may use at once: rings of many senders and receivers.

#![forbid(unsafe_code)]

use super::owned::OwnedPeer;
use super::{Receiver, Result, Sender};
use crate::{Pod, mpmc};

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
}
