//! The operations of rings of many senders and receivers, lap by lap as those of the others: a lap fills the ring and empties it.

use std::hint::black_box;

use ringpad::Channel;
use ringpad::mpmc::{Config, Mpmc, Receiver, Recovery, Sender};
use ringpad::os::Options;

use crate::counted;
use crate::homes::{SLOTS, join, room};
use crate::operations::laps;

type Ends = (Sender<'static, u64>, Receiver<'static, u64>);

fn ends<const REVOKE: bool>() -> Ends {
    let recovery = match REVOKE {
        true => Recovery::Revoke,
        false => Recovery::ProofOnly,
    };
    let config = Config::new(SLOTS).recovery(recovery);
    let ring = Mpmc::init(room(), &config).expect("a ring");
    let ends = (ring.bare_sender(), ring.bare_receiver());
    (ends.0.expect("an end"), ends.1.expect("an end"))
}

/// A lap in which nothing is counted: a receiver's first call looks for what the dead left.
fn first_lap(ends: &mut Ends) {
    while ends.0.try_send(0).is_ok() {}
    while ends.1.try_recv().is_some() {}
}

pub fn send<const REVOKE: bool>(count: u32) -> u64 {
    let call = black_box(counted::crowd_send::<_> as fn(&mut _, u64) -> bool);
    let mut ends = ends::<REVOKE>();
    first_lap(&mut ends);
    laps(count, || {
        (0..SLOTS).for_each(|_| assert!(call(&mut ends.0, 0)));
        while ends.1.try_recv().is_some() {}
        SLOTS.into()
    })
}

pub fn recv<const REVOKE: bool>(count: u32) -> u64 {
    let call = black_box(counted::crowd_recv::<_> as fn(&mut _) -> Option<u64>);
    let mut ends = ends::<REVOKE>();
    first_lap(&mut ends);
    laps(count, || {
        while ends.0.try_send(0).is_ok() {}
        (0..SLOTS).for_each(|_| assert!(call(&mut ends.1).is_some()));
        SLOTS.into()
    })
}

pub fn send_full(count: u32) -> u64 {
    let call = black_box(counted::crowd_send::<_> as fn(&mut _, u64) -> bool);
    let mut ends = ends::<true>();
    while ends.0.try_send(0).is_ok() {}
    laps(count, || {
        (0..SLOTS).for_each(|_| assert!(!call(&mut ends.0, 0)));
        SLOTS.into()
    })
}

pub fn recv_empty(count: u32) -> u64 {
    let call = black_box(counted::crowd_recv::<_> as fn(&mut _) -> Option<u64>);
    let mut ends = ends::<true>();
    first_lap(&mut ends);
    laps(count, || {
        (0..SLOTS).for_each(|_| assert!(call(&mut ends.1).is_none()));
        SLOTS.into()
    })
}

pub fn send_slice<const BATCH: usize>(count: u32) -> u64 {
    let call = black_box(counted::crowd_send_slice as fn(&mut _, &[u64]) -> usize);
    let mut ends = ends::<true>();
    first_lap(&mut ends);
    laps(count, || {
        let batches = SLOTS as usize / BATCH;
        (0..batches).for_each(|_| assert_eq!(call(&mut ends.0, &[0; BATCH]), BATCH));
        while ends.1.try_recv().is_some() {}
        batches as u64
    })
}

pub fn recv_slice<const BATCH: usize>(count: u32) -> u64 {
    let call = black_box(counted::crowd_recv_slice as fn(&mut _, &mut [u64]) -> usize);
    let mut ends = ends::<true>();
    first_lap(&mut ends);
    laps(count, || {
        let batches = SLOTS as usize / BATCH;
        (0..batches).for_each(|_| assert_eq!(ends.0.try_send_slice(&[0; BATCH]), BATCH));
        (0..batches).for_each(|_| assert_eq!(call(&mut ends.1, &mut [0; BATCH]), BATCH));
        batches as u64
    })
}

pub fn take(count: u32) -> u64 {
    let call = black_box(counted::crowd_take as fn(&mut _) -> bool);
    let mut ends = ends::<true>();
    first_lap(&mut ends);
    laps(count, || {
        while ends.0.try_send(0).is_ok() {}
        (0..SLOTS).for_each(|_| assert!(call(&mut ends.1)));
        SLOTS.into()
    })
}

pub fn ringing_send(count: u32) -> u64 {
    let call = black_box(counted::crowd_send::<_> as fn(&mut _, u64) -> bool);
    let me = join::<Mpmc<'static, u64>>(&Config::new(SLOTS), &Options::new());
    let mut tx = me.sender::<u64>("ring").expect("an end");
    let mut rx = me.receiver::<u64>("ring").expect("an end");
    laps(count, || {
        (0..SLOTS).for_each(|_| assert!(call(&mut tx, 0)));
        while rx.try_recv().is_some() {}
        SLOTS.into()
    })
}
