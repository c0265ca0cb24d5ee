//! Kill points, one after the other: the operation is run anew for each, killed there, and what it left is checked.

use std::process::Command;
use std::time::Instant;

use super::tally::{Kill, Place, Tally};
use super::tracee::{Stop, Tracee};
use super::{BEGIN, END, mark};
use crate::common::Dice;

/// Where to kill. Each way but the last also kills before the first instruction and after the last.
#[derive(Clone, Copy, Debug)]
pub enum Points {
    /// After each instruction that changed what is watched: all that a kill can leave in memory.
    Changes,
    /// After each instruction. Takes steps in the square of their number.
    Instructions,
    /// At each entry and each exit of a system call.
    Edges,
    /// After so many instructions drawn at random.
    ///
    /// The operation is surveyed once, step by step; a kill then runs to the system call before the drawn instruction
    /// and steps from there. Instructions more than `reach` steps behind the last system call (or the beginning) are
    /// never drawn, because stepping that far is too slow; all others alike. How many there are of each the tally
    /// tells. Where runs differ from the surveyed one, so do the odds.
    Random { kills: u64, reach: u64 },
}

/// A sweep over the kill points of an operation.
#[derive(Clone, Copy, Debug)]
pub struct Sweep {
    pub points: Points,
    /// The most steps or edges of one run: an operation that does not end is an error.
    pub most: u64,
}

/// The instructions between the system calls of one run.
struct Survey {
    gaps: Vec<u64>,
    reach: u64,
}

impl Survey {
    /// The instructions that can be drawn.
    fn reachable(&self) -> u64 {
        self.gaps.iter().map(|gap| gap.min(&self.reach)).sum()
    }

    /// The drawn instruction, as a number of system calls and of steps from there.
    fn draw(&self, dice: &mut Dice) -> (u64, u64) {
        let mut left = dice.below(self.reachable());
        for (call, gap) in (0..).zip(&self.gaps) {
            let gap = *gap.min(&self.reach);
            if left < gap {
                return (call, left);
            }
            left -= gap;
        }
        (0, 0)
    }
}

impl Sweep {
    pub fn at(points: Points) -> Self {
        let most = 5_000_000;
        Self { points, most }
    }

    /// Sweeps an operation on memory. `make` gives each run a fresh state, the operation runs on the forked child's copy
    /// of it, `hash` of it is watched, and `check` gets the parent's copy when the child is dead. What child and parent
    /// both see is what `make` mapped shared.
    ///
    /// # Errors
    ///
    /// The first of `check`'s, with the place; an operation that does not reach its end.
    pub fn forked<S, O: Ord>(
        self,
        mut make: impl FnMut() -> S,
        operation: impl Fn(&mut S),
        hash: impl Fn(&S) -> u64,
        check: impl FnMut(S, &Kill) -> Result<O, String>,
    ) -> Result<Tally<O>, String> {
        let start = || {
            let mut state = make();
            let tracee = Tracee::fork(|| {
                mark(BEGIN);
                operation(&mut state);
                mark(END);
            });
            (tracee, state)
        };
        self.drive(start, hash, check)
    }

    /// Sweeps what a process does between its marks [`BEGIN`] and [`END`]. `make` sets up and gives the command.
    /// [`Points::Changes`] sees no changes here.
    ///
    /// # Errors
    ///
    /// As [`Sweep::forked`].
    pub fn executed<O: Ord>(
        self,
        mut make: impl FnMut() -> Command,
        mut check: impl FnMut(&Kill) -> Result<O, String>,
    ) -> Result<Tally<O>, String> {
        let start = || (Tracee::exec(make()), ());
        self.drive(start, |()| 0, |(), kill| check(kill))
    }

