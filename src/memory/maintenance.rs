//! Cores that share memory and whose caches do not know of each other: what an end writes back, what it drops, and when.
//!
//! # Who writes what
//!
//! Every line (128 bytes on the wire) has one writer, who never reads it anew; everybody else only reads it.
//!
//! ```text
//! line                          written by                 read by
//! header, control               whoever made the channel   whoever attaches, once
//! rings      tail               producer                   consumer
//!            head               consumer                   producer
//!            payload            producer                   consumer
//! notepad    latest, value      writer                     readers
//!            slots              writer                     readers
//! mailslot   latest, epoch      publisher                  subscribers
//!            slots              publisher                  subscribers
//! ```
//! So no line is ever dirty in two caches, and nobody drops a line that he wrote: a slot being written and one being read may share a line,
//! since whoever reads it has not changed it. Claims, doorbells and every kind that needs compare-and-swap would have lines of two writers and
//! exchanges that each core does in its own cache: they cannot work here, and [`Incoherent`](crate::Incoherent) does not take them.
//!
//! # Protocol
//!
//! Caches also write lines back and fetch lines whenever they like. So what must be in memory first is cleaned before the store that
//! announces it is done, and what must be fetched later is invalidated after the load that announced it.
//!
//! ```text
//! producer      write payload; clean it; tail (PUBLISH); clean tail             before overwriting: invalidate head; load it (RECLAIM)
//! consumer      invalidate tail; load it (OBSERVE); invalidate payload; read; head (RELEASE); clean head
//! writer        stamp 2v + 1; clean stamp; words; clean words; stamp 2v (CLOSE); clean stamp; latest (PUBLISH); clean latest
//! reader        invalidate latest; load it (OBSERVE); invalidate words; copy; invalidate stamp; look again (VALIDATE)
//! of a word     value; clean value; latest; clean latest                        invalidate latest; load; invalidate value; load
//! publisher     epoch, if it is a new one; clean it; then as a writer
//! dropped       clean what was staged, lent or drafted: it must not follow what the next end, on another core, writes there
//! subscriber    invalidate stamp; look (ARRIVE); invalidate epoch; load it; invalidate words; copy; invalidate stamp; look again
//! ```
//! The odd stamp is cleaned before the first word is written: a cache may write a word back before the stamp, and a reader would take the
//! mixture for whole. No step leans on a line moving as one: tests run it with lines of a word.
//!
//! # Cost
//!
//! None where caches are coherent: the hooks are empty methods of the type that each end carries anyway.

use core::fmt;
use core::ptr::NonNull;

use super::layout::CACHE_LINE;

/// How one core writes lines of its data cache back to the memory that it shares with others, and drops them.
///
/// By a Cortex-M7's registers (`cortex_m` calls them so too):
///
/// ```ignore
/// use cortex_m::peripheral::SCB;
/// use cortex_m::asm::{dsb, isb};
///
/// struct Dcache;
///
/// unsafe impl ringpad::CacheMaintenance for Dcache {
///     const LINE: usize = 32;
///     unsafe fn clean(&self, from: *const u8, bytes: usize) {
///         // DSB; each line to DCCMVAC; DSB; ISB. Nobody else uses these registers: they keep no state.
///         let scb = unsafe { &mut cortex_m::Peripherals::steal().SCB };
///         scb.clean_dcache_by_address(from.addr(), bytes);
///     }
///     unsafe fn invalidate(&self, from: *const u8, bytes: usize) {
///         // DSB; each line to DCIMVAC; DSB; ISB. `from` and `bytes` are whole lines, as it wants.
///         let scb = unsafe { &mut cortex_m::Peripherals::steal().SCB };
///         unsafe { scb.invalidate_dcache_by_address(from.addr(), bytes) };
///     }
/// }
/// ```
/// With CMSIS they are `SCB_CleanDCache_by_Addr` and `SCB_InvalidateDCache_by_Addr`. On an Armv8-A core: `dsb sy`, `dc cvac` or `dc ivac` of each
/// line, `dsb sy`. Both cores are in its inner-shareable domain: RELEASE is a fence alone, see the memory model. Where the region is mapped uncached on one side, that side needs none of this, but a `dsb` in both.
///
/// # Safety
///
/// When `clean` returns, whatever this core stored in these lines before is where the other cores read it. When `invalidate` returns, this
/// core loads from these lines what is there, or newer, not what it had cached. Neither touches any other line, except by writing it back.
/// Both are barriers, for the compiler too: this core's earlier accesses to shared memory are done before, its later ones come after.
pub unsafe trait CacheMaintenance {
    /// Bytes of this core's data cache line: a power of two from 4 to 128.
    const LINE: usize;

    /// Writes dirty lines back.
    ///
    /// # Safety
    ///
    /// `from..from + bytes` are whole lines of mapped memory.
    unsafe fn clean(&self, from: *const u8, bytes: usize);

    /// Drops lines.
    ///
    /// # Safety
    ///
    /// `from..from + bytes` are whole lines of mapped memory; nobody misses what this core stored there and has not cleaned.
    unsafe fn invalidate(&self, from: *const u8, bytes: usize);
}

// SAFETY: the same core's.
unsafe impl<M: CacheMaintenance> CacheMaintenance for &M {
    const LINE: usize = M::LINE;
    unsafe fn clean(&self, from: *const u8, bytes: usize) {
        // SAFETY: the caller's word.
        unsafe { (**self).clean(from, bytes) };
    }
    unsafe fn invalidate(&self, from: *const u8, bytes: usize) {
        // SAFETY: the caller's word.
        unsafe { (**self).invalidate(from, bytes) };
    }
}

