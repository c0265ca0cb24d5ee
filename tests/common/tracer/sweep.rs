//! Kill points, one after the other: the operation is run anew for each, killed there, and what it left is checked.

use std::process::Command;
use std::time::Instant;

use super::super::Dice;
use super::tally::{Kill, Place, Tally};
use super::tracee::{Stop, Tracee};
use super::{BEGIN, END, mark};

/// Where to kill. The first three ways also kill before the first instruction; every way kills once after the last.
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
    /// Less than `reach` instructions after an entry or exit of a system call (or the beginning), drawn at random: for
    /// operations that are too long to be surveyed step by step.
    ///
    /// Each edge is as likely, and each doubling of the distance: instructions are not. Those just behind an edge are
    /// drawn far more often than others, those farther behind than `reach` never. Steps go on over later calls.
    Scattered { kills: u64, reach: u64 },
}

/// A sweep over the kill points of an operation.
#[derive(Clone, Copy, Debug)]
pub struct Sweep {
    pub points: Points,
    /// The most steps or edges of one run: an operation that does not end is an error.
    pub most: u64,
}

/// What a first whole run was like: what is drawn from.
enum Survey {
    /// The instructions before, between and after the system calls.
    Instructions { gaps: Vec<u64>, reach: u64 },
    /// How often it entered or left a system call.
    Edges { count: u64, reach: u64 },
}

impl Survey {
    /// A kill point, as a number of edges and of steps from there.
    fn draw(&self, dice: &mut Dice) -> (u64, u64) {
        match self {
            Self::Instructions { gaps, reach } => {
                let mut left = dice.below(reachable(gaps, *reach));
                for (call, gap) in (0..).zip(gaps) {
                    let gap = *gap.min(reach);
                    if left < gap {
                        return (2 * call, left); // in and out of each
                    }
                    left -= gap;
                }
                (0, 0)
            }
            Self::Edges { count, reach } => {
                let edge = dice.below(count + 1);
                let octave = dice.below(reach.ilog2().into());
                (edge, (1 << octave) - 1 + dice.below(1 << octave))
            }
        }
    }
}

/// The instructions that can be drawn.
fn reachable(gaps: &[u64], reach: u64) -> u64 {
    gaps.iter().map(|gap| gap.min(&reach)).sum()
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
                (_, Some(survey)) => {
                    let (edges, steps) = Survey::draw(survey, &mut dice);
                    walk.after(edges, steps)?
                }
                (Points::Random { reach, .. }, None) => {
                    let gaps = walk.survey()?;
                    tally.points = gaps.iter().sum();
                    tally.surveyed = Some((tally.points, reachable(&gaps, reach)));
                    survey = Some(Survey::Instructions { gaps, reach });
                    Place::End
                }
                (Points::Scattered { reach, .. }, None) => {
                    let count = walk.edges()?;
                    tally.points = count;
                    survey = Some(Survey::Edges { count, reach });
                    Place::End
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
                Points::Random { kills, .. } | Points::Scattered { kills, .. } => number >= kills,
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

    fn after(&mut self, edges: u64, steps: u64) -> Result<Place, String> {
        for _ in 0..edges {
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
        Ok(Place::After { edges, steps })
    }

    /// Runs to the end; how often it entered or left a system call.
    fn edges(&mut self) -> Result<u64, String> {
        for count in 0..self.most {
            if !Self::goes_on(self.tracee.edge())? {
                return Ok(count);
            }
        }
        Err("the operation does not end".into())
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
