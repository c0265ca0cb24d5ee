//! A directory of our own, and files in it that are what they should be.
//!
//! What: open or make a directory and files, checked by `fstat` on what was opened, never by a path.
//! Why: whoever can write a lock file or a segment can lie to everyone; the file system's permissions are the boundary.
//! What a crash leaves: a name. One killed between creating a file and setting its permissions leaves it with less than
//! was asked (what the umask left), never with more; [`apply`] by the owner repairs it.

use std::fmt;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Dir, FileType, Gid, Mode, OFlags, RawMode, Stat, Uid};
use rustix::fs::{fchmod, fchown, fstat, mkdir, openat, renameat, statat, unlinkat};
use rustix::io::Errno;
use rustix::process::geteuid;

use super::calls::{context, invalid};

/// Who may use what we make, and the most that what we find may allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Permissions {
    /// Mode of files, 0o600 by default; directories get search where it has read. Only an asked-for bit of it may let
    /// group or world write.
    pub(crate) mode: u32,
    /// The owner's uid; by default the effective uid. Making files for another needs root.
    pub(crate) owner: Option<u32>,
    /// The group's gid; by default any.
    pub(crate) group: Option<u32>,
}

impl Default for Permissions {
    fn default() -> Self {
        Permissions {
            mode: 0o600,
            owner: None,
            group: None,
        }
    }
}

impl Permissions {
    /// The mode of a directory for such files: 0o640 gives 0o750.
    pub(crate) fn directory_mode(&self) -> u32 {
        self.mode | (self.mode & 0o444) >> 2
    }

    fn refuses(&self, found: &Stat) -> bool {
        found.st_uid != self.uid()
            || self.group.is_some_and(|gid| gid != found.st_gid)
            || bits_of(found) & 0o022 & !self.mode != 0
    }

    fn uid(&self) -> u32 {
        self.owner.unwrap_or_else(|| geteuid().as_raw())
    }
}

impl fmt::Display for Permissions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "owner {}, ", self.uid())?;
        self.group
            .map_or(Ok(()), |gid| write!(f, "group {gid}, "))?;
        match self.mode & 0o022 {
            0 => write!(f, "no write for group or world"),
            more => write!(f, "no write for group or world beyond {more:03o}"),
        }
    }
}

/// Where named segments lie unless told otherwise; empty where the system says of no place.
pub(crate) fn default_directory() -> PathBuf {
    let place = super::platform::temporary_directory();
    place.map_or_else(PathBuf::new, |place| {
        place.join(format!("ringpad-{}", geteuid().as_raw()))
    })
}

/// Permission bits as the system's calls take them.
pub(super) fn mode_of(bits: u32) -> Mode {
    Mode::from_raw_mode(bits as RawMode)
}

/// Permission bits as we reckon with them: macOS and FreeBSD have 16 bits of them.
#[allow(clippy::useless_conversion)]
fn bits_of(found: &Stat) -> u32 {
    u32::from(found.st_mode) & 0o7777
}

/// What a checked file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Facts {
    /// Length in bytes.
    pub(crate) len: u64,
    /// Device, with `ino` the file's identity while it is open.
    pub(crate) dev: u64,
    /// Inode number.
    pub(crate) ino: u64,
    /// Names it has: 1, or 0 when it was unlinked meanwhile.
    pub(crate) links: u64,
}

/// Opens the directory `path`, made first if `create` and missing (its parent must exist), not through a link.
///
/// Refuses one with another owner or group than `want`, or that lets group or world write beyond `want`.
pub(crate) fn private(path: &Path, create: bool, want: &Permissions) -> io::Result<OwnedFd> {
    if path.as_os_str().is_empty() {
        return Err(invalid(
            "no directory is usual here: set RINGPAD_DIR, or Options::directory",
        ));
    }
    let shown = path.display().to_string();
    let there = statat(CWD, path, AtFlags::SYMLINK_NOFOLLOW);
    if create && there.is_err_and(|e| e == Errno::NOENT) {
        make(path, want)?;
    }
    let dir = open_directory(path).map_err(|e| match e {
        // Linux says ENOTDIR of a link here.
        Errno::NOTDIR if path.is_symlink() => open_error(Errno::LOOP, &shown),
        e => open_error(e, &shown),
    })?;
    check_kind(dir.as_fd(), &shown, FileType::Directory, want)?;
    Ok(dir)
}

