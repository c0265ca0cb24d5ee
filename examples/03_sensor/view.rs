//! The half that looks: it reads the latest values when it likes, and asks the system whether their writer lives.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use ringpad::notepad::Missed;
use ringpad::os::{Error, NotepadReader, Options, SharedSegment};
use ringpad::{Life, PeerId};
use serde_json::Value;

use super::counts::Counts;
use super::notes::{self, Reading, STATUS_BYTES, State, monotonic_ns};
use super::screen::Screen;
use super::{Failure, Looks, View, stop, system};

/// How often the view asks who writes, and draws. Reading is as good as free, asking is not: it makes system calls.
const LOOK: Duration = Duration::from_millis(50);
/// Without a terminal and a limit, a view ends after so many seconds.
const BRIEF: u32 = 3;

/// Views until it is told to stop, or for so long as the options say.
pub fn view(half: &View) -> Result<ExitCode, Failure> {
    watch(&half.name, &half.looks, true, || Ok(()))
}

/// Views a sensor, and calls `tend` at every look. Is the time up before there is a sensor, that is an error if it
/// `may_lack` one; one that was just started comes.
pub fn watch(
    name: &str,
    looks: &Looks,
    may_lack: bool,
    mut tend: impl FnMut() -> Result<(), Failure>,
) -> Result<ExitCode, Failure> {
    let mut screen = Screen::new(looks.json);
    let brief = if screen.is_live() { 0 } else { BRIEF };
    let most = Some(looks.seconds.unwrap_or(brief)).filter(|&seconds| seconds > 0);
    let most = most.map(|seconds| Duration::from_secs(seconds.into()));
    let Some((segment, awaited)) = find(name, most.filter(|_| may_lack), &mut screen, &mut tend)?
    else {
        return Ok(system::failed()); // asked to stop before there was anything to see
    };
    let mut watch = Watch::open(name, segment, awaited)?;
    let start = Instant::now();
    let (mut next, mut next_look) = (start, start);
    loop {
        let now = Instant::now();
        let over = most.is_some_and(|most| now - start >= most);
        if over || stop::asked() {
            break;
        }
        watch.read()?;
        if now >= next_look {
            tend()?;
            watch.look(&mut screen)?;
            next_look = now + LOOK;
        }
        next += looks.reads.step();
        match next.checked_duration_since(now) {
            Some(left) => std::thread::sleep(left),
            None => next = now,
        }
    }
    watch.look(&mut screen)?;
    drop(screen);
    let counts = &watch.counts;
    let seconds = start.elapsed().as_secs_f64();
    if looks.json {
        println!("{}", counts.to_json(name, seconds));
    } else {
        println!("{}", counts.to_text(name, seconds));
    }
    Ok(if counts.reads > 0 && counts.torn == 0 {
        ExitCode::SUCCESS
    } else {
        system::failed()
    })
}

/// The segment, as soon as a sensor has made it, and whether it was said that this takes a while; `None` if asked to stop before.
fn find(
    name: &str,
    most: Option<Duration>,
    screen: &mut Screen,
    tend: &mut impl FnMut() -> Result<(), Failure>,
) -> Result<Option<(SharedSegment, bool)>, Failure> {
    let start = Instant::now();
    let mut told = false;
    while !stop::asked() {
        tend()?;
        match SharedSegment::open_read_only(name, &Options::new()) {
            Err(error @ Error::NoSegment { .. }) => {
                if most.is_some_and(|most| start.elapsed() >= most) {
                    return Err(error.into());
                }
                // A sensor that was just started needs a moment: that is not worth a word.
                if !told && start.elapsed() > 4 * LOOK {
                    screen.note(&format!(
                        "{error}; waiting for a sensor: 03_sensor sensor {name}"
                    ));
                    told = true;
                }
                std::thread::sleep(LOOK / 5);
            }
            other => return Ok(Some((other?, told))),
        }
    }
    Ok(None)
}

/// Who holds the writer's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    Nobody,
    Alive { peer: PeerId, pid: u32 },
    Dead { peer: PeerId, pid: u32 },
}

/// What one look showed, for the screen.
pub struct Sight<'a> {
    pub name: &'a str,
    pub who: Who,
    pub last: Option<Reading>,
    pub state: &'static str,
    pub status: &'a str,
    pub counts: &'a Counts,
}

/// A view at work.
struct Watch<'a> {
    name: &'a str,
    /// It said that it waits for a sensor.
    awaited: bool,
    segment: SharedSegment,
    reading: NotepadReader<Reading, SharedSegment>,
    status: NotepadReader<[u8], SharedSegment>,
    state: NotepadReader<u32, SharedSegment>,
    /// The last status that could be read.
    text: String,
    last: Option<Reading>,
    who: Who,
    /// What the last one to die wrote last.
    died_at: Option<u64>,
    counts: Counts,
}

