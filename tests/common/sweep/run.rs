//! The parent of a sweep: who is killed, when, and what came of it.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::common::child::{self, Child};
use crate::common::page::Page;
use crate::common::room::Room;
use crate::common::{Dice, PATIENCE};

use super::ledger::at;
use super::phases::Phase;

const ROLES: [&str; 2] = ["producer", "consumer"];

/// How the killing moment is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    /// By the parent, at a random instant of streaming.
    Streaming,
    /// By the parent, at a random instant after the start: opening, joining, claiming.
    Starting,
    /// By itself, at a random one of the places between the steps of an operation.
    BetweenSteps,
    /// By the parent, while stopped for a moment of the survivor's streaming.
    Stopped,
    /// Both ends at one random instant.
    Both,
}

/// What a sweep counted.
#[derive(Default)]
pub struct Tally {
    kinds: BTreeMap<(Kind, &'static str), u64>,
    pub kills: u64,
    pub lives: u64,
    pub received: u64,
    pub redelivered: u64,
    pub skipped: u64,
    pub took: Duration,
}

impl Tally {
    pub fn print(&self, phase: Phase) {
        let kinds = self.kinds.iter();
        let kinds = kinds.map(|((kind, role), count)| format!("{kind:?} {role} {count}"));
        println!(
            "{:12} {:4} kills, {:4} producers, {:9} messages, {:4} redelivered, {:3} died in the caller's hands, {:.1} s: {}",
            phase.name(),
            self.kills,
            self.lives,
            self.received,
            self.redelivered,
            self.skipped,
            self.took.as_secs_f64(),
            kinds.collect::<Vec<_>>().join(", ")
        );
    }
}

/// One sweep over one channel.
pub struct Sweep<'a> {
    room: &'a Room,
    page: Page,
    phase: Phase,
    dice: &'a mut Dice,
    ends: [Child; 2],
    /// Where each end's count of units stood when it began.
    began: [u64; 2],
    lives: u64,
    tally: Tally,
}

impl<'a> Sweep<'a> {
    pub fn new(room: &'a Room, phase: Phase, dice: &'a mut Dice) -> Self {
        let page = Page::create(room, &phase.name());
        let ends = [0, 1].map(|role| start(room, phase, role, 0));
        Self {
            room,
            page,
            phase,
            dice,
            ends,
            began: [0; 2],
            lives: 1,
            tally: Tally::default(),
        }
    }

    /// Kills so many, then has the last producer stop and the last consumer drain. The violation, if there was one.
    pub fn run(mut self, kills: u64) -> Result<Tally, String> {
        let start = Instant::now();
        while self.tally.kills < kills {
            let role = self.dice.below(2) as usize;
            let kind = match self.dice.below(8) {
                0 => Kind::Starting,
                1 => Kind::Stopped,
                2 => Kind::Both,
                3..=5 => Kind::BetweenSteps,
                _ => Kind::Streaming,
            };
            self.strike(kind, role)?;
        }
        for role in [0, 1] {
            self.streaming(role)?;
        }
        self.page.set(at::STOP, 1);
        self.ended(0)?;
        self.page.set(at::STOP, 2 + self.lives - 1);
        self.ended(1)?;
        if self.said().is_some() {
            // Found by one that was killed before anybody looked how it ended.
            return Err(self.violation(1));
        }
        let page = &self.page;
        let committed = (0..self.lives as usize).map(|life| page.get(at::COMMITTED + life));
        self.tally.received = committed.sum();
        self.tally.redelivered = page.get(at::REDELIVERED);
        self.tally.skipped = page.get(at::SKIPPED);
        self.tally.lives = self.lives;
        self.tally.took = start.elapsed();
        Ok(self.tally)
    }

    fn strike(&mut self, kind: Kind, role: usize) -> Result<(), String> {
        let mut victims = vec![role];
        match kind {
            Kind::Starting => {
                // A fresh one: the last kill's successor is well past its start.
                self.streaming(role)?;
                self.kill(Kind::Streaming, role)?;
                self.succeed(role);
                self.pause(4000);
            }
            Kind::Streaming | Kind::Stopped => {
                self.streaming(role)?;
                self.pause(1500);
                if kind == Kind::Stopped {
                    self.ends[role].stop();
                    self.pause(500);
                }
            }
            Kind::Both => {
                self.streaming(0)?;
                self.streaming(1)?;
                self.pause(1500);
                victims.push(1 - role);
            }
            Kind::BetweenSteps => {
                self.streaming(role)?;
                self.page.set(at::STEPS[role], 1 + self.dice.below(300));
                let deadline = Instant::now() + PATIENCE;
                while self.ends[role].ended().is_none() {
                    self.alive(1 - role)?;
                    if Instant::now() > deadline {
                        return Err(format!("{}: stuck", ROLES[role]));
                    }
                    std::thread::sleep(Duration::from_micros(50));
                }
                self.page.set(at::STEPS[role], 0);
            }
        }
        // A killed process may die late: the successor then waits for its end.
        for &role in &victims {
            self.kill(kind, role)?;
        }
        for role in victims {
            self.succeed(role);
        }
        Ok(())
    }

    fn kill(&mut self, kind: Kind, role: usize) -> Result<(), String> {
        self.ends[role].kill();
        self.tally.kills += 1;
        *self.tally.kinds.entry((kind, ROLES[role])).or_default() += 1;
        // Half of them are taken over as zombies.
        if self.dice.below(2) == 0 {
            let status = self.ends[role].wait();
            if !child::was_killed(status) {
                return Err(self.violation(role));
            }
        }
        Ok(())
    }

    fn succeed(&mut self, role: usize) {
        if role == 0 {
            self.lives += 1;
        }
        self.began[role] = self.page.get(at::PROGRESS[role]);
        let successor = start(self.room, self.phase, role, self.lives - 1);
        // The dead one is reaped only now.
        drop(std::mem::replace(&mut self.ends[role], successor));
    }

    /// Waits until the end gets something done.
    fn streaming(&mut self, role: usize) -> Result<(), String> {
        let deadline = Instant::now() + PATIENCE;
        while self.page.get(at::PROGRESS[role]) == self.began[role] {
            self.alive(0)?;
            self.alive(1)?;
            if Instant::now() > deadline {
                return Err(format!("{}: no progress", ROLES[role]));
            }
            std::thread::sleep(Duration::from_micros(50));
        }
        Ok(())
    }

    /// Nobody ends before being told or killed, unless it found a violation.
    fn alive(&mut self, role: usize) -> Result<(), String> {
        match self.ends[role].ended() {
            Some(_) => Err(self.violation(role)),
            None => Ok(()),
        }
    }

    fn ended(&mut self, role: usize) -> Result<(), String> {
        let status = self.ends[role].wait();
        if status.success() {
            return Ok(());
        }
        Err(self.violation(role))
    }

    fn violation(&mut self, role: usize) -> String {
        let status = self.ends[role].ended();
        let otherwise = || format!("the {} ended with {status:?}", ROLES[role]);
        self.said().unwrap_or_else(otherwise)
    }

    /// What a consumer wrote down.
    fn said(&self) -> Option<String> {
        std::fs::read_to_string(self.room.path().join("violation")).ok()
    }

    /// A random time, so that the kill falls anywhere.
    fn pause(&mut self, most_us: u64) {
        let until = Instant::now() + Duration::from_micros(self.dice.below(most_us));
        while Instant::now() < until {
            std::thread::yield_now();
        }
    }
}

fn start(room: &Room, phase: Phase, role: usize, life: u64) -> Child {
    let name = phase.name();
    child::spawn(room, ROLES[role], &[&name, &name, &life])
}
