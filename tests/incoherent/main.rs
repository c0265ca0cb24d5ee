//! Cores that share memory without coherent caches: every hook is called, and in time.
//!
//! Each kind against a model, in runs of random calls of both ends, on a machine whose lines move when they are told to, and at random
//! besides. The controls: with the hooks of any one site left out, or of some a moment too late, the same runs must fail.

mod machine;
mod rings;

use machine::{Fault, Outcome, Trial};

const ROUNDS: usize = 150;

/// Runs of one kind: all must be right, and show all these sites.
fn all_right(kind: fn(&Trial) -> Outcome, seeds: u64, sites: &[&str]) {
    let mut seen = std::collections::BTreeSet::new();
    for seed in 0..seeds {
        let trial = Trial { seed, rounds: ROUNDS, fault: None };
        match kind(&trial) {
            Ok(sites) => seen.extend(sites),
            Err(wrong) => panic!("{wrong} ({trial:?})"),
        }
    }
    assert!(seen.iter().eq(sites), "{seen:?}");
}

/// With this fault some run must go wrong, soon.
fn must_fail(kind: fn(&Trial) -> Outcome, fault: Fault) {
    let wrong = (0..400).find_map(|seed| {
        let fault = Some(fault);
        kind(&Trial { seed, rounds: ROUNDS, fault }).err().map(|why| (seed, why))
    });
    let (seed, why) = wrong.unwrap_or_else(|| panic!("nothing missed {fault:?}"));
    println!("{fault:?}: {why} (seed {seed})");
}

fn each_must_fail(kind: fn(&Trial) -> Outcome, sites: &[&'static str]) {
    sites.iter().for_each(|site| must_fail(kind, Fault::Dropped(site)));
}

#[test]
fn typed_rings_lose_nothing() {
    all_right(rings::typed::<32, 32>, 60, &rings::SITES);
    all_right(rings::typed::<4, 4>, 30, &rings::SITES);
    all_right(rings::typed::<128, 64>, 30, &rings::SITES);
    all_right(rings::typed::<4, 128>, 30, &rings::SITES);
}

#[test]
fn a_typed_ring_needs_each_hook() {
    each_must_fail(rings::typed::<32, 32>, &rings::SITES);
    each_must_fail(rings::typed::<4, 4>, &rings::SITES);
    must_fail(rings::typed::<32, 32>, Fault::Late("clean payload"));
}
