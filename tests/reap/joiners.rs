//! An explicit call, and joiners that were asked for nothing.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use ringpad::Life;

use crate::common::child::{self, thread_is_polling};
use crate::common::{Dice, number, until};
use crate::held::{self, Held};
use crate::{READY, Scene, counts, since};

/// (a) One call gives back exactly what the killed held, and says so; a second finds nothing.
#[test]
fn what_the_killed_held_is_given_back_and_told() {
    let rounds = number("RINGPAD_REAPED", 25);
    let scene = Scene::new("told");
    let mut dice = Dice::new();
    let (mut all, mut kills) = ([0; 5], 0);
    for round in 0..rounds {
        scene.fill();
        let hands = Held::dealt(1 + (round % 4) as usize, &mut dice);
        let (before, holder) = (scene.segment.reaped(), scene.hold(&hands));
        assert!(scene.me.reap().unwrap().is_nothing(), "all live");
        assert_eq!(scene.dead(), 0);
        holder.kill_and_reap();
        assert_eq!(scene.dead(), hands.len() as u32);
        let got = counts(scene.me.reap().unwrap());
        let want = Held::expected(&hands);
        assert_eq!(
            got, want,
            "peers, ends, slots, messages, locks of {hands:?}"
        );
        assert_eq!(since(before, scene.segment.reaped()), want, "as tools read");
        scene.whole().unwrap();
        assert_eq!(since(before, scene.segment.reaped()), want, "and no more");
        (0..5).for_each(|at| all[at] += got[at]);
        kills += hands.len();
    }
    assert_eq!(counts(scene.segment.reaped()), all);
    println!(
        "{kills} peers killed in {rounds} processes; given back: peers, ends, slots, messages, locks {all:?}"
    );
}

/// (b) Nobody calls anything: whoever joins in a dead one's row gives back what all the dead held, and wakes who sleeps for it.
#[test]
fn a_joiner_into_a_full_table_of_the_dead_heals_it() {
    let mut woken = 0;
    for _ in 0..5 {
        let scene = Scene::new("full");
        scene.fill();
        let hands = [Held::ALL, Held::NOTHING, Held::NOTHING, Held::NOTHING];
        let holder = scene.hold(&hands);
        assert!(scene.segment.join().is_err(), "the table is full");
        let mut rx = scene.me.receiver::<u64>(held::RINGS[0]).unwrap();
        // What nobody holds.
        let mut first: Vec<u64> = std::iter::from_fn(|| rx.try_recv()).collect();
        let (tell, told) = mpsc::channel();
        let thread = AtomicU32::new(0);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                thread.store(child::this_thread(), Ordering::Relaxed);
                // Told of deaths, but of nothing by time alone.
                let mut waiter = scene.me.waiter().unwrap().without_tick();
                let bell = [rx.bell()];
                let most = Some(crate::common::PATIENCE);
                let found = waiter.wait(&bell, most, || rx.try_recv()).unwrap();
                tell.send((found, waiter.woken())).unwrap();
            });
            let asleep = || thread_is_polling(thread.load(Ordering::Relaxed));
            until("it sleeps", asleep);
            holder.kill_and_reap();
            until("it sleeps again: a death alone brings no message", asleep);
            assert!(told.try_recv().is_err());
            assert_eq!(scene.dead(), 4);
            let joined = scene.segment.join().unwrap();
            let (found, rung) = told.recv_timeout(Duration::from_secs(20)).unwrap();
            assert!(rung > 0, "no doorbell rang");
            first.push(found.expect("the message of the dead"));
            woken += 1;
            let mut want = Held::expected(&hands);
            want[0] = 1;
            assert_eq!(counts(scene.segment.reaped()), want, "by one joiner");
            assert_eq!(scene.life(joined.id()), Life::Alive);
            let others: Vec<_> = (0..3).map(|_| scene.segment.join().unwrap()).collect();
            want[0] = 4;
            assert_eq!(counts(scene.segment.reaped()), want, "by all four");
            drop((joined, others));
        });
        first.sort_unstable();
        assert_eq!(first, (1..=held::MESSAGES).collect::<Vec<_>>());
        let mut tx = scene.me.sender::<u64>(held::RINGS[0]).unwrap();
        first.iter().for_each(|n| tx.try_send(*n).unwrap());
        scene.whole().unwrap();
    }
    println!("20 dead rows healed by 20 joiners, {woken} of 5 sleepers rung");
}

/// (f) Who is stopped is alive, and keeps all it has.
#[test]
fn a_stopped_peer_is_never_reaped() {
    let scene = Scene::new("stopped");
    scene.fill();
    let hands = [Held::ALL, Held::NOTHING];
    let holder = scene.hold(&hands);
    holder.stop();
    let passes = 300;
    for _ in 0..passes {
        assert!(scene.me.reap().unwrap().is_nothing());
        assert_eq!(scene.dead(), 0);
        // A joiner finds nothing to heal either.
        drop(scene.segment.join().unwrap());
    }
    assert!(scene.segment.reaped().is_nothing());
    assert!(held::take_all(&scene.me, None).is_err(), "it has them");
    holder.resume();
    assert!(scene.me.reap().unwrap().is_nothing());
    // The control: the same pass finds a death.
    holder.kill_and_reap();
    assert_eq!(
        counts(scene.me.reap().unwrap()),
        Held::expected(&hands),
        "after its death"
    );
    scene.whole().unwrap();
    println!("{passes} passes beside two stopped peers gave back nothing; after their death all");
}

/// The control of [`Scene::whole`]: what was not given back, it finds.
#[test]
fn control_what_stays_held_is_found() {
    let scene = Scene::new("control");
    scene.fill();
    let living = scene.hold(&[Held::ALL]);
    let why = scene.whole().expect_err("a row is held");
    println!("a peer that lives on is found: {why}");
    drop(living);
    let scene = Scene::new("control");
    scene.fill();
    scene.kill(&[Held::ALL]);
    let why = scene.whole().expect_err("somebody died");
    println!("what nobody reaped is found: {why}");
    assert!(why.contains("second pass"), "{why}");
    // Slots and messages.
    let scene = Scene::new("control");
    scene.fill();
    let mut rx = scene.me.receiver::<u64>(held::RINGS[0]).unwrap();
    std::mem::forget(rx.try_take());
    let why = scene.whole().expect_err("a message is held");
    println!("a message that stays held is found: {why}");
    assert_eq!(scene.page.get(READY), 0);
}
