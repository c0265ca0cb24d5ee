//! One who collects what the dead left, killed at each system call.

use ringpad::os;

use crate::common::child;
use crate::common::room::Room;
use crate::common::tracer::{BEGIN, END, Points, Sweep, mark};
use crate::{create, leave, works};

/// Collects, and is killed at it.
pub fn collector() {
    let options = Room::parents().options();
    mark(BEGIN);
    let gone = os::collect(&options);
    mark(END);
    panic!("killed at the mark at the latest: {gone:?}");
}

#[test]
fn one_who_collects_killed_at_any_system_call_leaves_nothing_for_good() {
    let room = Room::new("swept-collect");
    let options = room.options();
    let living = create("a", &options).unwrap();
    let mine = room.files();
    let bytes = || std::fs::read(room.file("a.seg")).unwrap();
    let before = bytes();
    let half = "half.0123456789abcdef0123456789abcdef.tmp";
    let make = || {
        leave(&room, "a.b,dead,c");
        std::fs::write(room.file(half), "").unwrap();
        child::command(&room, "collector", &[])
    };
    let tally = Sweep::at(Points::Edges).executed(make, |kill| {
        let left = room.files().len() - mine.len();
        if kill.number % 2 == 1 {
            works(&create("dead", &options).map_err(|error| error.to_string())?);
        }
        let again = os::collect(&options).map_err(|error| error.to_string())?;
        if again.iter().any(|name| name == "a") || room.files() != mine {
            return Err(format!("collected {again:?}, left {:?}", room.files()));
        }
        let third = os::collect(&options).map_err(|error| error.to_string())?;
        if !third.is_empty() || bytes() != before {
            return Err(format!("{third:?} collected again, or the living written"));
        }
        Ok(left)
    });
    let tally = tally.unwrap();
    println!("collecting, by the files left: {tally}");
    // The files of three segments, and the one being made: each removal is a state of its own.
    let all = 3 * crate::FILES + 1;
    assert!(tally.outcomes.keys().copied().eq(0..=all), "{tally}");
    works(&living);
}
