//! What travels through a mailslot. Every message says by itself who sent it and when: the one before it may be lost.
//!
//! ```text
//! 0 kind    1 bytes of the name    2 process (4 bytes)    6 when (8 bytes)    14 the name, then the text
//! Numbers are little-endian.
//! ```
//! Whoever can open the room can write anything into it, and what is shown on a terminal can move its cursor or worse: so
//! the bytes are checked, and control characters are not shown.

use std::borrow::Cow;

/// Most bytes of a name.
pub const NAME_MOST: usize = 32;
/// Most bytes of a text.
pub const TEXT_MOST: usize = 466;
/// Most bytes of a message.
pub const MOST: usize = HEAD + NAME_MOST + TEXT_MOST;

const HEAD: usize = 14;

/// What somebody does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Came,
    Said,
    Left,
}

impl Kind {
    const ALL: [Self; 3] = [Self::Came, Self::Said, Self::Left];

    fn byte(self) -> u8 {
        match self {
            Self::Came => b'+',
            Self::Said => b'=',
            Self::Left => b'-',
        }
    }
}

/// One message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    pub kind: Kind,
    pub pid: u32,
    pub at_ns: u64,
    pub name: Cow<'a, str>,
    pub text: Cow<'a, str>,
}

impl<'a> Message<'a> {
    /// A message of now.
    pub fn new(kind: Kind, name: &'a str, text: &'a str) -> Self {
        Self {
            kind,
            pid: std::process::id(),
            at_ns: monotonic_ns(),
            name: name.into(),
            text: text.into(),
        }
    }

    /// Its bytes: at most [`MOST`], if name and text are no longer than they may be.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![self.kind.byte(), self.name.len() as u8];
        bytes.extend(self.pid.to_le_bytes());
        bytes.extend(self.at_ns.to_le_bytes());
        bytes.extend(self.name.as_bytes());
        bytes.extend(self.text.as_bytes());
        bytes
    }

    /// The message in these bytes; `None` if it is none.
    pub fn decode(bytes: &'a [u8]) -> Option<Self> {
        let (head, rest) = bytes.split_first_chunk::<HEAD>()?;
        let [kind, len, p0, p1, p2, p3, at @ ..] = *head;
        let (name, text) = rest.split_at_checked(len.into())?;
        Some(Self {
            kind: Kind::ALL.into_iter().find(|known| known.byte() == kind)?,
            pid: u32::from_le_bytes([p0, p1, p2, p3]),
            at_ns: u64::from_le_bytes(at),
            name: shown(str::from_utf8(name).ok()?),
            text: shown(str::from_utf8(text).ok()?),
        })
    }
}

/// The text without its control characters.
fn shown(text: &str) -> Cow<'_, str> {
    match text.contains(char::is_control) {
        false => text.into(),
        true => text.replace(char::is_control, "\u{fffd}").into(),
    }
}

/// The text in parts of at most [`TEXT_MOST`] bytes, cut between characters.
pub fn parts(mut text: &str) -> impl Iterator<Item = &str> {
    std::iter::from_fn(move || {
        let most = text.len().min(TEXT_MOST);
        let at = (0..=most).rev().find(|&at| text.is_char_boundary(at))?;
        let part;
        (part, text) = text.split_at(at);
        (!part.is_empty()).then_some(part)
    })
}

/// `CLOCK_MONOTONIC` in nanoseconds: one clock for all processes of a machine, which nobody sets.
pub fn monotonic_ns() -> u64 {
    ringpad::os::now_ns()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_come_back_as_they_went() {
        for kind in Kind::ALL {
            let sent = Message::new(kind, "zoë", "grüß dich");
            assert_eq!(Message::decode(&sent.encode()), Some(sent));
        }
        let most =
            Message::new(Kind::Said, &"n".repeat(NAME_MOST), &"t".repeat(TEXT_MOST)).encode();
        assert_eq!(most.len(), MOST);
    }

    #[test]
    fn what_is_no_message_is_refused_and_what_could_harm_is_not_shown() {
        let good = Message::new(Kind::Said, "ann", "hi").encode();
        assert_eq!(Message::decode(&good[..HEAD - 1]), None, "too short");
        for (at, byte) in [(0, b'?'), (1, 40), (HEAD, 0xff)] {
            let mut bad = good.clone();
            bad[at] = byte;
            assert_eq!(Message::decode(&bad), None, "byte {at}");
        }
        let tricky = Message::new(Kind::Said, "a\rb", "\x1b[2J").encode();
        let shown = Message::decode(&tricky).unwrap();
        assert_eq!((&*shown.name, &*shown.text), ("a\u{fffd}b", "\u{fffd}[2J"));
    }

    #[test]
    fn long_lines_are_cut_between_characters() {
        let line = "x".repeat(TEXT_MOST - 1) + &"ä".repeat(300);
        let cut: Vec<&str> = parts(&line).collect();
        assert_eq!(cut.concat(), line);
        let lengths: Vec<usize> = cut.iter().map(|part| part.len()).collect();
        assert_eq!(lengths, [TEXT_MOST - 1, TEXT_MOST, 600 - TEXT_MOST]);
        assert_eq!(parts("").count(), 0);
    }
}
