//! Locks of whole files (`flock`), one file for each byte that other systems lock: where byte locks do not belong to an
//! open file description.
//!
//! # Protocol
//!
//! ```text
//! NAME.lock        byte 0, the creator; the file that says which segment of this name it is
//! NAME.open        byte 40, shared by everyone who has it open; asked about under the creator's lock only
//! NAME.ROW.row     a row's byte
//! ```
//! All but the first are made with the segment and removed by the last one out, under the creator's lock.
//! There is no question that takes no lock: whoever asks about a row tries a shared lock, through a description of its
//! own, and releases it at once. Askers do not disturb each other; a joiner who meets one tries again.
//!
//! # What a crash leaves
//!
//! The lock goes with the last descriptor of its description, as a byte lock would; the files stay with the segment's.

#![forbid(unsafe_code)]

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use rustix::fs::FlockOperation;
use rustix::io::{Errno, retry_on_intr};

use super::calls::invalid;
use super::directory::{self, Create, Permissions};
use super::names::{CREATOR, OPEN, random_id};
use crate::PeerId;

/// How long a joiner tries a row that somebody is asking about: on a busy machine an asker may lose the processor meanwhile.
const ASKED: Duration = Duration::from_secs(1);
/// How long one who lists waits for whoever creates or leaves: longer, and it is said to be in use.
const BUSY: Duration = Duration::from_millis(200);
/// Between two tries.
const PAUSE: Duration = Duration::from_micros(50);

/// One party's descriptions of a segment's lock files, each opened when it is first needed.
#[derive(Debug)]
pub(in crate::os) struct LockFile {
    /// Of `NAME.lock`.
    creator: OwnedFd,
    /// By byte; never byte 0.
    others: Box<[OnceLock<OwnedFd>]>,
    dir: OwnedFd,
    name: String,
    permissions: Permissions,
}

impl LockFile {
    /// The locks of segment `name` in `dir`, of which `creator` is a fresh, checked description of `NAME.lock`.
    pub(in crate::os) fn of(
        creator: OwnedFd,
        dir: BorrowedFd<'_>,
        name: &str,
        permissions: &Permissions,
    ) -> io::Result<Self> {
        Ok(Self {
            creator,
            others: (0..=OPEN).map(|_| OnceLock::new()).collect(),
            dir: dir.try_clone_to_owned()?,
            name: name.into(),
            permissions: *permissions,
        })
    }

    /// Makes the files of a new segment of so many rows, under the creator's lock.
    pub(in crate::os) fn make(&self, rows: u32) -> io::Result<()> {
        for byte in (1..=u64::from(rows)).chain([OPEN]) {
            let (dir, file) = (self.dir.as_fd(), file_name(&self.name, byte));
            // It appears with its permissions, or not at all, in the place of what the dead left: nobody has that open.
            let temporary = format!("{}.{:032x}.tmp", self.name, random_id()?);
            directory::open_file(dir, &temporary, true, Create::New, &self.permissions)?;
            directory::rename(dir, &temporary, &file)?;
        }
        Ok(())
    }

    /// True of the rest of a file name behind `NAME.`, if it is one of a segment's locks besides `NAME.lock`.
    pub(in crate::os) fn is_one(rest: &str) -> bool {
        let row = |row: &str| row.parse().is_ok_and(|row| PeerId::new(row).is_some());
        rest == "open" || rest.strip_suffix(".row").is_some_and(row)
    }

