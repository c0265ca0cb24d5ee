//! The parent of the sweep: who is killed, when, and what came of it. Requirements 2, 3, 5, 12 and 29.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use ringpad::os::SharedSegment;

use crate::common::child::{self, Child};
use crate::common::page::Page;
use crate::common::room::Room;
use crate::common::{Dice, PATIENCE, number};

use super::ledger::{Got, Ledger, Rule, at};
use super::phases::{CONTROLS, Kind, PHASES, Phase, plan};
use super::roles::SEGMENT;
use super::value::Said;

/// How the killing moment is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Moment {
    /// At a random instant of writing or reading.
    Streaming,
    /// At a random instant after the start: opening, joining, claiming.
    Starting,
    /// By itself, at a random one of the places between the steps of a write.
    BetweenSteps,
    /// While stopped for a moment of the others' streaming.
    Stopped,
    /// A writer and a reader at one instant.
    Both,
}

#[derive(Default)]
struct Tally {
    moments: BTreeMap<(Moment, &'static str), u64>,
    kills: u64,
    lives: u64,
    /// Longest from a subscriber's death until the publisher was a whole ring further.
    held: Duration,
    took: Duration,
}

struct Sweep<'a> {
    room: &'a Room,
    page: Page,
    phase: Phase,
    dice: &'a mut Dice,
    /// The writer first.
    ends: Vec<Child>,
    began: Vec<u64>,
    tally: Tally,
}

const fn role(index: usize) -> &'static str {
    if index == 0 { "writer" } else { "reader" }
}

impl<'a> Sweep<'a> {
    fn new(room: &'a Room, phase: Phase, dice: &'a mut Dice) -> Self {
        let page = Page::create(room, &phase.name());
        let count = 1 + phase.readers();
        Self {
            room,
            page,
            phase,
            dice,
            ends: (0..count).map(|end| start(room, phase, end, 0)).collect(),
            began: vec![0; count],
            tally: Tally {
                lives: 1,
                ..Tally::default()
            },
        }
    }

    /// Kills so many, then has the last writer stop and the last readers see what is there. The violation, if there was one.
    fn run(mut self, kills: u64) -> Result<(Tally, Page), String> {
        let since = Instant::now();
        while self.tally.kills < kills {
            // Half of the time a writer.
            let reader = 1 + self.dice.below(self.ends.len() as u64 - 1) as usize;
            let victim = if self.dice.below(2) == 0 { 0 } else { reader };
            let moment = match self.dice.below(8) {
                0 => Moment::Starting,
                1 => Moment::Stopped,
                2 => Moment::Both,
                3..=5 if victim == 0 => Moment::BetweenSteps,
                _ => Moment::Streaming,
            };
            self.strike(moment, victim, reader)?;
        }
        for end in 0..self.ends.len() {
            self.streaming(end)?;
        }
        self.page.set(at::STOP, 1);
        self.ended(0)?;
        self.page.set(at::STOP, 2);
        for end in 1..self.ends.len() {
            self.ended(end)?;
        }
        if self.said().is_some() {
            return Err(self.violation(0));
        }
        self.tally.took = since.elapsed();
        Ok((self.tally, self.page))
    }

    fn strike(&mut self, moment: Moment, victim: usize, reader: usize) -> Result<(), String> {
        let mut victims = vec![victim];
        match moment {
            Moment::Starting => {
                self.streaming(victim)?;
                self.kill(Moment::Streaming, victim)?;
                self.succeed(victim)?;
                self.pause(4000);
            }
            Moment::Streaming | Moment::Stopped => {
                self.streaming(victim)?;
                self.pause(1500);
                if moment == Moment::Stopped {
                    self.ends[victim].stop();
                    self.pause(500);
                }
            }
            Moment::Both => {
                victims = vec![0, reader];
                self.streaming(0)?;
                self.streaming(reader)?;
                self.pause(1500);
            }
            Moment::BetweenSteps => {
                self.streaming(0)?;
                self.page.set(1, 1 + self.dice.below(300));
                let deadline = Instant::now() + PATIENCE;
                while self.ends[0].ended().is_none() {
                    (1..self.ends.len()).try_for_each(|end| self.alive(end))?;
                    if Instant::now() > deadline {
                        return Err("the writer is stuck".into());
                    }
                    std::thread::sleep(Duration::from_micros(50));
                }
                self.page.set(1, 0);
            }
        }
        for &victim in &victims {
            self.kill(moment, victim)?;
        }
        if self.phase.kind() == Kind::Sure && victims[0] > 1 {
            self.let_go()?;
        }
        victims.into_iter().try_for_each(|end| self.succeed(end))
    }

