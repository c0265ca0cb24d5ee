//! What a user of a frame pool is killed in.

use std::mem::forget;

use ringpad::Silent;
use ringpad::frames::{Receivers, User};

use crate::common::tracer::{BEGIN, END, mark};

use super::pools::{
    self, BOTH, From, Pools, RECEIVERS, SEATS, dead_beside, publish, read, ring, rings_of,
};
use super::stage::{OTHER, SURVIVORS, VICTIM};

/// When the victim is receiver 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holds {
    Never,
    Always,
    /// Once its call returned.
    Then,
    /// Before its call.
    Until,
}

/// What is swept.
#[derive(Clone, Copy)]
pub struct Operation {
    pub name: &'static str,
    pub before: fn(&mut Pools),
    pub act: fn(&Pools),
    /// To whom the victim sends messages of its own.
    pub sends_to: Receivers,
    pub holds: Holds,
    /// What is reserved for receiver 0 is given up, by the victim or beside it.
    pub forgets: bool,
    /// It has every frame.
    pub has_all: bool,
}

impl Operation {
    pub const fn new(name: &'static str, before: fn(&mut Pools), act: fn(&Pools)) -> Self {
        Self {
            name,
            before,
            act,
            sends_to: Receivers::NONE,
            holds: Holds::Never,
            forgets: false,
            has_all: false,
        }
    }

    const fn sending(mut self, whom: Receivers) -> Self {
        self.sends_to = whom;
        self
    }

    const fn holding(mut self, holds: Holds) -> Self {
        self.holds = holds;
        self
    }

    const fn forgetting(mut self) -> Self {
        self.forgets = true;
        self
    }
}

fn nothing(_: &mut Pools) {}

/// Somebody is receiver 0, and stays.
fn resident(pools: &mut Pools) {
    pools.resident = pools.receiver(SURVIVORS[1], 0).ok();
}

/// Every seat is a dead one's, but for the living one's; the first of them has things.
fn crowded(pools: &mut Pools) {
    pools::doomed_sender(pools, OTHER);
    for _ in 0..SEATS {
        forget(pools.pool.user(pools.peers[OTHER]));
    }
    pools.world.notes.declare_dead(OTHER);
}

fn send(pools: &Pools) {
    let user = pools.user(VICTIM);
    let mut rings = RECEIVERS.map(|to| pools.producer(VICTIM, ring(From::Doomed, to)));
    mark(BEGIN);
    for number in 1..=2 {
        // None, if the living have taken all of them meanwhile.
        let Ok(ticket) = publish(&user, (VICTIM, number), BOTH) else {
            break;
        };
        assert!(rings.iter_mut().all(|tx| tx.push(ticket).is_ok()));
        pools.world.notes.sent(VICTIM, 1);
    }
    mark(END);
}

fn show(pools: &Pools) {
    let user = pools.user(VICTIM);
    mark(BEGIN);
    let _ = publish(&user, (VICTIM, 1), Receivers::NONE);
    mark(END);
}

fn give_back(pools: &Pools) {
    let user = pools.user(VICTIM);
    let loan = user.loan();
    mark(BEGIN);
    drop(loan);
    mark(END);
}

fn view(pools: &Pools) {
    let user = pools.user(VICTIM);
    let ticket = pools.shown();
    mark(BEGIN);
    drop(user.view(ticket));
    mark(END);
}

/// Everything there is for receiver 0, as a careful one does.
fn drain(pools: &Pools, user: &User<'_>) {
    for ring in rings_of(0) {
        let mut rx = pools.consumer(VICTIM, ring);
        while let Some(ticket) = rx.peek() {
            let view = user.take(ticket);
            if let Ok(view) = &view {
                let name = read(view);
                pools.world.notes.got_named(VICTIM, name);
            }
            rx.pop();
        }
        forget(rx);
    }
}

fn take(pools: &Pools) {
    let user = pools.receiver(VICTIM, 0).expect("a seat");
    mark(BEGIN);
    drain(pools, &user);
    mark(END);
}

fn leave(pools: &Pools) {
    let user = pools.user(VICTIM);
    forget(user.loan());
    forget(user.view(pools.shown()));
    mark(BEGIN);
    drop(user);
    mark(END);
}

