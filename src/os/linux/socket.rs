//! Descriptors over a Unix stream socket (`SCM_RIGHTS`).
//!
//! What: one message of a length both sides know, with up to 80 descriptors riding on its first bytes.
//! Why: a region without a name, and its bells, reach another process only as descriptors.
//! What a crash leaves: descriptors in flight die with the socket; a message cut in two is an error on the other side.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{BorrowedFd, OwnedFd};

use rustix::io::retry_on_intr;
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, recvmsg};
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};

use super::{context, invalid};

/// Most descriptors of one message: the memory, a lock file, a bell for each of 32 rows with both ends, and some room.
pub(crate) const MAX_FDS: usize = 80;

const SPACE: usize = rustix::cmsg_space!(ScmRights(MAX_FDS));

/// Sends all of `bytes` (at least one) and copies of `fds` (at most 80) with them.
///
/// Never raises SIGPIPE: a closed peer is EPIPE. `WouldBlock` as such says that nothing was sent; an error that says how
/// much was sent leaves the stream out of step: close it.
pub(crate) fn send(sock: BorrowedFd<'_>, bytes: &[u8], fds: &[BorrowedFd<'_>]) -> io::Result<()> {
    if bytes.is_empty() || fds.len() > MAX_FDS {
        return Err(invalid(format!(
            "a message of {} bytes and {} descriptors",
            bytes.len(),
            fds.len()
        )));
    }
    let mut space = [MaybeUninit::uninit(); SPACE];
    let mut rights = SendAncillaryBuffer::new(&mut space);
    if !fds.is_empty() && !rights.push(SendAncillaryMessage::ScmRights(fds)) {
        return Err(invalid(format!("no room for {} descriptors", fds.len())));
    }
    let mut sent = 0;
    while sent < bytes.len() {
        let rest = [IoSlice::new(&bytes[sent..])];
        match retry_on_intr(|| sendmsg(sock, &rest, &mut rights, SendFlags::NOSIGNAL)) {
            Ok(n) => sent += n,
            Err(e) if sent == 0 => return Err(e.into()),
            Err(e) => {
                return Err(context(
                    e,
                    format_args!("sent {sent} of {} bytes", bytes.len()),
                ));
            }
        }
        // They went with the first bytes.
        rights.clear();
    }
    Ok(())
}

/// Receives until `bytes` is full, and the descriptors that came with them (at most `max_fds`), all CLOEXEC.
///
/// `(0, [])`: the peer closed before the first byte. `WouldBlock` as such says that nothing came. Any other error, a
/// message cut short or more descriptors than `max_fds` or than this process may open among them, closes what was
/// received and leaves the stream out of step: close it. The descriptors are whatever the peer chose: check them.
pub(crate) fn recv(
    sock: BorrowedFd<'_>,
    bytes: &mut [u8],
    max_fds: usize,
) -> io::Result<(usize, Vec<OwnedFd>)> {
    if bytes.is_empty() || max_fds > MAX_FDS {
        return Err(invalid(format!(
            "a message of {} bytes and up to {max_fds} descriptors",
            bytes.len()
        )));
    }
    let wanted = bytes.len();
    let mut space = [MaybeUninit::uninit(); SPACE];
    // The kernel's rounding may let more in than asked for: the count below is the check.
    let space = &mut space[..rustix::cmsg_space!(ScmRights(max_fds))];
    let (mut filled, mut fds) = (0, Vec::new());
    while filled < wanted {
        let mut rights = RecvAncillaryBuffer::new(space);
        let mut rest = [IoSliceMut::new(&mut bytes[filled..])];
        let got = match retry_on_intr(|| {
            recvmsg(sock, &mut rest, &mut rights, RecvFlags::CMSG_CLOEXEC)
        }) {
            Ok(got) => got,
            Err(e) if filled == 0 => return Err(e.into()),
            Err(e) => {
                return Err(context(
                    e,
                    format_args!("received {filled} of {wanted} bytes"),
                ));
            }
        };
        for message in rights.drain() {
            if let RecvAncillaryMessage::ScmRights(received) = message {
                fds.extend(received);
            }
        }
        if got.flags.contains(ReturnFlags::CTRUNC) || fds.len() > max_fds {
            let text = format!(
                "more descriptors than {max_fds}, or than this process may open, came with a message"
            );
            return Err(io::Error::new(io::ErrorKind::InvalidData, text));
        }
        match got.bytes {
            0 if filled == 0 => break,
            0 => {
                let text = format!("the peer closed after {filled} of {wanted} bytes");
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, text));
            }
            n => filled += n,
        }
    }
    Ok((filled, fds))
}

#[cfg(test)]
#[path = "socket_tests.rs"]
mod tests;
