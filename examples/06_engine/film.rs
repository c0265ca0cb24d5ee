//! Where the decoder's pictures come from: the clip on its standard input, or a y4m file.

use std::fs::File;
use std::io::{self, Seek};
use std::path::Path;

use ringpad::frames::Picture;

use super::Failure;
use super::clip::Clip;
use super::shared::{I420, picture_bytes};
use super::system::{self, FileExt};
use super::y4m::{Chroma, Reader};

/// What stands before each picture of a y4m file, if nothing special is to be said.
const FRAME_LINE: [u8; 6] = *b"FRAME\n";

/// A video that repeats itself.
pub struct Film {
    width: u32,
    height: u32,
    /// Frames in so many seconds.
    fps: (u32, u32),
    from: From,
}

enum From {
    Clip(Clip),
    Y4m { file: File, start: u64, frames: u64 },
}

impl Film {
    /// Opens the file, or else the clip.
    pub fn open(input: Option<&Path>) -> Result<Self, Failure> {
        match input {
            Some(path) => {
                let named = |why: String| Failure(format!("{}: {why}", path.display()));
                let file = File::open(path).map_err(|error| named(error.to_string()))?;
                Self::y4m(file).map_err(named)
            }
            None => {
                let no_clip = |why: String| Failure(format!("no clip on standard input: {why}"));
                Self::clip().map_err(no_clip)
            }
        }
    }

    fn clip() -> Result<Self, String> {
        let input = system::input();
        let read = |file: &File| {
            let mut bytes = vec![0; file.metadata()?.len() as usize];
            // From its beginning: the engine's decoders share one place in the file.
            file.read_exact_at(&mut bytes, 0).map(|()| bytes)
        };
        let bytes = input.and_then(|input| read(&input));
        let bytes = bytes.map_err(|error| error.to_string())?;
        let clip = Clip::parse(&bytes).ok_or("not what the engine gives its decoder")?;
        Ok(Self {
            width: clip.width,
            height: clip.height,
            fps: (clip.fps, 1),
            from: From::Clip(clip),
        })
    }

    fn y4m(mut file: File) -> Result<Self, String> {
        let told = |error: io::Error| error.to_string();
        let reader = Reader::open(&file).map_err(|error| error.to_string())?;
        let header = *reader.header();
        if header.chroma != Chroma::C420 {
            let found = header.chroma.name();
            return Err(format!("colour format {found}; wanted 420"));
        }
        // The reader has read the header and not one byte more.
        let start = file.stream_position().map_err(told)?;
        let len = file.metadata().map_err(told)?.len();
        let each = FRAME_LINE.len() as u64 + header.frame_bytes() as u64;
        let frames = len.saturating_sub(start) / each;
        if frames == 0 {
            return Err("it has no whole frame".into());
        }
        Ok(Self {
            width: header.width,
            height: header.height,
            fps: header.fps,
            from: From::Y4m {
                file,
                start,
                frames,
            },
        })
    }

    /// Bytes of each picture.
    pub fn bytes(&self) -> u64 {
        picture_bytes(self.width, self.height)
    }

    /// Columns and rows.
    pub fn size(&self) -> (u32, u32) {
        (self.width, self.height)
    }

    /// When a frame is to be shown, in nanoseconds after the first.
    pub fn time_of(&self, number: u64) -> u64 {
        let ns = u128::from(number) * u128::from(self.fps.1) * 1_000_000_000;
        u64::try_from(ns / u128::from(self.fps.0)).unwrap_or(u64::MAX)
    }

    /// What there is to say of a frame.
    pub fn picture(&self, number: u64) -> Picture {
        Picture {
            width: self.width,
            height: self.height,
            stride: self.width,
            format: I420,
            timestamp_ns: self.time_of(number),
            sequence: number,
        }
    }

    /// Decodes a frame in place, with the help of the one `before` if that is at hand. Answers its checksum.
    pub fn decode(
        &self,
        number: u64,
        before: Option<(u64, &[u8])>,
        into: &mut [u8],
    ) -> Result<u32, Failure> {
        match &self.from {
            From::Clip(clip) => {
                let broken = || Failure(format!("frame {number} of the clip is broken"));
                clip.decode(number, before, into).ok_or_else(broken)
            }
            From::Y4m {
                file,
                start,
                frames,
            } => {
                let index = number % frames;
                let at = start + index * (FRAME_LINE.len() + into.len()) as u64;
                let mut line = [0; FRAME_LINE.len()];
                file.read_exact_at(&mut line, at)?;
                if line != FRAME_LINE {
                    let why = "wanted a FRAME line without parameters before it";
                    return Err(Failure(format!("frame {index} of the input: {why}")));
                }
                file.read_exact_at(into, at + FRAME_LINE.len() as u64)?;
                Ok(crc32fast::hash(into))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn file(text: &[u8]) -> File {
        let mut file = system::memory_file().unwrap();
        file.write_all(text).unwrap();
        file.rewind().unwrap();
        file
    }

    #[test]
    fn y4m_frames_are_found_and_repeat() {
        let film = Film::y4m(file(
            b"YUV4MPEG2 W2 H2 F30000:1001\nFRAME\nabcdefFRAME\nghijklFRAME\ncut",
        ));
        let film = film.unwrap();
        assert_eq!((film.bytes(), film.size()), (6, (2, 2)));
        assert_eq!(film.time_of(30000), 1_001_000_000_000);
        assert_eq!(film.picture(3).sequence, 3);
        let mut picture = [0; 6];
        for (number, want) in [
            (0, b"abcdef"),
            (1, b"ghijkl"),
            (2, b"abcdef"),
            (7, b"ghijkl"),
        ] {
            let sum = film.decode(number, None, &mut picture).unwrap();
            assert_eq!((&picture, sum), (want, crc32fast::hash(want)));
        }
    }

    #[test]
    fn what_cannot_be_played_is_named() {
        for (text, why) in [
            (&b""[..], "empty"),
            (b"YUV4MPEG2 W2 H2\nFRAME\nabc", "no whole frame"),
            (b"YUV4MPEG2 W2 H2 C444\n", "colour format 444; wanted 420"),
        ] {
            let said = Film::y4m(file(text)).err().unwrap();
            assert!(said.contains(why), "{said}");
        }
        let film = Film::y4m(file(b"YUV4MPEG2 W2 H2\nFRAME Ip\nabcdef")).unwrap();
        let said = film.decode(0, None, &mut [0; 6]).unwrap_err().0;
        assert!(said.contains("FRAME line"), "{said}");
        let said = Film::open(Some(Path::new("no/such.y4m"))).err().unwrap().0;
        assert!(said.contains("no/such.y4m: "), "{said}");
    }
}