fn open_directory(path: &Path) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    openat(CWD, path, flags, Mode::empty())
}

/// Makes the directory `path`, if nobody else does. It appears with the permissions of `want`, or not at all: whoever else
/// is just creating would refuse it before, and every later one if its maker was killed in between.
fn make(path: &Path, want: &Permissions) -> io::Result<()> {
    let doing = |e| context(e, format_args!("making the directory {}", path.display()));
    let Some(name) = path.file_name() else {
        return Err(invalid(format!("{} names no directory", path.display())));
    };
    // Always the same name: what a killed maker left, the next one finishes.
    let mut aside = std::ffi::OsString::from(".");
    aside.push(name);
    aside.push(".new");
    let aside = path.with_file_name(aside);
    match mkdir(&aside, mode_of(0o700)) {
        Ok(()) | Err(Errno::EXIST) => {}
        Err(e) => return Err(doing(e)),
    }
    let dir = match open_directory(&aside) {
        Ok(dir) => dir,
        // Another maker was faster.
        Err(Errno::NOENT) => return Ok(()),
        Err(e) => return Err(doing(e)),
    };
    let found = fstat(&dir)?.st_uid;
    if found != geteuid().as_raw() && found != want.uid() {
        return Err(io::Error::new(
            io::ErrorKind::PermissionDenied,
            format!("{}: found owner {found}, wanted {want}", aside.display()),
        ));
    }
    let mode = want.directory_mode();
    apply(dir.as_fd(), &Permissions { mode, ..*want })?;
    match rename_directory(&aside, path) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(Errno::EXIST) => {
            // Not empty or gone already: not ours to care for.
            let _ = unlinkat(CWD, &aside, AtFlags::REMOVEDIR);
            Ok(())
        }
        Err(e) => Err(doing(e)),
    }
}

/// Sets owner, group and exactly the mode of `want`, whatever the umask made of it.
pub(crate) fn apply(fd: BorrowedFd<'_>, want: &Permissions) -> io::Result<()> {
    let doing = |e| context(e, format_args!("setting {want}, mode {:03o}", want.mode));
    // The owner first, so that a wide mode is never some other group's.
    if want.owner.is_some() || want.group.is_some() {
        fchown(
            fd,
            want.owner.map(Uid::from_raw),
            want.group.map(Gid::from_raw),
        )
        .map_err(doing)?;
    }
    fchmod(fd, mode_of(want.mode)).map_err(doing)
}

/// What [`open_file`] does about a missing file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Create {
    /// NotFound.
    Never,
    /// Makes it, empty.
    IfMissing,
    /// Makes it, and an existing one is AlreadyExists.
    New,
}

/// Opens `name` in `dir`, for reading and if asked writing, never through a link, and checks it with [`check_file`].
///
/// A FIFO, socket or device planted under the name is refused and does not hang the open. CLOEXEC.
pub(crate) fn open_file(
    dir: BorrowedFd<'_>,
    name: &str,
    write: bool,
    create: Create,
    want: &Permissions,
) -> io::Result<OwnedFd> {
    checked_name(name)?;
    let access = if write { OFlags::RDWR } else { OFlags::RDONLY };
    let flags = access | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    let fresh = flags | OFlags::CREATE | OFlags::EXCL;
    // Each round loses to someone who made or unlinked the name in between: others get on.
    for _ in 0..1000 {
        if create != Create::Never {
            match openat(dir, name, fresh, mode_of(want.mode)) {
                Ok(file) => {
                    apply(file.as_fd(), want)?;
                    return Ok(file);
                }
                Err(Errno::EXIST) if create == Create::IfMissing => {}
                Err(e) => return Err(open_error(e, name)),
            }
        }
        match openat(dir, name, flags, Mode::empty()) {
            Ok(file) => return check_file(file.as_fd(), name, want).map(|_| file),
            Err(Errno::NOENT) if create == Create::IfMissing => {}
            Err(e) => return Err(open_error(e, name)),
        }
    }
    Err(io::Error::other(format!(
        "{name} was made and unlinked by others 1000 times while being opened"
    )))
}

