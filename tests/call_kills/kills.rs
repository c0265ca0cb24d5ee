//! Random SIGKILL and SIGSTOP. `RINGPAD_CALL_KILLS` says how often.

use std::time::{Duration, Instant};

use crate::common::{Dice, number};
use crate::house::{EVERYBODY, House};
use crate::ledger::{CLIENTS, SERVERS, Sums};

/// Kills of one segment.
const ROUND: u64 = 100;

/// What came of a house, how often one was stopped, and how long the others took at most to go on.
fn soak(
    mut house: House,
    kills: u64,
    kills_all: bool,
    dice: &mut Dice,
) -> Result<(Sums, u64, Duration), String> {
    let (mut left, mut stops, mut longest) = (kills, 0, house.goes_on(1)?);
    while left > 0 {
        std::thread::sleep(Duration::from_micros(dice.below(3000)));
        let first = dice.below(EVERYBODY as u64) as usize;
        if dice.below(5) == 0 {
            longest = longest.max(house.stop(first, dice)?);
            stops += 1;
            continue;
        }
        let mut victims = vec![first];
        // Now and then one of each side at once.
        if left > 1 && dice.below(3) == 0 {
            victims.push(match first < CLIENTS {
                true => CLIENTS + dice.below(SERVERS as u64) as usize,
                false => dice.below(CLIENTS as u64) as usize,
            });
        }
        left -= victims.len() as u64;
        longest = longest.max(house.kill(&victims)?);
    }
    house.goes_on(1)?;
    Ok((house.settle(kills_all)?, stops, longest))
}

#[test]
fn every_call_ends_whoever_is_killed() {
    let kills = number("RINGPAD_CALL_KILLS", 400);
    let mut dice = Dice::new();
    println!("{kills} kills, seed {}", dice.seed());
    let began = Instant::now();
    let mut done = 0;
    for round in 0.. {
        if done >= kills {
            break;
        }
        let each = ROUND.min(kills - done);
        let (idempotent, kills_all) = (round % 2 == 1, round % 4 > 1);
        let since = Instant::now();
        let house = House::new("calls", idempotent, false);
        let (sums, stops, longest) = soak(house, each, kills_all, &mut dice).unwrap();
        done += each;
        println!(
            "{}: {each} kills, {stops} stops, {sums:?}, others went on within {longest:?}, {:.1} s",
            if idempotent { "again" } else { "once" },
            since.elapsed().as_secs_f64()
        );
        assert!(sums.ready > each && sums.told > 0 && sums.unanswered > 0);
    }
    let took = began.elapsed().as_secs_f64();
    println!("TOTAL {done} kills at calls, no fault, {took:.1} s");
}

#[test]
fn control_a_client_that_says_too_early_what_it_told_loses() {
    let mut dice = Dice::new();
    let why = (0..20)
        .find_map(|_| {
            let house = House::new("calls-hasty", true, true);
            soak(house, 20, true, &mut dice).err()
        })
        .expect("a loss");
    println!("caught: {why}");
    assert!(why.contains("lost"), "{why}");
}
