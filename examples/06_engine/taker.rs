//! The engine's side of the pictures: the newest is taken without waiting for anybody, and held until there is a newer one.
//!
//! Nothing that the decoder does or fails to do is waited for here. [`Taker::take`] reads a notepad and sets one bit of one word: no lock, no
//! system call, and no loop but over what was overtaken meanwhile. Nor is anything believed: a ticket that is none, a picture of another size or
//! format, is refused and counted, and the last good picture stays.

use std::sync::Arc;
use std::time::Duration;

use ringpad::frames::{Picture, Refused};
use ringpad::notepad::Version;
use ringpad::os::{FrameUser, NotepadReader, OwnedPeer, OwnedView, Waiter};

use super::Failure;
use super::shared::{FRAMES, I420, NEWEST, Newest, checksum, picture_bytes};

/// How many tickets a take may find overtaken before it leaves the rest to the next.
const TRIES: u32 = 4;

/// A picture that stays as it is while it is held, whatever becomes of its decoder.
pub struct Held {
    pixels: Pixels,
    picture: Picture,
    checksum: u32,
    pub decoder: u32,
}

/// Where a picture is.
enum Pixels {
    /// Where the decoder put it.
    Lent(OwnedView),
    /// With the engine, out of reach of a decoder that is not trusted: so many bytes of it.
    Copied(Vec<u8>, usize),
}

impl Held {
    /// Which of the video's frames.
    pub fn sequence(&self) -> u64 {
        self.picture.sequence
    }

    /// Looks at each byte, as whoever draws it does. Whether they are those that the decoder published.
    pub fn is_whole(&self) -> bool {
        let (bytes, picture) = match &self.pixels {
            Pixels::Lent(view) => (view.bytes().unwrap_or_default(), view.picture()),
            Pixels::Copied(bytes, len) => (&bytes[..*len], self.picture),
        };
        checksum(crc32fast::hash(bytes), &picture) == self.checksum
    }
}

/// What became of one take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Took {
    /// There is a newer picture.
    New,
    /// There is none.
    Same,
    /// There was something that no good decoder says.
    Refused,
}

/// Takes pictures.
pub struct Taker {
    newest: NotepadReader<Newest>,
    frames: Arc<FrameUser>,
    /// The version of what was seen last.
    seen: Option<Version>,
    held: Option<Held>,
    /// Room for copies of pictures, made before the first tick; none if they are lent.
    spare: Vec<Vec<u8>>,
    /// Tickets whose frame was used again before it was looked at.
    pub stale: u64,
    /// For the engine that shows how not to do it.
    waiter: Option<Waiter>,
}

impl Taker {
    pub fn new(me: &OwnedPeer) -> Result<Self, Failure> {
        let frames = me.frame_user(FRAMES)?;
        // Not of zeros, whose pages would be fetched when they are first written to.
        let room = || vec![1; frames.frame_bytes() as usize];
        Ok(Self {
            spare: match me.segment().is_distrusted() {
                true => vec![room(), room()],
                false => Vec::new(),
            },
            newest: me.notepad_reader(NEWEST)?,
            frames: Arc::new(frames),
            seen: None,
            held: None,
            stale: 0,
            waiter: None,
        })
    }

    /// From now on each take waits for a newer picture: what an engine must not do.
    pub fn waits(&mut self, me: &OwnedPeer) -> Result<(), Failure> {
        self.waiter = Some(me.waiter()?);
        Ok(())
    }

    /// The picture to draw.
    pub fn held(&self) -> Option<&Held> {
        self.held.as_ref()
    }

    /// Takes the newest picture, if it is newer than the one that is held.
    pub fn take(&mut self) -> Took {
        if let Some(waiter) = &mut self.waiter {
            let (newest, seen) = (&self.newest, self.seen);
            let second = Some(Duration::from_secs(1));
            let changed = || newest.changed(seen).then_some(());
            let _ = waiter.wait(&[newest.bell()], second, changed); // without one it goes on
        }
        for _ in 0..TRIES {
            // Lapped, by a decoder that is much faster than any: the next tick finds another.
            let Ok(Some(note)) = self.newest.try_read() else {
                return Took::Same;
            };
            if self.seen == Some(note.version) {
                return Took::Same;
            }
            self.seen = Some(note.version);
            match self.frames.view_owned(note.value.ticket) {
                Ok(view) => return self.hold(view, &note.value),
                Err(Refused::Stale) => self.stale += 1, // then there is a newer one
                Err(Refused::AlreadyViewed) => return Took::Same,
                Err(_) => return Took::Refused,
            }
        }
        Took::Same
    }

    fn hold(&mut self, view: OwnedView, newest: &Newest) -> Took {
        let picture = view.picture();
        let Picture { width, height, .. } = picture;
        let len = u64::from(view.len());
        if picture.format != I420 || picture.stride != width || picture_bytes(width, height) != len
        {
            return Took::Refused;
        }
        let mut held = Held {
            pixels: Pixels::Lent(view),
            picture,
            checksum: newest.checksum,
            decoder: newest.decoder,
        };
        if let (Pixels::Lent(view), Some(mut copy)) = (&held.pixels, self.spare.pop()) {
            let len = view.copy_to(&mut copy).unwrap_or(0);
            held.pixels = Pixels::Copied(copy, len);
            // A copy does not change any more: what is whole now is so when it is drawn.
            if !held.is_whole() {
                self.reuse(held);
                return Took::Refused;
            }
        }
        // The view before is dropped here, and not earlier: there is always something to draw.
        if let Some(before) = self.held.replace(held) {
            self.reuse(before);
        }
        Took::New
    }

    fn reuse(&mut self, held: Held) {
        if let Pixels::Copied(room, _) = held.pixels {
            self.spare.push(room);
        }
    }
}
