//! How a decoder that is distrusted comes by the memory, which has no name.
//!
//! On Linux by a socket in the place of its standard output. [`SharedSegment::spawn`] would do, but it forks: the kernel then holds the
//! engine's memory while it marks every page, and has each copied that is written to next. The loop would wait for that.

use std::process::{Child, Command};

use ringpad::os::SharedSegment;

use super::Failure;

pub use self::way::{start, taken};

#[cfg(all(target_os = "linux", not(ringpad_flock)))]
mod way {
    use std::os::fd::{AsFd, OwnedFd};
    use std::os::unix::net::UnixStream;

    use super::*;

    /// Tells a decoder that its standard output is such a socket.
    const HANDED: &str = "RINGPAD_ENGINE_HANDED";

    /// Starts a decoder and sends it the segment.
    pub fn start(segment: &SharedSegment, command: &mut Command) -> Result<Child, Failure> {
        let (mine, its) = UnixStream::pair()?;
        let mut child = command
            .env(HANDED, "1")
            .stdout(OwnedFd::from(its))
            .spawn()?;
        if let Err(error) = segment.send(&mine) {
            child.kill()?;
            child.wait()?;
            return Err(error.into());
        }
        Ok(child)
    }

    /// The segment that was sent, if this decoder was started so.
    pub fn taken() -> Result<Option<SharedSegment>, Failure> {
        if std::env::var_os(HANDED).is_none() {
            return Ok(None);
        }
        let socket = UnixStream::from(std::io::stdout().as_fd().try_clone_to_owned()?);
        Ok(Some(SharedSegment::receive(&socket)?))
    }
}

#[cfg(not(all(target_os = "linux", not(ringpad_flock))))]
mod way {
    use ringpad::os::HANDOFF_VARIABLE;

    use super::*;

    /// Starts a decoder that finds the segment.
    pub fn start(segment: &SharedSegment, command: &mut Command) -> Result<Child, Failure> {
        Ok(segment.spawn(command)?)
    }

    /// The segment that was handed down, if any was.
    pub fn taken() -> Result<Option<SharedSegment>, Failure> {
        match std::env::var_os(HANDOFF_VARIABLE) {
            Some(_) => Ok(Some(SharedSegment::inherited()?)),
            None => Ok(None),
        }
    }
}
