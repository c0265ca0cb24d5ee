//! The loop on mio, whose readiness is edge-triggered: it tells of each change once.

use std::io::ErrorKind;
use std::os::fd::{AsFd, AsRawFd};

use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};
use ringpad::os::OwnedPeer;

use crate::{Inbox, Result, Seen, TICK};

const BELL: Token = Token(0);

/// Receives until both rings have ended.
pub fn run(me: &OwnedPeer, mut inbox: Inbox) -> Result<Seen> {
    let mut waiter = me.waiter()?;
    let bells = inbox.bells();

    let mut poll = Poll::new()?;
    let mut events = Events::with_capacity(8);
    let pipe = waiter.as_fd().as_raw_fd();
    // `poll` is made after `waiter`, so it goes first and never watches a closed descriptor.
    poll.registry()
        .register(&mut SourceFd(&pipe), BELL, Interest::READABLE)?;

    loop {
        inbox.seen.turns += 1;
        inbox.take_all()?;
        if inbox.is_done() {
            return Ok(inbox.seen);
        }
        // Empties the pipe, so that the next ring is a change and mio tells of it.
        let armed = waiter.arm(&bells)?;
        if inbox.has_mail()? {
            continue; // which drops the guard
        }
        match poll.poll(&mut events, Some(TICK)) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {} // a signal: look again
            Ok(()) if events.is_empty() => {
                inbox.seen.ticks += 1;
                inbox.check_producer()?;
            }
            Ok(()) if events.iter().any(|event| event.token() == BELL) => {
                inbox.seen.wake_ups += 1;
            }
            Ok(()) => {} // some other source of a larger loop
            Err(error) => return Err(error.into()),
        }
        drop(armed);
    }
}
