//! What is reserved stays until its receiver has had it, whoever dies meanwhile.

use super::*;

const BOTH: Receivers = Receivers::first(2);

#[test]
fn a_reserved_frame_stays_until_each_receiver_has_dropped_it() {
    with_bare(&Config::new(2, 64).receivers(2), |_, pool| {
        let tx = pool.bare_user().unwrap();
        let rx = [0, 1].map(|number| pool.bare_receiver(number).unwrap());
        let ticket = publish_for(&tx, b"for both", BOTH);
        let other = publish_for(&tx, b"for one", Receivers::one(1));
        assert_eq!(tx.loan().unwrap_err(), Refused::NoFrame);
        assert_eq!(tx.take(ticket).unwrap_err(), Refused::NotReserved);
        assert_eq!(rx[0].take(other).unwrap_err(), Refused::NotReserved);
        let view = rx[0].take(ticket).unwrap();
        assert_eq!((seen(&view), view.ticket()), (b"for both".to_vec(), ticket));
        assert_eq!(rx[0].take(ticket).unwrap_err(), Refused::AlreadyViewed);
        drop(view);
        assert_eq!(
            rx[0].take(ticket).unwrap_err(),
            Refused::NotReserved,
            "once"
        );
        assert_eq!(
            tx.loan().unwrap_err(),
            Refused::NoFrame,
            "one has not had it"
        );
        // Whoever else comes in time sees it too, and then it stays for them as well.
        let guest = tx.view(ticket).unwrap();
        drop(rx[1].take(ticket).unwrap());
        assert_eq!(tx.free(), 0);
        drop(guest);
        assert_eq!(tx.free(), 1);
        drop(rx[1].take(other).unwrap());
        assert_eq!(tx.free(), 2);
        drop((tx.loan().unwrap(), tx.loan().unwrap()));
        assert_eq!(rx[0].take(ticket).unwrap_err(), Refused::Stale);
    });
}

#[test]
fn receivers_that_the_pool_does_not_have_are_left_out() {
    with_bare(&Config::new(1, 64).receivers(1), |_, pool| {
        let (tx, rx) = (pool.bare_user().unwrap(), pool.bare_receiver(0).unwrap());
        let ticket = publish_for(&tx, b"x", Receivers::first(32));
        assert_eq!(tx.free(), 0);
        drop(rx.take(ticket).unwrap());
        assert_eq!(tx.free(), 1);
        let nobody = publish_for(&tx, b"x", Receivers::one(1).with(31));
        assert_eq!(tx.free(), 1);
        assert_eq!(rx.take(nobody).unwrap_err(), Refused::NotReserved);
    });
}

#[test]
fn a_successor_has_what_was_reserved_and_what_was_taken() {
    with_each(Config::new(4, 64).receivers(2), |world, segment, pool| {
        let [me, first, second] = [0; 3].map(|_| world.join(segment));
        let tx = pool.user(&me).unwrap();
        let rx = pool.receiver(&first, 0).unwrap();
        let [had, taken, waiting] =
            [b"a", b"b", b"c"].map(|bytes| publish_for(&tx, bytes, Receivers::one(0)));
        drop(rx.take(had).unwrap());
        forget(rx.take(taken).unwrap());
        forget(rx);
        assert_eq!(
            pool.receiver(&second, 0).unwrap_err(),
            Error::EndpointTaken { by: first.id() }
        );
        world.graves.bury(first.id());
        let reaped = me.reap(&crate::Silent).unwrap();
        assert_eq!(
            (reaped.frames, tx.free()),
            (0, 2),
            "they are the successor's"
        );
        let rx = pool.receiver(&second, 0).unwrap();
        assert_eq!(tx.free(), 2);
        assert_eq!(rx.take(had).unwrap_err(), Refused::NotReserved);
        for (ticket, bytes) in [(taken, b"b"), (waiting, b"c")] {
            assert_eq!(seen(&rx.take(ticket).unwrap()), bytes);
            assert_eq!(rx.take(ticket).unwrap_err(), Refused::NotReserved);
        }
        assert_eq!(tx.free(), 4);
    });
}

