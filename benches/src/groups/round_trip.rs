//! One message there, the same message back, both sides polling.

use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

use super::{poll, poll_until};
use crate::ends::{Lane, ProcessPeer, Receiver, Sender, ThreadPeer};
use crate::harness::{Entry, Sample, processes::Partner, threads};
use crate::message::Message;

/// Messages that each lane holds: round trips need one.
const CAPACITY: usize = 64;
/// Round trips before the clock starts: pages are touched, predictors settle.
const WARM_UP: u64 = 256;

pub fn echo<M: Message>(mut from: impl Receiver<M>, mut to: impl Sender<M>, count: u64) {
    for _ in 0..WARM_UP + count {
        let message = poll(|| from.recv());
        poll_until(|| to.send(message));
    }
}

#[inline(always)]
fn trip<M: Message>(to: &mut impl Sender<M>, from: &mut impl Receiver<M>, number: u64) {
    poll_until(|| to.send(M::numbered(number)));
    let message = poll(|| from.recv());
    assert_eq!(message.number(), number, "another message came back");
}

fn ping<M: Message>(mut to: impl Sender<M>, mut from: impl Receiver<M>, count: u64) -> Duration {
    (0..WARM_UP).for_each(|n| trip::<M>(&mut to, &mut from, n));
    let begin = Instant::now();
    (0..count).for_each(|n| trip::<M>(&mut to, &mut from, n));
    begin.elapsed()
}

/// As [`ping`], each trip timed by itself; the clock's own time is in it.
pub fn ping_each<M: Message>(
    mut to: impl Sender<M>,
    mut from: impl Receiver<M>,
    count: u64,
) -> Histogram<u64> {
    (0..WARM_UP).for_each(|n| trip::<M>(&mut to, &mut from, n));
    let mut histogram = histogram();
    for n in 0..count {
        let begin = Instant::now();
        trip::<M>(&mut to, &mut from, n);
        histogram.saturating_record(begin.elapsed().as_nanos() as u64);
    }
    histogram
}

/// For 1 ns to 10 s.
pub fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, 10_000_000_000, 3).expect("bounds in order")
}

pub fn of_histogram(histogram: Histogram<u64>) -> Sample {
    Sample {
        value: histogram.value_at_quantile(0.5) as f64,
        histogram: Some(histogram),
        lost: None,
    }
}

fn cell<M>(group: &str) -> String {
    format!("{group}/{}", size_of::<M>())
}

fn threads_of_size<P: ThreadPeer + 'static, M: Message>(all: &mut Vec<Entry>) {
    let name = format!("{} threads", P::NAME);
    all.push(Entry::new(cell::<M>("round-trip"), &*name, "ns", |bench| {
        let (mut there, mut back) = (P::room::<M>(CAPACITY), P::room::<M>(CAPACITY));
        let ((tx, echo_rx), (echo_tx, rx)) = (P::split(&mut there), P::split(&mut back));
        let there = || echo::<M>(echo_rx, echo_tx, bench.count);
        let here = || ping::<M>(tx, rx, bench.count);
        Sample::each(threads::race(bench.placement, there, here).1, bench.count)
    }));
    all.push(Entry::new(cell::<M>("latency"), &*name, "ns", |bench| {
        let (mut there, mut back) = (P::room::<M>(CAPACITY), P::room::<M>(CAPACITY));
        let ((tx, echo_rx), (echo_tx, rx)) = (P::split(&mut there), P::split(&mut back));
        let there = || echo::<M>(echo_rx, echo_tx, bench.count);
        let here = || ping_each::<M>(tx, rx, bench.count);
        of_histogram(threads::race(bench.placement, there, here).1)
    }));
}

fn processes_of_size<P: ProcessPeer + 'static, M: Message>(all: &mut Vec<Entry>) {
    let name = format!("{} processes", P::NAME);
    for (group, each) in [("round-trip", false), ("latency", true)] {
        let run = move |bench: &crate::harness::Bench<'_>| {
            let mut peer = P::host::<M>(&bench.meeting(), CAPACITY);
            let partner =
                Partner::start(bench.placement, bench.name, &peer.invitation(), bench.count);
            let (tx, rx) = (
                peer.sender::<M>(Lane::There),
                peer.receiver::<M>(Lane::Back),
            );
            partner.control.go();
            let sample = if each {
                of_histogram(ping_each::<M>(tx, rx, bench.count))
            } else {
                Sample::each(ping::<M>(tx, rx, bench.count), bench.count)
            };
            partner.finish();
            sample
        };
        let entry = Entry::new(cell::<M>(group), &*name, "ns", run);
        all.push(entry.with_partner(|side, control| {
            let mut peer = P::guest::<M>(&side.invitation, CAPACITY);
            let (rx, tx) = (
                peer.receiver::<M>(Lane::There),
                peer.sender::<M>(Lane::Back),
            );
            control.ready();
            echo::<M>(rx, tx, side.count);
        }));
    }
}

/// 8, 64, 256 and 4096 bytes between threads.
pub fn threads<P: ThreadPeer + 'static>(all: &mut Vec<Entry>) {
    threads_of_size::<P, [u64; 1]>(all);
    threads_of_size::<P, [u64; 8]>(all);
    threads_of_size::<P, [u64; 32]>(all);
    threads_of_size::<P, [u64; 512]>(all);
}

/// 8, 64, 256 and 4096 bytes between processes.
pub fn processes<P: ProcessPeer + 'static>(all: &mut Vec<Entry>) {
    processes_of_size::<P, [u64; 1]>(all);
    processes_of_size::<P, [u64; 8]>(all);
    processes_of_size::<P, [u64; 32]>(all);
    processes_of_size::<P, [u64; 512]>(all);
}
