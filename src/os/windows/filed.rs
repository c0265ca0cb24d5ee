//! A named segment in a file: what lies under its name, how it is built, and who deletes it.
//!
//! # Protocol
//!
//! ```text
//! open    open NAME.lock, shared with nobody: whoever has it open is alone
//!         NAME.seg cannot be had alone, and the segment's event is there: somebody alive has it open: attach
//!         it can: the dead left it: delete it
//!         make it with room for every byte, initialise
//!         make or open the segment's event; close NAME.lock
//! leave   unmap and close; open NAME.lock; NAME.seg can be had alone: delete it
//! ```
//! Files tell the whole machine who has them open, so no session takes another's segment for a dead one's.
//!
//! # What a crash leaves
//!
//! NAME.seg, which nobody has open: the next opener or `collect` deletes it. NAME.lock deletes itself; after a power cut it
//! may be there, empty, and means nothing.

#![forbid(unsafe_code)]

use std::os::windows::io::{AsHandle, OwnedHandle};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::GLOBAL;
use super::file;
use super::lock;
use super::memory;
use super::named::{ENDING, Found, Laid};
use super::paged::{CROWDED, Paged};
use crate::Plan;
use crate::os::error::Doing;
use crate::os::options::Options;
use crate::os::patience::{Backoff, soon};
use crate::os::shared::{self, Access, Trust};
use crate::os::{Error, Result};

/// How long one who leaves waits for others who are just opening or leaving: the last one deletes the file.
const LEAVING: Duration = Duration::from_secs(2);
/// How often one who leaves looks whether others have the file open: who lists the directory, or collects, has it for a moment.
pub(super) const LOOKS: u32 = 3;

/// A name in a directory, whose lock file this one has.
#[derive(Debug)]
pub(super) struct Filed {
    pub(super) path: PathBuf,
    _alone: OwnedHandle,
}

/// An open segment's file. Dropping it closes it; the last one out deletes it.
#[derive(Debug)]
pub(super) struct Opened {
    lock: PathBuf,
    path: PathBuf,
    file: Option<OwnedHandle>,
    /// The event by which openers know that the segment is open in a namespace that they see.
    present: Option<OwnedHandle>,
}

fn present(id: u128) -> String {
    format!("{GLOBAL}ringpad-{id:032x}-open")
}

impl Filed {
    /// `make`: the directory too.
    pub(super) fn lock(
        name: &str,
        directory: &Path,
        make: bool,
        deadline: Instant,
    ) -> Result<Self> {
        // Once: at the end, this process's current directory may be another.
        let directory = std::path::absolute(directory)
            .doing(|| format!("finding the directory {}", directory.display()))?;
        match file::directory(&directory, make) {
            Err(error) if !make && file::is_missing(&error) => {
                return Err(Paged::missing(name, false));
            }
            other => other.doing(|| format!("opening the directory {}", directory.display()))?,
        }
        let path = directory.join(format!("{name}.seg"));
        let alone = alone(&path.with_extension("lock"), name, deadline)?;
        Ok(Self {
            path,
            _alone: alone,
        })
    }

    fn doing(&self) -> String {
        format!("opening {}", self.path.display())
    }

    pub(super) fn find(&self, options: &Options, access: Access) -> Result<Found> {
        match file::look_into(&self.path).doing(|| self.doing())? {
            file::Found::Nothing => return Ok(Found::Nothing),
            file::Found::Left => return Ok(Found::Stale),
            file::Found::Foreign => return Err(self.foreign()),
            file::Found::Busy => {}
        }
        let writable = access == Access::ReadWrite;
        let file = match file::join(&self.path, writable) {
            // The last one out was just leaving.
            Err(error) if file::is_missing(&error) => return Ok(Found::Nothing),
            // Who lists the directory, or collects, has it alone for a moment; or it is deleted, and a scanner still has it.
            Err(error) if file::is_busy(&error) => return Ok(Found::Held),
            other => other.doing(|| self.doing())?,
        };
        let len = file::len(file.as_handle()).doing(|| self.doing())?;
        let refused = |why| {
            let unwritten = file::is_unwritten(file.as_handle()).doing(|| self.doing())?;
            Ok(match unwritten {
                // Its maker was killed, since this one has the lock file; a scanner has it.
                true => Found::Held,
                false => Found::Other(why),
            })
        };
        let least = crate::CACHE_LINE as u64;
        if len < least {
            return refused(crate::Error::TooSmall {
                want: least,
                found: len,
            });
        }
        let section = memory::over(file.as_handle(), writable).doing(|| self.doing())?;
        let mapping = shared::map(section.as_handle(), len, options, access)?;
        // A file has as many bytes as its maker gave it, unlike a section.
        let segment = match shared::attach(&mapping, Trust::Cooperative) {
            Ok(segment) => segment,
            Err(why) => return refused(why),
        };
        let event = present(segment.id());
        if !lock::is_held(&event).doing(|| format!("asking for {event}"))? {
            // A scanner has what the dead left open; or whoever has it lives in a namespace of objects that this one does not see.
            return Ok(Found::Held);
        }
        Ok(Found::Alive(Box::new(Laid {
            segment,
            mapping,
            section: None,
            file: Some(file),
        })))
    }

