//! The producer's side: one pool, a mailslot for whoever looks, and a ring of tickets for each for whom frames are kept.
//!
//! A frame is published for its receivers, its notice goes to each of their rings and to the mailslot, and then the count of frames sent to
//! everybody goes up. A producer that is killed anywhere leaves a successor that count: at most the last frame is sent to some twice.

use std::time::{Duration, Instant};

use ringpad::frames::{Loan, Receivers, Refused};
use ringpad::os::{
    Error, FrameUser, NotepadWriter, Options, OwnedPeer, OwnedRinger, Publisher, SharedSegment,
    Waiter,
};
use ringpad::{Life, PeerId};

use super::Failure;
use super::controls::{Controls, Step, pass};
use super::films::Films;
use super::lines::{Hopeless, Line, STALL};
use super::plan::{Expected, Memory};
use super::wire::{
    FILM, Film, Notice, POOL, RECORD, RECORDER, SENT, Sent, State, Summed, TICKETS, Words,
    monotonic_ns, picture_of, viewer_receiver, viewer_ring,
};
use super::y4m::Header;

/// What a producer is to do about those who were there before.
#[derive(Clone, Copy, Debug, Default)]
pub struct Manners {
    /// Go on with the film of a killed producer.
    pub resume: bool,
    /// Whoever is killed is started again: its frames are kept, as a recorder's always are.
    pub keep: bool,
}

/// Why there is to be no producer here: perhaps since there is one.
fn refused(me: &OwnedPeer, name: &str, error: Error) -> Failure {
    if let Some(ringpad::Error::EndpointTaken { by }) = error.region() {
        if let Some(other) = me.segment().occupant(*by) {
            let pid = other.pid;
            return Failure::new(format!("{name} has a producer, process {pid}"));
        }
    }
    error.into()
}

/// The producer's side.
pub struct Senders {
    user: FrameUser,
    lines: Vec<Line>,
    tickets: Publisher<Words>,
    pad: NotepadWriter<[u8]>,
    sent: NotepadWriter<Sent>,
    film: Film,
    video: Header,
    lossy: bool,
    /// How often a frame had to wait for room or for a free frame.
    pub waits: u64,
    waiter: Waiter,
    me: OwnedPeer,
}

impl Senders {
    /// Opens or creates the segment, takes every producing end (from a dead producer too), and begins a film or goes on with one.
    pub fn open(
        name: &str,
        expected: &Expected,
        video: &Header,
        line: &[u8],
        manners: Manners,
    ) -> Result<Self, Failure> {
        let me = SharedSegment::open_or_create(name, &expected.plan()?, &Options::new())?.join()?;
        // Whoever has this is the producer.
        let pad = me.notepad_writer::<[u8]>(FILM);
        let pad = pad.map_err(|error| refused(&me, name, error))?;
        let mut lines = Vec::new();
        if expected.recorded {
            lines.push(Line::open(&me, RECORD, RECORDER, true)?);
        }
        let rings = if expected.lossy { 0 } else { expected.viewers };
        for viewer in 0..rings {
            let (ring, receiver) = (viewer_ring(viewer), viewer_receiver(viewer));
            lines.push(Line::open(&me, &ring, receiver, manners.keep)?);
        }
        let sent: NotepadWriter<Sent> = me.notepad_writer(SENT)?;
        let before = Films::open(&me, 0)?.look()?.cloned();
        let film = begin(before, sent.latest().map(|note| note.value), line, manners)?;
        let mut senders = Self {
            user: me.frame_user(POOL)?,
            lines,
            tickets: me.publisher(TICKETS)?,
            pad,
            sent,
            film,
            video: *video,
            lossy: expected.lossy,
            waits: 0,
            waiter: me.waiter()?,
            me,
        };
        if senders.over().is_none() {
            senders.announce()?;
        }
        Ok(senders)
    }

    fn announce(&mut self) -> Result<(), Failure> {
        self.film.since_ns = monotonic_ns();
        self.pad.write(&self.film.encode())?;
        Ok(())
    }

