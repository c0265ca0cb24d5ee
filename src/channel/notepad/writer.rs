//! The end of a notepad that writes.

#![forbid(unsafe_code)]

use core::cell::Cell;
use core::marker::PhantomData;

use super::{Draft, NUMBER, Note, Version, WORD, WRITTEN, is_word};
use crate::channel::seat::Seat;
use crate::channel::stamp::{Content, Glance, TooLong, close, complete, open};
use crate::memory::Pod;
use crate::memory::maintenance::Extent;
use crate::memory::order::{OBSERVE, PUBLISH, RELAXED};
use crate::memory::racing::{RacingSlot, RacingSlots};
use crate::memory::sync::AtomicU32;
use crate::segment::wake::{Hook, Silent, Wake};

/// Of a T, for one thread at a time.
type Alone<T> = PhantomData<(fn(&T), Cell<()>)>;

/// The end that writes. `Send`, not `Sync`, not `Clone`. Dropping it gives the end back.
#[derive(Debug)]
pub struct Writer<'p, T: ?Sized, W: Wake = Silent> {
    pub(super) pen: Pen<'p, W>,
    of: Alone<T>,
}

/// The writer without its type.
#[derive(Debug)]
pub(super) struct Pen<'p, W: Wake> {
    word: &'p AtomicU32,
    value: &'p AtomicU32,
    slots: RacingSlots<'p>,
    /// What the region's word says.
    latest: u32,
    pub(super) seat: Seat<'p, W>,
}

impl<'p, W: Wake> Pen<'p, W> {
    /// The number that the next version has.
    #[inline(always)]
    fn next(&self) -> u32 {
        self.latest.wrapping_add(1) & NUMBER
    }

    /// The slot of the latest version.
    fn current(&self) -> RacingSlot<'p> {
        self.slots.slot(self.latest & NUMBER)
    }

    /// Begins the next version; until it is finished, doing so again begins the same one.
    #[inline(always)]
    pub(super) fn begin(&mut self) -> RacingSlot<'p> {
        let number = self.next();
        let slot = self.slots.slot(number);
        open(slot, number, self.seat.upkeep());
        slot
    }

    /// Commits the version that was begun.
    #[inline(always)]
    pub(super) fn finish(&mut self, slot: RacingSlot<'p>) -> Version {
        let number = self.next();
        close(slot, number, self.seat.upkeep());
        self.publish(number)
    }

    #[inline(always)]
    fn publish(&mut self, number: u32) -> Version {
        self.latest = WRITTEN | number;
        self.word.store(self.latest, PUBLISH); // PUBLISH: pairs with OBSERVE
        self.seat.upkeep().clean(Extent::of(self.word));
        self.seat.wake();
        Version(number)
    }

    /// Counts what the writer before completed and did not publish.
    fn roll_forward(&mut self, is_word: bool) {
        let next = self.next();
        let more = if is_word {
            // Whether the dead one stored a value nobody can say; a version too many harms nobody.
            self.latest != 0
        } else {
            self.slots.slot(next).stamp().load(RELAXED) == complete(next)
        };
        if more {
            self.publish(next);
        }
    }
}

impl<W: Wake> Drop for Pen<'_, W> {
    fn drop(&mut self) {
        if const { W::MAINTAINED } {
            // What a draft left there must not reach the memory after the next writer's, on another core.
            let begun = self.slots.slot(self.next());
            self.seat.upkeep().clean(begun.content());
        }
    }
}

impl<'p, T: Content + ?Sized> Writer<'p, T> {
    /// The same end, which from now on calls `hook` after each version, beginning now: to raise an interrupt, or wake a task.
    pub fn waking<F: Fn()>(self, hook: F) -> Writer<'p, T, Hook<F>> {
        self.rewired(|_| Hook::new(hook))
    }
}

impl<'p, T: Content + ?Sized, W: Wake> Writer<'p, T, W> {
    pub(super) fn new(
        word: &'p AtomicU32,
        value: &'p AtomicU32,
        slots: RacingSlots<'p>,
        seat: Seat<'p, W>,
    ) -> Self {
        let mut pen = Pen {
            word,
            value,
            slots,
            latest: word.load(RELAXED), // CLAIM, or the proof of death, ordered it
            seat,
        };
        pen.roll_forward(is_word::<T>());
        // Whoever sleeps may be waiting for a writer.
        pen.seat.wake();
        Self {
            pen,
            of: PhantomData,
        }
    }

