//! The end of a typed ring that puts items in.

#![forbid(unsafe_code)]

use core::cell::Cell;
use core::marker::PhantomData;

use crate::channel::cursor::{Slots, WriteEnd};
use crate::error::{Full, Result};
use crate::memory::Pod;
use crate::segment::wake::{Hook, Silent, Wake};

/// The end that puts items in. `Send`, not `Sync`, not `Clone`. Dropping it gives the end back; staged
/// items that were not published are forgotten.
#[derive(Debug)]
pub struct Producer<'p, T, W: Wake = Silent> {
    slots: Slots<'p, T>,
    pub(super) end: WriteEnd<'p, W>,
    not_sync: PhantomData<Cell<()>>,
}

impl<'p, T: Pod> Producer<'p, T> {
    /// The same end, which from now on calls `hook` after each commit, beginning now: to raise an interrupt, or wake a task.
    pub fn waking<F: Fn()>(self, hook: F) -> Producer<'p, T, Hook<F>> {
        self.rewired(|_| Hook::new(hook))
    }
}

impl<'p, T: Pod, W: Wake> Producer<'p, T, W> {
    pub(super) fn new(slots: Slots<'p, T>, end: WriteEnd<'p, W>) -> Self {
        Self {
            slots,
            end,
            not_sync: PhantomData,
        }
    }

    /// The same end with another way to wake.
    pub(crate) fn rewired<V: Wake>(self, wake: impl FnOnce(&W) -> V) -> Producer<'p, T, V> {
        Producer::new(self.slots, self.end.rewired(wake))
    }

    /// Puts one item in and commits it, with everything staged before.
    ///
    /// # Errors
    ///
    /// [`Full`] with the item; also on a corrupt ring, which [`Producer::check`] tells apart.
    #[inline]
    pub fn push(&mut self, value: T) -> Result<(), Full<T>> {
        self.stage(value)?;
        self.end.publish_all();
        Ok(())
    }

    /// Puts one item in without committing it. Publish before waiting for anything.
    ///
    /// # Errors
    ///
    /// As [`Producer::push`]; what was staged before is then committed.
    #[inline]
    pub fn stage(&mut self, value: T) -> Result<(), Full<T>> {
        let room = self.end.room(1);
        if room == 0 {
            // Whoever is told Full may wait for a consumer that waits for this.
            self.end.publish();
            return Err(Full(value));
        }
        self.slots.write(self.end.position(), room, value);
        self.end.advance(1);
        Ok(())
    }

    /// Commits everything staged, with one store.
    #[inline]
    pub fn publish(&mut self) {
        self.end.publish();
    }

    /// Puts in as many of the items as there is room for, from the first, and commits them with one
    /// store. Returns how many.
    #[inline]
    pub fn push_slice(&mut self, values: &[T]) -> usize {
        let want = u32::try_from(values.len()).unwrap_or(u32::MAX);
        let room = self.end.room(want);
        let count = room.min(want);
        if count == 0 {
            self.end.publish();
            return 0;
        }
        self.slots
            .write_all(self.end.position(), room, &values[..count as usize]);
        self.end.advance(count);
        self.end.publish_all();
        count as usize
    }

    /// Free slots now; more may follow at any time.
    pub fn slots(&mut self) -> u32 {
        self.end.room(u32::MAX)
    }

    /// Slots of the ring.
    pub fn capacity(&self) -> u32 {
        self.end.capacity()
    }

    /// The position of the next item: items ever put in, modulo 2^32.
    pub fn position(&self) -> u32 {
        self.end.position()
    }

    /// Whether the region still makes sense.
    ///
    /// # Errors
    ///
    /// [`Error::Corrupt`](crate::Error::Corrupt) once the consumer's position was impossible; the ring then stays full.
    pub fn check(&self) -> Result<()> {
        self.end.check()
    }
}