    /// After the death of a subscriber alone: the publisher goes on, by more than there are slots.
    fn let_go(&mut self) -> Result<(), String> {
        let (since, from) = (Instant::now(), self.page.get(at::COMMITTED));
        while self.page.get(at::COMMITTED) <= from + self.phase.slots() {
            (0..2).try_for_each(|end| self.alive(end))?;
            if since.elapsed() > PATIENCE / 4 {
                return Err("a dead subscriber holds the publisher".into());
            }
            std::thread::sleep(Duration::from_micros(20));
        }
        self.tally.held = self.tally.held.max(since.elapsed());
        Ok(())
    }

    fn kill(&mut self, moment: Moment, victim: usize) -> Result<(), String> {
        self.ends[victim].kill();
        self.tally.kills += 1;
        *self
            .tally
            .moments
            .entry((moment, role(victim)))
            .or_default() += 1;
        // Half of them are taken over as zombies.
        if self.dice.below(2) == 0 {
            let status = self.ends[victim].wait();
            if !child::was_killed(status) {
                return Err(self.violation(victim));
            }
        }
        Ok(())
    }

    fn succeed(&mut self, victim: usize) -> Result<(), String> {
        if victim == 0 {
            self.tally.lives += 1;
            // Where nothing is claimed nothing else keeps the dying one from what its successor writes down.
            if CONTROLS.contains(&self.phase) && !child::was_killed(self.ends[0].wait()) {
                return Err(self.violation(0));
            }
        }
        self.began[victim] = self.page.get(at::PROGRESS + victim);
        let successor = start(self.room, self.phase, victim, self.tally.lives - 1);
        drop(std::mem::replace(&mut self.ends[victim], successor));
        Ok(())
    }

    /// Waits until the end gets something done.
    fn streaming(&mut self, end: usize) -> Result<(), String> {
        let deadline = Instant::now() + PATIENCE;
        // One that a control has no use for.
        let idle = |end: usize| end == 1 && self.phase.control_without_looker();
        if idle(end) {
            return Ok(());
        }
        while self.page.get(at::PROGRESS + end) == self.began[end] {
            (0..self.ends.len()).try_for_each(|end| self.alive(end))?;
            if Instant::now() > deadline {
                return Err(format!("{} {end}: no progress", role(end)));
            }
            std::thread::sleep(Duration::from_micros(50));
        }
        Ok(())
    }

    /// Nobody ends before being told or killed, unless it found a violation.
    fn alive(&mut self, end: usize) -> Result<(), String> {
        if end == 1 && self.phase.control_without_looker() {
            return Ok(());
        }
        match self.ends[end].ended() {
            Some(_) => Err(self.violation(end)),
            None => Ok(()),
        }
    }

    fn ended(&mut self, end: usize) -> Result<(), String> {
        match self.ends[end].wait().success() {
            true => Ok(()),
            false => Err(self.violation(end)),
        }
    }

    fn violation(&mut self, end: usize) -> String {
        let status = self.ends[end].ended();
        let otherwise = || format!("the {} ended with {status:?}", role(end));
        self.said().unwrap_or_else(otherwise)
    }

    /// What somebody wrote down.
    fn said(&self) -> Option<String> {
        std::fs::read_to_string(self.room.path().join("violation")).ok()
    }

    fn pause(&mut self, most_us: u64) {
        let until = Instant::now() + Duration::from_micros(self.dice.below(most_us));
        while Instant::now() < until {
            std::thread::yield_now();
        }
    }
}

fn start(room: &Room, phase: Phase, end: usize, life: u64) -> Child {
    let name = phase.name();
    match end {
        0 => child::spawn(room, "writer", &[&name, &life]),
        end => child::spawn(room, "reader", &[&name, &life, &(end - 1)]),
    }
}

#[test]
fn kills_lose_tear_and_reorder_nothing() {
    let kills = number("RINGPAD_KILLS", 300);
    let room = Room::new("shouts");
    let plan = plan().unwrap();
    let segment = SharedSegment::open_or_create(SEGMENT, &plan, &room.options()).unwrap();
    let mut dice = Dice::new();
    println!("{kills} kills, seed {}", dice.seed());
    let (mut all, since) = (0, Instant::now());
    for phase in PHASES {
        let each = kills.div_ceil(PHASES.len() as u64);
        let (tally, page) = Sweep::new(&room, phase, &mut dice).run(each).unwrap();
        let count = |word| page.get(word);
        let (written, read) = (count(at::COMMITTED), count(at::READS));
        let moments = tally.moments.iter();
        let moments = moments.map(|((moment, role), count)| format!("{moment:?} {role} {count}"));
        println!(
            "{:9} {:4} kills, {:4} writers, {written:8} written, {read:8} read, lapped {:6}, lost {:8}, let go after {:?}, {:.1} s: {}",
            phase.name(),
            tally.kills,
            tally.lives,
            count(at::LAPPED),
            count(at::LOST),
            tally.held,
            tally.took.as_secs_f64(),
            moments.collect::<Vec<_>>().join(", ")
        );
        assert!(tally.kills >= each && written > tally.kills && read > tally.kills);
        all += tally.kills;
    }
    println!("{all} kills in {:.1?}, no violation", since.elapsed());
    drop(segment);
    assert_eq!(room.files(), [""; 0], "the last one out leaves nothing");
}

