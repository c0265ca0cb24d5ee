//! Memory that several processes map: sections and views of them.
//!
//! What: make a section of the page file or of a file, find one by name, map it.
//! Why no reserving: a section of the page file is committed when it is made, all of it: short memory is an error then, and never later.
//! A section cannot shrink, and a file that one is made of cannot be cut.
//! What a crash leaves: a section goes with its last handle and view, its name with the last handle.

use std::ffi::c_void;
use std::io;
use std::os::windows::io::{AsHandle, AsRawHandle, BorrowedHandle, OwnedHandle};
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicU32, Ordering};

use windows_sys::Win32::Foundation::{
    ERROR_ACCESS_DENIED, ERROR_ALREADY_EXISTS, ERROR_FILE_NOT_FOUND, GetLastError,
    INVALID_HANDLE_VALUE,
};
use windows_sys::Win32::Storage::FileSystem::READ_CONTROL;
use windows_sys::Win32::System::Memory::{
    CreateFileMappingW, FILE_MAP_READ, FILE_MAP_WRITE, MEM_RELEASE, MEM_RESERVE,
    MEMORY_BASIC_INFORMATION, MEMORY_MAPPED_VIEW_ADDRESS, MapViewOfFileEx, OpenFileMappingW,
    PAGE_NOACCESS, PAGE_READONLY, PAGE_READWRITE, UnmapViewOfFile, VirtualAlloc, VirtualFree,
    VirtualLock, VirtualQuery,
};

use super::GLOBAL;
use super::call::{context, done, is, last, owned, wide};
use super::filed::Opened;
use super::security::{Thing, security};

/// What is asked of a section that is found.
const SHARED: u32 = FILE_MAP_READ | FILE_MAP_WRITE | READ_CONTROL;
const LOOKED_AT: u32 = FILE_MAP_READ | READ_CONTROL;

/// Bytes of a page.
const PAGE: usize = 4096;
/// What a mapping is aligned to at most: a huge page of the usual size.
const HUGE: usize = 2 << 20;
/// How often another thread may take the room that was found for a mapping.
const TRIES: usize = 16;

/// Makes a section of the page file, `len` bytes of it committed. With a name: an error if that exists.
pub(super) fn paged(name: Option<&str>, len: u64) -> io::Result<OwnedHandle> {
    let attributes = security()?.attributes(Thing::Object);
    let text = name.map(wide);
    let name_at = text.as_ref().map_or(ptr::null(), |text| text.as_ptr());
    let (with, high) = (&raw const attributes, (len >> 32) as u32);
    let (nothing, low) = (INVALID_HANDLE_VALUE, len as u32);
    // SAFETY: attributes and name live through the call; no file stands for the page file.
    let section = unsafe { CreateFileMappingW(nothing, with, PAGE_READWRITE, high, low, name_at) };
    // SAFETY: asks for this thread's last error.
    let existed = unsafe { GetLastError() } == ERROR_ALREADY_EXISTS;
    // SAFETY: just opened.
    let section = unsafe { owned(section) }.map_err(|error| explained(error, name))?;
    if existed && name.is_some() {
        let text = format!("{} is there already", name.unwrap_or_default());
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, text));
    }
    Ok(section)
}

/// What it takes to make a section in the namespace of all sessions.
fn explained(error: io::Error, name: Option<&str>) -> io::Error {
    match name {
        Some(name) if name.starts_with(GLOBAL) && is(&error, ERROR_ACCESS_DENIED) => context(
            error,
            format_args!(
                "{name}: making a section for all sessions takes the privilege SeCreateGlobalPrivilege, which services and administrators \
                 have; wanted such an account, or Options::global(false) for this session alone, or Options::directory for a file, which \
                 takes no privilege"
            ),
        ),
        _ => error,
    }
}

/// A section over a whole file.
pub(super) fn over(file: BorrowedHandle<'_>, writable: bool) -> io::Result<OwnedHandle> {
    let attributes = security()?.attributes(Thing::Object);
    let access = match writable {
        true => PAGE_READWRITE,
        false => PAGE_READONLY,
    };
    let (raw, with) = (file.as_raw_handle(), &raw const attributes);
    // SAFETY: an open file; the attributes live through the call.
    let section = unsafe { CreateFileMappingW(raw, with, access, 0, 0, ptr::null()) };
    // SAFETY: just opened.
    unsafe { owned(section) }
}

