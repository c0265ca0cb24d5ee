//! Loops of one's own, which sleep on a waiter's descriptor.

use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use rustix::event::epoll;

use crate::{anonymous, common};

/// A thread pushes at full speed while `sleep` sleeps on the descriptor as it likes; answers how often it had to.
fn drive(sleep: impl Fn(BorrowedFd<'_>)) -> u64 {
    let segment = anonymous();
    let (me, you) = (segment.join().unwrap(), segment.join().unwrap());
    let mut rx = me.consumer::<u64>("a").unwrap();
    let (messages, mut slept) = (5000, 0);
    std::thread::scope(|scope| {
        scope.spawn(move || {
            let mut tx = you.producer::<u64>("a").unwrap();
            let deadline = Instant::now() + common::PATIENCE;
            for n in 0..messages {
                while tx.push(n).is_err() {
                    assert!(Instant::now() < deadline);
                    std::thread::yield_now();
                }
                if n % 16 == 0 {
                    std::thread::sleep(Duration::from_micros(50));
                }
            }
        });
        let mut waiter = me.waiter().unwrap();
        // The guard borrows the waiter: whoever sleeps meanwhile has the descriptor from before.
        let fd = waiter.as_fd().try_clone_to_owned().unwrap();
        let bell = [rx.bell()];
        for n in 0..messages {
            let got = loop {
                let _armed = waiter.arm(&bell).unwrap();
                if let Some(got) = rx.pop() {
                    break got;
                }
                slept += 1;
                sleep(fd.as_fd());
            };
            assert_eq!(got, n);
        }
    });
    slept
}

#[test]
fn a_loop_of_one_s_own_sleeps_on_the_descriptor() {
    let timeout = rustix::event::Timespec {
        tv_sec: 20,
        tv_nsec: 0,
    };
    let polled = drive(|fd| {
        let mut fds = [rustix::event::PollFd::new(
            &fd,
            rustix::event::PollFlags::IN,
        )];
        let ready = rustix::event::poll(&mut fds, Some(&timeout)).unwrap();
        assert_eq!(ready, 1, "nobody rang");
    });
    let set = epoll::create(epoll::CreateFlags::CLOEXEC).unwrap();
    let known = std::cell::Cell::new(false);
    let waited = drive(|fd| {
        if !known.replace(true) {
            let data = epoll::EventData::new_u64(7);
            epoll::add(&set, fd, data, epoll::EventFlags::IN).unwrap();
        }
        let mut room = [std::mem::MaybeUninit::uninit(); 4];
        let (ready, _) = epoll::wait(&set, &mut room, Some(&timeout)).unwrap();
        assert_eq!(ready.len(), 1, "nobody rang");
        assert_eq!(ready[0].data.u64(), 7);
    });
    println!("5000 messages each: slept {polled} times in poll, {waited} in epoll");
    assert!(polled > 10 && waited > 10);
}
