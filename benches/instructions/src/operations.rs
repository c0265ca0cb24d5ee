//! The operations, and the laps that run them: whole rings full, from the state that the lap before left.
//!
//! A lap fills the ring and empties it; one of the two is counted. So every lap looks once where the other end is and,
//! if records wrap, wraps once. A lap before the first, through calls that are not counted, brings a new ring there.

use std::hint::black_box;

use ringpad::{Pod, Wake, bytes, spsc};

use crate::calls;
use crate::counted;
use crate::crowds;
use crate::homes::{BYTES, Bare, Distrusted, Home, Ringing, SLOTS};
use crate::pools;
use crate::shouts;

/// An item of eight words.
type Large = [u64; 8];
/// Bytes of a record.
const RECORD: usize = 64;

/// Something to count.
pub struct Operation {
    /// Where the ring lies, what it holds, what is done.
    pub name: &'static str,
    /// Runs so many laps; returns the counted calls.
    pub run: fn(u32) -> u64,
}

const fn operation(name: &'static str, run: fn(u32) -> u64) -> Operation {
    Operation { name, run }
}

/// The empty call.
pub const NOTHING: &str = "nothing";

/// All that is counted, in the order of the table.
pub const ALL: &[Operation] = &[
    operation(NOTHING, nothing),
    operation("bare u64 push", push::<u64, Bare>),
    operation("bare u64 pop", pop::<u64, Bare>),
    operation("bare u64 push, full", push_full::<u64, Bare>),
    operation("bare u64 pop, empty", pop_empty::<u64, Bare>),
    operation("bare u64 push_slice 8", push_slice::<u64, Bare, 8>),
    operation("bare u64 pop_slice 8", pop_slice::<u64, Bare, 8>),
    operation("bare u64 push_slice 64", push_slice::<u64, Bare, 64>),
    operation("bare u64 pop_slice 64", pop_slice::<u64, Bare, 64>),
    operation("bare 64B push", push::<Large, Bare>),
    operation("bare 64B pop", pop::<Large, Bare>),
    operation("bare 64B push, full", push_full::<Large, Bare>),
    operation("bare 64B pop, empty", pop_empty::<Large, Bare>),
    operation("bare 64B push_slice 8", push_slice::<Large, Bare, 8>),
    operation("bare 64B pop_slice 8", pop_slice::<Large, Bare, 8>),
    operation("bare 64B push_slice 64", push_slice::<Large, Bare, 64>),
    operation("bare 64B pop_slice 64", pop_slice::<Large, Bare, 64>),
    operation("bare records send", send::<Bare, false>),
    operation("bare records recv", recv::<Bare, false>),
    operation("bare records send, full", send_full::<Bare>),
    operation("bare records recv, empty", recv_empty::<Bare>),
    operation("bare records grant+commit", grant_commit::<Bare>),
    operation("bare records read+release", read_release::<Bare>),
    operation("bare stream send", send::<Bare, true>),
    operation("bare stream recv", recv::<Bare, true>),
    operation("ringing u64 push", push::<u64, Ringing>),
    operation("ringing u64 pop", pop::<u64, Ringing>),
    operation("ringing 64B push", push::<Large, Ringing>),
    operation("ringing 64B pop", pop::<Large, Ringing>),
    operation("ringing records send", send::<Ringing, false>),
    operation("ringing records recv", recv::<Ringing, false>),
    operation("ringing records grant+commit", grant_commit::<Ringing>),
    operation("ringing records read+release", read_release::<Ringing>),
    operation("distrusted u64 push", push::<u64, Distrusted>),
    operation("distrusted u64 pop", pop::<u64, Distrusted>),
    operation("distrusted 64B push", push::<Large, Distrusted>),
    operation("distrusted 64B pop", pop::<Large, Distrusted>),
    operation("distrusted records send", send::<Distrusted, false>),
    operation("distrusted records recv", recv::<Distrusted, false>),
    operation("bare u32 write", shouts::write::<u32>),
    operation("bare u32 read", shouts::read::<u32>),
    operation("bare 64B write", shouts::write::<Large>),
    operation("bare 64B read", shouts::read::<Large>),
    operation("bare 64B read, new", shouts::read_new::<Large>),
    operation("bare 64B publish", shouts::publish::<Large, 0>),
    operation(
        "bare 64B publish, 1 subscriber",
        shouts::publish::<Large, 1>,
    ),
    operation(
        "bare 64B publish, 64 subscribers",
        shouts::publish::<Large, 64>,
    ),
    operation("bare 64B poll", shouts::poll::<Large>),
    operation("bare 64B poll, empty", shouts::poll_empty::<Large>),
    operation("bare 64B reliable publish", shouts::try_publish::<Large>),
    operation("bare 64B reliable poll", shouts::reliable_poll::<Large>),
    operation("bare mpmc send", crowds::send::<true>),
    operation("bare mpmc recv", crowds::recv::<true>),
    operation("bare mpmc send, proof only", crowds::send::<false>),
    operation("bare mpmc recv, proof only", crowds::recv::<false>),
    operation("bare mpmc send, full", crowds::send_full),
    operation("bare mpmc recv, empty", crowds::recv_empty),
    operation("bare mpmc send_slice 64", crowds::send_slice::<64>),
    operation("bare mpmc recv_slice 64", crowds::recv_slice::<64>),
    operation("bare mpmc take+acknowledge", crowds::take),
    operation("ringing mpmc send", crowds::ringing_send),
    operation("ringing 64B write", shouts::ringing_write::<Large>),
    operation("ringing 64B publish", shouts::ringing_publish::<Large>),
    operation("bare frame loan+publish", pools::bare_publish),
    operation("bare frame loan+publish_for", pools::reserve),
    operation("bare frame view+drop", pools::bare_view),
    operation("bare frame view, stale", pools::view_stale),
    operation("bare frame take+drop", pools::take),
    operation("ringing frame loan+publish", pools::ringing_publish),
    operation("ringing frame view+drop", pools::ringing_view),
    operation("bare call", calls::bare_call),
    operation("bare call serve", calls::bare_serve),
    operation("bare call serve, none", calls::serve_none),
    operation("bare call take answer", calls::bare_take),
    operation("ringing call", calls::ringing_call),
    operation("ringing call serve", calls::ringing_serve),
];

