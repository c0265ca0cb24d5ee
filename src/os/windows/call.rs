//! Small things that every call of the system needs.

use std::io;
use std::os::windows::ffi::OsStrExt;
use std::os::windows::io::{FromRawHandle, OwnedHandle};

use windows_sys::Win32::Foundation::{HANDLE, INVALID_HANDLE_VALUE};

/// Text as the system wants it, with the zero behind it.
pub(super) fn wide(text: impl AsRef<std::ffi::OsStr>) -> Vec<u16> {
    text.as_ref().encode_wide().chain([0]).collect()
}

/// The error of the call just made.
pub(super) fn last<T>() -> io::Result<T> {
    Err(io::Error::last_os_error())
}

/// What a call answered that says by zero that it failed.
pub(super) fn done(answer: i32) -> io::Result<()> {
    match answer {
        0 => last(),
        _ => Ok(()),
    }
}

/// Takes the handle that a call just made.
///
/// # Safety
///
/// Nobody else has it, unless it is null or invalid.
pub(super) unsafe fn owned(handle: HANDLE) -> io::Result<OwnedHandle> {
    if handle.is_null() || handle == INVALID_HANDLE_VALUE {
        return last();
    }
    // SAFETY: a real handle, and the caller's alone.
    Ok(unsafe { OwnedHandle::from_raw_handle(handle) })
}

/// Whether it is this error of the system's.
pub(super) fn is(error: &io::Error, code: u32) -> bool {
    error.raw_os_error() == Some(code as i32)
}

/// `error` with what was being done in front of it; the kind stays.
pub(super) fn context(error: io::Error, doing: std::fmt::Arguments<'_>) -> io::Error {
    io::Error::new(error.kind(), format!("{doing}: {error}"))
}
