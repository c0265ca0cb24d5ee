//! The harness of the models: runs one under the checker, says how many executions that took, and runs
//! it again with an edge weakened, when it must fail.
#![allow(dead_code, reason = "each test binary uses a part of it")]

pub mod calls;
pub mod crowd;
pub mod pool;
pub mod world;

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Once};
use std::time::{Duration, Instant};

use ringpad::hooks;

/// What the checker says of tracked bytes that no edge hands over. (Of words that nobody touched before they
/// were shared it says "mut accesses": that would be the model's fault.)
pub const RACE: &str = "write accesses";
/// What it says of a sleeper that nobody wakes.
pub const ASLEEP: &str = "deadlock";

/// What models say of a value whose words are not all of the write that it claims to be of.
pub const TORN: &str = "torn";

/// Both answers to a claim that only [`world::if_free`] made: a model of one of them alone proves little.
pub const EITHER: &[&str] = &["free", "taken"];

/// A model: a closure that the checker runs once an interleaving.
#[derive(Clone)]
pub struct Model {
    name: String,
    threads: usize,
    preemptions: Option<usize>,
    shadows: bool,
    exchanges: bool,
    must_see: &'static [&'static str],
    body: Arc<dyn Fn() + Send + Sync>,
}

struct Outcome {
    executions: u64,
    time: Duration,
    failure: Option<String>,
}

impl Model {
    /// A model of `threads` threads, the main one included. Every interleaving is explored unless the model says
    /// [`Model::preemptions`].
    pub fn new(name: &str, threads: usize, body: impl Fn() + Send + Sync + 'static) -> Self {
        Self {
            name: name.to_owned(),
            threads,
            preemptions: None,
            shadows: true,
            exchanges: false,
            must_see: &[],
            body: Arc::new(body),
        }
    }

    /// Explores only what at most `most` preemptions reach.
    pub fn preemptions(mut self, most: usize) -> Self {
        self.preemptions = Some(most);
        self
    }

    /// Leaves the checker as it comes, with the interleavings that it misses.
    pub fn without_shadows(mut self) -> Self {
        self.shadows = false;
        self
    }

    /// Rests on no fence, so that its loads may leave cheaper shadows: see [`hooks::set_exchanges`].
    pub fn without_fences(mut self) -> Self {
        self.exchanges = true;
        self
    }

    /// Proves nothing unless some execution [`saw`] each of these.
    pub fn sees(mut self, all: &'static [&'static str]) -> Self {
        self.must_see = all;
        self
    }

    /// Asserts that no execution fails. Returns how many there were.
    pub fn holds(&self) -> u64 {
        SEEN.take();
        let outcome = self.run(None, false);
        let extent = match self.preemptions {
            None => "exhaustive".to_owned(),
            Some(most) => format!("at most {} preemptions", deeper().unwrap_or(most)),
        };
        let Outcome {
            executions, time, ..
        } = outcome;
        println!(
            "{}: {executions} executions in {time:.1?}, {extent}",
            self.name
        );
        if let Some(failure) = outcome.failure {
            panic!("{} fails in execution {executions}: {failure}", self.name);
        }
        check_seen(&self.name, self.must_see);
        executions
    }

    /// Asserts that the model fails once `edge` is weakened, and that `because` is why.
    pub fn dies_without(&self, edge: &str, because: &str) {
        self.fails(Some(edge), because);
    }

    /// Asserts that the model fails as it is, and that `because` is why.
    pub fn dies(&self, because: &str) {
        self.fails(None, because);
    }

    fn fails(&self, edge: Option<&str>, because: &str) {
        let outcome = self.run(edge, true);
        let name = match edge {
            None => self.name.clone(),
            Some(edge) => format!("{} without {edge}", self.name),
        };
        let executions = outcome.executions;
        let failure = outcome
            .failure
            .unwrap_or_else(|| panic!("{name} holds: {executions} executions"));
        assert!(
            failure.contains(because),
            "{name} fails, but not by {because:?}: {failure}"
        );
        println!("{name}: dies in execution {executions} by {because:?}");
    }

    fn run(&self, weakened: Option<&str>, quiet: bool) -> Outcome {
        hear_panics();
        hooks::clear_crash();
        hooks::set_shadows(self.shadows, self.threads);
        hooks::set_exchanges(self.exchanges);
        hooks::weaken(weakened);
        let executions = Arc::new(AtomicU64::new(0));
        let mut checker = loom::model::Builder::new();
        checker.max_threads = self.threads;
        checker.max_branches = 10_000;
        checker.preemption_bound = self.preemptions.map(|most| deeper().unwrap_or(most));
        // Nothing is ever cut short, whatever LOOM_* says.
        (checker.max_duration, checker.max_permutations) = (None, None);
        let (body, counter) = (self.body.clone(), executions.clone());
        let begin = Instant::now();
        QUIET.set(quiet);
        FIRST_PANIC.take();
        let checked = catch_unwind(AssertUnwindSafe(|| {
            checker.check(move || {
                counter.fetch_add(1, Relaxed);
                body();
            });
        }));
        QUIET.set(false);
        hooks::weaken(None);
        hooks::clear_crash();
        Outcome {
            executions: executions.load(Relaxed),
            time: begin.elapsed(),
            failure: checked
                .err()
                .map(|_| FIRST_PANIC.take().unwrap_or_default()),
        }
    }
}

