//! Where the words of a call table lie, whatever its requests and replies are.

#![forbid(unsafe_code)]

use core::mem::offset_of;

use super::config::Terms;
use crate::channel::seats::Seats;
use crate::error::{Error, Field, Result};
use crate::memory::layout::{self, CACHE_LINE, Line};
use crate::memory::order::RELAXED;
use crate::memory::racing::{self, RacingSlot, RacingSlots};
use crate::memory::region::RegionRef;
use crate::memory::sync::AtomicU32;
use crate::segment::header::{Geometry, Header, HeaderLine};
use crate::segment::kind::Kind;

/// Where the table's own words lie. Never made: a descriptor for offsets.
#[repr(C)]
pub(crate) struct RpcShape {
    pub(crate) header: HeaderLine,
    pub(crate) control: Line<RpcControl>,
}

/// What all servers look at.
#[repr(C)]
pub(crate) struct RpcControl {
    /// Servers that sleep until there is a call.
    pub(crate) call_waiters: AtomicU32,
}

/// What one client looks at.
#[repr(C)]
pub(crate) struct ClientShape {
    /// The client that sleeps until there is a reply.
    pub(crate) reply_waiters: AtomicU32,
}

/// What a slot says before its request. Never made: a descriptor for offsets.
#[repr(C)]
pub(crate) struct CallShape {
    pub(crate) word: u64,
    pub(crate) request_bytes: u64,
    pub(crate) reply_bytes: u32,
    pub(crate) part: u32,
    pub(crate) deadline_ns: u64,
}

const WAITERS: usize = offset_of!(RpcShape, control) + offset_of!(RpcControl, call_waiters);
const SEATS: usize = size_of::<RpcShape>();
/// Bytes of a slot's payload before the request.
const REQUEST: usize = size_of::<CallShape>() - offset_of!(CallShape, request_bytes);
/// Bytes of the words behind a slot's own.
const WIDE: usize = size_of::<u64>();

/// Where in a slot's payload this field lies.
macro_rules! field {
    ($field:ident) => {
        offset_of!(CallShape, $field) - offset_of!(CallShape, request_bytes)
    };
}

/// Where the parts of a table lie, in bytes from its beginning.
#[derive(Clone, Copy, Debug)]
pub(super) struct Places {
    sent: usize,
    lines: usize,
    slots: usize,
    stride: usize,
    /// Where in a slot's payload the reply lies.
    reply: usize,
    /// Payload bytes of a slot.
    payload: usize,
    pub(super) bytes: usize,
}

impl Places {
    pub(super) fn of(terms: &Terms) -> Result<Self> {
        let padded = |bytes: u32| layout::round_up(bytes as usize, WIDE).ok_or(Error::TooLarge);
        let reply = REQUEST + padded(terms.request_bytes)?;
        let payload = reply + padded(terms.reply_bytes)?;
        let stride = racing::stride(payload, CACHE_LINE).ok_or(Error::TooLarge)?;
        let (clients, seats) = (terms.clients as usize, terms.clients + terms.servers);
        let sent = layout::block(SEATS, 1, Seats::bytes(seats))?.size();
        let lines = layout::block(sent, clients, size_of::<AtomicU32>())?.size();
        let slots = layout::block(lines, clients, size_of::<Line<ClientShape>>())?.size();
        let count = clients * terms.depth as usize;
        Ok(Self {
            sent,
            lines,
            slots,
            stride,
            reply,
            payload,
            bytes: layout::block(slots, count, stride)?.size(),
        })
    }
}

/// The words of a table that a region holds, found once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Calls<'m> {
    pub(super) region: RegionRef<'m>,
    pub(super) terms: Terms,
    places: Places,
    slots: RacingSlots<'m>,
    pub(super) seats: Seats<'m>,
    /// Which calls were sent: a word a client, a bit a slot.
    sent: &'m [AtomicU32],
    /// Servers that sleep.
    pub(super) call_waiters: &'m AtomicU32,
}

impl<'m> Calls<'m> {
    /// That which this geometry lays out.
    pub(super) fn of(region: RegionRef<'m>, geometry: &Geometry) -> Result<Self> {
        Self::over(region, Terms::attached(geometry)?)
    }

    fn over(region: RegionRef<'m>, terms: Terms) -> Result<Self> {
        let places = Places::of(&terms)?;
        let count = terms.clients * terms.depth;
        let calls = Self {
            region,
            terms,
            places,
            slots: region.racing(places.slots, count, places.stride, places.payload)?,
            seats: Seats::over(region, SEATS, terms.clients + terms.servers)?,
            sent: region.table(places.sent, terms.clients as usize)?,
            call_waiters: region.word(WAITERS)?,
        };
        // The last one: so all of them are there.
        calls.reply_waiters(terms.clients - 1)?;
        Ok(calls)
    }

