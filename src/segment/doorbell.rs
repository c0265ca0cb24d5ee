//! Waking without an operating system: who may be asleep, and when to ring.
//!
//! # Protocol
//!
//! ```text
//! sleeper   set my bit in `waiters` of every end I wait for
//!           arm = epoch + 1 | ARMED; fence (ARM); recheck every end
//!           something there: go on; else sleep on my pipe; look; drain it before arming again
//!           on leaving: disarm, clear my bits
//! producer  commit; fence (RING); waiters == 0: done, no system call ever
//!           each bit: its row ARMED with an epoch I did not ring: write one byte, remember the epoch
//! ```
//! Producers never clear a flag: a producer killed between clearing and writing would leave a sleeper
//! that nobody wakes. Epochs never restart, also when a row changes hands.
//!
//! # Progress guarantee
//!
//! Ringing is wait-free: one fence and one load while nobody sleeps, at most one signal a sleeper and epoch.
//!
//! # What a crash at each step leaves
//!
//! A producer killed between commit and ring: the sleeper's death watch or tick finds the commit.
//! A dead sleeper: one bit, which costs each commit one load until the row's next peer clears it.

#![forbid(unsafe_code)]

use core::fmt;

use crate::error::{Error, Result};
use crate::memory::liveness::PeerId;
use crate::memory::maintenance::Upkeep;
use crate::memory::order::{ARM, RELAXED, RING};
use crate::memory::sync::{AtomicU32, fence};
use crate::segment::join::Peer;
use crate::segment::peers::Table;
pub(crate) use crate::segment::wake::{Silent, Waiters, Wake, sealed};

/// The flag of a row's doorbell word beside its epoch.
pub(crate) const ARMED: u32 = 1;

/// Wakes one peer: the os layer writes a byte to its pipe. Must not block or fail.
pub trait Signal {
    /// Wakes `peer`.
    fn signal(&self, peer: PeerId);
}

impl<S: Signal + ?Sized> Signal for &S {
    fn signal(&self, peer: PeerId) {
        (**self).signal(peer);
    }
}

impl Signal for Silent {
    fn signal(&self, _: PeerId) {}
}

/// Rings the doorbells of sleepers.
#[derive(Debug)]
pub struct Ringer<'p, S> {
    table: Table<'p>,
    rung: Rung,
    signal: S,
}

impl<'p, S: Signal> Ringer<'p, S> {
    pub(crate) fn new(table: Table<'p>, signal: S) -> Self {
        Self {
            table,
            rung: Rung::default(),
            signal,
        }
    }
}

impl<S: Signal> Upkeep for Ringer<'_, S> {}
impl<S: Signal> Wake for Ringer<'_, S> {}
impl<S: Signal> sealed::Wake for Ringer<'_, S> {
    type Keep = ();
    fn keep(&self) {}
    #[inline]
    fn wake(&mut self, waiters: Waiters<'_>) {
        self.rung.ring(|| self.table, waiters, &self.signal);
    }
    #[inline]
    fn wake_shared(&self, waiters: Waiters<'_>) {
        Rung::ring_all(|| self.table, waiters, &self.signal);
    }
}

/// The doorbell words that an endpoint rang last, so that it rings each epoch once.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rung([u32; PeerId::MOST as usize]);

impl Rung {
    /// `table` is asked for only if somebody may sleep.
    #[inline]
    pub(crate) fn ring<'t>(
        &mut self,
        table: impl FnOnce() -> Table<'t>,
        waiters: Waiters<'_>,
        signal: &impl Signal,
    ) {
        fence(RING); // RING: pairs with ARM
        let waiters = waiters.0.load(RELAXED);
        if waiters != 0 {
            self.ring_each(&table(), waiters, signal);
        }
    }

    /// Rings every epoch, remembering none: nothing is made of it while nobody sleeps.
    #[inline]
    pub(crate) fn ring_all<'t>(
        table: impl FnOnce() -> Table<'t>,
        waiters: Waiters<'_>,
        signal: &impl Signal,
    ) {
        fence(RING); // RING: pairs with ARM
        let waiters = waiters.0.load(RELAXED);
        if waiters != 0 {
            Self::first(&table(), waiters, signal);
        }
    }

    #[cold]
    #[inline(never)]
    fn first(table: &Table<'_>, waiters: u32, signal: &impl Signal) {
        Self::default().ring_each(table, waiters, signal);
    }

    #[cold]
    #[inline(never)]
    fn ring_each(&mut self, table: &Table<'_>, waiters: u32, signal: &impl Signal) {
        for peer in table.peers().filter(|peer| waiters & peer.bit() != 0) {
            let Ok(arm) = table.arm(peer) else { continue };
            let arm = arm.load(RELAXED);
            let rung = &mut self.0[peer.index()];
            if arm & ARMED != 0 && arm != *rung {
                signal.signal(peer);
                *rung = arm;
            }
        }
    }
}

