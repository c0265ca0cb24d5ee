//! Messages from one publisher to any number of subscribers, all polling: published and taken in a length of time, each publish
//! timed by itself, and round trips over two mailslots.

use std::hint::black_box;
use std::time::Instant;

use hdrhistogram::Histogram;

use super::ledger::Ledger;
use super::round_trip::{echo, histogram, of_histogram, ping_each};
use crate::ends::mailslot::{Loss, MailslotPeer, Publisher, Subscriber, Taken};
use crate::ends::{Receiver, Sender};
use crate::harness::crowd::{self, Clock, Deeds};
use crate::harness::{Bench, Entry, Placement, Sample, threads};
use crate::message::Message;

/// Messages that a mailslot holds.
pub const CAPACITY: usize = 1024;
const SUBSCRIBERS: [usize; 4] = [0, 1, 2, 4];

/// What the publisher did.
pub struct Published {
    pub timed: u64,
    pub all: u64,
    histogram: Option<Histogram<u64>>,
}

/// `EACH`: each is timed by itself, with its waiting where it waits.
fn publish_on<M: Message, const EACH: bool>(clock: &Clock, mut to: impl Publisher<M>) -> Published {
    let (mut all, mut times) = (0, EACH.then(histogram));
    clock.start();
    let timed = clock.count(|timed| {
        let message = M::numbered(all);
        let begin = (EACH && timed).then(Instant::now);
        while !to.publish(&message) {
            clock.pause();
        }
        if let (Some(times), Some(begin)) = (&mut times, begin) {
            times.saturating_record(begin.elapsed().as_nanos() as u64);
        }
        all += 1;
        1
    });
    clock.finish_writing(all);
    Published {
        timed,
        all,
        histogram: times,
    }
}

/// Takes what comes, up to the last message. How many came while the clock ran, and the account of all.
fn take_on<M: Message>(clock: &Clock, mut from: impl Subscriber<M>, loss: Loss) -> (u64, Ledger) {
    let mut ledger = Ledger::new(loss);
    // How many messages came; `None` if nothing was there.
    let mut take = |timed: bool| match black_box(from.poll()) {
        Taken::Mail(message) => {
            // The clock runs: the ends. It does not: each word.
            let number = if timed {
                message.number()
            } else {
                message.whole_number()
            };
            ledger.mail(number);
            Some(1)
        }
        Taken::Lost(lost) => {
            ledger.lost(lost);
            Some(0)
        }
        Taken::Empty => {
            clock.pause();
            None
        }
    };
    clock.start();
    let timed = clock.count(|timed| take(timed).unwrap_or(0));
    // The end is asked for first: what is not there then does not come any more.
    let published = loop {
        let published = clock.written();
        if take(false).is_none()
            && let Some(published) = published
        {
            break published;
        }
    };
    ledger.close(published);
    (timed, ledger)
}

/// A publisher and subscribers, all as fast as they can.
pub fn crowd<P: MailslotPeer, M: Message, const EACH: bool>(
    placement: &Placement,
    subscribers: usize,
) -> Deeds<Published, (u64, Ledger)> {
    crowd::undisturbed(|| {
        let mut room = P::room::<M>(CAPACITY, subscribers);
        let (publisher, subscribers) = P::tickets(&mut room, subscribers);
        let subscribers = subscribers
            .into_iter()
            .map(|ticket| |clock: &Clock| take_on::<M>(clock, P::subscriber::<M>(ticket), P::LOSS));
        let subscribers = subscribers.collect();
        let publish = |clock: &Clock| publish_on::<M, EACH>(clock, P::publisher::<M>(publisher));
        crowd::run(placement, publish, subscribers)
    })
}

/// The share of the messages that a subscriber lost, in percent.
fn lost(loss: Loss, deeds: &Deeds<Published, (u64, Ledger)>) -> Option<f64> {
    let lost: u64 = deeds
        .readers
        .iter()
        .map(|(_, ledger)| ledger.sum_lost())
        .sum();
    let all = deeds.writer.all * deeds.readers.len() as u64;
    (loss != Loss::Never && all > 0).then(|| lost as f64 / all as f64 * 100.0)
}

/// Nanoseconds a message published.
pub fn published<P: MailslotPeer, M: Message>(placement: &Placement, subscribers: usize) -> Sample {
    let deeds = crowd::<P, M, false>(placement, subscribers);
    let sample = Sample::each(deeds.took, deeds.writer.timed.max(1));
    Sample {
        lost: lost(P::LOSS, &deeds),
        ..sample
    }
}

/// Nanoseconds a message that one subscriber took: the mean of them, where there are several.
fn delivered<P: MailslotPeer, M: Message>(placement: &Placement, subscribers: usize) -> Sample {
    let deeds = crowd::<P, M, false>(placement, subscribers);
    let taken: u64 = deeds.readers.iter().map(|(timed, _)| timed).sum();
    let sample = Sample::each(deeds.took * subscribers as u32, taken.max(1));
    Sample {
        lost: lost(P::LOSS, &deeds),
        ..sample
    }
}

