//! Segments with a name: open or create, found by others, removed by the last one out.
//!
//! # Protocol
//!
//! ```text
//! open    lock the creator byte of NAME.lock; is NAME.lock still that file? else again
//!         NAME.seg READY, of this plan, and somebody holds byte 40: attach
//!         otherwise mark it RETIRED, unlink it and its FIFOs, build under a temporary name:
//!         reserve every byte, initialise, make the FIFOs, rename
//!         share byte 40; let the creator byte go
//! leave   lock the creator byte, make byte 40 exclusive: nobody else has it: unlink all
//! ```
//! A living segment that is not what the caller wants is an error and is not touched.
//!
//! # What a crash at each step leaves
//!
//! A creator: at most one temporary file and some FIFOs, under a free lock; the next creator removes them.
//! The last one out: some of the files; the next opener finds nobody holding byte 40 and builds anew.

#![forbid(unsafe_code)]

use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use super::LockFile;
use super::bell::{Bell, make_fifo};
use super::bells::Bells;
use super::directory::{self, Create};
use super::mapping::Mapping;
use super::names::{Names, OPEN, random_id};
use super::platform::memory::reserve;
use super::seats::{Ask, Seats};
use crate::os::error::Doing;
use crate::os::name::check_name;
use crate::os::options::Options;
use crate::os::patience::{Backoff, soon};
use crate::os::shared::{self, Access, SharedSegment, Trust};
use crate::os::{Error, Result};
use crate::{PeerId, Plan, Segment};

/// How often one who waits for a segment to appear looks.
const APPEARING: Duration = Duration::from_millis(5);

/// What was found under a name.
enum Found {
    Nothing,
    /// Files that nobody holds, with the segment if it could be attached.
    Stale(Option<Segment<'static>>, Option<Mapping>),
    Alive(Segment<'static>, Mapping),
}

impl Names {
    /// Looks at what lies under the name. Whoever holds the creator byte looks alone.
    fn find(&self, ask: &LockFile, options: &Options, access: Access) -> Result<Found> {
        let name = self.memory_name();
        let file = match self.open_existing(&name) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Found::Nothing);
            }
            other => other.doing(|| format!("opening {name}"))?,
        };
        let alive = self.is_open_somewhere(ask)?;
        let facts = directory::check_file(file.as_fd(), &name, &self.permissions);
        let len = facts.doing(|| format!("looking at {name}"))?.len;
        let why = |why| Error::Incompatible {
            name: self.name.clone(),
            channel: None,
            why,
        };
        let least = crate::CACHE_LINE as u64;
        if len < least {
            let short = crate::Error::TooSmall {
                want: least,
                found: len,
            };
            return if alive {
                Err(why(short))
            } else {
                Ok(Found::Stale(None, None))
            };
        }
        // What the dead left is only looked at: it may be larger than the memory there is for prefaulting.
        let plain = Options::new();
        let mapping = shared::map(
            file.as_fd(),
            len,
            if alive { options } else { &plain },
            access,
        )?;
        let segment = shared::attach(&mapping, Trust::Cooperative);
        match segment {
            Ok(segment) if alive => Ok(Found::Alive(segment, mapping)),
            Ok(segment) => Ok(Found::Stale(Some(segment), Some(mapping))),
            Err(error) if alive => Err(why(error)),
            Err(_) => Ok(Found::Stale(None, None)),
        }
    }

    /// Builds a new segment beside whatever was there, and renames it into place.
    fn build<const N: usize>(
        &self,
        plan: &Plan<N>,
        options: &Options,
    ) -> Result<(Segment<'static>, Mapping)> {
        self.clear()?;
        let id = random_id().doing(|| "drawing a random number".into())?;
        let plan = plan.clone().id(id);
        let len = plan.layout()?.size() as u64;
        let temporary = format!("{}.{:032x}.tmp", self.name, plan.id);
        let file = directory::open_file(
            self.dir.as_fd(),
            &temporary,
            true,
            Create::New,
            &self.permissions,
        );
        let file = file.doing(|| format!("creating {temporary}"))?;
        let built = self.fill(&file, len, &plan, options);
        built.and_then(|built| {
            let name = self.memory_name();
            let doing = || format!("naming {name}");
            directory::rename(self.dir.as_fd(), &temporary, &name).doing(doing)?;
            Ok(built)
        })
    }

    fn fill<const N: usize>(
        &self,
        file: &OwnedFd,
        len: u64,
        plan: &Plan<N>,
        options: &Options,
    ) -> Result<(Segment<'static>, Mapping)> {
        let locks = self.hold.make(plan.peers);
        locks.doing(|| format!("making the locks of {}", self.name))?;
        reserve(file.as_fd(), len).doing(|| format!("reserving {len} bytes for {}", self.name))?;
        let mapping = shared::map(file.as_fd(), len, options, Access::ReadWrite)?;
        let segment = shared::init(&mapping, plan, Trust::Cooperative)?;
        for row in (1..=plan.peers).filter_map(PeerId::new) {
            let fifo = self.bell_name(plan.id, row);
            make_fifo(self.dir.as_fd(), &fifo, &self.permissions)
                .doing(|| format!("making {fifo}"))?;
        }
        Ok((segment, mapping))
    }

    fn bells(&self, segment: &Segment<'_>) -> Result<Bells> {
        let rows = (1..=segment.peers()).filter_map(PeerId::new);
        let bells = rows.map(|row| {
            let fifo = self.bell_name(segment.id(), row);
            Bell::fifo(self.dir.as_fd(), &fifo, &self.permissions)
                .doing(|| format!("opening {fifo}"))
        });
        Ok(Bells::new(bells.collect::<Result<_>>()?))
    }

    /// Counts this party among those who have the segment open, and lets the creator byte go.
    fn settle(
        mut self,
        segment: Segment<'static>,
        mapping: Mapping,
        bells: Bells,
        ask: LockFile,
    ) -> Result<SharedSegment> {
        let doing = || format!("locking {}", self.lock_name());
        if !self.hold.try_shared(OPEN).doing(doing)? {
            return Err(Error::TimedOut {
                waiting: format!("the open lock of segment {:?}", self.name),
            });
        }
        self.created()
            .doing(|| format!("unlocking {}", self.name))?;
        let seats = Seats::Named(self);
        Ok(SharedSegment::assemble(
            mapping,
            segment,
            Ask(ask),
            bells,
            seats,
            Trust::Cooperative,
        ))
    }
}

