//! The loop as a tokio task.

use std::os::fd::AsFd;

use ringpad::os::OwnedPeer;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::time::timeout;

use crate::{Inbox, Result, Seen, TICK};

/// Receives until both rings have ended. The future is `Send` and may be dropped at any await: the guard disarms.
pub async fn run(me: OwnedPeer, mut inbox: Inbox) -> Result<Seen> {
    let mut waiter = me.waiter()?;
    let bells = inbox.bells();
    // An AsyncFd keeps what it watches, and `arm` borrows the waiter: it gets a descriptor of its own of the same pipe.
    let pipe = waiter.as_fd().try_clone_to_owned()?;
    // SAFETY: the AsyncFd owns the descriptor, which stays open and the same as long as it.
    let pipe = unsafe { AsyncFd::register_with_interest(pipe, Interest::READABLE) }?;

    loop {
        inbox.seen.turns += 1;
        inbox.take_all()?;
        if inbox.is_done() {
            return Ok(inbox.seen);
        }
        let armed = waiter.arm(&bells)?;
        if inbox.has_mail()? {
            continue; // which drops the guard
        }
        match timeout(TICK, pipe.readable()).await {
            Ok(readable) => {
                // tokio remembers readiness until told otherwise. Told here, before the next `arm` empties the pipe:
                // a ring in between makes one needless turn; the other way round it could be forgotten.
                readable?.clear_ready();
                inbox.seen.wake_ups += 1;
            }
            Err(_elapsed) => {
                inbox.seen.ticks += 1;
                inbox.check_producer()?;
            }
        }
        drop(armed);
    }
}
