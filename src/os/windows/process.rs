//! Who a process is, and proof that it has exited.
//!
//! What: an [`Identity`] that a reused process number does not match, and a [`Watch`] that is signalled at exit. Numbers and times of
//! creation are the machine's: every session reads the same.
//! What a crash leaves: nothing.

use std::io;
use std::os::windows::io::{AsHandle, AsRawHandle, BorrowedHandle, OwnedHandle};
use std::sync::OnceLock;

use windows_sys::Win32::Foundation::{
    ERROR_INVALID_PARAMETER, FILETIME, HANDLE, WAIT_OBJECT_0, WAIT_TIMEOUT,
};
use windows_sys::Win32::System::Threading::{
    GetCurrentProcess, GetProcessTimes, OpenProcess, PROCESS_QUERY_LIMITED_INFORMATION,
    PROCESS_SYNCHRONIZE, WaitForSingleObject,
};

use super::call::{done, is, last, owned};

/// The one space of process numbers of a Windows machine. What lies in a file from before the last start has nobody who has it open.
const MACHINE: u64 = u64::from_le_bytes(*b"windows\0");

/// A process, named so that no later process matches. Zeroes stand for "unreadable": nothing is then proven by it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) pid: u32,
    /// When it was created, in units of 100 ns since 1601.
    pub(crate) start: u64,
    /// Where `pid` and `start` mean something.
    pub(crate) pid_ns: u64,
}

impl Identity {
    /// The calling process.
    pub(crate) fn mine() -> Identity {
        static MINE: OnceLock<Identity> = OnceLock::new();
        *MINE.get_or_init(|| {
            // SAFETY: no arguments.
            let process = unsafe { GetCurrentProcess() };
            // SAFETY: a number that stands for this process, and is never closed.
            let process = unsafe { BorrowedHandle::borrow_raw(process) };
            Identity {
                pid: std::process::id(),
                start: created(process).unwrap_or(0),
                pid_ns: MACHINE,
            }
        })
    }

    fn can_be_proven(&self) -> bool {
        self.pid != 0 && self.start != 0 && self.pid_ns == MACHINE
    }
}

/// When a process was created. The handle must allow to ask.
pub(super) fn created(process: BorrowedHandle<'_>) -> io::Result<u64> {
    let mut times = [FILETIME::default(); 4];
    let [creation, exit, kernel, user] = &mut times;
    let raw: HANDLE = process.as_raw_handle();
    // SAFETY: the answers go into the four variables.
    done(unsafe { GetProcessTimes(raw, creation, exit, kernel, user) })?;
    Ok(u64::from(times[0].dwHighDateTime) << 32 | u64::from(times[0].dwLowDateTime))
}

/// What can be said of a process by its identity.
#[derive(Debug)]
pub(crate) enum Sighting {
    /// It was there; the watch tells when it exits (at once if it has).
    Watching(Watch),
    /// Proven: it has exited; its number is free or another's.
    Gone,
    /// Nothing is proven, treat it as alive.
    Unknowable,
}

/// A process's handle: signalled once it has exited.
#[derive(Debug)]
pub(crate) struct Watch(OwnedHandle);

impl Watch {
    /// Looks for the process of `identity`.
    pub(crate) fn of(identity: &Identity) -> Sighting {
        if !identity.can_be_proven() {
            return Sighting::Unknowable;
        }
        let rights = PROCESS_SYNCHRONIZE | PROCESS_QUERY_LIMITED_INFORMATION;
        // SAFETY: three numbers.
        let process = unsafe { OpenProcess(rights, 0, identity.pid) };
        // SAFETY: just opened.
        let process = match unsafe { owned(process) } {
            Ok(process) => process,
            Err(error) if is(&error, ERROR_INVALID_PARAMETER) => return Sighting::Gone,
            // Another user's, or a sandbox.
            Err(_) => return Sighting::Unknowable,
        };
        match created(process.as_handle()) {
            // The number's next process was created later.
            Ok(start) if start != identity.start => Sighting::Gone,
            Ok(_) => Sighting::Watching(Watch(process)),
            Err(_) => Sighting::Unknowable,
        }
    }

    /// Whether it has exited. Never waits.
    pub(crate) fn has_exited(&self) -> io::Result<bool> {
        // SAFETY: an open handle.
        match unsafe { WaitForSingleObject(self.0.as_raw_handle(), 0) } {
            WAIT_OBJECT_0 => Ok(true),
            WAIT_TIMEOUT => Ok(false),
            _ => last(),
        }
    }
}

impl AsHandle for Watch {
    fn as_handle(&self) -> BorrowedHandle<'_> {
        self.0.as_handle()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::os::windows::testing::{Ready, role, stay, until};

    #[test]
    fn this_process_is_alive_and_named_once() {
        let mine = Identity::mine();
        assert!(mine.can_be_proven());
        assert_eq!(mine, Identity::mine());
        match Watch::of(&mine) {
            Sighting::Watching(watch) => assert!(!watch.has_exited().unwrap()),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_next_process_of_a_number_is_another() {
        let mine = Identity::mine();
        for start in [mine.start - 1, mine.start + 1] {
            let earlier = Identity { start, ..mine };
            assert!(matches!(Watch::of(&earlier), Sighting::Gone));
        }
        // What nothing is known of may live.
        for unknown in [
            Identity::default(),
            Identity { start: 0, ..mine },
            Identity { pid: 0, ..mine },
            Identity { pid_ns: 7, ..mine },
        ] {
            assert!(matches!(Watch::of(&unknown), Sighting::Unknowable));
        }
    }

    #[test]
    fn a_killed_process_is_seen_to_have_exited() {
        if role().is_some() {
            stay();
        }
        let test = concat!(module_path!(), "::a_killed_process_is_seen_to_have_exited");
        let mut child = Ready::start(test, "wait");
        let rights = PROCESS_QUERY_LIMITED_INFORMATION;
        // SAFETY: three numbers.
        let handle = unsafe { OpenProcess(rights, 0, child.id()) };
        // SAFETY: just opened.
        let handle = unsafe { owned(handle) }.unwrap();
        let identity = Identity {
            pid: child.id(),
            start: created(handle.as_handle()).unwrap(),
            ..Identity::mine()
        };
        drop(handle);
        let Sighting::Watching(watch) = Watch::of(&identity) else {
            panic!("a living child cannot be watched");
        };
        assert!(!watch.has_exited().unwrap(), "the control: it lives");
        child.kill();
        until("the watch tells", || watch.has_exited().unwrap());
        // Its handle is here still, so its number is its own.
        if let Sighting::Watching(again) = Watch::of(&identity) {
            assert!(again.has_exited().unwrap());
        }
        drop((watch, child));
        until("the number is free", || match Watch::of(&identity) {
            Sighting::Gone => true,
            Sighting::Watching(watch) => watch.has_exited().unwrap(),
            Sighting::Unknowable => false,
        });
    }
}