impl SharedSegment {
    /// Opens the segment of this name, or creates it by the plan if there is none that anybody alive has open.
    ///
    /// Left-overs of the dead are replaced; nothing is cleaned up by hand.
    ///
    /// # Errors
    ///
    /// [`Error::Incompatible`] if a living segment differs from the plan (it is not touched), [`Error::BadName`],
    /// [`Error::TimedOut`] while others keep creating, [`Error::Io`]: among others when memory is short, now and never later.
    pub fn open_or_create<const N: usize>(
        name: &str,
        plan: &Plan<N>,
        options: &Options,
    ) -> Result<Self> {
        check_name(name)?;
        Self::open_or_make(name, plan, options)
    }

    /// [`SharedSegment::open_or_create`] of a checked name.
    pub(super) fn open_or_make<const N: usize>(
        name: &str,
        plan: &Plan<N>,
        options: &Options,
    ) -> Result<Self> {
        let deadline = soon(options.patience);
        let names = Names::lock(name, Create::IfMissing, options, deadline)?;
        let ask = names.open_lock()?;
        match names.find(&ask, options, Access::ReadWrite)? {
            Found::Alive(segment, mapping) => {
                let differs = |channel: Option<&str>, why| Error::Incompatible {
                    name: name.into(),
                    channel: channel.map(String::from),
                    why,
                };
                segment
                    .check_peers(plan.peers)
                    .map_err(|why| differs(None, why))?;
                for planned in &plan.channels {
                    segment
                        .check_one(planned)
                        .map_err(|why| differs(Some(&planned.name), why))?;
                }
                let bells = names.bells(&segment)?;
                names.settle(segment, mapping, bells, ask)
            }
            found => {
                if let Found::Stale(Some(old), _mapping) = found {
                    old.retire()?;
                }
                let built = names.build(plan, options).and_then(|(segment, mapping)| {
                    let bells = names.bells(&segment)?;
                    Ok((segment, mapping, bells))
                });
                let (segment, mapping, bells) = built.inspect_err(|_| {
                    // What could not be finished is not left lying about.
                    let _ = names.remove();
                })?;
                names.settle(segment, mapping, bells, ask)
            }
        }
    }

    /// Opens the segment of this name.
    ///
    /// # Errors
    ///
    /// [`Error::NoSegment`] if there is none, or only what the dead left; [`Error::Incompatible`], [`Error::BadName`],
    /// [`Error::TimedOut`], [`Error::Io`].
    pub fn open(name: &str, options: &Options) -> Result<Self> {
        check_name(name)?;
        Self::open_before(name, options, soon(options.patience), Access::ReadWrite)
    }

    /// Opens the segment of this name for reading alone: notepads are read and mailslots heard by whoever only looks, without a row. The
    /// memory is mapped so that a write would fault. Nothing is claimed in it: joining answers [`crate::Error::ReadOnly`].
    ///
    /// As long as it is open it counts as somebody who has the segment open.
    ///
    /// # Errors
    ///
    /// As [`SharedSegment::open`].
    pub fn open_read_only(name: &str, options: &Options) -> Result<Self> {
        check_name(name)?;
        Self::open_before(name, options, soon(options.patience), Access::ReadOnly)
    }

    /// Opens the segment of a checked name.
    pub(super) fn open_before(
        name: &str,
        options: &Options,
        deadline: Instant,
        access: Access,
    ) -> Result<Self> {
        let names = Names::lock(name, Create::Never, options, deadline)?;
        let ask = names.open_lock()?;
        match names.find(&ask, options, access)? {
            Found::Alive(segment, mapping) => {
                let bells = names.bells(&segment)?;
                names.settle(segment, mapping, bells, ask)
            }
            found => Err(Error::NoSegment {
                name: name.into(),
                stale: !matches!(found, Found::Nothing),
            }),
        }
    }

    /// Opens the segment of this name as soon as somebody has created it.
    ///
    /// # Errors
    ///
    /// [`Error::TimedOut`] at the deadline, and what [`SharedSegment::open`] answers.
    pub fn open_wait(name: &str, deadline: Instant, options: &Options) -> Result<Self> {
        check_name(name)?;
        let mut backoff = Backoff::new(APPEARING);
        loop {
            match Self::open_before(name, options, deadline, Access::ReadWrite) {
                Err(Error::NoSegment { .. }) => {
                    backoff.pause(deadline, || format!("segment {name:?} to be created"))?;
                }
                other => return other,
            }
        }
    }
}
