//! The named pipe that wakes a sleeper, and the wait on it beside processes.
//!
//! # Protocol
//!
//! A waiter owns the one instance of its row's pipe and has it listen, overlapped. CONNECTING is the ring: whoever rings opens the
//! pipe and closes it again. No byte is sent, nobody keeps an end, and a pipe that somebody has connected to (busy) is ringing already.
//! Emptying it is: disconnect, listen again.
//!
//! A ring while the pipe does not listen is lost. It was for an epoch before the one that the waiter arms after emptying, and arming is
//! followed by a look, see `segment::doorbell`.
//!
//! Progress: ringing never waits; [`Ear::wait`] ends by its deadline.
//!
//! # What a crash leaves
//!
//! Nothing: a pipe goes with its handles. Of a ringer killed between opening and closing the ring stays, which is what it wanted.

use std::io;
use std::os::windows::io::{AsHandle, AsRawHandle, BorrowedHandle, OwnedHandle};
use std::ptr::{self, NonNull};
use std::time::{Duration, Instant};

use windows_sys::Win32::Foundation::{
    CloseHandle, ERROR_ACCESS_DENIED, ERROR_IO_PENDING, ERROR_NO_DATA, ERROR_PIPE_BUSY,
    ERROR_PIPE_CONNECTED, GENERIC_WRITE, HANDLE, INVALID_HANDLE_VALUE, WAIT_FAILED, WAIT_OBJECT_0,
};
use windows_sys::Win32::Storage::FileSystem::{
    CreateFileW, FILE_FLAG_FIRST_PIPE_INSTANCE, FILE_FLAG_OVERLAPPED, OPEN_EXISTING,
    PIPE_ACCESS_INBOUND, SECURITY_ANONYMOUS, SECURITY_SQOS_PRESENT,
};
use windows_sys::Win32::System::IO::{CancelIoEx, GetOverlappedResult, OVERLAPPED};
use windows_sys::Win32::System::Pipes::{
    ConnectNamedPipe, CreateNamedPipeW, DisconnectNamedPipe, PIPE_REJECT_REMOTE_CLIENTS,
    PIPE_TYPE_BYTE,
};
use windows_sys::Win32::System::Threading::{
    CreateEventW, SetEvent, WaitForMultipleObjects, WaitForSingleObject,
};

use super::call::{done, is, last, owned, wide};
use super::process::Watch;
use super::security::{Thing, security};
use crate::os::Result;
use crate::os::error::Doing;
use crate::os::patience::{Backoff, soon};
use crate::{PeerId, Signal};

/// How long a new waiter waits for the pipe of one who died in its row, or left, to be gone.
const LINGERING: Duration = Duration::from_secs(5);

/// Most handles of one wait.
const MAX_WAIT: usize = 64;
/// Most processes watched beside one pipe.
pub(crate) const MAX_WATCHES: usize = MAX_WAIT - 1;

/// The names of a segment's pipes, one a row.
#[derive(Debug)]
pub(in crate::os) struct Bells(Vec<Vec<u16>>);

impl Bells {
    pub(super) fn new(id: u128, rows: u32) -> Self {
        let name = |row: u32| wide(format!(r"\\.\pipe\ringpad-{id:032x}-{row}"));
        Self((1..=rows).map(name).collect())
    }

    /// What the peer of a row sleeps on: the row's pipe, made now.
    pub(in crate::os) fn ear(&self, row: PeerId) -> Result<Ear> {
        let name = self.0.get(row.index()).ok_or(crate::os::Error::NoBells)?;
        let mut backoff = Backoff::new(Duration::from_millis(5));
        let deadline = soon(LINGERING);
        loop {
            match Ear::new(name) {
                Err(error) if is(&error, ERROR_ACCESS_DENIED) || is(&error, ERROR_PIPE_BUSY) => {
                    backoff.pause(deadline, || format!("the doorbell of row {row} to be free"))?;
                }
                other => return other.doing(|| format!("making the doorbell of row {row}")),
            }
        }
    }
}

