//! Handing an anonymous segment down to a child through its environment.
//!
//! # Protocol
//!
//! Close-on-exec is cleared between fork and exec only, and set again by the child at once, and the parent closes its
//! copies after the spawn, so that nobody else keeps the child's lock alive. The variable says what each descriptor is,
//! so that a grandchild, which finds the variable too, does not take descriptors of its own for the segment.
//!
//! # What a crash leaves
//!
//! Nothing: descriptors go with their process.

use std::ffi::{OsStr, OsString};
use std::io;
use std::ops::RangeInclusive;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::calls::set_close_on_exec;
use crate::os::error::Doing;
use crate::os::shared::SharedSegment;
use crate::os::{Error, Result};

/// The environment variable by which a child finds the segment that its parent handed down.
pub const HANDOFF_VARIABLE: &str = "RINGPAD_HANDOFF";

/// What a child is given.
pub(super) struct Outgoing<'a> {
    /// How the variable begins.
    pub(super) word: &'static str,
    /// Descriptors made for this child.
    pub(super) own: Vec<OwnedFd>,
    /// And such as the parent keeps, named after those.
    pub(super) lent: Vec<BorrowedFd<'a>>,
    /// How it ends.
    pub(super) tail: OsString,
}

/// A descriptor as the variable names it: its number, and what it must still be when it is taken.
fn described(fd: BorrowedFd<'_>) -> io::Result<String> {
    let found = rustix::fs::fstat(fd)?;
    Ok(format!("{}:{}", fd.as_raw_fd(), found.st_ino))
}

impl SharedSegment {
    /// Spawns a child that finds this segment with [`SharedSegment::inherited`].
    ///
    /// Use the command once. It makes the standard library fork, where it would else do without: a process of much memory takes its time,
    /// and its other threads wait at the pages that they write to next. Where they must not, `send` it over a socket.
    ///
    /// # Errors
    ///
    /// [`Error::BadHandoff`] for a named segment, [`Error::Io`].
    pub fn spawn(&self, command: &mut Command) -> Result<Child> {
        let out = self.outgoing()?;
        let fds = || {
            out.own
                .iter()
                .map(AsFd::as_fd)
                .chain(out.lent.iter().copied())
        };
        let numbers: Vec<RawFd> = fds().map(|fd| fd.as_raw_fd()).collect();
        let text: io::Result<Vec<String>> = fds().map(described).collect();
        let text = text.doing(|| "looking at the descriptors to hand down".into())?;
        let mut value = OsString::from(format!("{}{}", out.word, text.join(",")));
        value.push(&out.tail);
        command.env(HANDOFF_VARIABLE, value);
        let open = Arc::new(AtomicBool::new(true));
        let still_open = open.clone();
        let clear = move || {
            if still_open.load(Ordering::Relaxed) {
                for &number in &numbers {
                    // SAFETY: the parent keeps these open until the spawn returns, and the flag says it has not.
                    let fd = unsafe { BorrowedFd::borrow_raw(number) };
                    set_close_on_exec(fd, false)?;
                }
            }
            Ok(())
        };
        // SAFETY: between fork and exec it makes system calls on descriptors only; it takes no lock and allocates only to
        // report an error.
        unsafe { command.pre_exec(clear) };
        let child = command
            .spawn()
            .doing(|| format!("spawning {:?}", command.get_program()));
        open.store(false, Ordering::Relaxed);
        command.env_remove(HANDOFF_VARIABLE);
        child
    }

    /// The segment that the parent handed down. Can be taken once.
    ///
    /// # Errors
    ///
    /// [`Error::BadHandoff`] if there is none, it was taken, or it is not what [`SharedSegment::spawn`] hands down;
    /// [`Error::NotSealed`].
    pub fn inherited() -> Result<Self> {
        let text = std::env::var_os(HANDOFF_VARIABLE).ok_or_else(|| {
            Error::BadHandoff(format!(
                "{HANDOFF_VARIABLE} is not set: no parent handed a segment down"
            ))
        })?;
        Self::incoming(&text)
    }
}

/// The variable is not what a parent sets.
pub(super) fn wanted(text: &OsStr, what: &str) -> Error {
    Error::BadHandoff(format!("{HANDOFF_VARIABLE} is {text:?}; wanted {what}"))
}

/// Takes the descriptors of `list`, which stands in the variable's `text`, once and for all.
pub(super) fn take(text: &OsStr, list: &str, count: RangeInclusive<usize>) -> Result<Vec<OwnedFd>> {
    static TAKEN: AtomicBool = AtomicBool::new(false);
    let bad = |what: String| Error::BadHandoff(what);
    let numbers = list.split(',').map(|one| {
        let number = one.split_once(':')?.0.parse::<RawFd>().ok();
        number.filter(|number| *number > 2)
    });
    let numbers: Option<Vec<RawFd>> = numbers.collect();
    let numbers = numbers
        .filter(|numbers| count.contains(&numbers.len()))
        .ok_or_else(|| wanted(text, "descriptors as their parent described them"))?;
    let mut sorted = numbers.clone();
    sorted.sort_unstable();
    sorted.dedup();
    if sorted.len() != numbers.len() {
        return Err(bad(format!(
            "{HANDOFF_VARIABLE} is {text:?}: a descriptor twice"
        )));
    }
    // A child of the child finds the variable too, and at these numbers descriptors of its own.
    for (&number, described_as) in numbers.iter().zip(list.split(',')) {
        // SAFETY: only asked what it is; a closed number is answered with an error.
        let fd = unsafe { BorrowedFd::borrow_raw(number) };
        if !described(fd).is_ok_and(|found| found == described_as) {
            return Err(bad(format!(
                "descriptor {number} is not the one that was handed down"
            )));
        }
    }
    if TAKEN.swap(true, Ordering::AcqRel) {
        return Err(bad("it was already taken".into()));
    }
    for &number in &sorted {
        // SAFETY: just found to be what the parent handed down.
        let fd = unsafe { BorrowedFd::borrow_raw(number) };
        set_close_on_exec(fd, true)
            .map_err(|error| bad(format!("descriptor {number}: {error}")))?;
    }
    let owned = numbers.into_iter().map(|number| {
        // SAFETY: handed down to this process for this purpose, checked to be the same, and taken once only.
        unsafe { OwnedFd::from_raw_fd(number) }
    });
    Ok(owned.collect())
}
