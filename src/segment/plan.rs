//! What a segment will hold: its channels by name, its peers, its spare room.

#![forbid(unsafe_code)]

use core::alloc::Layout;

use crate::error::{Error, Field, Result};
use crate::memory::layout::{CACHE_LINE, round_up};
use crate::memory::liveness::PeerId;
use crate::memory::region::RegionRef;
use crate::segment::directory::EntryLine;
use crate::segment::header::Geometry;
use crate::segment::kind::Channel;
use crate::segment::superblock;

/// The name of a channel: 1 to 32 bytes of `A-Z a-z 0-9 . _ -`, not beginning with a dot.
pub type Name = heapless::String<32>;

/// Checks a channel's name.
pub(crate) fn name(text: &str) -> Result<Name> {
    let good = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    if text.is_empty() || text.starts_with('.') || !text.bytes().all(good) {
        return Err(Error::BadName);
    }
    Name::try_from(text).map_err(|_| Error::BadName)
}

/// One planned channel.
#[derive(Clone, Debug)]
pub(crate) struct Planned {
    pub(crate) name: Name,
    pub(crate) geometry: Geometry,
    pub(crate) init: fn(RegionRef<'_>, &Geometry) -> Result<()>,
}

/// The plan of a segment with at most `N` channels: what the creator makes before anyone can attach.
///
/// ```
/// use ringpad::{AlignedBytes, Plan, Region, Segment, bytes, spsc};
/// let plan = Plan::<2>::new()
///     .peers(4)?
///     .channel::<spsc::Spsc<u64>>("ticks", &spsc::Config::new(64))?
///     .channel::<bytes::Bytes>("log", &bytes::Config::records(4096))?;
/// let mut room = AlignedBytes::<8192>::new();
/// assert!(plan.layout()?.size() <= 8192);
/// let segment = Segment::init(Region::from_mut(room.as_mut())?, &plan)?;
/// assert_eq!(segment.entries().count(), 2);
/// # Ok::<(), ringpad::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Plan<const N: usize = 16> {
    pub(crate) channels: heapless::Vec<Planned, N>,
    pub(crate) peers: u32,
    pub(crate) id: u128,
    pub(crate) locked_rows: bool,
    spare_entries: u32,
    spare_bytes: u64,
}

impl<const N: usize> Default for Plan<N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const N: usize> Plan<N> {
    /// No channels, 8 peers, no spare room.
    pub const fn new() -> Self {
        Self {
            channels: heapless::Vec::new(),
            peers: 8,
            id: 0,
            locked_rows: false,
            spare_entries: 0,
            spare_bytes: 0,
        }
    }

    /// Rows of the peer table, `1..=32`: how many may be joined at once.
    ///
    /// # Errors
    ///
    /// [`Error::BadConfig`] outside that range.
    pub fn peers(mut self, peers: u32) -> Result<Self> {
        if peers == 0 || peers > PeerId::MOST {
            return Err(Error::BadConfig {
                field: Field::Peers,
                found: peers.into(),
                want: "1 to 32 peers",
            });
        }
        self.peers = peers;
        Ok(self)
    }

    /// Room for channels created later: `entries` of them, `bytes` bytes together.
    pub fn spare(mut self, entries: u32, bytes: u64) -> Self {
        self.spare_entries = entries;
        self.spare_bytes = bytes;
        self
    }

    /// The segment's own number, which tells two segments of one name apart. The os layer draws it at random.
    pub fn id(mut self, id: u128) -> Self {
        self.id = id;
        self
    }

    /// Rows are held by locks of the system's: who has none must not join.
    #[cfg_attr(any(not(feature = "std"), ringpad_loom), allow(dead_code))]
    pub(crate) fn locked_rows(mut self) -> Self {
        self.locked_rows = true;
        self
    }

    /// Adds a channel.
    ///
    /// # Errors
    ///
    /// [`Error::BadName`], [`Error::NameTaken`], [`Error::DirectoryFull`] beyond `N`, and the kind's own configuration errors.
    pub fn channel<'m, C: Channel<'m>>(mut self, called: &str, config: &C::Config) -> Result<Self> {
        let name = name(called)?;
        if self.channels.iter().any(|planned| planned.name == name) {
            return Err(Error::NameTaken);
        }
        let planned = Planned {
            name,
            geometry: C::geometry(config)?,
            init: C::init_ref,
        };
        let full = Error::DirectoryFull { entries: N as u32 };
        self.channels.push(planned).map_err(|_| full)?;
        Ok(self)
    }

    /// Entries of the directory.
    pub(crate) fn entries(&self) -> u32 {
        (self.channels.len() as u32).saturating_add(self.spare_entries)
    }

    /// Bytes and alignment that a segment of this plan needs.
    ///
    /// # Errors
    ///
    /// [`Error::TooLarge`] beyond the address space.
    pub fn layout(&self) -> Result<Layout> {
        let entries = self.entries() as usize;
        let directory = entries.checked_mul(size_of::<EntryLine>());
        let mut bytes = directory
            .and_then(|bytes| bytes.checked_add(superblock::fixed_bytes(self.peers)))
            .ok_or(Error::TooLarge)?;
        for planned in &self.channels {
            let channel = planned.geometry.room()?;
            bytes = bytes.checked_add(channel).ok_or(Error::TooLarge)?;
        }
        usize::try_from(self.spare_bytes)
            .ok()
            .and_then(|spare| bytes.checked_add(round_up(spare, CACHE_LINE)?))
            .and_then(|bytes| Layout::from_size_align(bytes, CACHE_LINE).ok())
            .ok_or(Error::TooLarge)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spsc::{Config, Spsc};

    #[test]
    fn names_are_checked() {
        for good in ["a", "A-1_b.c", "12345678901234567890123456789012"] {
            assert!(name(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            ".a",
            "a/b",
            "ä",
            "a b",
            "123456789012345678901234567890123",
        ] {
            assert_eq!(name(bad), Err(Error::BadName), "{bad}");
        }
    }

    #[test]
    fn plans_refuse_what_cannot_be() {
        let config = Config::new(2);
        let plan = Plan::<1>::new().channel::<Spsc<u32>>("a", &config).unwrap();
        let again = plan.clone().channel::<Spsc<u32>>("a", &config);
        assert_eq!(again.unwrap_err(), Error::NameTaken);
        let beyond = plan.channel::<Spsc<u32>>("b", &config);
        assert_eq!(beyond.unwrap_err(), Error::DirectoryFull { entries: 1 });
        assert!(Plan::<1>::new().peers(0).is_err());
        assert!(Plan::<1>::new().peers(33).is_err());
        let spare = Plan::<1>::new().spare(u32::MAX, u64::MAX);
        assert_eq!(spare.layout(), Err(Error::TooLarge));
    }
}
