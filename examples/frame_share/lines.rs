//! Those for whom frames are kept: a ring of tickets and a receiver of the pool each, and what is done while they are away.

use std::time::{Duration, Instant};

use ringpad::Error as RegionError;
use ringpad::os::{FrameUser, OwnedPeer, Producer, Waiter};

use super::Failure;
use super::progress::say;
use super::wire::{RECORDER, Words};

/// How long a producer lets a living receiver keep its ring full.
pub const STALL: Duration = Duration::from_secs(30);

/// How long somebody whose frames are kept may be away before people are told.
const ABSENCE: Duration = Duration::from_secs(2);

/// Whether to go on waiting; asked every now and then.
pub type Hopeless<'a> = &'a mut dyn FnMut() -> bool;

/// Somebody for whom frames are kept.
pub struct Line {
    /// Where its tickets go.
    pub ring: Producer<Words>,
    /// Which receiver of the pool it is.
    pub receiver: u32,
    /// What people call it.
    pub who: String,
    /// Its frames wait for a successor as long as it takes.
    pub kept: bool,
    /// Something may be reserved for it.
    pub owed: bool,
    /// It was said that it is waited for.
    called: bool,
}

impl Line {
    /// The ring of this name, for this receiver of the pool.
    pub fn open(me: &OwnedPeer, ring: &str, receiver: u32, kept: bool) -> Result<Self, Failure> {
        let who = match receiver {
            RECORDER => "the recorder".into(),
            viewer => format!("viewer {}", viewer - 1),
        };
        Ok(Self {
            ring: me.producer(ring)?,
            receiver,
            who,
            kept,
            owed: true,
            called: false,
        })
    }

    /// It is no viewer.
    pub fn is_recorder(&self) -> bool {
        self.receiver == RECORDER
    }

    /// Somebody has the other end, dead or alive.
    pub fn is_taken(&self) -> bool {
        self.ring.other().is_some()
    }

    /// Somebody alive has the other end.
    pub fn is_watched(&self) -> bool {
        !self.ring.is_abandoned()
    }

    /// Waits until somebody has room, or is gone and has nothing kept. Answers whether it waited for anybody.
    pub fn wait(&mut self, waiter: &mut Waiter, hopeless: Hopeless<'_>) -> Result<bool, Failure> {
        let ring = &mut self.ring;
        let bells = [ring.bell()];
        let step = Some(Duration::from_millis(200));
        let (mut since, mut absent) = (Instant::now(), false);
        loop {
            // A successor that takes the ring rings, as one does that makes room.
            let is_alive = waiter.wait(&bells, step, || match ring.slots() {
                0 => (ring.is_abandoned() != absent).then_some(absent),
                _ => Some(true),
            })?;
            if ring.slots() > 0 {
                return Ok(true);
            }
            if let Some(is_alive) = is_alive {
                if !is_alive && !self.kept {
                    return Ok(false);
                }
                (absent, since) = (!is_alive, Instant::now());
            }
            let who = &self.who;
            if hopeless() {
                return Err(Failure::new(format!("{who} is gone")));
            }
            if since.elapsed() > STALL && !absent {
                let text = format!("{who} has not taken a frame for {STALL:?}");
                return Err(Failure::new(text));
            }
            if since.elapsed() > ABSENCE && absent && !self.called {
                self.called = true;
                say(&format!("waiting for {who}"));
            }
        }
    }

    /// Waits until all that is kept was taken.
    pub fn drain(&mut self, waiter: &mut Waiter, hopeless: Hopeless<'_>) -> Result<(), Failure> {
        let ring = &mut self.ring;
        let (all, bells) = (ring.capacity(), [ring.bell()]);
        let step = Some(Duration::from_millis(200));
        while ring.slots() < all && !hopeless() {
            waiter.wait(&bells, step, || (ring.slots() == all).then_some(()))?;
        }
        Ok(())
    }

    /// Gives back what is kept for somebody who is not there.
    pub fn forget(&mut self, user: &FrameUser) -> Result<(), Failure> {
        if self.owed {
            self.owed = match user.forget(self.receiver) {
                Ok(_) => false,
                // It has just come: it sees for itself.
                Err(RegionError::EndpointTaken { .. }) => true,
                Err(error) => return Err(error.into()),
            };
        }
        Ok(())
    }
}
