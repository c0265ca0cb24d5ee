//! Cores that share memory without coherent caches: every hook is called, and in time.
//!
//! Each kind against a model, in runs of random calls of both ends, on a machine whose lines move when they are told to, and at random
//! besides. The controls: with the hooks of any one site left out, or of some a moment too late, the same runs must fail.

mod machine;
mod mailslots;
mod notepads;
mod rings;

use machine::{Fault, Outcome, Trial};
use ringpad::spsc::{Config, Spsc};
use ringpad::{AlignedBytes, CacheMaintenance, Channel, Error, Field, Maintained, PeerId, Region};

const ROUNDS: usize = 100;
const SEEDS: u64 = 10;

/// Runs of one kind: all must be right, and show just these sites, if any are named.
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
    assert!(sites.is_empty() || seen.iter().eq(sites), "{seen:?}");
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

/// Lines of the size of a word, of usual ones, of the longest, and of different ones. Where a slot is no longer than a line, its sites are one.
macro_rules! on_all_lines {
    ($($kind:ident)::+, $sites:expr) => {
        all_right($($kind)::+::<4, 4>, SEEDS, $sites);
        all_right($($kind)::+::<32, 32>, SEEDS, &[]);
        all_right($($kind)::+::<128, 64>, SEEDS, &[]);
        all_right($($kind)::+::<4, 128>, SEEDS, &[]);
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

#[test]
fn notepads_are_never_torn_and_never_late() {
    on_all_lines!(notepads::typed, &notepads::SITES);
    on_all_lines!(notepads::slices, &notepads::SITES);
    on_all_lines!(notepads::words, &notepads::WORD_SITES);
}

#[test]
fn a_notepad_needs_each_hook() {
    each_must_fail(notepads::typed::<4, 4>, &notepads::SITES);
    each_must_fail(notepads::typed::<32, 32>, &notepads::SITES);
    each_must_fail(notepads::slices::<4, 4>, &notepads::SITES);
    each_must_fail(notepads::words::<4, 4>, &notepads::WORD_SITES);
}

#[test]
fn a_notepad_says_that_it_writes_before_it_writes() {
    must_fail(notepads::typed::<4, 4>, Fault::Late("clean open stamp"));
    must_fail(notepads::typed::<4, 4>, Fault::Late("clean closed stamp"));
    must_fail(notepads::typed::<4, 4>, Fault::Late("invalidate words"));
    must_fail(notepads::typed::<4, 4>, Fault::Late("invalidate stamp"));
    must_fail(notepads::words::<4, 4>, Fault::Late("clean value"));
}

#[test]
fn mailslots_lose_nothing_that_they_do_not_count() {
    on_all_lines!(mailslots::typed, &mailslots::SITES);
}

#[test]
fn a_mailslot_needs_each_hook() {
    // Epochs tell of laps that take a minute.
    let sites = mailslots::SITES
        .iter()
        .filter(|site| !site.ends_with("epoch"));
    let sites: Vec<_> = sites.copied().collect();
    assert_eq!(sites.len(), 8);
    each_must_fail(mailslots::typed::<4, 4>, &sites);
}

#[test]
fn a_mailslot_cleans_what_it_announces_first() {
    must_fail(mailslots::typed::<4, 4>, Fault::Late("clean open stamp"));
    must_fail(mailslots::typed::<4, 4>, Fault::Late("clean words"));
    must_fail(mailslots::typed::<4, 4>, Fault::Late("invalidate words"));
    must_fail(
        mailslots::typed::<4, 4>,
        Fault::Late("invalidate stamp again"),
    );
}

#[test]
fn numbers_that_went_around_are_told_by_the_epoch() {
    all_right(mailslots::around::<4, 4>, 1, &[]);
    all_right(mailslots::around::<32, 64>, 1, &[]);
    must_fail(mailslots::around::<4, 4>, Fault::Dropped("clean epoch"));
    must_fail(
        mailslots::around::<4, 4>,
        Fault::Dropped("invalidate epoch"),
    );
}

/// Hooks of a machine whose caches are coherent: nothing is to be done.
#[derive(Debug)]
struct Coherent;

// SAFETY: every core sees every store.
unsafe impl CacheMaintenance for Coherent {
    const LINE: usize = 128;
    unsafe fn clean(&self, _: *const u8, _: usize) {}
    unsafe fn invalidate(&self, _: *const u8, _: usize) {}
}

fn by() -> Maintained<Coherent> {
    // SAFETY: caches are coherent here, and no test below has two ends of one side.
    unsafe { Maintained::new(Coherent) }
}

#[test]
fn compact_channels_are_refused() {
    let compact = Config::new(8).compact();
    let refused = |made: Result<Spsc<'_, u32>, Error>| {
        let (want, found, field) = (128, 16, Field::LineBytes);
        assert_eq!(made.unwrap_err(), Error::Mismatch { field, want, found });
    };
    let mut room = AlignedBytes::<1024>::new();
    refused(by().init(Region::from_mut(room.as_mut()).unwrap(), &compact));
    Spsc::<u32>::init(Region::from_mut(room.as_mut()).unwrap(), &compact).unwrap();
    refused(by().attach(Region::from_mut(room.as_mut()).unwrap()));
    // In the middle of a line, where dropping one would drop a neighbour's.
    let past = by().attach::<Spsc<'_, u32>>(Region::from_mut(&mut room.as_mut()[16..]).unwrap());
    assert_eq!(
        past.unwrap_err(),
        Error::Misaligned {
            want: 128,
            found: 16
        }
    );
}

#[test]
fn nobody_claims_an_end_and_claimed_rings_are_refused() {
    let mut room = AlignedBytes::<1024>::new();
    let region = Region::from_mut(room.as_mut()).unwrap();
    let ring: Spsc<'_, u32> = by().init(region, &Config::new(8)).unwrap();
    let (mut tx, mut rx) = (
        ring.maintained_producer(by()).unwrap(),
        ring.maintained_consumer(by()).unwrap(),
    );
    tx.push(7).unwrap();
    assert_eq!(rx.pop(), Some(7));
    let by_whom = PeerId::STATIC;
    assert_eq!(
        ring.split().unwrap_err(),
        Error::EndpointTaken { by: by_whom }
    );

    let mut room = AlignedBytes::<1024>::new();
    let region = Region::from_mut(room.as_mut()).unwrap();
    let claimed = Spsc::<u32>::init(region, &Config::new(8)).unwrap();
    let refused = claimed.maintained_producer(by()).unwrap_err();
    assert!(
        matches!(
            refused,
            Error::Mismatch {
                field: Field::Claim,
                ..
            }
        ),
        "{refused:?}"
    );
}

/// An end on core 0 leaves something half done; the next one is on core 1, and then core 0's lines reach the memory.
fn moves<C>(
    config: &C::Config,
    sites: machine::Sites,
    first: impl FnOnce(&C, Maintained<machine::Cache<32>>),
    next: impl FnOnce(&C, Maintained<machine::Cache<32>>),
) -> Outcome
where
    C: ringpad::Incoherent<'static>,
{
    let trial = Trial {
        seed: 1,
        rounds: 0,
        fault: None,
    };
    let machine = machine::Machine::new(&trial, [32, 32], sites);
    let made: C = machine
        .hooks::<32>(0)
        .init(machine.region(0), config)
        .unwrap();
    first(&made, machine.hooks(0));
    let attached: C = machine.hooks::<32>(1).attach(machine.region(1)).unwrap();
    next(&attached, machine.hooks(1));
    machine.start();
    machine.write_all_back(0);
    machine.verdict()
}

#[test]
fn an_end_that_moves_leaves_nothing_behind() {
    use ringpad::{bytes, mailslot, notepad};
    type Ring = Spsc<'static, [u32; 8]>;
    type Pad = notepad::Notepad<'static, [u32; 8]>;
    type Slot = mailslot::Mailslot<'static, [u32; 8]>;
    let ring = |forget: bool| {
        moves::<Ring>(
            &Config::new(8),
            rings::sites,
            |made, by| {
                let mut tx = made.maintained_producer(by).unwrap();
                tx.stage([1; 8]).unwrap();
                if forget {
                    std::mem::forget(tx);
                }
            },
            |there, by| {
                let mut tx = there.maintained_producer(by).unwrap();
                assert_eq!(tx.position(), 0);
                tx.push([2; 8]).unwrap();
            },
        )
    };
    assert!(ring(false).is_ok(), "{:?}", ring(false));
    assert!(ring(true).is_err(), "the control: what nobody cleans");

    let lent = |forget: bool| {
        moves::<bytes::Bytes<'static>>(
            &bytes::Config::records(256),
            rings::sites,
            |made, by| {
                let mut tx = made.maintained_producer(by).unwrap();
                tx.grant(100).unwrap().fill(1);
                let mut grant = tx.grant(100).unwrap();
                grant.fill(3);
                grant.commit(8).unwrap();
                if forget {
                    std::mem::forget(tx);
                }
            },
            |there, by| {
                let mut tx = there.maintained_producer(by).unwrap();
                tx.send(&[2; 100]).unwrap();
            },
        )
    };
    assert!(lent(false).is_ok(), "{:?}", lent(false));
    assert!(lent(true).is_err(), "the control");

    let drafted = |forget: bool| {
        moves::<Pad>(
            &notepad::Config::new(),
            notepads::sites,
            |made, by| {
                let mut tx = made.maintained_writer(by).unwrap();
                tx.draft().write_at(0, &[1; 32]).unwrap();
                if forget {
                    std::mem::forget(tx);
                }
            },
            |there, by| _ = there.maintained_writer(by).unwrap().write(&[2; 8]),
        )
    };
    assert!(drafted(false).is_ok(), "{:?}", drafted(false));
    assert!(drafted(true).is_err(), "the control");

    let drafted = |forget: bool| {
        moves::<Slot>(
            &mailslot::Config::new(4),
            mailslots::sites,
            |made, by| {
                let mut tx = made.maintained_publisher(by).unwrap();
                tx.draft().write_at(0, &[1; 32]).unwrap();
                if forget {
                    std::mem::forget(tx);
                }
            },
            |there, by| _ = there.maintained_publisher(by).unwrap().publish(&[2; 8]),
        )
    };
    assert!(drafted(false).is_ok(), "{:?}", drafted(false));
    assert!(drafted(true).is_err(), "the control");
}

