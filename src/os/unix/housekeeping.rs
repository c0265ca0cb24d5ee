//! What lies in a directory of segments: listing it, and clearing away what the dead left.

#![forbid(unsafe_code)]

use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use super::LockFile;
use super::directory::{self, Create};
use super::names::{CROWDED, Names, is_anonymous, is_ours, open_lock_file};
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
    /// Bytes of its memory; `None` if there is a lock file only: somebody died while creating it, or is creating it now.
    pub bytes: Option<u64>,
    /// Somebody has it open, or is just creating or leaving it. What is not alive, [`collect`] removes.
    pub alive: bool,
}

/// The segments in the options' directory, by name. Opens none of them; what it says of a name was true when it looked. On Linux it takes
/// no lock, so it disturbs nobody. Where locks are `flock`'s (macOS, FreeBSD) it takes each creator's lock for a moment, and whoever is
/// stopped in that moment keeps others from opening that segment.
///
/// # Errors
///
/// [`Error::Io`] if the directory or a file in it cannot be read, or is not what its permissions should be.
pub fn list(options: &Options) -> Result<Vec<Listed>> {
    let path = options.path();
    let doing = || format!("reading the directory {}", path.display());
    let dir = match directory::private(&path, false, &options.permissions) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other.doing(doing)?,
    };
    // Names may go while we look.
    let open = |file: &str| match directory::open_file(
        dir.as_fd(),
        file,
        false,
        Create::Never,
        &options.permissions,
    ) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        other => other.map(Some).doing(|| format!("opening {file}")),
    };
    let mut listed = Vec::new();
    for file in directory::list(dir.as_fd()).doing(doing)? {
        let file = file.doing(doing)?;
        let Some(name) = file
            .strip_suffix(".lock")
            .filter(|name| check_name(name).is_ok())
        else {
            continue;
        };
        // Somebody else's.
        if directory::has_bytes(dir.as_fd(), &file).doing(|| format!("looking at {file}"))? {
            continue;
        }
        let ask = match open_lock_file(dir.as_fd(), name, false, &options.permissions) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            other => other.doing(|| format!("opening {file}"))?,
        };
        let ask = LockFile::of(ask, dir.as_fd(), name, &options.permissions);
        let alive = ask.and_then(|ask| ask.is_in_use());
        let alive = alive.doing(|| format!("asking {file}"))?;
        let memory = open(&format!("{name}.seg"))?;
        let bytes = memory.map(|memory| directory::len(memory.as_fd()));
        listed.push(Listed {
            name: name.to_owned(),
            bytes: bytes
                .transpose()
                .doing(|| format!("looking at {name}.seg"))?,
            alive,
        });
    }
    listed.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(listed)
}

/// Removes what the dead left of every segment in the options' directory; returns the names. Living segments are not
/// touched, and on Linux nobody who opens one waits for this, unless it was made that moment. Where locks are `flock`'s
/// it takes each creator's lock for a moment, as [`list`] does.
///
/// # Errors
///
/// [`Error::Io`] if the directory cannot be read.
pub fn collect(options: &Options) -> Result<Vec<String>> {
    collect_some(options, |name| {
        check_name(name).is_ok() || is_anonymous(name)
    })
}

/// [`collect`] of some names.
pub(super) fn collect_some(options: &Options, which: impl Fn(&str) -> bool) -> Result<Vec<String>> {
    let path = options.path();
    let doing = || format!("reading the directory {}", path.display());
    let dir = match directory::private(&path, false, &options.permissions) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other.doing(doing)?,
    };
    let mut collected = Vec::new();
    for file in directory::list(dir.as_fd()).doing(doing)? {
        let file = file.doing(doing)?;
        let Some(name) = file.strip_suffix(".lock") else {
            if let Some(name) = begun(&file).filter(|name| which(name)) {
                // Under a lock file it is that one's own; without, a lock file that was never named. A living maker tries again.
                let lock = directory::exists(dir.as_fd(), &format!("{name}.lock")).doing(doing)?;
                if !lock && directory::unlink(dir.as_fd(), &file).doing(doing)? {
                    collected.push(name.to_owned());
                }
            }
            continue;
        };
        if !which(name) {
            continue;
        }
        let Some(names) = lock(dir.as_fd(), name, options) else {
            continue;
        };
        let ask = names.open_lock()?;
        if !names.is_open_somewhere(&ask)? {
            names.remove()?;
            collected.push(name.to_owned());
        }
    }
    Ok(collected)
}

/// Locks a name of which there may be something to remove. `None`: it lives, somebody is opening it, it is gone already, or it is no
/// segment's.
fn lock(dir: BorrowedFd<'_>, name: &str, options: &Options) -> Option<Names> {
    let (deadline, mut backoff) = (soon(BUSY), Backoff::new(CROWDED));
    loop {
        // Before each try: whoever opens it must not meet this one's lock.
        if LockFile::looks_open(dir, name, &options.permissions).unwrap_or(false) {
            return None;
        }
        match Names::lock(name, Create::Never, options, Instant::now()) {
            Err(Error::TimedOut { .. }) => backoff.pause(deadline, String::new).ok()?,
            other => return other.ok(),
        }
    }
}

/// The segment's name in that of a file which was being made.
fn begun(file: &str) -> Option<&str> {
    let (name, number) = file.strip_suffix(".tmp")?.rsplit_once('.')?;
    let ours = is_ours(&file[file.len() - number.len() - 4..]);
    ours.then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Plan;
    use crate::os::SharedSegment;

    #[test]
    fn a_list_tells_the_living_from_what_the_dead_left() {
        let name = format!("ringpad-list-{}", std::process::id());
        let directory = std::env::temp_dir().join(name);
        // Group write, so that whatever the umask lets `write` below make is taken for ours.
        let options = Options::new().directory(&directory).mode(0o660);
        assert_eq!(list(&options).unwrap(), [], "no directory, no segments");
        let plan = Plan::<0>::new().peers(2).unwrap();
        let living = SharedSegment::open_or_create("living", &plan, &options).unwrap();
        let made = "made.0123456789abcdef0123456789abcdef.tmp";
        // What one killed while creating leaves, and one killed later; and what is none of ours.
        for (file, bytes) in [
            ("begun.lock", 0),
            ("left.lock", 0),
            ("left.seg", 4096),
            ("a b.lock", 0),
            (made, 0),
        ] {
            std::fs::write(directory.join(file), vec![0; bytes]).unwrap();
        }
        let found = |name: &str, bytes, alive| Listed {
            name: name.into(),
            bytes,
            alive,
        };
        let mut want = vec![
            found("begun", None, false),
            found("left", Some(4096), false),
            found("living", Some(living.len_bytes() as u64), true),
        ];
        assert_eq!(list(&options).unwrap(), want);
        let mut gone = collect(&options).unwrap();
        gone.sort();
        assert_eq!(gone, ["begun", "left", "made"]);
        assert!(!directory.join(made).exists());
        assert_eq!(list(&options).unwrap(), want.split_off(2));
        drop(living);
        assert_eq!(list(&options).unwrap(), []);
        std::fs::remove_dir_all(&directory).unwrap();
    }
}

#[cfg(all(test, target_os = "linux", not(ringpad_flock)))]
#[path = "housekeeping_tests.rs"]
mod beside_others;
