//! Locks of rows: an event a row, named by the segment's random number.
//!
//! # Protocol
//!
//! A row's peer holds the event of that name; whoever asks looks whether the name is there.

#![forbid(unsafe_code)]

use std::io;
use std::os::windows::io::OwnedHandle;
use std::sync::{Arc, Mutex, PoisonError};

use super::lock;
use crate::PeerId;
use crate::os::Result;

/// How often a joiner looks through the rows before it says that all are held: whoever asks about one has it open for a moment, also
/// if its peer has gone.
pub(in crate::os) const LOOKS: u32 = 10;

/// Where locks of rows come from, and what keeps the memory.
#[derive(Debug)]
pub(in crate::os) struct Seats {
    /// What the names of the rows' events begin with.
    rows: Arc<str>,
    /// The section, where that has the memory's name, or is handed down.
    pub(super) section: Option<OwnedHandle>,
    /// Nobody can find it by a name.
    pub(super) anonymous: bool,
}

impl Seats {
    pub(super) fn new(
        prefix: &str,
        id: u128,
        section: Option<OwnedHandle>,
        anonymous: bool,
    ) -> Self {
        Self {
            rows: format!("{prefix}ringpad-{id:032x}-row").into(),
            section,
            anonymous,
        }
    }

    pub(super) fn ask(&self) -> Ask {
        Ask(self.rows.clone())
    }

    /// A lock of its own.
    pub(in crate::os) fn seat(&self) -> Result<Seat> {
        Ok(Seat {
            rows: self.rows.clone(),
            held: Mutex::new(None),
        })
    }

    /// Nothing is kept for the next join: a name can always be made.
    pub(in crate::os) fn give_back(&self, _: Seat) {}

    /// This party has the segment open no more: handles say so when they are closed.
    pub(in crate::os) fn let_go(&self) {}
}

/// What holds one row's lock, or none. Dropping it releases it.
#[derive(Debug)]
pub(in crate::os) struct Seat {
    rows: Arc<str>,
    held: Mutex<Option<OwnedHandle>>,
}

impl Seat {
    /// Locks a row; `false`: somebody else has it.
    pub(in crate::os) fn lock(&self, row: PeerId) -> io::Result<bool> {
        let taken = lock::take(&name(&self.rows, row))?;
        let locked = taken.is_some();
        if locked {
            *self.held.lock().unwrap_or_else(PoisonError::into_inner) = taken;
        }
        Ok(locked)
    }

    /// Releases the row.
    pub(in crate::os) fn unlock(&self, _: PeerId) -> io::Result<()> {
        *self.held.lock().unwrap_or_else(PoisonError::into_inner) = None;
        Ok(())
    }
}

/// Knows the names to ask about.
#[derive(Debug)]
pub(in crate::os) struct Ask(Arc<str>);

impl Ask {
    /// Whether somebody has the row's lock.
    pub(in crate::os) fn is_held(&self, row: PeerId) -> io::Result<bool> {
        lock::is_held(&name(&self.0, row))
    }
}

fn name(rows: &str, row: PeerId) -> String {
    format!("{rows}{}", row.get())
}
