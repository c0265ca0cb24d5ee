//! Who sits where: 32 seats, any number a peer, and what is forgotten rather than dropped.

use super::*;
use crate::PeerId;

#[test]
fn thirty_two_seats_are_taken_and_then_none() {
    with_bare(&Config::new(2, 64).receivers(3), |_, pool| {
        let mut users: Vec<_> = (0..29).map(|_| pool.bare_user().unwrap()).collect();
        let full = Error::SeatsFull { seats: 29 };
        assert_eq!(pool.bare_user().unwrap_err(), full);
        let receivers: Vec<_> = (0..3).map(|n| pool.bare_receiver(n).unwrap()).collect();
        for number in 0..3 {
            let taken = Error::EndpointTaken { by: PeerId::BARE };
            assert_eq!(pool.bare_receiver(number).unwrap_err(), taken);
        }
        for number in [3, 31, 32, u32::MAX] {
            let none = Error::SeatsFull { seats: 3 };
            assert_eq!(pool.bare_receiver(number).unwrap_err(), none);
            assert_eq!(users[0].forget(number).unwrap_err(), none);
        }
        assert_eq!(users[0].present(), Receivers::first(3));
        assert_eq!(
            receivers.iter().map(User::receiver).collect::<Vec<_>>(),
            [Some(0), Some(1), Some(2)]
        );
        assert_eq!(users[0].receiver(), None);
        let ticket = publish(&users[0], b"for all");
        let views: Vec<_> = users
            .iter()
            .chain(&receivers)
            .map(|user| user.view(ticket).unwrap())
            .collect();
        assert!(views.iter().all(|view| seen(view) == b"for all"));
        drop(views);
        assert_eq!(users[0].free(), 2);
        drop(users.pop());
        let last = pool.bare_user().unwrap();
        assert_eq!(pool.bare_user().unwrap_err(), full);
        drop((last, receivers));
        assert_eq!(users[0].present(), Receivers::NONE);
    });
}

#[test]
fn thirty_two_peers_look_at_one_frame() {
    with_each(Config::new(2, 64), |world, segment, pool| {
        let peers: Vec<_> = (0..32).map(|_| world.join(segment)).collect();
        let users: Vec<_> = peers.iter().map(|me| pool.user(me).unwrap()).collect();
        assert_eq!(
            pool.user(&peers[3]).unwrap_err(),
            Error::SeatsFull { seats: 32 }
        );
        let ticket = publish(&users[31], b"one");
        let mut views: Vec<_> = users
            .iter()
            .map(|user| user.view(ticket).unwrap())
            .collect();
        assert_eq!(world.line(segment, 0, 0), u32::MAX, "a bit each");
        let other = users[0].loan().unwrap();
        assert_eq!(users[1].loan().unwrap_err(), Refused::NoFrame);
        drop(other);
        while let Some(view) = views.pop() {
            assert_eq!(seen(&view), b"one");
            drop(view);
            assert_eq!(world.line(segment, 0, 0).count_ones(), views.len() as u32);
        }
        assert_eq!(users[0].free(), 2);
        drop(views);
        drop(users);
        let seats = segments::place(segment, "pool") + SEATS;
        assert!((0..32).all(|seat| world.room.word(seats + 4 * seat) == 0));
    });
}

#[test]
fn a_peer_has_several_users_each_with_a_view_of_its_own() {
    with_each(Config::new(2, 64).receivers(2), |world, segment, pool| {
        let me = world.join(segment);
        let (a, b) = (pool.user(&me).unwrap(), pool.user(&me).unwrap());
        let (r, s) = (
            pool.receiver(&me, 0).unwrap(),
            pool.receiver(&me, 1).unwrap(),
        );
        let taken = Error::EndpointTaken { by: me.id() };
        assert_eq!(pool.receiver(&me, 0).unwrap_err(), taken, "not twice");
        assert_eq!((a.holder(1), a.holder(2)), (Some(me.id()), None));
        let ticket = publish_for(&a, b"x", Receivers::one(1));
        let views = [
            a.view(ticket),
            b.view(ticket),
            r.view(ticket),
            s.take(ticket),
        ];
        for view in &views {
            assert_eq!(seen(view.as_ref().unwrap()), b"x");
        }
        for user in [&a, &b, &r, &s] {
            assert_eq!(user.view(ticket).unwrap_err(), Refused::AlreadyViewed);
        }
        drop(views);
        assert_eq!(a.free(), 2);
    });
}

