//! The 64 bytes that stand before each picture in a ring's record.
//!
//! A viewer may be another build of the program, and a record may be the last thing a producer
//! wrote before it was killed, so nothing is taken on trust: the bytes are laid down at fixed
//! places in little-endian order, carry a checksum of their own beside the picture's, and
//! [`FrameHeader::decode`] names what it found and what it wanted.
//!
//! ```text
//!  0 magic          4 kind (flags)    8 sequence (8 bytes)     16 committed_at_ns (8 bytes)
//! 24 checksum      28 picture_bytes  32 width   36 height      40 fps numerator  44 denominator
//! 48 chroma        52 nought (8 bytes)                         60 checksum of bytes 0 to 59
//! ```

use std::fmt;

use super::y4m::{Chroma, Header};

/// The bytes of a header; the picture starts after them.
pub const HEADER_BYTES: usize = 64;

/// "fsh" and the layout's number.
const MAGIC: u32 = u32::from_le_bytes(*b"fsh1");

const LAST: u32 = 1;
const BECAUSE_FAILED: u32 = 2;

/// What a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A picture follows the header.
    Picture,
    /// The stream ends here as it should; no picture.
    End,
    /// The producer could not go on (its input is broken, say); no picture.
    Failed,
}

impl Kind {
    fn flags(self) -> u32 {
        match self {
            Self::Picture => 0,
            Self::End => LAST,
            Self::Failed => LAST | BECAUSE_FAILED,
        }
    }
}

/// What stands before a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameHeader {
    /// Counts records from 0 without gaps, so that a lost one shows.
    pub sequence: u64,
    /// [`monotonic_ns`] just before the record was committed.
    pub committed_at_ns: u64,
    /// [`checksum`] of the picture.
    pub checksum: u32,
    /// Bytes of picture that follow: those `video` asks for, none in a last record.
    pub picture_bytes: u32,
    /// Size, rate and sampling. Interlacing and pixel shape do not travel.
    pub video: Header,
    /// Picture or end.
    pub kind: Kind,
}

/// Why 64 bytes are no header.
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
        write!(f, "frame header: {what} is {found}, wanted {wanted}")
    }
}

impl std::error::Error for Mismatch {}

impl FrameHeader {
    /// The header of `picture`, a frame of `video`. Set `committed_at_ns` last, then encode.
    pub fn of_picture(sequence: u64, video: &Header, picture: &[u8]) -> Self {
        let picture_bytes = u32::try_from(picture.len()).unwrap_or(u32::MAX);
        let (kind, checksum) = (Kind::Picture, checksum(picture));
        Self {
            sequence,
            committed_at_ns: 0,
            checksum,
            picture_bytes,
            video: plain(video),
            kind,
        }
    }

    /// The header of a stream's last record; its time, too, is the caller's to set.
    pub fn of_end(sequence: u64, video: &Header, failed: bool) -> Self {
        let kind = if failed { Kind::Failed } else { Kind::End };
        let (committed_at_ns, checksum, picture_bytes) = (0, checksum(&[]), 0);
        Self {
            sequence,
            committed_at_ns,
            checksum,
            picture_bytes,
            video: plain(video),
            kind,
        }
    }

    /// The header's bytes.
    pub fn encode(&self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        let mut put = |at: usize, value: &[u8]| bytes[at..at + value.len()].copy_from_slice(value);
        put(8, &self.sequence.to_le_bytes());
        put(16, &self.committed_at_ns.to_le_bytes());
        let Header {
            width,
            height,
            fps,
            chroma,
            ..
        } = &self.video;
        let words = [
            (0, MAGIC),
            (4, self.kind.flags()),
            (24, self.checksum),
            (28, self.picture_bytes),
            (32, *width),
            (36, *height),
            (40, fps.0),
            (44, fps.1),
            (48, code(*chroma)),
        ];
        words
            .iter()
            .for_each(|&(at, word)| put(at, &word.to_le_bytes()));
        let own = checksum(&bytes[..60]);
        bytes[60..].copy_from_slice(&own.to_le_bytes());
        bytes
    }

