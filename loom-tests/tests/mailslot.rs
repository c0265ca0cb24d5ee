//! The lossy mailslot: each subscriber hears every message once, whole and in order, or how many it lost, exactly; also while the
//! publisher dies at any of its writes and is taken over.
//!
//! A message is found by its stamp: CLOSE/ARRIVE bring its words, OPEN/VALIDATE keep away those of a later one. PUBLISH/OBSERVE
//! matter to who begins, or goes on, where the newest number says. Without them what that names may not be there yet.

mod common;

use common::world::{Pair, Pipes, World, if_free, mailslot};
use common::{ASLEEP, EITHER, Model, TORN, Victim, killed_at_each_step, saw};
use loom::thread;
use ringpad::hooks::probe::{begin_again, hide_epoch, mailslot_at};
use ringpad::mailslot::{Config, Mailslot, Next, Publisher, Start, Subscriber};
use ringpad::{NoProof, Sleeper};

type Slot = Mailslot<'static, Pair>;

/// Messages of an epoch.
const EPOCH: u64 = 1 << 29;

/// A subscriber to pairs, the n-th of which behind message `from` is `[n, n]`.
struct Listener {
    rx: Subscriber<'static, Pair>,
    from: u64,
    slots: u64,
    /// The last message that there can be.
    last: u64,
    /// Messages lost so far.
    lost: u64,
}

impl Listener {
    fn new(slot: &Slot, start: Start, from: u64, most: u64) -> Self {
        Self {
            rx: slot.subscriber(start),
            from,
            slots: slot.capacity().into(),
            last: from + most,
            lost: 0,
        }
    }

    /// Polls once, and checks what came. False if that was nothing.
    fn poll(&mut self) -> bool {
        let next = self.rx.next_sequence();
        let heard = self.rx.poll();
        let now = self.rx.next_sequence();
        match heard {
            Next::Mail { sequence, value } => {
                assert_eq!((sequence, now), (next, next + 1), "out of order");
                let n = sequence.saturating_sub(self.from) as u32;
                assert_eq!(value, [n; 2], "torn");
                saw("mail");
            }
            Next::Lapped { lost } => {
                assert!(lost > 0 && now == next + lost, "miscounted");
                assert!(next + self.slots <= self.last, "lapped by so few");
                assert!(now <= self.last, "ahead of the publisher");
                self.lost += lost;
                saw("lapped");
            }
            Next::Empty => {
                assert_eq!(now, next);
                saw("empty");
                return false;
            }
        }
        true
    }

    /// Polls until nothing comes, which must be behind the last message.
    fn drain(&mut self) {
        while self.poll() {}
        let next = self.rx.next_sequence();
        assert_eq!(
            (next, self.rx.behind()),
            (self.last + 1, 0),
            "lost at the end"
        );
    }
}

/// A model that holds by every edge that found slots stand on, and dies without any.
fn needs_all(model: &Model) {
    model.holds();
    for edge in ["open", "validate", "close", "arrive"] {
        model.dies_without(edge, TORN);
    }
}

/// Publishes the first to the `to`-th behind where the publisher is.
fn publish(tx: &mut Publisher<'_, Pair>, to: u32) {
    for n in 1..=to {
        tx.publish(&[n; 2]);
    }
}

/// `messages` beside a subscriber that polls `polls` times, from the first one on or `behind` before that. No thread here loads a word
/// and then writes it, so that the checker misses nothing without shadows.
fn beside(capacity: u32, messages: u32, polls: u32, from: u64, behind: u64) -> Model {
    let name =
        format!("{messages} messages, {capacity} slots, {polls} polls, from {from:#x} - {behind}");
    Model::new(&name, 2, move || {
        let (_room, slot, mut tx) = mailslot::<Pair>(&Config::new(capacity), from);
        let start = from + 1 - behind;
        let mut rx = Listener::new(&slot, Start::At(start), from, messages.into());
        assert_eq!(rx.rx.next_sequence(), start);
        let publisher = thread::spawn(move || {
            publish(&mut tx, messages);
            tx
        });
        for _ in 0..polls {
            rx.poll();
        }
        let _tx = publisher.join().unwrap();
        rx.drain();
    })
    .without_shadows()
}

#[test]
fn fewer_messages_than_slots() {
    for (capacity, messages) in [(2, 1), (4, 3)] {
        let model = beside(capacity, messages, 2, 0, 0).sees(&["mail", "empty"]);
        model.holds();
        model.dies_without("close", TORN);
        model.dies_without("arrive", TORN);
    }
}