/// Its ticket is gone from the ring: it was taken and popped, and its receiver died before it dropped the view.
#[test]
fn what_a_predecessor_had_popped_is_released_after_draining() {
    with_each(Config::new(4, 64).receivers(1), |world, segment, pool| {
        let [me, first, second] = [0; 3].map(|_| world.join(segment));
        let tx = pool.user(&me).unwrap();
        let rx = pool.receiver(&first, 0).unwrap();
        let [popped, queued] = [b"a", b"b"].map(|bytes| publish_for(&tx, bytes, Receivers::one(0)));
        forget(rx.take(popped).unwrap());
        forget(rx);
        world.graves.bury(first.id());
        let rx = pool.receiver(&second, 0).unwrap();
        let before = rx.unclaimed();
        assert_eq!(before.publishers(), 0, "the publisher lives");
        let view = rx.take(queued).unwrap();
        let unsent = publish_for(&tx, b"c", Receivers::one(0));
        assert_eq!(
            rx.release_unclaimed(&before),
            1,
            "neither the view nor what is on its way"
        );
        assert_eq!(seen(&view), b"b");
        drop(view);
        assert_eq!(rx.take(popped).unwrap_err(), Refused::NotReserved);
        assert_eq!(seen(&rx.take(unsent).unwrap()), b"c");
        assert_eq!((tx.free(), rx.release_unclaimed(&before)), (4, 0));
    });
}

#[test]
fn what_the_dead_published_and_never_sent_is_released_and_no_living_one_s() {
    with_each(Config::new(6, 64).receivers(2), |world, segment, pool| {
        let [me, dead, living] = [0; 3].map(|_| world.join(segment));
        let rx = pool.receiver(&me, 0).unwrap();
        let theirs = pool.user(&dead).unwrap();
        let other = pool.user(&living).unwrap();
        let sent = publish_for(&theirs, b"sent", BOTH);
        let _unsent = publish_for(&theirs, b"unsent", Receivers::one(0));
        let _for_another = publish_for(&theirs, b"other", Receivers::one(1));
        let on_its_way = publish_for(&other, b"on its way", Receivers::one(0));
        assert_eq!(rx.unclaimed().publishers(), 0, "all live");
        forget(theirs);
        world.graves.bury(dead.id());
        let before = rx.unclaimed();
        assert_eq!(before.publishers(), 1);
        assert_eq!(seen(&rx.take(sent).unwrap()), b"sent");
        assert_eq!(rx.release_unclaimed(&before), 1);
        assert_eq!(
            rx.free(),
            3,
            "one for both, one for another, one on its way"
        );
        assert_eq!(seen(&rx.take(on_its_way).unwrap()), b"on its way");
        // Another receiver's asking is not this one's.
        let second = pool.receiver(&me, 1).unwrap();
        assert_eq!(second.release_unclaimed(&before), 0);
        assert_eq!(seen(&second.take(sent).unwrap()), b"sent");
        let asked = second.unclaimed();
        assert_eq!((second.release_unclaimed(&asked), rx.free()), (1, 6));
    });
}

#[test]
fn whoever_dies_after_the_asking_is_asked_about_next_time() {
    with_each(Config::new(2, 64).receivers(1), |world, segment, pool| {
        let [me, dead] = [0; 2].map(|_| world.join(segment));
        let rx = pool.receiver(&me, 0).unwrap();
        let theirs = pool.user(&dead).unwrap();
        let before = rx.unclaimed();
        // Perhaps sent after the ring was found empty.
        let late = publish_for(&theirs, b"late", Receivers::one(0));
        forget(theirs);
        world.graves.bury(dead.id());
        assert_eq!(rx.release_unclaimed(&before), 0);
        assert_eq!(seen(&rx.take(late).unwrap()), b"late");
    });
}

#[test]
fn what_is_recalled_is_dropped_by_its_receivers() {
    with_each(Config::new(2, 64).receivers(3), |world, segment, pool| {
        let [me, other] = [0; 2].map(|_| world.join(segment));
        let (tx, stranger) = (pool.user(&me).unwrap(), pool.user(&other).unwrap());
        let rx = [0, 1].map(|number| pool.receiver(&other, number).unwrap());
        let ticket = publish_for(&tx, b"x", BOTH);
        assert_eq!(
            stranger.recall(ticket, BOTH),
            Err(Refused::Stale),
            "not its own"
        );
        assert_eq!(tx.recall(ticket, Receivers::NONE), Ok(Receivers::NONE));
        assert_eq!(
            tx.recall(ticket, Receivers::one(2).with(9)),
            Ok(Receivers::NONE)
        );
        assert_eq!(
            tx.recall(ticket, Receivers::one(1).with(2)),
            Ok(Receivers::one(1))
        );
        assert_eq!(
            tx.recall(ticket, BOTH),
            Ok(Receivers::one(0)),
            "what is left"
        );
        assert_eq!(tx.recall(ticket, BOTH), Ok(Receivers::NONE));
        assert_eq!(tx.free(), 1, "each receiver drops it by itself");
        for rx in &rx {
            assert_eq!(rx.release_unclaimed(&rx.unclaimed()), 1);
            assert_eq!(rx.take(ticket).unwrap_err(), Refused::NotReserved);
        }
        assert_eq!(tx.free(), 2);
        assert_eq!(publish(&tx, b"y").index, 1);
        drop(tx.loan().unwrap());
        assert_eq!(
            tx.recall(ticket, BOTH),
            Err(Refused::Stale),
            "it is another's now"
        );
    });
}

