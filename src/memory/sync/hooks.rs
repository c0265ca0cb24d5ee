//! What only models use. Hidden, and absent from every ordinary build.

use std::cell::{Cell, RefCell};
use std::hash::{Hash, Hasher};
use std::sync::OnceLock;

pub mod probe;

/// Most modelled threads, the main one included.
pub const THREADS: usize = 4;

// The checker runs all modelled threads on the thread that called it, so settings of one test disturb no other.
std::thread_local! {
    static WEAKENED: RefCell<Option<String>> = const { RefCell::new(None) };
    static SHADOWS: Cell<Option<usize>> = const { Cell::new(Some(THREADS)) };
    static EXCHANGES: Cell<bool> = const { Cell::new(false) };
    static CRASH: Cell<Option<Crash>> = const { Cell::new(None) };
}

/// Edges that a model can weaken, by name.
pub fn edges() -> &'static [&'static str] {
    crate::memory::order::ALL
}

/// Weakens one edge for the models this thread runs from now on; `None` mends it again.
///
/// `RINGPAD_WEAKEN=edge` in the environment weakens it for the whole run.
pub fn weaken(edge: Option<&str>) {
    if let Some(name) = edge {
        assert!(edges().contains(&name), "no edge is called {name:?}");
    }
    WEAKENED.with(|w| *w.borrow_mut() = edge.map(str::to_owned));
}

pub(crate) fn is_weakened(name: &str) -> bool {
    static BY_ENVIRONMENT: OnceLock<Option<String>> = OnceLock::new();
    let everywhere = BY_ENVIRONMENT.get_or_init(|| std::env::var("RINGPAD_WEAKEN").ok());
    everywhere.as_deref() == Some(name) || WEAKENED.with(|w| w.borrow().as_deref() == Some(name))
}

/// Sets how many threads (the main one included) this thread's models have, and whether loads leave shadows.
pub fn set_shadows(on: bool, threads: usize) {
    assert!(threads <= THREADS, "at most {THREADS} modelled threads");
    SHADOWS.set(on.then_some(threads));
}

/// Has loads leave their shadows by exchanges. The checker tries every value that a load may see, all alike here, which costs large models
/// most of their time. Only for models whose claim rests on no fence: an exchange sees the newest value, and a fence behind it then orders
/// what the words themselves do not.
pub fn set_exchanges(on: bool) {
    EXCHANGES.set(on);
}

pub(crate) fn exchanges() -> bool {
    EXCHANGES.get()
}

/// How many modelled threads leave shadows; `None` when shadows are off.
pub(crate) fn shadows() -> Option<usize> {
    SHADOWS.get()
}

/// loom numbers its threads from 0 but shows the number to hashers only.
pub(crate) fn current() -> usize {
    struct Number(usize);
    impl Hasher for Number {
        fn finish(&self) -> u64 {
            self.0 as u64
        }
        fn write(&mut self, bytes: &[u8]) {
            for &byte in bytes.iter().rev() {
                self.0 = self.0 << 8 | usize::from(byte);
            }
        }
    }
    let mut number = Number(0);
    loom::thread::current().id().hash(&mut number);
    number.0
}

/// What a modelled crash unwinds with.
#[derive(Debug)]
pub struct Crashed;

/// The one modelled crash of an execution.
#[derive(Clone, Copy)]
struct Crash {
    thread: usize,
    /// Shared writes before death; `None` once dead.
    left: Option<u32>,
}

/// Runs `work` and kills it before its `step`-th shared write or [`crash_point`] (0-based): nothing from
/// there on happens, drops included. Returns `None` if it died. One crash an execution at a time.
pub fn crash_at<R>(step: u32, work: impl FnOnce() -> R) -> Option<R> {
    let crash = Crash {
        thread: current(),
        left: Some(step),
    };
    assert!(CRASH.replace(Some(crash)).is_none(), "one crash at a time");
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
    CRASH.set(None);
    match result {
        Ok(value) => Some(value),
        Err(panic) if panic.is::<Crashed>() => None,
        Err(panic) => std::panic::resume_unwind(panic),
    }
}

/// Forgets a crash that a failed execution left behind.
pub fn clear_crash() {
    CRASH.set(None);
}

/// A step outside the crate at which [`crash_at`] may kill, such as a system call; false if it must not
/// happen, because the thread is dead.
pub fn crash_point() -> bool {
    step()
}

/// True once the running thread has crashed: only its drops still run, and they must touch nothing.
/// So it is with the drops of a model that fails.
pub(crate) fn is_dead() -> bool {
    let crashed = |crash: Crash| crash.left.is_none() && crash.thread == current();
    std::thread::panicking() || CRASH.get().is_some_and(crashed)
}

/// One shared write is about to happen; false if it must not, because the thread is dead.
pub(crate) fn step() -> bool {
    if std::thread::panicking() {
        return false;
    }
    let Some(crash) = CRASH.get() else {
        return true;
    };
    if crash.thread != current() {
        return true;
    }
    let Some(left) = crash.left else {
        return false;
    };
    let left = left.checked_sub(1);
    CRASH.set(Some(Crash { left, ..crash }));
    if left.is_none() {
        std::panic::resume_unwind(Box::new(Crashed));
    }
    true
}
