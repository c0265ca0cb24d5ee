//! What can go wrong, said with both values: what was found and what was wanted.

#![forbid(unsafe_code)]

use core::fmt;

use crate::memory::liveness::PeerId;

/// The crate's result.
pub type Result<T, E = Error> = core::result::Result<T, E>;

/// The ring has no room; the value comes back unharmed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Full<T>(pub T);

impl<T> fmt::Debug for Full<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Full(..)")
    }
}

impl<T> fmt::Display for Full<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the ring is full")
    }
}

impl<T> core::error::Error for Full<T> {}

/// What a header records and an attach compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Field {
    /// The eight ASCII bytes that name the kind, as a little-endian number.
    Magic,
    /// The byte-order mark.
    ByteOrder,
    /// The wire format's number.
    Abi,
    /// The kind of channel.
    Kind,
    /// Feature bits that a reader must know.
    Features,
    /// Bytes between fields of different writers.
    LineBytes,
    /// Slots or bytes.
    Capacity,
    /// Bytes of one element.
    ElementBytes,
    /// Alignment of one element.
    ElementAlign,
    /// The user's own type number.
    TypeTag,
    /// The kind's own: records or stream, values or bytes, how many subscribers and how patient.
    Framing,
    /// Bytes of the whole channel or segment.
    SpanBytes,
    /// Rows of the peer table.
    Peers,
    /// Entries of the directory.
    Entries,
    /// Where a part of the segment begins.
    Offset,
    /// Whether a peer holds its row by a lock of the system's (1) or not (0).
    RowLocks,
    /// Whose an end is: 254 if it was given for good.
    Claim,
    /// Cursors of a reliable mailslot.
    Subscribers,
    /// Messages that a subscriber may be behind.
    Lag,
    /// Clients of a call table.
    Clients,
    /// Servers of a call table.
    Servers,
    /// Bytes of one reply.
    ReplyBytes,
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Field::Magic => "magic",
            Field::ByteOrder => "byte order",
            Field::Abi => "ABI",
            Field::Kind => "kind",
            Field::Features => "required features",
            Field::LineBytes => "line bytes",
            Field::Capacity => "capacity",
            Field::ElementBytes => "element bytes",
            Field::ElementAlign => "element alignment",
            Field::TypeTag => "type tag",
            Field::Framing => "framing",
            Field::SpanBytes => "span bytes",
            Field::Peers => "peers",
            Field::Entries => "directory entries",
            Field::Offset => "offset",
            Field::RowLocks => "row locks",
            Field::Claim => "claim",
            Field::Subscribers => "subscribers",
            Field::Lag => "lag",
            Field::Clients => "clients",
            Field::Servers => "servers",
            Field::ReplyBytes => "reply bytes",
        })
    }
}

/// How far a header's life has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum State {
    /// Never initialised, or erased.
    Empty,
    /// Somebody is (or died while) initialising it.
    Building,
    /// In use.
    Ready,
    /// Replaced by a newer segment; nobody should attach any more.
    Retired,
    /// A number that no version of this crate writes.
    Garbage(u32),
}

