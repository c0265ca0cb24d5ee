//! Calls beside those who take, answer and give them up: request and reply come whole, to whom they are for; a slot is free once its call has ended.

mod common;

use common::calls::*;
use common::world::{Pipes, if_free};
use common::{ASLEEP, EITHER, Model, RACE, TORN, saw};
use loom::thread;
use ringpad::rpc::probe::{clear_late, open_calls};
use ringpad::{Channel, Sleeper};

/// PUBLISH/OBSERVE of request, bit and reply; CLAIM, where the slot is found without its bit.
fn exchange(anywhere: bool) -> Model {
    Model::new(
        &format!("a call, found anywhere: {anywhere}"),
        2,
        move || {
            let (_room, table) = bare(&config(1, 1, 1));
            let (tx, rx) = (table.bare_client().unwrap(), table.bare_server().unwrap());
            let serve = if anywhere { serve_anywhere } else { serve };
            let other = thread::spawn(move || (serve(&rx), rx));
            let mut call = ask(&tx, 7).unwrap();
            let early = poll(&mut call, 7);
            let (served, rx) = other.join().unwrap();
            assert!(served.is_some() || serve(&rx) == Some(7), "{LOST}");
            assert!(
                early.is_some() || poll(&mut call, 7) == Some(End::Reply),
                "{LOST}"
            );
            assert!(call.is_over());
            assert_eq!(serve(&rx), None, "{TWICE}");
        },
    )
    .without_fences()
    .sees(&["replied", "idle", "reply"])
}

#[test]
fn a_call_is_served_and_answered() {
    let model = exchange(false);
    model.holds();
    model.dies_without("publish", LOST);
    // The bit is seen and cleared, and the slot still looks free.
    model.dies_without("observe", LOST);
    let model = exchange(true);
    model.holds();
    // CLAIM: the call is observed before it is claimed; for whom the claim is, dies in rpc_menders.rs.
    for edge in ["publish", "observe"] {
        model.dies_without(edge, TORN);
    }
}

/// Who calls again behind a call that was given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Again {
    Itself,
    /// Itself; the server looks at every slot.
    Anywhere,
    /// The next holder of its seat.
    Next,
}

/// OBSERVE, RELEASE: a call is given up beside its taking and its reply, and the slot used again: behind what its server did, for its own reply.
fn given_up(again: Again) -> Model {
    let name = format!("given up, called again by {again:?}");
    Model::new(&name, 2, move || {
        let (room, table) = bare(&config(1, 1, 1));
        let (tx, rx) = (table.bare_client().unwrap(), table.bare_server().unwrap());
        let mark = Mark::new();
        let theirs = mark.clone();
        let anywhere = again == Again::Anywhere;
        let other = thread::spawn(move || {
            if let Some(mut request) = if anywhere {
                rx.next_anywhere()
            } else {
                rx.next()
            } {
                let n = asked(&request);
                if n == 1 {
                    theirs.read();
                }
                reply(&mut request, answer(n, 0));
            }
            rx
        });
        let drain = if anywhere { drain_anywhere } else { drain };
        let first = ask(&tx, 1).unwrap();
        let one = first.id();
        first.cancel();
        let tx = match again {
            Again::Next => {
                drop(tx);
                table.bare_client().unwrap()
            }
            _ => tx,
        };
        let mut second = ask(&tx, 2);
        if let Some(call) = &second {
            saw("again");
            mark.write();
            assert_ne!(call.id(), one);
        }
        let rx = other.join().unwrap();
        if let Some(call) = &mut second {
            let early = poll(call, 2);
            drain(&rx);
            assert!(early.is_some() || poll(call, 2).is_some(), "{LOST}");
        }
        drop(second);
        assert_eq!(open_calls(room.region()).unwrap(), 0, "{LEAKED}");
        assert_eq!(drain(&rx), [], "{TWICE}");
    })
    .without_fences()
    .preemptions(3)
}

