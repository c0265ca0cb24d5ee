//! What the tests ask of Windows; `linux.rs` has the same names.

use std::fs::File;
use std::io;
use std::os::windows::fs::FileExt as _;
use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle};
use std::process::{Child, Command, ExitStatus};
use std::sync::Once;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use windows_sys::Win32::Foundation::{
    CloseHandle, ERROR_INVALID_PARAMETER, ERROR_NO_MORE_FILES, EXCEPTION_ACCESS_VIOLATION,
    FILETIME, HANDLE, INVALID_HANDLE_VALUE, WAIT_OBJECT_0,
};
use windows_sys::Win32::System::Diagnostics::Debug::{
    CONTEXT, CONTEXT_CONTROL_AMD64, GetThreadContext,
};
use windows_sys::Win32::System::Diagnostics::ToolHelp::{
    CreateToolhelp32Snapshot, PROCESSENTRY32, Process32First, Process32Next, TH32CS_SNAPPROCESS,
    TH32CS_SNAPTHREAD, THREADENTRY32, Thread32First, Thread32Next,
};
use windows_sys::Win32::System::JobObjects::{
    AssignProcessToJobObject, CreateJobObjectW, JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE,
    JOBOBJECT_EXTENDED_LIMIT_INFORMATION, JobObjectExtendedLimitInformation,
    SetInformationJobObject,
};
use windows_sys::Win32::System::Memory::{
    CreateFileMappingW, FILE_MAP_READ, FILE_MAP_WRITE, MEM_COMMIT, MEM_MAPPED,
    MEMORY_BASIC_INFORMATION, MEMORY_MAPPED_VIEW_ADDRESS, MapViewOfFile, PAGE_READONLY,
    PAGE_READWRITE, UnmapViewOfFile, VirtualQuery,
};
use windows_sys::Win32::System::Threading::{
    EVENT_MODIFY_STATE, GetCurrentProcess, GetCurrentThreadId, GetThreadTimes, OpenEventW,
    OpenProcess, OpenThread, PROCESS_SYNCHRONIZE, PROCESS_TERMINATE, ResumeThread, SetEvent,
    SuspendThread, THREAD_GET_CONTEXT, THREAD_QUERY_INFORMATION, THREAD_SUSPEND_RESUME,
    THREAD_SYNCHRONIZE, TerminateProcess, WaitForSingleObject,
};

/// With which code the tests' own kills end a process: no test exits with it.
const KILLED: u32 = 0x6b69_6c6c;
/// A thread that has not run for so long sleeps: clocks of threads go on by 10 to 16 ms.
const IDLE: Duration = Duration::from_millis(40);

/// How long a thread that cannot be stopped any more may need to end.
const ENDING_MS: u32 = 5000;

/// Puts this process into a job that ends with it: what it starts is in there too. Windows has no tie to a thread's life.
pub fn die_with_parent(_: &mut Command) {
    static JOB: Once = Once::new();
    JOB.call_once(|| {
        // SAFETY: no name, no attributes.
        let job = unsafe { CreateJobObjectW(std::ptr::null(), std::ptr::null()) };
        let mut limits = JOBOBJECT_EXTENDED_LIMIT_INFORMATION::default();
        limits.BasicLimitInformation.LimitFlags = JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE;
        let (what, len) = (JobObjectExtendedLimitInformation, size_of_val(&limits));
        let limits = std::ptr::from_ref(&limits).cast();
        // SAFETY: a whole structure of that class; a job that could not be made is refused.
        unsafe { SetInformationJobObject(job, what, limits, len as u32) };
        // SAFETY: asks for a constant.
        let me = unsafe { GetCurrentProcess() };
        // SAFETY: our own two handles. The job's is never closed: the system does so at this process's end.
        unsafe { AssignProcessToJobObject(job, me) };
    });
}

fn handle(child: &Child) -> HANDLE {
    child.as_raw_handle()
}

fn owned(handle: HANDLE) -> Option<OwnedHandle> {
    // Some calls answer the one, and some the other.
    let is_open = !handle.is_null() && handle != INVALID_HANDLE_VALUE;
    // SAFETY: just opened, and nobody else's.
    is_open.then(|| unsafe { OwnedHandle::from_raw_handle(handle) })
}

/// The call just made failed.
#[track_caller]
fn failed(doing: &str) -> ! {
    panic!("{doing}: {}", io::Error::last_os_error())
}

/// Kills a child that was not waited for.
pub fn kill(child: &Child) {
    // SAFETY: a handle that lives as long as the child; one that has ended already is refused.
    unsafe { TerminateProcess(handle(child), KILLED) };
}

/// Begins to stop it: every thread of it, also those that are being made meanwhile.
pub fn stop(child: &Child) {
    stop_threads(child.id());
}