/// Why something could not be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// A region or a part of one begins at an address that the layout forbids.
    Misaligned {
        /// Bytes to which it must be aligned.
        want: usize,
        /// How far past a multiple of `want` it begins.
        found: usize,
    },
    /// The region has fewer bytes than the layout.
    TooSmall {
        /// Bytes that the layout needs.
        want: u64,
        /// Bytes that there are.
        found: u64,
    },
    /// A layout would not fit the address space.
    TooLarge,
    /// A header says one thing and the caller (or this build) wants another.
    Mismatch {
        /// Which field.
        field: Field,
        /// What the caller or this build wants.
        want: u64,
        /// What the region says.
        found: u64,
    },
    /// A configuration value is outside what the kind allows.
    BadConfig {
        /// Which field.
        field: Field,
        /// What was asked for.
        found: u64,
        /// What is allowed, in words.
        want: &'static str,
    },
    /// The header is not READY.
    NotReady {
        /// What it is instead.
        found: State,
    },
    /// `init` over a header that is READY or being built. `Region::erase` is the only way back.
    AlreadyInitialized,
    /// A change was asked of a read-only region.
    ReadOnly,
    /// The call would lend bytes of a distrusted region; the copying call works.
    Distrusted,
    /// This handle belongs to the process that forked this one.
    Forked,
    /// The peer belongs to another segment or another mapping of it, or the channel to none.
    ForeignPeer,
    /// A name is empty, longer than 32 bytes, or not made of `A-Z a-z 0-9 . _ -`.
    BadName,
    /// The directory has no channel of this name.
    NoSuchName,
    /// The directory already has a channel of this name.
    NameTaken,
    /// Every entry of the directory is taken.
    DirectoryFull {
        /// How many there are.
        entries: u32,
    },
    /// The segment has no room for another channel of this size.
    SegmentFull {
        /// Bytes that the channel needs.
        want: u64,
        /// Bytes that are free.
        found: u64,
    },
    /// Another owner holds this endpoint and is not proven dead.
    EndpointTaken {
        /// Who holds it.
        by: PeerId,
    },
    /// Every row of the peer table is taken by somebody not proven dead.
    PeersFull {
        /// How many rows there are.
        peers: u32,
    },
    /// Every cursor of a reliable mailslot is taken by somebody not proven dead.
    SubscribersFull {
        /// How many there are.
        subscribers: u32,
    },
    /// Every seat of a frame pool or a call table is taken by somebody not proven dead.
    SeatsFull {
        /// How many there are of this sort.
        seats: u32,
    },
    /// The peer's only waiter was already taken.
    WaiterTaken,
    /// A word of the region holds a value that no correct peer writes.
    Corrupt {
        /// Which word.
        what: &'static str,
        /// What it holds.
        found: u32,
    },
    /// Others kept changing a word; try again.
    Busy,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Error::Misaligned { want, found } => {
                write!(
                    f,
                    "begins {found} bytes past a multiple of {want}; wanted a multiple of {want}"
                )
            }
            Error::TooSmall { want, found } => write!(f, "region of {found} bytes; wanted {want}"),
            Error::TooLarge => f.write_str("the layout does not fit the address space"),
            Error::Mismatch {
                field: Field::Magic,
                want,
                found,
            } => write!(
                f,
                "magic is {}; wanted {}",
                Ascii(found.to_le_bytes()),
                Ascii(want.to_le_bytes())
            ),
            Error::Mismatch {
                field: field @ Field::ByteOrder,
                want,
                found,
            } => {
                let (is, wanted) = (order(found), order(want));
                write!(
                    f,
                    "{field} mark is {found:#010x} ({is}); wanted {want:#010x} ({wanted})"
                )
            }
            Error::Mismatch { field, want, found } => {
                write!(f, "{field} is {found}; wanted {want}")
            }
            Error::BadConfig { field, found, want } => {
                write!(f, "{field} is {found}; wanted {want}")
            }
            Error::NotReady { found } => write!(f, "the header is {found:?}; wanted Ready"),
            Error::AlreadyInitialized => {
                f.write_str("these bytes already hold a channel or segment")
            }
            Error::ReadOnly => f.write_str("the region is read-only"),
            Error::Distrusted => {
                f.write_str("bytes of a distrusted region are not lent; use the copying call")
            }
            Error::Forked => f.write_str("this handle belongs to the process that forked this one"),
            Error::ForeignPeer => {
                f.write_str("the peer and the channel are not of one segment and mapping")
            }
            Error::BadName => f.write_str(
                "a name has 1 to 32 bytes of A-Z a-z 0-9 . _ - and does not begin with a dot",
            ),
            Error::NoSuchName => f.write_str("no channel of this name"),
            Error::NameTaken => f.write_str("a channel of this name exists"),
            Error::DirectoryFull { entries } => {
                write!(f, "all {entries} directory entries are taken")
            }
            Error::SegmentFull { want, found } => {
                write!(f, "{found} bytes are free in the segment; wanted {want}")
            }
            Error::EndpointTaken { by } => write!(f, "the endpoint is held by {by}"),
            Error::PeersFull { peers } => write!(f, "all {peers} rows of the peer table are taken"),
            Error::SubscribersFull { subscribers } => {
                write!(f, "all {subscribers} subscribers' cursors are taken")
            }
            Error::SeatsFull { seats } => write!(f, "all {seats} seats are taken"),
            Error::WaiterTaken => f.write_str("the peer's waiter was already taken"),
            Error::Corrupt { what, found } => write!(f, "corrupt region: {what} is {found:#x}"),
            Error::Busy => f.write_str("others kept changing the word; try again"),
        }
    }
}

impl core::error::Error for Error {}

/// The order of bytes that a mark, as this machine reads it, stands for.
fn order(mark: u64) -> &'static str {
    let Ok(mark) = u32::try_from(mark) else {
        return "no byte order";
    };
    match mark.to_ne_bytes() {
        [0x0d, 0x0c, 0x0b, 0x0a] => "little-endian",
        [0x0a, 0x0b, 0x0c, 0x0d] => "big-endian",
        _ => "no byte order",
    }
}

/// Eight bytes as text, for people.
struct Ascii([u8; 8]);

impl fmt::Display for Ascii {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0.escape_ascii())
    }
}
