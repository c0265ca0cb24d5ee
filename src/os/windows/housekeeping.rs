//! What lies in a directory of segments: listing it, and deleting what the dead left.

#![forbid(unsafe_code)]

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use super::file;
use super::filed::{Filed, LOOKS};
use super::paged::CROWDED;
use crate::os::error::Doing;
use crate::os::name::check_name;
use crate::os::options::Options;
use crate::os::patience::{Backoff, soon};
use crate::os::{Error, Result};

/// How long [`collect`] waits for others who are just opening or leaving.
const BUSY: Duration = Duration::from_millis(200);

/// One name in a directory of segments, as [`list`] found it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Listed {
    /// The segment's name.
    pub name: String,
    /// Bytes of its memory; `None` if there is a lock file only: somebody is creating it now.
    pub bytes: Option<u64>,
    /// Somebody has it open, or is just creating or leaving it. What is not alive, [`collect`] removes.
    pub alive: bool,
}

/// The segments in the options' directory, by name; none without a directory, as sections of the page file lie nowhere. What it says of a
/// name was true when it looked.
///
/// # Errors
///
/// [`Error::Io`] if the directory or a file in it cannot be read, or is another user's.
pub fn list(options: &Options) -> Result<Vec<Listed>> {
    let Some(directory) = options.chosen() else {
        return Ok(Vec::new());
    };
    let mut listed = Vec::new();
    for (name, has_memory) in names(&directory)? {
        let path = directory.join(format!("{name}.seg"));
        let doing = || format!("looking at {}", path.display());
        if !has_memory {
            // What a power cut left is open nowhere.
            let alive = match file::look_at_lock(&path.with_extension("lock")).doing(doing)? {
                file::Found::Nothing | file::Found::Foreign => continue,
                file::Found::Left => false,
                file::Found::Busy => true,
            };
            listed.push(Listed {
                name,
                bytes: None,
                alive,
            });
            continue;
        }
        let alive = match file::look_into(&path).doing(doing)? {
            file::Found::Nothing | file::Found::Foreign => continue,
            file::Found::Left => false,
            file::Found::Busy => true,
        };
        let found = match std::fs::metadata(&path) {
            // It was just deleted.
            Err(error) if file::is_missing(&error) => continue,
            other => other.doing(doing)?,
        };
        listed.push(Listed {
            name,
            bytes: Some(found.len()),
            alive,
        });
    }
    Ok(listed)
}

/// Deletes what the dead left of every segment in the options' directory; returns the names. Living segments are not
/// touched, and nobody who opens one waits for this, unless it was made that moment.
///
/// # Errors
///
/// [`Error::Io`] if the directory cannot be read.
pub fn collect(options: &Options) -> Result<Vec<String>> {
    let mut collected = Vec::new();
    let Some(directory) = options.chosen() else {
        return Ok(collected);
    };
    for name in names(&directory)?.into_keys() {
        let Some(place) = lock(&name, &directory) else {
            continue;
        };
        if place.collect()? {
            collected.push(name);
        }
    }
    Ok(collected)
}

/// Locks a name of which there may be something to delete. `None`: it lives, somebody is opening it, it is gone already, or the lock file
/// is no segment's.
fn lock(name: &str, directory: &Path) -> Option<Filed> {
    let path = directory.join(format!("{name}.seg"));
    let (deadline, mut backoff) = (soon(BUSY), Backoff::new(CROWDED));
    loop {
        // Before each try: whoever opens it must not meet this one's lock.
        if is_open(&path) {
            return None;
        }
        match Filed::lock(name, directory, false, Instant::now()) {
            Err(Error::TimedOut { .. }) => backoff.pause(deadline, String::new).ok()?,
            other => return other.ok(),
        }
    }
}

/// Whether somebody has the file open, and not just for a look as this one does.
fn is_open(path: &Path) -> bool {
    for look in 0..LOOKS {
        if look > 0 {
            std::thread::sleep(Duration::from_millis(1));
        }
        if !matches!(file::look_into(path), Ok(file::Found::Busy)) {
            return false;
        }
    }
    true
}

/// The names in a directory, and whether there is memory of them.
fn names(directory: &Path) -> Result<BTreeMap<String, bool>> {
    let doing = || format!("reading the directory {}", directory.display());
    let mut names = BTreeMap::new();
    match file::directory(directory, false) {
        Err(error) if file::is_missing(&error) => return Ok(names),
        other => other.doing(doing)?,
    }
    for entry in std::fs::read_dir(directory).doing(doing)? {
        let file = entry.doing(doing)?.file_name();
        let Some((name, kind)) = file.to_str().and_then(|file| file.rsplit_once('.')) else {
            continue;
        };
        if check_name(name).is_ok() && matches!(kind, "seg" | "lock") {
            *names.entry(name.to_owned()).or_default() |= kind == "seg";
        }
    }
    Ok(names)
}

#[cfg(test)]
#[path = "housekeeping_tests.rs"]
mod tests;
