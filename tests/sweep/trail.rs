//! The way of a call through its kill points: stepped through once, then gone to straight.

use std::collections::HashMap;

use crate::common::tracer::{END, Stop, Tracee};

use super::stage::World;

/// Most steps of one call.
const MOST: u64 = 2_000_000;

/// Where to kill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Points {
    /// After each instruction that changed the region.
    Changes,
    /// After each instruction.
    Instructions,
}

impl Points {
    /// `RINGPAD_SWEEP=every` kills at every instruction.
    pub fn wanted() -> Self {
        match std::env::var("RINGPAD_SWEEP").as_deref() {
            Ok("every") => Self::Instructions,
            _ => Self::Changes,
        }
    }
}

/// An instruction, how often it was come to, and what the region then was like.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    at: u64,
    times: u64,
    hash: u64,
}

impl Place {
    /// Goes there. What is done in the same state takes the same way.
    pub fn reach(&self, tracee: &mut Tracee, world: World) {
        assert!(tracee.run_to(self.at, self.times), "it went another way");
        assert_eq!(world.memory.fingerprint(), self.hash, "another state");
    }
}

/// The kill points of one call.
#[derive(Default)]
pub struct Trail {
    pub places: Vec<Place>,
    pub steps: u64,
}

impl Trail {
    /// Steps to the end of a call, or to so many changes.
    pub fn walk(tracee: &mut Tracee, world: World, points: Points, most: Option<u64>) -> Self {
        let mut trail = Self::default();
        let (mut seen, mut before) = (HashMap::new(), world.memory.fingerprint());
        while most.is_none_or(|most| (trail.places.len() as u64) < most) {
            match tracee.step() {
                Stop::Stepped => {}
                Stop::Mark(END) => break,
                other => panic!("{other:?} within the operation"),
            }
            trail.steps += 1;
            assert!(trail.steps < MOST, "the operation does not end");
            let (at, hash) = (tracee.at(), world.memory.fingerprint());
            let times = seen.entry(at).or_insert(0);
            *times += 1;
            if hash != before || points == Points::Instructions {
                let times = *times;
                trail.places.push(Place { at, times, hash });
                before = hash;
            }
        }
        trail
    }

    /// Goes to a change, by steps if it is the first to do so. A call with fewer changes stays where its last one left it.
    pub fn follow(&mut self, tracee: &mut Tracee, world: World, changes: u64) {
        if changes == 0 {
            return;
        }
        match self.places.get(changes as usize - 1) {
            Some(place) => place.reach(tracee, world),
            None => {
                *self = Self::walk(tracee, world, Points::Changes, Some(changes));
                assert_eq!(
                    self.places.len() as u64,
                    changes,
                    "a call with so many changes"
                );
            }
        }
    }
}

/// The ways of those who go a piece first.
#[derive(Default)]
pub struct Trails {
    pub other: Trail,
    pub midway: Trail,
}
