//! Suspected faults.
mod common;
use common::Model;
use common::pool::*;
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
        assert_eq!(
            (mine.ends + theirs.ends, mine.frames + theirs.frames),
            (1, 1),
            "count"
        );
    })
    .preemptions(1)
    .holds();
}

/// N4: a publisher that joined just now, in a frame that another thread of the receiver dropped just now, is no dead one.
#[test]
fn a_publisher_that_joined_just_now_is_not_dead() {
    Model::new("newcomer publishes", 2, || {
        let world = world(3, 1, 1);
        let (a, p) = (world.join(), world.join());
        let (rx, tx) = (std::sync::Arc::new(receiver(&world, a, 0)), user(&world, p));
        let t = publish(&tx, 1, FIRST).unwrap();
        let (theirs, pool, join) = (rx.clone(), world.open::<Pool>(), world.joiner(9));
        let other = thread::spawn(move || {
            assert_eq!(seen(theirs.take(t)), Some(1));
            let n: &'static ringpad::Peer<'static> = Box::leak(Box::new(join().unwrap()));
            let tx = pool.user(n).unwrap();
            let t = publish(&tx, 2, FIRST);
            std::mem::forget(tx);
            t
        });
        let before = rx.unclaimed();
        let next = other.join().unwrap();
        rx.release_unclaimed(&before);
        if let Some(next) = next {
            assert_eq!(seen(rx.take(next)), Some(2), "{DESTROYED}");
        }
    })
    .preemptions(2)
    .holds();
}