/// It has taken one, and not dropped it.
fn leave_receiver(pools: &Pools) {
    let user = pools.receiver(VICTIM, 0).expect("a seat");
    let mut rx = pools.consumer(VICTIM, ring(From::Living, 0));
    forget(rx.peek().map(|ticket| user.take(ticket)));
    mark(BEGIN);
    drop(user);
    mark(END);
}

fn claim(pools: &Pools) {
    mark(BEGIN);
    forget(pools.pool.user(pools.peers[VICTIM]));
    mark(END);
}

fn claim_receiver(pools: &Pools) {
    mark(BEGIN);
    forget(pools.receiver(VICTIM, 0));
    mark(END);
}

fn release(pools: &Pools) {
    let user = pools.receiver(VICTIM, 0).expect("a seat");
    let dead = user.unclaimed();
    drain(pools, &user);
    mark(BEGIN);
    user.release_unclaimed(&dead);
    mark(END);
}

/// It was sent to receiver 1 only.
fn recall(pools: &Pools) {
    let user = pools.user(VICTIM);
    let ticket = publish(&user, (VICTIM, 1), BOTH).expect("a frame");
    // Not in the rings of the dead one beside.
    let mut tx = pools.producer(VICTIM, ring(From::Doomed, 1));
    assert!(tx.push(ticket).is_ok());
    pools.world.notes.sent(VICTIM, 1);
    mark(BEGIN);
    let _ = user.recall(ticket, Receivers::one(0));
    mark(END);
}

fn forget_receiver(pools: &Pools) {
    let user = pools.user(VICTIM);
    mark(BEGIN);
    let _ = user.forget(0);
    mark(END);
}

fn reap(pools: &Pools) {
    mark(BEGIN);
    let _ = pools.peers[VICTIM].reap(&Silent);
    mark(END);
}

/// The last loan finds none free, and gives back what the dead have.
fn loan(pools: &Pools) {
    let user = pools.user(VICTIM);
    (0..user.free()).for_each(|_| forget(user.loan()));
    mark(BEGIN);
    forget(user.loan());
    mark(END);
}

/// Controls: what nobody may do.
fn breaks(pools: &Pools) {
    mark(BEGIN);
    if let Some((word, value)) = pools.broken {
        pools.world.memory.set(word, value);
    }
    mark(END);
}

pub const OPERATIONS: [Operation; 17] = [
    Operation::new("publish and send", nothing, send).sending(BOTH),
    Operation::new("publish for whoever comes", nothing, show),
    Operation::new("drop a loan", nothing, give_back),
    Operation::new("view and drop", nothing, view),
    Operation::new("take and drop", nothing, take).holding(Holds::Always),
    Operation::new("drop a user", nothing, leave),
    Operation::new("drop a receiver", nothing, leave_receiver).holding(Holds::Until),
    Operation::new("claim", nothing, claim),
    Operation::new("claim a dead one's seat", crowded, claim),
    Operation::new("claim a receiver's", nothing, claim_receiver).holding(Holds::Then),
    Operation::new("claim a dead receiver's", dead_beside, claim_receiver).holding(Holds::Then),
    Operation::new("release the unclaimed", dead_beside, release).holding(Holds::Always),
    Operation::new("recall", dead_beside_receiving, recall).sending(Receivers::one(1)),
    Operation::new("recall from the living", resident, recall).sending(Receivers::one(1)),
    Operation::new("forget a receiver", dead_beside, forget_receiver).forgetting(),
    Operation::new("reap", dead_beside, reap),
    Operation {
        has_all: true,
        ..Operation::new("loan of the dead", dead_beside, loan)
    },
];

/// While the receiver is forgotten beside it.
pub const RECALL_BESIDE_FORGETTING: Operation =
    Operation::new("recall, forgotten", dead_beside_receiving, recall)
        .sending(Receivers::one(1))
        .forgetting();

/// It breaks the word that the stage names.
pub const fn breaking(name: &'static str, before: fn(&mut Pools)) -> Operation {
    Operation::new(name, before, breaks)
}

/// A dead receiver 0 and no dead sender: its rings are the victim's.
fn dead_beside_receiving(pools: &mut Pools) {
    pools::doomed_receiver(pools, OTHER);
    pools.world.notes.declare_dead(OTHER);
}
