//! Rings of many senders and receivers: deaths at every step. What was committed comes, what was not never does, and the ring goes on.

mod common;

use common::crowd::{
    Crowd, Ledger, Rx, Tx, config, message, number, recv, recv_all, send, send_all, take,
};
use common::{Model, killed_at_each_step, saw};
use loom::thread;
use ringpad::Peer;
use ringpad::hooks::crash_at;
use ringpad::hooks::probe::mpmc_mend;
use ringpad::mpmc::{Delivery, Recovery};

/// What a victim does, by name.
type Work<End> = (&'static str, fn(&mut End) -> Vec<u32>);

const SENDS: [Work<Tx>; 2] = [
    ("one by one", |tx| {
        (16..18).filter(|&n| send(tx, n)).collect()
    }),
    ("together", |tx| send_all(tx, &[16, 17])),
];

/// A sender is killed beside a receiver and its own successor in the ring.
#[test]
fn a_sender_dies() {
    for (how, work) in SENDS {
        for recovery in [Recovery::Revoke, Recovery::ProofOnly] {
            killed_at_each_step(|victim| {
                let name = format!("a sender of two {how} dies, {recovery:?}");
                let model = Model::new(&name, 2, move || {
                    let (crowd, [a, b, c]) = Crowd::of_three(config(2).recovery(recovery));
                    let mut ledger = Ledger::default();
                    let (mut tx, mut rx, mut next) = (crowd.tx(a), crowd.rx(b), crowd.tx(b));
                    let other = thread::spawn(move || {
                        let got: Vec<_> = recv(&mut rx).into_iter().collect();
                        (got, send(&mut next, 32).then_some(32))
                    });
                    let mut sent = Vec::new();
                    victim.dies(|| sent = work(&mut tx));
                    crowd.world.oracle().bury(a.id());
                    let (got, more) = other.join().unwrap();
                    ledger.sent(sent).perhaps(16..18).sent(more).got(&got);
                    crowd.closes(c, ledger);
                });
                model.without_fences().preemptions(1)
            });
        }
    }
}

const TAKES: [Work<Rx>; 3] = [
    ("one", |rx| recv(rx).into_iter().collect()),
    ("three together", |rx| recv_all(rx, 3)),
    ("one by name", |rx| take(rx).into_iter().collect()),
];

/// A receiver is killed beside a sender that wants its slots, which then receives.
#[test]
fn a_receiver_dies() {
    for (how, work) in TAKES {
        for recovery in [Recovery::Revoke, Recovery::ProofOnly] {
            for delivery in [Delivery::AtLeastOnce, Delivery::AtMostOnce] {
                killed_at_each_step(|victim| {
                    let name = format!("a receiver of {how} dies, {recovery:?}, {delivery:?}");
                    let model = Model::new(&name, 2, move || {
                        let config = config(4).recovery(recovery).delivery(delivery);
                        let (crowd, [a, b, c]) = Crowd::of_three(config);
                        let mut ledger = Ledger::default();
                        let mut tx = crowd.tx(b);
                        ledger.sent(send_all(&mut tx, &[16, 17, 18]));
                        let (mut dying, mut rx) = (crowd.rx(a), crowd.rx(b));
                        let other = thread::spawn(move || {
                            let sent: Vec<_> = (32..34).filter(|&n| send(&mut tx, n)).collect();
                            (sent, recv(&mut rx).into_iter().collect::<Vec<_>>())
                        });
                        let (mut got, mut whole) = (Vec::new(), false);
                        victim.dies(|| {
                            got = work(&mut dying);
                            whole = true;
                        });
                        std::mem::forget(dying);
                        crowd.world.oracle().bury(a.id());
                        let (sent, more) = other.join().unwrap();
                        ledger.sent(sent);
                        if !whole {
                            // What it died over.
                            ledger.lost(3);
                            // Of a batch that comes again, until all of it is acknowledged.
                            ledger.again(16..19);
                        }
                        ledger.got(&got).got(&more);
                        crowd.closes(c, ledger);
                    });
                    model.without_fences().preemptions(1)
                });
            }
        }
    }
}

/// What a peer leaves that dies before its so-many-th step of this.
fn leaves(crowd: &Crowd, dead: &'static Peer<'static>, step: u32, work: impl FnOnce()) {
    assert!(crash_at(step, work).is_none(), "it has fewer steps");
    crowd.world.oracle().bury(dead.id());
}

/// Whoever mends what a dead sender, or a dead receiver, held is killed, beside one that is held up.
#[test]
fn a_mender_dies() {
    for delivery in [Delivery::AtLeastOnce, Delivery::AtMostOnce] {
        for recovery in [Recovery::Revoke, Recovery::ProofOnly] {
            for sender in [true, false] {
                killed_at_each_step(|victim| {
                    let name =
                        format!("a mender dies, sender {sender}, {recovery:?}, {delivery:?}");
                    let model = Model::new(&name, 2, move || {
                        let config = config(2).recovery(recovery).delivery(delivery);
                        let (crowd, [a, b, c]) = Crowd::of_three(config);
                        let mut ledger = Ledger::default();
                        let mut tx = crowd.tx(a);
                        if sender {
                            leaves(&crowd, a, 3, || drop(send_all(&mut tx, &[16, 17])));
                        } else {
                            ledger.sent(send_all(&mut tx, &[16, 17]));
                            let mut rx = crowd.rx(a);
                            leaves(&crowd, a, 2, || {
                                take(&mut rx);
                            });
                            std::mem::forget(rx);
                            ledger.lost(usize::from(delivery == Delivery::AtMostOnce));
                        }
                        let (mut tx, mut rx) = (crowd.tx(c), crowd.rx(c));
                        let other = thread::spawn(move || {
                            let got: Vec<_> = recv(&mut rx).into_iter().collect();
                            (got, send(&mut tx, 32).then_some(32))
                        });
                        let region = crowd.region();
                        victim.dies(|| {
                            let (freed, again) = mpmc_mend(region, b).unwrap();
                            if freed > 0 {
                                saw("freed");
                            }
                            if again > 0 {
                                saw("comes again");
                            }
                        });
                        crowd.world.oracle().bury(b.id());
                        let (got, more) = other.join().unwrap();
                        ledger.sent(more).got(&got);
                        crowd.closes(c, ledger);
                    });
                    model.without_fences().preemptions(1)
                });
            }
        }
    }
}

/// What a model says of a slot that was taken from the living.
const ALIVE: &str = "a living peer's slot is mended";

/// CLAIM: whoever finds a newcomer's word finds the newcomer in its row too. With the row as it was before, its owner would seem to have
/// moved on. The words are loaded by acquires, so FOUND adds nothing here.
#[test]
fn a_newcomer_s_word_stands() {
    for by_name in [false, true] {
        let model = Model::new(
            "joined and at work before the eyes of a mender",
            2,
            move || {
                let crowd = Crowd::new(2, config(2), 0);
                let a = crowd.world.join();
                assert!(send(&mut crowd.tx(a), 48));
                let (join, ring, region) = (crowd.world.joiner(1), crowd.open(), crowd.region());
                let newcomer = thread::spawn(move || {
                    let me = join().expect("a free row");
                    if by_name {
                        let mut rx = ring.receiver(&me).unwrap();
                        assert_eq!(rx.try_take().unwrap().acknowledge(), message(48));
                    } else {
                        ring.sender(&me).unwrap().try_send(message(16)).unwrap();
                    }
                    me
                });
                assert_eq!(mpmc_mend(region, a).unwrap(), (0, 0), "{ALIVE}");
                drop(newcomer.join().unwrap());
            },
        );
        model.holds();
        model.dies_without("claim", ALIVE);
    }
}

/// A dead peer's row is taken by another: the words of the one come back, those of the other stand.
#[test]
fn a_row_is_taken_again() {
    for recovery in [Recovery::Revoke, Recovery::ProofOnly] {
        let name = format!("left over words, joined again, mended, {recovery:?}");
        let model = Model::new(&name, 2, move || {
            let crowd = Crowd::new(2, config(2).recovery(recovery), 0);
            let (gone, a) = (crowd.world.visitor(), crowd.world.join());
            let mut ledger = Ledger::default();
            ledger
                .sent(send_all(&mut crowd.tx(a), &[16, 17]))
                .again([16]);
            {
                let mut rx = crowd.ring.receiver(&gone).unwrap();
                std::mem::forget(rx.try_take().unwrap());
            }
            drop(gone);
            let (join, ring, region) = (crowd.world.joiner(1), crowd.open(), crowd.region());
            let newcomer = thread::spawn(move || {
                let me = join().expect("a free row");
                let got = {
                    let mut rx = ring.receiver(&me).unwrap().with_patience(0);
                    let taken = rx.try_take();
                    taken.map(|taken| number(taken.acknowledge()))
                };
                (me, got)
            });
            let mended = mpmc_mend(region, a).unwrap();
            assert_eq!(mended, (0, 1), "{ALIVE}, or a dead one's is not");
            saw("mended");
            let (me, got) = newcomer.join().unwrap();
            ledger.got(&got.into_iter().collect::<Vec<_>>());
            drop(me);
            crowd.closes(a, ledger);
        });
        model
            .sees(&["mended"])
            .without_fences()
            .preemptions(2)
            .holds();
    }
}
