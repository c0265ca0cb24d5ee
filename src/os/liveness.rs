//! Who lives: a row's byte lock, and a pidfd for owners whose forked children hold the lock on.
//!
//! # Protocol
//!
//! A peer locks its row's byte before it touches the row, through a description of its own. Questions go through
//! a description that holds no lock, and ask as a reader would, so that only an exclusive holder counts.
//! Dead = the byte is free, or the process that the row names, in our own space of process numbers, has exited.
//!
//! # Progress guarantee
//!
//! Blocking only on a short internal lock; one or a few system calls a question.

use std::sync::{Arc, Mutex, PoisonError};

use super::system::{self, Ask, Sighting, Watch};
use crate::segment::peers::Table;
use crate::{Identity, Life, Liveness, PeerId};

impl From<system::Identity> for Identity {
    fn from(of: system::Identity) -> Self {
        Identity {
            pid: of.pid,
            start: of.start,
            space: of.pid_ns,
        }
    }
}

/// One life of a row. Generations come again; a process with its start does not.
type Tenant = (Identity, u32);

/// What is known of a tenant's process.
#[derive(Clone, Debug)]
enum Known {
    Watched(Arc<Watch>),
    Gone,
}

/// Knows who lives in one segment.
#[derive(Debug)]
pub(super) struct Oracle {
    /// Holds no lock: asked through, never locked.
    ask: Ask,
    table: Table<'static>,
    /// Rows of a distrusted segment may name anybody: only locks count there.
    by_process: bool,
    known: Mutex<[Option<(Tenant, Known)>; PeerId::MOST as usize]>,
}

impl Oracle {
    /// `table` must stay mapped as long as the oracle is asked.
    pub(super) fn new(ask: Ask, table: Table<'static>, by_process: bool) -> Self {
        Self {
            ask,
            table,
            by_process,
            known: Mutex::new([const { None }; PeerId::MOST as usize]),
        }
    }

    /// The row's present process, if it can be watched; looked up once a life.
    fn known(&self, peer: PeerId) -> Option<(Tenant, Known)> {
        if !self.by_process {
            return None;
        }
        let tenant = self.table.occupant(peer)?;
        let identity = tenant.0;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let slot = &mut known[peer.index()];
        if let Some((of, known)) = slot.as_ref().filter(|(of, _)| *of == tenant) {
            return Some((*of, known.clone()));
        }
        let found = match Watch::of(&system::Identity {
            pid: identity.pid,
            start: identity.start,
            pid_ns: identity.space,
        }) {
            Sighting::Watching(watch) => Known::Watched(Arc::new(watch)),
            Sighting::Gone => Known::Gone,
            // Not remembered: it may be descriptors that were short.
            Sighting::Unknowable => return None,
        };
        *slot = Some((tenant, found.clone()));
        Some((tenant, found))
    }

    /// The processes in every row but `me`'s that can be watched, with the generation of the row; `None` for one that is
    /// gone already.
    pub(super) fn watches(&self, me: PeerId) -> Vec<(PeerId, u32, Option<Arc<Watch>>)> {
        let others = self.table.peers().filter(|peer| *peer != me);
        others
            .filter_map(|peer| match self.known(peer)? {
                ((_, generation), Known::Watched(watch)) => Some((peer, generation, Some(watch))),
                ((_, generation), Known::Gone) => Some((peer, generation, None)),
            })
            .collect()
    }

    fn has_exited(&self, peer: PeerId) -> bool {
        let Some((tenant, known)) = self.known(peer) else {
            return false;
        };
        let gone = match known {
            Known::Watched(watch) => watch.has_exited().unwrap_or(false),
            Known::Gone => true,
        };
        // The row must not have changed hands while its process was looked at.
        gone && self.table.occupant(peer) == Some(tenant)
    }
}

// SAFETY: a row's byte is locked before the row is touched and until after it is left, so a free byte means that
// whoever held the row when asked is gone, and the kernel's lock carries its writes to us; a process that exited
// writes no more, and its exit happened before its pidfd said so. Errors say Unknown.
unsafe impl Liveness for Oracle {
    fn state(&self, peer: PeerId) -> Life {
        // A row that is not there has no byte: a free one proves nothing.
        if peer.get() > self.table.rows() {
            return Life::Unknown;
        }
        match self.ask.is_held(peer) {
            Ok(false) => Life::Dead,
            Ok(true) if self.has_exited(peer) => Life::Dead,
            Ok(true) => Life::Alive,
            Err(_) => Life::Unknown,
        }
    }
}

#[cfg(all(test, target_os = "linux", not(ringpad_flock)))]
mod tests {
    use std::os::fd::AsFd;
    use std::process::{Command, Stdio};

    use super::*;
    use crate::memory::testing::Trust;
    use crate::os::linux::{lock, memory::memfd};
    use crate::segment::testing::{room, segment};
    use crate::{NoProof, Peer};

    fn identity(pid: u32) -> Identity {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
        let behind_the_name = stat.rsplit_once(')').unwrap().1;
        let start = behind_the_name.split_whitespace().nth(19).unwrap();
        Identity {
            pid,
            start: start.parse().unwrap(),
            ..system::Identity::mine().into()
        }
    }

    /// After 8,388,608 lives of a row a generation comes again: what was known of its last tenant says nothing of this one.
    #[test]
    fn a_generation_that_comes_again_is_another_life() {
        const STATE: usize = 384;
        let room = Box::leak(Box::new(room(2)));
        let segment = segment(room, Trust::Cooperative, 2);
        let row = PeerId::new(1).unwrap();
        // Somebody holds the row's lock all the time, so that only processes prove anything.
        let memory = memfd("rows", 4096).unwrap();
        let reopen = || lock::reopen(memory.as_fd()).unwrap();
        let seat = reopen();
        assert!(lock::try_exclusive(seat.as_fd(), u64::from(row.get())).unwrap());
        let oracle = Oracle::new(Ask(lock::LockFile(reopen())), segment.table(), true);
        let sit = |identity| {
            Peer::join_locked(segment, row, &identity, &NoProof)
                .unwrap()
                .0
        };

        let mut child = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
        let first = sit(identity(child.id()));
        assert_eq!(oracle.state(row), Life::Alive);
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(oracle.state(row), Life::Dead);
        drop(first);
        room.set(STATE, 0);
        let second = sit(system::Identity::mine().into());
        assert_eq!(room.word(STATE) >> 8, 1, "the same generation");
        assert_eq!(oracle.state(row), Life::Alive);
        drop(second);
    }
}
