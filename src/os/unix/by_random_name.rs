//! Anonymous segments where memory cannot be sealed: files of a random name that nobody else opens, handed down to
//! children by that name.
//!
//! # Protocol
//!
//! The segment is a named one, of a name that no caller can give. Who hands it down shares its open byte through a
//! description made for the child, so that it stays until the child has opened it, whatever becomes of the parent.
//!
//! # What a crash leaves
//!
//! The files of a segment that nobody left in good order: the next anonymous segment in the directory removes them, and
//! so does [`collect`](crate::os::collect).

#![forbid(unsafe_code)]

use std::ffi::{OsStr, OsString};
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use super::housekeeping::collect_some;
use super::inherit::{Outgoing, take, wanted};
use super::names::{Names, OPEN, is_anonymous, random_id};
use super::seats::{Seat, Seats};
use super::{Permissions, directory};
use crate::Plan;
use crate::os::error::Doing;
use crate::os::options::Options;
use crate::os::patience::soon;
use crate::os::shared::{Access, SharedSegment, Trust};
use crate::os::{Error, Result};

/// How the variable of a hand-down begins.
const NAMED: &str = "named:";

/// There are no other rows than those of names.
#[derive(Debug)]
pub(in crate::os) enum Rows {}

impl Rows {
    pub(super) fn seat(&self) -> Result<Seat> {
        match *self {}
    }

    pub(super) fn give_back(&self, _seat: Seat) {
        match *self {}
    }
}

impl SharedSegment {
    /// Makes a segment that has no name: its peers are this process's threads, and the children it hands it down to.
    ///
    /// Its memory is a file in the options' directory, under a random name.
    ///
    /// # Errors
    ///
    /// [`Error::Io`]: among others when memory is short, now and never later; [`Error::BadOption`] for a distrusted one,
    /// whose memory would have to be sealed against shrinking; and the plan's own errors.
    pub fn anonymous<const N: usize>(plan: &Plan<N>, options: &Options) -> Result<Self> {
        if options.trust == Trust::Distrusted {
            return Err(Error::BadOption {
                option: "distrusted",
                why: "this system cannot seal memory: whoever may write it can make it shorter",
            });
        }
        // What of others' cannot be cleared is no reason to have no segment.
        let _ = collect_some(options, is_anonymous);
        let id = random_id().doing(|| "drawing a random number".into())?;
        Self::open_or_make(&format!(".{id:032x}"), plan, options)
    }

    fn names(&self) -> Result<&Names> {
        match &self.inner.seats {
            Seats::Named(names) if is_anonymous(&names.name) => Ok(names),
            _ => Err(Error::BadHandoff(
                "a named segment is opened by its name; only an anonymous one is handed over"
                    .into(),
            )),
        }
    }

    /// What a child needs: the name, and somebody who has it open until then.
    pub(super) fn outgoing(&self) -> Result<Outgoing<'_>> {
        let names = self.names()?;
        let doing = || "opening the segment anew".into();
        let path = std::path::absolute(&names.path).doing(doing)?;
        let keeper = names.hold.fresh_shared(OPEN).doing(doing)?;
        let Permissions { mode, owner, group } = names.permissions;
        let number = |number: Option<u32>| number.map_or(String::new(), |n| n.to_string());
        let (owner, group) = (number(owner), number(group));
        let mut tail = OsString::from(format!(":{mode:o}:{owner}:{group}:{}:", names.name));
        tail.push(path);
        Ok(Outgoing {
            word: NAMED,
            own: vec![keeper],
            lent: Vec::new(),
            tail,
        })
    }

    /// The segment that a parent handed down by this text.
    pub(super) fn incoming(text: &OsStr) -> Result<Self> {
        let wanted = || wanted(text, "what a parent sets");
        let rest = text.as_bytes().strip_prefix(NAMED.as_bytes());
        let mut parts = rest.ok_or_else(wanted)?.splitn(7, |byte| *byte == b':');
        let mut part = || parts.next().ok_or_else(wanted);
        let fields = [part()?, part()?, part()?, part()?, part()?, part()?];
        let path = PathBuf::from(OsStr::from_bytes(part()?));
        let mut known = [""; 6];
        for (known, field) in known.iter_mut().zip(fields) {
            *known = str::from_utf8(field).map_err(|_| wanted())?;
        }
        let [number, inode, mode, owner, group, name] = known;
        let id = |text: &str| match text {
            "" => Ok(None),
            text => text.parse().map(Some).map_err(|_| wanted()),
        };
        let permissions = Permissions {
            mode: u32::from_str_radix(mode, 8).map_err(|_| wanted())?,
            owner: id(owner)?,
            group: id(group)?,
        };
        if !is_anonymous(name) {
            return Err(wanted());
        }
        let keeper = take(text, &format!("{number}:{inode}"), 1..=1)?;
        let mut options = Options::new().directory(path);
        options.permissions = permissions;
        let segment = Self::open_before(name, &options, soon(options.patience), Access::ReadWrite)?;
        // Its parent's, and not another of the name.
        let names = segment.names()?;
        let file = format!("{name}.open");
        let same = directory::same_file(names.dir.as_fd(), &file, keeper[0].as_fd());
        if !same.doing(|| format!("looking at {file}"))? {
            return Err(Error::BadHandoff(format!("{file} is another file by now")));
        }
        Ok(segment)
    }
}
