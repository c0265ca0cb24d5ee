//! What a stream's header line says, and so how large its pictures are.

use std::fmt;

use super::{Error, shown};

/// The widest and highest picture.
const MAX_SIDE: u32 = 16384;
/// The largest frame, in bytes.
const MAX_FRAME_BYTES: u64 = 256 << 20;

/// The names that [`Chroma`] goes by.
pub(super) const SUPPORTED: &str = "420, 420jpeg, 420mpeg2, 420paldv, 422, 444, mono";

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

    /// Reads the line's parameters: what follows the magic, without the newline.
    pub(super) fn parse(line: &[u8]) -> Result<Self, Error> {
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

/// The line as it is written, without the newline.
impl fmt::Display for Header {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (width, height, (num, den)) = (self.width, self.height, self.fps);
        write!(
            f,
            "YUV4MPEG2 W{width} H{height} F{num}:{den} I{}",
            self.interlace
        )?;
        if let Some((x, y)) = self.aspect {
            write!(f, " A{x}:{y}")?;
        }
        write!(f, " C{}", self.chroma.name())
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
