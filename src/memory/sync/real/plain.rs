//! Words of several fields on machines that only load and store.

use core::marker::PhantomData;
use core::sync::atomic;

use bytemuck::{AnyBitPattern, NoUninit};

use crate::memory::order::Edge;

/// A word of several fields, stored as one.
#[derive(Debug)]
#[repr(transparent)]
pub(crate) struct Atomic<T>(atomic::AtomicU32, PhantomData<T>);

impl<T: NoUninit + AnyBitPattern> Atomic<T> {
    #[inline]
    pub(crate) fn load(&self, edge: Edge) -> T {
        bytemuck::cast(self.0.load(edge.order()))
    }

    #[inline]
    pub(crate) fn store(&self, value: T, edge: Edge) {
        self.0.store(bytemuck::cast(value), edge.order());
    }
}
