//! The role that counts answers: first the tally, then the acknowledgement. It also shows the numbers, and sees that nobody is missing.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use ringpad::os::{Error, NotepadReader, NotepadWriter, OwnedPeer, Receiver, Waiter};

use super::crew::{self, Alive, Crew, LOOK};
use super::screen::{Screen, Sight};
use super::shared::{ANSWERS, Answer, PHASE, Phase, SENT, TALLY};
use super::tally::Tally;
use super::{Board, Failure, stop, system};

/// Without a terminal and a limit, a board ends after so many seconds.
const BRIEF: u32 = 5;
/// Jobs that are not done though nothing has moved for so long are lost.
const LOST: Duration = Duration::from_secs(10);
/// So long the others have to leave.
const LEAVING: Duration = Duration::from_secs(3);
/// Most answers between two looks at the clock.
const BATCH: u32 = 64;

/// Shows the numbers until it is told to stop, or for so long as the options say; then lets the work that is under way be done.
pub fn board(role: &Board) -> Result<ExitCode, Failure> {
    let mut screen = Screen::new()?;
    let brief = if screen.is_live() { 0 } else { BRIEF };
    let most = Some(role.seconds.unwrap_or(brief)).filter(|&seconds| seconds > 0);
    let Some(mut work) = Work::take_over(role, &mut screen)? else {
        return Ok(ExitCode::SUCCESS); // asked to stop before the board was free
    };
    let start = Instant::now();
    let over = || most.is_some_and(|most| start.elapsed().as_secs() >= most.into());
    while !over() && !stop::asked() {
        work.step(&mut screen, true)?;
    }
    let adds_up = work.close(&mut screen)?;
    Ok(if adds_up {
        ExitCode::SUCCESS
    } else {
        system::failed()
    })
}

/// A board at work.
struct Work {
    name: String,
    me: OwnedPeer,
    answers: Receiver<Answer>,
    sent: NotepadReader<u64>,
    /// What the notepad holds: nobody else writes it.
    tally: Tally,
    pad: NotepadWriter<Tally>,
    phase: NotepadWriter<u32>,
    waiter: Waiter,
    crew: Crew,
    alive: Alive,
    /// When something was done last that was not done before, or nothing was to do.
    moved: Instant,
    next_look: Instant,
}

impl Work {
    /// Claims what only one may write; as long as another board lives, waits for its end.
    fn take_over(role: &Board, screen: &mut Screen) -> Result<Option<Self>, Failure> {
        let segment = crew::enter(&role.name)?;
        let before = segment.notepad_reader::<u32>(PHASE)?;
        let mut told = false;
        while !stop::asked() {
            let me = segment.join()?;
            let ends = me.notepad_writer(TALLY);
            match ends.and_then(|pad| Ok((pad, me.notepad_writer(PHASE)?))) {
                Ok((pad, phase)) => return Ok(Some(Self::begin(role, me, pad, phase)?)),
                Err(error) => match crew::holder(&me, &error) {
                    Some(_) if told => {}
                    Some(pid) => screen.note(&format!(
                        "{} has a board, {pid}; waiting for its end",
                        role.name
                    )),
                    None => return Err(error.into()),
                },
            }
            told = true;
            drop(me); // its row is for those who work
            std::thread::sleep(LOOK / 10);
            while !stop::asked() && !before.is_abandoned() {
                std::thread::sleep(LOOK / 10);
            }
        }
        Ok(None)
    }

    fn begin(
        role: &Board,
        me: OwnedPeer,
        mut pad: NotepadWriter<Tally>,
        mut phase: NotepadWriter<u32>,
    ) -> Result<Self, Error> {
        // All that the board before has counted; whatever answer it had in hand comes again.
        let tally = pad.latest().map_or(Tally::default(), |note| note.value);
        pad.write(&tally);
        phase.write(&Phase::Open.word());
        let now = Instant::now();
        Ok(Self {
            name: role.name.clone(),
            answers: me.receiver(ANSWERS)?,
            sent: me.notepad_reader(SENT)?,
            tally,
            pad,
            phase,
            waiter: me.waiter()?,
            crew: Crew::new(role),
            alive: Alive::default(),
            moved: now,
            next_look: now,
            me,
        })
    }

    /// Counts what comes until it is time to look around, and looks around.
    fn step(&mut self, screen: &mut Screen, boss: bool) -> Result<(), Failure> {
        let before = self.tally.done;
        let left = self.next_look.saturating_duration_since(Instant::now());
        let bells = [self.answers.bell()];
        let (answers, tally, pad) = (&mut self.answers, &mut self.tally, &mut self.pad);
        self.waiter.wait(&bells, Some(left), || {
            let mut any = stop::asked().then_some(());
            for _ in 0..BATCH {
                let Some(taken) = answers.try_take() else {
                    break;
                };
                let Answer { number, sum } = *taken.value();
                tally.count(number, sum);
                pad.write(tally);
                taken.acknowledge(); // in this order: if it comes again, the tally knows its number
                any = Some(());
            }
            any
        })?;
        let now = Instant::now();
        if self.tally.done != before || self.under_way() == 0 {
            self.moved = now;
        }
        if now >= self.next_look {
            self.next_look = now + LOOK;
            self.look()?;
            self.crew.tend(&mut self.alive, boss)?;
            screen.draw(&self.sight());
        }
        Ok(())
    }

    /// Gives back what the dead held, and finds out who lives.
    fn look(&mut self) -> Result<(), Failure> {
        let segment = self.me.segment();
        if !segment.dead().is_empty() {
            self.me.reap()?;
        }
        self.alive = Alive::now(segment, self.sent.writer());
        Ok(())
    }

    /// The last job that was surely sent.
    fn sent(&self) -> u64 {
        let noted = (0..8).find_map(|_| self.sent.try_read().ok());
        // A boss that was killed has sent one that it has not noted.
        let noted = noted.flatten().map_or(0, |note| note.value);
        noted.max(self.tally.base)
    }

    fn under_way(&self) -> u64 {
        self.tally.open(self.sent())
    }

    /// Lets no new jobs be sent, waits for the old ones, sends everybody home and reports. Whether it added up.
    fn close(mut self, screen: &mut Screen) -> Result<bool, Failure> {
        self.phase.write(&Phase::Closing.word());
        let since = Instant::now();
        // A boss that lives may be about to note one more; one that is stopped is not waited for.
        while self.under_way() > 0
            || since.elapsed() < LEAVING && (self.alive.boss.is_some() || self.crew.has_boss())
        {
            if self.moved.elapsed() >= LOST {
                break;
            }
            self.next_look = self.next_look.min(Instant::now() + LOOK / 10);
            self.step(screen, false)?;
        }
        self.phase.write(&Phase::Closed.word());
        let since = Instant::now();
        while since.elapsed() < LEAVING && self.alive != Alive::default() {
            std::thread::sleep(LOOK / 10);
            self.look()?;
        }
        self.crew.end();
        self.me.reap()?;
        let lost = self.under_way();
        screen.end(&self.sight());
        Ok(lost == 0 && self.tally.adds_up())
    }

    fn sight(&self) -> Sight<'_> {
        let sent = self.sent();
        let under_way = self.tally.open(sent);
        let lost = if self.moved.elapsed() >= LOST {
            under_way
        } else {
            0
        };
        Sight {
            name: &self.name,
            alive: &self.alive,
            sent,
            under_way,
            lost,
            tally: &self.tally,
            reaped: self.me.segment().reaped(),
        }
    }
}
