//! YUV4MPEG2 ("y4m"), the plainest of video files: what `ffmpeg -f yuv4mpegpipe` writes.
//!
//! A stream is one header line, then for each frame a line `FRAME` and the raw planes. [`Reader`]
//! puts each picture straight into memory of the caller's, so that it can be a grant in a shared
//! ring: it keeps no buffer of its own and never reads a byte past what it has used. (The shortest
//! frame line is six bytes, so those are read at once; only parameters go byte by byte.)
//!
//! Eight-bit 4:2:0, 4:2:2, 4:4:4 and mono are read. Where the chroma samples of 4:2:0 lie (jpeg,
//! mpeg2, paldv) is not kept: the bytes are the same. Nothing here panics, whatever the input.
//! The file needs `std` alone, so that tests and fuzz targets can include it by `#[path]`.
#![allow(dead_code, reason = "each program that includes this file uses a part")]

use std::fmt;
use std::io::{self, Read, Write};

/// The longest header line read, its newline included.
pub const MAX_HEADER_LINE: usize = 1024;
/// The longest `FRAME` line read, its newline included.
pub const MAX_FRAME_LINE: usize = 256;
/// The widest and highest picture.
pub const MAX_SIDE: u32 = 16384;
/// The largest frame, in bytes.
pub const MAX_FRAME_BYTES: u64 = 256 << 20;

const MAGIC: &[u8] = b"YUV4MPEG2";
const SUPPORTED: &str = "420, 420jpeg, 420mpeg2, 420paldv, 422, 444, mono";

/// How the colour planes are sampled; eight bits a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chroma {
    /// Half the columns and half the rows.
    C420,
    /// Half the columns.
    C422,
    /// Every sample.
    C444,
    /// No colour.
    Mono,
}

impl Chroma {
    fn parse(text: &[u8]) -> Result<Self, Error> {
        match text {
            b"420" | b"420jpeg" | b"420mpeg2" | b"420paldv" => Ok(Self::C420),
            b"422" => Ok(Self::C422),
            b"444" => Ok(Self::C444),
            b"mono" => Ok(Self::Mono),
            _ => Err(Error::Chroma(shown(text))),
        }
    }

    /// The name written after `C` in a header.
    pub fn name(self) -> &'static str {
        match self {
            Self::C420 => "420jpeg",
            Self::C422 => "422",
            Self::C444 => "444",
            Self::Mono => "mono",
        }
    }

    /// By how much columns and rows shrink in a colour plane; `None` where there is none.
    pub fn divisors(self) -> Option<(u32, u32)> {
        match self {
            Self::C420 => Some((2, 2)),
            Self::C422 => Some((2, 1)),
            Self::C444 => Some((1, 1)),
            Self::Mono => None,
        }
    }
}

/// What a stream's header line says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Columns of the luma plane.
    pub width: u32,
    /// Rows of the luma plane.
    pub height: u32,
    /// Frames per second, as a fraction; 25:1 where the stream does not say.
    pub fps: (u32, u32),
    /// How colour is sampled.
    pub chroma: Chroma,
    /// `p`rogressive, `t`op or `b`ottom field first, `m`ixed, or `?`.
    pub interlace: char,
    /// The shape of a pixel, where known.
    pub aspect: Option<(u32, u32)>,
}

impl Header {
    /// A progressive header with nothing said of the pixels' shape, checked against the limits.
    pub fn new(width: u32, height: u32, fps: (u32, u32), chroma: Chroma) -> Result<Self, Error> {
        let (interlace, aspect) = ('p', None);
        Self {
            width,
            height,
            fps,
            chroma,
            interlace,
            aspect,
        }
        .checked()
    }

    /// The size of one colour plane: odd sides round up; `(0, 0)` for mono.
    pub fn chroma_size(&self) -> (u32, u32) {
        let by = |(x, y)| (self.width.div_ceil(x), self.height.div_ceil(y));
        self.chroma.divisors().map_or((0, 0), by)
    }

    /// The bytes of the luma plane and of each of the two colour planes, which follow in order.
    pub fn plane_bytes(&self) -> [usize; 3] {
        let (w, h) = self.chroma_size();
        [area(self.width, self.height), area(w, h), area(w, h)]
            .map(|n| usize::try_from(n).unwrap_or(usize::MAX))
    }

    /// The bytes of one picture.
    pub fn frame_bytes(&self) -> usize {
        self.plane_bytes()
            .into_iter()
            .fold(0, usize::saturating_add)
    }

    fn checked(self) -> Result<Self, Error> {
        let Self {
            width, height, fps, ..
        } = &self;
        let (w, h) = self.chroma_size();
        let bytes = (area(w, h).saturating_mul(2)).saturating_add(area(*width, *height));
        let side = 1..=MAX_SIDE;
        if !side.contains(width) || !side.contains(height) || bytes > MAX_FRAME_BYTES {
            return Err(Error::Header(format!(
                "pictures of {width}x{height} ({bytes} bytes) are out of range: \
                 each side is 1 to {MAX_SIDE}, a frame at most {MAX_FRAME_BYTES} bytes"
            )));
        }
        if fps.0 == 0 || fps.1 == 0 {
            let how = format!("F is \"{}:{}\", wanted a rate above nought", fps.0, fps.1);
            return Err(Error::Header(how));
        }
        Ok(self)
    }

