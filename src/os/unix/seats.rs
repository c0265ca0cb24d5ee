//! Locks of rows: where they come from, and how others ask about them.
//!
//! # Protocol
//!
//! A peer locks its row's byte through a description of its own; questions go through one that holds no lock.

#![forbid(unsafe_code)]

use std::io;

use super::LockFile;
use super::anonymous::Rows;
use super::names::Names;
use crate::PeerId;
use crate::os::Result;

/// How often a joiner looks through the rows before it says that all are held: whoever asks about one disturbs nobody.
pub(in crate::os) const LOOKS: u32 = 1;

/// Where descriptions for row locks come from.
#[derive(Debug)]
pub(in crate::os) enum Seats {
    /// The lock file of a named segment, opened anew for each peer.
    Named(Names),
    /// An anonymous segment's own.
    #[allow(dead_code)] // Where there are none it is never made.
    Anonymous(Rows),
}

impl Seats {
    /// A description of its own for a row's lock.
    pub(in crate::os) fn seat(&self) -> Result<Seat> {
        match self {
            Seats::Named(names) => names.open_lock().map(Seat),
            Seats::Anonymous(rows) => rows.seat(),
        }
    }

    /// Keeps a handed-down description for the next join: a sandbox may not be able to open another.
    pub(in crate::os) fn give_back(&self, seat: Seat) {
        if let Seats::Anonymous(rows) = self {
            rows.give_back(seat);
        }
    }

    /// This party has the segment open no more.
    pub(in crate::os) fn let_go(&self) {
        if let Seats::Named(names) = self {
            names.let_go();
        }
    }
}

/// A description that holds one row's lock, or none. Dropping it releases what no copy of it in a forked child holds on.
#[derive(Debug)]
pub(in crate::os) struct Seat(pub(super) LockFile);

impl Seat {
    /// Locks a row; `false`: somebody else has it.
    pub(in crate::os) fn lock(&self, row: PeerId) -> io::Result<bool> {
        self.0.try_exclusive(byte(row))
    }

    /// Releases a row, for every copy of the description: of a forked child's, it would take its parent's lock away.
    pub(in crate::os) fn unlock(&self, row: PeerId) -> io::Result<()> {
        self.0.release(byte(row))
    }
}

/// A description that holds no lock, to ask through.
#[derive(Debug)]
pub(in crate::os) struct Ask(pub(in crate::os) LockFile);

impl Ask {
    /// Whether somebody has the row's lock.
    pub(in crate::os) fn is_held(&self, row: PeerId) -> io::Result<bool> {
        self.0.held_exclusively(byte(row))
    }
}

fn byte(row: PeerId) -> u64 {
    u64::from(row.get())
}
