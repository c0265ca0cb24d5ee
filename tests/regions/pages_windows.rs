//! Pages of shared memory between two reservations that nobody may touch.

use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle};

use windows_sys::Win32::Foundation::INVALID_HANDLE_VALUE;
use windows_sys::Win32::System::Memory::{
    CreateFileMappingW, FILE_MAP_READ, FILE_MAP_WRITE, MEM_RELEASE, MEM_RESERVE,
    MEMORY_MAPPED_VIEW_ADDRESS, MapViewOfFileEx, PAGE_NOACCESS, PAGE_READONLY, PAGE_READWRITE,
    UnmapViewOfFile, VirtualAlloc, VirtualFree, VirtualProtect,
};

/// Addresses are given out in pieces of so many bytes: a reservation begins at one, and so does a view.
const PIECE: usize = 1 << 16;

/// Memory without a name.
#[derive(Debug)]
pub struct Section {
    section: OwnedHandle,
    bytes: usize,
}

impl Section {
    /// Zeroed; whole pages.
    pub fn new(bytes: usize) -> Self {
        let (low, high) = (bytes as u32, (bytes as u64 >> 32) as u32);
        let (none, no_name) = (std::ptr::null(), std::ptr::null());
        // SAFETY: of the page file, without attributes and name.
        let section = unsafe {
            CreateFileMappingW(
                INVALID_HANDLE_VALUE,
                none,
                PAGE_READWRITE,
                high,
                low,
                no_name,
            )
        };
        assert!(!section.is_null(), "{}", std::io::Error::last_os_error());
        // SAFETY: just made, and nobody else's.
        let section = unsafe { OwnedHandle::from_raw_handle(section) };
        Self { section, bytes }
    }

    pub fn map(&self) -> Pages {
        // Between giving the addresses back and mapping there another thread may take them: then again, elsewhere.
        let found = (0..1000).find_map(|_| self.try_map());
        found.expect("addresses")
    }

    fn try_map(&self) -> Option<Pages> {
        let above = self.bytes.next_multiple_of(PIECE);
        let all = reserve(std::ptr::null(), above + 2 * PIECE)?;
        release(all);
        let below = reserve(all, PIECE)?;
        let at = all.wrapping_add(PIECE);
        let access = FILE_MAP_READ | FILE_MAP_WRITE;
        // SAFETY: fails if anything is mapped at that address.
        let view = unsafe {
            MapViewOfFileEx(
                self.section.as_raw_handle(),
                access,
                0,
                0,
                self.bytes,
                at.cast(),
            )
        };
        let base: *mut u8 = view.Value.cast();
        let guard = match base.is_null() {
            true => None,
            false => reserve(at.wrapping_add(above), PIECE),
        };
        if guard.is_none() {
            release(below);
            unmap(base);
        }
        let bytes = self.bytes;
        guard.map(|above| Pages {
            guards: [below, above],
            base,
            bytes,
        })
    }
}

/// Its pages, mapped between guards.
#[derive(Debug)]
pub struct Pages {
    guards: [*mut u8; 2],
    base: *mut u8,
    bytes: usize,
}

impl Pages {
    pub fn base(&self) -> *mut u8 {
        self.base
    }

    /// From here on a store there is the end of the process.
    pub fn seal(&self) {
        let mut before = 0;
        // SAFETY: pages of this view alone; who stores there nevertheless is killed, which is what this is for.
        let sealed =
            unsafe { VirtualProtect(self.base.cast(), self.bytes, PAGE_READONLY, &raw mut before) };
        assert!(sealed != 0, "{}", std::io::Error::last_os_error());
    }
}

fn reserve(at: *const u8, bytes: usize) -> Option<*mut u8> {
    // SAFETY: fails if anything is at that address.
    let found = unsafe { VirtualAlloc(at.cast(), bytes, MEM_RESERVE, PAGE_NOACCESS) };
    (!found.is_null()).then_some(found.cast())
}

fn release(at: *mut u8) {
    // SAFETY: reserved by this file alone, and not used from here on.
    unsafe { VirtualFree(at.cast(), 0, MEM_RELEASE) };
}

fn unmap(base: *mut u8) {
    let view = MEMORY_MAPPED_VIEW_ADDRESS { Value: base.cast() };
    // SAFETY: mapped by this file alone, or null, which is refused.
    unsafe { UnmapViewOfFile(view) };
}

impl Drop for Pages {
    fn drop(&mut self) {
        // Regions borrow the pages, so none is left.
        unmap(self.base);
        self.guards.into_iter().for_each(release);
    }
}