/// The end of a channel that a peer may sleep at: a consumer's (for data) or a producer's (for space).
///
/// Taken from an endpoint by its `bell()`, and given to a waiter.
#[derive(Clone, Debug)]
pub struct Bell<'p, K = ()> {
    waiters: &'p AtomicU32,
    home: usize,
    _keep: K,
}

impl<'p, K> Bell<'p, K> {
    pub(crate) fn new(waiters: &'p AtomicU32, home: usize, keep: K) -> Self {
        Self {
            waiters,
            home,
            _keep: keep,
        }
    }
}

/// The right of one peer to sleep. There is one a peer.
///
/// The os layer's waiter stands on it; other systems bring their own sleep.
pub struct Sleeper<'p> {
    peer: &'p Peer<'p>,
    arm: &'p AtomicU32,
    /// The doorbell word as this sleeper last stored it.
    last: u32,
}

impl fmt::Debug for Sleeper<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sleeper")
            .field("peer", &self.peer.id())
            .field("epoch", &(self.last >> 1))
            .finish()
    }
}

impl<'p> Sleeper<'p> {
    /// Takes the peer's right to sleep.
    ///
    /// # Errors
    ///
    /// [`Error::WaiterTaken`] while another sleeper of this peer exists; [`Error::Forked`].
    pub fn of(peer: &'p Peer<'_>) -> Result<Self> {
        peer.segment().check_joinable()?;
        let arm = peer.segment().table().arm(peer.id())?;
        if !peer.take_waiter() {
            return Err(Error::WaiterTaken);
        }
        Ok(Self {
            peer,
            arm,
            last: arm.load(RELAXED),
        })
    }

    /// Says that this peer is about to sleep at these ends. Recheck them all before sleeping, and drop
    /// the guard on leaving.
    ///
    /// # Errors
    ///
    /// [`Error::ForeignPeer`] if an end is not of this peer's segment.
    pub fn arm<'a, K>(&'a mut self, ends: &'a [Bell<'_, K>]) -> Result<Armed<'a, 'p, K>> {
        if ends.iter().any(|end| end.home != self.peer.home()) {
            return Err(Error::ForeignPeer);
        }
        for end in ends {
            end.waiters.set_bits(self.peer.id().bit(), RELAXED);
        }
        let mut armed = Armed {
            sleeper: self,
            ends,
        };
        armed.again();
        Ok(armed)
    }
}

impl Drop for Sleeper<'_> {
    fn drop(&mut self) {
        self.peer.return_waiter();
    }
}

/// A peer that may be asleep. Dropping it disarms.
#[derive(Debug)]
#[must_use = "dropping it disarms"]
pub struct Armed<'a, 'p, K> {
    sleeper: &'a mut Sleeper<'p>,
    ends: &'a [Bell<'a, K>],
}

impl<K> Armed<'_, '_, K> {
    /// Arms a new epoch after a wake-up: whoever rang the last one will ring again. Recheck after it.
    pub fn again(&mut self) {
        let epoch = (self.sleeper.last >> 1).wrapping_add(1);
        self.store(epoch << 1 | ARMED);
        fence(ARM); // ARM: pairs with RING
    }

    fn store(&mut self, arm: u32) {
        self.sleeper.last = arm;
        self.sleeper.arm.store(arm, RELAXED);
    }
}

impl<K> Drop for Armed<'_, '_, K> {
    fn drop(&mut self) {
        if self.sleeper.peer.segment().is_forked() {
            return;
        }
        self.store(self.sleeper.last & !ARMED);
        for end in self.ends {
            end.waiters
                .clear_bits(self.sleeper.peer.id().bit(), RELAXED);
        }
    }
}

#[cfg(all(test, not(ringpad_loom)))]
mod tests;
