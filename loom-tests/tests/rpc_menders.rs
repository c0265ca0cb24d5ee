//! Calls: whoever mends what the dead left, beside the next holders of their seats and beside callers who ask, killed at every step or not. What the
//! living have stays theirs, and what the dead did is before what comes next.
//!
//! What no model shows, because the checker runs every exchange at its place in its thread, on the newest value: CLAIM and UNCLAIM of a server's seat,
//! which keep the exchanges that clean it before those of its next holder. OBSERVE in `clean_server` decides only what is found at once.

mod common;

use common::calls::*;
use common::world::Pipes;
use common::{ASLEEP, Model, RACE, Victim, killed_at_each_step, saw};
use loom::thread;
use ringpad::rpc::probe::ask_wrongly;
use ringpad::{Silent, Sleeper};

/// CLAIM/OBSERVE: a caller asks whether its server lives, beside the next holder of that server's seat, who takes the same call. Mended: the seat is
/// freed before by a third, who dies or not.
fn asks_beside_a_successor(mended: bool, wrong: bool) -> Model {
    let name = format!("asks beside a successor, mended {mended}, wrong {wrong}");
    Model::new(&name, 2, move || {
        let (world, [a, b, c]) = office(&config(1, 1, 1).idempotent());
        let (tx, rx) = (client(&world, c), server(&world, a));
        let mut call = ask(&tx, 1).unwrap();
        take_and_forget(rx);
        world.oracle().bury(a.id());
        let table = world.open::<Table>();
        let other = thread::spawn(move || {
            if mended {
                b.reap(&Silent).unwrap();
            }
            let rx = lent(table.server(b).unwrap());
            (rx.next(), rx)
        });
        match wrong {
            true => ask_wrongly(world.bytes_of_channel(), c, 0).unwrap(),
            false => assert_eq!(poll_and_ask(&mut call, 1), None),
        }
        let (request, rx) = other.join().unwrap();
        match request {
            Some(mut request) => {
                saw("successor");
                assert!(request.is_again());
                assert_eq!(asked(&request), 1);
                assert!(reply(&mut request, answer(1, 0)), "{ROBBED}");
            }
            // The caller mended it too late for the successor's one look.
            None => assert_eq!(serve(rx), Some(1), "{LOST}"),
        }
        assert_eq!(poll(&mut call, 1), Some(End::Reply), "{LOST}");
        drop(call);
        drop(tx);
        leave(rx);
        assert_eq!(closes(&world, b), [], "{TWICE}");
    })
    .without_fences()
    .preemptions(3)
}

#[test]
fn a_caller_asks_beside_its_servers_successor() {
    for mended in [false, true] {
        let model = asks_beside_a_successor(mended, false);
        model.clone().sees(&["successor", "reply"]).holds();
        model.dies_without("claim", ROBBED);
        model.dies_without("observe", ROBBED);
        asks_beside_a_successor(mended, true).dies(ROBBED);
    }
}

/// A server dies with a message, beside one who reaps another; behind the next pass the message is served, whichever seat the next server has.
fn dies_beside_a_reaper() -> Model {
    Model::new("a server dies beside a reaper", 2, move || {
        let (world, [a, b, c, d]) = office(&config(1, 2, 1).idempotent());
        let tx = client(&world, c);
        let (gone, rx) = (server(&world, d), server(&world, a));
        std::mem::forget(gone);
        world.oracle().bury(d.id());
        assert!(tell(&tx, 1));
        drop(tx);
        let oracle = world.oracle();
        let other = thread::spawn(move || {
            take_and_forget(rx);
            oracle.bury(a.id());
        });
        b.reap(&Silent).unwrap();
        other.join().unwrap();
        b.reap(&Silent).unwrap();
        let rx = server(&world, b);
        assert_eq!(serve_anywhere(&rx), Some(1), "{LOST}");
        drop(rx);
        assert_eq!(closes(&world, b), [], "{TWICE}");
    })
    .without_fences()
    .preemptions(2)
}

