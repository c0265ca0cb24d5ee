//! Whether a thread sleeps: what it waits for Windows does not tell, but how long it has run.

use std::error::Error;
use std::io;
use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle};
use std::time::Duration;

use windows_sys::Win32::Foundation::FILETIME;
use windows_sys::Win32::System::Threading::{GetThreadTimes, OpenThread, THREAD_QUERY_INFORMATION};

/// Clocks of threads go on by 10 to 16 ms.
const IDLE: Duration = Duration::from_millis(40);

/// Whether the thread of this number has not run for a while.
pub fn is_asleep(thread: &str) -> Result<bool, Box<dyn Error>> {
    // SAFETY: no pointers.
    let handle = unsafe { OpenThread(THREAD_QUERY_INFORMATION, 0, thread.parse()?) };
    if handle.is_null() {
        return Err(io::Error::last_os_error().into());
    }
    // SAFETY: just opened, and nobody else's.
    let handle = unsafe { OwnedHandle::from_raw_handle(handle) };
    let before = spent(&handle)?;
    std::thread::sleep(IDLE);
    Ok(spent(&handle)? == before)
}

/// The processor time of a thread.
fn spent(thread: &OwnedHandle) -> io::Result<[u32; 4]> {
    let mut times = [FILETIME::default(); 4];
    let [made, ended, kernel, user] = times.each_mut().map(std::ptr::from_mut);
    // SAFETY: a thread's handle opened for that, and room for the four times.
    if unsafe { GetThreadTimes(thread.as_raw_handle(), made, ended, kernel, user) } == 0 {
        return Err(io::Error::last_os_error());
    }
    let [_, _, kernel, user] = times;
    Ok([
        kernel.dwHighDateTime,
        kernel.dwLowDateTime,
        user.dwHighDateTime,
        user.dwLowDateTime,
    ])
}
