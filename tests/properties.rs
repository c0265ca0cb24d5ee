//! Random calls on rings against a `VecDeque`, from random positions, under both trusts. The byte rings' are in
//! `properties/bytes.rs`, those of many in `properties/many.rs`, those of notepads and mailslots in `properties/stamps.rs`, those of locks
//! in `properties/locks.rs`, those of frame pools in `properties/frames.rs`, calls in `properties/calls.rs`.

#[path = "properties/bytes.rs"]
mod byte_rings;
#[path = "properties/calls.rs"]
mod calls;
#[path = "properties/frames.rs"]
mod frames;
#[path = "properties/locks.rs"]
mod locks;
#[path = "properties/many.rs"]
mod many;
mod regions;
#[path = "properties/stamps.rs"]
mod stamps;

use std::collections::VecDeque;
use std::fmt::Debug;
use std::mem::forget;

use proptest::collection::vec;
use proptest::prelude::*;
use regions::{GONE, HEAD, Room, TAIL, Trust};
use ringpad::spsc::{Config, Consumer, Producer, Spsc};
use ringpad::{Full, Pod};

/// Any position, and often one shortly before the last.
fn positions() -> impl Strategy<Value = u32> {
    prop_oneof![any::<u32>(), (0..40u32).prop_map(|n| u32::MAX - n)]
}

#[derive(Clone, Copy, Debug)]
enum Call {
    Push,
    Stage,
    Publish,
    PushSlice(usize),
    Pop,
    Take,
    Acknowledge,
    Peek,
    PopSlice(usize),
    Slots,
    /// Drops (or forgets) the producer and claims it anew.
    NextProducer(bool),
    NextConsumer(bool),
}

fn calls() -> impl Strategy<Value = Call> {
    prop_oneof![
        4 => Just(Call::Push),
        3 => Just(Call::Stage),
        1 => Just(Call::Publish),
        2 => (0..20usize).prop_map(Call::PushSlice),
        4 => Just(Call::Pop),
        3 => Just(Call::Take),
        1 => Just(Call::Acknowledge),
        1 => Just(Call::Peek),
        2 => (0..20usize).prop_map(Call::PopSlice),
        1 => Just(Call::Slots),
        1 => any::<bool>().prop_map(Call::NextProducer),
        1 => any::<bool>().prop_map(Call::NextConsumer),
    ]
}

/// An element that tells its number.
trait Item: Pod + PartialEq + Debug {
    fn of(number: u64) -> Self;
}

impl Item for u8 {
    fn of(number: u64) -> Self {
        number as u8
    }
}

impl Item for u32 {
    fn of(number: u64) -> Self {
        (number as u32).wrapping_mul(0x9e37_79b9)
    }
}

impl Item for [u8; 3] {
    fn of(number: u64) -> Self {
        [number as u8, !number as u8, (number >> 8) as u8]
    }
}

impl Item for [u64; 3] {
    fn of(number: u64) -> Self {
        [number, !number, number.rotate_left(32)]
    }
}

/// What a ring holds, by number.
#[derive(Default)]
struct Model {
    capacity: usize,
    next: u64,
    /// Published and not acknowledged; the first `taken` are taken.
    published: VecDeque<u64>,
    taken: usize,
    staged: VecDeque<u64>,
    sent: u32,
    acknowledged: u32,
}

impl Model {
    fn room(&self) -> usize {
        self.capacity - self.published.len() - self.staged.len()
    }

    fn stage(&mut self) -> bool {
        let fits = self.room() > 0;
        if fits {
            self.staged.push_back(self.next);
            self.next += 1;
        } else {
            self.publish();
        }
        fits
    }

    fn publish(&mut self) {
        self.sent = self.sent.wrapping_add(self.staged.len() as u32);
        self.published.append(&mut self.staged);
    }

    fn peek(&self) -> Option<u64> {
        self.published.get(self.taken).copied()
    }

    fn take(&mut self) -> Option<u64> {
        let item = self.peek()?;
        self.taken += 1;
        Some(item)
    }

    fn acknowledge(&mut self) {
        self.acknowledged = self.acknowledged.wrapping_add(self.taken as u32);
        self.published.drain(..self.taken);
        self.taken = 0;
    }
}