#[test]
fn a_server_dies_beside_a_reaper() {
    dies_beside_a_reaper().holds();
}

/// RELEASE/OBSERVE, RELEASE/CLAIM: what a dead server did with a call is before what its caller does, and before what the next server does; both of them
/// proved nothing themselves.
fn after_the_dead(idempotent: bool) -> Model {
    let name = format!("after the dead, idempotent {idempotent}");
    Model::new(&name, 2, move || {
        let terms = config(1, 2, 1);
        let terms = if idempotent {
            terms.idempotent()
        } else {
            terms
        };
        let (world, [a, b, c, d]) = office(&terms);
        let (tx, dying, rx) = (client(&world, c), server(&world, a), server(&world, d));
        let mut call = ask(&tx, 1).unwrap();
        let dying = lent(dying);
        let request = dying.next().expect(LOST);
        let mark = Mark::new();
        let (theirs, oracle) = (mark.clone(), world.oracle());
        let other = thread::spawn(move || {
            theirs.write();
            std::mem::forget(request);
            oracle.bury(a.id());
            b.reap(&Silent).unwrap();
        });
        if idempotent {
            let again = rx.next_anywhere().filter(|request| request.is_again());
            if let Some(mut request) = again {
                mark.write();
                saw("again");
                assert!(reply(&mut request, answer(1, 0)), "{ROBBED}");
            }
        } else if let Some(end) = poll(&mut call, 1) {
            mark.write();
            assert_eq!(end, End::Died(a.id()), "{LOST}");
        }
        other.join().unwrap();
    })
    .without_fences()
    .preemptions(2)
}

#[test]
fn what_the_dead_did_is_before_what_comes_next() {
    let model = after_the_dead(false);
    model.clone().sees(&["died"]).holds();
    model.dies_without("release", RACE);
    model.dies_without("observe", RACE);
    let model = after_the_dead(true);
    model.clone().sees(&["again", "replied"]).holds();
    model.dies_without("release", RACE);
    // The next server observes the call before it claims it: either is enough.
}

/// ARM/RING: a caller that sleeps, and asks nobody, is told by whoever mends.
#[test]
fn a_mender_wakes_the_caller() {
    let model = Model::new("a mender wakes", 2, || {
        let (world, [a, b, c]) = office(&config(1, 1, 1));
        let (tx, rx, pipes) = (client(&world, c), server(&world, a), Pipes::new());
        let mut call = ask(&tx, 1).unwrap();
        take_and_forget(rx);
        world.oracle().bury(a.id());
        let theirs = pipes.clone();
        let other = thread::spawn(move || _ = b.reap(&theirs).unwrap());
        let mut sleeper = Sleeper::of(c).unwrap();
        let bells = [call.bell()];
        let mut armed = sleeper.arm(&bells).unwrap();
        while poll(&mut call, 1).is_none() {
            pipes.sleep(c.id());
            armed.again();
        }
        other.join().unwrap();
    })
    .preemptions(2)
    .sees(&["asleep", "rung", "died"]);
    model.holds();
    model.dies_without("arm", ASLEEP);
    model.dies_without("ring", ASLEEP);
}

/// Asks beside a mender and the next server, three at once.
#[test]
fn a_caller_asks_beside_both() {
    let model = Model::new("asks beside both", 3, || {
        let (world, [a, b, c, d]) = office(&config(1, 1, 1).idempotent());
        let (tx, rx) = (client(&world, c), server(&world, a));
        let mut call = ask(&tx, 1).unwrap();
        take_and_forget(rx);
        world.oracle().bury(a.id());
        let table = world.open::<Table>();
        let mender = thread::spawn(move || _ = d.reap(&Silent).unwrap());
        let other = thread::spawn(move || {
            let rx = lent(table.server(b).unwrap());
            (rx.next(), rx)
        });
        assert_eq!(poll_and_ask(&mut call, 1), None);
        let (request, rx) = other.join().unwrap();
        mender.join().unwrap();
        match request {
            Some(mut request) => {
                saw("successor");
                assert!(reply(&mut request, answer(1, 0)), "{ROBBED}");
            }
            None => assert_eq!(serve(rx), Some(1), "{LOST}"),
        }
        assert_eq!(poll(&mut call, 1), Some(End::Reply), "{LOST}");
        drop(call);
        leave(rx);
    });
    let model = model.without_fences().preemptions(1);
    model.sees(&["successor"]).holds();
}

