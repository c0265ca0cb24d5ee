//! Vyukov's bounded queue, whose slots have no names: it wedges where a process dies between its claim and its commit. Also two that
//! are wrong in another way each. What the sweep must report, or it proves nothing.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::common::tracer::Shared;

use super::message::Message;
use super::stage::{End, Hands, PARTIES, SLOTS, World};

/// What is wrong with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// Nothing but what it is.
    None,
    /// It commits before it has written.
    CommitsFirst,
    /// It frees a slot before it has copied what is in it.
    FreesFirst,
}

const HEAD: usize = 1;
const CELLS: usize = 8;
/// A sequence and a message.
const CELL: usize = 5;

pub struct Vyukov {
    memory: &'static Shared,
    flaw: Flaw,
}

impl Vyukov {
    fn cell(&self, position: u64, word: usize) -> &AtomicU64 {
        let cell = position as usize % SLOTS;
        self.memory.word(CELLS + CELL * cell + word)
    }

    /// Claims the position that the hint says, if its cell is as far as `due` tells.
    fn claim(&self, hint: usize, due: u64) -> Option<u64> {
        for _ in 0..64 {
            let position = self.memory.get(hint);
            let sequence = self.cell(position, 0).load(Ordering::Acquire);
            if sequence < position + due {
                return None;
            }
            let word = self.memory.word(hint);
            let (order, late) = (Ordering::Relaxed, Ordering::Relaxed);
            if sequence == position + due
                && word
                    .compare_exchange(position, position + 1, order, late)
                    .is_ok()
            {
                return Some(position);
            }
        }
        None
    }

    fn push(&self, message: &Message) -> bool {
        let Some(at) = self.claim(0, 0) else {
            return false;
        };
        let commit = || self.cell(at, 0).store(at + 1, Ordering::Release);
        if self.flaw == Flaw::CommitsFirst {
            commit();
        }
        for (word, value) in (1..).zip(message) {
            self.cell(at, word).store(*value, Ordering::Relaxed);
        }
        if self.flaw != Flaw::CommitsFirst {
            commit();
        }
        true
    }

    fn pop(&self) -> Option<Message> {
        let at = self.claim(HEAD, 1)?;
        let free = || self.cell(at, 0).store(at + SLOTS as u64, Ordering::Release);
        if self.flaw == Flaw::FreesFirst {
            free();
        }
        let found = [1, 2, 3, 4].map(|word| self.cell(at, word).load(Ordering::Relaxed));
        if self.flaw != Flaw::FreesFirst {
            free();
        }
        Some(found)
    }
}

impl End for Vyukov {
    fn send(&mut self, messages: &[Message]) -> usize {
        messages
            .iter()
            .take_while(|message| self.push(message))
            .count()
    }

    fn recv(&mut self, into: &mut [Message]) -> usize {
        let mut got = 0;
        for at in into {
            let Some(message) = self.pop() else { break };
            *at = message;
            got += 1;
        }
        got
    }

    fn take(&mut self) -> Option<(Message, Option<u64>)> {
        Some((self.pop()?, None))
    }
}

/// Words that it needs.
pub const BYTES: usize = (CELLS + CELL * SLOTS) * 8;

/// An empty one, and all parties at it.
pub fn begin(world: &World, flaw: Flaw) -> Vec<Hands<Vyukov>> {
    world.clear();
    let memory = world.memory;
    for cell in 0..SLOTS {
        memory.set(CELLS + CELL * cell, cell as u64);
    }
    let hands = |who| world.hands(who, Vyukov { memory, flaw });
    (0..PARTIES).map(hands).collect()
}
