//! Reapers and joiners killed at each system call, and at scattered instructions.

use std::os::unix::fs::FileExt;

use rustix::process::{Pid, Signal, kill_process};

use crate::common::room::Room;
use crate::common::tracer::{BEGIN, END, Points, Sweep, Tally, mark};
use crate::common::{child, number, until};
use crate::held::{self, Held};
use crate::{Scene, counts};

const REAPS: &str = "reaps";
const JOINS: &str = "joins";
const LEAVES: &str = "leaves";
/// What nobody may do: takes the claim of a living peer away.
const TRAMPLES: &str = "tramples";

/// Ends the holder, then does what its word says between two marks.
pub fn swept() {
    let room = Room::parents();
    let segment = held::open(&room);
    let does = child::word(0);
    let me = (does != JOINS).then(|| segment.join().unwrap());
    // Had they died before, joining would have reaped them.
    let holder = Pid::from_raw(child::numeral(1) as i32).unwrap();
    kill_process(holder, Signal::KILL).unwrap();
    until("the holders are dead", || segment.dead().len() == 2);
    mark(BEGIN);
    let joined = match (&does[..], &me) {
        (REAPS, Some(me)) => me.reap().map(|_| None),
        (JOINS, _) => segment.join().map(Some),
        (TRAMPLES, Some(me)) => {
            let mut entries = segment.entries();
            let entry = entries.find(|entry| &*entry.name == "pad").unwrap();
            let file = std::fs::OpenOptions::new()
                .write(true)
                .open(room.file(&format!("{}.seg", held::NAME)));
            file.unwrap()
                .write_all_at(&[0; 4], entry.offset + 128 * 2)
                .unwrap();
            me.reap().map(|_| None)
        }
        _ => {
            drop(me);
            mark(END);
            unreachable!("killed at the mark");
        }
    };
    mark(END);
    panic!("killed at the mark at the latest: {joined:?}");
}

/// Sweeps a process that `does` this beside what two dead peers held. The next pass finishes it.
fn sweep(does: &str, points: Points) -> Result<Tally<[u32; 5]>, String> {
    let scene = Scene::new(does);
    let all = Held::ALL_BUT_PAD;
    // The living one's, which stays.
    let pad = scene.me.notepad_writer::<u64>("pad").unwrap();
    let mut holder = None;
    let command = || {
        scene.fill();
        let pid = holder.insert(scene.hold(&[all, Held::NOTHING])).pid();
        child::command(&scene.room, "swept", &[&does, &pid])
    };
    let tally = Sweep::at(points).executed(command, |_| {
        let dead = scene.dead();
        let next = scene.me.reap().map_err(|error| error.to_string())?;
        if next.peers != dead {
            return Err(format!("{dead} rows were dead, reaped {next:?}"));
        }
        if scene
            .segment
            .join()
            .and_then(|me| me.notepad_writer::<u64>("pad"))
            .is_ok()
        {
            return Err("the living one's claim was taken away".into());
        }
        scene.whole_but(Some(held::PAD))?;
        Ok(counts(next))
    })?;
    drop(pad);
    scene.fill();
    scene.whole()?;
    println!("{does}: {tally}");
    Ok(tally)
}

/// (d) Nothing is lost wherever a reaper or a joiner dies, and the rows are all there.
#[test]
fn a_reaper_killed_at_any_system_call_is_finished_by_the_next() {
    let mut kills = 0;
    for does in [REAPS, JOINS, LEAVES] {
        let tally = sweep(does, Points::Edges).unwrap();
        assert!(does == LEAVES || tally.outcomes.len() > 1, "{tally}");
        kills += tally.kills;
    }
    println!("{kills} reapers, joiners and leavers killed at system calls");
}

#[test]
fn a_reaper_killed_at_scattered_instructions_is_finished_by_the_next() {
    let kills = number("RINGPAD_REAPER_KILLS", 80);
    for does in [REAPS, JOINS] {
        let reach = 1 << 13;
        let points = Points::Scattered {
            kills: kills / 2,
            reach,
        };
        sweep(does, points).unwrap();
    }
}

#[test]
fn control_a_reaper_that_takes_from_the_living_is_found() {
    let why = sweep(TRAMPLES, Points::Edges).expect_err("it took a living one's claim");
    println!("a reaper that takes from the living is caught: {why}");
    assert!(why.contains("living"), "{why}");
}
