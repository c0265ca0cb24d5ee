//! Random SIGKILL. `RINGPAD_MPMC_KILLS` says how often.

use std::time::{Duration, Instant};

use ringpad::mpmc::Recovery;

use crate::common::room::Room;
use crate::common::{Dice, number, until};
use crate::ledger::{Allowed, BATCH, Ledger, RECEIVERS, SENDERS, Sums, at};
use crate::message::{message, name};
use crate::pool::{EVERYBODY, Pool};

/// Most kills of one segment.
const ROUND: u64 = 250;

/// So many kills, or as many as the ledger has room for: how many those were, what came of it, and how long the others took at most.
fn killed(mut pool: Pool, kills: u64, dice: &mut Dice) -> Result<(u64, Sums, Duration), String> {
    let (mut left, mut longest) = (kills, Duration::ZERO);
    pool.goes_on(1, &[])?;
    // A machine that is slow to start processes leaves the others much time to send.
    while left > 0 && !pool.ledger.is_full() {
        Pool::pause(dice, 1500);
        let first = dice.below(EVERYBODY as u64) as usize;
        let mut victims = vec![first];
        // Now and then one of each side at once: a sender and two receivers are left at least.
        if left > 1 && dice.below(4) == 0 {
            victims.push(match first < SENDERS {
                true => SENDERS + dice.below(RECEIVERS as u64) as usize,
                false => dice.below(SENDERS as u64) as usize,
            });
        }
        left -= victims.len() as u64;
        longest = longest.max(pool.kill(&victims)?);
    }
    pool.goes_on(1, &[])?;
    Ok((kills - left, pool.settle()?, longest))
}

#[test]
fn kills_lose_tear_and_repeat_nothing() {
    let kills = number("RINGPAD_MPMC_KILLS", 2000);
    let mut dice = Dice::new();
    println!("{kills} kills, seed {}", dice.seed());
    let began = Instant::now();
    let half = kills.div_ceil(2);
    let mut left = [(Recovery::Revoke, half), (Recovery::ProofOnly, half)];
    while left.iter().any(|(_, left)| *left > 0) {
        for (recovery, left) in left.iter_mut().filter(|(_, left)| *left > 0) {
            let since = Instant::now();
            let pool = Pool::new(*recovery, "crowd");
            let (done, sums, longest) = killed(pool, ROUND.min(*left), &mut dice).unwrap();
            *left -= done;
            println!(
                "{recovery:?}: {done} kills, {sums:?}, others went on within {longest:?}, {:.1} s",
                since.elapsed().as_secs_f64()
            );
            assert!(done > 0 && sums.came > done);
        }
    }
    let done = 2 * half;
    println!(
        "TOTAL {done} kills, no fault, {:.1} s",
        began.elapsed().as_secs_f64()
    );
}

#[test]
fn a_full_ledger_ends_a_round_and_is_no_stuck_crowd() {
    let mut dice = Dice::new();
    println!("seed {}", dice.seed());
    for recovery in [Recovery::Revoke, Recovery::ProofOnly] {
        let room = 20_000;
        let pool = Pool::with_room(recovery, "crowd-full", room);
        let (done, sums, _) = killed(pool, 1_000_000, &mut dice).unwrap();
        println!("full after {done} kills: {sums:?}");
        assert!(done < 1_000_000);
        // One of them had no room for another call; nobody went on behind the room there is.
        let full = room - BATCH as u64 + 1..=SENDERS as u64 * room;
        assert!(full.contains(&sums.sent), "{sums:?}");

        let mut pool = Pool::with_room(recovery, "crowd-full", 1_000);
        until("nobody sends", || pool.ledger.is_full_without(&[]));
        pool.kill(&[SENDERS]).unwrap();
        pool.kill(&[0, SENDERS + 1]).unwrap();
        pool.goes_on(1, &[]).unwrap();
        pool.settle().unwrap();
    }
}

#[test]
fn control_a_crowd_that_stands_still_is_stuck() {
    let mut pool = Pool::new(Recovery::Revoke, "crowd-still");
    pool.goes_on(1, &[]).unwrap();
    pool.children[..SENDERS]
        .iter()
        .for_each(|sender| sender.stop());
    let why = pool.kill(&[SENDERS]).expect_err("nobody sends");
    assert!(why.starts_with("stuck after the death of [2]"), "{why}");
}

/// One message of each kind: returned, begun only, held by one who died.
fn doctored(room: &Room) -> (Ledger, Allowed) {
    let (ledger, mut allowed) = (Ledger::create(room), Allowed::default());
    for sender in 0..SENDERS {
        ledger.page.set(at::BEGUN + sender, 10);
        ledger.page.set(at::RETURNED + sender, 9);
        ledger.bury_sender(sender, &mut allowed);
        (2..=9).for_each(|number| ledger.got(&message(sender, number)));
    }
    ledger.page.set(at::CALLING, 1);
    ledger.page.set(at::HOLDING, name(0, 2));
    ledger.bury_receiver(0, &mut allowed);
    (ledger, allowed)
}

#[test]
fn control_the_ledger_takes_what_the_dead_had_and_nothing_else() {
    type Doctor = fn(&Ledger);
    let made = |doctor: Doctor| {
        let room = Room::new("crowd-control");
        let (ledger, allowed) = doctored(&room);
        doctor(&ledger);
        ledger.settle(&allowed)
    };
    let lost = made(|_| ()).expect_err("two are missing, one may be");
    assert!(lost.starts_with("lost"), "{lost}");
    let first = |ledger: &Ledger| ledger.got(&message(1, 1));
    assert!(made(first).is_ok());
    let well: [Doctor; 2] = [
        |ledger| ledger.got(&message(0, 10)), // begun, and committed after all
        |ledger| ledger.got(&message(0, 2)),  // held by one who died
    ];
    for doctor in well {
        let room = Room::new("crowd-control");
        let (ledger, allowed) = doctored(&room);
        first(&ledger);
        doctor(&ledger);
        assert!(ledger.settle(&allowed).is_ok());
    }
    let ill: [(Doctor, &str); 3] = [
        (|ledger| ledger.got(&message(0, 3)), "came again"),
        (|ledger| ledger.got(&message(0, 11)), "never sent"),
        (|ledger| ledger.got(&[7; 4]), "torn"),
    ];
    for (doctor, what) in ill {
        let why = made(doctor).expect_err(what);
        assert!(why.contains(what), "{why}");
    }
}
