//! The facade: every shared word of the crate goes through here, and this file alone knows that a
//! model checker exists.
//!
//! In ordinary builds [`AtomicU32`] and [`Atomic`] are the machine's atomics and [`Track`] is nothing.
//! With `ringpad_loom` they are loom's, made on first touch from zeroed bytes, so that the code that
//! lays them over a region is the code that ships.
//!
//! Every operation takes a named [`Edge`](super::order::Edge), never a bare ordering.

#[cfg(all(target_has_atomic = "64", not(ringpad_loom)))]
pub(crate) use real::AtomicU64;
#[cfg(not(ringpad_loom))]
pub(crate) use real::{Atomic, AtomicU32, RacingWord, Track, Word, fence};
#[cfg(ringpad_loom)]
pub(crate) use twin::{Atomic, AtomicU32, AtomicU64, RacingWord, Track, Word, fence};

/// What only models use: weakened edges, crash points, shadow words.
#[cfg(ringpad_loom)]
pub mod hooks;

/// A configuration word: written before a header is READY and read once after. A machine atomic in
/// every build, because hostile bytes may change under us; models order it by a [`Track`].
pub(crate) use core::sync::atomic::AtomicU32 as RawU32;

#[cfg(not(ringpad_loom))]
mod real {
    use crate::memory::order::{Edge, RELAXED};
    use core::sync::atomic;

    #[cfg(target_has_atomic = "32")]
    mod exchange;
    #[cfg(target_has_atomic = "32")]
    pub(crate) use exchange::Atomic;
    #[cfg(target_has_atomic = "64")]
    pub(crate) use exchange::AtomicU64;
    #[cfg(not(target_has_atomic = "32"))]
    mod plain;
    #[cfg(not(target_has_atomic = "32"))]
    pub(crate) use plain::Atomic;

    /// A 32-bit word shared with other peers.
    #[derive(Debug)]
    #[repr(transparent)]
    pub(crate) struct AtomicU32(atomic::AtomicU32);

    impl AtomicU32 {
        #[inline(always)]
        pub(crate) fn load(&self, edge: Edge) -> u32 {
            self.0.load(edge.order())
        }

        #[inline(always)]
        pub(crate) fn store(&self, value: u32, edge: Edge) {
            self.0.store(value, edge.order());
        }
    }

    /// The widest word that every load of is promised to work where nothing may be written: some machines of 32 bits load 64 by an
    /// exchange.
    #[cfg(all(target_has_atomic = "64", target_pointer_width = "64"))]
    pub(crate) type Word = u64;
    #[cfg(all(target_has_atomic = "64", target_pointer_width = "64"))]
    type AtomicWord = atomic::AtomicU64;
    /// The widest word that every load of is promised to work where nothing may be written.
    #[cfg(not(all(target_has_atomic = "64", target_pointer_width = "64")))]
    pub(crate) type Word = u32;
    #[cfg(not(all(target_has_atomic = "64", target_pointer_width = "64")))]
    type AtomicWord = atomic::AtomicU32;

    /// Payload that may be read while it is written: always relaxed, ordered by what stands around it.
    #[derive(Debug)]
    #[repr(transparent)]
    pub(crate) struct RacingWord(AtomicWord);

    impl RacingWord {
        #[inline(always)]
        pub(crate) fn load(&self) -> Word {
            self.0.load(RELAXED.order())
        }

        #[inline(always)]
        pub(crate) fn store(&self, value: Word) {
            self.0.store(value, RELAXED.order());
        }
    }

    #[inline(always)]
    pub(crate) fn fence(edge: Edge) {
        atomic::fence(edge.order());
    }

    /// Marks accesses to handed-over payload for the model checker; nothing here.
    #[derive(Debug)]
    #[repr(transparent)]
    pub(crate) struct Track(());

    impl Track {
        #[inline(always)]
        pub(crate) fn read(&self) {}
        #[inline(always)]
        pub(crate) fn write(&self) {}
    }

    const _: () = assert!(size_of::<AtomicU32>() == 4 && size_of::<Track>() == 0);
}

#[cfg(ringpad_loom)]
mod twin;
