//! YUV4MPEG2 ("y4m"), the plainest of video files: what `ffmpeg -f yuv4mpegpipe` writes.
//!
//! A stream is one header line, then for each frame a line `FRAME` and the raw planes. [`Reader`]
//! puts each picture straight into memory of the caller's, so that it can be a grant in a shared
//! ring: it keeps no buffer of its own and never reads a byte past what it has used. (The shortest
//! frame line is six bytes, so those are read at once; only parameters go byte by byte.)
//!
//! Eight-bit 4:2:0, 4:2:2, 4:4:4 and mono are read. Where the chroma samples of 4:2:0 lie (jpeg,
//! mpeg2, paldv) is not kept: the bytes are the same. Nothing here panics, whatever the input.
//! The room needs `std` alone, so that tests and fuzz targets can include it by `#[path]`.
#![allow(dead_code, reason = "each program that includes this file uses a part")]

mod header;

use std::fmt;
use std::io::{self, Read, Write};

use header::SUPPORTED;
pub use header::{Chroma, Header};

/// The longest header line read, its newline included.
const MAX_HEADER_LINE: usize = 1024;
/// The longest `FRAME` line read, its newline included.
const MAX_FRAME_LINE: usize = 256;
const MAGIC: &[u8] = b"YUV4MPEG2";

/// Why a stream could not be read or written. Frames count from 0.
#[derive(Debug)]
pub enum Error {
    /// Reading or writing failed.
    Io(io::Error),
    /// The header line is not one: how so.
    Header(String),
    /// A way of sampling that is not read here.
    Chroma(String),
    /// Where a frame's `FRAME` line should be there is something else.
    FrameLine(u64, String),
    /// The input ends within a picture.
    #[rustfmt::skip]
    Truncated { /** The frame. */ frame: u64, /** Bytes there. */ found: usize, /** Its bytes. */ wanted: usize },
    /// The caller's memory (or picture) is not of a frame's size.
    #[rustfmt::skip]
    Buffer { /** Bytes given. */ found: usize, /** A frame's bytes. */ wanted: usize },
    /// An earlier call failed, so that the place in the stream is lost.
    Spent,
}

impl fmt::Display for Error {
    #[rustfmt::skip]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(e) => write!(f, "y4m input or output: {e}"),
            Self::Header(how) => write!(f, "y4m header: {how}"),
            Self::Chroma(c) => write!(f, "y4m header: colour format \"{c}\" is not supported (supported: {SUPPORTED})"),
            Self::FrameLine(frame, found) => write!(f, "frame {frame} (from 0) should start with a FRAME line, found \"{found}\""),
            Self::Truncated { frame, found, wanted } => write!(f, "frame {frame} (from 0) is cut short: {found} of {wanted} bytes"),
            Self::Buffer { found, wanted } => write!(f, "a frame takes {wanted} bytes, {found} given"),
            Self::Spent => write!(f, "the y4m stream failed before"),
        }
    }
}

impl std::error::Error for Error {}

impl From<io::Error> for Error {
    fn from(e: io::Error) -> Self {
        Self::Io(e)
    }
}

/// Reads frames one after the other from `R`, which needs no buffering of its own.
#[derive(Debug)]
pub struct Reader<R> {
    input: R,
    header: Header,
    line: Vec<u8>,
    with_parameters: u64,
    frames: u64,
    end: End,
}

#[derive(Clone, Copy, Debug)]
enum End {
    NotYet,
    Clean,
    Failed,
}

impl<R: Read> Reader<R> {
    /// Reads the header line and nothing after it.
    pub fn open(mut input: R) -> Result<Self, Error> {
        let mut line = [0; MAX_HEADER_LINE];
        let first = MAGIC.len() + 1;
        let found = fill(&mut input, &mut line[..first])?;
        let start = &line[..found];
        let how = match start {
            [] => "the input is empty, wanted YUV4MPEG2".to_owned(),
            b"YUV4MPEG2 " | b"YUV4MPEG2\n" => match finish_line(&mut input, &mut line, found)? {
                Ok(end) => return Self::with(input, line.get(..end).unwrap_or(&[]), first),
                Err(MAX_HEADER_LINE) => format!("it is longer than {MAX_HEADER_LINE} bytes"),
                Err(found) => format!("the input ends after {found} bytes of it"),
            },
            _ if MAGIC.starts_with(start) => format!("the input ends after {found} bytes of it"),
            _ => format!("the input starts \"{}\", wanted YUV4MPEG2", shown(start)),
        };
        Err(Error::Header(how))
    }

