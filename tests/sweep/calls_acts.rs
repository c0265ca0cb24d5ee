//! What a client or a server is killed in.

use std::mem::{ManuallyDrop, forget};

use ringpad::Silent;

use crate::common::tracer::{BEGIN, END, mark};

use super::calls::{self, Calls, answer, piece};
use super::message::message;
use super::stage::{SURVIVORS, VICTIM};

/// The number of the victim's own message or call.
pub const OWN: u64 = 77;

/// What is swept.
#[derive(Clone, Copy)]
pub struct Operation {
    pub name: &'static str,
    pub before: fn(&mut Calls),
    pub act: fn(&mut Calls),
    /// The victim, or whoever is dead beside it, may leave calls unanswered: it drops requests in good order.
    pub drops: bool,
    /// It tells something that is served if the call returned.
    pub tells: bool,
    /// What it takes it may have served.
    pub answers: bool,
    /// Where calls are served again, where not, or both where that makes a difference worth its steps.
    pub idempotent: &'static [bool],
}

impl Operation {
    pub const fn new(name: &'static str, before: fn(&mut Calls), act: fn(&mut Calls)) -> Self {
        Self {
            name,
            before,
            act,
            drops: false,
            tells: false,
            answers: false,
            idempotent: &[false, true],
        }
    }

    const fn dropping(mut self) -> Self {
        self.drops = true;
        self
    }

    const fn only(mut self, idempotent: &'static [bool]) -> Self {
        self.idempotent = idempotent;
        self
    }

    const fn answering(mut self) -> Self {
        self.answers = true;
        self
    }

    const fn telling(mut self) -> Self {
        self.tells = true;
        self
    }
}

fn nothing(_: &mut Calls) {}

/// Does this with the request that the victim has, between the marks.
fn with_request(calls: &mut Calls, then: impl FnMut(calls::Taken)) {
    let request = calls.request.take().map(ManuallyDrop::into_inner);
    mark(BEGIN);
    request.into_iter().for_each(then);
    mark(END);
}

fn with_call(calls: &mut Calls, then: impl FnMut(calls::Made)) {
    let call = calls.call.take().map(ManuallyDrop::into_inner);
    mark(BEGIN);
    call.into_iter().for_each(then);
    mark(END);
}

/// Once more than there are requests.
fn next(calls: &mut Calls) {
    let server = calls.worker;
    mark(BEGIN);
    if let Some(server) = server {
        while let Some(request) = server.next() {
            calls.world.notes.got_named(VICTIM, request.query()[0]);
            forget(request);
        }
    }
    mark(END);
}

/// What there is, as a server does.
fn serve(calls: &mut Calls) {
    let server = calls.worker;
    mark(BEGIN);
    if let Some(server) = server {
        while let Some(mut request) = server.next() {
            let asked = request.query()[0];
            calls.world.notes.got_named(VICTIM, asked);
            let _ = request.reply(&answer(asked));
        }
    }
    mark(END);
}

fn reply(calls: &mut Calls) {
    with_request(calls, |mut request| {
        let asked = request.query()[0];
        let _ = request.reply(&answer(asked));
        forget(request);
    });
}

fn part(calls: &mut Calls) {
    with_request(calls, |mut request| {
        let asked = request.query()[0];
        let _ = request.part(&piece(asked, 0));
        forget(request);
    });
}

fn drop_request(calls: &mut Calls) {
    with_request(calls, drop);
}

fn claim_server(calls: &mut Calls) {
    mark(BEGIN);
    forget(calls.table.server(calls.peers[VICTIM]));
    mark(END);
}

/// It was asked two things, and answered neither: one in parts.
fn leave_server(calls: &mut Calls) {
    let server = calls.table.server(calls.peers[VICTIM]).expect("a seat");
    forget(server.next());
    if let Some(mut request) = server.next() {
        let asked = request.query()[0];
        let _ = request.part(&piece(asked, 0));
        forget(request);
    }
    mark(BEGIN);
    drop(server);
    mark(END);
}