/// Checks an open file: regular, owner, group and mode within `want`, no second name; `name` is for the error only.
pub(crate) fn check_file(fd: BorrowedFd<'_>, name: &str, want: &Permissions) -> io::Result<Facts> {
    let found = check_kind(fd, name, FileType::RegularFile, want)?;
    Ok(Facts {
        len: found.st_size as u64,
        dev: found.st_dev as u64,
        ino: found.st_ino as u64,
        links: found.st_nlink as u64,
    })
}

/// [`check_file`] for another kind of file.
pub(super) fn check_kind(
    fd: BorrowedFd<'_>,
    name: &str,
    kind: FileType,
    want: &Permissions,
) -> io::Result<Stat> {
    let found = fstat(fd)?;
    let found_kind = FileType::from_raw_mode(found.st_mode);
    let wrong = |what: String| {
        Err(io::Error::new(
            io::ErrorKind::PermissionDenied,
            format!("{name}: {what}"),
        ))
    };
    if found_kind != kind {
        return wrong(format!("found a {found_kind:?}, wanted a {kind:?}"));
    }
    if want.refuses(&found) {
        let (uid, gid, mode) = (found.st_uid, found.st_gid, bits_of(&found));
        return wrong(format!(
            "found owner {uid}, group {gid}, mode {mode:03o}, wanted {want}"
        ));
    }
    // A second name may lie in a directory with other permissions.
    if kind != FileType::Directory && found.st_nlink > 1 {
        return wrong(format!(
            "found {} names of the file, wanted 1",
            found.st_nlink
        ));
    }
    Ok(found)
}

/// Bytes of an open file.
pub(crate) fn len(fd: BorrowedFd<'_>) -> io::Result<u64> {
    Ok(fstat(fd)?.st_size as u64)
}

/// Whether `name` in `dir` still is the file behind `fd`; after taking a lock the answer must be yes, or start again.
pub(crate) fn same_file(dir: BorrowedFd<'_>, name: &str, fd: BorrowedFd<'_>) -> io::Result<bool> {
    let held = fstat(fd)?;
    match statat(dir, checked_name(name)?, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(named) => Ok((named.st_dev, named.st_ino) == (held.st_dev, held.st_ino)),
        Err(Errno::NOENT) => Ok(false),
        Err(e) => Err(e.into()),
    }
}

/// Whether the name is there, whatever it names.
pub(crate) fn exists(dir: BorrowedFd<'_>, name: &str) -> io::Result<bool> {
    match statat(dir, checked_name(name)?, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(_) => Ok(true),
        Err(Errno::NOENT) => Ok(false),
        Err(e) => Err(e.into()),
    }
}

/// Whether there is a file of this name that has bytes, whoever may read it.
pub(crate) fn has_bytes(dir: BorrowedFd<'_>, name: &str) -> io::Result<bool> {
    match statat(dir, checked_name(name)?, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(found) => {
            let is_file = FileType::from_raw_mode(found.st_mode as _) == FileType::RegularFile;
            Ok(is_file && found.st_size != 0)
        }
        Err(Errno::NOENT) => Ok(false),
        Err(e) => Err(e.into()),
    }
}

/// Removes the name; `false`: there was none.
pub(crate) fn unlink(dir: BorrowedFd<'_>, name: &str) -> io::Result<bool> {
    match unlinkat(dir, checked_name(name)?, AtFlags::empty()) {
        Ok(()) => Ok(true),
        Err(Errno::NOENT) => Ok(false),
        Err(e) => Err(context(e, format_args!("removing {name}"))),
    }
}

/// Renames within `dir` in one step; an existing `to` is replaced.
pub(crate) fn rename(dir: BorrowedFd<'_>, from: &str, to: &str) -> io::Result<()> {
    let (from, to) = (checked_name(from)?, checked_name(to)?);
    renameat(dir, from, dir, to).map_err(|e| context(e, format_args!("renaming {from} to {to}")))
}

