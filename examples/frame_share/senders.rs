//! The producer's side: one pool, a mailslot for whoever looks, and a ring of tickets for each for whom frames are kept.
//!
//! A frame is published for its receivers, its notice goes to each of their rings and to the mailslot, and then the count of frames sent to
//! everybody goes up. A producer that is killed anywhere leaves a successor that count: at most the last frame is sent to some twice.

use std::time::{Duration, Instant};

use ringpad::frames::{Loan, Receivers, Refused};
use ringpad::os::{
    FrameUser, NotepadWriter, Options, OwnedPeer, OwnedRinger, Producer, Publisher, SharedSegment,
    Waiter,
};
use ringpad::{Error as RegionError, Life, PeerId};

use super::Failure;
use super::films::Films;
use super::plan::{Expected, Memory};
use super::wire::{
    FILM, Film, Notice, POOL, RECORD, RECORDER, SENT, Sent, State, Summed, TICKETS, Words,
    monotonic_ns, picture_of, viewer_receiver, viewer_ring,
};
use super::y4m::Header;

/// How long a producer lets a living receiver keep its ring full.
const STALL: Duration = Duration::from_secs(30);

/// What a producer is to do about those who were there before.
#[derive(Clone, Copy, Debug, Default)]
pub struct Manners {
    /// Go on with the film of a killed producer.
    pub resume: bool,
    /// Whoever is killed is started again: its frames are kept, as a recorder's always are.
    pub keep: bool,
}

/// Somebody for whom frames are kept.
struct Line {
    ring: Producer<Words>,
    receiver: u32,
    who: String,
    /// Its frames wait for a successor as long as it takes.
    kept: bool,
    /// Something may be reserved for it.
    owed: bool,
}

impl Line {
    /// Somebody has the other end, dead or alive.
    fn is_taken(&self) -> bool {
        self.ring.other().is_some()
    }

    fn is_watched(&self) -> bool {
        !self.ring.is_abandoned()
    }
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

/// Whether to go on waiting; asked every now and then.
pub type Hopeless<'a> = &'a mut dyn FnMut() -> bool;

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
        let pad = me.notepad_writer::<[u8]>(FILM)?;
        let mut lines = Vec::new();
        if expected.recorded {
            lines.push(Line {
                ring: me.producer(RECORD)?,
                receiver: RECORDER,
                who: "the recorder".into(),
                kept: true,
                owed: true,
            });
        }
        let rings = if expected.lossy { 0 } else { expected.viewers };
        for viewer in 0..rings {
            lines.push(Line {
                ring: me.producer(&viewer_ring(viewer))?,
                receiver: viewer_receiver(viewer),
                who: format!("viewer {viewer}"),
                kept: manners.keep,
                owed: true,
            });
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
        match self.lossy {
            true => watchers(&self.me).saturating_sub(usize::from(self.has_recorder())),
            false => watched(&self.lines),
        }
    }

    fn has_recorder(&self) -> bool {
        self.lines
            .iter()
            .any(|line| line.receiver == RECORDER && line.is_watched())
    }

    /// Sleeps until so many living viewers have come, and the recorder; false when time is up, or when `hopeless` says so.
    pub fn gather(
        &mut self,
        wanted: usize,
        timeout: Duration,
        hopeless: Hopeless<'_>,
    ) -> Result<bool, Failure> {
        let deadline = Instant::now() + timeout;
        loop {
            let lacks_recorder = self
                .lines
                .iter()
                .any(|line| line.receiver == RECORDER && !line.is_watched());
            if !lacks_recorder && self.watched() >= wanted {
                return Ok(true);
            }
            if hopeless() || Instant::now() >= deadline {
                return Ok(false);
            }
            // Claiming a ring wakes who sleeps at its other end; joining wakes nobody.
            let bells: Vec<_> = self.lines.iter().map(|line| line.ring.bell()).collect();
            let step = if self.lossy { 5 } else { 200 };
            let (lines, before) = (&self.lines, seen(&self.lines));
            let step = Some(Duration::from_millis(step));
            self.waiter
                .wait(&bells, step, || (seen(lines) != before).then_some(()))?;
        }
    }

