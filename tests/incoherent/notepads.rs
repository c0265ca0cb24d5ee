//! Notepads against the number of the last version: a write that is over is what the next read on the other core brings, whole.

use std::cell::Cell;
use std::rc::Rc;

use ringpad::Maintained;
use ringpad::notepad::{Config, Missed, Note, Notepad, Reader, Writer};

use crate::machine::{Act, Cache, Hook, Machine, Outcome, Trial};

/// The sites of a notepad whose lines are shorter than its slots.
pub fn sites(hook: &Hook<'_>) -> &'static str {
    let is_stamp = hook.offset.is_multiple_of(128) && hook.bytes <= 32;
    match (hook.clean, hook.offset) {
        (true, 132..136) => "clean value",
        (false, 132..136) => "invalidate value",
        (true, 128..256) => "clean latest",
        (false, 128..256) => "invalidate latest",
        (true, 384..) if is_stamp && hook.word & 1 == 1 => "clean open stamp",
        (true, 384..) if is_stamp => "clean closed stamp",
        (true, 384..) => "clean words",
        (false, 384..) if is_stamp => "invalidate stamp",
        (false, 384..) => "invalidate words",
        _ => "a line that no end touches",
    }
}

pub const SITES: [&str; 7] = [
    "clean closed stamp",
    "clean latest",
    "clean open stamp",
    "clean words",
    "invalidate latest",
    "invalidate stamp",
    "invalidate words",
];

/// Those of a value of one word.
pub const WORD_SITES: [&str; 4] = [
    "clean latest",
    "clean value",
    "invalidate latest",
    "invalidate value",
];

const SLOTS: u32 = 4;
type Value = [u32; 24];

/// What is written as version `n`.
fn value(n: u64) -> Value {
    std::array::from_fn(|at| (n as u32).wrapping_mul(0x9e37_79b9) ^ at as u32)
}

fn bytes(n: u64) -> Vec<u8> {
    let len = (n % 1000 * 37 % 97) as usize;
    (0..len)
        .map(|at| (n as u8).wrapping_mul(7).wrapping_add(at as u8))
        .collect()
}

/// Versions whose writes began, and are over.
#[derive(Default)]
struct Versions {
    begun: Cell<u64>,
    over: Cell<u64>,
}

impl Versions {
    fn begin(&self) -> u64 {
        self.begun.set(self.over.get() + 1);
        self.begun.get()
    }

    fn end(&self) {
        self.over.set(self.begun.get());
    }

    /// What a read brought that began when the last version was `before`.
    fn judge<V>(
        &self,
        machine: &Machine,
        before: u64,
        read: Result<Option<Note<V>>, Missed>,
        whole: impl FnOnce(u64, V) -> bool,
    ) {
        let begun = self.begun.get();
        match read {
            Ok(None) => machine.check(before == 0, || format!("nothing, after version {before}")),
            Ok(Some(note)) => {
                let n = u64::from(note.version.get());
                let timely = (before..=begun).contains(&n);
                machine.check(timely, || format!("version {n} of {before} to {begun}"));
                machine.check(whole(n, note.value), || format!("version {n} is torn"));
            }
            Err(Missed::Lapped) => {
                let lapped = begun >= before + u64::from(SLOTS);
                machine.check(lapped, || format!("lapped between {before} and {begun}"));
            }
            Err(other) => machine.fail(|| format!("{other:?}")),
        }
    }
}

type Pen<T, const L: usize> = Writer<'static, T, Maintained<Cache<L>>>;
type Eye<T, const L: usize> = Reader<'static, T, Maintained<Cache<L>>>;

/// Two acts, of which core 0 has the first or the second.
macro_rules! both_ways {
    ($trial:expr, $of:ty, $config:expr, $write:ident, $read:ident) => {{
        let machine = Machine::new($trial, [A, B], sites);
        let [made, attached] = machine.channel::<Notepad<'static, $of>, A, B>(&$config);
        let versions = Rc::<Versions>::default();
        let acts = if $trial.seed.is_multiple_of(2) {
            let writer = made.maintained_writer(machine.hooks::<A>(0)).unwrap();
            let reader = attached.maintained_reader(machine.hooks::<B>(1));
            [
                $write(&machine, &versions, 0, writer),
                $read(&machine, &versions, 1, reader),
            ]
        } else {
            let reader = made.maintained_reader(machine.hooks::<A>(0));
            let writer = attached.maintained_writer(machine.hooks::<B>(1)).unwrap();
            [
                $read(&machine, &versions, 0, reader),
                $write(&machine, &versions, 1, writer),
            ]
        };
        machine.run(acts, $trial.rounds)
    }};
}

pub fn typed<const A: usize, const B: usize>(trial: &Trial) -> Outcome {
    both_ways!(trial, Value, Config::new().slots(SLOTS), write, read)
}

pub fn slices<const A: usize, const B: usize>(trial: &Trial) -> Outcome {
    let config = Config::bytes(100).slots(SLOTS);
    both_ways!(trial, [u8], config, write_bytes, read_bytes)
}

pub fn words<const A: usize, const B: usize>(trial: &Trial) -> Outcome {
    both_ways!(trial, u32, Config::new(), write_word, read_word)
}

fn write<const L: usize>(
    machine: &Rc<Machine>,
    versions: &Rc<Versions>,
    core: usize,
    mut pen: Pen<Value, L>,
) -> Act {
    let (machine, versions) = (machine.clone(), versions.clone());
    Box::new(move |dice| {
        let n = versions.begin();
        let call = dice.roll(6);
        if call < 2 {
            pen.write(&value(n));
            return versions.end();
        }
        let committed = call < 4;
        // What is dropped is another value than what is committed under its number later.
        let value = value(if committed { n } else { !n });
        let mut draft = pen.draft();
        for at in [16, 0, 8] {
            let words: Vec<u8> = value[at..at + 8]
                .iter()
                .flat_map(|word| word.to_le_bytes())
                .collect();
            draft.write_at(at * 4, &words).unwrap();
            machine.moment(core);
        }
        if committed {
            draft.commit();
            versions.end();
        }
    })
}

fn read<const L: usize>(
    machine: &Rc<Machine>,
    versions: &Rc<Versions>,
    core: usize,
    eye: Eye<Value, L>,
) -> Act {
    let (machine, versions) = (machine.clone(), versions.clone());
    Box::new(move |dice| {
        let before = versions.over.get();
        let read = match dice.roll(3) {
            0 => eye.try_read(),
            1 => eye.read_with(|glance| {
                let mut found = [0; 24];
                for at in [0, 12] {
                    let words: &mut [u8] = bytemuck::cast_slice_mut(&mut found[at..at + 12]);
                    glance.read_at(at * 4, words).unwrap();
                    machine.moment(core);
                }
                found
            }),
            _ => {
                let n = eye.version().map_or(0, |version| version.get().into());
                let timely = (before..=versions.begun.get()).contains(&n);
                return machine.check(timely, || format!("version {n} is not {before}"));
            }
        };
        versions.judge(&machine, before, read, |n, found| found == value(n));
    })
}

fn write_bytes<const L: usize>(
    machine: &Rc<Machine>,
    versions: &Rc<Versions>,
    core: usize,
    mut pen: Pen<[u8], L>,
) -> Act {
    let (machine, versions) = (machine.clone(), versions.clone());
    Box::new(move |dice| {
        let n = versions.begin();
        let call = dice.roll(6);
        if call < 2 {
            pen.write(&bytes(n)).unwrap();
            return versions.end();
        }
        let committed = call < 4;
        let bytes = bytes(if committed { n } else { !n });
        let mut draft = pen.draft();
        for (at, byte) in bytes.iter().enumerate() {
            draft.write_at(at, &[*byte]).unwrap();
            if at % 32 == 5 {
                machine.moment(core);
            }
        }
        if committed {
            draft.commit(bytes.len()).unwrap();
            versions.end();
        }
    })
}

fn read_bytes<const L: usize>(
    machine: &Rc<Machine>,
    versions: &Rc<Versions>,
    _: usize,
    eye: Eye<[u8], L>,
) -> Act {
    let (machine, versions) = (machine.clone(), versions.clone());
    Box::new(move |_| {
        let before = versions.over.get();
        let mut into = [0; 100];
        let read = eye.try_read_into(&mut into);
        versions.judge(&machine, before, read, |n, len| into[..len] == bytes(n));
    })
}

fn write_word<const L: usize>(
    _: &Rc<Machine>,
    versions: &Rc<Versions>,
    _: usize,
    mut pen: Pen<u32, L>,
) -> Act {
    let versions = versions.clone();
    Box::new(move |_| {
        pen.write(&(versions.begin() as u32));
        versions.end();
    })
}

fn read_word<const L: usize>(
    machine: &Rc<Machine>,
    versions: &Rc<Versions>,
    _: usize,
    eye: Eye<u32, L>,
) -> Act {
    let (machine, versions) = (machine.clone(), versions.clone());
    Box::new(move |dice| {
        let before = versions.over.get();
        if dice.roll(2) == 0 {
            let n = u64::from(eye.load());
            let timely = (before..=versions.begun.get()).contains(&n);
            return machine.check(timely, || format!("word {n} is not {before}"));
        }
        let (read, begun) = (eye.try_read(), versions.begun.get());
        // At least as new as the version beside it.
        let fits = |n, word| (n..=begun).contains(&u64::from(word));
        versions.judge(&machine, before, read, fits);
    })
}