/// What a client died with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Left {
    Sent,
    Taken,
    Done,
    Message,
}

const LEFT: [Left; 4] = [Left::Sent, Left::Taken, Left::Done, Left::Message];

/// Who is killed, beside the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Dies {
    Nobody,
    Mender,
    Successor,
}

/// PUBLISH/OBSERVE: the next holder of a dead client's seat makes a call, beside a mender of that seat: the call stays its own, and is answered.
fn client_beside_its_mender(left: Left, dies: Dies, victim: Victim) -> Model {
    let name = format!("a client's successor beside a mender, {left:?} left, dies: {dies:?}");
    Model::new(&name, 2, move || {
        let (world, [a, b, c, d]) = office(&config(1, 1, 1));
        let (tx, rx) = (client(&world, a), lent(server(&world, d)));
        match left {
            Left::Message => assert!(tell(&tx, 1)),
            _ => std::mem::forget(ask(&tx, 1)),
        }
        let request = match left {
            Left::Taken => rx.next(),
            Left::Done => serve(rx).and(None),
            _ => None,
        };
        std::mem::forget(tx);
        world.oracle().bury(a.id());
        let table = world.open::<Table>();
        let next = move || {
            let tx = lent(table.client(b).unwrap());
            (tx, ask(tx, 2))
        };
        let next = match dies {
            Dies::Successor => {
                let other = thread::spawn(move || _ = c.reap(&Silent).unwrap());
                victim.dies(|| std::mem::forget(next()));
                world.oracle().bury(b.id());
                other.join().unwrap();
                None
            }
            _ => {
                let other = thread::spawn(next);
                match dies {
                    Dies::Nobody => _ = c.reap(&Silent).unwrap(),
                    _ => {
                        victim.dies(|| _ = c.reap(&Silent).unwrap());
                        world.oracle().bury(c.id());
                    }
                }
                Some(other.join().unwrap())
            }
        };
        if let Some(mut request) = request {
            assert!(!reply(&mut request, answer(1, 0)), "{OTHER}");
        }
        let mut served = drain_anywhere(rx);
        if let Some((tx, call)) = next {
            saw(if call.is_some() { "called" } else { "busy" });
            let mut call = call.or_else(|| ask(tx, 2)).expect(LEAKED);
            served.extend(drain(rx));
            assert_eq!(poll(&mut call, 2), Some(End::Reply), "{LOST}");
            drop(call);
            leave(tx);
        } else {
            served.retain(|n| *n != 2);
            served.push(2);
        }
        let want: &[u32] = if left == Left::Message { &[1, 2] } else { &[2] };
        assert_eq!(served, want, "{LOST}");
        leave(rx);
        assert_eq!(closes(&world, d), [], "{TWICE}");
    })
    .without_fences()
    .preemptions(1)
}

#[test]
fn a_clients_successor_beside_a_mender() {
    for left in LEFT {
        let model = client_beside_its_mender(left, Dies::Nobody, Victim::at(0));
        let busy = matches!(left, Left::Taken | Left::Message);
        model
            .sees(if busy { &["busy"] } else { &["called"] })
            .holds();
    }
    let model = client_beside_its_mender(Left::Sent, Dies::Nobody, Victim::at(0));
    let model = model.preemptions(2);
    model.holds();
    model.dies_without("publish", LOST);
    model.dies_without("observe", LOST);
}

#[test]
fn one_of_a_clients_successor_and_a_mender_dies() {
    for left in [Left::Sent, Left::Taken, Left::Message] {
        for dies in [Dies::Mender, Dies::Successor] {
            killed_at_each_step(|victim| client_beside_its_mender(left, dies, victim));
        }
    }
}