fn each_published<P: MailslotPeer, M: Message>(
    placement: &Placement,
    subscribers: usize,
) -> Sample {
    let deeds = crowd::<P, M, true>(placement, subscribers);
    Sample {
        lost: lost(P::LOSS, &deeds),
        ..of_histogram(deeds.writer.histogram.expect("timed one by one"))
    }
}

/// A mailslot as a queue: one message is on its way at a time, and none is lost.
struct Queue<E>(E);

impl<M: Message, E: Publisher<M>> Sender<M> for Queue<E> {
    #[inline(always)]
    fn send(&mut self, message: M) -> bool {
        self.0.publish(&message)
    }
}

impl<M: Message, E: Subscriber<M>> Receiver<M> for Queue<E> {
    #[inline(always)]
    fn recv(&mut self) -> Option<M> {
        match self.0.poll() {
            Taken::Mail(message) => Some(message),
            Taken::Empty => None,
            Taken::Lost(lost) => panic!("{lost} lost of one"),
        }
    }
}

/// Round trips, each timed by itself.
fn round_trips<P: MailslotPeer, M: Message>(placement: &Placement, count: u64) -> Sample {
    let (mut there, mut back) = (P::room::<M>(CAPACITY, 1), P::room::<M>(CAPACITY, 1));
    let (ask, mut heard) = P::tickets::<M>(&mut there, 1);
    let (answer, mut answered) = P::tickets::<M>(&mut back, 1);
    let (heard, answered) = (heard.remove(0), answered.remove(0));
    let open = std::sync::Barrier::new(2);
    let other = || {
        let ends = (P::subscriber::<M>(heard), P::publisher::<M>(answer));
        open.wait();
        echo::<M>(Queue(ends.0), Queue(ends.1), count);
        // An end that closes may take what it published with it.
        open.wait();
    };
    let this = || {
        let ends = (P::publisher::<M>(ask), P::subscriber::<M>(answered));
        open.wait();
        let times = ping_each::<M>(Queue(ends.0), Queue(ends.1), count);
        open.wait();
        times
    };
    of_histogram(threads::race(placement, other, this).1)
}

pub fn contender<P: MailslotPeer>() -> String {
    let waits = if P::LOSS == Loss::Never {
        " backpressured"
    } else {
        ""
    };
    format!("{}{waits} threads", P::NAME)
}

type Measure = fn(&Placement, usize) -> Sample;

fn of_size<P: MailslotPeer + 'static, M: Message>(all: &mut Vec<Entry>) {
    let groups: [(&str, Measure); 3] = [
        ("mailslot-publish", published::<P, M>),
        ("mailslot-deliver", delivered::<P, M>),
        ("mailslot-publish-latency", each_published::<P, M>),
    ];
    for (group, measure) in groups {
        // Nothing is delivered to nobody.
        let least = P::LEAST_SUBSCRIBERS.max(usize::from(group == "mailslot-deliver"));
        for subscribers in SUBSCRIBERS.into_iter().filter(|&one| one >= least) {
            let cell = format!("{group}/{}/{subscribers}", size_of::<M>());
            let run = move |bench: &Bench<'_>| measure(bench.placement, subscribers);
            all.push(Entry::new(cell, contender::<P>(), "ns", run).for_a_time());
        }
    }
    let cell = format!("mailslot-latency/{}", size_of::<M>());
    let run = |bench: &Bench<'_>| round_trips::<P, M>(bench.placement, bench.count);
    all.push(Entry::new(cell, contender::<P>(), "ns", run));
}

/// 8 to 4096 bytes from one thread to others.
pub fn threads<P: MailslotPeer + 'static>(all: &mut Vec<Entry>) {
    of_size::<P, [u64; 1]>(all);
    of_size::<P, [u64; 8]>(all);
    of_size::<P, [u64; 32]>(all);
    of_size::<P, [u64; 128]>(all);
    of_size::<P, [u64; 512]>(all);
}

/// The cells of publishing, with the size of a message, the capacity, and how many go at once.
pub fn cells() -> impl Iterator<Item = (String, usize, usize, usize)> {
    let sizes = [8, 64, 256, 1024, 4096].into_iter();
    let shapes = sizes.flat_map(|bytes| SUBSCRIBERS.map(|subscribers| (bytes, subscribers)));
    shapes.map(|(bytes, subscribers)| {
        let cell = format!("mailslot-publish/{bytes}/{subscribers}");
        (cell, bytes, CAPACITY, 1)
    })
}

#[cfg(test)]
#[path = "mailslot_tests.rs"]
mod tests;