    /// The same end with another way to wake, which it uses at once.
    pub(crate) fn rewired<V: Wake>(self, wake: impl FnOnce(&W) -> V) -> Writer<'p, T, V> {
        let mut pen = self.pen;
        let seat = pen.seat.rewired(wake);
        let mut pen = Pen {
            word: pen.word,
            value: pen.value,
            slots: pen.slots,
            latest: pen.latest,
            seat,
        };
        pen.seat.wake();
        Writer {
            pen,
            of: PhantomData,
        }
    }

    /// The version written last, by this writer or one before it. Of values of at most 4 bytes whoever takes the end over counts one
    /// version more, since nobody can tell whether the one before stored a value.
    pub fn version(&self) -> Option<Version> {
        Version::of(self.pen.latest)
    }

    /// Lends the next slot to be filled in place.
    ///
    /// What is not filled holds what an earlier version left there. Until the draft is committed, readers read the version before;
    /// dropped, it never was.
    ///
    /// Values of at most 4 bytes have no slots: such a notepad does not compile with this.
    pub fn draft(&mut self) -> Draft<'_, 'p, T, W> {
        const {
            assert!(
                !is_word::<T>(),
                "a value of at most 4 bytes is written whole"
            )
        };
        Draft::new(&mut self.pen)
    }
}

impl<T: Pod, W: Wake> Writer<'_, T, W> {
    /// Writes a value and commits it.
    #[inline]
    pub fn write(&mut self, value: &T) -> Version {
        if const { is_word::<T>() } {
            self.pen.value.store(to_word(value), PUBLISH); // PUBLISH: pairs with OBSERVE in Reader::load
            self.pen.seat.upkeep().clean(Extent::of(self.pen.value));
            let next = self.pen.next();
            return self.pen.publish(next);
        }
        let slot = self.pen.begin();
        slot.store_value(value);
        self.pen.finish(slot)
    }

    /// Changes the latest value, or zeros if there is none, and writes that.
    pub fn update(&mut self, change: impl FnOnce(&mut T)) -> Version {
        let latest = self.latest().map(|note| note.value);
        let mut value = latest.unwrap_or_else(bytemuck::Zeroable::zeroed);
        change(&mut value);
        self.write(&value)
    }

    /// The value written last, by this writer or one before it.
    pub fn latest(&self) -> Option<Note<T>> {
        let version = self.version()?;
        // Nobody else writes.
        let value = if const { is_word::<T>() } {
            from_word(self.pen.value.load(OBSERVE))
        } else {
            self.pen.current().load_value()
        };
        Some(Note { version, value })
    }
}

impl<'p, W: Wake> Writer<'p, [u8], W> {
    /// Writes bytes and commits them.
    ///
    /// # Errors
    ///
    /// [`TooLong`] beyond what the notepad was made for; nothing is written.
    pub fn write(&mut self, bytes: &[u8]) -> Result<Version, TooLong> {
        let most = self.most_bytes();
        if bytes.len() > most {
            let found = bytes.len();
            return Err(TooLong { found, most });
        }
        let slot = self.pen.begin();
        slot.length().store(bytes.len() as u32, RELAXED);
        slot.store(bytes);
        Ok(self.pen.finish(slot))
    }

    /// Most bytes of a value.
    pub fn most_bytes(&self) -> usize {
        self.pen.slots.bytes()
    }

    /// The bytes written last, by this writer or one before it, to be copied out.
    pub fn latest(&self) -> Option<Note<Glance<'_>>> {
        let version = self.version()?;
        let slot = self.pen.current();
        let len = (slot.length().load(RELAXED) as usize).min(slot.bytes());
        let value = Glance { slot, len };
        Some(Note { version, value })
    }
}

/// A value of at most 4 bytes as a word.
#[inline(always)]
pub(super) fn to_word<T: Pod>(value: &T) -> u32 {
    let bytes = bytemuck::bytes_of(value);
    let mut word = [0; WORD];
    word.iter_mut()
        .zip(bytes)
        .for_each(|(to, from)| *to = *from);
    u32::from_le_bytes(word)
}

/// The value that a word holds.
#[inline(always)]
pub(super) fn from_word<T: Pod>(word: u32) -> T {
    let mut value = T::zeroed();
    let bytes = bytemuck::bytes_of_mut(&mut value);
    bytes
        .iter_mut()
        .zip(word.to_le_bytes())
        .for_each(|(to, from)| *to = from);
    value
}