    fn drive<S, O: Ord>(
        self,
        mut start: impl FnMut() -> (Tracee, S),
        hash: impl Fn(&S) -> u64,
        mut check: impl FnMut(S, &Kill) -> Result<O, String>,
    ) -> Result<Tally<O>, String> {
        let (mut tally, began, mut dice) = (Tally::new(), Instant::now(), Dice::new());
        let mut survey = None;
        for number in 0.. {
            let (mut tracee, state) = start();
            match tracee.run() {
                Stop::Mark(BEGIN) => {}
                other => return Err(format!("{other:?} before the operation began")),
            }
            let mut walk = Walk {
                tracee: &mut tracee,
                most: self.most,
                steps: &mut tally.steps,
            };
            let place = match (self.points, &survey) {
                (Points::Random { reach, .. }, None) => {
                    let gaps = walk.survey()?;
                    let found = Survey { gaps, reach };
                    tally.points = found.gaps.iter().sum();
                    tally.surveyed = Some((tally.points, found.reachable()));
                    survey = Some(found);
                    Place::End
                }
                (Points::Random { .. }, Some(survey)) => {
                    let (call, steps) = survey.draw(&mut dice);
                    walk.after(call, steps)?
                }
                _ if number == 0 => Place::Begin,
                (Points::Changes, _) => walk.change(number, || hash(&state))?,
                (Points::Instructions, _) => walk.instruction(number)?,
                (Points::Edges, _) => walk.edge(number)?,
            };
            tracee.kill();
            tally.kills += 1;
            let kill = Kill { number, place };
            let outcome = check(state, &kill).map_err(|why| format!("{kill:?}: {why}"))?;
            *tally.outcomes.entry(outcome).or_insert(0) += 1;
            let all = match self.points {
                Points::Random { kills, .. } => number >= kills,
                _ if place == Place::End => {
                    tally.points = number - 1;
                    true
                }
                _ => false,
            };
            if all {
                break;
            }
        }
        tally.took = began.elapsed();
        Ok(tally)
    }
}

/// One run's way to its kill point.
struct Walk<'t> {
    tracee: &'t mut Tracee,
    most: u64,
    steps: &'t mut u64,
}

impl Walk<'_> {
    /// True if the operation goes on, false at its end.
    fn goes_on(stop: Stop) -> Result<bool, String> {
        match stop {
            Stop::Stepped | Stop::Edge(_) => Ok(true),
            Stop::Mark(END) => Ok(false),
            Stop::Late => Err("the operation does not end".into()),
            Stop::Ended(status) => Err(format!("the operation ended with {status}")),
            Stop::Mark(_) => Err(format!("{stop:?} within the operation")),
        }
    }

    fn change(&mut self, number: u64, hash: impl Fn() -> u64) -> Result<Place, String> {
        for _ in 0..number {
            let stop = self.tracee.step_until_change(&hash, self.steps, self.most);
            if !Self::goes_on(stop)? {
                return Ok(Place::End);
            }
        }
        Ok(Place::Change(number))
    }

    fn instruction(&mut self, number: u64) -> Result<Place, String> {
        if number > self.most {
            return Err("the operation does not end".into());
        }
        for _ in 0..number {
            *self.steps += 1;
            if !Self::goes_on(self.tracee.step())? {
                return Ok(Place::End);
            }
        }
        Ok(Place::Instruction(number))
    }

    fn edge(&mut self, index: u64) -> Result<Place, String> {
        if index > self.most {
            return Err("the operation does not end".into());
        }
        let mut place = Place::Begin;
        for index in 1..=index {
            let stop = self.tracee.edge();
            if !Self::goes_on(stop)? {
                return Ok(Place::End);
            }
            if let Stop::Edge(call) = stop {
                place = Place::Edge { index, call };
            }
        }
        Ok(place)
    }

    fn after(&mut self, call: u64, steps: u64) -> Result<Place, String> {
        // In and out of each.
        for _ in 0..2 * call {
            if !Self::goes_on(self.tracee.edge())? {
                return Ok(Place::End);
            }
        }
        for _ in 0..steps {
            *self.steps += 1;
            if !Self::goes_on(self.tracee.step())? {
                return Ok(Place::End);
            }
        }
        Ok(Place::After { call, steps })
    }

    /// Steps to the end; how many instructions before, between and after the system calls.
    fn survey(&mut self) -> Result<Vec<u64>, String> {
        let mut gaps = vec![0];
        for _ in 0..self.most {
            *self.steps += 1;
            let calls = self.tracee.before_call();
            if !Self::goes_on(self.tracee.step())? {
                return Ok(gaps);
            }
            if calls {
                gaps.push(0);
            } else if let Some(gap) = gaps.last_mut() {
                *gap += 1;
            }
        }
        Err("the operation does not end".into())
    }
}