/// Renames within `dir` in one step; `false`: `to` exists, or `from` does not.
pub(crate) fn rename_new(dir: BorrowedFd<'_>, from: &str, to: &str) -> io::Result<bool> {
    let (from, to) = (checked_name(from)?, checked_name(to)?);
    match rename_file(dir, from, to) {
        Ok(()) => Ok(true),
        Err(Errno::EXIST | Errno::NOENT) => Ok(false),
        Err(e) => Err(context(e, format_args!("renaming {from} to {to}"))),
    }
}

#[cfg(not(target_os = "freebsd"))]
fn rename_directory(from: &Path, to: &Path) -> Result<(), Errno> {
    rustix::fs::renameat_with(CWD, from, CWD, to, rustix::fs::RenameFlags::NOREPLACE)
}

/// There is no such call: a directory made by others between the look and the renaming is replaced while it is empty.
#[cfg(target_os = "freebsd")]
fn rename_directory(from: &Path, to: &Path) -> Result<(), Errno> {
    match statat(CWD, to, AtFlags::SYMLINK_NOFOLLOW) {
        Err(Errno::NOENT) => rustix::fs::rename(from, to),
        Err(error) => Err(error),
        Ok(_) => Err(Errno::EXIST),
    }
}

#[cfg(not(any(target_os = "freebsd", ringpad_flock)))]
fn rename_file(dir: BorrowedFd<'_>, from: &str, to: &str) -> Result<(), Errno> {
    rustix::fs::renameat_with(dir, from, dir, to, rustix::fs::RenameFlags::NOREPLACE)
}

/// There is no such call: for a moment the file has both names. One killed then leaves it both: see [`finish_renaming`].
#[cfg(any(target_os = "freebsd", ringpad_flock))]
fn rename_file(dir: BorrowedFd<'_>, from: &str, to: &str) -> Result<(), Errno> {
    rustix::fs::linkat(dir, from, dir, to, AtFlags::empty())?;
    match unlinkat(dir, from, AtFlags::empty()) {
        Err(Errno::NOENT) => Ok(()), // somebody finished it
        done => done,
    }
}

/// Removes what [`rename_new`] left when it was killed: another name of the file `to`, one that `is_temporary`.
#[cfg(any(target_os = "freebsd", ringpad_flock))]
pub(super) fn finish_renaming(
    dir: BorrowedFd<'_>,
    to: &str,
    is_temporary: impl Fn(&str) -> bool,
) -> io::Result<()> {
    let identity = |name: &str| {
        let found = statat(dir, checked_name(name)?, AtFlags::SYMLINK_NOFOLLOW)?;
        io::Result::Ok((found.st_dev, found.st_ino))
    };
    let file = identity(to)?;
    for name in list(dir)? {
        let name = name?;
        if is_temporary(&name) && identity(&name).is_ok_and(|found| found == file) {
            unlink(dir, &name)?;
        }
    }
    Ok(())
}

/// The names in `dir`, in no order, without `.` and `..`; names that are not UTF-8 are none of ours and left out.
///
/// Names made or removed while it runs may or may not appear.
pub(crate) fn list(
    dir: BorrowedFd<'_>,
) -> io::Result<impl Iterator<Item = io::Result<String>> + use<>> {
    Ok(Dir::read_from(dir)?.filter_map(|entry| match entry {
        Ok(entry) => match entry.file_name().to_str() {
            Ok("." | "..") | Err(_) => None,
            Ok(name) => Some(Ok(name.to_owned())),
        },
        Err(e) => Some(Err(e.into())),
    }))
}

/// `name`, if it names an entry of a directory and nothing elsewhere.
pub(super) fn checked_name(name: &str) -> io::Result<&str> {
    if name.is_empty() || name == "." || name == ".." || name.contains(['/', '\0']) {
        return Err(invalid(format!("{name:?} is not the name of a file")));
    }
    Ok(name)
}

/// An error of opening `name`, ELOOP in words.
pub(super) fn open_error(error: Errno, name: &str) -> io::Error {
    match error {
        Errno::LOOP => io::Error::new(
            io::ErrorKind::PermissionDenied,
            format!("{name} is a symbolic link, refused"),
        ),
        e => context(e, format_args!("opening {name}")),
    }
}

#[cfg(all(test, target_os = "linux"))]
#[path = "directory_tests.rs"]
mod tests;