    /// Frames of the film that were sent before.
    pub fn first(&self) -> u64 {
        self.film.frames
    }

    /// How the film ended, if a predecessor brought it to its end.
    pub fn over(&self) -> Option<State> {
        Some(self.film.state).filter(|state| *state != State::Running)
    }

    /// What the segment takes.
    pub fn memory(&self) -> Memory {
        Memory::of(self.me.segment(), self.user.frames())
    }

    /// Living viewers; of a lossy run, whoever else has joined.
    pub fn watched(&self) -> usize {
        let here = self.lines.iter().filter(|line| line.is_watched());
        let (recorders, viewers): (Vec<_>, Vec<_>) = here.partition(|line| line.is_recorder());
        match self.lossy {
            true => others(&self.me).saturating_sub(recorders.len()),
            false => viewers.len(),
        }
    }

    /// Sleeps until so many living viewers have come, and all whose frames are kept; false when time is up, or when `hopeless` says so.
    pub fn gather(
        &mut self,
        wanted: usize,
        timeout: Duration,
        hopeless: Hopeless<'_>,
    ) -> Result<bool, Failure> {
        let deadline = Instant::now() + timeout;
        loop {
            let lines = &self.lines;
            let lacks = |line: &Line| line.kept && !line.is_watched();
            if !lines.iter().any(lacks) && self.watched() >= wanted {
                return Ok(true);
            }
            if hopeless() || Instant::now() >= deadline {
                return Ok(false);
            }
            // Claiming a ring wakes who sleeps at its other end; joining wakes nobody.
            let bells: Vec<_> = lines.iter().map(|line| line.ring.bell()).collect();
            let step = Duration::from_millis(if self.lossy { 5 } else { 200 });
            let seen = || -> Vec<_> { lines.iter().map(|line| line.ring.other()).collect() };
            let before = seen();
            self.waiter
                .wait(&bells, Some(step), || (seen() != before).then_some(()))?;
        }
    }

    /// Sends frame `sequence`: `fill` draws it in place and answers false if there is no more. It is then not called again. Answers whether a
    /// frame was sent: none is if nobody is there for it.
    pub fn send(
        &mut self,
        sequence: u64,
        fill: impl FnOnce(&mut [u8]) -> Result<bool, Failure>,
        controls: &Controls,
        hopeless: Hopeless<'_>,
    ) -> Result<bool, Failure> {
        let whom = self.make_room(hopeless)?;
        if whom.is_empty() && !self.lossy {
            return Ok(false);
        }
        let Self {
            user,
            lines,
            tickets,
            ..
        } = self;
        let mut loan = lend(user, lines, &mut self.waiter, &mut self.waits)?;
        let len = self.video.frame_bytes();
        let pixels = loan.bytes_mut()?.get_mut(..len);
        let pixels = pixels.ok_or_else(|| Failure::new("the pool's frames are too small"))?;
        if !fill(pixels)? {
            return Ok(false);
        }
        let summed = Summed::of(pixels);
        if controls.spoil == Some(sequence) {
            pixels[len / 2] ^= 1;
        }
        let step = |step| pass(controls.halt, step, sequence);
        step(Step::Drawn);
        let mut picture = picture_of(&self.video, sequence);
        picture.timestamp_ns = monotonic_ns();
        loan.set_picture(&picture);
        let notice = Notice {
            ticket: loan.publish_for(len as u32, whom)?,
            checksum: summed.with(&picture),
            film: self.film.film,
            life: self.film.life,
        };
        step(Step::Published);
        let words = notice.to_words();
        for line in lines.iter_mut().filter(|line| whom.contains(line.receiver)) {
            if line.ring.push(words).is_err() {
                // There was room, and nobody else sends: the region is not what it was.
                user.recall(notice.ticket, Receivers::one(line.receiver))?;
            }
            step(Step::First);
        }
        tickets.publish(&words);
        step(Step::Told);
        self.sent.write(&[self.film.film.into(), sequence + 1]);
        step(Step::Counted);
        Ok(true)
    }

