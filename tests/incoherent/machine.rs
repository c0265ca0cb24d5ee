//! Two cores whose caches do not know of each other, over one memory: a core sees a line as it was when it was fetched.
//!
//! Each core's end works over a copy of its own. `clean` copies lines from the core's copy to the memory, `invalidate` from the memory to the
//! copy; what nobody asks for never moves, or moves whenever it likes: at every hook dirty lines may be written back and clean ones
//! fetched again, and the other core may go on for a while.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::rc::Rc;

use ringpad::{AlignedBytes, CacheMaintenance, Incoherent, Maintained, Region};

/// Bytes of the memory.
pub const BYTES: usize = 1024;

/// Numbers for the dice.
pub struct Dice(Cell<u64>);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(Cell::new(seed))
    }

    /// Below `end`.
    pub fn roll(&self, end: usize) -> usize {
        // SplitMix64.
        self.0.set(self.0.get().wrapping_add(0x9e37_79b9_7f4a_7c15));
        let mut z = self.0.get();
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % end as u64) as usize
    }

    /// Any word, also where a `usize` is one.
    pub fn word(&self) -> u32 {
        u32::from_le_bytes([0; 4].map(|_: u8| self.roll(256) as u8))
    }
}

/// What is done to the hooks of one site.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing happens there.
    Dropped(&'static str),
    /// It happens at this core's next hook, behind that.
    Late(&'static str),
}

/// One run of two cores.
#[derive(Clone, Copy, Debug)]
pub struct Trial {
    pub seed: u64,
    pub rounds: usize,
    pub fault: Option<Fault>,
}

/// The sites whose hooks were called, or what went wrong.
pub type Outcome = Result<BTreeSet<&'static str>, String>;

/// Names the site of a hook.
pub type Sites = fn(hook: &Hook<'_>) -> &'static str;

pub struct Hook<'h> {
    pub clean: bool,
    pub offset: usize,
    pub bytes: usize,
    /// The first word, as the core sees it.
    pub word: u32,
    /// The last site of this core.
    pub before: &'h str,
}

/// Bytes that are only reached by address.
struct Room(*mut AlignedBytes<BYTES>);

impl Room {
    /// Filled by `fill`.
    fn new(mut fill: impl FnMut(usize) -> u8) -> Self {
        let mut room = Box::new(AlignedBytes::new());
        let all = room.as_mut().as_mut().iter_mut().enumerate();
        all.for_each(|(at, byte)| *byte = fill(at));
        Self(Box::into_raw(room))
    }

    fn at(&self, offset: usize) -> *mut u8 {
        assert!(offset < BYTES);
        self.0.cast::<u8>().wrapping_add(offset)
    }

    fn word(&self, offset: usize) -> u32 {
        // SAFETY: inside the room, on a word by the callers; nobody has a reference to it now.
        unsafe { self.at(offset & !3).cast::<u32>().read() }
    }

    fn set(&self, offset: usize, value: u32) {
        // SAFETY: as above.
        unsafe { self.at(offset & !3).cast::<u32>().write(value) };
    }

    /// Whether these bytes are the same in another room.
    fn same(&self, other: &Room, from: usize, len: usize) -> bool {
        assert!(len <= BYTES - from);
        // SAFETY: inside the room; the slices are gone before anything is written.
        let [one, two] = unsafe {
            [self.at(from), other.at(from)].map(|at| std::slice::from_raw_parts(at, len))
        };
        one == two
    }

    /// Copies the words of a line that differ: whatever is equal may be lent just now.
    fn take(&self, from: &Room, line: usize, len: usize) {
        for at in (line..line + len).step_by(4) {
            if from.word(at) != self.word(at) {
                self.set(at, from.word(at));
            }
        }
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        // SAFETY: from into_raw, once.
        drop(unsafe { Box::from_raw(self.0) });
    }
}

struct Core {
    /// What the core sees.
    copy: Room,
    /// Each byte as it was when its line was last fetched or written back: a line that differs is dirty.
    synced: Room,
    line: usize,
    before: Cell<&'static str>,
    late: Cell<Option<(bool, usize, usize)>>,
}

/// What a core does when it is its turn.
pub type Act = Box<dyn FnMut(&Dice)>;

pub struct Machine {
    memory: Room,
    cores: [Core; 2],
    acts: RefCell<[Option<Act>; 2]>,
    pub dice: Dice,
    running: Cell<bool>,
    /// Whether lines move, and cores go on, by themselves.
    pub restless: Cell<bool>,
    fault: Option<Fault>,
    sites: Sites,
    seen: RefCell<BTreeSet<&'static str>>,
    wrong: RefCell<Option<String>>,
}

impl Machine {
    pub fn new(trial: &Trial, lines: [usize; 2], sites: Sites) -> Rc<Self> {
        let dice = Dice::new(trial.seed);
        let memory = Room::new(|_| dice.roll(256) as u8);
        let core = |number: usize| {
            // Core 0 has what the memory has; core 1 what it had long ago.
            let byte = |at| memory.word(at).to_le_bytes()[at % 4];
            let copy = Room::new(|at| {
                if number == 0 {
                    byte(at)
                } else {
                    dice.roll(256) as u8
                }
            });
            let synced = Room::new(|at| copy.word(at).to_le_bytes()[at % 4]);
            Core {
                copy,
                synced,
                line: lines[number],
                before: Cell::new(""),
                late: Cell::new(None),
            }
        };
        let cores = [0, 1].map(core);
        Rc::new(Self {
            memory,
            cores,
            acts: RefCell::new([None, None]),
            dice,
            running: Cell::new(false),
            restless: Cell::new(false),
            fault: trial.fault,
            sites,
            seen: RefCell::default(),
            wrong: RefCell::default(),
        })
    }

    /// The hooks of one core, for one end.
    pub fn hooks<const LINE: usize>(self: &Rc<Self>, core: usize) -> Maintained<Cache<LINE>> {
        assert_eq!(self.cores[core].line, LINE);
        let machine = self.clone();
        // SAFETY: every test makes one producer, writer or publisher, by init on core 0, and attaches on core 1 behind that.
        unsafe { Maintained::new(Cache { machine, core }) }
    }

    /// What a core sees, as a region.
    pub fn region(&self, core: usize) -> Region<'static> {
        let base = self.cores[core].copy.at(0);
        // SAFETY: the ends live in the acts, which are dropped with the machine or before; nothing but the crate and the machine,
        // both on this thread, touches the bytes.
        unsafe { Region::new(base, BYTES) }.expect("aligned")
    }

    /// A channel made by core 0, and attached to by core 1.
    pub fn channel<C, const A: usize, const B: usize>(self: &Rc<Self>, config: &C::Config) -> [C; 2]
    where
        C: Incoherent<'static>,
    {
        let made = self.hooks::<A>(0).init::<C>(self.region(0), config);
        let attached = self.hooks::<B>(1).attach::<C>(self.region(1));
        [made.expect("made"), attached.expect("attached")]
    }

    /// Changes a word as a core sees it: as if that had stored it.
    pub fn set(&self, core: usize, offset: usize, value: u32) {
        self.cores[core].copy.set(offset, value);
    }

    /// What a core stored reaches the memory.
    pub fn write_all_back(&self, core: usize) {
        self.perform(&self.cores[core], (true, 0, BYTES));
    }

    pub fn fail(&self, why: impl FnOnce() -> String) {
        self.wrong.borrow_mut().get_or_insert_with(why);
    }

    /// Fails unless `right`.
    pub fn check(&self, right: bool, why: impl FnOnce() -> String) {
        if !right {
            self.fail(why);
        }
    }

    /// Lets both cores act: `rounds` with everything moving, then as many with nothing that is not asked to. Answers the sites seen.
    pub fn run(&self, acts: [Act; 2], rounds: usize) -> Outcome {
        *self.acts.borrow_mut() = acts.map(Some);
        self.start();
        for restless in [true, false] {
            self.restless.set(restless);
            for _ in 0..rounds {
                if self.wrong.borrow().is_none() {
                    self.act(self.dice.roll(2));
                }
            }
        }
        *self.acts.borrow_mut() = [None, None];
        self.verdict()
    }

    /// From here on hooks have sites, and faults.
    pub fn start(&self) {
        self.running.set(true);
    }

    /// The sites seen, unless something went wrong.
    pub fn verdict(&self) -> Outcome {
        let wrong = self.wrong.borrow_mut().take();
        wrong.map_or_else(|| Ok(self.seen.borrow().clone()), Err)
    }

    /// One turn of a core, unless it is in one.
    fn act(&self, core: usize) {
        let act = self.acts.borrow_mut()[core].take();
        if let Some(mut act) = act {
            act(&self.dice);
            self.acts.borrow_mut()[core] = Some(act);
        }
    }

    /// A moment in which anything may move, and the other core go on.
    pub fn moment(&self, core: usize) {
        if !self.restless.get() {
            return;
        }
        self.stir();
        let other_waits = self.acts.borrow()[1 - core].is_some();
        if other_waits && self.dice.roll(3) == 0 {
            for _ in 0..1 + self.dice.roll(5) {
                if self.wrong.borrow().is_none() {
                    self.act(1 - core);
                }
            }
            self.stir();
        }
    }

    /// Some dirty lines are written back, some clean ones are fetched again.
    fn stir(&self) {
        const CHUNK: usize = 128;
        for core in &self.cores {
            // Often nothing, sometimes everything.
            let odds = [0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 16][self.dice.roll(12)];
            if odds == 0 {
                continue;
            }
            for chunk in (0..BYTES).step_by(CHUNK) {
                if self.state(core, chunk, CHUNK) == [false; 2] {
                    continue;
                }
                for line in (chunk..chunk + CHUNK).step_by(core.line) {
                    let [dirty, stale] = self.state(core, line, core.line);
                    if (dirty || stale) && self.dice.roll(odds) == 0 {
                        self.perform(core, (dirty, line, core.line));
                    }
                }
            }
        }
    }

    /// Whether the core changed these bytes, and whether the memory did since it fetched them.
    fn state(&self, core: &Core, from: usize, len: usize) -> [bool; 2] {
        [&core.copy, &self.memory].map(|room| !room.same(&core.synced, from, len))
    }

    /// Writes lines back, or fetches them.
    fn perform(&self, core: &Core, (clean, from, len): (bool, usize, usize)) {
        for at in (from..from + len).step_by(core.line) {
            let [dirty, changed] = self.state(core, at, core.line);
            if clean && dirty {
                self.check(!changed || !self.running.get(), || {
                    format!("line {at:#x} has two writers")
                });
                self.memory.take(&core.copy, at, core.line);
                core.synced.take(&self.memory, at, core.line);
            }
            if !clean {
                self.check(!dirty, || format!("line {at:#x} is dropped dirty"));
                core.copy.take(&self.memory, at, core.line);
                core.synced.take(&self.memory, at, core.line);
            }
        }
    }

    fn hook(&self, number: usize, clean: bool, from: *const u8, len: usize) {
        let core = &self.cores[number];
        let offset = from.addr().wrapping_sub(core.copy.at(0).addr());
        let whole = offset.is_multiple_of(core.line) && len.is_multiple_of(core.line);
        assert!(whole && offset < BYTES && len <= BYTES - offset && len > 0);
        let what = (clean, offset, len);
        if !self.running.get() {
            return self.perform(core, what);
        }
        let hook = Hook {
            clean,
            offset,
            bytes: len,
            word: core.copy.word(offset),
            before: core.before.get(),
        };
        let site = (self.sites)(&hook);
        core.before.set(site);
        self.seen.borrow_mut().insert(site);
        self.moment(number);
        let due = core.late.take();
        match self.fault {
            Some(Fault::Dropped(of)) if of == site => {}
            Some(Fault::Late(of)) if of == site => core.late.set(Some(what)),
            _ => self.perform(core, what),
        }
        self.moment(number);
        if let Some(what) = due {
            self.perform(core, what);
        }
    }
}

/// One core's hooks.
#[derive(Clone)]
pub struct Cache<const LINE: usize> {
    machine: Rc<Machine>,
    core: usize,
}

// SAFETY: when clean returns, the copy's lines are in the memory; when invalidate returns, the memory's are in the copy. (Unless a fault
// is wanted: the tests then look for what that does to plain numbers.)
unsafe impl<const LINE: usize> CacheMaintenance for Cache<LINE> {
    const LINE: usize = LINE;
    unsafe fn clean(&self, from: *const u8, bytes: usize) {
        self.machine.hook(self.core, true, from, bytes);
    }
    unsafe fn invalidate(&self, from: *const u8, bytes: usize) {
        self.machine.hook(self.core, false, from, bytes);
    }
}
