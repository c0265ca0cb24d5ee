//! What lies in the segment of a run: names, numbers and layouts, for whoever joins it.
//!
//! ```text
//! pool     frame pool    the pictures: pixels alone, in planes, without padding; what is said of each is its `Picture`
//! tickets  mailslot      a notice a frame, for lossy viewers, however many: view the ticket's frame, or be told it is stale
//! record   ring          the same notices for the recorder, receiver 0 of the pool; only of a run that is recorded
//! view-N   ring          the same notices for lossless viewer N, receiver N + 1 of the pool; none of a lossy run
//! film     notepad       which film this is, and whether it goes on; written when a producer begins and when one ends
//! sent     notepad       how many frames of the film were sent to everybody: where a killed producer's successor goes on
//! ```
//! A viewer may be another build of the program, so nothing is taken on trust: the pool knows forged and late tickets, [`Film`] is decoded with
//! checks, and a notice carries a checksum of the pixels and of the `Picture` beside them.

use std::fmt;

use ringpad::frames::{FourCc, Picture, Ticket};

pub use super::films::{Film, State};
use super::y4m::{Chroma, Header};

/// The frame pool.
pub const POOL: &str = "pool";
/// The mailslot of [`Notice`]s as [`Words`], for lossy viewers.
pub const TICKETS: &str = "tickets";
/// The recorder's ring of [`Words`].
pub const RECORD: &str = "record";
/// The notepad of bytes that is a [`Film`].
pub const FILM: &str = "film";
/// The notepad of [`Sent`].
pub const SENT: &str = "sent";
/// Most bytes of a [`Film`].
pub const FILM_BYTES: u32 = 1280;
/// Which receiver of the pool the recorder is.
pub const RECORDER: u32 = 0;

/// The ring of a lossless viewer.
pub fn viewer_ring(viewer: u32) -> String {
    format!("view-{viewer}")
}

/// Which receiver of the pool a lossless viewer is.
pub fn viewer_receiver(viewer: u32) -> u32 {
    RECORDER + 1 + viewer
}

/// A [`Notice`] as it travels.
pub type Words = [u32; 6];

/// That a frame is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Notice {
    /// The frame.
    pub ticket: Ticket,
    /// [`checksum`] of its pixels and its `Picture`.
    pub checksum: u32,
    /// Which film it belongs to: sequences count from 0 in each.
    pub film: u32,
    /// Which producer sent it. Between two of one film the last frame of the first may come again.
    pub life: u32,
}

impl Notice {
    /// As it travels.
    pub fn to_words(self) -> Words {
        let Ticket {
            index,
            generation,
            len,
        } = self.ticket;
        [index, generation, len, self.checksum, self.film, self.life]
    }

    /// As it was sent. Whether it is worth a frame is for the pool to say.
    pub fn from_words([index, generation, len, checksum, film, life]: Words) -> Self {
        Self {
            ticket: Ticket {
                index,
                generation,
                len,
            },
            checksum,
            film,
            life,
        }
    }
}

/// How many frames of which film were sent to everybody: `[film, frames]`.
pub type Sent = [u64; 2];

/// What is said of frame `sequence` of a film; the time is the sender's to set.
pub fn picture_of(video: &Header, sequence: u64) -> Picture {
    Picture {
        width: video.width,
        height: video.height,
        stride: video.width,
        format: format(video.chroma),
        timestamp_ns: 0,
        sequence,
    }
}

/// Whether a frame of so many bytes holds what its film says.
pub fn check_picture(picture: &Picture, len: u32, video: &Header) -> Result<(), Mismatch> {
    let said = picture_of(video, picture.sequence);
    let pairs = [
        ("the width", picture.width, said.width),
        ("the height", picture.height, said.height),
        ("the stride", picture.stride, said.stride),
        ("the length", len, video.frame_bytes() as u32),
    ];
    for (what, found, wanted) in pairs {
        if found != wanted {
            return Err(wrong(what, found, wanted));
        }
    }
    if picture.format != said.format {
        return Err(wrong("the format", picture.format, said.format));
    }
    Ok(())
}

