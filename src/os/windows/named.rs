//! Segments with a name: open or create, found by others. Where they lie is `paged`'s or `filed`'s to know.

#![forbid(unsafe_code)]

use std::os::windows::io::OwnedHandle;
use std::time::{Duration, Instant};

use super::bell::Bells;
use super::filed::Filed;
use super::memory::Mapping;
use super::paged::Paged;
use super::seats::Seats;
use super::{GLOBAL, random_id};
use crate::os::error::Doing;
use crate::os::name::check_name;
use crate::os::options::Options;
use crate::os::patience::{Backoff, soon};
use crate::os::shared::{self, Access, SharedSegment, Trust};
use crate::os::{Error, Result};
use crate::{Plan, Segment};

/// How often one who waits for a segment to appear looks.
const APPEARING: Duration = Duration::from_millis(5);
/// How long the handles of one who was killed may be there still.
pub(super) const ENDING: Duration = Duration::from_millis(200);

/// A segment, mapped, and what keeps its name.
pub(super) struct Laid {
    pub(super) segment: Segment<'static>,
    pub(super) mapping: Mapping,
    pub(super) section: Option<OwnedHandle>,
    /// Dropped while the name is locked: whoever leaves meanwhile is the last one out, if he was.
    pub(super) file: Option<OwnedHandle>,
}

/// What was found under a name.
pub(super) enum Found {
    Nothing,
    /// A file that nobody has open.
    Stale,
    Alive(Box<Laid>),
    /// Something that this crate cannot attach to.
    Other(crate::Error),
    /// Somebody has it open who does not say so.
    Held,
}

/// Attaches to what a mapping of whole pages begins with.
pub(super) fn attach(
    mapping: &mut Mapping,
    trust: Trust,
) -> Result<Segment<'static>, crate::Error> {
    let region = shared::region(mapping, trust).map_err(|_| crate::Error::Forked)?;
    let len = Segment::attach(region)?.len();
    mapping.trim(len);
    shared::attach(mapping, trust)
}

/// Where a name is looked up; whoever has one is the only one there.
enum Place {
    Paged(Paged),
    Filed(Filed),
}

impl Place {
    fn lock(name: &str, make: bool, options: &Options, deadline: Instant) -> Result<Self> {
        check_name(name)?;
        if options.trust == Trust::Distrusted {
            return Err(Error::BadOption {
                option: "distrusted",
                why: "whoever may open a named segment is trusted; an anonymous one is handed to whom one likes",
            });
        }
        match options.chosen() {
            Some(path) => Ok(Place::Filed(Filed::lock(name, &path, make, deadline)?)),
            None => Ok(Place::Paged(Paged::lock(name, options, deadline)?)),
        }
    }

    /// Looks; again, for a while, at what may be the last of one who was killed.
    fn find(
        &self,
        name: &str,
        options: &Options,
        access: Access,
        deadline: Instant,
    ) -> Result<Found> {
        let ending = soon(ENDING).min(deadline);
        let mut backoff = Backoff::new(APPEARING);
        loop {
            let found = match self {
                Place::Paged(place) => place.find(options, access)?,
                Place::Filed(place) => place.find(options, access)?,
            };
            match (found, self) {
                (Found::Other(why), _) => {
                    let paused = backoff.pause(ending, String::new);
                    paused.map_err(|_| Error::Incompatible {
                        name: name.into(),
                        channel: None,
                        why,
                    })?;
                }
                (Found::Held, Place::Filed(place)) => {
                    let paused = backoff.pause(deadline, String::new);
                    paused.map_err(|_| place.held())?;
                }
                (found, _) => return Ok(found),
            }
        }
    }

    fn build<const N: usize>(&self, plan: &Plan<N>, options: &Options) -> Result<Laid> {
        let id = random_id().doing(|| "drawing a random number".into())?;
        let plan = plan.clone().id(id);
        match self {
            Place::Paged(place) => place.build(&plan, options),
            Place::Filed(place) => place.build(&plan, options),
        }
    }

    /// Lets the name go; the segment keeps itself.
    fn settle(self, mut laid: Laid) -> Result<SharedSegment> {
        let prefix = match self {
            Place::Paged(place) => place.prefix,
            Place::Filed(place) => {
                place.settle(&mut laid)?;
                GLOBAL
            }
        };
        let id = laid.segment.id();
        let seats = Seats::new(prefix, id, laid.section, false);
        let bells = Bells::new(id, laid.segment.peers());
        let (mapping, ask, trust) = (laid.mapping, seats.ask(), Trust::Cooperative);
        Ok(SharedSegment::assemble(
            mapping,
            laid.segment,
            ask,
            bells,
            seats,
            trust,
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
    /// [`Error::TimedOut`] while others keep creating, [`Error::Io`]: among others when memory is short, now and never later, and when a
    /// segment for all sessions takes a privilege.
    pub fn open_or_create<const N: usize>(
        name: &str,
        plan: &Plan<N>,
        options: &Options,
    ) -> Result<Self> {
        let deadline = soon(options.patience);
        let place = Place::lock(name, true, options, deadline)?;
        let laid = match place.find(name, options, Access::ReadWrite, deadline)? {
            Found::Alive(laid) => {
                let differs = |channel: Option<&str>, why| Error::Incompatible {
                    name: name.into(),
                    channel: channel.map(String::from),
                    why,
                };
                let segment = &laid.segment;
                let peers = segment.check_peers(plan.peers);
                peers.map_err(|why| differs(None, why))?;
                for planned in &plan.channels {
                    let same = segment.check_one(planned);
                    same.map_err(|why| differs(Some(&planned.name), why))?;
                }
                *laid
            }
            _ => place.build(plan, options)?,
        };
        place.settle(laid)
    }

    /// Opens the segment of this name.
    ///
    /// # Errors
    ///
    /// [`Error::NoSegment`] if there is none, or only what the dead left; [`Error::Incompatible`], [`Error::BadName`],
    /// [`Error::TimedOut`], [`Error::Io`].
    pub fn open(name: &str, options: &Options) -> Result<Self> {
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
        Self::open_before(name, options, soon(options.patience), Access::ReadOnly)
    }

    fn open_before(
        name: &str,
        options: &Options,
        deadline: Instant,
        access: Access,
    ) -> Result<Self> {
        let place = Place::lock(name, false, options, deadline)?;
        match place.find(name, options, access, deadline)? {
            Found::Alive(laid) => place.settle(*laid),
            found => Err(Paged::missing(name, matches!(found, Found::Stale))),
        }
    }

    /// Opens the segment of this name as soon as somebody has created it.
    ///
    /// # Errors
    ///
    /// [`Error::TimedOut`] at the deadline, and what [`SharedSegment::open`] answers.
    pub fn open_wait(name: &str, deadline: Instant, options: &Options) -> Result<Self> {
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

#[cfg(test)]
#[path = "named_tests.rs"]
mod tests;