#[test]
fn more_messages_than_slots() {
    const ALL: &[&str] = &["mail", "empty", "lapped"];
    needs_all(&beside(2, 3, 1, 0, 0).sees(ALL));
    needs_all(&beside(2, 3, 2, 0, 0).preemptions(3).sees(ALL));
    needs_all(&beside(4, 5, 2, 0, 0).preemptions(2).sees(ALL));
}

/// Numbers cross epochs, the stamps' 31 bits, and the 32 of the newest number's word.
#[test]
fn numbers_wrap() {
    for from in [EPOCH - 2, (1 << 31) - 2, (1 << 32) - 2, (1 << 34) - 1] {
        let model = beside(2, 3, 1, from, 0).preemptions(3);
        needs_all(&model.sees(&["mail", "lapped"]));
    }
}

/// One that was stopped for a jump of the numbers loses exactly what was published meanwhile, and is not told of messages that
/// only look like its next one. `hides`: by a publisher that keeps its epoch to itself.
fn stopped(jump: u64, polls: u32, hides: bool) -> Model {
    const FROM: u64 = 5 * EPOCH;
    let name = format!("stopped for {jump:#x}, {polls} polls, hidden {hides}");
    Model::new(&name, 2, move || {
        let (room, slot, tx) = mailslot::<Pair>(&Config::new(2), FROM);
        let mut rx = Listener::new(&slot, Start::At(FROM), FROM + jump, 2);
        drop(tx);
        mailslot_at(room.region(), FROM + jump).unwrap();
        let mut tx = slot.bare_publisher(&NoProof).unwrap();
        assert_eq!(tx.next_sequence(), FROM + jump + 1);
        if hides {
            hide_epoch(room.region(), 5).unwrap();
        }
        let publisher = thread::spawn(move || {
            publish(&mut tx, 2);
            tx
        });
        let mut heard = 0;
        for _ in 0..polls {
            let lost = rx.lost;
            heard += u64::from(rx.poll() && rx.lost == lost);
        }
        let _tx = publisher.join().unwrap();
        while rx.rx.next_sequence() <= rx.last {
            let lost = rx.lost;
            assert!(rx.poll(), "silent");
            heard += u64::from(rx.lost == lost);
        }
        assert_eq!(heard + rx.lost, jump + 3, "miscounted");
    })
    .without_shadows()
}

#[test]
fn a_subscriber_is_stopped_for_long() {
    for jump in [
        2 * EPOCH - 2,
        2 * EPOCH - 1,
        2 * EPOCH,
        4 * EPOCH - 1,
        4 * EPOCH,
        9 * EPOCH,
    ] {
        stopped(jump, 2, false)
            .sees(&["lapped"])
            .preemptions(2)
            .holds();
    }
    // Half the stamps' range away: older; the whole range: the same.
    stopped(2 * EPOCH + 1, 1, true)
        .preemptions(1)
        .dies("silent");
    stopped(4 * EPOCH, 1, true).preemptions(1).dies(TORN);
}

/// Who begins where the newest number says finds something there.
fn begins(start: Start, capacity: u32, from: u64, messages: u32) -> Model {
    let name = format!("{start:?} of {messages} messages, {capacity} slots, from {from}");
    Model::new(&name, 2, move || {
        let (_room, slot, mut tx) = mailslot::<Pair>(&Config::new(capacity), from);
        let publisher = thread::spawn(move || {
            publish(&mut tx, messages);
            tx
        });
        let mut rx = Listener::new(&slot, start, from, messages.into());
        let first = rx.rx.next_sequence();
        let there = rx.poll();
        match start {
            Start::Newest => assert!(first >= from.max(1)),
            Start::Oldest => assert!(first > from.saturating_sub(capacity.into())),
            Start::At(at) => assert!(first <= at),
        }
        let is_new = matches!(start, Start::At(_)) || from == 0 && first == 1;
        assert!(there || is_new, "named, and not there");
        let _tx = publisher.join().unwrap();
        rx.drain();
    })
    .without_shadows()
}

