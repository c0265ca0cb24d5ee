//! Pools of frames: what is reserved for a receiver, beside everybody who may end it: its own threads, its successor, publishers that recall, users
//! that forget it, and what it releases for the dead. What the living reserved stays, what is over is free.

mod common;

use std::sync::Arc;

use common::pool::*;
use common::world::if_free;
use common::{EITHER, Model, saw};
use loom::thread;
use ringpad::frames::{Receivers, Refused, Ticket};
use ringpad::hooks::probe::pool::{recall_wrongly, take_wrongly};
use ringpad::{Channel, Region};

/// What a model says of a ticket that two have, or nobody.
const TWO: &str = "one ticket, not one view";

/// Two threads of a receiver have copies of one ticket; whoever has the frame publishes it again for the same receiver.
fn copies(wrong: bool) -> Model {
    Model::new(
        &format!("copies of a ticket, wrong {wrong}"),
        2,
        move || {
            let (room, pool) = bare(1, 1);
            let tx = pool.bare_user().unwrap();
            let rx = Arc::new(pool.bare_receiver(0).unwrap());
            let t = publish(&tx, 1, FIRST).unwrap();
            let theirs = rx.clone();
            let other = thread::spawn(move || {
                let got = theirs.take(t).map(|view| number(&view));
                (got, publish(&tx, 2, FIRST), tx)
            });
            let mine = match wrong {
                true => take_wrongly(room.region(), t, 0).unwrap(),
                false => rx.take(t).is_ok_and(|view| number(&view) == 1),
            };
            let (theirs, next, _tx) = other.join().unwrap();
            saw(if mine { "mine" } else { "theirs" });
            assert!(mine != theirs.is_ok(), "{TWO}: {mine}, {theirs:?}");
            if let Some(next) = next {
                assert_eq!(taken(rx.take(next)), Some(2), "{DESTROYED}");
            }
        },
    )
    .without_fences()
    .preemptions(2)
    .sees(&["mine", "theirs", "loaned", "no frame"])
}

#[test]
fn copies_of_a_ticket_in_two_threads() {
    copies(false).holds();
    copies(true).dies(TWO);
}

/// A receiver takes what the publisher recalls, and releases what was recalled.
#[test]
fn a_recall_beside_the_receiver() {
    let model = Model::new("recalled beside its taking", 2, || {
        let (_room, pool) = bare(1, 1);
        let tx = pool.bare_user().unwrap();
        let rx = pool.bare_receiver(0).unwrap();
        let t = publish(&tx, 1, FIRST).unwrap();
        let other = thread::spawn(move || {
            let had = tx.recall(t, FIRST);
            (had, publish(&tx, 2, FIRST), tx)
        });
        let before = rx.unclaimed();
        let first = rx.release_unclaimed(&before);
        saw(if first == 1 { "dropped" } else { "stays" });
        let got = match rx.take(t) {
            Ok(view) => {
                saw("viewed");
                assert_eq!(number(&view), 1, "{OTHER}");
                1
            }
            Err(Refused::NotReserved | Refused::Stale) => 0,
            Err(other) => panic!("{other}"),
        };
        assert_eq!(first + got, 1, "{TWO}");
        let (had, next, _tx) = other.join().unwrap();
        match had {
            Ok(had) => assert!(had == FIRST || got == 1, "{had:?}"),
            Err(error) => assert_eq!((error, got), (Refused::Stale, 1)),
        }
        if let Some(next) = next {
            assert_eq!(taken(rx.take(next)), Some(2), "{DESTROYED}");
        }
        assert_eq!(rx.free(), 1, "{LEAKED}");
    });
    model
        .without_fences()
        .preemptions(3)
        .sees(&["dropped", "stays", "viewed", "loaned", "no frame"])
        .holds();
}

fn recall(wrong: bool, room: Region<'static>, tx: &Hand, t: Ticket) {
    match wrong {
        true => drop(recall_wrongly(room, t, 0)),
        false => drop(tx.recall(t, FIRST)),
    }
}

/// A receiver joins, with its predecessor's bits, while a ticket is recalled.
fn recalled_beside_a_joiner(wrong: bool) -> Model {
    Model::new(&format!("recall, a joiner, wrong {wrong}"), 2, move || {
        let (room, pool) = bare(1, 1);
        let tx = pool.bare_user().unwrap();
        let t = publish(&tx, 1, FIRST).unwrap();
        let region = room.region();
        let other = thread::spawn(move || {
            recall(wrong, region, &tx, t);
            (publish(&tx, 2, FIRST), tx)
        });
        let rx = pool.bare_receiver(0).unwrap();
        let before = rx.unclaimed();
        let (next, _tx) = other.join().unwrap();
        rx.release_unclaimed(&before);
        if let Some(next) = next {
            assert_eq!(taken(rx.take(next)), Some(2), "{DESTROYED}");
        }
        assert_eq!(rx.free(), 1, "{LEAKED}");
    })
    .without_fences()
    .preemptions(2)
}

