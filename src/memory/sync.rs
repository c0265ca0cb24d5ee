//! The facade: every shared word of the crate goes through here, and this file alone knows that a
//! model checker exists.
//!
//! In ordinary builds [`AtomicU32`] and [`Atomic`] are the machine's atomics and [`Track`] is nothing.
//! With `ringpad_loom` they are loom's, made on first touch from zeroed bytes, so that the code that
//! lays them over a region is the code that ships.
//!
//! Every operation takes a named [`Edge`](super::order::Edge), never a bare ordering.

#[cfg(not(ringpad_loom))]
pub(crate) use real::{Atomic, AtomicU32, RacingWord, Track, Word, fence};
#[cfg(ringpad_loom)]
pub(crate) use twin::{Atomic, AtomicU32, RacingWord, Track, Word, fence};

/// What only models use: weakened edges, crash points, shadow words.
#[cfg(ringpad_loom)]
pub mod hooks;

/// A configuration word: written before a header is READY and read once after. A machine atomic in
/// every build, because hostile bytes may change under us; models order it by a [`Track`].
pub(crate) use core::sync::atomic::AtomicU32 as RawU32;

#[cfg(not(ringpad_loom))]
mod real {
    use crate::memory::order::{Edge, RELAXED};
    use bytemuck::NoUninit;
    use core::sync::atomic;

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
    use ::atomic as atomic_pkg;
}

#[cfg(ringpad_loom)]
mod twin {
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
    struct Shadowed {
        word: la::AtomicU32,
        seen_by: [Option<la::AtomicU32>; hooks::THREADS],
    }

    #[repr(transparent)]
    pub(crate) struct AtomicU32(Lazy<Shadowed>);
    // SAFETY: the checker runs one modelled thread at a time, on one thread of the machine.
    unsafe impl Sync for AtomicU32 {}
    // SAFETY: as above.
    unsafe impl Send for AtomicU32 {}

    impl core::fmt::Debug for AtomicU32 {
        fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
            f.write_str("AtomicU32")
        }
    }

    impl AtomicU32 {
        fn get(&self) -> &Shadowed {
            self.0.get(|| {
                let threads = hooks::shadows().unwrap_or(0);
                Shadowed {
                    word: la::AtomicU32::new(0),
                    seen_by: core::array::from_fn(|i| (i < threads).then(|| la::AtomicU32::new(0))),
                }
            })
        }

        /// Tells the checker that a write conflicts with the loads of every other thread.
        fn before_write(&self) -> &la::AtomicU32 {
            let it = self.get();
            if hooks::shadows().is_some() {
                let me = hooks::current();
                for (thread, shadow) in it.seen_by.iter().flatten().enumerate() {
                    if thread != me {
                        shadow.fetch_add(0, RELAXED.order());
                    }
                }
            }
            &it.word
        }

        pub(crate) fn load(&self, edge: Edge) -> u32 {
            if hooks::is_dead() {
                return 0;
            }
            let it = self.get();
            if hooks::shadows().is_some() {
                let mine = it.seen_by[hooks::current()].as_ref();
                mine.expect("more threads than set_shadows said")
                    .load(RELAXED.order());
            }
            it.word.load(edge.order())
        }

        pub(crate) fn store(&self, value: u32, edge: Edge) {
            if hooks::step() {
                self.before_write().store(value, edge.order());
            }
        }

        pub(crate) fn replace(&self, old: u32, new: u32, edge: Edge) -> Result<u32, u32> {
            if !hooks::step() {
                return Err(0);
            }
            self.before_write()
                .compare_exchange(old, new, edge.order(), RELAXED.order())
        }

        pub(crate) fn set_bits(&self, bits: u32, edge: Edge) -> u32 {
            if !hooks::step() {
                return 0;
            }
            self.before_write().fetch_or(bits, edge.order())
        }

        pub(crate) fn clear_bits(&self, bits: u32, edge: Edge) -> u32 {
            if !hooks::step() {
                return 0;
            }
            self.before_write().fetch_and(!bits, edge.order())
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
}
