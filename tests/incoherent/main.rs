//! Cores that share memory without coherent caches: every hook is called, and in time.
//!
//! Each kind against a model, in runs of random calls of both ends, on a machine whose lines move when they are told to, and at random
//! besides. The controls: with the hooks of any one site left out, or of some a moment too late, the same runs must fail.

mod machine;
mod rings;

use machine::{Fault, Outcome, Trial};

const ROUNDS: usize = 150;
const SEEDS: u64 = 40;

/// Runs of one kind: all must be right, and show all these sites.
fn all_right(kind: fn(&Trial) -> Outcome, seeds: u64, sites: &[&str]) {
    let mut seen = std::collections::BTreeSet::new();
    for seed in 0..seeds {
        let trial = Trial {
            seed,
            rounds: ROUNDS,
            fault: None,
        };
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
        kind(&Trial {
            seed,
            rounds: ROUNDS,
            fault,
        })
        .err()
        .map(|why| (seed, why))
    });
    let (seed, why) = wrong.unwrap_or_else(|| panic!("nothing missed {fault:?}"));
    println!("{fault:?}: {why} (seed {seed})");
}

fn each_must_fail(kind: fn(&Trial) -> Outcome, sites: &[&'static str]) {
    sites
        .iter()
        .for_each(|site| must_fail(kind, Fault::Dropped(site)));
}

/// Lines of the size of a word, of usual ones, of the longest, and of different ones.
macro_rules! on_all_lines {
    ($($kind:ident)::+, $sites:expr) => {
        all_right($($kind)::+::<32, 32>, SEEDS, $sites);
        all_right($($kind)::+::<4, 4>, SEEDS, $sites);
        all_right($($kind)::+::<128, 64>, SEEDS, $sites);
        all_right($($kind)::+::<4, 128>, SEEDS, $sites);
    };
}

#[test]
fn typed_rings_lose_nothing() {
    on_all_lines!(rings::typed, &rings::SITES);
}

#[test]
fn byte_rings_lose_nothing() {
    on_all_lines!(rings::records, &rings::SITES);
    on_all_lines!(rings::stream, &rings::SITES);
}

#[test]
fn a_ring_needs_each_hook() {
    each_must_fail(rings::typed::<32, 32>, &rings::SITES);
    each_must_fail(rings::typed::<4, 4>, &rings::SITES);
    each_must_fail(rings::records::<32, 32>, &rings::SITES);
    each_must_fail(rings::records::<4, 4>, &rings::SITES);
    each_must_fail(rings::stream::<32, 32>, &rings::SITES);
}

#[test]
fn a_ring_cleans_what_it_announces_first() {
    must_fail(rings::typed::<32, 32>, Fault::Late("clean payload"));
    must_fail(rings::records::<32, 32>, Fault::Late("clean payload"));
    must_fail(rings::stream::<32, 32>, Fault::Late("clean payload"));
}