    /// Says that the film has so many frames and no more, and stays until those whose frames are kept have them all.
    pub fn end(
        &mut self,
        frames: u64,
        failed: bool,
        hopeless: Hopeless<'_>,
    ) -> Result<(), Failure> {
        if self.over().is_none() {
            self.film.state = if failed { State::Failed } else { State::Ended };
            self.film.frames = frames;
            self.announce()?;
        }
        for line in self.lines.iter_mut().filter(|line| line.kept) {
            line.drain(&mut self.waiter, hopeless)?;
        }
        Ok(())
    }

    /// Sleeps until everybody for whom a frame is to be kept has room for it; answers who that is.
    fn make_room(&mut self, hopeless: Hopeless<'_>) -> Result<Receivers, Failure> {
        let mut whom = Receivers::NONE;
        for line in &mut self.lines {
            // Whose frames are kept is expected back, also if somebody has cleared away that it was here.
            if !line.kept && !line.is_taken() {
                line.forget(&self.user)?;
                continue;
            }
            if line.ring.slots() == 0 {
                self.waits += u64::from(line.wait(&mut self.waiter, hopeless)?);
            }
            if line.ring.slots() == 0 {
                // Its successor finds stale tickets and skips them.
                line.forget(&self.user)?;
                continue;
            }
            line.owed = true;
            whom = whom.with(line.receiver);
        }
        Ok(whom)
    }

    /// How often this process slept and was woken.
    pub fn woken(&self) -> u64 {
        self.waiter.woken()
    }
}

/// The film that this producer makes or goes on with; `frames` of it were sent.
fn begin(
    before: Option<Film>,
    sent: Option<Sent>,
    line: &[u8],
    manners: Manners,
) -> Result<Film, Failure> {
    let fresh = |film, life| Film {
        film,
        life,
        state: State::Running,
        frames: 0,
        since_ns: 0,
        line: line.to_vec(),
    };
    let Some(before) = before else {
        return Ok(fresh(1, 1));
    };
    let life = before.life.wrapping_add(1);
    if !manners.resume {
        return Ok(fresh(before.film.wrapping_add(1), life));
    }
    if before.line != line {
        return Err(Failure::new("the film to go on with is another one"));
    }
    if before.state != State::Running {
        return Ok(before);
    }
    let frames = match sent {
        Some([film, frames]) if film == u64::from(before.film) => frames,
        _ => 0,
    };
    Ok(Film {
        life,
        frames,
        ..before
    })
}

/// A free frame; if there is none, those for whom nothing is kept go without, and then it waits.
fn lend<'u>(
    user: &'u FrameUser,
    lines: &mut [Line],
    waiter: &mut Waiter,
    waits: &mut u64,
) -> Result<Loan<'u, 'static, OwnedRinger>, Failure> {
    let deadline = Instant::now() + STALL;
    loop {
        match user.loan() {
            Ok(loan) => return Ok(loan),
            Err(Refused::NoFrame) => {}
            Err(refused) => return Err(refused.into()),
        }
        *waits += 1;
        for line in lines.iter_mut().filter(|line| !line.kept) {
            if !line.is_watched() {
                line.forget(user)?;
            }
        }
        if Instant::now() >= deadline {
            let text = format!("every frame of the pool has been in use for {STALL:?}");
            return Err(Failure::new(text));
        }
        // The dead give theirs back when a loan is tried.
        let step = Some(Duration::from_millis(100));
        waiter.wait(&[user.bell()], step, || (user.free() > 0).then_some(()))?;
    }
}

/// Living peers but for this one.
fn others(me: &OwnedPeer) -> usize {
    let segment = me.segment();
    let rows = (1..=segment.peers()).filter_map(PeerId::new);
    let others = rows.filter(|row| *row != me.id() && segment.occupant(*row).is_some());
    others
        .filter(|row| segment.life(*row) == Life::Alive)
        .count()
}
