//! A lossy viewer: it comes and goes as it likes, sees the frames that it is in time for, and is told how many it missed.
//!
//! Nothing is kept for it and nobody waits for it: it needs a row of the segment and a seat of the pool while it is there.
#![allow(dead_code, reason = "each program that includes this file uses a part")]

use std::time::{Duration, Instant};

use ringpad::frames::{Picture, Refused};
use ringpad::mailslot::{Next, Start};
use ringpad::os::{FrameUser, Options, OwnedPeer, SharedSegment, Subscriber, Waiter};

use super::Failure;
use super::films::Films;
use super::wire::{Film, Notice, POOL, State, TICKETS, Words, monotonic_ns};

/// What a wait ended with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A frame is there.
    Frame(Notice),
    /// So many notices were overwritten before they were read.
    Missed(u64),
    /// The film is over, and all its tickets were seen.
    Over(State),
    /// Nobody alive produces.
    Abandoned,
    /// Time is up.
    Timeout,
}

/// A lossy viewer's side. Its parts are open to whoever sleeps elsewhere too: arm the waiter with the bells of `tickets` and `films`.
#[derive(Debug)]
pub struct Watcher {
    /// Its seat of the pool.
    pub user: FrameUser,
    /// Where notices come from.
    pub tickets: Subscriber<Words>,
    /// What is known of the film.
    pub films: Films,
    /// Where it sleeps.
    pub waiter: Waiter,
    me: OwnedPeer,
}

impl Watcher {
    /// Joins the segment as soon as it exists; the newest frame is the first one seen.
    pub fn open(name: &str, patience: Duration) -> Result<Self, Failure> {
        let (since_ns, deadline) = (monotonic_ns(), Instant::now() + patience);
        let me = SharedSegment::open_wait(name, deadline, &Options::new())?.join()?;
        Self::of(me, since_ns)
    }

    /// As a peer that joined already. A film that was over before `since_ns` does not count as over: another may begin.
    pub fn of(me: OwnedPeer, since_ns: u64) -> Result<Self, Failure> {
        Ok(Self {
            user: me.frame_user(POOL)?,
            tickets: me.subscriber(TICKETS, Start::Newest)?,
            films: Films::open(&me, since_ns)?,
            waiter: me.waiter()?,
            me,
        })
    }

    /// What is there now, without waiting.
    pub fn poll(&mut self) -> Result<Option<Event>, Failure> {
        poll(&mut self.tickets, &mut self.films)
    }

    /// Sleeps until there is something, nobody produces (if `mind_abandoned`), or time is up.
    pub fn wait(&mut self, timeout: Duration, mind_abandoned: bool) -> Result<Event, Failure> {
        let Self { tickets, films, .. } = self;
        let bells = [tickets.bell(), films.bell()];
        let mut look = || match poll(tickets, films)? {
            // It may have ended the film and left since this look.
            None if mind_abandoned && tickets.is_abandoned() => {
                Ok(poll(tickets, films)?.or(Some(Event::Abandoned)))
            }
            found => Ok(found),
        };
        let found = self
            .waiter
            .wait(&bells, Some(timeout), || look().transpose())?;
        found.unwrap_or(Ok(Event::Timeout))
    }

    /// Lends a notice's frame, in place, while `look` runs; `None` if it holds something newer already.
    pub fn look<R>(
        &self,
        notice: &Notice,
        look: impl FnOnce(&Picture, &[u8]) -> R,
    ) -> Result<Option<R>, Failure> {
        match self.user.view(notice.ticket) {
            Ok(view) => Ok(Some(look(&view.picture(), view.bytes()?))),
            Err(Refused::Stale) => Ok(None),
            Err(refused) => Err(refused.into()),
        }
    }

    /// Skips to the newest frame: for whoever shows what is, not what was. Answers how many are skipped.
    pub fn skip(&mut self) -> u64 {
        let behind = self.tickets.behind();
        if behind > 1 {
            self.tickets.seek(Start::Newest);
        }
        behind.saturating_sub(self.tickets.behind())
    }

    /// What is known of the film; `None` before the first.
    pub fn film(&mut self) -> Result<Option<&Film>, Failure> {
        self.films.look()
    }

    /// True if nobody alive produces. Asks the system.
    pub fn is_abandoned(&self) -> bool {
        self.tickets.is_abandoned()
    }

    /// The peer.
    pub fn peer(&self) -> &OwnedPeer {
        &self.me
    }

    /// How often this process slept and was woken.
    pub fn woken(&self) -> u64 {
        self.waiter.woken()
    }
}

fn poll(tickets: &mut Subscriber<Words>, films: &mut Films) -> Result<Option<Event>, Failure> {
    // Before the look at the tickets: they were all sent before the film was over.
    let over = films.over()?;
    Ok(match tickets.poll() {
        Next::Mail { value, .. } => Some(Event::Frame(Notice::from_words(value))),
        Next::Lapped { lost } => Some(Event::Missed(lost)),
        Next::Empty => over.map(Event::Over),
    })
}
