//! Files and directories of segments, and who has them open.
//!
//! What: a file that is open anywhere on the machine cannot be opened by one who shares it with nobody: so opening says whether somebody
//! alive has it. What a crash leaves: handles are closed with their process; the file stays.

use std::io::{self, Read};
use std::os::windows::io::{AsHandle, AsRawHandle, BorrowedHandle, OwnedHandle};
use std::path::Path;
use std::ptr;

use windows_sys::Win32::Foundation::{
    ERROR_ACCESS_DENIED, ERROR_ALREADY_EXISTS, ERROR_CALL_NOT_IMPLEMENTED, ERROR_FILE_EXISTS,
    ERROR_FILE_NOT_FOUND, ERROR_PATH_NOT_FOUND, ERROR_SHARING_VIOLATION, GENERIC_READ,
    GENERIC_WRITE,
};
use windows_sys::Win32::Storage::FileSystem::{
    CREATE_NEW, CreateDirectoryW, CreateFileW, DELETE, FILE_ALLOCATION_INFO,
    FILE_ATTRIBUTE_TEMPORARY, FILE_DISPOSITION_INFO, FILE_END_OF_FILE_INFO,
    FILE_FLAG_BACKUP_SEMANTICS, FILE_FLAG_DELETE_ON_CLOSE, FILE_FLAG_OPEN_REPARSE_POINT,
    FILE_SHARE_DELETE, FILE_SHARE_READ, FILE_SHARE_WRITE, FileAllocationInfo, FileDispositionInfo,
    FileEndOfFileInfo, GetFileSizeEx, OPEN_EXISTING, READ_CONTROL, SetFileInformationByHandle,
};

use super::call::{context, done, is, owned, wide};
use super::security::{Thing, security};
use crate::Kind;

const WITH_ALL: u32 = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE;
const WITH_NOBODY: u32 = 0;

fn open(path: &Path, access: u32, share: u32, how: u32, flags: u32) -> io::Result<OwnedHandle> {
    let attributes = security()?.attributes(Thing::File);
    let text = wide(path);
    let (name, with) = (text.as_ptr(), &raw const attributes);
    // A link is opened itself, and then found not to be a file of ours.
    let flags = flags | FILE_FLAG_OPEN_REPARSE_POINT;
    // SAFETY: name and attributes live through the call.
    let file = unsafe { CreateFileW(name, access, share, with, how, flags, ptr::null_mut()) };
    // SAFETY: just opened.
    unsafe { owned(file) }
}

/// A file of a segment as it was found.
#[derive(Debug)]
pub(super) enum Found {
    Nothing,
    /// Nobody has it open.
    Left,
    /// It is no segment's.
    Foreign,
    /// Somebody has it open, or it is just being deleted.
    Busy,
}

/// Looks whether anybody has a lock file open, by having it alone for a moment. What is no lock file of this crate's is not opened.
pub(super) fn look_at_lock(path: &Path) -> io::Result<Found> {
    match std::fs::symlink_metadata(path) {
        Ok(lock) if !is_lock(&lock) => Ok(Found::Foreign),
        Ok(_) => found(open(path, GENERIC_READ, WITH_NOBODY, OPEN_EXISTING, 0)),
        Err(error) if is_missing(&error) => Ok(Found::Nothing),
        // It is just being deleted.
        Err(error) if is_busy(&error) => Ok(Found::Busy),
        Err(error) => Err(error),
    }
}

/// A lock file is empty: whatever has bytes, or is no file, is somebody's own.
fn is_lock(found: &std::fs::Metadata) -> bool {
    found.is_file() && found.len() == 0
}

/// Looks whether anybody has the file open, by having it alone for a moment, and whether it is a segment's at all.
pub(super) fn look_into(path: &Path) -> io::Result<Found> {
    match open(path, GENERIC_READ, WITH_NOBODY, OPEN_EXISTING, 0) {
        Ok(file) => Ok(match begins_as_a_segment(file)? {
            true => Found::Left,
            false => Found::Foreign,
        }),
        refused => found(refused),
    }
}

/// The bytes that a segment's magic has, or fewer, in what nothing has been read from.
fn beginning(file: OwnedHandle) -> io::Result<Vec<u8>> {
    let mut begins = Vec::new();
    let magic = Kind::Segment.magic();
    let mut file = std::fs::File::from(file).take(magic.len() as u64);
    file.read_to_end(&mut begins)?;
    Ok(begins)
}

fn is_blank(begins: &[u8]) -> bool {
    begins.iter().all(|byte| *byte == 0)
}

fn begins_as_a_segment(file: OwnedHandle) -> io::Result<bool> {
    let begins = beginning(file)?;
    // One that was killed while making it leaves nothing there yet.
    Ok(begins == Kind::Segment.magic() || is_blank(&begins))
}

/// Whether nothing has been written to an open file that may become a segment.
pub(super) fn is_unwritten(file: BorrowedHandle<'_>) -> io::Result<bool> {
    Ok(is_blank(&beginning(file.try_clone_to_owned()?)?))
}

/// Deletes a segment's file that nobody has open.
pub(super) fn remove(path: &Path) -> io::Result<Found> {
    match look_into(path)? {
        Found::Left => {}
        other => return Ok(other),
    }
    let flags = FILE_FLAG_DELETE_ON_CLOSE;
    found(open(path, DELETE, WITH_NOBODY, OPEN_EXISTING, flags))
}

fn found(file: io::Result<OwnedHandle>) -> io::Result<Found> {
    match file {
        Ok(_) => Ok(Found::Left),
        Err(error) if is_missing(&error) => Ok(Found::Nothing),
        Err(error) if is_busy(&error) => Ok(Found::Busy),
        Err(error) => Err(error),
    }
}

