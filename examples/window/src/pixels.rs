//! Luma and colour samples made into a screen's pixels, as large as the window.
//!
//! The picture keeps its proportions, the rest of the window is black. A pixel is the sample nearest to it, so that a
//! window as large as the picture shows each sample once. Pixels are 32 bits, little-endian.

use super::Failure;
use super::picture_png::rgb;
use super::y4m::Header;

/// How a screen lays out a colour in a pixel.
#[derive(Clone, Debug)]
pub struct Layout([[u32; 256]; 3]);

impl Layout {
    /// As `encode` lays out red, green and blue, each by itself: their pixels are added up.
    pub fn new(encode: impl Fn([u8; 3]) -> u32) -> Self {
        let table = |channel: usize| {
            std::array::from_fn(|value| {
                let mut colour = [0; 3];
                colour[channel] = value as u8;
                encode(colour)
            })
        };
        Self([table(0), table(1), table(2)])
    }

    /// The pixel of a colour.
    pub fn pixel(&self, [red, green, blue]: [u8; 3]) -> u32 {
        let [reds, greens, blues] = &self.0;
        reds[usize::from(red)] | greens[usize::from(green)] | blues[usize::from(blue)]
    }
}

/// Where in a window a picture is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The first column.
    pub left: usize,
    /// The first row.
    pub top: usize,
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
}

impl Place {
    /// The largest one in the middle of `window` that has the proportions of `picture`.
    pub fn fit(picture: (u32, u32), window: (u16, u16)) -> Self {
        let (across, down) = (u64::from(picture.0.max(1)), u64::from(picture.1.max(1)));
        let (wide, high) = (u64::from(window.0), u64::from(window.1));
        let (width, height) = if wide * down <= high * across {
            (wide, (wide * down / across).max(1).min(high))
        } else {
            ((high * across / down).max(1).min(wide), high)
        };
        Self {
            left: ((wide - width) / 2) as usize,
            top: ((high - height) / 2) as usize,
            width: width as usize,
            height: height as usize,
        }
    }
}

/// Draws `picture`, a frame as `video` describes it, into the pixels of a window.
pub fn paint(
    video: &Header,
    picture: &[u8],
    window: (u16, u16),
    layout: &Layout,
    into: &mut Vec<u8>,
) -> Result<(), Failure> {
    let (found, wanted) = (picture.len(), video.frame_bytes());
    if found != wanted {
        let text = format!("a picture has {wanted} bytes, found {found}");
        return Err(Failure::new(text));
    }
    let [luma, colour, _] = video.plane_bytes();
    let (luma, colours) = picture.split_at(luma);
    let (blues, reds) = colours.split_at(colour);
    let (columns, rows) = (video.width as usize, video.height as usize);
    let across = video.chroma_size().0 as usize;
    let shrink = video.chroma.divisors();

    let (wide, high) = (usize::from(window.0), usize::from(window.1));
    into.clear();
    into.resize(4 * wide * high, 0);
    let place = Place::fit((video.width, video.height), window);
    let from: Vec<usize> = (0..place.width)
        .map(|x| nearest(x, place.width, columns))
        .collect();
    for y in 0..place.height {
        let row = nearest(y, place.height, rows);
        let luma = &luma[row * columns..][..columns];
        let first = 4 * ((place.top + y) * wide + place.left);
        let pixels = into[first..][..4 * place.width].chunks_exact_mut(4);
        let Some((x_by, y_by)) = shrink else {
            for (pixel, &x) in pixels.zip(&from) {
                pixel.copy_from_slice(&layout.pixel([luma[x]; 3]).to_le_bytes());
            }
            continue;
        };
        let at = row / y_by as usize * across;
        let (blues, reds) = (&blues[at..][..across], &reds[at..][..across]);
        for (pixel, &x) in pixels.zip(&from) {
            let at = x / x_by as usize;
            let colour = rgb(luma[x], blues[at], reds[at]);
            pixel.copy_from_slice(&layout.pixel(colour).to_le_bytes());
        }
    }
    Ok(())
}

/// The one of `there` samples that lies under the middle of pixel `at` of `pixels`.
fn nearest(at: usize, pixels: usize, there: usize) -> usize {
    (2 * at + 1) * there / (2 * pixels)
}
