//! The names and locks of a named segment: who may create, who has it open, what is cleared away.
//!
//! The protocol stands in `named`. A byte lock has no wake-up of its own that a deadline could bound, so waiting for one
//! looks again, ever less often.

#![forbid(unsafe_code)]

use std::io::ErrorKind;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::LockFile;
use super::directory::{self, Create, Permissions};
use crate::PeerId;
use crate::os::error::Doing;
use crate::os::options::Options;
use crate::os::patience::{Backoff, soon};
use crate::os::shared::Trust;
use crate::os::{Error, Result};

/// The byte that a creator or leaver locks; rows are 1 to 32.
pub(in crate::os) const CREATOR: u64 = 0;
/// The byte that everyone who has the segment open shares.
pub(in crate::os) const OPEN: u64 = 40;
/// How long one who leaves waits for others who are just opening or leaving: the last one removes the files.
const LEAVING: Duration = Duration::from_secs(2);

/// The longest sleep of one who waits for the creator byte. A thousand who looked more often would leave the one who has
/// it no processor.
pub(super) const CROWDED: Duration = Duration::from_millis(50);

/// A named segment's directory, names and lock.
#[derive(Debug)]
pub(in crate::os) struct Names {
    pub(super) name: String,
    pub(super) path: PathBuf,
    pub(super) dir: OwnedFd,
    pub(super) permissions: Permissions,
    /// The lock file: holds the creator byte while creating, the open byte while open.
    pub(super) hold: LockFile,
    /// The creator byte is held by whoever opens or clears, and nobody else has this value yet. One who leaves holds it without.
    creating: bool,
}

impl Drop for Names {
    fn drop(&mut self) {
        if self.creating {
            // By name, not by closing: a child that another thread forked meanwhile has the description too, and would hold it on.
            let _ = self.hold.release(CREATOR);
        }
    }
}

impl Names {
    /// Locks the creator byte of a checked name, on the lock file that the path really names.
    pub(super) fn lock(
        name: &str,
        create: Create,
        options: &Options,
        deadline: Instant,
    ) -> Result<Self> {
        if options.trust == Trust::Distrusted {
            return Err(Error::BadOption {
                option: "distrusted",
                why: "a named segment's file can be made shorter by whoever may open it; an anonymous segment cannot",
            });
        }
        // The current directory may be another one when it is handed down.
        let path = std::path::absolute(options.path());
        let path = path.doing(|| format!("finding the directory {}", options.path().display()))?;
        let permissions = options.permissions;
        let make = create != Create::Never;
        let dir = match directory::private(&path, make, &permissions) {
            Err(error) if !make && error.kind() == std::io::ErrorKind::NotFound => {
                return Err(Self::missing(name));
            }
            other => other.doing(|| format!("opening the directory {}", path.display()))?,
        };
        let file = format!("{name}.lock");
        // A file of ours has locks and no bytes: `Cargo.lock` is somebody else's.
        let path_of = || format!("opening {}", path.join(&file).display());
        if directory::has_bytes(dir.as_fd(), &file).doing(path_of)? {
            let text = "it is no lock file of a segment: that is empty";
            return Err(std::io::Error::new(ErrorKind::AlreadyExists, text)).doing(path_of);
        }
        let mut backoff = Backoff::new(CROWDED);
        loop {
            let hold = match lock_file(dir.as_fd(), name, create, &permissions) {
                Err(error) if !make && error.kind() == std::io::ErrorKind::NotFound => {
                    return Err(Self::missing(name));
                }
                other => other.doing(|| format!("opening {file}"))?,
            };
            let hold = LockFile::of(hold, dir.as_fd(), name, &permissions);
            let hold = hold.doing(|| format!("opening {file}"))?;
            let doing = || format!("locking {file}");
            while !hold.try_exclusive(CREATOR).doing(doing)? {
                backoff.pause(deadline, || format!("the creator lock of segment {name:?}"))?;
            }
            if directory::same_file(dir.as_fd(), &file, hold.fd()).doing(doing)? {
                return Ok(Self {
                    name: name.into(),
                    path,
                    dir,
                    permissions,
                    hold,
                    creating: true,
                });
            }
        }
    }

