//! What a sweep did.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// Where in the operation a process was killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Before its first instruction.
    Begin,
    /// Just after the instruction that made this change, from 1.
    Change(u64),
    /// After so many instructions.
    Instruction(u64),
    /// At this entry or exit of a system call, from 1.
    Edge { index: u64, call: u64 },
    /// So many steps after this entry or exit of a system call, from 1; 0 is the beginning.
    After { edges: u64, steps: u64 },
    /// After its last instruction.
    End,
}

/// One kill.
#[derive(Clone, Copy, Debug)]
pub struct Kill {
    /// Of the sweep, from 0.
    pub number: u64,
    pub place: Place,
}

/// What a sweep did, and how often each outcome was seen.
#[derive(Clone, Debug)]
pub struct Tally<O> {
    pub kills: u64,
    /// Single steps made, over all runs.
    pub steps: u64,
    /// The most changes, instructions or edges of a whole run, whichever the sweep went by.
    pub points: u64,
    /// With [`super::Points::Random`]: instructions of the surveyed run, and those of them that could be chosen.
    pub surveyed: Option<(u64, u64)>,
    pub outcomes: BTreeMap<O, u64>,
    pub took: Duration,
}

impl<O: Ord> Tally<O> {
    pub fn new() -> Self {
        Self {
            kills: 0,
            steps: 0,
            points: 0,
            surveyed: None,
            outcomes: BTreeMap::new(),
            took: Duration::ZERO,
        }
    }

    /// How often this was the outcome.
    pub fn seen(&self, outcome: &O) -> u64 {
        self.outcomes.get(outcome).copied().unwrap_or(0)
    }
}

impl<O: fmt::Debug> fmt::Display for Tally<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kills, steps, .. } = self;
        write!(f, "{kills} kills, {} points, {steps} steps", self.points)?;
        if let Some((all, reachable)) = self.surveyed {
            write!(f, ", drawn from {reachable} of {all} instructions")?;
        }
        write!(f, ", {:.1?}: {:?}", self.took, self.outcomes)
    }
}