impl Signal for Bells {
    fn signal(&self, peer: PeerId) {
        let Some(name) = self.0.get(peer.index()) else {
            return;
        };
        // Whoever owns the pipe may not act in this one's name.
        let flags = SECURITY_SQOS_PRESENT | SECURITY_ANONYMOUS;
        let (text, none) = (name.as_ptr(), ptr::null());
        // SAFETY: the name lives as long as `self`.
        let pipe = unsafe {
            CreateFileW(
                text,
                GENERIC_WRITE,
                0,
                none,
                OPEN_EXISTING,
                flags,
                ptr::null_mut(),
            )
        };
        // Busy: it is ringing already. Not found: nobody sleeps there.
        if pipe != INVALID_HANDLE_VALUE {
            // SAFETY: opened above, closed once.
            unsafe { CloseHandle(pipe) };
        }
    }
}

/// Which handles of a wait are signalled: bit 0 is the pipe, bit i + 1 is watch i. None: the deadline passed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ready(u64);

impl Ready {
    /// The indices, ascending.
    pub(crate) fn iter(self) -> impl Iterator<Item = usize> {
        (0..MAX_WAIT).filter(move |&i| self.0 >> i & 1 == 1)
    }
}

/// The pipe that one row's peer sleeps on.
#[derive(Debug)]
pub(in crate::os) struct Ear {
    pipe: OwnedHandle,
    /// Set once somebody has connected.
    rung: OwnedHandle,
    /// The system's while it listens; made by a box and freed by `drop`. Not a box, which nobody else may write to while it is moved.
    listening: NonNull<OVERLAPPED>,
}

// SAFETY: what an Ear holds belongs to the process; the system writes to `listening` from wherever somebody connects.
unsafe impl Send for Ear {}

impl Ear {
    fn new(name: &[u16]) -> io::Result<Self> {
        let attributes = security()?.attributes(Thing::Object);
        let open = PIPE_ACCESS_INBOUND | FILE_FLAG_FIRST_PIPE_INSTANCE | FILE_FLAG_OVERLAPPED;
        let (text, with) = (name.as_ptr(), &raw const attributes);
        let mode = PIPE_TYPE_BYTE | PIPE_REJECT_REMOTE_CLIENTS;
        // SAFETY: name and attributes live through the call.
        let pipe = unsafe { CreateNamedPipeW(text, open, mode, 1, 0, 0, 0, with) };
        // SAFETY: just made.
        let pipe = unsafe { owned(pipe) }?;
        // SAFETY: no name, no attributes: handles of it are not inherited.
        let rung = unsafe { CreateEventW(ptr::null(), 1, 0, ptr::null()) };
        // SAFETY: just made.
        let rung = unsafe { owned(rung) }?;
        let listening = NonNull::from(Box::leak(Box::default()));
        let ear = Self {
            pipe,
            rung,
            listening,
        };
        ear.listen()?;
        Ok(ear)
    }

    fn pipe(&self) -> HANDLE {
        self.pipe.as_raw_handle()
    }

    /// Listens. Nothing of an earlier call is under way.
    fn listen(&self) -> io::Result<()> {
        let event = self.rung.as_raw_handle();
        let overlapped = OVERLAPPED {
            // The lowest bit: a completion port that somebody has the pipe in hears nothing of this.
            hEvent: event.map_addr(|at| at | 1),
            ..OVERLAPPED::default()
        };
        let at = self.listening.as_ptr();
        // SAFETY: the system has given it back, or never had it.
        unsafe { at.write(overlapped) };
        // SAFETY: it is freed by `drop` alone, which waits until the system has given it back.
        match done(unsafe { ConnectNamedPipe(self.pipe(), at) }) {
            Err(error) if is(&error, ERROR_IO_PENDING) => Ok(()),
            answer => {
                // No call is under way, so nobody else sets the event: `drop` would wait for it, and `drain` never try again.
                // SAFETY: an open event.
                done(unsafe { SetEvent(event) })?;
                match answer {
                    // Somebody was faster than this call.
                    Err(error) if is(&error, ERROR_PIPE_CONNECTED) => Ok(()),
                    Err(error) if is(&error, ERROR_NO_DATA) => Ok(()),
                    other => other,
                }
            }
        }
    }

