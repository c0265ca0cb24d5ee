//! Calls: deaths. Whoever is killed, at whatever step, the others' calls end in one way each, nobody who lives is robbed of a call, and when all is over
//! every slot is free.

mod common;

use common::calls::*;
use common::{Model, Victim, dies_at_some_step, killed_at_each_step};
use loom::thread;
use ringpad::Silent;
use ringpad::rpc::Poll;
use ringpad::rpc::probe::release_wrongly;

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
fn client_dies((how, work): Ask, wrong: bool, victim: Victim) -> Model {
    let name = format!("a client {how} and dies, wrong {wrong}");
    Model::new(&name, 2, move || {
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
        if wrong {
            release_wrongly(world.bytes_of_channel(), c).unwrap();
        }
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
        killed_at_each_step(|victim| client_dies(ask, false, victim));
    }
}

/// Who frees the seats of the dead, and does not clean them, leaves their calls.
#[test]
fn who_does_not_clean_is_caught() {
    for ask in &ASKS[..2] {
        dies_at_some_step(|victim| client_dies(*ask, true, victim), LEAKED);
    }
}

/// A server is killed beside a caller who gives the call up and wants the slot again: it is had once it is free, and by nobody else.
fn server_of_a_call_given_up_dies((how, work): Serve, victim: Victim) -> Model {
    let name = format!("a call given up, its server {how} and dies");
    Model::new(&name, 2, move || {
        let (world, [a, b, c]) = office(&config(1, 1, 1));
        let tx = lent(client(&world, c));
        let call = ask(tx, 1).unwrap();
        let other = thread::spawn(move || {
            drop(call);
            ask(tx, 1)
        });
        victim.dies(|| work(&server(&world, a)));
        world.oracle().bury(a.id());
        // Taken by the dead one too, or not.
        drop(other.join().unwrap());
        let mut again = ask(tx, 2).expect(LEAKED);
        let rx = server(&world, b);
        assert_eq!(drain(&rx), [2], "{LOST}");
        assert_eq!(poll(&mut again, 2), Some(End::Reply), "{LOST}");
        drop((again, rx));
        leave(tx);
        assert_eq!(closes(&world, b), [], "{TWICE}");
    })
    .without_fences()
    .preemptions(1)
    .sees(&["no slot"])
}

#[test]
fn a_server_of_a_call_given_up_dies() {
    for serve in SERVES {
        killed_at_each_step(|victim| server_of_a_call_given_up_dies(serve, victim));
    }
}

/// A server is killed over a message, beside its client's leaving: it is served again where that is as good as once, else at most once.
fn server_of_a_message_dies(idempotent: bool, victim: Victim) -> Model {
    let name = format!("a message's server dies, idempotent {idempotent}");
    Model::new(&name, 2, move || {
        let terms = config(1, 1, 1);
        let terms = if idempotent {
            terms.idempotent()
        } else {
            terms
        };
        let (world, [a, b, c]) = office(&terms);
        let tx = client(&world, c);
        assert!(tell(&tx, 3));
        let other = thread::spawn(move || drop(tx));
        let served = std::cell::Cell::new(0);
        victim.dies(|| {
            let rx = server(&world, a);
            if let Some(request) = rx.next() {
                assert_eq!(asked(&request), 3);
                served.set(1);
            }
        });
        world.oracle().bury(a.id());
        other.join().unwrap();
        let times = served.get() + closes(&world, b).len();
        assert!(times >= 1 || !idempotent, "{LOST}");
        assert!(times <= 1 || idempotent, "{TWICE}");
    })
    .without_fences()
    .preemptions(2)
}

#[test]
fn a_server_of_a_message_dies() {
    for idempotent in [false, true] {
        killed_at_each_step(|victim| server_of_a_message_dies(idempotent, victim));
    }
}

/// A client is killed over a reply of several parts, beside its server.
#[test]
fn a_client_of_parts_dies() {
    killed_at_each_step(|victim| {
        let model = Model::new("a client of parts dies", 2, move || {
            let (world, [a, b, c]) = office(&config(1, 1, 1));
            let (tx, rx) = (client(&world, a), lent(server(&world, b)));
            let mut call = ask(&tx, 1).unwrap();
            let mut request = rx.next().unwrap();
            let other = thread::spawn(move || {
                for number in [0, 0, 1, 1] {
                    part(&mut request, answer(1, number));
                }
            });
            victim.dies(|| {
                for _ in 0..3 {
                    if part_of(1, call.poll()).is_none() && call.is_over() {
                        break;
                    }
                }
            });
            std::mem::forget(call);
            std::mem::forget(tx);
            world.oracle().bury(a.id());
            other.join().unwrap();
            leave(rx);
            assert_eq!(closes(&world, c), [], "{TWICE}");
        });
        model.without_fences().preemptions(2).sees(&["part"])
    });
}

/// A dead server had a call of a dead client and one of a living, who asks beside a mender, or beside the next server, who is killed.
fn mender_or_server_dies(idempotent: bool, mender: bool, victim: Victim) -> Model {
    let who = if mender {
        "a mender"
    } else {
        "the next server"
    };
    let name = format!("{who} dies, idempotent {idempotent}");
    Model::new(&name, 2, move || {
        let terms = config(2, 1, 1);
        let terms = if idempotent {
            terms.idempotent()
        } else {
            terms
        };
        let (world, [a, b, c, d]) = office(&terms);
        let (gone, tx) = (client(&world, a), lent(client(&world, d)));
        std::mem::forget(ask(&gone, 1));
        let mut call = ask(tx, 2).unwrap();
        let rx = server(&world, b);
        std::mem::forget([rx.next(), rx.next()]);
        std::mem::forget((gone, rx));
        world.oracle().bury(a.id());
        world.oracle().bury(b.id());
        let other = thread::spawn(move || (poll_and_ask(&mut call, 2), call));
        victim.dies(|| match mender {
            true => _ = c.reap(&Silent).unwrap(),
            false => _ = serve(&server(&world, c)),
        });
        world.oracle().bury(c.id());
        let (mut ended, mut call) = other.join().unwrap();
        for _ in 0..2 {
            ended = ended.or_else(|| poll_and_ask(&mut call, 2));
            if ended.is_none() {
                assert_eq!(serve_anywhere(&server(&world, d)), Some(2), "{LOST}");
            }
        }
        let ended = ended.expect(LOST);
        assert!(
            idempotent || ended == End::Died(b.id()),
            "{LOST}: {ended:?}"
        );
        assert!(!idempotent || ended == End::Reply, "{LOST}: {ended:?}");
        drop(call);
        leave(tx);
        assert_eq!(closes(&world, d), [], "{TWICE}");
    })
    .without_fences()
    .preemptions(1)
}

#[test]
fn a_mender_or_the_next_server_dies() {
    for idempotent in [false, true] {
        for mender in [false, true] {
            killed_at_each_step(|victim| mender_or_server_dies(idempotent, mender, victim));
        }
    }
}

/// CLAIM/FOUND: a newcomer takes a seat beside a mender, who must not find it dead by its row as that was before it joined.
#[test]
fn a_newcomer_keeps_its_seat() {
    let model = Model::new("a newcomer's seat beside a mender", 2, || {
        let (world, [a]) = roomy_office(2, &config(1, 1, 1));
        let (table, join) = (world.open::<Table>(), world.joiner(7));
        let other = thread::spawn(move || {
            let me = lent(join().unwrap());
            table.server(me).unwrap()
        });
        a.reap(&Silent).unwrap();
        let rx = other.join().unwrap();
        assert!(world.open::<Table>().server(a).is_err(), "{ROBBED}");
        drop(rx);
    });
    let model = model.preemptions(3).sees(&["joined"]);
    model.holds();
    model.dies_without("found", ROBBED);
    model.dies_without("claim", ROBBED);
}