/// What ends do beside their loads and stores: nothing, where caches are coherent.
///
/// Only [`Maintained`] does anything; everybody else has the empty methods.
pub trait Upkeep {
    /// Whether anything is done at all.
    #[doc(hidden)]
    const MAINTAINED: bool = false;
    /// Has what this end wrote there, as the only one, reach the memory.
    #[doc(hidden)]
    #[inline(always)]
    fn clean(&self, _: Extent) {}
    /// Has the next loads there, where this end never writes, come from the memory.
    #[doc(hidden)]
    #[inline(always)]
    fn invalidate(&self, _: Extent) {}
    /// Says where the payload of a ring lies.
    #[doc(hidden)]
    #[inline(always)]
    fn set_ring(&mut self, _: Ring) {}
    /// As `clean`, of the payload of these positions.
    #[doc(hidden)]
    #[inline(always)]
    fn clean_between(&self, _: u32, _: u32) {}
    /// As `invalidate`, of the payload of these positions.
    #[doc(hidden)]
    #[inline(always)]
    fn invalidate_between(&self, _: u32, _: u32) {}
}

impl Upkeep for () {}

/// Bytes of a region, found by those who look after it: words, slots, payload.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub struct Extent {
    at: NonNull<u8>,
    bytes: usize,
}

impl Extent {
    /// `bytes` bytes at `at`, all in one region.
    pub(super) fn new(at: NonNull<u8>, bytes: usize) -> Self {
        Self { at, bytes }
    }

    /// A shared word.
    #[inline(always)]
    pub(crate) fn of<T>(word: &T) -> Self {
        Self::new(NonNull::from(word).cast(), size_of::<T>())
    }
}

/// The payload of a ring, by position.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub struct Ring {
    at: NonNull<u8>,
    /// A power of two.
    capacity: u32,
    element: usize,
}

impl Ring {
    /// `capacity` elements of `element` bytes at `at`, all in one region.
    pub(super) fn new(at: NonNull<u8>, capacity: u32, element: usize) -> Self {
        Self {
            at,
            capacity,
            element,
        }
    }

    /// The payload of the positions from `from` until `to`: up to the ring's end, and from its beginning.
    fn between(&self, from: u32, to: u32) -> [Extent; 2] {
        let count = to.wrapping_sub(from).min(self.capacity);
        let index = from & (self.capacity - 1);
        let here = count.min(self.capacity - index);
        let piece = |index: u32, count: u32| {
            let bytes = count as usize * self.element;
            // SAFETY: index and count end at the capacity, which is all there is at `at`.
            let at = unsafe { self.at.add(index as usize * self.element) };
            Extent::new(at, bytes)
        };
        [piece(index, here), piece(0, count - here)]
    }
}

/// What an end carries on a core whose cache others do not see: how to maintain it.
///
/// Silent: whoever waits at the other end polls, or is told by other means.
pub struct Maintained<M> {
    by: M,
    ring: Option<Ring>,
}

// SAFETY: the ring is an address that its end, which may move between threads, has anyway.
unsafe impl<M: Send> Send for Maintained<M> {}
// SAFETY: as above; it is only looked at.
unsafe impl<M: Sync> Sync for Maintained<M> {}

impl<M: fmt::Debug> fmt::Debug for Maintained<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Maintained").field(&self.by).finish()
    }
}

impl<M: CacheMaintenance> Maintained<M> {
    const LINE: usize = {
        assert!(
            M::LINE.is_power_of_two() && M::LINE >= 4 && M::LINE <= CACHE_LINE,
            "a line is a power of two from 4 to 128 bytes: in longer ones the fields of two writers would meet"
        );
        M::LINE
    };

    /// For one end, on this core.
    ///
    /// # Safety
    ///
    /// Every end of the channel, on every core, is made with one of these, by hooks that reach the same memory, and the channel with
    /// [`Maintained::init`]. The end that this one makes is the only one of its side, and one before it on another core was dropped before
    /// this one attached; readers and subscribers may be many. It stays on this core, where no end of the other side is: that would drop
    /// lines which this one is just writing. When it attaches, `init` has returned on the other core, and this one uses no end in the region.
    /// What it wrote there before any of this it wrote back before `init`, or writes back never.
    pub unsafe fn new(by: M) -> Self {
        const { assert!(Self::LINE <= CACHE_LINE) };
        Self { by, ring: None }
    }

    /// The whole lines that these bytes touch.
    fn lines(what: Extent) -> Option<(*const u8, usize)> {
        let past = what.at.addr().get() % Self::LINE;
        let from = what.at.as_ptr().wrapping_sub(past).cast_const();
        (what.bytes > 0).then(|| (from, (past + what.bytes).next_multiple_of(Self::LINE)))
    }
}

impl<M: CacheMaintenance> Upkeep for Maintained<M> {
    const MAINTAINED: bool = true;

    fn clean(&self, what: Extent) {
        if let Some((from, bytes)) = Self::lines(what) {
            // SAFETY: bytes of a region, whose parts begin and end on lines of 128, of which LINE is a part.
            unsafe { self.by.clean(from, bytes) };
        }
    }

    fn invalidate(&self, what: Extent) {
        if let Some((from, bytes)) = Self::lines(what) {
            // SAFETY: as above; lines that the other side writes, by the table above, or that were just mapped.
            unsafe { self.by.invalidate(from, bytes) };
        }
    }

    fn set_ring(&mut self, ring: Ring) {
        self.ring = Some(ring);
    }

    fn clean_between(&self, from: u32, to: u32) {
        let parts = self.ring.map(|ring| ring.between(from, to));
        parts.iter().flatten().for_each(|part| self.clean(*part));
    }

    fn invalidate_between(&self, from: u32, to: u32) {
        let parts = self.ring.map(|ring| ring.between(from, to));
        parts
            .iter()
            .flatten()
            .for_each(|part| self.invalidate(*part));
    }
}