    /// Forgets that somebody rang.
    pub(in crate::os) fn drain(&self) -> io::Result<()> {
        // SAFETY: an open event.
        if unsafe { WaitForSingleObject(self.rung.as_raw_handle(), 0) } != WAIT_OBJECT_0 {
            return Ok(()); // it listens
        }
        // SAFETY: the pipe of this ear. That nobody is connected, as after a listening thread's end, is no error here.
        unsafe { DisconnectNamedPipe(self.pipe()) };
        self.listen()
    }

    /// Nobody else can make a call here block.
    pub(in crate::os) fn is_wary(&self) -> bool {
        false
    }

    /// Sleeps until somebody rings (index 0), a watched process exits (its index + 1; at most [`MAX_WATCHES`]), or the deadline.
    pub(in crate::os) fn wait<'w>(
        &'w self,
        watches: impl Iterator<Item = &'w Watch>,
        deadline: Option<Instant>,
    ) -> io::Result<Ready> {
        let mut handles = [self.rung.as_raw_handle(); MAX_WAIT];
        let mut count = 1;
        for (handle, watch) in handles[1..].iter_mut().zip(watches) {
            *handle = watch.as_handle().as_raw_handle();
            count += 1;
        }
        loop {
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            let first = wait_any(&handles[..count], left)?;
            if let Some(first) = first {
                // The call tells of the first only.
                let is_set =
                    |&index: &usize| wait_any(&handles[index..=index], Some(Duration::ZERO));
                let mut ready = Ready(1 << first);
                for index in first + 1..count {
                    if is_set(&index)?.is_some() {
                        ready.0 |= 1 << index;
                    }
                }
                return Ok(ready);
            }
            if left.is_some_and(|left| left.is_zero()) {
                return Ok(Ready::default());
            }
        }
    }
}

/// Waits so long, for ever, or not at all; the lowest index that is signalled.
fn wait_any(handles: &[HANDLE], most: Option<Duration>) -> io::Result<Option<usize>> {
    // For ever is the largest number. A part of a millisecond counts as a whole one.
    let most = most.map_or(u32::MAX, |most| {
        let whole = most.as_nanos().div_ceil(1_000_000);
        whole.min(u128::from(u32::MAX - 1)) as u32
    });
    let count = handles.len() as u32;
    // SAFETY: open handles, as many as said.
    match unsafe { WaitForMultipleObjects(count, handles.as_ptr(), 0, most) } {
        WAIT_FAILED => last(),
        index if index < WAIT_OBJECT_0 + count => Ok(Some((index - WAIT_OBJECT_0) as usize)),
        _ => Ok(None),
    }
}

impl AsHandle for Ear {
    fn as_handle(&self) -> BorrowedHandle<'_> {
        self.pipe.as_handle()
    }
}

impl Drop for Ear {
    fn drop(&mut self) {
        let (pipe, at, mut bytes) = (self.pipe(), self.listening.as_ptr(), 0);
        // That nothing is under way is no error.
        // SAFETY: the pipe and the call of this ear.
        unsafe { CancelIoEx(pipe, at) };
        // Until it is over, the system may write to it.
        // SAFETY: as above; the answer goes into the variable.
        unsafe { GetOverlappedResult(pipe, at, &raw mut bytes, 1) };
        // A ringer that was stopped before it closed its end would keep the name from the row's next waiter.
        // SAFETY: the pipe of this ear. That nobody is connected is no error here.
        unsafe { DisconnectNamedPipe(pipe) };
        // SAFETY: leaked by `new`, and the system's no more.
        drop(unsafe { Box::from_raw(at) });
    }
}

#[cfg(test)]
#[path = "bell_tests.rs"]
mod tests;
