//! How frames travel: a segment with one byte ring a viewer. A shared pool can take this file's place.
//!
//! A record is a frame header and the picture, written in place and read in place.

use std::time::{Duration, Instant};

use ringpad::bytes::{Bytes, Config};
use ringpad::os::{ByteConsumer, ByteProducer, Options, OwnedPeer, SharedSegment, Waiter};
use ringpad::{Error as RegionError, Plan};

use super::Failure;
use super::wire::{FrameHeader, HEADER_BYTES, monotonic_ns};

/// Frames that a ring holds.
const DEPTH: u32 = 3;
/// How long a producer lets a living viewer keep its ring full.
const STALL: Duration = Duration::from_secs(30);

fn ring_name(viewer: u32) -> String {
    format!("view-{viewer}")
}

/// The producer's side: a ring for each viewer.
pub struct Senders {
    rings: Vec<ByteProducer>,
    waiter: Waiter,
    record: usize,
    _me: OwnedPeer,
}

impl Senders {
    /// Opens or creates the segment, and takes every ring's producing end (from a dead producer too).
    pub fn open(name: &str, viewers: u32, picture_bytes: usize) -> Result<Self, Failure> {
        let record = HEADER_BYTES + picture_bytes;
        let bytes = u32::try_from(record).map_err(|_| Failure::new("picture too large"))?;
        let config = Config::for_records(DEPTH, bytes)?;
        let mut plan = Plan::<30>::new().peers(viewers + 2)?;
        for viewer in 0..viewers {
            plan = plan.channel::<Bytes>(&ring_name(viewer), &config)?;
        }
        let me = SharedSegment::open_or_create(name, &plan, &Options::new())?.join()?;
        let rings = (0..viewers).map(|viewer| me.byte_producer(&ring_name(viewer)));
        Ok(Self {
            rings: rings.collect::<Result<_, _>>()?,
            waiter: me.waiter()?,
            record,
            _me: me,
        })
    }

    /// Living viewers that have a ring.
    pub fn watched(&self) -> usize {
        watched(&self.rings)
    }

    /// Sleeps until so many living viewers have a ring; false when time is up, or when `hopeless` says so.
    pub fn gather(
        &mut self,
        wanted: usize,
        timeout: Duration,
        mut hopeless: impl FnMut() -> bool,
    ) -> Result<bool, Failure> {
        // Claiming a ring wakes who sleeps at its other end.
        let bells: Vec<_> = self.rings.iter().map(ByteProducer::bell).collect();
        let rings = &self.rings;
        let all_here = || match watched(rings) >= wanted {
            true => Some(true),
            false => hopeless().then_some(false),
        };
        let found = self.waiter.wait(&bells, Some(timeout), all_here)?;
        Ok(found == Some(true))
    }

    /// Sends one frame to every viewer: `fill` writes the picture in place and answers its header; `None` if there
    /// is no more. It is then not called again. Returns whether a frame was sent.
    pub fn send<E: Into<Failure>>(
        &mut self,
        fill: impl FnOnce(&mut [u8]) -> Result<Option<FrameHeader>, E>,
    ) -> Result<bool, Failure> {
        self.make_room(self.record)?;
        let mut grants = Vec::with_capacity(self.rings.len());
        for ring in &mut self.rings {
            if ring.other().is_some() {
                // An abandoned ring stays full: its next viewer finds the old frames and skips them.
                match ring.grant(self.record) {
                    Ok(grant) => grants.push(grant),
                    Err(ringpad::bytes::Refused::Full) => {}
                    Err(refused) => return Err(refused.into()),
                }
            }
        }
        let Some((first, others)) = grants.split_first_mut() else {
            return Ok(false);
        };
        let Some(mut header) = fill(&mut first[HEADER_BYTES..]).map_err(Into::into)? else {
            return Ok(false);
        };
        for other in others {
            other[HEADER_BYTES..].copy_from_slice(&first[HEADER_BYTES..]);
        }
        for mut grant in grants {
            header.committed_at_ns = monotonic_ns();
            grant[..HEADER_BYTES].copy_from_slice(&header.encode());
            grant.commit(self.record)?;
        }
        Ok(true)
    }

