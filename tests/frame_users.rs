//! Users of frame pools at their ends: the last to be dropped, and copies in a forked child.
#![cfg(all(feature = "std", any(target_os = "linux", windows)))]

mod common;

use common::room::Room;
use ringpad::Plan;
use ringpad::frames::{Config, Frames, Receivers};
use ringpad::os::{OwnedPeer, SharedSegment};

fn joined(room: &Room) -> OwnedPeer {
    let config = Config::new(2, 256).receivers(1);
    let plan = Plan::<1>::new().channel::<Frames>("pool", &config).unwrap();
    let made = SharedSegment::open_or_create("film", &plan, &room.options()).unwrap();
    made.join().unwrap()
}

/// A user keeps its peer and the mapping until it has given its seat back, however it came to be the last.
#[test]
fn the_last_to_be_dropped_gives_its_seat_back() {
    let room = Room::new("frames-last");
    let keeper = joined(&room);
    for silent in [false, true] {
        let me = joined(&room);
        let user = me.frame_receiver("pool", 0).unwrap();
        drop(me);
        // Its row and its mapping end with it.
        match silent {
            true => drop(user.silent()),
            false => drop(user),
        }
        let looker = keeper.frame_user("pool").unwrap();
        assert_eq!(looker.present(), Receivers::NONE);
    }
}

/// A forked child has no mapping: questions to a user find nothing there, and touch nothing. Windows has no fork.
#[cfg(unix)]
#[test]
fn a_forked_child_asks_and_is_told_of_nobody() {
    let room = Room::new("frames-forked");
    let me = joined(&room);
    let (user, receiver) = (
        me.frame_user("pool").unwrap(),
        me.frame_receiver("pool", 0).unwrap(),
    );
    // SAFETY: the child asks, changes nothing that is its parent's, and ends at once.
    let pid = unsafe { libc::fork() };
    if pid == 0 {
        let told = [
            user.present() == Receivers::NONE,
            user.holder(0).is_none(),
            receiver.unclaimed().publishers() == 0,
            user.forget(0) == Err(ringpad::Error::Forked),
            user.free() == 0,
        ];
        let right = told.iter().filter(|told| **told).count() as i32;
        // SAFETY: ends this child.
        unsafe { libc::_exit(right) };
    }
    let mut status = 0;
    // SAFETY: a child of ours, not waited for yet.
    let ended = unsafe { libc::waitpid(pid, &mut status, 0) };
    assert_eq!(ended, pid);
    assert!(
        libc::WIFEXITED(status),
        "killed by {}",
        libc::WTERMSIG(status)
    );
    assert_eq!(libc::WEXITSTATUS(status), 5);
    assert_eq!(
        user.present(),
        Receivers::one(0),
        "the parent's are as before"
    );
}
