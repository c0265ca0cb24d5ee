//! A lossless side: a ring of tickets, and the receiver of the pool for whom their frames are kept.
//!
//! A ticket is looked at, its frame taken, the work done, the ticket removed, the frame dropped: in this order, so that whoever is killed
//! anywhere leaves everything to its successor, and what it did last is at most done twice.

use std::time::{Duration, Instant};

use ringpad::Error as RegionError;
use ringpad::frames::{Picture, Refused, Unclaimed};
use ringpad::os::{Consumer, Error, FrameUser, Options, OwnedPeer, SharedSegment, Waiter};

use super::Failure;
use super::films::Films;
use super::watcher::Event;
use super::wire::{Notice, POOL, RECORD, RECORDER, Words, viewer_receiver, viewer_ring};

/// How long somebody may take to leave a place that its predecessor was seen to have left.
const SOON: Duration = Duration::from_secs(5);

/// A lossless side.
pub struct Receiver {
    user: FrameUser,
    ring: Consumer<Words>,
    /// What is known of the film.
    pub films: Films,
    /// Whose reserved frames are to be given back once the ring is empty.
    unclaimed: Option<Unclaimed>,
    life: u32,
    /// Which viewer it is; of no meaning for the recorder.
    pub viewer: u32,
    /// A control: remove the ticket before the work is done.
    pub pop_first: bool,
    waiter: Waiter,
    _me: OwnedPeer,
}

/// Joins the segment as soon as it exists.
pub fn join(name: &str, patience: Duration) -> Result<OwnedPeer, Failure> {
    let deadline = Instant::now() + patience;
    Ok(SharedSegment::open_wait(name, deadline, &Options::new())?.join()?)
}

/// Whether its viewers are lossy: it has no rings for them.
pub fn is_lossy(me: &OwnedPeer) -> bool {
    let first = viewer_ring(0);
    me.segment().entries().all(|entry| *entry.name != *first)
}

impl Receiver {
    /// Takes the first viewer's place that no living viewer has. A film that was over before `since_ns` does not count
    /// as over: another may begin.
    pub fn viewer(me: OwnedPeer, since_ns: u64) -> Result<Self, Failure> {
        for viewer in 0.. {
            match me.consumer(&viewer_ring(viewer)) {
                Ok(ring) => return Self::of(me, ring, viewer, viewer_receiver(viewer), since_ns),
                Err(error) => match error.region() {
                    Some(RegionError::EndpointTaken { .. }) => {}
                    Some(RegionError::NoSuchName) if viewer > 0 => break,
                    _ => return Err(error.into()),
                },
            }
        }
        Err(Failure::new(
            "every ring has a living viewer; start the producer with more --viewers",
        ))
    }

    /// Takes the recorder's place.
    pub fn recorder(me: OwnedPeer) -> Result<Self, Failure> {
        let ring = me.consumer(RECORD);
        let ring = ring.map_err(|error| match error.region() {
            Some(RegionError::NoSuchName) => {
                Failure::new("nobody is to record this; start the producer with --recorded")
            }
            _ => error.into(),
        })?;
        Self::of(me, ring, 0, RECORDER, 0)
    }

    fn of(
        me: OwnedPeer,
        ring: Consumer<Words>,
        viewer: u32,
        receiver: u32,
        since_ns: u64,
    ) -> Result<Self, Failure> {
        let user = claim(&me, receiver)?;
        Ok(Self {
            // A predecessor's, and what a dead producer never sent.
            unclaimed: Some(user.unclaimed()),
            user,
            ring,
            films: Films::open(&me, since_ns)?,
            life: 0,
            viewer,
            pop_first: false,
            waiter: me.waiter()?,
            _me: me,
        })
    }

    /// Sleeps until there is something, nobody produces (if `mind_abandoned`), or time is up. What is there is there until it is done.
    pub fn wait(&mut self, timeout: Duration, mind_abandoned: bool) -> Result<Event, Failure> {
        let Self {
            user,
            ring,
            films,
            unclaimed,
            life,
            ..
        } = self;
        let bells = [ring.bell(), films.bell()];
        let mut poll = || -> Result<Option<Event>, Failure> {
            // Before the look at the ring: they were all sent before the film was over.
            let over = films.over()?;
            let now = films.life()?;
            if *life != now {
                *life = now;
                // The one before published for this receiver and may have died before it sent.
                *unclaimed = Some(user.unclaimed());
            }
            if let Some(words) = ring.peek() {
                return Ok(Some(Event::Frame(Notice::from_words(words))));
            }
            if let Some(dead) = unclaimed.take() {
                user.release_unclaimed(&dead);
            }
            if over.is_some() || !mind_abandoned || !ring.is_abandoned() {
                return Ok(over.map(Event::Over));
            }
            // It may have ended the film and left since the first look, or sent something until it died.
            let over = films.over()?;
            let dead = user.unclaimed();
            if let Some(words) = ring.peek() {
                *unclaimed = Some(dead);
                return Ok(Some(Event::Frame(Notice::from_words(words))));
            }
            user.release_unclaimed(&dead);
            Ok(Some(over.map_or(Event::Abandoned, Event::Over)))
        };
        let found = self
            .waiter
            .wait(&bells, Some(timeout), || poll().transpose())?;
        found.unwrap_or(Ok(Event::Timeout))
    }

    /// Does what is to be done with the frame that [`Receiver::wait`] found, in place, and removes its ticket; `between` happens after the
    /// work and before the frame is dropped, once with the ticket there still and once without, and hears the frame's number. `None` if the frame is no longer kept: a
    /// predecessor was given up. If the work fails, the frame stays for a successor.
    pub fn take<R>(
        &mut self,
        notice: &Notice,
        work: impl FnOnce(&Picture, &[u8]) -> Result<R, Failure>,
        mut between: impl FnMut(Done, u64),
    ) -> Result<Option<R>, Failure> {
        let view = match self.user.take(notice.ticket) {
            Ok(view) => view,
            Err(Refused::Stale | Refused::NotReserved) => {
                self.ring.pop();
                return Ok(None);
            }
            Err(refused) => return Err(refused.into()),
        };
        let picture = view.picture();
        if self.pop_first {
            self.ring.pop();
            between(Done::Popped, picture.sequence);
        }
        let done = match view.bytes().map_err(Failure::from) {
            Ok(pixels) => work(&picture, pixels),
            Err(failure) => Err(failure),
        };
        let done = match done {
            Ok(done) => done,
            Err(failure) => {
                // Not dropped, it is a successor's.
                std::mem::forget(view);
                return Err(failure);
            }
        };
        between(Done::Worked, picture.sequence);
        if !self.pop_first {
            self.ring.pop();
            between(Done::Popped, picture.sequence);
        }
        drop(view);
        Ok(Some(done))
    }

    /// How often this process slept and was woken.
    pub fn woken(&self) -> u64 {
        self.waiter.woken()
    }
}

/// How far a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Done {
    /// The work is done.
    Worked,
    /// The ticket is removed.
    Popped,
}

/// The pool's receiver of this number. The producer may have it for a moment, to give back what it kept for a dead one.
fn claim(me: &OwnedPeer, receiver: u32) -> Result<FrameUser, Failure> {
    let deadline = Instant::now() + SOON;
    loop {
        match me.frame_receiver(POOL, receiver) {
            Err(Error::Channel {
                why: RegionError::EndpointTaken { .. },
                ..
            }) if Instant::now() < deadline => std::thread::sleep(Duration::from_millis(1)),
            other => return Ok(other?),
        }
    }
}
