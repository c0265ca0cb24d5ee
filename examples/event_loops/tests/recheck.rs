//! Why a loop looks again between arming and sleeping.
#![cfg(unix)]

use std::os::fd::AsFd;
use std::time::Duration;

use ringpad::os::{Options, SharedSegment};
use ringpad_event_loops::{NUMBERS, Result, plan};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// One thread plays both sides, so the bad moment comes every time.
#[test]
fn without_the_recheck_a_message_lies_until_the_tick() -> Result<()> {
    let segment = SharedSegment::anonymous(&plan()?, &Options::new())?;
    let (me, you) = (segment.join()?, segment.join()?);
    let mut tx = you.producer::<u64>(NUMBERS)?;
    let mut rx = me.consumer::<u64>(NUMBERS)?;
    let bells = [rx.bell()];
    let mut waiter = me.waiter()?;
    let pipe = waiter.as_fd().try_clone_to_owned()?;
    let rings = |limit: Duration| -> Result<bool> {
        let mut fds = [PollFd::new(&pipe, PollFlags::IN)];
        Ok(poll(&mut fds, Some(&Timespec::try_from(limit)?))? > 0)
    };
    let (tick, patience) = (Duration::from_millis(50), Duration::from_secs(20));

    // The loop looks, finds nothing, and only then arms. In between a message comes; nobody is armed, nobody is rung.
    assert_eq!(rx.pop(), None);
    tx.push(1)?;
    let armed = waiter.arm(&bells)?;
    // A loop that sleeps now has overlooked it and sleeps the whole tick.
    assert!(!rings(tick)?, "nobody rang");
    // The recheck finds it at once.
    assert_eq!(rx.pop(), Some(1));

    // After the recheck the loop may sleep: whatever comes from now on rings.
    tx.push(2)?;
    assert!(rings(patience)?, "the armed sleeper is rung");
    drop(armed);
    assert_eq!(rx.pop(), Some(2));

    // Awake again: no system call for a commit. (Arming empties the pipe, so look before.)
    drop(waiter.arm(&bells)?);
    tx.push(3)?;
    assert!(!rings(Duration::ZERO)?, "nobody is armed");
    Ok(())
}
