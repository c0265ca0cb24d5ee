//! Pools of frames: deaths at every step. What was sent comes, to whoever is that receiver then; what the living reserved stays; and when all is
//! over every frame is free.

mod common;

use common::pool::*;
use common::world::if_free;
use common::{Model, Victim, dies_at_some_step, killed_at_each_step, saw};
use loom::thread;
use ringpad::frames::{Receivers, Refused};
use ringpad::hooks::probe::pool::recall_wrongly;

/// A publisher is killed beside its receiver, and beside whoever wants its one frame.
fn publisher_dies(
    frames: u32,
    settle: fn(&Hand, &mut Tickets) -> Vec<u32>,
    victim: Victim,
) -> Model {
    Model::new(
        &format!("{frames} frames, a publisher dies"),
        2,
        move || {
            let belt = Belt::new(2, frames);
            let (a, b) = (belt.world.join(), belt.world.join());
            let ((tx, mut out), (rx, mut tickets)) = (belt.tx(a), belt.rx(b));
            let mut sent: Vec<_> = (1..frames).filter(|&n| send(&tx, &mut out, n)).collect();
            let mender = user(&belt.world, b);
            let other = thread::spawn(move || {
                let got = settle(&rx, &mut tickets);
                if frames == 1 {
                    drop(loan(&mender));
                }
                (got, rx, tickets)
            });
            victim.dies(|| {
                sent.extend(send(&tx, &mut out, frames).then_some(frames));
                drop((tx, out));
            });
            belt.world.oracle().bury(a.id());
            let (mut got, rx, mut tickets) = other.join().unwrap();
            got.extend(settle(&rx, &mut tickets));
            check_order(&sent, &[], &got);
            drop((rx, tickets));
            belt.closes(b);
        },
    )
    .without_fences()
    .preemptions(1)
    .sees(&["worked", "no ticket", "loaned"])
}

#[test]
fn a_publisher_dies() {
    for frames in [1, 2] {
        killed_at_each_step(|victim| publisher_dies(frames, Belt::settle, victim));
    }
}

/// Who drains before it asks drops what was sent between; who does not ask keeps what was never sent.
#[test]
fn who_asks_too_late_or_never_is_caught() {
    let late = |rx: &Hand, tickets: &mut Tickets| {
        let mut got = Vec::new();
        while work(rx, tickets, &mut got) {}
        rx.release_unclaimed(&rx.unclaimed());
        got
    };
    let never = |rx: &Hand, tickets: &mut Tickets| {
        let mut got = Vec::new();
        while work(rx, tickets, &mut got) {}
        got
    };
    dies_at_some_step(|victim| publisher_dies(2, late, victim), DESTROYED);
    dies_at_some_step(|victim| publisher_dies(2, never, victim), LEAKED);
}

/// How a receiver works, ticket by ticket.
type Work = fn(&Hand, &mut Tickets, &mut Vec<u32>) -> bool;