    pub(super) fn build<const N: usize>(&self, plan: &Plan<N>, options: &Options) -> Result<Laid> {
        let len = plan.layout()?.size() as u64;
        let (ending, mut backoff) = (soon(ENDING), Backoff::new(CROWDED));
        let doing = || format!("deleting {}", self.path.display());
        while matches!(file::remove(&self.path).doing(doing)?, file::Found::Busy) {
            backoff.pause(ending, || {
                format!("those who have {} open", self.path.display())
            })?;
        }
        let file = file::make(&self.path, len);
        let file = file.doing(|| format!("reserving {len} bytes for {}", self.path.display()));
        let built = file.and_then(|file| self.fill(plan, options, file, len));
        built.inspect_err(|_| {
            // What could not be finished is not left lying about.
            let _ = file::remove(&self.path);
        })
    }

    fn fill<const N: usize>(
        &self,
        plan: &Plan<N>,
        options: &Options,
        file: OwnedHandle,
        len: u64,
    ) -> Result<Laid> {
        let section = memory::over(file.as_handle(), true).doing(|| self.doing())?;
        let mapping = shared::map(section.as_handle(), len, options, Access::ReadWrite)?;
        let segment = shared::init(&mapping, plan, Trust::Cooperative)?;
        Ok(Laid {
            segment,
            mapping,
            section: None,
            file: Some(file),
        })
    }

    /// Counts this party among those who have the segment open.
    pub(super) fn settle(self, laid: &mut Laid) -> Result<()> {
        let event = present(laid.segment.id());
        let present = lock::share(&event).doing(|| format!("making {event}"))?;
        laid.mapping.keep(Opened {
            lock: self.path.with_extension("lock"),
            path: self.path,
            file: laid.file.take(),
            present: Some(present),
        });
        Ok(())
    }

    /// Deletes what nobody has open. True if there was something.
    pub(super) fn collect(&self) -> Result<bool> {
        let removed = file::remove(&self.path);
        let removed = removed.doing(|| format!("deleting {}", self.path.display()))?;
        Ok(matches!(removed, file::Found::Left))
    }

    /// What lies under the name is somebody's, and stays.
    fn foreign(&self) -> Error {
        let text = "it is no segment: it begins neither with \"ringpad\" nor with zeroes";
        Error::Io {
            doing: self.doing(),
            source: std::io::Error::new(std::io::ErrorKind::AlreadyExists, text),
        }
    }

    pub(super) fn held(&self) -> Error {
        Error::TimedOut {
            waiting: format!(
                "those who have {} open or keep it from this user, none of whom is known here: a program that scans files, or one in another \
                 namespace of objects",
                self.path.display()
            ),
        }
    }
}

/// Has the lock file alone, by the deadline.
fn alone(lock: &Path, name: &str, deadline: Instant) -> Result<OwnedHandle> {
    let mut backoff = Backoff::new(CROWDED);
    loop {
        let taken = file::alone(lock).doing(|| format!("locking {}", lock.display()))?;
        if let Some(alone) = taken {
            return Ok(alone);
        }
        backoff.pause(deadline, || {
            format!(
                "the creator lock of segment {name:?}: others have {} open, or this user may not make files there",
                lock.display()
            )
        })?;
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        self.file = None;
        self.present = None;
        // Whoever opens it now keeps it; `collect` finds what is left otherwise.
        let Ok(_alone) = alone(&self.lock, "", soon(LEAVING)) else {
            return;
        };
        for _ in 0..LOOKS {
            match file::remove(&self.path) {
                Ok(file::Found::Busy) => std::thread::sleep(Duration::from_millis(1)),
                _ => return,
            }
        }
    }
}