    /// Reads the header at the start of a record and checks all of it.
    pub fn decode(record: &[u8]) -> Result<Self, Mismatch> {
        let Some(bytes) = record.first_chunk::<HEADER_BYTES>() else {
            return Err(wrong("the record's length", record.len(), "64 or more"));
        };
        let word = |at: usize| {
            u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
        };
        let long = |at: usize| u64::from(word(at)) | u64::from(word(at + 4)) << 32;
        expect("the magic number", word(0).into(), MAGIC.into())?;
        expect(
            "the header's checksum",
            word(60).into(),
            checksum(&bytes[..60]).into(),
        )?;
        expect("the unused part", long(52), 0)?;
        let kinds = [Kind::Picture, Kind::End, Kind::Failed];
        let kind = kinds.into_iter().find(|k| k.flags() == word(4));
        let kind = kind.ok_or_else(|| wrong("flags", word(4), "0, 1 or 3"))?;
        let chroma = CODES.into_iter().find(|&c| code(c) == word(48));
        let chroma = chroma.ok_or_else(|| wrong("chroma", word(48), "400, 420, 422 or 444"))?;
        let (width, height, fps) = (word(32), word(36), (word(40), word(44)));
        let video = Header::new(width, height, fps, chroma).map_err(|e| {
            let found = format!("{width}x{height} at {}/{}", fps.0, fps.1);
            wrong("the video", found, format!("less odd: {e}"))
        })?;
        let bytes = if kind == Kind::Picture {
            video.frame_bytes()
        } else {
            0
        };
        if u64::from(word(28)) != bytes as u64 {
            return Err(wrong("picture_bytes", word(28), bytes));
        }
        let (sequence, committed_at_ns) = (long(8), long(16));
        Ok(Self {
            sequence,
            committed_at_ns,
            checksum: word(24),
            picture_bytes: word(28),
            video,
            kind,
        })
    }

    /// Whether `picture` is whole: its length and its checksum are those the header names.
    pub fn matches(&self, picture: &[u8]) -> bool {
        picture.len() as u64 == u64::from(self.picture_bytes) && checksum(picture) == self.checksum
    }
}

/// CRC-32 of `bytes`.
pub fn checksum(bytes: &[u8]) -> u32 {
    crc32fast::hash(bytes)
}

/// `CLOCK_MONOTONIC` in nanoseconds: one clock for all processes of a machine.
pub fn monotonic_ns() -> u64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}

const CODES: [Chroma; 4] = [Chroma::C420, Chroma::C422, Chroma::C444, Chroma::Mono];

fn code(chroma: Chroma) -> u32 {
    match chroma {
        Chroma::Mono => 400,
        Chroma::C420 => 420,
        Chroma::C422 => 422,
        Chroma::C444 => 444,
    }
}

/// `video` without what does not travel.
fn plain(video: &Header) -> Header {
    Header {
        interlace: 'p',
        aspect: None,
        ..*video
    }
}

fn expect(what: &'static str, found: u64, wanted: u64) -> Result<(), Mismatch> {
    if found == wanted {
        Ok(())
    } else {
        Err(wrong(what, format!("{found:#x}"), format!("{wanted:#x}")))
    }
}

fn wrong(what: &'static str, found: impl fmt::Display, wanted: impl fmt::Display) -> Mismatch {
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
    fn headers_come_back_as_they_went() {
        for chroma in CODES {
            let video = Header::new(31, 17, (30000, 1001), chroma).unwrap();
            let picture = vec![7; video.frame_bytes()];
            let mut header = FrameHeader::of_picture(u64::MAX - 1, &video, &picture);
            header.committed_at_ns = monotonic_ns();
            let record = [&header.encode()[..], &picture].concat();
            let got = FrameHeader::decode(&record).unwrap();
            assert_eq!(got, header);
            assert!(got.matches(&picture) && !got.matches(&picture[1..]));
            for failed in [false, true] {
                let last = FrameHeader::of_end(5, &video, failed);
                let got = FrameHeader::decode(&last.encode()).unwrap();
                assert_eq!(got, last);
                assert!(got.matches(&[]) && (got.kind == Kind::Failed) == failed);
            }
        }
    }

    #[test]
    fn every_flipped_bit_is_noticed() {
        let video = Header::new(16, 16, (60, 1), Chroma::C420).unwrap();
        let good = FrameHeader::of_picture(3, &video, &[0; 384]).encode();
        for bit in 0..8 * HEADER_BYTES {
            let mut bad = good;
            bad[bit / 8] ^= 1 << (bit % 8);
            FrameHeader::decode(&bad).unwrap_err();
        }
        let short = FrameHeader::decode(&good[..63]).unwrap_err().to_string();
        assert_eq!(
            short,
            "frame header: the record's length is 63, wanted 64 or more"
        );
    }

    #[test]
    fn a_header_that_lies_consistently_is_refused() {
        let video = Header::new(16, 16, (60, 1), Chroma::C420).unwrap();
        let said = |at: usize, value: u32| {
            let mut bytes = FrameHeader::of_picture(3, &video, &[0; 384]).encode();
            bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
            let own = checksum(&bytes[..60]);
            bytes[60..].copy_from_slice(&own.to_le_bytes());
            FrameHeader::decode(&bytes).unwrap_err().to_string()
        };
        assert!(said(0, 1).contains("the magic number is 0x1,"));
        assert!(said(4, 2).contains("flags is 2, wanted 0, 1 or 3"));
        assert!(said(28, 385).contains("picture_bytes is 385, wanted 384"));
        assert!(said(32, u32::MAX).contains("out of range"));
        assert!(said(44, 0).contains("rate"));
        assert!(said(48, 411).contains("chroma is 411"));
        assert!(said(56, 9).contains("unused"));
    }

    #[test]
    fn time_does_not_run_backwards() {
        let before = monotonic_ns();
        assert!(before > 0 && monotonic_ns() >= before);
    }
}
