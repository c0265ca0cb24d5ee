//! Locks that are names: an event exists as long as somebody has it open.
//!
//! What: whoever CREATES the event of a name holds the lock; whoever finds it there does not.
//! Why: the last handle goes with its process, at TerminateProcess too, and the name with the last handle; no thread owns it, as one
//! would own a mutex; asking takes nothing.
//!
//! Who asks opens the event for a moment, and so may keep a dead one's name alive for that moment: it then counts as held, which is the
//! safe side. Who wants the lock looks again, see [`LOOKS`](super::seats::LOOKS).
//!
//! What a crash leaves: nothing. Handles are not inherited, so no child holds one on.

use std::io;
use std::os::windows::io::{AsHandle, OwnedHandle};

use windows_sys::Win32::Foundation::{
    ERROR_ACCESS_DENIED, ERROR_ALREADY_EXISTS, ERROR_FILE_NOT_FOUND, GetLastError,
};
use windows_sys::Win32::System::Threading::{
    CreateEventW, OpenEventW, SYNCHRONIZATION_SYNCHRONIZE,
};

use super::call::{context, is, last, owned, wide};
use super::security::{Thing, security};

/// Makes the event of a name, or opens it. True if it was made just now.
fn make(name: &str) -> io::Result<(OwnedHandle, bool)> {
    let attributes = security()?.attributes(Thing::Object);
    let text = wide(name);
    // SAFETY: attributes and name live through the call.
    let event = unsafe { CreateEventW(&raw const attributes, 1, 0, text.as_ptr()) };
    // SAFETY: asks for this thread's last error.
    let is_new = unsafe { GetLastError() } != ERROR_ALREADY_EXISTS;
    // SAFETY: just opened.
    let event = unsafe { owned(event) };
    event
        .map(|event| (event, is_new))
        .map_err(|error| context(error, format_args!("the lock {name}")))
}

/// Takes the lock; `None`: somebody has it.
pub(super) fn take(name: &str) -> io::Result<Option<OwnedHandle>> {
    match make(name) {
        Ok((event, true)) => Ok(Some(event)),
        Ok((event, false)) => {
            security()?.check_owner(event.as_handle(), Thing::Object, name)?;
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Shares a name that many hold at once: it exists as long as one of them does. An error if it is another user's.
pub(super) fn share(name: &str) -> io::Result<OwnedHandle> {
    let (event, is_new) = make(name)?;
    if !is_new {
        security()?.check_owner(event.as_handle(), Thing::Object, name)?;
    }
    Ok(event)
}

/// Whether somebody has it, whoever that is.
pub(super) fn is_held(name: &str) -> io::Result<bool> {
    let text = wide(name);
    // SAFETY: the name lives through the call.
    let event = unsafe { OpenEventW(SYNCHRONIZATION_SYNCHRONIZE, 0, text.as_ptr()) };
    if event.is_null() {
        return match last::<bool>() {
            Err(error) if is(&error, ERROR_FILE_NOT_FOUND) => Ok(false),
            // It is there, another's.
            Err(error) if is(&error, ERROR_ACCESS_DENIED) => Ok(true),
            other => other,
        };
    }
    // SAFETY: just opened; dropped at once.
    unsafe { owned(event) }.map(|_| true)
}

#[cfg(test)]
#[path = "lock_tests.rs"]
mod tests;
