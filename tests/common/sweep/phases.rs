//! The ways to stream: each phase is a producer's loop body and a consumer's, with places to die in.

use std::cell::Cell;

use ringpad::os::{ByteConsumer, ByteProducer, Consumer, OwnedPeer, Producer, Result};
use ringpad::{Plan, bytes, spsc};

use crate::common::child;
use crate::common::page::Page;

use super::broken;
use super::ledger::{Ledger, Rule, at};
use super::message::{self, FIXED, Item, MOST, item, length};

/// Messages of a batch.
const BATCH: u32 = 8;
/// Frames of one stream call.
const FRAMES: u32 = 4;
const SLOTS: u32 = 32;
const BYTES: u32 = 2048;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    PushPop,
    Staged,
    Slice,
    Grant,
    Send,
    Stream,
    /// Controls: rings of the test's own that the ledger must catch.
    PublishFirst,
    ReleaseFirst,
    Forgetful,
    Stuttering,
}

pub const PHASES: [Phase; 6] = [
    Phase::PushPop,
    Phase::Staged,
    Phase::Slice,
    Phase::Grant,
    Phase::Send,
    Phase::Stream,
];

pub const CONTROLS: [Phase; 4] = [
    Phase::PublishFirst,
    Phase::ReleaseFirst,
    Phase::Forgetful,
    Phase::Stuttering,
];

/// The segment of all phases.
pub fn plan() -> Result<Plan<6>> {
    let mut plan = Plan::new().peers(6)?;
    for phase in PHASES {
        let name = phase.name();
        plan = match phase {
            Phase::Grant | Phase::Send => {
                plan.channel::<bytes::Bytes>(&name, &bytes::Config::records(BYTES))?
            }
            Phase::Stream => plan.channel::<bytes::Bytes>(&name, &bytes::Config::stream(BYTES))?,
            _ => plan.channel::<spsc::Spsc<Item>>(&name, &spsc::Config::new(SLOTS))?,
        };
    }
    Ok(plan)
}

impl Phase {
    pub fn name(self) -> String {
        format!("{self:?}")
    }

    pub fn named(name: &str) -> Self {
        let mut all = PHASES.into_iter().chain(CONTROLS);
        all.find(|phase| phase.name() == name).expect("a phase")
    }

    /// Positions count messages, not bytes.
    fn counts_items(self) -> bool {
        !matches!(self, Phase::Grant | Phase::Send | Phase::Stream)
    }

    pub fn rule(self) -> Rule {
        let (behind, ahead, unit) = match self {
            Phase::PushPop | Phase::ReleaseFirst => (0, 1, 1),
            Phase::Forgetful | Phase::Stuttering => (1, 0, 1),
            Phase::Staged => (BATCH, 0, BATCH),
            Phase::Slice => (0, BATCH, BATCH),
            Phase::Grant | Phase::PublishFirst => (1, 0, 1),
            Phase::Send => (0, 1, 1),
            // One call gives back as many frames as the ring holds.
            Phase::Stream => (0, BYTES / FIXED as u32, FRAMES),
        };
        let stride = match self {
            Phase::Stream => FIXED as u32,
            phase if phase.counts_items() => 1,
            // A record and the end of the ring that it did not fit into.
            _ => 2 * (8 + MOST as u32),
        };
        Rule {
            behind,
            ahead,
            unit,
            stride,
        }
    }
}

/// Where a role may kill itself: the parent says after how many places.
pub struct Steps<'p> {
    pub page: &'p Page,
    word: usize,
    left: Cell<u64>,
}

impl<'p> Steps<'p> {
    /// 0 is the producer, 1 the consumer.
    pub fn of(page: &'p Page, role: usize) -> Self {
        let word = at::STEPS[role];
        let left = Cell::new(0);
        Self { page, word, left }
    }

    pub fn here(&self) {
        match self.left.get() {
            0 => self.left.set(self.page.get(self.word)),
            1 => child::kill_myself(),
            left => self.left.set(left - 1),
        }
    }
}

/// A producer's end.
pub enum Source {
    Typed(Phase, Producer<Item>),
    Bytes(Phase, ByteProducer),
    Broken(broken::Ring),
}

impl Source {
    pub fn claim(phase: Phase, peer: &OwnedPeer) -> Result<Self> {
        let name = phase.name();
        if phase.counts_items() {
            return Ok(Source::Typed(phase, peer.producer(&name)?));
        }
        Ok(Source::Bytes(phase, peer.byte_producer(&name)?))
    }