/// What a user does that is killed, by name; there is a frame to view.
type Use = (&'static str, fn(&Hand));

const USES: [Use; 3] = [
    ("views", |user| _ = seen(user.view(ticket(0, 4)))),
    ("gives a loan back", |user| {
        if let Some(mut loan) = loan(user) {
            write(&mut loan, 2);
        }
    }),
    ("publishes", |user| _ = publish(user, 2, Receivers::NONE)),
];

/// A user is killed, from taking its seat to giving it back, beside whoever wants its frame and its seat.
#[test]
fn a_user_dies() {
    for (how, work) in USES {
        killed_at_each_step(|victim| {
            let model = Model::new(&format!("a user {how} and dies"), 2, move || {
                let world = world(3, 1, 1);
                let (a, b, c) = (world.join(), world.join(), world.join());
                let tx = user(&world, b);
                publish(&tx, 1, Receivers::NONE).unwrap();
                let other = thread::spawn(move || {
                    if let Some(mut loan) = loan(&tx) {
                        write(&mut loan, 3);
                    }
                    tx
                });
                victim.dies(|| work(&user(&world, a)));
                world.oracle().bury(a.id());
                drop(other.join().unwrap());
                closes(&world, c, 1);
            });
            let model = model.without_fences().preemptions(1);
            model.sees(&["loaned", "no frame"])
        });
    }
}

/// What there was before a receiver that is killed.
#[derive(Clone, Copy, Debug)]
enum Before {
    /// A ticket.
    Sent,
    /// A publisher that was killed before it sent.
    Unsent,
    /// A receiver that was killed over a frame: before it removed the ticket, or after.
    InWork { removed: bool },
}

/// A receiver is killed, from taking its seat to giving it back, beside a publisher; its successor finds what it left.
fn receiver_dies(before: Before, work: Work, victim: Victim) -> Model {
    Model::new(&format!("a receiver dies after {before:?}"), 2, move || {
        let belt = Belt::new(4, 2);
        let [a, b, c, d] = [(); 4].map(|()| belt.world.join());
        let ((tx, mut out), mut got) = (belt.tx(b), Vec::new());
        let mut sent = Vec::new();
        if let Before::Unsent = before {
            let dead = user(&belt.world, d);
            publish(&dead, 9, FIRST).unwrap();
            std::mem::forget(dead);
        } else {
            assert!(send(&tx, &mut out, 1));
            sent.push(1);
        }
        if let Before::InWork { removed } = before {
            let (rx, mut tickets) = belt.rx(d);
            let view = rx.take(tickets.peek().unwrap()).unwrap();
            if removed {
                got.push(number(&view));
                tickets.pop();
            }
            std::mem::forget(view);
            std::mem::forget((rx, tickets));
        }
        belt.world.oracle().bury(d.id());
        let other = thread::spawn(move || (send(&tx, &mut out, 2).then_some(2), tx));
        victim.dies(|| {
            let (rx, mut tickets) = belt.rx(a);
            let before = rx.unclaimed();
            while work(&rx, &mut tickets, &mut got) {}
            rx.release_unclaimed(&before);
        });
        belt.world.oracle().bury(a.id());
        let (more, tx) = other.join().unwrap();
        sent.extend(more);
        let (rx, mut tickets) = belt.rx(c);
        check_order(&sent, &got, &Belt::settle(&rx, &mut tickets));
        drop((rx, tickets, tx));
        belt.closes(c);
    })
    .without_fences()
    .preemptions(1)
    .sees(&["worked", "no ticket", "loaned"])
}

#[test]
fn a_receiver_dies() {
    let works = [false, true].map(|removed| Before::InWork { removed });
    for before in [Before::Sent, Before::Unsent].into_iter().chain(works) {
        killed_at_each_step(|victim| receiver_dies(before, work, victim));
    }
}

/// Who removes the ticket first loses what it did not come to.
#[test]
fn who_removes_the_ticket_first_is_caught() {
    let hasty: Work = |rx, tickets, got| {
        let Some(ticket) = tickets.pop() else {
            return false;
        };
        got.push(number(&rx.take(ticket).expect(DESTROYED)));
        true
    };
    let model = |victim| receiver_dies(Before::Sent, hasty, victim);
    dies_at_some_step(model, DESTROYED);
}

/// Whoever forgets a receiver is killed, beside a publisher; the next one of that number has what was published after, or drops it.
#[test]
fn a_forgetter_dies() {
    killed_at_each_step(|victim| {
        let model = Model::new("a forgetter dies", 2, move || {
            let world = world(3, 2, 1);
            let [a, b, c] = [(); 3].map(|()| world.join());
            let (tx, user) = (user(&world, b), user(&world, a));
            publish(&tx, 1, FIRST).unwrap();
            let other = thread::spawn(move || (publish(&tx, 2, FIRST), tx));
            victim.dies(|| _ = if_free(user.forget(0)));
            std::mem::forget(user);
            world.oracle().bury(a.id());
            let (sent, _tx) = other.join().unwrap();
            let rx = receiver(&world, c, 0);
            for t in [Some(ticket(0, 4)), sent].into_iter().flatten() {
                assert!(taken(rx.take(t)).is_none_or(|n| n < 3), "{OTHER}");
            }
            rx.release_unclaimed(&rx.unclaimed());
            drop(rx);
            closes(&world, c, 2);
        });
        let model = model.without_fences().preemptions(1);
        model.sees(&["viewed", "gone", "loaned"])
    });
}

/// Whoever recalls a ticket is killed, beside its receiver. Told or not, the receiver drops what was not sent.
fn recaller_dies(wrong: bool, victim: Victim) -> Model {
    Model::new(&format!("a recaller dies, wrong {wrong}"), 2, move || {
        let world = world(3, 1, 1);
        let [a, b, c] = [(); 3].map(|()| world.join());
        let (rx, tx) = (receiver(&world, a, 0), user(&world, b));
        let t = publish(&tx, 1, FIRST).unwrap();
        let other = thread::spawn(move || {
            let dropped = rx.release_unclaimed(&rx.unclaimed());
            saw(if dropped > 0 { "dropped" } else { "stays" });
            rx
        });
        let region = world.bytes_of_channel();
        victim.dies(|| match wrong {
            true => _ = recall_wrongly(region, t, 0).unwrap(),
            false => match tx.recall(t, FIRST) {
                Ok(_) | Err(Refused::Stale) => {}
                Err(other) => panic!("{other}"),
            },
        });
        std::mem::forget(tx);
        world.oracle().bury(b.id());
        let rx = other.join().unwrap();
        rx.release_unclaimed(&rx.unclaimed());
        assert_eq!(rx.free(), 1, "{LEAKED}");
        closes(&world, c, 1);
    })
    .without_fences()
    .preemptions(2)
}

#[test]
fn a_recaller_dies() {
    let seen = &["dropped", "stays"];
    killed_at_each_step(|victim| recaller_dies(false, victim).sees(seen));
    dies_at_some_step(|victim| recaller_dies(true, victim), LEAKED);
}