    /// It is open: others may come.
    pub(super) fn created(&mut self) -> std::io::Result<()> {
        self.creating = false;
        self.hold.release(CREATOR)
    }

    pub(super) fn missing(name: &str) -> Error {
        Error::NoSegment {
            name: name.into(),
            stale: false,
        }
    }

    pub(super) fn lock_name(&self) -> String {
        format!("{}.lock", self.name)
    }

    pub(super) fn memory_name(&self) -> String {
        format!("{}.seg", self.name)
    }

    pub(super) fn bell_name(&self, id: u128, row: PeerId) -> String {
        format!("{}.{id:032x}.{}.bell", self.name, row.get())
    }

    /// One of the name's files, checked, for reading and writing.
    pub(super) fn open_existing(&self, file: &str) -> std::io::Result<OwnedFd> {
        let dir = self.dir.as_fd();
        directory::open_file(dir, file, true, Create::Never, &self.permissions)
    }

    /// Another description of the lock file.
    pub(super) fn open_lock(&self) -> Result<LockFile> {
        let name = self.lock_name();
        let doing = || format!("opening {name}");
        let file = self.open_existing(&name).doing(doing)?;
        // The name may by now be another segment's; this one's locks lie in the file that is held.
        if directory::same_file(self.dir.as_fd(), &name, self.hold.fd()).doing(doing)? {
            let (dir, name) = (self.dir.as_fd(), &self.name);
            return LockFile::of(file, dir, name, &self.permissions).doing(doing);
        }
        Err(Error::NoSegment {
            name: self.name.clone(),
            stale: true,
        })
    }

    pub(super) fn is_open_somewhere(&self, ask: &LockFile) -> Result<bool> {
        ask.is_open_somewhere()
            .doing(|| format!("asking who has {} open", self.name))
    }

    /// Removes everything of this name but its locks. The creator byte is held and nobody has it open.
    pub(super) fn clear(&self) -> Result<()> {
        self.clear_all(is_ours)
    }

    fn clear_all(&self, what: impl Fn(&str) -> bool) -> Result<()> {
        let doing = || {
            format!(
                "clearing away the files of {} in {}",
                self.name,
                self.path.display()
            )
        };
        let prefix = format!("{}.", self.name);
        for file in directory::list(self.dir.as_fd()).doing(doing)? {
            let file = file.doing(doing)?;
            if file.strip_prefix(&prefix).is_some_and(&what) {
                directory::unlink(self.dir.as_fd(), &file).doing(doing)?;
            }
        }
        Ok(())
    }

    /// Removes everything of this name. The creator byte is held and nobody has it open.
    pub(super) fn remove(&self) -> Result<()> {
        // Without a descriptor to list by, what is known by name goes all the same.
        let memory = self.memory_name();
        let cleared = self.clear_all(|rest| is_ours(rest) || LockFile::is_one(rest));
        let unnamed = directory::unlink(self.dir.as_fd(), &memory);
        let name = self.lock_name();
        // Last: whoever waits for the lock sees by its name that it is over.
        directory::unlink(self.dir.as_fd(), &name).doing(|| format!("removing {name}"))?;
        unnamed.doing(|| format!("removing {memory}"))?;
        cleared
    }

    /// The last one out removes the files.
    pub(super) fn let_go(&self) {
        let hold = &self.hold;
        let deadline = soon(LEAVING);
        let mut backoff = Backoff::new(CROWDED);
        while !hold.try_exclusive(CREATOR).unwrap_or(false) {
            // Whoever opens it now keeps it; `collect` finds what is left otherwise.
            if backoff.pause(deadline, String::new).is_err() {
                let _ = hold.release(OPEN);
                return;
            }
        }
        let ours = directory::same_file(self.dir.as_fd(), &self.lock_name(), hold.fd());
        if ours.unwrap_or(false) && hold.try_exclusive(OPEN).unwrap_or(false) {
            let _ = self.remove();
        }
        // Before the creator byte, or the next one to leave would find this one still here and leave the files too.
        let _ = hold.release(OPEN);
        let _ = hold.release(CREATOR);
    }
}

