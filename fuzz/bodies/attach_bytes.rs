//! Attaches a byte ring to arbitrary bytes and runs both ends.

use ringpad::{Channel, PeerId, bytes::Bytes};

use super::drive::{Gone, bytes_rx_step, bytes_tx_step};
use super::room::{Arena, Script};

static DEAD: Gone = Gone(PeerId::BARE);

/// The input describes a region.
pub fn run(input: &[u8]) -> u32 {
    let (mut script, room) = Script::with_room(input);
    on(&room, &mut script)
}

/// The same over any region.
pub fn on(room: &impl Arena, script: &mut Script<'_>) -> u32 {
    let Ok(ring) = Bytes::attach(room.region()) else {
        return 0;
    };
    let mut calls = 1;
    while let (Ok(mut tx), Ok(mut rx)) = (ring.bare_producer(&DEAD), ring.bare_consumer(&DEAD)) {
        while let Some(step) = script.next() {
            calls += 1;
            match step % 16 {
                0 => break,
                1 | 2 => script.scribble(room),
                3..9 => bytes_tx_step(&mut tx, script),
                _ => bytes_rx_step(&mut rx, script),
            }
        }
        match script.next() {
            None => break,
            Some(step) if step % 2 == 0 => {}
            Some(_) => core::mem::forget((tx, rx)),
        }
    }
    calls
}
