//! Locks: a process is killed locking, taking over from the dead, setting, marking and unlocking.

use crate::common::tracer::{BEGIN, END, mark};

use super::drive::Report;
use super::locks::{self, Hold, Locks, Seen, Start, Step};
use super::message::Message;
use super::plain::sweep;
use super::robust::{self, Flaw};
use super::stage::{VICTIM, World};

const STARTS: [Start; 3] = [Start::Free, Start::Dead, Start::Poisoned];

/// What the victim does, with the marks around the step in which it is killed.
fn act<L: Locks>(key: &mut L, step: Step) {
    let begins = |this| {
        if step == this || step == Step::All && this == Step::Lock {
            mark(BEGIN);
        }
    };
    begins(Step::Lock);
    key.visit(&mut |held: &mut dyn Hold| {
        let ends = |this| {
            if step == this {
                mark(END);
            }
        };
        ends(Step::Lock);
        begins(Step::Set);
        held.set(&locks::new());
        ends(Step::Set);
        begins(Step::Mark);
        if step != Step::Unlock(false) {
            held.mark_consistent();
        }
        ends(Step::Mark);
        begins(Step::Unlock(true));
        begins(Step::Unlock(false));
    });
    mark(END);
}

fn all<L: Locks>(
    name: &str,
    world: World,
    starts: &[Start],
    begin: impl Fn(&World) -> Vec<L>,
) -> Report {
    let mut all = Report::default();
    for &start in starts {
        let unlocks = [Step::Unlock(true), Step::Unlock(false)];
        for step in [Step::Lock, Step::Set, Step::Mark, Step::All]
            .into_iter()
            .chain(unlocks)
        {
            // Without a value, or without poison, nothing changes.
            let sets = L::HAS_VALUE || step != Step::Set;
            if !sets || start == Start::Free && matches!(step, Step::Mark | Step::Unlock(true)) {
                continue;
            }
            let mut seen = Seen::default();
            all.add(sweep(
                &format!("{name} {start:?} {step:?}"),
                world,
                &mut None,
                || {
                    let mut keys = begin(&world);
                    locks::prepare(&mut keys, &world, start);
                    keys
                },
                |keys| act(&mut keys[VICTIM], step),
                |mut keys, tracee, when, faults| {
                    tracee.kill();
                    locks::judge(&mut keys, &world, (start, step), when, &mut seen, faults);
                },
            ));
        }
    }
    crate::tell!("TOTAL {name}: {all}");
    all
}

#[test]
fn who_is_killed_with_a_lock_leaves_it_to_the_next() {
    let world = locks::world();
    let mut both = all("lock", world, &STARTS, locks::begin::<()>);
    both.add(all("locked value", world, &STARTS, locks::begin::<Message>));
    assert_eq!(both.faults.first(), None);
    // Nothing to lose: at least each of lock, set and unlock changed the region somewhere.
    assert!(both.points > 40, "{both}");
}

/// What the judge says of a lock that is broken so.
fn control(flaw: Flaw) -> Report {
    let world = locks::world();
    let name = format!("control {flaw:?}");
    all(&name, world, &[Start::Free], |world| {
        robust::begin(world, flaw)
    })
}

#[test]
fn control_a_poison_that_is_forgotten_is_lost() {
    let faults = control(Flaw::ForgetsPoison).faults;
    assert!(
        faults.lost > 0 && faults.torn == 0 && faults.stuck == 0,
        "{faults}"
    );
}

#[test]
fn control_a_value_written_in_place_is_torn() {
    let faults = control(Flaw::WritesInPlace).faults;
    assert!(faults.torn > 0 && faults.stuck == 0, "{faults}");
}

#[test]
fn control_a_lock_that_dies_with_its_holder_is_stuck() {
    let faults = control(Flaw::Waits).faults;
    assert!(faults.stuck > 0 && faults.torn == 0, "{faults}");
}

#[test]
fn control_a_lock_taken_from_the_living_is_robbed() {
    let faults = control(Flaw::Robs).faults;
    assert!(faults.lost > 0 && faults.stuck == 0, "{faults}");
    assert!(faults.first().is_some_and(|what| what.contains("robbed")));
}