#[test]
fn a_recall_beside_a_receiver_that_joins() {
    recalled_beside_a_joiner(false).holds();
    recalled_beside_a_joiner(true).dies(DESTROYED);
}

/// A receiver is forgotten while a ticket of it is recalled.
fn recalled_beside_forget(wrong: bool) -> Model {
    Model::new(&format!("recall, forget, wrong {wrong}"), 2, move || {
        let (room, pool) = bare(1, 1);
        let (tx, b) = (pool.bare_user().unwrap(), pool.bare_user().unwrap());
        let t = publish(&tx, 1, FIRST).unwrap();
        let region = room.region();
        let other = thread::spawn(move || {
            recall(wrong, region, &tx, t);
            tx
        });
        assert_eq!(b.forget(0), Ok(1), "{LEAKED}");
        let next = publish(&b, 2, FIRST).expect(LEAKED);
        let _tx = other.join().unwrap();
        let rx = pool.bare_receiver(0).unwrap();
        assert_eq!(taken(rx.take(next)), Some(2), "{DESTROYED}");
    })
    .without_fences()
    .preemptions(2)
}

#[test]
fn a_recall_beside_forget() {
    recalled_beside_forget(false).holds();
    recalled_beside_forget(true).dies("a frame");
}

/// OBSERVE: another user of the peer that published recalls what it has a view of.
#[test]
fn whoever_sees_a_publication_sees_its_publisher() {
    let model = Model::new("another user recalls", 2, || {
        let world = world(2, 1, 1);
        let a = world.join();
        let (tx, again) = (user(&world, a), user(&world, a));
        let other = thread::spawn(move || (publish(&tx, 1, FIRST), tx));
        if let Ok(_view) = again.view(ticket(0, 4)) {
            saw("viewed");
            assert_eq!(again.recall(ticket(0, 4), FIRST), Ok(FIRST), "not its own");
        }
        drop(other.join().unwrap());
    });
    let model = model.without_fences().sees(&["viewed"]);
    model.holds();
    model.dies_without("observe", "not its own");
    model.dies_without("publish", "not its own");
}

/// A receiver is forgotten beside its next holder.
#[test]
fn forgotten_beside_a_receiver_that_joins() {
    let model = Model::new("forget, a joiner", 2, || {
        let (room, pool) = bare(1, 1);
        let again = Pool::attach(room.region()).unwrap();
        let tx = pool.bare_user().unwrap();
        let t = publish(&tx, 1, FIRST).unwrap();
        let other = thread::spawn(move || {
            let rx = if_free(again.bare_receiver(0))?;
            let got = taken(rx.take(t));
            assert!(got.is_none_or(|n| n == 1), "{OTHER}");
            Some((rx, got.is_some()))
        });
        let forgot = if_free(tx.forget(0));
        let next = publish(&tx, 2, FIRST);
        let theirs = other.join().unwrap();
        let got = theirs.as_ref().is_some_and(|(_, got)| *got);
        assert!(forgot.is_some() || theirs.is_some(), "both refused");
        assert_eq!(forgot.unwrap_or(0) + u32::from(got), 1, "{TWO}");
        let rx = match theirs {
            Some((rx, _)) => rx,
            None => pool.bare_receiver(0).unwrap(),
        };
        if let Some(next) = next {
            assert_eq!(taken(rx.take(next)), Some(2), "{DESTROYED}");
        }
        assert_eq!(rx.free(), 1, "{LEAKED}");
    });
    let seen = &["free", "taken", "viewed", "gone", "loaned"];
    model.without_fences().preemptions(2).sees(seen).holds();
}

