//! What the sensor and its views agree on: three notepads in one segment.
//!
//! ```text
//! reading   Notepad<Reading>   typed: every value has one size. Many slots, for many writes a second
//! status    Notepad<[u8]>      bytes: each value has its own length, up to a most. JSON here; its writer is slow
//! state     Notepad<u32>       a word: read and written whole by one instruction, so that no reader is ever lapped
//! ```

use ringpad::Plan;
use ringpad::notepad::{Config, Notepad};

/// Names of the notepads.
pub const READING: &str = "reading";
pub const STATUS: &str = "status";
pub const STATE: &str = "state";

/// Most bytes of a status.
pub const STATUS_BYTES: usize = 256;

/// The number that says "a `Reading` as below": change it with the fields, and programs of different ages refuse each
/// other instead of taking one field for another.
const READING_TAG: u64 = u64::from_le_bytes(*b"reading1");

/// What was measured. No padding: its 40 bytes are its fields.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Reading {
    /// When: [`monotonic_ns`].
    pub at_ns: u64,
    /// Counts from 1, also on from one sensor to the next.
    pub number: u64,
    /// In degrees Celsius.
    pub temperature: f32,
    /// Along x, y, z, in g.
    pub acceleration: [f32; 3],
    /// The process that measured it.
    pub pid: u32,
    /// CRC-32 of everything before.
    pub checksum: u32,
}

// SAFETY: integers and floats, all of which may be zero.
unsafe impl bytemuck::Zeroable for Reading {}
// SAFETY: integers and floats in the order of repr(C), without padding (8 + 8 + 4 + 12 + 4 + 4 bytes, aligned to 8); any bits will do.
unsafe impl bytemuck::Pod for Reading {}
const _: () = assert!(size_of::<Reading>() == 40);

impl Reading {
    /// With the checksum that belongs to it.
    pub fn sealed(mut self) -> Self {
        self.checksum = self.sum();
        self
    }

    /// Whether all of it is from one write.
    pub fn is_whole(&self) -> bool {
        self.checksum == self.sum()
    }

    fn sum(&self) -> u32 {
        crc32fast::hash(&bytemuck::bytes_of(self)[..size_of::<Self>() - size_of::<u32>()])
    }
}

/// The word: what the sensor does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Silent,
    Steady,
    Shaken,
    Stopped,
}

impl State {
    const ALL: [Self; 4] = [Self::Silent, Self::Steady, Self::Shaken, Self::Stopped];

    /// Any process may write any word: what it means is checked here.
    pub fn of(word: u32) -> Option<Self> {
        Self::ALL.get(word as usize).copied()
    }

    pub fn word(self) -> u32 {
        self as u32
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Silent => "nothing written yet",
            Self::Steady => "steady",
            Self::Shaken => "shaken",
            Self::Stopped => "stopped in order",
        }
    }
}

/// What the segment holds, as both halves want it.
pub fn plan() -> ringpad::Result<Plan<3>> {
    // Two rows: a sensor, and its successor while the first one leaves. Views need none.
    Plan::<3>::new()
        .peers(2)?
        .channel::<Notepad<Reading>>(READING, &Config::new().tagged(READING_TAG))?
        .channel::<Notepad<[u8]>>(STATUS, &Config::bytes(STATUS_BYTES as u32).slots(4))?
        .channel::<Notepad<u32>>(STATE, &Config::new())
}

/// `CLOCK_MONOTONIC` in nanoseconds: one clock for all processes of a machine.
pub fn monotonic_ns() -> u64 {
    ringpad::os::now_ns()
}
