//! Whoever got a distrusted segment's doorbells over a socket shares their pipes, and may do with them what it likes.

use std::io::Write;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use ringpad::os::{Options, SharedSegment};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};

use crate::{LONG, common, plan};

/// Takes what was rung, unless it was taken already.
fn steal(pipe: &OwnedFd) {
    let _ = rustix::io::read(pipe, &mut [0; 64]);
}

/// Leaves exactly as much as one read takes.
fn flood(pipe: &OwnedFd) {
    let path = format!("/proc/self/fd/{}", pipe.as_raw_fd());
    let mut end = std::fs::OpenOptions::new().write(true).open(path).unwrap();
    let have = rustix::io::ioctl_fionread(pipe).unwrap() as usize;
    end.write_all(&vec![1; 4096 - have]).unwrap();
}

#[test]
fn a_stranger_who_makes_the_pipe_block_blocks_nobody() {
    for harm in [steal, flood] {
        let segment = SharedSegment::anonymous(&plan(), &Options::new().distrusted(true)).unwrap();
        let (me, you) = (segment.join().unwrap(), segment.join().unwrap());
        let (mut rx, mut tx) = (
            me.consumer::<u64>("a").unwrap(),
            you.producer::<u64>("a").unwrap(),
        );
        let mut waiter = me.waiter().unwrap();
        // The description that a receiver would have.
        let pipe = waiter.as_fd().try_clone_to_owned().unwrap();
        let bell = [rx.bell()];
        let (tell, told) = mpsc::channel();
        let (ask, asked) = mpsc::channel();
        let sleeper = std::thread::spawn(move || {
            let ready = || {
                let found = rx.pop();
                ask.send(()).unwrap_or(());
                found
            };
            let first = waiter.wait(&bell, LONG, ready).unwrap();
            harm(&pipe);
            let flags = fcntl_getfl(&pipe).unwrap();
            fcntl_setfl(&pipe, flags - OFlags::NONBLOCK).unwrap();
            let start = Instant::now();
            let timeout = Some(Duration::from_millis(200));
            let second = waiter.wait(&bell, timeout, || rx.pop()).unwrap();
            tell.send((first, second, start.elapsed())).unwrap();
        });
        // It asks once before it arms and once after: then it is to be rung for.
        (0..2).for_each(|_| asked.recv_timeout(common::PATIENCE).unwrap());
        tx.push(7).unwrap();
        let (first, second, took) = told
            .recv_timeout(common::PATIENCE)
            .expect("a wait that ends");
        sleeper.join().unwrap();
        assert_eq!((first, second), (Some(7), None));
        assert!(
            took >= Duration::from_millis(200) && took < Duration::from_secs(2),
            "{took:?}"
        );
    }
}
