//! The model checker's words, in the shape of the machine's.

use super::hooks;
use crate::memory::order::{Edge, RELAXED};
use bytemuck::{AnyBitPattern, NoUninit};
use core::cell::{Cell, UnsafeCell};
use core::marker::PhantomData;
use core::mem::MaybeUninit;
use loom::sync::atomic as la;

/// An object of the checker, made when zeroed bytes are first touched.
#[repr(C)]
struct Lazy<T> {
    made: Cell<usize>,
    object: UnsafeCell<MaybeUninit<T>>,
}

/// Tells made objects from garbage.
const MADE: usize = 0x6d61_6465;

impl<T> Lazy<T> {
    fn get(&self, make: impl FnOnce() -> T) -> &T {
        if self.made.get() != MADE {
            // SAFETY: the checker runs one modelled thread at a time and making an object is no
            // switch point, so nobody else holds a reference into an object not yet made.
            unsafe { (*self.object.get()).write(make()) };
            self.made.set(MADE);
        }
        // SAFETY: MADE is set only after the object was written, and objects are never unmade.
        let object = unsafe { &*self.object.get() };
        // SAFETY: as above: written.
        unsafe { object.assume_init_ref() }
    }
}

/// loom 0.7 keeps one last access an object, so a thread's own store hides another's earlier load
/// from it (tokio-rs/loom#166, #392). A shadow word a thread shows it the conflict.
struct Shadowed<W> {
    word: W,
    seen_by: [Option<la::AtomicU32>; hooks::THREADS],
}

impl<W> Shadowed<W> {
    fn new(word: W) -> Self {
        let threads = hooks::shadows().unwrap_or(0);
        Self {
            word,
            seen_by: core::array::from_fn(|i| (i < threads).then(|| la::AtomicU32::new(0))),
        }
    }

    /// Tells the checker that a write conflicts with the loads of every other thread.
    fn before_write(&self) -> &W {
        if hooks::shadows().is_some() {
            let me = hooks::current();
            for (thread, shadow) in self.seen_by.iter().flatten().enumerate() {
                if thread != me {
                    shadow.fetch_add(0, RELAXED.order());
                }
            }
        }
        &self.word
    }

    fn before_load(&self) -> &W {
        if hooks::shadows().is_some() {
            let mine = self.seen_by[hooks::current()].as_ref();
            let mine = mine.expect("more threads than set_shadows said");
            if hooks::exchanges() {
                mine.fetch_add(0, RELAXED.order());
            } else {
                mine.load(RELAXED.order());
            }
        }
        &self.word
    }
}

macro_rules! shared_word {
    ($name:ident, $number:ty) => {
        #[repr(transparent)]
        pub(crate) struct $name(Lazy<Shadowed<la::$name>>);
        // SAFETY: the checker runs one modelled thread at a time, on one thread of the machine.
        unsafe impl Sync for $name {}
        // SAFETY: as above.
        unsafe impl Send for $name {}

        impl core::fmt::Debug for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str(stringify!($name))
            }
        }

        impl $name {
            fn get(&self) -> &Shadowed<la::$name> {
                self.0.get(|| Shadowed::new(la::$name::new(0)))
            }

            pub(crate) fn load(&self, edge: Edge) -> $number {
                if hooks::is_dead() {
                    return 0;
                }
                self.get().before_load().load(edge.order())
            }

            pub(crate) fn store(&self, value: $number, edge: Edge) {
                if hooks::step() {
                    self.get().before_write().store(value, edge.order());
                }
            }

            pub(crate) fn replace(
                &self,
                old: $number,
                new: $number,
                edge: Edge,
            ) -> Result<$number, $number> {
                if !hooks::step() {
                    return Err(0);
                }
                self.get()
                    .before_write()
                    .compare_exchange(old, new, edge.order(), RELAXED.order())
            }

            pub(crate) fn clear_bits(&self, bits: $number, edge: Edge) -> $number {
                if !hooks::step() {
                    return 0;
                }
                self.get().before_write().fetch_and(!bits, edge.order())
            }
        }
    };
}

shared_word!(AtomicU32, u32);
shared_word!(AtomicU64, u64);

impl AtomicU32 {
    pub(crate) fn set_bits(&self, bits: u32, edge: Edge) -> u32 {
        if !hooks::step() {
            return 0;
        }
        self.get().before_write().fetch_or(bits, edge.order())
    }
}

#[repr(transparent)]
pub(crate) struct Atomic<T>(AtomicU32, PhantomData<T>);

impl<T> core::fmt::Debug for Atomic<T> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Atomic")
    }
}

impl<T: NoUninit + AnyBitPattern> Atomic<T> {
    pub(crate) fn load(&self, edge: Edge) -> T {
        bytemuck::cast(self.0.load(edge))
    }

    pub(crate) fn store(&self, value: T, edge: Edge) {
        self.0.store(bytemuck::cast(value), edge);
    }

    pub(crate) fn replace(&self, old: T, new: T, edge: Edge) -> Result<T, T> {
        self.0
            .replace(bytemuck::cast(old), bytemuck::cast(new), edge)
            .map(bytemuck::cast)
            .map_err(bytemuck::cast)
    }
}

/// Models have words of four bytes.
pub(crate) type Word = u32;

/// Payload that may be read while it is written: the checker sees every word of it.
#[derive(Debug)]
#[repr(transparent)]
pub(crate) struct RacingWord(AtomicU32);

impl RacingWord {
    pub(crate) fn load(&self) -> Word {
        self.0.load(RELAXED)
    }

    pub(crate) fn store(&self, value: Word) {
        self.0.store(value, RELAXED);
    }
}

/// A weakened fence is no fence.
pub(crate) fn fence(edge: Edge) {
    let weakened = matches!(edge.order(), core::sync::atomic::Ordering::Relaxed);
    if !weakened && !hooks::is_dead() {
        la::fence(edge.order());
    }
}

/// A place of handed-over payload: the checker fails on accesses that no edge orders.
#[repr(transparent)]
pub(crate) struct Track(Lazy<loom::cell::UnsafeCell<()>>);
// SAFETY: the checker runs one modelled thread at a time, on one thread of the machine.
unsafe impl Sync for Track {}

impl core::fmt::Debug for Track {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Track")
    }
}

impl Track {
    pub(crate) fn read(&self) {
        if !hooks::is_dead() {
            self.0.get(|| loom::cell::UnsafeCell::new(())).with(|_| ());
        }
    }

    pub(crate) fn write(&self) {
        if hooks::step() {
            self.0
                .get(|| loom::cell::UnsafeCell::new(()))
                .with_mut(|_| ());
        }
    }
}
