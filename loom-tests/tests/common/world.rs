//! What models run on: bytes, a segment in them, an oracle that knows who died, pipes to sleep on.
//!
//! Everything here is lent for `'static`, because modelled threads want it so: a model keeps its [`Room`]
//! or [`World`] in its main thread and joins its other threads before it ends.

use std::cell::RefCell;
use std::sync::Arc;

use super::saw;
use loom::sync::atomic::{AtomicBool, Ordering};
use loom::sync::{Condvar, Mutex};
use ringpad::hooks::probe::{mailslot_at, notepad_at};
use ringpad::{
    AlignedBytes, Channel, Content, Error, Identity, Life, Liveness, NoProof, Peer, PeerId, Plan,
    Region, Segment, Signal, bytes, mailslot, notepad, spsc,
};

/// Zeroed bytes.
pub struct Room {
    lines: Vec<AlignedBytes<128>>,
    base: *mut u8,
}

impl Room {
    pub fn new(bytes: usize) -> Self {
        let mut lines = vec![AlignedBytes::new(); bytes.div_ceil(128)];
        let base = lines.as_mut_ptr().cast();
        Self { lines, base }
    }

    /// A party's own view of the bytes.
    pub fn region(&self) -> Region<'static> {
        // SAFETY: the vector is neither touched nor moved from its heap bytes while the room lives, which is longer
        // than any thread that uses the region; all of them go through the crate.
        unsafe { Region::new(self.base, 128 * self.lines.len()) }.unwrap()
    }
}

/// A bare ring whose positions begin at `at`, and its ends.
pub fn ring(
    capacity: u32,
    at: u32,
) -> (
    Room,
    spsc::Producer<'static, u32>,
    spsc::Consumer<'static, u32>,
) {
    let config = spsc::Config::new(capacity);
    let room = Room::new(spsc::Spsc::<u32>::layout(&config).unwrap().size());
    let ring = spsc::Spsc::init(room.region(), &config).unwrap();
    ringpad::hooks::probe::start_at(room.region(), at).unwrap();
    let (tx, rx) = ring.split().unwrap();
    (room, tx, rx)
}

/// A bare byte ring and its ends.
pub fn byte_ring(
    config: &bytes::Config,
) -> (Room, bytes::Producer<'static>, bytes::Consumer<'static>) {
    let room = Room::new(bytes::Bytes::layout(config).unwrap().size());
    let ring = bytes::Bytes::init(room.region(), config).unwrap();
    let (tx, rx) = ring.split().unwrap();
    (room, tx, rx)
}

/// A value of two words, so that tearing shows.
pub type Pair = [u32; 2];

/// A bare notepad that goes on behind version `from` (0: nothing was written), and its ends.
pub fn notepad<T: Content + ?Sized>(
    config: &notepad::Config,
    from: u32,
) -> (
    Room,
    notepad::Writer<'static, T>,
    notepad::Reader<'static, T>,
) {
    let room = Room::new(notepad::Notepad::<T>::layout(config).unwrap().size());
    let pad = notepad::Notepad::init(room.region(), config).unwrap();
    notepad_at(room.region(), from).unwrap();
    let (tx, rx) = pad.split().unwrap();
    (room, tx, rx)
}

/// A bare mailslot that goes on behind message `from` (0: nothing was published), and its publisher.
pub fn mailslot<T: Content + ?Sized>(
    config: &mailslot::Config,
    from: u64,
) -> (
    Room,
    mailslot::Mailslot<'static, T>,
    mailslot::Publisher<'static, T>,
) {
    let room = Room::new(mailslot::Mailslot::<T>::layout(config).unwrap().size());
    let slot = mailslot::Mailslot::init(room.region(), config).unwrap();
    mailslot_at(room.region(), from).unwrap();
    let tx = slot.bare_publisher(&NoProof).unwrap();
    (room, slot, tx)
}

/// A segment of its own bytes, and what is known of its peers.
pub struct World {
    peers: RefCell<Vec<Arc<Peer<'static>>>>,
    pub room: Room,
    pub segment: Segment<'static>,
    oracle: Arc<Oracle>,
}

impl World {
    pub fn new(plan: &Plan<2>) -> Self {
        let room = Room::new(plan.layout().unwrap().size());
        let segment = Segment::init(room.region(), plan).unwrap();
        Self {
            peers: RefCell::default(),
            room,
            segment,
            oracle: Arc::default(),
        }
    }

    /// `peers` rows and a typed ring called "ring".
    pub fn with_ring(peers: u32, capacity: u32) -> Self {
        let plan = Plan::new().peers(peers).unwrap();
        Self::new(
            &plan
                .channel::<spsc::Spsc<u32>>("ring", &spsc::Config::new(capacity))
                .unwrap(),
        )
    }

    /// `peers` rows and a byte ring called "ring".
    pub fn with_bytes(peers: u32, config: bytes::Config) -> Self {
        let plan = Plan::new().peers(peers).unwrap();
        Self::new(&plan.channel::<bytes::Bytes>("ring", &config).unwrap())
    }

