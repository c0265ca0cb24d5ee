//! The peer table: a process is killed joining or leaving, others join and leave on, and every row comes free again.
//!
//! Without locks of the system's a row that is not free is somebody's: only the os layer, which has them, heals it
//! (`Segment::join_locked`). So here a dead one's row may stay taken, and costs that one row.

use ringpad::{Identity, Peer, PeerId, Segment};

use crate::common::tracer::{BEGIN, END, Stop, Tracee, mark};

use super::rings::{self, MODES};
use super::stage::World;
use super::trail::{Points, Trail};

const WHO: Identity = Identity {
    pid: 0x1111_2222,
    start: 0x3333_4444_5555_6666,
    space: 0x7777_8888_9999_aaaa,
};
const ROWS: u32 = 8;

fn join(segment: &Segment<'static>, world: &World, pid: u32) -> Option<Peer<'static>> {
    segment.join(&Identity { pid, ..WHO }, world.oracle).ok()
}

type Call = fn(&Segment<'static>, &World);

fn joins(segment: &Segment<'static>, world: &World) {
    mark(BEGIN);
    std::mem::forget(join(segment, world, 7));
    mark(END);
}

fn leaves(segment: &Segment<'static>, world: &World) {
    let peer = join(segment, world, 7);
    mark(BEGIN);
    drop(peer);
    mark(END);
}

/// What is wrong behind the kill, if anything is. One living peer is in row 1.
fn judge(segment: &Segment<'static>, world: &World, living: &Peer<'_>) -> Result<u32, String> {
    let rows = || (1..=ROWS).filter_map(PeerId::new);
    for row in rows() {
        // Either nobody, or all of who it is.
        let wanted = Identity {
            pid: if row == living.id() { 1 } else { 7 },
            ..WHO
        };
        if segment.occupant(row).is_some_and(|found| found != wanted) {
            return Err(format!("torn: {row} is {:?}", segment.occupant(row)));
        }
    }
    if segment.occupant(living.id()).is_none() {
        return Err("lost: who lives is not there".into());
    }
    let mut free = 0;
    for round in 0..3 {
        // All that can be had, and given back.
        let peers: Vec<_> = (0..ROWS).map_while(|_| join(segment, world, 7)).collect();
        let count = peers.len() as u32;
        if round > 0 && count != free {
            return Err(format!("stuck: {count} rows are free, and were {free}"));
        }
        free = count;
        let mut ids: Vec<_> = peers.iter().map(Peer::id).collect();
        ids.dedup();
        if ids.len() as u32 != count || ids.contains(&living.id()) {
            return Err(format!("a row of two: {ids:?}"));
        }
    }
    match ROWS - 1 - free {
        taken @ 0..=1 => Ok(taken),
        taken => Err(format!("stuck: {taken} rows stay taken by one dead")),
    }
}

fn sweep(name: &str, call: Call) -> (u64, u64, Vec<String>) {
    let (world, plan) = (rings::world(), MODES[0].plan());
    let began = std::time::Instant::now();
    let start = || {
        let segment = rings::segment(&world, &plan);
        let living = join(&segment, &world, 1).expect("a row");
        let mut tracee = Tracee::fork(|| call(&segment, &world));
        assert_eq!(tracee.run(), Stop::Mark(BEGIN));
        (segment, living, tracee)
    };
    let (_, living, mut surveyed) = start();
    let trail = Trail::walk(&mut surveyed, world, Points::wanted(), None);
    surveyed.kill();
    drop(living);
    let (mut faults, mut taken) = (Vec::new(), Vec::new());
    let points = trail.places.len();
    for point in 0..=points + 1 {
        let (segment, living, mut tracee) = start();
        match point.checked_sub(1).map(|place| trail.places.get(place)) {
            None => {}
            Some(Some(place)) => place.reach(&mut tracee, world),
            Some(None) => assert_eq!(tracee.run(), Stop::Mark(END)),
        }
        tracee.kill();
        match judge(&segment, &world, &living) {
            Ok(rows) => taken.push(rows),
            Err(what) => faults.push(format!("{name}, point {point}: {what}")),
        }
    }
    let kills = points as u64 + 2;
    let stays = taken.iter().sum::<u32>();
    crate::tell!(
        "table {name:6} {points:4} points, {kills:4} kills, {} faults, {stays} of them left their row taken, {:.2} s",
        faults.len(),
        began.elapsed().as_secs_f64()
    );
    (kills, stays.into(), faults)
}

#[test]
fn who_is_killed_joining_or_leaving_costs_at_most_its_row() {
    let (kills, stays, faults) = sweep("join", joins);
    assert_eq!(faults, [""; 0]);
    // From the first change on the row is its own.
    let all = Points::wanted() == Points::Changes;
    assert!(stays >= 1 && stays < kills && (stays == kills - 1 || !all));
    let (kills, stays, faults) = sweep("leave", leaves);
    assert_eq!(faults, [""; 0]);
    assert!(
        stays >= 1 && stays < kills,
        "until the row is free, and not behind that"
    );
}

#[test]
fn control_a_row_that_is_half_written_is_torn() {
    // As if a row were live before all of who sits in it is written.
    let (world, plan) = (rings::world(), MODES[0].plan());
    let segment = rings::segment(&world, &plan);
    let living = join(&segment, &world, 1).expect("a row");
    let half = segment.join(
        &Identity {
            pid: 7,
            start: 1,
            space: 0,
        },
        world.oracle,
    );
    let found = judge(&segment, &world, &living);
    assert!(found.is_err_and(|what| what.starts_with("torn")));
    drop(half);
    assert_eq!(judge(&segment, &world, &living), Ok(0));
    let two = [(); 2].map(|()| join(&segment, &world, 7));
    assert!(judge(&segment, &world, &living).is_err_and(|what| what.starts_with("stuck")));
    drop(two);
}
