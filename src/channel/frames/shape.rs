//! Where the words and the bytes of a pool lie.

use core::mem::offset_of;
use core::sync::atomic::Ordering::Relaxed;

use super::pool::Pool;
use super::rules::{Config, SEATS};
use super::ticket::Picture;
use crate::channel::seats::Seats;
use crate::error::{Error, Field, Result};
use crate::memory::layout::{self, CACHE_LINE, Line, Spacing, round_up};
use crate::memory::liveness::Owner;
use crate::memory::region::{RegionRef, Shared};
use crate::memory::span::marks_bytes;
use crate::memory::sync::{Atomic, AtomicU32, AtomicU64, RawU32, Track};
use crate::segment::header::{Geometry, Header, HeaderLine};
use crate::segment::kind::Kind;

/// Where a pool's words lie. Never made: a descriptor for offsets.
#[repr(C)]
pub(crate) struct FramesShape {
    pub(crate) header: HeaderLine,
    pub(crate) control: Line<FramesControl>,
    pub(crate) next: Line<AtomicU32>,
    pub(crate) seats: Line<[Atomic<Owner>; SEATS as usize]>,
}

/// The rarely written words.
#[repr(C)]
pub(crate) struct FramesControl {
    pub(crate) begin: RawU32,
    pub(crate) waiters: AtomicU32,
}

/// One frame's words, and what is said of its picture.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct FrameShape {
    /// See [`Word`](super::word::Word).
    pub(crate) word: AtomicU64,
    /// See [`Reservation`](super::word::Reservation).
    pub(crate) reserved: AtomicU64,
    /// Who published it, if it is reserved for anybody.
    pub(crate) publisher: Atomic<Owner>,
    pub(crate) spare: [RawU32; 3],
    pub(crate) picture: [RawU32; 8],
    pub(crate) track: Track,
}

/// A frame's words and the line they fill.
pub(crate) type FrameLine = Line<FrameShape>;

// SAFETY: atomics and a mark, one beside the other; aligned to the line.
unsafe impl Shared for FrameLine {}

const CONTROL: usize = offset_of!(FramesShape, control);
const LINES: usize = size_of::<FramesShape>();

/// Where lines and frames lie.
struct Places {
    /// The first place where frames may begin: the next one that is aligned is where they do.
    first: usize,
    /// From one frame to the next.
    stride: usize,
    /// Bytes of all frames.
    frames: usize,
    /// Bytes of the whole pool.
    bytes: usize,
}

impl Places {
    fn of(config: &Config) -> Result<Self> {
        let (count, align) = (config.frames as usize, config.align as usize);
        let first = layout::block(LINES, count, size_of::<FrameLine>())?.size();
        let stride = round_up(config.frame_bytes as usize, align).ok_or(Error::TooLarge)?;
        let frames = count.checked_mul(stride).ok_or(Error::TooLarge)?;
        // A region is aligned to a line only: frames begin up to so much later.
        let fixed = first + (align - CACHE_LINE) + marks_bytes(frames, stride);
        Ok(Self {
            first,
            stride,
            frames,
            bytes: layout::block(fixed, 1, frames)?.size(),
        })
    }
}

/// The geometry of a pool of this configuration.
pub(super) fn geometry(config: &Config) -> Result<Geometry> {
    config.check()?;
    Ok(Geometry {
        kind: Kind::Frames,
        capacity: config.frames,
        element_bytes: config.frame_bytes,
        element_align: config.align,
        type_tag: config.type_tag,
        framing: config.receivers,
        spacing: Spacing::Lines,
        span_bytes: Places::of(config)?.bytes as u64,
    })
}

fn config(geometry: &Geometry) -> Config {
    Config {
        frames: geometry.capacity,
        frame_bytes: geometry.element_bytes,
        align: geometry.element_align,
        receivers: geometry.framing,
        type_tag: geometry.type_tag,
    }
}

/// Makes a pool over bytes that nobody else can reach; the header stays closed.
pub(super) fn init(region: RegionRef<'_>, geometry: &Geometry) -> Result<()> {
    let config = config(geometry);
    let places = Places::of(&config)?;
    let align = config.align as usize;
    let past = region.past(places.first, align);
    let begin = places.first + if past == 0 { 0 } else { align - past };
    let word = region.raw(CONTROL + offset_of!(FramesControl, begin))?;
    word.store(begin as u32, Relaxed);
    over(region, &config, &places, begin)?.init()
}

/// Attaches, and checks everything: frames have no type.
pub(crate) fn attach(region: RegionRef<'_>) -> Result<(Pool<'_>, Geometry)> {
    let geometry = Header::at(region)?.attach(Kind::Frames)?;
    let config = config(&geometry);
    let want = self::geometry(&config)?.span_bytes;
    Geometry::expect(Field::SpanBytes, want, geometry.span_bytes)?;
    let places = Places::of(&config)?;
    let begin = region.raw(CONTROL + offset_of!(FramesControl, begin))?;
    let begin = begin.load(Relaxed) as usize;
    let align = config.align as usize;
    let latest = places.first + (align - CACHE_LINE);
    if !(places.first..=latest).contains(&begin) {
        return Err(Error::Mismatch {
            field: Field::Offset,
            want: places.first as u64,
            found: begin as u64,
        });
    }
    // Who mapped the region elsewhere than its creator may not have its alignment.
    match region.past(begin, align) {
        0 => Ok((over(region, &config, &places, begin)?, geometry)),
        found => Err(Error::Misaligned { want: align, found }),
    }
}

fn over<'m>(
    region: RegionRef<'m>,
    config: &Config,
    places: &Places,
    begin: usize,
) -> Result<Pool<'m>> {
    Ok(Pool {
        region,
        frame_bytes: config.frame_bytes,
        stride: places.stride,
        receivers: config.receivers,
        seats: Seats::over(region, offset_of!(FramesShape, seats), SEATS)?,
        waiters: region.word(CONTROL + offset_of!(FramesControl, waiters))?,
        next: region.word(offset_of!(FramesShape, next))?,
        lines: region.table(LINES, config.frames as usize)?,
        bytes: region.span(begin, places.frames, places.stride)?,
    })
}

impl FrameShape {
    /// Says something of the picture; whoever has the frame to write may.
    pub(super) fn set_picture(&self, picture: &Picture) {
        self.track.write();
        let words: [u32; 8] = bytemuck::cast(*picture);
        for (to, word) in self.picture.iter().zip(words) {
            to.store(word, Relaxed);
        }
    }

    /// What was said of the picture; whoever has the frame may ask.
    pub(super) fn picture(&self) -> Picture {
        self.track.read();
        let words: [u32; 8] = core::array::from_fn(|index| self.picture[index].load(Relaxed));
        bytemuck::cast(words)
    }
}
