//! Many senders and many receivers on one queue, one by one and in batches; and the same calls where nobody else is.
//!
//! Senders never stop while the clock runs; what counts is what all receivers took.

use std::time::{Duration, Instant};

use super::tally::{Account, Tally, message, settle};
use crate::ends::many::ManyPeer;
use crate::ends::{BatchReceiver, BatchSender, Receiver, Sender};
use crate::harness::crowd::{self, Clock};
use crate::harness::{Bench, Entry, Placement, Sample};

const CAPACITY: usize = 1024;
/// Senders, and receivers.
pub const ENDS: [usize; 3] = [1, 2, 4];
const BATCHES: [usize; 3] = [1, 8, 64];
/// Pairs of calls before the clock, where nobody else is.
const WARM_UP: u64 = 4096;

/// How many it sent.
fn send_on(clock: &Clock, mut to: impl Sender<u64>, sender: usize) -> u64 {
    let (mut next, mut failed) = (0, 0);
    clock.start();
    clock.count(|_| {
        if to.send(message(sender, next)) {
            (next, failed) = (next + 1, 0);
        } else {
            clock.spin_or_yield(&mut failed);
        }
        0
    });
    clock.finish_writing(next);
    next
}

/// The messages of a sender from this one on.
fn fill(batch: &mut [u64], sender: usize, first: u64) {
    for (message, number) in batch.iter_mut().zip(first..) {
        *message = self::message(sender, number);
    }
}

fn send_batches_on(
    clock: &Clock,
    mut to: impl BatchSender<u64>,
    sender: usize,
    batch: usize,
) -> u64 {
    let mut messages = vec![0; batch];
    fill(&mut messages, sender, 0);
    let (mut next, mut failed) = (0, 0);
    clock.start();
    clock.count(|_| {
        match to.send_batch(&messages) as u64 {
            0 => clock.spin_or_yield(&mut failed),
            sent => {
                (next, failed) = (next + sent, 0);
                fill(&mut messages, sender, next);
            }
        }
        0
    });
    clock.finish_writing(next);
    next
}

/// How many came while the clock ran, and the account of all.
type Came = (u64, Tally);

fn take_on(clock: &Clock, mut account: Account, mut take: impl FnMut(&mut Account) -> u64) -> Came {
    let mut failed = 0;
    clock.start();
    let timed = clock.count(|_| {
        let came = take(&mut account);
        if came == 0 {
            clock.spin_or_yield(&mut failed);
        } else {
            failed = 0;
        }
        came
    });
    clock.drain(account.tally().count, || take(&mut account));
    (timed, account.tally())
}

fn recv_on(clock: &Clock, mut from: impl Receiver<u64>, account: Account) -> Came {
    take_on(clock, account, |account| match from.recv() {
        Some(message) => {
            account.take(message);
            1
        }
        None => 0,
    })
}

fn recv_batches_on(
    clock: &Clock,
    mut from: impl BatchReceiver<u64>,
    account: Account,
    batch: usize,
) -> Came {
    let mut messages = vec![0; batch];
    take_on(clock, account, |account| {
        let came = from.recv_batch(&mut messages);
        let came = &messages[..came];
        came.iter().for_each(|message| account.take(*message));
        came.len() as u64
    })
}

/// As many senders as receivers. Nanoseconds a message, of all together.
pub fn crossing<P: ManyPeer>(placement: &Placement, ends: usize, batch: usize) -> Sample {
    let deeds = crowd::undisturbed(|| {
        let mut room = P::room(CAPACITY, ends);
        let (senders, receivers) = P::split(&mut room, ends, ends);
        let senders = senders.into_iter().enumerate();
        let senders = senders.map(|(at, to)| {
            move |clock: &Clock| match batch {
                1 => send_on(clock, to, at),
                _ => send_batches_on(clock, to, at, batch),
            }
        });
        let receivers = receivers.into_iter().map(|from| {
            let account = Account::new(ends, P::IN_ORDER);
            move |clock: &Clock| match batch {
                1 => recv_on(clock, from, account),
                _ => recv_batches_on(clock, from, account, batch),
            }
        });
        let deeds = crowd::many(placement, senders.collect(), receivers.collect());
        let sent = deeds.writer.iter().enumerate();
        let sent = Tally::all(sent.map(|(sender, count)| Tally::of(sender, *count)));
        settle(
            sent,
            Tally::all(deeds.readers.iter().map(|(_, came)| *came)),
        );
        let more = P::split(&mut room, 0, 1).1.remove(0).recv();
        assert_eq!(more, None, "a message came that was not sent");
        deeds
    });
    let timed: u64 = deeds.readers.iter().map(|(timed, _)| timed).sum();
    // If none came in time, one takes longer than the time.
    Sample::each(deeds.took, timed.max(1))
}

/// Messages put in and taken out again by one thread; `times` batches.
fn in_and_out(times: u64, mut pass: impl FnMut(u64)) -> Duration {
    (0..WARM_UP).for_each(&mut pass);
    let begin = Instant::now();
    (WARM_UP..WARM_UP + times).for_each(&mut pass);
    begin.elapsed()
}

/// Nanoseconds for putting a message in and taking it out where nobody else is.
pub fn alone<P: ManyPeer>(batch: usize, count: u64) -> Sample {
    let mut room = P::room(CAPACITY, 1);
    let (mut senders, mut receivers) = P::split(&mut room, 1, 1);
    let (mut to, mut from) = (senders.remove(0), receivers.remove(0));
    let times = count.div_ceil(batch as u64);
    let took = if batch == 1 {
        in_and_out(times, |number| {
            assert!(to.send(number), "no room");
            assert_eq!(from.recv(), Some(number), "another message came");
        })
    } else {
        let mut sent = vec![0; batch];
        let mut came = vec![0; batch];
        in_and_out(times, |number| {
            fill(&mut sent, 0, number);
            assert_eq!(to.send_batch(&sent), batch, "no room");
            assert_eq!(from.recv_batch(&mut came), batch, "not all came");
            assert_eq!(came, sent, "other messages came");
        })
    };
    Sample::each(took, times * batch as u64)
}

/// What has no calls for batches says so in their cells.
fn contender<P: ManyPeer>(batch: usize) -> String {
    let how = if batch > 1 && !P::BATCHES {
        " one by one"
    } else {
        ""
    };
    format!("{}{how} threads", P::NAME)
}

/// 1024 numbers between as many senders as receivers; and one thread by itself.
pub fn threads<P: ManyPeer + 'static>(all: &mut Vec<Entry>) {
    for batch in BATCHES {
        for ends in ENDS.into_iter().filter(|&ends| ends <= P::MOST_ENDS) {
            let run = move |bench: &Bench<'_>| crossing::<P>(bench.placement, ends, batch);
            let cell = format!("mpmc/{ends}p{ends}c/{batch}");
            all.push(Entry::new(cell, contender::<P>(batch), "ns", run).for_a_time());
        }
        let run = move |bench: &Bench<'_>| alone::<P>(batch, bench.count);
        let cell = format!("mpmc-alone/{batch}");
        all.push(Entry::new(cell, contender::<P>(batch), "ns", run));
    }
}

#[cfg(test)]
#[path = "mpmc_tests.rs"]
mod tests;
