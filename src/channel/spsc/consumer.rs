//! The end of a typed ring that takes items out.

#![forbid(unsafe_code)]

use core::cell::Cell;
use core::marker::PhantomData;

use crate::channel::cursor::{ReadEnd, Slots};
use crate::error::Result;
use crate::memory::Pod;
use crate::segment::wake::{Hook, Silent, Wake};

/// The end that takes items out. `Send`, not `Sync`, not `Clone`. Dropping it gives the end back; items that were
/// taken and not acknowledged come again.
#[derive(Debug)]
pub struct Consumer<'p, T, W: Wake = Silent> {
    slots: Slots<'p, T>,
    pub(super) end: ReadEnd<'p, W>,
    not_sync: PhantomData<Cell<()>>,
}

impl<'p, T: Pod> Consumer<'p, T> {
    /// The same end, which from now on calls `hook` after each commit, beginning now: to raise an interrupt, or wake a task.
    pub fn waking<F: Fn()>(self, hook: F) -> Consumer<'p, T, Hook<F>> {
        self.rewired(|_| Hook::new(hook))
    }
}

impl<'p, T: Pod, W: Wake> Consumer<'p, T, W> {
    pub(super) fn new(slots: Slots<'p, T>, end: ReadEnd<'p, W>) -> Self {
        Self {
            slots,
            end,
            not_sync: PhantomData,
        }
    }

    /// The same end with another way to wake.
    pub(crate) fn rewired<V: Wake>(self, wake: impl FnOnce(&W) -> V) -> Consumer<'p, T, V> {
        Consumer::new(self.slots, self.end.rewired(wake))
    }

    /// Takes one item out and acknowledges it, with everything taken before, also when it answers `None`: there is none
    /// (or the ring is corrupt, which [`Consumer::check`] tells apart).
    #[inline]
    pub fn pop(&mut self) -> Option<T> {
        let Some(value) = self.take() else {
            self.end.acknowledge();
            return None;
        };
        self.end.acknowledge_all();
        Some(value)
    }

    /// Takes one item out without acknowledging it: if this process dies, its successor gets it again. Its slot stays taken
    /// until [`Consumer::acknowledge`] or [`Consumer::pop`]: acknowledge before waiting for more.
    #[inline]
    pub fn take(&mut self) -> Option<T> {
        let value = self.peek()?;
        self.end.advance(1);
        Some(value)
    }

    /// Gives the slots of everything taken back to the producer, with one store.
    #[inline]
    pub fn acknowledge(&mut self) {
        self.end.acknowledge();
    }

    /// A copy of the next item, which stays.
    #[inline]
    pub fn peek(&mut self) -> Option<T> {
        let data = self.end.data(1);
        if data == 0 {
            return None;
        }
        Some(self.slots.read(self.end.position(), data))
    }

    /// Takes as many items out as there are and fit, and acknowledges them with one store. Returns how many.
    #[inline]
    pub fn pop_slice(&mut self, into: &mut [T]) -> usize {
        let want = u32::try_from(into.len()).unwrap_or(u32::MAX);
        let data = self.end.data(want);
        let count = data.min(want);
        if count == 0 {
            self.end.acknowledge();
            return 0;
        }
        self.slots
            .read_all(self.end.position(), data, &mut into[..count as usize]);
        self.end.advance(count);
        self.end.acknowledge_all();
        count as usize
    }

    /// Items to take now; more may follow at any time.
    pub fn slots(&mut self) -> u32 {
        self.end.data(u32::MAX)
    }

    /// Slots of the ring.
    pub fn capacity(&self) -> u32 {
        self.end.capacity()
    }

    /// The position of the next item: items ever taken, modulo 2^32. A redelivered item has the position
    /// it had.
    pub fn position(&self) -> u32 {
        self.end.position()
    }

    /// Whether the region still makes sense.
    ///
    /// # Errors
    ///
    /// [`Error::Corrupt`](crate::Error::Corrupt) once the producer's position was impossible; the ring then stays empty.
    pub fn check(&self) -> Result<()> {
        self.end.check()
    }
}
