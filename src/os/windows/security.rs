//! Who may use what this crate makes, and whose is what it finds: the user whose process this is.
//!
//! What: every section, event, pipe and file is made with a list of its own that lets in the current user and the system
//! itself, inherits nothing, and names the user as owner. What is opened by name must have that owner, so that nobody can put
//! an object of his own in a name's place.

use std::ffi::c_void;
use std::io;
use std::os::windows::io::{AsRawHandle, BorrowedHandle};
use std::ptr;
use std::sync::OnceLock;

use windows_sys::Win32::Foundation::{HANDLE, LocalFree};
use windows_sys::Win32::Security::Authorization::{
    ConvertSidToStringSidW, ConvertStringSecurityDescriptorToSecurityDescriptorW, GetSecurityInfo,
    SDDL_REVISION_1, SE_FILE_OBJECT, SE_KERNEL_OBJECT, SE_OBJECT_TYPE,
};
use windows_sys::Win32::Security::{
    GetTokenInformation, OWNER_SECURITY_INFORMATION, PSID, SECURITY_ATTRIBUTES, TOKEN_QUERY,
    TOKEN_USER, TokenUser,
};
use windows_sys::Win32::System::Threading::{GetCurrentProcess, OpenProcessToken};

use super::call::{context, done, owned, wide};

/// A security descriptor of the system's making; never freed, made once a process.
#[derive(Debug)]
pub(super) struct Descriptor(pub(super) *mut c_void);

// SAFETY: a block of memory that nobody changes.
unsafe impl Send for Descriptor {}
// SAFETY: as above.
unsafe impl Sync for Descriptor {}

/// The current user, and the descriptors of what is made in his name.
#[derive(Debug)]
pub(super) struct Security {
    /// `S-1-5-...`
    pub(super) user: String,
    objects: Descriptor,
    directories: Descriptor,
}

/// What kind of thing is asked whose it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Thing {
    Object,
    File,
    /// Found, not made here: the administrators' and the system's will do.
    Directory,
}

/// The process's own; the token is read once.
pub(super) fn security() -> io::Result<&'static Security> {
    static MINE: OnceLock<Security> = OnceLock::new();
    if let Some(known) = MINE.get() {
        return Ok(known);
    }
    let user = user()?;
    let list = |flags: &str| {
        let text = format!("O:{user}D:P(A;{flags};GA;;;{user})(A;{flags};GA;;;SY)");
        descriptor(&text)
    };
    let found = Security {
        objects: list("")?,
        directories: list("OICI")?,
        user,
    };
    Ok(MINE.get_or_init(|| found))
}

impl Security {
    /// What to make a thing with. Its handles are not inherited.
    pub(super) fn attributes(&self, thing: Thing) -> SECURITY_ATTRIBUTES {
        let descriptor = match thing {
            Thing::Directory => &self.directories,
            _ => &self.objects,
        };
        SECURITY_ATTRIBUTES {
            nLength: size_of::<SECURITY_ATTRIBUTES>() as u32,
            lpSecurityDescriptor: descriptor.0,
            bInheritHandle: 0,
        }
    }

    /// Refuses what is another user's. The handle must allow READ_CONTROL.
    pub(super) fn check_owner(
        &self,
        handle: BorrowedHandle<'_>,
        thing: Thing,
        name: &str,
    ) -> io::Result<()> {
        let kind = match thing {
            Thing::Object => SE_KERNEL_OBJECT,
            _ => SE_FILE_OBJECT,
        };
        let owner = owner(handle, kind)
            .map_err(|error| context(error, format_args!("asking whose {name} is")))?;
        let fits = owner == self.user
            || thing == Thing::Directory && (owner == ADMINISTRATORS || owner == SYSTEM);
        match fits {
            true => Ok(()),
            false => Err(foreign(name, &owner, &self.user)),
        }
    }
}

