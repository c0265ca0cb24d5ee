//! Descriptor passing: whole messages, whole sets of descriptors, or an error that closes them.

use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use rustix::fs::fstat;
use rustix::io::{Errno, FdFlags, fcntl_getfd};

use super::super::memory::memfd;
use super::super::testing::{fork, under_signals, until};
use super::*;
use crate::os::unix::bell::wait;

#[test]
fn eighty_descriptors_arrive_in_order_and_closed_on_exec() {
    let (a, b) = UnixStream::pair().unwrap();
    let sent: Vec<OwnedFd> = (0..MAX_FDS)
        .map(|_| memfd("ringpad-socket", 1).unwrap())
        .collect();
    let borrowed: Vec<_> = sent.iter().map(AsFd::as_fd).collect();
    send(a.as_fd(), b"hello", &borrowed).unwrap();
    let mut bytes = [0; 5];
    let (n, got) = recv(b.as_fd(), &mut bytes, MAX_FDS).unwrap();
    assert_eq!((n, &bytes, got.len()), (5, b"hello", MAX_FDS));
    for (mine, theirs) in sent.iter().zip(&got) {
        assert_eq!(fstat(mine).unwrap().st_ino, fstat(theirs).unwrap().st_ino);
        assert!(fcntl_getfd(theirs).unwrap().contains(FdFlags::CLOEXEC));
    }
    // And none.
    send(b.as_fd(), b"bye", &[]).unwrap();
    let mut bytes = [0; 3];
    assert!(matches!(recv(a.as_fd(), &mut bytes, 0), Ok((3, fds)) if fds.is_empty()));
}

/// Sends the write end of a pipe `copies` times, keeps none, and lets `receive` fail: every copy must be closed then.
#[track_caller]
fn closes_what_it_refuses(copies: usize, max_fds: usize, message: &[u8], kind: io::ErrorKind) {
    let (a, b) = UnixStream::pair().unwrap();
    let (read, write) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).unwrap();
    send(a.as_fd(), message, &vec![write.as_fd(); copies]).unwrap();
    drop((write, a));
    assert!(
        !wait(&[read.as_fd()], Some(Instant::now())).unwrap().any(),
        "in flight, they are open"
    );
    let refused = recv(b.as_fd(), &mut [0; 4], max_fds).unwrap_err();
    assert_eq!(refused.kind(), kind, "{refused}");
    until("every copy is closed", || {
        wait(&[read.as_fd()], Some(Instant::now())).unwrap().any()
    });
}

#[test]
fn more_descriptors_than_allowed_are_an_error_and_closed() {
    for (copies, max_fds) in [
        (1, 0),
        (2, 1),
        (3, 1),
        (4, 3),
        (MAX_FDS, 7),
        (MAX_FDS, MAX_FDS - 1),
    ] {
        closes_what_it_refuses(copies, max_fds, b"four", io::ErrorKind::InvalidData);
    }
}

#[test]
fn a_message_cut_short_is_an_error_and_its_descriptors_are_closed() {
    closes_what_it_refuses(2, 2, b"fou", io::ErrorKind::UnexpectedEof);
}

#[test]
fn pieces_are_put_together() {
    let (a, b) = UnixStream::pair().unwrap();
    let fd = memfd("ringpad-pieces", 1).unwrap();
    let sender = std::thread::spawn(move || {
        send(a.as_fd(), b"on", &[fd.as_fd()]).unwrap();
        send(a.as_fd(), b"e ", &[]).unwrap();
        send(a.as_fd(), b"two", &[fd.as_fd()]).unwrap();
    });
    let mut bytes = [0; 7];
    let (n, fds) = recv(b.as_fd(), &mut bytes, 2).unwrap();
    assert_eq!((n, &bytes, fds.len()), (7, b"one two", 2));
    sender.join().unwrap();
    assert!(
        matches!(recv(b.as_fd(), &mut bytes, 2), Ok((0, fds)) if fds.is_empty()),
        "a closed peer between messages"
    );
}