#[test]
fn a_call_is_given_up_beside_its_server() {
    for again in [Again::Itself, Again::Anywhere, Again::Next] {
        let seen = &["replied", "late", "no slot", "again", "reply"];
        given_up(again).sees(seen).holds();
    }
    let model = given_up(Again::Anywhere);
    model.dies_without("release", RACE);
    model.dies_without("observe", RACE);
}

/// First the bit, then the look: a server that clears a bit behind its look at the slot loses the next call there.
#[test]
fn a_bit_cleared_late_is_caught() {
    let model = Model::new("the bit cleared late", 2, move || {
        let (room, table) = bare(&config(1, 1, 1));
        let (tx, rx) = (table.bare_client().unwrap(), table.bare_server().unwrap());
        let region = room.region();
        let first = ask(&tx, 1).unwrap();
        let other = thread::spawn(move || clear_late(region, 0).unwrap());
        first.cancel();
        let mut second = ask(&tx, 2).unwrap();
        other.join().unwrap();
        drain(&rx);
        assert_eq!(poll(&mut second, 2), Some(End::Reply), "{LOST}");
    });
    model.without_fences().dies(LOST);
}

/// Two calls of a client beside a server: each is served once, and answered; in their order, also when both are there.
#[test]
fn two_calls_beside_a_server() {
    let model = Model::new("two calls", 2, || {
        let (_room, table) = bare(&config(1, 1, 2));
        let (tx, rx) = (table.bare_client().unwrap(), table.bare_server().unwrap());
        let other = thread::spawn(move || {
            let served: Vec<_> = [serve(&rx), serve(&rx)].into_iter().flatten().collect();
            (served, rx)
        });
        let mut calls = [1, 2].map(|n| ask(&tx, n).unwrap());
        let (mut served, rx) = other.join().unwrap();
        served.extend(drain(&rx));
        assert_eq!(served, [1, 2], "{LOST}");
        for (call, n) in calls.iter_mut().zip(1..) {
            assert_eq!(poll(call, n), Some(End::Reply), "{LOST}");
        }
    });
    let model = model.without_fences().preemptions(3).sees(&["idle"]);
    model.holds();
    model.dies_without("observe", LOST);
}

/// Two servers beside one call: one has it.
#[test]
fn two_servers_beside_a_call() {
    let model = Model::new("two servers", 3, || {
        let (_room, table) = bare(&config(1, 2, 1));
        let tx = table.bare_client().unwrap();
        let servers = [(); 2].map(|()| table.bare_server().unwrap());
        let others = servers.map(|rx| thread::spawn(move || (serve_anywhere(&rx), rx)));
        let mut call = ask(&tx, 1).unwrap();
        let [(one, rx), (two, _other)] = others.map(|other| other.join().unwrap());
        let late = serve(&rx);
        let times = [one, two, late].iter().flatten().count();
        assert_eq!(times, 1, "{TWICE}");
        assert_eq!(poll(&mut call, 1), Some(End::Reply), "{LOST}");
    });
    let model = model.without_fences().preemptions(1);
    model.sees(&["replied", "idle"]).holds();
}

/// Two clients beside one server: each has its own reply.
#[test]
fn two_clients_beside_a_server() {
    let model = Model::new("two clients", 3, || {
        let (_room, table) = bare(&config(2, 1, 1));
        let rx = table.bare_server().unwrap();
        let [a, b] = [(); 2].map(|()| table.bare_client().unwrap());
        let other = thread::spawn(move || {
            let mut call = ask(&b, 2).unwrap();
            let early = poll(&mut call, 2);
            std::mem::forget(call);
            (early.is_some(), b)
        });
        let server = thread::spawn(move || ([serve(&rx), serve(&rx)], rx));
        let mut call = ask(&a, 1).unwrap();
        let (served, rx) = server.join().unwrap();
        let (answered, _b) = other.join().unwrap();
        let mut all: Vec<_> = served.into_iter().flatten().chain(drain(&rx)).collect();
        all.sort();
        assert_eq!(all, [1, 2], "{LOST}");
        assert!(!answered || served.contains(&Some(2)));
        assert_eq!(poll(&mut call, 1), Some(End::Reply), "{LOST}");
    });
    let model = model.without_fences().preemptions(1);
    model.sees(&["replied", "idle"]).holds();
}

