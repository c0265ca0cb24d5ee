//! What survivors sent and got, and what they do to see whether a ring still works.

use std::collections::{BTreeMap, BTreeSet};

use super::faults::Faults;
use super::message::{Message, message, name, parts, whole};
use super::stage::{End, Hands, SLOTS, SURVIVORS};

/// Messages of a check: three laps.
const LAPS: usize = 3 * SLOTS;
/// Calls in which they must come through; what is not promised is tried a few times.
const CALLS: usize = 40 * LAPS;
const FEW: usize = 12;

#[derive(Default)]
pub struct Ledger {
    /// What was committed for certain.
    committed: BTreeSet<u64>,
    /// What was there before the operation, and at which position each.
    set_up: BTreeMap<u64, u64>,
    /// What was there when the victim began, or went on.
    there: BTreeSet<u64>,
    /// How often each came to a survivor, and to anybody.
    to_survivors: BTreeMap<u64, u32>,
    to_all: BTreeMap<u64, u32>,
    /// The last number of each sender.
    last: BTreeMap<usize, u64>,
    faults: Faults,
}

impl Ledger {
    /// A survivor sends so many of its next messages together.
    pub fn send<E: End>(&mut self, hands: &mut Hands<E>, count: usize) -> usize {
        let mut batch = [[0; 4]; SLOTS];
        for (at, next) in batch.iter_mut().zip(hands.next..).take(count) {
            *at = message(hands.who, next);
        }
        let sent = hands.end.send(&batch[..count]);
        for number in hands.next..hands.next + sent as u64 {
            self.committed.insert(name(hands.who, number));
        }
        hands.next += sent as u64;
        sent
    }

    /// A survivor receives so many at most.
    pub fn recv<E: End>(&mut self, hands: &mut Hands<E>, count: usize) -> usize {
        let mut into: [Message; SLOTS] = [[0; 4]; SLOTS];
        let got = hands.end.recv(&mut into[..count]);
        into[..got]
            .iter()
            .for_each(|message| self.got(message, None));
        got
    }

    /// A survivor takes one by name.
    pub fn take<E: End>(&mut self, hands: &mut Hands<E>) -> usize {
        let taken = hands.end.take();
        let count = taken.iter().count();
        taken
            .into_iter()
            .for_each(|(message, sequence)| self.got(&message, sequence));
        count
    }

    fn got(&mut self, message: &Message, sequence: Option<u64>) {
        let Some(name) = whole(message) else {
            return self.faults.torn(format!("a survivor got {message:x?}"));
        };
        *self.to_survivors.entry(name).or_insert(0) += 1;
        *self.to_all.entry(name).or_insert(0) += 1;
        let position = self.set_up.get(&name);
        if let (Some(position), Some(sequence)) = (position, sequence) {
            if *position != sequence {
                let what = format!("{name:x} of position {position} has sequence {sequence}");
                self.faults.lost(what);
            }
        }
        // What was there before may come again, late.
        if !self.there.contains(&name) {
            let (sender, number) = parts(name);
            if self
                .last
                .insert(sender, number)
                .is_some_and(|last| last >= number)
            {
                self.faults.repeated(format!("{name:x} is out of order"));
            }
        }
    }

    /// All that survivors sent from this number of theirs on was there before the operation, from this position on.
    pub fn set_up(&mut self, first: u64, position: u64) {
        let prepared = self
            .committed
            .iter()
            .filter(|name| parts(**name).1 >= first);
        self.set_up = prepared.copied().zip(position..).collect();
    }

    /// The victim begins, or goes on: what is there now it may take.
    pub fn victim_goes_on(&mut self) {
        let there = self.committed.iter().filter(|name| !self.has(**name));
        let there: Vec<u64> = there.copied().collect();
        self.there.extend(there);
    }

    /// Three laps of messages through the ring, by both survivors; false if they do not come through.
    pub fn laps<E: End>(&mut self, parties: &mut [Hands<E>], demanded: bool) -> bool {
        let mut left = LAPS;
        for call in 0..if demanded { CALLS } else { FEW } {
            if left == 0 {
                return true;
            }
            let together = if call % 5 == 0 { 3.min(left) } else { 1 };
            left -= self.send(&mut parties[SURVIVORS[call % 2]], together);
            let reader = &mut parties[SURVIVORS[call / 2 % 2]];
            match call % 3 {
                0 => self.take(reader),
                1 => self.recv(reader, 1),
                _ => self.recv(reader, 3),
            };
        }
        false
    }

    /// Receives what is there.
    pub fn drain<E: End>(&mut self, parties: &mut [Hands<E>]) {
        let mut nothing = 0;
        for call in 0..CALLS {
            let got = self.recv(&mut parties[SURVIVORS[call % 2]], 1);
            nothing = if got == 0 { nothing + 1 } else { 0 };
            if nothing > 3 {
                return;
            }
        }
    }

    /// Empties the ring, fills it, empties it again; how many messages it held.
    pub fn fill_up<E: End>(&mut self, parties: &mut [Hands<E>]) -> usize {
        self.drain(parties);
        let mut filled = 0;
        for _ in 0..4 * SLOTS {
            filled += self.send(&mut parties[SURVIVORS[0]], 1);
        }
        self.drain(parties);
        filled
    }

    /// Others say that they got these; 0 is a torn one.
    pub fn note(&mut self, names: &[u64]) {
        for name in names {
            if *name == 0 {
                self.faults.torn("a party got a torn message".into());
            }
            *self.to_all.entry(*name).or_insert(0) += 1;
        }
    }

    pub fn has(&self, name: u64) -> bool {
        self.to_all.contains_key(&name)
    }

    /// This one may have been committed.
    pub fn allow(&mut self, name: u64) {
        self.committed.insert(name);
    }

    /// What was there before and came to nobody.
    pub fn missing(&self) -> Vec<u64> {
        let there = self.there.iter().copied();
        there.filter(|name| !self.has(*name)).collect()
    }

    /// What was there before and came to no survivor.
    pub fn not_for_survivors(&self) -> BTreeSet<u64> {
        let there = self.there.iter().copied();
        there
            .filter(|name| !self.to_survivors.contains_key(name))
            .collect()
    }

    /// Everything that survivors sent came once, and nothing else came.
    pub fn settle(&mut self, faults: &mut Faults) {
        for (name, times) in &self.to_all {
            if !self.committed.contains(name) && *name != 0 {
                let what = format!("{name:x} arrives, and nobody committed it");
                self.faults.uncommitted(what);
            } else if *times > 1 && *name != 0 {
                self.faults.repeated(format!("{name:x} came {times} times"));
            }
        }
        for name in &self.committed {
            if !self.to_all.contains_key(name) && !self.there.contains(name) {
                self.faults.lost(format!("{name:x} was committed"));
            }
        }
        faults.add(std::mem::take(&mut self.faults));
    }
}
