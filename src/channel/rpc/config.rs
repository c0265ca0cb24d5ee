//! What the creator of a call table decides, and how the header says it.

#![forbid(unsafe_code)]

use crate::channel::stamp::Content;
use crate::error::{Error, Field, Result};
use crate::segment::header::Geometry;

/// Most clients, and most servers: what a word of 64 bits has bits for.
pub(super) const MOST_SEATS: u32 = 64;
/// Most calls of one client at a time: what a word of 32 bits has bits for.
const MOST_DEPTH: u32 = 32;
/// Largest request, and largest reply.
const MOST_BYTES: u32 = (1 << 20) - 1;

/// What the creator of a call table decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// Clients at a time: a power of two up to 64.
    pub clients: u32,
    /// Servers at a time: 1 to 64.
    pub servers: u32,
    /// Calls that one client may have open at a time: a power of two up to 32.
    pub depth: u32,
    /// Most bytes of a request; for requests of `[u8]` only.
    pub request_bytes: u32,
    /// Most bytes of a reply; for replies of `[u8]` only.
    pub reply_bytes: u32,
    /// A request may be served again by another server if its server dies.
    pub idempotent: bool,
    /// The user's own number for what requests and replies are, compared by [`Rpc::expect_tag`](super::Rpc::expect_tag) and by plans; 0 if none.
    pub type_tag: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self::new(8, 4)
    }
}

impl Config {
    /// So many clients and servers, 4 calls of each client at a time, bytes up to 1,024, served at most once, no type tag.
    pub const fn new(clients: u32, servers: u32) -> Self {
        Self {
            clients,
            servers,
            depth: 4,
            request_bytes: 1024,
            reply_bytes: 1024,
            idempotent: false,
            type_tag: 0,
        }
    }

    /// With so many calls of one client at a time.
    pub const fn depth(mut self, depth: u32) -> Self {
        self.depth = depth;
        self
    }

    /// With requests of up to so many bytes.
    pub const fn request_bytes(mut self, bytes: u32) -> Self {
        self.request_bytes = bytes;
        self
    }

    /// With replies of up to so many bytes.
    pub const fn reply_bytes(mut self, bytes: u32) -> Self {
        self.reply_bytes = bytes;
        self
    }

    /// A request whose server died is served again, by another: for services in which twice is as good as once. What a streamed reply had come
    /// to begins anew.
    pub const fn idempotent(mut self) -> Self {
        self.idempotent = true;
        self
    }

    /// With the user's own number for what requests and replies are.
    pub const fn tagged(mut self, type_tag: u64) -> Self {
        self.type_tag = type_tag;
        self
    }

    /// What holds for this content: its size, if that is always the same, else what was configured.
    pub(super) fn terms<Q: Content + ?Sized, A: Content + ?Sized>(&self) -> Result<Terms> {
        let (request, reply) = (sized::<Q>(self.request_bytes), sized::<A>(self.reply_bytes));
        for align in [Q::FIXED, A::FIXED]
            .into_iter()
            .flatten()
            .map(|fixed| fixed.1)
        {
            if align > crate::CACHE_LINE {
                let want = "an alignment of at most 128";
                return Err(bad(Field::ElementAlign, align as u64, want));
            }
        }
        let terms = Terms {
            clients: self.clients,
            servers: self.servers,
            depth: self.depth,
            request_bytes: u32::try_from(request).map_err(|_| Error::TooLarge)?,
            reply_bytes: u32::try_from(reply).map_err(|_| Error::TooLarge)?,
            idempotent: self.idempotent,
            bytes_in: Q::FIXED.is_none(),
            bytes_out: A::FIXED.is_none(),
        };
        terms.check()?;
        Ok(terms)
    }
}

fn bad(field: Field, found: u64, want: &'static str) -> Error {
    Error::BadConfig { field, found, want }
}

fn sized<T: Content + ?Sized>(configured: u32) -> usize {
    T::FIXED.map_or(configured as usize, |fixed| fixed.0)
}