#[test]
fn control_broken_slots_are_caught() {
    for phase in CONTROLS {
        let room = Room::new("shouts-control");
        let _slots = Page::create(&room, "broken");
        let mut dice = Dice::new();
        let verdict = Sweep::new(&room, phase, &mut dice).run(500);
        let violation = verdict.err().expect("a violation");
        println!("{phase:?} is caught: {violation}");
    }
}

fn said(life: u32, number: u64) -> Said {
    Said {
        life: Some(life),
        number,
        bits: 64,
    }
}

/// A page of two lives: 1 to 9, and from 10 on, of which `begun` are begun and those before it are committed.
fn two_lives(room: &Room, begun: u64) -> Page {
    let page = Page::create(room, "ledger");
    page.set(at::FIRST, 1);
    page.set(at::FIRST + 1, 10);
    page.set(at::BEGUN, begun);
    page.set(at::COMMITTED, begun - 1);
    page
}

#[test]
fn control_the_ledger_takes_the_latest_and_nothing_else() {
    let room = Room::new("shouts-latest");
    let page = two_lives(&room, 20);
    let rule = Rule::Latest(Some(8));
    let note = |life, number| Got::Note(said(life, number), Some(number as u32));
    let after = |got| Ledger::new(&page, rule, 0).after(19, got);
    assert_eq!(after(note(1, 19)), Ok(true));
    assert_eq!(after(note(1, 20)), Ok(true), "begun, perhaps committed");
    assert!(after(note(1, 18)).is_err(), "older");
    assert!(after(note(1, 21)).is_err(), "never begun");
    assert!(after(note(0, 19)).is_err(), "of a life that had ended");
    assert!(after(note(2, 19)).is_err(), "of a life that never was");
    let other = Got::Note(said(1, 19), Some(20));
    assert!(after(other).is_err(), "another version");
    assert!(after(Got::Nothing).is_err(), "something is there");
    assert!(after(Got::Again).is_err(), "one write laps nobody");
    let again = Ledger::new(&page, rule, 0).after(12, Got::Again);
    assert_eq!(again, Ok(false), "eight do");
    let mut ledger = Ledger::new(&page, rule, 0);
    assert_eq!(ledger.after(10, note(1, 19)), Ok(true));
    assert!(ledger.after(10, note(1, 18)).is_err(), "older than before");
    // A short number is completed from what was committed.
    let short = |number: u64| {
        Got::Note(
            Said {
                life: None,
                number: number & 15,
                bits: 4,
            },
            None,
        )
    };
    let after = |got| Ledger::new(&page, Rule::Latest(None), 0).after(19, got);
    assert_eq!(after(short(20)), Ok(true));
    assert!(after(short(18)).is_err() && after(short(21)).is_err());
}

#[test]
fn control_the_ledger_counts_each_message() {
    let room = Room::new("shouts-each");
    let page = two_lives(&room, 20);
    let mail = |life, number| Got::Mail(said(life, number), number);
    for rule in [Rule::Each(8), Rule::All] {
        let due = |next, got| Ledger::new(&page, rule, next).after(19, got);
        assert_eq!(due(12, mail(1, 12)), Ok(true));
        assert!(due(12, mail(1, 13)).is_err(), "a gap");
        assert!(due(12, mail(1, 11)).is_err(), "one again");
        assert!(due(9, mail(1, 9)).is_err(), "not that life's");
        assert!(due(10, mail(0, 10)).is_err(), "that life ended before it");
        assert!(due(21, mail(1, 21)).is_err(), "never begun");
        assert!(due(12, Got::Mail(said(1, 13), 12)).is_err(), "another");
        assert!(due(19, Got::Nothing).is_err(), "it is committed");
        assert_eq!(due(20, Got::Nothing), Ok(false));
        assert!(due(5, Got::Evicted).is_err() && due(5, Got::Again).is_err());
        let lossy = matches!(rule, Rule::Each(_));
        assert_eq!(due(5, Got::Lapped(9)).is_ok(), lossy);
        assert!(due(13, Got::Lapped(1)).is_err(), "it is still there");
        assert!(due(5, Got::Lapped(16)).is_err(), "more than there were");
        assert!(due(5, Got::Lapped(0)).is_err(), "none");
    }
    let mut ledger = Ledger::new(&page, Rule::Each(8), 5);
    assert_eq!(ledger.after(19, Got::Lapped(9)), Ok(true));
    assert!(
        ledger.after(19, mail(1, 15)).is_err(),
        "the tenth was lost too"
    );
    assert_eq!(ledger.after(19, mail(1, 14)), Ok(true));
    assert!(ledger.finish().is_err(), "there is more");
}
