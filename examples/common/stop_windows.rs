//! Ctrl-C, a console that is closed, or an event that somebody sets, as a word to look at; `stop.rs` has the same names.

use std::io;
use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use windows_sys::Win32::Foundation::HANDLE;
use windows_sys::Win32::System::Console::{CTRL_CLOSE_EVENT, SetConsoleCtrlHandler};
use windows_sys::Win32::System::IO::CancelSynchronousIo;
use windows_sys::Win32::System::Threading::{
    CreateEventW, GetCurrentThreadId, INFINITE, OpenThread, SetEvent, THREAD_TERMINATE,
    WaitForSingleObject,
};

static ASKED: AtomicBool = AtomicBool::new(false);
/// Set when somebody asks.
static EVENT: OnceLock<OwnedHandle> = OnceLock::new();
/// The thread whose reading is to end then.
static READER: Mutex<Option<OwnedHandle>> = Mutex::new(None);

unsafe extern "system" fn note(what: u32) -> i32 {
    // Ctrl-C, Ctrl-Break, and the console's end.
    let ours = what <= CTRL_CLOSE_EVENT;
    if let Some(event) = EVENT.get().filter(|_| ours) {
        // SAFETY: an event that is never closed.
        unsafe { SetEvent(event.as_raw_handle()) };
        if what == CTRL_CLOSE_EVENT {
            // When this returns the process is ended; it has some seconds to end by itself.
            std::thread::park();
        }
    }
    ours.into()
}

fn wait(event: HANDLE) {
    // SAFETY: an event that is never closed.
    unsafe { WaitForSingleObject(event, INFINITE) };
    ASKED.store(true, Ordering::SeqCst);
    // Again and again: it may only be about to read.
    loop {
        if let Some(thread) = &*reader() {
            // SAFETY: a thread's handle; one that waits for nothing is left alone.
            unsafe { CancelSynchronousIo(thread.as_raw_handle()) };
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn reader() -> MutexGuard<'static, Option<OwnedHandle>> {
    READER.lock().unwrap_or_else(PoisonError::into_inner)
}

/// From now on Ctrl-C only sets the word, and so does whoever sets the event `Local\ringpad-stop-PID`: Windows has no other way to ask a
/// process without a window to end.
pub fn catch() -> io::Result<()> {
    let name = format!("Local\\ringpad-stop-{}\0", std::process::id());
    let name: Vec<u16> = name.encode_utf16().collect();
    // SAFETY: no attributes, and a name that ends with a zero.
    let event = unsafe { CreateEventW(std::ptr::null(), 1, 0, name.as_ptr()) };
    if event.is_null() {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: just made, and nobody else's.
    let event = EVENT.get_or_init(|| unsafe { OwnedHandle::from_raw_handle(event) });
    let event = event.as_raw_handle() as usize;
    std::thread::Builder::new().spawn(move || wait(event as HANDLE))?;
    // SAFETY: the handler sets an event and does nothing else. Without a console there is nobody who could call it.
    unsafe { SetConsoleCtrlHandler(Some(note), 1) };
    Ok(())
}

/// Whether somebody asked.
pub fn asked() -> bool {
    ASKED.load(Ordering::Relaxed)
}

/// Only who wants it is interrupted here.
#[allow(dead_code)] // not every example has other threads
pub fn leave_to_other_threads() -> io::Result<()> {
    Ok(())
}

/// This thread's reading ends with an error when somebody asks.
#[allow(dead_code)] // not every example reads
pub fn interrupt_here() -> io::Result<()> {
    // SAFETY: asks for a number.
    let me = unsafe { GetCurrentThreadId() };
    // SAFETY: integers only.
    let thread = unsafe { OpenThread(THREAD_TERMINATE, 0, me) };
    if thread.is_null() {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: just opened, and nobody else's.
    let thread = unsafe { OwnedHandle::from_raw_handle(thread) };
    *reader() = Some(thread);
    Ok(())
}

/// From now on it waits as it likes.
#[allow(dead_code)] // not every example reads
pub fn interrupt_no_more() {
    *reader() = None;
}
