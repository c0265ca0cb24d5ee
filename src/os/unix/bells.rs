//! The pipes of a segment: one a row, made with it, never made again.

#![forbid(unsafe_code)]

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::time::Instant;

use super::bell::{self, Bell, MAX_WATCHES, Ready};
use super::platform::process::Watch;
use crate::os::{Error, Result};
use crate::{PeerId, Signal};

/// Every row's pipe, both ends held, so that ringing never raises SIGPIPE.
#[derive(Debug, Default)]
pub(in crate::os) struct Bells(pub(super) Vec<Arc<Bell>>);

impl Bells {
    pub(super) fn new(rows: Vec<Bell>) -> Self {
        Self(rows.into_iter().map(Arc::new).collect())
    }

    /// What the peer of a row sleeps on.
    pub(in crate::os) fn ear(&self, row: PeerId) -> Result<Ear> {
        let bell = self.0.get(row.index()).ok_or(Error::NoBells)?;
        Ok(Ear(bell.clone()))
    }
}

impl Signal for Bells {
    fn signal(&self, peer: PeerId) {
        if let Some(bell) = self.0.get(peer.index()) {
            // A pipe that cannot be written leaves the sleeper to its tick.
            let _ = bell.ring();
        }
    }
}

/// The pipe that one row's peer sleeps on.
#[derive(Debug)]
pub(in crate::os) struct Ear(Arc<Bell>);

impl Ear {
    /// Empties the pipe, within a bound.
    pub(in crate::os) fn drain(&self) -> io::Result<()> {
        self.0.drain().map(drop)
    }

    /// Whether a stranger may hold the ends, and make reading block: it is then emptied only of what was just seen to be there.
    pub(in crate::os) fn is_wary(&self) -> bool {
        self.0.is_wary()
    }

    /// Sleeps until somebody rings (index 0), a watched process exits (its index + 1; at most [`MAX_WATCHES`]), or the deadline.
    pub(in crate::os) fn wait<'w>(
        &'w self,
        watches: impl Iterator<Item = &'w Watch>,
        deadline: Option<Instant>,
    ) -> io::Result<Ready> {
        let mut fds = [self.0.read_fd(); MAX_WATCHES + 1];
        let mut count = 1;
        for (fd, watch) in fds[1..].iter_mut().zip(watches) {
            *fd = watch.as_fd();
            count += 1;
        }
        bell::wait(&fds[..count], deadline)
    }
}

impl AsFd for Ear {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.read_fd()
    }
}