    /// Sends frame `sequence`: `fill` draws it in place and answers false if there is no more. It is then not called again. Answers whether a
    /// frame was sent: none is if nobody is there for it.
    pub fn send(
        &mut self,
        sequence: u64,
        fill: impl FnOnce(&mut [u8]) -> Result<bool, Failure>,
        spoil: bool,
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
        if spoil {
            pixels[len / 2] ^= 1;
        }
        let mut picture = picture_of(&self.video, sequence);
        picture.timestamp_ns = monotonic_ns();
        loan.set_picture(&picture);
        let notice = Notice {
            ticket: loan.publish_for(len as u32, whom)?,
            checksum: summed.with(&picture),
            film: self.film.film,
            life: self.film.life,
        };
        let words = notice.to_words();
        for line in lines.iter_mut().filter(|line| whom.contains(line.receiver)) {
            if line.ring.push(words).is_err() {
                // There was room, and nobody else sends: the region is not what it was.
                user.recall(notice.ticket, Receivers::one(line.receiver))?;
            }
        }
        tickets.publish(&words);
        self.sent.write(&[self.film.film.into(), sequence + 1]);
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
            let all = line.ring.capacity();
            let bells = [line.ring.bell()];
            while line.is_taken() && line.ring.slots() < all && !hopeless() {
                let step = Some(Duration::from_millis(200));
                let ring = &mut line.ring;
                let drained = || (ring.slots() == all || ring.other().is_none()).then_some(());
                self.waiter.wait(&bells, step, drained)?;
            }
        }
        Ok(())
    }

    /// Sleeps until everybody for whom a frame is to be kept has room for it; answers who that is.
    fn make_room(&mut self, hopeless: Hopeless<'_>) -> Result<Receivers, Failure> {
        let mut whom = Receivers::NONE;
        for line in &mut self.lines {
            if line.receiver != RECORDER && !line.is_taken() {
                forget(&self.user, line)?;
                continue;
            }
            let mut since = Instant::now();
            let mut waited = false;
            while line.ring.slots() == 0 {
                waited = true;
                let bells = [line.ring.bell()];
                let (ring, step) = (&mut line.ring, Some(Duration::from_millis(200)));
                let is_alive = self.waiter.wait(&bells, step, || match ring.slots() {
                    0 => ring.is_abandoned().then_some(false),
                    _ => Some(true),
                })?;
                match is_alive {
                    Some(true) => break,
                    Some(false) if !line.kept => break,
                    // A successor claims the ring, which wakes nobody that is not asleep by then.
                    Some(false) => {
                        std::thread::sleep(Duration::from_millis(1));
                        since = Instant::now();
                    }
                    None => {}
                }
                if hopeless() {
                    return Err(Failure::new(format!("{} is gone", line.who)));
                }
                if since.elapsed() > STALL {
                    let text = format!("{} has not taken a frame for {STALL:?}", line.who);
                    return Err(Failure::new(text));
                }
            }
            self.waits += u64::from(waited);
            if line.ring.slots() == 0 {
                // Its successor finds stale tickets and skips them.
                forget(&self.user, line)?;
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
                forget(user, line)?;
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

/// Gives back what is kept for somebody who is not there.
fn forget(user: &FrameUser, line: &mut Line) -> Result<(), Failure> {
    if line.owed {
        line.owed = match user.forget(line.receiver) {
            Ok(_) => false,
            // It has just come: it sees for itself.
            Err(RegionError::EndpointTaken { .. }) => true,
            Err(error) => return Err(error.into()),
        };
    }
    Ok(())
}

fn watched(lines: &[Line]) -> usize {
    let is_viewer = |line: &&Line| line.receiver != RECORDER;
    let viewers = lines.iter().filter(is_viewer);
    viewers.filter(|line| line.is_watched()).count()
}

/// Who holds which ring: what changes when somebody comes.
fn seen(lines: &[Line]) -> Vec<Option<PeerId>> {
    lines.iter().map(|line| line.ring.other()).collect()
}

/// Living peers but for this one.
fn watchers(me: &OwnedPeer) -> usize {
    let segment = me.segment();
    let rows = (1..=segment.peers()).filter_map(PeerId::new);
    let others = rows.filter(|row| *row != me.id() && segment.occupant(*row).is_some());
    others
        .filter(|row| segment.life(*row) == Life::Alive)
        .count()
}
