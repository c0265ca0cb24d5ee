//! Rings of many senders and receivers, and the ledger of their messages.

use ringpad::hooks::probe::{mpmc_at, mpmc_mend};
use ringpad::mpmc::{Config, Delivery, Mpmc, Receiver, Recovery, Sender};
use ringpad::{Peer, Region};

use super::saw;
use super::world::World;

/// Two words, so that tearing shows.
pub type Message = [u32; 2];
pub type Many = Mpmc<'static, Message>;
pub type Tx = Sender<'static, Message>;
pub type Rx = Receiver<'static, Message>;

/// What the ledger says of a message that no sender says it sent.
pub const UNSENT: &str = "was not sent";
/// Of one that came more often than it may.
pub const TWICE: &str = "came twice";
/// Of one that never came.
pub const LOST: &str = "was lost";
/// Of one that came before an earlier one of its sender.
pub const ORDER: &str = "came out of order";
/// Of a ring that does not work when all is over.
pub const WEDGED: &str = "wedged";

/// Nothing that stands in the way is waited for.
pub fn config(capacity: u32) -> Config {
    Config::new(capacity)
}

pub const EVERY: [(Recovery, Delivery); 4] = [
    (Recovery::Revoke, Delivery::AtLeastOnce),
    (Recovery::Revoke, Delivery::AtMostOnce),
    (Recovery::ProofOnly, Delivery::AtLeastOnce),
    (Recovery::ProofOnly, Delivery::AtMostOnce),
];

/// A segment with such a ring, whose positions begin at `at`.
pub struct Crowd {
    pub world: World,
    pub ring: Many,
    capacity: u32,
}

impl Crowd {
    pub fn new(peers: u32, config: Config, at: u64) -> Self {
        let world = World::with::<Many>(peers, &config);
        mpmc_at(world.bytes_of_channel(), at).unwrap();
        Self {
            ring: world.open(),
            world,
            capacity: config.capacity,
        }
    }

    /// Three peers and the ring.
    pub fn of_three(config: Config) -> (Self, [&'static Peer<'static>; 3]) {
        let crowd = Self::new(3, config, 0);
        let peers = [crowd.world.join(), crowd.world.join(), crowd.world.join()];
        (crowd, peers)
    }

    pub fn tx(&self, me: &'static Peer<'static>) -> Tx {
        self.ring.sender(me).unwrap().with_patience(0)
    }

    pub fn rx(&self, me: &'static Peer<'static>) -> Rx {
        self.ring.receiver(me).unwrap().with_patience(0)
    }

    pub fn region(&self) -> Region<'static> {
        self.world.bytes_of_channel()
    }

    /// What remains when all other threads are done: every message, in the end; and a ring that works. `me` lives.
    pub fn closes(&self, me: &'static Peer<'static>, mut ledger: Ledger) {
        mpmc_mend(self.region(), me).unwrap();
        let mut rx = self.rx(me);
        let mut rest = Vec::new();
        while let Some(n) = recv(&mut rx) {
            rest.push(n);
        }
        ledger.got(&rest);
        ledger.check();
        self.works(me);
    }

    /// As many messages go in as there are slots, and come out.
    fn works(&self, me: &'static Peer<'static>) {
        let (mut tx, mut rx) = (self.tx(me), self.rx(me));
        let first = 900;
        for n in 0..self.capacity {
            assert!(send(&mut tx, first + n), "{WEDGED}: slot {n}");
        }
        assert!(!send(&mut tx, 999), "{WEDGED}: more than slots");
        for n in 0..self.capacity {
            assert_eq!(recv(&mut rx), Some(first + n), "{WEDGED}");
        }
        assert_eq!(recv(&mut rx), None, "{WEDGED}");
    }
}

pub fn message(n: u32) -> Message {
    [n, !n]
}

/// The number of a whole message.
pub fn number(of: Message) -> u32 {
    assert_eq!(of[1], !of[0], "torn");
    of[0]
}

pub fn send(tx: &mut Tx, n: u32) -> bool {
    let sent = tx.try_send(message(n)).is_ok();
    saw(if sent { "sent" } else { "full" });
    sent
}

/// Sends these together as far as that goes; answers those that went.
pub fn send_all(tx: &mut Tx, all: &[u32]) -> Vec<u32> {
    let batch: Vec<_> = all.iter().map(|&n| message(n)).collect();
    let sent = tx.try_send_slice(&batch);
    saw(if sent == all.len() { "sent" } else { "full" });
    all[..sent].to_vec()
}

pub fn recv(rx: &mut Rx) -> Option<u32> {
    let found = rx.try_recv().map(number);
    saw(if found.is_some() { "got" } else { "empty" });
    found
}

/// Takes up to `most` together.
pub fn recv_all(rx: &mut Rx, most: usize) -> Vec<u32> {
    let mut into = vec![[0; 2]; most];
    let count = rx.try_recv_slice(&mut into);
    saw(if count > 0 { "got" } else { "empty" });
    into[..count].iter().copied().map(number).collect()
}

/// Takes one by name and is done with it.
pub fn take(rx: &mut Rx) -> Option<u32> {
    let taken = rx.try_take()?;
    let n = number(*taken.value());
    assert_eq!(number(taken.acknowledge()), n);
    Some(n)
}

/// What was sent, and what came. A message's number is its sender's, times 16, and how many that sent before.
#[derive(Default, Debug)]
pub struct Ledger {
    sent: Vec<u32>,
    perhaps: Vec<u32>,
    again: Vec<u32>,
    lost: usize,
    came: Vec<u32>,
}

impl Ledger {
    pub fn sent(&mut self, all: impl IntoIterator<Item = u32>) -> &mut Self {
        self.sent.extend(all);
        self
    }

    /// Sent by one that died over it, or not.
    pub fn perhaps(&mut self, all: impl IntoIterator<Item = u32>) -> &mut Self {
        self.perhaps.extend(all);
        self
    }

    /// What one receiver got, in this order.
    pub fn got(&mut self, all: &[u32]) -> &mut Self {
        for (i, n) in all.iter().enumerate() {
            let again = self.again.contains(n);
            let later = all[..i].iter().find(|m| *m / 16 == n / 16 && *m >= n);
            assert!(again || later.is_none(), "{n} {ORDER}: {all:?}");
        }
        self.came.extend(all);
        self
    }

    /// May come more than once, and out of order.
    pub fn again(&mut self, all: impl IntoIterator<Item = u32>) -> &mut Self {
        self.again.extend(all);
        self
    }

    /// So many may have gone with a receiver that died.
    pub fn lost(&mut self, most: usize) -> &mut Self {
        self.lost = most;
        self
    }

    fn check(&self) {
        for (i, n) in self.came.iter().enumerate() {
            let known = self.sent.contains(n) || self.perhaps.contains(n);
            assert!(known, "{n} {UNSENT}: {self:?}");
            let first = !self.came[..i].contains(n) || self.again.contains(n);
            assert!(first, "{n} {TWICE}: {self:?}");
        }
        let missing = self.sent.iter().filter(|n| !self.came.contains(n)).count();
        assert!(missing <= self.lost, "a message {LOST}: {self:?}");
    }
}