fn agree<T: Item>(trust: Trust, config: Config, start: u32, calls: &[Call]) {
    let capacity = config.capacity;
    let room = Room::of::<Spsc<'_, T>>(&config);
    let ring: Spsc<'_, T> = room.channel(trust, &config, start);
    let (mut tx, mut rx): (Producer<'_, T>, Consumer<'_, T>) = (
        ring.bare_producer(&GONE).unwrap(),
        ring.bare_consumer(&GONE).unwrap(),
    );
    let mut model = Model {
        capacity: capacity as usize,
        ..Model::default()
    };
    for &call in calls {
        match call {
            Call::Push | Call::Stage => {
                let item = T::of(model.next);
                let done = match call {
                    Call::Push => tx.push(item),
                    _ => tx.stage(item),
                };
                let fits = model.stage();
                assert_eq!(done, if fits { Ok(()) } else { Err(Full(item)) });
                if matches!(call, Call::Push) {
                    model.publish();
                }
            }
            Call::Publish => {
                tx.publish();
                model.publish();
            }
            Call::PushSlice(count) => {
                let items: Vec<T> = (0..count as u64).map(|n| T::of(model.next + n)).collect();
                let fit = count.min(model.room());
                assert_eq!(tx.push_slice(&items), fit);
                assert!((0..fit).all(|_| model.stage()));
                model.publish();
            }
            Call::Pop => {
                assert_eq!(rx.pop(), model.take().map(T::of));
                model.acknowledge();
            }
            Call::Take => assert_eq!(rx.take(), model.take().map(T::of)),
            Call::Peek => assert_eq!(rx.peek(), model.peek().map(T::of)),
            Call::Acknowledge => {
                rx.acknowledge();
                model.acknowledge();
            }
            Call::PopSlice(count) => {
                let mut into = vec![T::of(u64::MAX); count];
                let got = rx.pop_slice(&mut into);
                let want: Vec<T> = (0..count).map_while(|_| model.take()).map(T::of).collect();
                assert_eq!(into[..got], want);
                assert!(
                    into[got..].iter().all(|item| *item == T::of(u64::MAX)),
                    "nothing else is touched"
                );
                model.acknowledge();
            }
            Call::Slots => {
                assert_eq!(tx.slots() as usize, model.room());
                assert_eq!(rx.slots() as usize, model.published.len() - model.taken);
            }
            Call::NextProducer(crash) => {
                if crash {
                    forget(tx)
                } else {
                    drop(tx)
                }
                tx = ring.bare_producer(&GONE).unwrap();
                model.staged.clear();
                model.next = model.published.back().map_or(model.next, |last| last + 1);
            }
            Call::NextConsumer(crash) => {
                if crash {
                    forget(rx)
                } else {
                    drop(rx)
                }
                rx = ring.bare_consumer(&GONE).unwrap();
                model.taken = 0;
            }
        }
        let (tail, head) = (
            start.wrapping_add(model.sent),
            start.wrapping_add(model.acknowledged),
        );
        assert_eq!(
            (room.get(TAIL), room.get(HEAD)),
            (tail, head),
            "after {call:?}"
        );
        assert_eq!(tx.position(), tail.wrapping_add(model.staged.len() as u32));
        assert_eq!(rx.position(), head.wrapping_add(model.taken as u32));
        assert_eq!((tx.check(), rx.check()), (Ok(()), Ok(())));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn typed_rings_are_queues(
        power in 0..5u32,
        start in positions(),
        calls in vec(calls(), 1..120),
    ) {
        for (trust, spacing) in stamps::each() {
            let mut config = Config::new(1 << power);
            config.spacing = spacing;
            agree::<u8>(trust, config, start, &calls);
            agree::<u32>(trust, config, start, &calls);
            agree::<[u8; 3]>(trust, config, start, &calls);
            agree::<[u64; 3]>(trust, config, start, &calls);
        }
    }
}

/// The model must be able to disagree: a ring that loses one item is found out.
#[test]
fn negative_control_a_lost_item_is_noticed() {
    let mut model = Model {
        capacity: 4,
        ..Model::default()
    };
    let room = Room::of::<Spsc<'_, u32>>(&Config::new(4));
    let ring: Spsc<'_, u32> = room.channel(Trust::Cooperative, &Config::new(4), 0);
    let (mut tx, mut rx) = ring.split().unwrap();
    for _ in 0..3 {
        tx.push(u32::of(model.next)).unwrap();
        assert!(model.stage());
        model.publish();
    }
    rx.pop();
    assert_ne!(rx.pop(), model.take().map(u32::of));
}