/// Runs laps, each of which says how many calls it counted.
pub fn laps(count: u32, mut lap: impl FnMut() -> u64) -> u64 {
    (0..count).map(|_| lap()).sum()
}

fn nothing(count: u32) -> u64 {
    let call = black_box(counted::nothing as fn());
    laps(count, || {
        (0..SLOTS).for_each(|_| call());
        SLOTS.into()
    })
}

fn fill<T: Pod, W: Wake>(tx: &mut spsc::Producer<'static, T, W>) {
    while tx.push(black_box(T::zeroed())).is_ok() {}
}

fn drain<T: Pod, W: Wake>(rx: &mut spsc::Consumer<'static, T, W>) {
    while black_box(rx.pop()).is_some() {}
}

/// Calls go through a pointer that the compiler cannot see through, so that no argument is known in the callee.
fn push<T: Pod, H: Home>(count: u32) -> u64 {
    let call = black_box(counted::push::<T, H::Wake> as fn(&mut _, T) -> bool);
    let (mut tx, mut rx) = H::typed::<T>();
    fill(&mut tx);
    drain(&mut rx);
    laps(count, || {
        (0..SLOTS).for_each(|_| assert!(call(&mut tx, T::zeroed())));
        drain(&mut rx);
        SLOTS.into()
    })
}

fn pop<T: Pod, H: Home>(count: u32) -> u64 {
    let call = black_box(counted::pop::<T, H::Wake> as fn(&mut _) -> Option<T>);
    let (mut tx, mut rx) = H::typed::<T>();
    fill(&mut tx);
    drain(&mut rx);
    laps(count, || {
        fill(&mut tx);
        (0..SLOTS).for_each(|_| assert!(call(&mut rx).is_some()));
        SLOTS.into()
    })
}

fn push_full<T: Pod, H: Home>(count: u32) -> u64 {
    let call = black_box(counted::push::<T, H::Wake> as fn(&mut _, T) -> bool);
    let (mut tx, _rx) = H::typed::<T>();
    fill(&mut tx);
    laps(count, || {
        (0..SLOTS).for_each(|_| assert!(!call(&mut tx, T::zeroed())));
        SLOTS.into()
    })
}

fn pop_empty<T: Pod, H: Home>(count: u32) -> u64 {
    let call = black_box(counted::pop::<T, H::Wake> as fn(&mut _) -> Option<T>);
    let (_tx, mut rx) = H::typed::<T>();
    laps(count, || {
        (0..SLOTS).for_each(|_| assert!(call(&mut rx).is_none()));
        SLOTS.into()
    })
}

fn push_slice<T: Pod, H: Home, const N: usize>(count: u32) -> u64 {
    let call = black_box(counted::push_slice::<T, H::Wake> as fn(&mut _, &[T]) -> usize);
    let (mut tx, mut rx) = H::typed::<T>();
    fill(&mut tx);
    drain(&mut rx);
    let calls = u64::from(SLOTS) / N as u64;
    laps(count, || {
        (0..calls).for_each(|_| assert_eq!(call(&mut tx, &[T::zeroed(); N]), N));
        drain(&mut rx);
        calls
    })
}