    /// Attaches, and checks what holds for content of any type.
    pub(crate) fn attach(region: RegionRef<'m>) -> Result<(Self, Geometry)> {
        let geometry = Header::at(region)?.attach(Kind::Rpc)?;
        let terms = Terms::attached(&geometry)?;
        let want = Places::of(&terms)?.bytes as u64;
        Geometry::expect(Field::SpanBytes, want, geometry.span_bytes)?;
        Ok((Self::over(region, terms)?, geometry))
    }

    /// Empties a table that nobody else can reach.
    pub(super) fn init(&self) -> Result<()> {
        self.call_waiters.store(0, RELAXED);
        self.seats.init()?;
        for client in 0..self.terms.clients {
            self.sent(client)?.store(0, RELAXED);
            self.reply_waiters(client)?.store(0, RELAXED);
        }
        for slot in 0..self.slots.count() {
            self.slots.slot(slot).named().store(0, RELAXED);
        }
        Ok(())
    }

    /// Which calls of a client were sent, a bit each.
    #[inline(always)]
    pub(super) fn sent(&self, client: u32) -> Result<&'m AtomicU32> {
        self.sent.get(client as usize).ok_or(Error::Corrupt {
            what: "number of a client",
            found: client,
        })
    }

    /// Who sleeps until this client has a reply.
    #[inline]
    pub(super) fn reply_waiters(&self, client: u32) -> Result<&'m AtomicU32> {
        let at = client as usize * size_of::<Line<ClientShape>>();
        let word = at + offset_of!(ClientShape, reply_waiters);
        self.region.word(self.places.lines + word)
    }

    /// How many slots there are.
    pub(super) fn count(&self) -> u32 {
        self.slots.count()
    }

    /// Which slot this one of a client's is among all.
    #[inline(always)]
    pub(super) fn index(&self, client: u32, slot: u32) -> u32 {
        client * self.terms.depth + slot
    }

    /// Whose slot it is, and which one of its client's.
    #[inline(always)]
    pub(super) fn place(&self, index: u32) -> (u32, u32) {
        let shift = self.terms.depth.trailing_zeros();
        (index >> shift, index & (self.terms.depth - 1))
    }

    /// A bit for each slot of a client.
    #[inline(always)]
    pub(super) fn all(&self) -> u32 {
        u32::MAX >> (32 - self.terms.depth)
    }

    #[inline(always)]
    pub(super) fn slot(&self, index: u32) -> CallSlot<'m> {
        CallSlot {
            slot: self.slots.slot(index),
            reply: self.places.reply,
            terms: self.terms,
        }
    }
}

/// The memory of one call. Whoever reads or writes here has it by the word: nobody else then touches the same.
#[derive(Clone, Copy, Debug)]
pub(super) struct CallSlot<'m> {
    slot: RacingSlot<'m>,
    reply: usize,
    terms: Terms,
}

impl<'m> CallSlot<'m> {
    #[inline(always)]
    pub(super) fn word(&self) -> &'m crate::memory::sync::AtomicU64 {
        self.slot.named()
    }

    #[inline(always)]
    pub(super) fn request(&self) -> RacingSlot<'m> {
        self.slot.part(REQUEST, self.terms.request_bytes as usize)
    }

    #[inline(always)]
    pub(super) fn reply(&self) -> RacingSlot<'m> {
        self.slot.part(self.reply, self.terms.reply_bytes as usize)
    }

    fn wide(&self, at: usize) -> RacingSlot<'m> {
        self.slot.part(at, WIDE)
    }

    /// Says how many bytes the request has.
    pub(super) fn set_request_bytes(&self, bytes: usize) {
        self.wide(field!(request_bytes))
            .store_value(&(bytes as u64));
    }

    /// How many bytes the request has: never more than there is room for.
    pub(super) fn request_bytes(&self) -> usize {
        let said: u64 = self.wide(field!(request_bytes)).load_value();
        said.min(self.terms.request_bytes.into()) as usize
    }

    /// Says how many bytes the reply has, and which part it is.
    pub(super) fn set_reply(&self, bytes: u32, part: u32) {
        let both = u64::from(bytes) | u64::from(part) << 32;
        self.wide(field!(reply_bytes)).store_value(&both);
    }

    /// How many bytes the reply has, never more than there is room for, and which part it is.
    pub(super) fn reply_said(&self) -> (usize, u32) {
        let said: u64 = self.wide(field!(reply_bytes)).load_value();
        let bytes = (said as u32).min(self.terms.reply_bytes);
        (bytes as usize, (said >> 32) as u32)
    }

    pub(super) fn set_deadline_ns(&self, deadline_ns: u64) {
        self.wide(field!(deadline_ns)).store_value(&deadline_ns);
    }

    pub(super) fn deadline_ns(&self) -> u64 {
        self.wide(field!(deadline_ns)).load_value()
    }
}
