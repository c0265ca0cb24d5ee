//! A ring of bytes of one producer and one consumer: whole records, or a stream.
//!
//! # Shape
//!
//! A position pair (512 bytes; 128 if compact) whose positions count bytes, then `capacity` bytes.
//! ```text
//! record:  0 length u32   4 zero u32   8 payload   .. padding to 8
//! wrap:    0 0xffff_ffff  4 ..                     to the ring's end
//! stream:  bytes, nothing else
//! ```
//! A wrap marker fills the ring's end where a record would not fit, so every record lies in one piece, 8-byte aligned.
//!
//! # Protocol
//!
//! That of the position pair. [`Producer::grant`] lends room, [`WriteGrant::commit`] publishes what was used of it;
//! [`Consumer::read`] lends a record, [`ReadGrant::release`] gives it back. [`Producer::send`] and
//! [`Consumer::recv`] copy.
//!
//! # Progress guarantee
//!
//! Every call is wait-free (copies take time by their length) and makes no system call, unless a [`Ringer`](crate::Ringer)
//! finds a sleeper.
//!
//! # What a crash at each step leaves
//!
//! Producer killed before its commit: nothing. Consumer killed before its release: its successor gets the
//! record again.
//!
//! # Hostile bytes
//!
//! A length is loaded once and checked against what is committed and against the ring's end before it is used; a
//! ring that fails the check is [`Refused::Corrupt`] for good. Distrusted regions are copied, never lent.
//!
//! Source: James Munns' bip buffer (bbqueue) for grants, Agrona's ring buffer for the wrap record.

#[cfg(target_has_atomic = "32")]
mod claimed;
mod consumer;
mod maintained;
mod producer;
mod ring;

use core::fmt;

pub use self::consumer::{Consumer, ReadGrant};
pub use self::producer::{Producer, WriteGrant};
use self::ring::{HEADER, Ring};
use crate::channel::cursor::{self, Pair};
use crate::channel::seat::Claimant;
use crate::error::{Error, Field, Result};
use crate::memory::layout::Spacing;
use crate::memory::liveness::Sole;
use crate::memory::region::RegionRef;
use crate::segment::header::Geometry;
use crate::segment::kind::{Channel, Kind, sealed::Sealed};
use crate::segment::wake::{Silent, Wake};

/// Fewest bytes of a ring.
const SMALLEST: u32 = 64;

/// What lies in the ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Framing {
    /// Records that arrive as they were sent.
    Records = 1,
    /// Bytes without boundaries, as in a pipe.
    Stream = 2,
}

/// What the creator of a ring decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// Bytes of the ring: a power of two, 64 to 2^30. A record may have half of it, less 8.
    pub capacity_bytes: u32,
    /// Records or a stream.
    pub framing: Framing,
    /// How far apart the words of both ends lie: of no meaning for what they do. See [`Spacing`] for what the compact one costs.
    pub spacing: Spacing,
}

impl Config {
    /// A ring of records.
    pub const fn records(capacity_bytes: u32) -> Self {
        Self {
            capacity_bytes,
            framing: Framing::Records,
            spacing: Spacing::Lines,
        }
    }

    /// A ring of bytes without boundaries.
    pub const fn stream(capacity_bytes: u32) -> Self {
        Self {
            capacity_bytes,
            framing: Framing::Stream,
            spacing: Spacing::Lines,
        }
    }

    /// Compact, for microcontrollers: 128 bytes and the ring, where 512 and the ring are usual. See [`Spacing::Compact`] for what it costs elsewhere.
    pub const fn compact(mut self) -> Self {
        self.spacing = Spacing::Compact;
        self
    }

    /// A ring that holds `count` records of `bytes` bytes each, however they wrap.
    ///
    /// # Errors
    ///
    /// [`Error::BadConfig`] if that takes more than 2^30 bytes.
    pub fn for_records(count: u32, bytes: u32) -> Result<Self> {
        let each = u64::from(bytes).next_multiple_of(HEADER.into()) + u64::from(HEADER);
        // One record's room may be lost to the wrap.
        let need = each
            .saturating_mul((u64::from(count) + 1).max(2))
            .max(SMALLEST.into());
        let capacity = need.checked_next_power_of_two().unwrap_or(need);
        match u32::try_from(capacity) {
            Ok(capacity) if capacity <= cursor::MOST => Ok(Self::records(capacity)),
            _ => Err(Error::BadConfig {
                field: Field::Capacity,
                found: capacity,
                want: "at most 2^30 bytes",
            }),
        }
    }
}

/// Why a call on a byte ring did nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refused {
    /// No room now.
    Full,
    /// More bytes than can ever fit: the record's, or the caller's buffer is too small for it.
    TooLong {
        /// Bytes of the record.
        found: usize,
        /// Bytes that fit.
        most: usize,
    },
    /// The region is distrusted: its bytes are not lent. The copying call works.
    Distrusted,
    /// Partial release of a record: only a stream has parts.
    NotAStream,
    /// The ring holds what no producer or consumer writes.
    Corrupt,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refused::Full => f.write_str("the ring is full"),
            Refused::TooLong { found, most } => write!(f, "{found} bytes; at most {most} fit"),
            Refused::Distrusted => Error::Distrusted.fmt(f),
            Refused::NotAStream => {
                f.write_str("a record is released whole; only a stream has parts")
            }
            Refused::Corrupt => f.write_str("corrupt ring"),
        }
    }
}

impl core::error::Error for Refused {}

