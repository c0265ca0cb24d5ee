//! Reaping: a process is killed, or stopped, while it gives back what a dead one held; the next reaper finishes.

use ringpad::Silent;
use ringpad::mpmc::Delivery;

use crate::common::tracer::{BEGIN, END, Stop, mark};

use super::drive::Report;
use super::estate::{self, Estate};
use super::heirs::Heirs;
use super::plain::sweep;
use super::stage::{OTHER, VICTIM, World};
use super::trail::Trail;

/// What becomes of the reaper.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// Killed, and known to be dead.
    Killed,
    /// Stopped; another reaps beside it; then it is killed.
    StoppedThenKilled,
    /// Stopped; another reaps beside it; then it goes on.
    GoesOn,
}

/// How the reaper reaps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Right,
    /// Controls, in which it does no more. It frees the row first, as if nobody had lived in it.
    RowFirst,
    /// It frees the lock, and nobody is told.
    WithoutPoison,
    /// It frees what a living one holds.
    OfTheLiving,
}

fn reap(heirs: &Heirs, row: usize, way: Way) {
    let memory = heirs.estate.world.memory;
    let put_back =
        |words: &[(usize, u64)]| words.iter().for_each(|(word, old)| memory.set(*word, *old));
    mark(BEGIN);
    match way {
        Way::Right => {}
        Way::RowFirst => memory.set(row, memory.get(row) & !u64::from(u32::MAX)),
        Way::WithoutPoison => put_back(&heirs.lock),
        Way::OfTheLiving => put_back(&heirs.living),
    }
    if way == Way::Right {
        let _ = heirs.estate.peers[heirs.reaper].reap(&Silent);
    }
    mark(END);
}

fn killed(
    world: World,
    (roles, delivery): Case,
    trails: &mut Trails,
    fate: Fate,
    way: Way,
) -> Report {
    let again = delivery == Delivery::AtLeastOnce;
    let order = if roles.0 < roles.1 {
        "before"
    } else {
        "behind"
    };
    sweep(
        &format!("reap {delivery:?} {order} {fate:?} {way:?}"),
        world,
        &mut trails.reaper,
        || {
            let heirs = Heirs::new(
                Estate::new(world, delivery, false),
                roles,
                &mut trails.sender,
            );
            let row = heirs.estate.row(roles.1);
            (heirs, row)
        },
        |(heirs, row)| reap(heirs, *row, way),
        |(heirs, _), mut tracee, when, faults| {
            let mut rows = 2;
            if fate != Fate::Killed {
                heirs.pass_beside(faults);
            }
            if fate == Fate::GoesOn {
                if !when.returned {
                    assert_eq!(tracee.run(), Stop::Mark(END), "whoever was stopped goes on");
                }
                rows = 1;
            } else {
                world.notes.declare_dead(roles.0);
            }
            tracee.kill();
            heirs.settle(rows, again, faults);
        },
    )
}

/// Who reaps and who is dead, and whether what was taken comes again.
type Case = ((usize, usize), Delivery);

/// The reaper's row comes first, or the dead one's.
const CASES: [Case; 2] = [
    ((VICTIM, OTHER), Delivery::AtLeastOnce),
    ((OTHER, VICTIM), Delivery::AtMostOnce),
];

/// Of the reaper, and of the dead one's last send.
#[derive(Default)]
struct Trails {
    reaper: Option<Trail>,
    sender: Trail,
}

#[test]
fn who_is_killed_or_stopped_reaping_leaves_all_to_the_next() {
    let (mut all, world) = (Report::default(), estate::world());
    for case in CASES {
        let mut trails = Trails::default();
        for fate in [Fate::Killed, Fate::StoppedThenKilled, Fate::GoesOn] {
            all.add(killed(world, case, &mut trails, fate, Way::Right));
        }
    }
    crate::tell!("TOTAL reaping: {all}");
    assert_eq!(all.faults.first(), None);
}

fn control(way: Way) -> Report {
    let trails = &mut Trails::default();
    killed(estate::world(), CASES[0], trails, Fate::Killed, way)
}

#[test]
fn control_a_reaper_that_frees_the_row_first_leaves_ends_to_nobody() {
    let faults = control(Way::RowFirst).faults;
    assert!(faults.stuck > 0, "{faults}");
}

#[test]
fn control_a_reaper_that_poisons_nothing_tells_nobody() {
    let faults = control(Way::WithoutPoison).faults;
    assert!(faults.lost > 0 && faults.stuck == 0, "{faults}");
}

#[test]
fn control_a_reaper_of_the_living_robs() {
    let faults = control(Way::OfTheLiving).faults;
    assert!(
        faults.first().is_some_and(|what| what.contains("robbed")),
        "{faults}"
    );
}
