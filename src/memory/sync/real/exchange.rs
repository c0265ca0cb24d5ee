//! What is changed by compare-and-swap, on machines that have it.

use ::atomic as atomic_pkg;
use bytemuck::NoUninit;

use super::AtomicU32;
use crate::memory::order::{Edge, RELAXED};

impl AtomicU32 {
    /// Compare-and-swap; the failure load is relaxed.
    #[inline]
    pub(crate) fn replace(&self, old: u32, new: u32, edge: Edge) -> Result<u32, u32> {
        self.0
            .compare_exchange(old, new, edge.order(), RELAXED.order())
    }

    #[inline]
    pub(crate) fn set_bits(&self, bits: u32, edge: Edge) -> u32 {
        self.0.fetch_or(bits, edge.order())
    }

    #[inline]
    pub(crate) fn clear_bits(&self, bits: u32, edge: Edge) -> u32 {
        self.0.fetch_and(!bits, edge.order())
    }
}

/// A 64-bit word shared with other peers.
#[cfg(target_has_atomic = "64")]
#[derive(Debug)]
#[repr(transparent)]
pub(crate) struct AtomicU64(core::sync::atomic::AtomicU64);

#[cfg(target_has_atomic = "64")]
impl AtomicU64 {
    #[inline(always)]
    pub(crate) fn load(&self, edge: Edge) -> u64 {
        self.0.load(edge.order())
    }

    #[inline(always)]
    pub(crate) fn store(&self, value: u64, edge: Edge) {
        self.0.store(value, edge.order());
    }

    /// Compare-and-swap; the failure load is relaxed.
    #[inline(always)]
    pub(crate) fn replace(&self, old: u64, new: u64, edge: Edge) -> Result<u64, u64> {
        self.0
            .compare_exchange(old, new, edge.order(), RELAXED.order())
    }

    #[inline(always)]
    pub(crate) fn clear_bits(&self, bits: u64, edge: Edge) -> u64 {
        self.0.fetch_and(!bits, edge.order())
    }
}

/// A word of several fields, changed as one; refuses at compile time what would need a lock.
#[derive(Debug)]
#[repr(transparent)]
pub(crate) struct Atomic<T: NoUninit>(atomic_pkg::Atomic<T>);

impl<T: NoUninit> Atomic<T> {
    #[inline]
    pub(crate) fn load(&self, edge: Edge) -> T {
        const { assert!(atomic_pkg::Atomic::<T>::is_lock_free()) };
        self.0.load(edge.order())
    }

    #[inline]
    pub(crate) fn store(&self, value: T, edge: Edge) {
        const { assert!(atomic_pkg::Atomic::<T>::is_lock_free()) };
        self.0.store(value, edge.order());
    }

    #[inline]
    pub(crate) fn replace(&self, old: T, new: T, edge: Edge) -> Result<T, T> {
        const { assert!(atomic_pkg::Atomic::<T>::is_lock_free()) };
        self.0
            .compare_exchange(old, new, edge.order(), RELAXED.order())
    }
}