pub(super) fn is_missing(error: &io::Error) -> bool {
    is(error, ERROR_FILE_NOT_FOUND) || is(error, ERROR_PATH_NOT_FOUND)
}

/// Whether others have it open, or it is not for this user.
pub(super) fn is_busy(error: &io::Error) -> bool {
    // Access is denied to what is being deleted, and still open somewhere.
    is(error, ERROR_SHARING_VIOLATION) || is(error, ERROR_ACCESS_DENIED)
}

/// A lock file, which one only may have open, removed when that one closes it or dies; `None`: somebody has it. An error if the file that
/// is there is no lock file, or another user's: it stays as it is.
pub(super) fn alone(path: &Path) -> io::Result<Option<OwnedHandle>> {
    let flags = FILE_FLAG_DELETE_ON_CLOSE;
    match open(path, GENERIC_READ | DELETE, WITH_NOBODY, CREATE_NEW, flags) {
        Err(error) if is(&error, ERROR_FILE_EXISTS) => {}
        Err(error) if is_busy(&error) => return Ok(None),
        made => return made.map(Some),
    }
    let access = GENERIC_READ | DELETE | READ_CONTROL;
    let file = match open(path, access, WITH_NOBODY, OPEN_EXISTING, 0) {
        Ok(file) => std::fs::File::from(file),
        // Who had it has just let it go: next time.
        Err(error) if is_busy(&error) || is_missing(&error) => return Ok(None),
        Err(error) => return Err(error),
    };
    if !is_lock(&file.metadata()?) {
        let text = "it is no lock file of a segment: that is empty";
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, text));
    }
    let name = path.display().to_string();
    security()?.check_owner(file.as_handle(), Thing::File, &name)?;
    // What a power cut left. Not opened with FILE_FLAG_DELETE_ON_CLOSE: nobody could look first.
    let gone = FILE_DISPOSITION_INFO { DeleteFile: true };
    let (gone_at, bytes) = (&raw const gone, size_of_val(&gone) as u32);
    let raw = file.as_raw_handle();
    // SAFETY: an open file, and a whole argument of the kind that is named.
    done(unsafe { SetFileInformationByHandle(raw, FileDispositionInfo, gone_at.cast(), bytes) })?;
    Ok(Some(file.into()))
}

/// Opens a segment's file beside others; an error if it is another user's.
pub(super) fn join(path: &Path, writable: bool) -> io::Result<OwnedHandle> {
    let access = match writable {
        true => GENERIC_READ | GENERIC_WRITE,
        false => GENERIC_READ,
    };
    let file = open(path, access | READ_CONTROL, WITH_ALL, OPEN_EXISTING, 0)?;
    let name = path.display().to_string();
    security()?.check_owner(file.as_handle(), Thing::File, &name)?;
    Ok(file)
}

/// Makes a file of `len` bytes, with room for all of them on the disk: a full one is an error now, and never later.
pub(super) fn make(path: &Path, len: u64) -> io::Result<OwnedHandle> {
    let access = GENERIC_READ | GENERIC_WRITE | DELETE;
    // What lies in it matters as long as somebody lives: it need not go to the disk while there is memory.
    let file = open(path, access, WITH_ALL, CREATE_NEW, FILE_ATTRIBUTE_TEMPORARY)?;
    let room = FILE_ALLOCATION_INFO {
        AllocationSize: len as i64,
    };
    let end = FILE_END_OF_FILE_INFO {
        EndOfFile: len as i64,
    };
    let (room_at, bytes) = (&raw const room, size_of_val(&room) as u32);
    let raw = file.as_raw_handle();
    // SAFETY: an open file, and a whole argument of the kind that is named.
    let reserved =
        unsafe { SetFileInformationByHandle(raw, FileAllocationInfo, room_at.cast(), bytes) };
    match done(reserved) {
        // Wine. A file that is made longer gets its room on NTFS as well.
        Err(error) if is(&error, ERROR_CALL_NOT_IMPLEMENTED) => {}
        other => other?,
    }
    let (end_at, bytes) = (&raw const end, size_of_val(&end) as u32);
    // SAFETY: as above.
    done(unsafe { SetFileInformationByHandle(raw, FileEndOfFileInfo, end_at.cast(), bytes) })?;
    Ok(file)
}

/// Bytes of a file.
pub(super) fn len(file: BorrowedHandle<'_>) -> io::Result<u64> {
    let mut bytes = 0;
    // SAFETY: the answer goes into the variable.
    done(unsafe { GetFileSizeEx(file.as_raw_handle(), &raw mut bytes) })?;
    Ok(bytes as u64)
}

/// The directory, made for this user alone if it is not there and that is wanted. One that is found must be this user's, the
/// administrators' or the system's.
pub(super) fn directory(path: &Path, make: bool) -> io::Result<()> {
    let security = security()?;
    let name = path.display().to_string();
    if make {
        let attributes = security.attributes(Thing::Directory);
        let text = wide(path);
        // SAFETY: name and attributes live through the call.
        let made = done(unsafe { CreateDirectoryW(text.as_ptr(), &raw const attributes) });
        match made {
            // Of a drive's root, say, access is denied, though it is there.
            Err(error) if !is(&error, ERROR_ALREADY_EXISTS) && !path.is_dir() => {
                return Err(context(error, format_args!("making {name}")));
            }
            _ => {}
        }
    }
    let flags = FILE_FLAG_BACKUP_SEMANTICS;
    let found = open(path, READ_CONTROL, WITH_ALL, OPEN_EXISTING, flags)?;
    security.check_owner(found.as_handle(), Thing::Directory, &name)
}