    fn parse(line: &[u8]) -> Result<Self, Error> {
        let (mut width, mut height, mut fps, mut aspect) = (None, None, None, None);
        let (mut chroma, mut interlace) = (None, None);
        for word in line.split(|&b| b == b' ') {
            let Some((&tag, value)) = word.split_first() else {
                continue;
            };
            let bad = |wanted: &str| {
                let (tag, value) = (char::from(tag), shown(value));
                Error::Header(format!("{tag} is \"{value}\", wanted {wanted}"))
            };
            let side = || number(value).ok_or_else(|| bad("a number"));
            let ratio = || ratio(value).ok_or_else(|| bad("two numbers such as 30:1"));
            let again = match (tag, value) {
                (b'W', _) => width.replace(side()?).is_some(),
                (b'H', _) => height.replace(side()?).is_some(),
                (b'F', _) => fps.replace(ratio()?).is_some(),
                (b'A', _) => aspect.replace(ratio()?).is_some(),
                (b'C', _) => chroma.replace(Chroma::parse(value)?).is_some(),
                (b'I', &[i @ (b'p' | b't' | b'b' | b'm' | b'?')]) => interlace.replace(i).is_some(),
                (b'I', _) => return Err(bad("one of p, t, b, m, ?")),
                _ => false, // X is free for anyone's use; other letters may come to mean something
            };
            if again {
                return Err(bad("one value only: it is given twice"));
            }
        }
        let lacks = |tag| Error::Header(format!("there is no {tag} parameter"));
        Self {
            width: width.ok_or_else(|| lacks('W'))?,
            height: height.ok_or_else(|| lacks('H'))?,
            fps: fps.filter(|&f| f != (0, 0)).unwrap_or((25, 1)),
            chroma: chroma.unwrap_or(Chroma::C420),
            interlace: char::from(interlace.unwrap_or(b'?')),
            aspect: aspect.filter(|&a| a != (0, 0)),
        }
        .checked()
    }
}

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
                Ok(end) => return Self::with(input, line.get(first..end).unwrap_or(&[])),
                Err(MAX_HEADER_LINE) => format!("it is longer than {MAX_HEADER_LINE} bytes"),
                Err(found) => format!("the input ends after {found} bytes of it"),
            },
            _ if MAGIC.starts_with(start) => format!("the input ends after {found} bytes of it"),
            _ => format!("the input starts \"{}\", wanted YUV4MPEG2", shown(start)),
        };
        Err(Error::Header(how))
    }

    fn with(input: R, line: &[u8]) -> Result<Self, Error> {
        let (header, frames, end) = (Header::parse(line)?, 0, End::NotYet);
        Ok(Self {
            input,
            header,
            frames,
            end,
        })
    }

    /// What the header line said.
    pub fn header(&self) -> &Header {
        &self.header
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
            Ok(_) => Ok(true), // a frame's own parameters change nothing in its bytes
            Err(found) => Err(Error::FrameLine(frame, shown(&line[..found]))),
        }
    }
}

/// Writes the header line.
pub fn write_header<W: Write>(mut to: W, header: &Header) -> Result<(), Error> {
    let Header {
        width,
        height,
        fps: (num, den),
        interlace,
        ..
    } = header;
    let aspect = header
        .aspect
        .map_or(String::new(), |(x, y)| format!(" A{x}:{y}"));
    let chroma = header.chroma.name();
    writeln!(
        to,
        "YUV4MPEG2 W{width} H{height} F{num}:{den} I{interlace}{aspect} C{chroma}"
    )?;
    Ok(())
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

fn area(width: u32, height: u32) -> u64 {
    u64::from(width).saturating_mul(u64::from(height))
}

fn number(text: &[u8]) -> Option<u32> {
    let text = std::str::from_utf8(text).ok()?;
    text.bytes()
        .all(|b| b.is_ascii_digit())
        .then(|| text.parse().ok())?
}

fn ratio(text: &[u8]) -> Option<(u32, u32)> {
    let colon = text.iter().position(|&b| b == b':')?;
    Some((number(text.get(..colon)?)?, number(text.get(colon + 1..)?)?))
}

/// Input as it may stand in a message: short, and with nothing a terminal would act on.
fn shown(text: &[u8]) -> String {
    let (head, dots) = text
        .split_at_checked(32)
        .map_or((text, ""), |(head, _)| (head, "..."));
    format!("{}{dots}", head.escape_ascii())
}

#[cfg(test)]
#[path = "y4m_tests.rs"]
mod tests;
