//! One message there, the same message back, both sides asleep while they wait; and what a wake costs in system calls.
//!
//! Peers sleep without polling before, except contenders whose name says so: they do not compare with the others.

use std::sync::Once;
use std::sync::atomic::Ordering;
use std::sync::mpsc::channel;
use std::thread::{scope, sleep};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

use super::round_trip::{histogram, of_histogram};
use crate::ends::{BlockingEnd, BlockingPeer};
use crate::harness::calls::{Tracer, mark};
use crate::harness::processes::{Partner, Side};
use crate::harness::{Bench, Control, Entry, Sample};
use crate::message::Message;

/// Round trips before the clock starts.
const WARM_UP: u64 = 64;
/// How long the host waits before each trip whose calls are counted: the partner, slowed by its tracer, is asleep by then.
const PAUSE: Duration = Duration::from_micros(300);

fn echo<M: Message>(end: &mut impl BlockingEnd<M>, count: u64) {
    for _ in 0..count {
        let message = end.recv();
        end.send(&message);
    }
}

#[inline(always)]
fn trip<M: Message>(end: &mut impl BlockingEnd<M>, number: u64) {
    end.send(&M::numbered(number));
    assert_eq!(end.recv().number(), number, "another message came back");
}

fn ping<M: Message>(end: &mut impl BlockingEnd<M>, count: u64) -> Duration {
    (0..WARM_UP).for_each(|n| trip(end, n));
    let begin = Instant::now();
    (0..count).for_each(|n| trip(end, n));
    begin.elapsed()
}

/// As [`ping`], each trip timed by itself.
fn ping_each<M: Message>(end: &mut impl BlockingEnd<M>, count: u64) -> Histogram<u64> {
    (0..WARM_UP).for_each(|n| trip(end, n));
    let mut histogram = histogram();
    for n in 0..count {
        let begin = Instant::now();
        trip(end, n);
        histogram.saturating_record(begin.elapsed().as_nanos() as u64);
    }
    histogram
}

/// Both sides, up to the start.
fn meet<P: BlockingPeer, M: Message>(bench: &Bench<'_>) -> (P::End<M>, Partner) {
    let mut end = P::host::<M>(&bench.meeting());
    let partner = Partner::start(bench.placement, bench.name, &end.invitation(), bench.count);
    end.partner_is_ready();
    (end, partner)
}

fn times<P: BlockingPeer + 'static, M: Message>(group: &str, each: bool, all: &mut Vec<Entry>) {
    let cell = format!("{group}/{}", size_of::<M>());
    let run = move |bench: &Bench<'_>| {
        let (mut end, partner) = meet::<P, M>(bench);
        partner.control.go();
        let sample = if each {
            of_histogram(ping_each::<M>(&mut end, bench.count))
        } else {
            Sample::each(ping::<M>(&mut end, bench.count), bench.count)
        };
        partner.finish();
        sample
    };
    let entry = Entry::new(cell, P::NAME, "ns", run).taking(40).often(3);
    all.push(entry.with_partner(|side: &Side, control: &Control| {
        let mut end = P::guest::<M>(&side.invitation);
        control.ready();
        echo::<M>(&mut end, WARM_UP + side.count);
    }));
}

/// Says once in a run why there are no counts.
fn refused(why: &std::io::Error) {
    static SAID: Once = Once::new();
    SAID.call_once(|| eprintln!("wakes are not measurable here: tracing a child: {why}"));
}

/// The calls that the partner makes for a trip: it sleeps once, is woken once and wakes once, so they are a wake's.
fn calls_of_trips<M: Message>(
    end: &mut impl BlockingEnd<M>,
    partner: &Partner,
    count: u64,
) -> Option<u64> {
    scope(|scope| {
        let (tell, told) = channel();
        let tracing = scope.spawn(move || {
            let tracer = Tracer::of(partner.pid);
            tell.send(tracer.is_ok()).expect("the host listens");
            tracer.map(|tracer| tracer.count(&partner.control.page().there.0))
        });
        let traced = told.recv().expect("the tracer's word");
        partner.control.go();
        for n in 0..WARM_UP + count {
            if traced {
                sleep(PAUSE);
            }
            trip::<M>(end, n);
        }
        let calls = tracing.join().expect("the tracer");
        calls.inspect_err(refused).ok()
    })
}

fn wakes_of_size<P: BlockingPeer + 'static, M: Message>(all: &mut Vec<Entry>) {
    let cell = format!("wakes/{}", size_of::<M>());
    let run = |bench: &Bench<'_>| {
        let (mut end, partner) = meet::<P, M>(bench);
        let calls = calls_of_trips::<M>(&mut end, &partner, bench.count);
        partner.finish();
        Sample {
            value: calls.map_or(f64::NAN, |calls| calls as f64 / bench.count as f64),
            histogram: None,
            lost: None,
        }
    };
    let entry = Entry::new(cell, P::NAME, "calls", run).taking(200);
    all.push(entry.with_partner(|side: &Side, control: &Control| {
        let mut end = P::guest::<M>(&side.invitation);
        control.ready();
        echo::<M>(&mut end, WARM_UP);
        let marked = &control.page().there.0;
        marked.store(mark::COUNT, Ordering::Relaxed);
        echo::<M>(&mut end, side.count);
        marked.store(mark::OVER, Ordering::Relaxed);
    }));
}

/// 8, 64 and 4096 bytes.
pub fn processes<P: BlockingPeer + 'static>(all: &mut Vec<Entry>) {
    times::<P, [u64; 1]>("blocked", false, all);
    times::<P, [u64; 8]>("blocked", false, all);
    times::<P, [u64; 512]>("blocked", false, all);
    times::<P, [u64; 1]>("blocked-latency", true, all);
}

/// System calls a wake, with 8 bytes.
pub fn wakes<P: BlockingPeer + 'static>(all: &mut Vec<Entry>) {
    wakes_of_size::<P, [u64; 1]>(all);
}