/// The section of a name, if there is one; an error if it is another user's.
pub(super) fn find(name: &str, writable: bool) -> io::Result<Option<OwnedHandle>> {
    let access = if writable { SHARED } else { LOOKED_AT };
    let text = wide(name);
    // SAFETY: the name lives through the call.
    let section = unsafe { OpenFileMappingW(access, 0, text.as_ptr()) };
    // SAFETY: just opened.
    match unsafe { owned(section) } {
        Ok(section) => {
            security()?.check_owner(section.as_handle(), Thing::Object, name)?;
            Ok(Some(section))
        }
        Err(error) if is(&error, ERROR_FILE_NOT_FOUND) => Ok(None),
        Err(error) => Err(context(error, format_args!("the section {name}"))),
    }
}

/// Bytes of a section, in whole pages.
pub(super) fn len(section: BorrowedHandle<'_>) -> io::Result<u64> {
    let base = view(section, 0, false, ptr::null())?;
    let mut found = MEMORY_BASIC_INFORMATION::default();
    let (into, bytes) = (&raw mut found, size_of::<MEMORY_BASIC_INFORMATION>());
    // SAFETY: the answer goes into the variable.
    let written = unsafe { VirtualQuery(base.as_ptr().cast(), into, bytes) };
    let answer = match written {
        0 => last(),
        _ => Ok(found.RegionSize as u64),
    };
    // SAFETY: mapped above, and nobody else knows it.
    unsafe { unmap(base) }?;
    answer
}

/// Maps `len` bytes, 0 for all, at `at` or wherever there is room.
fn view(
    section: BorrowedHandle<'_>,
    len: usize,
    writable: bool,
    at: *const c_void,
) -> io::Result<NonNull<u8>> {
    let access = match writable {
        true => FILE_MAP_READ | FILE_MAP_WRITE,
        false => FILE_MAP_READ,
    };
    let raw = section.as_raw_handle();
    // SAFETY: an open section; an address at which something lies is refused, never replaced.
    let view = unsafe { MapViewOfFileEx(raw, access, 0, 0, len, at) };
    match NonNull::new(view.Value.cast()) {
        Some(base) => Ok(base),
        None => last(),
    }
}

/// # Safety
///
/// A view that [`view`] made, unmapped once, and not used after.
unsafe fn unmap(base: NonNull<u8>) -> io::Result<()> {
    let view = MEMORY_MAPPED_VIEW_ADDRESS {
        Value: base.as_ptr().cast(),
    };
    // SAFETY: the caller's word.
    done(unsafe { UnmapViewOfFile(view) })
}

/// A view from the start of a section, aligned to its length or a huge page; unmapped on drop.
#[derive(Debug)]
pub(crate) struct Mapping {
    base: NonNull<u8>,
    len: usize,
    writable: bool,
    /// Let go of after the view: a file that is mapped cannot be deleted.
    file: Option<Opened>,
}

// SAFETY: the view belongs to the process, not to a thread; unmapping from another thread is the same call.
unsafe impl Send for Mapping {}
// SAFETY: `&self` gives out an address and asks the system only; it reads the bytes by atomic operations alone.
unsafe impl Sync for Mapping {}