/// CRC-32 of the pixels and then of what is said of them.
pub fn checksum(pixels: &[u8], picture: &Picture) -> u32 {
    Summed::of(pixels).with(picture)
}

/// The pixels' part of [`checksum`], for whoever sets the time after it.
#[derive(Clone, Debug)]
pub struct Summed(crc32fast::Hasher);

impl Summed {
    /// Of these pixels.
    pub fn of(pixels: &[u8]) -> Self {
        let mut hasher = crc32fast::Hasher::new();
        hasher.update(pixels);
        Self(hasher)
    }

    /// The whole checksum.
    pub fn with(mut self, picture: &Picture) -> u32 {
        let Picture {
            width,
            height,
            stride,
            format: FourCc(format),
            timestamp_ns,
            sequence,
        } = picture;
        for word in [width, height, stride] {
            self.0.update(&word.to_le_bytes());
        }
        self.0.update(format);
        for word in [timestamp_ns, sequence] {
            self.0.update(&word.to_le_bytes());
        }
        self.0.finalize()
    }
}

/// `CLOCK_MONOTONIC` in nanoseconds, a picture's time: one clock for all processes of a machine.
pub fn monotonic_ns() -> u64 {
    ringpad::os::now_ns()
}

/// What pixels are called: planes one after the other.
pub fn format(chroma: Chroma) -> FourCc {
    FourCc(match chroma {
        Chroma::Mono => *b"Y800",
        Chroma::C420 => *b"I420",
        Chroma::C422 => *b"I422",
        Chroma::C444 => *b"I444",
    })
}

/// What was not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// What was looked at.
    pub what: &'static str,
    /// What it was.
    pub found: String,
    /// What it should have been.
    pub wanted: String,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            what,
            found,
            wanted,
        } = self;
        write!(f, "{what} is {found}, wanted {wanted}")
    }
}

impl std::error::Error for Mismatch {}

/// Names what was found and what was wanted.
pub fn wrong(what: &'static str, found: impl fmt::Display, wanted: impl fmt::Display) -> Mismatch {
    Mismatch {
        what,
        found: found.to_string(),
        wanted: wanted.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notices_come_back_as_they_went() {
        let words = [1, 2, 3, 4, 5, 6];
        assert_eq!(Notice::from_words(words).to_words(), words);
    }

    #[test]
    fn every_flipped_bit_of_a_picture_is_noticed() {
        let video = Header::new(16, 16, (60, 1), Chroma::C420).unwrap();
        let mut picture = picture_of(&video, 3);
        picture.timestamp_ns = monotonic_ns();
        let pixels = vec![7; video.frame_bytes()];
        let good = checksum(&pixels, &picture);
        assert_eq!(good, Summed::of(&pixels).with(&picture));
        check_picture(&picture, pixels.len() as u32, &video).unwrap();
        for bit in 0..8 * pixels.len() {
            let mut bad = pixels.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert_ne!(checksum(&bad, &picture), good);
        }
        for (number, change) in [
            (|p: &mut Picture| p.width ^= 1) as fn(&mut Picture),
            |p| p.height ^= 1,
            |p| p.stride ^= 1,
            |p| p.format.0[3] ^= 1,
            |p| p.timestamp_ns ^= 1,
            |p| p.sequence ^= 1,
        ]
        .iter()
        .enumerate()
        {
            let mut bad = picture;
            change(&mut bad);
            assert_ne!(checksum(&pixels, &bad), good);
            let checked = check_picture(&bad, pixels.len() as u32, &video);
            assert_eq!(checked.is_err(), number < 4, "{number}");
        }
        assert!(check_picture(&picture, 383, &video).is_err());
    }

    #[test]
    fn time_does_not_run_backwards() {
        let before = monotonic_ns();
        assert!(before > 0 && monotonic_ns() >= before);
    }
}