fn call(calls: &mut Calls) {
    let client = calls.table.client(calls.peers[VICTIM]).expect("a seat");
    mark(BEGIN);
    forget(client.call(&message(VICTIM, OWN)));
    mark(END);
}

fn notify(calls: &mut Calls) {
    let client = calls.table.client(calls.peers[VICTIM]).expect("a seat");
    mark(BEGIN);
    if client.notify(&message(VICTIM, OWN)).is_ok() {
        calls.world.notes.sent(VICTIM, 1);
    }
    mark(END);
}

fn poll(calls: &mut Calls) {
    with_call(calls, |mut call| {
        let _ = call.poll();
        forget(call);
    });
}

fn ask(calls: &mut Calls) {
    with_call(calls, |mut call| {
        let _ = call.poll_and_ask();
        forget(call);
    });
}

fn give_up(calls: &mut Calls) {
    with_call(calls, drop);
}

fn claim_client(calls: &mut Calls) {
    mark(BEGIN);
    forget(calls.table.client(calls.peers[VICTIM]));
    mark(END);
}

/// It has called twice, and told something.
fn leave_client(calls: &mut Calls) {
    let client = calls.table.client(calls.peers[VICTIM]).expect("a seat");
    forget(client.call(&message(VICTIM, 1)));
    forget(client.call(&message(VICTIM, 2)));
    let _ = client.notify(&message(VICTIM, OWN));
    calls.world.notes.sent(VICTIM, 1);
    mark(BEGIN);
    drop(client);
    mark(END);
}

fn reap(calls: &mut Calls) {
    mark(BEGIN);
    let _ = calls.peers[VICTIM].reap(&Silent);
    mark(END);
}

/// Controls: what nobody may do.
fn breaks(calls: &mut Calls) {
    mark(BEGIN);
    for (word, value) in &calls.broken {
        calls.world.memory.set(*word, *value);
    }
    mark(END);
}

/// It is asked two things, and told one.
fn asked_and_told(calls: &mut Calls) {
    calls::asked(calls, 2);
    calls.tells(SURVIVORS[0], calls.client);
    if !calls.idempotent {
        let told = calls.owed.pop();
        calls.may.extend(told);
    }
}

fn asked_twice(calls: &mut Calls) {
    assert!(calls.asks() && calls.asks());
}

pub const OPERATIONS: [Operation; 23] = [
    Operation::new("next", asked_and_told, next),
    Operation::new("serve", asked_and_told, serve).answering(),
    Operation::new("reply", calls::took, reply),
    Operation::new("part", calls::took, part),
    Operation::new("reply behind a part", calls::took_and_part_is_taken, reply),
    Operation::new(
        "reply to what is given up",
        calls::took_what_is_given_up,
        reply,
    ),
    Operation::new("drop a request", calls::took, drop_request).dropping(),
    Operation::new(
        "drop behind a part",
        calls::took_and_sent_a_part,
        drop_request,
    )
    .dropping(),
    Operation::new("claim a server's", nothing, claim_server).only(&[false]),
    Operation::new("claim a dead server's", calls::dead_server, claim_server),
    Operation::new("leave as server", asked_twice, leave_server),
    Operation::new("call", nothing, call),
    Operation::new("notify", nothing, notify).telling(),
    Operation::new("poll a reply", calls::called_and_has_the_reply, poll),
    Operation::new("poll a part", calls::called_and_has_a_part, poll),
    Operation::new("ask of the dead", calls::called_who_died, ask),
    Operation::new("give up, sent", calls::called, give_up),
    Operation::new("give up, taken", calls::called_and_is_served, give_up),
    Operation::new("give up, part", calls::called_and_has_a_part, give_up),
    Operation::new(
        "give up, answered",
        calls::called_and_has_the_reply,
        give_up,
    ),
    Operation::new("claim a dead client's", calls::dead_client, claim_client).only(&[false]),
    Operation::new("leave as client", nothing, leave_client).telling(),
    Operation::new("reap calls", calls::dead_both, reap).only(&[true]),
];

/// It breaks the words that the stage names.
pub const fn breaking(name: &'static str, before: fn(&mut Calls)) -> Operation {
    Operation::new(name, before, breaks)
}