/// Stops a process of that number.
pub fn stop_number(pid: u32) {
    assert!(stop_threads(pid), "process {pid} is gone");
}

/// False if there are none.
fn stop_threads(pid: u32) -> bool {
    let mut stopped = Vec::new();
    loop {
        let more: Vec<_> = threads(pid)
            .into_iter()
            .filter(|thread| !stopped.contains(thread))
            .collect();
        if more.is_empty() {
            return !stopped.is_empty();
        }
        for thread in more {
            if let Some(handle) = open(thread, THREAD_SUSPEND_RESUME | THREAD_SYNCHRONIZE) {
                suspend(&handle);
            }
            stopped.push(thread);
        }
    }
}

/// Stops a thread once more; answers how often it had been before. `None`: it is ending.
fn suspend(thread: &OwnedHandle) -> Option<u32> {
    // SAFETY: a thread's handle, opened for that.
    let before = unsafe { SuspendThread(thread.as_raw_handle()) };
    if before != u32::MAX {
        return Some(before);
    }
    must_be_ending(thread, "stopping a thread");
    None
}

/// The call just made failed, which is no fault if it asked a thread that is ending.
#[track_caller]
fn must_be_ending(thread: &OwnedHandle, doing: &str) {
    let error = io::Error::last_os_error();
    // SAFETY: a thread's handle, opened for waiting too.
    let ended = unsafe { WaitForSingleObject(thread.as_raw_handle(), ENDING_MS) };
    assert_eq!(ended, WAIT_OBJECT_0, "{doing}: {error}");
}

/// Lets a thread go on by one stop; answers how many it had.
fn let_go(thread: &OwnedHandle) -> u32 {
    // SAFETY: a thread's handle, opened for that.
    match unsafe { ResumeThread(thread.as_raw_handle()) } {
        u32::MAX => failed("resuming a thread"),
        before => before,
    }
}

/// Whether it has stopped, every thread of it, or exited. To ask is to stop each once more, and to let it go on by as much.
pub fn has_stopped(child: &Child) -> bool {
    /// As the system wants it aligned.
    #[repr(C, align(16))]
    struct Aligned(CONTEXT);
    let has_stopped = |thread| {
        let access = THREAD_GET_CONTEXT | THREAD_SUSPEND_RESUME | THREAD_SYNCHRONIZE;
        let handle = open(thread, access | THREAD_QUERY_INFORMATION)?;
        let before = suspend(&handle)?;
        let mut context = Aligned(CONTEXT::default());
        context.0.ContextFlags = CONTEXT_CONTROL_AMD64;
        // A stop is only begun by the call: who asks for the registers waits until it is there.
        // SAFETY: a thread's handle opened for that, and a context that lives through the call.
        if unsafe { GetThreadContext(handle.as_raw_handle(), &raw mut context.0) } == 0 {
            must_be_ending(&handle, "reading the registers of a stopped thread");
            return None;
        }
        let_go(&handle);
        Some(before > 0)
    };
    let threads: Vec<_> = threads(child.id())
        .into_iter()
        .filter_map(has_stopped)
        .collect();
    let all = threads.iter().all(|&has_stopped| has_stopped);
    !threads.is_empty() && all || has_exited(child)
}

pub fn resume(child: &Child) {
    for thread in threads(child.id()) {
        if let Some(handle) = open(thread, THREAD_SUSPEND_RESUME) {
            let_go(&handle);
        }
    }
}

/// Whether it has exited; its number is kept by our handle.
pub fn has_exited(child: &Child) -> bool {
    // SAFETY: a handle that lives as long as the child; no time to wait.
    (unsafe { WaitForSingleObject(handle(child), 0) }) == WAIT_OBJECT_0
}

/// Kills this process, as another would.
pub fn kill_myself() {
    // SAFETY: asks for a constant.
    let me = unsafe { GetCurrentProcess() };
    // SAFETY: this process's own handle.
    unsafe { TerminateProcess(me, KILLED) };
}

/// Whether that is the end of one whom the tests killed.
pub fn was_killed(status: ExitStatus) -> bool {
    status.code() == Some(KILLED as i32)
}

/// Whether that is the end of one who touched memory that it may not.
pub fn has_faulted(status: ExitStatus) -> bool {
    status.code() == Some(EXCEPTION_ACCESS_VIOLATION)
}

/// The number of this thread.
pub fn this_thread() -> u32 {
    // SAFETY: asks for a number.
    unsafe { GetCurrentThreadId() }
}

/// Nobody here is root: what only root may do is tried on Unix systems.
pub fn is_root() -> bool {
    false
}

/// Positioned reads and writes, by the names that they have elsewhere.
pub trait FileExt {
    fn read_exact_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<()>;
    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;
}

