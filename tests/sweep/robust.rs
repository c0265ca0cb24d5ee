//! Controls: locks that outlive their owners, each broken in one way. The judge of `locks.rs` must say which.

use std::sync::atomic::Ordering::SeqCst;

use ringpad::{Life, Liveness, PeerId};

use crate::common::tracer::Shared;

use super::locks::{Hold, Locks, Saw, id};
use super::message::Message;
use super::stage::{Oracle, PARTIES, World};

/// What is wrong with a lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// Whoever takes over from the dead leaves no poison.
    ForgetsPoison,
    /// The value is written where it is read.
    WritesInPlace,
    /// Nobody takes over from the dead.
    Waits,
    /// Whoever comes takes over, from the living too.
    Robs,
}

/// A word that names its holder, poison, a version, two values.
#[derive(Clone, Copy)]
pub struct Robust {
    memory: &'static Shared,
    oracle: &'static Oracle,
    me: u64,
    flaw: Flaw,
}

const POISON: u64 = 1 << 32;
const VERSION: usize = 1;
const VALUES: usize = 2;

/// Everybody's key of a lock in cleared memory.
pub fn begin(world: &World, flaw: Flaw) -> Vec<Robust> {
    world.clear();
    let key = |who| Robust {
        memory: world.memory,
        oracle: world.oracle,
        me: id(who).get().into(),
        flaw,
    };
    (0..PARTIES).map(key).collect()
}

impl Robust {
    fn lock(&self) -> Saw {
        let found = self.memory.get(0);
        let from = PeerId::new(found as u32);
        if let Some(by) = from {
            let dead = self.oracle.state(by) == Life::Dead;
            if self.flaw == Flaw::Waits || !(dead || self.flaw == Flaw::Robs) {
                return Saw::Held(by);
            }
        }
        let inherits = from.is_some() || found & POISON != 0;
        let poison = match inherits && (self.flaw != Flaw::ForgetsPoison || from.is_none()) {
            true => POISON,
            false => 0,
        };
        let word = self.memory.word(0);
        match word.compare_exchange(found, self.me | poison, SeqCst, SeqCst) {
            Ok(_) if poison != 0 => Saw::Inherited(from),
            Ok(_) => Saw::Clean,
            Err(_) => Saw::Error,
        }
    }

    /// Where the value of this version begins.
    fn value(version: u64) -> usize {
        VALUES + 4 * (version % 2) as usize
    }
}

impl Hold for Robust {
    fn get(&self) -> Message {
        let at = Self::value(self.memory.get(VERSION));
        std::array::from_fn(|word| self.memory.get(at + word))
    }

    fn set(&mut self, value: &Message) {
        let version = self.memory.get(VERSION);
        let next = version + u64::from(self.flaw != Flaw::WritesInPlace);
        for (word, part) in value.iter().enumerate() {
            self.memory.set(Self::value(next) + word, *part);
        }
        self.memory.set(VERSION, next);
    }

    fn mark_consistent(&mut self) {
        self.memory.word(0).fetch_and(!POISON, SeqCst);
    }
}

impl Locks for Robust {
    const HAS_VALUE: bool = true;

    fn visit(&mut self, then: &mut dyn FnMut(&mut dyn Hold)) -> Saw {
        let saw = self.lock();
        if matches!(saw, Saw::Clean | Saw::Inherited(_)) {
            then(self);
            self.memory.word(0).fetch_and(POISON, SeqCst);
        }
        saw
    }

    fn keep(&mut self) -> Saw {
        self.lock()
    }
}
