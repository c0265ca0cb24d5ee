//! Suspected faults.
mod common;
use common::pool::*;
use common::Model;
use loom::thread;
use ringpad::Silent;
use ringpad::frames::Receivers;

/// N1: a mender sees a loan of a receiver's next holder, and the seat as it was before.
#[test]
fn a_successor_s_loan_beside_a_mender() {
    Model::new("successor loans", 2, || {
        let world = world(3, 1, 1);
        let (dead, next, m) = (world.join(), world.join(), world.join());
        std::mem::forget(receiver(&world, dead, 0));
        world.oracle().bury(dead.id());
        let pool = world.open::<Pool>();
        let tx = user(&world, m);
        let other = thread::spawn(move || {
            let rx = pool.receiver(next, 0).unwrap();
            let n = publish(&rx, 1, Receivers::NONE);
            (rx, n)
        });
        let mine = publish(&tx, 2, Receivers::NONE);
        let (_rx, theirs) = other.join().unwrap();
        assert!(mine.is_some() || theirs.is_some());
        assert_eq!(tx.free(), 1, "{LEAKED}");
    })
    .preemptions(2)
    .holds();
}

/// N2: a receiver dies with a loan between a mender's look at loans and its look at seats.
#[test]
fn a_receiver_dies_with_a_loan_beside_a_mender() {
    Model::new("receiver dies with a loan", 2, || {
        let world = world(3, 1, 1);
        let (dying, m) = (world.join(), world.join());
        let oracle = world.oracle();
        let rx = receiver(&world, dying, 0);
        let tx = user(&world, m);
        let other = thread::spawn(move || {
            std::mem::forget(rx.loan());
            std::mem::forget(rx);
            oracle.bury(dying.id());
        });
        drop(loan(&tx));
        other.join().unwrap();
        m.reap(&Silent).unwrap();
        drop(loan(&tx));
        assert_eq!(tx.free(), 1, "{LEAKED}");
    })
    .preemptions(2)
    .holds();
}

/// N3: two menders of one seat: counted once.
#[test]
fn two_menders_count_a_seat_once() {
    Model::new("two mend", 2, || {
        let world = world(3, 1, 0);
        let (dead, a, b) = (world.join(), world.join(), world.join());
        let tx = user(&world, dead);
        std::mem::forget(tx.loan());
        std::mem::forget(tx);
        world.oracle().bury(dead.id());
        let other = thread::spawn(move || b.reap(&Silent).unwrap());
        let mine = a.reap(&Silent).unwrap();
        let theirs = other.join().unwrap();
        assert_eq!((mine.ends + theirs.ends, mine.frames + theirs.frames), (1, 1), "count");
    })
    .preemptions(1)
    .holds();
}
