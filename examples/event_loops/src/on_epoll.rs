//! The loop on Linux's own epoll.

use std::os::fd::AsFd;

use ringpad::os::OwnedPeer;
use rustix::event::{Timespec, epoll};
use rustix::io::Errno;

use crate::{Inbox, Result, Seen, TICK};

/// Receives until both rings have ended.
pub fn run(me: &OwnedPeer, mut inbox: Inbox) -> Result<Seen> {
    let mut waiter = me.waiter()?;
    let bells = inbox.bells();
    let tick = Timespec::try_from(TICK)?;

    let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
    // Level-triggered: readable until the next `arm` empties the pipe. A real loop adds its sockets beside it.
    let data = epoll::EventData::new_u64(0);
    epoll::add(&epoll, waiter.as_fd(), data, epoll::EventFlags::IN)?;
    let mut events = Vec::with_capacity(8);

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
        events.clear();
        let room = rustix::buffer::spare_capacity(&mut events);
        match epoll::wait(&epoll, room, Some(&tick)) {
            Err(Errno::INTR) => {} // a signal: look again
            Ok(0) => {
                inbox.seen.ticks += 1;
                inbox.check_producer()?;
            }
            Ok(_) => inbox.seen.wake_ups += 1,
            Err(error) => return Err(error.into()),
        }
        drop(armed);
    }
}
