//! Frame pools: a process is killed or stopped in every call of a user, a receiver and whoever cleans up behind them.

use super::drive::Report;
use super::message::name;
use super::plain::sweep;
use super::pools::{self, Pools};
use super::pools_acts::{OPERATIONS, Operation, RECALL_BESIDE_FORGETTING, breaking};
use super::pools_judge::{FATES, Fate, Judge};
use super::stage::{OTHER, SURVIVORS, VICTIM};

fn swept(operation: Operation, fates: &[Fate], keeps: bool) -> Report {
    let (world, mut all, mut way) = (pools::world(), Report::default(), None);
    for &fate in fates {
        let mut judge = Judge::new(operation, fate);
        judge.keeps = keeps;
        all.add(sweep(
            &format!("pool {} {fate:?}", operation.name),
            world,
            &mut way,
            || {
                let mut pools = Pools::new(world);
                (operation.before)(&mut pools);
                pools
            },
            |pools| (operation.act)(pools),
            |pools, tracee, when, faults| judge.judge(pools, tracee, when, faults),
        ));
    }
    all
}

#[test]
fn who_is_killed_at_a_pool_leaves_every_frame_to_the_others() {
    let mut all = Report::default();
    for operation in OPERATIONS {
        let report = swept(operation, &FATES, false);
        assert!(report.points > 0, "it changes something");
        all.add(report);
    }
    all.add(swept(RECALL_BESIDE_FORGETTING, &[Fate::GoesOn], false));
    crate::tell!("TOTAL pools: {all}");
    assert_eq!(all.faults.first(), None);
}

fn control(name: &'static str, before: fn(&mut Pools)) -> Report {
    swept(breaking(name, before), &[Fate::Reaped], false)
}

#[test]
fn control_what_was_never_sent_and_is_not_released_is_stuck() {
    let faults = swept(OPERATIONS[0], &[Fate::Reaped], true).faults;
    assert!(faults.stuck > 0 && faults.torn == 0, "{faults}");
}

#[test]
fn control_a_loan_whose_seat_alone_is_removed_is_stuck() {
    let report = control("control: half a loan is freed", |pools| {
        let before = pools.words();
        pools::doomed_sender(pools, OTHER);
        pools.world.notes.declare_dead(OTHER);
        // Odd, and one seat: as a bare removal of the dead one's bit leaves it.
        let loaned = |word: u64, was: u64| word >> 32 == (was >> 32) + 1 && word >> 32 & 1 == 1;
        pools.break_word(&before, loaned, |word| word >> 32 << 32);
    });
    assert!(report.faults.stuck > 0, "{}", report.faults);
}

#[test]
fn control_a_living_ones_reservation_that_is_freed_is_lost() {
    let report = control("control: of the living", |pools| {
        let before = pools.words();
        assert!(pools.reserves());
        let published = |word: u64, was: u64| word >> 32 == (was >> 32) + 2;
        pools.break_word(&before, published, |word| word >> 32 << 32);
    });
    assert!(report.faults.lost > 0, "{}", report.faults);
}

#[test]
fn control_a_frame_written_while_it_is_looked_at_is_torn() {
    let report = control("control: written while viewed", |pools| {
        let nothing = vec![0; pools.words().len()];
        let first = name(SURVIVORS[0], 1);
        pools.break_word(&nothing, |word, _| word == first, |_| name(VICTIM, 7));
    });
    assert!(
        report.faults.torn > 0 && report.faults.lost == 0,
        "{}",
        report.faults
    );
}
