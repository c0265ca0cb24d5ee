//! Generations pass their end.

use super::*;

fn set_generation(room: &Room, frame: usize, generation: u32) {
    room.set(LINES + 128 * frame + 4, generation);
}

#[test]
fn a_frame_is_used_past_its_last_generation() {
    with_bare(&Config::new(1, 64).receivers(1), |room, pool| {
        let (tx, rx) = (pool.bare_user().unwrap(), pool.bare_receiver(0).unwrap());
        let mut seen_generations = Vec::new();
        set_generation(room, 0, u32::MAX - 5);
        for n in 0..6u8 {
            let ticket = publish_for(&tx, &[n], Receivers::one(0));
            seen_generations.push(ticket.generation);
            let view = rx.take(ticket).unwrap();
            assert_eq!(tx.loan().unwrap_err(), Refused::NoFrame);
            assert_eq!((seen(&view), view.ticket()), (vec![n], ticket));
            drop(view);
            let guest = tx.view(ticket).unwrap();
            assert_eq!(rx.take(ticket).unwrap_err(), Refused::NotReserved);
            drop(guest);
        }
        let last = u32::MAX - 1;
        assert_eq!(seen_generations, [last - 2, last, 0, 2, 4, 6]);
        for generation in seen_generations.into_iter().take(5) {
            let ticket = Ticket {
                index: 0,
                generation,
                len: 1,
            };
            assert_eq!(tx.view(ticket).unwrap_err(), Refused::Stale);
        }
    });
}

#[test]
fn a_loan_of_the_dead_ends_past_the_last_generation() {
    with_each(Config::new(1, 64).receivers(1), |world, segment, pool| {
        let begin = segments::place(segment, "pool");
        let (me, dead) = (world.join(segment), world.join(segment));
        world.room.set(begin + LINES + 4, u32::MAX - 1);
        let (tx, theirs) = (pool.user(&me).unwrap(), pool.user(&dead).unwrap());
        forget(theirs.loan().unwrap());
        forget(theirs);
        assert_eq!(world.line(segment, 0, 4), u32::MAX);
        world.graves.bury(dead.id());
        drop(tx.loan().unwrap());
        assert_eq!(world.line(segment, 0, 0), 0, "no pin was made of the carry");
        assert_eq!(world.line(segment, 0, 4) % 2, 0);
        let rx = pool.receiver(&me, 0).unwrap();
        let ticket = publish_for(&tx, b"x", Receivers::one(0));
        assert!(ticket.generation < 100);
        assert_eq!(seen(&rx.take(ticket).unwrap()), b"x");
    });
}

/// The hint of where to look next is a hint, whatever it says.
#[test]
fn a_hint_from_nowhere_changes_nothing() {
    with_bare(&Config::new(3, 64), |room, pool| {
        let tx = pool.bare_user().unwrap();
        for hint in [2, 3, 4, 1 << 31, u32::MAX] {
            room.set(NEXT, hint);
            let loans = [(); 3].map(|()| tx.loan().unwrap());
            assert_eq!(tx.loan().unwrap_err(), Refused::NoFrame);
            drop(loans);
        }
    });
}

/// What was reserved by a publication that was cut short is not reserved a lap of generations later either: a view has its bit alone.
#[test]
fn a_publication_cut_short_reserves_nothing_a_lap_later() {
    with_each(Config::new(1, 64).receivers(1), |world, segment, pool| {
        let (me, dead) = (world.join(segment), world.join(segment));
        let (tx, rx) = (pool.user(&me).unwrap(), pool.receiver(&me, 0).unwrap());
        let user = pool.user(&dead).unwrap();
        forget(user.loan().unwrap());
        forget(user);
        let (line, loaned) = (
            segments::place(segment, "pool") + LINES,
            world.line(segment, 0, 4),
        );
        // The first store of `publish_for` is made, the others are not.
        world.room.set(line + 8, 1);
        world.room.set(line + 12, loaned + 1);
        world.graves.bury(dead.id());
        assert_eq!(me.reap(&crate::Silent).unwrap().frames, 1);
        // 2^31 publications for nobody later.
        world.room.set(line + 4, loaned - 1);
        let ticket = publish(&tx, b"x");
        assert_eq!(ticket.generation, loaned + 1);
        let view = rx.view(ticket).unwrap();
        assert_eq!(rx.take(ticket).unwrap_err(), Refused::AlreadyViewed);
        assert_eq!(tx.loan().unwrap_err(), Refused::NoFrame);
        drop(view);
        assert_eq!(tx.free(), 1);
    });
}

/// Which free frame a loan takes: the next one round, which need not be the oldest, and is the newest last.
#[test]
fn a_loan_takes_the_next_frame_round_and_the_newest_last() {
    with_bare(&Config::new(3, 64), |_, pool| {
        let (tx, rx) = (pool.bare_user().unwrap(), pool.bare_user().unwrap());
        let oldest = rx.view(publish(&tx, b"0")).unwrap();
        let tickets: Vec<_> = [b"1", b"2", b"3"].map(|n| publish(&tx, n)).into();
        assert_eq!(
            tickets.iter().map(|t| t.index).collect::<Vec<_>>(),
            [1, 2, 1]
        );
        drop(oldest);
        let loans = [(); 3].map(|()| tx.loan().unwrap());
        let order = loans.map(|loan| loan.publish(0).unwrap().index);
        assert_eq!(order, [2, 0, 1]);
    });
}
