//! Calls: deaths. Whoever is killed, at whatever step, the others' calls end in one way each, nobody who lives is robbed of a call, and when all is over
//! every slot is free.

mod common;

use common::calls::*;
use common::{Model, Victim, killed_at_each_step, saw};
use loom::thread;
use ringpad::Silent;

/// A call that a server took and died with.
fn taken_by_the_dead(rx: Rx) {
    let request = rx.next().expect(LOST);
    std::mem::forget(request);
    std::mem::forget(rx);
}

/// CLAIM/OBSERVE: a caller asks whether its server lives, beside the next holder of that server's seat, who takes the same call. Mended: the seat is
/// freed before by a third, who dies or not.
fn asks_beside_a_successor(mended: bool) -> Model {
    Model::new(&format!("asks beside a successor, mended {mended}"), 2, move || {
        let (world, [a, b, c]) = office(&config(1, 1, 1).idempotent());
        let (tx, rx) = (client(&world, c), server(&world, a));
        let mut call = ask(&tx, 1).unwrap();
        taken_by_the_dead(rx);
        world.oracle().bury(a.id());
        let table = world.open::<Table>();
        let other = thread::spawn(move || {
            if mended {
                b.reap(&Silent).unwrap();
            }
            let rx: &'static Rx = Box::leak(Box::new(table.server(b).unwrap()));
            (rx.next(), rx)
        });
        assert_eq!(poll_and_ask(&mut call, 1), None);
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
        let model = asks_beside_a_successor(mended);
        model.clone().sees(&["successor", "reply"]).holds();
        model.dies_without("claim", ROBBED);
        model.dies_without("observe", ROBBED);
    }
}

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
        let terms = if idempotent { terms.idempotent() } else { terms };
        let (world, [a, b, c]) = office(&terms);
        let tx: &'static Tx = Box::leak(Box::new(client(&world, c)));
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
        found @ ringpad::rpc::Poll::Part { .. } => {
            part_of(1, found);
            None
        }
        found => end(1, found),
    }
}

/// Drops an end that was leaked.
fn leave<T>(end: &'static T) {
    // SAFETY: it was leaked by the model, in which nothing of it is left.
    drop(unsafe { Box::from_raw(std::ptr::from_ref(end).cast_mut()) });
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
            taken_by_the_dead(rx);
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
