//! Sleeping on a pipe until a channel has something, a peer dies, or time is up.
//!
//! # Protocol
//!
//! The doorbell's: arm, recheck, sleep on the row's pipe; the death watches of the other peers lie in the same wait,
//! and a finite tick rechecks what nobody rang for (a producer killed between commit and ring in another space of
//! process numbers).
//!
//! # Cost
//!
//! A wake is three system calls: the ringer's write, the sleeper's poll, and a read before it sleeps again. Nothing while data
//! is there.
//! A peer that rings without end costs its victim less than a tenth of a processor: once 64 rings more than one a
//! millisecond brought nothing, a sleeper looks once a millisecond, and each look reads 64 KiB at most.

use std::mem::ManuallyDrop;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Result;
use super::error::Doing;
use super::owned::{Joined, OwnedBell};
use super::system::{Ear, MAX_WATCHES, Watch};
use crate::segment::doorbell::{Armed, Sleeper};
use crate::segment::join::Peer;
use crate::{PeerId, poll_for};

/// How often a sleeper rechecks what nobody rang for, unless told otherwise.
const TICK: Duration = Duration::from_secs(1);

/// What needless rings may cost: so many at once, and one each [`Credit::EACH`].
///
/// A ring that brought something costs nothing. Without credit a sleeper looks again only when it has some.
#[derive(Debug)]
struct Credit {
    left: u32,
    /// Up to when what grew with time is counted in.
    counted: Instant,
}

impl Credit {
    const MOST: u32 = 64;
    const EACH: Duration = Duration::from_millis(1);

    fn new() -> Self {
        Self {
            left: Self::MOST,
            counted: Instant::now(),
        }
    }

    fn spend(&mut self) {
        self.left = self.left.saturating_sub(1);
    }

    fn give_back(&mut self) {
        self.left = (self.left + 1).min(Self::MOST);
    }

    /// Waits for credit, not beyond `until`.
    fn wait(&mut self, until: Option<Instant>) {
        if self.left == 0 {
            let left = until.map(|until| until.saturating_duration_since(Instant::now()));
            std::thread::sleep(left.map_or(Self::EACH, |left| left.min(Self::EACH)));
        }
        if self.left < Self::MOST {
            let grown = self.counted.elapsed().as_nanos() / Self::EACH.as_nanos();
            if grown > 0 {
                self.left = (self.left + grown.min(Self::MOST.into()) as u32).min(Self::MOST);
                self.counted = Instant::now();
            }
        }
    }
}

/// A peer's right to sleep, and the pipe it sleeps on. `AsFd`: epoll, mio or tokio may own the loop instead.
///
/// ```
/// use ringpad::{Plan, os::{Options, SharedSegment}, spsc};
/// use std::time::Duration;
/// # fn main() -> Result<(), ringpad::os::Error> {
/// let plan = Plan::<1>::new().channel::<spsc::Spsc<u64>>("ticks", &spsc::Config::new(64))?;
/// let segment = SharedSegment::anonymous(&plan, &Options::new())?;
/// let (me, you) = (segment.join()?, segment.join()?);
/// let mut tx = me.producer::<u64>("ticks")?;
/// let thread = std::thread::spawn(move || tx.push(7).unwrap());
/// let mut rx = you.consumer::<u64>("ticks")?;
/// let bell = rx.bell();
/// let got = you.waiter()?.wait(&[bell], Some(Duration::from_secs(5)), || rx.pop())?;
/// assert_eq!(got, Some(7));
/// # thread.join().unwrap();
/// # Ok(()) }
/// ```
pub struct Waiter {
    /// Dropped before `joined`.
    sleeper: ManuallyDrop<Sleeper<'static>>,
    tick: Option<Duration>,
    polls: u32,
    /// Deaths already reported, by row and generation: a dead process's watch stays readable.
    reported: [Option<u32>; PeerId::MOST as usize],
    woken: u64,
    /// What was rung still lies in the pipe.
    undrained: bool,
    credit: Credit,
    ear: Ear,
    joined: Arc<Joined>,
}

impl std::fmt::Debug for Waiter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.sleeper.fmt(f)
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        // SAFETY: dropped once, here, before the Arc that holds its peer.
        unsafe { ManuallyDrop::drop(&mut self.sleeper) };
    }
}

