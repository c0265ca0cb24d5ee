//! Bells: ringing never blocks, draining is bounded, waiting keeps its deadline.

use std::time::Duration;

use rustix::fs::{fcntl_setfl, fstat, symlinkat};
use rustix::io::{FdFlags, fcntl_getfd};
use rustix::pipe::{PipeFlags, pipe_with};

use super::*;
use crate::os::linux::testing::{PATIENCE, Scratch, fork, under_signals};

fn now(bell: &Bell) -> bool {
    wait(&[bell.read_fd()], Some(Instant::now()))
        .unwrap()
        .has(0)
}

fn both_kinds(scratch: &Scratch) -> [Bell; 2] {
    make_fifo(scratch.dir(), "bell", &Permissions::default()).unwrap();
    [
        Bell::fifo(scratch.dir(), "bell", &Permissions::default()).unwrap(),
        Bell::pipe(false).unwrap(),
    ]
}

#[test]
fn a_ring_before_the_wait_is_kept_until_drained() {
    let scratch = Scratch::new();
    for bell in both_kinds(&scratch) {
        assert!(!now(&bell));
        assert!(bell.ring().unwrap() && bell.ring().unwrap());
        assert!(now(&bell) && now(&bell), "level-triggered");
        assert_eq!(bell.drain().unwrap(), 2);
        assert!(!now(&bell));
        assert_eq!(bell.drain().unwrap(), 0);
        assert!(
            fcntl_getfd(bell.read_fd())
                .unwrap()
                .contains(FdFlags::CLOEXEC)
        );
        assert!(
            fcntl_getfd(bell.write_fd())
                .unwrap()
                .contains(FdFlags::CLOEXEC)
        );
    }
}

#[test]
fn a_full_pipe_is_ringing_and_draining_it_is_bounded() {
    let scratch = Scratch::new();
    for bell in both_kinds(&scratch) {
        // A pipe larger than one drain takes.
        let size = rustix::pipe::fcntl_setpipe_size(bell.write_fd(), 1 << 18).unwrap();
        assert!(size > DRAIN_READS * DRAIN_BYTES);
        let mut written = 0;
        while bell.ring().unwrap() {
            written += 1;
        }
        assert!(written >= size / 2 && !bell.ring().unwrap(), "{written}");
        assert_eq!(
            bell.drain().unwrap(),
            65536,
            "a flood holds its victim no longer than this"
        );
        assert!(now(&bell), "and the rest is not forgotten");
        while bell.drain().unwrap() == 65536 {}
        assert!(!now(&bell) && bell.ring().unwrap());
    }
}

#[test]
fn two_openers_of_a_fifo_share_it() {
    let scratch = Scratch::new();
    make_fifo(scratch.dir(), "row", &Permissions::default()).unwrap();
    let open = || Bell::fifo(scratch.dir(), "row", &Permissions::default()).unwrap();
    let (sleeper, ringer) = (open(), open());
    ringer.ring().unwrap();
    drop(ringer);
    assert!(
        now(&sleeper) && sleeper.drain().unwrap() == 1,
        "a ring survives its ringer"
    );
    drop(sleeper);
    let alone = open();
    assert!(alone.ring().unwrap(), "with no other holder at all");
}

#[test]
fn ringing_raises_no_sigpipe() {
    let scratch = Scratch::new();
    make_fifo(scratch.dir(), "row", &Permissions::default()).unwrap();
    let bell = Bell::fifo(scratch.dir(), "row", &Permissions::default()).unwrap();
    let default = || {
        // SAFETY: in a forked child; the default disposition runs no code of ours.
        unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
    };
    let child = fork(&[bell.read_fd()], |_| {
        default();
        if bell.ring().is_ok() { 0 } else { 1 }
    });
    assert_eq!(child.ended().exit_status(), Some(0));
    // The control: a pipe whose read ends are gone.
    let (read, write_end) = pipe_with(PipeFlags::CLOEXEC).unwrap();
    drop(read);
    // Another test's child may have a copy for a moment.
    assert!(wait(&[write_end.as_fd()], None).unwrap().any());
    let child = fork(&[write_end.as_fd()], |_| {
        default();
        i32::from(write(&write_end, &[1]).is_err())
    });
    assert_eq!(child.ended().terminating_signal(), Some(libc::SIGPIPE));
}

#[test]
fn only_a_fifo_of_ours_is_taken() {
    let scratch = Scratch::new();
    let (dir, own) = (scratch.dir(), Permissions::default());
    std::fs::write(scratch.path.join("file"), "").unwrap();
    make_fifo(dir, "real", &own).unwrap();
    make_fifo(dir, "open", &Permissions { mode: 0o622, ..own }).unwrap();
    symlinkat("real", dir, "link").unwrap();
    let kind = |name, want: &Permissions| {
        Bell::fifo(dir, name, want)
            .map(|_| ())
            .map_err(|e| e.kind())
    };
    assert_eq!(kind("real", &own), Ok(()));
    assert_eq!(
        kind("open", &Permissions { mode: 0o622, ..own }),
        Ok(()),
        "the mode asked for is made, whatever the umask"
    );
    for name in ["file", "link", "open"] {
        assert_eq!(
            kind(name, &own),
            Err(io::ErrorKind::PermissionDenied),
            "{name}"
        );
    }
    assert_eq!(kind("none", &own), Err(io::ErrorKind::NotFound));
    assert_eq!(kind("../real", &own), Err(io::ErrorKind::InvalidInput));
    let stranger = Permissions {
        owner: Some(rustix::process::geteuid().as_raw() + 1),
        ..own
    };
    assert_eq!(
        kind("real", &stranger),
        Err(io::ErrorKind::PermissionDenied)
    );
    assert_eq!(
        make_fifo(dir, "real", &own).unwrap_err().kind(),
        io::ErrorKind::AlreadyExists
    );
    let mode = fstat(Bell::fifo(dir, "real", &own).unwrap().read_fd())
        .unwrap()
        .st_mode;
    assert_eq!(mode & 0o7777, 0o600);
}