/// A consumer is dropped and made again on its core, whose cache has a slot as it was before the item came that now lies there.
#[test]
fn an_end_made_again_drops_what_its_core_had_of_the_items() {
    let again = |fault: Option<Fault>| {
        let trial = Trial {
            seed: 1,
            rounds: 0,
            fault,
        };
        let machine = machine::Machine::new(&trial, [32, 32], rings::sites);
        let [made, there] = machine.channel::<Spsc<'static, [u32; 8]>, 32, 32>(&Config::new(8));
        let mut tx = made.maintained_producer(machine.hooks::<32>(0)).unwrap();
        assert_eq!(tx.push_slice(&[[1; 8], [2; 8]]), 2);
        let mut rx = there.maintained_consumer(machine.hooks::<32>(1)).unwrap();
        assert_eq!(rx.take(), Some([1; 8]));
        drop(rx); // without a word: what it took comes again
        tx.push([3; 8]).unwrap();
        machine.start();
        let mut rx = there.maintained_consumer(machine.hooks::<32>(1)).unwrap();
        for number in 1..=3 {
            let found = rx.pop();
            machine.check(found == Some([number; 8]), || format!("{found:?}"));
        }
        drop(rx);
        machine.verdict()
    };
    assert!(again(None).is_ok(), "{:?}", again(None));
    let spoilt = again(Some(Fault::Dropped("invalidate payload")));
    assert!(spoilt.is_err(), "the control: {spoilt:?}");
}
