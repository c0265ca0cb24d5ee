//! A sweep of an operation that has a stage and a judge of its own: one run after the other, killed a point later each time.

use std::time::Instant;

use crate::common::tracer::{BEGIN, END, Stop, Tracee};

use super::drive::Report;
use super::faults::Faults;
use super::stage::World;
use super::trail::{Points, Trail};

/// How far the victim came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct When {
    /// Stopped before its first instruction.
    pub untouched: bool,
    /// Its operation returned.
    pub returned: bool,
}

/// Makes the stage anew, forks what `act` does at it, stops it a point later each time. `judge` kills it, and says what is wrong. The way is walked
/// once, and given back for another sweep of the same.
pub fn sweep<S>(
    name: &str,
    world: World,
    way: &mut Option<Trail>,
    mut begin: impl FnMut() -> S,
    act: impl Fn(&mut S),
    mut judge: impl FnMut(S, Tracee, When, &mut Faults),
) -> Report {
    let (mut report, began) = (Report::default(), Instant::now());
    let mut start = || {
        let mut stage = begin();
        let mut tracee = Tracee::fork(|| act(&mut stage));
        assert_eq!(tracee.run(), Stop::Mark(BEGIN));
        (stage, tracee)
    };
    let trail = way.get_or_insert_with(|| {
        // The stage stays: what it drops would change the region under who is walked.
        let (stage, mut surveyed) = start();
        let trail = Trail::walk(&mut surveyed, world, Points::wanted(), None);
        surveyed.kill();
        drop(stage);
        report.steps = trail.steps;
        trail
    });
    report.points = trail.places.len() as u64;
    for point in 0..=report.points + 1 {
        let (stage, mut tracee) = start();
        let when = When {
            untouched: point == 0,
            returned: point > report.points,
        };
        if when.returned {
            assert_eq!(tracee.run(), Stop::Mark(END));
        } else if point > 0 {
            trail.places[point as usize - 1].reach(&mut tracee, world);
        }
        let mut faults = Faults::default();
        judge(stage, tracee, when, &mut faults);
        report.kills += 1;
        report
            .faults
            .add(faults.at(format_args!("{name}, point {point}")));
    }
    report.took = began.elapsed();
    println!("{name:48} {report}");
    report
}
