//! What an image and a process agree on: the memory, the channels in it, and what every value must be.

use ringpad::{Channel, Region, Result, notepad, spsc};

/// Where the image finds the memory, and how much there is.
#[allow(dead_code, reason = "the process maps it elsewhere")]
pub const BASE: usize = 0x2100_0000;
/// Bytes of it: all that the machine has there.
pub const SIZE: usize = 16 << 20;
/// Slots of each ring.
const SLOTS: u32 = 64;

/// An answer: to which message of the process, and the answer itself.
pub type Answer = [u32; 2];
/// A note: a number, twice more in other forms, and a word for the reader.
pub type Note = [u32; 4];

/// Notes of the process: go on; end; and, for a control, let messages go before they are answered.
#[allow(dead_code, reason = "the image takes every other word for it")]
pub const GO: u32 = 1;
/// See [`GO`].
pub const END: u32 = 2;
/// See [`GO`].
pub const EARLY: u32 = 3;

/// The four channels.
#[derive(Debug)]
pub struct Channels<'m> {
    /// From the process: message `n` is `message(n)`.
    pub messages: spsc::Spsc<'m, u32>,
    /// From the image, to each message.
    pub answers: spsc::Spsc<'m, Answer>,
    /// From the process: what is to be done.
    pub wish: notepad::Notepad<'m, Note>,
    /// From the image: how many notes it wrote, all its lives together.
    pub report: notepad::Notepad<'m, Note>,
}

impl<'m> Channels<'m> {
    /// Makes them, in memory that nobody else uses yet.
    #[allow(dead_code, reason = "the process does")]
    pub fn make(memory: Region<'m>) -> Result<Self> {
        let [messages, answers, wish, report] = rooms(memory)?;
        Ok(Self {
            messages: Channel::init(messages, &spsc::Config::new(SLOTS))?,
            answers: Channel::init(answers, &spsc::Config::new(SLOTS))?,
            wish: Channel::init(wish, &notepad::Config::new())?,
            report: Channel::init(report, &notepad::Config::new())?,
        })
    }

    /// Those that the other side made.
    #[allow(dead_code, reason = "the image does")]
    pub fn find(memory: Region<'m>) -> Result<Self> {
        let [messages, answers, wish, report] = rooms(memory)?;
        Ok(Self {
            messages: Channel::attach(messages)?,
            answers: Channel::attach(answers)?,
            wish: Channel::attach(wish)?,
            report: Channel::attach(report)?,
        })
    }
}

/// The memory divided: the same on both sides, because a kind's layout is.
fn rooms(memory: Region<'_>) -> Result<[Region<'_>; 4]> {
    let ring = spsc::Config::new(SLOTS);
    let pad = notepad::Config::new();
    let (messages, rest) = memory.split_at(spsc::Spsc::<u32>::layout(&ring)?.size())?;
    let (answers, rest) = rest.split_at(spsc::Spsc::<Answer>::layout(&ring)?.size())?;
    let (wish, rest) = rest.split_at(notepad::Notepad::<Note>::layout(&pad)?.size())?;
    let (report, _) = rest.split_at(notepad::Notepad::<Note>::layout(&pad)?.size())?;
    Ok([messages, answers, wish, report])
}

/// Message number `n`, counted from the first.
pub fn message(n: u32) -> u32 {
    n.wrapping_mul(0x9e37_79b9) ^ 0x5bd1_e995
}

/// The answer to a message.
pub fn answer(message: u32) -> u32 {
    message.rotate_left(7).wrapping_add(1)
}

/// Note number `n`.
pub fn note(n: u32, word: u32) -> Note {
    [n, !n, n.rotate_left(16) ^ word, word]
}

/// A note whose parts belong together.
pub fn is_whole(note: &Note) -> bool {
    *note == self::note(note[0], note[3])
}