#[test]
fn subscribers_begin_beside_the_publisher() {
    for (start, capacity) in [(Start::Newest, 2), (Start::Newest, 4), (Start::Oldest, 2)] {
        let model = begins(start, capacity, 40, 2).sees(&["mail"]);
        model.holds();
        model.dies_without("publish", "named, and not there");
        model.dies_without("observe", "named, and not there");
    }
    begins(Start::Oldest, 4, 40, 2)
        .sees(&["mail"])
        .preemptions(3)
        .holds();
    begins(Start::Newest, 2, 0, 2)
        .sees(&["mail", "empty"])
        .holds();
    for at in [1, 40, 42, 99] {
        begins(Start::At(at), 2, 40, 2)
            .sees(&["mail"])
            .preemptions(3)
            .holds();
    }
}

/// Subscribers store nothing, so that none disturbs another.
#[test]
fn two_subscribers() {
    let model = Model::new("two subscribers", 3, || {
        let (_room, slot, mut tx) = mailslot::<Pair>(&Config::new(2), 40);
        let mut one = Listener::new(&slot, Start::At(40), 40, 2);
        let mut two = Listener::new(&slot, Start::At(41), 40, 2);
        let publisher = thread::spawn(move || {
            publish(&mut tx, 2);
            tx
        });
        let other = thread::spawn(move || {
            two.poll();
            two
        });
        one.poll();
        let _tx = publisher.join().unwrap();
        one.drain();
        other.join().unwrap().drain();
    });
    needs_all(
        &model
            .without_shadows()
            .sees(&["mail", "empty", "lapped"])
            .preemptions(1),
    );
}

/// The length belongs to the bytes; the n-th message is so many bytes of their number.
#[test]
fn bytes_of_changing_length() {
    const LENGTHS: [u8; 3] = [3, 8, 1];
    let some_bytes =
        |n: u8| -> [u8; 8] { std::array::from_fn(|at| if at < usize::from(n) { n } else { 0 }) };
    let model = Model::new("lengths", 2, move || {
        let (_room, slot, mut tx) = mailslot::<[u8]>(&Config::bytes(2, 8), 0);
        let mut rx = slot.subscriber(Start::Oldest);
        let publisher = thread::spawn(move || {
            for n in LENGTHS {
                tx.publish(&some_bytes(n)[..usize::from(n)]).unwrap();
            }
            tx
        });
        let mut poll = || {
            let mut room = [0; 8];
            match rx.poll_into(&mut room).unwrap() {
                Next::Mail { sequence, value } => {
                    let want = LENGTHS[sequence as usize - 1];
                    assert_eq!((value, room), (want.into(), some_bytes(want)), "torn");
                    saw("mail");
                    true
                }
                Next::Lapped { .. } => true,
                Next::Empty => false,
            }
        };
        poll();
        let _tx = publisher.join().unwrap();
        while poll() {}
        assert_eq!(rx.next_sequence(), 4);
    });
    needs_all(&model.without_shadows().sees(&["mail"]).preemptions(2));
}

/// A draft is nobody's until it is committed; dropped, it was no message, though the oldest one is gone. A slice is so many messages.
#[test]
fn drafts_and_slices() {
    let model = Model::new("drafts and slices", 2, || {
        let (_room, slot, mut tx) = mailslot::<Pair>(&Config::new(2), 40);
        let mut rx = Listener::new(&slot, Start::At(41), 40, 3);
        let publisher = thread::spawn(move || {
            let mut draft = tx.draft();
            draft.write_at(4, &1u32.to_le_bytes()).unwrap();
            draft.write_at(0, &1u32.to_le_bytes()).unwrap();
            assert_eq!(draft.commit(), 41);
            tx.draft().write_at(4, &[9; 4]).unwrap();
            assert_eq!(tx.publish_slice(&[[2; 2], [3; 2]]), 44);
            tx
        });
        rx.poll();
        let _tx = publisher.join().unwrap();
        rx.drain();
    });
    needs_all(&model.sees(&["mail", "lapped"]).preemptions(1));
}

/// A segment with `peers` rows and a mailslot that goes on behind `from`.
fn world(peers: u32, capacity: u32, from: u64) -> World {
    let world = World::with::<Slot>(peers, &Config::new(capacity));
    mailslot_at(world.bytes_of_channel(), from).unwrap();
    world
}