impl<'a> Watch<'a> {
    fn open(name: &'a str, segment: SharedSegment, awaited: bool) -> Result<Self, Failure> {
        let found: Vec<String> = segment
            .entries()
            .map(|entry| entry.name.to_string())
            .collect();
        let found = found.join(", ");
        let differs = |error| Failure(format!("{name:?} is no sensor's: {error}; it has {found}"));
        let this = Self {
            name,
            awaited,
            // These name the notepad that is missing or of another kind or size ...
            reading: segment.notepad_reader(notes::READING).map_err(differs)?,
            status: segment.notepad_reader(notes::STATUS).map_err(differs)?,
            state: segment.notepad_reader(notes::STATE).map_err(differs)?,
            text: String::new(),
            last: None,
            who: Who::Nobody,
            died_at: None,
            counts: Counts::new()?,
            segment,
        };
        // ... and this compares the type tags: 40 bytes of something else are not a reading.
        this.segment.check(&notes::plan()?).map_err(differs)?;
        Ok(this)
    }

    /// Reads the latest reading once. No system call, no store to the memory, whatever the sensor does meanwhile.
    fn read(&mut self) -> Result<(), Failure> {
        let note = match self.reading.try_read() {
            Ok(Some(note)) => note,
            Ok(None) => return Ok(()), // nobody has written yet
            Err(Missed::Lapped) => {
                self.counts.lapped += 1;
                return Ok(());
            }
            Err(other) => return Err(other.into()),
        };
        let counts = &mut self.counts;
        counts.reads += 1;
        if !note.value.is_whole() {
            counts.torn += 1;
            return Ok(());
        }
        let before = self.last.replace(note.value).map_or(0, |last| last.number);
        if before == note.value.number {
            return Ok(());
        }
        counts.fresh += 1;
        // What was written before this view came does not count.
        let first = counts.fresh == 1;
        counts.writes += if first {
            1
        } else {
            note.value.number.saturating_sub(before)
        };
        let age = monotonic_ns().saturating_sub(note.value.at_ns);
        if !first {
            counts.age.saturating_record(age);
        }
        Ok(())
    }

    /// Finds out who writes, says what changed, and draws.
    fn look(&mut self, screen: &mut Screen) -> Result<(), Failure> {
        let who = self.who_writes();
        if let Some(text) = self.tell(who) {
            screen.note(&text);
        }
        self.who = who;
        let mut status = [0; STATUS_BYTES];
        match self.status.try_read_into(&mut status) {
            Ok(Some(note)) => self.text = describe(&status[..note.value]),
            Ok(None) | Err(Missed::Lapped) => {} // the one before will do
            Err(other) => return Err(other.into()),
        }
        let state = State::of(self.state.load());
        screen.draw(&Sight {
            name: self.name,
            who,
            last: self.last,
            state: state.map_or("a word that no sensor writes", State::name),
            status: &self.text,
            counts: &self.counts,
        });
        Ok(())
    }

    fn who_writes(&self) -> Who {
        let Some(peer) = self.reading.writer() else {
            return match self.who {
                // What it held was given back, and nobody wrote since: its successor may have its row and not yet its end.
                dead @ Who::Dead { .. } if self.last.map(|last| last.number) == self.died_at => {
                    dead
                }
                _ => Who::Nobody,
            };
        };
        let Some(holder) = self.segment.occupant(peer) else {
            return self.who; // it leaves, or another takes its row, just now: the next look will show
        };
        let pid = holder.pid;
        match self.segment.life(peer) {
            Life::Dead => Who::Dead { peer, pid },
            // What is not proven counts as alive everywhere.
            _ => Who::Alive { peer, pid },
        }
    }

    /// What there is to say if now `who` writes.
    fn tell(&mut self, who: Who) -> Option<String> {
        if who == self.who {
            return None;
        }
        let number = self.last.map_or(0, |last| last.number);
        match (self.who, who) {
            (Who::Dead { pid: old, .. } | Who::Alive { pid: old, .. }, Who::Alive { pid, .. }) => {
                self.counts.sensors += 1;
                Some(format!(
                    "sensor {pid} took over from {old} and is at number {number}"
                ))
            }
            (Who::Nobody, Who::Alive { pid, .. }) => {
                self.counts.sensors += 1;
                // One that was here before the view is no news.
                let news = self.awaited || self.counts.sensors > 1;
                news.then(|| format!("sensor {pid} writes"))
            }
            (_, Who::Dead { pid, .. }) => {
                self.counts.deaths += 1;
                self.died_at = self.last.map(|last| last.number);
                Some(format!(
                    "sensor {pid} is dead; number {number} was its last; waiting for another"
                ))
            }
            (_, Who::Nobody) => Some("the sensor left in order; waiting for another".into()),
        }
    }
}

/// The status for people. It is another process's text: taken apart with care, and shown without control characters.
fn describe(status: &[u8]) -> String {
    let text = match serde_json::from_slice::<Value>(status) {
        Ok(Value::Object(of)) => {
            let of = |name: &str| {
                of.get(name)
                    .map(|value| value.to_string())
                    .unwrap_or_default()
            };
            format!(
                "{}, up {} s, {} readings",
                of("title"),
                of("up_s"),
                of("writes")
            )
        }
        _ => String::from_utf8_lossy(status).into_owned(),
    };
    text.chars().filter(|c| !c.is_control()).collect()
}
