//! Frames that one process hands to the other, each where it lies, and numbers that come back.

/// Frames that wait to be taken, at most: a round trip needs one.
pub const FRAMES: usize = 2;

/// Frames of one length between two processes. The process that measures gives, its partner takes.
pub trait FramePeer {
    const NAME: &str;
    /// Whether it moves the bytes, so that a hand-over costs what the frame's size costs.
    const COPIES: bool = false;
    type Giver: FrameGiver;
    type Taker: FrameTaker;
    /// In the process that measures, before its partner starts. `meeting` is a name that nobody else uses.
    fn giver(meeting: &str, bytes: usize) -> Self::Giver;
    /// In the partner: what the giver made.
    fn taker(invitation: &str, bytes: usize) -> Self::Taker;
}

/// The end that fills frames.
pub trait FrameGiver {
    /// What the partner is told in place of the meeting's name.
    fn invitation(&self) -> String;
    /// In the process that measures, once the partner is ready.
    fn partner_is_ready(&mut self) {}
    /// Gets a frame, has it filled where it lies, and hands it over. False if there is no frame or no room now.
    fn give(&mut self, fill: impl FnOnce(&mut [u8])) -> bool;
    /// The next number that came back.
    fn reply(&mut self) -> Option<u64>;
}

/// The end that looks at frames.
pub trait FrameTaker {
    /// Has the next frame looked at where it lies, and gives it back. `None` if there is none now.
    fn take<T>(&mut self, look: impl FnOnce(&[u8]) -> T) -> Option<T>;
    /// Sends a number back. False if there is no room now.
    fn answer(&mut self, number: u64) -> bool;
}