impl Waiter {
    pub(super) fn of(joined: Arc<Joined>) -> Result<Self> {
        let peer: *const Peer<'_> = joined.peer();
        // SAFETY: the peer lies in the Arc kept below, which outlives the sleeper by the order of drops.
        let peer: &'static Peer<'static> = unsafe { &*peer.cast() };
        let sleeper = Sleeper::of(peer)?;
        Ok(Self {
            ear: joined.segment.inner.bells.ear(peer.id())?,
            sleeper: ManuallyDrop::new(sleeper),
            tick: Some(TICK),
            polls: 0,
            reported: [None; PeerId::MOST as usize],
            woken: 0,
            undrained: false,
            credit: Credit::new(),
            joined,
        })
    }

    /// Rechecks every `tick` even if nobody rang; by default every second.
    pub fn tick(mut self, tick: Duration) -> Self {
        self.tick = Some(tick);
        self
    }

    /// Never rechecks by itself: what a [silent](super::Producer::silent) end does is then not noticed, and a commit whose producer was killed before it rang is then seen with the next one only,
    /// if that producer was in another space of process numbers, or joined while this peer slept.
    pub fn without_tick(mut self) -> Self {
        self.tick = None;
        self
    }

    /// Asks `polls` times, pausing, before it sleeps; by default not at all.
    pub fn spinning(mut self, polls: u32) -> Self {
        self.polls = polls;
        self
    }

    /// How often it asks before it sleeps.
    pub(super) fn polls(&self) -> u32 {
        self.polls
    }

    /// How often a sleep ended because somebody rang.
    pub fn woken(&self) -> u64 {
        self.woken
    }

    /// Sleeps until `ready` says so. `ready` is asked before sleeping, after every ring (twice, if the first answer is no), after the death of any peer
    /// and at every tick, so it may also look whether a channel is abandoned. `None` when time is up.
    ///
    /// Give the bell of every channel that `ready` looks at.
    ///
    /// # Errors
    ///
    /// [`crate::Error::ForeignPeer`] for a bell of another segment, [`crate::Error::Forked`], [`Error::Io`](super::Error::Io).
    pub fn wait<T>(
        &mut self,
        bells: &[OwnedBell],
        timeout: Option<Duration>,
        mut ready: impl FnMut() -> Option<T>,
    ) -> Result<Option<T>> {
        let polled = poll_for::<spin::relax::Spin, T>(self.polls.max(1), &mut ready);
        if polled.is_some() {
            return Ok(polled);
        }
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        self.check_home()?;
        let mut bed = Bed {
            joined: &self.joined,
            ear: &self.ear,
            reported: &mut self.reported,
            woken: &mut self.woken,
            undrained: &mut self.undrained,
            credit: &mut self.credit,
            tick: self.tick,
        };
        // What was rung for earlier epochs; emptying the pipe after arming would swallow a ring of this one.
        bed.drain()?;
        let mut armed = self.sleeper.arm(bells)?;
        let mut rung = false;
        loop {
            // Before the look: whoever dies from here on ends the sleep, also if its row has another peer by then.
            let watches = bed.watches();
            if let Some(value) = ready() {
                bed.was_worth_it(rung);
                return Ok(Some(value));
            }
            if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                return Ok(None);
            }
            rung = bed.sleep(deadline, &watches)?;
            if rung {
                // Before the pipe is emptied: that can wait until this peer sleeps again, an answer cannot.
                if let Some(value) = ready() {
                    bed.was_worth_it(rung);
                    return Ok(Some(value));
                }
            }
            bed.drain()?;
            armed.again();
        }
    }

    /// A forked child would empty its parent's pipe.
    fn check_home(&self) -> Result<()> {
        if self.joined.segment.inner.segment.is_forked() {
            return Err(crate::Error::Forked.into());
        }
        Ok(())
    }

    /// For a loop of one's own: empties the pipe and says that this peer may sleep now. Recheck every channel before
    /// sleeping on the descriptor, and drop the guard on waking. Wake up at least once a second besides: see the tick.
    ///
    /// # Errors
    ///
    /// [`crate::Error::ForeignPeer`] for a bell of another segment, [`crate::Error::Forked`], [`Error::Io`](super::Error::Io).
    pub fn arm<'a>(
        &'a mut self,
        bells: &'a [OwnedBell],
    ) -> Result<Armed<'a, 'static, super::OwnedPeer>> {
        self.check_home()?;
        // What was rung for earlier epochs is answered by the recheck that follows arming.
        drain(&self.ear)?;
        self.undrained = false;
        Ok(self.sleeper.arm(bells)?)
    }
}

