//! A named segment in the page file: what lies under its name, and how it is built.
//!
//! # Protocol
//!
//! ```text
//! open    make the event NAME.creator: whoever makes it is alone
//!         a section NAME.seg is there: somebody alive has it open: attach
//!         not there: make it, initialise
//!         close the event
//! leave   close the section
//! ```
//!
//! # What a crash leaves
//!
//! Nothing. Of one killed while creating, the section may be there for the moment that its process takes to end: whoever finds it so
//! looks again.

#![forbid(unsafe_code)]

use std::os::windows::io::{AsHandle, OwnedHandle};
use std::time::{Duration, Instant};

use super::lock;
use super::memory;
use super::named::{Found, Laid, attach};
use super::security::security;
use crate::Plan;
use crate::os::error::Doing;
use crate::os::options::Options;
use crate::os::patience::Backoff;
use crate::os::shared::{self, Access, Trust};
use crate::os::{Error, Result};

/// The longest sleep of one who waits for the creator's event.
pub(super) const CROWDED: Duration = Duration::from_millis(20);

/// A name in the namespace of objects, whose creator's event this one has.
#[derive(Debug)]
pub(super) struct Paged {
    name: String,
    pub(super) prefix: &'static str,
    section: String,
    _alone: OwnedHandle,
}

impl Paged {
    pub(super) fn lock(name: &str, options: &Options, deadline: Instant) -> Result<Self> {
        let user = security().doing(|| "asking who the user is".into())?;
        let prefix = options.permissions.prefix();
        let stem = format!("{prefix}ringpad-{}-{name}", user.user);
        let creator = format!("{stem}.creator");
        let mut backoff = Backoff::new(CROWDED);
        loop {
            let taken = lock::take(&creator).doing(|| format!("locking segment {name:?}"))?;
            if let Some(alone) = taken {
                return Ok(Self {
                    name: name.into(),
                    prefix,
                    section: format!("{stem}.seg"),
                    _alone: alone,
                });
            }
            backoff.pause(deadline, || format!("the creator lock of segment {name:?}"))?;
        }
    }

    pub(super) fn find(&self, options: &Options, access: Access) -> Result<Found> {
        let doing = || format!("opening segment {:?}", self.name);
        let found = memory::find(&self.section, access == Access::ReadWrite);
        let Some(section) = found.doing(doing)? else {
            return Ok(Found::Nothing);
        };
        let len = memory::len(section.as_handle()).doing(doing)?;
        let mut mapping = shared::map(section.as_handle(), len, options, access)?;
        match attach(&mut mapping, Trust::Cooperative) {
            Ok(segment) => Ok(Found::Alive(Box::new(Laid {
                segment,
                mapping,
                section: Some(section),
                file: None,
            }))),
            Err(why) => Ok(Found::Other(why)),
        }
    }

    pub(super) fn build<const N: usize>(&self, plan: &Plan<N>, options: &Options) -> Result<Laid> {
        let len = plan.layout()?.size() as u64;
        let section = memory::paged(Some(&self.section), len)
            .doing(|| format!("reserving {len} bytes for {}", self.name))?;
        let mapping = shared::map(section.as_handle(), len, options, Access::ReadWrite)?;
        let segment = shared::init(&mapping, plan, Trust::Cooperative)?;
        Ok(Laid {
            segment,
            mapping,
            section: Some(section),
            file: None,
        })
    }

    /// There is nothing to open.
    pub(super) fn missing(name: &str, stale: bool) -> Error {
        Error::NoSegment {
            name: name.into(),
            stale,
        }
    }
}
