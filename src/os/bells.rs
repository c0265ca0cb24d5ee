//! The pipes of a segment: one a row, made with it, never made again.

#![forbid(unsafe_code)]

use std::os::fd::BorrowedFd;

use super::linux::bell::Bell;
use crate::{PeerId, Signal};

/// Every row's pipe, both ends held, so that ringing never raises SIGPIPE.
#[derive(Debug, Default)]
pub(super) struct Bells(Vec<Bell>);

impl Bells {
    pub(super) fn new(rows: Vec<Bell>) -> Self {
        Self(rows)
    }

    pub(super) fn of(&self, peer: PeerId) -> Option<&Bell> {
        self.0.get(peer.index())
    }

    /// Both ends of every row, in order.
    pub(super) fn ends(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.0
            .iter()
            .flat_map(|bell| [bell.read_fd(), bell.write_fd()])
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

impl Signal for Bells {
    fn signal(&self, peer: PeerId) {
        if let Some(bell) = self.of(peer) {
            // A pipe that cannot be written leaves the sleeper to its tick.
            let _ = bell.ring();
        }
    }
}