/// A byte ring laid out in a region: a handle from which its two ends are claimed.
#[derive(Debug)]
pub struct Bytes<'m> {
    pair: Pair<'m>,
    framing: Framing,
}

impl<'m> Sealed<'m> for Bytes<'m> {
    type Config = Config;

    fn geometry(config: &Config) -> Result<Geometry> {
        if config.capacity_bytes < SMALLEST {
            return Err(Error::BadConfig {
                field: Field::Capacity,
                found: config.capacity_bytes.into(),
                want: "at least 64 bytes",
            });
        }
        Ok(Geometry {
            kind: Self::KIND,
            capacity: config.capacity_bytes,
            element_bytes: 1,
            element_align: 1,
            type_tag: 0,
            framing: config.framing as u32,
            spacing: config.spacing,
            span_bytes: cursor::span_bytes(
                config.spacing,
                config.capacity_bytes,
                1,
                HEADER as usize,
            )?,
        })
    }

    fn init_ref(region: RegionRef<'_>, geometry: &Geometry) -> Result<()> {
        Pair::init(region, geometry)
    }

    fn attach_ref(region: RegionRef<'m>) -> Result<Self> {
        let pair = Pair::attach(region, Self::KIND, HEADER as usize)?;
        pair.geometry.expect_element(1, 1)?;
        let framing = match pair.geometry.framing {
            1 => Framing::Records,
            2 => Framing::Stream,
            found => {
                return Err(Error::BadConfig {
                    field: Field::Framing,
                    found: found.into(),
                    want: "1 (records) or 2 (stream)",
                });
            }
        };
        if pair.geometry.capacity < SMALLEST {
            return Err(Error::BadConfig {
                field: Field::Capacity,
                found: pair.geometry.capacity.into(),
                want: "at least 64 bytes",
            });
        }
        Ok(Self { pair, framing })
    }
}

impl<'m> Channel<'m> for Bytes<'m> {
    const KIND: Kind = Kind::Bytes;
}

impl<'m> Bytes<'m> {
    /// Bytes of the ring.
    pub fn capacity(&self) -> u32 {
        self.pair.geometry.capacity
    }

    /// Records or a stream.
    pub fn framing(&self) -> Framing {
        self.framing
    }

    /// How far apart the words of different writers lie, as its creator chose.
    pub fn spacing(&self) -> Spacing {
        self.pair.geometry.spacing
    }

    /// Claims both ends of a bare ring: for two threads, or a core and its interrupt.
    ///
    /// # Errors
    ///
    /// As [`Bytes::producer`]; [`Error::ForeignPeer`] for a ring in a segment.
    pub fn split(self) -> Result<(Producer<'m>, Consumer<'m>)> {
        let who = Claimant::splitting(self.pair.region())?;
        Ok((self.produce_as(who, Silent)?, self.consume_as(who, Silent)?))
    }

    /// Both ends of a bare ring for good: nobody ever claims one, on any machine, and none is given back.
    ///
    /// The only way without compare-and-swap, where the maker's handle alone can do it; elsewhere it claims both.
    ///
    /// # Errors
    ///
    /// [`Error::EndpointTaken`], [`Error::ForeignPeer`] for a ring in a segment, [`Error::ReadOnly`], [`Error::Corrupt`].
    pub fn split_static(self) -> Result<(Producer<'m>, Consumer<'m>)> {
        let who = Claimant::of_all(self.pair.region(), &self.pair.claims())?;
        Ok((self.produce_as(who, Silent)?, self.consume_as(who, Silent)?))
    }

    /// The producer's end of a ring that was split for good, for another core or context, or after a restart: it goes on where the one
    /// before committed last.
    ///
    /// # Errors
    ///
    /// [`Error::Mismatch`] if the ring was not split for good; [`Error::Corrupt`].
    pub fn static_producer(&self, sole: Sole) -> Result<Producer<'m>> {
        self.produce_as(Claimant::sole(sole), Silent)
    }

    /// The consumer's end of a ring that was split for good; as [`Bytes::static_producer`].
    ///
    /// # Errors
    ///
    /// As [`Bytes::static_producer`].
    pub fn static_consumer(&self, sole: Sole) -> Result<Consumer<'m>> {
        self.consume_as(Claimant::sole(sole), Silent)
    }

    pub(crate) fn produce_as<'p, W: Wake>(
        &self,
        who: Claimant<'p>,
        wake: W,
    ) -> Result<Producer<'p, W>>
    where
        'm: 'p,
    {
        let ring = Ring::of(&self.pair, self.framing)?;
        let end = self.pair.write_end(who, wake)?;
        ring.check_position(end.position())?;
        Ok(Producer::new(ring, end))
    }

    pub(crate) fn consume_as<'p, W: Wake>(
        &self,
        who: Claimant<'p>,
        wake: W,
    ) -> Result<Consumer<'p, W>>
    where
        'm: 'p,
    {
        let ring = Ring::of(&self.pair, self.framing)?;
        let end = self.pair.read_end(who, wake)?;
        ring.check_position(end.position())?;
        Ok(Consumer::new(ring, end))
    }
}

#[cfg(not(ringpad_loom))]
mod limits {
    use super::{Consumer, Producer};
    use static_assertions::{assert_impl_all, assert_not_impl_any};
    assert_impl_all!(Producer<'static>: Send);
    assert_impl_all!(Consumer<'static>: Send);
    assert_not_impl_any!(Producer<'static>: Sync, Clone);
    assert_not_impl_any!(Consumer<'static>: Sync, Clone);
}

#[cfg(all(test, not(ringpad_loom)))]
mod tests;
