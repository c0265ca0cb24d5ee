//! What the examples ask of Windows beyond the standard library; `system.rs` has the same names.

#![allow(dead_code)] // each example uses its own part

use std::fs::File;
use std::io;
use std::os::windows::fs::{FileExt as _, OpenOptionsExt};
use std::os::windows::io::{AsHandle, AsRawHandle, OwnedHandle};
use std::os::windows::process::CommandExt;
use std::process::{Child, Command, ExitCode, ExitStatus};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Duration;

use windows_sys::Win32::Foundation::{FILETIME, WAIT_OBJECT_0};
use windows_sys::Win32::System::Threading::{
    CREATE_NEW_PROCESS_GROUP, GetCurrentProcess, GetCurrentThread, GetProcessTimes, SuspendThread,
    TerminateProcess, WaitForSingleObject,
};

/// How a program ends that could not do its work. Not 1: that is what most who kill a process have it end with.
pub fn failed() -> ExitCode {
    ExitCode::from(FAILED)
}
const FAILED: u8 = 3;

/// Whether that is the end of one who was killed, which here is to say which code it ends with: any that is no program's own, nor a crash's.
pub fn was_killed(status: ExitStatus) -> bool {
    let code = status.code().unwrap_or_default() as u32;
    code != 0 && code < 0xc000_0000 && !gave_up(status)
}

/// Whether that is the end of one who could not do its work, was not understood (2) or panicked (101), and no kill or crash.
pub fn gave_up(status: ExitStatus) -> bool {
    matches!(status.code(), Some(2 | 101)) || status.code() == Some(FAILED.into())
}

/// Starts a command out of reach of the console's Ctrl-C, which asks who starts it.
pub fn apart(command: &mut Command) -> &mut Command {
    command.creation_flags(CREATE_NEW_PROCESS_GROUP)
}

/// Nothing ties a process to its parent here: it looks for itself whether that is there.
pub fn end_with_parent() -> io::Result<()> {
    Ok(())
}

/// A child that others than its parent's owner of it may wait for and kill.
pub struct Watched(OwnedHandle);

impl Watched {
    pub fn of(child: &Child) -> io::Result<Self> {
        Ok(Self(child.as_handle().try_clone_to_owned()?))
    }

    /// It may have ended.
    pub fn kill(&self) {
        // SAFETY: a process's handle that is ours.
        unsafe { TerminateProcess(self.0.as_raw_handle(), 1) };
    }

    /// Waits for its end, so long at most.
    pub fn has_ended(&self, most: Duration) -> io::Result<bool> {
        let most = most.as_millis() as u32;
        // SAFETY: a process's handle that is ours.
        let found = unsafe { WaitForSingleObject(self.0.as_raw_handle(), most) };
        Ok(found == WAIT_OBJECT_0)
    }
}

/// Asks a child to end, by the event that `stop_windows.rs` waits for. It may be dead, or not have come so far.
pub fn ask_to_end(child: &Child) {
    use windows_sys::Win32::Foundation::CloseHandle;
    use windows_sys::Win32::System::Threading::{EVENT_MODIFY_STATE, OpenEventW, SetEvent};
    let name = format!("Local\\ringpad-stop-{}\0", child.id());
    let name: Vec<u16> = name.encode_utf16().collect();
    // SAFETY: a name that ends with a zero.
    let event = unsafe { OpenEventW(EVENT_MODIFY_STATE, 0, name.as_ptr()) };
    if !event.is_null() {
        // SAFETY: an event's handle, opened for that.
        unsafe { SetEvent(event) };
        // SAFETY: ours, and not used from here on.
        unsafe { CloseHandle(event) };
    }
}

/// Stops this thread, until somebody kills the process or has it go on.
pub fn stop_here() {
    // SAFETY: asks for a constant.
    let me = unsafe { GetCurrentThread() };
    // SAFETY: this thread's own handle.
    unsafe { SuspendThread(me) };
}

/// CPU time this process has used, all threads, in nanoseconds.
pub fn cpu_time_ns() -> u64 {
    let mut times = [FILETIME::default(); 4];
    let [made, ended, kernel, user] = times.each_mut().map(std::ptr::from_mut);
    // SAFETY: asks for a constant.
    let me = unsafe { GetCurrentProcess() };
    // SAFETY: room for the four times.
    unsafe { GetProcessTimes(me, made, ended, kernel, user) };
    let of = |time: FILETIME| u64::from(time.dwHighDateTime) << 32 | u64::from(time.dwLowDateTime);
    100 * (of(times[2]) + of(times[3]))
}

/// Nobody counts here how often a thread sleeps.
pub fn sleeps() -> io::Result<u64> {
    Ok(0)
}

/// True where [`sleeps`] counts.
pub const COUNTS_SLEEPS: bool = false;

/// Positioned reads, by the name that they have elsewhere.
pub trait FileExt {
    fn read_exact_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<()>;
}

impl FileExt for File {
    fn read_exact_at(&self, mut bytes: &mut [u8], mut offset: u64) -> io::Result<()> {
        while !bytes.is_empty() {
            match self.seek_read(bytes, offset)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                some => {
                    bytes = &mut bytes[some..];
                    offset += some as u64;
                }
            }
        }
        Ok(())
    }
}

/// Standard input as a file: what the standard library has read ahead is not in it.
pub fn input() -> io::Result<File> {
    Ok(File::from(io::stdin().as_handle().try_clone_to_owned()?))
}

/// Standard output without a buffer.
pub fn output() -> io::Result<File> {
    Ok(File::from(io::stdout().as_handle().try_clone_to_owned()?))
}

/// A file of the temporary directory, gone with the last who has it.
pub fn memory_file() -> io::Result<File> {
    const DELETE_ON_CLOSE: u32 = 0x0400_0000;
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let next = NEXT.fetch_add(1, Relaxed);
    let name = format!("ringpad-clip-{}-{next}", std::process::id());
    let mut options = File::options();
    options.read(true).write(true).create_new(true);
    options
        .custom_flags(DELETE_ON_CLOSE)
        .open(std::env::temp_dir().join(name))
}

/// Nobody is stopped for looking at the keyboard here.
pub fn is_in_background() -> bool {
    false
}

/// True if the two paths, whatever they are called, are one file.
pub fn is_same_file(one: &std::path::Path, other: &std::path::Path) -> bool {
    let of = std::fs::canonicalize;
    matches!((of(one), of(other)), (Ok(one), Ok(other)) if one == other)
}

/// Standard input has no name: no file is it.
pub const STDIN: &str = "";
