//! Calls: replies of several parts, messages to which there is no reply, requests that are forgotten, beside callers who give up or leave.

mod common;

use common::calls::*;
use common::{Model, RACE, TORN, saw};
use loom::thread;
use ringpad::rpc::probe::open_calls;

/// Sends parts until there are `most`, or it has tried often; then answers if there is room for it, else it drops the request. Answers how many parts it
/// sent, and whether it answered.
fn stream(mut request: Taken<'static>, most: u32, at: &Mark) -> (u32, bool) {
    let (n, mut sent) = (asked(&request), 0);
    for _ in 0..4 {
        sent += u32::from(part(&mut request, answer(n, sent)) == Some(true));
        if sent == most {
            at.read();
            saw("all parts");
            break;
        }
    }
    (sent, request.reply(&[answer(n, 0), !answer(n, 0)]).is_ok())
}

/// PUBLISH/OBSERVE, RELEASE/RECLAIM: parts of a reply come whole, once, in order; the server writes the next behind its caller's copy of the one before.
fn parts() -> Model {
    Model::new("parts", 2, move || {
        let (room, table) = bare(&config(1, 1, 1));
        let (tx, rx) = (table.bare_client().unwrap(), table.bare_server().unwrap());
        let rx = lent(rx);
        let mut call = ask(&tx, 1).unwrap();
        let request = rx.next().unwrap();
        let mark = Mark::new();
        let theirs = mark.clone();
        let other = thread::spawn(move || stream(request, 2, &theirs));
        mark.write();
        let mut had = 0;
        let mut look = |had: &mut u32| {
            if let Some(number) = part_of(1, call.poll()) {
                assert_eq!(number, *had, "{OTHER}");
                *had += 1;
            }
            call.is_over()
        };
        look(&mut had);
        let early = look(&mut had);
        let (sent, replied) = other.join().unwrap();
        let over = early || (0..3).any(|_| look(&mut had));
        assert!(over && had == sent, "{LOST}");
        saw(if replied { "answered" } else { "dropped" });
        drop(call);
        assert_eq!(open_calls(room.region()).unwrap(), 0, "{LEAKED}");
    })
    .without_fences()
    .preemptions(2)
}

#[test]
fn parts_of_a_reply() {
    let model = parts();
    let seen = &[
        "part",
        "full",
        "all parts",
        "reply",
        "unanswered",
        "answered",
        "dropped",
    ];
    model.clone().sees(seen).holds();
    for edge in ["release", "reclaim"] {
        model.dies_without(edge, RACE);
    }
    model.dies_without("publish", TORN);
    model.dies_without("observe", TORN);
}

/// RELEASE/OBSERVE: parts beside a caller who takes so many looks, then gives up and calls again.
fn parts_given_up(looks: u32) -> Model {
    Model::new(
        &format!("parts, given up after {looks} looks"),
        2,
        move || {
            let (room, table) = bare(&config(1, 1, 1));
            let (tx, rx) = (table.bare_client().unwrap(), table.bare_server().unwrap());
            let rx = lent(rx);
            let mut call = ask(&tx, 1).unwrap();
            let request = rx.next().unwrap();
            let mark = Mark::new();
            let theirs = mark.clone();
            let other = thread::spawn(move || {
                theirs.read();
                stream(request, 2, &theirs)
            });
            let had = (0..looks)
                .filter(|_| part_of(1, call.poll()).is_some())
                .count();
            drop(call);
            let mut next = ask(&tx, 2);
            if next.is_some() {
                mark.write();
                saw("again");
            }
            let (sent, _) = other.join().unwrap();
            assert!(had as u32 <= sent, "{LOST}");
            let mut next = next.take().or_else(|| ask(&tx, 2)).expect(LEAKED);
            assert_eq!(drain(rx), [2], "{LOST}");
            assert_eq!(poll(&mut next, 2), Some(End::Reply), "{LOST}");
            assert_eq!(open_calls(room.region()).unwrap(), 0, "{LEAKED}");
        },
    )
    .without_fences()
    .preemptions(3)
}

