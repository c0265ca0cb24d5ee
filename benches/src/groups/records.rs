//! Records of any length a second from one side to the other, copied in and copied out, both polling.

use std::hint::black_box;
use std::time::{Duration, Instant};

use super::throughput::{CAPACITIES, Stretch};
use super::{poll, poll_until};
use crate::ends::{Lane, ProcessBytes, RecordReceiver, RecordSender, ThreadBytes};
use crate::harness::{Bench, Entry, Sample, processes::Partner, threads};

const SIZES: [usize; 5] = [16, 64, 256, 1024, 4096];

fn produce(mut to: impl RecordSender, bytes: usize, stretch: Stretch) {
    let mut record = black_box(vec![7; bytes]);
    for n in 0..stretch.all() {
        // The number stands at both ends; the shortest record is as long as two.
        record[..8].copy_from_slice(&n.to_le_bytes());
        record[bytes - 8..].copy_from_slice(&n.to_le_bytes());
        poll_until(|| to.send(&record));
    }
}

fn consume(mut from: impl RecordReceiver, bytes: usize, stretch: Stretch) -> Duration {
    let mut into = vec![0; bytes];
    let mut next = 0u64;
    let mut take = |count| {
        for _ in 0..count {
            let len = poll(|| from.recv(&mut into));
            let (came, number) = (black_box(&into), next.to_le_bytes());
            let ends = came[..8] == number && came[bytes - 8..] == number;
            assert!(len == bytes && ends, "another record came");
            next += 1;
        }
    };
    take(stretch.aside);
    let begin = Instant::now();
    take(stretch.timed);
    let took = begin.elapsed();
    take(stretch.aside);
    took
}

fn shapes() -> impl Iterator<Item = (usize, usize)> {
    SIZES
        .into_iter()
        .flat_map(|bytes| CAPACITIES.map(|count| (bytes, count)))
}

fn cell(bytes: usize, count: usize) -> String {
    format!("records/{bytes}/{count}")
}

/// All cells, with the size of a record, how many there is room for, and how many go at once.
pub fn cells() -> impl Iterator<Item = (String, usize, usize, usize)> {
    shapes().map(|(bytes, count)| (cell(bytes, count), bytes, count, 1))
}

/// 16 to 4096 bytes between threads.
pub fn threads<P: ThreadBytes + 'static>(all: &mut Vec<Entry>) {
    for (bytes, capacity) in shapes() {
        let run = move |bench: &Bench<'_>| {
            let stretch = Stretch::new(capacity, bench.count);
            let mut room = P::room(capacity, bytes);
            let (tx, rx) = P::split(&mut room);
            let there = || produce(tx, bytes, stretch);
            let took = threads::race(bench.placement, there, || consume(rx, bytes, stretch)).1;
            Sample::each(took, stretch.timed)
        };
        all.push(Entry::new(
            cell(bytes, capacity),
            format!("{} threads", P::NAME),
            "ns",
            run,
        ));
    }
}

/// 16 to 4096 bytes between processes.
pub fn processes<P: ProcessBytes + 'static>(all: &mut Vec<Entry>) {
    processes_up_to::<P>(all, usize::MAX);
}

/// As [`processes`], without the counts above `most`. For a peer so slow that a repeat, whose length grows with the count,
/// would there take over 150 ms.
pub fn processes_up_to<P: ProcessBytes + 'static>(all: &mut Vec<Entry>, most: usize) {
    for (bytes, capacity) in shapes().filter(|(_, count)| *count <= most) {
        let run = move |bench: &Bench<'_>| {
            let stretch = Stretch::new(capacity, bench.count);
            let mut peer = P::host(&bench.meeting(), capacity, bytes);
            let invitation = peer.invitation();
            let partner = Partner::start(bench.placement, bench.name, &invitation, bench.count);
            let rx = peer.receiver(Lane::Back);
            partner.control.go();
            let took = consume(rx, bytes, stretch);
            partner.finish();
            Sample::each(took, stretch.timed)
        };
        let name = format!("{} processes", P::NAME);
        all.push(
            Entry::new(cell(bytes, capacity), name, "ns", run).with_partner(
                move |side, control| {
                    let mut peer = P::guest(&side.invitation, capacity, bytes);
                    let tx = peer.sender(Lane::Back);
                    control.ready();
                    produce(tx, bytes, Stretch::new(capacity, side.count));
                },
            ),
        );
    }
}