/// The group whose members' things may be its own.
const ADMINISTRATORS: &str = "S-1-5-32-544";
const SYSTEM: &str = "S-1-5-18";

fn foreign(name: &str, owner: &str, user: &str) -> io::Error {
    let text = format!("{name} belongs to {owner}; wanted one that belongs to {user}");
    io::Error::new(io::ErrorKind::PermissionDenied, text)
}

/// The process's user, as text.
fn user() -> io::Result<String> {
    let mut token: HANDLE = ptr::null_mut();
    // SAFETY: no arguments; a number that stands for this process.
    let process = unsafe { GetCurrentProcess() };
    // SAFETY: the answer goes into the variable.
    done(unsafe { OpenProcessToken(process, TOKEN_QUERY, &raw mut token) })?;
    // SAFETY: just opened.
    let token = unsafe { owned(token) }?;
    // A SID has at most 68 bytes; words, so that the pointer in front is aligned.
    let mut room = [0_u64; 32];
    let mut used = 0;
    let (into, bytes) = (room.as_mut_ptr().cast(), size_of_val(&room) as u32);
    let raw = token.as_raw_handle();
    // SAFETY: the answer goes into the array, of the length given.
    done(unsafe { GetTokenInformation(raw, TokenUser, into, bytes, &raw mut used) })?;
    // SAFETY: the call wrote a TOKEN_USER at the start of the array, which is aligned for it.
    let sid = unsafe { room.as_ptr().cast::<TOKEN_USER>().read() }
        .User
        .Sid;
    text_of(sid)
}

/// The text of a valid SID.
fn text_of(sid: PSID) -> io::Result<String> {
    let mut text = ptr::null_mut();
    // SAFETY: the callers got the SID from the system just now; the answer goes into the variable.
    done(unsafe { ConvertSidToStringSidW(sid, &raw mut text) })?;
    let mut units = Vec::new();
    loop {
        // SAFETY: a text with a zero behind it, and none was read so far.
        let at = unsafe { text.add(units.len()) };
        // SAFETY: as above.
        let unit = unsafe { at.read() };
        if unit == 0 {
            break;
        }
        units.push(unit);
    }
    // SAFETY: the system's block, freed once.
    unsafe { LocalFree(text.cast()) };
    Ok(String::from_utf16_lossy(&units))
}

pub(super) fn descriptor(text: &str) -> io::Result<Descriptor> {
    let (text, mut made) = (wide(text), ptr::null_mut());
    let (from, into) = (text.as_ptr(), &raw mut made);
    let no_size = ptr::null_mut();
    // SAFETY: a text with a zero behind it; the answer goes into the variable.
    done(unsafe {
        ConvertStringSecurityDescriptorToSecurityDescriptorW(from, SDDL_REVISION_1, into, no_size)
    })?;
    Ok(Descriptor(made))
}

/// The owner's text.
fn owner(handle: BorrowedHandle<'_>, kind: SE_OBJECT_TYPE) -> io::Result<String> {
    let (mut sid, mut block): (PSID, _) = (ptr::null_mut(), ptr::null_mut());
    let raw = handle.as_raw_handle();
    let (what, none) = (OWNER_SECURITY_INFORMATION, ptr::null_mut());
    let (sid_at, block_at) = (&raw mut sid, &raw mut block);
    let no_lists = (ptr::null_mut(), ptr::null_mut());
    // SAFETY: an open handle; the answers go into the two variables.
    let status = unsafe {
        GetSecurityInfo(
            raw, kind, what, sid_at, none, no_lists.0, no_lists.1, block_at,
        )
    };
    if status != 0 {
        return Err(io::Error::from_raw_os_error(status as i32));
    }
    let text = match sid.is_null() {
        true => Ok("nobody".into()),
        false => text_of(sid),
    };
    // SAFETY: the block that the SID lies in, freed once, after the last look at it.
    unsafe { LocalFree(block) };
    text
}
