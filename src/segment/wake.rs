//! What an endpoint does after each commit, beside the commit itself.

#![forbid(unsafe_code)]

use core::fmt;

use crate::memory::maintenance::{CacheMaintenance, Maintained, Upkeep};

/// What an endpoint does after each commit: nothing ([`Silent`]), ring a doorbell (`Ringer`), or call a function ([`Hook`]).
pub trait Wake: sealed::Wake {}

pub(crate) mod sealed {
    /// Endpoints call this after every commit and every acknowledgement.
    pub trait Wake: crate::memory::maintenance::Upkeep {
        /// What a `Bell` of this endpoint keeps alive.
        type Keep: Clone;
        #[doc(hidden)]
        fn keep(&self) -> Self::Keep;
        #[doc(hidden)]
        fn wake(&mut self, waiters: Waiters<'_>);
        /// As `wake`, by an end that threads share: it remembers no epoch, and may ring one that was rung and has not woken yet.
        #[doc(hidden)]
        fn wake_shared(&self, waiters: Waiters<'_>);
    }

    /// The word of those who may sleep at one end.
    #[doc(hidden)]
    #[derive(Clone, Copy, Debug)]
    pub struct Waiters<'p>(pub(crate) &'p crate::memory::sync::AtomicU32);
}
pub(crate) use sealed::Waiters;

/// Wakes nobody: for peers that poll. Costs nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Upkeep for Silent {}
impl Wake for Silent {}
impl sealed::Wake for Silent {
    type Keep = ();
    fn keep(&self) {}
    #[inline(always)]
    fn wake(&mut self, _: Waiters<'_>) {}
    #[inline(always)]
    fn wake_shared(&self, _: Waiters<'_>) {}
}

/// Calls a function after each commit: to raise an interrupt, or wake a task of an executor.
///
/// It is called in the context of the end that commits, and must not block. One that interrupts another core first waits for the commit to
/// reach it: `dsb` on Arm. What it wakes looks at its end until that is empty before it
/// sleeps again: two commits may be one call's worth to it.
#[derive(Clone, Copy)]
pub struct Hook<F>(F);

impl<F: Fn()> Hook<F> {
    pub(crate) fn new(hook: F) -> Self {
        Self(hook)
    }
}

impl<F> fmt::Debug for Hook<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hook(..)")
    }
}

impl<F: Fn()> Upkeep for Hook<F> {}
impl<F: Fn()> Wake for Hook<F> {}
impl<F: Fn()> sealed::Wake for Hook<F> {
    type Keep = ();
    fn keep(&self) {}
    #[inline(always)]
    fn wake(&mut self, _: Waiters<'_>) {
        (self.0)();
    }
    #[inline(always)]
    fn wake_shared(&self, _: Waiters<'_>) {
        (self.0)();
    }
}

/// Wakes nobody: the waiters' word has lines of many writers.
impl<M: CacheMaintenance> Wake for Maintained<M> {}
impl<M: CacheMaintenance> sealed::Wake for Maintained<M> {
    type Keep = ();
    fn keep(&self) {}
    #[inline(always)]
    fn wake(&mut self, _: Waiters<'_>) {}
    #[inline(always)]
    fn wake_shared(&self, _: Waiters<'_>) {}
}

/// Asks `ready` up to `budget` times, pausing by the strategy `R` between: waiting without sleeping.
///
/// ```
/// let mut n = 0;
/// let got = ringpad::poll_for::<spin::relax::Spin, _>(10, || { n += 1; (n == 3).then_some(n) });
/// assert_eq!(got, Some(3));
/// assert_eq!(ringpad::poll_for::<spin::relax::Spin, ()>(10, || None), None);
/// ```
pub fn poll_for<R: spin::relax::RelaxStrategy, T>(
    budget: u32,
    mut ready: impl FnMut() -> Option<T>,
) -> Option<T> {
    for _ in 0..budget {
        if let Some(value) = ready() {
            return Some(value);
        }
        R::relax();
    }
    None
}
