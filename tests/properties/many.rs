//! Rings of many against a queue: several ends on one thread, messages held by name, others that pass over them.

use std::collections::VecDeque;

use proptest::collection::vec;
use proptest::prelude::*;
use ringpad::Full;
use ringpad::mpmc::{Config, Delivery, Mpmc, Receiver, Recovery, Sender, Taken};

use crate::regions::{EACH_TRUST, Room, TAIL, Trust};

const ENDS: usize = 3;

#[derive(Clone, Copy, Debug)]
enum Call {
    Send(usize),
    SendSlice(usize, usize),
    Recv(usize),
    RecvSlice(usize, usize),
    /// Takes one into a hand of its own, if that is empty.
    Take(usize),
    Acknowledge(usize),
    Drop(usize),
    /// Another end instead of this one.
    Renew(usize),
    /// An end of its own, which begins at the hints.
    Late,
}

fn calls() -> impl Strategy<Value = Call> {
    let end = 0..ENDS;
    prop_oneof![
        5 => end.clone().prop_map(Call::Send),
        4 => (end.clone(), 0..12usize).prop_map(|(end, count)| Call::SendSlice(end, count)),
        4 => end.clone().prop_map(Call::Recv),
        4 => (end.clone(), 0..12usize).prop_map(|(end, count)| Call::RecvSlice(end, count)),
        3 => end.clone().prop_map(Call::Take),
        2 => end.clone().prop_map(Call::Acknowledge),
        1 => end.clone().prop_map(Call::Drop),
        1 => end.prop_map(Call::Renew),
        1 => Just(Call::Late),
    ]
}

/// What a ring holds.
#[derive(Debug, Default)]
struct Model {
    capacity: usize,
    next: u64,
    waiting: VecDeque<u64>,
    /// Dropped without being acknowledged: they come first, in any order.
    orphans: Vec<u64>,
    held: usize,
}

impl Model {
    /// Slots that are neither waiting nor held: no send goes beyond.
    fn room(&self) -> usize {
        self.capacity - self.waiting.len() - self.orphans.len() - self.held
    }

    fn sent(&mut self, count: usize) {
        self.waiting.extend(self.next..self.next + count as u64);
        self.next += count as u64;
    }

    /// Takes what came from what may come; `why` not, otherwise.
    fn came(&mut self, got: u64) -> Result<(), String> {
        match self.orphans.iter().position(|orphan| *orphan == got) {
            Some(at) => drop(self.orphans.swap_remove(at)),
            None if !self.orphans.is_empty() => {
                return Err(format!("{got} before {:?}", self.orphans));
            }
            None if self.waiting.front() == Some(&got) => drop(self.waiting.pop_front()),
            None => return Err(format!("{got} is not next")),
        }
        Ok(())
    }

    fn empty(&self) -> bool {
        self.waiting.is_empty() && self.orphans.is_empty()
    }
}

/// A message held by name.
type Hand<'r> = Option<Taken<'r, 'r, u64>>;

