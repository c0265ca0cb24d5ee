//! Random SIGKILL and SIGSTOP. `RINGPAD_FRAME_KILLS` says how often.

use std::time::{Duration, Instant};

use crate::cast::{Cast, Roles};
use crate::common::{Dice, number};
use crate::ledger::Sums;

/// Kills of one segment.
const ROUND: u64 = 200;

const CAST: Roles = Roles {
    publishers: 3,
    viewers: 3,
    careless: false,
};

/// One cast's time; what came of it, how often one was stopped, and how long the others took at most to go on. In the end everybody finishes, or is killed at once.
pub fn soak(
    name: &str,
    roles: Roles,
    kills: u64,
    kills_all: bool,
    dice: &mut Dice,
) -> Result<(Sums, u64, Duration), String> {
    let mut cast = Cast::new(name, roles);
    let (mut left, mut stops, mut longest) = (kills, 0, cast.goes_on(1)?);
    let everybody = roles.everybody() as u64;
    while left > 0 {
        std::thread::sleep(Duration::from_micros(dice.below(3000)));
        let first = dice.below(everybody) as usize;
        if dice.below(5) == 0 {
            longest = longest.max(cast.stop(first, dice)?);
            stops += 1;
            continue;
        }
        let mut victims = vec![first];
        // Now and then some at once: of each role one is left at least.
        while left > victims.len() as u64 && dice.below(3) == 0 {
            let next = dice.below(everybody) as usize;
            let role = |who| roles.role(who).0;
            if victims.iter().all(|who| role(*who) != role(next)) {
                victims.push(next);
            }
        }
        left -= victims.len() as u64;
        longest = longest.max(cast.kill(&victims)?);
    }
    cast.goes_on(1)?;
    Ok((cast.settle(kills_all)?, stops, longest))
}

#[test]
fn kills_lose_and_tear_nothing_and_every_frame_comes_free() {
    let kills = number("RINGPAD_FRAME_KILLS", 400);
    let mut dice = Dice::new();
    println!("{kills} kills, seed {}", dice.seed());
    let began = Instant::now();
    let (mut done, mut recalled) = (0, 0);
    while done < kills {
        let each = ROUND.min(kills - done);
        let since = Instant::now();
        let kills_all = done / ROUND % 2 == 1;
        let (sums, stops, longest) = soak("frames", CAST, each, kills_all, &mut dice).unwrap();
        done += each;
        recalled += sums.recalled;
        println!(
            "{each} kills, {stops} stops, {sums:?}, others went on within {longest:?}, {:.1} s",
            since.elapsed().as_secs_f64()
        );
        assert!(sums.viewed > 0 && sums.came > each && sums.stale > 0);
    }
    let took = began.elapsed().as_secs_f64();
    assert!(recalled > 0, "some rings were full");
    println!("TOTAL {done} kills at frame pools, no fault, {took:.1} s");
}

/// What is taken back from it meanwhile is its own until another comes.
#[test]
fn a_receiver_that_does_not_come_stops_no_publisher() {
    let mut cast = Cast::new("frames-without", CAST);
    cast.goes_on(1).unwrap();
    // Every second life of a publisher is bold: then all three are.
    for who in [0, 0, 2, 2] {
        cast.kill(&[who]).unwrap();
    }
    let receiver = CAST.everybody() - 1;
    cast.do_without(receiver, 15_000).unwrap();
    cast.goes_on(1).unwrap();
    let sums = cast.settle(false).unwrap();
    println!("{sums:?}");
    assert!(sums.recalled > 0, "its rings were full");
}

#[test]
fn control_receivers_that_remove_tickets_too_early_lose() {
    let careless = Roles {
        publishers: 2,
        viewers: 2,
        careless: true,
    };
    let mut dice = Dice::new();
    let why = (0..10)
        .find_map(|_| soak("frames-careless", careless, 20, false, &mut dice).err())
        .expect("a loss");
    println!("caught: {why}");
    assert!(why.contains("lost"), "{why}");
}
