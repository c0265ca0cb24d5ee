//! A byte ring with a good header and hostile content: positions, lengths and markers are the input's.

use ringpad::bytes::{Bytes, Config};
use ringpad::{Channel, NoProof};

use super::drive::bytes_rx_step;
use super::room::{Arena, Room, Script};

/// Input: `capacity and framing u8 | steps u8 | head u32 | records u8 | script | payload`. The tail is so many bytes
/// ahead of the head as the payload has, eighths of the ring at most.
pub fn run(input: &[u8]) -> u32 {
    let Some((&[kind, steps, h0, h1, h2, h3, ahead], rest)) = input.split_first_chunk::<7>() else {
        return 0;
    };
    let capacity = 64u32 << (kind & 3);
    let config = match kind & 4 {
        0 => Config::records(capacity),
        _ => Config::stream(capacity),
    };
    let room = Room::holding(
        &[],
        Bytes::layout(&config).expect("a good configuration").size(),
    );
    Bytes::init(room.region(), &config).expect("room enough");
    let head = u32::from_le_bytes([h0, h1, h2, h3]);
    room.scribble(
        128 / 4,
        head.wrapping_add(u32::from(ahead) % 65 * (capacity / 64)),
    );
    room.scribble(256 / 4, head);
    let (script, payload) = rest.split_at(usize::from(steps).min(rest.len()));
    for (at, word) in payload.chunks(4).take(capacity as usize / 4).enumerate() {
        let mut bytes = [0; 4];
        bytes[..word.len()].copy_from_slice(word);
        room.scribble(512 / 4 + at, u32::from_le_bytes(bytes));
    }
    let ring = Bytes::attach(room.region()).expect("a good header");
    let Ok(mut rx) = ring.bare_consumer(&NoProof) else {
        return 0;
    };
    let (mut script, mut calls) = (Script::new(script), 1);
    while let Some(step) = script.next() {
        calls += 1;
        match step % 4 {
            0 => script.scribble(&room),
            _ => bytes_rx_step(&mut rx, &mut script),
        }
    }
    // Whatever was in it, a consumer that goes on comes to an end: nothing left, or corrupt for good. What it had seen
    // may be one ringful, and the tail that it finds then another one ahead.
    let mut into = [0; 512];
    let mut left = 2 * capacity / 8 + 2;
    while let Ok(Some(got)) = rx.recv(&mut into) {
        assert!(left > 0, "more records than fit");
        assert!(got.len() <= capacity as usize);
        left -= 1;
    }
    calls
}