#[test]
fn a_message_larger_than_the_socket_s_buffer_passes() {
    let (a, mut b) = UnixStream::pair().unwrap();
    let fd = memfd("ringpad-large", 1).unwrap();
    let sender = std::thread::spawn(move || send(a.as_fd(), &vec![7; 2 << 20], &[fd.as_fd()]));
    let mut bytes = vec![0; 1 << 20];
    let (n, fds) = recv(b.as_fd(), &mut bytes, 1).unwrap();
    assert_eq!((n, fds.len()), (1 << 20, 1), "the descriptor comes once");
    b.read_exact(&mut bytes).unwrap();
    assert!(bytes.iter().all(|&byte| byte == 7));
    sender.join().unwrap().unwrap();
}

#[test]
fn a_send_cut_by_signals_goes_on_and_sends_its_descriptors_once() {
    let (a, b) = UnixStream::pair().unwrap();
    let fd = memfd("ringpad-signals", 1).unwrap();
    let receiver = std::thread::spawn(move || {
        // Time for the socket to fill and for signals to come.
        wait(&[], Some(Instant::now() + Duration::from_millis(50))).unwrap();
        let mut bytes = vec![0; 2 << 20];
        recv(b.as_fd(), &mut bytes, MAX_FDS).map(|(n, fds)| (n, fds.len()))
    });
    let (sent, _) = under_signals(|| send(a.as_fd(), &vec![7; 2 << 20], &[fd.as_fd()]));
    sent.unwrap();
    assert_eq!(receiver.join().unwrap().unwrap(), (2 << 20, 1));
}

#[test]
fn non_blocking_sockets_say_whether_anything_passed() {
    let (mut a, b) = UnixStream::pair().unwrap();
    b.set_nonblocking(true).unwrap();
    let nothing = recv(b.as_fd(), &mut [0; 4], 1).unwrap_err();
    assert_eq!(
        nothing.raw_os_error(),
        Some(Errno::AGAIN.raw_os_error()),
        "nothing came: ask again"
    );
    a.write_all(b"fo").unwrap();
    let part = recv(b.as_fd(), &mut [0; 4], 1).unwrap_err();
    assert!(
        part.raw_os_error().is_none() && part.to_string().contains("2 of 4"),
        "{part}"
    );
    let part = send(b.as_fd(), &vec![0; 8 << 20], &[]).unwrap_err();
    assert!(
        part.raw_os_error().is_none() && part.to_string().contains("of 8388608"),
        "{part}"
    );
}

#[test]
fn a_closed_peer_is_an_error_and_no_signal() {
    let (a, b) = UnixStream::pair().unwrap();
    drop(b);
    // Another test's child may have a copy for a moment.
    assert!(wait(&[a.as_fd()], None).unwrap().any());
    let default = || {
        // SAFETY: in a forked child; the default disposition runs no code of ours.
        unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
    };
    let child = fork(&[a.as_fd()], |_| {
        default();
        i32::from(
            !matches!(send(a.as_fd(), b"x", &[]), Err(e) if e.kind() == io::ErrorKind::BrokenPipe),
        )
    });
    assert_eq!(child.ended().exit_status(), Some(0));
    let child = fork(&[a.as_fd()], |_| {
        default();
        i32::from(rustix::io::write(&a, b"x").is_err())
    });
    assert_eq!(
        child.ended().terminating_signal(),
        Some(libc::SIGPIPE),
        "the control: a bare write"
    );
}

#[test]
fn impossible_messages_are_refused() {
    let (a, b) = UnixStream::pair().unwrap();
    let many = vec![a.as_fd(); MAX_FDS + 1];
    for refused in [
        send(a.as_fd(), b"x", &many),
        send(a.as_fd(), b"", &many[..1]),
        recv(b.as_fd(), &mut [], 1).map(|_| ()),
        recv(b.as_fd(), &mut [0], MAX_FDS + 1).map(|_| ()),
    ] {
        assert_eq!(refused.unwrap_err().kind(), io::ErrorKind::InvalidInput);
    }
}