#[cfg(unix)]
impl std::os::fd::AsFd for Waiter {
    /// The pipe's reading end: readable when somebody rang. A death does not ring: look at every tick whether a channel
    /// is abandoned.
    ///
    /// Loops that own what they watch take a copy, `waiter.as_fd().try_clone_to_owned()`, so that it does not borrow the
    /// waiter while that is armed. Loops that remember readiness forget it before [`Waiter::arm`], which empties the pipe.
    /// See examples/event_loops.
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.ear.as_fd()
    }
}

#[cfg(windows)]
impl std::os::windows::io::AsHandle for Waiter {
    /// The row's named pipe, overlapped: somebody rang when somebody has connected to it. A death does not ring: look at every tick whether
    /// a channel is abandoned.
    ///
    /// For an I/O completion port take a copy, `waiter.as_handle().try_clone_to_owned()`, and associate that. Then, each time: arm, look,
    /// `ConnectNamedPipe` with an `OVERLAPPED` of your own; its packet comes when somebody rings, and what this crate does with the pipe sends none.
    /// A call that answers at once that somebody is connected (`ERROR_PIPE_CONNECTED`, `ERROR_NO_DATA`), and one that ends because the pipe
    /// was disconnected, is a ring like any other. In tokio the copy is a `NamedPipeServer` (`from_raw_handle`), which one awaits with `connect`.
    ///
    /// Close every copy when the waiter is dropped: a copy keeps the pipe's name, and the row's next waiter is then not made
    /// ([`Error::TimedOut`](super::Error::TimedOut) after 5 seconds).
    fn as_handle(&self) -> std::os::windows::io::BorrowedHandle<'_> {
        self.ear.as_handle()
    }
}

fn drain(ear: &Ear) -> Result<()> {
    ear.drain().doing(|| "emptying the doorbell".into())
}

/// What a sleeper watches besides its pipe.
#[derive(Default)]
struct Watches {
    alive: Vec<(PeerId, u32, Arc<Watch>)>,
    gone: bool,
}

/// Where a waiter sleeps.
struct Bed<'a> {
    joined: &'a Joined,
    ear: &'a Ear,
    reported: &'a mut [Option<u32>; PeerId::MOST as usize],
    woken: &'a mut u64,
    undrained: &'a mut bool,
    credit: &'a mut Credit,
    tick: Option<Duration>,
}

impl Bed<'_> {
    /// The watches of the other peers whose death was not yet reported, and whether any is known to be gone.
    fn watches(&mut self) -> Watches {
        let joined = self.joined;
        let mut found = Watches::default();
        for (peer, generation, watch) in joined.segment.inner.oracle.watches(joined.peer().id()) {
            if self.reported[peer.index()] == Some(generation) {
                continue;
            }
            match watch {
                Some(watch) => found.alive.push((peer, generation, watch)),
                None => {
                    self.reported[peer.index()] = Some(generation);
                    found.gone = true;
                }
            }
        }
        found
    }

    /// A ring that brought something costs nothing.
    fn was_worth_it(&mut self, rung: bool) {
        if rung {
            self.credit.give_back();
        }
    }

    /// Empties the pipe, if anybody rang since it was emptied last.
    fn drain(&mut self) -> Result<()> {
        if std::mem::take(self.undrained) {
            drain(self.ear)?;
        }
        Ok(())
    }

    /// Sleeps once: until a ring, an unreported death, the tick or the deadline. Whether it was a ring.
    fn sleep(&mut self, deadline: Option<Instant>, watches: &Watches) -> Result<bool> {
        let tick = self.tick.and_then(|tick| Instant::now().checked_add(tick));
        let until = [deadline, tick].into_iter().flatten().min();
        self.credit.wait(until);
        if watches.gone {
            // It may have committed and died after `ready` looked.
            return Ok(false);
        }
        let watches = &watches.alive;
        let exits = watches.iter().map(|(_, _, watch)| &**watch);
        let mut rung = false;
        let ready = self
            .ear
            .wait(exits.take(MAX_WATCHES), until)
            .doing(|| "sleeping on the doorbell".into())?;
        for index in ready.iter() {
            match index.checked_sub(1).and_then(|index| watches.get(index)) {
                Some((peer, generation, _)) => self.reported[peer.index()] = Some(*generation),
                None => {
                    rung = true;
                    *self.woken += 1;
                    *self.undrained = true;
                    self.credit.spend();
                    // Later somebody else may have read it, and made the pipe one that blocks.
                    if self.ear.is_wary() {
                        self.drain()?;
                    }
                }
            }
        }
        Ok(rung)
    }
}