/// `LOOM_MAX_PREEMPTIONS` in the environment replaces the bounds of bounded models.
fn deeper() -> Option<usize> {
    let most = std::env::var("LOOM_MAX_PREEMPTIONS").ok()?;
    Some(most.parse().expect("LOOM_MAX_PREEMPTIONS: a number"))
}

/// Runs a model once for each step at which its victim can die.
///
/// `model(victim)` makes the model; in it [`Victim::dies`] runs what is killed.
pub fn killed_at_each_step(model: impl Fn(Victim) -> Model) {
    let (mut step, mut executions, begin) = (0, 0, Instant::now());
    let mut seen = BTreeSet::new();
    loop {
        let victim = Victim::at(step);
        let mut model = model(victim.clone());
        let name = model.name.clone();
        model.name = format!("{name}, step {step}");
        let must_see = std::mem::take(&mut model.must_see);
        executions += model.holds();
        seen.append(&mut SEEN.take());
        if !victim.died.load(Relaxed) {
            let time = begin.elapsed();
            println!("{name}: {step} steps, {executions} executions in {time:.1?}");
            SEEN.set(seen);
            return check_seen(&name, must_see);
        }
        step += 1;
    }
}

/// Asserts that a model fails at some step at which its victim can die, and that `because` is why.
pub fn dies_at_some_step(model: impl Fn(Victim) -> Model, because: &str) {
    for step in 0.. {
        let victim = Victim::at(step);
        let model = model(victim.clone());
        let name = format!("{}, step {step}", model.name);
        let outcome = model.run(None, true);
        if let Some(failure) = outcome.failure {
            assert!(failure.contains(because), "{name} fails by {failure}");
            println!("{name}: dies by {because:?}");
            return;
        }
        assert!(victim.died.load(Relaxed), "{name}: holds at every step");
    }
}

/// Who is killed before its `step`-th shared write, or after its last one.
#[derive(Clone)]
pub struct Victim {
    step: u32,
    died: Arc<AtomicBool>,
}

impl Victim {
    /// One that dies at this step and no other.
    pub fn at(step: u32) -> Self {
        Self {
            step,
            died: Arc::default(),
        }
    }

    /// Runs `work` up to the step. Executions in which it has fewer are explored no further.
    pub fn dies(&self, work: impl FnOnce()) {
        let all = || {
            work();
            hooks::crash_point();
        };
        match hooks::crash_at(self.step, all) {
            None => self.died.store(true, Relaxed),
            Some(()) => loom::skip_branch(),
        }
    }
}

/// Notes that an execution came to something that its model is about.
pub fn saw(what: &'static str) {
    SEEN.with_borrow_mut(|seen| seen.insert(what));
}

fn check_seen(name: &str, must_see: &[&'static str]) {
    SEEN.with_borrow(|seen| {
        for what in must_see {
            assert!(seen.contains(what), "{name}: no execution saw {what:?}");
        }
    });
}

std::thread_local! {
    static SEEN: RefCell<BTreeSet<&'static str>> = const { RefCell::new(BTreeSet::new()) };
    static QUIET: Cell<bool> = const { Cell::new(false) };
    static FIRST_PANIC: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Keeps what the first panic of a model said, and prints nothing while a known-bad one runs.
fn hear_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            FIRST_PANIC.with_borrow_mut(|first| {
                first.get_or_insert_with(|| panic.to_string());
            });
            if !QUIET.get() {
                usual(panic);
            }
        }));
    });
}
