//! Random SIGSTOP and SIGCONT: nobody dies, so everything arrives once, whatever the ring takes from the stopped.

use std::time::{Duration, Instant};

use ringpad::mpmc::Recovery;

use crate::common::{Dice, number};
use crate::pool::{EVERYBODY, Pool};

/// So many stops, or as many as the ledger has room for: how many those were.
fn stopped(recovery: Recovery, stops: u64, dice: &mut Dice) -> Result<u64, String> {
    let mut pool = Pool::new(recovery, "crowd-stops");
    let (since, mut longest) = (Instant::now(), Duration::ZERO);
    pool.goes_on(1, &[])?;
    let mut done = 0;
    while done < stops && !pool.ledger.is_full() {
        done += 1;
        Pool::pause(dice, 1500);
        let who = dice.below(EVERYBODY as u64) as usize;
        if pool.children[who].has_stopped() {
            return Err(format!("{who} has stopped before anybody stopped it"));
        }
        pool.children[who].stop();
        if recovery == Recovery::Revoke {
            // More than a lap past it.
            longest = longest.max(pool.goes_on(100, &[who])?);
        } else {
            Pool::pause(dice, 1000);
        }
        pool.children[who].resume();
    }
    pool.goes_on(100, &[])?;
    let sums = pool.settle()?;
    println!(
        "{recovery:?}: {done} stops, {sums:?}, others went on within {longest:?}, {:.1} s",
        since.elapsed().as_secs_f64()
    );
    if (sums.missing, sums.again, sums.limbo) != (0, 0, 0) {
        return Err(format!("{sums:?}"));
    }
    Ok(done)
}

#[test]
fn stops_hold_up_nobody_and_lose_nothing() {
    let stops = number("RINGPAD_MPMC_STOPS", 300);
    let mut dice = Dice::new();
    println!("{stops} stops, seed {}", dice.seed());
    for recovery in [Recovery::Revoke, Recovery::ProofOnly] {
        let mut left = stops;
        while left > 0 {
            let done = stopped(recovery, left, &mut dice).unwrap();
            assert!(done > 0);
            left -= done;
        }
    }
}