/// A request that is dropped beside its caller's giving up: the caller is told, or the slot is free.
#[test]
fn a_request_is_dropped() {
    let model = Model::new("a request is dropped", 2, || {
        let (room, table) = bare(&config(1, 1, 1));
        let (tx, rx) = (table.bare_client().unwrap(), table.bare_server().unwrap());
        let mut call = ask(&tx, 1).unwrap();
        let other = thread::spawn(move || {
            saw(if rx.next().is_some() {
                "dropped"
            } else {
                "idle"
            });
            rx
        });
        let end = poll(&mut call, 1);
        assert!(end.is_none_or(|end| end == End::Unanswered));
        drop(call);
        let next = ask(&tx, 2);
        let rx = other.join().unwrap();
        let mut next = next.or_else(|| ask(&tx, 2)).expect(LEAKED);
        let early = poll(&mut next, 2);
        drain(&rx);
        assert!(
            early.is_some() || poll(&mut next, 2) == Some(End::Reply),
            "{LOST}"
        );
        assert_eq!(open_calls(room.region()).unwrap(), 0, "{LEAKED}");
    });
    let seen = &["dropped", "idle", "unanswered", "no slot"];
    model.without_fences().preemptions(3).sees(seen).holds();
}

/// UNCLAIM/CLAIM: a client's seat is handed over: the next holder's calls have numbers of their own.
#[test]
fn a_clients_seat_is_handed_over() {
    let model = Model::new("a seat handed over", 2, || {
        let (room, table) = bare(&config(1, 1, 1));
        let (tx, rx) = (table.bare_client().unwrap(), table.bare_server().unwrap());
        let again = Table::attach(room.region()).unwrap();
        let other = thread::spawn(move || {
            let next = if_free(again.bare_client())?;
            let call = ask(&next, 2).expect(LEAKED);
            let id = call.id();
            std::mem::forget(call);
            Some((id, next))
        });
        let mut call = ask(&tx, 1).unwrap();
        let id = call.id();
        assert_eq!(serve(&rx), Some(1));
        assert_eq!(poll(&mut call, 1), Some(End::Reply));
        drop(call);
        drop(tx);
        let theirs = other.join().unwrap();
        if let Some((theirs, _next)) = &theirs {
            assert_ne!(id, *theirs, "{OTHER}");
        }
        assert_eq!(drain(&rx).len(), theirs.iter().count(), "{LOST}");
    });
    let model = model.without_fences().preemptions(2).sees(EITHER);
    model.holds();
    model.dies_without("unclaim", OTHER);
    model.dies_without("claim", OTHER);
}

/// ARM/RING: who armed and looked again misses neither a call nor a reply.
#[test]
fn both_ends_sleep() {
    let model = Model::new("both ends sleep", 2, || {
        let (world, [a, b]) = office(&config(1, 1, 1));
        let pipes = Pipes::new();
        let tx = client(&world, a).ringing(a, pipes.clone()).unwrap();
        let rx = server(&world, b).ringing(b, pipes.clone()).unwrap();
        let theirs = pipes.clone();
        let other = thread::spawn(move || {
            let mut sleeper = Sleeper::of(b).unwrap();
            let bells = [rx.bell()];
            let mut armed = sleeper.arm(&bells).unwrap();
            while serve(&rx).is_none() {
                theirs.sleep(b.id());
                armed.again();
            }
        });
        let mut call = ask(&tx, 1).unwrap();
        let mut sleeper = Sleeper::of(a).unwrap();
        let bells = [call.bell()];
        let mut armed = sleeper.arm(&bells).unwrap();
        while poll(&mut call, 1).is_none() {
            pipes.sleep(a.id());
            armed.again();
        }
        other.join().unwrap();
    })
    .preemptions(2)
    .sees(&["asleep", "rung", "reply"]);
    model.holds();
    model.dies_without("arm", ASLEEP);
    model.dies_without("ring", ASLEEP);
}
