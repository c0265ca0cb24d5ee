//! Mailslots against the number of the next message: each is heard once, in turn and whole, or counted as lost when it was overwritten.

use std::cell::Cell;
use std::rc::Rc;

use ringpad::Maintained;
use ringpad::mailslot::{Config, Mailslot, Next, Publisher, Start, Subscriber};

use crate::machine::{Act, Cache, Hook, Machine, Outcome, Trial};

type Value = [u32; 9];
/// Stamp, length, value, padded to 8: slots share lines.
const STRIDE: usize = 48;
const SLOTS: u64 = 4;
/// The number before the first: an epoch begins soon.
const BASE: u64 = (1 << 29) - 20;

/// The sites of a mailslot whose lines are words.
pub fn sites(hook: &Hook<'_>) -> &'static str {
    let is_stamp = hook.offset >= 384 && (hook.offset - 384).is_multiple_of(STRIDE);
    match (hook.clean, hook.offset) {
        (true, 128..256) => "clean latest",
        (false, 128..256) => "invalidate latest",
        (true, 256..384) => "clean epoch",
        (false, 256..384) => "invalidate epoch",
        (true, 384..) if is_stamp && hook.word & 1 == 1 => "clean open stamp",
        (true, 384..) if is_stamp => "clean closed stamp",
        (true, 384..) => "clean words",
        (false, 384..) if is_stamp && hook.before == "invalidate words" => "invalidate stamp again",
        (false, 384..) if is_stamp => "invalidate stamp",
        (false, 384..) => "invalidate words",
        _ => "a line that no end touches",
    }
}

pub const SITES: [&str; 10] = [
    "clean closed stamp",
    "clean epoch",
    "clean latest",
    "clean open stamp",
    "clean words",
    "invalidate epoch",
    "invalidate latest",
    "invalidate stamp",
    "invalidate stamp again",
    "invalidate words",
];

fn value(n: u64) -> Value {
    std::array::from_fn(|at| (n as u32).wrapping_mul(0x9e37_79b9) ^ at as u32)
}

/// Messages whose publication began, and is over.
struct Messages {
    begun: Cell<u64>,
    over: Cell<u64>,
}

impl Messages {
    fn begin(&self, count: u64) -> u64 {
        self.begun.set(self.over.get() + count);
        self.over.get() + 1
    }

    fn end(&self) {
        self.over.set(self.begun.get());
    }
}

type Mouth<const L: usize> = Publisher<'static, Value, Maintained<Cache<L>>>;
type Ear<const L: usize> = Subscriber<'static, Value, Maintained<Cache<L>>>;

pub fn typed<const A: usize, const B: usize>(trial: &Trial) -> Outcome {
    let machine = Machine::new(trial, [A, B], sites);
    let (made, attached) = with_past::<A, B>(&machine, BASE);
    let messages = Rc::new(Messages {
        begun: Cell::new(BASE),
        over: Cell::new(BASE),
    });
    let start = Start::At(BASE + 1);
    let acts = if trial.seed.is_multiple_of(2) {
        let mouth = made.maintained_publisher(machine.hooks::<A>(0)).unwrap();
        let ear = attached.maintained_subscriber(start, machine.hooks::<B>(1));
        [
            shout(&machine, &messages, 0, mouth),
            hear(&machine, &messages, 1, ear),
        ]
    } else {
        let ear = made.maintained_subscriber(start, machine.hooks::<A>(0));
        let mouth = attached
            .maintained_publisher(machine.hooks::<B>(1))
            .unwrap();
        [
            hear(&machine, &messages, 0, ear),
            shout(&machine, &messages, 1, mouth),
        ]
    };
    machine.run(acts, trial.rounds)
}

type Slot = Mailslot<'static, Value>;

/// A mailslot that counted up to `newest` already.
fn with_past<const A: usize, const B: usize>(machine: &Rc<Machine>, newest: u64) -> (Slot, Slot) {
    let config = Config::new(SLOTS as u32);
    let made: Slot = machine
        .hooks::<A>(0)
        .init(machine.region(0), &config)
        .unwrap();
    machine.set(0, 128, newest as u32);
    machine.set(0, 264, (newest >> 29) as u32);
    machine.write_all_back(0);
    (
        made,
        machine.hooks::<B>(1).attach(machine.region(1)).unwrap(),
    )
}

fn shout<const L: usize>(
    machine: &Rc<Machine>,
    messages: &Rc<Messages>,
    core: usize,
    mut mouth: Mouth<L>,
) -> Act {
    let (machine, messages) = (machine.clone(), messages.clone());
    Box::new(move |dice| {
        let call = dice.roll(5);
        let count = if call == 4 {
            1 + dice.roll(3) as u64
        } else {
            1
        };
        let n = messages.begin(count);
        match call {
            0 | 1 => {
                mouth.publish(&value(n));
            }
            4 => {
                let values: Vec<Value> = (n..n + count).map(value).collect();
                mouth.publish_slice(&values);
            }
            _ => {
                let value = value(if call == 2 { n } else { !n });
                let mut draft = mouth.draft();
                for at in [6, 0, 3] {
                    let words: Vec<u8> = value[at..at + 3]
                        .iter()
                        .flat_map(|word| word.to_le_bytes())
                        .collect();
                    draft.write_at(at * 4, &words).unwrap();
                    machine.moment(core);
                }
                if call == 3 {
                    return;
                }
                draft.commit();
            }
        }
        messages.end();
    })
}

fn hear<const L: usize>(
    machine: &Rc<Machine>,
    messages: &Rc<Messages>,
    core: usize,
    mut ear: Ear<L>,
) -> Act {
    let (machine, messages) = (machine.clone(), messages.clone());
    Box::new(move |dice| {
        let (before, next) = (messages.over.get(), ear.next_sequence());
        let heard = match dice.roll(3) {
            0 => ear.poll(),
            1 => ear.poll_with(|glance| {
                let mut found = [0; 9];
                for at in [0, 4] {
                    let words: &mut [u8] = bytemuck::cast_slice_mut(&mut found[at..at + 5]);
                    glance.read_at(at * 4, words).unwrap();
                    machine.moment(core);
                }
                found
            }),
            _ => {
                let (behind, begun) = (ear.behind(), messages.begun.get());
                let [least, most] = [before, begun].map(|last| (last + 1).saturating_sub(next));
                let right = (least..=most).contains(&behind);
                return machine.check(right, || format!("{behind} behind, not {least} to {most}"));
            }
        };
        let begun = messages.begun.get();
        match heard {
            Next::Mail {
                sequence,
                value: found,
            } => {
                let right = sequence == next && next <= begun && found == value(next);
                machine.check(right, || {
                    format!("message {sequence}, not {next}, {found:x?}")
                });
            }
            Next::Lapped { lost } => {
                let lapped = begun >= next + SLOTS && next + lost <= begun + 1;
                machine.check(lapped, || format!("lost {lost} from {next}, begun {begun}"));
            }
            Next::Empty => {
                machine.check(before < next, || format!("{next} of {before} overlooked"))
            }
        }
    })
}

/// A subscriber that was stopped while numbers went once around: the epoch alone tells it so.
pub fn around<const A: usize, const B: usize>(trial: &Trial) -> Outcome {
    let machine = Machine::new(trial, [A, B], sites);
    let (made, attached) = with_past::<A, B>(&machine, 0);
    let mut ear = attached.maintained_subscriber(Start::Oldest, machine.hooks::<B>(1));
    // Meanwhile, on core 0 and not in the memory yet: an epoch's last message.
    machine.set(0, 128, (1 << 31) - 1);
    machine.set(0, 264, 3);
    machine.set(0, 384, ((1 << 31) - 4u32) << 1);
    let mut mouth = made.maintained_publisher(machine.hooks::<A>(0)).unwrap();
    machine.start();
    machine.check(ear.poll() == Next::Empty, || "something of nothing".into());
    mouth.publish(&value(1 << 31));
    mouth.publish(&value((1 << 31) + 1));
    // The stamp says what that of message 1 would.
    let heard = ear.poll();
    machine.check(matches!(heard, Next::Lapped { .. }), || {
        format!("{heard:x?}")
    });
    drop((ear, mouth));
    machine.verdict()
}
