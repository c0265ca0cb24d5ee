//! A short video made by code, encoded once: what the decoder gets as its standard input if there is no file.
//!
//! ```text
//! "rp-clip1"  width u32  height u32  frames a second u32  packets u32
//! then each   len u32  key u32  checksum of the picture u32  len bytes
//! ```
//! The checksum is made by whoever drew the picture, so it covers the decoding as well.

use super::codec;
use super::shared::picture_bytes;

const MAGIC: [u8; 8] = *b"rp-clip1";
/// Frames of the clip, which repeats itself.
pub const FRAMES: u32 = 60;
/// Every so many frames one can be decoded by itself.
const KEY: u32 = 15;

/// Draws and encodes the clip.
pub fn make(width: u32, height: u32, fps: u32) -> Vec<u8> {
    let mut file = MAGIC.to_vec();
    for word in [width, height, fps, FRAMES] {
        file.extend(word.to_le_bytes());
    }
    let bytes = picture_bytes(width, height) as usize;
    let (mut before, mut picture) = (vec![0; bytes], vec![0; bytes]);
    for number in 0..FRAMES {
        draw(number, width, height, &mut picture);
        let key = number % KEY == 0;
        let packet = codec::encode((!key).then_some(&before), &picture);
        let words = [packet.len() as u32, key.into(), crc32fast::hash(&picture)];
        words
            .iter()
            .for_each(|word| file.extend(word.to_le_bytes()));
        file.extend(packet);
        std::mem::swap(&mut before, &mut picture);
    }
    file
}

/// A disc that goes to and fro in front of a sky, and a bar as long as the time.
fn draw(number: u32, width: u32, height: u32, into: &mut [u8]) {
    let (luma, colour) = into.split_at_mut(width as usize * height as usize);
    let (half, rows) = (width.div_ceil(2), height.div_ceil(2));
    let (blue, red) = colour.split_at_mut(half as usize * rows as usize);
    let planes = [
        (luma, width, height, [40, 220]),
        (blue, half, rows, [150, 90]),
        (red, half, rows, [110, 170]),
    ];
    let phase = 2 * number.abs_diff(FRAMES / 2); // FRAMES, down to 0, and up again
    for (plane, width, height, [sky, disc]) in planes {
        let radius = i64::from(height / 5);
        let way = i64::from(width) - 2 * radius;
        let x = radius + way * i64::from(phase) / i64::from(FRAMES);
        let y = i64::from(height / 2) + radius * i64::from(phase) / i64::from(FRAMES);
        for (row, line) in plane.chunks_exact_mut(width as usize).enumerate() {
            line.fill(sky + (row as u32 * 60 / height.max(1)) as u8);
            let off = row as i64 - y;
            let wide = (radius * radius - off * off).max(0).isqrt();
            let span = |from: i64, to: i64| {
                let within = |x: i64| x.clamp(0, i64::from(width)) as usize;
                within(from)..within(to)
            };
            line[span(x - wide, x + wide)].fill(disc);
            if row as u32 >= height - height.div_ceil(16) {
                let time = i64::from(width) * i64::from(number + 1) / i64::from(FRAMES);
                line[span(0, time)].fill(disc);
            }
        }
    }
}

/// The clip as the decoder has it: every length looked at.
#[derive(Debug)]
pub struct Clip {
    pub width: u32,
    pub height: u32,
    pub fps: u32,
    packets: Vec<Packet>,
}

#[derive(Debug)]
struct Packet {
    key: bool,
    checksum: u32,
    bytes: Vec<u8>,
}

impl Clip {
    /// `None` of what is no clip.
    pub fn parse(file: &[u8]) -> Option<Self> {
        let mut rest = file.strip_prefix(&MAGIC)?;
        let mut word = || {
            let (word, after) = rest.split_first_chunk()?;
            rest = after;
            Some(u32::from_le_bytes(*word))
        };
        let [width, height, fps, count] = [word()?, word()?, word()?, word()?];
        let mut packets = Vec::new();
        for _ in 0..count {
            let mut word = || {
                let (word, after) = rest.split_first_chunk()?;
                rest = after;
                Some(u32::from_le_bytes(*word))
            };
            let [len, key, checksum] = [word()?, word()?, word()?];
            let (bytes, after) = rest.split_at_checked(len as usize)?;
            rest = after;
            packets.push(Packet {
                key: key != 0,
                checksum,
                bytes: bytes.to_vec(),
            });
        }
        let sides = 1..=1 << 14;
        let whole = packets.first().is_some_and(|first| first.key) && rest.is_empty();
        let good = whole && fps > 0 && sides.contains(&width) && sides.contains(&height);
        good.then_some(Self {
            width,
            height,
            fps,
            packets,
        })
    }

    /// Decodes a frame, of those that repeat for ever, in place: from the one `before` if that is at hand, otherwise from the last that can be
    /// decoded by itself. Answers its checksum.
    pub fn decode(
        &self,
        number: u64,
        before: Option<(u64, &[u8])>,
        into: &mut [u8],
    ) -> Option<u32> {
        let index = (number % self.packets.len() as u64) as usize;
        let wanted = &self.packets[index];
        let before = before.filter(|(before, bytes)| {
            !wanted.key && before.checked_add(1) == Some(number) && bytes.len() == into.len()
        });
        let first = match before {
            Some((_, bytes)) => {
                into.copy_from_slice(bytes);
                index
            }
            None => self.packets[..=index].iter().rposition(|of| of.key)?,
        };
        for packet in &self.packets[first..=index] {
            codec::apply(&packet.bytes, packet.key, into)?;
        }
        Some(wanted.checksum)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_frame_is_decoded_from_the_one_before_and_after_a_seek() {
        for (width, height) in [(64, 36), (7, 5), (1, 1)] {
            let file = make(width, height, 60);
            let clip = Clip::parse(&file).unwrap();
            let bytes = picture_bytes(width, height) as usize;
            let (mut before, mut now, mut sought) =
                (vec![0; bytes], vec![1; bytes], vec![2; bytes]);
            for number in 0..2 * u64::from(FRAMES) {
                let reference = number.checked_sub(1).map(|last| (last, &before[..]));
                let sum = clip.decode(number, reference, &mut now).unwrap();
                assert_eq!(crc32fast::hash(&now), sum, "{number}");
                assert_eq!(clip.decode(number, None, &mut sought), Some(sum));
                assert_eq!(now, sought);
                std::mem::swap(&mut before, &mut now);
            }
        }
    }

    #[test]
    fn no_two_frames_are_alike_and_encoding_is_worth_it() {
        let file = make(320, 180, 60);
        let clip = Clip::parse(&file).unwrap();
        let sums: std::collections::BTreeSet<_> =
            clip.packets.iter().map(|of| of.checksum).collect();
        assert_eq!(sums.len(), FRAMES as usize);
        assert!(file.len() < 86_400 * 60 / 8, "{}", file.len());
    }

    #[test]
    fn what_is_no_clip_is_refused() {
        let file = make(8, 8, 60);
        for cut in 0..file.len() {
            assert!(Clip::parse(&file[..cut]).is_none(), "{cut}");
        }
        let longer = [&file[..], &[0]].concat();
        assert!(Clip::parse(&longer).is_none());
        for at in 0..file.len() {
            let mut file = file.clone();
            file[at] ^= 0xff;
            let mut picture = vec![0; 96];
            if let Some(clip) = Clip::parse(&file) {
                // Whatever it is now: no panic.
                clip.decode(20, None, &mut picture);
            }
        }
    }
}