impl FileExt for File {
    fn read_exact_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<()> {
        match self.seek_read(bytes, offset)? == bytes.len() {
            true => Ok(()),
            false => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }

    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        match self.seek_write(bytes, offset)? == bytes.len() {
            true => Ok(()),
            false => Err(io::ErrorKind::WriteZero.into()),
        }
    }
}

/// Maps the first bytes of a file, to be shared.
pub fn map(file: &File, len: usize) -> *mut u8 {
    let (none, no_name) = (std::ptr::null(), std::ptr::null());
    // SAFETY: an open file, no attributes and no name.
    let section =
        unsafe { CreateFileMappingW(file.as_raw_handle(), none, PAGE_READWRITE, 0, 0, no_name) };
    assert!(
        !section.is_null(),
        "a section: {}",
        io::Error::last_os_error()
    );
    let access = FILE_MAP_READ | FILE_MAP_WRITE;
    // SAFETY: no address is asked for, so no existing mapping is replaced.
    let view = unsafe { MapViewOfFile(section, access, 0, 0, len) };
    // SAFETY: our own handle; the view keeps the section.
    unsafe { CloseHandle(section) };
    assert!(
        !view.Value.is_null(),
        "mapping: {}",
        io::Error::last_os_error()
    );
    view.Value.cast()
}

/// # Safety
///
/// Mapped by [`map`] with this length, and not used from here on.
pub unsafe fn unmap(base: *mut u8, _: usize) {
    let view = MEMORY_MAPPED_VIEW_ADDRESS { Value: base.cast() };
    // SAFETY: by this function's own condition.
    unsafe { UnmapViewOfFile(view) };
}

/// Nobody is woken: addresses are waited at within one process only.
pub fn wake(_: &AtomicU64) {}