fn agree(trust: Trust, config: &Config, start: u64, calls: &[Call]) -> Result<(), String> {
    let room = Room::of::<Mpmc<'_, u64>>(config);
    let ring: Mpmc<'_, u64> = crate::regions::many::ring(&room, trust, config, start);
    let sender = || ring.bare_sender().unwrap().with_patience(1);
    let receiver = || ring.bare_receiver().unwrap().with_patience(1);
    let mut tx: [Sender<'_, u64>; ENDS] = std::array::from_fn(|_| sender());
    let mut rx: [Receiver<'_, u64>; ENDS] = std::array::from_fn(|_| receiver());
    let again = config.delivery == Delivery::AtLeastOnce;
    let mut model = Model {
        capacity: config.capacity as usize,
        ..Model::default()
    };
    let mut hands: [Hand<'_>; ENDS] = std::array::from_fn(|_| None);
    let fail = |call: &Call, why: String| Err(format!("{call:?}: {why}"));
    for call in calls {
        match *call {
            Call::Send(end) => {
                let value = model.next;
                match tx[end].try_send(value) {
                    Ok(()) if model.room() == 0 => return fail(call, "sent without room".into()),
                    Ok(()) => model.sent(1),
                    Err(Full(back)) => {
                        // Held slots are in the way of proof only, and those not freed for this lap yet.
                        if back != value || (model.room() == model.capacity) {
                            return fail(call, format!("full with room {}", model.room()));
                        }
                    }
                }
            }
            Call::SendSlice(end, count) => {
                let values: Vec<u64> = (model.next..).take(count).collect();
                let sent = tx[end].try_send_slice(&values);
                if sent > count.min(model.room()) {
                    return fail(call, format!("{sent} sent, room {}", model.room()));
                }
                if count > 0 && sent == 0 && model.room() == model.capacity {
                    return fail(call, "an empty ring is full".into());
                }
                model.sent(sent);
            }
            Call::Recv(end) => match rx[end].try_recv() {
                Some(got) => model.came(got).or_else(|why| fail(call, why))?,
                None if !model.empty() => return fail(call, format!("nothing, but {model:?}")),
                None => {}
            },
            Call::RecvSlice(end, count) => {
                let mut into = vec![u64::MAX; count];
                let got = rx[end].try_recv_slice(&mut into);
                for got in &into[..got] {
                    model.came(*got).or_else(|why| fail(call, why))?;
                }
                if got < count && !model.empty() {
                    return fail(call, format!("{got} only, but {model:?}"));
                }
                if into[got..].iter().any(|rest| *rest != u64::MAX) {
                    return fail(call, "more was touched".into());
                }
            }
            Call::Take(end) if hands[end].is_none() => {
                // Leaked: the message in the hand borrows it.
                let keeper: &mut Receiver<'_, u64> = Box::leak(Box::new(receiver()));
                match keeper.try_take() {
                    Some(taken) => {
                        let orphans = model.orphans.contains(taken.value());
                        if taken.is_again() != orphans {
                            return fail(call, "again".into());
                        }
                        if taken.sequence().wrapping_sub(start) < *taken.value() {
                            return fail(call, format!("number {}", taken.sequence()));
                        }
                        model.came(*taken.value()).or_else(|why| fail(call, why))?;
                        model.held += 1;
                        hands[end] = Some(taken);
                    }
                    None if !model.empty() => return fail(call, format!("nothing, but {model:?}")),
                    None => {}
                }
            }
            Call::Take(_) => {}
            Call::Acknowledge(end) => {
                if let Some(taken) = hands[end].take() {
                    taken.acknowledge();
                    model.held -= 1;
                }
            }
            Call::Drop(end) => {
                if let Some(taken) = hands[end].take() {
                    if again {
                        model.orphans.push(*taken.value());
                    }
                    model.held -= 1;
                }
            }
            Call::Renew(end) => {
                tx[end] = tx[(end + 1) % ENDS].clone();
                rx[end] = rx[(end + 1) % ENDS].clone();
            }
            Call::Late => {
                tx[0] = sender();
                rx[0] = receiver();
            }
        }
    }
    hands
        .iter_mut()
        .for_each(|hand| _ = hand.take().map(Taken::acknowledge));
    while let Some(got) = rx[1].try_recv() {
        model.came(got)?;
    }
    match model.empty() {
        true => Ok(()),
        false => Err(format!("left behind: {model:?}")),
    }
}

/// Where a ring may begin, in laps: anywhere, and often shortly before a number turns over.
fn laps() -> impl Strategy<Value = u64> {
    prop_oneof![
        Just(0),
        any::<u64>().prop_map(|n| n >> 4),
        (1..6u64).prop_map(|n| (1 << 32) - n),
        (1..6u64).prop_map(|n| (1 << 61) - n),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn rings_of_many_are_queues(
        power in 0..5u32,
        laps in laps(),
        calls in vec(calls(), 1..160),
    ) {
        let start = laps.min((1 << 61) - 1) >> power << power;
        for trust in EACH_TRUST {
            for delivery in [Delivery::AtLeastOnce, Delivery::AtMostOnce] {
                for recovery in [Recovery::Revoke, Recovery::ProofOnly] {
                    let config = Config::new(1 << power).delivery(delivery).recovery(recovery);
                    let found = agree(trust, &config, start, &calls);
                    prop_assert!(found.is_ok(), "{config:?}: {found:?}");
                }
            }
        }
    }
}

/// The model must be able to disagree.
#[test]
fn negative_control_what_was_not_sent_or_comes_twice_is_noticed() {
    let mut model = Model {
        capacity: 4,
        ..Model::default()
    };
    model.sent(3);
    assert_eq!(model.came(0), Ok(()));
    assert!(model.came(0).is_err() && model.came(2).is_err());
    let mut model = Model {
        capacity: 4,
        ..Model::default()
    };
    model.sent(2);
    model.orphans.push(9);
    assert!(model.came(0).is_err(), "orphans come first");
    // A ring whose messages are spoiled on the way.
    let config = Config::new(4);
    let room = Room::of::<Mpmc<'_, u64>>(&config);
    let ring: Mpmc<'_, u64> = crate::regions::many::ring(&room, Trust::Cooperative, &config, 0);
    let mut model = Model {
        capacity: 4,
        ..Model::default()
    };
    ring.bare_sender().unwrap().try_send(0).unwrap();
    model.sent(1);
    room.set(TAIL + 384 + 8, 7);
    let got = ring.bare_receiver().unwrap().try_recv().unwrap();
    assert!(model.came(got).is_err());
}
