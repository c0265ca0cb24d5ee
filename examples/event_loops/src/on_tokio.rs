//! The loop as a tokio task.

use ringpad::os::OwnedPeer;
use tokio::time::timeout;

use crate::{Inbox, Result, Seen, TICK};

#[cfg_attr(not(windows), path = "on_tokio/unix.rs")]
#[cfg_attr(windows, path = "on_tokio/windows.rs")]
mod doorbell;
use doorbell::Doorbell;

/// Receives until both rings have ended. The future is `Send` and may be dropped at any await: the guard disarms.
pub async fn run(me: OwnedPeer, mut inbox: Inbox) -> Result<Seen> {
    let mut waiter = me.waiter()?;
    let bells = inbox.bells();
    let doorbell = Doorbell::of(&waiter)?;

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
        match timeout(TICK, doorbell.rung()).await {
            Ok(rung) => {
                rung?;
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
