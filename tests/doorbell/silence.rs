//! Endpoints that wake nobody: what a partner that sleeps nevertheless gets, and what they keep alive.

use std::sync::mpsc;
use std::time::Duration;

use ringpad::os::{Consumer, OwnedPeer};

use crate::{LONG, anonymous};

/// Sleeps for the item that `send` puts in once the sleeper is armed; how often it was woken.
fn woken(me: &OwnedPeer, rx: &mut Consumer<u64>, send: impl FnOnce() + Send) -> u64 {
    let bell = [rx.bell()];
    let mut waiter = me.waiter().unwrap().tick(Duration::from_millis(100));
    let (tell, told) = mpsc::channel();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            // It asks once before it arms and once after.
            (0..2).for_each(|_| told.recv_timeout(LONG.unwrap()).unwrap());
            send();
        });
        let ready = || {
            let found = rx.pop();
            tell.send(()).unwrap_or(());
            found
        };
        assert_eq!(waiter.wait(&bell, LONG, ready).unwrap(), Some(7));
    });
    waiter.woken()
}

#[test]
fn a_silent_end_wakes_nobody_and_the_tick_finds_its_items() {
    let segment = anonymous();
    let (me, you) = (segment.join().unwrap(), segment.join().unwrap());
    let mut rx = me.consumer::<u64>("a").unwrap();
    let mut tx = you.producer::<u64>("a").unwrap().silent();
    let silent = woken(&me, &mut rx, || tx.push(7).unwrap());
    drop(tx);
    let mut tx = you.producer::<u64>("a").unwrap();
    let ringing = woken(&me, &mut rx, || tx.push(7).unwrap());
    assert_eq!((silent, ringing), (0, 1));
}

#[test]
fn silent_ends_keep_all_they_need_and_hold_their_claims() {
    let segment = anonymous();
    let (me, you) = (segment.join().unwrap(), segment.join().unwrap());
    let (mut tx, mut rx) = (
        me.byte_producer("log").unwrap().silent(),
        you.byte_consumer("log").unwrap().silent(),
    );
    assert!(me.byte_producer("log").is_err() && you.byte_consumer("log").is_err());
    drop((segment, me, you));
    tx.send(b"still here").unwrap();
    assert_eq!(rx.recv(&mut [0; 16]).unwrap(), Some(&b"still here"[..]));
    assert!(!tx.is_abandoned() && !rx.is_abandoned());
    drop(rx);
    assert!(tx.is_abandoned());
}
