//! Ends that one peer at a time has: how each is claimed, what somebody did with it before, and what the next must find.

use std::mem::forget;

use ringpad::mailslot::{Mailslot, Next, Start, reliable};
use ringpad::{Error, Peer};

use super::estate::{Estate, PLACES};
use super::message::{Message, message};
use super::stage::{OTHER, SURVIVORS};

/// Does something while the end is held; true if it is dropped then, false if it stays held.
pub type Then<'t> = &'t mut dyn FnMut() -> bool;

/// An end of some channel.
#[derive(Clone, Copy)]
pub struct End {
    pub name: &'static str,
    /// Claims it.
    pub claim: fn(&Estate, &'static Peer<'static>, Then<'_>) -> Result<(), Error>,
    /// It is used before, and held (in the midst of something, if it may) or dropped.
    pub before: fn(&Estate, dead: bool),
    /// Claims and uses it; says what is not as it was left.
    pub uses: fn(&Estate, &'static Peer<'static>) -> Result<(), String>,
}

pub const ENDS: [End; 6] = [PRODUCER, CONSUMER, WRITER, SHOUTER, PUBLISHER, SUBSCRIBER];

fn hold<E>(end: Result<E, Error>, then: Then<'_>) -> Result<(), Error> {
    let end = end?;
    match then() {
        true => drop(end),
        false => forget(end),
    }
    Ok(())
}

fn says(number: u64) -> Message {
    message(OTHER, number)
}

fn want<T: PartialEq + std::fmt::Debug>(found: T, wanted: T) -> Result<(), String> {
    match found == wanted {
        true => Ok(()),
        false => Err(format!("{found:x?}, not {wanted:x?}")),
    }
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

/// Somebody who lives, at the other end.
fn living(estate: &Estate) -> &'static Peer<'static> {
    estate.peers[SURVIVORS[1]]
}

fn leave<E>(end: E, dead: bool) {
    hold(Ok(end), &mut || !dead).expect("held");
}

const PRODUCER: End = End {
    name: "producer",
    claim: |estate, me, then| hold(estate.spsc.producer(me), then),
    before: |estate, dead| {
        let mut tx = estate.spsc.producer(estate.peers[OTHER]).expect("an end");
        assert!(tx.push(says(0)).is_ok() && tx.push(says(1)).is_ok());
        if dead {
            assert!(tx.stage(says(2)).is_ok(), "never published");
        }
        leave(tx, dead);
    },
    uses: |estate, me| {
        let mut tx = estate.spsc.producer(me).map_err(text)?;
        let mut rx = estate.spsc.consumer(living(estate)).map_err(text)?;
        let filled = (2..9).take_while(|n| tx.push(says(*n)).is_ok()).count();
        want(filled, PLACES as usize - 2)?;
        for number in 0..u64::from(PLACES) {
            want(rx.pop(), Some(says(number)))?;
        }
        // As it was, for who comes next.
        want(tx.push(says(0)).is_ok() && tx.push(says(1)).is_ok(), true)
    },
};

const CONSUMER: End = End {
    name: "consumer",
    claim: |estate, me, then| hold(estate.spsc.consumer(me), then),
    before: |estate, dead| {
        let mut tx = estate.spsc.producer(living(estate)).expect("an end");
        assert_eq!(tx.push_slice(&[says(9), says(0), says(1)]), 3);
        let mut rx = estate.spsc.consumer(estate.peers[OTHER]).expect("an end");
        assert_eq!(rx.pop(), Some(says(9)));
        if dead {
            assert_eq!(rx.take(), Some(says(0)), "never acknowledged");
        }
        leave(rx, dead);
    },
    uses: |estate, me| {
        let mut tx = estate.spsc.producer(living(estate)).map_err(text)?;
        let mut rx = estate.spsc.consumer(me).map_err(text)?;
        for wanted in [Some(says(0)), Some(says(1)), None] {
            want(rx.pop(), wanted)?;
        }
        want(tx.push_slice(&[says(0), says(1)]), 2)
    },
};

const WRITER: End = End {
    name: "writer",
    claim: |estate, me, then| hold(estate.pad.writer(me), then),
    before: |estate, dead| {
        let mut writer = estate.pad.writer(estate.peers[OTHER]).expect("an end");
        (0..2).for_each(|n| _ = writer.write(&says(n)));
        if dead {
            // Begun, and never committed: dropping a draft changes nothing.
            let mut draft = writer.draft();
            draft.write_at(0, &[0xee; 8]).expect("room");
        }
        leave(writer, dead);
    },
    uses: |estate, me| {
        let reads = || estate.pad.reader().try_read().ok().flatten();
        let value = || reads().map(|note| note.value);
        want(value(), Some(says(1)))?;
        let mut writer = estate.pad.writer(me).map_err(text)?;
        want(writer.latest().map(|note| note.value), Some(says(1)))?;
        let before = reads().map(|note| note.version);
        for number in [2, 3, 1] {
            writer.write(&says(number));
            want(value(), Some(says(number)))?;
        }
        want(before == reads().map(|note| note.version), false)
    },
};

fn mail(estate: &Estate) -> &Mailslot<'static, Message> {
    estate.mail.as_ref().expect("a mailslot")
}

const SHOUTER: End = End {
    name: "publisher",
    claim: |estate, me, then| hold(mail(estate).publisher(me), then),
    before: |estate, dead| {
        let mut publisher = mail(estate).publisher(estate.peers[OTHER]).expect("an end");
        (0..3).for_each(|n| _ = publisher.publish(&says(n)));
        if dead {
            // Begun, and never committed: dropping a draft changes nothing.
            let mut draft = publisher.draft();
            draft.write_at(0, &[0xee; 8]).expect("room");
        }
        leave(publisher, dead);
    },
    uses: |estate, me| {
        let mut publisher = mail(estate).publisher(me).map_err(text)?;
        let mut hears = mail(estate).subscriber(Start::Newest);
        // Each in its turn, from the last on.
        let mut last = publisher.next_sequence() - 1;
        let turns = [2, 3, 4, 5, 2];
        for (turn, number) in turns.into_iter().enumerate() {
            match hears.poll() {
                Next::Mail { sequence, value } => want((sequence, value), (last, says(number)))?,
                other => return Err(format!("{other:x?}")),
            }
            if let Some(next) = turns.get(turn + 1) {
                want(publisher.publish(&says(*next)), last + 1)?;
                last += 1;
            }
        }
        Ok(())
    },
};

fn polled(delivery: reliable::Delivery<Message>) -> Option<Message> {
    match delivery {
        reliable::Delivery::Mail { value, .. } => Some(value),
        _ => None,
    }
}

const PUBLISHER: End = End {
    name: "reliable publisher",
    claim: |estate, me, then| hold(estate.rely.publisher(me), then),
    before: |estate, dead| {
        let mut publisher = estate.rely.publisher(estate.peers[OTHER]).expect("an end");
        (0..2).for_each(|n| assert!(publisher.try_publish(&says(n)).is_ok()));
        if dead {
            // Begun, and never committed: dropping a draft changes nothing.
            let mut draft = publisher.try_draft().expect("room");
            draft.write_at(0, &[0xee; 8]).expect("room");
        }
        leave(publisher, dead);
    },
    uses: |estate, me| {
        let mut publisher = estate.rely.publisher(me).map_err(text)?;
        let subscriber = estate.rely.subscriber(living(estate), Start::Newest);
        let mut subscriber = subscriber.map_err(text)?;
        want(polled(subscriber.poll()), Some(says(1)))?;
        for number in [2, 3, 4, 5, 6, 1] {
            want(publisher.try_publish(&says(number)).is_ok(), true)?;
            want(polled(subscriber.poll()), Some(says(number)))?;
        }
        want(polled(subscriber.poll()), None)
    },
};

const SUBSCRIBER: End = End {
    name: "reliable subscriber",
    claim: |estate, me, then| hold(estate.rely.subscriber(me, Start::Oldest), then),
    before: |estate, dead| {
        let mut publisher = estate.rely.publisher(living(estate)).expect("an end");
        let one = estate.rely.subscriber(estate.peers[OTHER], Start::Oldest);
        let mut one = one.expect("a cursor");
        (0..2).for_each(|n| assert!(publisher.try_publish(&says(n)).is_ok()));
        assert_eq!(polled(one.poll()), Some(says(0)));
        leave(one, dead);
    },
    uses: |estate, me| {
        let mut publisher = estate.rely.publisher(living(estate)).map_err(text)?;
        let subscriber = estate.rely.subscriber(me, Start::Newest);
        let mut subscriber = subscriber.map_err(text)?;
        let turns = [1, 2, 3, 4, 5, 6, 1];
        for (turn, number) in turns.into_iter().enumerate() {
            want(polled(subscriber.poll()), Some(says(number)))?;
            if let Some(next) = turns.get(turn + 1) {
                want(publisher.try_publish(&says(*next)).is_ok(), true)?;
            }
        }
        want(polled(subscriber.poll()), None)?;
        // Nobody dead holds it up.
        let mut filled = 0;
        while filled < 9 && publisher.try_publish(&says(1)).is_ok() {
            filled += 1;
        }
        want(filled, PLACES)
    },
};