#[test]
fn parts_beside_a_caller_who_gives_up() {
    let model = parts_given_up(1);
    let seen = &["part", "full", "no slot", "again"];
    model.clone().sees(seen).holds();
    for edge in ["release", "observe"] {
        model.dies_without(edge, RACE);
    }
}

/// RELEASE, UNCLAIM/CLAIM: a message beside its client's leaving, and the next holder of the seat, who makes a call of its own: it is served once.
fn message(leaves: bool) -> Model {
    Model::new(
        &format!("a message, its client leaves: {leaves}"),
        2,
        move || {
            let (room, table) = bare(&config(1, 1, 1));
            let (tx, rx) = (table.bare_client().unwrap(), table.bare_server().unwrap());
            let mark = Mark::new();
            let theirs = mark.clone();
            let other = thread::spawn(move || {
                let mut served = Vec::new();
                if let Some(request) = rx.next_anywhere() {
                    assert!(request.is_one_way());
                    served.push(asked(&request));
                    theirs.read();
                    saw("served");
                }
                (served, rx)
            });
            assert!(tell(&tx, 1));
            let next = if leaves {
                drop(tx);
                table.bare_client().unwrap()
            } else {
                tx
            };
            let mut call = ask(&next, 2);
            if call.is_some() {
                mark.write();
                saw("again");
            }
            let (mut served, rx) = other.join().unwrap();
            served.extend(drain_anywhere(&rx));
            let want: &[u32] = if call.is_some() { &[1, 2] } else { &[1] };
            assert_eq!(served, want, "{LOST}");
            if let Some(call) = &mut call {
                assert_eq!(poll(call, 2), Some(End::Reply), "{LOST}");
            }
            drop(call);
            assert_eq!(open_calls(room.region()).unwrap(), 0, "{LEAKED}");
            assert!(ask(&next, 3).is_some(), "{LEAKED}");
        },
    )
    .without_fences()
    .preemptions(3)
}

#[test]
fn a_message_beside_its_clients_leaving() {
    for leaves in [false, true] {
        let model = message(leaves);
        model.clone().sees(&["served", "no slot", "again"]).holds();
        model.dies_without("release", RACE);
        model.dies_without("observe", RACE);
    }
}

/// A server leaves and forgets a request, perhaps with a part of the reply, beside its caller: who is told, or gives up; the slot is free.
fn forgotten(with_part: bool, gives_up: bool) -> Model {
    let name = format!("forgotten, with a part {with_part}, given up {gives_up}");
    Model::new(&name, 2, move || {
        let (room, table) = bare(&config(1, 1, 1));
        let (tx, rx) = (
            table.bare_client().unwrap(),
            lent(table.bare_server().unwrap()),
        );
        let mut call = ask(&tx, 1).unwrap();
        let mut request = rx.next().unwrap();
        let other = thread::spawn(move || {
            if with_part {
                assert_ne!(part(&mut request, answer(1, 0)), None);
            }
            std::mem::forget(request);
            leave(rx);
        });
        let mut is_over = move || {
            if !call.is_over() {
                part_of(1, call.poll());
            }
            call.is_over()
        };
        let early = is_over() || is_over();
        if gives_up {
            drop(is_over);
            other.join().unwrap();
        } else {
            other.join().unwrap();
            assert!(early || is_over() || is_over(), "{LOST}");
        }
        assert!(ask(&tx, 2).is_some(), "{LEAKED}");
        assert_eq!(open_calls(room.region()).unwrap(), 0, "{LEAKED}");
    })
    .without_fences()
    .preemptions(3)
}

#[test]
fn a_server_leaves_and_forgets() {
    for with_part in [false, true] {
        forgotten(with_part, true).holds();
        forgotten(with_part, false).sees(&["died"]).holds();
    }
}
