//! The primitives of macOS and FreeBSD, one file each, wrapped so that the rooms above need no `unsafe`.
//!
//! What: reserved memory ([`memory`]), proof of death by process ([`process`]), and that there are no huge pages to ask for
//! ([`huge`]). Locks, the fork word, pipes and files are the family's own, in `os::unix`.
//! What a crash leaves: nothing of these.

pub(crate) mod huge;
pub(crate) mod memory;
pub(crate) mod process;

use std::path::PathBuf;

/// The user's own directory for caches. Not the one beside it for temporary files: those are removed when nobody reads them for three days,
/// and lock files are never read.
#[cfg(target_os = "macos")]
pub(in crate::os) fn temporary_directory() -> Option<PathBuf> {
    use std::os::unix::ffi::OsStringExt;
    let mut path = vec![0_u8; 1024];
    // SAFETY: the buffer is writable for all of its length, which is given.
    let len = unsafe {
        libc::confstr(
            libc::_CS_DARWIN_USER_CACHE_DIR,
            path.as_mut_ptr().cast(),
            path.len(),
        )
    };
    // What it counts is the text with its final zero, and more than there was room for if it did not fit.
    if (2..=path.len()).contains(&len) {
        path.truncate(len - 1);
        return Some(std::ffi::OsString::from_vec(path).into());
    }
    Some(std::env::temp_dir())
}

/// Everybody's, whose sticky bit keeps what is ours.
#[cfg(target_os = "freebsd")]
pub(in crate::os) fn temporary_directory() -> Option<PathBuf> {
    Some("/tmp".into())
}

/// Random bytes, at most 256.
pub(in crate::os) fn fill_random(bytes: &mut [u8]) -> std::io::Result<()> {
    // SAFETY: writable for its length.
    match unsafe { libc::getentropy(bytes.as_mut_ptr().cast(), bytes.len()) } {
        0 => Ok(()),
        _ => Err(std::io::Error::last_os_error()),
    }
}