/// UNCLAIM/CLAIM: the next holder of a receiver's seat finds what the last one had, and not what it had before that. Else it marks a frame as
/// taken that its predecessor had dropped, and with it goes what is reserved there now.
#[test]
fn a_successor_finds_what_its_predecessor_left() {
    let model = Model::new("a receiver's number is handed over", 2, || {
        let (room, pool) = bare(1, 1);
        let again = Pool::attach(room.region()).unwrap();
        let tx = pool.bare_user().unwrap();
        let rx = pool.bare_receiver(0).unwrap();
        let t = publish(&tx, 1, FIRST).unwrap();
        let other = thread::spawn(move || if_free(again.bare_receiver(0)));
        drop(rx.take(t).unwrap());
        drop(rx);
        let next = publish(&tx, 2, FIRST).expect(LEAKED);
        let theirs = other.join().unwrap();
        let rx = theirs.unwrap_or_else(|| pool.bare_receiver(0).unwrap());
        assert_eq!(taken(rx.take(next)), Some(2), "{DESTROYED}");
        assert_eq!(rx.free(), 1, "{LEAKED}");
    });
    let model = model.without_fences().sees(EITHER);
    model.holds();
    model.dies_without("unclaim", DESTROYED);
    model.dies_without("claim", DESTROYED);
}

/// UNCLAIM/CLAIM: the next holder of a user's seat finds no loan there that the last one gave back. Else it ends what is reserved there now.
#[test]
fn the_next_user_of_a_seat_finds_no_old_loan() {
    let model = Model::new("a user's seat is handed over", 2, || {
        let (room, pool) = bare(1, 1);
        let again = Pool::attach(room.region()).unwrap();
        let [gone, tx] = [(); 2].map(|()| pool.bare_user().unwrap());
        let rx = pool.bare_receiver(0).unwrap();
        let other = thread::spawn(move || again.bare_user().unwrap());
        drop(loan(&gone));
        drop(gone);
        let t = publish(&tx, 1, FIRST).expect(LEAKED);
        let _next = other.join().unwrap();
        assert_eq!(taken(rx.take(t)), Some(1), "{DESTROYED}");
    });
    let model = model.without_fences().preemptions(2);
    model.holds();
    model.dies_without("unclaim", DESTROYED);
    model.dies_without("claim", DESTROYED);
}

/// Two threads of a receiver release what was recalled: one of them has it, and the frame is given back once.
#[test]
fn two_threads_release() {
    let model = Model::new("two release", 2, || {
        let (_room, pool) = bare(1, 1);
        let tx = pool.bare_user().unwrap();
        let rx = Arc::new(pool.bare_receiver(0).unwrap());
        let t = publish(&tx, 1, FIRST).unwrap();
        assert_eq!(tx.recall(t, FIRST), Ok(FIRST));
        let before = rx.unclaimed();
        let (theirs, theirs_before) = (rx.clone(), before.clone());
        let other = thread::spawn(move || {
            let dropped = theirs.release_unclaimed(&theirs_before);
            (dropped, publish(&tx, 2, FIRST), tx)
        });
        let mine = rx.release_unclaimed(&before);
        let (theirs, next, _tx) = other.join().unwrap();
        saw(if mine > 0 { "mine" } else { "theirs" });
        assert_eq!(mine + theirs, 1, "{TWO}");
        if let Some(next) = next {
            assert_eq!(taken(rx.take(next)), Some(2), "{DESTROYED}");
        }
        assert_eq!(rx.free(), 1, "{LEAKED}");
    });
    let seen = &["mine", "theirs", "loaned", "no frame"];
    model.without_fences().preemptions(3).sees(seen).holds();
}

/// Two receivers leave views behind of a frame that was reserved for nobody; their successors, who come at once, have it until both let go.
#[test]
fn successors_of_two_who_viewed() {
    let model = Model::new("two successors", 2, || {
        let (room, pool) = bare(1, 2);
        let tx = pool.bare_user().unwrap();
        let t = publish(&tx, 1, Receivers::NONE).unwrap();
        for n in [0, 1] {
            let rx = pool.bare_receiver(n).unwrap();
            std::mem::forget(rx.view(t).unwrap());
        }
        assert!(loan(&tx).is_none(), "{DESTROYED}");
        let again = Pool::attach(room.region()).unwrap();
        let settles = move |pool: &Pool, n| {
            let rx = pool.bare_receiver(n).unwrap();
            let got = taken(rx.take(t));
            (got, rx.release_unclaimed(&rx.unclaimed()), rx)
        };
        let other = thread::spawn(move || settles(&again, 1));
        let (mine, none, _rx) = settles(&pool, 0);
        let (theirs, also, _also) = other.join().unwrap();
        assert_eq!((mine, theirs), (Some(1), Some(1)), "{DESTROYED}");
        assert_eq!((none, also), (0, 0), "{TWO}");
        assert!(loan(&tx).is_some(), "{LEAKED}");
    });
    model.without_fences().preemptions(3).holds();
}