    fn with(input: R, line: &[u8], parameters: usize) -> Result<Self, Error> {
        let header = Header::parse(line.get(parameters..).unwrap_or(&[]))?;
        let (frames, end) = (0, End::NotYet);
        Ok(Self {
            input,
            header,
            line: line.to_vec(),
            with_parameters: 0,
            frames,
            end,
        })
    }

    /// What the header line said.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The header line word for word, without the newline.
    pub fn line(&self) -> &[u8] {
        &self.line
    }

    /// Of the frames read so far, how many had parameters of their own, which are not kept.
    pub fn with_parameters(&self) -> u64 {
        self.with_parameters
    }

    /// The frames read so far.
    pub fn frames(&self) -> u64 {
        self.frames
    }

    /// Gives the input back, at the byte after the last one used.
    pub fn into_inner(self) -> R {
        self.input
    }

    /// Reads the next picture into `into`, which has [`Header::frame_bytes`] bytes; `false` at the
    /// stream's end. After an error `into` may hold a part of a picture.
    pub fn read_frame(&mut self, into: &mut [u8]) -> Result<bool, Error> {
        let (found, wanted) = (into.len(), self.header.frame_bytes());
        if found != wanted {
            return Err(Error::Buffer { found, wanted });
        }
        match self.end {
            End::NotYet => {}
            End::Clean => return Ok(false),
            End::Failed => return Err(Error::Spent),
        }
        let frame = self.frames;
        self.end = End::Failed; // until this frame is whole
        if !self.frame_line(frame)? {
            self.end = End::Clean;
            return Ok(false);
        }
        let found = fill(&mut self.input, into)?;
        if found < wanted {
            return Err(Error::Truncated {
                frame,
                found,
                wanted,
            });
        }
        self.end = End::NotYet;
        self.frames += 1;
        Ok(true)
    }

    fn frame_line(&mut self, frame: u64) -> Result<bool, Error> {
        let mut line = [0; MAX_FRAME_LINE];
        let found = fill(&mut self.input, &mut line[..6])?;
        match &line[..found] {
            [] => return Ok(false),
            b"FRAME\n" => return Ok(true),
            b"FRAME " => {}
            other => {
                return Err(Error::FrameLine(frame, shown(other)));
            }
        }
        match finish_line(&mut self.input, &mut line, found)? {
            Ok(_) => {
                // A frame's own parameters change nothing in its bytes.
                self.with_parameters += 1;
                Ok(true)
            }
            Err(found) => Err(Error::FrameLine(frame, shown(&line[..found]))),
        }
    }
}

/// Writes the header line.
pub fn write_header<W: Write>(mut to: W, header: &Header) -> Result<(), Error> {
    Ok(writeln!(to, "{header}")?)
}

/// Writes one frame; `picture` has [`Header::frame_bytes`] bytes.
pub fn write_frame<W: Write>(mut to: W, header: &Header, picture: &[u8]) -> Result<(), Error> {
    let (found, wanted) = (picture.len(), header.frame_bytes());
    if found != wanted {
        return Err(Error::Buffer { found, wanted });
    }
    to.write_all(b"FRAME\n")?;
    Ok(to.write_all(picture)?)
}

/// Reads until `into` is full or the input ends; how many bytes there were.
fn fill<R: Read>(input: &mut R, into: &mut [u8]) -> io::Result<usize> {
    let mut found = 0;
    while let Some(rest) = into.get_mut(found..).filter(|r| !r.is_empty()) {
        match input.read(rest) {
            Ok(0) => break,
            Ok(n) => found += n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(found.min(into.len()))
}

/// Reads on to a newline, byte by byte: where it stands, or how many bytes there are without one.
fn finish_line<R: Read>(
    input: &mut R,
    line: &mut [u8],
    mut found: usize,
) -> io::Result<Result<usize, usize>> {
    loop {
        match line[..found].last() {
            Some(b'\n') => return Ok(Ok(found - 1)),
            _ if found == line.len() => return Ok(Err(found)),
            _ => {}
        }
        match fill(input, &mut line[found..=found])? {
            0 => return Ok(Err(found)),
            _ => found += 1,
        }
    }
}

/// Input as it may stand in a message: short, and with nothing a terminal would act on.
fn shown(text: &[u8]) -> String {
    let (head, dots) = text
        .split_at_checked(32)
        .map_or((text, ""), |(head, _)| (head, "..."));
    format!("{}{dots}", head.escape_ascii())
}

#[cfg(test)]
mod tests;