/// Opens the lock file. A new one appears with its permissions, or not at all: see [`directory::private`].
pub(super) fn lock_file(
    dir: BorrowedFd<'_>,
    name: &str,
    create: Create,
    want: &Permissions,
) -> std::io::Result<OwnedFd> {
    let file = format!("{name}.lock");
    // Each round loses to somebody who made or removed it in between: others get on.
    for _ in 0..1000 {
        match open_lock_file(dir, name, true, want) {
            Err(error) if create != Create::Never && error.kind() == ErrorKind::NotFound => {}
            other => return other,
        }
        let temporary = format!("{name}.{:032x}.tmp", random_id()?);
        let made = directory::open_file(dir, &temporary, true, Create::New, want)?;
        if directory::rename_new(dir, &temporary, &file)? {
            return Ok(made);
        }
        directory::unlink(dir, &temporary)?;
    }
    Err(std::io::Error::other(format!(
        "{file} was made and removed by others 1000 times while being opened"
    )))
}

/// Opens the lock file if it is there.
pub(in crate::os) fn open_lock_file(
    dir: BorrowedFd<'_>,
    name: &str,
    write: bool,
    want: &Permissions,
) -> std::io::Result<OwnedFd> {
    let file = format!("{name}.lock");
    let open = || directory::open_file(dir, &file, write, Create::Never, want);
    match open() {
        #[cfg(any(target_os = "freebsd", ringpad_flock))]
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            // Just being made, or its maker was killed.
            let temporary = |other: &str| {
                let rest = other.strip_prefix(name);
                let rest = rest.and_then(|rest| rest.strip_prefix('.'));
                rest.is_some_and(|rest| rest.ends_with(".tmp") && is_ours(rest))
            };
            directory::finish_renaming(dir, &file, temporary)?;
            open()
        }
        other => other,
    }
}

/// A number that no other segment has.
pub(super) fn random_id() -> std::io::Result<u128> {
    let mut bytes = [0; 16];
    super::platform::fill_random(&mut bytes)?;
    Ok(u128::from_le_bytes(bytes))
}

/// True of the names that anonymous segments have where they need one: no caller can give such a name.
pub(super) fn is_anonymous(name: &str) -> bool {
    name.strip_prefix('.').is_some_and(is_id)
}

fn is_id(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// True of the rest of a file name that this crate makes behind `NAME.`: never of another segment's files.
pub(super) fn is_ours(rest: &str) -> bool {
    match rest.split('.').collect::<Vec<_>>()[..] {
        ["seg"] => true,
        [number, "tmp"] => is_id(number),
        [number, row, "bell"] => {
            is_id(number) && row.parse().is_ok_and(|row| PeerId::new(row).is_some())
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_crate_s_names_are_cleared_away() {
        let id = "0123456789abcdef0123456789abcdef";
        assert!(is_ours("seg"));
        assert!(is_ours(&format!("{id}.tmp")));
        assert!(is_ours(&format!("{id}.32.bell")));
        // "a" must not clear the files of "a.b", nor its lock.
        for other in ["lock", "b.seg", "b.lock", "x.tmp", "1.bell"] {
            assert!(!is_ours(other), "{other}");
        }
        assert!(!is_ours(&format!("{id}.33.bell")));
        assert!(!is_ours(&format!("b.{id}.1.bell")));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_child_forked_meanwhile_does_not_keep_a_creator_s_lock() {
        use crate::os::linux::testing::{Scratch, fork};
        let scratch = Scratch::new();
        let options = Options::new().directory(&scratch.path);
        let lock = |create| Names::lock("x", create, &options, soon(Duration::from_millis(50)));
        for by_name in [true, false] {
            let mut names = lock(Create::IfMissing).unwrap();
            let _child = fork(&[names.hold.fd()], |inside| {
                inside.hold();
                0
            });
            // The control closes the file alone.
            names.creating = by_name;
            drop(names);
            assert_eq!(lock(Create::Never).is_ok(), by_name);
        }
    }
}