    /// `peers` rows and a channel of any kind called "ring".
    pub fn with<C: Channel<'static>>(peers: u32, config: &C::Config) -> Self {
        let plan = Plan::new().peers(peers).unwrap();
        Self::new(&plan.channel::<C>("ring", config).unwrap())
    }

    /// The channel called "ring".
    pub fn open<C: Channel<'static>>(&self) -> C {
        self.segment.open("ring").unwrap()
    }

    /// The bytes of the one channel.
    pub fn bytes_of_channel(&self) -> Region<'static> {
        let entry = self.segment.entries().next().unwrap();
        let (_, channel) = self.room.region().split_at(entry.offset as usize).unwrap();
        channel
    }

    /// With an oracle that breaks its contract: its `Dead` is no acquire.
    pub fn careless(mut self) -> Self {
        self.oracle = Arc::new(Oracle {
            answer: Ordering::Relaxed,
            ..Oracle::default()
        });
        self
    }

    pub fn ring(&self) -> spsc::Spsc<'static, u32> {
        self.segment.open("ring").unwrap()
    }

    pub fn bytes(&self) -> bytes::Bytes<'static> {
        self.segment.open("ring").unwrap()
    }

    pub fn oracle(&self) -> &'static Oracle {
        // SAFETY: the Arc keeps it where it is for as long as the world lives, longer than any modelled thread.
        unsafe { &*Arc::as_ptr(&self.oracle) }
    }

    /// A peer that stays as long as the world: its ends may go to any thread.
    pub fn join(&self) -> &'static Peer<'static> {
        let peer = self.visitor();
        let mut peers = self.peers.borrow_mut();
        peers.push(Arc::new(peer));
        // SAFETY: as for the oracle: the Arc stays in the list until the world ends.
        unsafe { &*Arc::as_ptr(&peers[peers.len() - 1]) }
    }

    /// Joins, in any thread, if there is a free row.
    pub fn joiner(&self, pid: u32) -> impl FnOnce() -> Option<Peer<'static>> + use<> {
        let (segment, oracle) = (self.segment, self.oracle());
        move || {
            let peer = match segment.join(&named(pid), oracle) {
                Ok(peer) => Some(peer),
                Err(Error::PeersFull { .. }) => None,
                Err(other) => panic!("{other}"),
            };
            saw(if peer.is_some() { "joined" } else { "no row" });
            peer
        }
    }

    /// A peer that may leave.
    pub fn visitor(&self) -> Peer<'static> {
        self.segment
            .join(&Identity::default(), self.oracle())
            .unwrap()
    }
}

/// Whoever joins says so by its process number.
pub fn named(pid: u32) -> Identity {
    Identity {
        pid,
        ..Identity::default()
    }
}

/// The end, unless somebody has it. One attempt is enough: the checker makes it at every moment there is.
pub fn if_free<E>(claim: Result<E, Error>) -> Option<E> {
    let end = match claim {
        Ok(end) => Some(end),
        Err(Error::EndpointTaken { .. }) => None,
        Err(other) => panic!("{other}"),
    };
    saw(if end.is_some() { "free" } else { "taken" });
    end
}

/// Knows, of at most four peers, numbered from 1, a peer's death from the moment that its thread's last act was.
#[derive(Debug)]
pub struct Oracle {
    dead: [AtomicBool; 5],
    answer: Ordering,
}

impl Default for Oracle {
    fn default() -> Self {
        Self {
            dead: std::array::from_fn(|_| AtomicBool::new(false)),
            answer: Ordering::Acquire,
        }
    }
}

impl Oracle {
    /// The system's word that a peer's thread ended, said by that thread at its end.
    pub fn bury(&self, peer: PeerId) {
        self.dead[peer.get() as usize].store(true, Ordering::Release);
    }

    pub fn is_dead(&self, peer: PeerId) -> bool {
        self.dead[peer.get() as usize].load(self.answer)
    }
}

// SAFETY: models bury a peer after its last access; the store is a release, the answer an acquire.
unsafe impl Liveness for Oracle {
    fn state(&self, peer: PeerId) -> Life {
        if self.is_dead(peer) {
            Life::Dead
        } else {
            Life::Alive
        }
    }
}

/// One pipe a peer: written by whoever signals, drained by the peer.
#[derive(Clone)]
pub struct Pipes(Arc<[(Mutex<bool>, Condvar); 4]>);

impl Pipes {
    pub fn new() -> Self {
        let pipe = |_| (Mutex::new(false), Condvar::new());
        Self(Arc::new(std::array::from_fn(pipe)))
    }

    /// Sleeps until the pipe has been written, and drains it.
    pub fn sleep(&self, peer: PeerId) {
        self.wait(peer);
        self.drain(peer);
    }

    /// Sleeps until the pipe has been written; what was written stays.
    pub fn wait(&self, peer: PeerId) {
        let (full, written) = &self.0[peer.get() as usize];
        let mut full = full.lock().unwrap();
        while !*full {
            saw("asleep");
            full = written.wait(full).unwrap();
        }
    }

    /// Empties the pipe, whoever rang.
    pub fn drain(&self, peer: PeerId) {
        *self.0[peer.get() as usize].0.lock().unwrap() = false;
    }
}

impl Signal for Pipes {
    fn signal(&self, peer: PeerId) {
        // A system call: a producer may die before it.
        if ringpad::hooks::crash_point() {
            let (full, written) = &self.0[peer.get() as usize];
            saw("rung");
            *full.lock().unwrap() = true;
            written.notify_one();
        }
    }
}