/// The creator's decisions, as a header records them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Terms {
    pub(super) clients: u32,
    pub(super) servers: u32,
    pub(super) depth: u32,
    pub(super) request_bytes: u32,
    pub(super) reply_bytes: u32,
    pub(super) idempotent: bool,
    /// Requests are bytes whose number is said with each.
    pub(super) bytes_in: bool,
    /// Replies are.
    pub(super) bytes_out: bool,
}

/// Where the framing word's parts begin.
const DEPTH: u32 = 6;
const IDEMPOTENT: u32 = 9;
const BYTES_IN: u32 = 10;
const BYTES_OUT: u32 = 11;
const REPLY: u32 = 12;

impl Terms {
    /// Refuses what no table can be.
    fn check(&self) -> Result<()> {
        if !self.clients.is_power_of_two() || self.clients > MOST_SEATS {
            let want = "clients: a power of two up to 64";
            return Err(bad(Field::Clients, self.clients.into(), want));
        }
        if self.servers == 0 || self.servers > MOST_SEATS {
            return Err(bad(Field::Servers, self.servers.into(), "1 to 64"));
        }
        if !self.depth.is_power_of_two() || self.depth > MOST_DEPTH {
            let want = "calls of a client at a time: a power of two up to 32";
            return Err(bad(Field::Capacity, self.depth.into(), want));
        }
        let sizes = [
            (Field::ElementBytes, self.request_bytes),
            (Field::ReplyBytes, self.reply_bytes),
        ];
        for (field, bytes) in sizes {
            if bytes > MOST_BYTES {
                return Err(bad(field, bytes.into(), "at most 1,048,575 bytes"));
            }
        }
        Ok(())
    }

    /// As the header's framing word says what its other words do not.
    pub(super) fn framing(&self) -> u32 {
        (self.servers - 1)
            | self.depth.trailing_zeros() << DEPTH
            | u32::from(self.idempotent) << IDEMPOTENT
            | u32::from(self.bytes_in) << BYTES_IN
            | u32::from(self.bytes_out) << BYTES_OUT
            | self.reply_bytes << REPLY
    }

    /// What a header says, if any table can be so.
    pub(super) fn attached(geometry: &Geometry) -> Result<Self> {
        let framing = geometry.framing;
        let shift = framing >> DEPTH & 7;
        let depth = 1 << shift;
        let terms = Self {
            clients: geometry.capacity >> shift,
            servers: (framing & (MOST_SEATS - 1)) + 1,
            depth,
            request_bytes: geometry.element_bytes,
            reply_bytes: framing >> REPLY,
            idempotent: framing >> IDEMPOTENT & 1 != 0,
            bytes_in: framing >> BYTES_IN & 1 != 0,
            bytes_out: framing >> BYTES_OUT & 1 != 0,
        };
        Geometry::expect(
            Field::Capacity,
            u64::from(terms.clients) << shift,
            geometry.capacity.into(),
        )?;
        terms.check()?;
        Ok(terms)
    }

    /// Requires the content that the caller's types are.
    pub(super) fn expect<Q: Content + ?Sized, A: Content + ?Sized>(
        &self,
        geometry: &Geometry,
    ) -> Result<()> {
        let flags = |bytes_in: bool, bytes_out: bool| {
            u64::from(bytes_in) << BYTES_IN | u64::from(bytes_out) << BYTES_OUT
        };
        Geometry::expect(
            Field::Framing,
            flags(Q::FIXED.is_none(), A::FIXED.is_none()),
            flags(self.bytes_in, self.bytes_out),
        )?;
        if let Some((bytes, align)) = Q::FIXED {
            geometry.expect_element(bytes, align)?;
        }
        match A::FIXED {
            Some((bytes, _)) => {
                Geometry::expect(Field::ReplyBytes, bytes as u64, self.reply_bytes.into())
            }
            None => Ok(()),
        }
    }
}
