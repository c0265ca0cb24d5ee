//! The decoder: a process of its own, since what it reads may make it crash. Nothing of it is needed by whoever comes after it.
//!
//! It decodes into loaned frames, and keeps a view of the picture before as its reference, as decoders do: no picture is ever copied on its way.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Args;
use ringpad::frames::Refused;
use ringpad::os::{
    Consumer, FrameUser, NotepadWriter, Options, OwnedPeer, OwnedView, SharedSegment,
};
use rustix::process::{Signal, set_parent_process_death_signal};

use super::film::Film;
use super::shared::{COMMANDS, Command, FRAMES, NEWEST, Newest, Wish, checksum};
use super::{Failure, stop};

/// How often the decoder asks whether there is an engine.
const LOOK: Duration = Duration::from_millis(100);

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
    /// Publish each picture when half of it is decoded.
    #[arg(long)]
    early: bool,
}

/// Decodes what the engine wishes for as long as there is one.
pub fn decode(role: &Decode) -> Result<ExitCode, Failure> {
    // It goes with its engine, however that goes: the next engine of the name has a decoder of its own.
    set_parent_process_death_signal(Some(Signal::KILL))?;
    let film = Film::open(role.input.as_deref())?;
    let segment = SharedSegment::open(&role.name, &Options::new())?;
    let me = segment.join()?;
    let mut work = Work::begin(role, film, &me)?;
    let mut waiter = me.waiter()?;
    let bells = [work.commands.bell()];
    let mut next_look = Instant::now();
    loop {
        work.obey();
        let mut now = Instant::now();
        if now >= next_look {
            next_look = now + LOOK;
            if work.commands.is_abandoned() {
                break; // the engine died before it could be asked to be told
            }
        }
        if stop::asked() {
            break;
        }
        if work
            .playback
            .due(&work.film, now)
            .is_some_and(|due| due <= now)
        {
            work.show()?;
            work.playback.advance(&work.film);
            now = Instant::now();
        }
        let due = work.playback.due(&work.film, now).unwrap_or(next_look);
        let left = due.min(next_look).saturating_duration_since(now);
        let commands = &mut work.commands;
        waiter.wait(&bells, Some(left), || {
            (stop::asked() || commands.peek().is_some()).then_some(())
        })?;
    }
    Ok(ExitCode::SUCCESS)
}

/// A decoder at work.
struct Work {
    film: Film,
    number: u32,
    early: bool,
    playback: Playback,
    commands: Consumer<Command>,
    newest: NotepadWriter<Newest>,
    frames: Arc<FrameUser>,
    /// The picture before, and which one that is.
    reference: Option<(u64, OwnedView)>,
}

impl Work {
    fn begin(role: &Decode, film: Film, me: &OwnedPeer) -> Result<Self, Failure> {
        let frames = me.frame_user(FRAMES)?;
        if film.bytes() > frames.frame_bytes().into() {
            let ((width, height), most) = (film.size(), frames.frame_bytes());
            return Err(Failure(format!(
                "pictures of {width}x{height} are larger than the engine takes ({most} bytes): give it a larger --size"
            )));
        }
        Ok(Self {
            film,
            number: role.number,
            early: role.early,
            playback: Playback::default(),
            commands: me.consumer(COMMANDS)?,
            newest: me.notepad_writer(NEWEST)?,
            frames: Arc::new(frames),
            reference: None,
        })
    }

    fn obey(&mut self) {
        while let Some(command) = self.commands.peek() {
            // What no engine sends is no wish.
            if let Some(wish) = command.wish() {
                self.playback.obey(wish);
            }
            self.commands.pop(); // in this order: a command that comes again changes nothing
        }
    }

    /// Decodes the next picture where it will be looked at, and says that it is there.
    fn show(&mut self) -> Result<(), Failure> {
        let number = self.playback.next;
        let mut loan = match self.frames.loan() {
            Ok(loan) => loan,
            // Whoever holds them all lives: this picture is left out.
            Err(Refused::NoFrame) => return Ok(()),
            Err(refused) => return Err(refused.into()),
        };
        let before = match &self.reference {
            Some((number, view)) => Some((*number, view.bytes()?)),
            None => None,
        };
        let len = self.film.bytes() as usize;
        let into = &mut loan.bytes_mut()?[..len];
        let of_bytes = if self.early {
            let mut whole = vec![0; len];
            let sum = self.film.decode(number, before, &mut whole)?;
            into[..len / 2].copy_from_slice(&whole[..len / 2]);
            sum
        } else {
            self.film.decode(number, before, into)?
        };
        let picture = self.film.picture(number);
        loan.set_picture(&picture);
        let ticket = loan.publish(len as u32)?;
        self.newest.write(&Newest {
            ticket,
            checksum: checksum(of_bytes, &picture),
            decoder: self.number,
        });
        // Nobody else loans frames, so this one cannot be stale. What is half a picture is no reference.
        let view = self.frames.view_owned(ticket).ok();
        self.reference = view.filter(|_| !self.early).map(|view| (number, view));
        Ok(())
    }
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
                self.next = frame;
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
