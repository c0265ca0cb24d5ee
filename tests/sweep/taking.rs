//! Taking ends over: a process is killed while it claims an end, from nobody or from the dead, or while it drops it.

use ringpad::Error;
use ringpad::mpmc::Delivery;

use crate::common::tracer::{BEGIN, END, mark};

use super::drive::Report;
use super::ends::{ENDS, End};
use super::estate::{self, Estate};
use super::faults::Faults;
use super::locks::id;
use super::plain::{When, sweep};
use super::stage::{OTHER, SURVIVORS, VICTIM, World};

/// What the victim is killed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum In {
    /// Claiming what nobody has.
    Claim,
    /// Claiming what a dead one has.
    TakeOver,
    /// Giving it back.
    Drop,
}

fn act(estate: &Estate, end: End, within: In, name: usize) {
    let drops = within == In::Drop;
    if !drops {
        mark(BEGIN);
    }
    let _ = (end.claim)(estate, estate.peers[name], &mut || {
        mark(if drops { BEGIN } else { END });
        drops
    });
    mark(END);
}

/// The victim is dead, which nobody knows yet. Two survivors after one another have the end, and find it whole.
fn judge(estate: &Estate, end: End, within: In, when: When, faults: &mut Faults) {
    let [one, two] = SURVIVORS.map(|who| estate.peers[who]);
    let found = (end.claim)(estate, one, &mut || true);
    let must = when.untouched && within == In::Drop || when.returned && within != In::Drop;
    let may = when.untouched == (within == In::Drop) || !when.untouched && !when.returned;
    match found {
        Ok(()) if must => faults.lost("robbed: its death is unknown".into()),
        Ok(()) => {}
        Err(Error::EndpointTaken { by }) if by == id(VICTIM) && (may || must) => {}
        // All of them are taken, it does not say by whom.
        Err(Error::SubscribersFull { .. }) if may || must => {}
        Err(error) => faults.stuck(format!("nobody has it: {error}")),
    }
    estate.world.notes.declare_dead(VICTIM);
    for peer in [one, two, one] {
        if let Err(what) = (end.uses)(estate, peer) {
            return faults.lost(what);
        }
    }
}

fn report(world: World, end: End, within: In, before: fn(&Estate, bool), name: usize) -> Report {
    sweep(
        &format!("{} {within:?}", end.name),
        world,
        &mut None,
        || {
            let estate = Estate::new(world, Delivery::AtLeastOnce, true);
            before(&estate, within == In::TakeOver);
            if within == In::TakeOver {
                world.notes.declare_dead(OTHER);
            }
            estate
        },
        |estate| act(estate, end, within, name),
        |estate, tracee, when, faults| {
            tracee.kill();
            judge(&estate, end, within, when, faults);
        },
    )
}

#[test]
fn who_is_killed_claiming_or_dropping_an_end_leaves_it_to_the_next() {
    let (world, mut all) = (estate::world(), Report::default());
    for end in ENDS {
        for within in [In::Claim, In::TakeOver, In::Drop] {
            let report = report(world, end, within, end.before, VICTIM);
            assert!(report.points > 0, "it changes something");
            all.add(report);
        }
    }
    crate::tell!("TOTAL ends: {all}");
    assert_eq!(all.faults.first(), None);
}

#[test]
fn control_an_end_claimed_in_the_name_of_the_living_is_nobodys() {
    let world = estate::world();
    for end in [ENDS[0], ENDS[2]] {
        let faults = report(world, end, In::Claim, end.before, SURVIVORS[1]).faults;
        assert!(faults.stuck > 0 && faults.lost > 0, "{faults}");
    }
}

#[test]
fn control_what_the_dead_committed_too_much_is_found() {
    let (world, end) = (estate::world(), ENDS[0]);
    let before: fn(&Estate, bool) = |estate, dead| {
        (ENDS[0].before)(estate, dead);
        estate.world.notes.declare_dead(OTHER);
        let mut tx = estate.spsc.producer(estate.peers[VICTIM]).expect("an end");
        tx.push(super::message::message(OTHER, 7)).expect("room");
    };
    let faults = report(world, end, In::Claim, before, VICTIM).faults;
    assert!(faults.lost > 0, "{faults}");
}
