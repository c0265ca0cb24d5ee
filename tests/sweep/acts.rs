//! What a traced party does, between the marks of the tracer.

use crate::common::tracer::{BEGIN, END, mark};

use super::message::Message;
use super::rings::Both;
use super::stage::{End, Hands, SLOTS};

/// What a party does once.
pub struct Act<E> {
    pub run: fn(&mut Hands<E>),
    /// How many of its own messages it sends at most.
    pub sends: usize,
    /// How many messages may go with it if it is killed in the call: where messages come again, and where not.
    pub takes: [usize; 2],
    /// It has one in hand before its first marked instruction.
    pub holds_one: bool,
}

impl<E> Clone for Act<E> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<E> Copy for Act<E> {}

impl<E> Act<E> {
    /// Slots that it may hold when it is killed.
    pub fn holds(&self) -> usize {
        self.sends.max(self.takes[0]).max(self.takes[1])
    }
}

fn send<E: End, const N: usize>(hands: &mut Hands<E>) {
    mark(BEGIN);
    let sent = hands.end.send(&hands.own[..N]);
    hands.notes.sent(hands.who, sent);
    mark(END);
}

fn recv<E: End, const N: usize>(hands: &mut Hands<E>) {
    let mut into: [Message; N] = [[0; 4]; N];
    mark(BEGIN);
    let got = hands.end.recv(&mut into);
    hands.notes.got(hands.who, &into[..got]);
    mark(END);
}

pub const fn sending<E: End, const N: usize>() -> Act<E> {
    Act {
        run: send::<E, N>,
        sends: N,
        takes: [0, 0],
        holds_one: false,
    }
}

pub const fn receiving<E: End, const N: usize>() -> Act<E> {
    Act {
        run: recv::<E, N>,
        sends: 0,
        takes: [N, N],
        holds_one: false,
    }
}

/// Takes one by name and is killed with it in hand.
pub const TAKE: Act<Both> = Act {
    run: |hands| {
        mark(BEGIN);
        let taken = hands.end.rx.try_take();
        std::mem::forget(taken);
        mark(END);
    },
    sends: 0,
    takes: [0, 1],
    holds_one: false,
};

/// Takes two, one after the other: without the first one's acknowledgement the second cannot be had.
pub const ACKNOWLEDGE: Act<Both> = Act {
    run: |hands| {
        let taken = hands.end.rx.try_take().expect("a message");
        mark(BEGIN);
        let message = taken.acknowledge();
        hands.notes.got(hands.who, &[message]);
        mark(END);
    },
    sends: 0,
    takes: [1, 1],
    holds_one: true,
};

/// Drops what it took: it comes again, or is gone.
pub const DROP: Act<Both> = Act {
    run: |hands| {
        let taken = hands.end.rx.try_take().expect("a message");
        mark(BEGIN);
        drop(taken);
        mark(END);
    },
    sends: 0,
    takes: [0, 1],
    holds_one: true,
};

/// Goes on with a dead one's run, message by message.
pub const TAKE_AND_ACKNOWLEDGE: Act<Both> = Act {
    run: |hands| {
        mark(BEGIN);
        let got = hands.end.take();
        got.into_iter()
            .for_each(|(message, _)| hands.notes.got(hands.who, &[message]));
        mark(END);
    },
    sends: 0,
    takes: [1, 1],
    holds_one: false,
};

/// All that there is.
pub const RECV_ALL: Act<Both> = receiving::<Both, SLOTS>();
