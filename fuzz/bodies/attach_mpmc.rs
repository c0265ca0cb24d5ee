//! Attaches rings of many to arbitrary bytes: two senders and two receivers, one of them with messages in its hand.

use ringpad::mpmc::{Mpmc, Receiver, Sender};
use ringpad::{Channel, Pod};

use super::room::{Arena, Script};

/// The input describes a region; each type of message has its turn with it.
pub fn run(input: &[u8]) -> u32 {
    let (mut script, room) = Script::with_room(input);
    on(&room, &mut script)
}

/// The same over any region.
pub fn on(room: &impl Arena, script: &mut Script<'_>) -> u32 {
    drive(room, script, 1u8)
        + drive(room, script, 2u32)
        + drive(room, script, [3u8; 3])
        + drive(room, script, [4u64; 3])
}

struct Ends<'r, T> {
    tx: [Sender<'r, T>; 2],
    rx: [Receiver<'r, T>; 2],
}

fn drive<T: Pod>(room: &impl Arena, script: &mut Script<'_>, value: T) -> u32 {
    let Ok(ring) = Mpmc::<T>::attach(room.region()) else {
        return 0;
    };
    assert!(ring.capacity().is_power_of_two());
    let _ = (ring.delivery(), ring.recovery(), ring.type_tag());
    let mut calls = 1;
    loop {
        let patience = u32::from(script.byte()) % 4;
        let sender = ring.bare_sender().map(|tx| tx.with_patience(patience));
        let receiver = ring.bare_receiver().map(|rx| rx.with_patience(patience));
        let (Ok(tx), Ok(rx)) = (sender, receiver) else {
            return calls;
        };
        let mut ends = Ends {
            tx: [tx.clone(), tx],
            rx: [rx.clone(), rx],
        };
        while let Some(next) = script.next() {
            calls += 1;
            match next % 16 {
                0 => break,
                1 => script.scribble(room),
                _ => step(room, &mut ends, value, script),
            }
        }
        match script.next() {
            None => return calls,
            Some(next) if next % 2 == 0 => {}
            Some(_) => core::mem::forget(ends),
        }
    }
}

fn step<T: Pod>(room: &impl Arena, ends: &mut Ends<'_, T>, value: T, script: &mut Script<'_>) {
    let what = script.byte();
    let who = usize::from(what) >> 4 & 1;
    let (tx, [rx, other]) = (&mut ends.tx[who], &mut ends.rx);
    let capacity = tx.capacity() as usize;
    match what % 10 {
        0 | 1 => drop(tx.try_send(value)),
        2 => {
            let values = vec![value; usize::from(script.byte())];
            assert!(tx.try_send_slice(&values) <= values.len().min(capacity));
        }
        3 | 4 => drop(rx.try_recv()),
        5 => {
            let mut into = vec![value; usize::from(script.byte())];
            assert!(other.try_recv_slice(&mut into) <= into.len());
        }
        6 | 7 => {
            let held = rx.try_take();
            for _ in 0..script.byte() % 4 {
                script.scribble(room);
                let _ = (tx.try_send(value), other.try_recv());
            }
            if let Some(taken) = held {
                let _ = (taken.sequence(), taken.is_again());
                match script.byte() % 4 {
                    0 => drop(taken),
                    1 => core::mem::forget(taken),
                    _ => drop(taken.acknowledge()),
                }
            }
        }
        8 => {
            *rx = other.clone();
            *tx = tx.clone();
            let _ = (tx.bell(), rx.bell());
        }
        _ => script.scribble(room),
    }
}