/// ARM/RING: a subscriber that sleeps until there is mail.
#[test]
fn a_subscriber_sleeps_until_there_is_mail() {
    let model = Model::new("a subscriber sleeps", 2, || {
        let world = world(2, 2, 0);
        let (a, b, pipes) = (world.join(), world.join(), Pipes::new());
        let slot = world.open::<Slot>();
        let tx = slot.publisher(a).unwrap();
        let mut tx = tx.ringing(a, pipes.clone()).unwrap();
        let mut rx = Listener::new(&slot, Start::Oldest, 0, 2);
        let mut sleeper = Sleeper::of(b).unwrap();
        let publisher = thread::spawn(move || {
            (1..=2).for_each(|n| _ = tx.publish(&[n; 2]));
            std::mem::forget(tx);
        });
        let bells = [rx.rx.bell(b).unwrap()];
        let mut armed = sleeper.arm(&bells).unwrap();
        while rx.rx.next_sequence() <= 2 {
            if !rx.poll() {
                pipes.sleep(b.id());
                armed.again();
            }
        }
        publisher.join().unwrap();
    });
    let model = model.sees(&["asleep", "rung", "mail"]).preemptions(2);
    model.holds();
    model.dies_without("arm", ASLEEP);
    model.dies_without("ring", ASLEEP);
}

/// Killed between its commit and its ring: the successor rings for what the dead one left, and for its own.
#[test]
fn a_successor_rings_for_the_dead() {
    killed_at_each_step(|victim| {
        let model = Model::new("publisher killed beside a sleeper", 2, move || {
            let world = world(3, 2, 0);
            let (a, b, c) = (world.join(), world.join(), world.join());
            let (slot, pipes, oracle) = (world.open::<Slot>(), Pipes::new(), world.oracle());
            let (again, bells, victim) = (world.open::<Slot>(), pipes.clone(), victim.clone());
            let mut rx = slot.subscriber(Start::Oldest);
            let tx = slot.publisher(a).unwrap();
            let tx = tx.ringing(a, pipes.clone()).unwrap();
            let mut sleeper = Sleeper::of(b).unwrap();
            let publishers = thread::spawn(move || {
                victim.dies(|| {
                    let mut tx = tx;
                    tx.publish(&[1; 2]);
                    std::mem::forget(tx);
                });
                oracle.bury(a.id());
                let tx = again.publisher(c).unwrap();
                let mut tx = tx.ringing(c, bells).unwrap();
                if tx.next_sequence() == 1 {
                    tx.publish(&[1; 2]);
                }
                std::mem::forget(tx);
            });
            let bells = [rx.bell(b).unwrap()];
            let mut armed = sleeper.arm(&bells).unwrap();
            while rx.poll() == Next::Empty {
                pipes.sleep(b.id());
                armed.again();
            }
            publishers.join().unwrap();
        });
        model.sees(&["asleep", "rung"]).preemptions(2)
    });
}

/// Publishes the first to the `to`-th, and says which was begun and which returned.
fn publish_to(to: u32, mut tx: Publisher<'_, Pair>, begun: &mut u32, returned: &mut u32) {
    for n in 1..=to {
        *begun = n;
        tx.publish(&[n; 2]);
        *returned = n;
    }
    std::mem::forget(tx);
}

/// Killed anywhere: what returned is heard, once, and so is what was complete; the successor goes on behind that, without a gap. Its
/// messages are told by their value. `again`: a successor that gives a complete message's number to its own.
fn killed(victim: Victim, from: u64, polls: u32, again: bool) -> Model {
    const MOST: u32 = 2;
    let name = format!("publisher killed beside a subscriber, from {from:#x}, again {again}");
    Model::new(&name, 2, move || {
        let world = world(2, 4, from);
        let (a, b, slot) = (world.join(), world.join(), world.open::<Slot>());
        let tx = slot.publisher(a).unwrap();
        let mut rx = slot.subscriber(Start::At(from + 1));
        let mut got = Vec::new();
        let mut hear = move |rx: &mut Subscriber<'static, Pair>| match rx.poll() {
            Next::Mail { sequence, value } => {
                assert_eq!(value[0], value[1], "torn");
                got.push(value[0]);
                assert_eq!(sequence, from + got.len() as u64, "out of order");
                saw("mail");
                got.clone()
            }
            Next::Empty => got.clone(),
            Next::Lapped { .. } => panic!("a gap"),
        };
        let subscriber = thread::spawn(move || {
            for _ in 0..polls {
                hear(&mut rx);
            }
            (rx, hear)
        });
        let (mut begun, mut returned) = (0, 0);
        victim.dies(|| publish_to(MOST, tx, &mut begun, &mut returned));
        world.oracle().bury(a.id());
        if again {
            begin_again(world.bytes_of_channel()).unwrap();
        }
        let mut tx = slot.publisher(b).unwrap();
        let left = (tx.next_sequence() - from - 1) as u32;
        assert!(left == begun || left == returned, "lost: {left}");
        saw(if left > returned {
            "rolled forward"
        } else {
            "as it was"
        });
        tx.publish(&[77; 2]);
        let (mut rx, mut hear) = subscriber.join().unwrap();
        let mut all = hear(&mut rx);
        for _ in 0..=MOST {
            all = hear(&mut rx);
        }
        let want: Vec<u32> = (1..=left).chain([77]).collect();
        assert_eq!(all, want, "lost or doubled");
    })
}