    /// The description of `NAME.lock`.
    pub(in crate::os) fn fd(&self) -> BorrowedFd<'_> {
        self.creator.as_fd()
    }

    /// A fresh description that holds a lock shared.
    pub(in crate::os) fn fresh_shared(&self, byte: u64) -> io::Result<OwnedFd> {
        let fresh = self.fresh(byte)?;
        match shared(fresh.as_fd())? {
            true => Ok(fresh),
            false => Err(Errno::WOULDBLOCK.into()),
        }
    }

    fn fresh(&self, byte: u64) -> io::Result<OwnedFd> {
        let (dir, want) = (self.dir.as_fd(), &self.permissions);
        let file =
            directory::open_file(dir, &file_name(&self.name, byte), true, Create::Never, want)?;
        // The names may by now be another segment's, whose locks prove nothing of this one.
        if !directory::same_file(dir, &file_name(&self.name, CREATOR), self.fd())? {
            let text = format!("{} is another segment's by now", self.name);
            return Err(io::Error::other(text));
        }
        Ok(file)
    }

    fn file(&self, byte: u64) -> io::Result<BorrowedFd<'_>> {
        if byte == CREATOR {
            return Ok(self.fd());
        }
        let no_such = || invalid(format!("there is no lock {byte}"));
        let slot = self.others.get(byte as usize).ok_or_else(no_such)?;
        if slot.get().is_none() {
            // Of two threads one loses, and drops a description that holds nothing.
            let _ = slot.set(self.fresh(byte)?);
        }
        slot.get().map(OwnedFd::as_fd).ok_or_else(no_such)
    }

    /// Takes a lock exclusively, waiting for askers only; `false`: another description holds it.
    ///
    /// A shared lock held here is converted; when that fails it may be lost.
    pub(in crate::os) fn try_exclusive(&self, byte: u64) -> io::Result<bool> {
        let file = self.file(byte)?;
        let deadline = Instant::now() + ASKED;
        while !exclusive(file)? {
            // Of these nobody asks without the creator's lock.
            if matches!(byte, CREATOR | OPEN) || is_exclusive(file)? || Instant::now() >= deadline {
                return Ok(false);
            }
            std::thread::sleep(PAUSE);
        }
        Ok(true)
    }

    /// Takes a lock shared, without waiting; `false`: another description holds it exclusively.
    pub(in crate::os) fn try_shared(&self, byte: u64) -> io::Result<bool> {
        shared(self.file(byte)?)
    }

    /// Releases what is held here, for every copy of the description; holding nothing is no error.
    pub(in crate::os) fn release(&self, byte: u64) -> io::Result<()> {
        unlock(self.file(byte)?)
    }

    /// Whether another description holds a row's lock. None may be held here.
    pub(in crate::os) fn held_exclusively(&self, byte: u64) -> io::Result<bool> {
        is_exclusive(self.file(byte)?)
    }

    /// Whether anybody has the segment open. The caller holds the creator's lock, elsewhere, and none here.
    pub(in crate::os) fn is_open_somewhere(&self) -> io::Result<bool> {
        let file = match self.file(OPEN) {
            // Its creator did not get so far, or the last one out further.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            file => file?,
        };
        let free = exclusive(file)?;
        if free {
            unlock(file)?;
        }
        Ok(!free)
    }

    /// Whether anybody has a segment open, as far as can be told without taking a lock: nothing can.
    pub(in crate::os) fn looks_open(
        _dir: BorrowedFd<'_>,
        _name: &str,
        _permissions: &Permissions,
    ) -> io::Result<bool> {
        Ok(false)
    }

    /// Whether anybody has the segment open, creates or leaves it. Takes the creator's lock for a moment.
    pub(in crate::os) fn is_in_use(&self) -> io::Result<bool> {
        let deadline = Instant::now() + BUSY;
        while !exclusive(self.fd())? {
            if Instant::now() >= deadline {
                return Ok(true);
            }
            std::thread::sleep(PAUSE);
        }
        let (dir, creator) = (self.dir.as_fd(), file_name(&self.name, CREATOR));
        let is_open = match directory::same_file(dir, &creator, self.fd()) {
            Ok(true) => self.is_open_somewhere(),
            // The last one out took the name along; there again, it is a new segment's, just made.
            Ok(false) => directory::exists(dir, &creator),
            failed => failed,
        };
        unlock(self.fd())?;
        is_open
    }
}

fn file_name(name: &str, byte: u64) -> String {
    match byte {
        CREATOR => format!("{name}.lock"),
        OPEN => format!("{name}.open"),
        row => format!("{name}.{row}.row"),
    }
}

fn exclusive(file: BorrowedFd<'_>) -> io::Result<bool> {
    take(file, FlockOperation::NonBlockingLockExclusive)
}

fn shared(file: BorrowedFd<'_>) -> io::Result<bool> {
    take(file, FlockOperation::NonBlockingLockShared)
}

fn take(file: BorrowedFd<'_>, how: FlockOperation) -> io::Result<bool> {
    match retry_on_intr(|| rustix::fs::flock(file, how)) {
        Ok(()) => Ok(true),
        Err(Errno::WOULDBLOCK) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

fn unlock(file: BorrowedFd<'_>) -> io::Result<()> {
    Ok(retry_on_intr(|| {
        rustix::fs::flock(file, FlockOperation::NonBlockingUnlock)
    })?)
}

/// Whether another description has the file exclusively.
fn is_exclusive(file: BorrowedFd<'_>) -> io::Result<bool> {
    let free = shared(file)?;
    if free {
        unlock(file)?;
    }
    Ok(!free)
}

#[cfg(all(test, target_os = "linux"))]
#[path = "flock_tests.rs"]
mod tests;
