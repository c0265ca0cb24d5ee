//! The decoder: a process of its own, since what it reads may make it crash. Nothing of it is needed by whoever comes after it.
//!
//! It does what the engine wishes, at the video's own rate, until the engine is gone.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Args;
use ringpad::os::{Consumer, Options, SharedSegment};

use super::film::Film;
use super::publisher::Publisher;
use super::shared::{COMMANDS, Command, Wish};
use super::{Careless, Failure, handing, stop, system};

/// How often the decoder asks whether there is an engine.
const LOOK: Duration = Duration::from_millis(100);

/// The last frame that can be sought: years of video, and no number that overflows.
const LAST: u64 = u32::MAX as u64;

/// Options of the decoder, which the engine starts.
#[derive(Debug, Args)]
pub struct Decode {
    /// Name of the shared memory.
    name: String,
    /// Play this YUV4MPEG2 video, not the clip on standard input.
    #[arg(long, value_name = "FILE")]
    input: Option<PathBuf>,
    /// Which decoder of its engine this is.
    #[arg(long, default_value_t = 1)]
    number: u32,
    /// Do one thing wrong.
    #[arg(long)]
    careless: Option<Careless>,
}

/// Decodes what the engine wishes for as long as there is one.
pub fn decode(role: &Decode) -> Result<ExitCode, Failure> {
    // It goes with its engine, however that goes: the next engine of the name has a decoder of its own.
    system::end_with_parent()?;
    let film = Film::open(role.input.as_deref())?;
    // One that the engine distrusts has no name: it comes with the process.
    let segment = match handing::taken()? {
        Some(segment) => segment,
        None => SharedSegment::open(&role.name, &Options::new())?,
    };
    let me = segment.join()?;
    let mut commands: Consumer<Command> = me.consumer(COMMANDS)?;
    let mut publisher = Publisher::new(film, &me, role.number, role.careless)?;
    let mut playback = Playback::default();
    let mut waiter = me.waiter()?;
    let bells = [commands.bell()];
    let mut next_look = Instant::now();
    while !stop::asked() {
        while let Some(command) = commands.peek() {
            // What no engine sends is no wish.
            if let Some(wish) = command.wish() {
                playback.obey(wish);
            }
            commands.pop(); // in this order: a command that comes again changes nothing
        }
        let mut now = Instant::now();
        if now >= next_look {
            next_look = now + LOOK;
            if commands.is_abandoned() {
                break; // the engine died before it could be asked to be told
            }
        }
        let due = playback.due(&publisher.film, now);
        if due.is_some_and(|due| due <= now) {
            publisher.show(playback.next)?;
            playback.advance(&publisher.film);
            now = Instant::now();
        }
        let due = playback.due(&publisher.film, now).unwrap_or(next_look);
        let left = due.min(next_look).saturating_duration_since(now);
        waiter.wait(&bells, Some(left), || {
            (stop::asked() || commands.peek().is_some()).then_some(())
        })?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Where the video is, and when it goes on.
#[derive(Debug, Default)]
struct Playback {
    next: u64,
    playing: bool,
    /// The next one is shown at once, playing or not.
    sought: bool,
    /// What the times of the others are counted from: when which was due.
    since: Option<(Instant, u64)>,
}

impl Playback {
    fn obey(&mut self, wish: Wish) {
        let was = self.playing;
        match wish {
            Wish::Play => self.playing = true,
            Wish::Pause => self.playing = false,
            Wish::Seek(frame) => {
                self.next = frame.min(LAST);
                self.sought = true;
            }
        }
        if self.sought || self.playing != was {
            self.since = None;
        }
        if self.playing && self.since.is_none() {
            self.since = Some((Instant::now(), self.next));
        }
    }

    /// When the next picture is to be shown; `None` while there is none to be.
    fn due(&self, film: &Film, now: Instant) -> Option<Instant> {
        match self.since {
            _ if self.sought => Some(now),
            Some((begin, first)) => {
                let ns = film.time_of(self.next) - film.time_of(first);
                begin.checked_add(Duration::from_nanos(ns))
            }
            None => None,
        }
    }

    /// The next picture was shown.
    fn advance(&mut self, film: &Film) {
        self.sought = false;
        self.next = self.next.saturating_add(1);
        // Whoever is late leaves out the time, not the pictures.
        let now = Instant::now();
        if self.due(film, now).is_some_and(|due| due < now) {
            self.since = Some((now, self.next));
        }
    }
}
