//! Segments without a name: a section that is handed down to children.
//!
//! # Protocol
//!
//! The rows' events and the doorbells have the segment's random number in their names, in this session's namespace; whoever gets the
//! section needs nothing else.
//!
//! # What a crash leaves
//!
//! Nothing: the memory goes with its last handle and view.

#![forbid(unsafe_code)]

use std::os::windows::io::{AsHandle, OwnedHandle};

use super::bell::Bells;
use super::memory::{self, Mapping};
use super::named::attach;
use super::seats::Seats;
use super::{Permissions, random_id};
use crate::os::error::Doing;
use crate::os::options::Options;
use crate::os::shared::{self, Access, SharedSegment, Trust};
use crate::os::{Error, Result};
use crate::{Plan, Segment};

impl SharedSegment {
    /// Makes a segment that has no name: its peers are this process's threads, and the children it hands it down to.
    ///
    /// # Errors
    ///
    /// [`Error::Io`]: among others when memory is short, now and never later; and the plan's own errors.
    pub fn anonymous<const N: usize>(plan: &Plan<N>, options: &Options) -> Result<Self> {
        let id = random_id().doing(|| "drawing a random number".into())?;
        let plan = plan.clone().id(id);
        let len = plan.layout()?.size() as u64;
        let section = memory::paged(None, len);
        let section = section.doing(|| format!("reserving {len} anonymous bytes"))?;
        let mapping = shared::map(section.as_handle(), len, options, Access::ReadWrite)?;
        let segment = shared::init(&mapping, &plan, options.trust)?;
        Ok(together(mapping, segment, section, options.trust))
    }

    /// The section, to be handed down.
    pub(super) fn section(&self) -> Result<&OwnedHandle> {
        let seats = &self.inner.seats;
        match &seats.section {
            Some(section) if seats.anonymous => Ok(section),
            _ => Err(Error::BadHandoff(
                "a named segment is opened by its name; only an anonymous one is handed over"
                    .into(),
            )),
        }
    }
}

/// Opens a section that another process made; `id`: the number of the segment that must lie in it.
pub(super) fn open(section: OwnedHandle, id: u128, trust: Trust) -> Result<SharedSegment> {
    let len = memory::len(section.as_handle()).doing(|| "measuring the memory".into())?;
    let (plain, access) = (Options::new(), Access::ReadWrite);
    let mut mapping = shared::map(section.as_handle(), len, &plain, access)?;
    let segment = attach(&mut mapping, trust)?;
    if segment.id() != id {
        return Err(Error::BadHandoff(format!(
            "the memory holds segment {:032x}; wanted {id:032x}",
            segment.id()
        )));
    }
    Ok(together(mapping, segment, section, trust))
}

fn together(
    mapping: Mapping,
    segment: Segment<'static>,
    section: OwnedHandle,
    trust: Trust,
) -> SharedSegment {
    let id = segment.id();
    // Whoever gets it was started by this process, in its session.
    let prefix = Permissions::default().prefix();
    let seats = Seats::new(prefix, id, Some(section), true);
    let bells = Bells::new(id, segment.peers());
    SharedSegment::assemble(mapping, segment, seats.ask(), bells, seats, trust)
}