    /// Tells every viewer that no frame follows.
    pub fn end(&mut self, header: FrameHeader) -> Result<(), Failure> {
        self.make_room(HEADER_BYTES)?;
        for ring in &mut self.rings {
            let mut header = header;
            header.committed_at_ns = monotonic_ns();
            match ring.send(&header.encode()) {
                Ok(()) | Err(ringpad::bytes::Refused::Full) => {}
                Err(refused) => return Err(refused.into()),
            }
        }
        Ok(())
    }

    /// Sleeps until every ring that a living viewer has holds room for `bytes`.
    fn make_room(&mut self, bytes: usize) -> Result<(), Failure> {
        let deadline = Instant::now() + STALL;
        for viewer in 0..self.rings.len() {
            let ring = &mut self.rings[viewer];
            if ring.other().is_none() || ring.grant(bytes).is_ok() {
                continue;
            }
            let bells = [ring.bell()];
            let left = deadline.saturating_duration_since(Instant::now());
            let settled = self.waiter.wait(&bells, Some(left), || {
                let has_room = ring.grant(bytes).is_ok();
                (has_room || ring.is_abandoned()).then_some(())
            })?;
            if settled.is_none() {
                let text = format!("viewer {viewer} has not taken a frame for {STALL:?}");
                return Err(Failure::new(text));
            }
        }
        Ok(())
    }

    /// How often this process slept and was woken.
    pub fn woken(&self) -> u64 {
        self.waiter.woken()
    }
}

fn watched(rings: &[ByteProducer]) -> usize {
    rings.iter().filter(|ring| !ring.is_abandoned()).count()
}

/// What a viewer's wait ended with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A record is there.
    Record,
    /// Nobody alive produces.
    Abandoned,
    /// Time is up.
    Timeout,
}

/// A viewer's side: one ring.
pub struct Receiver {
    ring: ByteConsumer,
    waiter: Waiter,
    /// Frames committed before this are a dead predecessor's.
    since_ns: u64,
    /// Which ring.
    pub viewer: u32,
    _me: OwnedPeer,
}

impl Receiver {
    /// Opens the segment as soon as it exists, and takes the first ring that no living viewer has.
    pub fn open(name: &str, patience: Duration) -> Result<Self, Failure> {
        let deadline = Instant::now() + patience;
        let me = SharedSegment::open_wait(name, deadline, &Options::new())?.join()?;
        let since_ns = monotonic_ns();
        for viewer in 0.. {
            match me.byte_consumer(&ring_name(viewer)) {
                Ok(ring) => {
                    return Ok(Self {
                        ring,
                        waiter: me.waiter()?,
                        since_ns,
                        viewer,
                        _me: me,
                    });
                }
                Err(ringpad::os::Error::Channel {
                    why: RegionError::EndpointTaken { .. },
                    ..
                }) => {}
                Err(ringpad::os::Error::Channel {
                    why: RegionError::NoSuchName,
                    ..
                }) if viewer > 0 => break,
                Err(error) => return Err(error.into()),
            }
        }
        Err(Failure::new(
            "every ring has a living viewer; start the producer with more --viewers",
        ))
    }

    /// Sleeps until a record is there, nobody produces (if `mind_abandoned`), or time is up.
    pub fn wait(&mut self, timeout: Duration, mind_abandoned: bool) -> Result<Event, Failure> {
        let ring = &mut self.ring;
        let bells = [ring.bell()];
        let event = self
            .waiter
            .wait(&bells, Some(timeout), || match ring.next_len() {
                Ok(Some(_)) => Some(Ok(Event::Record)),
                Ok(None) if mind_abandoned && ring.is_abandoned() => Some(Ok(Event::Abandoned)),
                Ok(None) => None,
                Err(refused) => Some(Err(refused)),
            })?;
        Ok(event.unwrap_or(Ok(Event::Timeout))?)
    }

    /// Looks at the next record in place and releases it; `None` if there is none, or it was a predecessor's.
    pub fn take<R>(
        &mut self,
        look: impl FnOnce(FrameHeader, &[u8]) -> Result<R, Failure>,
    ) -> Result<Option<R>, Failure> {
        let Some(record) = self.ring.read()? else {
            return Ok(None);
        };
        let header = FrameHeader::decode(&record)?;
        let seen = if header.committed_at_ns < self.since_ns {
            None
        } else {
            Some(look(header, &record[HEADER_BYTES..])?)
        };
        record.release();
        Ok(seen)
    }

    /// How often this process slept and was woken.
    pub fn woken(&self) -> u64 {
        self.waiter.woken()
    }
}
