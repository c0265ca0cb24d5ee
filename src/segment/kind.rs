//! The kinds of channel, and what one can do with each before anyone claims an end of it.

#![forbid(unsafe_code)]

use core::alloc::Layout;

use crate::error::Result;
use crate::memory::region::Region;

/// The kinds of channel, and the segment that holds them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[repr(u32)]
pub enum Kind {
    /// A segment: superblock, peer table and directory.
    Segment = 1,
    /// A typed ring of one producer and one consumer.
    Spsc = 2,
    /// A ring of bytes of one producer and one consumer.
    Bytes = 3,
    /// The last value that one party wrote.
    Notepad = 4,
    /// Messages of one publisher to whoever listens.
    Mailslot = 5,
    /// Messages of one publisher that each of its subscribers gets.
    Reliable = 6,
    /// A typed ring of many senders and many receivers.
    Mpmc = 7,
    /// A lock that outlives its owner, alone or with a value.
    Lock = 8,
    /// Frames that are lent to be written and to be looked at.
    Frames = 9,
    /// Requests of many clients to many servers, and their replies.
    Rpc = 10,
}

impl Kind {
    /// The kind that a directory entry or header names.
    pub(crate) fn from_wire(number: u32) -> Option<Self> {
        match number {
            1 => Some(Kind::Segment),
            2 => Some(Kind::Spsc),
            3 => Some(Kind::Bytes),
            4 => Some(Kind::Notepad),
            5 => Some(Kind::Mailslot),
            6 => Some(Kind::Reliable),
            7 => Some(Kind::Mpmc),
            8 => Some(Kind::Lock),
            9 => Some(Kind::Frames),
            10 => Some(Kind::Rpc),
            _ => None,
        }
    }

    /// True of kinds that offer the compact spacing: those that need no compare-and-swap once their ends are held.
    pub(crate) const fn may_be_compact(self) -> bool {
        matches!(
            self,
            Kind::Spsc | Kind::Bytes | Kind::Notepad | Kind::Mailslot
        )
    }

    /// The eight bytes that begin the header.
    pub const fn magic(self) -> [u8; 8] {
        match self {
            Kind::Segment => *b"ringpad\0",
            Kind::Spsc => *b"rp-spsc\0",
            Kind::Bytes => *b"rp-byte\0",
            Kind::Notepad => *b"rp-note\0",
            Kind::Mailslot => *b"rp-mail\0",
            Kind::Reliable => *b"rp-rely\0",
            Kind::Mpmc => *b"rp-mpmc\0",
            Kind::Lock => *b"rp-lock\0",
            Kind::Frames => *b"rp-fram\0",
            Kind::Rpc => *b"rp-call\0",
        }
    }
}

/// Where a kind's words lie that name peers: claims of its ends, and who sleeps at them. In bytes from the channel's beginning.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Names {
    pub(crate) ends: &'static [usize],
    pub(crate) waiters: &'static [usize],
}

pub(crate) mod sealed {
    use crate::error::Result;
    use crate::memory::region::RegionRef;
    use crate::segment::header::Geometry;

    /// What the crate itself does with a kind, without tokens. Kinds are this crate's own.
    pub trait Sealed<'m>: Sized {
        /// What the creator decides.
        type Config: Copy;
        /// The geometry of a channel of this configuration, checked.
        #[doc(hidden)]
        fn geometry(config: &Self::Config) -> Result<Geometry>;
        /// Writes a new channel over bytes that nobody else can reach.
        #[doc(hidden)]
        fn init_ref(region: RegionRef<'_>, geometry: &Geometry) -> Result<()>;
        /// Attaches to what is there.
        #[doc(hidden)]
        fn attach_ref(region: RegionRef<'m>) -> Result<Self>;
    }
}

/// A kind of channel: laid out, initialised, attached to. Sealed: the kinds are this crate's own.
pub trait Channel<'m>: sealed::Sealed<'m> {
    /// Which kind this is.
    const KIND: Kind;

    /// Bytes and alignment that a channel of this configuration needs.
    ///
    /// # Errors
    ///
    /// [`crate::Error::BadConfig`] or [`crate::Error::TooLarge`].
    fn layout(config: &Self::Config) -> Result<Layout> {
        Self::geometry(config)?.layout()
    }

    /// Makes a new channel over the region.
    ///
    /// # Errors
    ///
    /// As [`Channel::layout`]; [`crate::Error::TooSmall`], [`crate::Error::ReadOnly`]; [`crate::Error::AlreadyInitialized`] if the
    /// bytes hold a channel or a half-built one.
    fn init(region: Region<'m>, config: &Self::Config) -> Result<Self> {
        let region = region.into_ref();
        Self::init_ref(region, &Self::geometry(config)?)?;
        Self::attach_ref(region.made())
    }

    /// Attaches to the channel that the region holds.
    ///
    /// # Errors
    ///
    /// [`crate::Error::NotReady`], [`crate::Error::Mismatch`] (naming both values), [`crate::Error::TooSmall`].
    fn attach(region: Region<'m>) -> Result<Self> {
        Self::attach_ref(region.into_ref())
    }
}