fn pop_slice<T: Pod, H: Home, const N: usize>(count: u32) -> u64 {
    let call = black_box(counted::pop_slice::<T, H::Wake> as fn(&mut _, &mut [T]) -> usize);
    let (mut tx, mut rx) = H::typed::<T>();
    fill(&mut tx);
    drain(&mut rx);
    let calls = u64::from(SLOTS) / N as u64;
    laps(count, || {
        fill(&mut tx);
        (0..calls).for_each(|_| assert_eq!(call(&mut rx, &mut [T::zeroed(); N]), N));
        calls
    })
}

/// The config, and how many messages of `RECORD` bytes a lap holds.
fn byte_ring(stream: bool) -> (bytes::Config, u64) {
    if stream {
        (
            bytes::Config::stream(BYTES),
            u64::from(BYTES) / RECORD as u64,
        )
    } else {
        // What is left at the ring's end is wrapped over, once a lap.
        (
            bytes::Config::records(BYTES),
            u64::from(BYTES) / (RECORD as u64 + 8),
        )
    }
}

fn fill_bytes<W: Wake>(tx: &mut bytes::Producer<'static, W>) {
    while tx.send(black_box(&[0; RECORD])).is_ok() {}
}

fn drain_bytes<W: Wake>(rx: &mut bytes::Consumer<'static, W>) {
    while matches!(rx.recv(black_box(&mut [0; RECORD])), Ok(Some(_))) {}
}

fn send<H: Home, const STREAM: bool>(count: u32) -> u64 {
    let call = black_box(counted::send::<H::Wake> as fn(&mut _, &[u8]) -> bool);
    let (config, calls) = byte_ring(STREAM);
    let (mut tx, mut rx) = H::bytes(config);
    fill_bytes(&mut tx);
    drain_bytes(&mut rx);
    laps(count, || {
        (0..calls).for_each(|_| assert!(call(&mut tx, &[0; RECORD])));
        drain_bytes(&mut rx);
        calls
    })
}

fn recv<H: Home, const STREAM: bool>(count: u32) -> u64 {
    let call = black_box(counted::recv::<H::Wake> as fn(&mut _, &mut [u8]) -> usize);
    let (config, calls) = byte_ring(STREAM);
    let (mut tx, mut rx) = H::bytes(config);
    fill_bytes(&mut tx);
    drain_bytes(&mut rx);
    laps(count, || {
        fill_bytes(&mut tx);
        (0..calls).for_each(|_| assert_eq!(call(&mut rx, &mut [0; RECORD]), RECORD));
        calls
    })
}

fn send_full<H: Home>(count: u32) -> u64 {
    let call = black_box(counted::send::<H::Wake> as fn(&mut _, &[u8]) -> bool);
    let (config, calls) = byte_ring(false);
    let (mut tx, _rx) = H::bytes(config);
    fill_bytes(&mut tx);
    laps(count, || {
        (0..calls).for_each(|_| assert!(!call(&mut tx, &[0; RECORD])));
        calls
    })
}

fn recv_empty<H: Home>(count: u32) -> u64 {
    let call = black_box(counted::recv::<H::Wake> as fn(&mut _, &mut [u8]) -> usize);
    let (config, calls) = byte_ring(false);
    let (_tx, mut rx) = H::bytes(config);
    laps(count, || {
        (0..calls).for_each(|_| assert_eq!(call(&mut rx, &mut [0; RECORD]), 0));
        calls
    })
}

fn grant_commit<H: Home>(count: u32) -> u64 {
    let call = black_box(counted::grant_commit::<H::Wake> as fn(&mut _, usize) -> bool);
    let (config, calls) = byte_ring(false);
    let (mut tx, mut rx) = H::bytes(config);
    fill_bytes(&mut tx);
    drain_bytes(&mut rx);
    laps(count, || {
        (0..calls).for_each(|_| assert!(call(&mut tx, RECORD)));
        drain_bytes(&mut rx);
        calls
    })
}

fn read_release<H: Home>(count: u32) -> u64 {
    let call = black_box(counted::read_release::<H::Wake> as fn(&mut _) -> usize);
    let (config, calls) = byte_ring(false);
    let (mut tx, mut rx) = H::bytes(config);
    fill_bytes(&mut tx);
    drain_bytes(&mut rx);
    laps(count, || {
        fill_bytes(&mut tx);
        (0..calls).for_each(|_| assert_eq!(call(&mut rx), RECORD));
        calls
    })
}
