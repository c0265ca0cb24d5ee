//! A request to another process and its answer: both sides polling, or both asleep while they wait.

use std::time::{Duration, Instant};

use super::floors;
use crate::ends::calls::{CallPeer, Client, Server};
use crate::harness::{Bench, Entry, Sample, processes::Partner};
use crate::message::Message;

/// Calls before the clock starts: pages are touched, predictors settle.
const WARM_UP: u64 = 256;

/// Bytes of a request, and of its answer.
const SIZES: [usize; 3] = [8, 64, 1024];

/// What the server makes of a request's number: no answer looks like its request.
fn answer_to(number: u64) -> u64 {
    !number
}

/// Answers so many requests, of which each must be the one that is due.
fn serve<M: Message>(server: &mut impl Server<M>, count: u64) {
    for due in 0..count {
        server.serve(|request| {
            assert_eq!(request.number(), due, "another request came");
            M::numbered(answer_to(due))
        });
    }
}

#[inline(always)]
fn call<M: Message>(client: &mut impl Client<M>, number: u64) {
    let answer = client.call(&M::numbered(number));
    let wanted = answer_to(number);
    assert_eq!(answer.number(), wanted, "the answer to another call");
}

fn ask<M: Message>(client: &mut impl Client<M>, count: u64) -> Duration {
    (0..WARM_UP).for_each(|n| call(client, n));
    let begin = Instant::now();
    (WARM_UP..WARM_UP + count).for_each(|n| call(client, n));
    begin.elapsed()
}

fn of_size<P: CallPeer + 'static, M: Message>(group: &str) -> Entry {
    let cell = format!("{group}/{}", size_of::<M>());
    let run = |bench: &Bench<'_>| {
        let mut client = P::client::<M>(&bench.meeting());
        let invitation = client.invitation();
        let partner = Partner::start(bench.placement, bench.name, &invitation, bench.count);
        client.partner_is_ready();
        partner.control.go();
        let took = ask::<M>(&mut client, bench.count);
        partner.finish();
        Sample::each(took, bench.count)
    };
    let entry = Entry::new(cell, format!("{} processes", P::NAME), "ns", run);
    entry.with_partner(|side, control| {
        let mut server = P::server::<M>(&side.invitation);
        control.ready();
        serve::<M>(&mut server, WARM_UP + side.count);
    })
}

/// 8, 64 and 1024 bytes, both sides polling.
pub fn polled<P: CallPeer + 'static>(all: &mut Vec<Entry>) {
    all.push(of_size::<P, [u64; 1]>("calls"));
    all.push(of_size::<P, [u64; 8]>("calls"));
    all.push(of_size::<P, [u64; 128]>("calls"));
}

/// The same, both sides asleep while they wait.
pub fn blocked<P: CallPeer + 'static>(all: &mut Vec<Entry>) {
    let asleep = |entry: Entry| entry.taking(40).often(3);
    all.push(asleep(of_size::<P, [u64; 1]>("calls-blocked")));
    all.push(asleep(of_size::<P, [u64; 8]>("calls-blocked")));
    all.push(asleep(of_size::<P, [u64; 128]>("calls-blocked")));
}

/// What the lines of a request and its answer take to travel.
pub fn floors(all: &mut Vec<Entry>) {
    let cells = SIZES.map(|bytes| format!("calls/{bytes}"));
    all.extend(cells.map(|cell| floors::two_lines(&cell, false)));
}

#[cfg(test)]
#[path = "calls_tests.rs"]
mod tests;
