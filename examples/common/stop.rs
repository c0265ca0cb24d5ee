//! Ctrl-C (or a kill that asks) as a word to look at, so that a program can leave in order. Examples share this file.

use std::io;
use std::mem::MaybeUninit;
use std::sync::atomic::{AtomicBool, Ordering};

static ASKED: AtomicBool = AtomicBool::new(false);

/// What asks a program to end: Ctrl-C, `kill`, a terminal that was closed.
const SIGNALS: [libc::c_int; 3] = [libc::SIGINT, libc::SIGTERM, libc::SIGHUP];

extern "C" fn note(_: libc::c_int) {
    ASKED.store(true, Ordering::Relaxed);
}

/// From now on the signals only set the word. A call that they interrupt ends with `Interrupted`.
pub fn catch() -> io::Result<()> {
    for signal in SIGNALS {
        // SAFETY: a sigaction of zeros is a valid one: no flags, an empty mask.
        let mut action: libc::sigaction = unsafe { MaybeUninit::zeroed().assume_init() };
        action.sa_sigaction = note as extern "C" fn(libc::c_int) as libc::sighandler_t;
        // SAFETY: the handler stores to an atomic word and does nothing else.
        if unsafe { libc::sigaction(signal, &raw const action, std::ptr::null_mut()) } != 0 {
            return Err(io::Error::last_os_error());
        }
    }
    Ok(())
}

/// Whether somebody asked.
pub fn asked() -> bool {
    ASKED.load(Ordering::Relaxed)
}

/// From now on this thread sleeps through the signals: another one is interrupted by them.
#[allow(dead_code)] // not every example has other threads
pub fn leave_to_other_threads() -> io::Result<()> {
    // SAFETY: a set of zeros is one to begin with.
    let mut set: libc::sigset_t = unsafe { MaybeUninit::zeroed().assume_init() };
    for signal in SIGNALS {
        // SAFETY: the set is ours, and the signals exist.
        unsafe { libc::sigaddset(&raw mut set, signal) };
    }
    // SAFETY: only this thread's mask changes.
    match unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, &raw const set, std::ptr::null_mut()) } {
        0 => Ok(()),
        error => Err(io::Error::from_raw_os_error(error)),
    }
}

/// This thread's reading ends with an error when somebody asks: as that of every thread that does not leave it to others.
#[allow(dead_code)] // not every example reads
pub fn interrupt_here() -> io::Result<()> {
    Ok(())
}

/// From now on its waits are not ended.
#[allow(dead_code)] // not every example reads
pub fn interrupt_no_more() {}