#[test]
fn what_was_taken_is_not_recalled() {
    with_bare(&Config::new(1, 64).receivers(2), |_, pool| {
        let (tx, rx) = (pool.bare_user().unwrap(), pool.bare_receiver(0).unwrap());
        let ticket = publish_for(&tx, b"x", BOTH);
        let view = rx.take(ticket).unwrap();
        assert_eq!(tx.recall(ticket, BOTH), Ok(Receivers::one(1)));
        assert_eq!(seen(&view), b"x");
        drop(view);
        let second = pool.bare_receiver(1).unwrap();
        assert_eq!(second.release_unclaimed(&second.unclaimed()), 1);
        assert_eq!(tx.free(), 1);
    });
}

#[test]
fn a_receiver_that_nobody_alive_is_can_be_forgotten() {
    with_each(Config::new(4, 64).receivers(3), |world, segment, pool| {
        let [me, dead] = [0; 2].map(|_| world.join(segment));
        let tx = pool.user(&me).unwrap();
        let rx = pool.receiver(&dead, 0).unwrap();
        let [taken, waiting] = [b"a", b"b"].map(|bytes| publish_for(&tx, bytes, BOTH));
        forget(rx.take(taken).unwrap());
        let held = Error::EndpointTaken { by: dead.id() };
        assert_eq!(tx.forget(0), Err(held));
        assert_eq!(tx.present(), Receivers::one(0));
        forget(rx);
        world.graves.bury(dead.id());
        assert_eq!(tx.forget(0), Ok(0), "they are the other's too");
        assert_eq!((tx.present(), tx.forget(2)), (Receivers::NONE, Ok(0)));
        assert_eq!(tx.forget(1), Ok(2), "that nobody ever was");
        assert_eq!(tx.free(), 4);
        let rx = pool.receiver(&me, 0).unwrap();
        assert_eq!(rx.take(waiting).unwrap_err(), Refused::NotReserved);
    });
}

#[test]
fn a_receiver_views_as_any_user_and_publishes_nothing() {
    with_bare(&Config::new(3, 64).receivers(2), |_, pool| {
        let tx = pool.bare_user().unwrap();
        let [a, b] = [0, 1].map(|number| pool.bare_receiver(number).unwrap());
        assert_eq!(a.loan().unwrap_err(), Refused::Receiver);
        let ticket = publish_for(&tx, b"x", BOTH);
        assert_eq!(
            b.view(ticket).unwrap_err(),
            Refused::AlreadyViewed,
            "take it"
        );
        drop([a.take(ticket).unwrap(), b.take(ticket).unwrap()]);
        let news = publish(&tx, b"news");
        let view = a.view(news).unwrap();
        assert_eq!(seen(&view), b"news");
        assert_eq!(a.take(news).unwrap_err(), Refused::AlreadyViewed);
        drop(view);
        // A view that is forgotten is not there for ever either.
        forget(a.view(news).unwrap());
        drop(a);
        let a = pool.bare_receiver(0).unwrap();
        assert_eq!((b.free(), a.release_unclaimed(&a.unclaimed())), (2, 1));
        assert_eq!(b.free(), 3);
    });
}

/// Who is dead in one segment may live in another: what one pool said is no word on the other.
#[test]
fn what_was_asked_of_one_pool_releases_nothing_of_another() {
    let config = Config::new(2, 64).receivers(1);
    let (here, there) = (World::new(config), World::new(config));
    let (mine, theirs) = (
        here.segment(Trust::Cooperative),
        there.segment(Trust::Cooperative),
    );
    let pools: [Frames; 2] = [mine.open("pool").unwrap(), theirs.open("pool").unwrap()];
    let (me, dead) = (here.join(&mine), here.join(&mine));
    let (you, alive) = (there.join(&theirs), there.join(&theirs));
    assert_eq!(dead.owner(), alive.owner(), "one name, two peers");
    let unsent = pools[0].user(&dead).unwrap();
    publish_for(&unsent, b"x", Receivers::one(0));
    forget(unsent);
    let tx = pools[1].user(&alive).unwrap();
    let ticket = publish_for(&tx, b"y", Receivers::one(0));
    here.graves.bury(dead.id());
    let (rx, other) = (
        pools[0].receiver(&me, 0).unwrap(),
        pools[1].receiver(&you, 0).unwrap(),
    );
    let asked = rx.unclaimed();
    assert_eq!(asked.publishers(), 1);
    assert_eq!(other.release_unclaimed(&asked), 0, "its publisher lives");
    assert_eq!(seen(&other.take(ticket).unwrap()), b"y");
    assert_eq!(rx.release_unclaimed(&asked), 1);
}
