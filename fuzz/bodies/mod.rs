//! What each fuzz target does with its input, without the fuzzer: `tests/corpus.rs` replays the kept inputs through
//! the same functions, and `tests/hostile.rs` runs them on its own garbage.
//!
//! An input for a region is `script length u8 | lines u8 | script | bytes of the region`; the region has at least
//! `lines * 128` bytes, zeros behind those given. Every body answers how many calls reached a channel, so that
//! whoever replays sees that an input still gets anywhere.
#![allow(dead_code, reason = "each user of these bodies takes a part")]

pub mod attach_bytes;
pub mod attach_frames;
pub mod attach_lock;
pub mod attach_mailslot;
pub mod attach_mpmc;
pub mod attach_notepad;
pub mod attach_reliable;
pub mod attach_rpc;
pub mod attach_segment;
pub mod attach_spsc;
pub mod bytes_consumer;
pub mod drive;
pub mod room;
pub mod y4m;

/// A target's body: input in, calls that reached a channel (or frames read) out.
pub type Body = fn(&[u8]) -> u32;

/// Every target by name.
pub const ALL: [(&str, Body); 12] = [
    ("attach_segment", attach_segment::run),
    ("attach_spsc", attach_spsc::run),
    ("attach_bytes", attach_bytes::run),
    ("attach_notepad", attach_notepad::run),
    ("attach_mailslot", attach_mailslot::run),
    ("attach_reliable", attach_reliable::run),
    ("attach_mpmc", attach_mpmc::run),
    ("attach_lock", attach_lock::run),
    ("attach_frames", attach_frames::run),
    ("attach_rpc", attach_rpc::run),
    ("bytes_consumer", bytes_consumer::run),
    ("y4m", y4m::run),
];
