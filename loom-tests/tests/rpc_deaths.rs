//! Calls: deaths. Whoever is killed, at whatever step, the others' calls end in one way each, nobody who lives is robbed of a call, and when all is over
//! every slot is free.

mod common;

use common::calls::*;
use common::{Model, Victim, killed_at_each_step};
use loom::thread;
use ringpad::rpc::Poll;

/// What a server does that is killed, by name.
type Serve = (&'static str, fn(&Rx));

const SERVES: [Serve; 3] = [
    ("replies", |rx| _ = serve(rx)),
    ("drops", |rx| drop(rx.next())),
    ("sends parts", |rx| {
        if let Some(mut request) = rx.next() {
            let n = asked(&request);
            part(&mut request, answer(n, 0));
            part(&mut request, answer(n, 1));
        }
    }),
];

/// A server is killed, from taking its seat to giving it back, beside its caller; another serves what it left.
fn server_dies(idempotent: bool, (how, work): Serve, victim: Victim) -> Model {
    let name = format!("a server {how} and dies, idempotent {idempotent}");
    Model::new(&name, 2, move || {
        let terms = config(1, 2, 1);
        let terms = if idempotent {
            terms.idempotent()
        } else {
            terms
        };
        let (world, [a, b, c]) = office(&terms);
        let tx = lent(client(&world, c));
        let mut call = ask(tx, 1).unwrap();
        let other = thread::spawn(move || {
            let early = look(&mut call);
            (early, call)
        });
        victim.dies(|| work(&server(&world, a)));
        world.oracle().bury(a.id());
        let (early, mut call) = other.join().unwrap();
        let mut ended = early;
        let next = server(&world, b);
        for _ in 0..4 {
            ended = ended.or_else(|| look(&mut call));
            if ended.is_none() {
                serve(&next);
            }
        }
        let ended = ended.expect(LOST);
        assert!(!idempotent || !matches!(ended, End::Died(_)), "{LOST}");
        assert!(!matches!(ended, End::Died(by) if by != a.id()), "{OTHER}");
        drop((call, next));
        leave(tx);
        assert_eq!(closes(&world, b), [], "{TWICE}");
    })
    .without_fences()
    .preemptions(1)
}

/// Asks, and takes a part that is there.
fn look(call: &mut Asked<'static>) -> Option<End> {
    match call.poll_and_ask() {
        found @ Poll::Part { .. } => {
            part_of(1, found);
            None
        }
        found => end(1, found),
    }
}

#[test]
fn a_server_dies() {
    for serve in SERVES {
        for idempotent in [false, true] {
            killed_at_each_step(|victim| server_dies(idempotent, serve, victim));
        }
    }
}

/// What a client does that is killed, by name.
type Ask = (&'static str, fn(&Tx));

const ASKS: [Ask; 3] = [
    ("polls", |tx| {
        if let Some(mut call) = ask(tx, 1) {
            _ = poll_and_ask(&mut call, 1);
        }
    }),
    ("calls again", |tx| {
        drop(ask(tx, 1));
        drop(ask(tx, 2));
    }),
    ("tells", |tx| _ = tell(tx, 3)),
];

/// A client is killed, from taking its seat to giving it back, beside a server. A message that it sent is served once; a call is given up.
fn client_dies((how, work): Ask, victim: Victim) -> Model {
    Model::new(&format!("a client {how} and dies"), 2, move || {
        let (world, [a, b, c]) = office(&config(1, 1, 1));
        let rx = server(&world, b);
        let other = thread::spawn(move || (serve_anywhere(&rx), rx));
        let done = std::cell::Cell::new(false);
        victim.dies(|| {
            let tx = client(&world, a);
            work(&tx);
            done.set(true);
        });
        world.oracle().bury(a.id());
        let (served, rx) = other.join().unwrap();
        drop(rx);
        let left = closes(&world, c);
        let all: Vec<_> = served.into_iter().chain(left.iter().copied()).collect();
        let messages = all.iter().filter(|n| **n == 3).count();
        assert!(left.iter().all(|n| *n == 3), "{TWICE}: {left:?}");
        assert!(messages <= 1, "{TWICE}");
        assert!(how != "tells" || !done.get() || messages == 1, "{LOST}");
    })
    .without_fences()
    .preemptions(1)
}

#[test]
fn a_client_dies() {
    for ask in ASKS {
        killed_at_each_step(|victim| client_dies(ask, victim));
    }
}
