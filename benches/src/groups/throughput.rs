//! Messages a second from one side to the other, both polling: one by one and in batches.
//!
//! What is timed is the receiver in a steady state: the sender begins before the clock does and goes on after it stops.

use std::hint::black_box;
use std::time::{Duration, Instant};

use super::{poll, poll_until};
use crate::ends::{BatchReceiver, BatchSender, Lane, ProcessPeer, Receiver, Sender, ThreadPeer};
use crate::harness::{Entry, Sample, processes::Partner, threads};
use crate::message::Message;

pub const CAPACITIES: [usize; 4] = [64, 256, 1024, 8192];
const BATCHES: [usize; 2] = [8, 64];

/// Messages in batches are made beforehand, and their numbers begin again after so many.
const WINDOW: u64 = 256;

/// Rounds of the ring before and after the clock.
const LAPS: u64 = 2;

/// What goes through a ring: untimed, timed, untimed.
#[derive(Clone, Copy)]
pub struct Stretch {
    pub aside: u64,
    pub timed: u64,
}

impl Stretch {
    /// At least as many rounds timed as untimed.
    pub fn new(capacity: usize, count: u64) -> Self {
        let aside = capacity as u64 * LAPS;
        Self {
            aside,
            timed: count.max(2 * aside),
        }
    }

    pub fn all(self) -> u64 {
        2 * self.aside + self.timed
    }
}

fn produce<M: Message>(mut to: impl Sender<M>, stretch: Stretch) {
    for n in 0..stretch.all() {
        poll_until(|| to.send(M::numbered(n)));
    }
}

fn consume<M: Message>(mut from: impl Receiver<M>, stretch: Stretch) -> Duration {
    let mut next = 0;
    let mut take = |count| {
        for _ in 0..count {
            let message = black_box(poll(|| from.recv()));
            assert_eq!(message.number(), next, "another message came");
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

fn produce_batches<M: Message>(mut to: impl BatchSender<M>, batch: usize, stretch: Stretch) {
    let messages: Vec<M> = (0..WINDOW + batch as u64)
        .map(|n| M::numbered(n % WINDOW))
        .collect();
    let (mut left, mut at) = (stretch.all() as usize, 0);
    while left > 0 {
        let want = batch.min(left);
        let sent = to.send_batch(&messages[at..at + want]);
        left -= sent;
        at = (at + sent) % WINDOW as usize;
        if sent == 0 {
            std::hint::spin_loop();
        }
    }
}

fn consume_batches<M: Message>(
    mut from: impl BatchReceiver<M>,
    batch: usize,
    stretch: Stretch,
) -> (Duration, u64) {
    let mut messages = vec![M::numbered(0); batch];
    let mut next = 0;
    let mut take = |count: u64, all: bool| {
        let mut taken = 0;
        while taken < count {
            let got = from.recv_batch(&mut messages);
            if got == 0 {
                std::hint::spin_loop();
            } else {
                let came = &black_box(&messages)[..got];
                // The clock runs: the ends. It does not: every one.
                for at in (0..got).step_by(if all { 1 } else { (got - 1).max(1) }) {
                    let wanted = (next + at as u64) % WINDOW;
                    assert_eq!(came[at].number(), wanted, "another message came");
                }
                next += got as u64;
                taken += got as u64;
            }
        }
        taken
    };
    let before = take(stretch.aside, true);
    let begin = Instant::now();
    let timed = take(stretch.timed, false);
    let took = begin.elapsed();
    // A batch may have taken more than was asked for.
    take(stretch.all() - before - timed, true);
    (took, timed)
}

fn cell_of(bytes: usize, capacity: usize, batch: usize) -> String {
    format!("throughput/{bytes}/{capacity}/{batch}")
}

fn cell<M>(capacity: usize, batch: usize) -> String {
    cell_of(size_of::<M>(), capacity, batch)
}

/// All cells, with the size of a message, the capacity and the batch.
pub fn cells() -> impl Iterator<Item = (String, usize, usize, usize)> {
    let batches = || [1].into_iter().chain(BATCHES);
    let shapes = move |bytes| {
        CAPACITIES
            .into_iter()
            .flat_map(move |c| batches().map(move |b| (bytes, c, b)))
    };
    let shapes = [8, 64].into_iter().flat_map(shapes);
    shapes.map(|(bytes, capacity, batch)| (cell_of(bytes, capacity, batch), bytes, capacity, batch))
}

fn threads_of_size<P: ThreadPeer + 'static, M: Message>(all: &mut Vec<Entry>) {
    for capacity in CAPACITIES {
        let run = move |bench: &crate::harness::Bench<'_>| {
            let stretch = Stretch::new(capacity, bench.count);
            let mut room = P::room::<M>(capacity);
            let (tx, rx) = P::split(&mut room);
            let there = || produce::<M>(tx, stretch);
            let took = threads::race(bench.placement, there, || consume::<M>(rx, stretch)).1;
            Sample::each(took, stretch.timed)
        };
        let name = format!("{} threads", P::NAME);
        all.push(Entry::new(cell::<M>(capacity, 1), name, "ns", run));
    }
}

fn thread_batches_of_size<P: ThreadPeer + 'static, M: Message>(all: &mut Vec<Entry>)
where
    for<'r> P::Sender<'r, M>: BatchSender<M>,
    for<'r> P::Receiver<'r, M>: BatchReceiver<M>,
{
    for (capacity, batch) in CAPACITIES.into_iter().flat_map(|c| BATCHES.map(|b| (c, b))) {
        let run = move |bench: &crate::harness::Bench<'_>| {
            let stretch = Stretch::new(capacity, bench.count);
            let mut room = P::room::<M>(capacity);
            let (tx, rx) = P::split(&mut room);
            let there = || produce_batches::<M>(tx, batch, stretch);
            let here = || consume_batches::<M>(rx, batch, stretch);
            let (took, timed) = threads::race(bench.placement, there, here).1;
            Sample::each(took, timed)
        };
        let name = format!("{} threads", P::NAME);
        all.push(Entry::new(cell::<M>(capacity, batch), name, "ns", run));
    }
}

