//! Attaches typed rings to arbitrary bytes and runs both ends.

use ringpad::{Channel, PeerId, Pod, spsc};

use super::drive::{Gone, spsc_step};
use super::room::{Arena, Script};

static DEAD: Gone = Gone(PeerId::BARE);

/// The input describes a region; each element type has its turn with it.
pub fn run(input: &[u8]) -> u32 {
    let (mut script, room) = Script::with_room(input);
    on(&room, &mut script)
}

/// The same over any region.
pub fn on(room: &impl Arena, script: &mut Script<'_>) -> u32 {
    drive(room, script, 1u8)
        + drive(room, script, [2u8; 3])
        + drive(room, script, 3u32)
        + drive(room, script, [4u64; 3])
}

fn drive<T: Pod>(room: &impl Arena, script: &mut Script<'_>, value: T) -> u32 {
    let Ok(ring) = spsc::Spsc::<T>::attach(room.region()) else {
        return 0;
    };
    let mut calls = 1;
    while let (Ok(mut tx), Ok(mut rx)) = (ring.bare_producer(&DEAD), ring.bare_consumer(&DEAD)) {
        while let Some(step) = script.next() {
            calls += 1;
            match step % 16 {
                0 => break,
                1 => script.scribble(room),
                _ => spsc_step(room, &mut tx, &mut rx, value, script),
            }
        }
        match script.next() {
            None => break,
            Some(step) if step % 2 == 0 => {}
            Some(_) => {
                core::mem::forget((tx, rx));
                script.scribble(room);
            }
        }
    }
    calls
}