#[test]
fn what_was_forgotten_is_given_back_with_its_user() {
    with_bare(&Config::new(4, 64).receivers(1), |_, pool| {
        let (tx, user) = (pool.bare_user().unwrap(), pool.bare_user().unwrap());
        let ticket = publish(&tx, b"x");
        forget(user.view(ticket).unwrap());
        forget(user.loan().unwrap());
        forget(user.loan().unwrap());
        assert_eq!(user.view(ticket).unwrap_err(), Refused::AlreadyViewed);
        assert_eq!(tx.free(), 1);
        drop(user);
        assert_eq!(tx.free(), 4);
        assert_eq!(seen(&tx.view(ticket).unwrap()), b"x", "nothing was written");
        // What a receiver had taken is its successor's.
        let rx = pool.bare_receiver(0).unwrap();
        let mine = publish_for(&tx, b"y", Receivers::one(0));
        forget(rx.take(mine).unwrap());
        drop(rx);
        assert_eq!(tx.free(), 3);
        let rx = pool.bare_receiver(0).unwrap();
        assert_eq!(seen(&rx.take(mine).unwrap()), b"y");
        assert_eq!(tx.free(), 4);
    });
}

#[test]
fn the_dead_one_s_seat_is_had_and_what_it_held_is_free() {
    with_each(Config::new(4, 64), |world, segment, pool| {
        let (me, dead) = (world.join(segment), world.join(segment));
        let mine = pool.user(&me).unwrap();
        let ticket = publish(&mine, b"x");
        let theirs = pool.user(&dead).unwrap();
        forget((theirs.view(ticket).unwrap(), theirs.loan().unwrap()));
        forget(theirs);
        // All other seats, so that the next one must be the dead one's.
        let others: Vec<_> = (0..30).map(|_| pool.user(&me).unwrap()).collect();
        let full = Error::SeatsFull { seats: 32 };
        assert_eq!(pool.user(&me).unwrap_err(), full, "it lives");
        assert_eq!(mine.free(), 2);
        world.graves.bury(dead.id());
        let heir = pool.user(&me).unwrap();
        assert_eq!(mine.free(), 4, "cleaned before it is used");
        assert_eq!(seen(&heir.view(ticket).unwrap()), b"x");
        drop((heir, others));
    });
}

#[test]
fn a_loan_that_finds_none_takes_what_the_dead_had() {
    with_each(Config::new(3, 64).receivers(1), |world, segment, pool| {
        let [me, one, two] = [0; 3].map(|_| world.join(segment));
        let tx = pool.user(&me).unwrap();
        let shown = publish(&tx, b"x");
        for dead in [&one, &two] {
            let user = pool.user(dead).unwrap();
            forget(user.view(shown));
            forget(user.loan().unwrap());
            forget(user);
        }
        assert_eq!(tx.loan().unwrap_err(), Refused::NoFrame, "they live");
        world.graves.bury(one.id());
        let loan = tx.loan().unwrap();
        assert_eq!((tx.free(), segment.reaped().frames), (0, 1));
        assert_eq!(tx.loan().unwrap_err(), Refused::NoFrame);
        world.graves.bury(two.id());
        let more = [tx.loan().unwrap(), tx.loan().unwrap()];
        assert_eq!(segment.reaped().frames, 3);
        assert_eq!(tx.loan().unwrap_err(), Refused::NoFrame);
        drop((loan, more));
        assert_eq!(tx.free(), 3);
    });
}

/// What a publisher reserved and died before it stored the word is no reservation of what comes after.
#[test]
fn a_publication_cut_short_reserves_nothing() {
    with_each(Config::new(1, 64).receivers(1), |world, segment, pool| {
        let (me, dead) = (world.join(segment), world.join(segment));
        let rx = pool.receiver(&me, 0).unwrap();
        let user = pool.user(&dead).unwrap();
        let loan = user.loan().unwrap();
        let generation = world.line(segment, 0, 4);
        forget(loan);
        forget(user);
        // The first two stores of `publish_for` are made, the third is not.
        let line = segments::place(segment, "pool") + LINES;
        world.room.set(line + 8, 1);
        world.room.set(line + 12, generation + 1);
        world.graves.bury(dead.id());
        assert_eq!(me.reap(&crate::Silent).unwrap().frames, 1);
        // Whoever guesses its ticket has one view at most.
        let guess = Ticket {
            index: 0,
            generation: generation + 1,
            len: 1,
        };
        let views = [rx.view(guess), rx.take(guess)];
        assert_eq!(views.iter().filter(|view| view.is_ok()).count(), 0);
        drop(views);
        assert_eq!(rx.free(), 1);
    });
}