    /// Commits one unit beginning with message `n`; answers how many messages it was told are committed.
    pub fn unit(&mut self, life: u32, n: u32, steps: &Steps<'_>) -> u32 {
        steps.here();
        let done = match self {
            Source::Typed(Phase::Staged, tx) => {
                for of in 0..BATCH {
                    if tx.stage(item(life, n + of, tx.position())).is_err() {
                        return of;
                    }
                    steps.here();
                }
                tx.publish();
                BATCH
            }
            Source::Typed(Phase::Slice, tx) => {
                let start = tx.position();
                let items: [Item; BATCH as usize] = std::array::from_fn(|of| {
                    item(life, n + of as u32, start.wrapping_add(of as u32))
                });
                steps.here();
                tx.push_slice(&items) as u32
            }
            Source::Typed(_, tx) => tx.push(item(life, n, tx.position())).is_ok().into(),
            Source::Bytes(Phase::Grant, tx) => {
                let (position, len) = (tx.position(), length(life, n));
                let Ok(mut room) = tx.grant(len) else {
                    return 0;
                };
                message::write(life, n, position, &mut room, || steps.here());
                steps.here();
                room.commit(len).is_ok().into()
            }
            Source::Bytes(Phase::Stream, tx) => {
                let mut frames = [0; FIXED * FRAMES as usize];
                for (of, frame) in (0..).zip(frames.chunks_mut(FIXED)) {
                    let position = tx.position().wrapping_add(of * FIXED as u32);
                    message::write(life, n + of, position, frame, || steps.here());
                }
                if tx.send(&frames).is_ok() { FRAMES } else { 0 }
            }
            Source::Bytes(_, tx) => {
                let mut record = [0; MOST];
                let record = &mut record[..length(life, n)];
                message::write(life, n, tx.position(), record, || steps.here());
                tx.send(record).is_ok().into()
            }
            Source::Broken(ring) => ring.push(&item(life, n, ring.tail()), steps).into(),
        };
        steps.here();
        done
    }
}

/// A consumer's end.
pub enum Sink {
    Typed(Phase, Consumer<Item>),
    Bytes(Phase, ByteConsumer),
    Broken(broken::Ring),
}

impl Sink {
    pub fn claim(phase: Phase, peer: &OwnedPeer) -> Result<Self> {
        let name = phase.name();
        if phase.counts_items() {
            return Ok(Sink::Typed(phase, peer.consumer(&name)?));
        }
        Ok(Sink::Bytes(phase, peer.byte_consumer(&name)?))
    }

    pub fn position(&self) -> u32 {
        match self {
            Sink::Typed(_, rx) => rx.position(),
            Sink::Bytes(_, rx) => rx.position(),
            Sink::Broken(ring) => ring.head(),
        }
    }

    /// Takes, checks, records and gives back what there is, some at a time. False if there was nothing.
    pub fn unit(&mut self, ledger: &mut Ledger<'_>, steps: &Steps<'_>) -> Result<bool, String> {
        steps.here();
        let at = self.position();
        match self {
            Sink::Typed(Phase::Staged, rx) => {
                for _ in 0..BATCH {
                    let at = rx.position();
                    let Some(item) = rx.take() else { break };
                    ledger.accept(at, bytemuck::bytes_of(&item), at.wrapping_add(1))?;
                    ledger.record();
                    steps.here();
                }
                if rx.position() == at {
                    return rx.check().map(|()| false).map_err(|why| why.to_string());
                }
                rx.acknowledge();
            }
            Sink::Typed(Phase::Slice, rx) => {
                let mut items = [Item::default(); BATCH as usize];
                let count = rx.pop_slice(&mut items);
                for (at, item) in (0..).map(|of| at.wrapping_add(of)).zip(&items[..count]) {
                    ledger.accept(at, bytemuck::bytes_of(item), at.wrapping_add(1))?;
                }
                if count == 0 {
                    return rx.check().map(|()| false).map_err(|why| why.to_string());
                }
                ledger.record();
            }
            Sink::Typed(_, rx) => {
                let Some(item) = rx.pop() else {
                    return rx.check().map(|()| false).map_err(|why| why.to_string());
                };
                ledger.accept(at, bytemuck::bytes_of(&item), rx.position())?;
                ledger.record();
            }
            Sink::Bytes(Phase::Grant, rx) => {
                let Some(record) = rx.read().map_err(|why| why.to_string())? else {
                    return Ok(false);
                };
                ledger.accept(at, &record, behind(at, record.len()))?;
                ledger.record();
                steps.here();
                record.release();
            }
            Sink::Bytes(phase, rx) => {
                let mut room = [0; BYTES as usize];
                let got = rx.recv(&mut room).map_err(|why| why.to_string())?;
                let Some(got) = got.map(|got| got.len()) else {
                    return Ok(false);
                };
                if *phase == Phase::Stream {
                    for (of, frame) in (0..).zip(room[..got].chunks(FIXED)) {
                        let at = at.wrapping_add(of * FIXED as u32);
                        ledger.accept(at, frame, at.wrapping_add(FIXED as u32))?;
                    }
                } else {
                    ledger.accept(at, &room[..got], rx.position())?;
                }
                ledger.record();
            }
            Sink::Broken(ring) => {
                let Some(item) = ring.pop(steps) else {
                    return Ok(false);
                };
                ledger.accept(at, bytemuck::bytes_of(&item), at.wrapping_add(1))?;
                ledger.record();
                ring.acknowledge();
            }
        }
        steps.here();
        Ok(true)
    }
}

/// Where the record of `len` bytes ends that the ring's position before it was `at`.
fn behind(at: u32, len: usize) -> u32 {
    let record = 8 + len.next_multiple_of(8) as u32;
    let to_end = BYTES - at % BYTES;
    let skip = if record <= to_end { 0 } else { to_end };
    at.wrapping_add(skip + record)
}