#[test]
fn inherited_ends_are_checked_and_never_block() {
    let (read, write_end) = pipe_with(PipeFlags::CLOEXEC).unwrap();
    let swapped = Bell::from_ends(
        write_end.try_clone().unwrap(),
        Some(read.try_clone().unwrap()),
        false,
    );
    assert_eq!(swapped.unwrap_err().kind(), io::ErrorKind::InvalidInput);
    assert!(
        Bell::from_ends(read.try_clone().unwrap(), None, false).is_err(),
        "one end is not both"
    );
    let file = std::fs::File::open("/dev/null").unwrap();
    assert!(Bell::from_ends(file.into(), None, false).is_err());
    let bell = Bell::from_ends(read, Some(write_end), false).unwrap();
    assert_eq!(bell.drain().unwrap(), 0, "a blocking pipe would hang here");
    while bell.ring().unwrap() {}
    let other = Bell::pipe(false).unwrap();
    let (read, write_end) = (bell.read, other.write.unwrap());
    let two = Bell::from_ends(read, Some(write_end), false);
    assert_eq!(two.unwrap_err().kind(), io::ErrorKind::InvalidInput);
}

#[test]
fn a_wary_bell_does_not_block_on_a_pipe_made_blocking() {
    let Bell { read, write, .. } = Bell::pipe(false).unwrap();
    let bell = Bell::from_ends(read, write, true).unwrap();
    for end in [bell.read_fd(), bell.write_fd()] {
        fcntl_setfl(end, OFlags::empty()).unwrap();
    }
    assert_eq!(bell.drain().unwrap(), 0);
    let mut rung = 0;
    while bell.ring().unwrap() {
        rung += 1;
    }
    assert_eq!(bell.drain().unwrap(), rung);
}

/// What a bell asks first where no call can be told not to wait.
#[test]
fn a_pipe_that_would_block_is_seen_before() {
    let (read, write_end) = pipe_with(PipeFlags::CLOEXEC).unwrap();
    let look = |fd: &OwnedFd, how| is_ready(fd.as_fd(), how);
    assert_eq!(look(&read, PollFlags::IN), Err(Errno::AGAIN));
    let mut filled = 0;
    while look(&write_end, PollFlags::OUT).is_ok() {
        filled += write(&write_end, &[0; 4096]).unwrap();
    }
    assert!(filled > 0 && look(&read, PollFlags::IN).is_ok());
    // The control: it would have waited.
    fcntl_setfl(&write_end, OFlags::NONBLOCK).unwrap();
    assert_eq!(write(&write_end, &[0; 4096]), Err(Errno::AGAIN));
}

#[test]
fn wait_names_the_ready_ones() {
    let bells: Vec<Bell> = (0..40).map(|_| Bell::pipe(false).unwrap()).collect();
    let fds: Vec<_> = bells.iter().map(Bell::read_fd).collect();
    let look = || wait(&fds, Some(Instant::now())).unwrap();
    assert_eq!(look(), Ready::default());
    bells[0].ring().unwrap();
    bells[39].ring().unwrap();
    assert_eq!(look().iter().collect::<Vec<_>>(), [0, 39]);
    assert!(look().any() && look().has(39) && !look().has(1) && !look().has(64));
    assert!(wait(&fds, None).unwrap().any());
    let (read, write_end) = pipe_with(PipeFlags::CLOEXEC).unwrap();
    drop(write_end);
    assert!(
        wait(&[read.as_fd()], None).unwrap().has(0),
        "a hang-up is an event, not a hang"
    );
    let many = [fds[0]; MAX_WAIT + 1];
    assert!(wait(&many[..MAX_WAIT], None).unwrap().has(63));
    assert_eq!(
        wait(&many, None).unwrap_err().kind(),
        io::ErrorKind::InvalidInput
    );
}

#[test]
fn wait_without_descriptors_is_a_timer_that_is_never_early() {
    for _ in 0..20 {
        let deadline = Instant::now() + Duration::from_micros(700);
        assert_eq!(wait(&[], Some(deadline)).unwrap(), Ready::default());
        assert!(Instant::now() >= deadline);
    }
}

#[test]
fn signals_neither_shorten_nor_extend_a_wait() {
    let bell = Bell::pipe(false).unwrap();
    let timeout = Duration::from_millis(150);
    let ((ready, took), hits) = under_signals(|| {
        let start = Instant::now();
        let ready = wait(&[bell.read_fd()], Some(start + timeout)).unwrap();
        (ready, start.elapsed())
    });
    assert!(hits > 3, "only {hits} signals came");
    assert!(!ready.any() && took >= timeout, "ended after {took:?}");
    assert!(
        took < PATIENCE / 2,
        "a wait that starts anew at each signal lasts as long as they come: {took:?}"
    );
    // The control: the bare call is cut short.
    let (cut, _) = under_signals(|| {
        let mut fds = [PollFd::from_borrowed_fd(bell.read_fd(), PollFlags::IN)];
        poll(
            &mut fds,
            Some(&Timespec {
                tv_sec: 10,
                tv_nsec: 0,
            }),
        )
    });
    assert_eq!(cut, Err(Errno::INTR));
}
