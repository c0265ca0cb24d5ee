//! Who is here, who is missing, and when to leave.

use std::collections::BTreeSet;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use ringpad::os::{
    Error, NotepadReader, Options, OwnedBell, OwnedPeer, Result as OsResult, SharedSegment,
};
use ringpad::{Error as RegionError, Life, PeerId};

use super::shared::{PHASE, Phase, plan};
use super::{Board, Failure, stop, system};

/// How often the rarer things are looked at.
pub const LOOK: Duration = Duration::from_millis(100);
/// So long boss and workers go on without a board.
const ALONE: Duration = Duration::from_secs(30);
/// How many workers there are to be.
pub const WORKERS: usize = 2;

/// Opens the segment, or makes it: whoever comes first.
pub fn enter(name: &str) -> Result<SharedSegment, Failure> {
    Ok(SharedSegment::open_or_create(
        name,
        &plan()?,
        &Options::new(),
    )?)
}

/// If the error says that a living process has the end: which one.
pub fn holder(me: &OwnedPeer, error: &Error) -> Option<String> {
    match error.region() {
        Some(RegionError::EndpointTaken { by }) => match me.segment().occupant(*by) {
            Some(holder) => Some(format!("pid {}", holder.pid)),
            None => Some("just leaving".into()),
        },
        Some(RegionError::Busy) => Some("just coming".into()),
        _ => None,
    }
}

/// How long a boss or a worker has to stay.
pub struct Duty {
    phase: NotepadReader<u32>,
    until: Phase,
    /// When there was a board last, and when to look for it next.
    seen: Instant,
    next_look: Instant,
}

impl Duty {
    pub fn begin(me: &OwnedPeer, until: Phase) -> OsResult<Self> {
        let phase = me.notepad_reader(PHASE)?;
        let now = Instant::now();
        Ok(Self {
            phase,
            until,
            seen: now,
            next_look: now,
        })
    }

    /// Rung when the board says something new.
    pub fn bell(&self) -> OwnedBell {
        self.phase.bell()
    }

    pub fn is_over(&mut self) -> bool {
        let now = Instant::now();
        if now >= self.next_look {
            self.next_look = now + LOOK;
            // Asks the system, so not every time.
            if !self.phase.is_abandoned() {
                self.seen = now;
            }
        }
        stop::asked() || self.is_alone() || Phase::of(self.phase.load()) >= self.until
    }

    /// True if there has been no board for so long that none will come.
    pub fn is_alone(&self) -> bool {
        self.seen.elapsed() >= ALONE
    }
}

/// The processes that live: what the board shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Alive {
    pub boss: Option<u32>,
    /// Everybody else but the board.
    pub workers: BTreeSet<u32>,
}

impl Alive {
    pub fn now(segment: &SharedSegment, boss: Option<PeerId>) -> Self {
        let mut alive = Self::default();
        let own = std::process::id();
        for row in (1..=segment.peers()).filter_map(PeerId::new) {
            let Some(peer) = segment.occupant(row).filter(|peer| peer.pid != own) else {
                continue;
            };
            if segment.life(row) == Life::Dead {
                continue;
            }
            if Some(row) == boss {
                alive.boss = Some(peer.pid);
            } else {
                alive.workers.insert(peer.pid);
            }
        }
        alive
    }
}

/// Boss and workers that this board has started.
pub struct Crew {
    name: String,
    rate: String,
    careless: bool,
    boss: Option<Child>,
    workers: Vec<Child>,
}

impl Crew {
    pub fn new(role: &Board) -> Self {
        Self {
            name: role.name.clone(),
            rate: role.rate.to_string(),
            careless: role.careless,
            boss: None,
            workers: Vec::new(),
        }
    }

    /// Starts whoever is missing, whether it was started here or elsewhere; a boss only if there is to be one.
    pub fn tend(&mut self, alive: &mut Alive, boss: bool) -> Result<(), Failure> {
        let mut failed = None;
        let mut lives = |child: &mut Child| match child.try_wait() {
            Ok(None) => true,
            Ok(Some(status)) => {
                // Killed is what they may be.
                failed = failed.or(Some(status).filter(|status| system::gave_up(*status)));
                false
            }
            Err(_) => false,
        };
        self.boss.take_if(|boss| !lives(boss));
        self.workers.retain_mut(&mut lives);
        if let Some(code) = failed.and_then(|status| status.code()) {
            return Err(Failure(format!("a process of the crew ended with {code}")));
        }
        // One that was just started has not joined yet, or not yet claimed what makes it boss.
        if let Some(starting) = &self.boss {
            alive.workers.remove(&starting.id());
        }
        alive.workers.extend(self.workers.iter().map(Child::id));
        if boss && alive.boss.is_none() && self.boss.is_none() {
            self.boss = Some(self.start(["boss", &self.name, "--rate", &self.rate])?);
        }
        for _ in alive.workers.len()..WORKERS {
            let careless = self.careless.then_some("--careless");
            let worker = self.start(["worker", &self.name].into_iter().chain(careless))?;
            alive.workers.insert(worker.id());
            self.workers.push(worker);
        }
        Ok(())
    }

    fn start<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> std::io::Result<Child> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(arguments).arg("--quiet");
        command.stdin(Stdio::null()).stdout(Stdio::null());
        // Out of reach of the terminal's Ctrl-C, which asks the board: they go on as long as there is work.
        system::apart(&mut command).spawn()
    }

    /// Whether a boss that was started here still runs.
    pub fn has_boss(&mut self) -> bool {
        let boss = self.boss.as_mut();
        boss.is_some_and(|boss| matches!(boss.try_wait(), Ok(None)))
    }

    /// Ends those who have not left by themselves: they are stopped, or worse.
    pub fn end(&mut self) {
        for mut child in self.workers.drain(..).chain(self.boss.take()) {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