#[test]
fn a_publisher_dies_beside_a_subscriber() {
    const ALL: &[&str] = &["mail", "rolled forward", "as it was"];
    for from in [0, EPOCH - 2, (1 << 32) - 2] {
        killed_at_each_step(|victim| killed(victim, from, 1, false).sees(ALL).preemptions(2));
    }
    // Stamp, two words, stamp; then dead before the newest number.
    killed(Victim::at(4), 0, 1, true)
        .preemptions(2)
        .dies("lost or doubled");
}

/// A publisher dies, and its successor laps the subscriber: nothing tears, and the count is exact.
#[test]
fn a_publisher_dies_and_the_next_one_laps() {
    killed_at_each_step(|victim| {
        let model = Model::new("publisher killed, lapping", 2, move || {
            let world = world(2, 2, 40);
            let (a, b, slot) = (world.join(), world.join(), world.open::<Slot>());
            let tx = slot.publisher(a).unwrap();
            let mut rx = Listener::new(&slot, Start::At(40), 40, 2);
            let subscriber = thread::spawn(move || {
                rx.poll();
                rx
            });
            victim.dies(|| publish_to(1, tx, &mut 0, &mut 0));
            world.oracle().bury(a.id());
            let mut tx = slot.publisher(b).unwrap();
            for n in (tx.next_sequence() - 40) as u32..=2 {
                tx.publish(&[n; 2]);
            }
            subscriber.join().unwrap().drain();
        });
        model.sees(&["mail", "lapped"]).preemptions(1)
    });
}

/// The successor in another thread asks at any time whether the end is free. The oracle's word hands over what there is.
#[test]
fn a_publisher_dies_beside_its_successor() {
    killed_at_each_step(|victim| {
        let model = Model::new("publisher killed beside its successor", 2, move || {
            let world = world(2, 4, EPOCH - 2);
            let (a, b) = (world.join(), world.join());
            let (slot, again) = (world.open::<Slot>(), world.open::<Slot>());
            let tx = slot.publisher(a).unwrap();
            let successor = thread::spawn(move || {
                let mut tx = if_free(again.publisher(b))?;
                let n = (tx.next_sequence() - (EPOCH - 2)) as u32;
                tx.publish(&[n; 2]);
                Some(n - 1)
            });
            let (mut begun, mut returned) = (0, 0);
            victim.dies(|| publish_to(2, tx, &mut begun, &mut returned));
            world.oracle().bury(a.id());
            let left = successor.join().unwrap();
            assert!(
                left.is_none_or(|left| left == begun || left == returned),
                "lost"
            );
            if let Some(left) = left {
                let most = u64::from(left) + 1;
                Listener::new(&slot, Start::At(EPOCH - 1), EPOCH - 2, most).drain();
            }
        });
        model.sees(EITHER)
    });
}

/// UNCLAIM hands the numbers over: with one older by two, the second publisher gives one again. (By one it would roll forward.)
#[test]
fn a_publisher_is_handed_over() {
    let model = Model::new("publisher given back and claimed again", 2, || {
        let world = world(2, 4, 0);
        let (a, b) = (world.join(), world.join());
        let (slot, again) = (world.open::<Slot>(), world.open::<Slot>());
        let mut tx = slot.publisher(a).unwrap();
        let other = thread::spawn(move || {
            let mut tx = if_free(again.publisher(b))?;
            Some(tx.publish(&[3; 2]))
        });
        publish(&mut tx, 2);
        drop(tx);
        let theirs = other.join().unwrap();
        assert!(theirs.is_none_or(|theirs| theirs == 3), "given twice");
        let most = 2 + u64::from(theirs.is_some());
        Listener::new(&slot, Start::Oldest, 0, most).drain();
    });
    let model = model.sees(EITHER);
    model.holds();
    model.dies_without("unclaim", "given twice");
    // Without CLAIM the fence before the newest number is read orders it all the same; other kinds' ends die without.
}
