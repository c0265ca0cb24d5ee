//! Rings against a `VecDeque`: what a finished call put in is there for the next call on the other core, and nothing else is.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use ringpad::Maintained;
use ringpad::bytes::{self, Bytes, Refused};
use ringpad::spsc::{self, Config, Spsc};

use crate::machine::{Act, Cache, Hook, Machine, Outcome, Trial};

/// The sites of a ring.
pub fn sites(hook: &Hook<'_>) -> &'static str {
    match (hook.clean, hook.offset) {
        (true, 128..256) => "clean tail",
        (true, 256..384) => "clean head",
        (true, 512..) => "clean payload",
        (false, 128..256) => "invalidate tail",
        (false, 256..384) => "invalidate head",
        (false, 512..) => "invalidate payload",
        _ => "a line that no end touches",
    }
}

pub const SITES: [&str; 6] = [
    "clean head",
    "clean payload",
    "clean tail",
    "invalidate head",
    "invalidate payload",
    "invalidate tail",
];

/// What both sides agree on.
struct Model<T> {
    queue: VecDeque<T>,
    /// Put in by calls that began, and by calls that are over and published.
    begun: u64,
    published: u64,
    taken: u64,
    acknowledged: u64,
}

impl<T: PartialEq> Model<T> {
    /// Before a call puts these in: they may be taken while it lasts.
    fn begin(&mut self, items: impl IntoIterator<Item = T>) {
        let before = self.queue.len();
        self.queue.extend(items);
        self.begun += (self.queue.len() - before) as u64;
    }

    /// A call put in all that it began but the last few, and published or did not.
    fn end(&mut self, refused: usize, published: bool) {
        self.queue
            .truncate(self.queue.len().saturating_sub(refused));
        self.begun -= refused as u64;
        if published {
            self.published = self.begun;
        }
    }

    /// A call took this out.
    fn take(&mut self, machine: &Machine, item: &T) {
        let right = self.queue.pop_front().as_ref() == Some(item);
        machine.check(right, || format!("item {} is another", self.taken));
        self.taken += 1;
    }
}

type Shared<T> = Rc<RefCell<Model<T>>>;

fn shared<T>() -> Shared<T> {
    Rc::new(RefCell::new(Model {
        queue: VecDeque::new(),
        begun: 0,
        published: 0,
        taken: 0,
        acknowledged: 0,
    }))
}

const SLOTS: u64 = 8;
/// Larger than a line of 4, smaller than one of 32: slots share lines, and lie on two.
type Item = [u32; 5];
type Tx<const L: usize> = spsc::Producer<'static, Item, Maintained<Cache<L>>>;
type Rx<const L: usize> = spsc::Consumer<'static, Item, Maintained<Cache<L>>>;

pub fn typed<const A: usize, const B: usize>(trial: &Trial) -> Outcome {
    let machine = Machine::new(trial, [A, B], sites);
    let config = Config::new(SLOTS as u32);
    let [made, attached] = machine.channel::<Spsc<'static, Item>, A, B>(&config);
    let model = shared();
    // Whoever made it produces, or consumes.
    let acts = if trial.seed.is_multiple_of(2) {
        let tx = made.maintained_producer(machine.hooks::<A>(0)).unwrap();
        let rx = attached.maintained_consumer(machine.hooks::<B>(1)).unwrap();
        [put(&machine, &model, tx), take(&machine, &model, rx)]
    } else {
        let rx = made.maintained_consumer(machine.hooks::<A>(0)).unwrap();
        let tx = attached.maintained_producer(machine.hooks::<B>(1)).unwrap();
        [take(&machine, &model, rx), put(&machine, &model, tx)]
    };
    machine.run(acts, trial.rounds)
}

fn put<const L: usize>(machine: &Rc<Machine>, model: &Shared<Item>, mut tx: Tx<L>) -> Act {
    let (machine, model) = (machine.clone(), model.clone());
    Box::new(move |dice| {
        let call = dice.roll(5);
        if call == 4 {
            tx.publish();
            return model.borrow_mut().end(0, true);
        }
        let many = if call == 3 { 1 + dice.roll(4) } else { 1 };
        let items: Vec<Item> = (0..many)
            .map(|_| [0; 5].map(|_: u32| dice.word()))
            .collect();
        let room = {
            let mut model = model.borrow_mut();
            let room = SLOTS.saturating_sub(model.begun - model.acknowledged);
            model.begin(items.iter().copied());
            room as usize
        };
        let done = match call {
            0 => usize::from(tx.push(items[0]).is_ok()),
            1 | 2 => usize::from(tx.stage(items[0]).is_ok()),
            _ => tx.push_slice(&items),
        };
        let enough = done >= many.min(room);
        machine.check(enough, || {
            format!("{done} of {many} put into room for {room}")
        });
        model
            .borrow_mut()
            .end(many - done, done == 0 || matches!(call, 0 | 3));
        machine.check(tx.check().is_ok(), || format!("{:?}", tx.check()));
    })
}

fn take<const L: usize>(machine: &Rc<Machine>, model: &Shared<Item>, mut rx: Rx<L>) -> Act {
    let (machine, model) = (machine.clone(), model.clone());
    Box::new(move |dice| {
        let call = dice.roll(5);
        let there = {
            let model = model.borrow();
            model.published.saturating_sub(model.taken) as usize
        };
        let mut items = [[0; 5]; 3];
        let (done, want) = match call {
            0 | 1 => {
                let item = if call == 0 { rx.pop() } else { rx.take() };
                items[0] = item.unwrap_or_default();
                (usize::from(item.is_some()), 1)
            }
            2 => {
                let item = rx.peek();
                if let (Some(item), Some(first)) = (item, model.borrow().queue.front()) {
                    machine.check(item == *first, || "the next item is another".into());
                }
                machine.check(item.is_some() || there == 0, || {
                    format!("{there} overlooked")
                });
                return;
            }
            3 => (rx.pop_slice(&mut items), items.len()),
            _ => {
                rx.acknowledge();
                (0, 0)
            }
        };
        machine.check(done >= want.min(there), || {
            format!("{done} of {there} taken")
        });
        let mut model = model.borrow_mut();
        items[..done]
            .iter()
            .for_each(|item| model.take(&machine, item));
        if call != 1 {
            model.acknowledged = model.taken;
        }
        machine.check(rx.check().is_ok(), || format!("{:?}", rx.check()));
    })
}

type ByteTx<const L: usize> = bytes::Producer<'static, Maintained<Cache<L>>>;
type ByteRx<const L: usize> = bytes::Consumer<'static, Maintained<Cache<L>>>;

const CAPACITY: u32 = 128;

pub fn records<const A: usize, const B: usize>(trial: &Trial) -> Outcome {
    let machine = Machine::new(trial, [A, B], sites);
    let config = bytes::Config::records(CAPACITY);
    let [made, attached] = machine.channel::<Bytes<'static>, A, B>(&config);
    let model = shared();
    let acts = if trial.seed.is_multiple_of(2) {
        let tx = made.maintained_producer(machine.hooks::<A>(0)).unwrap();
        let rx = attached.maintained_consumer(machine.hooks::<B>(1)).unwrap();
        [
            send(&machine, &model, 0, tx),
            receive(&machine, &model, 1, rx),
        ]
    } else {
        let rx = made.maintained_consumer(machine.hooks::<A>(0)).unwrap();
        let tx = attached.maintained_producer(machine.hooks::<B>(1)).unwrap();
        [
            receive(&machine, &model, 0, rx),
            send(&machine, &model, 1, tx),
        ]
    };
    machine.run(acts, trial.rounds)
}

fn send<const L: usize>(
    machine: &Rc<Machine>,
    model: &Shared<Vec<u8>>,
    core: usize,
    mut tx: ByteTx<L>,
) -> Act {
    let (machine, model) = (machine.clone(), model.clone());
    Box::new(move |dice| {
        let call = dice.roll(5);
        let record: Vec<u8> = (0..dice.roll(57)).map(|_| dice.roll(256) as u8).collect();
        let empty = {
            let mut model = model.borrow_mut();
            let empty = model.acknowledged == model.begun;
            model.begin([record.clone()]);
            empty
        };
        let done = match call {
            0 | 1 => tx.send(&record),
            2 => tx.stage(&record),
            _ => tx.grant(record.len()).and_then(|mut grant| {
                let (first, rest) = record.split_at(record.len() / 2);
                grant[..first.len()].copy_from_slice(first);
                machine.moment(core);
                grant[first.len()..].copy_from_slice(rest);
                if call == 3 {
                    grant.commit(record.len())
                } else {
                    grant.leave_staged(record.len())
                }
            }),
        };
        let refused = usize::from(done.is_err());
        model
            .borrow_mut()
            .end(refused, refused == 1 || matches!(call, 0 | 1 | 3));
        // A record of at most half the ring fits an empty one always.
        let full = done == Err(Refused::Full) && !empty;
        machine.check(done.is_ok() || full, || format!("{done:?}, empty: {empty}"));
    })
}

fn receive<const L: usize>(
    machine: &Rc<Machine>,
    model: &Shared<Vec<u8>>,
    core: usize,
    mut rx: ByteRx<L>,
) -> Act {
    let (machine, model) = (machine.clone(), model.clone());
    Box::new(move |dice| {
        let there = {
            let model = model.borrow();
            model.published.saturating_sub(model.taken)
        };
        let mut into = [0; 64];
        let done = if dice.roll(2) == 0 {
            rx.recv(&mut into).map(|record| record.map(<[u8]>::to_vec))
        } else {
            rx.read().map(|grant| {
                let grant = grant?;
                let half = grant.len() / 2;
                let mut record = grant[..half].to_vec();
                machine.moment(core);
                record.extend(&grant[half..]);
                grant.release();
                Some(record)
            })
        };
        let mut model = model.borrow_mut();
        match done {
            Ok(Some(record)) => {
                model.take(&machine, &record);
                model.acknowledged = model.taken;
            }
            Ok(None) => machine.check(there == 0, || format!("{there} overlooked")),
            Err(why) => machine.fail(|| format!("{why:?}: {:?}", rx.check())),
        }
    })
}

pub fn stream<const A: usize, const B: usize>(trial: &Trial) -> Outcome {
    let machine = Machine::new(trial, [A, B], sites);
    let config = bytes::Config::stream(CAPACITY);
    let [made, attached] = machine.channel::<Bytes<'static>, A, B>(&config);
    let tx = made.maintained_producer(machine.hooks::<A>(0)).unwrap();
    let rx = attached.maintained_consumer(machine.hooks::<B>(1)).unwrap();
    let model = shared();
    machine.run(
        [pour(&machine, &model, tx), drink(&machine, &model, rx)],
        trial.rounds,
    )
}

fn pour<const L: usize>(machine: &Rc<Machine>, model: &Shared<u8>, mut tx: ByteTx<L>) -> Act {
    let (machine, model) = (machine.clone(), model.clone());
    Box::new(move |dice| {
        let bytes: Vec<u8> = (0..dice.roll(50)).map(|_| dice.roll(256) as u8).collect();
        let room = {
            let mut model = model.borrow_mut();
            let room = u64::from(CAPACITY).saturating_sub(model.begun - model.acknowledged);
            model.begin(bytes.iter().copied());
            room as usize
        };
        let done = tx.send(&bytes);
        let refused = if done.is_ok() { 0 } else { bytes.len() };
        model.borrow_mut().end(refused, true);
        let full = done == Err(Refused::Full) && bytes.len() > room;
        machine.check(done.is_ok() || full, || {
            format!("{done:?} of {} in {room}", bytes.len())
        });
    })
}

fn drink<const L: usize>(machine: &Rc<Machine>, model: &Shared<u8>, mut rx: ByteRx<L>) -> Act {
    let (machine, model) = (machine.clone(), model.clone());
    Box::new(move |dice| {
        let there = {
            let model = model.borrow();
            model.published.saturating_sub(model.taken) as usize
        };
        let mut into = [0; 60];
        let want = 1 + dice.roll(into.len());
        let done = rx.recv(&mut into[..want]);
        let mut model = model.borrow_mut();
        match done {
            Ok(found) => {
                let found = found.unwrap_or_default();
                let enough = found.len() >= want.min(there);
                machine.check(enough, || format!("{} of {there}", found.len()));
                found.iter().for_each(|byte| model.take(&machine, byte));
                model.acknowledged = model.taken;
            }
            Err(why) => machine.fail(|| format!("{why:?}: {:?}", rx.check())),
        }
    })
}