/// Sleeps for a little, if the word is what was found.
pub fn wait(word: &AtomicU64, found: u64) {
    if word.load(Ordering::Acquire) == found {
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Whether no thread of the process has run for a while: what a thread waits for the system does not tell.
pub fn is_polling(pid: u32) -> bool {
    let spent = || -> Vec<_> { threads(pid).into_iter().map(time_of).collect() };
    let before = spent();
    std::thread::sleep(IDLE);
    !before.is_empty() && spent() == before
}

/// Whether this one thread has not run for a while.
pub fn thread_is_polling(thread: u32) -> bool {
    let before = time_of(thread);
    std::thread::sleep(IDLE);
    before.is_some() && time_of(thread) == before
}

/// The processor time of a thread, if it is there.
fn time_of(thread: u32) -> Option<u64> {
    let handle = open(thread, THREAD_QUERY_INFORMATION)?;
    let mut times = [FILETIME::default(); 4];
    let [made, ended, kernel, user] = times.each_mut().map(std::ptr::from_mut);
    let handle = handle.as_raw_handle();
    // SAFETY: a thread's handle opened for that, and room for the four times.
    if unsafe { GetThreadTimes(handle, made, ended, kernel, user) } == 0 {
        return None;
    }
    let time =
        |at: usize| u64::from(times[at].dwHighDateTime) << 32 | u64::from(times[at].dwLowDateTime);
    Some(time(2) + time(3))
}

/// Opens a thread; `None`: there is none of that number any more.
fn open(thread: u32, access: u32) -> Option<OwnedHandle> {
    // SAFETY: integers only.
    let handle = owned(unsafe { OpenThread(access, 0, thread) });
    let error = io::Error::last_os_error();
    let is_gone = error.raw_os_error() == Some(ERROR_INVALID_PARAMETER as i32);
    assert!(
        handle.is_some() || is_gone,
        "opening thread {thread}: {error}"
    );
    handle
}

/// The call just made found no more of a list, and did not fail.
#[track_caller]
fn at_the_end(doing: &str) {
    if io::Error::last_os_error().raw_os_error() != Some(ERROR_NO_MORE_FILES as i32) {
        failed(doing);
    }
}

/// The threads of a process now.
fn threads(pid: u32) -> Vec<u32> {
    // SAFETY: integers only.
    let all = owned(unsafe { CreateToolhelp32Snapshot(TH32CS_SNAPTHREAD, 0) });
    let all = all.unwrap_or_else(|| failed("listing threads"));
    let mut entry = THREADENTRY32 {
        dwSize: size_of::<THREADENTRY32>() as u32,
        ..Default::default()
    };
    let mut found = Vec::new();
    // SAFETY: a list of threads, and an entry that says its size.
    let mut more = unsafe { Thread32First(all.as_raw_handle(), &raw mut entry) };
    while more != 0 {
        if entry.th32OwnerProcessID == pid {
            found.push(entry.th32ThreadID);
        }
        // SAFETY: as above.
        more = unsafe { Thread32Next(all.as_raw_handle(), &raw mut entry) };
    }
    at_the_end("listing threads");
    found
}

/// With which code examples end that could not do their work: 1 is what killers mostly say.
pub const FAILED: i32 = 3;

/// How the end of one that did its work is written, or of one that failed.
pub fn end(code: i32) -> String {
    format!("exit code: {code}")
}

/// Kills a process of that number; false if there is none.
pub fn kill_number(pid: u32) -> bool {
    Process::of(pid).is_some_and(|process| process.kill())
}

/// Asks an example to end, by the event that it waits for once it has come so far.
pub fn ask_to_end(pid: u32) {
    let name = format!("Local\\ringpad-stop-{pid}\0");
    let name: Vec<u16> = name.encode_utf16().collect();
    let mut event = None;
    super::until("it can be asked", || {
        // SAFETY: a name that ends with a zero.
        event = owned(unsafe { OpenEventW(EVENT_MODIFY_STATE, 0, name.as_ptr()) });
        event.is_some()
    });
    let event = event.expect("just seen");
    // SAFETY: an event's handle, opened for that.
    unsafe { SetEvent(event.as_raw_handle()) };
}

/// Whether a thread of a child has stopped itself: to ask is to stop it once more, and to let it go on by as much.
pub fn has_halted(pid: u32) -> bool {
    threads(pid).into_iter().any(|thread| {
        let Some(handle) = open(thread, THREAD_SUSPEND_RESUME | THREAD_SYNCHRONIZE) else {
            return false;
        };
        let Some(before) = suspend(&handle) else {
            return false;
        };
        let_go(&handle);
        before > 0
    })
}

/// A process that is not our own child.
#[derive(Debug)]
pub struct Process(OwnedHandle);

impl Process {
    fn of(pid: u32) -> Option<Self> {
        let access = PROCESS_TERMINATE | PROCESS_SYNCHRONIZE;
        // SAFETY: integers only.
        Some(Self(owned(unsafe { OpenProcess(access, 0, pid) })?))
    }

    /// The process of that number, if it is a child of that parent.
    pub fn child_of(parent: u32, pid: u32) -> Option<Self> {
        let process = Self::of(pid)?;
        // Looked up behind the opening: what is opened is the parent's child, or the number was somebody's before.
        (parent_of(pid)? == parent).then_some(process)
    }

    /// Answers whether it was there.
    pub fn kill(&self) -> bool {
        // SAFETY: a process's handle, opened for that; one that has ended is refused.
        (unsafe { TerminateProcess(self.0.as_raw_handle(), KILLED) }) != 0
    }
}

fn parent_of(pid: u32) -> Option<u32> {
    // SAFETY: integers only.
    let all = owned(unsafe { CreateToolhelp32Snapshot(TH32CS_SNAPPROCESS, 0) });
    let all = all.unwrap_or_else(|| failed("listing processes"));
    let mut entry = PROCESSENTRY32 {
        dwSize: size_of::<PROCESSENTRY32>() as u32,
        ..Default::default()
    };
    // SAFETY: a list of processes, and an entry that says its size.
    let mut more = unsafe { Process32First(all.as_raw_handle(), &raw mut entry) };
    while more != 0 {
        if entry.th32ProcessID == pid {
            return Some(entry.th32ParentProcessID);
        }
        // SAFETY: as above.
        more = unsafe { Process32Next(all.as_raw_handle(), &raw mut entry) };
    }
    at_the_end("listing processes");
    None
}

/// Where a region of so many bytes is mapped in this process; every mapping of one must be for reading alone.
pub fn read_only_mappings(_: &str, len: usize) -> Vec<usize> {
    let (mut at, mut found) = (0_usize, Vec::new());
    let mut part = MEMORY_BASIC_INFORMATION::default();
    let size = size_of_val(&part);
    // SAFETY: asks about an address, whatever is there, and has room for the answer.
    while unsafe { VirtualQuery(at as *const _, &raw mut part, size) } == size {
        let fits = part.RegionSize == len.next_multiple_of(4096);
        let can_be_read = part.Protect == PAGE_READONLY || part.Protect == PAGE_READWRITE;
        if part.State == MEM_COMMIT && part.Type == MEM_MAPPED && fits && can_be_read {
            // SAFETY: mapped for reading just now, by this process's one test.
            let magic = unsafe { part.BaseAddress.cast::<[u8; 8]>().read_unaligned() };
            if &magic == b"ringpad\0" {
                assert_eq!(part.Protect, PAGE_READONLY, "for reading alone");
                found.push(part.BaseAddress as usize);
            }
        }
        at = part.BaseAddress as usize + part.RegionSize;
    }
    found
}
