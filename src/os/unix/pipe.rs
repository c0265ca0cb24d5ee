//! Bells without a name: pipes, and ends of such that were inherited or received.

use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};

use rustix::fs::{FileType, OFlags, fcntl_getfl, fcntl_setfl};
use rustix::pipe::{PipeFlags, pipe_with};

use super::bell::Bell;
use super::calls::invalid;

impl Bell {
    /// A pipe without a name, CLOEXEC; for threads, and for children that inherit the descriptors. `wary` as in
    /// [`Bell::from_ends`], for ends that strangers may receive.
    pub(crate) fn pipe(wary: bool) -> io::Result<Bell> {
        let (read, write) = pipe_with(PipeFlags::NONBLOCK | PipeFlags::CLOEXEC)?;
        Ok(Bell {
            read,
            write: Some(write),
            wary,
        })
    }

    /// A bell of inherited or received ends of one pipe (`write` absent: `read` does both). Sets them non-blocking, which
    /// every holder shares. CLOEXEC is left as it is.
    ///
    /// `wary`: a holder who sets them blocking again blocks nobody here; kernels before 6.4 cannot keep that.
    pub(crate) fn from_ends(read: OwnedFd, write: Option<OwnedFd>, wary: bool) -> io::Result<Bell> {
        let bell = Bell { read, write, wary };
        let reads = check_pipe(bell.read_fd(), OFlags::RDONLY)?;
        // With the reading end of another pipe, writing would raise SIGPIPE once that one's readers are gone.
        if check_pipe(bell.write_fd(), OFlags::WRONLY)? != reads {
            return Err(invalid("the ends of two pipes"));
        }
        Ok(bell)
    }
}

/// A pipe open for `access`, set non-blocking; answers which pipe.
fn check_pipe(fd: BorrowedFd<'_>, access: OFlags) -> io::Result<(u64, u64)> {
    let stat = rustix::fs::fstat(fd)?;
    let flags = fcntl_getfl(fd)?;
    let open_for = flags & OFlags::RWMODE;
    let is_pipe = FileType::from_raw_mode(stat.st_mode) == FileType::Fifo;
    if !is_pipe || (open_for != access && open_for != OFlags::RDWR) {
        return Err(invalid(format!(
            "not the end of a pipe that a bell needs: mode {:o}, {flags:?}",
            stat.st_mode
        )));
    }
    fcntl_setfl(fd, flags | OFlags::NONBLOCK)?;
    Ok((stat.st_dev, stat.st_ino))
}