fn processes_of_size<P: ProcessPeer + 'static, M: Message>(all: &mut Vec<Entry>) {
    for capacity in CAPACITIES {
        let run = move |bench: &crate::harness::Bench<'_>| {
            let stretch = Stretch::new(capacity, bench.count);
            let mut peer = P::host::<M>(&bench.meeting(), capacity);
            let invitation = peer.invitation();
            let partner = Partner::start(bench.placement, bench.name, &invitation, bench.count);
            let rx = peer.receiver::<M>(Lane::Back);
            partner.control.go();
            let took = consume::<M>(rx, stretch);
            partner.finish();
            Sample::each(took, stretch.timed)
        };
        let name = format!("{} processes", P::NAME);
        let entry = Entry::new(cell::<M>(capacity, 1), name, "ns", run);
        all.push(entry.with_partner(move |side, control| {
            let mut peer = P::guest::<M>(&side.invitation, capacity);
            let tx = peer.sender::<M>(Lane::Back);
            control.ready();
            produce::<M>(tx, Stretch::new(capacity, side.count));
        }));
    }
}

fn process_batches_of_size<P: ProcessPeer + 'static, M: Message>(all: &mut Vec<Entry>)
where
    P::Sender<M>: BatchSender<M>,
    P::Receiver<M>: BatchReceiver<M>,
{
    for (capacity, batch) in CAPACITIES.into_iter().flat_map(|c| BATCHES.map(|b| (c, b))) {
        let run = move |bench: &crate::harness::Bench<'_>| {
            let stretch = Stretch::new(capacity, bench.count);
            let mut peer = P::host::<M>(&bench.meeting(), capacity);
            let invitation = peer.invitation();
            let partner = Partner::start(bench.placement, bench.name, &invitation, bench.count);
            let rx = peer.receiver::<M>(Lane::Back);
            partner.control.go();
            let (took, timed) = consume_batches::<M>(rx, batch, stretch);
            partner.finish();
            Sample::each(took, timed)
        };
        let name = format!("{} processes", P::NAME);
        let entry = Entry::new(cell::<M>(capacity, batch), name, "ns", run);
        all.push(entry.with_partner(move |side, control| {
            let mut peer = P::guest::<M>(&side.invitation, capacity);
            let tx = peer.sender::<M>(Lane::Back);
            control.ready();
            produce_batches::<M>(tx, batch, Stretch::new(capacity, side.count));
        }));
    }
}

/// 8 and 64 bytes, one by one, between threads.
pub fn threads<P: ThreadPeer + 'static>(all: &mut Vec<Entry>) {
    threads_of_size::<P, [u64; 1]>(all);
    threads_of_size::<P, [u64; 8]>(all);
}

/// 8 and 64 bytes, one by one, between processes.
pub fn processes<P: ProcessPeer + 'static>(all: &mut Vec<Entry>) {
    processes_of_size::<P, [u64; 1]>(all);
    processes_of_size::<P, [u64; 8]>(all);
}

/// 8 and 64 bytes in batches of 8 and 64 between threads.
pub fn thread_batches<P: ThreadPeer + 'static>(all: &mut Vec<Entry>)
where
    for<'r> P::Sender<'r, [u64; 1]>: BatchSender<[u64; 1]>,
    for<'r> P::Sender<'r, [u64; 8]>: BatchSender<[u64; 8]>,
    for<'r> P::Receiver<'r, [u64; 1]>: BatchReceiver<[u64; 1]>,
    for<'r> P::Receiver<'r, [u64; 8]>: BatchReceiver<[u64; 8]>,
{
    thread_batches_of_size::<P, [u64; 1]>(all);
    thread_batches_of_size::<P, [u64; 8]>(all);
}

/// 8 and 64 bytes in batches of 8 and 64 between processes.
pub fn process_batches<P: ProcessPeer + 'static>(all: &mut Vec<Entry>)
where
    P::Sender<[u64; 1]>: BatchSender<[u64; 1]>,
    P::Sender<[u64; 8]>: BatchSender<[u64; 8]>,
    P::Receiver<[u64; 1]>: BatchReceiver<[u64; 1]>,
    P::Receiver<[u64; 8]>: BatchReceiver<[u64; 8]>,
{
    process_batches_of_size::<P, [u64; 1]>(all);
    process_batches_of_size::<P, [u64; 8]>(all);
}