impl Mapping {
    /// Maps the first `len` bytes of a section, which must have them.
    pub(crate) fn map(
        section: BorrowedHandle<'_>,
        len: usize,
        writable: bool,
    ) -> io::Result<Mapping> {
        if len == 0 {
            let nothing = "cannot map 0 bytes";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, nothing));
        }
        let base = map_aligned(section, len, writable)?;
        Ok(Mapping {
            base,
            len,
            writable,
            file: None,
        })
    }

    /// As [`Mapping::map`]: huge pages take a privilege and memory that cannot be paged, and are not offered here.
    pub(crate) fn map_huge(
        section: BorrowedHandle<'_>,
        len: usize,
        writable: bool,
    ) -> io::Result<Mapping> {
        Mapping::map(section, len, writable)
    }

    /// Bytes in huge pages: none.
    pub(crate) fn huge_bytes(&self) -> u64 {
        0
    }

    /// First byte, aligned to a page. Valid until `self` is dropped; writable as asked at [`Mapping::map`].
    pub(crate) fn base(&self) -> NonNull<u8> {
        self.base
    }

    /// Length in bytes.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Whether it may be written: else a write faults.
    pub(crate) fn is_writable(&self) -> bool {
        self.writable
    }

    /// Forgets what the last page has beyond `len`: a section is whole pages.
    pub(super) fn trim(&mut self, len: usize) {
        if len <= self.len && self.len - len < PAGE {
            self.len = len;
        }
    }

    /// Keeps the file open as long as it is mapped.
    pub(super) fn keep(&mut self, file: Opened) {
        self.file = Some(file);
    }

    /// Brings every page in, so that first touches cost no fault; changes no byte, whoever uses them.
    pub(crate) fn prefault(&self) -> io::Result<()> {
        for at in (0..self.len & !3).step_by(PAGE) {
            // SAFETY: `at < len`, inside the mapping.
            let page = unsafe { self.base.add(at) };
            // SAFETY: a page start is aligned, its first 4 bytes are mapped while `self` lives, and others touch
            // shared bytes by atomic operations only.
            let word = unsafe { AtomicU32::from_ptr(page.cast().as_ptr()) };
            if self.writable {
                // Not a fetch_or of 0, which compilers turn into a load.
                let _ = word.compare_exchange(0, 0, Ordering::Relaxed, Ordering::Relaxed);
            } else {
                std::hint::black_box(word.load(Ordering::Relaxed));
            }
        }
        Ok(())
    }

    /// Keeps every page in memory; an error beyond the process's working set. Undone when unmapped.
    pub(crate) fn lock_in_memory(&self) -> io::Result<()> {
        // SAFETY: the range is this live mapping; locking pages changes no byte.
        done(unsafe { VirtualLock(self.base.as_ptr().cast(), self.len) })
    }
}

/// What a mapping of so many bytes is aligned to: its length or a huge page.
fn alignment(len: usize) -> usize {
    match len < HUGE {
        true => len.next_power_of_two().max(PAGE),
        false => HUGE,
    }
}

/// Maps `len` bytes at a multiple of what they are long, at most of a huge page: whatever is aligned to less in one process is so in all.
/// Where there is no room for that it lies at any place where the system maps.
fn map_aligned(section: BorrowedHandle<'_>, len: usize, writable: bool) -> io::Result<NonNull<u8>> {
    let anywhere = view(section, len, writable, ptr::null())?;
    let align = alignment(len);
    for _ in 0..TRIES {
        if anywhere.addr().get().is_multiple_of(align) {
            break;
        }
        let Some(at) = room(len, align) else { break };
        // Between the room's end and this another thread may have taken it.
        if let Ok(base) = view(section, len, writable, at) {
            // SAFETY: mapped above, and nobody else knows it.
            unsafe { unmap(anywhere) }?;
            return Ok(base);
        }
    }
    Ok(anywhere)
}

/// An address at a multiple of `align` with room for `len` bytes, which was free just now.
fn room(len: usize, align: usize) -> Option<*const c_void> {
    let bytes = len.checked_add(align)?;
    // SAFETY: no address is asked for; reserves addresses and no memory.
    let found = unsafe { VirtualAlloc(ptr::null(), bytes, MEM_RESERVE, PAGE_NOACCESS) };
    if found.is_null() {
        return None;
    }
    // SAFETY: reserved above, and nobody else knows it.
    unsafe { VirtualFree(found, 0, MEM_RELEASE) };
    let before = found.addr().wrapping_neg() & (align - 1);
    Some(found.wrapping_byte_add(before))
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: made by `map`, unmapped once; borrowers of `base` end with `self`.
        let _ = unsafe { unmap(self.base) };
    }
}

#[cfg(test)]
#[path = "memory_tests.rs"]
mod tests;
